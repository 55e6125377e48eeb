//! The table of options, read off their one declaration: what each is called, and which kind of value it takes.

use std::sync::LazyLock;

use clap::{ArgAction, Args, Command};

use super::said::Said;

/// What every variable of this tool begins with.
pub const PREFIX: &str = "CONNECTOR_DOCTOR_";

/// What kind of value an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Number,
    Text,
    List,
}

/// One option, as the command line declares it.
#[derive(Clone, Debug)]
pub(super) struct Opt {
    pub(super) key: String,
    pub(super) kind: Kind,
}

impl Opt {
    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("{}{}", PREFIX, self.key.to_uppercase().replace('-', "_"))
    }
}

/// Every option, read off the declaration above, once.
pub(super) fn options() -> &'static [Opt] {
    static OPTIONS: LazyLock<Vec<Opt>> = LazyLock::new(read_options);
    &OPTIONS
}

fn read_options() -> Vec<Opt> {
    let kind = |arg: &clap::Arg| match arg.get_action() {
        ArgAction::Append => Kind::List,
        ArgAction::Count => Kind::Number,
        _ if arg.get_num_args().is_some_and(|n| !n.takes_values()) => Kind::Flag,
        _ if arg.get_value_parser().type_id() == std::any::TypeId::of::<u16>() => Kind::Number,
        _ => Kind::Text,
    };
    let command = Said::augment_args(Command::new("said"));
    let known =
        command.get_arguments().filter_map(|a| Some(Opt { key: a.get_long()?.to_owned(), kind: kind(a) }));
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a source can say for an option of this kind, as TOML.
    fn sample(opt: &Opt) -> String {
        match opt.kind {
            Kind::Flag => format!("{} = true", opt.key),
            Kind::Number => format!("{} = 2", opt.key),
            Kind::Text => format!("{} = 'x'", opt.key),
            Kind::List => format!("{} = ['x']", opt.key),
        }
    }

    #[test]
    fn every_option_is_a_key_of_its_kind() {
        let options = options();
        assert!(options.len() >= 24, "{}", options.len());
        for opt in options {
            let said: Said = toml::from_str(&sample(opt)).unwrap_or_else(|e| panic!("{}: {e}", opt.key));
            assert_ne!(said, Said::default(), "{}", opt.key);
        }
    }
}
