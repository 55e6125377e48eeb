//! The options that make the same run again, out of what was meant: for the commands that a report prints.

use std::path::Path;

use super::choice::Family;
use super::defaults::SYSTEM_FILE;
use super::meant::Meant;
use super::options::PREFIX;
use super::origin::{Named, Origin};

impl Meant {
    /// Targets, resolvers, configuration and family that a person named, as words of a command line. What the host is
    /// configured with is found again; what a file says is said by naming the file.
    pub fn given(&self) -> Vec<String> {
        let mut words = Words::default();
        if let Some(named) = &self.controller {
            match &named.at.network {
                Some(network) => words.option("--network", &named.origin, network),
                None => words.option("--controller", &named.origin, &named.at.url()),
            }
        }
        words.options("--stun", &self.stun);
        words.options("--ntp", &self.ntp);
        words.options("--dns", &self.dns);
        words.options("--relay", &self.relay);
        words.options("--service", &self.service);
        words.options("--quic", &self.quic);
        words.options("--resource", &self.resources);
        let said = |by: &String| by == "--no-fallback" || by.starts_with(PREFIX);
        if self.no_fallback.as_ref().is_some_and(said) {
            words.0.push("--no-fallback".to_owned());
        }
        if self.lifetime {
            words.0.push("--lifetime".to_owned());
        }
        if let Some(named) = &self.ca_file {
            words.option("--ca-file", &named.origin, &named.at.display().to_string());
        }
        match self.family {
            Family::Any => {}
            Family::V4 => words.0.push("-4".to_owned()),
            Family::V6 => words.0.push("-6".to_owned()),
        }
        words.0
    }
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn options<T: ToString>(&mut self, option: &str, all: &[Named<T>]) {
        for named in all {
            self.option(option, &named.origin, &named.at.to_string());
        }
    }

    fn option(&mut self, option: &str, origin: &Origin, value: &str) {
        match origin {
            Origin::Option(by) if by == "lab" => {}
            Origin::Option(_) | Origin::Argument | Origin::Variable(_) => self.pair(option, value),
            // The system's own file is read again without a word.
            Origin::File { path, .. } if path != Path::new(SYSTEM_FILE) => {
                self.pair("--config", &path.display().to_string());
            }
            Origin::File { .. } | Origin::HostConnector | Origin::HostTime | Origin::Default => {}
        }
    }

    /// Once, however many values it stands for.
    fn pair(&mut self, option: &str, value: &str) {
        if !self.0.windows(2).any(|pair| pair == [option, value]) {
            self.0.extend([option.to_owned(), value.to_owned()]);
        }
    }
}
