//! How long a client has been silent, and what is due then: a ping, the end of a dead connection, the idle timeout. It
//! must not look at a clock: the threads tell how long they waited.

use std::time::Duration;

/// Silence after which a WebSocket client is asked whether it is there …
const PING_AFTER: Duration = Duration::from_secs(30);

/// … and after which it is taken for gone. The kernel does the same for a client that speaks lines, but a browser that
/// hangs, or a proxy in between, answers the kernel.
const DEAD_AFTER: Duration = Duration::from_secs(60);

/// What is due after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing; the client may stay silent for longer.
    Nothing,
    /// To ask the client whether it is there.
    Ping,
    /// To end the connection, since nobody answers.
    Dead,
    /// To send the client away, since it said nothing for the idle timeout.
    IdleTimeout,
}

/// The silence of one client.
#[derive(Debug)]
pub(super) struct Silence {
    idle_timeout: Option<Duration>,
    /// Whether the client answers pings.
    has_heartbeat: bool,
    /// Time since the last line.
    idle_for: Duration,
    /// Time since the last byte.
    mute_for: Duration,
    is_pinged: bool,
}

impl Silence {
    /// The silence of a client that has just spoken.
    pub(super) fn new(idle_timeout: Option<Duration>, has_heartbeat: bool) -> Self {
        Self { idle_timeout, has_heartbeat, idle_for: Duration::ZERO, mute_for: Duration::ZERO, is_pinged: false }
    }

    /// Time until something is due; `None` if nothing ever is.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let idle_left = self.idle_timeout.map(|limit| limit.saturating_sub(self.idle_for));
        let limit = if self.is_pinged { DEAD_AFTER } else { PING_AFTER };
        let mute_left = self.has_heartbeat.then(|| limit.saturating_sub(self.mute_for));
        [idle_left, mute_left].into_iter().flatten().min()
    }

    /// What is due now.
    pub(super) fn due(&self) -> Due {
        if self.idle_timeout.is_some_and(|limit| self.idle_for >= limit) {
            Due::IdleTimeout
        } else if self.has_heartbeat && self.mute_for >= DEAD_AFTER {
            Due::Dead
        } else if self.has_heartbeat && !self.is_pinged && self.mute_for >= PING_AFTER {
            Due::Ping
        } else {
            Due::Nothing
        }
    }

    /// Notes a wait of this time in which nothing came.
    pub(super) fn add(&mut self, time: Duration) {
        self.idle_for += time;
        self.mute_for += time;
    }

    /// Notes that the client was asked.
    pub(super) fn note_ping(&mut self) {
        self.is_pinged = true;
    }

    /// Notes bytes of the client: with a line in them, or only of the connection itself, such as the answer to a ping.
    pub(super) fn end(&mut self, with_line: bool) {
        self.mute_for = Duration::ZERO;
        self.is_pinged = false;
        if with_line {
            self.idle_for = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_client_with_a_heartbeat_is_asked_once_and_then_gone() {
        let mut silence = Silence::new(None, true);
        assert_eq!((silence.time_left(), silence.due()), (Some(30 * SECOND), Due::Nothing));
        silence.add(29 * SECOND);
        assert_eq!((silence.time_left(), silence.due()), (Some(SECOND), Due::Nothing));
        silence.add(SECOND);
        assert_eq!(silence.due(), Due::Ping);
        silence.note_ping();
        assert_eq!((silence.time_left(), silence.due()), (Some(30 * SECOND), Due::Nothing));
        silence.add(30 * SECOND);
        assert_eq!(silence.due(), Due::Dead);
    }

    #[test]
    fn an_answer_to_a_ping_is_no_line() {
        let mut silence = Silence::new(Some(50 * SECOND), true);
        silence.add(30 * SECOND);
        silence.note_ping();
        silence.end(false);
        assert_eq!((silence.time_left(), silence.due()), (Some(20 * SECOND), Due::Nothing));
        silence.add(20 * SECOND);
        assert_eq!(silence.due(), Due::IdleTimeout);
        silence.end(true);
        assert_eq!((silence.time_left(), silence.due()), (Some(30 * SECOND), Due::Nothing));
    }

    #[test]
    fn without_limits_nothing_is_due() {
        let mut silence = Silence::new(None, false);
        silence.add(1_000_000 * SECOND);
        assert_eq!((silence.time_left(), silence.due()), (None, Due::Nothing));
    }
}
