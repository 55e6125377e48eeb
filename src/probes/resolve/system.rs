//! getaddrinfo, off this thread.
//!
//! It cannot be cancelled: a name that is still being asked for is not asked for anew. A silent resolver holds a thread
//! for half a minute, a name service that hangs for ever: a `watch` that looks each second would pile them up.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::order::in_order;
use crate::env::Env;
use crate::model::facts::SystemLookup;
use crate::model::observation::{FailureKind, Phase, ProbeFailure};
use crate::probes::aside::aside;
use crate::probes::micros;

/// From here on `EAI_AGAIN` means that nobody answered: glibc waits 5 s for each resolver.
const SILENCE: Duration = Duration::from_secs(4);

/// The answers that are awaited, by name.
pub(super) type UnderWay = Mutex<BTreeMap<String, Answer>>;

static UNDER_WAY: UnderWay = Mutex::new(BTreeMap::new());

/// What the system gives for a name.
pub(super) async fn system(env: Env, host: String, port: u16) -> SystemLookup {
    let name = host.clone();
    let ask = async move {
        let start = env.elapsed();
        let result = aside(move || (host.as_str(), port).to_socket_addrs()).await;
        let took = env.elapsed().saturating_sub(start);
        let (addresses, failure) = match result {
            Ok(Ok(found)) => (in_order(found.map(|a| a.ip().to_canonical())), None),
            Ok(Err(e)) => (Vec::new(), Some(sorted(&e, took))),
            Err(why) => (Vec::new(), Some(why.failure(Phase::Resolve))),
        };
        let failure = match (addresses.is_empty(), failure) {
            (true, None) => Some(ProbeFailure::new(Phase::Resolve, FailureKind::NoAddress, "no address")),
            (_, failure) => failure,
        };
        SystemLookup { addresses, took_us: micros(took), failure }
    };
    shared(&UNDER_WAY, &name, ask).await
}

/// Asks, unless the name is being asked for already: then that answer has to do.
pub(super) async fn shared(
    under_way: &'static UnderWay,
    name: &str,
    ask: impl Future<Output = SystemLookup>,
) -> SystemLookup {
    let (give, place) = match begin(under_way, name) {
        Ok(begun) => begun,
        Err(others) => return late(others).await,
    };
    let lookup = ask.await;
    drop(place);
    give.send_replace(Some(lookup.clone()));
    lookup
}

type Answer = watch::Receiver<Option<SystemLookup>>;

/// A place for this name, or the answer that is awaited already.
fn begin(
    under_way: &'static UnderWay,
    name: &str,
) -> Result<(watch::Sender<Option<SystemLookup>>, Place), Answer> {
    let mut names = under_way.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = names.get(name) {
        return Err(answer.clone());
    }
    let (give, answer) = watch::channel(None);
    names.insert(name.to_owned(), answer);
    Ok((give, Place { under_way, name: name.to_owned() }))
}

/// The answer to somebody else's question. That it failed says nothing of now: it began a time ago.
async fn late(mut answer: Answer) -> SystemLookup {
    let lookup = answer.wait_for(Option::is_some).await.ok().and_then(|lookup| lookup.clone());
    let mut lookup = lookup.unwrap_or_else(|| {
        let failure = ProbeFailure::new(Phase::Resolve, FailureKind::Timeout, "getaddrinfo broke off");
        SystemLookup { failure: Some(failure), ..SystemLookup::default() }
    });
    if let Some(failure) = &mut lookup.failure {
        failure.conclusive = false;
    }
    lookup
}

/// A name's place among those under way; given back when its answer is there, or is given up.
struct Place {
    under_way: &'static UnderWay,
    name: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Sorts by the words of `gai_strerror`, of glibc and of musl: the code itself does not reach us.
pub(super) fn sorted(error: &std::io::Error, took: Duration) -> ProbeFailure {
    const WORDS: [(&str, FailureKind); 9] = [
        ("Name or service not known", FailureKind::NotFound),
        ("Name does not resolve", FailureKind::NotFound),
        ("nodename nor servname", FailureKind::NotFound),
        ("No address associated", FailureKind::NoAddress),
        ("no usable address", FailureKind::NoAddress),
        ("Temporary failure", FailureKind::ResolverFailed),
        ("Try again", FailureKind::ResolverFailed),
        ("on-recoverable", FailureKind::ResolverFailed),
        ("Unrecoverable", FailureKind::ResolverFailed),
    ];
    let text = error.to_string();
    let kind = WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| *kind);
    let kind = match kind {
        Some(FailureKind::ResolverFailed) if took >= SILENCE => FailureKind::Timeout,
        Some(kind) => kind,
        None => FailureKind::of_io(error),
    };
    ProbeFailure::new(Phase::Resolve, kind, crate::model::text::clean(&text, 120))
}
