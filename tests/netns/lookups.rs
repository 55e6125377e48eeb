//! How names are looked up: old resolvers, silent questions, search domains, addresses that are invented. Each `NETS_RUNS` times.

use crate::routes::runs;
use crate::support::public::{Conduct, Public, dns};
use crate::support::{Net, Run, tell};

/// Where another site answers.
const STRANGER: [u8; 4] = [198, 51, 100, 41];
const AT: &str = "198.51.100.24";

/// As often as asked: the first cause (none: no cause at all), and the words of it.
fn always(what: &str, first: Option<&str>, says: &[&str], doctor: impl Fn() -> Run) {
    let seen: Vec<Run> = (0..runs()).map(|_| doctor()).collect();
    let right = |run: &&Run| match first {
        None => run.causes().is_empty(),
        Some(code) => {
            let text = run.json["causes"][0].to_string();
            run.causes().first() == Some(&code) && says.iter().all(|part| text.contains(part))
        }
    };
    let good = seen.iter().filter(right).count();
    tell(&format!("{good} of {} {}: {what}", seen.len(), first.unwrap_or("well")));
    if let Some(wrong) = seen.iter().find(|run| !right(run)) {
        panic!("{what}: {good} of {}\n{wrong}", seen.len());
    }
}

#[test]
fn no_such_name_for_ipv6_alone_is_an_old_resolver_and_well() {
    let Some(world) = Public::open(Net::plan("lookups: old")) else { return };
    dns(&world.net.inet, AT, Conduct::OldSix);
    world.resolvers(&format!("nameserver {AT}\n"));
    always("NXDOMAIN for AAAA where A is there", None, &[], || world.doctor(&[]));
}

#[test]
fn questions_for_ipv6_that_are_never_answered_make_names_slow() {
    let Some(world) = Public::open(Net::plan("lookups: slow")) else { return };
    dns(&world.net.inet, AT, Conduct::FourAlone);
    world.resolvers(&format!("nameserver {AT}\n"));
    let says = ["never answers questions for IPv6 addresses (AAAA)", "an empty answer will do"];
    always("AAAA is never answered", Some("dns-slow"), &says, || world.doctor(&[]));
}

#[test]
fn a_search_domain_with_a_wildcard_is_named() {
    let Some(world) = Public::open(Net::plan("lookups: search")) else { return };
    dns(&world.net.inet, AT, Conduct::Below("corp.test", STRANGER.into()));
    world.resolvers(&format!("search corp.test\nnameserver {AT}\noptions ndots:5\n"));
    let says = [
        "The search domain corp.test leads acme.twingate.com to 198.51.100.41",
        "The name itself is 198.51.100.40",
        "ndots:1",
    ];
    always("a wildcard below the search domain", Some("search-domain"), &says, || world.doctor(&[]));
}

#[test]
fn an_address_that_is_invented_for_a_misspelt_network_is_no_certificates_fault() {
    let Some(world) = Public::open(Net::plan("lookups: invents")) else { return };
    dns(&world.net.inet, AT, Conduct::Invents(STRANGER.into()));
    world.resolvers(&format!("nameserver {AT}\n"));
    let asked = ["check", "--json", "--network", "acne", "--ca-file", "/run/known.pem"];
    let says = ["acne.twingate.com does not exist", "a name that cannot exist"];
    always("NXDOMAIN is rewritten", Some("controller-name-unknown"), &says, || world.net.host.doctor(&asked));
    // No QUIC server stands in this world: their names are invented, too, and who answers there is nobody's QUIC server.
    let run = world.doctor(&[]);
    assert!(run.causes().is_empty(), "the network is right\n{run}");
}
