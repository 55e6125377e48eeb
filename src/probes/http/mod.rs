//! Requests for `/` over a connection that stands, head by head; follows no redirect, sends nothing secret.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::rt::ReadBufCursor;
use hyper::{Method, Request};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::env::Env;
use crate::model::facts::HttpAnswer;
use crate::model::observation::{FailureKind, Phase, ProbeFailure};
use crate::model::text::{clean, clean_bytes, site, without_urls};
use crate::proto::date::{self, DateSample};

/// A head beyond this many bytes, or with more than 100 fields, is not read.
const MAX_HEAD: usize = 16 * 1024;

/// A connection that can be asked again and again.
#[derive(Debug)]
pub struct Client {
    host: String,
    sender: SendRequest<Empty<Bytes>>,
    stamps: Arc<Mutex<Stamps>>,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// An answer's head, and its Date as a clock where it bears a readable one.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The head.
    pub answer: HttpAnswer,
    /// Its Date with the times around it.
    pub date: Option<DateSample>,
}

impl Client {
    /// Speaks HTTP/1.1 with `host` (`name` or `name:port`) over `stream`.
    pub async fn over<S>(env: &Env, stream: S, host: &str) -> Result<Self, ProbeFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stamps = Arc::new(Mutex::new(Stamps::default()));
        let io = Stamped { stream, env: env.clone(), stamps: stamps.clone() };
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(io)
            .await
            .map_err(|e| failure(Phase::Request, &e))?;
        // Its errors come back through the sender, too.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { host: host.to_owned(), sender, stamps, connection })
    }

    /// Asks for `/` and waits for the head at most `timeout`.
    pub async fn ask(&mut self, method: Method, timeout: Duration) -> Result<Answered, ProbeFailure> {
        let request = Request::builder()
            .method(method.clone())
            .uri("/")
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, concat!("connector-doctor/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "*/*")
            .header(header::CACHE_CONTROL, "no-cache")
            .body(Empty::new())
            .map_err(|_| ProbeFailure::new(Phase::Request, FailureKind::Malformed, "not a host's name"))?;
        *self.stamps() = Stamps::default();
        let exchange = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let response = tokio::time::timeout(timeout, exchange).await.map_err(|_| {
            let mut silent =
                ProbeFailure::new(Phase::Response, FailureKind::Timeout, "no complete head of an answer");
            (silent.sent, silent.conclusive) = (super::segments(timeout), timeout >= super::PATIENCE);
            silent
        })?;
        let response = response.map_err(|e| failure(Phase::Response, &e))?;
        let stamps = std::mem::take(&mut *self.stamps());
        let fields = response.headers();
        let (sent, heard) = stamps.sent.zip(stamps.heard).unwrap_or_default();
        let first_byte = heard.elapsed.saturating_sub(sent.elapsed);
        let answer = HttpAnswer {
            status: response.status().as_u16(),
            method: method.as_str().to_owned(),
            first_byte_us: super::micros(first_byte),
            date: field(fields, &header::DATE, 40),
            server: field(fields, &header::SERVER, 60).map(|server| without_urls(&server)),
            // Portals write who asks, and with which token, into paths and queries.
            location: field(fields, &header::LOCATION, 400).map(|location| clean(&site(&location), 200)),
            age_s: field(fields, &header::AGE, 20).and_then(|age| age.parse().ok()),
        };
        let date_s = answer.date.as_deref().and_then(date::parse);
        let date = date_s.map(|date_s| DateSample {
            date_s,
            sent_wall_ns: sent.wall_ns,
            heard_wall_ns: heard.wall_ns,
            elapsed_ns: i64::try_from(first_byte.as_nanos()).unwrap_or(i64::MAX),
        });
        Ok(Answered { answer, date })
    }

    fn stamps(&self) -> std::sync::MutexGuard<'_, Stamps> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A field's value, cleaned and cut.
fn field(head: &HeaderMap, name: &HeaderName, max: usize) -> Option<String> {
    head.get(name).map(|value| clean_bytes(value.as_bytes(), max))
}

fn failure(phase: Phase, error: &hyper::Error) -> ProbeFailure {
    use std::error::Error as _;
    let kind = if error.is_parse_too_large() {
        FailureKind::TooLarge
    } else if error.is_parse() || error.is_user() {
        FailureKind::Malformed
    } else if error.is_timeout() {
        FailureKind::Timeout
    } else {
        match error.source().and_then(|e| e.downcast_ref::<std::io::Error>()) {
            Some(io) => FailureKind::of_io(io),
            // hyper's words for a connection that ended: closed, canceled, incomplete message.
            None => FailureKind::Closed,
        }
    };
    let detail = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    ProbeFailure::new(phase, kind, clean(&detail, 160))
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    elapsed: Duration,
    wall_ns: i64,
}

impl Moment {
    fn now(env: &Env) -> Self {
        Self { elapsed: env.elapsed(), wall_ns: env.wall_ns() }
    }
}

/// When the request's first byte left, and when the answer's first came.
#[derive(Clone, Copy, Debug, Default)]
struct Stamps {
    sent: Option<Moment>,
    heard: Option<Moment>,
}

/// A stream for hyper that notes when bytes pass: hyper itself tells no time of the first byte.
struct Stamped<S> {
    stream: S,
    env: Env,
    stamps: Arc<Mutex<Stamps>>,
}

impl<S> Stamped<S> {
    fn note(&self, set: impl FnOnce(&mut Stamps, Moment)) {
        let now = Moment::now(&self.env);
        set(&mut self.stamps.lock().unwrap_or_else(PoisonError::into_inner), now);
    }
}

impl<S: AsyncRead + Unpin> hyper::rt::Read for Stamped<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let mut bytes = [0; 4096];
        let room = cursor.remaining().min(bytes.len());
        let mut buffer = ReadBuf::new(&mut bytes[..room]);
        std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer))?;
        if !buffer.filled().is_empty() {
            this.note(|stamps, now| stamps.heard = stamps.heard.or(Some(now)));
        }
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> hyper::rt::Write for Stamped<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        // Before the bytes go: the server cannot have had the request any earlier.
        this.note(|stamps, now| stamps.sent = stamps.sent.or(Some(now)));
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
