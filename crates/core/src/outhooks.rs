//! What an outgoing hook posts next: it follows the log of its room from the position that the store keeps. It must not post, nor
//! decide when.

use parlor_proto::{Endpoint, HookId, HookPost, MessageId, OuthookSecret, PageRange, RoomName, Text};

use crate::ports::{Content, Entry, Head, LogId, OuthookTurn, PageRequest, StoreResult};
use crate::services::Services;

/// Entries that are read at once. The first one is a message nearly always.
const PAGE_ENTRIES: usize = 8;

/// What is to be done for a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPost {
    /// This message is posted now, before the turn of this server ends ([`crate::ports::OUTHOOK_TURN`]).
    Post(Box<DuePost>),
    /// Everything is posted.
    Nothing,
    /// Another server posts.
    Elsewhere,
    /// The hook was ended, or its room.
    Ended,
}

/// A message that a hook has to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePost {
    /// Its number.
    pub id: MessageId,
    /// How many entries before it were forgotten before they could be posted.
    pub missed: u64,
    /// Where it is posted.
    pub url: Endpoint,
    /// Signs it.
    pub secret: OuthookSecret,
    /// The body of the request.
    pub body: String,
}

/// How far the log was looked through.
#[derive(Clone, Copy)]
struct Place {
    /// The last entry that was seen.
    at: MessageId,
    /// Entries that were not there any more.
    missed: u64,
}

impl Services {
    /// What a hook posts next. The text is that of this moment: what was removed is not posted. Blocks on the store.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn next_post(&self, room: &RoomName, id: HookId) -> StoreResult<NextPost> {
        let rights = self.store.governance.rights(std::slice::from_ref(room))?.into_iter().next().flatten();
        let Some(hook) = rights.as_ref().and_then(|rights| rights.outhook(id)) else { return Ok(NextPost::Ended) };
        let log = LogId::Room(room.clone());
        let Some(Head { epoch, .. }) = self.store.log.heads(std::slice::from_ref(&log))?.pop() else {
            return Ok(NextPost::Nothing);
        };
        let mut place = None;
        loop {
            let posted = match self.store.outhooks.take_turn(room, hook)? {
                OuthookTurn::Mine(posted) => posted,
                OuthookTurn::Elsewhere => return Ok(NextPost::Elsewhere),
                OuthookTurn::Nothing => return Ok(NextPost::Nothing),
            };
            let Place { at, missed } = place.unwrap_or(Place { at: posted, missed: 0 });
            let request =
                PageRequest { log: log.clone(), peer: None, range: PageRange::After(at), count: PAGE_ENTRIES };
            let entries = self.store.log.page(&request)?.entries;
            let Some(last) = entries.last() else { return Ok(NextPost::Nothing) };
            if let Some((entry, text, missed)) = first_message(&entries, Place { at, missed }) {
                let Entry { id, time, author: from, content, .. } = entry;
                let (id, time, bot) = (*id, *time, matches!(content, Content::Bot(_)));
                let body = HookPost { room, id, epoch, time, from, text, bot, missed }.body();
                let (url, secret) = (hook.url.clone(), hook.secret.clone());
                return Ok(NextPost::Post(Box::new(DuePost { id, missed, url, secret, body })));
            }
            let missed = gaps(&entries, at).fold(missed, |sum, gap| sum + gap);
            // A gap is told by the next post, so until then the position stays before it.
            if missed == 0 && !self.store.outhooks.note_posted(room, id, last.id)? {
                return Ok(NextPost::Elsewhere);
            }
            place = Some(Place { at: last.id, missed });
        }
    }
}

/// The first entry that is posted, its text, and how many entries before it are not there any more.
fn first_message(entries: &[Entry], place: Place) -> Option<(&Entry, &Text, u64)> {
    let mut missed = place.missed;
    for (entry, gap) in entries.iter().zip(gaps(entries, place.at)) {
        missed += gap;
        if let Content::Said(text) | Content::Bot(text) | Content::Amended { text, .. } = &entry.content {
            return Some((entry, text, missed));
        }
    }
    None
}

/// How many entries are not there any more before each of some entries; `at` is the one before the first.
fn gaps(entries: &[Entry], at: MessageId) -> impl Iterator<Item = u64> {
    let before = std::iter::once(at).chain(entries.iter().map(|entry| entry.id));
    entries.iter().zip(before).map(|(entry, before)| entry.id.0.saturating_sub(before.0 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_testkit::{Connection, World};

    fn red() -> RoomName {
        "red".parse().unwrap()
    }

    /// A world in which ann has a hook of the room red, whose log has one entry.
    fn hooked(history: usize) -> (World, Connection, HookId) {
        let world = World::builder().with_endpoints("bot.example").history(history).build();
        let ann = world.login("ann");
        ann.send("/join red");
        ann.send("before");
        ann.send("/outhook red https://bot.example/");
        ann.read();
        let id = ann.ask("/hooks red")[0].split(' ').nth(1).unwrap().parse().unwrap();
        (world, ann, id)
    }

    fn due(world: &World, id: HookId) -> DuePost {
        match world.services().next_post(&red(), id).unwrap() {
            NextPost::Post(due) => *due,
            other => panic!("{other:?}"),
        }
    }

    fn note(world: &World, id: HookId, up_to: u64) {
        assert!(world.services().store.outhooks.note_posted(&red(), id, MessageId(up_to)).unwrap());
    }

    #[test]
    fn messages_are_posted_in_order_from_where_the_hook_was_made() {
        let (world, ann, id) = hooked(100);
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
        ann.send("one");
        ann.send("two");
        let first = due(&world, id);
        assert_eq!((first.id.0, first.missed), (2, 0));
        assert!(first.body.contains(r#""from":"ann","text":"one"}"#), "{}", first.body);
        assert_eq!(due(&world, id), first, "it was not noted");
        note(&world, id, 2);
        assert_eq!(due(&world, id).id.0, 3);
        note(&world, id, 3);
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
        ann.send("three");
        ann.send(&format!("/unhook red {id}"));
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Ended));
    }

    #[test]
    fn what_is_no_message_is_passed_over_and_noted() {
        let (world, ann, id) = hooked(100);
        for number in 0..20 {
            ann.send(&format!("/topic red {number}"));
        }
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
        // Nothing is left to be looked through again.
        let rights = world.services().store.governance.rights(&[red()]).unwrap().remove(0).unwrap();
        let turn = world.services().store.outhooks.take_turn(&red(), rights.outhook(id).unwrap()).unwrap();
        assert_eq!(turn, OuthookTurn::Nothing);
        ann.send("hello");
        assert_eq!(due(&world, id).id.0, 22);
    }

    #[test]
    fn a_text_that_was_removed_is_not_posted_and_one_that_was_edited_is_the_new_one() {
        let (world, ann, id) = hooked(100);
        ann.send("secret");
        ann.send("helo");
        ann.send("/remove red 2");
        ann.send("/edit red 3 hello");
        let post = due(&world, id);
        assert!(post.id.0 == 3 && post.missed == 0 && post.body.contains(r#""text":"hello""#), "{post:?}");
        note(&world, id, 3);
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
    }

    #[test]
    fn a_gap_is_told_by_the_next_message_and_until_then_the_position_stays() {
        let (world, ann, id) = hooked(3);
        (0..5).for_each(|number| ann.send(&format!("message {number}")));
        // Of the entries 2 to 6 the last three are kept.
        let post = due(&world, id);
        assert_eq!((post.id.0, post.missed), (4, 2));
        assert!(post.body.ends_with(r#""missed":2}"#), "{}", post.body);
        (0..5).for_each(|number| ann.send(&format!("/topic red {number}")));
        assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
        ann.send("hello");
        let post = due(&world, id);
        // Those that are kept and are no messages are not missed.
        assert_eq!((post.id.0, post.missed), (12, 8));
    }
}
