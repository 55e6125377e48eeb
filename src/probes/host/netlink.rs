//! Questions of rtnetlink (a link's nature, the way to an address), asked without rights; reads only.
//!
//! After `nsenter -n` /sys/class/net still shows the namespace it was mounted in; netlink always answers for
//! the namespace of this process.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket,
    sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::kernel::Link;
use crate::model::facts::{Neighbour, Route};
use crate::model::text;

const REQUEST: u16 = 1;
/// `NLM_F_ROOT | NLM_F_MATCH`.
const DUMP: u16 = 0x300;
/// A table that takes more reads than this is not read to its end.
const MOST_READS: usize = 64;
pub(super) const ERROR: u16 = 2;
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
pub(super) const NEW_ROUTE: u16 = 24;
pub(super) const GET_ROUTE: u16 = 26;
const NEW_NEIGHBOUR: u16 = 28;
const GET_NEIGHBOUR: u16 = 30;
/// `nlmsghdr`.
const HEADER: usize = 16;
/// `ifinfomsg`.
const LINK_HEADER: usize = 16;
/// `rtmsg`.
pub(super) const ROUTE_HEADER: usize = 12;
/// `ndmsg`.
const NEIGHBOUR_HEADER: usize = 12;
/// `IFF_UP`, `IFF_RUNNING`.
const UP_AND_RUNNING: u32 = 0x41;

/// A netlink socket.
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open() -> Result<Self, Errno> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        // The kernel answers at once; a sandbox that swallows the question must not hold the run.
        setsockopt(&fd, ReceiveTimeout, &TimeVal::milliseconds(50))?;
        Ok(Self(fd))
    }

    /// One link by its name.
    pub(super) fn link(&self, name: &str) -> Option<Link> {
        let mut body = vec![0; LINK_HEADER];
        attribute(&mut body, 3, &[name.as_bytes(), &[0]].concat()); // IFLA_IFNAME
        attribute(&mut body, 29, &8_u32.to_ne_bytes()); // IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS
        match self.ask(GET_LINK, &body) {
            Ok((NEW_LINK, answer)) => parse_link(&answer),
            _ => None,
        }
    }

    /// The way out to `destination`; none where the kernel knows none, or it is this host.
    pub(super) fn route(&self, destination: IpAddr) -> Result<Option<Route>, String> {
        Ok(self.any_route(destination)?.filter(|route| route.interface != "lo"))
    }

    /// The way to `destination`, loopback included; none where the kernel knows none.
    pub(super) fn any_route(&self, destination: IpAddr) -> Result<Option<Route>, String> {
        let (family, octets) = match destination {
            IpAddr::V4(ip) => (libc::AF_INET as u8, ip.octets().to_vec()),
            IpAddr::V6(ip) => (libc::AF_INET6 as u8, ip.octets().to_vec()),
        };
        let mut body = vec![0; ROUTE_HEADER];
        body[0] = family;
        body[1] = (octets.len() * 8) as u8;
        attribute(&mut body, 1, &octets); // RTA_DST
        match self.ask(GET_ROUTE, &body) {
            Ok((NEW_ROUTE, answer)) => {
                let Some((gateway, index)) = parse_route(&answer) else { return Ok(None) };
                let interface = nix::net::if_::if_indextoname(index).map_err(|e| format!("netlink: {e}"))?;
                let interface = text::clean_bytes(interface.as_bytes(), 32);
                Ok(Some(Route { gateway, ipv6: family != 2, interface, metric: 0 }))
            }
            // No route, an unreachable, prohibited or black-holed one, or no such family.
            Ok((ERROR, _)) => Ok(None),
            Ok(_) => Err("netlink: an answer that was not asked for".to_owned()),
            Err(e) => Err(format!("netlink: {}", e.desc())),
        }
    }

    /// What the kernel knows of a neighbour behind an interface (since Linux 5.0); none where it keeps no entry.
    pub(super) fn neighbour(&self, interface: &str, address: IpAddr) -> Option<Neighbour> {
        let index = nix::net::if_::if_nametoindex(interface).ok()?;
        let (family, octets) = match address {
            IpAddr::V4(ip) => (libc::AF_INET as u8, ip.octets().to_vec()),
            IpAddr::V6(ip) => (libc::AF_INET6 as u8, ip.octets().to_vec()),
        };
        let mut body = vec![0; NEIGHBOUR_HEADER];
        body[0] = family;
        body.get_mut(4..8)?.copy_from_slice(&index.to_ne_bytes());
        attribute(&mut body, 1, &octets); // NDA_DST
        match self.ask(GET_NEIGHBOUR, &body) {
            Ok((NEW_NEIGHBOUR, answer)) => parse_neighbour(&answer),
            _ => None,
        }
    }

    /// One question, its one answer: type and payload.
    pub(super) fn ask(&self, kind: u16, body: &[u8]) -> Result<(u16, Vec<u8>), Errno> {
        self.send(kind, REQUEST, body)?;
        let mut buffer = self.receive()?;
        let kind = u16_at(&buffer, 4).ok_or(Errno::EBADMSG)?;
        let payload = buffer.split_off(HEADER.min(buffer.len()));
        Ok((kind, payload))
    }

    /// One question for a whole table: the payloads of its answers, at most so many.
    pub(super) fn dump(&self, kind: u16, body: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Errno> {
        const DONE: u16 = 3;
        self.send(kind, REQUEST | DUMP, body)?;
        let mut all = Vec::new();
        // What is left of a longer table is read and thrown away: the socket serves the next question, too.
        for _ in 0..MOST_READS {
            let buffer = self.receive()?;
            let mut rest = buffer.as_slice();
            while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
                let length = length as usize;
                let payload = rest.get(HEADER..length).ok_or(Errno::EBADMSG)?;
                match kind {
                    DONE | ERROR => return Ok(all),
                    _ if all.len() < most => all.push(payload.to_vec()),
                    _ => {}
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
        Ok(all)
    }

    fn send(&self, kind: u16, flags: u16, body: &[u8]) -> Result<(), Errno> {
        let mut message = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        sendto(self.0.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        Ok(())
    }

    fn receive(&self) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; 32 * 1024];
        let length = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn parse_link(answer: &[u8]) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(answer, 2),
        up: u32_at(answer, 8)? & UP_AND_RUNNING == UP_AND_RUNNING,
        ..Link::default()
    };
    for (kind, value) in attributes(answer.get(LINK_HEADER..)?) {
        match kind {
            4 => link.mtu = u32_at(value, 0),
            10 => link.enslaved = true,
            18 => info(value, &mut link),
            _ => {}
        }
    }
    Some(link)
}

/// `IFLA_LINKINFO`: the kind's word, and of a TUN device which sort it is.
fn info(nested: &[u8], link: &mut Link) {
    for (kind, value) in attributes(nested) {
        match kind {
            1 => link.kind = Some(text::clean_bytes(value, 32)),
            2 if link.kind.as_deref() == Some("tun") => {
                link.tap = attributes(value).any(|(kind, value)| kind == 3 && value.first() == Some(&2));
            }
            _ => {}
        }
    }
}

/// Gateway and outgoing interface of a route to a host; loopback where it is this one.
fn parse_route(answer: &[u8]) -> Option<(Option<IpAddr>, u32)> {
    const UNICAST: u8 = 1;
    const LOCAL: u8 = 2;
    if !matches!(*answer.get(7)?, UNICAST | LOCAL) {
        return None;
    }
    let (mut gateway, mut index) = (None, None);
    for (kind, value) in attributes(answer.get(ROUTE_HEADER..)?) {
        match kind {
            4 => index = u32_at(value, 0),
            5 => gateway = ip(value),
            18 => gateway = value.get(2..).and_then(ip), // RTA_VIA: a gateway of the other family
            _ => {}
        }
    }
    Some((gateway, index?))
}

/// `ndm_state`: `NUD_*` bits.
fn parse_neighbour(answer: &[u8]) -> Option<Neighbour> {
    const SILENT: u16 = 0x01 | 0x20; // INCOMPLETE, FAILED
    const ANSWERS: u16 = 0x02 | 0x04 | 0x08 | 0x10; // REACHABLE, STALE, DELAY, PROBE
    match u16_at(answer, 8)? {
        state if state & SILENT != 0 => Some(Neighbour::Silent),
        state if state & 0x80 != 0 => Some(Neighbour::Fixed),
        state if state & 0x40 != 0 => Some(Neighbour::NotAsked),
        state if state & ANSWERS != 0 => Some(Neighbour::Answers),
        _ => None,
    }
}

pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    v4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// The `rtattr`s of a payload: type without its flag bits, value.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..length)?;
        let kind = u16_at(bytes, 2)? & 0x3fff;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(super) fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().map(u16::from_ne_bytes).ok()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().map(u32::from_ne_bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_answer(kind: &str, flags: u32, data: &[u8]) -> Vec<u8> {
        let mut answer = vec![0; LINK_HEADER];
        answer[2..4].copy_from_slice(&1_u16.to_ne_bytes());
        answer[8..12].copy_from_slice(&flags.to_ne_bytes());
        attribute(&mut answer, 4, &1420_u32.to_ne_bytes());
        let mut nested = Vec::new();
        attribute(&mut nested, 1, &[kind.as_bytes(), &[0]].concat());
        attribute(&mut nested, 2, data);
        attribute(&mut answer, 0x8012, &nested);
        answer
    }

    #[test]
    fn a_links_nature_is_read() {
        let mut tap = Vec::new();
        attribute(&mut tap, 3, &[2]);
        let link = parse_link(&link_answer("tun", 0x1043, &tap)).unwrap();
        assert_eq!(
            (link.kind.as_deref(), link.tap, link.up, link.mtu),
            (Some("tun"), true, true, Some(1420))
        );
        let down = parse_link(&link_answer("wireguard", 0x1, &[])).unwrap();
        assert_eq!((down.kind.as_deref(), down.tap, down.up), (Some("wireguard"), false, false));
    }

    #[test]
    fn a_route_is_read_and_one_that_is_not_unicast_is_none() {
        let mut answer = vec![0; ROUTE_HEADER];
        answer[7] = 1;
        attribute(&mut answer, 5, &[10, 0, 0, 1]);
        attribute(&mut answer, 4, &7_u32.to_ne_bytes());
        assert_eq!(parse_route(&answer), Some((Some("10.0.0.1".parse().unwrap()), 7)));
        answer[7] = 6; // RTN_BLACKHOLE
        assert_eq!(parse_route(&answer), None);
    }

    #[test]
    fn a_neighbours_state_is_read() {
        let answer = |state: u16| {
            let mut answer = vec![0; NEIGHBOUR_HEADER];
            answer[8..10].copy_from_slice(&state.to_ne_bytes());
            answer
        };
        for (state, neighbour) in [
            (0x01, Some(Neighbour::Silent)),
            (0x20, Some(Neighbour::Silent)),
            (0x02, Some(Neighbour::Answers)),
            (0x04, Some(Neighbour::Answers)),
            (0x80, Some(Neighbour::Fixed)),
            (0x40, Some(Neighbour::NotAsked)),
            (0, None),
        ] {
            assert_eq!(parse_neighbour(&answer(state)), neighbour, "{state:#x}");
        }
        assert_eq!(parse_neighbour(&[0; 5]), None);
    }

    #[test]
    fn no_cut_and_no_lie_about_a_length_breaks_the_reader() {
        let whole = link_answer("bridge", 0x41, &[1, 2, 3]);
        for cut in 0..whole.len() {
            let _ = parse_link(&whole[..cut]);
            let _ = parse_route(&whole[..cut]);
            let mut lying = whole.clone();
            lying[cut] = 0xff;
            let _ = parse_link(&lying);
            let _ = parse_route(&lying);
        }
        assert_eq!(attributes(&[0; 64]).count(), 0, "an attribute of length 0 ends the list");
    }

    #[test]
    fn the_kernel_knows_its_loopback() {
        let socket = Socket::open().expect("rtnetlink needs no rights");
        let lo = socket.link("lo").expect("lo is always there");
        assert_eq!(lo.hardware, Some(772));
        assert!(lo.mtu.is_some_and(|mtu| mtu >= 1280));
        assert_eq!(socket.link("no-such-link"), None);
    }
}
