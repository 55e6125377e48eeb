//! The units and manifests of docs/: systemd takes them, YAML readers read them, and the command lines in them are ones
//! that this program takes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use connector_doctor::cli::args;
use connector_doctor::env::Env;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_connector-doctor");

/// Where a program stands; none, loudly, where it is not installed, and never in CI.
#[expect(clippy::print_stderr, reason = "a skip is loud")]
fn program(package: &str, name: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    assert_ne!(Env::system().var("CI"), Some("true"), "{name} is missing: install {package}");
    eprintln!("SKIPPED: {name} is missing: install {package}");
    None
}

fn docs(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(folder)
}

/// A folder of this test's own, made anew.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// The program takes these words.
fn assert_parsed(words: &[&str]) {
    let all = std::iter::once("connector-doctor").chain(words.iter().copied()).map(OsString::from);
    assert!(args::parse(all).is_ok(), "{words:?}: {:?}", args::parse(words.iter().map(OsString::from)));
}

#[test]
fn the_units_are_clean_hardened_and_start_what_there_is() {
    let Some(analyze) = program("systemd", "systemd-analyze") else { return };
    let dir = folder("units");
    let mut services = Vec::new();
    let mut files = Vec::new();
    for entry in fs::read_dir(docs("systemd")).expect("units") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        if let Some(command) =
            text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/connector-doctor "))
        {
            assert_parsed(&command.split(' ').collect::<Vec<_>>());
            services.push(name.clone());
        }
        let file = dir.join(name);
        fs::write(&file, text.replace("/usr/bin/connector-doctor", BINARY)).expect("written");
        files.push(file);
    }
    assert_eq!((services.len(), files.len()), (2, 3));
    let output = Command::new(&analyze).arg("verify").args(&files).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    for service in services {
        let output = Command::new(&analyze)
            .args(["security", "--offline=true", "--no-pager", "--threshold=30"])
            .arg(dir.join(&service))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{service} is exposed:\n{said}");
    }
    // It can complain.
    fs::write(dir.join("bad.service"), "[Service]\nExecStart=/nowhere\nPrivateTemp=yes\n").expect("written");
    let output = Command::new(&analyze).arg("verify").arg(dir.join("bad.service")).output().expect("it runs");
    assert!(!output.stderr.is_empty());
}

/// The documents of a file.
fn yaml(python: &Path, path: &Path) -> Vec<Value> {
    const READ: &str = "import sys, json, yaml\n\
                        print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let output = Command::new(python).args(["-c", READ]).arg(path).output().expect("python runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error} (install python3-yaml)", path.display());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|word| word.as_str().expect("a string")).collect()
}

#[test]
fn pods_are_restricted_and_run_commands_that_there_are() {
    let Some(python) = program("python3", "python3") else { return };
    let watch = yaml(&python, &docs("kubernetes/watch.yaml")).remove(0);
    let check = yaml(&python, &docs("kubernetes/check.yaml")).remove(0);
    assert_eq!((&watch["apiVersion"], &watch["kind"]), (&"apps/v1".into(), &"DaemonSet".into()));
    assert_eq!((&check["apiVersion"], &check["kind"]), (&"batch/v1".into(), &"CronJob".into()));
    assert_eq!(watch["spec"]["selector"]["matchLabels"], watch["spec"]["template"]["metadata"]["labels"]);
    assert_eq!(check["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"], "Never");
    for (pod, word) in [
        (&watch["spec"]["template"]["spec"], "watch"),
        (&check["spec"]["jobTemplate"]["spec"]["template"]["spec"], "report"),
    ] {
        // What the "restricted" pod security standard asks for.
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{word}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{word}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{word}");
        let container = &pod["containers"][0];
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false, "{word}");
        assert_eq!(context["readOnlyRootFilesystem"], true, "{word}");
        assert_eq!(words(&context["capabilities"]["drop"]), ["ALL"], "{word}");
        let arguments = words(&container["args"]);
        assert_eq!(arguments[0], word);
        assert_parsed(&arguments);
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let volumes = pod["volumes"].as_array().expect("volumes");
            assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
        }
    }
    let container = &watch["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["containerPort"], 19808);
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["env"][0]["name"], "STATE_DIRECTORY");
    assert_eq!(container["env"][0]["value"], container["volumeMounts"][0]["mountPath"]);
}

#[test]
fn the_compose_file_watches_from_the_connectors_network() {
    let Some(python) = program("python3", "python3") else { return };
    let compose = yaml(&python, &docs("container/compose.yaml")).remove(0);
    let service = &compose["services"]["connector-doctor"];
    assert_parsed(&words(&service["command"]));
    assert_eq!(service["network_mode"], "container:twingate-connector");
    assert_eq!(service["read_only"], true);
    let state = service["environment"]["STATE_DIRECTORY"].as_str().expect("a place for the store");
    assert_eq!(words(&service["volumes"]), [format!("state:{state}")]);
    // The context is a folder of cargo's, which need not be there yet: `..` is taken by the letter.
    let build = ["context", "dockerfile"].map(|key| service["build"][key].as_str().expect("a path"));
    let mut file = docs("container");
    for part in build.iter().flat_map(|path| path.split('/')) {
        if part == ".." { assert!(file.pop()) } else { file.push(part) }
    }
    assert_eq!(file, docs("container/Dockerfile"));
    assert!(file.is_file());
}
