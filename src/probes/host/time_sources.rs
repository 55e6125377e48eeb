//! The servers and pools that time daemons are configured with: host names and addresses, nothing else.
//!
//! Files are an administrator's, yet bounded and validated like any input: a directive that is not understood
//! is left out.

use std::net::IpAddr;

use super::files;
use crate::env::Env;

/// Most servers and pools of one daemon.
const MOST: usize = 16;
/// Most files read for one daemon, included ones counted.
const FILES: usize = 32;

/// chrony: its file (Debian's, then everyone else's), `include`, `confdir` and `sourcedir` followed.
pub(super) fn chrony(env: &Env) -> Vec<String> {
    let main = ["/etc/chrony/chrony.conf", "/etc/chrony.conf"].iter().find(|path| files::exists(env, path));
    let mut queue: Vec<String> = main.iter().map(|path| (**path).to_owned()).collect();
    let mut sources = Vec::new();
    let mut at = 0;
    while let Some(path) = queue.get(at).cloned().filter(|_| at < FILES) {
        at += 1;
        let text = files::read(env, &path, files::SMALL).unwrap_or_default();
        for words in directives(&text, &['#', '!', ';', '%']) {
            match (words[0].to_ascii_lowercase().as_str(), words.get(1)) {
                ("server" | "pool" | "peer", Some(host)) => keep(&mut sources, host),
                ("include", Some(pattern)) => queue.extend(matching(env, pattern)),
                ("confdir", _) => queue.extend(words[1..].iter().flat_map(|d| ending(env, d, ".conf"))),
                ("sourcedir", _) => queue.extend(words[1..].iter().flat_map(|d| ending(env, d, ".sources"))),
                _ => {}
            }
        }
        queue.truncate(FILES);
    }
    sources
}

/// systemd-timesyncd: the network's own servers, `NTP=`, and only without these `FallbackNTP=`, whose compiled
/// default stands in a comment of the shipped file.
pub(super) fn timesyncd(env: &Env) -> Vec<String> {
    const ROOTS: &[&str] = &["/usr/lib/systemd", "/lib/systemd", "/run/systemd", "/etc/systemd"];
    let mut texts: Vec<String> = ROOTS
        .iter()
        .rev()
        .find_map(|root| files::read(env, &format!("{root}/timesyncd.conf"), files::SMALL))
        .into_iter()
        .collect();
    let drop_ins = ROOTS.iter().flat_map(|root| ending(env, &format!("{root}/timesyncd.conf.d"), ".conf"));
    let mut drop_ins: Vec<String> = drop_ins.take(FILES).collect();
    // systemd.unit(5): sorted by name whatever the folder; a later folder's file hides its namesake.
    drop_ins.sort_by(|a, b| file_name(a).cmp(file_name(b)));
    for (i, path) in drop_ins.iter().enumerate() {
        let hidden = drop_ins.get(i + 1).is_some_and(|next| file_name(next) == file_name(path));
        if !hidden {
            texts.extend(files::read(env, path, files::SMALL));
        }
    }
    let (mut own, mut fallback, mut compiled) = (Vec::new(), Vec::new(), Vec::new());
    for line in texts.iter().flat_map(|text| text.lines()) {
        let line = line.trim();
        if let Some(value) = line.strip_prefix("NTP=") {
            set(&mut own, value);
        } else if let Some(value) = line.strip_prefix("FallbackNTP=") {
            compiled.clear();
            set(&mut fallback, value);
        } else if let Some(value) = line.strip_prefix("#FallbackNTP=") {
            set(&mut compiled, value);
        }
    }
    let mut sources = Vec::new();
    for link in files::list(env, "/run/systemd/netif/links", FILES) {
        let text =
            files::read(env, &format!("/run/systemd/netif/links/{link}"), files::SMALL).unwrap_or_default();
        let servers =
            text.lines().filter_map(|line| line.strip_prefix("NTP=")).flat_map(str::split_whitespace);
        servers.for_each(|host| keep(&mut sources, host));
    }
    for host in &own {
        keep(&mut sources, host);
    }
    if sources.is_empty() {
        fallback.iter().chain(&compiled).for_each(|host| keep(&mut sources, host));
    }
    sources
}

/// A later assignment adds, an empty one forgets all earlier ones.
fn set(list: &mut Vec<String>, value: &str) {
    if value.trim().is_empty() {
        list.clear();
    }
    list.extend(value.split_whitespace().take(MOST).map(str::to_owned));
}

/// ntp.org's ntpd; where it has no file, busybox's options.
pub(super) fn ntpd(env: &Env) -> Vec<String> {
    if files::exists(env, "/etc/ntp.conf") {
        return ntp_conf(env, "/etc/ntp.conf");
    }
    let options = files::read(env, "/etc/conf.d/ntpd", files::SMALL).unwrap_or_default();
    let mut sources = Vec::new();
    for (_, value) in files::assignments(&options).filter(|(key, _)| *key == "NTPD_OPTS") {
        let words: Vec<&str> = value.split_whitespace().collect();
        words.windows(2).filter(|pair| pair[0] == "-p").for_each(|pair| keep(&mut sources, pair[1]));
    }
    sources
}

/// `NTPsec`.
pub(super) fn ntpsec(env: &Env) -> Vec<String> {
    ntp_conf(env, "/etc/ntpsec/ntp.conf")
}

fn ntp_conf(env: &Env, path: &str) -> Vec<String> {
    let text = files::read(env, path, files::SMALL).unwrap_or_default();
    let mut sources = Vec::new();
    for words in directives(&text, &['#']) {
        if matches!(words[0], "server" | "pool" | "peer") {
            // `pool -4 HOST`: the family may stand before the name.
            words[1..].iter().find(|w| !w.starts_with('-')).into_iter().for_each(|h| keep(&mut sources, h));
        }
    }
    sources
}

/// `OpenNTPD`.
pub(super) fn openntpd(env: &Env) -> Vec<String> {
    let paths = ["/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"];
    let text = paths.iter().find_map(|path| files::read(env, path, files::SMALL)).unwrap_or_default();
    let mut sources = Vec::new();
    for words in directives(&text, &['#']) {
        if let ("server" | "servers", Some(host)) = (words[0], words.get(1)) {
            keep(&mut sources, host.trim_matches('"'));
        }
    }
    sources
}

/// ntpd-rs: `[[source]]` tables; a port after the name is left out.
pub(super) fn ntpd_rs(env: &Env) -> Vec<String> {
    let text = files::read(env, "/etc/ntpd-rs/ntp.toml", files::SMALL).unwrap_or_default();
    let mut sources = Vec::new();
    let table: toml::Table = text.parse().unwrap_or_default();
    for source in table.get("source").and_then(toml::Value::as_array).into_iter().flatten() {
        if let Some(address) = source.get("address").and_then(toml::Value::as_str) {
            let bare = match address.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
                _ => address,
            };
            keep(&mut sources, bare);
        }
    }
    sources
}

/// Words of each line that is neither empty nor a comment; never empty.
fn directives<'a>(text: &'a str, comments: &'a [char]) -> impl Iterator<Item = Vec<&'a str>> {
    text.lines()
        .map(str::trim)
        .filter(move |line| !line.is_empty() && !line.starts_with(comments))
        .map(|line| line.split_whitespace().collect())
}

/// Keeps a host name or an address once; reference clocks of ntp.conf (127.127.x.x) are no servers.
fn keep(sources: &mut Vec<String>, host: &str) {
    let host = host.trim_end_matches('.');
    let name = !host.is_empty()
        && host.len() <= 253
        && !host.starts_with('-')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let valid = host.parse::<IpAddr>().map_or(name, |ip| !ip.to_string().starts_with("127.127."));
    if valid && sources.len() < MOST && !sources.iter().any(|known| known == host) {
        sources.push(host.to_owned());
    }
}

/// Files in a folder with this ending.
fn ending(env: &Env, folder: &str, ending: &str) -> Vec<String> {
    let names = files::list(env, folder, 256).into_iter().filter(|name| name.ends_with(ending));
    names.map(|name| format!("{folder}/{name}")).collect()
}

/// A path, or the files that a `*` in its last part matches.
fn matching(env: &Env, pattern: &str) -> Vec<String> {
    let Some((folder, last)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Some((head, tail)) = last.split_once('*') else { return vec![pattern.to_owned()] };
    let mut found = ending(env, folder, tail);
    found.retain(|path| file_name(path).starts_with(head));
    found
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
