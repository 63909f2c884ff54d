//! The rooms of a session, and the steps by which a new session gets those of the session before. It must not send,
//! print or wait.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use parlor_proto::{
    Action, Event, LogEntry, LostRoom, MessageId, ModerationEntry, RefusalCode, Reply, RoomName, UserName,
};

use super::requests::Question;

/// Pause before a step is tried again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of repeats while the store is unreachable. The server may need some seconds for each answer.
const REPEATS: u32 = 5;

/// The rooms where a user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rooms {
    pub(super) open: BTreeSet<RoomName>,
    /// Where plain lines go; `None` if the user has not said where they want to be.
    pub(super) current: Option<RoomName>,
    /// The room that was entered last by `/join`: the server does not remember it.
    joined: Option<RoomName>,
}

impl Rooms {
    /// Those of a session that begins in this room.
    pub(super) fn only(room: &RoomName) -> Self {
        Self { open: [room.clone()].into(), current: Some(room.clone()), joined: None }
    }

    /// For a user who wants to enter this room first.
    pub(super) fn wanted(room: Option<&RoomName>) -> Self {
        Self { open: BTreeSet::new(), current: room.cloned(), joined: room.cloned() }
    }

    /// Applies an event. Whether it answers a command that moves the user or their lines; `me` is the user.
    pub(super) fn note(&mut self, event: &Event, me: &UserName) -> bool {
        if let Some(room) = removed_from(event, me) {
            // If this room is the current one, the next event says which one takes its place.
            self.open.remove(room);
            self.joined.take_if(|joined| joined == room);
            return false;
        }
        match event {
            Event::Ok(Reply::Join { room, .. }) => {
                self.go(room, None);
                self.joined = Some(room.clone());
            }
            Event::Ok(Reply::Leave { left, room, .. }) => self.go(room, Some(left)),
            Event::Ok(Reply::Close { room, current }) => {
                self.open.remove(room);
                self.open.insert(current.clone());
                self.current = Some(current.clone());
            }
            Event::Ok(Reply::Switch { room }) => self.current = Some(room.clone()),
            Event::Ok(Reply::Open { room, .. }) => {
                self.open.insert(room.clone());
                return false;
            }
            Event::Sync(sync) => {
                self.open = sync.rooms.iter().map(|room| room.room.clone()).collect();
                self.current = Some(sync.current.clone());
                return false;
            }
            Event::Moved { room, .. } => {
                self.go(room, None);
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Out of `left`, or out of the current room, and to another.
    fn go(&mut self, room: &RoomName, left: Option<&RoomName>) {
        if let Some(left) = left.or(self.current.as_ref()) {
            self.open.remove(left);
        }
        self.open.insert(room.clone());
        self.current = Some(room.clone());
    }
}

/// The room from which the user was removed by others, if an event says so.
pub(super) fn removed_from<'a>(event: &'a Event, me: &UserName) -> Option<&'a RoomName> {
    match event {
        Event::Moderated {
            room,
            entry: ModerationEntry { action: Action::Kick | Action::Ban, user: Some(user), .. },
        } if user == me => Some(room),
        _ => None,
    }
}

/// What says that the user was removed from a room by others, if these entries of its log do and the user said nothing
/// there after that.
pub(super) fn removal_in<'a>(entries: &'a [LogEntry], me: &UserName) -> Option<&'a ModerationEntry> {
    let last = entries.iter().rev().find(|entry| entry.from() == me || removes(entry, me))?;
    match last {
        LogEntry::Moderated(entry) if removes(last, me) => Some(entry),
        _ => None,
    }
}

fn removes(entry: &LogEntry, me: &UserName) -> bool {
    match entry {
        LogEntry::Moderated(ModerationEntry { action: Action::Kick | Action::Ban, user, .. }) => {
            user.as_ref() == Some(me)
        }
        _ => false,
    }
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next step.
    GoOn,
    /// The same step, after a pause.
    Again,
    /// Another session, after a longer pause: as long as it is not known where everything stands, nothing can be told
    /// from what was missed.
    Reconnect,
}

/// The way from the rooms at login to those that the user wants.
#[derive(Debug)]
pub(super) struct Restore {
    goal: Rooms,
    /// The room in which every session begins.
    lobby: RoomName,
    steps: VecDeque<Question>,
    /// The rooms that could not be entered.
    refused: BTreeSet<RoomName>,
    /// Those of them where the user is not wanted any more.
    barred: BTreeSet<RoomName>,
    repeats_left: u32,
    /// Whether the steps are others once the next room is left.
    is_outdated: bool,
    /// Whether the server knows `/sync`, once it has answered it.
    pub(super) knows_sync: bool,
}

impl Restore {
    pub(super) fn new(goal: &Rooms, lobby: &RoomName) -> Self {
        let goal = goal.clone();
        let is_wanted = |room: &&RoomName| goal.open.contains(*room) || goal.current.as_ref() == Some(*room);
        let join = goal.joined.as_ref().filter(is_wanted).filter(|room| *room != lobby);
        let steps = join.cloned().map(Question::Join).into_iter().chain([Question::Sync]).collect();
        let (lobby, refused, barred) = (lobby.clone(), BTreeSet::new(), BTreeSet::new());
        Self { goal, lobby, steps, refused, barred, repeats_left: REPEATS, is_outdated: false, knows_sync: true }
    }

    /// The same without the rooms that the server remembers.
    pub(super) fn of_session(goal: &Rooms, lobby: &RoomName) -> Self {
        let mut restore = Self::new(goal, lobby);
        restore.steps.retain(|step| *step != Question::Sync);
        let first = restore.steps.front().and_then(|step| match step {
            Question::Join(room) => Some(room.clone()),
            _ => None,
        });
        restore.plan(&Rooms::only(&first.unwrap_or_else(|| lobby.clone())));
        restore
    }

    /// The room where the user wants to be, if it is not the one where every session begins.
    pub(super) fn destination(&self) -> Option<&RoomName> {
        self.goal.current.as_ref().filter(|room| **room != self.lobby)
    }

    /// The next step. `None` once all are done.
    pub(super) fn step(&self) -> Option<&Question> {
        self.steps.front()
    }

    /// The answer to the step came; `now` are the rooms behind it.
    pub(super) fn answered(&mut self, event: &Event, now: &Rooms) -> Then {
        let is_away = matches!(event, Event::Error { code: RefusalCode::StoreUnavailable, .. });
        if is_away && self.repeats_left > 0 {
            self.repeats_left -= 1;
            return Then::Again;
        }
        if is_away && self.step() == Some(&Question::Sync) {
            return Then::Reconnect;
        }
        let is_refused = matches!(event, Event::Error { .. });
        match self.steps.pop_front() {
            Some(Question::Sync) if is_refused => self.knows_sync = false,
            Some(Question::Sync) => {
                if let Event::Sync(sync) = event {
                    sync.lost.iter().for_each(|lost| self.bar(&lost.room));
                }
                self.plan(now);
            }
            Some(Question::Close(_)) if std::mem::take(&mut self.is_outdated) => self.plan(now),
            Some(Question::Join(room) | Question::Open(room)) if is_barred(event) => self.bar(&room),
            Some(Question::Join(room) | Question::Open(room)) if is_refused => {
                self.refused.insert(room);
            }
            _ => {}
        }
        Then::GoOn
    }

    /// The user is not wanted in this room: it is not entered again.
    pub(super) fn bar(&mut self, room: &RoomName) {
        self.refused.insert(room.clone());
        self.barred.insert(room.clone());
    }

    /// Entries of a room were missed, from `after` on. They come before all else, since they may say that the user was removed.
    pub(super) fn look_into(&mut self, room: RoomName, after: MessageId) {
        self.steps.push_front(Question::Look(room, after));
    }

    /// The user was removed from this room while there was no connection, so it is left.
    pub(super) fn leave(&mut self, room: &RoomName) {
        self.bar(room);
        self.steps.retain(|step| matches!(step, Question::Look(..)));
        self.steps.push_front(Question::Close(room.clone()));
        self.is_outdated = true;
    }

    /// Whether the user is not wanted in this room any more.
    pub(super) fn is_barred(&self, room: &RoomName) -> bool {
        self.barred.contains(room)
    }

    /// The rooms that the server does not open again, without those that it has refused before.
    pub(super) fn newly_lost(&self, lost: &[LostRoom]) -> Vec<LostRoom> {
        lost.iter().filter(|lost| !self.refused.contains(&lost.room)).cloned().collect()
    }

    /// The remembered rooms are open again: what else is there to do.
    fn plan(&mut self, now: &Rooms) {
        let missing = self.goal.open.difference(&now.open).filter(|room| !self.refused.contains(*room));
        self.steps.extend(missing.cloned().map(Question::Open));
        let Some(current) = self.goal.current.clone().filter(|room| !self.refused.contains(room)) else { return };
        if now.current.as_ref() != Some(&current) {
            self.steps.push_back(Question::Switch(current.clone()));
        }
        let is_lobby_wanted = current == self.lobby || self.goal.open.contains(&self.lobby);
        if !is_lobby_wanted && !self.goal.open.is_empty() && now.open.contains(&self.lobby) {
            self.steps.push_back(Question::Close(self.lobby.clone()));
        }
    }
}

/// Whether another attempt to enter the room ends like this one.
fn is_barred(event: &Event) -> bool {
    matches!(event, Event::Error { code: RefusalCode::Banned | RefusalCode::InviteOnly, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{Epoch, MessageId, Verb};

    fn room(name: &str) -> RoomName {
        name.parse().unwrap()
    }

    fn me() -> UserName {
        "ann".parse().unwrap()
    }

    fn joined(name: &str) -> Event {
        Reply::Join { room: room(name), members: 1, epoch: Epoch(1), last: MessageId(0) }.into()
    }

    fn opened(name: &str) -> Event {
        let topic = parlor_proto::Note::default();
        Reply::Open { room: room(name), members: 1, epoch: Epoch(1), last: MessageId(0), topic }.into()
    }

    fn switched(name: &str) -> Event {
        Reply::Switch { room: room(name) }.into()
    }

    fn refusal(code: RefusalCode) -> Event {
        Event::Error { command: Some(Verb::Join), code, message: String::new() }
    }

    /// The rooms after these answers in a session.
    fn after(events: &[Event]) -> Rooms {
        let mut rooms = Rooms::only(&room("lobby"));
        for event in events {
            rooms.note(event, &me());
        }
        rooms
    }

    /// What a new session says to get to the rooms, where the server remembers `remembered`.
    fn steps(goal: &Rooms, remembered: &[&str]) -> Vec<String> {
        let lobby = room("lobby");
        let (mut restore, mut now, mut said) = (Restore::new(goal, &lobby), Rooms::only(&lobby), Vec::new());
        while let Some(step) = restore.step().cloned() {
            let event = match &step {
                Question::Join(room) => joined(room.as_str()),
                Question::Open(room) => opened(room.as_str()),
                Question::Switch(room) => switched(room.as_str()),
                Question::Close(lobby) => {
                    Reply::Close { room: lobby.clone(), current: now.current.clone().unwrap() }.into()
                }
                _ => {
                    now.open.extend(remembered.iter().map(|name| room(name)));
                    Event::Pong { token: None }
                }
            };
            now.note(&event, &me());
            said.push(step.to_string());
            assert_eq!(restore.answered(&event, &now), Then::GoOn);
        }
        assert_eq!((&now.open, &now.current), (&goal.open, &goal.current));
        said
    }

    #[test]
    fn every_room_comes_back() {
        assert_eq!(steps(&after(&[]), &[]), ["/sync"]);
        assert_eq!(steps(&after(&[joined("red")]), &[]), ["/join red", "/sync"]);
        assert_eq!(steps(&after(&[opened("red")]), &["red"]), ["/sync"]);
        assert_eq!(steps(&after(&[opened("red"), switched("red")]), &["red"]), ["/sync", "/switch red"]);
        let both = [joined("blue"), opened("red"), switched("red")];
        assert_eq!(steps(&after(&both), &["red"]), ["/join blue", "/sync", "/switch red"]);
        let back = Reply::Close { room: room("lobby"), current: room("red") }.into();
        let without_lobby = [opened("red"), switched("red"), back];
        assert_eq!(steps(&after(&without_lobby), &["red"]), ["/sync", "/switch red", "/close lobby"]);
        let two_joined = [joined("blue"), opened("red"), switched("red"), joined("green")];
        assert_eq!(steps(&after(&two_joined), &[]), ["/join green", "/sync", "/open blue"]);
    }

    #[test]
    fn a_pipe_gets_the_rooms_of_its_session_and_no_others() {
        let steps = |goal: &Rooms| -> Vec<_> {
            let restore = Restore::of_session(goal, &room("lobby"));
            restore.steps.iter().map(ToString::to_string).collect()
        };
        assert_eq!(steps(&Rooms::wanted(None)), [""; 0]);
        assert_eq!(steps(&after(&[])), [""; 0]);
        assert_eq!(steps(&Rooms::wanted(Some(&room("red")))), ["/join red"]);
        let both = [joined("blue"), opened("red"), switched("red")];
        assert_eq!(steps(&after(&both)), ["/join blue", "/open red", "/switch red"]);
        let back = Reply::Close { room: room("lobby"), current: room("red") }.into();
        assert_eq!(
            steps(&after(&[opened("red"), switched("red"), back])),
            ["/open red", "/switch red", "/close lobby"]
        );
    }

    fn kicked(name: &str, user: &str) -> Event {
        let json = format!(
            r#"{{"type":"moderated","room":"{name}","id":1,"time":"2026-01-01T10:00:00Z","from":"bob","action":"kick","user":"{user}","until":null,"reason":""}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn moved() -> Event {
        let (epoch, last, reason) = (Epoch(1), MessageId(0), parlor_proto::Note::default());
        Event::Moved { room: room("lobby"), members: 1, epoch, last, reason }
    }

    #[test]
    fn who_is_removed_from_a_room_does_not_come_back_to_it() {
        let in_both = [joined("red"), opened("blue")];
        let events = [&in_both[..], &[kicked("red", "eve")]].concat();
        assert_eq!(steps(&after(&events), &["blue"]), ["/join red", "/sync"]);
        let events = [&in_both[..], &[kicked("blue", "ann")]].concat();
        assert_eq!(steps(&after(&events), &[]), ["/join red", "/sync"]);
        let events = [&in_both[..], &[kicked("red", "ann"), moved()]].concat();
        assert_eq!(steps(&after(&events), &["blue"]), ["/sync"]);
    }

    #[test]
    fn a_room_that_one_is_banned_from_is_told_of_once_and_not_asked_for_in_another_way() {
        let json = r#"{"type":"sync","current":"lobby","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[{"room":"red","code":"banned"},{"room":"blue","code":"invite-only"}]}"#;
        let sync: Event = serde_json::from_str(json).unwrap();
        let Event::Sync(lost) = &sync else { panic!("{json}") };
        let goal = after(&[joined("red"), opened("blue")]);
        let mut restore = Restore::new(&goal, &room("lobby"));
        restore.answered(&refusal(RefusalCode::Banned), &Rooms::only(&room("lobby")));
        let told: Vec<_> = restore.newly_lost(&lost.lost).into_iter().map(|lost| lost.room).collect();
        assert_eq!(told, [room("blue")]);
        restore.answered(&sync, &Rooms::only(&room("lobby")));
        assert_eq!(restore.step(), None);
        assert!(restore.is_barred(&room("red")) && restore.is_barred(&room("blue")));
    }

    #[test]
    fn while_the_store_is_away_a_step_is_tried_again_but_not_for_ever() {
        let (goal, now) = (Rooms::wanted(Some(&room("red"))), Rooms::only(&room("lobby")));
        let mut restore = Restore::new(&goal, &room("lobby"));
        let away = refusal(RefusalCode::StoreUnavailable);
        let again = (0..=REPEATS).take_while(|_| restore.answered(&away, &now) == Then::Again).count();
        assert_eq!((again, restore.step()), (REPEATS as usize, Some(&Question::Sync)));
        assert_eq!(restore.answered(&away, &now), Then::Reconnect);
    }

    #[test]
    fn a_room_that_is_refused_is_not_asked_for_in_another_way() {
        let (goal, now) = (after(&[joined("red")]), Rooms::only(&room("lobby")));
        let mut restore = Restore::new(&goal, &room("lobby"));
        restore.answered(&refusal(RefusalCode::LimitReached), &now);
        restore.answered(&Event::Pong { token: None }, &now);
        assert_eq!(restore.step(), None);
    }

    #[test]
    fn whoever_closes_the_current_room_is_in_the_one_that_takes_its_place() {
        let closed = Reply::Close { room: room("red"), current: room("lobby") }.into();
        assert_eq!(after(&[joined("red"), closed]), Rooms { joined: Some(room("red")), ..Rooms::only(&room("lobby")) });
    }

    #[test]
    fn the_server_says_where_the_user_is() {
        let state = r#""members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0"#;
        let json = format!(
            r#"{{"type":"sync","current":"red","rooms":[{{"room":"red",{state}}}],"directs":[],"feeds":[],"inbox":{{"epoch":"0000000000000001","last":0}},"lost":[]}}"#
        );
        assert_eq!(after(&[opened("blue"), serde_json::from_str(&json).unwrap()]), Rooms::only(&room("red")));
    }

    #[test]
    fn the_room_from_which_the_user_was_removed_is_left_before_the_others_are_opened() {
        let goal = after(&[joined("red"), opened("blue")]);
        let (mut restore, mut now, pong) =
            (Restore::new(&goal, &room("lobby")), Rooms::only(&room("lobby")), Event::Pong { token: None });
        now.note(&joined("red"), &me());
        restore.answered(&joined("red"), &now);
        restore.answered(&pong, &now);
        restore.look_into(room("red"), MessageId(3));
        assert_eq!(restore.step().map(ToString::to_string).as_deref(), Some("/backlog #red after 3 500"));
        restore.answered(&pong, &now);
        restore.leave(&room("red"));
        assert_eq!(restore.step(), Some(&Question::Close(room("red"))));
        let closed = Reply::Close { room: room("red"), current: room("lobby") }.into();
        now.note(&closed, &me());
        restore.answered(&closed, &now);
        assert_eq!(restore.steps, [Question::Open(room("blue"))]);
    }

    #[test]
    fn a_removal_counts_unless_it_is_of_somebody_else_or_the_user_spoke_after_it() {
        let entry = |id: u64, rest: &str| -> LogEntry {
            serde_json::from_str(&format!(r#"{{"id":{id},"time":"2026-01-01T10:00:00Z",{rest}}}"#)).unwrap()
        };
        let act = |id, action: &str, user: &str| {
            let rest = format!(r#""action":"{action}","user":"{user}","until":null,"reason":"""#);
            entry(id, &format!(r#""type":"moderated","from":"bob",{rest}"#))
        };
        let said = |id, from: &str| entry(id, &format!(r#""type":"message","from":"{from}","text":"x""#));
        let cases = [
            (vec![act(1, "kick", "ann"), said(2, "bob")], Some(1)),
            (vec![said(1, "ann"), act(2, "ban", "ann")], Some(2)),
            (vec![act(1, "kick", "ann"), said(2, "ann")], None),
            (vec![act(1, "kick", "eve")], None),
            (vec![act(1, "mute", "ann")], None),
        ];
        for (entries, expected) in cases {
            assert_eq!(removal_in(&entries, &me()).map(|entry| entry.id.0), expected, "{entries:?}");
        }
    }
}
