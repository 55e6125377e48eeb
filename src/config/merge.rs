//! Merges what several sources said: the first that says a thing decides it, and its faults are told with its place.

use std::path::PathBuf;

use crate::model::Policy;
use crate::model::allow::Allow;

use super::choice::{Choice, Family};
use super::controller::Controller;
use super::defaults::{MAX_RESOURCES, MAX_SERVERS, WIDTH, WIDTH_RANGE};
use super::error::{ConfigError, quoted};
use super::glob::parse_glob;
use super::origin::{Named, Origin};
use super::resource::Resource;
use super::said::{Said, SaidAllow};
use super::source::Source;

/// The longest reason of an `[[allow]]`, characters.
const MAX_REASON: usize = 200;

/// The sources, the strongest first.
pub(super) struct Sources<'a>(pub(super) &'a [Source]);

impl<'a> Sources<'a> {
    /// The first source that says a thing, and what it says.
    pub(super) fn first<T>(&self, get: impl Fn(&'a Said) -> Option<T>) -> Option<(&'a Source, T)> {
        self.0.iter().find_map(|source| Some((source, get(&source.said)?)))
    }

    /// A value of one piece of text.
    pub(super) fn text<T>(
        &self,
        key: &str,
        get: impl Fn(&'a Said) -> Option<&'a str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((source, text)) = self.first(get) else { return Ok(None) };
        let value = parse(text).map_err(|p| ConfigError::at(&source.origin(key, ""), key, &p))?;
        Ok(Some(value))
    }

    /// A value that is one of a few words.
    pub(super) fn choice<T: Choice + Default>(
        &self,
        key: &str,
        get: impl Fn(&'a Said) -> Option<&'a str>,
    ) -> Result<T, ConfigError> {
        Ok(self.text(key, get, T::parse)?.unwrap_or_default())
    }

    /// A list, each item with its place; the same target twice is one. None where no source says it.
    pub(super) fn list<T: PartialEq>(
        &self,
        key: &str,
        get: impl Fn(&'a Said) -> Option<&'a Vec<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Vec<Named<T>>>, ConfigError> {
        let Some((source, items)) = self.first(get) else { return Ok(None) };
        let mut list: Vec<Named<T>> = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let origin = source.origin(key, &format!("[{i}]"));
            let at = parse(item.trim()).map_err(|p| ConfigError::at(&origin, key, &p))?;
            if list.iter().any(|named| named.at == at) {
                continue;
            }
            if list.len() == MAX_SERVERS {
                return Err(ConfigError::at(&origin, key, &format!("more than {MAX_SERVERS} are given")));
            }
            list.push(Named { at, origin });
        }
        Ok(Some(list))
    }

    /// The Resources, each with its place; the same one twice is one, two of the same name are an error.
    pub(super) fn resources(&self) -> Result<Vec<Named<Resource>>, ConfigError> {
        let Some((source, items)) = self.first(|s| s.resource.as_ref()) else { return Ok(Vec::new()) };
        let mut list: Vec<Named<Resource>> = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let origin = source.origin("resource", &format!("[{i}]"));
            let wrong = |problem: &str| ConfigError::at(&origin, "resource", problem);
            let at = Resource::parse(item).map_err(|problem| wrong(&problem))?;
            if list.iter().any(|named| named.at == at) {
                continue;
            }
            if let Some(other) = list.iter().find(|named| named.at.name == at.name) {
                return Err(wrong(&format!("{} is the name of two", quoted(&other.at.name))));
            }
            if list.len() == MAX_RESOURCES {
                return Err(wrong(&format!("more than {MAX_RESOURCES} are given")));
            }
            list.push(Named { at, origin });
        }
        Ok(list)
    }

    pub(super) fn path(
        &self,
        key: &str,
        get: impl Fn(&'a Said) -> Option<&'a PathBuf>,
    ) -> Result<Option<Named<PathBuf>>, ConfigError> {
        let Some((source, path)) = self.first(get) else { return Ok(None) };
        let origin = source.origin(key, "");
        if path.as_os_str().is_empty() {
            return Err(ConfigError::at(&origin, key, "names no file"));
        }
        Ok(Some(Named { at: path.clone(), origin }))
    }

    /// The network's name and the URL are two ways to say one thing: the first source that says either.
    pub(super) fn controller(&self) -> Result<Option<Named<Controller>>, ConfigError> {
        let either = |s: &'a Said| {
            (s.network.is_some() || s.controller.is_some()).then_some((&s.network, &s.controller))
        };
        let Some((source, said)) = self.first(either) else { return Ok(None) };
        let (key, parsed) = match said {
            (Some(_), Some(_)) => {
                let problem = "network and controller say the same thing; give one of them";
                ("controller", Err(problem.to_owned()))
            }
            (Some(network), None) => ("network", Controller::of_network(network.trim())),
            (None, Some(url)) => ("controller", Controller::of_url(url.trim())),
            (None, None) => return Ok(None),
        };
        let origin = source.origin(key, "");
        let at = parsed.map_err(|p| ConfigError::at(&origin, key, &p))?;
        Ok(Some(Named { at, origin }))
    }

    pub(super) fn family(&self) -> Result<Family, ConfigError> {
        let either = |s: &Said| (s.ipv4.is_some() || s.ipv6.is_some()).then_some((s.ipv4, s.ipv6));
        let Some((source, said)) = self.first(either) else { return Ok(Family::Any) };
        match said {
            (Some(true), Some(true)) => {
                Err(ConfigError::at(&source.origin("ipv4", ""), "ipv4", "cannot stand beside ipv6"))
            }
            (Some(true), _) => Ok(Family::V4),
            (_, Some(true)) => Ok(Family::V6),
            _ => Ok(Family::Any),
        }
    }

    /// How much more to say, and whether to say less.
    pub(super) fn loudness(&self) -> Result<(u8, bool), ConfigError> {
        let either = |s: &Said| (s.verbose.is_some() || s.quiet.is_some()).then_some((s.verbose, s.quiet));
        let Some((source, (verbose, quiet))) = self.first(either) else { return Ok((0, false)) };
        let (verbose, quiet) = (verbose.unwrap_or(0), quiet.unwrap_or(false));
        if verbose > 0 && quiet {
            return Err(ConfigError::at(&source.origin("quiet", ""), "quiet", "cannot stand beside verbose"));
        }
        Ok((verbose, quiet))
    }

    pub(super) fn width(&self) -> Result<u16, ConfigError> {
        let (least, most) = WIDTH_RANGE;
        match self.first(|s| s.width) {
            Some((source, width)) if !(least..=most).contains(&width) => {
                let problem = format!("{width} is not from {least} to {most}");
                Err(ConfigError::at(&source.origin("width", ""), "width", &problem))
            }
            found => Ok(found.map_or(WIDTH, |(_, width)| width)),
        }
    }

    /// What is reported and what is accepted; where nothing is left to report, an error.
    pub(super) fn policy(&self, known: &[&str]) -> Result<Policy, ConfigError> {
        let parse = |text: &str| parse_glob(text, known);
        let select = self.list("select", |s| s.select.as_ref(), parse)?.unwrap_or_default();
        let skip = self.list("skip", |s| s.skip.as_ref(), parse)?.unwrap_or_default();
        let last = skip.last().or(select.last()).map_or(Origin::Default, |named| named.origin.clone());
        let globs = |list: Vec<Named<String>>| list.into_iter().map(|named| named.at).collect();
        let policy = Policy { select: globs(select), skip: globs(skip), allow: self.allow(known)? };
        if known.iter().any(|id| policy.selects(id)) {
            return Ok(policy);
        }
        Err(ConfigError::at(&last, "skip", "leaves no check to report"))
    }

    fn allow(&self, known: &[&str]) -> Result<Vec<Allow>, ConfigError> {
        let Some((source, entries)) = self.first(|s| s.allow.as_ref()) else { return Ok(Vec::new()) };
        let one = |(i, entry): (usize, &SaidAllow)| {
            let fault = |key: &str, problem: &str| {
                let origin = source.origin("allow", &format!("[{i}].{key}"));
                let origin = match origin {
                    // A key that is missing has no line; the entry has.
                    Origin::File { .. } if missing(entry, key) => source.origin("allow", &format!("[{i}]")),
                    origin => origin,
                };
                ConfigError::at(&origin, &format!("allow.{key}"), problem)
            };
            let check = entry.check.as_deref().ok_or_else(|| fault("check", "is missing"))?;
            let reason = entry.reason.as_deref().unwrap_or("").trim();
            if reason.is_empty() {
                return Err(fault("reason", "is missing; say why the finding is accepted"));
            }
            if reason.chars().count() > MAX_REASON {
                return Err(fault("reason", &format!("is longer than {MAX_REASON} characters")));
            }
            let until = entry.until.as_deref().map(|day| {
                let date: Result<jiff::civil::Date, _> = day.parse();
                date.map(|d| d.to_string()).map_err(|_| fault("until", "is not a day; write YYYY-MM-DD"))
            });
            Ok(Allow {
                check: parse_glob(check, known).map_err(|p| fault("check", &p))?,
                reason: reason.to_owned(),
                until: until.transpose()?,
            })
        };
        entries.iter().enumerate().map(one).collect()
    }
}

fn missing(entry: &SaidAllow, key: &str) -> bool {
    match key {
        "check" => entry.check.is_none(),
        "reason" => entry.reason.is_none(),
        _ => entry.until.is_none(),
    }
}
