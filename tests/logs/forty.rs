//! Six kinds of fault, each in every wrapping that logs are pasted in: the cause is the same in all.

use serde_json::{Value, json};

use super::field::judged;

/// One line: its number, and what the Connector says.
struct Line {
    n: usize,
    said: String,
}

impl Line {
    /// `2026-11-24T13:05:01.250`, a minute a line.
    fn iso(&self) -> String {
        format!("2026-11-24T13:{:02}:01.250", self.n)
    }

    fn clock(&self) -> String {
        format!("13:{:02}:01", self.n)
    }

    /// Seconds since 1970.
    fn unix(&self) -> i64 {
        1_795_525_201 + 60 * self.n as i64
    }
}

type Wrapping = (&'static str, fn(&[Line]) -> Vec<u8>);

fn each(lines: &[Line], one: impl Fn(&Line) -> String) -> Vec<u8> {
    lines.iter().map(|line| one(line) + "\n").collect::<String>().into_bytes()
}

fn all(lines: &[Line], one: impl Fn(&Line) -> Value) -> Value {
    lines.iter().map(one).collect()
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("JSON")
}

fn quoted(text: &str, quote: &str, doubled: &str) -> String {
    format!("{quote}{}{quote}", text.replace(quote, doubled))
}

/// Those with a time of day and date; the clock's fault needs one.
const DATED: &[Wrapping] = &[
    ("docker logs -t", |l| each(l, |l| format!("{}000000Z {}", l.iso(), l.said))),
    ("podman logs -t", |l| each(l, |l| format!("{}+00:00 {}", l.iso(), l.said))),
    ("podman logs -t --names", |l| each(l, |l| format!("twingate-gold {}+00:00 {}", l.iso(), l.said))),
    ("the Connector's own time", |l| each(l, |l| format!("[{}] {}", l.iso().replace('T', " "), l.said))),
    ("slashes", |l| each(l, |l| format!("{} {}", l.iso().replace('T', " ").replacen('-', "/", 2), l.said))),
    ("German dots", |l| each(l, |l| format!("24.11.2026 {} {}", l.clock(), l.said))),
    ("American", |l| each(l, |l| format!("11/24/2026, 1:{:02}:01 PM {}", l.n, l.said))),
    ("docker compose logs -t", |l| each(l, |l| format!("connector-1  | {}Z {}", l.iso(), l.said))),
    ("in colours", |l| {
        each(l, |l| format!("\x1b[36mconnector-1  |\x1b[0m {}Z \x1b[31m{}\x1b[0m", l.iso(), l.said))
    }),
    ("docker service logs", |l| {
        each(l, |l| format!("{}Z tg_connector.1.k2x9z@node-1    | {}", l.iso(), l.said))
    }),
    ("kubectl logs --prefix --timestamps", |l| {
        each(l, |l| format!("[pod/connector-7d9f8b6c5-x2x9z/connector] {}Z {}", l.iso(), l.said))
    }),
    ("stern -t", |l| each(l, |l| format!("connector-7d9f8b6c5-x2x9z connector {}Z {}", l.iso(), l.said))),
    ("stern with arrows", |l| each(l, |l| format!("connector-7d9f › connector {}Z {}", l.iso(), l.said))),
    ("journalctl", |l| each(l, |l| format!("Nov 24 {} pi twingate-connector[812]: {}", l.clock(), l.said))),
    ("journalctl -o short-iso", |l| {
        each(l, |l| format!("2026-11-24T{}+0000 pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("journalctl -o short-full", |l| {
        each(l, |l| format!("Tue 2026-11-24 {} UTC pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("journalctl -o short-unix", |l| {
        each(l, |l| format!("{}.250000 pi twingate-connector[812]: {}", l.unix(), l.said))
    }),
    ("journalctl in French", |l| {
        each(l, |l| format!("nov. 24 {} pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("journalctl in Chinese", |l| {
        each(l, |l| format!("11月 24 {} pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("journalctl in Polish", |l| {
        each(l, |l| format!("lis 24 {} pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("journalctl -o json", |l| {
        each(l, |l| {
            json!({"__REALTIME_TIMESTAMP": format!("{}250000", l.unix()), "_HOSTNAME": "pi", "_PID": "812",
                "SYSLOG_IDENTIFIER": "twingate-connector", "MESSAGE": l.said})
            .to_string()
        })
    }),
    ("journalctl -o json-pretty", |l| {
        let one = |l: &Line| {
            pretty(
                &json!({"__REALTIME_TIMESTAMP": format!("{}250000", l.unix()), "_HOSTNAME": "pi", "MESSAGE": l.said}),
            )
        };
        l.iter().flat_map(|l| [one(l), b"\n".to_vec()].concat()).collect()
    }),
    ("journalctl -o export", |l| {
        each(l, |l| format!("__REALTIME_TIMESTAMP={}250000\n_HOSTNAME=pi\nMESSAGE={}\n", l.unix(), l.said))
    }),
    ("journalctl -o verbose", |l| {
        each(l, |l| {
            format!(
                "Tue 2026-11-24 {}.250000 UTC [s=1;i=2;b=3]\n    _HOSTNAME=pi\n    MESSAGE={}",
                l.clock(),
                l.said
            )
        })
    }),
    ("syslog, RFC 3164", |l| {
        each(l, |l| format!("<27>Nov 24 {} pi twingate-connector[812]: {}", l.clock(), l.said))
    }),
    ("syslog, RFC 5424", |l| {
        each(l, |l| format!("<27>1 {}Z pi twingate-connector 812 - [o a=\"b\"] {}", l.iso(), l.said))
    }),
    ("docker's json-file", |l| {
        each(l, |l| {
            json!({"log": format!("{}\n", l.said), "stream": "stderr", "time": format!("{}Z", l.iso())})
                .to_string()
        })
    }),
    ("CRI", |l| each(l, |l| format!("{}000000Z stdout F {}", l.iso(), l.said))),
    ("logcli", |l| each(l, |l| format!("{}Z {{container=\"connector\", pod=\"x\"}} {}", l.iso(), l.said))),
    ("logcli -o jsonl", |l| {
        each(l, |l| {
            json!({"labels": {"container": "connector"}, "line": l.said, "timestamp": format!("{}Z", l.iso())}).to_string()
        })
    }),
    ("Loki's API", |l| {
        let values = all(l, |l| json!([format!("{}250000000", l.unix()), l.said]));
        json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"pod": "x"}, "values": values}]}})
            .to_string().into_bytes()
    }),
    ("Grafana's JSON, newest first", |l| {
        let mut rows = all(
            l,
            |l| json!({"line": l.said, "timestamp": format!("{}250000000", l.unix()), "fields": {"pod": "x"}}),
        );
        rows.as_array_mut().expect("rows").reverse();
        pretty(&rows)
    }),
    ("Grafana's table", |l| {
        let rows = each(l, |l| format!("{}Z,{}", l.iso(), quoted(&l.said, "\"", "\"\"")));
        [&b"Time,Line\n"[..], &rows].concat()
    }),
    ("gcloud, newest first", |l| {
        let rows = l.iter().rev().map(|l| {
            format!("---\ninsertId: x\nresource:\n  labels:\n    pod_name: x\ntextPayload: {}\ntimestamp: '{}Z'\n", quoted(&l.said, "'", "''"), l.iso())
        });
        rows.collect::<String>().into_bytes()
    }),
    ("gcloud --format json", |l| {
        pretty(&all(
            l,
            |l| json!({"resource": {"labels": {"container_name": "connector"}}, "textPayload": l.said, "timestamp": format!("{}Z", l.iso())}),
        ))
    }),
    ("aws logs tail", |l| {
        each(l, |l| format!("{}000+00:00 connector/connector/0a1b2c3d {}", l.iso(), l.said))
    }),
    ("aws logs get-log-events", |l| {
        pretty(
            &json!({"events": all(l, |l| json!({"timestamp": l.unix() * 1000 + 250, "message": l.said, "ingestionTime": 1}))}),
        )
    }),
    ("CloudWatch Insights", |l| {
        pretty(&json!({"results": all(l, |l| json!([
            {"field": "@timestamp", "value": l.iso().replace('T', " ")}, {"field": "@message", "value": l.said}]))}))
    }),
    ("CloudWatch's table", |l| {
        let rows = each(l, |l| format!("{},{}", l.unix() * 1000 + 250, quoted(&l.said, "\"", "\"\"")));
        [&b"timestamp,message\n"[..], &rows].concat()
    }),
    ("Elastic's hits", |l| {
        json!({"hits": {"hits": all(l, |l| json!({"_source": {"@timestamp": format!("{}Z", l.iso()), "message": l.said, "host": {"name": "pi"}}}))}})
            .to_string().into_bytes()
    }),
    ("Elastic's lines", |l| {
        each(l, |l| {
            json!({"@timestamp": format!("{}Z", l.iso()), "message": l.said, "container": {"name": "connector"}}).to_string()
        })
    }),
    ("Wazuh", |l| {
        each(l, |l| {
            json!({"timestamp": format!("{}+0000", l.iso()), "agent": {"name": "pi"}, "data": {"log": l.said}}).to_string()
        })
    }),
    ("Azure", |l| pretty(&all(l, |l| json!({"TimeGenerated": format!("{}Z", l.iso()), "LogEntry": l.said})))),
    ("Splunk", |l| {
        each(l, |l| {
            json!({"preview": false, "result": {"_raw": l.said, "_time": format!("{}+00:00", l.iso())}})
                .to_string()
        })
    }),
    ("Datadog's table", |l| {
        let rows =
            each(l, |l| format!("\"{}Z\",\"pi\",\"connector\",{}", l.iso(), quoted(&l.said, "\"", "\"\"")));
        [&b"\"Date\",\"Host\",\"Service\",\"Message\"\n"[..], &rows].concat()
    }),
    ("fly.io", |l| each(l, |l| format!("{}Z app[148e] ams [info]{}", l.iso(), l.said))),
    ("logfmt", |l| {
        each(l, |l| format!("time=\"{}Z\" level=error msg={}", l.iso(), quoted(&l.said, "\"", "\\\"")))
    }),
    ("PowerShell", |l| {
        let text: String =
            l.iter().map(|l| format!("{}Z {}\r\n", l.iso(), l.said)).collect::<Vec<_>>().concat();
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }),
    ("newest first", |l| {
        l.iter().rev().map(|l| format!("{}Z {}\n", l.iso(), l.said)).collect::<Vec<_>>().concat().into_bytes()
    }),
    ("quoted in a mail", |l| each(l, |l| format!("> {}Z {}", l.iso(), l.said))),
    ("grep -n", |l| each(l, |l| format!("connector.log:{}:{}Z {}", l.n + 1, l.iso(), l.said))),
    ("cat -n", |l| each(l, |l| format!("  {}\t{}Z {}", l.n + 1, l.iso(), l.said))),
    ("in a fence", |l| [&b"```\n"[..], &each(l, |l| format!("{}Z {}", l.iso(), l.said)), b"```\n"].concat()),
];

/// Those without a date.
const UNDATED: &[Wrapping] = &[
    ("nothing around it", |l| each(l, |l| l.said.clone())),
    ("a time of day", |l| each(l, |l| format!("[{}] ERROR: {}", l.clock(), l.said))),
    ("journalctl -o short-monotonic", |l| {
        each(l, |l| format!("[  {}.250000] pi twingate-connector[812]: {}", 100 + 60 * l.n, l.said))
    }),
    ("Windows", |l| each(l, |l| format!("{}\r", l.said))),
];

/// Fault, its lines, the causes that may stand first.
fn faults() -> Vec<(&'static str, Vec<Line>, &'static [&'static str], bool)> {
    let same = |said: &str| (0..6).map(|n| Line { n, said: said.to_owned() }).collect::<Vec<_>>();
    let token = |off: i64| {
        let unix = |n: usize| 1_795_525_201 + 60 * n as i64 + off;
        let line = |n: usize| {
            format!(
                "[DEBUG] [libsdwan] [controller] verify_token: {{\"typ\":\"DAT\",\"alg\":\"ES256\"}}.{{\"nt\":\"AN\",\"iat\":{},\"exp\":{}}}",
                unix(n),
                unix(n) + 3600
            )
        };
        let refused = "[ERROR] [connector] failed to get an access token: Invalid token";
        (0..12)
            .map(|n| Line { n, said: if n % 2 == 0 { line(n) } else { refused.to_owned() } })
            .collect::<Vec<_>>()
    };
    vec![
        (
            "410",
            same("[WARN] [libsdwan] [controller] operator(): failed to get SD: Gone, code 410"),
            &["connector-tokens-rejected"],
            false,
        ),
        (
            "5xx",
            same(
                "[ERROR] [libsdwan] [http] handle_response: POST \"https://acme.twingate.com/api/v4/connector/refresh\" 503 Service Unavailable",
            ),
            &["controller-down"],
            false,
        ),
        (
            "DNS",
            same("[ERROR] [controller] failed to get SD: Couldn't resolve host name"),
            &["dns-unreachable", "controller-name-unknown"],
            false,
        ),
        (
            "TLS",
            same(
                "[ERROR] [controller] failed to get SD: SSL certificate problem: self signed certificate in certificate chain",
            ),
            &["tls-intercepted"],
            false,
        ),
        ("the clock is behind", token(8), &["clock-skew"], true),
        ("the clock is ahead", token(-40), &["clock-skew"], true),
        ("a token is missing", same("TWINGATE_ACCESS_TOKEN is empty"), &["connector-misconfigured"], false),
        (
            "tokens refused",
            same("[ERROR] [controller] failed to get SD: Unauthorized, code 401"),
            &["connector-tokens-rejected"],
            false,
        ),
    ]
}

#[test]
fn every_fault_has_its_cause_in_every_wrapping() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (fault, lines, causes, needs_date) in faults() {
        let undated = UNDATED.iter().filter(|_| !needs_date);
        for (wrapping, wrap) in DATED.iter().chain(undated) {
            tried += 1;
            let (verdict, found) = judged(&wrap(&lines));
            let first = found.first().map_or("-", String::as_str);
            if verdict != "unhealthy" || !causes.contains(&first) {
                wrong.push(format!("{fault} in {wrapping}: {verdict}, {found:?}"));
            }
        }
    }
    assert!(DATED.len() >= 40);
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}
