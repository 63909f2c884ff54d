//! Rate limit for log lines about outgoing hooks, each of which may fail for days. It must not write them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use parlor_proto::{HookId, RoomName};

/// Time between the first two lines about a hook. It doubles with each line …
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// … up to this, as the waits between its posts do.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// A hook of a room.
type Key = (RoomName, HookId);

/// Lets the first failure of each hook through, then one each time the pause has doubled, and in the end one each
/// [`MAX_PAUSE`]. That is for each hook by itself, and whether or not it posts something in between.
#[derive(Debug, Default)]
pub(super) struct HookLines {
    /// Of the hooks that failed lately. A leaf lock; nothing blocks while it is held.
    lines: Mutex<HashMap<Key, Line>>,
}

/// The newest line about a hook.
#[derive(Debug, Clone, Copy)]
struct Line {
    at: Instant,
    pause: Duration,
}

impl Line {
    /// Whether the hook has not failed for so long that its next failure is a first one.
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) > self.pause + MAX_PAUSE
    }
}

impl HookLines {
    /// Whether a failure of a hook is worth a line now.
    pub(super) fn is_due(&self, room: &RoomName, id: HookId, now: Instant) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = |line: &Line| now.saturating_duration_since(line.at) < line.pause;
        !lines.get(&(room.clone(), id)).is_some_and(is_early)
    }

    /// A line about a hook was written.
    pub(super) fn note(&self, room: &RoomName, id: HookId, now: Instant) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| !line.is_over(now));
        let key = (room.clone(), id);
        let pause = lines.get(&key).map_or(FIRST_PAUSE, |line| (line.pause * 2).min(MAX_PAUSE));
        lines.insert(key, Line { at: now, pause });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which lines about a hook are written that fails at these.
    fn written(lines: &HookLines, start: Instant, id: u32, failures: impl Iterator<Item = u64>) -> Vec<u64> {
        let (room, id) = ("red".parse().unwrap(), HookId(id));
        let at = |second: &u64| start + Duration::from_secs(*second);
        let is_written = |second: &u64| {
            let is_due = lines.is_due(&room, id, at(second));
            if is_due {
                lines.note(&room, id, at(second));
            }
            is_due
        };
        failures.filter(is_written).collect()
    }

    #[test]
    fn a_hook_that_fails_all_the_time_is_one_line_in_five_minutes() {
        let (lines, start) = (HookLines::default(), Instant::now());
        let one = written(&lines, start, 1, 0..=1200);
        assert_eq!(one, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]);
        assert_eq!(written(&lines, start, 2, 1200..=1202), [1200, 1201], "another hook has lines of its own");
    }

    #[test]
    fn a_hook_that_was_well_for_a_while_is_told_at_once_and_takes_no_place_meanwhile() {
        let (lines, start) = (HookLines::default(), Instant::now());
        assert_eq!(written(&lines, start, 1, 0..=3), [0, 1, 3]);
        assert_eq!(written(&lines, start, 2, [1000].into_iter()), [1000]);
        assert_eq!(lines.lines.lock().unwrap().len(), 1);
        assert_eq!(written(&lines, start, 1, 1000..=1001), [1000, 1001]);
    }
}
