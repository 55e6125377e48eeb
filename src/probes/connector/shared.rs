//! Whether one pair of tokens stands in two Connectors of this host: compared here, and forgotten.

use super::found::Holder;
use crate::model::facts::{Deployment, Meet, SharedTokens};

/// Most pairs that are told.
const MOST: usize = 8;

/// Every two holders that are not one Connector and have a token in common.
pub(super) fn pairs(holders: &[Holder]) -> Vec<SharedTokens> {
    let mut pairs = Vec::new();
    for (n, first) in holders.iter().enumerate() {
        for second in &holders[n + 1..] {
            if pairs.len() < MOST && first.tokens.same(&second.tokens) && !is_one(first, second, holders) {
                let meet = match (runs(first, holders), runs(second, holders)) {
                    (true, true) => Meet::BothRun,
                    (true, false) if second.starts => Meet::MayStart,
                    (false, true) if first.starts => Meet::MayStart,
                    _ => Meet::Idle,
                };
                pairs.push(SharedTokens { first: first.name.clone(), second: second.name.clone(), meet });
            }
        }
    }
    // A container shows twice, by its process and by its file: the worst of each two speaks.
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.meet));
    pairs
}

/// Both show the same Connector: a process and its file, two processes of one container, one that made the other.
fn is_one(first: &Holder, second: &Holder, all: &[Holder]) -> bool {
    if let (Some((own, parent)), Some((its, other))) = (first.pids, second.pids) {
        return own == other || its == parent || same(&first.deployment, &second.deployment);
    }
    let (file, other) = if first.pids.is_none() { (first, second) } else { (second, first) };
    if same(&file.deployment, &other.deployment) {
        return true;
    }
    // Of a file whose own process is there that process speaks.
    other.pids.is_some()
        && all.iter().any(|holder| holder.pids.is_some() && same(&holder.deployment, &file.deployment))
}

/// By the id of a container or pod, by the unit, or both on the host itself.
fn same(own: &Deployment, its: &Deployment) -> bool {
    let both = |own: &Option<String>, its: &Option<String>| own.is_some() && own == its;
    if own.kind.native() && its.kind.native() {
        return own.unit == its.unit || own.unit.is_none() || its.unit.is_none();
    }
    let named = own.kind == its.kind && own.owner == its.owner && both(&own.name, &its.name);
    own.kind.native() == its.kind.native() && (both(&own.id, &its.id) || both(&own.unit, &its.unit) || named)
}

fn runs(holder: &Holder, all: &[Holder]) -> bool {
    holder.pids.is_some()
        || all.iter().any(|other| other.pids.is_some() && same(&other.deployment, &holder.deployment))
}
