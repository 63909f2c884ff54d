//! Failed logins, counted over all servers, by Redis's clock, and the addresses from which they do not fail. All of it
//! goes by itself in time.

use std::time::Duration;

use parlor_core::LoginBackoff;
use parlor_core::ports::{
    Admission, Attempt, LoginLimiter, MAX_USUAL_ADDRESSES, Outcome, Permit, StoreError, StoreResult, USUAL_FOR,
};
use parlor_proto::UserName;

use super::connection::command::{self, Command};
use super::connection::router::Router;
use super::connection::script;
use super::keys;
use super::membership::server::Server;

/// A count under which an attempt is made.
struct Count {
    key: String,
    throttle: LoginBackoff,
}

impl LoginLimiter for Server {
    fn begin(&self, attempt: &Attempt<'_>) -> StoreResult<Admission> {
        let Attempt { user, address, .. } = attempt;
        let keys =
            [keys::attempts_of_account(user), keys::attempts_of_pair(user, address), keys::usual_addresses(user)];
        let (is_usual, answer) = self.ask(&keys, address, LoginBackoff::ACCOUNT)?;
        let permit = Permit { is_usual };
        let admission = admission(permit, answer);
        let (Admission::Now(_), Some(count)) = (admission, address_count(attempt).filter(|_| !is_usual)) else {
            return Ok(admission);
        };
        let asked = self.ask(&[count.key], address, count.throttle);
        let both = asked.map(|(_, answer)| self::admission(permit, answer));
        if matches!(both, Ok(Admission::Now(_))) {
            return both;
        }
        // Also if the address cannot be asked about, as while its node is away: or else those who come from there
        // would take all places of the account.
        let given_back = self.call::<i64>(end(&own_count(attempt, permit), true, Outcome::Unknown));
        both.and_then(|both| given_back.map(|_| both))
    }

    fn end(&self, attempt: &Attempt<'_>, permit: Permit, outcome: Outcome) -> StoreResult<()> {
        let mut commands = vec![end(&own_count(attempt, permit), true, outcome)];
        // A right password forgives nothing that failed from there for others.
        let of_address = if outcome == Outcome::Right { Outcome::Unknown } else { outcome };
        if let Some(count) = address_count(attempt)
            && (!permit.is_usual || outcome == Outcome::Wrong)
        {
            commands.push(end(&count, !permit.is_usual, of_address));
        }
        if outcome == Outcome::Right {
            commands.push(note_address(attempt.user, attempt.address));
        }
        let replies = self.router.call_all(commands).into_iter();
        replies.map(command::read::<i64>).try_for_each(|reply| reply.map(drop))
    }

    fn remember(&self, attempt: &Attempt<'_>) -> StoreResult<()> {
        self.call::<i64>(note_address(attempt.user, attempt.address)).map(drop)
    }
}

impl Server {
    /// Asks for a place: whether the address is usual, and what was answered.
    fn ask(&self, keys: &[String], address: &str, throttle: LoginBackoff) -> StoreResult<(bool, i64)> {
        let LoginBackoff { free, first_delay, longest_delay, forget_after } = throttle;
        let [usual, first, longest, forget, answer] =
            [USUAL_FOR, first_delay, longest_delay, forget_after, LoginBackoff::ANSWER_TIME].map(millis);
        let args: [&dyn command::Argument; 7] = [&address, &usual, &free, &first, &longest, &forget, &answer];
        self.call(Command::script(script::begin_attempt(), keys, &args))
    }
}

/// Forgets what failed at an account that exists, and takes an address for a usual one. `false` if there is none.
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

fn admission(permit: Permit, answer: i64) -> Admission {
    match u64::try_from(answer) {
        Ok(0) => Admission::Now(permit),
        Ok(millis) => Admission::After(Duration::from_millis(millis)),
        Err(_) => Admission::InTurn,
    }
}

/// The count of the account, or of the pair.
fn own_count(Attempt { user, address, .. }: &Attempt<'_>, permit: Permit) -> Count {
    let key = match permit.is_usual {
        true => keys::attempts_of_pair(user, address),
        false => keys::attempts_of_account(user),
    };
    Count { key, throttle: LoginBackoff::ACCOUNT }
}

fn address_count(attempt: &Attempt<'_>) -> Option<Count> {
    let count = || Count { key: keys::attempts_from_address(attempt.address), throttle: LoginBackoff::ADDRESS };
    attempt.is_address_limited.then(count)
}

/// Tells one count what came of an attempt, which took a place there or not.
fn end(count: &Count, took_place: bool, outcome: Outcome) -> Command {
    let word = match outcome {
        Outcome::Right => "right",
        Outcome::Wrong => "wrong",
        Outcome::Unknown => "unknown",
    };
    let forget = millis(count.throttle.forget_after);
    Command::script(script::end_attempt(), &[&count.key], &[&u8::from(took_place), &word, &forget])
}

fn note_address(user: &UserName, address: &str) -> Command {
    let keys = [keys::usual_addresses(user)];
    Command::script(script::note_address(), &keys, &[&address, &MAX_USUAL_ADDRESSES, &millis(USUAL_FOR)])
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
