//! `/metrics` and `/healthz` of a watch, on a thread of its own: the latest that the watch knows, and nothing else.
//!
//! Whoever asks costs a bounded number of connections, bytes and seconds; the checks run elsewhere and do not notice.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::AbortHandle;

use super::latest::Feed;
use super::metrics;
use crate::env::Env;

/// Connections at a time; where one more waits, the oldest makes room.
const MAX_CONNECTIONS: usize = 128;
/// But none sooner than this: whoever has something to ask has asked it by then.
const LEAST: Duration = Duration::from_millis(100);
/// A request's head in bytes: hyper's least, far more than a scraper sends.
const MAX_HEAD: usize = 8192;
/// From accepting a connection to the last byte of its answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// A run that takes its full time is no standstill.
const GRACE: Duration = Duration::from_secs(30);
/// The classic text format (the exposition format 0.0.4).
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const WORDS: &str = "text/plain; charset=utf-8";
const INDEX: &str =
    "connector-doctor watch\n/metrics  for Prometheus\n/healthz  200 while the checks go on\n";

/// Takes each new text.
pub type Each = Box<dyn FnMut(&str) + Send>;

/// Where metrics go.
pub struct Outlets {
    /// Serve them here.
    pub listen: Option<SocketAddr>,
    /// Hand them to this as well, whenever there are new ones: the textfile.
    pub each: Option<Each>,
    /// The pace that was asked for: nothing new for three times as long, and the watch stands still.
    pub every: Duration,
}

/// The thread that serves; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Hands texts on; it ends when the thread that serves has ended.
    writer: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug, Default)]
struct Shown {
    metrics: Bytes,
    /// By the monotonic clock: when the next sample should have been published at the latest.
    fresh_until: Option<Duration>,
}

impl Server {
    /// Listens at once; an address that is taken or not ours is an error here.
    pub fn start(env: &Env, outlets: Outlets, feed: Feed) -> io::Result<Self> {
        let listener = outlets.listen.map(TcpListener::bind).transpose()?;
        let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let (stop, stopped) = oneshot::channel();
        // Its own thread: a thousand requests a second must not move the time stamps of an NTP exchange.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let env = env.clone();
        let (texts, writer) = outlets.each.map(writer).transpose()?.unzip();
        let every = outlets.every;
        let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            let shown = Arc::<Mutex<Shown>>::default();
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = follow(feed, texts, every, &env, &shown) => {}
                    _ = accept(listener, &env, &shown) => {}
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread), writer })
    }

    /// Where it listens: the port that the system chose where none was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The thread may have ended already, and a panic of it was told by the hook.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

/// A thread that hands each new text on: a disk that is slow to write keeps no scraper waiting.
fn writer(mut each: Each) -> io::Result<(mpsc::Sender<String>, JoinHandle<()>)> {
    let (texts, waiting) = mpsc::channel::<String>();
    let thread = std::thread::Builder::new().name("textfile".to_owned()).spawn(move || {
        while let Ok(text) = waiting.recv() {
            // Only the latest is worth a write.
            each(&waiting.try_iter().last().unwrap_or(text));
        }
    })?;
    Ok((texts, thread))
}

/// Writes each new state of the watch once, however often it is asked for.
async fn follow(
    mut feed: Feed,
    texts: Option<mpsc::Sender<String>>,
    every: Duration,
    env: &Env,
    shown: &Mutex<Shown>,
) {
    loop {
        let text = metrics::render(&feed.borrow_and_update(), every);
        if let Some(texts) = &texts {
            let _ = texts.send(text.clone());
        }
        let fresh_until = Some(env.elapsed() + every * 3 + GRACE);
        *shown.lock().unwrap_or_else(PoisonError::into_inner) = Shown { metrics: text.into(), fresh_until };
        if feed.changed().await.is_err() {
            // The watch has ended and will end this thread, too.
            std::future::pending::<()>().await;
        }
    }
}

async fn accept(listener: Option<TcpListener>, env: &Env, shown: &Arc<Mutex<Shown>>) -> io::Result<()> {
    let Some(listener) = listener else { return std::future::pending().await };
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open: VecDeque<(Duration, AbortHandle)> = VecDeque::new();
    loop {
        let place = place(&room, &mut open, env).await;
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or a client that left while it waited.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let conversation = converse(stream, bound, env.clone(), shown.clone());
        let task = tokio::spawn(async {
            conversation.await;
            drop(place);
        });
        open.push_back((env.elapsed(), task.abort_handle()));
    }
}

/// Waits for one that ends, but for the oldest no longer than its least.
async fn place(
    room: &Arc<Semaphore>,
    open: &mut VecDeque<(Duration, AbortHandle)>,
    env: &Env,
) -> Option<OwnedSemaphorePermit> {
    open.retain(|(_, connection)| !connection.is_finished());
    while let Some((since, oldest)) = open.front() {
        let least = LEAST.saturating_sub(env.elapsed().saturating_sub(*since));
        if let Ok(place) = tokio::time::timeout(least, room.clone().acquire_owned()).await {
            return place.ok();
        }
        oldest.abort();
        open.pop_front();
    }
    room.clone().acquire_owned().await.ok()
}

/// One request, one answer.
async fn converse(stream: TcpStream, bound: SocketAddr, env: Env, shown: Arc<Mutex<Shown>>) {
    let service = service_fn(move |request| {
        let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = answer(&request, bound, &shown, env.elapsed());
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .header_read_timeout(None)
        .serve_connection(Plain(stream), service);
    // Whatever was wrong is the client's affair.
    let _ = tokio::time::timeout(DEADLINE, connection).await;
}

/// Whether a request is for this server: a page of somebody else's, whose name leads here, is not (DNS rebinding).
fn is_for(host: Option<&str>, bound: SocketAddr, own_name: &str) -> bool {
    // No browser leaves it out.
    let Some(host) = host else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return bound.ip().is_unspecified() || ip.to_canonical() == bound.ip().to_canonical();
    }
    let local = bound.ip().is_loopback() || bound.ip().is_unspecified();
    local && name.eq_ignore_ascii_case("localhost")
        || !own_name.is_empty() && name.trim_end_matches('.').eq_ignore_ascii_case(own_name)
}

fn answer(
    request: &Request<Incoming>,
    bound: SocketAddr,
    shown: &Shown,
    now: Duration,
) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let own_name = gethostname::gethostname();
    let is_for = is_for(host, bound, &own_name.to_string_lossy());
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match (reading, request.uri().path(), shown.fresh_until) {
        _ if !is_for => {
            let said = b"ask by the address that it listens at, or by this host's own name\n";
            (StatusCode::MISDIRECTED_REQUEST, WORDS, Bytes::from_static(said))
        }
        (false, ..) => (StatusCode::METHOD_NOT_ALLOWED, WORDS, Bytes::from_static(b"GET and HEAD alone\n")),
        (_, "/metrics", Some(_)) => (StatusCode::OK, METRICS, shown.metrics.clone()),
        (_, "/metrics" | "/healthz", None) => {
            (StatusCode::SERVICE_UNAVAILABLE, WORDS, Bytes::from_static(b"no sample yet\n"))
        }
        (_, "/healthz", Some(until)) if now > until => {
            (StatusCode::SERVICE_UNAVAILABLE, WORDS, Bytes::from_static(b"the checks stand still\n"))
        }
        (_, "/healthz", Some(_)) => (StatusCode::OK, WORDS, Bytes::from_static(b"ok\n")),
        (_, "/", _) => (StatusCode::OK, WORDS, Bytes::from_static(INDEX.as_bytes())),
        _ => (StatusCode::NOT_FOUND, WORDS, Bytes::from_static(b"not found\n")),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

/// A stream for hyper.
struct Plain(TcpStream);

impl hyper::rt::Read for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 2048];
        let room = cursor.remaining().min(bytes.len());
        let mut buffer = ReadBuf::new(&mut bytes[..room]);
        std::task::ready!(Pin::new(&mut self.get_mut().0).poll_read(cx, &mut buffer))?;
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Plain {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_very_server_are_answered() {
        for (host, bound, answered) in [
            (None, "127.0.0.1:9808", true),
            (Some("127.0.0.1:9808"), "127.0.0.1:9808", true),
            (Some("localhost:9808"), "127.0.0.1:9808", true),
            (Some("LOCALHOST"), "[::1]:9808", true),
            (Some("[::1]:9808"), "[::1]:9808", true),
            (Some("conn-1:9808"), "127.0.0.1:9808", true),
            (Some("conn-1."), "10.0.0.5:9808", true),
            (Some("10.0.0.5:9808"), "0.0.0.0:9808", true),
            (Some("[fd00::5]:9808"), "[::]:9808", true),
            (Some("evil.example:9808"), "127.0.0.1:9808", false),
            (Some("conn-1.evil.example"), "127.0.0.1:9808", false),
            (Some("localhost.evil.example"), "0.0.0.0:9808", false),
            (Some("127.0.0.1.evil.example:9808"), "127.0.0.1:9808", false),
            (Some("localhost"), "10.0.0.5:9808", false),
            (Some("10.0.0.6"), "10.0.0.5:9808", false),
            (Some(""), "0.0.0.0:9808", false),
            (Some("?"), "0.0.0.0:9808", false),
        ] {
            assert_eq!(is_for(host, bound.parse().unwrap(), "conn-1"), answered, "{host:?} at {bound}");
        }
    }
}
