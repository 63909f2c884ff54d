//! Entries of one log that are pushed together. They are encoded once per format and joined, so that a recipient of all
//! entries gets one frame, however many entries there are. It must not know the recipients.

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use parlor_proto::{Encoding, Format, Framing, UserName, encode};

use crate::delivery::shown;
use crate::ports::{Entry, LogId};

/// Maximum size of the joined entries in bytes, unless one entry alone is larger: the content of one TLS record (RFC
/// 8446, section 5.1).
const MAX_BYTES: usize = 16 * 1024;

/// Bytes of an entry's line besides its text: the names of its room and author, and the JSON around them.
const BESIDES_TEXT: usize = 128;

/// Consecutive entries of one log.
pub(crate) struct Batch<'a> {
    log: &'a LogId,
    entries: &'a [Entry],
    /// The authors, each once. They are few, as the entries were sent at about the same time.
    authors: Vec<(NameHash, &'a UserName)>,
    text: Forms,
    json: Forms,
}

/// The entries in one format.
#[derive(Default)]
struct Forms {
    joined: OnceCell<Joined>,
    /// All lines as one message.
    websocket: OnceCell<Arc<[u8]>>,
}

/// Compared before a name is compared: equal names have equal hashes. The name itself lies elsewhere in memory, and is
/// not in the CPU cache if its member received nothing for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameHash(u64);

impl NameHash {
    pub(crate) fn of(name: &UserName) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The lines of all entries in one format.
struct Joined {
    frame: Arc<[u8]>,
    /// Offset in the frame at which each entry's lines end.
    ends: Vec<usize>,
}

impl<'a> Batch<'a> {
    /// Splits entries into batches of bounded size.
    pub(crate) fn cut(log: &'a LogId, entries: &'a [Entry]) -> impl Iterator<Item = Self> {
        let mut rest = entries;
        std::iter::from_fn(move || {
            let (batch, later) = rest.split_at(how_many_fit(rest));
            rest = later;
            (!batch.is_empty()).then(|| Self::new(log, batch))
        })
    }

    fn new(log: &'a LogId, entries: &'a [Entry]) -> Self {
        let mut authors: Vec<(NameHash, &UserName)> = Vec::new();
        for Entry { author, .. } in entries.iter().filter(|entry| entry.is_by(&entry.author)) {
            if authors.iter().all(|(_, known)| *known != author) {
                authors.push((NameHash::of(author), author));
            }
        }
        Self { log, entries, authors, text: Forms::default(), json: Forms::default() }
    }

    /// The entries; at least one.
    pub(crate) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Whether this user wrote one of the entries. `hash` is the hash of the user's name.
    pub(crate) fn has_author(&self, hash: NameHash, user: &UserName) -> bool {
        self.authors.iter().any(|(other, author)| *other == hash && *author == user)
    }

    /// The lines of all entries.
    pub(crate) fn frame(&self, encoding: Encoding) -> Arc<[u8]> {
        let lines = &self.joined(encoding.format).frame;
        match encoding.framing {
            Framing::Lines => lines.clone(),
            framing @ Framing::WebSocket => {
                self.forms(encoding.format).websocket.get_or_init(|| framing.frame(lines)).clone()
            }
        }
    }

    /// The lines of the wanted entries; empty if no entry is wanted.
    pub(crate) fn frame_of(&self, encoding: Encoding, is_wanted: impl Fn(&Entry) -> bool) -> Arc<[u8]> {
        let joined = self.joined(encoding.format);
        let wanted = self.entries.iter().enumerate().filter(|(_, entry)| is_wanted(entry));
        let lines: Vec<u8> = wanted.flat_map(|(at, _)| &joined.frame[joined.lines(at)]).copied().collect();
        encoding.framing.frame(&lines)
    }

    fn forms(&self, format: Format) -> &Forms {
        match format {
            Format::Text => &self.text,
            Format::Json => &self.json,
        }
    }

    fn joined(&self, format: Format) -> &Joined {
        self.forms(format).joined.get_or_init(|| self.join(format))
    }

    fn join(&self, format: Format) -> Joined {
        let mut bytes = Vec::with_capacity(self.entries.iter().map(encoded_size_hint).sum());
        let mut ends = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            encode(&shown::event(self.log, entry), format, &mut bytes);
            ends.push(bytes.len());
        }
        Joined { frame: bytes.into(), ends }
    }
}

impl Joined {
    fn lines(&self, at: usize) -> Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[at]
    }
}

fn how_many_fit(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let fit = entries.iter().take_while(|entry| {
        bytes += encoded_size_hint(entry);
        bytes <= MAX_BYTES
    });
    fit.count().max(1).min(entries.len())
}

fn encoded_size_hint(entry: &Entry) -> usize {
    BESIDES_TEXT + entry.content.len_hint()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Content;
    use parlor_proto::{MessageId, Text, Timestamp};

    fn said(id: u64, author: &str, text: &str) -> Entry {
        Entry {
            id: MessageId(id),
            time: Timestamp::from_millis(0),
            author: author.parse().unwrap(),
            to: None,
            content: Content::Said(Text::sanitise(text).unwrap()),
        }
    }

    fn red() -> LogId {
        LogId::Room("red".parse().unwrap())
    }

    fn shown(frame: &[u8]) -> &str {
        std::str::from_utf8(frame).unwrap()
    }

    #[test]
    fn all_lines_are_one_frame_in_each_format() {
        let (log, entries) = (red(), [said(1, "ann", "one"), said(2, "bob", "two")]);
        let batch = Batch::new(&log, &entries);
        assert_eq!(shown(&batch.frame(Format::Text.into())), "MSG red ann one\nMSG red bob two\n");
        let json = batch.frame(Format::Json.into());
        let begins: Vec<&str> = shown(&json).lines().map(|line| line.split(r#","time""#).next().unwrap()).collect();
        assert_eq!(begins, [1, 2].map(|id| format!(r#"{{"type":"message","room":"red","id":{id}"#)));
    }

    #[test]
    fn some_lines_are_a_frame_of_their_own() {
        let (log, entries) = (red(), [said(1, "ann", "one"), said(2, "bob", "two"), said(3, "ann", "three")]);
        let batch = Batch::new(&log, &entries);
        let of_others =
            |user: &'static str| batch.frame_of(Format::Text.into(), move |entry| entry.author.as_str() != user);
        assert_eq!(shown(&of_others("ann")), "MSG red bob two\n");
        assert_eq!(shown(&of_others("bob")), "MSG red ann one\nMSG red ann three\n");
        assert!(batch.frame_of(Format::Json.into(), |_| false).is_empty());
        let has_author = |name: &str| {
            let name = name.parse().unwrap();
            batch.has_author(NameHash::of(&name), &name)
        };
        assert!(has_author("ann") && has_author("bob") && !has_author("cyd"));
    }

    #[test]
    fn entries_are_cut_where_they_get_too_long_for_a_record() {
        let (log, long) = (red(), "x".repeat(4000));
        let entries: Vec<Entry> = (1..=10).map(|id| said(id, "ann", &long)).collect();
        let batches: Vec<usize> = Batch::cut(&log, &entries).map(|batch| batch.entries().len()).collect();
        assert_eq!(batches, [3, 3, 3, 1]);
        let huge = [said(1, "ann", &"x".repeat(60_000)), said(2, "ann", "y")];
        assert_eq!(Batch::cut(&log, &huge).map(|batch| batch.entries().len()).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(Batch::cut(&log, &[]).count(), 0);
    }

    #[test]
    fn a_record_may_be_full_to_its_last_byte() {
        let (log, text) = (red(), "x".repeat(MAX_BYTES / 4 - BESIDES_TEXT));
        let entries: Vec<Entry> = (1..=5).map(|id| said(id, "ann", &text)).collect();
        assert_eq!(Batch::cut(&log, &entries).map(|batch| batch.entries().len()).collect::<Vec<_>>(), [4, 1]);
    }

    #[test]
    fn a_websocket_message_has_all_lines_or_the_wanted_ones() {
        let (log, entries) = (red(), [said(1, "ann", "one"), said(2, "bob", "two"), said(3, "ann", "three")]);
        let batch = Batch::new(&log, &entries);
        let encoding = Encoding { format: Format::Json, framing: Framing::WebSocket };
        assert_eq!(batch.frame(encoding), Framing::WebSocket.frame(&batch.frame(Format::Json.into())));
        let of_ann = |encoding| batch.frame_of(encoding, |entry| entry.author.as_str() == "ann");
        assert_eq!(of_ann(encoding), Framing::WebSocket.frame(&of_ann(Format::Json.into())));
        assert_eq!(shown(&of_ann(Format::Json.into())).lines().count(), 2);
        // A message without lines would be one.
        assert!(batch.frame_of(encoding, |_| false).is_empty());
    }

    #[test]
    fn all_recipients_of_one_form_share_its_bytes() {
        let (log, entries) = (red(), [said(1, "ann", "one"), said(2, "bob", "two")]);
        let batch = Batch::new(&log, &entries);
        let forms = [Format::Text, Format::Json]
            .map(|format| [Framing::Lines, Framing::WebSocket].map(|framing| Encoding { format, framing }));
        for encoding in forms.concat() {
            assert!(Arc::ptr_eq(&batch.frame(encoding), &batch.frame(encoding)), "{encoding:?}");
        }
    }

    #[test]
    fn who_wrote_more_than_one_entry_is_one_author_and_a_program_is_none() {
        let bot = Entry { content: Content::Bot(Text::sanitise("full").unwrap()), ..said(3, "disk", "x") };
        let entries = [said(1, "ann", "one"), said(2, "ann", "two"), bot];
        let log = red();
        let authors = Batch::new(&log, &entries).authors;
        assert_eq!(authors.iter().map(|(_, author)| author.as_str()).collect::<Vec<_>>(), ["ann"]);
    }
}
