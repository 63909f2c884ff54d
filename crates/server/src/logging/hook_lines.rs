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
    /// Failures since then.
    unlogged: u64,
}

impl Line {
    /// Whether the hook has not failed for so long that its next failure is a first one.
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) > self.pause + MAX_PAUSE
    }
}

impl HookLines {
    /// Counts a failure of a hook. Returns how many failures a line about it stands for now; `None` if none is due.
    pub(super) fn due(&self, room: &RoomName, id: HookId, now: Instant) -> Option<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = lines.get_mut(&(room.clone(), id)) else { return Some(1) };
        line.unlogged += 1;
        (now.saturating_duration_since(line.at) >= line.pause).then_some(line.unlogged)
    }

    /// A line about a hook was written.
    pub(super) fn note(&self, room: &RoomName, id: HookId, now: Instant) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| !line.is_over(now));
        let key = (room.clone(), id);
        let pause = lines.get(&key).map_or(FIRST_PAUSE, |line| (line.pause * 2).min(MAX_PAUSE));
        lines.insert(key, Line { at: now, pause, unlogged: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which lines about a hook are written that fails at these, and for how many failures each stands.
    fn lines_of(lines: &HookLines, start: Instant, id: u32, failures: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
        let (room, id) = ("red".parse().unwrap(), HookId(id));
        let written = |second| {
            let at = start + Duration::from_secs(second);
            let count = lines.due(&room, id, at)?;
            lines.note(&room, id, at);
            Some((second, count))
        };
        failures.filter_map(written).collect()
    }

    fn written(lines: &HookLines, start: Instant, id: u32, failures: impl Iterator<Item = u64>) -> Vec<u64> {
        lines_of(lines, start, id, failures).into_iter().map(|(second, _)| second).collect()
    }

    #[test]
    fn a_hook_that_fails_all_the_time_is_one_line_in_five_minutes() {
        let (lines, start) = (HookLines::default(), Instant::now());
        let (one, counts): (Vec<u64>, Vec<u64>) = lines_of(&lines, start, 1, 0..=1200).into_iter().unzip();
        assert_eq!(one, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]);
        assert_eq!(counts, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
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
