//! Counts failed logins over all servers, by Redis's clock, and keeps the usual addresses of users. All of it expires.

use std::time::Duration;

use ::redis::Value;
use parlor_core::LoginBackoff;
use parlor_core::ports::{
    Attempt, AttemptOutcome, AttemptPermit, KNOWN_FOR, LoginDecision, LoginLimiter, MAX_KNOWN_ADDRESSES, StoreError,
    StoreResult,
};
use parlor_proto::UserName;

use super::connection::command::{self, Command};
use super::connection::router::Router;
use super::connection::script;
use super::keys;
use super::membership::server::Server;

/// A counter under which an attempt is made.
struct Count {
    key: String,
    throttle: LoginBackoff,
}

impl LoginLimiter for Server {
    fn acquire(&self, attempt: &Attempt<'_>) -> StoreResult<LoginDecision> {
        self.acquire_with(attempt, Vec::new()).map(|(decision, _)| decision)
    }

    fn release(&self, attempt: &Attempt<'_>, permit: AttemptPermit, outcome: AttemptOutcome) -> StoreResult<()> {
        read_ends(self.router.call_all(ends(attempt, permit, outcome)))
    }

    fn note_known_address(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        self.call::<i64>(note_address(attempt.user, attempt.address)).map(drop)
    }
}

impl Server {
    /// Asks for the right to try a password, and sends other commands in the same request. Returns also the replies to these.
    pub(super) fn acquire_with(
        &self,
        attempt: &Attempt<'_>,
        others: Vec<Command>,
    ) -> StoreResult<(LoginDecision, Vec<StoreResult<Value>>)> {
        let Attempt { user, address, .. } = attempt;
        let keys =
            [keys::attempts_of_account(user), keys::attempts_of_pair(user, address), keys::usual_addresses(user)];
        let mut commands = vec![begin(&keys, address, LoginBackoff::ACCOUNT)];
        commands.extend(others);
        let mut replies = self.router.call_all(commands);
        let (is_known, answer) = command::read(replies.remove(0))?;
        let permit = AttemptPermit { is_known };
        let admission = admission(permit, answer);
        let (LoginDecision::Allowed(_), Some(count)) = (admission, address_count(attempt).filter(|_| !is_known)) else {
            return Ok((admission, replies));
        };
        let asked = self.call::<(bool, i64)>(begin(&[count.key], address, count.throttle));
        let both = asked.map(|(_, answer)| self::admission(permit, answer));
        if matches!(both, Ok(LoginDecision::Allowed(_))) {
            return both.map(|both| (both, replies));
        }
        // The place is also returned if the address counter is unavailable, for example while its node is unreachable.
        // Otherwise attempts from there would take all places of the account.
        let given_back = self.call::<i64>(end(&own_count(attempt, permit), true, AttemptOutcome::Unknown));
        both.and_then(|both| given_back.map(|_| (both, replies)))
    }
}

/// The command that requests a place. The answer says whether the address is usual, and what [`admission`] reads.
fn begin(keys: &[String], address: &str, throttle: LoginBackoff) -> Command {
    let LoginBackoff { free, first_delay, longest_delay, forget_after } = throttle;
    let [usual, first, longest, forget, answer] =
        [KNOWN_FOR, first_delay, longest_delay, forget_after, LoginBackoff::ANSWER_TIME].map(millis);
    let args: [&dyn command::Argument; 7] = [&address, &usual, &free, &first, &longest, &forget, &answer];
    Command::script(script::begin_attempt(), keys, &args)
}

/// The commands that end an attempt whose secret was right.
pub(super) fn end_right(attempt: &Attempt<'_>, permit: AttemptPermit) -> Vec<Command> {
    ends(attempt, permit, AttemptOutcome::Right)
}

/// The commands that end an attempt.
fn ends(attempt: &Attempt<'_>, permit: AttemptPermit, outcome: AttemptOutcome) -> Vec<Command> {
    let mut commands = vec![end(&own_count(attempt, permit), true, outcome)];
    // A correct password does not clear failures of other accounts from this address.
    let of_address = if outcome == AttemptOutcome::Right { AttemptOutcome::Unknown } else { outcome };
    if let Some(count) = address_count(attempt)
        && (!permit.is_known || outcome == AttemptOutcome::Wrong)
    {
        commands.push(end(&count, !permit.is_known, of_address));
    }
    if outcome == AttemptOutcome::Right {
        commands.push(note_address(attempt.user, attempt.address));
    }
    commands
}

/// Reads the answers to [`ends`].
pub(super) fn read_ends(replies: Vec<StoreResult<Value>>) -> StoreResult<()> {
    replies.into_iter().map(command::read::<i64>).try_for_each(|reply| reply.map(drop))
}

/// Clears the failures of an account, and records an address as usual. Returns `false` if the account does not exist.
pub(super) fn unlock(router: &Router, user: &UserName, address: Option<&str>) -> StoreResult<bool> {
    let known: Vec<StoreResult<::redis::Value>> = router.call_all(vec![
        Command::plain("HEXISTS", keys::user(user), &["hash"]),
        Command::plain("ZRANGE", keys::usual_addresses(user), &["0", "-1"]),
    ]);
    let [exists, usual] =
        <[_; 2]>::try_from(known).map_err(|_| StoreError::new("Redis answered another number of commands"))?;
    if command::read::<i64>(exists)? == 0 {
        return Ok(false);
    }
    let pairs = command::read::<Vec<String>>(usual)?;
    let mut keys: Vec<String> = pairs.iter().map(|address| keys::attempts_of_pair(user, address)).collect();
    keys.push(keys::attempts_of_account(user));
    let mut commands: Vec<Command> = keys.into_iter().map(|key| Command::plain("DEL", key, &[])).collect();
    commands.extend(address.map(|address| note_address(user, address)));
    let mut replies = router.call_all(commands).into_iter().map(command::read::<i64>);
    replies.try_for_each(|reply| reply.map(drop)).map(|()| true)
}

fn admission(permit: AttemptPermit, answer: i64) -> LoginDecision {
    match u64::try_from(answer) {
        Ok(0) => LoginDecision::Allowed(permit),
        Ok(millis) => LoginDecision::RetryAfter(Duration::from_millis(millis)),
        Err(_) => LoginDecision::Queued,
    }
}

/// The counter of the account, or of the pair.
fn own_count(Attempt { user, address, .. }: &Attempt<'_>, permit: AttemptPermit) -> Count {
    let key = match permit.is_known {
        true => keys::attempts_of_pair(user, address),
        false => keys::attempts_of_account(user),
    };
    Count { key, throttle: LoginBackoff::ACCOUNT }
}

fn address_count(attempt: &Attempt<'_>) -> Option<Count> {
    let count = || Count { key: keys::attempts_from_address(attempt.address), throttle: LoginBackoff::ADDRESS };
    attempt.is_address_limited.then(count)
}

/// Reports the result of an attempt to one counter. `took_place`: whether the attempt took a place there.
fn end(count: &Count, took_place: bool, outcome: AttemptOutcome) -> Command {
    let word = match outcome {
        AttemptOutcome::Right => "right",
        AttemptOutcome::Wrong => "wrong",
        AttemptOutcome::Unknown => "unknown",
    };
    let forget = millis(count.throttle.forget_after);
    Command::script(script::end_attempt(), &[&count.key], &[&u8::from(took_place), &word, &forget])
}

fn note_address(user: &UserName, address: &str) -> Command {
    let keys = [keys::usual_addresses(user)];
    Command::script(script::note_address(), &keys, &[&address, &MAX_KNOWN_ADDRESSES, &millis(KNOWN_FOR)])
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use parlor_proto::Timestamp;

    use super::*;
    use crate::redis::connection::fake_node::shown;

    /// What ends an attempt: each counter, whether the attempt has a place there, and what it hears.
    fn ended(is_limited: bool, is_known: bool, outcome: AttemptOutcome) -> Vec<String> {
        let user: UserName = "ann".parse().unwrap();
        let (at, now) = (Duration::ZERO, Timestamp::from_millis(7));
        let attempt = Attempt { user: &user, address: "192.0.2.1", is_address_limited: is_limited, at, now };
        let commands = ends(&attempt, AttemptPermit { is_known }, outcome);
        let short = |command: &Command| shown(command).replace("parlor:attempts:", "").replace("end_attempt ", "");
        commands.iter().map(short).collect()
    }

    const ACCOUNT: &str = "account:{ann}";
    const PAIR: &str = "pair:{ann}:192.0.2.1";
    const ADDRESS: &str = "address:{192.0.2.1}";

    #[test]
    fn a_wrong_secret_counts_for_the_address_too_even_from_a_known_one_that_has_no_place_there() {
        use AttemptOutcome::Wrong;
        let [account, address] = [LoginBackoff::ACCOUNT, LoginBackoff::ADDRESS].map(|it| millis(it.forget_after));
        let elsewhere = [format!("{ACCOUNT} | 1 wrong {account}"), format!("{ADDRESS} | 1 wrong {address}")];
        assert_eq!(ended(true, false, Wrong), elsewhere);
        assert_eq!(
            ended(true, true, Wrong),
            [format!("{PAIR} | 1 wrong {account}"), format!("{ADDRESS} | 0 wrong {address}")]
        );
        assert_eq!(ended(false, false, Wrong), elsewhere[..1]);
        assert_eq!(ended(false, true, Wrong), [format!("{PAIR} | 1 wrong {account}")]);
    }

    #[test]
    fn a_right_secret_forgives_the_account_gives_the_place_of_the_address_back_and_makes_it_known() {
        let [elsewhere, home] = [false, true].map(|is_known| ended(true, is_known, AttemptOutcome::Right));
        assert!(elsewhere[0].starts_with(&format!("{ACCOUNT} | 1 right ")), "{elsewhere:?}");
        assert!(elsewhere[1].starts_with(&format!("{ADDRESS} | 1 unknown ")), "{elsewhere:?}");
        let note =
            format!("note_address parlor:addresses:{{ann}} | 192.0.2.1 {MAX_KNOWN_ADDRESSES} {}", millis(KNOWN_FOR));
        assert_eq!((elsewhere.len(), &elsewhere[2]), (3, &note));
        assert!(home.len() == 2 && home[0].starts_with(&format!("{PAIR} | 1 right ")), "{home:?}");
        assert_eq!(home[1], note);
    }

    #[test]
    fn what_is_not_known_only_gives_the_places_back() {
        let unknown = |is_limited, is_known| ended(is_limited, is_known, AttemptOutcome::Unknown);
        let elsewhere = unknown(true, false);
        assert!(elsewhere.len() == 2 && elsewhere.iter().all(|end| end.contains("| 1 unknown ")), "{elsewhere:?}");
        assert_eq!(
            [unknown(true, true), unknown(false, true), unknown(false, false)].map(|ends| ends.len()),
            [1, 1, 1]
        );
    }

    #[test]
    fn an_answer_is_a_permit_a_time_to_wait_or_a_place_in_the_queue() {
        let permit = AttemptPermit { is_known: true };
        assert_eq!(admission(permit, 0), LoginDecision::Allowed(permit));
        assert_eq!(admission(permit, 1500), LoginDecision::RetryAfter(Duration::from_millis(1500)));
        assert_eq!(admission(permit, -1), LoginDecision::Queued);
    }
}
