//! The program against servers that mean ill: it ends in time, its memory stays flat, and it says what is true.
//! Loopback only; every server here is written from scratch, a thread each.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// What a run may take, and what it may take beyond (contract.md, promise 4); the rest is a slow machine's.
const TIMEOUT: Duration = Duration::from_secs(3);
const SLACK: Duration = Duration::from_millis(1500);
/// A debug build of a run without any hostility peaks at about half of this.
const MAX_KIB: u64 = 48 * 1024;

/// What a run said.
struct Run {
    report: Value,
    stderr: String,
    /// All of stdout and stderr.
    shown: String,
    took: Duration,
    /// The most memory that it had, KiB.
    peak_kib: u64,
}

impl Run {
    fn outcome(&self, check: &str) -> &str {
        let checks = self.report["checks"].as_array().expect("checks");
        checks.iter().find(|c| c["id"] == check).and_then(|c| c["outcome"].as_str()).expect("the check")
    }

    fn causes(&self) -> Vec<&str> {
        let causes = self.report["causes"].as_array().expect("causes");
        causes.iter().filter(|c| c["severity"] != "notice").filter_map(|c| c["code"].as_str()).collect()
    }

    fn assert_sound(&self, what: &str) {
        assert!(self.took < TIMEOUT + SLACK, "{what} took {:?}", self.took);
        assert!(self.peak_kib < MAX_KIB, "{what} took {} KiB", self.peak_kib);
        assert!(!self.shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{what}: {}", self.shown);
        assert!(!self.shown.contains("\\u001b") && !self.shown.contains("panicked"), "{what}");
    }
}

/// A port at which nobody listens.
fn closed() -> String {
    UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a port").to_string()
}

/// Runs the program with nothing but loopback to ask.
fn run(words: &[&str]) -> Run {
    run_with(words, &[])
}

fn run_with(words: &[&str], variables: &[(&str, &str)]) -> Run {
    let nobody = closed();
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector-doctor"));
    command.args(["check", "--json", "--timeout", "3s", "--stun", &nobody, "--ntp", &nobody]);
    command
        .args(words)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[expect(clippy::disallowed_methods, reason = "the test's own watch")]
    let begun = Instant::now();
    let mut child = command.spawn().expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let (mut out, mut err) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
    let read = thread::spawn(move || {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        out.read_to_string(&mut stdout).expect("UTF-8");
        err.read_to_string(&mut stderr).expect("UTF-8");
        (stdout, stderr)
    });
    let mut peak_kib = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        thread::sleep(Duration::from_millis(5));
    }
    let took = begun.elapsed();
    let (stdout, stderr) = read.join().expect("the reader");
    let report = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}{stderr}"));
    Run { report, shown: stdout + &stderr, stderr, took, peak_kib }
}

/// Serves every connection by `serve` on a thread of its own; the address.
fn tcp(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // A client that goes away is what the client is meant to do here.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    address
}

struct Pki {
    ca_file: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

/// An authority and a leaf of it for 127.0.0.1, as `change` makes it.
fn pki(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pki {
    let mut root = CertificateParams::new(Vec::new()).expect("parameters");
    root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "Trial CA");
    let root_key = KeyPair::generate().expect("a key");
    let certificate = root.self_signed(&root_key).expect("a certificate");
    let ca_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}.pem"));
    fs::write(&ca_file, certificate.pem()).expect("a file");
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    change(&mut leaf);
    let key = KeyPair::generate().expect("a key");
    let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).expect("a certificate");
    Pki { ca_file, chain: vec![leaf.der().clone()], key: key.serialize_der() }
}

/// A TLS server whose sessions `serve` gets after the client's request.
fn tls(
    pki: &Pki,
    serve: impl Fn(&mut StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pki.key.clone()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(pki.chain.clone(), key)
        .expect("a certificate");
    let config = Arc::new(config);
    tcp(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        stream.read_exact(&mut [0; 16])?;
        serve(&mut stream)
    })
}

fn check_controller(address: SocketAddr, ca_file: &Path) -> Run {
    let url = format!("https://{address}");
    run(&["--controller", &url, "--dns", &closed(), "--ca-file", &ca_file.to_string_lossy()])
}

type Serve = fn(&mut StreamOwned<ServerConnection, TcpStream>) -> io::Result<()>;

#[test]
fn answers_without_end_are_no_answers() {
    let rows: BTreeMap<&str, Serve> = BTreeMap::from([
        (
            "a head without end",
            (|s| {
                s.write_all(b"HTTP/1.1 200 OK\r\n")?;
                loop {
                    s.write_all(b"X-Filler: yes\r\n")?;
                }
            }) as Serve,
        ),
        ("a status line without end", |s| {
            loop {
                s.write_all(&[b'H'; 4096])?;
            }
        }),
        ("a header of 1 MB", |s| {
            s.write_all(b"HTTP/1.1 200 OK\r\nX-Big: ")?;
            s.write_all(&vec![b'x'; 1 << 20])?;
            s.write_all(b"\r\nContent-Length: 0\r\n\r\n")
        }),
        ("100 Continue without end", |s| {
            loop {
                s.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
        }),
        ("silence after the request", |_| {
            thread::sleep(TIMEOUT * 3);
            Ok(())
        }),
        ("a byte at a time", |s| {
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: ".iter().chain(&[b'x'; 1000]) {
                s.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }),
        ("rubbish", |s| s.write_all(b"\x00\x1b[31m\xff\xfe SSH-2.0\r\n\r\n")),
        ("a good-bye", |s| {
            s.conn.send_close_notify();
            s.flush()
        }),
    ]);
    let pki = pki("heads", |_| {});
    let running: Vec<_> = rows
        .into_iter()
        .map(|(what, serve)| {
            let (address, ca_file) = (tls(&pki, serve), pki.ca_file.clone());
            (what, thread::spawn(move || check_controller(address, &ca_file)))
        })
        .collect();
    for (what, run) in running {
        let run = run.join().expect("a run");
        run.assert_sound(what);
        assert_eq!(run.outcome("controller.tls"), "pass", "{what}: {}", run.shown);
        assert!(["fail", "unknown"].contains(&run.outcome("controller.http")), "{what}: {}", run.shown);
        assert!(run.causes().iter().all(|c| *c != "unexplained"), "{what}: {:?}", run.causes());
    }
}

#[test]
fn a_true_answer_with_hostile_headers_is_an_answer() {
    let pki = pki("headers", |_| {});
    let address = tls(&pki, |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\nServer: \xff\xe2\x80\xae ::error::pwned \xc2\x9b31m<script>\r\n")?;
        s.write_all(b"Date: Thu, 99 Foo 10000 99:99:99 GMT\r\nAge: 99999999999999999999\r\n")?;
        s.write_all(b"Location: javascript:alert(1)\r\nContent-Length: 0\r\n\r\n")
    });
    let run = check_controller(address, &pki.ca_file);
    run.assert_sound("hostile headers");
    assert_eq!(run.outcome("controller.http"), "pass", "{}", run.shown);
    assert!(!run.shown.contains('\u{9b}'), "{}", run.shown);
}

#[test]
fn handshakes_that_do_not_end_are_no_sessions() {
    let rows: BTreeMap<&str, fn(TcpStream) -> io::Result<()>> = BTreeMap::from([
        (
            "nothing",
            (|stream: TcpStream| {
                thread::sleep(TIMEOUT * 3);
                drop(stream);
                Ok(())
            }) as fn(TcpStream) -> io::Result<()>,
        ),
        ("half a record", |mut stream| {
            stream.read_exact(&mut [0; 64])?;
            stream.write_all(&[0x16, 3, 3, 0x40, 0, 2, 0, 0])?;
            thread::sleep(TIMEOUT * 3);
            Ok(())
        }),
        ("records without end", |mut stream| {
            // The beginning of a message of 16 MB in records of 16 KB.
            let mut record = vec![0x16, 3, 3, 0x40, 0];
            record.extend([0; 0x4000]);
            record[5..9].copy_from_slice(&[2, 0xFF, 0xFF, 0xFF]);
            loop {
                stream.write_all(&record)?;
            }
        }),
        ("another protocol", |mut stream| stream.write_all(b"SSH-2.0-\x1b[31mOpenSSH\r\n")),
        ("a good-bye", |stream| stream.shutdown(std::net::Shutdown::Both)),
    ]);
    let running: Vec<_> = rows
        .into_iter()
        .map(|(what, serve)| {
            (what, thread::spawn(move || check_controller(tcp(serve), Path::new("/dev/null"))))
        })
        .collect();
    for (what, run) in running {
        let run = run.join().expect("a run");
        run.assert_sound(what);
        assert_eq!(run.outcome("controller.tcp"), "pass", "{what}: {}", run.shown);
        assert!(["fail", "unknown"].contains(&run.outcome("controller.tls")), "{what}: {}", run.shown);
        assert_eq!(run.outcome("controller.http"), "skip", "{what}");
        assert!(run.causes().iter().all(|c| *c != "unexplained"), "{what}: {:?}", run.causes());
    }
}

#[test]
fn certificates_of_100_kb_are_judged_or_refused() {
    let mut pki = pki("large", |leaf| {
        let name = |i| rcgen::SanType::DnsName(format!("n{i}.room.test").try_into().expect("a name"));
        leaf.subject_alt_names.extend((0..2500).map(name));
    });
    pki.chain = vec![pki.chain[0].clone(); 3];
    assert!(pki.chain[0].len() * 3 > 100_000, "{} bytes", pki.chain[0].len());
    let run = check_controller(tls(&pki, |_| Ok(())), &pki.ca_file);
    run.assert_sound("a certificate of 100 KB");
    assert!(run.shown.len() < 100_000, "{} bytes are shown", run.shown.len());
    assert_ne!(run.outcome("controller.http"), "pass");
}

#[test]
fn escape_codes_in_a_certificate_are_not_shown() {
    let evil = "\u{1b}[2J\u{202e}gnp.exe\u{7}<script>alert(1)</script>";
    let pki = pki("escape", |leaf| {
        leaf.subject_alt_names.clear();
        leaf.distinguished_name.push(DnType::CommonName, evil);
        leaf.distinguished_name.push(DnType::OrganizationName, evil);
    });
    // Nobody knows the issuer, so that issuer and subject are told.
    let run = check_controller(tls(&pki, |_| Ok(())), Path::new("/dev/null"));
    run.assert_sound("escape codes");
    assert_eq!(run.outcome("controller.tls"), "fail", "{}", run.shown);
}

/// A resolver over UDP and TCP that answers by `udp` and `tcp`, each of them the question's bytes to the answer's.
fn resolver(over_udp: fn(&[u8]) -> Vec<u8>, over_tcp: fn(&[u8]) -> Vec<u8>) -> String {
    let address = tcp(move |mut stream| {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut question)?;
        let answer = over_tcp(&question);
        stream.write_all(&u16::try_from(answer.len()).expect("64 KB").to_be_bytes())?;
        stream.write_all(&answer)
    });
    let socket = UdpSocket::bind(address).expect("the same port");
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((n, client)) = socket.recv_from(&mut buffer) {
            drop(socket.send_to(&over_udp(&buffer[..n]), client));
        }
    });
    address.to_string()
}

/// The question as an answer with these flags, and `more` behind it.
fn reply(question: &[u8], flags: [u8; 2], answers: u16, more: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2..4].copy_from_slice(&flags);
    answer[6..8].copy_from_slice(&answers.to_be_bytes());
    // No OPT: what the question had of additional records is cut off.
    answer[10..12].copy_from_slice(&[0, 0]);
    let name_end = 12 + answer[12..].iter().position(|b| *b == 0).expect("a name") + 1;
    answer.truncate(name_end + 4);
    answer.extend(more);
    answer
}

/// An A record of the question's name.
const RECORD: [u8; 16] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 77, 7, 9];

fn truncated(question: &[u8]) -> Vec<u8> {
    reply(question, [0x82, 0x80], 0, &[])
}

#[test]
fn dns_answers_that_cannot_be_true_are_not_believed() {
    type Answer = fn(&[u8]) -> Vec<u8>;
    let rows: BTreeMap<&str, (Answer, Answer)> = BTreeMap::from([
        (
            "pointers in a circle",
            (
                (|q| {
                    let n = reply(q, [0x81, 0x80], 1, &[]).len() as u16 | 0xC000;
                    let mut record = n.to_be_bytes().to_vec();
                    record.extend(&RECORD[2..]);
                    reply(q, [0x81, 0x80], 1, &record)
                }) as Answer,
                truncated as Answer,
            ),
        ),
        (
            "another id",
            (
                |q| {
                    let mut answer = reply(q, [0x81, 0x80], 1, &RECORD);
                    answer[0] ^= 0xFF;
                    answer
                },
                truncated,
            ),
        ),
        (
            "another question",
            (
                |q| {
                    let mut answer = reply(q, [0x81, 0x80], 1, &RECORD);
                    answer[13] ^= 1;
                    answer
                },
                truncated,
            ),
        ),
        ("a count that lies", (|q| reply(q, [0x81, 0x80], 0xFFFF, &RECORD), truncated)),
        ("truncated over TCP, too", (truncated, truncated)),
        ("rubbish", (|_| vec![0xFF; 1500], |_| vec![0xFF; 0xFFFF])),
        ("nothing", (|_| Vec::new(), |_| Vec::new())),
    ]);
    let running: Vec<_> = rows
        .into_iter()
        .map(|(what, (over_udp, over_tcp))| {
            let resolver = resolver(over_udp, over_tcp);
            (what, thread::spawn(move || run(&["--controller", "https://acme.test", "--dns", &resolver])))
        })
        .collect();
    for (what, run) in running {
        let run = run.join().expect("a run");
        run.assert_sound(what);
        assert_ne!(run.outcome("dns.controller"), "pass", "{what}: {}", run.shown);
        assert!(!run.shown.contains("127.77.7.9"), "{what}: {}", run.shown);
        assert_ne!(run.report["verdict"], "healthy", "{what}");
    }
}

#[test]
fn dns_answers_of_64_kb_over_tcp_are_bounded() {
    let many = |q: &[u8]| {
        let room = (0xFFFF - reply(q, [0x81, 0x80], 0, &[]).len()) / RECORD.len();
        let records: Vec<u8> = (0..room as u16)
            .flat_map(|i| {
                let [hi, lo] = i.to_be_bytes();
                RECORD[..13].iter().copied().chain([hi, lo, 9]).collect::<Vec<u8>>()
            })
            .collect();
        reply(q, [0x81, 0x80], room as u16, &records)
    };
    let resolver = resolver(truncated, many);
    let run = run(&["dns.*", "--controller", "https://acme.test:1", "--dns", &resolver]);
    run.assert_sound("64 KB over TCP");
    assert_eq!(run.outcome("dns.resolvers"), "pass", "{}", run.shown);
    assert!(run.shown.len() < 100_000, "{} bytes are shown", run.shown.len());
}

#[test]
fn trust_that_cannot_be_read_is_said_in_one_line_and_judged_by_what_is_left() {
    let rubbish = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-rubbish.pem");
    let text = "-----BEGIN CERTIFICATE-----\nnot base64 \u{1b}[31m\n-----END CERTIFICATE-----\n";
    fs::write(&rubbish, text).expect("a file");
    let pki = pki("trust", |_| {});
    let serve: Serve = |s| s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let run = check_controller(tls(&pki, serve), &rubbish);
    run.assert_sound("rubbish for --ca-file");
    let said = |run: &Run, what: &str| run.stderr.lines().filter(|line| line.contains(what)).count();
    assert_eq!(said(&run, "hostile-rubbish.pem holds no usable certificate"), 1, "{}", run.stderr);
    assert_eq!(run.causes().first(), Some(&"tls-intercepted"), "{}", run.shown);
    // The other sources still count.
    let url = format!("https://{}", tls(&pki, serve));
    let words = ["--controller", &url, "--dns", &closed(), "--ca-file", &pki.ca_file.to_string_lossy()];
    for file in ["/proc/1/mem", "/nonexistent/roots.pem", "/dev/zero"] {
        let run = run_with(&words, &[("SSL_CERT_FILE", file)]);
        run.assert_sound(file);
        assert_eq!(said(&run, file), 1, "{}", run.stderr);
        assert_eq!(run.outcome("controller.http"), "pass", "{}", run.shown);
    }
}
