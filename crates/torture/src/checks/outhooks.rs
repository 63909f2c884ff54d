//! An outgoing hook posts each message of its room that is said after it was made, at least once. What comes first is in order, and
//! reads as it was said or edited. A removed message need not come, nor one that was forgotten before.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::EDIT_OF;
use crate::logs::{LogKind, Logs, Stored};
use crate::record::{Exchange, History, Line, Moment, Post, Reply};
use crate::report::Violation;

const SKIPS: &str = "an outgoing hook skips nothing";
const ORDER: &str = "an outgoing hook posts in the order of numbers";
const SAID: &str = "an outgoing hook posts what was said";
const EARLIER: &str = "an outgoing hook posts nothing from before it was made";

/// A hook, as far as clients know.
struct Hook<'a> {
    url: &'a str,
    room: &'a str,
    asked: Moment,
    /// When it was answered that it is made.
    told: Option<Moment>,
}

/// Checks everything that hooks posted, and what they did not.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let messages = messages(history, logs);
    let mut found = Vec::new();
    for hook in history.connections.iter().flat_map(|connection| connection.exchanges()).filter_map(Hook::of) {
        let posts = || history.posts.iter().filter(|post| hook.url.ends_with(&post.hook));
        found.extend(posts().filter_map(|post| hook.misquoted(post, logs)));
        // A hook ends with the store.
        let epoch = posts().next().map(|post| &post.epoch);
        let of_epoch = || posts().filter(|post| Some(&post.epoch) == epoch);
        // Without a good answer a message has not arrived, and nothing may come before it.
        let (first, taken) = (first_arrivals(of_epoch()), first_arrivals(of_epoch().filter(|post| !post.is_refused)));
        let log = first.iter().find_map(|post| logs.place(original(&post.text))).map(|(log, _)| log);
        let of_its_log: Vec<&Stored<'_>> = messages.iter().filter(|it| log.is_none_or(|log| *log == it.log)).collect();
        found.extend(hook.disordered(&taken));
        found.extend(hook.earlier(&first, &of_its_log));
        found.extend(hook.skipped(&taken, &of_its_log, history));
    }
    found
}

/// Messages that were accepted, without those that may have been removed.
fn messages<'a>(history: &'a History, logs: &Logs<'a>) -> Vec<Stored<'a>> {
    let exchanges = history.connections.iter().flat_map(|connection| connection.exchanges());
    let removal = |exchange: Exchange<'a>| match exchange.line {
        Line::Remove { room, of, .. } if exchange.may_be_done() => Some((room.as_str(), *of)),
        _ => None,
    };
    let removed: BTreeSet<(&str, u64)> = exchanges.filter_map(removal).collect();
    let mut messages = logs.stored(history);
    messages.extend(reports(history, logs));
    messages.retain(|stored| {
        let is_message = logs.said(stored.text).is_some_and(|said| said.exchange.line.is_message());
        stored.log.kind == LogKind::Room && is_message && !removed.contains(&(stored.log.name.as_str(), stored.id))
    });
    messages
}

/// What programs said by hooks, and was accepted.
fn reports<'a>(history: &'a History, logs: &Logs<'a>) -> Vec<Stored<'a>> {
    let mut reports = Vec::new();
    for (connection, record) in history.connections.iter().enumerate() {
        for Exchange { line, sent, answer, .. } in record.exchanges() {
            let (Line::Report { text, .. }, Some((at, Reply::Done))) = (line, answer) else { continue };
            let place = logs.place(text).cloned();
            reports.extend(place.map(|(log, id)| Stored { connection, log, id, text, sent, at }));
        }
    }
    reports
}

/// Each post that is no repeat.
fn first_arrivals<'a>(posts: impl Iterator<Item = &'a Post>) -> Vec<&'a Post> {
    let mut seen = BTreeSet::new();
    posts.filter(|post| seen.insert(post.id)).collect()
}

/// The text that was said at first.
fn original(text: &str) -> &str {
    text.rsplit(EDIT_OF).next().unwrap_or(text)
}

impl<'a> Hook<'a> {
    fn of(exchange: Exchange<'a>) -> Option<Self> {
        let Line::Outhook { room, url } = exchange.line else { return None };
        let told = exchange.answer.filter(|(_, reply)| **reply == Reply::Done).map(|(at, _)| at);
        Some(Self { url, room, asked: exchange.sent, told })
    }

    fn misquoted(&self, post: &Post, logs: &Logs<'_>) -> Option<Violation> {
        let is_said = logs.said(&post.text).is_some_and(|said| said.user == post.from);
        let place = logs.place(original(&post.text));
        let is_there = place.is_none_or(|(log, id)| log.is_room(self.room) && *id == post.id);
        let is_right = is_said && is_there && post.room == self.room;
        (!is_right).then(|| Violation::new(SAID, format!("{post:?}, which is {place:?}"), post.at, []))
    }

    fn disordered(&self, first: &[&Post]) -> Vec<Violation> {
        let wrong = first.windows(2).filter(|pair| pair[1].id < pair[0].id);
        let what = |pair: &[&Post]| format!("{}: number {} after number {}", self.url, pair[1].id, pair[0].id);
        wrong.map(|pair| Violation::new(ORDER, what(pair), pair[1].at, [])).collect()
    }

    fn earlier(&self, first: &[&Post], messages: &[&Stored<'_>]) -> Option<Violation> {
        let posted = |message: &&&Stored<'_>| first.iter().any(|post| post.id == message.id);
        let early = messages.iter().filter(|message| message.at < self.asked).find(posted)?;
        let what = format!("{}: number {} was accepted before the hook was asked for", self.url, early.id);
        Some(Violation::new(EARLIER, what, self.asked, [early.connection]))
    }

    fn skipped(&self, first: &[&Post], messages: &[&Stored<'_>], history: &History) -> Option<Violation> {
        let arrived: BTreeMap<u64, &Post> = first.iter().map(|post| (post.id, *post)).collect();
        let (begin, end) = (first.first().map(|post| post.id), arrived.last_key_value().map(|(id, _)| *id));
        // In the end everything is posted, unless the store was emptied.
        let is_complete = history.reading > Moment::ZERO && history.dumps.is_empty();
        let kept = history.kept.as_ref().and_then(|kept| kept.log(LogKind::Room, self.room)).unwrap_or_default();
        let is_forgotten = |id: u64| {
            let next = arrived.range(id..).next();
            next.is_some_and(|(_, post)| post.missed > 0) && kept.iter().all(|entry| entry.id != id)
        };
        let is_owed = |message: &Stored<'_>| {
            let is_after = begin.is_some_and(|id| message.id > id) || self.told.is_some_and(|at| message.sent > at);
            let is_due = is_complete || end.is_some_and(|id| message.id < id);
            message.log.name == self.room && is_after && is_due && !is_forgotten(message.id)
        };
        let mut missing = messages.iter().filter(|it| is_owed(it) && !arrived.contains_key(&it.id));
        let lost = missing.next()?;
        let what =
            format!("{}: number {} ({:?}) never came, nor {} others", self.url, lost.id, lost.text, missing.count());
        Some(Violation::new(SKIPS, what, lost.at, [lost.connection]).about(lost.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    const NOTHING: [&str; 0] = [];

    fn stored(id: u64) -> Option<Reply> {
        Some(Reply::Stored { id, room: Some("lobby".to_owned()), repeated: false })
    }

    /// Ann says something before and after a hook is made.
    fn begun() -> (HistoryBuilder, usize) {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        let hook = Line::Outhook { room: "lobby".to_owned(), url: "http://127.0.0.1:1/lobby/0".to_owned() };
        story.say(ann, "a1", 1).ask(ann, hook, Some(Reply::Done));
        story.say(ann, "a2", 2).say(ann, "a3", 3).say(ann, "a4", 4);
        (story, ann)
    }

    fn post(story: &mut HistoryBuilder, posts: &[(u64, &str)]) {
        for (id, text) in posts {
            story.post(arrived(*id, text));
        }
    }

    fn arrived(id: u64, text: &str) -> Post {
        let [hook, room, epoch, from] = ["/lobby/0", "lobby", "first", "ann"].map(str::to_owned);
        Post { hook, room, epoch, id, from, text: text.to_owned(), ..Post::default() }
    }

    fn judged(posts: &[(u64, &str)]) -> Vec<&'static str> {
        let (mut story, _) = begun();
        post(&mut story, posts);
        story.read().judged_by(check)
    }

    #[test]
    fn what_is_skipped_or_never_comes_is_found() {
        assert_eq!(judged(&[(2, "a2"), (3, "a3"), (4, "a4")]), NOTHING);
        assert_eq!(judged(&[(2, "a2"), (4, "a4")]), [SKIPS]);
        assert_eq!(judged(&[(3, "a3"), (4, "a4")]), [SKIPS]);
        assert_eq!(judged(&[(2, "a2"), (3, "a3")]), [SKIPS]);
        assert_eq!(judged(&[]), [SKIPS]);
    }

    #[test]
    fn until_the_end_what_is_last_need_not_be_there() {
        for (posts, expected) in [(&[(2, "a2")][..], &NOTHING[..]), (&[], &[]), (&[(2, "a2"), (4, "a4")], &[SKIPS])] {
            let (mut story, _) = begun();
            post(&mut story, posts);
            assert_eq!(story.judged_by(check), expected, "{posts:?}");
        }
    }

    #[test]
    fn what_comes_again_is_no_disorder() {
        assert_eq!(judged(&[(2, "a2"), (2, "a2"), (3, "a3"), (2, "a2"), (4, "a4")]), NOTHING);
        assert_eq!(judged(&[(2, "a2"), (4, "a4"), (3, "a3")]), [ORDER]);
    }

    #[test]
    fn what_was_not_taken_has_to_come_again_before_anything_else() {
        for (posts, expected) in [(&[2, 3, 4][..], &NOTHING[..]), (&[3, 2, 4], &[ORDER]), (&[3, 4], &[SKIPS])] {
            let (mut story, _) = begun();
            story.post(Post { is_refused: true, ..arrived(2, "a2") });
            for id in posts {
                story.post(arrived(*id, &format!("a{id}")));
            }
            assert_eq!(story.read().judged_by(check), expected, "{posts:?}");
        }
    }

    #[test]
    fn what_was_said_before_the_hook_was_made_is_found() {
        assert_eq!(judged(&[(1, "a1"), (2, "a2"), (3, "a3"), (4, "a4")]), [EARLIER]);
    }

    #[test]
    fn another_text_or_number_is_found() {
        assert_eq!(judged(&[(2, "a2"), (3, "b3"), (4, "a4")]), [SAID]);
        assert_eq!(judged(&[(2, "a2"), (3, "a4"), (4, "a4")]), [SAID]);
    }

    #[test]
    fn what_a_program_says_is_posted_too() {
        for (is_posted, expected) in [(true, &NOTHING[..]), (false, &[SKIPS])] {
            let (mut story, ann) = begun();
            let program = story.connect("bot0", 0);
            let (room, id, text) = ("lobby".to_owned(), "h1".to_owned(), "r5".to_owned());
            story.ask(program, Line::Report { room, id, text }, Some(Reply::Done));
            story.hear(ann, 5, "bot0", "r5");
            post(&mut story, &[(2, "a2"), (3, "a3"), (4, "a4")]);
            if is_posted {
                let (hook, room, epoch) = ("/lobby/0".to_owned(), "lobby".to_owned(), "first".to_owned());
                let (from, text) = ("bot0".to_owned(), "r5".to_owned());
                story.post(Post { hook, room, epoch, id: 5, from, text, ..Post::default() });
            }
            assert_eq!(story.read().judged_by(check), expected);
        }
    }

    #[test]
    fn an_edited_message_comes_as_one_of_its_texts() {
        for (text, expected) in [("a5~a3", &NOTHING[..]), ("a3", &[]), ("a6~a3", &[SAID])] {
            let (mut story, ann) = begun();
            let edit = Line::Edit { room: "lobby".to_owned(), of: 3, text: "a5~a3".to_owned() };
            story.ask(ann, edit, stored(5));
            post(&mut story, &[(2, "a2"), (3, text), (4, "a4")]);
            assert_eq!(story.read().judged_by(check), expected, "{text}");
        }
    }

    #[test]
    fn what_was_removed_need_not_come() {
        for (code, expected) in [(None, &NOTHING[..]), (Some("not-allowed"), &[SKIPS])] {
            let (mut story, ann) = begun();
            let removal = Line::Remove { room: "lobby".to_owned(), of: 3, reason: "a5".to_owned() };
            match code {
                Some(code) => story.refuse(ann, removal, code),
                None => story.ask(ann, removal, stored(5)),
            };
            post(&mut story, &[(2, "a2"), (4, "a4")]);
            assert_eq!(story.read().judged_by(check), expected);
        }
    }

    #[test]
    fn what_was_forgotten_need_not_come_unless_it_is_still_there() {
        for (log, expected) in [(&[(4, "ann", "a4")][..], &NOTHING[..]), (&[(3, "ann", "a3")], &[SKIPS])] {
            let (mut story, _) = begun();
            post(&mut story, &[(2, "a2")]);
            let (hook, room, epoch) = ("/lobby/0".to_owned(), "lobby".to_owned(), "first".to_owned());
            let (from, text) = ("ann".to_owned(), "a4".to_owned());
            story.post(Post { hook, room, epoch, id: 4, from, text, missed: 1, ..Post::default() });
            assert_eq!(story.keep(log).read().judged_by(check), expected);
        }
    }

    #[test]
    fn a_hook_ends_with_the_store() {
        let (mut story, ann) = begun();
        post(&mut story, &[(2, "a2")]);
        story.empty(&[(1, "ann", "a1"), (2, "ann", "a2"), (3, "ann", "a3"), (4, "ann", "a4")]);
        story.say(ann, "b1", 1);
        assert_eq!(story.read().judged_by(check), NOTHING);
    }
}
