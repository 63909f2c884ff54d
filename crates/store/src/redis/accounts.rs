//! Accounts: one hash each, and an index of their names.

use std::collections::HashMap;

use parlor_core::ports::{
    Account, AccountVersion, Accounts, LogId, PasswordHash, Role, StoreError, StoreResult, Suspension,
};
use parlor_proto::{Generation, Timestamp, UserName};

use super::codec;
use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::directs::Deliveries;
use super::keys;
use super::login_limiter;
use super::membership::server::{Server, evict};
use super::pubsub::message::ServerMessage;
use super::rooms::sorted;
use super::tickets::{self, RedisTickets};

const OPERATOR: &str = "operator";
const MEMBER: &str = "member";

/// The followers of a user, the publishers that the user follows, the users whom the user blocks, and those who block the
/// user.
type Others = [Vec<String>; 4];

/// Accounts in Redis, for servers and for admin programs.
pub(super) struct RedisAccounts<'a>(pub(super) &'a Router);

impl RedisAccounts<'_> {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.0.call(command))
    }

    fn amend(&self, user: &UserName, field: &str, value: &str, old: &str) -> StoreResult<bool> {
        let keys = [keys::user(user)];
        self.call(Command::script(script::amend_account(), &keys, &[&field, &value, &old]))
    }

    /// Changes the password, and revokes all tickets. Returns them; none if the password was not changed.
    fn change_hash(
        &self,
        user: &UserName,
        hash: &PasswordHash,
        old: &str,
        by: Option<Generation>,
    ) -> StoreResult<Option<tickets::Revoked>> {
        let keys = [keys::user(user), keys::tickets(user)];
        let args: [&dyn Argument; 3] = [&hash.expose(), &old, &tickets::written(by)];
        self.call(Command::script(script::change_password(), &keys, &args))
    }

    /// Adds a name to the index. A name without an account does no harm there.
    fn list(&self, user: &UserName) -> StoreResult<()> {
        self.call::<i64>(Command::plain("SADD", keys::USERS, &[user.as_str()])).map(drop)
    }

    /// Runs one step of a deletion. Returns the users in the sets of the account; none if the name already belongs to a
    /// new account.
    fn take_away(&self, user: &UserName, created: i64, step: &str) -> StoreResult<Option<Others>> {
        let mut keys = vec![
            keys::user(user),
            keys::followers(user),
            keys::following(user),
            keys::blocks(user),
            keys::blocked_by(user),
        ];
        keys.push(keys::tickets(user));
        keys.extend(keys::belongings(user));
        let (channel, news) = (keys::log(&LogId::Feed(user.clone())), deletion(user, created));
        let args: [&dyn Argument; 4] = [&created, &step, &channel, &news];
        self.call(Command::script(script::delete_account(), &keys, &args))
    }

    /// Removes a user from sets of other users.
    fn take_out(&self, user: &UserName, sets: impl Iterator<Item = String>) -> StoreResult<()> {
        let commands = sets.map(|set| Command::plain("SREM", set, &[user.as_str()])).collect();
        self.0.call_all(commands).into_iter().try_for_each(|reply| command::read::<i64>(reply).map(drop))
    }

    /// Fences off the sessions of an account, and tells all servers. Returns `false` if there is no such account.
    fn end_sessions(
        &self,
        user: &UserName,
        news: &[fn(UserName, AccountVersion) -> ServerMessage],
    ) -> StoreResult<bool> {
        let keys = [keys::user(user)];
        let kicked: Option<(i64, u64)> = self.call(Command::script(script::kick_account(), &keys, &[]))?;
        let Some((created, kicks)) = kicked else { return Ok(false) };
        let version = AccountVersion { created: Timestamp::from_millis(created), kicks };
        for news in news {
            let news = news(user.clone(), version).write();
            self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news]))?;
        }
        Ok(true)
    }

    /// Removes the sessions of a user from all rooms, so that they cannot speak there even if their server hangs. The
    /// generation that is stored is larger than theirs.
    pub(super) fn end_memberships(&self, user: &UserName) -> StoreResult<()> {
        let generation = Command::plain("HGET", keys::user(user), &["generation"]);
        let [generation, rooms] =
            self.0.call_each([generation, Command::plain("HGET", keys::session(user), &["rooms"])]);
        let (generation, rooms): (Option<String>, Option<String>) = (command::read(generation)?, command::read(rooms)?);
        let (Some(below), Some(rooms)) = (generation, rooms) else { return Ok(()) };
        let evictions = codec::read_notes(&rooms).into_iter().map(|(room, _)| evict(user, &room, &below)).collect();
        let replies = self.0.call_all(evictions).into_iter();
        replies.map(command::read::<(i64, u64)>).try_for_each(|reply| reply.map(drop))
    }

    /// Notifies all servers that an account is deleted.
    fn tell_deletion(&self, user: &UserName, created: i64) -> StoreResult<()> {
        let news = deletion(user, created);
        self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news])).map(drop)
    }
}

/// Asks for an account.
pub(super) fn ask_for_account(user: &UserName) -> Command {
    Command::plain("HGETALL", keys::user(user), &[])
}

/// Reads the answer to [`ask_for_account`].
pub(super) fn read_account(user: &UserName, reply: StoreResult<::redis::Value>) -> StoreResult<Option<Account>> {
    let fields: HashMap<String, String> = command::read(reply)?;
    read(user, &fields)
}

impl Accounts for RedisAccounts<'_> {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        // A new account was never kicked: the script begins the count again.
        let Account { user, hash, role, created, kicks: _, suspension: _ } = account;
        // The index comes first, so that every account is in it.
        self.list(user)?;
        let mut keys = vec![keys::user(user), keys::following(user), keys::blocks(user), keys::blocked_by(user)];
        keys.push(keys::tickets(user));
        keys.extend(keys::belongings(user));
        let args: [&dyn Argument; 3] = [&hash.expose(), &role_word(*role), &created.as_millis()];
        let left: Option<Vec<Vec<String>>> = self.call(Command::script(script::create_account(), &keys, &args))?;
        let Some(left) = left else { return Ok(false) };
        // The end of a deletion may have removed the name in between.
        self.list(user)?;
        let mut left = left.into_iter();
        let mut next = || sorted(&left.next().unwrap_or_default());
        let (followed, blocked, blockers) = (next(), next(), next());
        let sets = followed.iter().map(keys::followers).chain(blocked.iter().map(keys::blocked_by));
        self.take_out(user, sets.chain(blockers.iter().map(keys::blocks)))?;
        Ok(true)
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        read_account(user, self.0.call(ask_for_account(user)))
    }

    fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
        let fields = ["deleted", "created", "hash"];
        let found: [Option<String>; 3] = self.call(Command::plain("HMGET", keys::user(user), &fields))?;
        let [mark, created, hash] = found;
        // The mark comes with the last step of a deletion; the hash goes with the first one.
        Ok(mark.is_some() || created.is_some() && hash.is_none())
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.change_hash(user, hash, "", None).map(|revoked| revoked.is_some())
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.amend(user, "hash", new.expose(), old.expose())
    }

    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool> {
        let Some(revoked) = self.change_hash(user, new, old.expose(), Some(by))? else { return Ok(false) };
        RedisTickets(self.0).end_sessions(user, &revoked, Some(by)).map(|()| true)
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.amend(user, "role", role_word(role), "")
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        let created: Option<i64> = self.call(Command::plain("HGET", keys::user(user), &["created"]))?;
        let Some(created) = created else { return Ok(false) };
        // No answer: another caller has deleted the account in the meantime.
        let Some([followers, following, blocked, blockers]) = self.take_away(user, created, "")? else {
            return Ok(true);
        };
        // Servers are notified now, so that the session ends even if the rest fails. They are notified again at the
        // end, because a server may have read its follows in the meantime.
        self.tell_deletion(user, created)?;
        // What the user said is accepted, so its copies are appended. One that cannot be appended now does not keep the
        // account: its note stays, and whoever gets the name next completes it.
        drop(Deliveries { router: self.0, kept: u64::MAX >> 12, cursors: None }.complete(user));
        let followers = sorted(&followers).iter().map(keys::following).collect::<Vec<_>>();
        let publishers = sorted(&following).iter().map(keys::followers).collect::<Vec<_>>();
        let blocked = sorted(&blocked).iter().map(keys::blocked_by).collect::<Vec<_>>();
        let blockers = sorted(&blockers).iter().map(keys::blocks).collect::<Vec<_>>();
        let sets = followers.into_iter().chain(publishers).chain(blocked).chain(blockers);
        self.take_out(user, sets.chain([keys::USERS.to_owned()]))?;
        self.tell_deletion(user, created)?;
        // No answer: another caller was faster. The name may have a new account, which must be in the index.
        if self.take_away(user, created, "last")?.is_none() {
            self.list(user)?;
        }
        Ok(true)
    }

    fn kick(&self, user: &UserName) -> StoreResult<bool> {
        self.end_sessions(user, &[ServerMessage::Kicked])
    }

    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
        let keys = [keys::user(user), keys::tickets(user)];
        let Some(Suspension { until, reason }) = suspension else {
            let ended = Command::script(script::suspend_account(), &keys, &[&"", &""]);
            return self.call::<i64>(ended).map(|known| known > 0);
        };
        let until = until.map_or(0, Timestamp::as_millis);
        let suspended = Command::script(script::suspend_account(), &keys, &[&until, &reason.as_str()]);
        if self.call::<i64>(suspended)? == 0 {
            return Ok(false);
        }
        // Servers that do not know suspensions end the session all the same.
        let is_known = self.end_sessions(user, &[ServerMessage::Suspended, ServerMessage::Kicked])?;
        self.end_memberships(user)?;
        Ok(is_known)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, _now: Timestamp) -> StoreResult<bool> {
        login_limiter::unlock(self.0, user, address)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::USERS, &[]))?;
        let users = sorted(&names);
        let questions = users.iter().map(|user| Command::plain("HGETALL", keys::user(user), &[])).collect();
        let mut accounts = Vec::new();
        for (user, reply) in users.iter().zip(self.0.call_all(questions)) {
            accounts.extend(read(user, &command::read(reply)?)?);
        }
        Ok(accounts)
    }
}

/// The message that an account is deleted.
fn deletion(user: &UserName, created: i64) -> String {
    ServerMessage::Deleted(user.clone(), Timestamp::from_millis(created)).write()
}

pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Operator => OPERATOR,
        Role::Member => MEMBER,
    }
}

/// Reads an account from its hash; none if the hash contains only generations, or if the account is being deleted.
pub(super) fn read(user: &UserName, fields: &HashMap<String, String>) -> StoreResult<Option<Account>> {
    let Some(hash) = fields.get("hash") else { return Ok(None) };
    let role = if fields.get("role").is_some_and(|role| role == OPERATOR) { Role::Operator } else { Role::Member };
    let created = fields.get("created").and_then(|created| created.parse().ok());
    let created = created.ok_or_else(|| StoreError::new(format!("the account {user} cannot be read")))?;
    // Accounts of earlier versions have no count.
    let kicks = fields.get("kicks").and_then(|kicks| kicks.parse().ok()).unwrap_or(0);
    let hash = PasswordHash::new(hash.clone());
    let suspension = read_suspension(fields);
    let (user, created) = (user.clone(), Timestamp::from_millis(created));
    Ok(Some(Account { user, hash, role, created, kicks, suspension }))
}

fn read_suspension(fields: &HashMap<String, String>) -> Option<Suspension> {
    let until = fields.get("suspended")?.parse().ok().filter(|until| *until != 0).map(Timestamp::from_millis);
    let reason = fields.get("suspended_for").cloned().unwrap_or_default().into();
    Some(Suspension { until, reason })
}

/// Forwards each call to `RedisAccounts`.
macro_rules! accounts_of {
    ($owner:ty) => {
        impl Accounts for $owner {
            fn create(&self, account: &Account) -> StoreResult<bool> {
                RedisAccounts(&self.router).create(account)
            }

            fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
                RedisAccounts(&self.router).find(user)
            }

            fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
                RedisAccounts(&self.router).was_deleted(user)
            }

            fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
                RedisAccounts(&self.router).set_password(user, hash)
            }

            fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
                RedisAccounts(&self.router).renew_hash(user, old, new)
            }

            fn change_password(
                &self,
                user: &UserName,
                old: &PasswordHash,
                new: &PasswordHash,
                by: Generation,
            ) -> StoreResult<bool> {
                RedisAccounts(&self.router).change_password(user, old, new, by)
            }

            fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
                RedisAccounts(&self.router).set_role(user, role)
            }

            fn delete(&self, user: &UserName) -> StoreResult<bool> {
                RedisAccounts(&self.router).delete(user)
            }

            fn kick(&self, user: &UserName) -> StoreResult<bool> {
                RedisAccounts(&self.router).kick(user)
            }

            fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
                RedisAccounts(&self.router).suspend(user, suspension)
            }

            fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
                RedisAccounts(&self.router).unlock(user, address, now)
            }

            fn accounts(&self) -> StoreResult<Vec<Account>> {
                RedisAccounts(&self.router).accounts()
            }
        }
    };
}

/// Accounts for a program that is not a server.
pub(super) struct AdminAccounts {
    pub(super) router: Router,
}

accounts_of!(Server);
accounts_of!(AdminAccounts);

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an account that has these fields.
    fn account(fields: &[(&str, &str)]) -> StoreResult<Option<Account>> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(&"ann".parse().unwrap(), &fields)
    }

    const FULL: [(&str, &str); 4] = [("hash", "x"), ("role", "operator"), ("created", "7"), ("kicks", "2")];

    #[test]
    fn an_account_is_its_hash_and_its_creation() {
        let found = account(&FULL).unwrap().unwrap();
        assert_eq!(
            (found.hash.expose(), found.role, found.created.as_millis(), found.kicks),
            ("x", Role::Operator, 7, 2)
        );
        // What is left of a deleted one, or of one that is being deleted.
        for rest in [&[("generation", "9"), ("deleted", "1")][..], &[("created", "7"), ("kicks", "2")], &[]] {
            assert_eq!(account(rest), Ok(None), "{rest:?}");
        }
        for created in [None, Some(("created", "soon")), Some(("created", ""))] {
            let fields: Vec<_> = [("hash", "x")].into_iter().chain(created).collect();
            assert_eq!(account(&fields).unwrap_err().to_string(), "the account ann cannot be read");
        }
    }

    #[test]
    fn who_is_not_said_to_be_an_operator_is_none_and_was_never_kicked() {
        for role in [None, Some(("role", "member")), Some(("role", "Operator")), Some(("role", ""))] {
            let fields: Vec<_> = [("hash", "x"), ("created", "-7")].into_iter().chain(role).collect();
            let found = account(&fields).unwrap().unwrap();
            assert_eq!((found.role, found.kicks, found.created.as_millis()), (Role::Member, 0, -7));
        }
        assert_eq!([Role::Operator, Role::Member].map(role_word), ["operator", "member"]);
    }

    #[test]
    fn a_suspension_ends_at_its_time_or_never() {
        let suspension = |fields: &[(&str, &str)]| account(&[&FULL[..], fields].concat()).unwrap().unwrap().suspension;
        let until =
            |millis| Some(Suspension { until: Some(Timestamp::from_millis(millis)), reason: String::new().into() });
        assert_eq!(suspension(&[("suspended", "9")]), until(9));
        let for_ever = Some(Suspension { until: None, reason: "two  words".to_owned().into() });
        assert_eq!(suspension(&[("suspended", "0"), ("suspended_for", "two  words")]), for_ever);
        assert_eq!(suspension(&[("suspended_for", "spam")]), None);
        // Whatever the end is, the account is closed.
        assert!(suspension(&[("suspended", "soon")]).is_some_and(|suspension| suspension.until.is_none()));
    }
}
