//! What each string of a report is: the table that redaction goes by. A unit test holds it against the
//! report's schema, so that no new string goes unsorted.

/// What a string holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Our own words and codes: never changed.
    Plain,
    /// An address, perhaps with a port.
    Address,
    /// The name of a server, perhaps with a port; otherwise like text.
    Server,
    /// A name, a sentence, or anything else that may have names or addresses in it.
    Text,
    /// A stranger's own words, which say who it is: an issuer's organisation, a program and its version.
    Foreign,
}

use Field::{Address, Foreign, Plain, Server, Text};

/// Ends of paths (object keys, arrays left out), the first that fits decides.
const FIELDS: &[(&str, Field)] = &[
    ("format_version", Plain),
    ("names.resolver", Address),
    ("resources.resolver", Address),
    ("names.resolvers_by", Text),
    ("names.asked", Server),
    ("names.full", Server),
    ("resources.name", Text),
    ("resources.host", Text),
    ("resources.kind", Plain),
    ("resources.expect", Text),
    ("resources.origin", Text),
    ("resources.reply", Text),
    ("resources.interface", Text),
    ("resources.summary", Text),
    ("resources.caused_by", Plain),
    ("certificate.subject", Foreign),
    ("certificate.issuer", Foreign),
    ("way.interface", Text),
    ("tls.alpn", Plain),
    ("tls.cipher", Plain),
    ("tls.name", Text),
    ("tls.version", Plain),
    ("says", Text),
    ("refuses", Text),
    ("id", Plain),
    ("tool.name", Plain),
    ("tool.version", Plain),
    ("tool.target", Plain),
    ("started_at", Plain),
    ("redaction", Plain),
    ("connector_details.hostname", Text),
    ("checks.title", Plain),
    ("checks.summary", Text),
    ("checks.evidence", Text),
    ("checks.caused_by", Plain),
    ("allow.check", Plain),
    ("allow.reason", Text),
    ("allow.until", Plain),
    ("allowed.reason", Text),
    ("allowed.until", Plain),
    ("not_tested.check", Plain),
    ("not_tested.reason", Text),
    ("not_tested.command", Text),
    ("given.lab", Plain),
    ("given.options", Text),
    ("causes.code", Plain),
    ("causes.title", Text),
    ("causes.because", Text),
    ("causes.impact", Text),
    ("causes.checks", Plain),
    ("causes.verify", Text),
    ("causes.docs", Plain),
    ("remedies.action", Text),
    ("remedies.commands", Text),
    ("run.version", Plain),
    ("run.target", Plain),
    ("processes.name", Plain),
    ("processes.state", Plain),
    ("deployment.unit", Text),
    ("deployment.name", Text),
    ("processes.unread", Text),
    ("connector.file_unread", Text),
    ("connector.kept_unread", Text),
    ("strangers.container", Plain),
    ("shared_tokens.first", Text),
    ("shared_tokens.second", Text),
    ("kept.place", Text),
    ("kept.error", Text),
    ("kept.version", Plain),
    ("kept.missing", Text),
    ("kept.log", Text),
    ("deployment.pod", Plain),
    ("deployment.namespace", Text),
    ("compose.project", Text),
    ("compose.service", Text),
    ("faults.network", Text),
    ("faults.other", Text),
    ("connector.installed", Text),
    ("connector.version", Plain),
    ("unit.name", Text),
    ("view.proxy_variables", Plain),
    ("processes.relays", Address),
    ("settings.source", Text),
    ("file.source", Text),
    ("network", Text),
    ("url", Text),
    ("dns", Server),
    ("variable", Plain),
    ("faults.nearest", Plain),
    ("disks.path", Text),
    ("run.network_by", Text),
    ("run.lab", Plain),
    ("run.select", Text),
    ("run.skip", Text),
    ("host.hostname", Text),
    ("host.hung", Text),
    ("container.runtime", Plain),
    ("container.sign", Text),
    ("os.name", Text),
    ("os.id_like", Plain),
    ("os.kernel", Text),
    ("os.architecture", Plain),
    ("host.virtualisation", Plain),
    ("interfaces.name", Text),
    ("host.interfaces_error", Text),
    ("default_routes.interface", Text),
    ("routes.interface", Text),
    ("hops.interface", Text),
    ("routing.error", Text),
    ("host.routes_error", Text),
    ("resolvers.address", Address),
    ("resolvers.origin", Text),
    ("host.search", Text),
    ("time_daemons.name", Plain),
    ("time_daemons.unit", Plain),
    ("time_daemons.sources", Server),
    ("host.firewalls", Plain),
    ("host.proxy_variables", Plain),
    ("targets.host", Server),
    ("targets.origin", Text),
    ("connector_log.target", Text),
    ("target", Server),
    ("address", Address),
    ("failed.detail", Text),
    ("failure.detail", Text),
    ("over_udp.detail", Text),
    ("not_run.needs", Text),
    ("not_run.unsupported", Text),
    ("not_run.exhausted", Text),
    ("not_run.no_port", Text),
    ("not_run.no_buffers", Text),
    ("fallback.off", Text),
    ("why.name", Server),
    ("how.resolver", Address),
    ("connections.unread", Text),
    ("seen.peer", Address),
    ("seen.from", Address),
    ("room.strict_reverse_path", Text),
    ("seen.local", Address),
    ("seen.mapped", Address),
    ("seen.mapped_plain", Address),
    ("seen.to", Address),
    ("seen.protocol", Plain),
    ("seen.response_origin", Address),
    ("seen.other_address", Address),
    ("asked.local", Address),
    ("asked.to", Address),
    ("mapped.from", Address),
    ("mapped.mapped", Address),
    ("paths.to", Address),
    ("p2p_outlook.reason", Plain),
    ("seen.software", Foreign),
    ("seen.reference", Text),
    ("standing.kiss_of_death", Text),
    ("standing.implausible", Text),
    ("seen.name", Server),
    ("answer.name", Server),
    ("seen.refused", Text),
    ("seen.date", Plain),
    ("seen.location", Server),
    ("seen.method", Plain),
    ("seen.server", Foreign),
    ("seen.alpn", Plain),
    ("chain.issuer", Foreign),
    ("chain.subject", Foreign),
    ("chain.names", Server),
    ("chain.problem", Text),
    ("mozilla.problem", Text),
    ("system.problem", Text),
    ("seen.cipher", Plain),
    ("seen.version", Plain),
    ("trust.problems", Text),
    ("trust.sources", Text),
    ("seen.state", Plain),
    ("seen.relays", Address),
    ("signs.sample", Text),
    ("unknown.shape", Text),
    ("failed.resource", Server),
    ("more.name", Server),
    ("seen.host", Text),
    ("more.host", Text),
    ("more.state", Plain),
];

/// The table of docs/redaction.md: which string is hidden at which level.
#[cfg(test)]
fn table() -> String {
    let row = |(end, field): &(&str, Field)| {
        let hidden = match field {
            Plain => "never: words, codes and figures of our own | never",
            Address => "public addresses | private ones too",
            Server => "our own hosts', networks' and users' names, public addresses | the whole name",
            Text => {
                "our own hosts', networks' and users' names, public and MAC addresses in it | also servers', interfaces', private addresses and paths in it"
            }
            Foreign => {
                "our own hosts', networks' and users' names, public and MAC addresses in it | the whole text"
            }
        };
        format!("| `{end}` | {hidden} |\n")
    };
    FIELDS.iter().map(row).collect()
}

/// What the string at a path is; none for closed vocabularies.
pub(super) fn field(path: &[String]) -> Option<Field> {
    FIELDS.iter().find(|(end, _)| fits(end, path)).map(|(_, field)| *field)
}

fn fits(end: &str, path: &[String]) -> bool {
    // From the end: nearly every row is passed over at its first key.
    let mut keys = path.iter().rev();
    end.rsplit('.').all(|key| keys.next().is_some_and(|own| own == key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::schema::schema;
    use serde_json::Value;

    /// Every path at which the schema allows any string, closed vocabularies left out.
    fn open_strings(root: &Value, schema: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return open_strings(root, root.pointer(target.trim_start_matches('#')).unwrap(), path, out);
        }
        for key in ["oneOf", "anyOf"] {
            for option in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                open_strings(root, option, path, out);
            }
        }
        if let Some(items) = schema.get("items") {
            open_strings(root, items, path, out);
        }
        for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            path.push(key.clone());
            open_strings(root, inner, path, out);
            path.pop();
        }
        let kind = schema.get("type");
        let string = kind.is_some_and(|kind| {
            kind == "string" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"))
        });
        let closed = ["const", "enum"].iter().any(|key| schema.get(key).is_some());
        if string && !closed && schema.get("format").is_none_or(|format| format != "ip") {
            out.push(path.clone());
        }
    }

    #[test]
    fn the_page_has_a_row_for_every_string_of_a_report() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redaction.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, _) = page.split_once("| `format_version` |").unwrap();
        let expected = head.to_owned() + &table();
        #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, expected).unwrap();
            return;
        }
        assert!(page == expected, "docs/redaction.md: UPDATE_GOLDEN=1 cargo test --lib the_page_has_a_row");
    }

    #[test]
    fn every_string_of_a_report_is_sorted_and_no_row_is_idle() {
        let root = serde_json::to_value(schema()).unwrap();
        let mut paths = Vec::new();
        open_strings(&root, &root, &mut Vec::new(), &mut paths);
        let unsorted: Vec<String> =
            paths.iter().filter(|path| field(path).is_none()).map(|path| path.join(".")).collect();
        assert!(unsorted.is_empty(), "say in FIELDS what these strings hold: {unsorted:#?}");
        let idle: Vec<&str> = FIELDS
            .iter()
            .enumerate()
            .filter(|(n, _)| {
                !paths.iter().any(|path| FIELDS.iter().position(|(end, _)| fits(end, path)) == Some(*n))
            })
            .map(|(_, (end, _))| *end)
            .collect();
        assert!(idle.is_empty(), "these rows of FIELDS fit no string: {idle:#?}");
    }
}
