//! The control plane against servers on loopback: what is kept of each step, and the Date as a clock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Plane, controller, relay, service};
use crate::env::Env;
use crate::model::facts::Facts;
use crate::model::observation::{FailureKind, NotRun};
use crate::probes::board::Board;
use crate::probes::tls::tests::{Authority, NAME, serve};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// An environment whose wall clock is `offset_ms` off, and a plane that trusts `authority`.
fn plane(authority: &Authority, offset_ms: i64) -> (Plane, watch::Sender<bool>) {
    let env = Env::system().with_wall_shift(offset_ms * 1_000_000);
    let (time, time_known) = watch::channel(false);
    let (_, roots) = watch::channel(Some(Arc::new(authority.roots())));
    let end = env.elapsed() + Duration::from_secs(9);
    let time_doubted = watch::channel(false).1;
    (Plane { env, board: Board::default(), roots, time_known, time_doubted, end }, time)
}

fn finish(board: &Board) -> Facts {
    let mut facts = Facts::default();
    board.finish(&NotRun::Deadline, &mut facts);
    facts
}

/// An IMF-fixdate of the true time, `ahead_ms` ahead.
fn date(ahead_ms: i64) -> String {
    let second = (Env::system().wall_ns() + ahead_ms * 1_000_000).div_euclid(1_000_000_000);
    let time = jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A Controller whose certificate is always valid and whose answers have these further lines; `delay` each way.
async fn https(
    authority: &Authority,
    status: &'static str,
    lines: &'static str,
    delay: Duration,
) -> SocketAddr {
    let config = authority.server(|p| {
        p.not_before = rcgen::date_time_ymd(2000, 1, 1);
        p.not_after = rcgen::date_time_ymd(2099, 1, 1);
    });
    serve(config, move |mut stream| async move {
        let mut request = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            request.push(byte);
            if request.ends_with(b"\r\n\r\n") {
                request.clear();
                tokio::time::sleep(delay).await;
                let answer = format!("HTTP/1.1 {status}\r\nDate: {}\r\n{lines}\r\n", date(0));
                tokio::time::sleep(delay).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    })
    .await
}

async fn ask(plane: &Plane, address: SocketAddr) -> Facts {
    controller(plane.clone(), (0, 0), NAME.into(), address.port(), format!("{NAME}:443"), &[HERE]).await;
    finish(&plane.board)
}

#[tokio::test]
async fn each_step_is_kept_and_the_date_bounds_the_offset_at_once() {
    let ours = Authority::new("Example Root");
    for offset_ms in [-9_500, 0, 700] {
        let address = https(&ours, "200 OK", "", Duration::from_millis(20)).await;
        let (plane, _time) = plane(&ours, offset_ms);
        let control = ask(&plane, address).await.control;
        assert!(control.tcp[0].seen().is_some() && control.tls[0].seen().unwrap().system.trusted);
        let answer = control.http[0].seen().unwrap();
        assert_eq!((answer.status, answer.method.as_str()), (200, "HEAD"));
        let clock = control.dates[0].seen().unwrap();
        assert_eq!((clock.answers, clock.refused.as_deref()), (1, None));
        let truth = offset_ms * 1_000_000;
        assert!(clock.least_ns <= truth && truth <= clock.most_ns, "{clock:?} at {offset_ms} ms");
        let middle = i64::midpoint(clock.least_ns, clock.most_ns);
        assert!((middle - truth).abs() <= 1_100_000_000, "{clock:?}");
    }
}

#[tokio::test]
async fn near_a_limit_the_date_is_narrowed_to_a_fifth_of_a_second_within_the_run() {
    let ours = Authority::new("Example Root");
    let cases = [(-4_100, 0), (5_900, 20), (5_050, 20), (-4_950, 150)].map(|(offset_ms, delay_ms)| {
        let ours = &ours;
        async move {
            let address =
                https(ours, "302 Found", "Location: /login\r\n", Duration::from_millis(delay_ms)).await;
            let (plane, _time) = plane(ours, offset_ms);
            let facts = ask(&plane, address).await;
            let clock = facts.control.dates[0].seen().cloned().unwrap();
            let truth = offset_ms * 1_000_000;
            assert!(clock.least_ns <= truth && truth <= clock.most_ns, "{clock:?} at {offset_ms} ms");
            let middle = i64::midpoint(clock.least_ns, clock.most_ns);
            assert!((middle - truth).abs() <= 200_000_000, "{clock:?} at {offset_ms} ms");
            assert!(clock.answers > 1, "{clock:?}");
        }
    });
    let [a, b, c, d] = cases;
    tokio::join!(a, b, c, d);
}

#[tokio::test]
async fn once_a_time_server_has_answered_the_controller_is_asked_once() {
    let ours = Authority::new("Example Root");
    let address = https(&ours, "200 OK", "", Duration::ZERO).await;
    let (plane, time) = plane(&ours, -5_000);
    time.send_replace(true);
    assert_eq!(ask(&plane, address).await.control.dates[0].seen().unwrap().answers, 1);
}

#[tokio::test]
async fn cached_redirected_and_strangers_answers_are_no_witness() {
    let ours = Authority::new("Example Root");
    for (lines, words) in [
        ("Age: 7\r\n", "out of a cache, 7 s old"),
        ("Location: http://portal.hotel.example/\r\n", "sends to another site, portal.hotel.example"),
    ] {
        let address = https(&ours, "302 Found", lines, Duration::ZERO).await;
        let (plane, _time) = plane(&ours, -5_000);
        let facts = ask(&plane, address).await;
        let refused = facts.control.dates[0].seen().unwrap().refused.clone().unwrap();
        assert!(refused.contains(words), "{refused}");
    }
    let address = https(&Authority::new("Snoop"), "200 OK", "", Duration::ZERO).await;
    let (plane, _time) = plane(&ours, -5_000);
    let control = ask(&plane, address).await.control;
    assert!(control.dates[0].seen().unwrap().refused.as_ref().unwrap().contains("certificate"));
    assert_eq!(control.http[0].seen().unwrap().status, 200);
}

#[tokio::test]
async fn an_error_is_asked_for_again_with_get() {
    let ours = Authority::new("Example Root");
    let address = https(&ours, "503 Service Unavailable", "Content-Length: 0\r\n", Duration::ZERO).await;
    let (plane, _time) = plane(&ours, 0);
    let control = ask(&plane, address).await.control;
    let answer = control.http[0].seen().unwrap();
    assert_eq!((answer.status, answer.method.as_str()), (503, "GET"));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_ends_in_time_and_what_follows_is_not_run() {
    let ours = Authority::new("Example Root");
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let (mut plane, _time) = plane(&ours, 0);
    plane.end = plane.env.elapsed() + Duration::from_millis(600);
    let control = ask(&plane, listener.local_addr().unwrap()).await.control;
    assert!(control.tcp[0].seen().is_some());
    assert_eq!(control.tls[0].failure().unwrap().kind, FailureKind::Timeout);
    assert!(control.http.is_empty() && control.dates.is_empty());
    assert!(plane.env.elapsed() < plane.end);
}

#[tokio::test]
async fn a_refusal_is_traced() {
    let ours = Authority::new("Example Root");
    let address = TcpListener::bind((HERE, 0)).await.unwrap().local_addr().unwrap();
    let (plane, _time) = plane(&ours, 0);
    relay(plane.clone(), (1, 0), "relay".into(), address).await;
    service(plane.clone(), (2, 0), NAME.into(), "service".into(), address).await;
    let control = ask(&plane, address).await.control;
    assert_eq!(control.tcp[0].failure().unwrap().kind, FailureKind::Refused);
    assert_eq!(control.relays[0].failure().unwrap().kind, FailureKind::Refused);
    assert_eq!(control.services[0].failure().unwrap().kind, FailureKind::Refused);
    assert_eq!(control.refusals.len(), 3);
    for trace in control.refusals {
        let trace = trace.seen().unwrap();
        assert_eq!((trace.syn_ttl, trace.reset_ttl, trace.by_router()), (Some(1), Some(64), Some(false)));
    }
}
