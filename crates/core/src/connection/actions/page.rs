//! Entries of a log as parts of a reply of bounded size. It must not read the log.

use parlor_proto::{LIST_MAX_BYTES, PageRange};

use crate::ports::{Entry, Page};

/// Bytes of an entry in JSON besides its text and its names.
const BESIDES_TEXT: usize = 128;

/// Drops the entries that are too many for one reply: the newest ones of a page after a number, otherwise the oldest.
/// At least one entry stays.
pub(super) fn limit(page: &mut Page, range: PageRange) {
    let sizes = page.entries.iter().map(json_size);
    let sizes: Vec<usize> = match range {
        PageRange::After(_) => sizes.collect(),
        PageRange::Newest | PageRange::Before(_) => sizes.rev().collect(),
    };
    let mut bytes = 0;
    let fit = sizes.into_iter().take_while(|size| {
        bytes += size;
        bytes <= LIST_MAX_BYTES
    });
    let fit = fit.count().max(1);
    if fit >= page.entries.len() {
        return;
    }
    page.more = true;
    match range {
        PageRange::After(_) => page.entries.truncate(fit),
        PageRange::Newest | PageRange::Before(_) => drop(page.entries.drain(..page.entries.len() - fit)),
    }
}

/// Upper limit of the size of an entry in JSON.
fn json_size(entry: &Entry) -> usize {
    let escaped = |byte: u8| if matches!(byte, b'"' | b'\\' | b'\t') { 2 } else { 1 };
    let text: usize = entry.content.stored().bytes().map(escaped).sum();
    let to = entry.to.as_ref().map_or(0, |to| to.as_str().len());
    BESIDES_TEXT + entry.author.as_str().len() + to + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Content;
    use parlor_proto::{MessageId, Text, Timestamp};

    fn page(count: u64) -> Page {
        let entry = |id| Entry {
            id: MessageId(id),
            time: Timestamp::from_millis(0),
            author: "ann".parse().unwrap(),
            to: None,
            content: Content::Said(Text::sanitise(&"\"".repeat(2000)).unwrap()),
        };
        Page { entries: (1..=count).map(entry).collect(), more: false }
    }

    #[test]
    fn a_page_ends_before_it_is_too_long_for_a_line() {
        let ids = |page: &Page| page.entries.iter().map(|entry| entry.id.0).collect::<Vec<_>>();
        let (mut newest, mut after, mut short) = (page(100), page(100), page(2));
        limit(&mut newest, PageRange::Newest);
        limit(&mut after, PageRange::After(MessageId(0)));
        limit(&mut short, PageRange::Newest);
        // Each quote takes two bytes in JSON.
        let fit = LIST_MAX_BYTES / (4000 + BESIDES_TEXT + 3);
        assert_eq!((newest.entries.len(), newest.more), (fit, true));
        assert_eq!((ids(&newest).last(), ids(&after).first()), (Some(&100), Some(&1)));
        assert_eq!((after.entries.len(), after.more), (fit, true));
        assert_eq!((ids(&short), short.more), (vec![1, 2], false));
    }
}
