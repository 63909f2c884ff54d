//! One session on a terminal: gets its rooms back, catches up, and shows what comes. It must not connect, nor read the
//! keyboard.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp as Moment;
use parlor_proto::{Event, LostRoom, RefusalCode, Reply, RoomName, Sync, Target, UserName, Verb};

use super::{NetworkThread, Proof, Waited, answers_farewell};
use crate::connect::catch_up::{Shown, Way};
use crate::connect::once::PostNumber;
use crate::connect::reconnect::End;
use crate::connect::requests::{Question, Request};
use crate::connect::rooms::{self, Restore, Rooms, Then};
use crate::connect::shared::SendPolicy;
use crate::connection::LineSender;
use crate::events::Incoming;
use crate::lock;
use crate::session::Session;

/// Feeds of which it waits to be asked where they begin.
const NEW_FEEDS_MAX: usize = 100;

impl NetworkThread {
    /// Shows one session.
    pub(super) fn follow(&mut self, mut session: Session) -> End {
        self.welcome(&session);
        loop {
            match session.events.next() {
                Ok(Incoming::Event { event: Event::Bye { code, message }, .. }) => {
                    return End::Bye(code, message.into_owned());
                }
                Ok(incoming) => {
                    self.take(incoming, &session);
                    self.ask(&session.sender);
                }
                Err(lost) => return End::Lost(lost),
            }
        }
    }

    /// Opens the keyboard's path to the server. If the room is not the wanted one, enters that room first, so that no
    /// typed line goes to another room.
    fn welcome(&mut self, session: &Session) {
        let Session { server, address, user, room, .. } = session;
        self.news(&format!("connected to {server} ({address}) as {user}, in {room}"));
        // Commands sent over an earlier connection get no answer any more.
        lock(&self.link.passwords).clear();
        self.link.begin(room);
        let restore = Restore::new(&self.places.goal, room);
        self.places.now = Rooms::only(room);
        self.places.new_feeds.clear();
        let gate = match restore.destination() {
            Some(wanted) => SendPolicy::Entering(wanted.clone()),
            None => SendPolicy::Open,
        };
        if !matches!(restore.step(), Some(Question::Join(_))) {
            self.catch_up.begin_in(room, session.epoch, session.last);
        }
        (self.places.restore, self.places.is_asked) = (Some(restore), false);
        self.link.lead(&session.sender, gate);
        self.ask_for_step(&session.sender);
    }

    /// Deals with one event.
    fn take(&mut self, incoming: Incoming, session: &Session) {
        let moved = match &incoming {
            Incoming::Event { event, .. } => current_after(event),
            Incoming::Unknown(_) => None,
        };
        let request = self.link.answered(&incoming, moved);
        let Incoming::Event { event, .. } = incoming else { return };
        if self.link.leaving.load(Ordering::SeqCst) && answers_farewell(&event) {
            return;
        }
        self.note(&event);
        match request {
            Some(Request::Own(Question::Page(target))) => {
                let shown = self.catch_up.answered(&target, event);
                self.show_all(shown);
            }
            Some(Request::Own(Question::Read(target, id))) => {
                if matches!(event, Event::Error { code: RefusalCode::StoreUnavailable, .. }) {
                    self.link.put_back(target, id);
                }
            }
            Some(Request::Own(Question::Newest(target))) => self.catch_up.begins_at(&target, &event),
            Some(Request::Own(question)) => self.step_answered(&question, event, session),
            Some(Request::Post(number)) => self.post_answered(number, event),
            Some(Request::Typed(_)) | None => self.sift(event),
        }
    }

    fn sift(&mut self, event: Event) {
        let shown = self.catch_up.sift(event);
        self.show_all(shown);
    }

    /// Records what this session and the next one need to know from an event.
    fn note(&mut self, event: &Event) {
        let me = &self.plan.user;
        lock(&self.link.names).learn(event, me);
        let before = self.places.now.current.clone();
        let has_moved = self.places.note(event, me);
        lock(&self.link.names).set_open(&self.places.now.open);
        match event {
            Event::Ok(Reply::Passwd) => {
                if let Some(password) = lock(&self.link.passwords).pop_front().flatten() {
                    // It made the ticket void.
                    self.plan.proof = Proof::Password(password);
                }
            }
            Event::Error { command: Some(Verb::Passwd), .. } => {
                lock(&self.link.passwords).pop_front();
            }
            Event::Ok(Reply::Subscribe { user }) if self.places.new_feeds.len() < NEW_FEEDS_MAX => {
                self.places.new_feeds.push_back(Target::Feed(user.clone()));
            }
            Event::Moved { room, .. } if self.places.restore.is_none() => {
                if let Some(before) = before.filter(|before| before != room) {
                    self.link.expel(before, room.clone());
                }
            }
            _ => {}
        }
        if has_moved && self.places.restore.is_none() {
            self.link.open();
        }
    }

    /// A step towards the rooms of this session is answered.
    fn step_answered(&mut self, question: &Question, event: Event, session: &Session) {
        let Some(mut restore) = self.places.restore.take() else { return self.sift(event) };
        let lost = match &event {
            Event::Sync(sync) => restore.newly_lost(&sync.lost),
            _ => Vec::new(),
        };
        let then = restore.answered(&event, &self.places.now);
        if let Question::Look(room, _) = question {
            self.looked_into(room, &event, &mut restore);
        }
        let entered = rooms_of(&event);
        let is_unknown = !restore.knows_sync;
        if *question == Question::Sync && then == Then::GoOn {
            self.catch_up.use_way(if is_unknown { Way::History } else { Way::Backlog });
        }
        match &event {
            Event::Sync(sync) => self.synced(&sync.clone(), &lost),
            Event::Error { .. } if *question == Question::Sync && is_unknown => {}
            _ if matches!(question, Question::Look(..)) => {}
            Event::Ok(Reply::Close { .. }) => drop(self.catch_up.sift(event)),
            _ => self.sift(event),
        }
        for room in entered {
            if let Some(after) = self.catch_up.missed_after(&room) {
                restore.look_into(room, after);
            }
        }
        match then {
            Then::GoOn => {}
            Then::Again => {
                self.news(&format!("trying again: {question}"));
                // Whoever leaves meanwhile is waiting for the end of the session only.
                if self.wait(rooms::PAUSE) == Waited::UserLeft {
                    return;
                }
            }
            // The end of the connection is what comes next.
            Then::Reconnect => session.sender.close(),
        }
        (self.places.restore, self.places.is_asked) = (Some(restore), false);
        self.ask_for_step(&session.sender);
    }

    /// The first of what was missed in a room came: whoever was removed there stays out, as if they had seen it.
    fn looked_into(&self, room: &RoomName, answer: &Event, restore: &mut Restore) {
        let Event::Backlog { entries, .. } = answer else { return };
        let Some(entry) = rooms::removal_in(entries, &self.plan.user) else { return };
        let reason = if entry.reason.is_empty() { String::new() } else { format!(": {}", entry.reason) };
        let by = &entry.from;
        self.problem(&format!("{by} removed you from {room} while there was no connection{reason}"));
        restore.leave(room);
    }

    /// Sends the next step. After the last one, lines may go where the user wants them.
    fn ask_for_step(&mut self, sender: &LineSender) {
        let Some(restore) = &self.places.restore else { return };
        if let Some(step) = restore.step() {
            // Where a line of the user is being sent, its answer is the next chance.
            if !self.places.is_asked {
                self.places.is_asked = self.link.ask(sender, step.clone(), &step.to_string());
            }
            return;
        }
        let wanted = restore.destination().cloned();
        let is_barred = wanted.as_ref().is_some_and(|wanted| restore.is_barred(wanted));
        self.places.restore = None;
        let shown = self.catch_up.is_restored();
        self.show_all(shown);
        self.lead_to(wanted, is_barred, sender);
        self.link.resend(Duration::ZERO);
    }

    /// All rooms that can be entered are entered. Where the user is barred from the one that they want, the next session
    /// does not try again.
    fn lead_to(&mut self, wanted: Option<RoomName>, is_barred: bool, sender: &LineSender) {
        let here = self.places.now.current.clone();
        let astray = wanted.zip(here).filter(|(wanted, here)| wanted != here);
        self.places.is_astray = astray.is_some() && !is_barred;
        if !self.places.is_astray {
            self.places.goal = self.places.now.clone();
        }
        if let Some((wanted, here)) = astray {
            self.problem(&format!("you are in {here}: {wanted} could not be entered"));
            self.link.lead(sender, SendPolicy::WrongRoom { wanted, here, told: false });
        } else {
            self.link.lead(sender, SendPolicy::Open);
        }
    }

    /// The answer to the own `/sync` came.
    fn synced(&mut self, sync: &Sync, lost: &[LostRoom]) {
        let mut shown = self.catch_up.sift(Event::Sync(Box::new(sync.clone())));
        shown.retain(|shown| !matches!(shown, Shown::Event(Event::Sync(_))));
        self.show_all(shown);
        for lost in lost {
            self.problem(&format!("you are not in {} any more ({})", lost.room, lost.code));
        }
        let is_first = !std::mem::replace(&mut self.places.is_told, true);
        self.link.mark(|marks| marks.begin(sync, is_first));
        if is_first && let Some(lines) = self.renderer.summary(sync, Moment::now()) {
            self.screen.print(lines);
        }
    }

    /// Something that the user said is answered.
    fn post_answered(&mut self, number: PostNumber, event: Event) {
        match &event {
            Event::Error { code: RefusalCode::StoreUnavailable, message, .. } => {
                if self.link.said(|outbox| outbox.put_back(number)) {
                    self.problem(&format!("{message}; what you said is sent again until it is answered"));
                }
                return self.link.resend(rooms::PAUSE);
            }
            Event::Error { code: code @ (RefusalCode::UnknownCommand | RefusalCode::LineTooLong), .. } => {
                let knows_no_keys = *code == RefusalCode::UnknownCommand;
                if self.link.said(|outbox| outbox.put_back_plain(number, knows_no_keys)) {
                    return self.link.resend(Duration::ZERO);
                }
            }
            _ => {}
        }
        let late = self.link.said(|outbox| outbox.answered(number));
        let is_refused = matches!(event, Event::Error { .. });
        self.sift(event);
        match late {
            Some(line) if is_refused => self.problem(&format!("not said: {line}")),
            Some(line) => self.news(&format!("said now: {line}")),
            None => {}
        }
    }

    /// Requests what this session still needs to know, unless a line is being sent. In that case the client asks at the
    /// next event, which is at the latest the answer to that line.
    fn ask(&mut self, sender: &LineSender) {
        if self.places.restore.is_some() {
            return self.ask_for_step(sender);
        }
        // What the user said before comes first: its answers tell which of the missed entries are their own.
        if self.link.has_waiting() {
            return;
        }
        while let Some((target, line)) = self.catch_up.question() {
            if !self.link.ask(sender, Question::Page(target.clone()), &line) {
                return;
            }
            self.catch_up.asked(&target);
        }
        if self.catch_up.knows_backlog()
            && let Some(target) = self.places.new_feeds.front().cloned()
        {
            let question = Question::Newest(target);
            let line = question.to_string();
            if self.link.ask(sender, question, &line) {
                self.places.new_feeds.pop_front();
            }
        }
    }

    fn show_all(&self, shown: Vec<Shown>) {
        shown.into_iter().for_each(|shown| self.show_in_turn(shown));
    }

    fn show_in_turn(&self, shown: Shown) {
        match shown {
            Shown::Event(event) => self.show(&event),
            Shown::Missed { target, entries, left_out } => {
                self.link.mark(|marks| marks.show_old(&target, &entries));
                self.screen.print(self.renderer.missed(&target, &entries, left_out, Moment::now()));
            }
            Shown::Recent { target, entries } => {
                self.link.mark(|marks| marks.look_into(&target, &entries));
                self.screen.print(self.renderer.missed(&target, &entries, 0, Moment::now()));
            }
            Shown::Unavailable(target) => {
                let place = crate::connect::render::place(&target);
                self.problem(&format!(
                    "what was said in {place} before cannot be shown now; /history may have it later"
                ));
            }
        }
    }

    pub(super) fn show(&self, event: &Event) {
        self.link.mark(|marks| marks.show(event));
        if let Some(lines) = self.renderer.event(event, Moment::now()) {
            self.screen.print(lines);
        }
    }
}

impl super::Places {
    /// Applies an event to the rooms. Whether it moves the user or their lines.
    fn note(&mut self, event: &Event, me: &UserName) -> bool {
        let has_moved = self.now.note(event, me);
        let lost = rooms::removed_from(event, me);
        if let Some(restore) = self.restore.as_mut() {
            if let Some(lost) = lost {
                restore.bar(lost);
            }
            return has_moved;
        }
        // A user who sends to a room wants to be there, even if they wanted another room before.
        let has_settled = match event {
            Event::Ok(Reply::Message { room, .. }) => self.now.current.as_ref() == Some(room),
            _ => has_moved,
        };
        if has_settled {
            self.is_astray = false;
        }
        match event {
            _ if !self.is_astray => self.goal = self.now.clone(),
            Event::Ok(Reply::Open { room, .. }) => drop(self.goal.open.insert(room.clone())),
            _ => {
                if let Some(lost) = lost {
                    self.goal.open.remove(lost);
                }
            }
        }
        has_moved
    }
}

/// The rooms that a step has opened, once it is known what is open.
fn rooms_of(event: &Event) -> Vec<RoomName> {
    match event {
        Event::Sync(sync) => sync.rooms.iter().map(|room| room.room.clone()).collect(),
        Event::Ok(Reply::Open { room, .. }) => vec![room.clone()],
        _ => Vec::new(),
    }
}

/// The current room after an event that tells it.
fn current_after(event: &Event) -> Option<&RoomName> {
    match event {
        Event::Ok(Reply::Join { room, .. } | Reply::Leave { room, .. } | Reply::Switch { room }) => Some(room),
        Event::Ok(Reply::Close { current, .. }) => Some(current),
        Event::Sync(sync) => Some(&sync.current),
        Event::Moved { room, .. } => Some(room),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
