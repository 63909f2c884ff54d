//! Lines of the text format that the golden tables do not have: empty lists, and fields that are not there.

use super::tests::{direct, encoded, everything, old, room, text, time, user};
use super::*;
use crate::ids::{Epoch, MessageId};
use crate::invitation::{InvitationId, InvitationInfo};
use crate::lists::{DirectState, EditEntry, FeedState, HistoryEntry, InvitationEntry, LogEntry, Sync, TicketInfo};
use crate::note::Note;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::target::Target;
use crate::ticket::TicketId;
use crate::verb::Verb;

fn shown(event: &Event) -> String {
    encoded(event, Format::Text)
}

#[test]
fn a_list_without_items_is_its_closing_line() {
    let (red, epoch) = (room("red"), Epoch(1));
    let sync = Sync { rooms: vec![], directs: vec![], feeds: vec![], lost: vec![], ..everything() };
    for (event, line) in [
        (Event::Rooms { rooms: vec![] }, "OK rooms 0\n"),
        (Event::Users { room: red.clone(), users: vec![] }, "OK who red 0\n"),
        (Event::Subscriptions { users: vec![] }, "OK subscriptions 0\n"),
        (Event::History { room: red.clone(), messages: vec![] }, "OK history red 0\n"),
        (Event::Sync(Box::new(sync)), "OK sync 0 0\n"),
        (
            Event::Backlog { target: Target::Feed(user("bob")), epoch, entries: vec![], more: false },
            "OK backlog +bob 0\n",
        ),
        (Event::Inbox { entries: vec![], more: true }, "OK inbox 0\n"),
        (Event::Blocks { users: vec![] }, "OK blocks 0\n"),
        (Event::Tickets { tickets: vec![] }, "OK tickets 0\n"),
        (Event::Hooks { room: red, hooks: vec![] }, "OK hooks red 0\n"),
        (Event::Invitations { invitations: vec![] }, "OK invitations 0\n"),
        (Event::Help { commands: vec![] }, "OK help 0\n"),
    ] {
        assert_eq!(shown(&event), line);
    }
}

#[test]
fn a_registration_tells_unread_direct_messages_too() {
    let unread = vec![(user("bob"), 3), (user("cyd"), u64::MAX)];
    let register =
        Reply::Register { user: user("ann"), room: room("lobby"), epoch: Epoch(1), last: MessageId(2), unread };
    assert_eq!(shown(&register.into()), "OK register ann lobby\nUNREAD @bob 3\nUNREAD @cyd 18446744073709551615\n");
}

#[test]
fn only_what_is_unread_is_told_after_the_rooms() {
    let (epoch, last, read) = (Epoch(1), MessageId(9), MessageId(7));
    let talk = |name, unread| DirectState { user: user(name), last, read, unread };
    let feed = |name, unread| FeedState { user: user(name), epoch, last, read, unread };
    let sync = Sync {
        directs: vec![talk("bob", 0), talk("ann", 2), talk("dan", 0)],
        feeds: vec![feed("ann", 0), feed("bob", 1), feed("cyd", 4)],
        ..everything()
    };
    // All conversations are counted, and none of the feeds.
    assert_eq!(
        shown(&Event::Sync(Box::new(sync))),
        "OPEN red 3 1\nUNREAD @ann 2\nUNREAD +bob 1\nUNREAD +cyd 4\nOK sync 1 3\n"
    );
}

#[test]
fn a_ticket_shows_from_where_it_was_made_before_it_is_used() {
    let made = TicketInfo {
        id: TicketId(0xab),
        label: String::from("my laptop").into(),
        made: time(),
        used: None,
        address: Some("192.0.2.7".to_owned()),
        expires: None,
    };
    let by_operator = TicketInfo { used: Some(time()), address: None, label: Note::default(), ..made.clone() };
    let at = time();
    assert_eq!(
        shown(&Event::Tickets { tickets: vec![made, by_operator] }),
        format!("TICKET 000000ab {at} - 192.0.2.7 my laptop\nTICKET 000000ab {at} {at} -\nOK tickets 2\n")
    );
}

#[test]
fn an_invitation_of_an_operator_may_open_rooms_and_be_used_up() {
    let invitation = InvitationInfo {
        id: InvitationId(0xab),
        by: user("root"),
        made: time(),
        expires: time(),
        uses: 1,
        used: vec![user("ann")],
        rooms: vec![room("garden")],
        operator: true,
    };
    assert_eq!(
        shown(&Event::Invitations { invitations: vec![invitation] }),
        format!("INVITATION 000000ab *1/1 {} root garden\nOK invitations 1\n", time())
    );
}

#[test]
fn an_edit_that_was_edited_again_keeps_its_line_and_has_no_text() {
    let edit = EditEntry { id: MessageId(8), time: time(), from: user("ann"), of: MessageId(7), text: Note::default() };
    let entries = vec![LogEntry::Edited(edit.clone()), LogEntry::Edited(EditEntry { text: text("b").into(), ..edit })];
    let backlog = Event::Backlog { target: Target::Room(room("red")), epoch: Epoch(1), entries, more: false };
    assert_eq!(shown(&backlog), "LOG #red 8 ann (edited 7) \nLOG #red 8 ann (edited 7) b\nOK backlog #red 2\n");
}

#[test]
fn an_inbox_names_the_conversation_of_each_entry() {
    let invitation =
        InvitationEntry { id: MessageId(10), time: time(), from: user("cyd"), to: None, room: room("garden") };
    let entries = vec![LogEntry::Direct(direct(9, "bob", "ann")), LogEntry::Invited(invitation)];
    assert_eq!(
        shown(&Event::Inbox { entries, more: true }),
        "LOG @bob 9 bob psst\nLOG @cyd 10 cyd (invitation) garden\nOK inbox 2\n"
    );
}

#[test]
fn a_text_that_reads_like_the_mark_of_a_removal_is_told_apart_in_json_only() {
    let said = HistoryEntry { text: text("(removed)").into(), ..old(7) };
    let removed = HistoryEntry { text: Note::default(), removed: true, ..old(7) };
    let history = |entry| Event::History { room: room("red"), messages: vec![entry] };
    assert_eq!(shown(&history(said.clone())), shown(&history(removed.clone())));
    assert_ne!(encoded(&history(said), Format::Json), encoded(&history(removed), Format::Json));
}

#[test]
fn the_command_of_a_refusal_is_named_in_json_only() {
    let refused = |command| Event::refused(&Refusal::NotInRoom(room("red")), command);
    assert_eq!(shown(&refused(None)), "ERR not-in-room You are not in red; /open red enters it\n");
    assert_eq!(shown(&refused(Some(Verb::Say))), shown(&refused(None)));
    assert!(encoded(&refused(Some(Verb::Message)), Format::Json).ends_with("\"command\":\"message\"}\n"));
}
