//! `/history`: shows the last messages of the current room.

use parlor_proto::{Event, Format, PageRange, RoomName};

use super::page;
use super::{ActionResult, SessionContext};
use crate::connection::effects::{CommandError, During, Effect};
use crate::delivery::shown;
use crate::ports::{Entry, LogId, Page, PageRequest};

/// Maximum number of pages that are read. A room in which so much is moderated shows fewer messages.
const MAX_PAGES: usize = 5;

/// Minimum number of entries in a page after the first. The first has as many as are wanted, since most entries are messages.
const MIN_PAGE: usize = 100;

pub(super) fn run(context: &mut SessionContext<'_>, count: usize) -> ActionResult {
    let room = context.room.clone();
    let mut page = last_messages(context, &room, count)?;
    if context.connection.peer.outbox().encoding().format == Format::Json {
        page::limit(&mut page, PageRange::Newest);
    }
    let messages = page.entries.into_iter().map(shown::history_entry).collect();
    context.add(Effect::Reply(Event::History { room, messages }));
    Ok(())
}

/// The last messages, without what else is in the log.
fn last_messages(context: &SessionContext<'_>, room: &RoomName, count: usize) -> Result<Page, CommandError> {
    let mut found = Page::default();
    let (mut range, mut page_size) = (PageRange::Newest, count);
    for _ in 0..MAX_PAGES {
        let request = PageRequest { log: LogId::Room(room.clone()), peer: None, range, count: page_size };
        let page = context.store().log.page(&request).during("reading the log")?;
        let oldest = page.entries.first().map(|entry| entry.id);
        let mut messages: Vec<Entry> = page.entries.into_iter().filter(|entry| entry.content.is_message()).collect();
        messages.append(&mut found.entries);
        let excess = messages.len().saturating_sub(count);
        messages.drain(..excess);
        found = Page { entries: messages, more: page.more };
        match oldest {
            Some(oldest) if page.more && found.entries.len() < count => {
                (range, page_size) = (PageRange::Before(oldest), count.max(MIN_PAGE));
            }
            _ => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn the_last_messages_are_shown_also_those_from_before() {
        let world = World::new();
        let ann = world.login("ann");
        for number in 1..=60 {
            ann.send(&format!("message {number}"));
        }
        let bob = world.login("bob");
        let shown = bob.ask("/history");
        assert_eq!((shown.len(), shown[0].as_str()), (51, "OLD lobby 11 ann message 11"));
        assert_eq!(shown[50], "OK history lobby 50");
        assert_eq!(
            bob.ask("/history 2"),
            ["OLD lobby 59 ann message 59", "OLD lobby 60 ann message 60", "OK history lobby 2"]
        );
    }

    #[test]
    fn a_room_keeps_its_log_while_nobody_is_there() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send_raw(b"/join red\none\n/leave\n/join red\ntwo\n");
        ann.read();
        assert_eq!(ann.ask("/history"), ["OLD red 1 ann one", "OLD red 2 ann two", "OK history red 2"]);
    }

    #[test]
    fn there_is_as_much_as_is_kept_and_at_most_500() {
        let world = World::builder().history(600).build();
        let ann = world.login("ann");
        ann.send_raw("x\n".repeat(700).as_bytes());
        assert_eq!(ann.ask("/history 9999999999999999999999").last().unwrap(), "OK history lobby 500");
        let world = World::builder().history(3).build();
        let ann = world.login("ann");
        ann.send_raw(b"a\nb\nc\nd\n");
        assert_eq!(ann.ask("/history 9")[0], "OLD lobby 2 ann b");
    }

    #[test]
    fn what_else_is_in_the_log_takes_no_place_of_a_message() {
        let ann = World::new().login("ann");
        ann.send_raw(
            b"/join red\none\n/topic red a\ntwo\n/topic red b\n/topic red c\n/topic red d\nthree\n/topic red e\n",
        );
        ann.read();
        assert_eq!(ann.ask("/history 2"), ["OLD red 3 ann two", "OLD red 7 ann three", "OK history red 2"]);
        assert_eq!(ann.ask("/history").last().unwrap(), "OK history red 3");
    }

    #[test]
    fn a_message_is_found_behind_many_other_entries() {
        let ann = World::new().login("ann");
        ann.send_raw(b"/join red\none\n");
        ann.send_raw("/topic red a\n/topic red b\n".repeat(200).as_bytes());
        ann.read();
        assert_eq!(ann.ask("/history 1"), ["OLD red 1 ann one", "OK history red 1"]);
    }

    #[test]
    fn in_text_no_message_is_left_out_for_the_length_of_the_answer() {
        let ann = World::builder().max_line_bytes(70_000).build().login("ann");
        for _ in 0..6 {
            ann.send(&"x".repeat(60_000));
        }
        assert_eq!(ann.ask("/history").last().unwrap(), "OK history lobby 6");
    }

    #[test]
    fn what_is_no_count() {
        let ann = World::new().login("ann");
        for count in ["0", "-1", "x", "1 2"] {
            assert_eq!(ann.ask(&format!("/history {count}")), ["ERR bad-argument /history [count]"], "{count}");
        }
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/history")[0].starts_with("ERR store-unavailable "));
    }
}
