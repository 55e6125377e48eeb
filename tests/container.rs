//! The image of docs/container as users build and run it, by podman: beside a stand-in Connector in a container of its
//! own. Nothing leaves: no container has a network beyond loopback, and what runs on the host is in a namespace without one.
#![expect(clippy::print_stderr, reason = "a skip is loud")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use connector_doctor::env::Env;
use serde_json::Value;

const CANARY: &str = "canarY0123456789canarY";

/// Podman with a store of its own, emptied at the end.
struct Podman {
    store: PathBuf,
}

impl Podman {
    /// None, loudly, where it cannot run; in CI that is a failure.
    fn new() -> Option<Self> {
        let missing =
            ["/usr/bin/podman", "/usr/sbin/runc"].into_iter().find(|program| !Path::new(program).exists());
        let why = match (nix::unistd::geteuid().is_root(), missing) {
            (false, _) => "needs root".to_owned(),
            (true, Some(program)) => format!("needs {program}, see .ci/run"),
            (true, None) => {
                let store = std::env::temp_dir().join(format!("cdr-podman-{}", std::process::id()));
                return Some(Self { store });
            }
        };
        assert!(Env::system().var("CI").is_none_or(|v| v != "true"), "not to be skipped in CI, but {why}");
        eprintln!("SKIPPED ({why}): the container image");
        None
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let at = |folder: &str| self.store.join(folder).to_string_lossy().into_owned();
        let mut command = Command::new("podman");
        command.args([
            "--root",
            &at("root"),
            "--runroot",
            &at("run"),
            "--tmpdir",
            &at("tmp"),
            "--storage-driver",
            "vfs",
        ]);
        command.args(["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
        command.args(arguments).output().expect("podman starts")
    }

    fn must(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "podman {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs an image with the limits that this machine grants.
    fn run(&self, arguments: &[&str]) -> Output {
        let limits = ["run", "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"];
        self.output(&[&limits, arguments].concat())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.output(&["rm", "--all", "--force", "--time", "0"]);
        self.output(&["rmi", "--all", "--force"]);
        let _ = std::fs::remove_dir_all(&self.store);
    }
}

/// The static binary: `DOCTOR_BINARY`, as `.ci/trial.py` names what was released, else one built here without optimisation.
fn static_binary(package: &Path) -> PathBuf {
    if let Some(released) = Env::system().var("DOCTOR_BINARY") {
        return PathBuf::from(released);
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = package.join("target/static");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--target", &target, "--target-dir"])
        .arg(&folder)
        .current_dir(package)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the static binary does not build");
    folder.join(target).join("debug/connector-doctor")
}

fn report(output: &Output) -> Value {
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains(CANARY), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report\n{said}"))
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

/// What `podman run` is told by a line of a page: itself, or what `kubectl debug` makes of an image.
fn of_the_image(line: &str) -> Option<Vec<String>> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let here = |word: String| match word.as_str() {
        "container:NAME" | "container:connector" => "container:twingate-1".to_owned(),
        "registry.example/connector-doctor" => "connector-doctor".to_owned(),
        _ => word,
    };
    if let Some(rest) = line.strip_prefix("docker run ").or_else(|| line.strip_prefix("podman run ")) {
        return Some(words(rest).into_iter().map(here).collect());
    }
    let (_, command) = line.strip_prefix("kubectl debug ")?.split_once(" -- ")?;
    let mut command = words(command);
    let program = command.remove(0);
    let beside = "--rm --network container:twingate-1 --pid container:twingate-1 --entrypoint";
    Some([words(beside), vec![program, "connector-doctor".to_owned()], command].concat())
}

#[test]
fn the_image_runs_beside_the_connector_and_says_where_it_is() {
    let Some(podman) = Podman::new() else { return };
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let context = podman.store.join("context");
    std::fs::create_dir_all(&context).expect("a folder");
    // The binary alone: a folder of cargo's is gigabytes.
    std::fs::copy(static_binary(package), context.join("connector-doctor")).expect("a copy");
    let dockerfile = package.join("docs/container/Dockerfile");
    let build = |file: &Path, tag: &str| {
        let (file, context) = (file.to_string_lossy(), context.to_string_lossy());
        podman.must(&["build", "--isolation", "chroot", "--tag", tag, "--file", &file, &context]);
    };
    build(&dockerfile, "connector-doctor");
    // A program that stays, under the name that the Connector's own image has: the lab's servers.
    let stand_in = podman.store.join("stand-in");
    std::fs::write(&stand_in, "FROM localhost/connector-doctor\nCOPY connector-doctor /connectord\n")
        .expect("written");
    build(&stand_in, "stand-in");
    let token = format!("TWINGATE_ACCESS_TOKEN={CANARY}");
    let refresh = format!("TWINGATE_REFRESH_TOKEN={CANARY}refresh");
    let started = podman.run(
        &[
            &[
                "--detach",
                "--network",
                "none",
                "--name",
                "twingate-1",
                "--hostname",
                "conn-1",
                "--tmpfs",
                "/lab:mode=1777",
            ][..],
            &[
                "--env",
                "TWINGATE_NETWORK=acme",
                "--env",
                &token,
                "--env",
                &refresh,
                "--entrypoint",
                "/connectord",
            ],
            &["stand-in", "lab", "--serve", "healthy", "--dir", "/lab"],
        ]
        .concat(),
    );
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));

    // From the host: found in its container, and the network said first.
    let mut host = Command::new("unshare");
    // This podman's store in the place of the machine's own, where names are looked up; in a mount namespace alone.
    let stored = "mkdir -p /var/lib/containers/storage && mount --bind \"$0\" /var/lib/containers/storage && exec \"$@\"";
    host.args(["-nm", "/bin/sh", "-c", stored]).arg(podman.store.join("root"));
    host.args([env!("CARGO_BIN_EXE_connector-doctor"), "check", "host.*", "connector.*", "--json"]);
    let seen = report(&host.args(["--timeout", "500ms"]).output().expect("unshare starts"));
    let process = &seen["facts"]["host"]["connector"]["processes"][0];
    assert_eq!(process["deployment"]["kind"], "podman", "{seen:#}");
    assert_eq!(process["deployment"]["name"], "twingate-1", "{seen:#}");
    assert_eq!(seen["causes"][0]["code"], "other-network", "{seen:#}");
    let commands = seen["causes"][0]["remedies"][0]["commands"].to_string();
    assert!(commands.contains("podman run --rm --network container:twingate-1 "), "{commands}");

    // In its network alone: the report names the container, and what it cannot see.
    let beside = ["--rm", "--network", "container:twingate-1"];
    let quick = ["connector-doctor", "check", "--json", "--timeout", "1s"];
    let alone = report(&podman.run(&[&beside[..], &quick].concat()));
    let host = &alone["facts"]["host"];
    assert_eq!(host["container"]["runtime"], "podman", "{alone:#}");
    assert_eq!(
        host["interfaces"].as_array().map(Vec::len),
        Some(1),
        "the network of the Connector: {alone:#}"
    );
    assert!(!host["unseen"].as_array().expect("a list").is_empty(), "{alone:#}");
    assert_eq!(check(&alone, "connector.process")["outcome"], "skip", "{alone:#}");
    assert_eq!(host["uid"], 65532);

    // In its process space, too: the Connector is seen, and its network is the default.
    let pid = ["--pid", "container:twingate-1"];
    let inside = report(&podman.run(&[&beside[..], &pid, &quick].concat()));
    let process = &inside["facts"]["host"]["connector"]["processes"][0];
    assert_eq!(process["name"], "connectord", "{inside:#}");
    assert_eq!(process["view"]["same_network"], true, "{inside:#}");
    assert_eq!(inside["facts"]["run"]["network"], "acme", "{inside:#}");
    assert_eq!(check(&inside, "connector.process")["outcome"], "pass", "{inside:#}");
    assert_eq!(check(&inside, "connector.config")["outcome"], "pass", "{inside:#}");
    assert!(inside["connector_details"]["uptime_s"].as_f64().is_some_and(|s| s < 300.0), "{inside:#}");

    // Every line of the pages that runs the image, as it stands there.
    let mut lines = 0;
    for page in ["docs/running.md", "docs/recipes.md"] {
        let text = std::fs::read_to_string(package.join(page)).expect("the page");
        for words in text.lines().filter_map(of_the_image) {
            let said = podman.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let out = String::from_utf8_lossy(&said.stdout);
            let error = String::from_utf8_lossy(&said.stderr);
            // Its answer is one of a run: there is no network here.
            assert!(matches!(said.status.code(), Some(0 | 1 | 3)), "{words:?}: {out}{error}");
            assert!(
                out.contains("connector-doctor 0.") && out.contains("host.addresses"),
                "{words:?}: {out}{error}"
            );
            lines += 1;
        }
    }
    assert!(lines >= 5, "{lines}");
}
