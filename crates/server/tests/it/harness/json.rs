//! Clients that speak JSON, and checks of the numbers that they receive.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Client, Server};

impl Client {
    /// Returns the next event.
    pub(crate) fn event(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
    }

    /// Returns the next event of a type; skips others before it.
    pub(crate) fn event_of(&mut self, kind: &str) -> Value {
        loop {
            let event = self.event();
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Returns the newest entries of the room, 500 at most.
    pub(crate) fn history(&mut self) -> Known {
        self.send("/history 500");
        let event = self.event_of("history");
        let mut known = Known::default();
        event["messages"].as_array().unwrap().iter().for_each(|message| known.hear(message));
        known
    }

    /// Sends one message and returns the number with which it was accepted; skips other events.
    pub(crate) fn say(&mut self, text: &str) -> u64 {
        self.send(text);
        number(&self.event_of("ok")["id"])
    }
}

impl Server {
    /// Registers a new account. Returns its connection, which speaks JSON, and the answer.
    pub(crate) fn register_json(&self, user: &str) -> (Client, Value) {
        self.begin_json(&format!("REGISTER {user} secret"))
    }

    /// Logs in an account whose password is `secret`. Returns its connection, which speaks JSON, and the answer.
    pub(crate) fn log_in_json(&self, user: &str) -> (Client, Value) {
        self.begin_json(&format!("LOGIN {user} secret"))
    }

    /// Registers a new account and enters `room`. Returns its connection, which speaks JSON, and the answer of the
    /// join.
    pub(crate) fn member_json(&self, user: &str, room: &str) -> (Client, Value) {
        let (mut client, _) = self.register_json(user);
        client.send(&format!("/join {room}"));
        let joined = client.event_of("ok");
        assert_eq!((&joined["command"], &joined["room"]), (&"join".into(), &room.into()));
        (client, joined)
    }

    fn begin_json(&self, line: &str) -> (Client, Value) {
        let mut client = self.connect();
        client.send(&format!("FORMAT json\n{line}"));
        assert_eq!(client.event()["command"], "format");
        let begun = client.event();
        assert_eq!(begun["type"], "ok", "{begun}");
        (client, begun)
    }
}

/// Returns a number in an event.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The known part of a log: each number once, each with one text that never changes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known(BTreeMap<u64, String>);

impl Known {
    /// Notes an entry. Fails if the number had another text.
    pub(crate) fn note(&mut self, id: u64, text: &str) {
        let before = self.0.insert(id, text.to_owned());
        assert!(before.as_deref().is_none_or(|before| before == text), "{id} was {before:?} and is {text:?}");
    }

    /// Notes a `message`. Fails unless it is newer than all noted before.
    pub(crate) fn hear(&mut self, event: &Value) {
        let id = number(&event["id"]);
        assert!(self.last().is_none_or(|last| id > last), "{id} after {:?}", self.last());
        self.note(id, event["text"].as_str().unwrap());
    }

    /// Adds what `other` knows. Fails if both disagree.
    pub(crate) fn agree(&mut self, other: &Self) {
        for (&id, text) in &other.0 {
            self.note(id, text);
        }
    }

    /// Fails unless the numbers are exactly those of `range`.
    pub(crate) fn expect_gapless(&self, range: std::ops::RangeInclusive<u64>) {
        let missing: Vec<u64> = range.clone().filter(|id| !self.0.contains_key(id)).collect();
        assert_eq!(missing, Vec::<u64>::new(), "missing of {range:?}");
        assert!(self.0.keys().all(|id| range.contains(id)), "more than {range:?}: {:?}", self.0.keys());
    }

    /// Returns the newest number.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.keys().next_back().copied()
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the entries in order of their numbers.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(&id, text)| (id, text.as_str()))
    }
}
