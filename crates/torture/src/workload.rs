//! The lines that a client sends in each phase. It must not use the connection except to send and to disconnect.

use crate::client::{ClientSpec, Role, SimulatedClient};
use crate::record::Line;

/// Size of a burst, in lines and in bytes of each line.
const FLOOD_LINES: usize = 150;
const FLOOD_BYTES: usize = 3_000;

impl SimulatedClient {
    /// The final room of the client.
    fn home(&self) -> String {
        let ClientSpec { number, role, .. } = &self.part;
        match role {
            Role::Canary { server } => format!("canary-{server}{}", self.context.tag),
            Role::Slow | Role::Flooder => format!("flood{}", self.context.tag),
            _ => self.context.rooms[number % self.context.rooms.len()].clone(),
        }
    }

    /// The next thing that the client needs for its final state: its final room, the list of users that it follows, or
    /// a user that it wants to follow.
    pub(crate) fn wants(&self) -> Option<Line> {
        let home = self.home();
        if self.room != home {
            return Some(Line::Join(home));
        }
        if !self.knows_follows {
            return Some(Line::Subscriptions);
        }
        let users = &self.context.users;
        let own = users.iter().position(|user| *user == self.part.user)?;
        let mut publishers = [1, 3, 4].iter().map(|step| &users[(own + step) % users.len()]);
        publishers.find(|user| !self.follows.contains(*user)).map(|user| Line::Subscribe(user.clone()))
    }

    /// Makes one step towards the final state.
    pub(crate) fn settle_down(&mut self) {
        let line = self.wants();
        self.send(line.into_iter().collect());
        self.rest(20, 60);
    }

    /// Sends the next message that others must receive at the end.
    pub(crate) fn say_marker(&mut self) {
        let users = &self.context.users;
        let own = users.iter().position(|user| *user == self.part.user);
        let next = own.map_or(0, |own| (own + 1) % users.len());
        let to = users[next].clone();
        let missing = self.marked.iter().position(|marked| !marked);
        let Some(kind) = missing else { return self.rest(50, 50) };
        let text = format!("marker {}", self.text());
        self.send(vec![match kind {
            0 => Line::Say(text),
            1 => Line::Publish(text),
            _ => Line::Direct { to, text },
        }]);
        self.rest(50, 200);
    }

    /// Requests the lists of members and rooms.
    pub(crate) fn look(&mut self) {
        let mut lines = vec![Line::Who(self.room.clone()), Line::Rooms];
        // In a busy room, the history is larger than the send queue of a client.
        lines.extend((!matches!(self.part.role, Role::Slow | Role::Flooder)).then_some(Line::History));
        self.send(lines);
        self.rest(300, 600);
    }

    /// Does something that its role allows.
    pub(crate) fn do_anything(&mut self) {
        match self.part.role {
            Role::Canary { .. } => {
                self.say_once(Line::Say);
                self.rest(150, 250);
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
                self.send(vec![Line::Who(room), Line::Rooms]);
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
    fn text(&mut self) -> String {
        self.said += 1;
        format!("{}-{}", self.part.name, self.said)
    }
}
