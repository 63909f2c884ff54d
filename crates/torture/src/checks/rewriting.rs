//! A message shows the text of its last edit, and a removed one none, to everybody who asks after that was answered. In the
//! end, each log says the same as its edits and removals.

use std::collections::BTreeMap;

use crate::logs::Logs;
use crate::record::{Content, Dump, Entry, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

const REMOVED: &str = "a removed text is not seen again";
const EDITED: &str = "an accepted edit is seen";
const UNTOLD: &str = "no text changes without an entry that says so";

/// Checks all histories and pages of rooms, and the logs at the end.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let accepted = Accepted::of(history);
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let (at, room, entries) = match exchange.answer {
                Some((at, Reply::History { room, entries })) => (at, room.as_str(), entries),
                Some((at, Reply::Page { target, entries, .. })) => {
                    let Some(room) = target.strip_prefix('#') else { continue };
                    (at, room, entries)
                }
                _ => continue,
            };
            let outdated = entries.iter().find_map(|entry| accepted.outdated(room, entry, &exchange, logs));
            found.extend(outdated.map(|(invariant, what)| Violation::new(invariant, what, at, [number])));
        }
    }
    if let Some(kept) = &history.kept {
        found.extend(kept.rooms.iter().flat_map(|(room, log)| in_the_end(room, log, kept)));
    }
    found
}

/// What was answered: for each message of each room, when its text was removed, and each edit with its number.
#[derive(Default)]
struct Accepted<'a> {
    removed: BTreeMap<(&'a str, u64), Moment>,
    edited: BTreeMap<(&'a str, u64), Vec<(Moment, u64)>>,
}

impl<'a> Accepted<'a> {
    fn of(history: &'a History) -> Self {
        let mut accepted = Self::default();
        // Numbers begin again with each life of the store.
        let since = history.dumps.last().map_or(Moment::ZERO, |dump| dump.at);
        let exchanges = history.connections.iter().flat_map(|connection| connection.exchanges());
        for exchange in exchanges.filter(|exchange| exchange.sent >= since) {
            match (exchange.line, exchange.stored()) {
                (Line::Remove { room, of, .. }, Some((at, _))) => {
                    let first = accepted.removed.entry((room, *of)).or_insert(at);
                    *first = at.min(*first);
                }
                (Line::Edit { room, of, .. }, Some(edit)) => {
                    accepted.edited.entry((room, *of)).or_default().push(edit);
                }
                _ => {}
            }
        }
        accepted
    }

    /// Whether an entry reads as it did before something that was answered before it was asked for.
    fn outdated(
        &self,
        room: &str,
        entry: &Entry,
        asked: &Exchange<'_>,
        logs: &Logs<'_>,
    ) -> Option<(&'static str, String)> {
        let (of, is_of_message) = match &entry.content {
            Content::Edit { of } => (*of, false),
            Content::Said | Content::Bot | Content::Edited(_) => (entry.id, true),
            _ => return None,
        };
        let is_removed = self.removed.get(&(room, of)).is_some_and(|at| *at < asked.sent);
        if is_removed && !entry.text.is_empty() {
            return Some((REMOVED, format!("number {} of {room} is shown: {:?}", entry.id, entry.text)));
        }
        let edits = self.edited.get(&(room, of)).filter(|_| is_of_message)?;
        let newest = edits.iter().filter(|(at, _)| *at < asked.sent).map(|(_, id)| *id).max()?;
        let shown = match &entry.content {
            Content::Edited(now) => logs.place(now).map_or(u64::MAX, |(_, id)| *id),
            _ => 0,
        };
        let what = || format!("number {of} of {room} is shown as it was before number {newest}");
        (shown < newest).then(|| (EDITED, what()))
    }
}

/// Whether each entry reads as the later ones say.
fn in_the_end(room: &str, log: &[Entry], kept: &Dump) -> Vec<Violation> {
    let (mut edits, mut removals): (BTreeMap<u64, &Entry>, BTreeMap<u64, u64>) = Default::default();
    for entry in log {
        match entry.content {
            Content::Edit { of } => drop(edits.insert(of, entry)),
            Content::Removal { of } => drop(removals.insert(of, entry.id)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for entry in log {
        let (of, edit) = match entry.content {
            Content::Edit { of } => (of, edits.get(&of)),
            _ => (entry.id, edits.get(&entry.id)),
        };
        let is_removed = removals.contains_key(&of);
        let wrong = match &entry.content {
            Content::Said | Content::Bot | Content::Edited(_) if is_removed => Some(REMOVED),
            Content::Edit { .. } if is_removed && !entry.text.is_empty() => Some(REMOVED),
            Content::Said => edit.map(|_| EDITED),
            Content::Edited(now) => match edit {
                Some(edit) if edit.text == *now && edit.from == entry.from => None,
                Some(_) => Some(EDITED),
                None => Some(UNTOLD),
            },
            Content::Gone if !is_removed => Some(UNTOLD),
            Content::Edit { .. } => {
                let is_last = edit.is_some_and(|last| last.id == entry.id);
                (!is_removed && is_last == entry.text.is_empty()).then_some(UNTOLD)
            }
            _ => None,
        };
        let what = || format!("number {} of {room} reads {entry:?} in the end", entry.id);
        found.extend(wrong.map(|invariant| Violation::new(invariant, what(), kept.at, [])));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::Range;

    const NOTHING: [&str; 0] = [];

    fn edit(of: u64, text: &str) -> Line {
        Line::Edit { room: "lobby".to_owned(), of, text: text.to_owned() }
    }

    fn stored(id: u64) -> Option<Reply> {
        Some(Reply::Stored { id, room: Some("lobby".to_owned()), repeated: false })
    }

    fn entry(id: u64, text: &str, content: Content) -> Entry {
        Entry { id, from: "ann".to_owned(), to: None, text: text.to_owned(), content }
    }

    fn page(story: &mut HistoryBuilder, connection: usize, entries: Vec<Entry>) {
        let target = "#lobby".to_owned();
        let line = Line::Backlog { target: target.clone(), range: Range::Newest, count: 50 };
        story.ask(connection, line, Some(Reply::Page { target, entries, more: false }));
    }

    #[test]
    fn a_text_before_its_edit_is_found() {
        let shown = |content: Content| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            story.say(ann, "a1", 1).ask(ann, edit(1, "a2~a1"), stored(2)).ask(ann, edit(1, "a3~a1"), stored(3));
            page(&mut story, ann, vec![entry(1, "a1", content)]);
            story.judged_by(check)
        };
        assert_eq!(shown(Content::Edited("a3~a1".to_owned())), NOTHING);
        assert_eq!(shown(Content::Edited("a2~a1".to_owned())), [EDITED]);
        assert_eq!(shown(Content::Said), [EDITED]);
    }

    #[test]
    fn a_removed_text_is_found() {
        let shown = |message: Entry| {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            let removal = Line::Remove { room: "lobby".to_owned(), of: 1, reason: "a2".to_owned() };
            story.say(ann, "a1", 1).ask(ann, removal, stored(2));
            page(&mut story, ann, vec![message]);
            story.judged_by(check)
        };
        assert_eq!(shown(entry(1, "", Content::Gone)), NOTHING);
        assert_eq!(shown(entry(1, "a1", Content::Said)), [REMOVED]);
    }

    #[test]
    fn a_log_that_contradicts_itself_is_found() {
        let kept = |first: Entry, second: Entry, third: Entry| {
            let log = [first, second, third];
            in_the_end("lobby", &log, &Dump::default()).into_iter().map(|it| it.invariant).collect::<Vec<_>>()
        };
        let edited = || entry(1, "a1", Content::Edited("a3~a1".to_owned()));
        let edit = |id: u64, text: &str| entry(id, text, Content::Edit { of: 1 });
        assert_eq!(kept(edited(), edit(2, ""), edit(3, "a3~a1")), NOTHING);
        assert_eq!(kept(entry(1, "a1", Content::Said), edit(2, ""), edit(3, "a3~a1")), [EDITED]);
        assert_eq!(kept(edited(), edit(2, "a2~a1"), edit(3, "a3~a1")), [UNTOLD]);
        let removal = || entry(3, "a4", Content::Removal { of: 1 });
        assert_eq!(kept(entry(1, "", Content::Gone), edit(2, ""), removal()), NOTHING);
        assert_eq!(kept(entry(1, "a1", Content::Said), edit(2, "a2~a1"), removal()), [REMOVED, REMOVED]);
        assert_eq!(kept(entry(1, "", Content::Gone), entry(2, "a5", Content::Said), edit(3, "")), [UNTOLD, UNTOLD]);
    }
}
