//! Requests to hostile servers on loopback, in plain text: a head's limits do not depend on what is below.

use std::net::Ipv4Addr;
use std::time::Duration;

use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Answered, Client};
use crate::env::Env;
use crate::model::observation::{FailureKind, Phase, ProbeFailure};

/// A client of a server that, for each request, does what `respond` says.
async fn client<F, Fut>(respond: F) -> Client
where
    F: Fn(TcpStream, String) -> Fut + Send + 'static,
    Fut: Future<Output = TcpStream> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            request.push(byte);
            if request.ends_with(b"\r\n\r\n") {
                stream = respond(stream, String::from_utf8(std::mem::take(&mut request)).unwrap()).await;
            }
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    Client::over(&Env::system(), stream, "acme.example.net").await.unwrap()
}

async fn says(head: impl Into<Vec<u8>>) -> Result<Answered, ProbeFailure> {
    let head = head.into();
    let mut client = client(move |mut stream, _| {
        let head = head.clone();
        async move {
            let _ = stream.write_all(&head).await;
            stream
        }
    })
    .await;
    client.ask(Method::HEAD, Duration::from_millis(700)).await
}

#[tokio::test]
async fn a_head_is_read_and_cleaned() {
    let answered = says(
        "HTTP/1.1 302 Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\u{9b}2Jy\r\nAge: 12\r\n\
         Location: https://u:hunter2@us1.example.net/a?token=b\r\nContent-Length: 0\r\n\r\n",
    )
    .await
    .unwrap();
    let answer = answered.answer;
    assert_eq!((answer.status, answer.age_s), (302, Some(12)));
    assert_eq!(answer.location.as_deref(), Some("https://us1.example.net"));
    assert_eq!(answer.server.as_deref(), Some("x2Jy"));
    assert_eq!(answered.date.unwrap().date_s, 784_111_777);
}

#[tokio::test]
async fn the_request_is_bare_and_the_first_byte_is_timed() {
    let mut client = client(|mut stream, request| async move {
        assert!(request.starts_with("HEAD / HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: acme.example.net\r\n") && request.contains("no-cache"), "{request}");
        assert_eq!(request.lines().count(), 6, "{request}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\nDate: rubbish\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        stream.write_all(b"\r\n").await.unwrap();
        stream
    })
    .await;
    // Twice: the connection is kept.
    for _ in 0..2 {
        let answered = client.ask(Method::HEAD, Duration::from_secs(5)).await.unwrap();
        assert!((100_000..240_000).contains(&answered.answer.first_byte_us), "{answered:?}");
        assert!(answered.date.is_none() && answered.answer.date.as_deref() == Some("rubbish"));
    }
}

#[tokio::test]
async fn heads_without_end_and_of_a_megabyte_are_cut_off() {
    let endless = client(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await.is_ok() {}
        stream
    });
    let failure = endless.await.ask(Method::HEAD, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((failure.phase, failure.kind), (Phase::Response, FailureKind::TooLarge), "{failure:?}");

    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    assert_eq!(says(huge).await.unwrap_err().kind, FailureKind::TooLarge);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000));
    assert_eq!(says(many).await.unwrap_err().kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn silence_drips_and_rubbish_end_in_time() {
    let dripping = client(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(b"y").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stream
    });
    let failure = dripping.await.ask(Method::HEAD, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!((failure.kind, failure.conclusive), (FailureKind::Timeout, false));
    assert_eq!(says("").await.unwrap_err().kind, FailureKind::Timeout);
    assert_eq!(says("SSH-2.0-OpenSSH_9.2\r\n").await.unwrap_err().kind, FailureKind::Malformed);
    assert_eq!(says("HTTP/1.1 200 OK\r\nx\0y: z\r\n\r\n").await.unwrap_err().kind, FailureKind::Malformed);
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_closed() {
    let mut client = client(|mut stream, _| async move {
        stream.shutdown().await.unwrap();
        stream
    })
    .await;
    let failure = client.ask(Method::HEAD, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Closed, "{failure:?}");
}
