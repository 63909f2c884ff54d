//! Which entries of which log are too old. It must not delete them.

use std::collections::HashMap;
use std::time::Duration;

use parlor_core::ports::LogId;
use parlor_core::rights::RoomRights;
use parlor_proto::{RoomName, Timestamp};

/// The times before which entries are too old, as the operator and the owners of rooms want.
#[derive(Debug)]
pub(crate) struct Cutoffs {
    /// For all logs.
    everywhere: Option<Timestamp>,
    /// For rooms with a retention of their own.
    rooms: HashMap<RoomName, Timestamp>,
}

impl Cutoffs {
    /// Those at the time `now`, if `age` is what the operator wants.
    pub(crate) fn new(
        now: Timestamp,
        age: Option<Duration>,
        rights: impl IntoIterator<Item = (RoomName, RoomRights)>,
    ) -> Self {
        let own = |(room, rights): (RoomName, RoomRights)| Some((room, ago(now, rights.retention?.duration())));
        Self { everywhere: age.map(|age| ago(now, age)), rooms: rights.into_iter().filter_map(own).collect() }
    }

    /// The time before which entries of a log are too old; none if all of them stay. The shorter time wins.
    pub(crate) fn of(&self, log: &LogId) -> Option<Timestamp> {
        let own = match log {
            LogId::Room(room) => self.rooms.get(room).copied(),
            LogId::Feed(_) | LogId::Inbox(_) => None,
        };
        own.max(self.everywhere)
    }

    /// The rooms with a retention of their own.
    #[cfg(feature = "redis")]
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &RoomName> {
        self.rooms.keys()
    }

    /// Whether entries of other logs can be too old.
    #[cfg(feature = "redis")]
    pub(crate) fn reach_everything(&self) -> bool {
        self.everywhere.is_some()
    }
}

/// What stored rights with a retention contain. A quoted text in a topic has a backslash before its second quote.
pub(crate) const MARK: &str = r#""retention":"#;

fn ago(now: Timestamp, age: Duration) -> Timestamp {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::Retention;

    #[test]
    fn the_shorter_time_wins_and_other_logs_keep_theirs() {
        let room = |name: &str| LogId::Room(name.parse().unwrap());
        let rights = |word: &str| RoomRights { retention: Retention::find(word), ..RoomRights::default() };
        let of = |age: Option<u64>| {
            let rooms = [("red", "1h"), ("blue", "3h"), ("green", "default")];
            let rooms = rooms.map(|(name, word)| (name.parse().unwrap(), rights(word)));
            let cutoffs = Cutoffs::new(Timestamp::from_millis(36_000_000), age.map(Duration::from_secs), rooms);
            let logs = [room("red"), room("blue"), room("green"), LogId::Inbox("red".parse().unwrap())];
            logs.map(|log| cutoffs.of(&log).map(|time| time.as_millis() / 3_600_000))
        };
        assert_eq!(of(None), [Some(9), Some(7), None, None]);
        assert_eq!(of(Some(7200)), [Some(9), Some(8), Some(8), Some(8)]);
    }

    #[test]
    fn stored_rights_tell_by_their_text_whether_they_have_one() {
        let mut rights =
            RoomRights { topic: parlor_proto::Text::sanitise(r#""retention":7"#).into(), ..RoomRights::default() };
        assert!(!rights.stored().contains(MARK));
        rights.retention = Retention::find("1h");
        assert!(rights.stored().contains(MARK));
    }

    #[test]
    fn for_ever_is_never_too_long() {
        let now = Timestamp::from_millis(7);
        let log = LogId::Feed("ann".parse().unwrap());
        let cutoff = Cutoffs::new(now, Some(Duration::MAX), []).of(&log).unwrap();
        assert!(cutoff.as_millis() < 0, "{cutoff}");
        assert_eq!(Cutoffs::new(now, Some(Duration::ZERO), []).of(&log), Some(now));
    }
}
