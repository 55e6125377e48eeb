//! docs/recipes.md cannot rot: every command on it is taken out, parsed by the program, and run against the lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use connector_doctor::cli::args;

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

fn folder() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

#[test]
fn every_check_of_a_recipe_runs_and_tells_healthy_from_broken() {
    let dir = folder();
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
