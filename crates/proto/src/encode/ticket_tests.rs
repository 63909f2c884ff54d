//! The golden table of the events about tickets.

use super::*;
use crate::event::Event;
use crate::lists::TicketInfo;
use crate::note::Note;
use crate::reply::Reply;
use crate::ticket::{TicketId, TicketSecret, Tickets};
use crate::time::Timestamp;

fn time() -> Timestamp {
    Timestamp::from_millis(1_795_342_830_456)
}

fn encoded(event: &Event, format: Format) -> String {
    let mut out = Vec::new();
    encode(event, format, &mut out);
    String::from_utf8(out).unwrap()
}

fn unused() -> TicketInfo {
    TicketInfo { id: TicketId(1), label: Note::default(), made: time(), used: None, address: None, expires: None }
}

fn used() -> TicketInfo {
    let (label, address) = (String::from("my laptop").into(), Some("192.0.2.7".to_owned()));
    TicketInfo { id: TicketId(0xab), label, used: Some(time()), address, expires: Some(time()), ..unused() }
}

/// Events with their text lines and their JSON lines, in which `T` stands for the time.
fn events() -> Vec<(Event, &'static str, &'static str)> {
    let ticket = TicketSecret::of_random(&[7, 0xf1]);
    vec![
        (
            Reply::Ticket { ticket: ticket.clone(), id: TicketId(0xab), expires: Some(time()) }.into(),
            "OK ticket plt_07f1\n",
            r#"{"type":"ok","command":"ticket","ticket":"plt_07f1","id":"000000ab","expires":"T"}"#,
        ),
        (
            Reply::Ticket { ticket, id: TicketId(0xab), expires: None }.into(),
            "OK ticket plt_07f1\n",
            r#"{"type":"ok","command":"ticket","ticket":"plt_07f1","id":"000000ab","expires":null}"#,
        ),
        (
            Reply::Revoke { id: Tickets::One(TicketId(0xab)), count: 1 }.into(),
            "OK revoke 000000ab\n",
            r#"{"type":"ok","command":"revoke","id":"000000ab","count":1}"#,
        ),
        (
            Reply::Revoke { id: Tickets::All, count: 3 }.into(),
            "OK revoke all\n",
            r#"{"type":"ok","command":"revoke","id":"all","count":3}"#,
        ),
        (
            Event::Tickets { tickets: vec![unused(), used()] },
            "TICKET 00000001 T - -\nTICKET 000000ab T T 192.0.2.7 my laptop\nOK tickets 2\n",
            concat!(
                r#"{"type":"tickets","tickets":["#,
                r#"{"id":"00000001","label":"","made":"T","used":null,"address":null,"expires":null},"#,
                r#"{"id":"000000ab","label":"my laptop","made":"T","used":"T","address":"192.0.2.7","expires":"T"}]}"#
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
    let shown = time().to_string();
    for (event, text, json) in events() {
        assert_eq!(
            encoded(&event, Format::Text),
            text.replace(" T ", &format!(" {shown} ")).replace(" T ", &format!(" {shown} "))
        );
        let json = json.replace("\"T\"", &format!("\"{shown}\""));
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
