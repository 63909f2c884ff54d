//! Accounts: one hash each, and an index of their names.

use std::collections::HashMap;

use parlor_core::ports::{Account, Accounts, PasswordHash, Role, StoreError, StoreResult};
use parlor_proto::{Timestamp, UserName};

use super::attempts;
use super::command::{self, Command};
use super::keys;
use super::news::ServerNews;
use super::rooms::sorted;
use super::router::Router;
use super::script;
use super::server::Server;

const OPERATOR: &str = "operator";
const MEMBER: &str = "member";

/// Accounts in Redis, whoever uses them.
pub(super) struct People<'a>(pub(super) &'a Router);

impl People<'_> {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.0.call(command))
    }

    fn amend(&self, user: &UserName, field: &str, value: &str, old: &str) -> StoreResult<bool> {
        let keys = [keys::user(user)];
        self.call(Command::script(script::amend_account(), &keys, &[&field, &value, &old]))
    }

    fn take_away(&self, user: &UserName, created: i64, step: &str) -> StoreResult<()> {
        self.call::<i64>(Command::script(script::delete_account(), &[keys::user(user)], &[&created, &step])).map(drop)
    }

    fn followed(&self, key: String) -> StoreResult<Vec<UserName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", key, &[]))?;
        Ok(sorted(&names))
    }

    /// Ends all follows from and to a user, and forgets from where that one logged in.
    fn forget_person(&self, user: &UserName) -> StoreResult<()> {
        let (followers, following) = (keys::followers(user), keys::following(user));
        let mut commands = Vec::new();
        for follower in self.followed(followers.clone())? {
            commands.push(Command::plain("SREM", keys::following(&follower), &[user.as_str()]));
        }
        for publisher in self.followed(following.clone())? {
            commands.push(Command::plain("SREM", keys::followers(&publisher), &[user.as_str()]));
        }
        commands.push(Command::plain("DEL", keys::usual_addresses(user), &[]));
        commands.push(Command::plain("DEL", followers, &[]));
        commands.push(Command::plain("DEL", following, &[]));
        self.0.call_all(commands).into_iter().try_for_each(|reply| command::read::<i64>(reply).map(drop))
    }
}

impl Accounts for People<'_> {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        let Account { user, hash, role, created } = account;
        // The index first: a name in it without an account does no harm.
        self.call::<i64>(Command::plain("SADD", keys::USERS, &[user.as_str()]))?;
        let created = created.as_millis();
        let keys = [keys::user(user)];
        self.call(Command::script(script::create_account(), &keys, &[&hash.expose(), &role_word(*role), &created]))
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        let fields: HashMap<String, String> = self.call(Command::plain("HGETALL", keys::user(user), &[]))?;
        read(user, &fields)
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.amend(user, "hash", hash.expose(), "")
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.amend(user, "hash", new.expose(), old.expose())
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.amend(user, "role", role_word(role), "")
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        let created: Option<i64> = self.call(Command::plain("HGET", keys::user(user), &["created"]))?;
        let Some(created) = created else { return Ok(false) };
        self.take_away(user, created, "")?;
        self.forget_person(user)?;
        self.call::<i64>(Command::plain("SREM", keys::USERS, &[user.as_str()]))?;
        let news = ServerNews::Deleted(user.clone(), Timestamp::from_millis(created)).write();
        self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news]))?;
        // The name is free only now, so that nothing is forgotten of its next owner.
        self.take_away(user, created, "last").map(|()| true)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, _now: Timestamp) -> StoreResult<bool> {
        attempts::unlock(self.0, user, address)
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

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Operator => OPERATOR,
        Role::Member => MEMBER,
    }
}

/// An account as it is kept; none if only generations are left of it, or it is being deleted.
fn read(user: &UserName, fields: &HashMap<String, String>) -> StoreResult<Option<Account>> {
    let Some(hash) = fields.get("hash") else { return Ok(None) };
    let role = if fields.get("role").is_some_and(|role| role == OPERATOR) { Role::Operator } else { Role::Member };
    let created = fields.get("created").and_then(|created| created.parse().ok());
    let created = created.ok_or_else(|| StoreError::new(format!("the account {user} cannot be read")))?;
    let hash = PasswordHash::new(hash.clone());
    Ok(Some(Account { user: user.clone(), hash, role, created: Timestamp::from_millis(created) }))
}

/// Passes each call on to a view of the accounts.
macro_rules! accounts_of {
    ($owner:ty) => {
        impl Accounts for $owner {
            fn create(&self, account: &Account) -> StoreResult<bool> {
                People(&self.router).create(account)
            }

            fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
                People(&self.router).find(user)
            }

            fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
                People(&self.router).set_password(user, hash)
            }

            fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
                People(&self.router).renew_hash(user, old, new)
            }

            fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
                People(&self.router).set_role(user, role)
            }

            fn delete(&self, user: &UserName) -> StoreResult<bool> {
                People(&self.router).delete(user)
            }

            fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
                People(&self.router).unlock(user, address, now)
            }

            fn accounts(&self) -> StoreResult<Vec<Account>> {
                People(&self.router).accounts()
            }
        }
    };
}

/// Accounts, for a program that is no server.
pub(super) struct AdminAccounts {
    pub(super) router: Router,
}

accounts_of!(Server);
accounts_of!(AdminAccounts);
