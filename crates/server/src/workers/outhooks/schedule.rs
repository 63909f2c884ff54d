//! Which hooks post, and when: whoever waits longest comes first, and no room has more than its share. It must not post, nor look
//! at a clock or at logs.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use parlor_core::ports::Head;
use parlor_proto::{HookId, RoomName};

/// Time between two looks at the logs, and the first wait after a failure.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of hooks that post at the same time …
const MAX_RUNS: usize = 16;

/// … and of those of one room.
const MAX_ROOM_RUNS: usize = 2;

/// Longest wait before a post is tried again. Each wait is twice as long as the one before.
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// A hook.
pub(super) type Key = (RoomName, HookId);

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything is posted, or the hook was ended.
    Done,
    /// There is more to post.
    Paused,
    /// Another server posts.
    Elsewhere,
    /// The post or the store failed. Whether something was posted and noted before.
    Failed { has_posted: bool },
}

/// What is known of a hook.
#[derive(Debug, Clone, Copy)]
struct Known {
    runs: bool,
    /// Where the log was at the last look …
    head: Head,
    /// … when the run began …
    seen: Head,
    /// … and when everything was posted; none if that is not known.
    posted: Option<Head>,
    /// Failures in sequence.
    failures: u32,
    not_before: Instant,
    /// Since when it could post and does not.
    waits_since: Option<Instant>,
}

/// All hooks.
#[derive(Debug, Default)]
pub(super) struct Schedule(HashMap<Key, Known>);

impl Schedule {
    /// A look found these hooks, each with the head of the log of its room. Others are gone.
    pub(super) fn found(&mut self, heads: &BTreeMap<Key, Head>, now: Instant) {
        self.0.retain(|key, known| known.runs || heads.contains_key(key));
        for (key, head) in heads {
            let fresh = Known {
                runs: false,
                head: *head,
                seen: *head,
                posted: None,
                failures: 0,
                not_before: now,
                waits_since: None,
            };
            let known = self.0.entry(key.clone()).or_insert(fresh);
            known.head = *head;
            if !known.runs && known.posted != Some(*head) && known.not_before <= now {
                known.waits_since.get_or_insert(now);
            }
        }
    }

    /// The hooks that post from now on.
    pub(super) fn begin(&mut self) -> Vec<Key> {
        let (mut all, mut of_rooms) = (0, HashMap::new());
        for ((room, _), _) in self.0.iter().filter(|(_, known)| known.runs) {
            all += 1;
            *of_rooms.entry(room.clone()).or_insert(0) += 1;
        }
        let waiting = self.0.iter().filter_map(|(key, known)| Some((known.waits_since?, key.clone())));
        let mut waiting: Vec<(Instant, Key)> = waiting.collect();
        waiting.sort();
        let is_turn = |(_, (room, _)): &(Instant, Key)| {
            let of_room = of_rooms.entry(room.clone()).or_insert(0);
            let is_turn = all < MAX_RUNS && *of_room < MAX_ROOM_RUNS;
            (all, *of_room) = (all + usize::from(is_turn), *of_room + usize::from(is_turn));
            is_turn
        };
        let begun: Vec<Key> = waiting.into_iter().filter(is_turn).map(|(_, key)| key).collect();
        for key in &begun {
            let begin = |known: &mut Known| (known.runs, known.seen, known.waits_since) = (true, known.head, None);
            self.0.entry(key.clone()).and_modify(begin);
        }
        begun
    }

    /// A run has ended.
    pub(super) fn ended(&mut self, key: &Key, outcome: Outcome, now: Instant) {
        let Some(known) = self.0.get_mut(key) else { return };
        known.runs = false;
        match outcome {
            Outcome::Done => (known.posted, known.failures, known.not_before) = (Some(known.seen), 0, now),
            Outcome::Paused => (known.failures, known.not_before) = (0, now),
            Outcome::Elsewhere => known.not_before = now + INTERVAL,
            Outcome::Failed { has_posted } => {
                known.failures = if has_posted { 1 } else { known.failures.saturating_add(1) };
                known.not_before = now + wait(known.failures);
            }
        }
    }
}

/// How long a hook waits after so many failures in sequence.
fn wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (INTERVAL * 2u32.pow(doublings)).min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use parlor_proto::{Epoch, MessageId};

    use super::*;

    fn key(room: &str, id: u32) -> Key {
        (room.parse().unwrap(), HookId(id))
    }

    /// Hooks of logs with so many entries.
    fn heads(keys: &[Key], last: u64) -> BTreeMap<Key, Head> {
        keys.iter().map(|key| (key.clone(), Head { epoch: Epoch(1), last: MessageId(last) })).collect()
    }

    #[test]
    fn waits_double_from_a_second_to_five_minutes() {
        let seconds: Vec<u64> = (1..=11).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(wait(u32::MAX), MAX_WAIT);
    }

    #[test]
    fn a_hook_runs_when_its_log_is_another_one_than_was_posted() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        let hook = [key("red", 1)];
        schedule.found(&heads(&hook, 7), start);
        assert_eq!(schedule.begin(), hook);
        schedule.found(&heads(&hook, 8), start);
        assert_eq!(schedule.begin(), [], "it runs");
        schedule.ended(&hook[0], Outcome::Done, start);
        for (last, runs) in [(8, 1), (8, 0), (7, 1), (7, 0)] {
            schedule.found(&heads(&hook, last), start);
            let begun = schedule.begin();
            assert_eq!(begun.len(), runs, "{last}");
            begun.iter().for_each(|key| schedule.ended(key, Outcome::Done, start));
        }
        let of_other_epoch = BTreeMap::from([(hook[0].clone(), Head { epoch: Epoch(2), last: MessageId(7) })]);
        schedule.found(&of_other_epoch, start);
        assert_eq!(schedule.begin(), hook);
    }

    #[test]
    fn whoever_waits_longest_comes_first_however_many_are_slow() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        // By their names the slow ones come first.
        let slow: Vec<Key> = (0..40).map(|id| key(&format!("a{id}"), id)).collect();
        let quick = key("quick", 1);
        schedule.found(&heads(&slow, 1), start);
        let mut running = schedule.begin();
        assert_eq!(running.len(), MAX_RUNS);
        let all: Vec<Key> = slow.iter().cloned().chain([quick.clone()]).collect();
        for round in 1..=3 {
            let now = start + Duration::from_secs(10) * round;
            schedule.found(&heads(&all, 1), now);
            running.iter().for_each(|key| schedule.ended(key, Outcome::Paused, now));
            running = schedule.begin();
            if running.contains(&quick) {
                return;
            }
        }
        panic!("the quick one waits for ever");
    }

    #[test]
    fn a_room_has_two_runs_at_the_same_time() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        let crowd: Vec<Key> = (0..20).map(|id| key("crowd", id)).collect();
        let all: Vec<Key> = crowd.iter().cloned().chain([key("other", 1)]).collect();
        schedule.found(&heads(&all, 1), start);
        assert_eq!(schedule.begin(), [crowd[0].clone(), crowd[1].clone(), key("other", 1)]);
        schedule.ended(&crowd[0], Outcome::Paused, start);
        assert_eq!(schedule.begin(), [crowd[2].clone()]);
    }

    #[test]
    fn a_hook_that_failed_waits_longer_and_longer_until_something_is_posted() {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        let hook = [key("red", 1)];
        for (has_posted, seconds) in [(false, 1), (false, 2), (false, 4), (true, 1), (false, 2)] {
            schedule.found(&heads(&hook, 1), now);
            assert_eq!(schedule.begin(), hook);
            schedule.ended(&hook[0], Outcome::Failed { has_posted }, now);
            let next = now + Duration::from_secs(seconds);
            schedule.found(&heads(&hook, 1), next - Duration::from_millis(1));
            assert_eq!(schedule.begin(), []);
            now = next;
        }
    }
}
