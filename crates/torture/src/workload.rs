//! The lines that a client sends in each phase. It must not use the connection except to send and to disconnect.

use std::collections::BTreeSet;

use crate::client::{ClientSpec, Role, RunContext, SimulatedClient};
use crate::coordinator::Phase;
use crate::record::{Line, MARKER, Range};

/// Size of a burst, in lines and in bytes of each line.
const FLOOD_LINES: usize = 150;
const FLOOD_BYTES: usize = 3_000;

impl RunContext {
    /// The logs besides conversations that a user reads at the end: what it published, and the rooms of which it is the
    /// first member. Nobody reads the rooms of the bursts, which are large.
    pub(crate) fn logs_to_read(&self, user: &str, open: &BTreeSet<String>) -> Vec<String> {
        let is_first = |room: &&String| self.board.members(room).first().is_some_and(|first| first == user);
        let rooms = open.iter().filter(|room| !room.starts_with("flood")).filter(is_first);
        rooms.map(|room| format!("#{room}")).chain([format!("+{user}")]).collect()
    }
}

impl SimulatedClient {
    /// The final rooms of the client; the first one is the current one.
    fn homes(&self) -> Vec<String> {
        let ClientSpec { number, role, .. } = &self.part;
        let RunContext { rooms, court, tag, .. } = &*self.context;
        match role {
            Role::Canary { server } => vec![format!("canary-{server}{tag}")],
            Role::Slow | Role::Flooder => vec![format!("flood{tag}")],
            role if role.is_of_court() => {
                let other = rooms[number % rooms.len()].clone();
                if self.is_called() { vec![court.clone(), other] } else { vec![other] }
            }
            _ => [*number, number + 1 + number / 4].map(|number| rooms[number % rooms.len()].clone()).to_vec(),
        }
    }

    /// The next thing that the client needs for its final state: what is to be said again, its final rooms, the list of
    /// users that it follows, or a user that it wants to follow.
    pub(crate) fn wants(&self) -> Option<Line> {
        if !self.synced {
            return Some(Line::Sync);
        }
        if let Some(line) = self.wants_to_say_again().pop().or_else(|| self.wants_rooms()) {
            return Some(line);
        }
        if !self.knows_follows {
            return Some(Line::Subscriptions);
        }
        let users = &self.context.users;
        let own = users.iter().position(|user| *user == self.part.user)?;
        let mut publishers = [1, 3, 4].iter().map(|step| &users[(own + step) % users.len()]);
        publishers.find(|user| !self.follows.contains(*user)).map(|user| Line::Subscribe(user.clone()))
    }

    /// The next step towards its final rooms.
    fn wants_rooms(&self) -> Option<Line> {
        let (homes, rooms) = (self.homes(), &self.rooms);
        let is_home = |room: &String| homes.contains(room);
        match homes.iter().find(|home| !rooms.open.contains(*home)) {
            Some(home) if is_home(&rooms.current) => Some(Line::Open(home.clone())),
            Some(home) => Some(Line::Join(home.clone())),
            None if rooms.current != homes[0] => Some(Line::Switch(homes[0].clone())),
            None => rooms.open.iter().find(|room| !is_home(room)).cloned().map(Line::Close),
        }
    }

    /// Sends again what was not answered, or opens the room for that. Returns whether it did.
    pub(crate) fn says_again(&mut self, phase: Phase) -> bool {
        if self.context.board.again_from().is_none() || (phase == Phase::Chaos && self.rng.chance(30)) {
            return false;
        }
        let lines = self.wants_to_say_again();
        if lines.is_empty() {
            return false;
        }
        self.send(lines);
        self.rest(20, 60);
        true
    }

    /// What was not answered, or else the line that opens the room for it.
    fn wants_to_say_again(&self) -> Vec<Line> {
        let open = &self.rooms.open;
        let due = self.owed.due(open);
        // Who was removed from the court may not come back for this alone.
        let closed = || self.owed.closed_room(open).filter(|room| *room != self.context.court);
        if due.is_empty() { closed().map(Line::Open).into_iter().collect() } else { due }
    }

    /// Makes one step towards the final state.
    pub(crate) fn settle_down(&mut self) {
        if !self.opens_court() {
            let line = self.wants();
            self.send(line.into_iter().collect());
        }
        self.rest(20, 60);
    }

    /// Sends the next message that others must receive at the end.
    pub(crate) fn say_marker(&mut self) {
        let users = &self.context.users;
        let own = users.iter().position(|user| *user == self.part.user);
        let next = own.map_or(0, |own| (own + 1) % users.len());
        let to = users[next].clone();
        let missing = self.marked.iter().position(|marked| !marked);
        if self.opens_court() {
            return self.rest(50, 50);
        }
        let Some(kind) = missing else { return self.rest(50, 50) };
        let text = format!("{MARKER}{}-{kind}", self.text());
        self.send(vec![match (kind, self.homes().pop()) {
            (0, _) => Line::Say(text),
            (1, _) => Line::Publish(text),
            (3, Some(room)) => Line::SayIn { room, text },
            _ => Line::Direct { to, text },
        }]);
        self.rest(50, 200);
    }

    /// Requests the lists of members and rooms.
    pub(crate) fn look(&mut self) {
        let mut lines: Vec<Line> = self.rooms.open.iter().cloned().map(Line::Who).chain([Line::Rooms]).collect();
        // In a busy room, the history is larger than the send queue of a client.
        lines.extend((!matches!(self.part.role, Role::Slow | Role::Flooder)).then_some(Line::History));
        self.send(lines);
        self.rest(300, 600);
    }

    /// Reads the next page of a log.
    pub(crate) fn read_on(&mut self) {
        let line = if self.synced { self.reading.next() } else { self.wants() };
        match line {
            Some(line) => self.send(vec![line]),
            None => self.rest(50, 50),
        }
    }

    /// Does something that its role allows.
    pub(crate) fn do_anything(&mut self) {
        match self.part.role {
            Role::Canary { .. } => {
                self.say_once(Line::Say);
                self.rest(150, 250);
            }
            // Bursts are for the slow clients alone.
            Role::Flooder | Role::Slow if self.rooms.current != self.homes()[0] => {
                self.send(vec![Line::Join(self.homes()[0].clone())]);
                self.rest(300, 600);
            }
            Role::Flooder => self.flood(),
            Role::Slow => {
                self.say_once(Line::Say);
                self.stop_reading(0, 5_000);
            }
            _ => self.do_anything_else(),
        }
    }

    fn do_anything_else(&mut self) {
        if self.part.role.is_of_court() && self.rng.chance(85) {
            return self.attend();
        }
        if self.rng.chance(25) {
            return self.converse();
        }
        if self.rng.chance(10) {
            return self.mind_tickets();
        }
        let choice = self.rng.below(100);
        let steady = self.part.role.stays();
        let rival = matches!(self.part.role, Role::Rival { .. });
        match choice {
            60..70 => self.say_once(Line::Publish),
            70..76 => {
                let to = self.rng.pick(&self.context.users).clone();
                self.say_once(|text| Line::Direct { to, text });
            }
            76..82 => {
                let room = self.rng.pick(&self.context.rooms).clone();
                self.send(vec![Line::Who(room), Line::Who(self.context.court.clone()), Line::Rooms]);
            }
            82..84 => self.send(vec![Line::History, Line::Ping]),
            84..89 if !steady => self.move_on(),
            89..91 if !steady => self.send(vec![Line::Leave]),
            91..94 if !rival => {
                let user = self.rng.pick(&self.context.users).clone();
                self.send(vec![Line::Subscribe(user)]);
            }
            94..97 if !rival => {
                let known: Vec<String> = self.follows.iter().cloned().collect();
                let user = self.rng.pick(if known.is_empty() { &self.context.users } else { &known }).clone();
                self.send(vec![Line::Unsubscribe(user)]);
            }
            97..99 if !steady => return self.go_away(),
            _ => {
                let lines = (0..=self.rng.below(3)).map(|_| Line::Say(self.text())).collect();
                self.send(lines);
            }
        }
        self.rest(40, 260);
    }

    /// Does something with several rooms, with what is kept, or with somebody who may be away.
    fn converse(&mut self) {
        let room = self.rng.pick(&self.context.rooms).clone();
        let open: Vec<String> = self.rooms.open.iter().cloned().collect();
        let is_steady = self.part.role.stays();
        let lines = match self.rng.below(18) {
            0 | 1 => vec![Line::Open(room)],
            2 if !is_steady => vec![Line::Close(room)],
            3 if !is_steady && !open.is_empty() => vec![Line::Switch(self.rng.pick(&open).clone())],
            4 if !open.is_empty() => vec![Line::SayIn { room: self.rng.pick(&open).clone(), text: self.text() }],
            5 => vec![Line::Sync],
            6 | 7 | 16 => self.target_to_read().map(|(target, last)| self.read(&target, last)).unwrap_or_default(),
            8 | 9 => self.known_target().map(|(target, last)| self.page(target, last)).into_iter().collect(),
            12 | 13 => vec![Line::Who(room), Line::Rooms],
            10 | 14 | 15 if self.may_repeat() => {
                let is_direct = self.rng.chance(60);
                self.owed.accepted(&self.rooms.open, is_direct).into_iter().collect()
            }
            11 if !is_steady => {
                let text = self.text();
                vec![Line::Open(room.clone()), Line::SayIn { room: room.clone(), text }, Line::Close(room)]
            }
            _ => {
                let to = self.rng.pick(&self.context.users).clone();
                (0..=self.rng.below(3)).map(|_| Line::Direct { to: to.clone(), text: self.text() }).collect()
            }
        };
        self.send(lines);
        self.rest(40, 260);
    }

    /// A conversation that it knows, and its newest number as far as it knows.
    fn known_target(&mut self) -> Option<(String, u64)> {
        let known: Vec<(String, u64)> = self.newest.iter().map(|(target, last)| (target.clone(), *last)).collect();
        (!known.is_empty()).then(|| self.rng.pick(&known).clone())
    }

    /// Mostly the current room.
    fn target_to_read(&mut self) -> Option<(String, u64)> {
        let current = format!("#{}", self.rooms.current);
        let last = self.newest.get(&current).copied().filter(|_| self.rng.chance(70));
        last.map(|last| (current, last)).or_else(|| self.known_target())
    }

    /// Marks something as read, then sometimes what is before that, and asks where everything stands.
    fn read(&mut self, target: &str, last: u64) -> Vec<Line> {
        let read = |id| Line::Read { target: target.to_owned(), id };
        let mut lines = vec![read(last)];
        if self.rng.chance(50) {
            lines.extend([read(1 + self.rng.below(last.max(1))), Line::Sync]);
        }
        lines
    }

    fn page(&mut self, target: String, last: u64) -> Line {
        let id = 1 + self.rng.below(last.max(1));
        let range = match self.rng.below(3) {
            0 => Range::Newest,
            1 => Range::Before(id),
            _ => Range::After(id),
        };
        Line::Backlog { target, range, count: 1 + self.rng.below(30) as usize }
    }

    /// Whether keys are kept: the store is not emptied any more.
    fn may_repeat(&self) -> bool {
        self.context.board.again_from().is_some()
    }

    /// Sends a little, or a burst.
    fn flood(&mut self) {
        if self.rng.chance(60) {
            self.say_once(Line::Publish);
            return self.rest(300, 1_000);
        }
        let much = "x".repeat(FLOOD_BYTES);
        let lines = (0..FLOOD_LINES).map(|_| Line::Say(format!("{} {much}", self.text()))).collect();
        self.send(lines);
        self.rest(1_000, 3_000);
    }

    /// Enters another room. Sometimes sends messages before and after the join in the same write.
    fn move_on(&mut self) {
        let room = self.rng.pick(&self.context.rooms).clone();
        let mut lines = vec![Line::Join(room)];
        if self.rng.chance(40) {
            lines.insert(0, Line::Say(self.text()));
            lines.push(Line::Say(self.text()));
        }
        self.send(lines);
    }

    fn say_once(&mut self, line: impl FnOnce(String) -> Line) {
        let text = self.text();
        self.send(vec![line(text)]);
    }

    /// A text that is unique in this run.
    pub(crate) fn text(&mut self) -> String {
        self.said += 1;
        format!("{}-{}", self.part.name, self.said)
    }
}
