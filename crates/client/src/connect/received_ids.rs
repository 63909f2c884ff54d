//! The ids of a log's entries that were received. It must not know which log it is, nor how the missing entries are
//! requested or shown.

use std::collections::BTreeMap;

use parlor_proto::{Epoch, HISTORY_MAX, LogEntry, MessageId, Timestamp, UserName};

/// Messages that were shown or sent, by id. Messages sent by the user have no time.
type Known = BTreeMap<MessageId, Option<Timestamp>>;

/// A log, as far as the client has received it.
#[derive(Debug)]
pub(super) struct ReceivedIds {
    /// Epoch of the log. `None` if another epoch began while its messages arrived, or if no server reported it.
    epoch: Option<Epoch>,
    /// All messages up to this one were received, or are older than the user's entry to the room.
    last: MessageId,
    /// The newest messages, at most [`HISTORY_MAX`]: an answer that is compared with them has no more.
    known: Known,
}

/// The messages that were missed in a log.
#[derive(Debug)]
pub(super) struct Gap {
    /// The last message that was not missed.
    pub(super) after: MessageId,
    /// The last missed message.
    pub(super) until: MessageId,
    known: Known,
    /// Whether it is from before the user came, and is only shown so that they see what the talk is about.
    pub(super) is_recent: bool,
}

impl ReceivedIds {
    /// For a room that the user enters now. Earlier messages do not count as missed.
    pub(super) fn from_now(epoch: Epoch, last: MessageId) -> Self {
        Self { epoch: Some(epoch), last, known: Known::new() }
    }

    /// For a room that the user did not choose but sends to, from that message on.
    pub(super) fn from_own(id: MessageId) -> Self {
        Self { epoch: None, last: id, known: Known::new() }
    }

    /// Whether the log goes on as it was: nothing of what is known of it is void.
    pub(super) fn goes_on(&self, epoch: Epoch, last: MessageId) -> bool {
        self.epoch.map_or(self.last <= last, |before| before == epoch)
    }

    /// The user enters the room again. Returns what was missed since. Until [`Self::fill`] is called, no missed message
    /// counts as received.
    pub(super) fn again(&mut self, epoch: Epoch, last: MessageId) -> Option<Gap> {
        let known = self.known.clone();
        if !self.goes_on(epoch, last) {
            self.last = MessageId::default();
            self.known.clear();
        }
        self.epoch = Some(epoch);
        self.last = self.last.min(last);
        let gap = Gap { after: self.last, until: last, known, is_recent: false };
        (self.last < last).then_some(gap)
    }

    /// The room is entered from elsewhere, again (`seen`) or for the first time. Says which of its newest `count`
    /// messages were not seen.
    pub(super) fn enter(seen: Option<Self>, (epoch, last): (Epoch, MessageId), count: usize) -> (Self, Option<Gap>) {
        let mut here = seen.unwrap_or_else(|| Self::from_now(epoch, MessageId::default()));
        let gap = here.again(epoch, last);
        let earliest = MessageId(last.0.saturating_sub(count as u64));
        let newest = |gap: Gap| Gap { after: gap.after.max(earliest), is_recent: true, ..gap };
        let gap = gap.map(newest);
        if let Some(gap) = &gap {
            // Whoever goes on before it was shown does not miss it.
            here.fill(gap);
        }
        (here, gap.filter(|gap| gap.after < gap.until))
    }

    /// The gap has been shown, or cannot be.
    pub(super) fn fill(&mut self, gap: &Gap) {
        self.last = self.last.max(gap.until);
        self.settle();
    }

    /// A message of another user arrived. These arrive in the order of ids, so a smaller id means a new epoch of the
    /// log.
    pub(super) fn heard(&mut self, id: MessageId, time: Timestamp) {
        if id <= self.last {
            self.epoch = None;
            self.known.clear();
        }
        self.last = id;
        self.known.insert(id, Some(time));
        self.settle();
    }

    /// The server accepted a message of the user. Messages of others with smaller ids may still arrive.
    pub(super) fn said(&mut self, id: MessageId) {
        self.known.insert(id, None);
        self.settle();
    }

    /// Whether this entry is a message of `user` that the server has accepted in this run.
    pub(super) fn has_own(&self, entry: &LogEntry, user: &UserName) -> bool {
        entry.from() == user && matches!(self.known.get(&entry.id()), Some(None))
    }

    fn settle(&mut self) {
        while self.known.contains_key(&self.last.next()) {
            self.last = self.last.next();
        }
        while self.known.len() > HISTORY_MAX {
            self.known.pop_first();
        }
    }
}

impl Gap {
    /// What of it lies between these numbers.
    pub(super) fn part(&self, after: MessageId, until: MessageId) -> Self {
        Self { after, until, known: self.known.clone(), is_recent: self.is_recent }
    }

    /// Whether `user` missed this entry of the log.
    pub(super) fn has(&self, entry: &LogEntry, user: &UserName) -> bool {
        let known = || match self.known.get(&entry.id()) {
            Some(Some(time)) => *time == entry.time(),
            Some(None) => entry.from() == user,
            None => false,
        };
        self.after < entry.id() && entry.id() <= self.until && !known()
    }

    /// Number of messages in the gap that are older than the oldest available one.
    pub(super) fn older_than(&self, oldest: Option<MessageId>) -> u64 {
        let end = self.until.next();
        let oldest = oldest.unwrap_or(end).clamp(self.after.next(), end);
        let known = self.known.range(self.after.next()..oldest).count() as u64;
        oldest.0 - self.after.next().0 - known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{HistoryEntry, Text};

    const FIRST: Epoch = Epoch(1);
    const SECOND: Epoch = Epoch(2);

    fn seen(last: u64) -> ReceivedIds {
        ReceivedIds::from_now(FIRST, MessageId(last))
    }

    fn time(id: u64) -> Timestamp {
        Timestamp::from_millis(i64::try_from(id).unwrap())
    }

    fn hear(seen: &mut ReceivedIds, ids: &[u64]) {
        ids.iter().for_each(|&id| seen.heard(MessageId(id), time(id)));
    }

    /// The ids that ann missed in a log of `last` entries by bob.
    fn missed(gap: Option<&Gap>, last: u64) -> Vec<u64> {
        let entry = |id| {
            LogEntry::Message(HistoryEntry {
                id: MessageId(id),
                time: time(id),
                from: "bob".parse().unwrap(),
                text: Text::sanitise("x").unwrap().into(),
                edited: None,
                removed: false,
                bot: false,
            })
        };
        let ann = "ann".parse().unwrap();
        (1..=last).filter(|&id| gap.is_some_and(|gap| gap.has(&entry(id), &ann))).collect()
    }

    #[test]
    fn what_was_said_since_is_missed() {
        let mut seen = seen(3);
        assert_eq!(missed(seen.again(FIRST, MessageId(3)).as_ref(), 9), [0; 0]);
        hear(&mut seen, &[4, 5]);
        let gap = seen.again(FIRST, MessageId(7));
        assert_eq!(missed(gap.as_ref(), 9), [6, 7]);
        assert_eq!(missed(seen.again(FIRST, MessageId(8)).as_ref(), 9), [6, 7, 8], "the gap was not filled");
        seen.fill(&gap.unwrap());
        assert_eq!(missed(seen.again(FIRST, MessageId(8)).as_ref(), 9), [8]);
    }

    #[test]
    fn what_others_said_before_an_acknowledged_line_may_still_be_missed() {
        let mut seen = seen(3);
        seen.said(MessageId(4));
        seen.said(MessageId(6));
        let gap = seen.again(FIRST, MessageId(7)).unwrap();
        assert_eq!((gap.after, gap.until), (MessageId(4), MessageId(7)));
        // Number 6 by bob is not from ann, so it is from another log. If it were by ann, it would be known.
        assert_eq!(missed(Some(&gap), 9), [5, 6, 7]);
        let own = HistoryEntry {
            id: MessageId(6),
            time: time(99),
            from: "ann".parse().unwrap(),
            text: Text::sanitise("x").unwrap().into(),
            edited: None,
            removed: false,
            bot: false,
        };
        let ann = own.from.clone();
        assert!(!gap.has(&LogEntry::Message(own), &ann));
        assert_eq!(gap.older_than(Some(MessageId(7))), 1);
        hear(&mut seen, &[5]);
        assert_eq!(missed(seen.again(FIRST, MessageId(7)).as_ref(), 9), [7]);
    }

    #[test]
    fn a_log_that_began_anew_is_missed_from_its_beginning() {
        let mut away = seen(40);
        assert_eq!(missed(away.again(SECOND, MessageId(2)).as_ref(), 9), [1, 2]);
        let mut longer = seen(4);
        assert_eq!(missed(longer.again(SECOND, MessageId(6)).as_ref(), 9), [1, 2, 3, 4, 5, 6]);
        let mut empty = seen(40);
        assert_eq!(missed(empty.again(SECOND, MessageId(0)).as_ref(), 9), [0; 0]);
        hear(&mut empty, &[1]);
        assert_eq!(missed(empty.again(SECOND, MessageId(2)).as_ref(), 9), [2]);
    }

    #[test]
    fn a_log_that_begins_anew_while_it_is_heard() {
        let mut noticed = seen(40);
        hear(&mut noticed, &[41, 1, 2]);
        assert_eq!(missed(noticed.again(SECOND, MessageId(4)).as_ref(), 9), [3, 4]);
        let mut once_more = seen(40);
        hear(&mut once_more, &[1, 2, 3]);
        assert_eq!(missed(once_more.again(SECOND, MessageId(2)).as_ref(), 9), [0; 0], "both were shown before");
        let mut unnoticed = seen(0);
        hear(&mut unnoticed, &[1, 2]);
        assert_eq!(missed(unnoticed.again(SECOND, MessageId(3)).as_ref(), 9), [3], "two were shown before");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = seen(0);
        (1..=2000).for_each(|id| seen.said(MessageId(id)));
        hear(&mut seen, &[2001, 2002]);
        assert_eq!((seen.known.len(), seen.last), (HISTORY_MAX, MessageId(2002)));
        assert!(seen.again(FIRST, MessageId(2002)).is_none());
    }

    #[test]
    fn what_is_too_old_to_be_had() {
        let gap = seen(10).again(FIRST, MessageId(20)).unwrap();
        for (oldest, older) in [(None, 10), (Some(5), 0), (Some(11), 0), (Some(14), 3), (Some(99), 10)] {
            assert_eq!(gap.older_than(oldest.map(MessageId)), older, "{oldest:?}");
        }
    }

    /// An entry with this number and of this time.
    fn said_by(user: &str, id: u64, time: Timestamp) -> LogEntry {
        let (text, from) = (Text::sanitise("x").unwrap().into(), user.parse().unwrap());
        LogEntry::Message(HistoryEntry {
            id: MessageId(id),
            time,
            from,
            text,
            edited: None,
            removed: false,
            bot: false,
        })
    }

    #[test]
    fn an_entry_is_the_users_own_if_it_is_by_them_and_was_accepted_in_this_run() {
        let mut seen = seen(3);
        seen.said(MessageId(4));
        hear(&mut seen, &[5]);
        let (ann, bob): (UserName, UserName) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let own = |id, user: &UserName| seen.has_own(&said_by(user.as_str(), id, time(99)), &ann);
        assert_eq!([own(4, &ann), own(4, &bob), own(5, &ann), own(6, &ann)], [true, false, false, false]);
    }

    #[test]
    fn the_same_number_at_another_time_is_another_message() {
        let mut seen = seen(0);
        hear(&mut seen, &[1, 2]);
        let gap = seen.again(SECOND, MessageId(2)).unwrap();
        let ann = "ann".parse().unwrap();
        let is_missed = |at| gap.has(&said_by("bob", 2, at), &ann);
        assert_eq!([is_missed(time(2)), is_missed(time(3))], [false, true]);
    }

    #[test]
    fn a_log_that_is_known_from_an_own_message_only_goes_on_unless_it_is_shorter() {
        let seen = || ReceivedIds::from_own(MessageId(7));
        assert_eq!(missed(seen().again(SECOND, MessageId(9)).as_ref(), 9), [8, 9]);
        assert_eq!(missed(seen().again(SECOND, MessageId(7)).as_ref(), 9), [0; 0]);
        assert_eq!(missed(seen().again(SECOND, MessageId(3)).as_ref(), 9), [1, 2, 3]);
    }

    #[test]
    fn a_part_of_what_was_missed_has_nothing_beyond_it_and_nothing_that_is_known() {
        let mut seen = seen(0);
        hear(&mut seen, &[1, 2, 3]);
        let gap = seen.again(SECOND, MessageId(6)).unwrap();
        assert_eq!(missed(Some(&gap.part(MessageId(2), MessageId(5))), 9), [4, 5]);
    }
}
