//! A Resource as people write it: `[NAME=]HOST:PORT[/KIND]`, or a `[[resource]]` of a configuration file.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::endpoint::{Host, HostPort};
use super::error::{nearest, quoted};
use crate::proto::greeting::{Kind, ROWS};

/// The longest name or expectation, characters.
const MAX_WORDS: usize = 80;

/// What the Connector is to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// How the user calls it: a name of its own, else `HOST:PORT`.
    pub name: String,
    /// A name or an address.
    pub host: Host,
    /// The port; 0 where the kind has none.
    pub port: u16,
    /// What it speaks.
    pub kind: Kind,
    /// The user said so; else it is guessed by the port.
    pub kind_named: bool,
    /// Words that its greeting must contain.
    pub expect: Option<String>,
}

/// One Resource as a source says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaidResource {
    /// Its own name.
    pub name: Option<String>,
    /// `HOST:PORT`; the whole `[NAME=]HOST:PORT[/KIND]` where it was written as one word.
    pub address: String,
    /// Its kind.
    pub kind: Option<String>,
    /// Words that its greeting must contain.
    pub expect: Option<String>,
    /// It was written as one word.
    pub one_word: bool,
}

/// Keys of a `[[resource]]`.
pub(super) const KEYS: [&str; 4] = ["name", "address", "kind", "expect"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    name: Option<String>,
    address: String,
    kind: Option<String>,
    expect: Option<String>,
}

impl From<String> for SaidResource {
    fn from(text: String) -> Self {
        Self { address: text, one_word: true, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for SaidResource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(text.into()),
            value => {
                let Table { name, address, kind, expect } =
                    value.try_into().map_err(serde::de::Error::custom)?;
                Ok(Self { name, address, kind, expect, one_word: false })
            }
        }
    }
}

impl fmt::Display for Resource {
    /// As it would be written: `[NAME=]HOST:PORT[/KIND]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        if self.name != place {
            write!(f, "{}=", self.name)?;
        }
        let kind = if self.kind_named { format!("/{}", self.kind.word()) } else { String::new() };
        write!(f, "{place}{kind}")
    }
}

impl Resource {
    /// `HOST:PORT`; the host alone where there is no port.
    fn place(&self) -> String {
        match self.port {
            0 => self.host.to_string(),
            port => HostPort { host: self.host.clone(), port }.to_string(),
        }
    }

    /// The Resource, or what is wrong with it, quoting it.
    pub fn parse(said: &SaidResource) -> Result<Self, String> {
        let text = said.address.trim();
        let (mut name, mut place, mut kind) = (said.name.clone(), text, said.kind.clone());
        if said.one_word {
            if text.contains("://") {
                return Err(format!("{} is a URL; write HOST:PORT/KIND", quoted(text)));
            }
            if let Some((before, after)) = text.split_once('=') {
                (name, place) = (Some(before.to_owned()), after);
            }
            if let Some((before, after)) = place.rsplit_once('/') {
                (place, kind) = (before, Some(after.to_owned()));
            }
        }
        let (name, place) = (name.map(|name| name.trim().to_owned()), place.trim());
        let named = kind.as_deref().map(parse_kind).transpose()?;
        let (host, port) = if named == Some(Kind::Icmp) {
            let host = Host::parse(place.trim_start_matches('[').trim_end_matches(']'));
            let wrong =
                |problem| if place.contains(':') { "kind icmp takes no port".to_owned() } else { problem };
            (host.map_err(wrong)?, 0)
        } else {
            let usual = named.and_then(|kind| kind.row().ports.first().copied());
            let HostPort { host, port } = HostPort::parse(place, usual)?;
            (host, port)
        };
        let kind = named.unwrap_or_else(|| Kind::of_port(port));
        let place =
            if port == 0 { host.to_string() } else { HostPort { host: host.clone(), port }.to_string() };
        Ok(Self {
            name: words("name", name)?.unwrap_or(place),
            host,
            port,
            kind,
            kind_named: named.is_some(),
            expect: words("expect", said.expect.clone())?,
        })
    }
}

fn parse_kind(word: &str) -> Result<Kind, String> {
    let word = word.trim();
    Kind::parse(&word.to_ascii_lowercase()).ok_or_else(|| {
        let near = nearest(word, ROWS.iter().map(|row| row.word)).unwrap_or_default();
        format!("{} is no kind of Resource; the nearest is {near}", quoted(word))
    })
}

/// Words for people: some, without control characters, not too many.
fn words(key: &str, text: Option<String>) -> Result<Option<String>, String> {
    let Some(text) = text else { return Ok(None) };
    if text.is_empty()
        || text.chars().count() > MAX_WORDS
        || crate::model::text::clean(&text, MAX_WORDS) != text
    {
        return Err(format!("its {key} is not 1 to {MAX_WORDS} plain characters"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Resource, String> {
        Resource::parse(&text.to_owned().into())
    }

    #[test]
    fn a_resource_is_read_as_it_is_written() {
        for (text, name, host, port, kind, named) in [
            ("db.corp:5432", "db.corp:5432", "db.corp", 5432, Kind::Postgresql, false),
            ("Billing=db.corp:5432", "Billing", "db.corp", 5432, Kind::Postgresql, false),
            ("Billing db = 10.0.0.9:1433 / tcp ", "Billing db", "10.0.0.9", 1433, Kind::Tcp, true),
            ("[fd00::1]:8443", "[fd00::1]:8443", "fd00::1", 8443, Kind::Https, false),
            ("fd00::1/ssh", "[fd00::1]:22", "fd00::1", 22, Kind::Ssh, true),
            ("files.corp/SMB", "files.corp:445", "files.corp", 445, Kind::Smb, true),
            ("gw.corp/icmp", "gw.corp", "gw.corp", 0, Kind::Icmp, true),
            ("[fd00::1]/icmp", "fd00::1", "fd00::1", 0, Kind::Icmp, true),
            ("vpn.corp:1194/udp", "vpn.corp:1194", "vpn.corp", 1194, Kind::Udp, true),
            ("x:9999", "x:9999", "x", 9999, Kind::Tcp, false),
        ] {
            let read = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(
                (read.name.as_str(), read.host.to_string().as_str(), read.port),
                (name, host, port),
                "{text}"
            );
            assert_eq!((read.kind, read.kind_named), (kind, named), "{text}");
            assert_eq!(parse(&read.to_string()), Ok(read), "what is written is read again");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, problem) in [
            ("db.corp", "\"db.corp\" lacks a port"),
            ("db.corp/tcp", "\"db.corp\" lacks a port"),
            ("db:0/tcp", "the port of \"db:0\""),
            ("db:1/shh", "\"shh\" is no kind of Resource; the nearest is ssh"),
            ("gw:7/icmp", "kind icmp takes no port"),
            ("=db:1", "its name is not 1 to 80 plain characters"),
            ("https://db/", "\"https://db/\" is a URL; write HOST:PORT/KIND"),
            ("a b:1", "\"a b\" is not a host's name"),
            ("224.0.0.1:5", "224.0.0.1 is not the address of one host"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.starts_with(problem), "{text}: {said}");
        }
    }

    #[test]
    fn a_table_of_a_file_says_the_same_and_what_to_expect() {
        let said: SaidResource =
            toml::from_str("name = 'Wiki'\naddress = 'wiki.corp:8080'\nkind = 'http'\nexpect = '200'")
                .unwrap();
        let read = Resource::parse(&said).unwrap();
        assert_eq!(
            (read.name.as_str(), read.kind, read.expect.as_deref()),
            ("Wiki", Kind::Http, Some("200"))
        );
        assert!(toml::from_str::<SaidResource>("adress = 'x:1'").is_err());
        let said: SaidResource = toml::from_str("address = 'N=wiki.corp:8080'").unwrap();
        assert!(Resource::parse(&said).is_err(), "a table has keys for it");
    }
}
