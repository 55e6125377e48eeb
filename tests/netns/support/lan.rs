//! A LAN behind the host, and other people's servers in it: what a Connector is to reach.
//!
//! ```text
//! host eth1 10.20.0.5 ── 10.20.0.1 and servers 10.20.0.10 to .60 "lan" 10.30.0.1 ── 10.30.0.10 to .20 "far"
//! ```
//! IPv6 beside it: `fd20::5` and `fd20::10` on the host's link.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::gate::{now, program};
use super::net::{Net, forwarding, link};
use super::node::Node;

/// A server's address on the host's link.
pub const LAN: &str = "10.20.0.10";
/// A server's address behind the LAN's router.
pub const FAR: &str = "10.30.0.10";

const PATIENCE: Duration = Duration::from_secs(30);

/// The LAN's machines; they live as long as this value.
pub struct Lan {
    /// On the host's link: servers, and the router to what is far.
    pub lan: Node,
    /// Behind that router.
    pub far: Node,
}

impl Lan {
    /// Builds it behind the host of `net`.
    pub fn behind(net: &Net) -> Self {
        let (lan, far) = (Node::new("lan"), Node::new("far"));
        link((&net.host, "eth1"), (&lan, "eth0"));
        link((&lan, "eth1"), (&far, "eth0"));
        forwarding(&lan);
        net.host.ip("link set eth1 up\naddr add 10.20.0.5/24 dev eth1\naddr add fd20::5/64 dev eth1 nodad\n\
                     route add 10.30.0.0/24 via 10.20.0.1\n");
        let mut lines =
            "link set lo up\nlink set eth0 up\nlink set eth1 up\naddr add 10.20.0.1/24 dev eth0\n\
                         addr add 10.30.0.1/24 dev eth1\naddr add fd20::10/64 dev eth0 nodad\n"
                .to_owned();
        for n in 10..=60 {
            let _ = writeln!(lines, "addr add 10.20.0.{n}/24 dev eth0");
        }
        lan.ip(&lines);
        let mut lines = "link set lo up\nlink set eth0 up\n".to_owned();
        for n in 10..=20 {
            let _ = writeln!(lines, "addr add 10.30.0.{n}/24 dev eth0");
        }
        far.ip(&(lines + "route add default via 10.30.0.1\n"));
        Self { lan, far }
    }
}

/// Waits until somebody listens there.
pub fn listens(node: &Node, label: &str, at: &str) {
    let address: SocketAddr = at.parse().expect("an address with a port");
    let end = now() + PATIENCE;
    let up = node.run(move || {
        while TcpStream::connect(address).is_err() {
            if now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    });
    assert!(up, "{label} does not listen at {at}: {}", node.log(label));
}

/// A server of the test itself: takes connections at `at` and hands each to `serve`, for as long as the process lives.
pub fn listen(node: &Node, at: &str, serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) {
    let address: SocketAddr = at.parse().expect("an address with a port");
    // A thread of a node's cannot begin others; the socket stays the node's wherever it is used.
    let listener = node.run(move || TcpListener::bind(address).expect("a free port"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
}

fn serve(node: &Node, label: &str, at: &str, command: Command) {
    node.serve(label, command);
    listens(node, label, at);
}

pub fn sshd(node: &Node, address: &str) {
    node.must("mkdir", &["-p", "/run/sshd"], "");
    node.must("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "/run/ssh_key"], "");
    let mut command = Command::new(program("sshd"));
    command
        .args(["-D", "-e", "-f", "/dev/null", "-h", "/run/ssh_key", "-o"])
        .arg(format!("ListenAddress={address}"));
    command.args(["-o", "PidFile=none"]);
    serve(node, "sshd", &format!("{address}:22"), command);
}

/// Debian keeps a version's programs in a folder of their own.
fn postgresql(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed, see .ci/run");
    let newest = versions.flatten().map(|e| e.path()).max().expect("a version");
    newest.join("bin").join(name)
}

/// `user`'s ids, by the machine's own table.
fn ids(user: &str) -> (u32, u32) {
    let user = nix::unistd::User::from_name(user).expect("readable").expect("the package makes it");
    (user.uid.as_raw(), user.gid.as_raw())
}

pub fn postgres(node: &Node, address: &str) {
    let (uid, gid) = ids("postgres");
    node.must("install", &["-d", "-o", "postgres", "/run/pg"], "");
    let mut make = Command::new(postgresql("initdb"));
    make.args(["-D", "/run/pg/data", "-A", "trust", "--no-sync", "--no-locale"]).uid(uid).gid(gid);
    make.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").stdout(std::process::Stdio::null());
    let built = node.end(node.spawn(make), "initdb");
    assert!(built.status.success(), "initdb");
    let mut command = Command::new(postgresql("postgres"));
    command.args(["-D", "/run/pg/data", "-k", "/run/pg", "-h", address]).uid(uid).gid(gid);
    serve(node, "postgres", &format!("{address}:5432"), command);
}

pub fn mariadb(node: &Node, address: &str) {
    node.must("mkdir", &["-p", "/run/mariadb"], "");
    let data = ["--no-defaults", "--datadir=/run/mariadb/data", "--user=root", "--skip-test-db"];
    node.must("mariadb-install-db", &data, "");
    let mut command = Command::new(program("mariadbd"));
    command.args(["--no-defaults", "--datadir=/run/mariadb/data", "--user=root", "--socket=/run/mariadb/s"]);
    command.args(["--pid-file=/run/mariadb/pid"]).arg(format!("--bind-address={address}"));
    serve(node, "mariadb", &format!("{address}:3306"), command);
    // Without one of any host's it refuses everybody but this machine.
    node.must("mariadb", &["--no-defaults", "-S", "/run/mariadb/s", "-e", "CREATE USER x@'%'"], "");
}

pub fn samba(node: &Node, address: &str) {
    node.must("mkdir", &["-p", "/run/samba/p", "/run/samba/l"], "");
    node.write(
        "/run/samba/conf",
        &format!(
            "[global]\ninterfaces = {address}\nbind interfaces only = yes\nsmb ports = 445\nlock directory = /run/samba/l\n\
             state directory = /run/samba/l\ncache directory = /run/samba/l\npid directory = /run/samba/l\n\
             private dir = /run/samba/p\nlog file = /run/samba/log\nncalrpc dir = /run/samba/l/n\n\
             load printers = no\ndisable spoolss = yes\n"
        ),
    );
    let mut command = Command::new(program("smbd"));
    command.args(["-F", "--no-process-group", "-s", "/run/samba/conf"]);
    serve(node, "samba", &format!("{address}:445"), command);
}

pub fn xrdp(node: &Node, address: &str) {
    node.write(
        "/run/xrdp.ini",
        &format!(
            "[Globals]\nport=tcp://{address}:3389\nsecurity_layer=negotiate\ncertificate=/run/x.pem\nkey_file=/run/x.key\n\
             [Logging]\nLogFile=/run/xrdp.out\n[Xvnc]\nname=x\nlib=libvnc.so\nip=127.0.0.1\nport=-1\n"
        ),
    );
    let mut command = Command::new(program("xrdp"));
    command.args(["-n", "-c", "/run/xrdp.ini"]);
    serve(node, "xrdp", &format!("{address}:3389"), command);
}

pub fn slapd(node: &Node, address: &str) {
    node.write("/run/slapd.conf", "include /etc/ldap/schema/core.schema\npidfile /run/slapd.pid\n");
    let mut command = Command::new(program("slapd"));
    command.args(["-d", "0", "-f", "/run/slapd.conf", "-h"]).arg(format!("ldap://{address}"));
    serve(node, "slapd", &format!("{address}:389"), command);
}

pub fn redis(node: &Node, address: &str) {
    let mut command = Command::new(program("redis-server"));
    command.args(["--bind", address, "--save", "", "--dir", "/run"]);
    serve(node, "redis", &format!("{address}:6379"), command);
}

pub fn vsftpd(node: &Node, address: &str) {
    node.must("mkdir", &["-p", "/run/vsftpd/empty"], "");
    node.write(
        "/run/vsftpd.conf",
        &format!(
            "listen=YES\nlisten_address={address}\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\n\
             secure_chroot_dir=/run/vsftpd/empty\nseccomp_sandbox=NO\nxferlog_enable=NO\n"
        ),
    );
    let mut command = Command::new(program("vsftpd"));
    command.arg("/run/vsftpd.conf");
    serve(node, "vsftpd", &format!("{address}:21"), command);
}
