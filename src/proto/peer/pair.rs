//! Which addresses of the other side's line may be tried, and in which order (RFC 8445 5.1.2, 6.1.2.3). Sends nothing.

use std::net::{IpAddr, SocketAddr};

use super::line::{Candidate, Kind, Line, Mapping};

/// Further ports tried of a NAT that gives one a destination, counted up from the last one seen.
const PREDICTED: u16 = 8;
/// Ports that two servers saw are steps of one counter only where they are as near as this.
const STEP_MOST: u16 = 16;

/// How a remote address came to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The line: an address of the other host's own.
    Host,
    /// A check came from there (RFC 8445 7.3.1.3).
    PeerReflexive,
    /// The line: what STUN servers saw.
    ServerReflexive,
    /// A port that its NAT may give next.
    Predicted,
}

/// Where to send checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// How it came.
    pub origin: Origin,
    /// Where.
    pub address: SocketAddr,
    /// Its place in the line.
    pub rank: u16,
}

/// What this host knows of its own place, to tell which private addresses are near.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Own addresses with their prefix lengths.
    pub networks: Vec<(IpAddr, u8)>,
    /// Own addresses as STUN servers see them.
    pub mapped: Vec<IpAddr>,
}

impl Place {
    /// Whether a line may send this host's packets there. Global addresses, always; private ones only where the other
    /// side is on that network, as far as this host itself can tell: the address is on one of its own links, both are
    /// seen behind one address, or STUN servers see this very host by a private address.
    pub fn may_try(&self, remote: IpAddr, theirs: &Line) -> bool {
        let near = || self.networks.iter().any(|(own, prefix)| same_network(*own, remote, *prefix));
        let one_nat = || theirs.mapped().any(|mapped| self.mapped.contains(&mapped.ip()));
        let inside = || self.mapped.iter().any(|own| !is_global(*own));
        if remote.is_loopback() {
            return self.networks.iter().any(|(own, _)| own.is_loopback());
        }
        is_global(remote) || near() || one_nat() || inside()
    }

    /// Whom to send checks to, best first, and how many addresses of the line are left out as not near.
    pub fn remotes(&self, ours: Mapping, theirs: &Line) -> (Vec<Remote>, usize) {
        let (near, far): (Vec<_>, Vec<_>) =
            theirs.candidates.iter().enumerate().partition(|(_, c)| self.may_try(c.address.ip(), theirs));
        let mut remotes: Vec<Remote> = Vec::new();
        for (rank, Candidate { kind, address }) in near {
            // No NAT: both are the same address.
            if remotes.iter().all(|r| r.address != *address) {
                let origin = match kind {
                    Kind::Host => Origin::Host,
                    Kind::ServerReflexive => Origin::ServerReflexive,
                };
                remotes.push(Remote { origin, address: *address, rank: rank as u16 });
            }
        }
        // Only a NAT that always shows the same port here can meet a port that is guessed.
        if theirs.mapping == Mapping::Dependent && ours != Mapping::Dependent {
            remotes.extend(
                predicted(theirs)
                    .filter(|next| theirs.mapped().all(|known| known != *next))
                    .map(|address| Remote { origin: Origin::Predicted, address, rank: 0 }),
            );
        }
        remotes.sort_by_key(|r| std::cmp::Reverse(candidate_priority(r)));
        (remotes, far.len())
    }
}

/// The ports that a counting NAT gives next, after those that servers saw.
fn predicted(theirs: &Line) -> impl Iterator<Item = SocketAddr> {
    let seen: Vec<SocketAddr> = theirs.mapped().filter(SocketAddr::is_ipv4).collect();
    let counted = seen.windows(2).last().and_then(|pair| {
        let step = pair[1].port().checked_sub(pair[0].port())?;
        (pair[0].ip() == pair[1].ip() && (1..=STEP_MOST).contains(&step)).then_some((pair[1], step))
    });
    counted.into_iter().flat_map(|(last, step)| {
        (1..=PREDICTED).filter_map(move |n| {
            Some(SocketAddr::new(last.ip(), last.port().checked_add(step.checked_mul(n)?)?))
        })
    })
}

/// A candidate's priority (RFC 8445 5.1.2.1): type, then IPv6 before IPv4 (RFC 8421 4), then the line's order.
pub fn candidate_priority(remote: &Remote) -> u32 {
    let kind: u32 = match remote.origin {
        Origin::Host => 126,
        Origin::PeerReflexive => 110,
        Origin::ServerReflexive => 100,
        Origin::Predicted => 50,
    };
    let family = if remote.address.is_ipv6() { 65_535 } else { 32_767 };
    kind << 24 | (family - u32::from(remote.rank.min(32_767))) << 8 | 255
}

/// A pair's priority (RFC 8445 6.1.2.3) of the leader's candidate `g` and the follower's `d`.
pub fn pair_priority(g: u32, d: u32) -> u64 {
    (u64::from(g.min(d)) << 32) + 2 * u64::from(g.max(d)) + u64::from(g > d)
}

/// Not private as the contract says it: RFC 1918, RFC 6598, unique local, link-local, loopback.
pub fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private() || v4.is_link_local() || v4.is_loopback() || (a == 100 && b & 0xC0 == 64))
        }
        IpAddr::V6(v6) => !(v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback()),
    }
}

fn same_network(own: IpAddr, other: IpAddr, prefix: u8) -> bool {
    match (own, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let bits = 32_u32.saturating_sub(u32::from(prefix));
            (a.to_bits() ^ b.to_bits()).checked_shr(bits).unwrap_or(0) == 0 && prefix > 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let bits = 128_u32.saturating_sub(u32::from(prefix));
            (a.to_bits() ^ b.to_bits()).checked_shr(bits).unwrap_or(0) == 0 && prefix > 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::peer::line::hash;

    fn line(mapping: Mapping, host: &[&str], mapped: &[&str]) -> Line {
        let of = |kind, list: &[&str]| -> Vec<Candidate> {
            list.iter().map(|a| Candidate { kind, address: a.parse().unwrap() }).collect()
        };
        let candidates = [of(Kind::Host, host), of(Kind::ServerReflexive, mapped)].concat();
        Line { made_s: 0, certificate: hash(b"x"), mapping, hard: false, answers: None, candidates }
    }

    fn place(networks: &[(&str, u8)], mapped: &[&str]) -> Place {
        Place {
            networks: networks.iter().map(|(ip, prefix)| (ip.parse().unwrap(), *prefix)).collect(),
            mapped: mapped.iter().map(|ip| ip.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_private_target_is_tried_only_where_the_other_side_is_near() {
        let theirs = line(Mapping::Independent, &[], &["203.0.113.9:40000"]);
        let home = place(&[("10.0.0.5", 24), ("fd00:1::5", 64)], &["203.0.113.2"]);
        for (remote, tried) in [
            ("198.51.100.7", true),
            ("2001:db8::1", true),
            ("10.0.0.9", true),
            ("10.0.1.9", false),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("fd00:1::9", true),
            ("fd00:2::9", false),
        ] {
            assert_eq!(home.may_try(remote.parse().unwrap(), &theirs), tried, "{remote}");
        }
        let one_nat = line(Mapping::Independent, &[], &["203.0.113.2:40000"]);
        assert!(home.may_try("10.0.1.9".parse().unwrap(), &one_nat), "behind the same address");
        assert!(!home.may_try("127.0.0.1".parse().unwrap(), &one_nat));
        let inside = place(&[("10.0.0.5", 24)], &["10.0.0.5"]);
        assert!(inside.may_try("10.7.0.9".parse().unwrap(), &theirs), "servers see a private address");
        let alone = place(&[("127.0.0.1", 8)], &[]);
        assert!(alone.may_try("127.0.0.1".parse().unwrap(), &theirs));
    }

    #[test]
    fn host_addresses_come_first_ipv6_before_ipv4_and_nothing_twice() {
        let theirs = line(
            Mapping::NoNat,
            &["198.51.100.7:40000", "[2001:db8::7]:40001", "10.9.0.1:40000"],
            &["198.51.100.7:40000"],
        );
        let (remotes, left_out) = place(&[], &[]).remotes(Mapping::NoNat, &theirs);
        let seen: Vec<String> = remotes.iter().map(|r| r.address.to_string()).collect();
        assert_eq!(
            (seen, left_out),
            (vec!["[2001:db8::7]:40001".to_owned(), "198.51.100.7:40000".to_owned()], 1)
        );
    }

    #[test]
    fn the_next_ports_of_a_counting_nat_are_tried_and_no_others() {
        let of = |ours, mapped: &[&str]| {
            let (remotes, _) = place(&[], &[]).remotes(ours, &line(Mapping::Dependent, &[], mapped));
            remotes
                .iter()
                .filter(|r| r.origin == Origin::Predicted)
                .map(|r| r.address.port())
                .collect::<Vec<_>>()
        };
        let counting = ["203.0.113.9:5000", "203.0.113.9:5002"];
        assert_eq!(of(Mapping::Independent, &counting), [5004, 5006, 5008, 5010, 5012, 5014, 5016, 5018]);
        assert!(of(Mapping::Dependent, &counting).is_empty(), "two hard sides");
        assert!(of(Mapping::Independent, &["203.0.113.9:5000", "203.0.113.9:41234"]).is_empty());
        assert!(of(Mapping::Independent, &["203.0.113.8:5000", "203.0.113.9:5001"]).is_empty());
        assert_eq!(of(Mapping::Independent, &["203.0.113.9:65530", "203.0.113.9:65533"]), [] as [u16; 0]);
    }

    #[test]
    fn priorities_are_those_of_rfc_8445() {
        // 5.1.2.1 with type preference 126, local preference 65535, component 1; 6.1.2.3.
        let host = Remote { origin: Origin::Host, address: "[2001:db8::1]:1".parse().unwrap(), rank: 0 };
        assert_eq!(candidate_priority(&host), 2_130_706_431);
        assert_eq!(pair_priority(5, 3), (3 << 32) + 11);
        assert_eq!(pair_priority(3, 5), (3 << 32) + 10);
    }
}
