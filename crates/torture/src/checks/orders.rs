//! What was ordered in rooms, and for how long it holds. It must not judge what others did meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::plan::FaultKind;
use crate::record::{Exchange, History, Line, Moment};

/// How much the end of a mute or ban may seem to differ: clocks are rounded, and a message is judged by the time at which it
/// arrived.
const ROUNDED: Duration = Duration::from_millis(100);

/// What can be ordered about a user, for a time or until it is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mute,
    Ban,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Ban => "ban",
        }
    }

    /// What undoes it.
    fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Mute => &["unmute"],
            // Whoever is given the room is not banned any more.
            Self::Ban => &["unban", "owner"],
        }
    }
}

/// What was ordered in rooms.
pub(super) struct Orders<'a> {
    orders: Vec<Exchange<'a>>,
    /// Who may have been in which room.
    insiders: BTreeSet<(&'a str, &'a str)>,
    /// Whether the clock by which mutes and bans end went as time goes.
    clock_is_right: bool,
}

impl<'a> Orders<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let (mut orders, mut insiders) = (Vec::new(), BTreeSet::new());
        for connection in &history.connections {
            for exchange in connection.exchanges() {
                match exchange.line {
                    Line::Order { room, about, .. } => {
                        orders.push(exchange);
                        insiders.extend([(room.as_str(), about.as_str()), (room, &connection.user)]);
                    }
                    Line::Join(room) | Line::Open(room) => drop(insiders.insert((room, &connection.user))),
                    _ => {}
                }
            }
        }
        let jumps = history.spans.iter().any(|span| span.fault.kind == FaultKind::Clock);
        Self { orders, insiders, clock_is_right: history.store_has_own_clock || !jumps }
    }

    /// Whether a user may ever have been in a room.
    pub(super) fn is_insider(&self, room: &str, user: &str) -> bool {
        self.insiders.contains(&(room, user))
    }

    /// The rooms in which something was ordered.
    pub(super) fn rooms(&self) -> BTreeSet<&'a str> {
        self.orders.iter().filter_map(|order| parts(order.line)).map(|(room, ..)| room).collect()
    }

    /// An order that was carried out before `from` and holds until `to`, if none that ends it may have been carried out
    /// before `to`.
    fn certain(
        &self,
        sets: impl Fn(&Line) -> bool,
        ends: impl Fn(&Line) -> bool,
        from: Moment,
        to: Moment,
    ) -> Option<&Exchange<'a>> {
        let may_end = |set: &Exchange<'_>| {
            let during = |it: &Exchange<'_>| it.sent < to && it.answer.is_none_or(|(at, _)| at > set.sent);
            self.orders.iter().any(|it| !std::ptr::eq(it.line, set.line) && ends(it.line) && during(it))
        };
        let lasts = |set: &Exchange<'_>| {
            set.line.term().is_none_or(|term| self.clock_is_right && set.sent + term > to + ROUNDED)
        };
        let is_certain = |set: &&Exchange<'_>| {
            sets(set.line) && set.done().is_some_and(|at| at < from) && lasts(set) && !may_end(set)
        };
        self.orders.iter().find(is_certain)
    }

    /// A mute or a ban that held all the time.
    pub(super) fn holding(
        &self,
        kind: Kind,
        room: &str,
        user: &str,
        from: Moment,
        to: Moment,
    ) -> Option<&Exchange<'a>> {
        let is_about = |line: &Line| parts(line).filter(|(it, _, about)| *it == room && *about == user).map(|it| it.1);
        let sets = |line: &Line| is_about(line) == Some(kind.word());
        let ends = |line: &Line| {
            is_about(line).is_some_and(|action| kind.ends().contains(&action)) || (sets(line) && line.term().is_some())
        };
        self.certain(sets, ends, from, to)
    }

    /// A setting that held all the time.
    pub(super) fn privacy(&self, room: &str, from: Moment, to: Moment) -> Option<&Exchange<'a>> {
        let is = |line: &Line, setting: &str| parts(line) == Some((room, "access", setting));
        self.certain(|line| is(line, "private"), |line| is(line, "public"), from, to)
    }

    /// Whether a user may have been muted in or banned from a room at some time from `from` to `to`.
    pub(super) fn may_hold(&self, kind: Kind, room: &str, user: &str, from: Moment, to: Moment) -> bool {
        let concerns = |order: &&Exchange<'_>, action: &str| parts(order.line) == Some((room, action, user));
        let is_over = |set: &Exchange<'_>, actions: &[&str]| {
            let later = |it: &&Exchange<'_>| {
                it.done().is_some_and(|at| at <= from) && set.done().is_some_and(|set| set <= it.sent)
            };
            actions.iter().any(|action| self.orders.iter().filter(|it| concerns(it, action)).any(|it| later(&it)))
        };
        let ends: Vec<&str> = kind.ends().iter().copied().chain([kind.word()]).collect();
        let may_last = |set: &Exchange<'_>| match (set.line.term(), set.done()) {
            (Some(term), Some(at)) if self.clock_is_right => at + term + ROUNDED > from,
            _ => true,
        };
        let sets =
            self.orders.iter().filter(|order| concerns(order, kind.word()) && order.sent < to && order.may_be_done());
        sets.into_iter().any(|set| may_last(set) && !is_over(set, &ends))
    }

    /// Whether a room may have been reserved for moderators at some time from `from` to `to`.
    pub(super) fn may_be_reserved(&self, room: &str, from: Moment, to: Moment) -> bool {
        let set_to = |speakers: &'static str| {
            self.orders.iter().filter(move |order| parts(order.line) == Some((room, "post", speakers)))
        };
        let is_over = |set: &Exchange<'_>| {
            let after = |it: &Exchange<'_>| set.done().is_some_and(|set| set <= it.sent);
            set_to("everyone").any(|it| it.done().is_some_and(|at| at <= from) && after(it))
        };
        set_to("moderators").any(|set| set.sent < to && set.may_be_done() && !is_over(set))
    }
}

/// Room, action, and whom or what an order is about.
fn parts(line: &Line) -> Option<(&str, &'static str, &str)> {
    match line {
        Line::Order { room, action, about, .. } => Some((room, action, about)),
        _ => None,
    }
}
