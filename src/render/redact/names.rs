//! Hides names and addresses inside sentences: known names as whole words, whatever parses as an address,
//! MAC addresses, and the owner of a home directory.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::fields::{Field, field};
use super::labels::Labels;
use super::level::Level;
use crate::model::facts::{Connector, ConnectorLog, TargetRole};
use crate::model::report::Report;

/// The tenants' names are the first part of the Controller's.
const VENDOR: &str = ".twingate.com";
/// Parts of a dotted word that are looked at; no name has more.
const PARTS: usize = 16;
/// Names of at least this length are found inside longer words, too: `acme` in `acme-ca`.
const INSIDE: usize = 4;
/// Strangers' words of at least this length are found in sentences, too.
const WHOLE: usize = 4;
/// Paths that every system has; another one may tell whose it is.
const COMMON_PATHS: [&str; 20] = [
    "/etc/",
    "/usr/",
    "/lib/",
    "/proc",
    "/sys/",
    "/run/",
    "/dev/",
    "/bin/",
    "/sbin/",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/connector-doctor",
    "/var/lib/dpkg",
    "/var/log/",
    "/var/run/",
    "/api/",
    "/metrics",
    "/healthz",
    "/.dockerenv",
    "/boot/",
];
/// Networks that sentences name as limits; they tell nothing of this host.
const LIMITS: [&str; 7] =
    ["100.64.0.0", "100.96.0.0", "10.0.0.0", "172.16.0.0", "192.168.0.0", "169.254.0.0", "192.0.0.0"];

/// Names of containers that everybody gives.
const COMMON: [&str; 5] = ["connector", "twingate", "twingate-connector", "docker", "podman"];

/// Names to hide and the kind of their label.
#[derive(Default)]
pub(super) struct Names {
    level: Level,
    kinds: BTreeMap<String, &'static str>,
    /// Names with characters that no host's name has: found by plain search.
    odd: Vec<(String, &'static str)>,
    /// Names of this host and its network, found inside longer words.
    inside: Vec<(String, &'static str)>,
    labels: BTreeMap<String, String>,
}

impl Names {
    /// Collects the names that a level hides from where their types stand.
    pub(super) fn collect(report: &Report, level: Level, value: &Value) -> Self {
        let mut names = Self { level, ..Self::default() };
        let facts = &report.facts;
        for host in [&report.connector_details.hostname, &facts.host.hostname].into_iter().flatten() {
            names.add(host, "host");
            names.add(host.split('.').next().unwrap_or_default(), "host");
        }
        if let Some(network) = &facts.run.network {
            names.add(network, "network");
        }
        names.collect_connector(&facts.host.connector);
        for one in facts.connector_log.iter().filter_map(|log| log.seen()).flat_map(ConnectorLog::connectors)
        {
            names.add(&one.host, "host");
            for failed in &one.traffic.failed {
                names.add(failed.host().unwrap_or_default(), "host");
            }
        }
        for target in facts.targets.iter().filter(|target| target.role == TargetRole::Controller) {
            match target.host.to_ascii_lowercase().strip_suffix(VENDOR) {
                Some(network) => names.add(network, "network"),
                None => names.add(&target.host, "host"),
            }
        }
        for resource in &facts.resources {
            names.add(&resource.name, "resource");
            names.add(&resource.host, "resource");
            let resolved = resource.seen().and_then(|seen| seen.names.as_ref());
            for name in resolved.iter().flat_map(|resolved| &resolved.asked) {
                names.add(name, "resource");
            }
        }
        if level == Level::Strict {
            names.collect_servers(value, &mut Vec::new());
            for name in facts.host.interfaces.iter().map(|interface| &interface.name) {
                names.add(name, "if");
            }
            for route in &facts.host.default_routes {
                names.add(&route.interface, "if");
            }
        }
        names
    }

    /// Networks that it is configured with, and names of its containers.
    fn collect_connector(&mut self, connector: &Connector) {
        let settings = connector.processes.iter().flat_map(|p| &p.settings).chain(&connector.file);
        for settings in settings {
            if let Some(network) = &settings.network {
                self.add(network, "network");
            }
            let host = settings.url.as_deref().and_then(|url| url.strip_prefix("https://"));
            let host = host.map(|host| host.split(':').next().unwrap_or(host));
            if let Some(host) = host.filter(|host| !host.ends_with(VENDOR)) {
                self.add(host, "host");
            }
        }
        for name in connector.processes.iter().filter_map(|p| p.deployment.name.as_deref()) {
            // A name that stands in commands and pages anyway tells nothing.
            if !COMMON.contains(&name) {
                self.kinds.entry(name.to_ascii_lowercase()).or_insert("host");
            }
        }
    }

    fn collect_servers(&mut self, value: &Value, path: &mut Vec<String>) {
        match value {
            Value::String(text) if field(path) == Some(Field::Foreign) => {
                // Found again in sentences, where it is long enough to be told from their own words.
                if text.chars().count() >= WHOLE {
                    self.add(text, "text");
                }
            }
            // An address has no name: what stands before its last colon least of all.
            Value::String(text) if field(path) == Some(Field::Server) && text.parse::<IpAddr>().is_err() => {
                let text = text.split_once("//").map_or(text.as_str(), |(_, host)| host);
                let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
                self.add(host.trim_start_matches("*."), "server");
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect_servers(item, path)),
            Value::Object(map) => {
                for (key, item) in map {
                    path.push(key.clone());
                    self.collect_servers(item, path);
                    path.pop();
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add(&mut self, name: &str, kind: &'static str) {
        let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
        // That a name is one of a trial (RFC 6761 6.2) stays to be seen: such a one may lead to loopback.
        let name = name.strip_suffix(".test").unwrap_or(&name).to_owned();
        let label = name.starts_with('[') && name.ends_with(']');
        if label
            || name.is_empty()
            || matches!(name.as_str(), "localhost" | "lo")
            || name.parse::<IpAddr>().is_ok()
        {
            return;
        }
        if name.chars().all(is_name_char) {
            if name.len() >= INSIDE && matches!(kind, "host" | "network") {
                self.inside.push((name.clone(), kind));
            }
            self.kinds.entry(name).or_insert(kind);
        } else if !self.odd.iter().any(|(known, _)| *known == name) {
            self.odd.push((name, kind));
            // The longest first, or a part would spoil the whole.
            self.odd.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
        }
    }

    fn label(&mut self, name: &str, kind: &'static str, labels: &mut Labels) -> String {
        // A host's short name is the host.
        let key = if kind == "host" { name.split('.').next().unwrap_or(name) } else { name };
        self.labels.entry(format!("{kind} {key}")).or_insert_with(|| labels.next(kind).1).clone()
    }

    /// A stranger's whole text, at strict.
    pub(super) fn foreign(&mut self, text: &str, labels: &mut Labels) -> Option<String> {
        let label = text.starts_with('[') && text.ends_with(']');
        (self.level == Level::Strict && !label)
            .then(|| self.label(&text.trim().to_ascii_lowercase(), "text", labels))
    }

    /// Paths that are this host's own, at strict.
    fn paths(&mut self, text: &str, labels: &mut Labels) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('/') {
            let begins = rest[..at]
                .chars()
                .next_back()
                .is_none_or(|c| matches!(c, ' ' | '"' | '\'' | '(' | '=' | ','));
            let end = at + rest[at..].find([' ', '"', '\'', ')', ',', ':', ';']).unwrap_or(rest.len() - at);
            let path = &rest[at..end];
            out.push_str(&rest[..at]);
            let own = begins && path.len() > 1 && !COMMON_PATHS.iter().any(|common| path.starts_with(common));
            if own {
                out.push_str(&self.label(path, "path", labels));
            } else {
                out.push_str(path);
            }
            rest = &rest[end..];
        }
        out + rest
    }

    /// A sentence with everything hidden that is known or looks like an address.
    pub(super) fn hide(&mut self, text: &str, labels: &mut Labels) -> String {
        let text = if self.level == Level::Strict { self.paths(text, labels) } else { text.to_owned() };
        let mut text = self.homes(&text, labels);
        if let Some(kind) = self.kinds.get(&text.to_ascii_lowercase()).copied() {
            return self.label(&text.to_ascii_lowercase(), kind, labels);
        }
        for (name, kind) in self.odd.clone() {
            if let Some(shown) = replaced(&text, &name, |_, _| true, || self.label(&name, kind, labels)) {
                text = shown;
            }
        }
        let mut text = self.words(&text, labels);
        let alone = |before: Option<char>, after: Option<char>| {
            let apart = |c: char| !c.is_ascii_alphanumeric();
            before.is_none_or(|c| apart(c) && c != '[') && after.is_none_or(apart)
        };
        for (name, kind) in self.inside.clone() {
            if let Some(shown) = replaced(&text, &name, alone, || self.label(&name, kind, labels)) {
                text = shown;
            }
        }
        text
    }

    /// Hides word by word.
    fn words(&mut self, text: &str, labels: &mut Labels) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let start = rest.find(is_word_char).unwrap_or(rest.len());
            let (between, tail) = rest.split_at(start);
            out.push_str(between);
            let end = tail.find(|c| !is_word_char(c)).unwrap_or(tail.len());
            let (word, tail) = tail.split_at(end);
            // An IPv6 address has brackets of its own before a port; so has its label.
            let hidden = self.word(word, labels);
            if hidden.starts_with('[') && hidden.ends_with(']') && out.ends_with('[') && tail.starts_with(']')
            {
                out.pop();
                rest = &tail[1..];
            } else {
                rest = tail;
            }
            out.push_str(&hidden);
        }
        out
    }

    /// `/home/NAME` and its like.
    fn homes(&mut self, text: &str, labels: &mut Labels) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) =
            ["/home/", "/Users/"].iter().filter_map(|dir| Some(rest.find(dir)? + dir.len())).min()
        {
            let (before, tail) = rest.split_at(at);
            out.push_str(before);
            let end = tail.find(['/', ' ', ':', ',', '"', '\'']).unwrap_or(tail.len());
            let (user, tail) = tail.split_at(end);
            if user.is_empty() || user.starts_with('[') {
                out.push_str(user);
            } else {
                out.push_str(&self.label(user, "user", labels));
            }
            rest = tail;
        }
        out + rest
    }

    /// A run of characters that names and addresses are made of.
    fn word(&mut self, word: &str, labels: &mut Labels) -> String {
        let core = word.trim_end_matches(['.', ':']);
        let tail = &word[core.len()..];
        if LIMITS.contains(&core) {
            return word.to_owned();
        }
        if let Ok(ip) = core.parse::<IpAddr>() {
            return labels.label(ip).map_or_else(|| word.to_owned(), |label| label + tail);
        }
        if is_mac(core) {
            return self.label(&core.to_ascii_lowercase(), "mac", labels) + tail;
        }
        let parts: Vec<String> = core.split(':').map(|part| self.part(part, labels)).collect();
        parts.join(":") + tail
    }

    /// A word without colons: an address, or a name among dots.
    fn part(&mut self, part: &str, labels: &mut Labels) -> String {
        if let Some(label) = part.parse::<Ipv4Addr>().ok().and_then(|ip| labels.label(ip.into())) {
            return label;
        }
        // `10.0.0.1-10.0.0.9`, `name-198.51.100.1`.
        if part.contains('-') && part.split('-').any(|piece| piece.parse::<Ipv4Addr>().is_ok()) {
            return part.split('-').map(|piece| self.part(piece, labels)).collect::<Vec<_>>().join("-");
        }
        let pieces: Vec<&str> = part.split('.').collect();
        if pieces.len() > PARTS {
            return if self.level > Level::None { "[name]".to_owned() } else { part.to_owned() };
        }
        for len in (1..=pieces.len()).rev() {
            for from in 0..=pieces.len() - len {
                let candidate = pieces[from..from + len].join(".").to_ascii_lowercase();
                if let Some(kind) = self.kinds.get(&candidate).copied().filter(|_| candidate.len() > 1) {
                    let label = self.label(&candidate, kind, labels);
                    let mut shown: Vec<String> =
                        pieces[..from].iter().map(|piece| (*piece).to_owned()).collect();
                    shown.push(label);
                    let behind = pieces[from + len..].join(".");
                    if !behind.is_empty() {
                        shown.push(self.part(&behind, labels));
                    }
                    return shown.join(".");
                }
            }
        }
        part.to_owned()
    }
}

/// The text with every occurrence of a lower-case name replaced, if there is one; `fits` judges its neighbours.
fn replaced(
    text: &str,
    name: &str,
    fits: impl Fn(Option<char>, Option<char>) -> bool,
    mut label: impl FnMut() -> String,
) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in lower.match_indices(name) {
        let end = at + name.len();
        if fits(text[..at].chars().next_back(), text[end..].chars().next()) {
            out.push_str(&text[done..at]);
            out.push_str(&label());
            done = end;
        }
    }
    (done > 0).then(|| out + &text[done..])
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_word_char(c: char) -> bool {
    is_name_char(c) || c == ':'
}

fn is_mac(word: &str) -> bool {
    [':', '-'].iter().any(|by| {
        let mut pairs = word.split(*by);
        word.len() == 17 && pairs.all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}
