//! The golden table of the events about invitations.

use super::*;
use crate::event::Event;
use crate::invitation::{InvitationCode, InvitationId, InvitationInfo, Invite};
use crate::name::RoomName;
use crate::reply::Reply;
use crate::time::Timestamp;

fn time() -> Timestamp {
    Timestamp::from_millis(1_795_342_830_456)
}

fn rooms() -> Vec<RoomName> {
    vec!["garden".parse().unwrap(), "kitchen".parse().unwrap()]
}

fn unused() -> InvitationInfo {
    let (id, by) = (InvitationId(1), "root".parse().unwrap());
    InvitationInfo {
        id,
        by,
        made: time(),
        expires: time(),
        uses: 1,
        used: Vec::new(),
        rooms: Vec::new(),
        operator: true,
    }
}

fn used() -> InvitationInfo {
    let used = vec!["ann".parse().unwrap(), "bob".parse().unwrap()];
    InvitationInfo { id: InvitationId(0xab), uses: 5, used, rooms: rooms(), operator: false, ..unused() }
}

/// Events with their text lines and their JSON lines, in which `T` stands for the time.
fn events() -> Vec<(Event, &'static str, &'static str)> {
    let code = InvitationCode::of_random(&[7, 0xf1]);
    let expires = time();
    vec![
        (
            Reply::Invite(Invite::Code { uses: 2, rooms: rooms(), expires }).into(),
            "OK invite 2\n",
            r#"{"type":"ok","command":"invite","uses":2,"rooms":["garden","kitchen"],"expires":"T"}"#,
        ),
        (
            Reply::Invitation { code, id: InvitationId(0xab), uses: 1, rooms: rooms(), expires }.into(),
            "OK invitation pli_07f1\n",
            concat!(
                r#"{"type":"ok","command":"invitation","code":"pli_07f1","id":"000000ab","uses":1,"#,
                r#""rooms":["garden","kitchen"],"expires":"T"}"#
            ),
        ),
        (
            Reply::Uninvite { id: InvitationId(0xab) }.into(),
            "OK uninvite 000000ab\n",
            r#"{"type":"ok","command":"uninvite","id":"000000ab"}"#,
        ),
        (
            Event::Invitations { invitations: vec![unused(), used()] },
            "INVITATION 00000001 *0/1 T root\nINVITATION 000000ab 2/5 T root garden kitchen\nOK invitations 2\n",
            concat!(
                r#"{"type":"invitations","invitations":["#,
                r#"{"id":"00000001","by":"root","made":"T","expires":"T","uses":1,"used":[],"rooms":[],"operator":true},"#,
                r#"{"id":"000000ab","by":"root","made":"T","expires":"T","uses":5,"used":["ann","bob"],"#,
                r#""rooms":["garden","kitchen"],"operator":false}]}"#
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
    let shown = format!(" {} ", time());
    let encoded = |event: &Event, format| {
        let mut out = Vec::new();
        encode(event, format, &mut out);
        String::from_utf8(out).unwrap()
    };
    for ((event, text, _), json) in events().into_iter().zip(golden_json()) {
        assert_eq!(encoded(&event, Format::Text), text.replace(" T ", &shown));
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
