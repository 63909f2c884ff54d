//! Whether, where and when to reconnect. It must not connect, sleep or print.

use std::time::Duration;

use parlor_proto::{Bye, RefusalCode};

use crate::error::{ConnectError, LoginError, Lost};

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The server sent a reason.
    Bye(Bye, String),
    /// The connection was lost without a reason.
    Lost(Lost),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Connect again.
    Retry,
    /// Stop: another attempt cannot help, or does harm.
    Stop,
}

/// What to do after a session.
pub(super) fn after_end(end: &End) -> Next {
    match end {
        End::Bye(Bye::ServerShutdown | Bye::SlowConsumer | Bye::IdleTimeout | Bye::LoginTimeout, _) | End::Lost(_) => {
            Next::Retry
        }
        // A reconnect would end the session that took over, or ignore the decision of an operator or the user.
        End::Bye(
            Bye::LoggedInElsewhere
            | Bye::Kicked
            | Bye::Quit
            | Bye::TooManyFailures
            | Bye::Suspended
            | Bye::LoggedOut
            | Bye::Unknown,
            _,
        ) => Next::Stop,
    }
}

/// What to do after a failed attempt to connect.
pub(super) fn after_refused_connection(error: &ConnectError) -> Next {
    // If another server answers now, the user must decide whether to trust it.
    if error.is_transient() { Next::Retry } else { Next::Stop }
}

/// What to do after a failed attempt to log in.
pub(super) fn after_refused_login(error: &LoginError) -> Next {
    match error {
        _ if is_of_the_server(error) => Next::Retry,
        // The lost session itself may still count. It expires.
        LoginError::Refused { code: RefusalCode::AlreadyLoggedIn, .. } => Next::Retry,
        LoginError::Refused { code: RefusalCode::TooManyAttempts | RefusalCode::LimitReached, .. } => Next::Retry,
        _ => Next::Stop,
    }
}

/// Whether a login failed for the state of this server, and not for who logs in. Another server may take it.
pub(super) fn is_of_the_server(error: &LoginError) -> bool {
    match error {
        LoginError::Lost(_) => true,
        // After a login timeout the server sends the refusal first and then the goodbye with the same reason.
        LoginError::Ended { code, .. } => matches!(code, Bye::ServerShutdown | Bye::LoginTimeout),
        LoginError::Refused { code, .. } => matches!(code, RefusalCode::StoreUnavailable | RefusalCode::LoginTimeout),
    }
}

/// Growing pauses between attempts: 1 s, doubling to 30 s. Random jitter shortens each pause by up to half, so that the
/// clients of a restarted server do not all reconnect at once.
#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(30);

    pub(super) fn new() -> Self {
        Self { ceiling: Self::FIRST }
    }

    /// The next pause. `random` must be distributed evenly over all its values.
    pub(super) fn pause(&mut self, random: u64) -> Duration {
        let half = self.ceiling / 2;
        self.ceiling = (self.ceiling * 2).min(Self::LONGEST);
        half + half.mul_f64(random as f64 / u64::MAX as f64)
    }
}

/// Round robin over the addresses of a chat. A lost connection counts as an attempt like any other, so a round ends
/// when the turn of its address comes again. There is a pause between two rounds.
#[derive(Debug)]
pub(super) struct AddressRotation {
    addresses: usize,
    /// Index of the address that was tried last.
    at: usize,
    /// Number of addresses that are still to try in this round.
    left: usize,
    backoff: Backoff,
}

impl AddressRotation {
    /// Starts while there is a connection to the address at this index, from 0.
    pub(super) fn new(addresses: usize, at: usize) -> Self {
        Self { addresses, at, left: addresses - 1, backoff: Backoff::new() }
    }

    /// The connection of the last attempt was stable. Earlier failures do not count any more.
    pub(super) fn begin_anew(&mut self) {
        *self = Self::new(self.addresses, self.at);
    }

    /// There is a session: the next pause is short again. The round goes on, so that servers which take a session and
    /// end it at once are not tried in turn without a pause.
    pub(super) fn succeeded(&mut self) {
        self.backoff = Backoff::new();
    }

    /// The place of the address to try next, and how long to wait before; `random` as for [`Backoff::pause`].
    pub(super) fn next(&mut self, random: u64) -> (usize, Duration) {
        self.at = (self.at + 1) % self.addresses;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return (self.at, Duration::ZERO);
        }
        self.left = self.addresses - 1;
        (self.at, self.backoff.pause(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn attempts(rounds: &mut AddressRotation, count: usize) -> Vec<(usize, u128)> {
        (0..count).map(|_| rounds.next(u64::MAX)).map(|(at, pause)| (at, pause.as_millis())).collect()
    }

    #[test]
    fn every_address_has_its_turn_before_a_pause() {
        let mut rounds = AddressRotation::new(3, 1);
        let expected = [(2, 0), (0, 0), (1, 1_000), (2, 0), (0, 0), (1, 2_000), (2, 0)];
        assert_eq!(attempts(&mut rounds, 7), expected);
        rounds.begin_anew();
        assert_eq!(attempts(&mut rounds, 4), [(0, 0), (1, 0), (2, 1_000), (0, 0)]);
    }

    #[test]
    fn after_a_success_the_next_pause_is_short_again() {
        let mut single = AddressRotation::new(1, 0);
        assert_eq!(attempts(&mut single, 3), [(0, 1_000), (0, 2_000), (0, 4_000)]);
        single.succeeded();
        assert_eq!(attempts(&mut single, 2), [(0, 1_000), (0, 2_000)]);
        // Two servers that take every session, and end it.
        let mut rounds = AddressRotation::new(2, 0);
        let pauses = (0..6).map(|_| {
            rounds.succeeded();
            rounds.next(u64::MAX).1.as_millis()
        });
        assert_eq!(pauses.collect::<Vec<_>>(), [0, 1_000, 0, 1_000, 0, 1_000]);
    }

    #[test]
    fn a_single_address_is_never_tried_without_a_pause() {
        assert_eq!(attempts(&mut AddressRotation::new(1, 0), 3), [(0, 1_000), (0, 2_000), (0, 4_000)]);
    }

    #[test]
    fn after_each_way_a_session_can_end() {
        let retried = [Bye::ServerShutdown, Bye::SlowConsumer, Bye::IdleTimeout, Bye::LoginTimeout];
        for &code in Bye::ALL {
            let expected = if retried.contains(&code) { Next::Retry } else { Next::Stop };
            assert_eq!(after_end(&End::Bye(code, String::new())), expected, "{code}");
        }
        for lost in [Lost::Closed, Lost::Silent, Lost::Failed(io::ErrorKind::ConnectionReset.into())] {
            assert_eq!(after_end(&End::Lost(lost)), Next::Retry);
        }
    }

    #[test]
    fn after_each_refusal_of_a_login() {
        let retried = [
            RefusalCode::AlreadyLoggedIn,
            RefusalCode::StoreUnavailable,
            RefusalCode::TooManyAttempts,
            RefusalCode::LimitReached,
            RefusalCode::LoginTimeout,
        ];
        for &(code, _) in RefusalCode::ALL {
            let expected = if retried.contains(&code) { Next::Retry } else { Next::Stop };
            assert_eq!(after_refused_login(&LoginError::Refused { code, message: String::new() }), expected, "{code}");
        }
    }

    #[test]
    fn a_server_that_is_away_is_tried_again_and_another_one_is_not() {
        let address = crate::Address::default;
        let io = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let away = [
            ConnectError::Unreachable { address: address(), error: io() },
            ConnectError::Unresolved { host: "den".to_owned(), error: io() },
            ConnectError::NoGreeting { address: address(), lost: Lost::Closed },
        ];
        assert!(away.iter().all(|error| after_refused_connection(error) == Next::Retry));
        let other = [
            ConnectError::NotTls(address()),
            ConnectError::WrongProtocol { address: address(), line: "220 smtp".to_owned() },
        ];
        assert!(other.iter().all(|error| after_refused_connection(error) == Next::Stop));
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pauses = |random| {
            let mut backoff = Backoff::new();
            (0..7).map(|_| backoff.pause(random).as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(u64::MAX), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(pauses(0), [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    }

    #[test]
    fn after_each_goodbye_before_the_login() {
        let lost = LoginError::Lost(Lost::Closed);
        assert!(is_of_the_server(&lost) && after_refused_login(&lost) == Next::Retry);
        for &code in Bye::ALL {
            let is_retried = [Bye::ServerShutdown, Bye::LoginTimeout].contains(&code);
            let error = LoginError::Ended { code, message: String::new() };
            assert_eq!(is_of_the_server(&error), is_retried, "{code}");
            assert_eq!(after_refused_login(&error) == Next::Retry, is_retried, "{code}");
        }
    }
}
