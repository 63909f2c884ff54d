//! The measurements in docs/performance.md. It must not run them.

use serde::{Deserialize, Serialize};

use crate::load::Pace;
use crate::scenario::Scenario;
use crate::scenario::churn::Churn;
use crate::scenario::fanout::{Fanout, Way};
use crate::scenario::idle::Idle;
use crate::servers::dialect::Dialect;

/// One measurement, with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Its name in tables.
    pub(crate) name: String,
    /// The sweep that it belongs to, if a plot is drawn of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sweep: Option<Sweep>,
    /// What is measured.
    #[serde(flatten)]
    pub(crate) scenario: Scenario,
}

/// Measurements that differ in only one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    /// Name of the sweep and of its plot.
    pub(crate) name: String,
    /// The size that differs.
    pub(crate) axis: String,
    /// The value of that size here.
    pub(crate) value: f64,
}

impl Case {
    /// A case that belongs to no sweep.
    pub(crate) fn single(scenario: Scenario) -> Self {
        Self { name: name(&scenario), sweep: None, scenario }
    }

    /// The same, by clients that talk in this way.
    pub(crate) fn spoken(mut self, dialect: Dialect) -> Self {
        self.name += dialect.suffix();
        self
    }

    fn of(sweep: &str, axis: &str, value: usize, scenario: Scenario) -> Self {
        let sweep = Sweep { name: sweep.to_owned(), axis: axis.to_owned(), value: value as f64 };
        Self { sweep: Some(sweep), ..Self::single(scenario) }
    }
}

fn name(scenario: &Scenario) -> String {
    match *scenario {
        Scenario::Fanout(Fanout { way, rooms, members, publishers, pace, payload }) => {
            let place = match (way, rooms) {
                (Way::Room, 1) => format!("fan-out: {members} members"),
                (Way::Room, _) => format!("rooms: {rooms} of {members} members"),
                (Way::Publication, _) => format!("publications: {members} followers"),
            };
            let pace = match pace {
                Pace::Rate(rate) => format!("{rate} a second"),
                Pace::Window(window) => format!("window {window}"),
            };
            let payload = if payload == PAYLOAD { String::new() } else { format!(", {payload} bytes") };
            format!("{place}, {publishers} speaking, {pace}{payload}")
        }
        Scenario::Idle(Idle { clients, .. }) => format!("idle: {clients} clients"),
        Scenario::Churn(Churn { clients }) => format!("churn: {clients} at the same time"),
    }
}

/// Bytes of a text by default.
const PAYLOAD: usize = 128;
/// Messages in flight per speaker in cases that saturate a server.
const WINDOW: Pace = Pace::Window(64);

/// What is measured through both doors: a room at a rate, and a saturated one.
pub(crate) fn door() -> [Case; 2] {
    [Pace::Rate(10.0), WINDOW].map(|pace| Case::single(Scenario::Fanout(talk(1, 100, 1, pace))))
}

fn talk(rooms: usize, members: usize, publishers: usize, pace: Pace) -> Fanout {
    Fanout { way: Way::Room, rooms, members, publishers, pace, payload: PAYLOAD }
}

/// All cases.
pub(crate) fn suite() -> Vec<Case> {
    let slow = Pace::Rate(10.0);
    let mut cases = Vec::new();
    for members in [10, 100, 1000] {
        let talk = talk(1, members, 1, slow);
        cases.push(Case::of(
            "members-slow",
            "members of a room, 10 messages a second",
            members,
            Scenario::Fanout(talk),
        ));
    }
    for members in [10, 100, 1000] {
        let talk = talk(1, members, 1, WINDOW);
        cases.push(Case::of("members-saturated", "members of a room, saturated", members, Scenario::Fanout(talk)));
    }
    cases.extend([100, 1000].map(|members| Case::single(Scenario::Fanout(talk(1, members, 10, WINDOW)))));
    for rooms in [1, 10, 100, 1000] {
        let talk = talk(rooms, 10, 1, Pace::Rate(1000.0 / rooms as f64));
        cases.push(Case::of(
            "rooms",
            "rooms of 10 with 1000 messages a second together",
            rooms,
            Scenario::Fanout(talk),
        ));
    }
    for payload in [40, 512, 2048] {
        let talk = Fanout { payload, ..talk(1, 100, 1, WINDOW) };
        cases.push(Case::of("payload", "bytes of a text, 100 members, saturated", payload, Scenario::Fanout(talk)));
    }
    for pace in [slow, WINDOW] {
        let publications = Fanout { way: Way::Publication, ..talk(1, 100, 1, pace) };
        cases.push(Case::single(Scenario::Fanout(publications)));
    }
    cases.push(Case::single(Scenario::Idle(Idle { clients: 5000, members: 500 })));
    cases.push(Case::single(Scenario::Churn(Churn { clients: 16 })));
    cases
}

/// One small case of each kind.
pub(crate) fn smoke() -> Vec<Case> {
    let talks = [
        talk(1, 10, 2, Pace::Rate(50.0)),
        talk(1, 20, 3, Pace::Window(16)),
        talk(8, 3, 1, Pace::Rate(20.0)),
        Fanout { way: Way::Publication, ..talk(2, 5, 2, Pace::Window(4)) },
    ];
    let mut cases: Vec<Case> = talks.map(|talk| Case::single(Scenario::Fanout(talk))).into();
    cases.push(Case::single(Scenario::Idle(Idle { clients: 50, members: 10 })));
    cases.push(Case::single(Scenario::Churn(Churn { clients: 4 })));
    cases
}
