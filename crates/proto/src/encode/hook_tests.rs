//! The golden table of the events about hooks, and of what they say.

use super::*;
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::hook::{HookId, HookInfo, HookUrl, OuthookSecret};
use crate::ids::{Epoch, MessageId};
use crate::lists::{HistoryEntry, LogEntry};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::reply::Reply;
use crate::time::Timestamp;

fn time() -> Timestamp {
    Timestamp::from_millis(1_795_342_830_456)
}

fn room() -> RoomName {
    "red".parse().unwrap()
}

fn said() -> HistoryEntry {
    let (from, text) = ("ci".parse().unwrap(), Note::from("failed".to_owned()));
    HistoryEntry { id: MessageId(7), time: time(), from, text, edited: None, removed: false, bot: true }
}

/// Events with their text lines and their JSON lines, in which `T` stands for the time.
fn events() -> Vec<(Event, &'static str, &'static str)> {
    let HistoryEntry { id, time: at, from, text, edited, removed, bot } = said();
    let url = HookUrl::given("https://chat.example/hooks/red.plh_07");
    let hook = HookInfo {
        id: HookId(0xab),
        label: "ci".parse().unwrap(),
        by: "ann".parse().unwrap(),
        made: time(),
        url: None,
    };
    let endpoint: Endpoint = "https://bot.example/in".parse().unwrap();
    let outgoing =
        HookInfo { id: HookId(0xac), label: UserName::outgoing(), url: Some(endpoint.clone()), ..hook.clone() };
    vec![
        (
            Reply::Hook { room: room(), label: "ci".parse().unwrap(), id: HookId(0xab), url }.into(),
            "OK hook https://chat.example/hooks/red.plh_07\n",
            concat!(
                r#"{"type":"ok","command":"hook","room":"red","label":"ci","id":"000000ab","#,
                r#""url":"https://chat.example/hooks/red.plh_07"}"#
            ),
        ),
        (
            Reply::Outhook { room: room(), id: HookId(0xac), url: endpoint, secret: OuthookSecret::given("plo_07") }
                .into(),
            "OK outhook plo_07\n",
            concat!(
                r#"{"type":"ok","command":"outhook","room":"red","id":"000000ac","#,
                r#""url":"https://bot.example/in","secret":"plo_07"}"#
            ),
        ),
        (
            Reply::Unhook { room: room(), id: HookId(0xab) }.into(),
            "OK unhook red 000000ab\n",
            r#"{"type":"ok","command":"unhook","room":"red","id":"000000ab"}"#,
        ),
        (
            Event::Hooks { room: room(), hooks: vec![hook, outgoing] },
            "HOOK 000000ab T ann ci\nHOOK 000000ac T ann outgoing https://bot.example/in\nOK hooks red 2\n",
            concat!(
                r#"{"type":"hooks","room":"red","hooks":[{"id":"000000ab","label":"ci","by":"ann","made":"T"},"#,
                r#"{"id":"000000ac","label":"outgoing","by":"ann","made":"T","url":"https://bot.example/in"}]}"#
            ),
        ),
        (
            Event::Message { room: room(), id, time: at, from, text, edited, removed, bot },
            "MSG red ci failed\n",
            r#"{"type":"message","room":"red","id":7,"time":"T","from":"ci","text":"failed","bot":true}"#,
        ),
        (
            Event::Backlog {
                target: "#red".parse().unwrap(),
                epoch: Epoch(1),
                entries: vec![LogEntry::Message(said())],
                more: false,
            },
            "LOG #red 7 ci failed\nOK backlog #red 1\n",
            concat!(
                r##"{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":["##,
                r#"{"type":"message","id":7,"time":"T","from":"ci","text":"failed","bot":true}],"more":false}"#
            ),
        ),
    ]
}

/// The JSON lines of the table.
pub(super) fn golden_json() -> Vec<String> {
    let shown = format!("\"{}\"", time());
    events().into_iter().map(|(_, _, json)| json.replace("\"T\"", &shown)).collect()
}

#[test]
fn both_formats_are_read_back() {
    let encoded = |event: &Event, format| {
        let mut out = Vec::new();
        encode(event, format, &mut out);
        String::from_utf8(out).unwrap()
    };
    let shown = format!(" {} ", time());
    for ((event, text, _), json) in events().into_iter().zip(golden_json()) {
        assert_eq!(encoded(&event, Format::Text), text.replace(" T ", &shown));
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
