//! What the user says, as lines that are carried out at most once: each has a key of its own, under which it is sent
//! again until it is answered; in a pipe the commands between them too, without a key. It must not send, print or wait.

use std::collections::VecDeque;

use parlor_proto::{Post, RoomName};

/// Maximum number of lines that have no answer yet.
const POSTS_MAX: usize = 1000;
/// Maximum number of bytes of them.
const BYTES_MAX: usize = 4 << 20;

/// Number of something that the user said in this run.
pub(super) type PostNumber = u64;

/// Something that the user said.
#[derive(Debug)]
struct Said {
    number: PostNumber,
    key: String,
    typed: String,
    place: Place,
    stage: Stage,
    /// Whether it goes out without its key: the server knows no keys, or takes no line that long.
    is_plain: bool,
    /// Whether it was sent over an earlier connection, or the store was away when it came.
    is_late: bool,
}

/// Where a line goes.
#[derive(Debug)]
enum Place {
    /// To the place that it names.
    Named,
    /// To the room that is the current one when it comes. `None` as long as the client does not know which that is.
    Current { room: Option<RoomName>, text: String },
    /// Nowhere: it is a command, or has no key for another reason. Whether it may be carried out twice.
    Command { is_harmless: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sent,
}

/// All that has no answer yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    said: VecDeque<Said>,
    next: PostNumber,
    bytes: usize,
    /// Whether the server has said that it knows no keys.
    is_without_keys: bool,
}

impl Outbox {
    /// Takes a line. `current` is the room to which a message goes, where that is certain. `None` if too much waits.
    pub(super) fn take(&mut self, typed: &str, post: &Post, current: Option<&RoomName>) -> Option<PostNumber> {
        let place = match post {
            Post::Message(text) => Place::Current { room: current.cloned(), text: text.as_str().to_owned() },
            Post::Say { .. } | Post::Publish(_) | Post::Msg { .. } | Post::Edit { .. } => Place::Named,
        };
        self.push(typed, place, self.is_without_keys)
    }

    /// Takes a line that goes out without a key. If it is harmless, it may be carried out twice. `None` if too much waits.
    pub(super) fn take_command(&mut self, typed: &str, is_harmless: bool) -> Option<PostNumber> {
        self.push(typed, Place::Command { is_harmless }, true)
    }

    fn push(&mut self, typed: &str, place: Place, is_plain: bool) -> Option<PostNumber> {
        if self.said.len() >= POSTS_MAX || self.bytes + typed.len() > BYTES_MAX {
            return None;
        }
        let (number, key, typed) = (self.next, new_key(), typed.to_owned());
        self.next += 1;
        self.bytes += typed.len();
        self.said.push_back(Said { number, key, typed, place, stage: Stage::Waiting, is_plain, is_late: false });
        Some(number)
    }

    /// The oldest line that has to be sent, in the form in which it is sent. It counts as sent from now on.
    pub(super) fn next_line(&mut self) -> Option<(PostNumber, String)> {
        let said = self.said.iter_mut().find(|said| said.stage == Stage::Waiting)?;
        said.stage = Stage::Sent;
        Some((said.number, said.line()))
    }

    /// Whether anything has to be sent.
    pub(super) fn is_waiting(&self) -> bool {
        self.said.iter().any(|said| said.stage == Stage::Waiting)
    }

    /// How many lines have no answer.
    pub(super) fn len(&self) -> usize {
        self.said.len()
    }

    /// A message went to this room.
    pub(super) fn went_to(&mut self, number: PostNumber, current: &RoomName) {
        if let Some(Said { place: Place::Current { room, .. }, .. }) = self.find(number)
            && room.is_none()
        {
            *room = Some(current.clone());
        }
    }

    /// The line is answered. Returns what was typed, if its answer comes later than the user expects.
    pub(super) fn answered(&mut self, number: PostNumber) -> Option<String> {
        let at = self.said.iter().position(|said| said.number == number)?;
        let said = self.said.remove(at)?;
        self.bytes -= said.typed.len();
        said.is_late.then_some(said.typed)
    }

    /// The store was away, so the line has to be sent again. Whether that is the first time.
    pub(super) fn put_back(&mut self, number: PostNumber) -> bool {
        let Some(said) = self.find(number) else { return false };
        said.stage = Stage::Waiting;
        !std::mem::replace(&mut said.is_late, true)
    }

    /// The server did not take the line with its key. Whether it can be sent without one.
    pub(super) fn put_back_plain(&mut self, number: PostNumber, knows_no_keys: bool) -> bool {
        let Some(said) = self.find(number).filter(|said| !said.is_plain) else { return false };
        let can_be_plain = !said.is_late;
        if can_be_plain {
            (said.is_plain, said.stage) = (true, Stage::Waiting);
        }
        self.is_without_keys |= knows_no_keys;
        can_be_plain
    }

    /// Whether nothing happens twice where the line is sent once more.
    pub(super) fn is_repeatable(&mut self, number: PostNumber) -> bool {
        self.find(number).is_some_and(|said| said.is_repeatable())
    }

    /// The server said that it carried out nothing of what has no answer.
    pub(super) fn put_all_back(&mut self) {
        self.said.iter_mut().for_each(|said| said.stage = Stage::Waiting);
    }

    /// The connection is lost: all that has a key is sent again over the next one. Returns what cannot be, since it may
    /// have been carried out already, or it is not certain to which room it went.
    pub(super) fn is_cut(&mut self) -> Vec<String> {
        self.is_without_keys = false;
        let (again, lost): (Vec<_>, Vec<_>) = self.said.drain(..).partition(Said::can_be_sent_again);
        self.bytes = again.iter().map(|said| said.typed.len()).sum();
        self.said = again.into();
        for said in &mut self.said {
            (said.stage, said.is_late) = (Stage::Waiting, true);
        }
        lost.into_iter().map(|said| said.typed).collect()
    }

    /// There is no next connection. Returns what has no answer.
    pub(super) fn give_up(&mut self) -> Vec<String> {
        self.bytes = 0;
        self.said.drain(..).map(|said| said.typed).collect()
    }

    fn find(&mut self, number: PostNumber) -> Option<&mut Said> {
        self.said.iter_mut().find(|said| said.number == number)
    }
}

impl Said {
    fn line(&self) -> String {
        match &self.place {
            _ if self.is_plain => self.typed.clone(),
            // When the line comes, the current room may be another one: of a later session, or since the user was
            // removed from this one.
            Place::Current { room: Some(room), text } => {
                format!("/once {} /say {room} {text}", self.key)
            }
            _ => format!("/once {} {}", self.key, self.typed),
        }
    }

    fn is_repeatable(&self) -> bool {
        match self.place {
            Place::Command { is_harmless } => is_harmless,
            Place::Named | Place::Current { .. } => !self.is_plain,
        }
    }

    fn can_be_sent_again(&self) -> bool {
        let is_certain = !matches!(self.place, Place::Current { room: None, .. });
        (self.stage == Stage::Waiting || self.is_repeatable()) && is_certain
    }
}

/// A key that no other line has.
fn new_key() -> String {
    format!("{:016x}{:016x}", crate::random(), crate::random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{Command, parse_command};

    fn take(outbox: &mut Outbox, typed: &str, current: Option<&str>) -> PostNumber {
        let Ok(Some(Command::Post { post, .. })) = parse_command(typed.as_bytes()) else { panic!("{typed}") };
        let current = current.map(|room| room.parse().unwrap());
        outbox.take(typed, &post, current.as_ref()).unwrap()
    }

    /// The next line, and its key.
    fn sent(outbox: &mut Outbox) -> Option<(String, String)> {
        let (_, line) = outbox.next_line()?;
        match line.strip_prefix("/once ").map(|rest| rest.split_once(' ').unwrap()) {
            Some((key, line)) => Some((line.to_owned(), key.to_owned())),
            None => Some((line, String::new())),
        }
    }

    #[test]
    fn each_line_has_its_own_key_and_keeps_it() {
        let mut outbox = Outbox::default();
        for typed in ["hello", "//me", "/msg bob hi"] {
            take(&mut outbox, typed, Some("red"));
        }
        let first: Vec<_> = std::iter::from_fn(|| sent(&mut outbox)).collect();
        let lines: Vec<_> = first.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, ["/say red hello", "/say red /me", "/msg bob hi"]);
        assert_ne!(first[0].1, first[1].1);
        assert_eq!(outbox.is_cut(), [""; 0]);
        let again: Vec<_> = std::iter::from_fn(|| sent(&mut outbox)).collect();
        let lines: Vec<_> = again.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, ["/say red hello", "/say red /me", "/msg bob hi"]);
        assert!(first.iter().zip(&again).all(|((_, key), (_, same))| key == same));
    }

    #[test]
    fn a_message_is_said_to_its_room_to_the_letter() {
        for typed in ["hello", "  indented", "blank behind ", "//me", "a\tb", "\u{feff}mark", "\u{a0}wide"] {
            let Ok(Some(Command::Post { post: Post::Message(text), .. })) = parse_command(typed.as_bytes()) else {
                panic!("{typed}")
            };
            let mut outbox = Outbox::default();
            take(&mut outbox, typed, Some("red"));
            let (line, _) = sent(&mut outbox).unwrap();
            let said = Post::Say { room: "red".parse().unwrap(), text };
            assert_eq!(parse_command(line.as_bytes()), Ok(Some(Command::Post { post: said, once: None })), "{typed}");
        }
    }

    #[test]
    fn what_is_answered_is_not_sent_again() {
        let mut outbox = Outbox::default();
        let (one, two) = (take(&mut outbox, "one", Some("red")), take(&mut outbox, "two", Some("red")));
        while sent(&mut outbox).is_some() {}
        assert_eq!(outbox.answered(one), None, "the answer came at once");
        assert!(outbox.put_back(two));
        assert_eq!(sent(&mut outbox).unwrap().0, "/say red two");
        assert!(!outbox.put_back(two));
        sent(&mut outbox);
        assert_eq!(outbox.answered(two).as_deref(), Some("two"));
        assert_eq!((outbox.len(), outbox.bytes, sent(&mut outbox)), (0, 0, None));
    }

    #[test]
    fn a_server_that_knows_no_keys_gets_plain_lines_and_none_twice() {
        let mut outbox = Outbox::default();
        let first = take(&mut outbox, "one", Some("red"));
        sent(&mut outbox);
        assert!(outbox.put_back_plain(first, true));
        assert_eq!(sent(&mut outbox).unwrap(), ("one".to_owned(), String::new()));
        assert!(!outbox.put_back_plain(first, true), "it is no answer to a plain line");
        take(&mut outbox, "two", Some("red"));
        assert_eq!(sent(&mut outbox).unwrap().0, "two");
        assert_eq!(outbox.is_cut(), ["one", "two"]);
        take(&mut outbox, "three", Some("red"));
        assert_ne!(sent(&mut outbox).unwrap().1, "", "the next server may know them");
    }

    #[test]
    fn a_line_whose_room_is_not_certain_is_not_sent_again() {
        let mut outbox = Outbox::default();
        let known = take(&mut outbox, "known", None);
        take(&mut outbox, "unknown", None);
        while sent(&mut outbox).is_some() {}
        outbox.went_to(known, &"blue".parse().unwrap());
        assert_eq!(outbox.is_cut(), ["unknown"]);
        assert_eq!(sent(&mut outbox).unwrap().0, "/say blue known");
    }

    #[test]
    fn a_command_is_sent_again_as_it_is_where_that_does_no_harm() {
        let mut outbox = Outbox::default();
        let sends =
            |outbox: &mut Outbox| -> Vec<_> { std::iter::from_fn(|| sent(outbox)).map(|sent| sent.0).collect() };
        let lines = [("/who", true), ("/subscribe bob", false)];
        let numbers = lines.map(|(line, is_harmless)| outbox.take_command(line, is_harmless).unwrap());
        take(&mut outbox, "hello", Some("red"));
        assert_eq!(sends(&mut outbox), ["/who", "/subscribe bob", "/say red hello"]);
        assert_eq!(numbers.map(|number| outbox.is_repeatable(number)), [true, false]);
        assert!(!outbox.put_back_plain(numbers[0], true), "it never had a key");
        outbox.put_all_back();
        assert_eq!((outbox.is_cut(), sends(&mut outbox).len()), (vec![], 3));
        assert_eq!(outbox.is_cut(), ["/subscribe bob"]);
        assert_eq!(sends(&mut outbox), ["/who", "/say red hello"]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::default();
        let post = Post::Message(parlor_proto::Text::sanitise("x").unwrap());
        (0..POSTS_MAX).for_each(|_| assert!(outbox.take("x", &post, None).is_some()));
        assert_eq!(outbox.take("x", &post, None), None);
    }

    #[test]
    fn the_bytes_that_wait_are_bounded_and_what_leaves_makes_room() {
        let (mut outbox, quarter) = (Outbox::default(), "x".repeat(BYTES_MAX / 4));
        let fill = |outbox: &mut Outbox, count: usize| -> Vec<_> {
            let numbers = (0..count).map(|_| outbox.take_command(&quarter, false).unwrap()).collect();
            assert_eq!(outbox.take_command("x", false), None);
            numbers
        };
        let numbers = fill(&mut outbox, 4);
        outbox.answered(numbers[0]);
        fill(&mut outbox, 1);
        assert_eq!(outbox.next_line().map(|(number, _)| number), Some(numbers[1]));
        assert_eq!(outbox.is_cut().len(), 1, "it may have been carried out");
        fill(&mut outbox, 1);
        assert_eq!(outbox.give_up().len(), 4);
        fill(&mut outbox, 4);
    }

    #[test]
    fn a_line_that_may_have_been_said_under_its_key_is_not_said_without_one() {
        let mut outbox = Outbox::default();
        let number = take(&mut outbox, "hello", Some("red"));
        sent(&mut outbox);
        assert_eq!(outbox.is_cut(), [""; 0]);
        sent(&mut outbox);
        assert!(!outbox.put_back_plain(number, true));
        assert_eq!(outbox.answered(number).as_deref(), Some("hello"), "its answer comes late");
    }

    #[test]
    fn a_line_that_is_too_long_for_its_key_leaves_the_others_theirs() {
        let mut outbox = Outbox::default();
        let long = take(&mut outbox, "long", Some("red"));
        sent(&mut outbox);
        assert!(outbox.put_back_plain(long, false));
        assert_eq!(sent(&mut outbox).unwrap(), ("long".to_owned(), String::new()));
        take(&mut outbox, "short", Some("red"));
        assert_ne!(sent(&mut outbox).unwrap().1, "");
    }

    #[test]
    fn a_message_stays_with_the_room_for_which_it_was_typed() {
        let mut outbox = Outbox::default();
        let number = take(&mut outbox, "hello", Some("red"));
        outbox.went_to(number, &"blue".parse().unwrap());
        assert_eq!(sent(&mut outbox).unwrap().0, "/say red hello");
    }
}
