//! Up to where the user has read each conversation: what the client tells the server, so that the next login counts as
//! unread only what was not shown. It must not send or show anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use parlor_proto::{Event, LogEntry, MessageId, Sync, Target};

/// Conversations of which this is kept. Of more, the server counts more as unread than is.
const MARKS_MAX: usize = 1000;
/// How many marks are told at once. The others have their turn later.
const AT_ONCE: usize = 15;
/// For how long nothing new must have been shown before the server is told.
const QUIET: Duration = Duration::from_secs(3);
/// How much time lies at least between two times that the server is told, and how long it waits for a quiet moment.
const EVERY: Duration = Duration::from_secs(20);

/// What was shown and not told yet.
#[derive(Debug, Default)]
pub(super) struct Marks {
    shown: BTreeMap<Target, MessageId>,
    /// Conversations with unread messages from before the session, which were told by their number only.
    unseen: BTreeSet<Target>,
    /// Whether the server keeps marks.
    is_wanted: bool,
    /// When the first and the last of what the server was not told came.
    news: Option<(Instant, Instant)>,
    /// When the server was told last.
    told: Option<Instant>,
}

impl Marks {
    /// The server told what is unread, for the first time in this run or not.
    pub(super) fn begin(&mut self, sync: &Sync, is_first: bool) {
        self.is_wanted = true;
        if !is_first {
            // All that came meanwhile is shown.
            return;
        }
        let rooms = sync.rooms.iter().map(|room| (Target::Room(room.room.clone()), room.unread));
        let directs = sync.directs.iter().map(|direct| (Target::Direct(direct.user.clone()), direct.unread));
        let feeds = sync.feeds.iter().map(|feed| (Target::Feed(feed.user.clone()), feed.unread));
        let unread = rooms.chain(directs).chain(feeds).filter(|(_, unread)| *unread > 0);
        self.unseen = unread.map(|(target, _)| target).collect();
    }

    /// The connection is lost.
    pub(super) fn is_cut(&mut self) {
        self.is_wanted = false;
    }

    /// This is shown.
    pub(super) fn show(&mut self, event: &Event) {
        match event {
            Event::Message { room, id, .. } => self.note(Target::Room(room.clone()), *id),
            Event::Publication { from, id, .. } => self.note(Target::Feed(from.clone()), *id),
            Event::Direct { from, id: Some(id), .. } => self.note(Target::Direct(from.clone()), *id),
            Event::Invited(entry) => self.note(Target::Direct(entry.from.clone()), entry.id),
            Event::Edited { room, entry } => self.note(Target::Room(room.clone()), entry.id),
            Event::Removed { room, entry } => self.note(Target::Room(room.clone()), entry.id),
            Event::Topic { room, entry } => self.note(Target::Room(room.clone()), entry.id),
            Event::Moderated { room, entry } => self.note(Target::Room(room.clone()), entry.id),
            Event::Backlog { target, entries, .. } => self.look_into(target, entries),
            Event::History { room, messages } => {
                let target = Target::Room(room.clone());
                self.unseen.remove(&target);
                if let Some(newest) = messages.last() {
                    self.note(target, newest.id);
                }
            }
            // The server marks what it sends in this answer.
            Event::Inbox { entries, .. } => entries.iter().for_each(|entry| {
                self.unseen.remove(&Target::Direct(entry.from().clone()));
            }),
            _ => {}
        }
    }

    /// The user looks into a conversation, and sees these entries of it.
    pub(super) fn look_into(&mut self, target: &Target, entries: &[LogEntry]) {
        self.unseen.remove(target);
        self.show_old(target, entries);
    }

    /// These entries of a conversation are shown.
    pub(super) fn show_old(&mut self, target: &Target, entries: &[LogEntry]) {
        if let Some(newest) = entries.last() {
            self.note(target.clone(), newest.id());
        }
    }

    fn note(&mut self, target: Target, id: MessageId) {
        if self.shown.len() < MARKS_MAX || self.shown.contains_key(&target) {
            let newest = self.shown.entry(target).or_default();
            *newest = id.max(*newest);
            let now = Instant::now();
            self.news = Some((self.news.map_or(now, |(first, _)| first), now));
        }
    }

    /// The server did not take a mark; it is told again.
    pub(super) fn put_back(&mut self, target: Target, id: MessageId) {
        self.note(target, id);
    }

    /// When the server has to be told, if there is anything to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.news.filter(|_| self.is_wanted)?;
        let quiet = (last + QUIET).min(first + EVERY);
        Some(self.told.map_or(quiet, |told| quiet.max(told + EVERY)))
    }

    /// What the server has to be told now.
    pub(super) fn take(&mut self) -> Vec<(Target, MessageId)> {
        if !self.is_wanted {
            return Vec::new();
        }
        let seen = self.shown.iter().filter(|(target, _)| !self.unseen.contains(*target));
        let marks: Vec<_> = seen.take(AT_ONCE).map(|(target, id)| (target.clone(), *id)).collect();
        marks.iter().for_each(|(target, _)| drop(self.shown.remove_entry(target)));
        let now = Instant::now();
        self.told = Some(now);
        // Who has more to tell has the next turn.
        self.news = (marks.len() == AT_ONCE).then_some((now, now));
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        serde_json::from_str(json).unwrap()
    }

    fn message(room: &str, id: u64) -> Event {
        let time = "2026-01-01T10:00:00Z";
        event(&format!(r#"{{"type":"message","room":"{room}","id":{id},"time":"{time}","from":"bob","text":"x"}}"#))
    }

    fn sync() -> Sync {
        let room = |name, unread| {
            format!(
                r#"{{"room":"{name}","members":1,"topic":"","role":"member","epoch":"0000000000000001","last":9,"read":0,"unread":{unread}}}"#
            )
        };
        let json = format!(
            r#"{{"type":"sync","current":"red","rooms":[{},{}],"directs":[],"feeds":[],"inbox":{{"epoch":"0000000000000001","last":0}},"lost":[]}}"#,
            room("blue", 3),
            room("red", 0)
        );
        let Event::Sync(sync) = event(&json) else { panic!("{json}") };
        *sync
    }

    fn told(marks: &mut Marks) -> Vec<String> {
        marks.take().iter().map(|(target, id)| format!("{target} {id}")).collect()
    }

    #[test]
    fn what_is_shown_is_read_unless_something_before_it_was_not() {
        let mut marks = Marks::default();
        marks.show(&message("red", 9));
        assert_eq!(told(&mut marks), [""; 0], "the server may keep no marks");
        marks.begin(&sync(), true);
        marks.show(&message("red", 10));
        marks.show(&message("blue", 10));
        assert_eq!(told(&mut marks), ["#red 10"]);
        assert_eq!(told(&mut marks), [""; 0]);
        marks.show(&event(
            r##"{"type":"backlog","target":"#blue","epoch":"0000000000000001","entries":[],"more":false}"##,
        ));
        assert_eq!(told(&mut marks), ["#blue 10"]);
        marks.is_cut();
        marks.show(&message("red", 11));
        assert_eq!(told(&mut marks), [""; 0]);
        marks.begin(&sync(), false);
        assert_eq!(told(&mut marks), ["#red 11"]);
    }

    #[test]
    fn the_server_is_told_in_a_quiet_moment_and_not_too_often() {
        let mut marks = Marks::default();
        marks.show(&message("red", 1));
        assert_eq!(marks.due(), None, "the server may keep no marks");
        marks.begin(&sync(), true);
        let (first, _) = marks.news.unwrap();
        assert_eq!(marks.due(), Some(first + QUIET));
        marks.news = Some((first, first + EVERY));
        assert_eq!(marks.due(), Some(first + EVERY), "it does not wait for ever");
        assert_eq!(told(&mut marks), ["#red 1"]);
        assert_eq!(marks.due(), None);
        marks.put_back("#red".parse().unwrap(), MessageId(1));
        assert_eq!(marks.due(), marks.told.map(|told| told + EVERY));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut marks = Marks::default();
        marks.begin(&sync(), false);
        (0..2 * MARKS_MAX as u64).for_each(|number| marks.show(&message(&format!("room{number}"), 1)));
        assert_eq!(marks.shown.len(), MARKS_MAX);
        marks.show(&message("room0", 2));
        let told = told(&mut marks);
        assert_eq!((told.len(), told[0].as_str()), (AT_ONCE, "#room0 2"));
    }

    /// Where bob and eve, whom the user follows, have said something that is unread.
    fn unread() -> Sync {
        let json = r#"{"type":"sync","current":"red","rooms":[],"directs":[{"user":"bob","last":9,"read":0,"unread":1}],"feeds":[{"user":"eve","epoch":"0000000000000001","last":9,"read":0,"unread":1}],"inbox":{"epoch":"0000000000000001","last":9},"lost":[]}"#;
        let Event::Sync(sync) = event(json) else { panic!("{json}") };
        *sync
    }

    /// An event of this kind, number 10 of its log, by bob.
    fn tenth(kind: &str, rest: &str) -> Event {
        event(&format!(r#"{{"type":"{kind}","id":10,"time":"2026-01-01T10:00:00Z","from":"bob",{rest}}}"#))
    }

    #[test]
    fn whatever_has_a_number_is_read_once_it_is_shown() {
        let action = r#""room":"red","action":"kick","user":"eve","until":null,"reason":"""#;
        let cases = [
            (tenth("publication", r#""text":"x""#), "+bob 10"),
            (tenth("direct", r#""text":"x""#), "@bob 10"),
            (tenth("invited", r#""room":"red""#), "@bob 10"),
            (tenth("edited", r#""room":"red","of":7,"text":"x""#), "#red 10"),
            (tenth("removed", r#""room":"red","of":7,"reason":"""#), "#red 10"),
            (tenth("topic", r#""room":"red","text":"x""#), "#red 10"),
            (tenth("moderated", action), "#red 10"),
        ];
        for (event, expected) in cases {
            let mut marks = Marks::default();
            marks.begin(&sync(), true);
            marks.show(&event);
            assert_eq!(told(&mut marks), [expected], "{event:?}");
        }
    }

    #[test]
    fn of_a_page_the_newest_entry_counts_and_a_mark_never_moves_back() {
        let old = |id| format!(r#"{{"id":{id},"time":"2026-01-01T10:00:00Z","from":"bob","text":"x"}}"#);
        let history = format!(r#"{{"type":"history","room":"blue","messages":[{},{}]}}"#, old(8), old(12));
        let publication = |id| old(id).replacen('{', r#"{"type":"publication","#, 1);
        let entries = format!("{},{}", publication(8), publication(12));
        let backlog = format!(
            r#"{{"type":"backlog","target":"+bob","epoch":"0000000000000001","entries":[{entries}],"more":false}}"#
        );
        let mut marks = Marks::default();
        marks.begin(&sync(), true);
        marks.show(&event(&history));
        marks.show(&event(&backlog));
        marks.put_back("+bob".parse().unwrap(), MessageId(9));
        assert_eq!(told(&mut marks), ["#blue 12", "+bob 12"]);
    }

    #[test]
    fn what_was_told_by_its_number_only_is_not_read_before_the_user_looks() {
        let mut marks = Marks::default();
        marks.begin(&unread(), true);
        marks.show(&tenth("direct", r#""text":"x""#));
        marks.show(&event(r#"{"type":"publication","id":10,"time":"2026-01-01T10:00:00Z","from":"eve","text":"x"}"#));
        assert_eq!(told(&mut marks), [""; 0]);
        let entry = r#"{"type":"direct","id":9,"time":"2026-01-01T10:00:00Z","from":"bob","to":"ann","text":"x"}"#;
        marks.show(&event(&format!(r#"{{"type":"inbox","entries":[{entry}],"more":false}}"#)));
        assert_eq!(told(&mut marks), ["@bob 10"]);
        marks.look_into(&"+eve".parse().unwrap(), &[]);
        assert_eq!(told(&mut marks), ["+eve 10"]);
    }

    #[test]
    fn what_came_during_a_cut_is_shown_so_it_is_not_unseen() {
        let mut marks = Marks::default();
        marks.begin(&sync(), false);
        marks.show(&message("blue", 10));
        assert_eq!(told(&mut marks), ["#blue 10"]);
    }

    #[test]
    fn what_is_too_much_for_one_turn_has_the_next_one() {
        let mut marks = Marks::default();
        marks.begin(&sync(), false);
        (0..=AT_ONCE).for_each(|number| marks.show(&message(&format!("room{number:02}"), 1)));
        assert_eq!(told(&mut marks).len(), AT_ONCE);
        assert_eq!(marks.due(), marks.told.map(|told| told + EVERY));
        assert_eq!(told(&mut marks), [format!("#room{AT_ONCE} 1")]);
        assert_eq!(marks.due(), None);
    }
}
