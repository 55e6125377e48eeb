//! What the pure parts take: facts to a report, bytes to messages.

use connector_doctor::model::{Facts, Policy};
use connector_doctor::pipeline::judge;
use connector_doctor::proto::ntp::packet::Packet;
use connector_doctor::proto::stun::message::Message;

use crate::measure::{command, function};

pub fn run() {
    let (_, report) = command(&["lab", "healthy", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report");
    let facts: Facts = serde_json::from_value(report["facts"].clone()).expect("facts");
    let text = report["facts"].to_string();
    let policy = Policy::default();
    function("judge the facts of the healthy lab", || judge(facts.clone(), &policy));
    function("read these facts from JSON", || serde_json::from_str::<Facts>(&text).expect("facts"));
    let message = Message::request([7; 12]).encode();
    function("encode a STUN request", || Message::request([7; 12]).encode());
    function("decode a STUN request", || Message::decode(&message).expect("a message"));
    let packet = [0x24; 48];
    function("decode an NTP packet", || Packet::parse(&packet).expect("a packet"));
}
