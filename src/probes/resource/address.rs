//! One address of a Resource, taken as far as it goes: the way, the connection, the greeting; and where it stops, who stands there.

use tokio::net::TcpStream;

use super::round::{PER_ATTEMPT, Place, Round};
use super::{after, converse, echo};
use crate::model::facts::{ResourceKind, ResourceTried};
use crate::model::observation::{FailureKind, NotRun, Outcome};
use crate::probes::host::way;
use crate::probes::{since_us, tcp};
use crate::proto::SILENCE;
use crate::proto::greeting::Opening;

impl Place {
    pub(super) async fn observe(&self, round: &Round) -> ResourceTried {
        let mut tried = ResourceTried::new(self.address);
        tried.way = way::to(self.address);
        match self.kind.row().opening {
            Opening::Untestable => {}
            Opening::Echo => {
                let _held = round.descriptors(1).await;
                tried.echo = Some(echo::ask(&round.ground.env, self.address, round.left()).await);
            }
            Opening::Dns => {
                let over_udp = async {
                    let _held = round.descriptors(1).await;
                    converse::dns_over_udp(round, self.socket()).await
                };
                let (udp, ()) = tokio::join!(over_udp, self.over_tcp(round, &mut tried));
                tried.udp = Some(udp);
            }
            _ => self.over_tcp(round, &mut tried).await,
        }
        let stopped = tried.connect.as_ref().is_some_and(|c| matches!(c, Outcome::Failed(_)))
            || tried.echo.as_ref().is_some_and(|e| matches!(e, Outcome::Failed(_)));
        if stopped {
            after::look(round, self, &mut tried).await;
        }
        tried
    }

    async fn over_tcp(&self, round: &Round, tried: &mut ResourceTried) {
        let env = &round.ground.env;
        let mut held = round.descriptors(PER_ATTEMPT * round.attempts).await;
        if round.left().is_zero() {
            tried.connect = Some(Outcome::NotRun(NotRun::Deadline));
            return;
        }
        let left = round.left();
        let (mut observed, mut stream) =
            tcp::connect_sparing(env, &self.host, self.socket(), left, round.attempts).await;
        // Many share the descriptors. Whoever stayed silent is tried again as if it were alone, behind all the others.
        let silent = matches!(&observed.outcome, Outcome::Failed(f) if f.kind == FailureKind::Timeout);
        if silent && round.attempts < tcp::MAX_ATTEMPTS {
            drop(held.take());
            held = round.descriptors(PER_ATTEMPT * tcp::MAX_ATTEMPTS).await;
            if round.left() >= SILENCE {
                let (host, left) = (&self.host, round.left());
                (observed, stream) =
                    tcp::connect_sparing(env, host, self.socket(), left, tcp::MAX_ATTEMPTS).await;
            }
        }
        if let Outcome::Failed(failure) = &mut observed.outcome {
            if failure.kind.is_own_want() {
                let why = failure.detail.clone();
                observed.outcome = Outcome::NotRun(match failure.kind {
                    FailureKind::NoPort => NotRun::NoPort(why),
                    FailureKind::NoBuffers => NotRun::NoBuffers(why),
                    _ => NotRun::Exhausted(why),
                });
            } else if tried.way.is_none()
                && failure.offender.is_none()
                && matches!(failure.kind, FailureKind::Unreachable | FailureKind::Denied | FailureKind::Io)
            {
                // The kernel's own word: it knows no way, or a route of its own refuses.
                failure.kind = FailureKind::NoRoute;
            }
        }
        tried.connect = Some(observed.outcome);
        // What stands takes one descriptor.
        let _one = held.as_mut().and_then(|permit| permit.split(1));
        drop(held);
        if let Some(stream) = stream
            && self.is_greeted()
        {
            let begun = env.elapsed();
            self.greet(round, stream, tried).await;
            tried.greeting_us = tried.greeting.is_some().then(|| since_us(env, begun));
        }
    }

    /// Whether this address is greeted: each one, or the first alone.
    fn is_greeted(&self) -> bool {
        self.once.as_ref().is_none_or(|once| once.set(()).is_ok())
    }

    async fn greet(&self, round: &Round, stream: TcpStream, tried: &mut ResourceTried) {
        match self.kind.row().opening {
            Opening::Listen => tried.greeting = Some(converse::said(round, stream, &[], self).await),
            Opening::Say(say) => {
                let bytes = say(&self.host_field());
                tried.greeting = Some(converse::said(round, stream, &bytes, self).await);
            }
            Opening::Tls => converse::tls(round, stream, None, self, tried).await,
            Opening::TlsSay(say) => {
                let bytes = say(&self.host_field());
                converse::tls(round, stream, Some(bytes), self, tried).await;
            }
            Opening::Dns => tried.greeting = Some(converse::dns_over_tcp(round, stream).await),
            Opening::Connect | Opening::Echo | Opening::Untestable => {}
        }
    }

    /// `Host` of HTTP (RFC 9110 7.2).
    fn host_field(&self) -> String {
        let bare = self.host.trim_end_matches('.');
        let bare = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
        let usual = if self.kind == ResourceKind::Https { 443 } else { 80 };
        if self.port == usual { bare } else { format!("{bare}:{}", self.port) }
    }
}
