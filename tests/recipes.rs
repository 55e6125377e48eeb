//! docs/recipes.md cannot rot: every command on it is taken out, parsed by the program, and run against the lab. What stands in
//! `sh` fences there, in docs/running.md and in the README is also run as it stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use connector_doctor::cli::args;
use connector_doctor::env::Env;

const NAME: &str = "connector-doctor";

/// What stands in fences on the page, continued lines joined.
fn fenced() -> Vec<(String, String)> {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md")).expect("the page");
    let (mut heading, mut inside, mut lines) = (String::new(), false, Vec::new());
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            lines.push((heading.clone(), line.to_owned()));
        } else if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
    }
    assert!(!inside, "a fence is open at the end");
    lines
}

/// The words of the command on a line, the program's name first: an array as in JSON, or up to where the shell, or
/// the quotes around it, end it.
fn command(line: &str) -> Option<Vec<String>> {
    if let Some(at) = line.find('[').filter(|_| line.contains(&format!("{NAME}\", "))) {
        let end = line.rfind(']').expect("an array ends on its line");
        let words: Vec<String> = serde_json::from_str(&line[at..=end]).expect("an array of strings");
        return Some([vec![NAME.to_owned()], words[1..].to_vec()].concat());
    }
    let verbs = ["check", "report", "diff"].map(|verb| format!("{NAME} {verb}"));
    let at = verbs.iter().find_map(|start| line.find(start.as_str()))?;
    let before = line[..at].rsplit(['/', ' ', '=']).next().unwrap_or_default();
    let close = match before.chars().last() {
        Some(quote @ ('\'' | '"')) => quote,
        Some('(') => ')',
        _ => '\0',
    };
    let text = line[at..].split(close).next().unwrap_or_default();
    let words = text.split(" 2>").next().unwrap_or_default().split_whitespace();
    let words: Vec<String> = words.map(str::to_owned).collect();
    assert!(words.iter().all(|word| !word.contains(['|', ';', '&', '$', '>'])), "not understood: {line}");
    Some(words)
}

fn commands() -> Vec<(String, Vec<String>)> {
    fenced().into_iter().filter_map(|(heading, line)| Some((heading, command(&line)?))).collect()
}

#[test]
fn every_recipe_has_a_command_that_the_program_understands() {
    let commands = commands();
    for topic in [
        "GitHub Actions",
        "GitLab",
        "Jenkins",
        "cron",
        "Docker HEALTHCHECK",
        "Nagios and Icinga",
        "Ansible",
        "Kubernetes",
    ] {
        assert!(commands.iter().any(|(heading, _)| heading == topic), "no command under {topic}");
    }
    for (heading, words) in &commands {
        let parsed = args::parse(words.iter().map(Into::into));
        assert!(parsed.is_ok(), "{heading}: {words:?}: {parsed:?}");
    }
    // No line that names the program as one to run escapes the two readings above.
    let named = fenced()
        .into_iter()
        .filter(|(_, line)| line.contains(&format!("{NAME} ")) || line.contains(&format!("{NAME}\", ")));
    let others =
        |line: &str| line.contains("COPY ") || line.contains("docker run") || line.contains("kubectl debug");
    for (heading, line) in named.filter(|(_, line)| !others(line)) {
        assert!(command(&line).is_some(), "{heading}: {line}");
    }
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

#[test]
fn every_check_of_a_recipe_runs_and_tells_healthy_from_broken() {
    let dir = folder("recipes");
    let mut ran = 0;
    for (heading, words) in commands() {
        if words[1] != "check" {
            continue;
        }
        let codes = ["healthy", "clock-behind"].map(|scenario| {
            let (mut here, mut files) = (vec!["lab".to_owned(), scenario.to_owned()], Vec::new());
            let mut rest = words[2..].iter();
            while let Some(word) = rest.next() {
                match word.split_once('=') {
                    // The lab brings its own network and Resources, and is run whole.
                    _ if ["--network", "--resource", "--config"].contains(&word.as_str()) => {
                        let _ = rest.next();
                    }
                    _ if word.starts_with('\'') => {}
                    Some((format, file)) => {
                        let name = Path::new(file).file_name().expect("a name");
                        files.push(dir.join(name));
                        here.push(format!("{format}={}", dir.join(name).display()));
                    }
                    None => here.push(word.clone()),
                }
            }
            let summary = dir.join("summary.md");
            let _ = fs::remove_file(&summary);
            let out = Command::new(env!("CARGO_BIN_EXE_connector-doctor"))
                .args(&here)
                .env_clear()
                .env("GITHUB_STEP_SUMMARY", &summary)
                .stdin(Stdio::null())
                .output()
                .expect("runs");
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(said, "", "{heading}: {here:?}");
            for file in files {
                assert!(
                    fs::metadata(&file).is_ok_and(|meta| meta.len() > 100),
                    "{heading}: {}",
                    file.display()
                );
                fs::remove_file(&file).expect("removed");
            }
            assert_eq!(
                summary.exists(),
                here.iter().any(|word| word == "github"),
                "{heading}: the step's summary"
            );
            out.status.code().expect("a code")
        });
        let broken = match words.join(" ") {
            all if all.contains("--fail-on none") => 0,
            all if all.contains("nagios") => 2,
            _ => 1,
        };
        assert_eq!(codes, [0, broken], "{heading}: {words:?}");
        ran += 1;
    }
    assert!(ran >= 10, "only {ran} commands ran");
}

/// The command lines in fences of `sh` on the pages that say how to run it: as they stand, a here-document with its command.
fn pasted() -> Vec<String> {
    let mut all = Vec::new();
    for page in ["README.md", "docs/running.md", "docs/recipes.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("the page");
        for fence in text.split("\n```sh\n").skip(1) {
            let fence = fence.split("\n```").next().unwrap_or_default();
            let mut end = None;
            for line in fence.lines() {
                match all.last_mut() {
                    Some(last) if end.is_some() => {
                        let last: &mut String = last;
                        last.push('\n');
                        last.push_str(line);
                    }
                    _ => all.push(line.to_owned()),
                }
                end = match line.split_once("<<'") {
                    Some((_, mark)) => Some(mark.trim_end_matches('\'')),
                    None => end.filter(|mark| *mark != line),
                };
            }
        }
    }
    all
}

/// Lines that others run: `.ci/run` (the README's test), `tests/container` (the image's) and `.ci/trial.py` (what is made for
/// others, in roots of its own).
const ELSEWHERE: &[&str] = &[
    "cargo run --release -- lab",
    "cargo test",
    "TARGETS=x86_64-unknown-linux-musl .ci/release tools binaries",
    "docker build -t connector-doctor -f docs/container/Dockerfile target/image/x86_64",
    "docker run ",
    "podman run ",
    "kubectl debug ",
    "sudo systemctl ",
    "sudo install -m ",
    "sudo dpkg ",
    "sudo rpm ",
];

/// The programs that the lines name beside this one, each as little as the line needs of it.
const STAND_INS: &[(&str, &str)] = &[
    ("sudo", "exec \"$@\""),
    // The process that a container is: the shell, whose network nobody is in.
    ("docker", "echo \"$INSIDE\""),
    ("kubectl", "echo '2026-11-28T21:00:00Z INFO State: Online'"),
];

#[test]
fn every_command_line_of_the_pages_runs_as_pasted() {
    let lines = pasted();
    let (elsewhere, here): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| ELSEWHERE.iter().any(|start| line.starts_with(start)));
    for start in ELSEWHERE {
        assert!(elsewhere.iter().any(|line| line.starts_with(start)), "no page says {start}");
    }
    if !nix::unistd::geteuid().is_root() {
        assert_ne!(Env::system().var("CI"), Some("true"), "needs root");
        eprintln!("SKIPPED: the pages' command lines need root, for a network of their own");
        return;
    }
    let dir = folder("pasted");
    let programs = dir.join("bin");
    fs::create_dir(&programs).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_connector-doctor"), programs.join(NAME)).expect("a link");
    for (name, does) in STAND_INS {
        let file = programs.join(name);
        fs::write(&file, format!("#!/bin/sh\n{does}\n")).expect("written");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("made to run");
    }
    fs::create_dir(dir.join("kept")).expect("a folder");
    // No network but a loopback of its own; what is written below /usr/share is gone with the shell.
    let jail = format!(
        "mount -t tmpfs none /usr/share && mount --bind '{}' /var/tmp || exit 99\n\
         for folder in bash-completion/completions zsh/site-functions fish/vendor_completions.d man/man1; do \
         mkdir -p /usr/share/$folder; done\nexport INSIDE=$$\n",
        dir.join("kept").display()
    );
    let mut ran = 0;
    for line in here {
        let out = Command::new("unshare")
            .args(["--net", "--mount", "/bin/sh", "-c", &format!("{jail}{line}")])
            .current_dir(&dir)
            .env_clear()
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", programs.display()))
            .stdin(Stdio::null())
            .output()
            .expect("unshare runs");
        let (said, error) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        // A host without a network is unhealthy, or not decided; a line that did not start ends in 2 or more than 3.
        assert!(matches!(out.status.code(), Some(0 | 1 | 3)), "{line}: {:?}\n{said}{error}", out.status);
        let quiet = line.contains('>') || line.contains("junit=") || line.contains("json=");
        assert!(quiet || said.contains(NAME) || said.contains("CDR-"), "{line}\n{said}{error}");
        ran += 1;
    }
    assert!(ran >= 15, "only {ran} lines ran");
}
