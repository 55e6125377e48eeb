//! Reports that were saved or pasted, as support reads them back; and what packagers need. No network but the lab's.
#![expect(clippy::disallowed_methods, reason = "the test's own clock")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn doctor(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector-doctor"));
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> (i32, String, String) {
    told(&doctor(words).output().expect("the program runs"))
}

fn told(out: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (out.status.code().expect("a code"), text(&out.stdout), text(&out.stderr))
}

fn with_stdin(words: &[&str], text: &str) -> (i32, String, String) {
    let mut child = doctor(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
    told(&child.wait_with_output().expect("ends"))
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("saved-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// A scenario's servers, until dropped, and the options that use them.
struct Served {
    lab: Child,
    options: Vec<String>,
}

impl Served {
    fn new(scenario: &str) -> Self {
        let dir = folder(&format!("lab-{scenario}"));
        let words = ["lab", "--serve", scenario, "--dir", &dir.to_string_lossy()];
        let lab = doctor(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        let file = dir.join("check-command");
        let begun = Instant::now();
        while !file.exists() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let command = fs::read_to_string(&file).expect("the command");
        Self { lab, options: command.split_whitespace().skip(2).map(str::to_owned).collect() }
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let options = self.options.iter().map(String::as_str);
        run(&words.iter().copied().chain(options).collect::<Vec<_>>())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.lab.kill();
        let _ = self.lab.wait();
    }
}

fn saved(scenario: &str) -> String {
    let file = folder(&format!("json-{scenario}")).join("report.json").to_string_lossy().into_owned();
    let (_, _, complaint) = run(&["lab", scenario, "-f", &format!("json={file}"), "-q"]);
    assert_eq!(complaint, "");
    file
}

#[test]
fn a_saved_report_renders_as_the_run_did_in_every_format() {
    let file = saved("clock-behind");
    let (code, json, _) = run(&["render", &file, "--json"]);
    let (read, again): (Value, Value) = (
        serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON"),
        serde_json::from_str(&json).expect("JSON"),
    );
    assert_eq!((code, &read), (1, &again));
    for format in connector_doctor::render::FORMATS {
        let (code, stdout, stderr) = run(&["render", &file, "-f", format.name]);
        assert_eq!((code, stderr.as_str()), (1, ""), "{}", format.name);
        assert!(stdout.contains("clock-skew"), "{}: {stdout}", format.name);
    }
    assert_eq!(run(&["render", &file, "--exit-codes", "nagios"]).0, 2);
    assert_eq!(run(&["render", &file, "--fail-on", "none"]).0, 0);
    let (_, strict, _) = run(&["render", &file, "--redact", "strict"]);
    assert!(strict.contains("redaction strict") && strict.contains("[host-1]"), "{strict}");
    assert_eq!(run(&["render", &file, "--json"]), run(&["render", &file, "-f", "json"]));
    assert_eq!(run(&["render", &file, "--json"]), run(&["render", &file, "--json", "--format=json=-"]));
    // From stdin, as `... | connector-doctor render -`.
    let (_, piped, _) = with_stdin(&["render", "-", "--json"], &json);
    assert_eq!(piped, json);
}

#[test]
fn what_is_no_report_is_said_in_a_line() {
    let (code, stdout, stderr) = run(&["render", "/nonexistent/report.json"]);
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (2, "", 1), "{stderr}");
    for (text, says) in [
        ("", "no report"),
        ("hello", "no report"),
        ("{}", "not a report"),
        ("{\"a\": ", "not a report"),
        ("{\"format_version\": \"2.0\", \"verdict\": \"later\"}", "format 2.0"),
        ("{\"format_version\": \"0.1\"}", "format 0.1"),
        ("-- end of CDR-AAAA-BBBB: 1 checks, 1 lines, sum 0000-0000 --", "--with-data"),
        ("-- data of CDR-AAAA-BBBB: 1 bytes, sum 0000-0000 --\nAAAA\n-- end of data --", "edited or cut"),
        ("-- data of CDR-AAAA-BBBB: 1 bytes, sum 0000-0000 --\nAAAA\n", "cut"),
    ] {
        let (code, stdout, stderr) = with_stdin(&["render", "-"], text);
        assert_eq!((code, stdout.as_str(), stderr.lines().count()), (2, "", 1), "{text}: {stderr}");
        assert!(stderr.contains(says), "{text}: {stderr}");
    }
    assert_eq!(run(&["render", "x.json", "--stun", "a"]).0, 2);
    // A later minor version adds; what is not known is left out. A report cut anywhere is none.
    let (_, json, _) = run(&["lab", "clock-behind", "--json"]);
    let later =
        json.replace("\"1.0\"", "\"1.7\"").replace("\"verdict\":", "\"added\": {\"a\": [1]}, \"verdict\":");
    let (code, stdout, stderr) = with_stdin(&["render", "-"], &later);
    assert!(code == 1 && stderr.is_empty() && stdout.contains("clock-skew"), "{stderr}");
    for part in [1, 2, 3] {
        let (code, stdout, stderr) = with_stdin(&["render", "-"], &json[..json.len() * part / 4]);
        assert_eq!((code, stdout.as_str(), stderr.lines().count()), (2, "", 1), "{stderr}");
    }
    // As an attachment's text in a ticket.
    let (code, stdout, _) = with_stdin(&["render", "-"], &format!("Hello,\n\n```json\n{json}```\nBob\n"));
    assert!(code == 1 && stdout.contains("clock-skew"), "{stdout}");
    // A folder, and a name that would steer the terminal.
    let (code, _, stderr) = run(&["render", "/"]);
    assert!(code == 2 && stderr.contains("folder"), "{stderr}");
    for words in [
        ["render", "/nonexistent/\u{1b}[31m\u{202e}\nx"],
        ["lab", "-fjson=/nonexistent/\u{1b}[31m\u{202e}\nx"],
    ] {
        let (code, _, stderr) = run(&words);
        assert!(code == 2 && stderr.lines().count() == 1, "{stderr:?}");
        assert!(!stderr.contains(['\u{1b}', '\u{202e}']), "{stderr:?}");
    }
}

#[test]
fn a_paste_is_short_redacted_and_read_back_out_of_a_ticket() {
    let lab = Served::new("clock-behind");
    let (code, paste, _) = lab.run(&["report"]);
    assert_eq!(code, 1);
    let (readable, data) = paste.split_once("-- data of").expect("data");
    assert!(paste.is_ascii() && readable.len() <= 4096, "{} bytes", readable.len());
    assert!(paste.contains("[host-1] (this machine's own)"), "{paste}");
    // A command stands on one line, however long.
    let fits = |line: &str| line.len() <= 80 || line.contains("connector-doctor check ");
    assert!(readable.lines().count() <= 60 && paste.lines().all(fits), "{paste}");
    assert!(data.lines().count() <= 41, "{data}");
    let (code, read, complaint) = with_stdin(&["render", "-"], &paste);
    assert!(code == 1 && read.contains("clock-skew") && complaint.is_empty(), "{complaint}{read}");
    let lines: Vec<&str> = paste.lines().collect();
    assert_eq!((lines[0], lines.last()), ("```text", Some(&"```")));
    assert!(lines[1].starts_with("connector-doctor ") && lines[2].contains("UNHEALTHY"), "{paste}");
    assert!(paste.contains("redaction default"));

    let (_, with_data, _) = lab.run(&["report", "--with-data"]);
    let (_, straight, _) = with_stdin(&["render", "-"], &with_data);
    assert!(straight.contains("clock-skew"), "{straight}");
    for (name, damage) in DAMAGES {
        let (bare, ticket) = (damage(&paste), damage(&with_data));
        let (code, said, _) = with_stdin(&["render", "--verify", "-"], &bare);
        assert!(code == 0 && said.contains("as it was written"), "{name}: {said}{bare}");
        let (code, said, _) = with_stdin(&["render", "--verify", "-"], &ticket);
        assert!(code == 0 && said.contains("with its data"), "{name}: {said}{ticket}");
        let (code, read, complaint) = with_stdin(&["render", "-"], &ticket);
        assert_eq!((code, read.as_str(), complaint.as_str()), (1, straight.as_str(), ""), "{name}: {ticket}");
        // One changed digit, in the text and in the data.
        for text in [&bare, &ticket] {
            let at = text.find("7.0").expect("the offset");
            let mut edited = text.clone();
            edited.replace_range(at..=at, "6");
            let (code, said, _) = with_stdin(&["render", "--verify", "-"], &edited);
            assert!(code == 1 && said.contains("edited or cut"), "{name}: {said}");
        }
        let at = ticket.find("data of").expect("data") + 160;
        let at = at + ticket[at..].find(|c: char| c.is_ascii_alphanumeric()).expect("a letter");
        let mut edited = ticket.clone();
        let other = if &ticket[at..=at] == "A" { "B" } else { "A" };
        edited.replace_range(at..=at, other);
        assert_eq!(with_stdin(&["render", "--verify", "-"], &edited).0, 1, "{name}");
        assert_eq!(with_stdin(&["render", "-"], &edited).0, 2, "{name}");
    }
    // Two in one text: each is told, the last is read.
    let both =
        format!("{}\nand now:\n{with_data}", with_data.replacen("7.0", "6.0", 1).replace('\n', "\n> "));
    let (code, said, _) = with_stdin(&["render", "--verify", "-"], &both);
    assert_eq!((code, said.lines().count()), (1, 2), "{said}");
    assert!(said.lines().next().is_some_and(|line| line.contains("edited")), "{said}");
    let (_, read, complaint) = with_stdin(&["render", "-"], &both);
    assert!(read == straight && complaint.contains("2 reports"), "{complaint}");
    let quoted = DAMAGES[0].1(&with_data);
    // The data are what was hidden, too.
    let (_, json, _) = with_stdin(&["render", "--json", "-"], &quoted);
    assert!(json.contains("\"redaction\": \"default\""), "{json}");
}

/// What becomes of a paste on its way to support.
type Damage = (&'static str, fn(&str) -> String);

const DAMAGES: &[Damage] = &[
    ("quoted in a mail", |t| format!("Hello,\nhere it is:\n\n> {}\n-- \nBob", t.replace('\n', "  \r\n> "))),
    ("quoted twice", |t| t.replace('\n', "\n> > ")),
    ("quoted twice, tightly", |t| t.replace('\n', "\n>>")),
    ("wrapped at 72", |t| wrapped(t, 72)),
    ("quoted and wrapped at 72", |t| wrapped(&format!("> {}", t.replace('\n', "\n> ")), 72)),
    ("quoted twice and wrapped at 60", |t| wrapped(&t.replace('\n', "\n> > "), 60)),
    ("ends of lines of Windows", |t| t.replace('\n', "\r\n")),
    ("blanks at ends of lines", |t| t.replace('\n', "   \n")),
    ("blanks trimmed and lines doubled", |t| t.replace('\n', "\n\n")),
    ("blanks of other widths", |t| {
        t.replace("  ", " \u{a0}").replace("   ", "\u{a0}\u{2003} ").replace('\n', "\u{200b}\n")
    }),
    ("tabs", |t| t.replace("    ", "\t")),
    ("indented by 4", |t| format!("    {}", t.replace('\n', "\n    "))),
    ("runs of blanks made one", |t| {
        t.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
    }),
    ("escaped by a web form", |t| {
        let text = t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', "&quot;").replace('\'', "&#39;").replace("  ", "&nbsp; ")
    }),
    ("a word processor's marks", |t| {
        let text = t.replace("--", "\u{2014}").replace("...", "\u{2026}").replace("->", "\u{2192}");
        text.replace('\'', "\u{2019}").replace('"', "\u{201c}")
    }),
    ("a mailer's short dashes", |t| t.replace(" -- ", " \u{2013} ").replace("-- end", "\u{2013} end")),
    ("without its fence, in a ticket", |t| {
        format!(
            "Dear support,\n\nour connector-doctor says\n{}\n\nRegards\n--\nBob\n",
            t.replace("```text", "").replace("```", "")
        )
    }),
];

/// As mailers do it: lines beyond `columns` are broken at a blank where there is one, anywhere else.
fn wrapped(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for mut line in text.lines() {
        while line.len() > columns {
            let at = line[..columns].rfind(' ').filter(|at| *at > 2).unwrap_or(columns);
            out.push_str(&line[..at]);
            out.push('\n');
            line = line[at..].trim_start_matches(' ');
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[test]
fn what_support_reads_out_of_a_paste_is_what_the_run_said() {
    let first = |text: &str| text.lines().skip_while(|line| *line != "FIX FIRST").nth(1).map(str::to_owned);
    for scenario in ["tls-intercepted", "controller-down", "captive-portal"] {
        let lab = Served::new(scenario);
        for level in ["default", "strict"] {
            let (code, paste, _) = lab.run(&["report", "--with-data", "--redact", level]);
            let (again, read, _) = with_stdin(&["render", "-"], &paste);
            assert!(first(&paste).is_some() && code == again, "{scenario}: {paste}");
            assert_eq!(first(&read), first(&paste), "{scenario} at {level}");
        }
    }
}

#[test]
fn a_comparison_says_what_changed_and_exits_1_when_worse() {
    let (good, bad) = (saved("healthy"), saved("stun-down"));
    let (code, text, _) = run(&["diff", &good, &bad]);
    assert_eq!(code, 1);
    assert!(text.contains("WORSE") && text.contains("NEW") && text.contains("stun.discovery"), "{text}");
    let (code, text, _) = run(&["diff", &bad, &good]);
    assert_eq!(code, 0);
    assert!(text.contains("FIXED") && text.contains("stun.discovery"), "{text}");
    let (code, json, _) = run(&["diff", &good, &good, "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &json["worse"], &json["fixed"]), (0, &Value::Bool(false), &serde_json::json!([])));
    assert_eq!(run(&["diff", &good, &bad, "-f", "junit"]).0, 2);
    let (code, _, complaint) = with_stdin(&["diff", "-", "-"], &json.to_string());
    assert!(code == 2 && complaint.contains("once"), "{complaint}");
    // A paste on one side, a file on the other; what was moved, and what is still bad.
    let (code, text, _) = with_stdin(&["diff", &bad, "-"], &fs::read_to_string(&bad).expect("there"));
    assert!(code == 0 && text.contains("STILL FAILING") && !text.contains("NEW"), "{text}");
}

#[test]
fn a_plan_names_what_a_run_contacts_and_reads() {
    let options = ["--stun", "stun.example.com", "--ntp", "192.0.2.1", "--dns", "192.0.2.53"];
    let (code, text, _) =
        run(&[&["plan", "--controller", "https://c.example.com:8443"], &options[..]].concat());
    assert_eq!(code, 0);
    for row in
        ["stun.example.com:3478", "192.0.2.1:123", "192.0.2.53:53", "c.example.com:8443", "/etc/resolv.conf"]
    {
        assert!(text.contains(row), "{row} is not in {text}");
    }
    assert!(!text.contains("c.example.com:80 "), "{text}");
    let (_, json, _) = run(&[&["plan", "--json", "--network", "acme"], &options[..]].concat());
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let contacts = json["contacts"].as_array().expect("contacts");
    assert!(contacts.iter().any(|c| c["destination"] == "acme.twingate.com:80"), "{json}");
}

/// Whether a path fits one of the plan's, of which a `*` stands for anything.
fn is_planned(path: &str, plan: &[String]) -> bool {
    plan.iter().any(|known| {
        let mut parts = known.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = path.strip_prefix(first) else {
            return path.len() + 1 == first.len() && first.starts_with(path);
        };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        known.ends_with('*') || rest.is_empty()
    })
}

fn planned(json: &str) -> (Vec<String>, Vec<String>) {
    let plan: Value = serde_json::from_str(json).expect("JSON");
    let rows = |key: &str| plan[key].as_array().expect("rows").clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let reads = rows("reads")
        .iter()
        .flat_map(|row| row["paths"].as_array().expect("paths").clone())
        .collect::<Vec<_>>();
    (reads.iter().map(text).collect(), rows("contacts").iter().map(|row| text(&row["destination"])).collect())
}

#[test]
fn every_file_that_the_sources_name_is_in_the_plan() {
    fn literals(folder: &Path, found: &mut Vec<String>) {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                literals(&path, found);
            } else if !path.to_string_lossy().contains("tests") {
                let text = fs::read_to_string(&path).expect("a source");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.extend(code.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src/probes", "src/connector"] {
        literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let (plan, _) = planned(&run(&["plan", "--json"]).1);
    let tops = ["/etc/", "/proc/", "/sys/", "/run/", "/usr/", "/var/", "/lib/", "/dev/"];
    let paths: Vec<&String> = found
        .iter()
        .filter(|path| {
            tops.iter().any(|top| path.starts_with(top))
                && !path.contains([' ', '\\'])
                && *path != "/dev/null"
        })
        .collect();
    assert!(paths.len() > 50, "only {} found", paths.len());
    let covered = |path: &&&String| {
        let any = path.replace("{}", "x").replace("{CONFIG_FILE}", "/x").replace(['{', '}'], "");
        is_planned(&any, &plan) || is_planned(&format!("{any}/"), &plan)
    };
    let left_out: Vec<_> = paths.iter().filter(|path| !covered(path)).collect();
    assert!(
        left_out.is_empty(),
        "a run may read these; src/cli/plan/files.rs does not say so: {left_out:#?}"
    );
}

#[test]
fn a_run_opens_and_contacts_what_its_plan_says() {
    let lab = Served::new("healthy");
    let (plan, contacts) = planned(&lab.run(&["plan", "--json"]).1);
    let log = folder("strace").join("log");
    let mut words = vec!["strace", "-f", "-qq", "-o", log.to_str().expect("UTF-8"), "-e"];
    words.extend([
        "trace=open,openat,execve,readlink,connect,sendto,sendmsg,sendmmsg",
        env!("CARGO_BIN_EXE_connector-doctor"),
        "check",
    ]);
    words.extend(lab.options.iter().map(String::as_str));
    let Some((good, said)) = tried("strace", &words, "") else { return };
    assert!(good, "{said}");
    let log = fs::read_to_string(log).expect("the trace");
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    // The loader's, and folders above all.
    let ours = |path: &str| path.starts_with('/') && !path.contains(".so") && path != "/" && path != "/proc";
    let opened = ["open(", "openat(", "readlink("];
    let mut files: Vec<String> =
        log.lines().filter(|line| opened.iter().any(|call| line.contains(call))).map(quoted).collect();
    files.sort();
    files.dedup();
    assert!(files.len() > 30, "{files:?}");
    for path in files.iter().filter(|path| ours(path)) {
        assert!(is_planned(path, &plan), "{path} was opened and is not in the plan");
    }
    let mut unlisted = std::collections::BTreeSet::new();
    for line in log.lines().filter(|line| line.contains("_port=htons(")) {
        let port = line.split("_port=htons(").nth(1).and_then(|rest| rest.split(')').next()).expect("a port");
        let address = line
            .split("inet_addr(\"")
            .nth(1)
            .or_else(|| line.split("AF_INET6, \"").nth(1))
            .expect("an address");
        let address = address.split('"').next().expect("an end");
        let end =
            if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
        // By name in the plan.
        let named = contacts.iter().any(|known| known.ends_with(&format!(".test:{port}")));
        if !contacts.contains(&end) && !named {
            unlisted.insert(end);
        }
    }
    // The alternate address that a listed STUN server names, and its two mixtures with the first one.
    assert!(unlisted.len() <= 3 && unlisted.iter().all(|end| end.starts_with("127.0.0.")), "{unlisted:?}");
    assert!(log.matches("_port=htons(").count() > 10, "nothing was traced");
}

/// Runs a program over a text on its stdin; none, loudly, where it is not installed, and never in CI.
#[expect(clippy::print_stderr, reason = "a skip is loud")]
fn tried(package: &str, words: &[&str], text: &str) -> Option<(bool, String)> {
    let command = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        assert_ne!(connector_doctor::env::Env::system().var("CI"), Some("true"), "install {package}");
        eprintln!("SKIPPED: {} is missing: install {package}", words[0]);
        return None;
    };
    let _ = child.stdin.take().expect("stdin").write_all(text.as_bytes());
    let out = child.wait_with_output().expect("ends");
    let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Some((out.status.success(), said))
}

#[test]
fn packagers_get_completions_that_their_shells_load() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, text, _) = run(&["completions", shell]);
        assert!(code == 0 && text.contains("with-data"), "{shell}");
    }
    let (code, _, complaint) = run(&["completions", "bsh"]);
    assert!(code == 2 && complaint.contains("bash"), "{complaint}");
    // What is typed, and a word that is offered for it.
    let offers = [
        ("check --fai", "--fail-on"),
        ("check --fail-on w", "warn"),
        ("check clock.o", "clock.offset"),
        ("lab clock-b", "clock-behind"),
        ("explain udp-", "udp-blocked"),
        ("render -f ju", "junit"),
        ("completions z", "zsh"),
    ];
    let (_, script, _) = run(&["completions", "bash"]);
    let ask = offers.map(|(typed, _)| format!("ask {typed}\n")).concat();
    let asked = format!(
        "{script}\nask() {{ COMP_WORDS=(connector-doctor \"$@\"); COMP_CWORD=$#; COMPREPLY=(); \
         _connector__doctor connector-doctor \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"$*: ${{COMPREPLY[*]}}\"; }}\n{ask}"
    );
    if let Some((_, said)) = tried("bash", &["bash"], &asked) {
        for (typed, offered) in offers {
            let line = said.lines().find(|line| line.starts_with(&format!("{typed}: ")));
            assert!(line.is_some_and(|line| line.split(' ').any(|word| word == offered)), "{typed}: {said}");
        }
        assert!(!said.contains("--listen"), "what check refuses is offered: {said}");
    }
    let (_, script, _) = run(&["completions", "fish"]);
    let ask =
        offers.map(|(typed, _)| format!("echo {typed}: (complete -C 'connector-doctor {typed}')\n")).concat();
    if let Some((good, said)) = tried("fish", &["fish", "--no-config"], &format!("{script}\n{ask}")) {
        for (typed, offered) in offers {
            let line = said.lines().find(|line| line.starts_with(&format!("{typed}: ")));
            assert!(good && line.is_some_and(|line| line.contains(offered)), "{typed}: {said}");
        }
    }
    let (_, script, _) = run(&["completions", "zsh"]);
    let loaded = format!("autoload -Uz compinit; compinit -D -u\n{script}\nwhence -w _connector-doctor\n");
    if let Some((good, said)) = tried("zsh", &["zsh", "-f"], &loaded) {
        assert!(good && said.trim() == "_connector-doctor: function", "{said}");
        assert!(script.contains("HOST[\\:PORT]"), "a colon ends a value's name");
    }
}

#[test]
fn packagers_get_a_manual_that_its_readers_take() {
    let (code, man, _) = run(&["man"]);
    assert_eq!(code, 0);
    for word in connector_doctor::cli::args::command().get_subcommands().map(clap::Command::get_name) {
        assert!(man.contains(&word.to_uppercase()), "{word} is not in the manual");
    }
    for word in
        ["EXIT STATUS", "130", "CONNECTOR_DOCTOR_", "TWINGATE_NETWORK", "NO_COLOR", "COLUMNS", "config.toml"]
    {
        assert!(man.contains(word), "{word} is not in the manual");
    }
    // No page is promised that is not installed.
    assert!(!man.contains("(1)"), "{man}");
    if let Some((good, said)) = tried("mandoc", &["mandoc", "-Tlint", "-Werror"], &man) {
        assert!(good && said.is_empty(), "{said}");
    }
    if let Some((good, said)) = tried("groff", &["groff", "-man", "-Tutf8", "-ww", "-z"], &man) {
        assert!(good && said.is_empty(), "{said}");
    }
}
