//! A Connector's configuration: its file, its environment, its command line. Pure; token values are looked at and left.

use super::secret::Tokens;
use super::{env_file, network, token};
use crate::model::facts::{Settings, SettingsFault, SettingsSource, Token, TokenFlaw, TokenForm};
use crate::model::text;

/// Most faults that are kept of one source.
const FAULTS: usize = 16;
/// Most resolvers.
const RESOLVERS: usize = 8;
/// Longest name of a variable that is shown.
const NAME: usize = 48;

const NETWORK: &str = "TWINGATE_NETWORK";
const URL: &str = "TWINGATE_URL";
const ACCESS: &str = "TWINGATE_ACCESS_TOKEN";
const REFRESH: &str = "TWINGATE_REFRESH_TOKEN";
const DNS: &str = "TWINGATE_DNS";
const LOG_LEVEL: &str = "TWINGATE_LOG_LEVEL";
/// Where the Connector's own metrics listen, since 1.80 (public documentation).
const METRICS_PORT: &str = "TWINGATE_METRICS_PORT";
/// Without which a Connector cannot work (one of the first two): a slip in their names is told.
const NEEDED: &[&str] = &[NETWORK, URL, ACCESS, REFRESH];
/// Names of older versions, still in other people's pages: old, new.
const OLD: &[(&str, &str)] = &[("TENANT_URL", URL), ("ACCESS_TOKEN", ACCESS), ("REFRESH_TOKEN", REFRESH)];

/// What a source says, and the values of its tokens for as long as they are compared.
#[derive(Debug)]
pub struct Reading {
    /// What may be kept.
    pub settings: Settings,
    /// What may not.
    pub tokens: Tokens,
}

/// Reads a file of `NAME=VALUE` lines as systemd does.
pub fn file(path: &str, bytes: &[u8]) -> Reading {
    let source = SettingsSource::File(path.to_owned());
    let Ok(text) = std::str::from_utf8(bytes) else {
        // It refuses the whole file then.
        return settled(source, &[], vec![SettingsFault::NotText]);
    };
    let read = env_file::read(text);
    let mut faults: Vec<SettingsFault> = Vec::new();
    faults.extend(read.marked.then_some(SettingsFault::ByteOrderMark));
    let malformed = read.malformed.iter().filter(|line| !(read.marked && **line == 1));
    faults.extend(malformed.map(|line| SettingsFault::Malformed { line: *line }));
    faults.extend(
        read.unclosed.map(|name| SettingsFault::UnclosedQuote { variable: text::clean(&name, NAME) }),
    );
    settled(source, &read.pairs, faults)
}

/// Reads the variables that a runtime keeps of a container: `NAME=VALUE` each.
pub fn kept(place: &str, variables: &[String]) -> Reading {
    let pairs = variables.iter().filter_map(|one| one.split_once('='));
    let pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    settled(SettingsSource::File(place.to_owned()), &pairs, Vec::new())
}

/// Whether a variable is one that only a Connector has.
pub fn is_telling(assignment: &str) -> bool {
    let name = assignment.split('=').next().unwrap_or_default();
    [ACCESS, REFRESH].contains(&name)
}

/// Reads a process's environment: `NAME=VALUE`, each ended by a NUL (`proc_pid_environ(5)`).
pub fn environment(pid: u32, bytes: &[u8]) -> Reading {
    settled(SettingsSource::Environment(pid), &variables(bytes), Vec::new())
}

/// The variables of an environment; what is no `NAME=VALUE` is passed over.
fn variables(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let pairs = text.split('\0').filter_map(|one| one.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The value of one variable of an environment, for a comparison; the caller keeps it no longer than that.
pub fn variable(bytes: &[u8], name: &str) -> Option<String> {
    variables(bytes).into_iter().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value)
}

/// Reads the two options that name the network on a command line (NUL-separated): `-n NAME`, `-u URL`.
pub fn command_line(pid: u32, bytes: &[u8]) -> Settings {
    const OPTIONS: &[(&str, &str, &str)] = &[("-n", "--network", NETWORK), ("-u", "--url", URL)];
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split('\0').skip(1);
    let mut pairs = Vec::new();
    while let Some(word) = words.next() {
        for (short, long, variable) in OPTIONS {
            let joined = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
            let value = if word == *short || word == *long { words.next() } else { joined };
            if let Some(value) = value {
                pairs.push(((*variable).to_owned(), value.to_owned()));
                break;
            }
        }
    }
    settled(SettingsSource::CommandLine(pid), &pairs, Vec::new()).settings
}

/// What the variables mean together.
fn settled(source: SettingsSource, pairs: &[(String, String)], malformed: Vec<SettingsFault>) -> Reading {
    let last = |name: &str| pairs.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let mut settings = Settings { source, faults: malformed, ..Settings::default() };
    // A variable under its name of today, else under that of older versions.
    let mut take = |name: &'static str| -> Option<(&'static str, &str)> {
        if let Some(value) = last(name) {
            return Some((name, value));
        }
        let (old, _) = OLD.iter().find(|(_, new)| *new == name)?;
        let value = last(old)?;
        settings.faults.push(SettingsFault::OldName { variable: (*old).to_owned() });
        Some((old, value))
    };
    let (name, url) = (take(NETWORK), take(URL));
    let (access, refresh) = (take(ACCESS), take(REFRESH));
    let looked = |found: Option<(&str, &str)>| found.map(|(name, value)| token::look(name, value)).unzip();
    let (access_token, audience): (Option<Token>, Option<Vec<String>>) = looked(access);
    let (refresh_token, _) = looked(refresh);
    (settings.access_token, settings.refresh_token) = (access_token, refresh_token);
    swapped(&mut settings);
    if let (Some((_, access)), Some((_, refresh))) = (access, refresh)
        && access == refresh
        && !access.trim().is_empty()
    {
        settings.faults.push(SettingsFault::SameTokens);
    }
    let by_name = name.map(|(n, v)| network::of_name(n, v)).unwrap_or_default();
    let by_url = url.map(|(n, v)| network::of_url(n, v)).unwrap_or_default();
    if let (Some(network), Some(other)) = (&by_name.network, &by_url.network)
        && network != other
    {
        let (network, other) = (network.clone(), other.clone());
        settings.faults.push(SettingsFault::TwoNetworks { network, other });
    }
    settings.network = by_name.network.or(by_url.network);
    settings.url = by_url.url.or(by_name.url);
    settings.faults.extend(other_audience(settings.network.as_deref(), &audience.unwrap_or_default()));
    for name in [ACCESS, REFRESH, NETWORK] {
        let variable = format!("{name}_FILE");
        if last(name).is_none() && last(&variable).is_some() {
            settings.faults.push(SettingsFault::FileVariable { variable });
        }
    }
    settings.faults.extend(by_name.fault.into_iter().chain(by_url.fault));
    for name in NEEDED {
        let mut values = pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| value);
        let first = values.next();
        if first.is_some_and(|first| values.any(|value| value != first)) {
            settings.faults.push(SettingsFault::Twice { variable: (*name).to_owned() });
        }
    }
    settings.faults.extend(pairs.iter().filter_map(|(name, _)| slip(name, &last)));
    settings.faults.truncate(FAULTS);
    let dns = last(DNS).unwrap_or_default().split(',').map(str::trim);
    let address = |word: &&str| {
        word.parse::<std::net::IpAddr>().is_ok() || word.parse::<std::net::SocketAddr>().is_ok()
    };
    settings.dns = dns.filter(address).take(RESOLVERS).map(str::to_owned).collect();
    settings.log_level =
        last(LOG_LEVEL).and_then(|level| level.trim().parse().ok()).filter(|n| (-1..=7).contains(n));
    settings.metrics_port = last(METRICS_PORT).and_then(|port| port.trim().parse().ok()).filter(|p| *p > 0);
    let tokens = Tokens::new(access.map(|(_, value)| value), refresh.map(|(_, value)| value));
    Reading { settings, tokens }
}

/// The access token is a JWT, the refresh token is none: the other way round they stand in each other's place.
fn swapped(settings: &mut Settings) {
    let (Some(access), Some(refresh)) = (&mut settings.access_token, &mut settings.refresh_token) else {
        return;
    };
    if (access.form, refresh.form) == (TokenForm::Opaque, TokenForm::Jwt) && access.flaws.is_empty() {
        access.flaws.push(TokenFlaw::Swapped);
        refresh.flaws.push(TokenFlaw::Swapped);
    }
}

/// A token that was made for another network: only where it names networks as they are written here.
fn other_audience(network: Option<&str>, audience: &[String]) -> Option<SettingsFault> {
    let named: Vec<String> =
        audience.iter().filter_map(|name| network::of_name(NETWORK, name).network).collect();
    let network = network.filter(|own| !named.is_empty() && !named.iter().any(|name| name == own))?;
    let other = named.into_iter().next()?;
    Some(SettingsFault::OtherAudience { network: network.to_owned(), other })
}

/// A name that is a slip of one that is needed and not set.
fn slip<'a>(name: &str, set: &impl Fn(&str) -> Option<&'a str>) -> Option<SettingsFault> {
    if !name.to_ascii_uppercase().starts_with("TWIN") || name.len() > NAME || NEEDED.contains(&name) {
        return None;
    }
    let near = |needed: &&&str| strsim::damerau_levenshtein(&name.to_ascii_uppercase(), needed) <= 2;
    let nearest = NEEDED.iter().filter(|needed| set(needed).is_none()).find(near)?;
    Some(SettingsFault::Unknown { variable: text::clean(name, NAME), nearest: (*nearest).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# made by setup.sh\nTWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN=\"eyJcanary\"\n\
                         TWINGATE_REFRESH_TOKEN=canary1Z\nTWINGATE_LABEL_HOSTNAME=canary-host\nTWINGATE_LOG_LEVEL=7\n\
                         TWINGATE_DNS=10.0.0.53, [fd00::53]:53,canary\n";

    fn forms(settings: &Settings) -> [Option<TokenForm>; 2] {
        [&settings.access_token, &settings.refresh_token].map(|t| t.as_ref().map(|t| t.form))
    }

    #[test]
    fn a_whole_file_is_read_and_no_value_of_a_token_is_kept() {
        let settings = file("f", WHOLE.as_bytes()).settings;
        assert_eq!(settings.network.as_deref(), Some("acme"));
        assert_eq!(forms(&settings), [Some(TokenForm::Opaque); 2]);
        assert_eq!(settings.dns, ["10.0.0.53", "[fd00::53]:53"]);
        assert_eq!((settings.log_level, settings.faults.len()), (Some(7), 0));
        assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
        let environ = WHOLE.replace(['\n', '"'], "\0");
        assert_eq!(environment(1, environ.as_bytes()).settings.network.as_deref(), Some("acme"));
    }

    #[test]
    fn faults_of_the_text_are_named_by_line_and_variable_alone() {
        let text = "\u{feff}TWINGATE_NETWORK=beta\r\nTWINGATE_NETWORK = https://acme.twingate.com\r\nexport TWINGATE_ACCESS_TOKEN=canary\r\n\
                    eyJcanary.canary.canary\nTWINGATE_REFRESH_TOKEN=\\\n  canary\nTWINGATE_ACESS_TOKEN=canary\n\
                    TWINGATE_REFRESH_TOKEN=canary2\n";
        let settings = file("f", text.as_bytes()).settings;
        assert_eq!(settings.network.as_deref(), Some("acme"));
        assert_eq!(forms(&settings), [None, Some(TokenForm::Opaque)]);
        let named = |name: &str| name.to_owned();
        assert_eq!(
            settings.faults,
            [
                SettingsFault::ByteOrderMark,
                SettingsFault::Malformed { line: 3 },
                SettingsFault::Malformed { line: 4 },
                SettingsFault::UrlForName { variable: named(NETWORK) },
                SettingsFault::Twice { variable: named(REFRESH) },
                SettingsFault::Unknown { variable: named("TWINGATE_ACESS_TOKEN"), nearest: named(ACCESS) },
            ]
        );
        assert!(!format!("{settings:?}").contains("canary"));
        let binary = file("f", b"TWINGATE_NETWORK=acme\n\xff").settings;
        assert_eq!((binary.network, binary.faults), (None, vec![SettingsFault::NotText]));
    }

    #[test]
    fn a_quote_that_is_never_closed_swallows_what_follows() {
        let settings = file(
            "f",
            b"TWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN=\"canary\nTWINGATE_REFRESH_TOKEN=canary\n",
        )
        .settings;
        assert_eq!(forms(&settings), [Some(TokenForm::Opaque), None]);
        assert_eq!(settings.faults, [SettingsFault::UnclosedQuote { variable: ACCESS.to_owned() }]);
        let flaws = settings.access_token.expect("a token").flaws;
        assert!(flaws.contains(&TokenFlaw::NameInside), "{flaws:?}");
    }

    #[test]
    fn tokens_that_do_not_fit_are_told() {
        let jwt = |claims: &str| {
            use base64::Engine as _;
            let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
            format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(claims), "c".repeat(86))
        };
        let read = |text: String| environment(1, text.replace('\n', "\0").as_bytes()).settings;
        let beta = jwt(r#"{"aud":"beta"}"#);
        let settings = read(format!(
            "TWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN={beta}\nTWINGATE_REFRESH_TOKEN=canary"
        ));
        let other = SettingsFault::OtherAudience { network: "acme".to_owned(), other: "beta".to_owned() };
        assert_eq!(settings.faults, [other]);
        let settings = read(format!(
            "TWINGATE_NETWORK=beta\nTWINGATE_ACCESS_TOKEN=canarycanary\nTWINGATE_REFRESH_TOKEN={beta}"
        ));
        let tokens = [settings.access_token, settings.refresh_token];
        assert!(tokens.into_iter().flatten().all(|token| token.flaws == [TokenFlaw::Swapped]));
        let settings = read("TWINGATE_NETWORK=acme\nTWINGATE_URL=https://beta.twingate.com\nTWINGATE_ACCESS_TOKEN_FILE=/run/secrets/canary".to_owned());
        let two = SettingsFault::TwoNetworks { network: "acme".to_owned(), other: "beta".to_owned() };
        let of_file = SettingsFault::FileVariable { variable: "TWINGATE_ACCESS_TOKEN_FILE".to_owned() };
        assert_eq!(settings.faults, [two, of_file]);
        let fit = read(format!(
            "TWINGATE_NETWORK=beta.twingate.com\nTWINGATE_ACCESS_TOKEN={beta}\nTWINGATE_METRICS_PORT=9999"
        ));
        assert_eq!((fit.faults.len(), fit.metrics_port), (0, Some(9999)));
    }

    #[test]
    fn older_names_stand_in_and_are_told() {
        let old =
            environment(1, b"TENANT_URL=https://acme.twingate.com\0ACCESS_TOKEN=canary\0REFRESH_TOKEN=\0")
                .settings;
        assert_eq!(old.url.as_deref(), Some("https://acme.twingate.com"));
        assert_eq!(forms(&old), [Some(TokenForm::Opaque), Some(TokenForm::Empty)]);
        assert_eq!(old.faults.len(), 3);
        // Somebody else's variable beside the Connector's own is none of ours.
        let both = environment(1, b"ACCESS_TOKEN=other\0TWINGATE_ACCESS_TOKEN=a\0TWINGATE_REFRESH_TOKEN=a\0")
            .settings;
        assert_eq!(both.faults, [SettingsFault::SameTokens]);
    }

    #[test]
    fn a_command_line_names_the_network_alone() {
        for (words, network, url) in [
            ("./connectord\0-n\0acme\0", Some("acme"), None),
            (
                "connectord\0--url=https://acme.twingate.com\0--access-token\0eyJcanary",
                Some("acme"),
                Some("https://acme.twingate.com"),
            ),
            ("connectord\0-n", None, None),
            ("-n\0acme\0", None, None),
            ("", None, None),
        ] {
            let settings = command_line(1, words.as_bytes());
            assert_eq!((settings.network.as_deref(), settings.url.as_deref()), (network, url), "{words}");
            assert!(!format!("{settings:?}").contains("canary"));
        }
    }
}
