//! The room in which some clients moderate, edit and remove: what they say there. It must not use the connection except to
//! send.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::client::{Role, SimulatedClient};
use crate::coordinator::Phase;
use crate::entry::EDIT_OF;
use crate::record::{Entry, Line, MARKER, Range, Reply};

/// Maximum number of messages that a client remembers, of its own and of others.
const KNOWN: usize = 12;
/// Whoever owns the court opens it this often, until all are there.
const OPENS_EVERY: Duration = Duration::from_secs(1);

/// What a client knows of the court.
#[derive(Debug, Default)]
pub(crate) struct Court {
    /// Its own messages: number and text.
    own: VecDeque<(u64, String)>,
    /// The numbers of those of others.
    others: VecDeque<u64>,
    /// Whether it made the deputy one.
    appointed: bool,
    /// When it opened the court for all.
    opened: Option<Instant>,
}

impl Court {
    /// Notes what others say.
    pub(crate) fn heard(&mut self, room: &str, entry: &Entry, court: &str) {
        if room == court && entry.is_message() && !entry.text.starts_with(MARKER) {
            keep(&mut self.others, entry.id);
        }
    }

    /// Notes what it said itself.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply, court: &str) {
        match (line, reply) {
            (Line::Say(text) | Line::SayIn { text, .. }, Reply::Stored { id, room: Some(room), .. })
                if room == court && !text.starts_with(MARKER) =>
            {
                keep(&mut self.own, (*id, text.clone()));
            }
            (Line::Order { action: "moderator", .. }, Reply::Done) => self.appointed = true,
            (Line::Order { action: "moderator", .. }, Reply::Refused { code }) if code != "store-unavailable" => {
                self.appointed = true;
            }
            _ => {}
        }
    }

    /// The store was emptied, or may be: numbers mean other messages.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

fn keep<T>(known: &mut VecDeque<T>, item: T) {
    known.push_back(item);
    if known.len() > KNOWN {
        known.pop_front();
    }
}

impl SimulatedClient {
    /// Does something in the court, or enters it.
    pub(crate) fn attend(&mut self) {
        let room = self.context.court.clone();
        if !self.rooms.open.contains(&room) {
            let line = if self.rng.chance(50) { Line::Open(room) } else { Line::Join(room) };
            self.send(vec![line]);
            return self.rest(80, 400);
        }
        let moderates = matches!(self.part.role, Role::Judge | Role::Deputy);
        let orders = if moderates { 50 } else { 5 };
        let lines = match self.rng.below(100) {
            choice if choice < 4 && self.part.role == Role::Judge && self.context.suspensions_end => {
                let user = self.rng.pick(&self.context.citizens).clone();
                vec![Line::Suspend { user, seconds: 1 + self.rng.below(2) }]
            }
            choice if choice < orders => {
                let order = self.order();
                self.new_orders(vec![order])
            }
            choice if choice < 68 => self.say_in_court(),
            choice if choice < 79 => self.edit().into_iter().collect(),
            choice if choice < 85 => self.remove(moderates).into_iter().collect(),
            choice if choice < 90 => vec![self.newest_page()],
            choice if choice < 93 => vec![Line::Sync],
            choice if choice < 96 && !moderates => vec![Line::Close(room)],
            _ if self.rooms.current == room => vec![Line::History],
            _ => vec![Line::Switch(room)],
        };
        self.send(lines);
        self.rest(50, 250);
    }

    fn say_in_court(&mut self) -> Vec<Line> {
        let (room, text) = (self.context.court.clone(), self.text());
        vec![if self.rooms.current == room { Line::Say(text) } else { Line::SayIn { room, text } }]
    }

    /// The newest entries, while everybody may read them.
    fn newest_page(&mut self) -> Line {
        let count = 10 + self.rng.below(40) as usize;
        Line::Backlog { target: format!("#{}", self.context.court), range: Range::Newest, count }
    }

    /// Another text for one of its messages. What was said at first is the end of it.
    fn edit(&mut self) -> Option<Line> {
        self.context.board.again_from()?;
        let known: Vec<(u64, String)> = self.court.own.iter().cloned().collect();
        let (of, first) = (!known.is_empty()).then(|| self.rng.pick(&known).clone())?;
        let text = format!("{}{EDIT_OF}{first}", self.text());
        Some(Line::Edit { room: self.context.court.clone(), of, text })
    }

    /// Removes one of its own messages, or as a moderator that of somebody else.
    fn remove(&mut self, moderates: bool) -> Option<Line> {
        let mut known: Vec<u64> = self.court.own.iter().map(|(id, _)| *id).collect();
        if moderates || self.rng.chance(10) {
            known.extend(&self.court.others);
        }
        let of = (!known.is_empty()).then(|| *self.rng.pick(&known))?;
        Some(Line::Remove { room: self.context.court.clone(), of, reason: self.text() })
    }

    /// Those that are not ordered already and wait for their answers.
    fn new_orders(&self, mut orders: Vec<Line>) -> Vec<Line> {
        orders.retain(|order| self.link.as_ref().is_none_or(|link| !link.has_ordered(order)));
        orders
    }

    fn order_of(&self, action: &'static str, about: &str, more: &str) -> Line {
        let (about, more) = (about.to_owned(), more.to_owned());
        Line::Order { room: self.context.court.clone(), action, about, more }
    }

    /// What those who have rights do. Who has none tries it too.
    fn order(&mut self) -> Line {
        if self.part.role == Role::Judge && !self.court.appointed {
            return self.order_of("moderator", &self.context.deputy, "");
        }
        if let Some(line) = self.mind_hooks().or_else(|| self.mind_invitations()) {
            return line;
        }
        if self.part.role == Role::Judge && self.rng.chance(25) {
            let setting = if self.rng.chance(60) { "private" } else { "public" };
            return self.order_of("access", setting, "");
        }
        let whom = self.rng.pick(&self.context.citizens).clone();
        let term = *self.rng.pick(&["1s", "2s", "3s"]);
        match self.rng.below(20) {
            0 | 1 => self.order_of("mute", &whom, ""),
            2 | 3 => self.order_of("mute", &whom, term),
            4..6 => self.order_of("unmute", &whom, ""),
            6..8 => self.order_of("kick", &whom, "too loud"),
            8 => self.order_of("ban", &whom, ""),
            9 | 10 => self.order_of("ban", &whom, &format!("{term} too loud")),
            11..14 => self.order_of("unban", &whom, ""),
            14 | 15 => Line::Topic { room: self.context.court.clone(), text: self.text() },
            16 | 17 => self.order_of("invite", &whom, ""),
            18 if self.rng.chance(50) => self.order_of("post", "moderators", ""),
            _ => self.order_of("post", "everyone", ""),
        }
    }

    /// Lets everybody enter and speak, from time to time: what others ordered may be carried out late. Returns whether it did.
    /// After the faults all of the court try it: if the store was emptied, the court belongs to whoever came back first.
    pub(crate) fn opens_court(&mut self) -> bool {
        let is_due = self.court.opened.is_none_or(|at| at.elapsed() > OPENS_EVERY);
        let may_own = match self.context.board.phase() {
            Phase::SetUp => false,
            Phase::Chaos => self.part.role == Role::Judge,
            _ => self.part.role.is_of_court(),
        };
        if !may_own || !is_due {
            return false;
        }
        self.court.opened = Some(Instant::now());
        let everybody = self.context.citizens.iter().chain([&self.context.deputy]);
        let each = everybody.flat_map(|user| ["unban", "unmute"].map(|action| self.order_of(action, user, "")));
        let settings = [self.order_of("access", "public", ""), self.order_of("post", "everyone", "")];
        let lines = self.new_orders(settings.into_iter().chain(each).collect());
        self.send(lines);
        true
    }

    /// Whether it goes to the court at the beginning: only who owns it.
    pub(crate) fn is_called(&self) -> bool {
        self.part.role == Role::Judge || self.context.board.phase() != Phase::SetUp
    }
}
