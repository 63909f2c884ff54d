//! `/inbox`: shows the unread direct messages, and marks them as read. It reads the inbox page by page, so that it never
//! holds more than a reply and a page.

use std::collections::BTreeMap;

use parlor_proto::{Event, HISTORY_MAX, MessageId, PageRange, UserName};

use super::page;
use super::{ActionResult, CommandError, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::delivery::shown;
use crate::ports::{Conversation, LogId, Page, PageRequest};

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let state = context.store().personal.load(context.user).during("looking up what is unread")?;
    let unread = state.conversations.into_iter().filter(|conversation| conversation.unread > 0);
    let unread: BTreeMap<UserName, Conversation> = unread.map(|it| (it.peer.clone(), it)).collect();
    let mut page = find_unread(context, &unread)?;
    // Oldest first: what does not fit is shown by the next command.
    page::limit(&mut page, PageRange::After(MessageId(0)));
    if !context.may_act()? {
        return Ok(());
    }
    let read: Vec<(UserName, MessageId)> = if page.more {
        let newest: BTreeMap<UserName, MessageId> =
            page.entries.iter().map(|entry| (entry.author.clone(), entry.id)).collect();
        newest.into_iter().collect()
    } else {
        // Also those of which nothing is retained any more.
        unread.into_iter().map(|(peer, conversation)| (peer, conversation.last)).collect()
    };
    context.store().personal.mark_conversations(context.user, &read).during("moving marks")?;
    let inbox = LogId::Inbox(context.user.clone());
    let entries = page.entries.into_iter().map(|entry| shown::log_entry(&inbox, entry)).collect();
    context.add(Effect::Reply(Event::Inbox { entries, more: page.more }));
    Ok(())
}

/// The oldest unread messages, at most [`HISTORY_MAX`].
fn find_unread(context: &SessionContext<'_>, unread: &BTreeMap<UserName, Conversation>) -> Result<Page, CommandError> {
    let mut found = Page::default();
    let Some(mut after) = unread.values().map(|conversation| conversation.read).min() else { return Ok(found) };
    loop {
        let log = LogId::Inbox(context.user.clone());
        let request = PageRequest { log, peer: None, range: PageRange::After(after), count: HISTORY_MAX };
        let page = context.store().log.page(&request).during("reading the inbox")?;
        let Some(newest) = page.entries.last().map(|entry| entry.id) else { return Ok(found) };
        let is_unread = |author: &UserName, id: MessageId| unread.get(author).is_some_and(|it| id > it.read);
        let entries = page.entries.into_iter();
        found
            .entries
            .extend(entries.filter(|entry| entry.author != *context.user && is_unread(&entry.author, entry.id)));
        if found.entries.len() > HISTORY_MAX {
            found.entries.truncate(HISTORY_MAX);
            found.more = true;
        }
        if found.more || !page.more {
            return Ok(found);
        }
        after = newest;
    }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    #[test]
    fn the_unread_messages_of_all_come_in_their_order_and_are_read_then() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        world.account("cyd");
        ann.send("/msg cyd 1");
        bob.send("/msg cyd 2");
        ann.send("/msg cyd 3");
        let cyd = world.connect();
        assert_eq!(cyd.ask(&login_line("cyd"))[1..], ["UNREAD @ann 2", "UNREAD @bob 1"]);
        assert_eq!(cyd.ask("/inbox"), ["LOG @ann 1 ann 1", "LOG @bob 2 bob 2", "LOG @ann 3 ann 3", "OK inbox 3"]);
        cyd.disconnect();
        assert_eq!(world.connect().ask(&login_line("cyd")), ["OK login cyd lobby"]);
    }

    #[test]
    fn in_json_they_are_one_object() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/msg bob hi");
        bob.send("/format json");
        bob.read();
        let shown = bob.ask("/inbox");
        assert!(shown[0].starts_with(r#"{"type":"inbox","entries":[{"type":"direct","id":1,"time":""#), "{shown:?}");
        assert!(shown[0].ends_with(r#""from":"ann","to":"bob","text":"hi"}],"more":false}"#), "{shown:?}");
    }

    #[test]
    fn what_is_not_kept_any_more_is_not_unread_for_ever() {
        let world = World::builder().history(3).build();
        let (ann, cyd) = (world.login("ann"), world.login("cyd"));
        world.account("bob");
        ann.send("/msg bob lost");
        cyd.send_raw(b"/msg bob 1\n/msg bob 2\n/msg bob 3\n");
        let bob = world.connect();
        assert_eq!(bob.ask(&login_line("bob"))[1..], ["UNREAD @cyd 3", "UNREAD @ann 1"]);
        assert_eq!(bob.ask("/inbox").last().unwrap(), "OK inbox 3");
        bob.disconnect();
        assert_eq!(world.connect().ask(&login_line("bob")), ["OK login bob lobby"]);
    }

    #[test]
    fn there_is_no_more_if_all_fit() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw("/msg bob x\n".repeat(500).as_bytes());
        bob.send("/format json");
        bob.read();
        let shown = bob.ask("/inbox").pop().unwrap();
        assert_eq!(shown.matches(r#""type":"direct""#).count(), 500);
        assert!(shown.ends_with(r#"],"more":false}"#));
    }

    #[test]
    fn what_is_too_much_for_one_answer_comes_with_the_next() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        ann.send_raw("/msg bob x\n".repeat(600).as_bytes());
        let bob = world.login("bob");
        bob.read();
        assert_eq!(bob.ask("/inbox").last().unwrap(), "OK inbox 500");
        assert_eq!(bob.ask("/inbox").last().unwrap(), "OK inbox 100");
        assert_eq!(bob.ask("/inbox"), ["OK inbox 0"]);
    }

    #[test]
    fn what_was_read_of_one_conversation_is_not_shown_for_what_is_older_in_another() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        cyd.send("/msg bob 1");
        ann.send("/msg bob 2");
        bob.send("/read @ann 2");
        ann.send("/msg bob 3");
        bob.send("/msg bob a note");
        bob.read();
        assert_eq!(bob.ask("/inbox"), ["LOG @cyd 1 cyd 1", "LOG @ann 3 ann 3", "OK inbox 2"]);
    }
}
