//! Words to commands, and faults to lines.

use super::*;

fn parsed(line: &str) -> Result<Command, Stop> {
    parse(std::iter::once("connector-doctor").chain(line.split_whitespace()).map(OsString::from))
}

fn check(line: &str) -> Said {
    match parsed(line) {
        Ok(Command::Check(said)) => said,
        other => panic!("{line}: {other:?}"),
    }
}

fn fault(line: &str) -> String {
    match parsed(line) {
        Err(Stop::Fault(error)) => error.to_string(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn no_word_means_check() {
    assert_eq!(check(""), Said::default());
    let said = Said {
        stun: Some(vec!["a".into(), "b:1".into()]),
        format: Some(vec!["json=f".into(), "human".into()]),
        ipv4: Some(true),
        timeout: Some("2s".into()),
        verbose: Some(2),
        ..Said::default()
    };
    let options = "--stun a --stun=b:1 -f json=f -f human -4 --timeout 1s --timeout 2s -vv";
    assert_eq!(check(options), said);
    assert_eq!(check(&format!("check {options}")), said);
}

#[test]
fn globs_come_with_the_word_alone() {
    let said = check("check clock.* --json stun.mapping");
    assert_eq!(said.select, Some(vec!["clock.*".to_owned(), "stun.mapping".to_owned()]));
    assert_eq!(said.json, Some(true));
    assert_eq!(
        fault("clock.*"),
        "unknown command \"clock.*\"; to choose checks write connector-doctor check 'clock.*' (see --help)"
    );
}

#[test]
fn the_other_words() {
    let lab = |scenario: &str, said| Command::Lab { scenario: scenario.to_owned(), said };
    assert_eq!(parsed("lab"), Ok(lab("healthy", Said::default())));
    let json = Said { json: Some(true), ..Said::default() };
    assert_eq!(parsed("lab stun-down --json"), Ok(lab("stun-down", json)));
    assert_eq!(parsed("lab --list"), Ok(Command::LabList));
    let serve = Command::LabServe { scenario: "healthy".into(), dir: "/d".into() };
    assert_eq!(parsed("lab --serve healthy --dir /d"), Ok(serve));
    assert_eq!(parsed("list"), Ok(Command::List { json: false }));
    assert_eq!(parsed("list --json"), Ok(Command::List { json: true }));
    assert_eq!(parsed("list -f json"), Ok(Command::List { json: true }));
    assert_eq!(parsed("schema"), Ok(Command::Schema));
}

#[test]
fn a_fault_is_one_line_that_names_the_nearest() {
    for (line, expected) in [
        ("--stunn a", "unknown option --stunn; the nearest is --stun (see --help)"),
        ("check --fail_on=warn", "unknown option --fail_on; the nearest is --fail-on (see --help)"),
        ("lab --lst", "unknown option --lst; the nearest is --list (see --help)"),
        ("-x", "unknown option -x (see --help)"),
        ("zzzzz", "unknown command \"zzzzz\"; valid: "),
        ("--timeout -5s --wifth 3", "unknown option --wifth; the nearest is --width (see --help)"),
        ("chek", "unknown command \"chek\"; the nearest is check (see --help)"),
        ("lab --stun a", "--stun: not with lab, which brings its own servers and checks once"),
        ("lab a b", "\"b\" is one word too many (see --help)"),
        ("schema x", "\"x\" is one word too many (see --help)"),
        ("lab --list --serve a --dir b", "the argument '--list' cannot be used with '--serve <SCENARIO>'"),
        ("lab --serve a", "the following required arguments were not provided: --dir <DIR> (see --help)"),
        ("--stun", "a value is required for '--stun <HOST[:PORT]>' but none was supplied (see --help)"),
        ("--width abc", "--width: \"abc\" is not from 40 to 240 (see --help)"),
        ("--width 99999", "--width: \"99999\" is not from 40 to 240 (see --help)"),
        ("--json=yes", "unexpected value 'yes' for '--json' found; no more were expected (see --help)"),
        (
            "--json check",
            "options stand after the command's word: connector-doctor check --json (see --help)",
        ),
        ("list -f jsn", "--format: unknown format \"jsn\"; the nearest is json"),
    ] {
        let got = fault(line);
        assert!(got.starts_with(expected), "{line}: {got}");
        assert!(!got.contains('\n') && !got.contains("Usage"), "{got}");
    }
    let hostile = fault("--\u{1b}[31m\u{202e}x");
    assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile}");
}

#[test]
fn the_page_about_the_configuration_lists_every_option_as_it_is() {
    let page = include_str!("../../../docs/configuration.md");
    let command = command();
    let options = command.get_arguments().filter(|arg| arg.get_help_heading().is_some());
    let rows: Vec<String> = options.map(row).collect();
    let after = page.split_once("| --- | --- | --- |\n").unwrap().1;
    let written = after.split_once("<!-- end of options").unwrap().0;
    let wanted = rows.join("\n") + "\n";
    assert_eq!(written, wanted, "docs/configuration.md should hold:\n{wanted}");
}

fn row(arg: &clap::Arg) -> String {
    let value = arg.get_num_args().is_none_or(|n| n.takes_values()) && arg.get_action().takes_values();
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let short = arg.get_short().map_or(String::new(), |short| format!("`-{short}`, "));
    let option = format!(
        "{short}`--{}{}`",
        arg.get_long().unwrap(),
        if value { format!(" {name}") } else { String::new() }
    );
    let kind = match arg.get_action() {
        _ if arg.get_long() == Some("config") => "not in a file",
        clap::ArgAction::Append => "array of strings",
        clap::ArgAction::Count => "number",
        _ if !value => "true or false",
        _ if name == "N" => "number",
        _ => "string",
    };
    format!("| {option} | {kind} | {} |", arg.get_help().unwrap())
}

#[test]
fn help_fits_80_columns_and_groups_the_options() {
    command().debug_assert();
    for line in [
        "--help",
        "help",
        "check --help",
        "check -h",
        "help check",
        "lab --help",
        "list --help",
        "schema --help",
    ] {
        let Err(Stop::Shown(help)) = parsed(line) else { panic!("{line}") };
        let widest = help.lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(80), "{line}: {widest:?}\n{help}");
        let targets = help.contains(TARGETS);
        let without = ["--help", "lab", "list", "schema"];
        assert_eq!(targets, !without.iter().any(|w| line.starts_with(w)), "{line}");
    }
    let Err(Stop::Shown(short)) = parsed("--help") else { panic!("no help") };
    assert!(
        short.lines().count() <= 60 && short.contains("--network") && short.contains("explain"),
        "{short}"
    );
    for line in ["help", "help check"] {
        let Err(Stop::Shown(long)) = parsed(line) else { panic!("{line}") };
        let at = |what: &str| long.find(what).unwrap_or_else(|| panic!("{line}: no {what} in {long}"));
        assert!(at("Examples:") < at("Usage:") && at("Usage:") < at("--stun"), "{long}");
    }
    let version = format!("connector-doctor {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(parsed("-V"), Err(Stop::Shown(format!("{version}\n"))));
    for line in ["--version", "version"] {
        let Err(Stop::Shown(long)) = parsed(line) else { panic!("{line}") };
        let words = long.strip_prefix(&format!("{version} (commit ")).expect("the number first");
        assert!(words.contains(std::env::consts::ARCH) && words.ends_with(")\n"), "{long}");
    }
}

#[test]
fn every_example_of_the_help_is_a_command() {
    assert_eq!(EXAMPLES.len(), 10);
    for example in EXAMPLES {
        assert!(parsed(&example.words.replace('\'', "")).is_ok(), "{}", example.words);
    }
}
