//! No sentence against the evidence: a reader of its own takes the facts as they lie, and every sentence of a report
//! at its word. Numbers and names come from this run; what is said to pass, to fail or to be silent did so here; no
//! remedy asks for what is open, or was not tried.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use connector_doctor::diagnosis;
use connector_doctor::model::facts::{DnsTransport, Facts, NeighbourState, QuicSession};
use connector_doctor::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use connector_doctor::model::report::{Cause, Report};
use connector_doctor::model::text::{millis, seconds, span};
use connector_doctor::model::words::P2pExpect;
use connector_doctor::model::{CauseCode, Policy, Status};
use connector_doctor::pipeline::{judge, rfc3339};
use serde_json::Value;

use super::{Cases, load};

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Silent,
    Refused,
}

/// One try at one server, as the facts hold it.
#[derive(Debug)]
struct Try {
    role: &'static str,
    udp: bool,
    target: String,
    port: u16,
    sent: u32,
    fate: Fate,
}

/// The facts as the reader sees them.
struct World<'a> {
    report: &'a Report,
    /// The same facts judged whole: of what was not selected, too.
    whole: Report,
    tries: Vec<Try>,
    /// The same of the Resources, which are no sign of what gets out.
    resources: Vec<Try>,
    /// The facts as text, in lower case: names and addresses are looked for in it.
    text: String,
    /// Moments and round trips that the facts hold, as people read them.
    stamps: BTreeSet<String>,
}

fn tries<T>(
    all: &mut Vec<Try>,
    role: &'static str,
    observations: &[Observation<T>],
    udp: impl Fn(&T) -> bool,
    usually_udp: bool,
) {
    for o in observations {
        let (fate, udp, sent) = match &o.outcome {
            Outcome::Seen(seen) => (Fate::Open, udp(seen), 1),
            // A refusal of the protocol itself passed both ways.
            Outcome::Failed(f) if f.kind == FailureKind::Rejected => (Fate::Open, usually_udp, 1),
            Outcome::Failed(f) if f.kind == FailureKind::Timeout => (Fate::Silent, usually_udp, f.sent),
            Outcome::Failed(f) => {
                let said =
                    f.offender.is_some() || f.kind == FailureKind::Refused || f.kind == FailureKind::Reset;
                (Fate::Refused, usually_udp, f.sent.max(u32::from(said)))
            }
            Outcome::NotRun(_) => continue,
        };
        let port = o.address.map_or_else(|| port_of(&o.target), |a| a.port());
        all.push(Try { role, udp, target: o.target.clone(), port, sent, fate });
    }
}

/// Every `at_ns` of the facts, and every `rtt_us`.
fn moments(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| moments(item, all)),
        Value::Object(fields) => {
            if let Some(ns) = fields.get("at_ns").and_then(Value::as_i64) {
                all.insert(rfc3339(ns));
            }
            if let Some(us) = fields.get("rtt_us").and_then(Value::as_u64) {
                all.extend(millis(us).split(' ').next().map(str::to_owned));
            }
            fields.values().for_each(|field| moments(field, all));
        }
        _ => {}
    }
}

fn port_of(target: &str) -> u16 {
    target.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0)
}

impl<'a> World<'a> {
    fn of(report: &'a Report) -> Self {
        let f: &Facts = &report.facts;
        let mut all = Vec::new();
        tries(&mut all, "stun", &f.stun, |_| true, true);
        tries(&mut all, "ntp", &f.ntp, |_| true, true);
        tries(&mut all, "dns", &f.dns, |a| a.transport == DnsTransport::Udp, true);
        // A resolver that is heard over TCP alone was asked over UDP in vain.
        for (o, udp) in f.dns.iter().filter_map(|o| Some((o, o.seen()?.over_udp.as_ref()?))) {
            let port = o.address.map_or(53, |a| a.port());
            let (target, sent) = (o.target.clone(), udp.sent.max(u32::from(udp.offender.is_some())));
            all.push(Try { role: "dns", udp: true, target, port, sent, fate: Fate::Silent });
        }
        // What fails beyond the question over UDP was asked again over TCP.
        for o in f.dns.iter().filter(|o| o.failure().is_some_and(|f| f.phase >= Phase::Connect)) {
            let port = o.address.map_or(53, |a| a.port());
            all.push(Try {
                role: "dns",
                udp: false,
                target: o.target.clone(),
                port,
                sent: 1,
                fate: Fate::Silent,
            });
        }
        tries(&mut all, "controller", &f.control.tcp, |_| false, false);
        tries(&mut all, "relay", &f.control.relays, |_| false, false);
        tries(&mut all, "service", &f.control.services, |_| false, false);
        tries(&mut all, "control", &f.tcp_controls, |_| false, false);
        tries(&mut all, "plain", &f.control.plain, |_| false, false);
        // QUIC is asked once STUN has answered; one that dies has not passed.
        let stun = f.stun.iter().any(|o| o.seen().is_some());
        let dies = |o: &Observation<QuicSession>| o.seen().is_some_and(|session| session.held == Some(false));
        for o in f.quic.handshakes.iter().filter(|_| stun) {
            if dies(o) {
                let (target, port) = (o.target.clone(), port_of(&o.target));
                all.push(Try { role: "quic", udp: true, target, port, sent: 1, fate: Fate::Silent });
            } else {
                tries(&mut all, "quic", std::slice::from_ref(o), |_| true, true);
            }
        }
        tries(&mut all, "stand-in", &f.control.stand_in, |_| false, false);
        tries(&mut all, "elsewhere", &f.fallback.tcp, |_| false, false);
        tries(&mut all, "public-dns", &f.fallback.dns, |a| a.0.transport == DnsTransport::Udp, true);
        let mut resources = Vec::new();
        for (resource, seen) in f.resources.iter().filter_map(|r| {
            Some((
                r,
                match &r.seen {
                    Outcome::Seen(seen) => Some(seen),
                    _ => None,
                }?,
            ))
        }) {
            for tried in &seen.tried {
                let fate = match &tried.connect {
                    Some(Outcome::Seen(_)) => Fate::Open,
                    Some(Outcome::Failed(f)) if f.kind != FailureKind::Timeout => Fate::Refused,
                    _ => Fate::Silent,
                };
                let (target, udp) = (format!("{}:{}", resource.host, resource.port), tried.connect.is_none());
                resources.push(Try { role: "resource", udp, target, port: resource.port, sent: 1, fate });
            }
        }
        let json = serde_json::to_value(f).expect("facts are JSON");
        let mut stamps = BTreeSet::new();
        moments(&json, &mut stamps);
        let whole = judge(f.clone(), &Policy::default());
        Self { report, whole, tries: all, resources, text: json.to_string().to_lowercase(), stamps }
    }

    fn any(&self, is: impl Fn(&Try) -> bool) -> bool {
        self.tries.iter().any(is)
    }

    fn open(&self, role: &str) -> bool {
        self.any(|t| t.role == role && t.fate == Fate::Open)
    }

    fn check(&self, id: &str) -> Status {
        self.whole.checks.iter().find(|c| c.id == id).map_or(Status::Skip, |c| c.outcome)
    }

    fn outlook(&self) -> Option<P2pExpect> {
        self.report.p2p_outlook.as_ref().map(|outlook| outlook.expect)
    }

    /// Figures of the UDP servers, counted by name.
    fn tallies(&self, pool: &mut BTreeSet<String>) {
        let mut sums = [0_u32; 3];
        for (i, role) in ["stun", "ntp"].into_iter().enumerate() {
            let of: Vec<&Try> = self.tries.iter().filter(|t| t.role == role).collect();
            let names: BTreeSet<&str> = of.iter().map(|t| t.target.as_str()).collect();
            let open = |name: &&&str| of.iter().any(|t| t.target == **name && t.fate == Fate::Open);
            let answered = names.iter().filter(open).count();
            let silent = |t: &&&Try| !of.iter().any(|o| o.target == t.target && o.fate == Fate::Open);
            sums[i] = of.iter().filter(silent).map(|t| t.sent).sum();
            for n in [names.len(), answered, names.len() - answered] {
                pool.insert(n.to_string());
            }
        }
        sums[2] = sums[0] + sums[1];
        pool.extend(sums.map(|n| n.to_string()));
    }
}

/// A word of a sentence that says something to be checked.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Number(String),
    Address(String),
    Name(String),
}

/// Numbers, addresses and names of servers.
fn words(text: &str) -> Vec<Word> {
    let mut all = Vec::new();
    for raw in text.split(|c: char| c.is_whitespace() || "()[]{}\"'`,;|<>=".contains(c)) {
        let word = raw.trim_end_matches(['.', ':', '?', '!']).trim_start_matches(['~', '*', '.']);
        let bare = word.split('/').next().unwrap_or_default();
        if word.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok() {
            all.push(Word::Address(word.to_owned()));
        } else if is_stamp(word) {
            all.push(Word::Number(word.to_owned()));
        } else if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let digits = |c: char| c.is_ascii_digit() || c == '.';
            let parts = word.split(|c| !digits(c)).map(|n| n.trim_matches('.')).filter(|n| !n.is_empty());
            all.extend(parts.map(|n| Word::Number(n.to_owned())));
        } else if is_name(word) {
            all.push(Word::Name(word.to_lowercase()));
        }
    }
    all
}

/// `2026-11-22T09:26:53Z`.
fn is_stamp(word: &str) -> bool {
    word.len() >= 20
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains('T')
        && word.contains(':')
}

/// `stun.example.net`, `host:443`: letters, a dot or a port, and no path, unit or file.
fn is_name(word: &str) -> bool {
    let (host, port) = word.rsplit_once(':').unwrap_or((word, ""));
    let port = !port.is_empty() && port.parse::<u16>().is_ok();
    let labels: Vec<&str> = host.split('.').collect();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let dotted = labels.len() > 2 && labels.iter().all(|l| !l.is_empty());
    plain
        && host.starts_with(|c: char| c.is_ascii_alphabetic())
        && (port || dotted)
        && !host.starts_with("any")
        // Settings of the kernel.
        && !host.starts_with("net.ipv4.")
        && !host.starts_with("net.netfilter.")
}

/// A command that sends nothing: a question to the kernel's own table.
fn is_lookup(text: &str) -> bool {
    text.starts_with("ip route get ")
}

/// Names of ours, whoever is asked.
const OURS: &[&str] = &["twingate.com", "portquiz.net", "the controller"];

/// Figures that are the contract's, whatever was measured: ports, and limits.
const CONTRACT: &[&str] = &["443", "30000", "31000", "53", "80", "5", "410", "10"];

/// What numbers a title, an impact may name.
fn pool(w: &World<'_>, cause: &Cause) -> BTreeSet<String> {
    let rule = diagnosis::all().find(|rule| rule.code.as_str() == cause.code);
    let mut pool: BTreeSet<String> = CONTRACT.iter().map(|n| (*n).to_owned()).collect();
    let mut add = |text: &str| {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        pool.extend(text.split(|c| !digits(c)).map(|n| n.trim_matches('.').to_owned()));
        // An address's parts, a time's parts.
        pool.extend(text.split(|c: char| !c.is_ascii_digit()).map(str::to_owned));
        pool.extend(text.split([' ', '(', ')', ',']).filter(|word| is_stamp(word)).map(str::to_owned));
    };
    let explains = || rule.iter().flat_map(|rule| rule.explains).map(|id| id.as_str());
    if let Some(rule) = rule {
        add(rule.title);
        add(rule.impact);
    }
    if cause.code == CauseCode::AddressOverlap.as_str() {
        add(&cause.because.len().to_string());
    }
    if cause.code == CauseCode::ConnectorMisconfigured.as_str() {
        add(&cause.because.len().saturating_sub(1).to_string());
    }
    for check in &w.whole.checks {
        if cause.checks.contains(&check.id) || explains().any(|id| id == check.id) {
            add(&check.summary);
            check.evidence.iter().for_each(|line| add(line));
        }
    }
    if explains().any(|id| id == "stun.discovery" || id == "clock.sources") {
        w.tallies(&mut pool);
    }
    pool
}

/// A phrase, the causes that it is not about (others' matters), and whether the run bears it out.
struct Claim {
    phrase: &'static str,
    except: &'static [&'static str],
    holds: fn(&World<'_>) -> bool,
}

/// What the log alone shows is the Connector's, not this run's.
const BY_LOG: &[&str] =
    &["connector-tokens-rejected", "connector-stuck", "connector-flapping", "connector-misconfigured"];

const CLAIMS: &[Claim] = &[
    Claim {
        phrase: "udp passes",
        except: &[],
        holds: |w| {
            // An answer that cannot be used came by UDP, too.
            let wrong =
                |f: &ProbeFailure| matches!(f.kind, FailureKind::Malformed | FailureKind::Implausible);
            let stun = &w.report.facts.stun;
            w.open("stun")
                || w.open("ntp")
                || w.any(|t| t.role == "ntp" && t.fate == Fate::Refused)
                || stun.iter().any(|o| o.failure().is_some_and(wrong))
        },
    },
    Claim {
        phrase: "nothing gets past",
        except: &[],
        holds: |w| !w.any(|t| t.fate == Fate::Open && t.role != "dns"),
    },
    Claim {
        phrase: "no resolver was heard over udp",
        except: &[],
        holds: |w| !w.any(|t| t.role == "dns" && t.udp && t.fate == Fate::Open),
    },
    Claim { phrase: "no resolver answers", except: &[], holds: |w| !w.open("dns") },
    Claim { phrase: "resolver gives no answer", except: &[], holds: |w| !w.open("dns") },
    Claim { phrase: "no time server answers", except: &[], holds: |w| !w.open("ntp") },
    Claim { phrase: "no stun server answers", except: &[], holds: |w| !w.open("stun") },
    Claim {
        phrase: "tcp 443 passes",
        except: &[],
        holds: |w| w.any(|t| !t.udp && t.port == 443 && t.fate == Fate::Open),
    },
    Claim {
        phrase: "so tcp 443 gets out",
        except: &[],
        holds: |w| w.any(|t| !t.udp && t.port == 443 && t.fate == Fate::Open),
    },
    Claim {
        phrase: "high ports pass",
        except: &[],
        holds: |w| w.any(|t| t.role == "relay" && t.port != 443 && t.fate == Fate::Open),
    },
    Claim { phrase: "ipv6 does", except: &[], holds: |w| w.any(|t| t.fate == Fate::Open) },
    Claim {
        phrase: "offline",
        except: BY_LOG,
        holds: |w| w.check("controller.http") != Status::Pass || w.check("clock.offset") >= Status::Warn,
    },
    Claim {
        phrase: "no peer-to-peer",
        except: &[],
        holds: |w| w.check("stun.discovery") == Status::Fail || w.check("quic.handshake") == Status::Warn,
    },
    Claim { phrase: "none will stand", except: &[], holds: |w| w.check("quic.handshake") == Status::Warn },
    Claim { phrase: "relays carry", except: &[], holds: |w| w.check("relay.tcp") == Status::Pass },
    Claim { phrase: "no relay is reached", except: &[], holds: |w| w.check("relay.tcp") == Status::Fail },
    Claim { phrase: "reaches no relay", except: &[], holds: |w| w.check("relay.tcp") == Status::Fail },
    Claim { phrase: "no time by ntp", except: &[], holds: |w| w.check("clock.sources") >= Status::Warn },
    Claim { phrase: "no controller", except: &[], holds: |w| w.check("controller.http") != Status::Pass },
    Claim {
        phrase: "reaches nothing.",
        except: &[],
        holds: |w| !w.any(|t| t.fate == Fate::Open && t.role != "dns"),
    },
    Claim {
        phrase: "no name resolves",
        except: &[],
        holds: |w| w.check("dns.resolvers") != Status::Pass && w.check("controller.http") != Status::Pass,
    },
    Claim {
        phrase: "finds neither controller nor relays",
        except: &[],
        holds: |w| w.check("controller.tcp") != Status::Pass && w.check("relay.tcp") != Status::Pass,
    },
    Claim {
        phrase: "works with few clients",
        except: &[],
        holds: |w| w.outlook() == Some(P2pExpect::Relayed) && w.check("stun.discovery") != Status::Fail,
    },
    Claim {
        phrase: "works with most clients",
        except: &[],
        holds: |w| w.outlook() == Some(P2pExpect::DirectLikely),
    },
    Claim {
        phrase: "works with some clients",
        except: &[],
        holds: |w| w.outlook() == Some(P2pExpect::DependsOnClient),
    },
    Claim { phrase: "carries nothing", except: &[], holds: |w| w.check("relay.tcp") != Status::Pass },
    Claim {
        phrase: "peer-to-peer fails although",
        except: &[],
        holds: |w| w.outlook() != Some(P2pExpect::DirectLikely),
    },
    Claim {
        phrase: "peer-to-peer fails at random",
        except: &[],
        holds: |w| w.outlook() != Some(P2pExpect::DirectLikely),
    },
    Claim {
        phrase: "the clock is right",
        except: BY_LOG,
        holds: |w| w.check("clock.offset") == Status::Pass,
    },
    Claim { phrase: "keep its clock by ntp", except: &[], holds: |w| !w.open("ntp") },
    Claim { phrase: "the clock is kept", except: &[], holds: |w| w.check("clock.sync") == Status::Pass },
    Claim { phrase: "misses changes", except: &[], holds: |w| w.check("services.tcp") == Status::Fail },
    Claim { phrase: "others are reached", except: &[], holds: |w| w.any(|t| t.fate == Fate::Open) },
    Claim { phrase: "two nats stand", except: &[], holds: |w| w.check("nat.layers") == Status::Warn },
];

/// Words that tell of silence or of a block: something was sent.
const SILENCE: &[&str] = &[
    "dropped",
    "vanish",
    "no answer",
    "0 answers",
    "does not answer",
    "did not answer",
    "silent",
    "blocked",
];

/// The roles of the tries that a check rests on.
fn roles(check: &str) -> &'static [&'static str] {
    match check {
        "stun.discovery" => &["stun"],
        "clock.sources" => &["ntp"],
        "dns.resolvers" | "dns.controller" => &["dns"],
        "controller.tcp" | "controller.tls" | "controller.http" => &["controller"],
        "relay.tcp" => &["relay"],
        "services.tcp" => &["service"],
        _ => &[],
    }
}

/// All that a report says against its own facts, a line each.
pub(crate) fn against(report: &Report) -> Vec<String> {
    let w = World::of(report);
    let mut wrong = Vec::new();
    for cause in &report.causes {
        let pool = pool(&w, cause);
        let mut say = |what: &str, text: &str| wrong.push(format!("{} {what}: {text}", cause.code));
        let sentences = || std::iter::once(&cause.title).chain(&cause.because);
        for text in [&cause.title, &cause.impact] {
            for word in words(text) {
                if let Word::Number(n) = word
                    && !pool.contains(&n)
                {
                    say(&format!("says {n}, which no finding does"), text);
                }
            }
        }
        for text in sentences() {
            for word in words(text) {
                let known = match &word {
                    Word::Number(n) => {
                        pool.contains(n) || w.text.contains(n.as_str()) || w.stamps.contains(n)
                    }
                    Word::Address(a) => known_address(&w, a, &cause.code),
                    Word::Name(n) => known_name(&w, n),
                };
                if !known {
                    say(&format!("names {word:?}, which the run did not see"), text);
                }
            }
        }
        for text in sentences().chain([&cause.impact]) {
            let low = text.to_lowercase();
            for claim in CLAIMS.iter().filter(|c| low.contains(c.phrase)) {
                let log_alone = cause.checks == ["connector.log"];
                if !log_alone && !claim.except.contains(&cause.code.as_str()) && !(claim.holds)(&w) {
                    say(&format!("claims {:?}", claim.phrase), text);
                }
            }
        }
        if let Some(figures) = exact(&w, cause)
            && !figures.iter().any(|figure| cause.title.contains(figure.as_str()))
        {
            say(&format!("has other figures than {figures:?}"), &cause.title);
        }
        silence(&w, cause, &mut say);
        remedies(&w, cause, &mut say);
    }
    let outlook = outlook_words(report);
    for claim in CLAIMS.iter().filter(|c| outlook.contains(c.phrase)) {
        if !(claim.holds)(&w) {
            wrong.push(format!("the outlook claims {:?}: {outlook}", claim.phrase));
        }
    }
    wrong
}

/// Titles whose figures are counted anew: what must stand in them.
fn exact(w: &World<'_>, cause: &Cause) -> Option<Vec<String>> {
    let measured = |id: &str, name: &str| {
        let check = w.whole.checks.iter().find(|c| c.id == id)?;
        check.measurements.get(name).map(ToString::to_string)
    };
    match cause.code.as_str() {
        "stun-server-down" => {
            let of = || w.tries.iter().filter(|t| t.role == "stun");
            let names: BTreeSet<&str> = of().map(|t| t.target.as_str()).collect();
            let open: BTreeSet<&str> =
                of().filter(|t| t.fate == Fate::Open).map(|t| t.target.as_str()).collect();
            if cause.title.contains("wrongly") {
                // What answered wrongly was reached all the same: each stands in the evidence, up to four.
                let wrong = cause.because.iter().filter(|line| !line.starts_with("Silent")).count();
                let exact = if cause.title.starts_with("Of ") {
                    vec![format!("Of {} STUN servers", names.len()), format!("{wrong} answered wrongly")]
                } else {
                    vec![format!("{wrong} of {} STUN servers", names.len())]
                };
                return (wrong < 4).then_some(exact);
            }
            Some(vec![format!("{} of {} STUN servers", names.len() - open.len(), names.len())])
        }
        "nat-timeout-short" => {
            let of = |name: &str| measured("stun.mapping", name)?.parse::<f64>().ok();
            let gone = of("lifetime_gone_s")?.ceil();
            Some(vec![match of("lifetime_alive_s") {
                Some(alive) => format!("lives {} to {gone} s", alive.floor()),
                None => format!("lives less than {gone} s"),
            }])
        }
        "ports-exhausted" if cause.title.contains("to be given") => {
            let ports = w.report.facts.host.room.ports?;
            Some(vec![format!("{} to be given, {} to {}", ports.given(), ports.first, ports.last)])
        }
        "connector-stuck" if cause.title.contains("runs for") => {
            let processes = &w.report.facts.host.connector.processes;
            let ages = processes.iter().filter_map(|process| process.age_us);
            Some(ages.map(|age| format!("runs for {} and", span(age / 1_000_000))).collect())
        }
        "packet-loss" if cause.checks == ["path.loss"] => Some(vec![format!(
            "{} of {} request-and-answer pairs",
            measured("path.loss", "lost")?,
            measured("path.loss", "sent")?
        )]),
        "clock-skew" | "clock-near-limit" if cause.checks.iter().any(|id| id == "clock.offset") => {
            let off = w.whole.connector_details.time_offset_s?;
            let ns = (off.abs() * 1e9).round() as u64;
            let way = if off < 0.0 { "BEHIND" } else { "AHEAD OF" };
            Some(vec![format!("{} s {way}", seconds(ns)), format!("{} {way}", span(ns / 1_000_000_000))])
        }
        _ => None,
    }
}

/// What the report of people says of peer-to-peer.
fn outlook_words(report: &Report) -> String {
    use connector_doctor::render::{self, Style};
    if report.p2p_outlook.is_none() {
        return String::new();
    }
    let human = render::format("markdown").expect("a format");
    let text = (human.render)(report, &Style::default());
    let line = text.lines().find(|line| line.starts_with("| Peer-to-peer"));
    line.unwrap_or_default().to_lowercase().replace("none, ", "no peer-to-peer, ")
}

fn known_address(w: &World<'_>, address: &str, code: &str) -> bool {
    let ip = address.parse::<SocketAddr>().map_or_else(|_| address.to_owned(), |a| a.ip().to_string());
    let rule = diagnosis::all().find(|rule| rule.code.as_str() == code);
    w.text.contains(&address.to_lowercase())
        || w.text.contains(&ip)
        || rule.is_some_and(|rule| rule.title.contains(address))
        || address.contains('/') && w.text.contains(address.split('/').next().unwrap_or_default())
        || ["100.64.0.0/10", "100.96.0.0/12"].contains(&address)
}

fn known_name(w: &World<'_>, name: &str) -> bool {
    let host = name.rsplit_once(':').map_or(name, |(host, _)| host);
    w.text.contains(host) || OURS.iter().any(|ours| host.ends_with(ours))
}

/// Whoever tells of silence has sent.
fn silence(w: &World<'_>, cause: &Cause, say: &mut impl FnMut(&str, &str)) {
    let told = std::iter::once(&cause.title).chain(&cause.because);
    let Some(text) = told.clone().find(|text| SILENCE.iter().any(|word| text.to_lowercase().contains(word)))
    else {
        return;
    };
    let roles: BTreeSet<&str> = cause.checks.iter().flat_map(|id| roles(id)).copied().collect();
    let sizes = w.report.facts.mtu.iter().filter_map(Observation::seen).flat_map(|seen| &seen.sizes);
    let vanished = sizes.clone().any(|size| size.sent > 0 && !size.answered);
    // These are asked over a connection that stands.
    let control = &w.report.facts.control;
    let tls = control.tls.iter().any(|o| o.failure().is_some())
        || control.http.iter().any(|o| o.failure().is_some());
    let sent = match cause.code.as_str() {
        "path-mtu-blackhole" => vanished || tls || cause.checks.iter().any(|id| id.starts_with("resource.")),
        // The host's own counter tells of what it dropped.
        "no-network" => {
            let host = &w.report.facts.host;
            // The kernel asked the link for the next hop.
            let dead = host.routing.routes.iter().any(|r| r.neighbour.is_some_and(NeighbourState::is_dead));
            host.gateway_answers == Some(false) || dead
        }
        "reverse-path-filter" => w.report.facts.host.room.counted.is_some(),
        _ if roles.is_empty() => true,
        _ => tls || w.any(|t| roles.contains(t.role) && t.sent > 0 && t.fate != Fate::Open),
    };
    if !sent {
        say("tells of silence, and nothing was sent", text);
    }
}

/// No remedy asks for what is open or was not tried.
fn remedies(w: &World<'_>, cause: &Cause, say: &mut impl FnMut(&str, &str)) {
    for remedy in &cause.remedies {
        for line in remedy.action.lines().filter(|line| line.contains("  ->  ")) {
            if let Err(why) = row(w, line) {
                say(&why, line);
            }
        }
        let texts = std::iter::once(&remedy.action).chain(&remedy.commands);
        for (text, word) in texts.flat_map(|text| words(text).into_iter().map(move |word| (text, word))) {
            let page =
                diagnosis::all().find(|rule| rule.code.as_str() == cause.code).map_or("", |rule| rule.page);
            let known = match &word {
                Word::Number(_) => true,
                Word::Address(a) => {
                    known_address(w, a, &cause.code)
                        || page.contains(a.as_str())
                        || a.starts_with("127.0.0.")
                        || is_lookup(text)
                }
                Word::Name(n) => known_name(w, n) || page.contains(n.as_str()),
            };
            if !known {
                say(&format!("has a remedy that names {word:?}"), text);
            }
        }
        if cause.code == CauseCode::LocalFirewall.as_str() {
            let udp = remedy.commands.iter().find(|c| c.contains("proto udp to any") && c.ends_with("any"));
            if let Some(command) = udp.filter(|_| w.open("stun") || w.open("ntp")) {
                say("opens all of UDP, though UDP passes", command);
            }
        }
    }
}

/// `TCP  10.0.0.5  ->  acme.example.net:443  Controller`.
fn row(w: &World<'_>, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "->").ok_or("has no arrow")?;
    let tcp = words.first() == Some(&"TCP");
    let rest = words.get(at + 1..).unwrap_or_default();
    let destination = rest.first().copied().unwrap_or_default();
    let of_ipv4 = destination.starts_with("any-IPv4:");
    let (host, ports) = destination.rsplit_once(':').ok_or(format!("asks for {destination:?}"))?;
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    let parse =
        |port: &str| port.trim_end_matches(',').parse::<u16>().map_err(|_| format!("asks for port {port:?}"));
    let (low, high) = (parse(low)?, parse(high)?);
    let any = host == "any" || of_ipv4;
    let in_it = |t: &&Try| {
        let name = t.target.rsplit_once(':').map_or(t.target.as_str(), |(host, _)| host);
        let of = match host.strip_prefix('*') {
            Some(domain) => name.ends_with(domain),
            None => any || name == host,
        };
        of && t.udp != tcp && (low..=high).contains(&t.port) && (!t.role.ends_with("dns") || !any)
    };
    let resources = w.resources.iter().filter(|_| !any);
    let tried: Vec<&Try> = w.tries.iter().chain(resources).filter(in_it).collect();
    if !tried.iter().any(|t| t.fate != Fate::Open) {
        return Err(format!("asks for {destination}, which was not tried, or is open"));
    }
    // IPv4 alone is asked for where IPv6 passes.
    match tried.iter().find(|t| t.fate == Fate::Open && !of_ipv4 && (any || host.starts_with('*'))) {
        Some(open) => Err(format!("asks for {destination}, and {} is open", open.target)),
        None => Ok(()),
    }
}

/// Every case's report.
fn reports(all: &Cases) -> impl Iterator<Item = (&str, Report)> {
    all.list.iter().map(|case| (case.name.as_str(), case.report(all)))
}

#[test]
fn no_sentence_of_any_case_is_against_its_evidence() {
    let all = load();
    let said = |(name, report): (&str, Report)| -> Vec<String> {
        against(&report).into_iter().map(|line| format!("{name}: {line}")).collect()
    };
    let wrong: Vec<String> = reports(&all).flat_map(said).collect();
    assert!(wrong.is_empty(), "{} sentences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The reader reads: a figure of a title that is one more is noticed, in every case.
#[test]
fn a_title_whose_number_is_changed_is_against_the_evidence() {
    let all = load();
    let (mut changed, mut unnoticed) = (0, BTreeSet::new());
    for (name, report) in reports(&all) {
        for i in 0..report.causes.len() {
            let title = &report.causes[i].title;
            for (at, number) in figures(title) {
                let more = one_more(&number);
                let mut other = report.clone();
                other.causes[i].title = format!("{}{more}{}", &title[..at], &title[at + number.len()..]);
                changed += 1;
                if against(&other).is_empty() {
                    unnoticed.insert(format!("{name}: {}", other.causes[i].title));
                }
            }
        }
    }
    assert!(changed > 100, "{changed} figures");
    let list: Vec<String> = unnoticed.into_iter().collect();
    assert!(list.is_empty(), "{} of {changed} are not noticed:\n{}", list.len(), list.join("\n"));
}

/// Numbers of a title that stand alone, and where.
fn figures(title: &str) -> Vec<(usize, String)> {
    let numbers = words(title).into_iter().filter_map(|word| match word {
        Word::Number(n) if !CONTRACT.contains(&n.as_str()) => Some(n),
        _ => None,
    });
    numbers.filter_map(|n| Some((title.find(&n)?, n))).collect()
}

/// Its last digit raised.
fn one_more(number: &str) -> String {
    let (head, last) = number.split_at(number.len() - 1);
    let digit = last.parse::<u8>().map_or(7, |n| (n + 1) % 10);
    format!("{head}{digit}")
}
