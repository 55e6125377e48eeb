//! How likely peer-to-peer is behind a NAT of known behaviour: a table and its summary, no measurement.

use super::judge::{Filtering, Mapping};

/// What a NAT's choice depends on; for mapping and filtering alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of RFC 4787 4.1 and 5")]
pub enum Depends {
    EndpointIndependent,
    AddressDependent,
    AddressAndPortDependent,
}

use Depends::{AddressAndPortDependent as Port, AddressDependent as Addr, EndpointIndependent as Free};

const ALL: [Depends; 3] = [Free, Addr, Port];

/// Behaviour of one side's NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NatType {
    /// RFC 4787 4.1.
    pub mapping: Depends,
    /// RFC 4787 5.
    pub filtering: Depends,
}

impl NatType {
    /// All nine, in the order of the table's columns.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter().flat_map(|mapping| ALL.map(|filtering| Self { mapping, filtering }))
    }

    fn column(self) -> usize {
        self.mapping as usize * 3 + self.filtering as usize
    }
}

/// Whether two sides that both punch to the address learnt by STUN, and learn each other's from what arrives, hold a pair
/// of addresses that stays, without guessing ports. Rows and columns as in [`NatType::all`]. Found by `peer`'s own machine
/// behind simulated NATs, and tried behind the kernel's. Where both mappings change with the port, too, an answer never
/// comes from where it was asked: every packet arrives and none belongs to a connection.
const DIRECT: [&[u8; 9]; 9] = [
    b"yyyyyyyyy",
    b"yyyyyyyyy",
    b"yyy------",
    b"yy-yy-yy-",
    b"yy-y--y--",
    b"yy-------",
    b"yy-yy----",
    b"yy-y-----",
    b"yy-------",
];

/// Whether a direct way is to be expected between the two.
pub fn direct(ours: NatType, peer: NatType) -> bool {
    DIRECT[ours.column()][peer.column()] == b'y'
}

/// How likely a direct way is, by our side alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chance {
    /// With few kinds of peers.
    RelayLikely,
    /// With some kinds of peers.
    DependsOnPeer,
    /// With every kind of peer.
    DirectLikely,
}

/// What to expect. Where a behaviour is not known, a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// If what is not known is as bad as can be.
    pub worst: Chance,
    /// If it is as good as can be.
    pub best: Chance,
    /// Peers that are reached directly in either case.
    pub direct_with: Vec<NatType>,
    /// Peers that are relayed in either case.
    pub relayed_with: Vec<NatType>,
}

/// The outlook of a side that can use UDP at all and was judged so.
pub fn outlook(mapping: Mapping, filtering: Filtering) -> Outlook {
    let mappings: &[Depends] = match mapping {
        Mapping::NoNat | Mapping::EndpointIndependent => &[Free],
        Mapping::AddressDependent => &[Addr],
        Mapping::AddressAndPortDependent => &[Port],
        Mapping::DependentUnsplit => &[Addr, Port],
        Mapping::EndpointIndependentButNotUnderContention
        | Mapping::Undecided
        | Mapping::NotMeasurable(_) => &ALL,
    };
    let filterings: &[Depends] = match filtering {
        Filtering::EndpointIndependent => &[Free],
        Filtering::AddressDependent => &[Addr],
        Filtering::AddressAndPortDependent => &[Port],
        Filtering::Undecided | Filtering::NotMeasurable(_) => &ALL,
    };
    let ours: Vec<NatType> = mappings
        .iter()
        .flat_map(|mapping| {
            filterings.iter().map(|filtering| NatType { mapping: *mapping, filtering: *filtering })
        })
        .collect();
    let chances = || ours.iter().map(|ours| chance(*ours));
    Outlook {
        worst: chances().min().unwrap_or(Chance::RelayLikely),
        best: chances().max().unwrap_or(Chance::DirectLikely),
        direct_with: NatType::all().filter(|peer| ours.iter().all(|ours| direct(*ours, *peer))).collect(),
        relayed_with: NatType::all().filter(|peer| !ours.iter().any(|ours| direct(*ours, *peer))).collect(),
    }
}

/// By the number of kinds of peers: all nine, more than the two that anybody reaches, or no more.
fn chance(ours: NatType) -> Chance {
    match NatType::all().filter(|peer| direct(ours, *peer)).count() {
        9.. => Chance::DirectLikely,
        3.. => Chance::DependsOnPeer,
        _ => Chance::RelayLikely,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::stun::behaviour::Obstacle;

    #[test]
    fn the_table_is_symmetric() {
        for (a, b) in NatType::all().flat_map(|a| NatType::all().map(move |b| (a, b))) {
            assert_eq!(direct(a, b), direct(b, a), "{a:?} {b:?}");
        }
    }

    #[test]
    fn each_kind_has_its_chance() {
        use Chance::{DependsOnPeer, DirectLikely, RelayLikely};
        let rows = [
            (Mapping::NoNat, Filtering::EndpointIndependent, DirectLikely),
            (Mapping::EndpointIndependent, Filtering::AddressDependent, DirectLikely),
            (Mapping::EndpointIndependent, Filtering::AddressAndPortDependent, DependsOnPeer),
            (Mapping::AddressDependent, Filtering::EndpointIndependent, DependsOnPeer),
            (Mapping::AddressAndPortDependent, Filtering::AddressDependent, DependsOnPeer),
            (Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent, RelayLikely),
        ];
        for (mapping, filtering, chance) in rows {
            let seen = outlook(mapping, filtering);
            assert_eq!((seen.worst, seen.best), (chance, chance), "{mapping:?} {filtering:?}");
            assert_eq!(seen.direct_with.len() + seen.relayed_with.len(), 9);
        }
    }

    #[test]
    fn what_is_not_known_gives_a_range() {
        let unknown = Filtering::NotMeasurable(Obstacle::NoOtherAddress);
        let seen = outlook(Mapping::EndpointIndependent, unknown);
        assert_eq!((seen.worst, seen.best), (Chance::DependsOnPeer, Chance::DirectLikely));
        let seen = outlook(Mapping::DependentUnsplit, unknown);
        assert_eq!((seen.worst, seen.best), (Chance::RelayLikely, Chance::DependsOnPeer));
        assert_eq!(seen.direct_with.len(), 2, "whoever has an endpoint-independent mapping and lets us in");
        let seen = outlook(Mapping::Undecided, Filtering::Undecided);
        assert_eq!((seen.worst, seen.best), (Chance::RelayLikely, Chance::DirectLikely));
        assert!(seen.relayed_with.is_empty());
    }
}
