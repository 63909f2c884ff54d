//! The lines that were sent and have no answer, oldest first: replies come in the order of the lines. It must not send
//! or show anything.

use std::collections::VecDeque;
use std::fmt;

use parlor_proto::{Event, HISTORY_MAX, MessageId, RoomName, Target, Verb};

use super::once::PostNumber;
use crate::events::{Incoming, UnknownEvent};

/// Lines without an answer that are remembered. A server that leaves more of them open answers none.
const OPEN_MAX: usize = 20_000;

/// A line of the client itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    Join(RoomName),
    Sync,
    Open(RoomName),
    Switch(RoomName),
    Close(RoomName),
    /// What was missed first in a room, before anything is said there.
    Look(RoomName, MessageId),
    /// What was missed.
    Page(Target),
    /// The newest publication of a user.
    Newest(Target),
    /// The user has read up to here.
    Read(Target, MessageId),
}

impl fmt::Display for Question {
    /// The line, as far as it stands without numbers.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join(room) => write!(out, "/join {room}"),
            Self::Sync => out.write_str("/sync"),
            Self::Open(room) => write!(out, "/open {room}"),
            Self::Switch(room) => write!(out, "/switch {room}"),
            Self::Close(room) => write!(out, "/close {room}"),
            Self::Look(room, after) => write!(out, "/backlog #{room} after {after} {HISTORY_MAX}"),
            Self::Page(target) => write!(out, "/backlog {target}"),
            Self::Newest(target) => write!(out, "/backlog {target} 1"),
            Self::Read(target, id) => write!(out, "/read {target} {id}"),
        }
    }
}

/// A line that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// A command of the user; `None` is one that this version does not know.
    Typed(Option<Verb>),
    /// Something that the user said.
    Post(PostNumber),
    Own(Question),
}

/// All lines without an answer.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    /// A line is being sent.
    pub(super) fn add(&mut self, request: Request) {
        if self.0.len() == OPEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// The last line was not sent after all.
    pub(super) fn take_back(&mut self) {
        self.0.pop_back();
    }

    /// The connection is lost. Returns the marks that have no answer.
    pub(super) fn clear(&mut self) -> Vec<(Target, MessageId)> {
        let marks = self.0.drain(..).filter_map(|request| match request {
            Request::Own(Question::Read(target, id)) => Some((target, id)),
            _ => None,
        });
        marks.collect()
    }

    /// The line that this answers, if it answers any.
    pub(super) fn answered(&mut self, incoming: &Incoming) -> Option<Request> {
        let at = self.0.iter().position(|request| is_answer(incoming, request))?;
        self.0.drain(..at);
        self.0.pop_front()
    }

    /// Whether a line that may change the current room has no answer.
    pub(super) fn is_moving(&self) -> bool {
        self.0.iter().any(Request::is_move)
    }

    /// What the user said behind the last answer and before the next change of the room.
    pub(super) fn said_here(&self) -> impl Iterator<Item = PostNumber> {
        self.0.iter().take_while(|request| !request.is_move()).filter_map(|request| match request {
            Request::Post(number) => Some(*number),
            _ => None,
        })
    }
}

impl Request {
    fn is_move(&self) -> bool {
        match self {
            Self::Typed(verb) => matches!(verb, Some(Verb::Join | Verb::Leave | Verb::Close | Verb::Switch)),
            Self::Own(question) => {
                matches!(question, Question::Join(_) | Question::Switch(_) | Question::Close(_))
            }
            Self::Post(_) => false,
        }
    }
}

/// Whether this can be the answer to the line.
fn is_answer(incoming: &Incoming, request: &Request) -> bool {
    let event = match incoming {
        Incoming::Event { event, .. } => event,
        Incoming::Unknown(UnknownEvent { kind, .. }) => {
            return *request == Request::Typed(None) && matches!(kind.as_str(), "ok" | "error");
        }
    };
    match event {
        // Whatever could not be read has no command.
        Event::Error { command: None, .. } => true,
        Event::Error { command: Some(verb), .. } => is_of(*verb, request),
        other => answers(other).is_some_and(|verb| is_of(verb, request)),
    }
}

fn is_of(verb: Verb, request: &Request) -> bool {
    match request {
        Request::Typed(typed) => *typed == Some(verb),
        Request::Post(_) => {
            matches!(verb, Verb::Message | Verb::Say | Verb::Publish | Verb::Msg | Verb::Edit | Verb::Once)
        }
        Request::Own(Question::Join(_)) => verb == Verb::Join,
        Request::Own(Question::Sync) => verb == Verb::Sync,
        Request::Own(Question::Open(_)) => verb == Verb::Open,
        Request::Own(Question::Switch(_)) => verb == Verb::Switch,
        Request::Own(Question::Close(_)) => verb == Verb::Close,
        Request::Own(Question::Page(_)) => matches!(verb, Verb::Backlog | Verb::History),
        Request::Own(Question::Look(..) | Question::Newest(_)) => verb == Verb::Backlog,
        Request::Own(Question::Read(..)) => verb == Verb::Read,
    }
}

/// The command that an event answers; `None` if others caused it.
fn answers(event: &Event) -> Option<Verb> {
    Some(match event {
        Event::Ok(reply) => reply.verb(),
        Event::Pong { .. } => Verb::Ping,
        Event::Help { .. } => Verb::Help,
        Event::Rooms { .. } => Verb::Rooms,
        Event::Users { .. } => Verb::Who,
        Event::History { .. } => Verb::History,
        Event::Subscriptions { .. } => Verb::Subscriptions,
        Event::Subscribers { .. } => Verb::Subscribers,
        Event::Blocks { .. } => Verb::Blocks,
        Event::Tickets { .. } => Verb::Tickets,
        Event::Invitations { .. } => Verb::Invitations,
        Event::Hooks { .. } => Verb::Hooks,
        Event::Sync(_) => Verb::Sync,
        Event::Backlog { .. } => Verb::Backlog,
        Event::Inbox { .. } => Verb::Inbox,
        Event::Message { .. } | Event::Publication { .. } | Event::Direct { .. } | Event::Notice { .. } => return None,
        Event::Room(_) => Verb::Room,
        Event::Edited { .. } | Event::Removed { .. } | Event::Topic { .. } | Event::Moderated { .. } => return None,
        Event::Invited(_) | Event::Moved { .. } => return None,
        Event::Joined { .. } | Event::Left { .. } | Event::Hello { .. } => return None,
        Event::Reconnect { .. } | Event::Bye { .. } => return None,
        Event::Error { command, .. } => return *command,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(line: &str) -> Incoming {
        Incoming::parse(line.to_owned())
    }

    #[test]
    fn each_reply_answers_the_oldest_line_that_it_fits() {
        let mut requests = Requests::default();
        let page = Request::Own(Question::Page("#red".parse().unwrap()));
        let sent = [Request::Post(7), Request::Typed(Some(Verb::History)), page.clone(), Request::Typed(None)];
        sent.iter().for_each(|request| requests.add(request.clone()));
        let message = r#"{"type":"message","room":"red","id":1,"time":"2026-01-01T10:00:00Z","from":"bob","text":"x"}"#;
        assert_eq!(requests.answered(&came(message)), None);
        let said = r#"{"type":"ok","command":"message","room":"red","id":2}"#;
        assert_eq!(requests.answered(&came(said)), Some(Request::Post(7)));
        assert_eq!(requests.answered(&came(said)), None, "there is no other line that it fits");
        let history = r#"{"type":"history","room":"red","messages":[]}"#;
        assert_eq!(requests.answered(&came(history)), Some(Request::Typed(Some(Verb::History))));
        assert_eq!(requests.answered(&came(history)), Some(page));
        assert_eq!(requests.answered(&came(r#"{"type":"ok","command":"dance"}"#)), Some(Request::Typed(None)));
    }

    #[test]
    fn an_error_without_a_command_answers_the_oldest_line() {
        let mut requests = Requests::default();
        requests.add(Request::Own(Question::Sync));
        requests.add(Request::Post(0));
        let unknown = r#"{"type":"error","code":"unknown-command","message":"No","command":null}"#;
        assert_eq!(requests.answered(&came(unknown)), Some(Request::Own(Question::Sync)));
        assert_eq!(requests.answered(&came(unknown)), Some(Request::Post(0)));
    }

    #[test]
    fn what_is_said_before_the_room_changes() {
        let mut requests = Requests::default();
        for request in [Request::Post(1), Request::Typed(Some(Verb::Who)), Request::Post(2)] {
            requests.add(request);
        }
        assert!(!requests.is_moving());
        requests.add(Request::Typed(Some(Verb::Join)));
        requests.add(Request::Post(3));
        assert!(requests.is_moving());
        assert_eq!(requests.said_here().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn whatever_changes_the_room_parts_what_is_said_before_from_what_is_said_behind() {
        let red = || "red".parse().unwrap();
        let typed = [Verb::Join, Verb::Leave, Verb::Close, Verb::Switch].map(|verb| Request::Typed(Some(verb)));
        let own = [Question::Join(red()), Question::Switch(red()), Question::Close(red())].map(Request::Own);
        let still = [Request::Typed(Some(Verb::Open)), Request::Typed(None), Request::Own(Question::Open(red()))];
        let moves = typed.into_iter().chain(own).map(|request| (request, true));
        for (request, is_move) in moves.chain(still.map(|request| (request, false))) {
            let mut requests = Requests::default();
            requests.add(request.clone());
            requests.add(Request::Post(1));
            let said: Vec<_> = requests.said_here().collect();
            let expected = if is_move { vec![] } else { vec![1] };
            assert_eq!((requests.is_moving(), said), (is_move, expected), "{request:?}");
        }
    }

    #[test]
    fn what_says_something_is_answered_by_the_reply_to_its_command() {
        let replies = [
            r#"{"type":"ok","command":"publish","id":2}"#,
            r#"{"type":"ok","command":"msg","user":"bob","id":2}"#,
            r#"{"type":"ok","command":"edit","room":"red","id":2,"of":1}"#,
            r#"{"type":"error","code":"unknown-room","message":"No","command":"say"}"#,
            r#"{"type":"error","code":"bad-argument","message":"No","command":"once"}"#,
        ];
        for reply in replies {
            let mut requests = Requests::default();
            requests.add(Request::Post(3));
            assert_eq!(requests.answered(&came(r#"{"type":"subscriptions","users":[]}"#)), None);
            let other = r#"{"type":"error","code":"in-lobby","message":"No","command":"leave"}"#;
            assert_eq!(requests.answered(&came(other)), None, "it is about another command");
            assert_eq!(requests.answered(&came(reply)), Some(Request::Post(3)), "{reply}");
        }
    }

    #[test]
    fn each_question_of_the_client_is_answered_by_its_own_reply() {
        let backlog = r##"{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":[],"more":false}"##;
        let read = r##"{"type":"ok","command":"read","target":"#red","id":7}"##;
        let red: Target = "#red".parse().unwrap();
        let asked = [
            (Question::Look("red".parse().unwrap(), MessageId(7)), backlog),
            (Question::Newest("+bob".parse().unwrap()), backlog),
            (Question::Page(red.clone()), backlog),
            (Question::Read(red, MessageId(7)), read),
        ];
        for (question, reply) in asked {
            let mut requests = Requests::default();
            requests.add(Request::Own(question.clone()));
            let other = if reply == read { backlog } else { read };
            assert_eq!(requests.answered(&came(other)), None, "{question}");
            assert_eq!(requests.answered(&came(reply)), Some(Request::Own(question)));
        }
    }

    #[test]
    fn an_answer_to_a_later_line_leaves_none_before_it_open() {
        let mut requests = Requests::default();
        requests.add(Request::Typed(Some(Verb::Who)));
        requests.add(Request::Post(1));
        let said = r#"{"type":"ok","command":"message","room":"red","id":2}"#;
        assert_eq!(requests.answered(&came(said)), Some(Request::Post(1)));
        assert_eq!(requests.answered(&came(r#"{"type":"users","room":"red","users":[]}"#)), None);
    }

    #[test]
    fn news_of_a_newer_server_answers_nothing() {
        let mut requests = Requests::default();
        requests.add(Request::Typed(None));
        assert_eq!(requests.answered(&came(r#"{"type":"weather","sun":true}"#)), None);
    }

    #[test]
    fn a_line_that_was_not_sent_has_no_answer_and_a_cut_brings_the_marks_back() {
        let mut requests = Requests::default();
        let (red, bob): (Target, Target) = ("#red".parse().unwrap(), "@bob".parse().unwrap());
        requests.add(Request::Own(Question::Read(red.clone(), MessageId(7))));
        requests.add(Request::Post(1));
        requests.add(Request::Own(Question::Read(bob, MessageId(8))));
        requests.take_back();
        assert_eq!(requests.clear(), [(red, MessageId(7))]);
        assert_eq!(requests.clear(), []);
    }

    #[test]
    fn what_a_server_leaves_without_an_answer_is_bounded() {
        let mut requests = Requests::default();
        (0..=OPEN_MAX as u64).for_each(|number| requests.add(Request::Post(number)));
        assert_eq!((requests.0.len(), requests.said_here().next()), (OPEN_MAX, Some(1)));
    }

    #[test]
    fn each_list_answers_its_own_command() {
        let info = r#"{"type":"room","room":"red","topic":"","access":"public","post":"everyone","owner":null,"moderators":[],"role":"member","created":null}"#;
        let sync = r#"{"type":"sync","current":"red","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
        let backlog = r##"{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":[],"more":false}"##;
        let lists = [
            (Verb::Ping, r#"{"type":"pong","token":null}"#),
            (Verb::Help, r#"{"type":"help","commands":[]}"#),
            (Verb::Rooms, r#"{"type":"rooms","rooms":[]}"#),
            (Verb::Who, r#"{"type":"users","room":"red","users":[]}"#),
            (Verb::History, r#"{"type":"history","room":"red","messages":[]}"#),
            (Verb::Subscriptions, r#"{"type":"subscriptions","users":[]}"#),
            (Verb::Subscribers, r#"{"type":"subscribers","users":[]}"#),
            (Verb::Blocks, r#"{"type":"blocks","users":[]}"#),
            (Verb::Tickets, r#"{"type":"tickets","tickets":[]}"#),
            (Verb::Invitations, r#"{"type":"invitations","invitations":[]}"#),
            (Verb::Hooks, r#"{"type":"hooks","room":"red","hooks":[]}"#),
            (Verb::Sync, sync),
            (Verb::Backlog, backlog),
            (Verb::Inbox, r#"{"type":"inbox","entries":[],"more":false}"#),
            (Verb::Room, info),
        ];
        for (verb, _) in lists {
            let mut requests = Requests::default();
            requests.add(Request::Typed(Some(verb)));
            let answered: Vec<_> = lists.iter().filter(|(_, json)| requests.answered(&came(json)).is_some()).collect();
            assert_eq!(answered.iter().map(|(verb, _)| *verb).collect::<Vec<_>>(), [verb]);
        }
    }
}
