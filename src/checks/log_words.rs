//! What a Connector's log shows, in words: the evidence of `connector.log`.

use super::log_view::{View, weight};
use crate::connector::log::signatures::{Weight, row};
use crate::model::facts::{Health, LogSign};
use crate::model::text::count;

/// The evidence of one Connector, a line each.
pub(super) fn evidence(view: &View<'_>) -> Vec<String> {
    let named = view.named();
    let signs = view.one.signs.iter().flat_map(|sign| lines(view, sign));
    signs.chain(rest(view)).map(|line| format!("{named}{line}")).collect()
}

/// The evidence: how often, when, whether it is over, and the line.
fn lines(view: &View<'_>, sign: &LogSign) -> Vec<String> {
    let over = match (weight(sign), view.why_over(sign)) {
        (Weight::Note, _) => "no failure by itself".to_owned(),
        (_, Some(why)) => format!("over: {why}"),
        (_, None) if view.works_here(sign.signature) => "not over, and works here now".to_owned(),
        (_, None) => "not over".to_owned(),
    };
    let shows = row(sign.signature).shows;
    let times = count(sign.count as usize, "line");
    let (first, last) = (view.when(sign.first), view.when(sign.last));
    vec![format!("{shows}: {times}, first {first}, last {last}; {over}"), format!("it says: {}", sign.sample)]
}

/// What else is worth knowing of it.
fn rest(view: &View<'_>) -> Vec<String> {
    let one = view.one;
    let state = one.state.as_ref().map(|state| {
        format!("{}, the last one to {state}", count(one.state_changes as usize, "change") + " of state")
    });
    let health = one.health.map(|health| {
        format!("it last showed that it works at {}: {}", view.when(health.last), word(health.sign))
    });
    let clock = one.token_clock.map(|clock| format!("the clock was {}", view.clock_words(clock)));
    let strange = (one.strange_times > 0).then(|| {
        format!(
            "{} with a time in a form that is not known here: silence ends nothing",
            count(one.strange_times as usize, "line")
        )
    });
    let unknown = one
        .unknown
        .iter()
        .map(|error| format!("unknown error, {}: {}", count(error.count as usize, "time"), error.shape));
    let more = one.unknown.iter().fold(one.unknown_lines, |left, error| left.saturating_sub(error.count));
    let more = (more > 0).then(|| format!("{} of other shapes", count(more as usize, "unknown error")));
    let traffic = &one.traffic;
    let ways = traffic.direct.saturating_add(traffic.relayed);
    let ways = (ways > 0).then(|| {
        format!(
            "{} peer-to-peer, {} over relays ({} %)",
            count(traffic.direct as usize, "connection"),
            traffic.relayed,
            u128::from(traffic.relayed) * 100 / u128::from(ways)
        )
    });
    let failed = traffic.failed.iter().map(|failed| {
        let command = failed.place().map(|_| {
            format!("; test it: connector-doctor check 'resource.*' --resource {}", failed.resource)
        });
        format!("Resource {}: {}{}", failed.resource, failed.words(), command.unwrap_or_default())
    });
    let failed_more = (traffic.failed_more > 0)
        .then(|| format!("{} to other Resources", count(traffic.failed_more as usize, "failure")));
    let first = [state, health, clock, strange].into_iter().flatten();
    first.chain(unknown).chain(more).chain(ways).chain(failed).chain(failed_more).collect()
}

fn word(sign: Health) -> &'static str {
    match sign {
        Health::Renewed => "its event service's token was renewed",
        Health::NamesBack => "a name server answered again",
        Health::Heartbeat => "the Controller took a heartbeat",
        Health::Served => "a Client's connection",
        Health::Ready => "it came to the state Ready or Online",
    }
}
