//! A DNS server over UDP and TCP that knows the names of the embedded internet, and that no other name exists.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use simple_dns::rdata::{A, AAAA, OPT, RData, SOA};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fault::{Conduct, DnsFault, Reply, Sender};
use super::sockets::{self, Sockets};
use super::tasks::Tasks;

/// The addresses of each name, in lower case.
pub type Zone = BTreeMap<String, Vec<IpAddr>>;

const TTL_S: u32 = 60;

/// Starts the server and gives its address.
pub(super) fn start(
    conduct: Conduct<DnsFault>,
    zone: Zone,
    ip: IpAddr,
    tasks: &mut Tasks,
) -> io::Result<SocketAddr> {
    let (udp, tcp) = sockets::same_port(&[ip])?;
    let sockets = Sockets::new(udp, &conduct)?;
    let address = sockets.addresses().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let zone = Arc::new(zone);
    let names = Arc::clone(&zone);
    tasks.spawn(sockets::serve(sockets, 0, move |bytes, _| answer(conduct, &names, bytes)));
    sockets::accept(tcp, &conduct, tasks, move |stream, _| converse(stream, conduct, Arc::clone(&zone)))?;
    Ok(address)
}

/// DNS over TCP (RFC 7766): each message after its length.
async fn converse(mut stream: TcpStream, conduct: Conduct<DnsFault>, zone: Arc<Zone>) -> io::Result<()> {
    // "Truncated" is said over UDP only; that is its point.
    let conduct = match conduct {
        Conduct::Only(DnsFault::Truncated) | Conduct::Before(DnsFault::Truncated) => Conduct::Honest,
        other => other,
    };
    loop {
        let length = stream.read_u16().await?;
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await?;
        for reply in answer(conduct, &zone, &question) {
            stream.write_u16(u16::try_from(reply.bytes.len()).unwrap_or(u16::MAX)).await?;
            stream.write_all(&reply.bytes).await?;
        }
    }
}

/// What the server makes of a message.
fn answer(conduct: Conduct<DnsFault>, zone: &Zone, bytes: &[u8]) -> Vec<Reply> {
    let Ok(question) = Packet::parse(bytes) else { return Vec::new() };
    if question.has_flags(PacketFlag::RESPONSE) {
        return Vec::new();
    }
    let truth = || records(zone, &question);
    let reply = |packet: &Packet| packet.build_bytes_vec_compressed().map(|bytes| Reply::now(bytes, 0));
    let honest = || reply(&truth()).into_iter().collect();
    let faulty = |fault| {
        let faulty = match fault {
            DnsFault::Echo => Ok(Reply::now(bytes.to_vec(), 0)),
            DnsFault::Loop => reply(&empty(&question)).map(looping),
            DnsFault::OtherSource => reply(&truth()).map(|reply| Reply { from: Sender::Stranger, ..reply }),
            DnsFault::WrongId => {
                let mut packet = truth();
                packet.set_id(question.id() ^ 0xFFFF);
                reply(&packet)
            }
            DnsFault::Truncated => {
                let mut packet = empty(&question);
                packet.set_flags(PacketFlag::TRUNCATION);
                reply(&packet)
            }
            DnsFault::Rcode(code) => {
                let mut packet = empty(&question);
                *packet.rcode_mut() = u16::from(code).into();
                reply(&packet)
            }
        };
        faulty.into_iter().collect()
    };
    conduct.replies(honest, faulty)
}

/// The answer before anything is said in it.
fn empty<'a>(question: &Packet<'a>) -> Packet<'a> {
    let mut packet = Packet::new_reply(question.id());
    *packet.opcode_mut() = question.opcode();
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    if question.has_flags(PacketFlag::RECURSION_DESIRED) {
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    packet.questions.clone_from(&question.questions);
    if question.opt().is_some() {
        *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: 1232, version: 0 });
    }
    packet
}

/// What the zone holds for the question; the root and the names above a known one exist, but hold nothing.
fn records<'a>(zone: &Zone, question: &Packet<'a>) -> Packet<'a> {
    let mut packet = empty(question);
    let [asked] = question.questions.as_slice() else {
        *packet.rcode_mut() = RCODE::FormatError;
        return packet;
    };
    if question.opcode() != OPCODE::StandardQuery {
        *packet.rcode_mut() = RCODE::NotImplemented;
        return packet;
    }
    let name = asked.qname.to_string().to_ascii_lowercase();
    let wants = |kind| asked.qtype == QTYPE::ANY || asked.qtype == QTYPE::TYPE(kind);
    for ip in zone.get(&name).into_iter().flatten() {
        let data = match ip {
            IpAddr::V4(ip) if wants(TYPE::A) => RData::A(A { address: (*ip).into() }),
            IpAddr::V6(ip) if wants(TYPE::AAAA) => RData::AAAA(AAAA { address: (*ip).into() }),
            _ => continue,
        };
        packet.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, TTL_S, data));
    }
    if packet.answers.is_empty() {
        let above = format!(".{name}");
        if !name.is_empty() && !zone.keys().any(|known| *known == name || known.ends_with(&above)) {
            *packet.rcode_mut() = RCODE::NameError;
        }
        packet.name_servers.push(authority());
    }
    packet
}

/// The zone's SOA, as a negative answer carries it (RFC 2308).
fn authority() -> ResourceRecord<'static> {
    let soa = SOA {
        mname: Name::new_unchecked("dns.lab.test"),
        rname: Name::new_unchecked("nobody.lab.test"),
        serial: 1,
        refresh: 3600,
        retry: 600,
        expire: 86_400,
        minimum: TTL_S,
    };
    ResourceRecord::new(Name::new_unchecked("."), CLASS::IN, TTL_S, RData::SOA(soa))
}

/// An answer with one record more, whose name is a pointer to itself.
fn looping(mut reply: Reply) -> Reply {
    // ANCOUNT, the second half of which stands at 7.
    reply.bytes.iter_mut().skip(7).take(1).for_each(|count| *count += 1);
    let at = (reply.bytes.len() as u16 | 0xC000).to_be_bytes();
    reply.bytes.extend(at);
    reply.bytes.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 66]);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::Question;

    fn zone() -> Zone {
        Zone::from([("stun1.lab.test".into(), vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])])
    }

    fn question(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(4711);
        packet.questions.push(Question::new(Name::new_unchecked(name), kind.into(), CLASS::IN.into(), false));
        packet.build_bytes_vec().unwrap()
    }

    fn ask(conduct: Conduct<DnsFault>, name: &str, kind: TYPE) -> Reply {
        answer(conduct, &zone(), &question(name, kind)).into_iter().next().unwrap()
    }

    #[test]
    fn names_of_the_zone_exist_and_others_do_not() {
        for (name, kind, rcode, records) in [
            ("stun1.lab.test", TYPE::A, RCODE::NoError, 1),
            ("STUN1.lab.TEST", TYPE::AAAA, RCODE::NoError, 1),
            ("stun1.lab.test", TYPE::MX, RCODE::NoError, 0),
            ("lab.test", TYPE::A, RCODE::NoError, 0),
            (".", TYPE::NS, RCODE::NoError, 0),
            ("1.lab.test", TYPE::A, RCODE::NameError, 0),
            ("nothing.example", TYPE::A, RCODE::NameError, 0),
        ] {
            let reply = ask(Conduct::Honest, name, kind);
            let packet = Packet::parse(&reply.bytes).unwrap();
            assert_eq!((packet.rcode(), packet.answers.len()), (rcode, records), "{name}");
            assert_eq!(packet.id(), 4711);
            assert_eq!(packet.name_servers.len(), usize::from(records == 0), "{name}");
        }
        assert!(
            answer(Conduct::Honest, &zone(), &ask(Conduct::Honest, "lab.test", TYPE::A).bytes).is_empty()
        );
        assert!(answer(Conduct::Honest, &zone(), b"rubbish").is_empty());
    }

    /// The `match` makes a new fault fail to compile until it is here.
    #[test]
    fn every_dns_fault_is_wrong_in_its_own_way() {
        for fault in [
            DnsFault::Rcode(2),
            DnsFault::WrongId,
            DnsFault::OtherSource,
            DnsFault::Truncated,
            DnsFault::Loop,
            DnsFault::Echo,
        ] {
            let reply = ask(Conduct::Only(fault), "stun1.lab.test", TYPE::A);
            let packet = Packet::parse(&reply.bytes);
            match fault {
                DnsFault::Rcode(_) => assert_eq!(packet.unwrap().rcode(), RCODE::ServerFailure),
                DnsFault::WrongId => assert_ne!(packet.unwrap().id(), 4711),
                DnsFault::OtherSource => assert_eq!(reply.from, Sender::Stranger),
                DnsFault::Truncated => assert!(packet.unwrap().has_flags(PacketFlag::TRUNCATION)),
                DnsFault::Loop => assert!(packet.is_err()),
                DnsFault::Echo => assert_eq!(reply.bytes, question("stun1.lab.test", TYPE::A)),
            }
        }
    }
}
