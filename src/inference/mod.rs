//! What the observations of a run prove together, computed once: checks judge it, the diagnosis decides by it.
//! Pure; judges nothing.

mod astray;
pub mod certificate;
pub mod clock;
mod controls;
pub mod elsewhere;
pub mod flows;
pub mod lifetime;
pub mod lookups;
pub mod loss;
pub mod names;
pub mod nat;
pub mod own_sockets;
mod portal;
pub mod proof;
pub mod quic;
pub mod reach;
pub mod refusal;
pub mod resolvers;
pub mod resource;
mod takes;
mod tally;
pub mod target;
pub mod tls_cut;
mod votes;
pub mod want;

use crate::model::astray::Astray;
use crate::model::facts::{Facts, Target};
use crate::model::finding::TlsCut;
use crate::model::witness::Witnesses;

/// A run: what was observed, and what that proves.
#[derive(Debug)]
pub struct Inference<'a> {
    /// What was observed.
    pub facts: &'a Facts,
    /// What is lost on the path, and so what silence means.
    pub loss: loss::Loss,
    /// What is known of the time.
    pub clock: clock::Clock,
    /// The Controller, where one is known.
    pub controller: Option<&'a Target>,
    /// Where its name leads, where it has one.
    pub controller_name: Option<names::ControllerName<'a>>,
    /// How this host's lookups go.
    pub lookups: lookups::Lookups,
    /// What public resolvers said, where they were asked.
    pub elsewhere: elsewhere::Elsewhere,
    /// What this host itself had nothing left of.
    pub want: want::Want,
    /// Where this host's own routing leads astray.
    pub astray: Vec<Astray>,
    /// Whether the resolvers serve names.
    pub resolvers: resolvers::Resolvers<'a>,
    /// Which relays and event services take connections.
    pub reach: reach::Reach<'a>,
    /// What became of each Resource that was named.
    pub resources: Vec<resource::Judged<'a>>,
    /// Resources that were not named and that the Connector's log calls failed.
    pub failed_in_log: Vec<resource::FailedInLog>,
    /// What is known of NATs on the way.
    pub nat: nat::Nat,
    /// How long its mappings live, where that was asked for.
    pub lifetime: Option<lifetime::Lifetime>,
    /// Whether QUIC passes.
    pub quic: quic::Quic<'a>,
    /// What is cut of TLS to the Controller, where handshakes of another kind tell.
    pub tls_cut: Option<TlsCut>,
    /// Whether the Controller showed a certificate, and none that does not hold.
    pub certificate_holds: bool,
    /// Whether it serves, by a right clock.
    pub controller_serves: bool,
    /// What the controls saw, for the diagnosis.
    pub witnesses: Witnesses,
}

/// What the observations of a run prove together.
pub fn infer(facts: &Facts) -> Inference<'_> {
    let loss = loss::Loss::of(facts);
    let clock = clock::Clock::of(facts);
    let resolvers = resolvers::Resolvers::of(facts, &loss);
    let reach = reach::Reach::of(facts, &loss, &resolvers);
    let resources = resource::judge(facts, &loss, &clock);
    let certificate_holds = certificate::holds(facts, &clock);
    Inference {
        witnesses: controls::witnesses(facts, &loss),
        lookups: lookups::Lookups::of(facts),
        elsewhere: elsewhere::Elsewhere::of(facts),
        want: want::Want::of(facts),
        astray: astray::astray(facts),
        controller: target::controller(facts),
        tls_cut: tls_cut::tls_cut(facts),
        certificate_holds,
        controller_serves: certificate::taken_here(facts, &clock) && certificate::serves(facts, &clock),
        controller_name: names::ControllerName::of(facts, &resolvers),
        facts,
        loss,
        clock,
        resolvers,
        reach,
        resources,
        failed_in_log: resource::failed_in_log(facts),
        nat: nat::Nat::of(facts),
        lifetime: lifetime::Lifetime::of(facts),
        quic: quic::Quic::of(facts),
    }
}
