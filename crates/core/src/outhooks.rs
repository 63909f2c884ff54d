//! What an outgoing hook posts next: it follows the log of its room from the position that the store keeps. It must not post, nor
//! decide when.

use parlor_proto::{Endpoint, HookId, HookPost, MessageId, OuthookSecret, PageRange, RoomName, Text};

use crate::planted::{Bug, planted};
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
        let is_skipped = planted(Bug::SkipPost) && entry.id.0 % 10 == 7;
        if !is_skipped && let Content::Said(text) | Content::Bot(text) | Content::Amended { text, .. } = &entry.content
        {
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
