//! Resources under watch: each asked every five minutes at most, and greeted only as far as its server takes no offence.

use std::time::Duration;

use crate::config::Meant;
use crate::model::Report;
use crate::model::facts::{Resource, ResourceKind};

/// What was seen of a Resource has to do for so long.
const EVERY: Duration = Duration::from_mins(5);

/// What was seen of each Resource, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Vec<(Duration, Resource)>);

impl Asked {
    /// What is not asked again yet, at a time of the boot's clock.
    pub(super) fn known(&self, now: Duration) -> Vec<Resource> {
        let fresh = self.0.iter().filter(|(at, _)| now.saturating_sub(*at) < EVERY);
        fresh.map(|(_, resource)| resource.clone()).collect()
    }

    /// Keeps what this observation, which began at `now`, has newly seen.
    pub(super) fn learn(&mut self, now: Duration, report: &Report) {
        self.0.retain(|(at, _)| now.saturating_sub(*at) < EVERY);
        for resource in report.facts.resources.iter().filter(|r| r.seen().is_some()) {
            if !self.0.iter().any(|(_, known)| known.name == resource.name) {
                self.0.push((now, resource.clone()));
            }
        }
    }
}

/// Where a greeting counts against a client and its kind was only guessed, a connection has to do.
pub(super) fn calm(mut meant: Meant) -> Meant {
    for named in &mut meant.resources {
        if !named.at.kind_named && named.at.kind.row().counts.is_some() {
            named.at.kind = ResourceKind::Tcp;
        }
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Known, Said, SaidResource, Source};
    use crate::model::facts::{Facts, ResourceSeen};
    use crate::model::observation::Outcome;
    use crate::model::policy::Policy;
    use crate::pipeline::judge;

    fn meant() -> Meant {
        let resource = ["db.corp:3306", "named=db.corp:3306/mysql", "web.corp:443"];
        let resource = Some(resource.map(|text| SaidResource::from(text.to_owned())).to_vec());
        let said = Said { resource, ..Said::default() };
        Meant::of(&[Source::command_line(said)], Known { checks: &["a.b"], formats: &["human"] }).unwrap()
    }

    #[test]
    fn a_guessed_kind_that_counts_against_a_client_is_only_connected_to() {
        let kinds: Vec<ResourceKind> = calm(meant()).resources.iter().map(|named| named.at.kind).collect();
        assert_eq!(kinds, [ResourceKind::Tcp, ResourceKind::Mysql, ResourceKind::Https]);
    }

    #[test]
    fn what_was_seen_has_to_do_for_five_minutes() {
        let mut resources = crate::probes::resource::listed(&meant().resources, &[]);
        resources[0].seen = Outcome::Seen(ResourceSeen::default());
        let report = judge(Facts { resources, ..Facts::default() }, &Policy::default());
        let at = Duration::from_secs;
        let mut asked = Asked::default();
        assert!(asked.known(at(100)).is_empty());
        asked.learn(at(100), &report);
        asked.learn(at(200), &report);
        assert_eq!(asked.known(at(399)).len(), 1, "what was never seen is asked again");
        assert!(asked.known(at(400)).is_empty(), "the second observation saw nothing new");
        asked.learn(at(400), &report);
        assert_eq!(asked.known(at(699)).len(), 1);
    }
}
