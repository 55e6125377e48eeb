//! HTTPS servers (nginx) and certificates (openssl) on a node, right and wrong ones.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::gate::{now, program};
use super::node::Node;
use super::servers::skew;

const DAY: f64 = 86_400.0;

/// One address at which nginx answers.
pub struct Site<'a> {
    pub at: &'a str,
    /// The label of its certificate; plain HTTP without.
    pub certificate: Option<&'a str>,
    /// What it answers: a status, perhaps with a location.
    pub answer: &'a str,
}

/// Makes a certificate authority, valid for a century around now; its certificate in PEM.
pub fn authority(node: &Node, label: &str) -> String {
    node.write("/run/openssl.conf", "[req]\ndistinguished_name = d\nprompt = no\n[d]\nCN = unused\n");
    let subject = format!("/O={label}/CN={label} root");
    let extension = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
    request(
        node,
        label,
        &["-subj", &subject, "-addext", extension[0], "-addext", extension[1]],
        -18_000,
        36_000,
    );
    node.must("cat", &[&format!("/run/{label}.pem")], "")
}

/// Makes a server's certificate for `name`, valid from `from` days after now (before, if negative) for `days`.
pub fn certificate(node: &Node, label: &str, authority: &str, name: &str, from: i32, days: u32) {
    // As large as public certificates with their issuers' are, so that a handshake takes several full packets.
    let more = ",DNS:another-name.of-a-common-length.example.net".repeat(64);
    let names = format!("subjectAltName=DNS:{name}{more}");
    let [ca, key] = ["pem", "key"].map(|end| format!("/run/{authority}.{end}"));
    let (subject, basic) = (format!("/CN={name}"), "basicConstraints=critical,CA:FALSE");
    let words = ["-CA", &ca, "-CAkey", &key, "-subj", &subject, "-addext", &names, "-addext", basic];
    request(node, label, &words, from, days);
}

fn request(node: &Node, label: &str, words: &[&str], from: i32, days: u32) {
    let [pem, key] = ["pem", "key"].map(|end| format!("/run/{label}.{end}"));
    let mut command = Command::new(program("openssl"));
    command.args(["req", "-x509", "-config", "/run/openssl.conf", "-nodes", "-newkey", "ec"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", &pem, "-keyout", &key]);
    command.args(words).arg("-days").arg(days.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    skew(&mut command, f64::from(from) * DAY);
    let output = node.end(node.spawn(command), "openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Starts nginx with these sites; its clock, which `Date` tells, is `ahead` seconds before the true time.
pub fn nginx(node: &Node, label: &str, sites: &[Site<'_>], ahead: f64) {
    let mut configuration = format!(
        // Without its name here nginx forgets the variable, and libfaketime, which asks again after ten seconds, the skew.
        "daemon off; user root; worker_processes 1; pid /run/{label}.pid; error_log stderr; env FAKETIME;\n\
         events {{}}\nhttp {{ access_log off;\n"
    );
    for folder in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(configuration, "{folder}_temp_path /run/{label}-{folder};");
    }
    for Site { at, certificate, answer } in sites {
        let tls = certificate.map_or_else(String::new, |c| {
            format!("ssl_certificate /run/{c}.pem; ssl_certificate_key /run/{c}.key;")
        });
        let ssl = if certificate.is_some() { " ssl" } else { "" };
        let _ =
            writeln!(configuration, "server {{ listen {at}{ssl}; {tls} location / {{ return {answer}; }} }}");
    }
    configuration.push_str("}\n");
    let path = format!("/run/{label}.conf");
    node.write(&path, &configuration);
    let mut command = Command::new(program("nginx"));
    command.args(["-c", &path, "-e", "stderr"]);
    skew(&mut command, ahead);
    node.serve(label, command);
    let all: Vec<SocketAddr> = sites.iter().map(|s| s.at.parse().expect("an address with a port")).collect();
    let end = now() + Duration::from_secs(10);
    let ready = node.run(move || {
        all.iter().all(|at| {
            while TcpStream::connect(at).is_err() {
                if now() > end {
                    return false;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            true
        })
    });
    assert!(ready, "{label} does not listen: {}", node.log(label));
}
