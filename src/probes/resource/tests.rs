//! Resources on loopback: each kind's conversation byte by byte, servers that mean harm, many at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::config::{Family, Named, Origin, SaidResource};
use crate::env::Env;
use crate::model::facts::{Facts, Greeting};
use crate::model::observation::{FailureKind, Phase};
use crate::probes::board::Board;
use crate::probes::tls::roots;

/// Asks these Resources, as `--resource` names them, within `timeout`.
async fn ask(said: &[String], timeout: Duration) -> Vec<Resource> {
    let env = Env::system();
    let parse = |text: &String| Named {
        at: config::Resource::parse(&SaidResource::from(text.clone())).expect("well-formed"),
        origin: Origin::Option("resource".to_owned()),
    };
    let resources = listed(&said.iter().map(parse).collect::<Vec<_>>(), &[]);
    let board = Board::default();
    let (_keep, roots) = watch::channel(Some(Arc::new(roots::load(&env, None, None))));
    let ground = Ground {
        board: board.clone(),
        resolvers: Arc::default(),
        roots,
        family: Family::Any,
        end: env.elapsed() + timeout,
        env,
    };
    let mut facts = Facts { resources: resources.clone(), ..Facts::default() };
    observe(ground, resources).await;
    board.finish(&NotRun::Deadline, &mut facts);
    facts.resources
}

async fn ask_one(address: SocketAddr, kind: &str) -> ResourceTried {
    let asked = ask(&[format!("{address}/{kind}")], Duration::from_secs(10)).await;
    asked[0].seen().expect("it was asked").tried[0].clone()
}

/// A server that hands every connection to `serve`.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Added to what a [`speaker`] counts when a client has ended its connection.
const ENDED: usize = 1 << 32;

/// One that says `banner` and keeps the connection until the other side ends it; what it was sent is counted.
async fn speaker(banner: &'static [u8], answer: &'static [u8], heard: Arc<AtomicUsize>) -> SocketAddr {
    server(move |mut stream| {
        let heard = Arc::clone(&heard);
        async move {
            let _ = stream.write_all(banner).await;
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                heard.fetch_add(count, Ordering::SeqCst);
                let _ = stream.write_all(answer).await;
            }
            heard.fetch_add(ENDED, Ordering::SeqCst);
        }
    })
    .await
}

fn greeting(tried: &ResourceTried) -> &Greeting {
    match &tried.greeting {
        Some(Outcome::Seen(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

fn failure(tried: &ResourceTried) -> (Phase, FailureKind, String) {
    match &tried.greeting {
        Some(Outcome::Failed(f)) => (f.phase, f.kind, f.detail.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_sent_beyond_the_rows_bytes() {
    const NONE: &[u8] = b"";
    let rdp: &[u8] = &[3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0x1f, 8, 0, 2, 0, 0, 0];
    let mysql: &[u8] = b"\x0e\0\0\0\x0a8.0.36\0abcdef";
    let ldap: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    let http: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
    for (kind, banner, answer, sent, version) in [
        ("tcp", NONE, NONE, 0..=0, None),
        ("redis", NONE, NONE, 0..=0, None),
        ("ssh", &b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], NONE, 0..=0, Some("OpenSSH_9.2p1")),
        ("mysql", mysql, NONE, 0..=0, Some("8.0.36")),
        ("smtp", b"220 mail ESMTP\r\n", NONE, 0..=0, Some("mail ESMTP")),
        ("ftp", b"220 files\r\n", NONE, 0..=0, Some("files")),
        ("postgresql", NONE, b"N", 8..=8, None),
        ("rdp", NONE, rdp, 19..=19, Some("NLA (CredSSP)")),
        ("ldap", NONE, ldap, 31..=31, None),
        ("http", NONE, http, 100..=160, Some("x")),
    ] {
        let heard = Arc::new(AtomicUsize::new(0));
        let address = speaker(banner, answer, Arc::clone(&heard)).await;
        let tried = ask_one(address, kind).await;
        assert!(matches!(tried.connect, Some(Outcome::Seen(_))), "{kind}");
        if kind == "tcp" || kind == "redis" {
            assert_eq!(tried.greeting, None);
        } else {
            let reply = greeting(&tried);
            assert_eq!((reply.protocol.as_str(), reply.version.as_deref()), (kind, version));
        }
        // All has arrived once the server sees the end of the connection.
        while heard.load(Ordering::SeqCst) < ENDED {
            tokio::task::yield_now().await;
        }
        assert!(sent.contains(&(heard.load(Ordering::SeqCst) % ENDED)), "{kind}: {heard:?} bytes");
    }
}

#[tokio::test]
async fn a_name_server_is_asked_over_both() {
    let udp = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
    let address = udp.local_addr().expect("bound");
    let tcp = TcpListener::bind(address).await.expect("the same port");
    let answered = |question: &[u8]| {
        let mut answer = question.to_vec();
        (answer[2], answer[3]) = (0x80, 5);
        answer
    };
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((count, from)) = udp.recv_from(&mut buffer).await {
            let _ = udp.send_to(&answered(&buffer[..count]), from).await;
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut framed = [0; 19];
            stream.read_exact(&mut framed).await.expect("a question");
            let answer = answered(&framed[2..]);
            stream.write_all(&[&framed[..2], &answer[..]].concat()).await.expect("an answer");
        }
    });
    let tried = ask_one(address, "dns").await;
    assert_eq!(greeting(&tried).says, "answers REFUSED");
    assert!(
        matches!(&tried.udp, Some(Outcome::Seen(reply)) if reply.says == "answers REFUSED"),
        "{:?}",
        tried.udp
    );
}

#[tokio::test]
async fn what_is_not_tls_is_named() {
    let heard = Arc::new(AtomicUsize::new(0));
    let http = speaker(b"", b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", heard.clone()).await;
    let tried = ask_one(http, "https").await;
    assert_eq!((greeting(&tried).protocol.as_str(), tried.tls.is_some()), ("http", false));
    let ssh = speaker(b"SSH-2.0-x\r\n", b"", heard.clone()).await;
    assert_eq!(greeting(&ask_one(ssh, "tls").await).protocol, "ssh");
    let old = speaker(b"", b"\x15\x03\x01\0\x02\x02\x46", heard).await;
    let tried = ask_one(old, "tls").await;
    assert_eq!(greeting(&tried).says, "alert: protocol version");
}

#[tokio::test]
async fn servers_that_mean_harm_are_bounded() {
    let endless =
        server(|mut stream| async move { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} }).await;
    let escape = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-\x1b]0;owned\x07\x1b[2Jx\r\n").await;
    })
    .await;
    let drip = server(|mut stream| async move {
        while stream.write_all(b"S").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let closes = server(|stream| async move { drop(stream) }).await;
    let mute = server(|mut stream| async move { drop(stream.read(&mut [0; 64]).await) }).await;
    let said: Vec<String> =
        [endless, escape, drip, closes, mute].iter().map(|address| format!("{address}/ssh")).collect();
    let env = Env::system();
    let asked = ask(&said, Duration::from_secs(10)).await;
    assert!(env.elapsed() < Duration::from_secs(7), "{:?}", env.elapsed());
    let tried: Vec<_> = asked.iter().map(|r| r.seen().expect("asked").tried[0].clone()).collect();
    assert_eq!(failure(&tried[0]), (Phase::Response, FailureKind::Malformed, "x".repeat(80)));
    assert_eq!(greeting(&tried[1]).version.as_deref(), Some("]0;owned [2Jx"));
    assert_eq!(failure(&tried[2]).1, FailureKind::Malformed);
    assert_eq!(failure(&tried[3]).1, FailureKind::Closed);
    assert_eq!(failure(&tried[4]).1, FailureKind::Timeout);
}

#[tokio::test]
async fn a_certificate_of_ten_megabytes_is_refused() {
    let huge = server(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        // A handshake message of 10 MB that begins a ServerHello, in records of 16 kB.
        let mut record = vec![0x16, 3, 3, 0x40, 0, 2, 0x98, 0x96, 0x80];
        record.resize(5 + 0x4000, 0);
        for _ in 0..640 {
            if stream.write_all(&record).await.is_err() {
                return;
            }
        }
    })
    .await;
    let tried = ask_one(huge, "tls").await;
    let (phase, kind, _) = failure(&tried);
    assert_eq!(phase, Phase::Handshake);
    assert!(matches!(kind, FailureKind::TooLarge | FailureKind::Malformed), "{kind:?}");
}

#[tokio::test]
async fn two_hundred_and_fifty_six_are_all_asked() {
    let heard = Arc::new(AtomicUsize::new(0));
    let mut said = Vec::new();
    for _ in 0..256 {
        said.push(format!("{}/ssh", speaker(b"SSH-2.0-x\r\n", b"", heard.clone()).await));
    }
    let asked = ask(&said, Duration::from_secs(30)).await;
    assert!(asked.iter().all(|r| greeting(&r.seen().expect("asked").tried[0]).protocol == "ssh"));
}

#[tokio::test]
async fn a_closed_port_refuses_and_what_was_not_reached_in_time_is_not_run() {
    let closed =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback").local_addr().expect("bound");
    let tried = ask_one(closed, "tcp").await;
    assert!(matches!(&tried.connect, Some(Outcome::Failed(f)) if f.kind == FailureKind::Refused));
    assert_eq!(tried.way.expect("loopback has a way").interface, "lo");
    let asked = ask(&[format!("{closed}/tcp")], Duration::ZERO).await;
    let tried = &asked[0].seen().expect("asked").tried[0];
    assert_eq!(tried.connect, Some(Outcome::NotRun(NotRun::Deadline)));
    let asked = ask(&[format!("{closed}/udp")], Duration::from_secs(1)).await;
    assert_eq!(asked[0].seen().expect("asked").tried[0].connect, None);
}
