//! One machine: a thread that lives in network, mount, PID, UTS and IPC namespaces of its own and runs what
//! it is handed. All that was started in it dies with its first process, and that one dies with its standard
//! input, which only this process holds: nothing stays behind, not even after SIGKILL.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::gate::program;

/// No program lasts as long; one that does hangs.
const PATIENCE: Duration = Duration::from_mins(1);

type Job = Box<dyn FnOnce() + Send>;

pub struct Node {
    name: String,
    jobs: Sender<Job>,
    init: Child,
    children: Mutex<Vec<Child>>,
}

impl Node {
    pub fn new(name: &str) -> Self {
        let (jobs, inbox) = channel::<Job>();
        let (tell, told) = channel();
        let hostname = name.to_owned();
        thread::Builder::new()
            .name(format!("node {name}"))
            .spawn(move || {
                let _ = tell.send(enter(&hostname));
                for job in inbox {
                    job();
                }
            })
            .expect("a thread");
        let init = told.recv().expect("the node's thread lives");
        Self { name: name.to_owned(), jobs, init, children: Mutex::default() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the node's first process, by which links are put into its network.
    pub fn pid(&self) -> u32 {
        self.init.id()
    }

    /// Runs `job` on the node's thread: sockets and files that it opens are the node's.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (give, take) = channel();
        self.jobs.send(Box::new(move || drop(give.send(job())))).expect("the node's thread lives");
        take.recv().unwrap_or_else(|_| panic!("a job on node {} panicked", self.name))
    }

    pub fn spawn(&self, mut command: Command) -> Child {
        self.run(move || {
            command.spawn().unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()))
        })
    }

    /// Runs a program to its end.
    pub fn output(&self, name: &str, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(program(name));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(command);
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("it reads its input");
        drop(stdin);
        self.end(child, name)
    }

    /// Waits for a program, but not for ever: what hangs dies with the node.
    pub fn end(&self, child: Child, name: &str) -> Output {
        let (tell, told) = channel();
        thread::spawn(move || tell.send(child.wait_with_output()));
        let output = told.recv_timeout(PATIENCE);
        output.unwrap_or_else(|_| panic!("{name} hangs on {}", self.name)).expect("its output")
    }

    /// Runs a program that must succeed; its standard output.
    pub fn must(&self, name: &str, arguments: &[&str], input: &str) -> String {
        let output = self.output(name, arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?} on {}: {error}\n{input}", self.name);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Many lines for `ip -batch`.
    pub fn ip(&self, lines: &str) {
        self.must("ip", &["-batch", "-"], lines);
    }

    /// Adds rules to the node's packet filter.
    pub fn nft(&self, rules: &str) {
        self.must("nft", &["-f", "-"], rules);
    }

    /// Writes a file that only this node sees: `path` lies below a folder that is its own (`/run`).
    pub fn write(&self, path: &str, text: &str) {
        let (path, text) = (path.to_owned(), text.to_owned());
        self.run(move || fs::write(&path, text).unwrap_or_else(|e| panic!("{path}: {e}")));
    }

    /// Puts a file of its own over one of the system's, in this node alone.
    pub fn overlay(&self, path: &str, text: &str) {
        let (path, text) = (path.to_owned(), text.to_owned());
        self.run(move || {
            let own = format!("/run/overlay{}", path.replace('/', "_"));
            fs::write(&own, text).expect("/run is the node's own");
            let target = fs::canonicalize(&path).unwrap_or_else(|_| {
                // A link into /run (systemd-resolved), which is empty here: give it what it points to.
                let target =
                    Path::new(&path).parent().expect("absolute").join(fs::read_link(&path).expect(&path));
                fs::create_dir_all(target.parent().expect("absolute")).expect("below /run");
                fs::write(&target, "").expect("below /run");
                target
            });
            mount(Some(own.as_str()), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                .unwrap_or_else(|e| panic!("{path}: {e}"));
        });
    }

    /// Starts a server that lives as long as the node; what it says goes to `/run/LABEL.log`.
    pub fn serve(&self, label: &str, mut command: Command) {
        let log = format!("/run/{label}.log");
        let child = self.run(move || {
            let out = fs::File::create(&log).expect("/run is the node's own");
            command.stdin(Stdio::null()).stderr(out.try_clone().expect("a descriptor")).stdout(out);
            command.spawn().unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()))
        });
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }

    /// What a server said so far.
    pub fn log(&self, label: &str) -> String {
        let log = format!("/run/{label}.log");
        self.run(move || fs::read_to_string(log).unwrap_or_default())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.init.stdin.take());
        let children = std::mem::take(&mut *self.children.lock().unwrap_or_else(PoisonError::into_inner));
        for mut child in children {
            let _ = child.wait();
        }
        let _ = self.init.wait();
    }
}

/// Leaves the machine's namespaces for new ones; the first process in them.
fn enter(hostname: &str) -> Child {
    let new = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    unshare(new).expect("root may leave its namespaces");
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
    nix::unistd::sethostname(hostname).expect("a host name of its own");
    // In a process group of its own: Ctrl-C at the terminal ends the tests, and they end this.
    let init = Command::new(program("cat"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("cat starts");
    // /proc must be mounted by a process of the new PID namespace; /sys and /run by this thread.
    let mounted = Command::new(program("mount")).args(["-t", "proc", "proc", "/proc"]).status();
    assert!(mounted.expect("mount starts").success(), "/proc of its own");
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).expect("/sys of its own");
    // libfaketime names what it shares by the process, and every node has a process of that number.
    mount(Some("tmpfs"), "/dev/shm", Some("tmpfs"), MsFlags::empty(), Some("mode=1777")).expect("/dev/shm");
    for folder in ["/run", "/etc/chrony", "/etc/twingate", "/etc/connector-doctor"] {
        if Path::new(folder).is_dir() {
            mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect(folder);
        }
    }
    for (key, value) in [("ipv6/conf/all/accept_dad", "0"), ("ipv6/conf/default/accept_dad", "0")] {
        let _ = fs::write(format!("/proc/sys/net/{key}"), value);
    }
    let own = fs::metadata("/run").expect("/run").permissions().mode() & 0o777;
    assert_eq!(own, 0o755, "/run of its own");
    init
}
