//! Invitations in Redis: one hash each, and an index of their ids. The account that one makes lies in another slot, so a use is
//! first taken for its name, then the account is made, then the use is settled. It must not see a code.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use parlor_core::ports::{
    Account, Accounts, INVITATION_KEPT_FOR, Invitation, InvitationTerms, Invitations, InvitedResult, MAX_INVITATIONS,
    Role, SecretHash, StoreResult,
};
use parlor_proto::{InvitationId, RoomName, Timestamp};

use super::accounts::{self, AdminAccounts, RedisAccounts};
use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::keys;
use super::membership::server::Server;

/// Begins the fields of an invitation that are names of accounts.
const USER: &str = "user ";

/// Invitations in Redis, for servers and for admin programs.
struct RedisInvitations<'a>(&'a Router);

impl RedisInvitations<'_> {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.0.call(command))
    }

    /// Takes a use for the name of an account. Returns `false` if there is none left for it.
    fn take(&self, account: &Account, hash: &SecretHash) -> StoreResult<bool> {
        let keys = [keys::invitation(InvitationId(hash.number()))];
        let args: [&dyn Argument; 2] = [&hash.expose(), &account.user.as_str()];
        self.call::<i64>(Command::script(script::use_invitation(), &keys, &args)).map(|taken| taken > 0)
    }

    fn settle(&self, account: &Account, hash: &SecretHash) -> StoreResult<()> {
        let keys = [keys::invitation(InvitationId(hash.number()))];
        self.call::<i64>(Command::script(script::settle_invitation(), &keys, &[&account.user.as_str()])).map(drop)
    }

    /// Removes from the index what is not kept any more.
    fn unlist(&self, ids: &[InvitationId]) -> StoreResult<()> {
        let ids: Vec<String> = ids.iter().map(InvitationId::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.call::<i64>(Command::plain("SREM", keys::INVITATIONS, &ids)).map(drop)
    }
}

impl Invitations for RedisInvitations<'_> {
    fn add(&self, terms: &InvitationTerms, lifetime: Duration, now: Timestamp) -> StoreResult<Option<Invitation>> {
        if self.invitations(now)?.len() >= MAX_INVITATIONS {
            return Ok(None);
        }
        let InvitationTerms { hash, by, role, rooms, uses } = terms;
        let id = terms.id().to_string();
        // The index comes first, so that every invitation is in it.
        self.call::<i64>(Command::plain("SADD", keys::INVITATIONS, &[&id]))?;
        let rooms: Vec<&str> = rooms.iter().map(RoomName::as_str).collect();
        let (hash, rooms, role) = (hash.expose(), rooms.join(" "), accounts::role_word(*role));
        let (lifetime, kept) = (millis(lifetime), millis(INVITATION_KEPT_FOR));
        let args: [&dyn Argument; 7] = [&hash, &by.as_str(), &role, &rooms, uses, &lifetime, &kept];
        let keys = [keys::invitation(terms.id())];
        let ends: Option<(i64, i64)> = self.call(Command::script(script::add_invitation(), &keys, &args))?;
        let added = |(made, expires)| Invitation {
            terms: terms.clone(),
            made: Timestamp::from_millis(made),
            expires: Timestamp::from_millis(expires),
            used: BTreeSet::new(),
        };
        Ok(ends.map(added))
    }

    fn find_valid(&self, hash: &SecretHash, _now: Timestamp) -> StoreResult<Option<Invitation>> {
        let looked = look_at(InvitationId(hash.number()));
        let (now, fields): (i64, HashMap<String, String>) = self.call(looked)?;
        Ok(read(&fields).filter(|invitation| invitation.admits(hash, Timestamp::from_millis(now))))
    }

    fn register(&self, account: &Account, hash: &SecretHash, _now: Timestamp) -> StoreResult<InvitedResult> {
        let accounts = RedisAccounts(self.0);
        if accounts.find(&account.user)?.is_some() {
            return Ok(InvitedResult::NameTaken);
        }
        if !self.take(account, hash)? {
            return Ok(InvitedResult::Void);
        }
        // Who loses a race for the name leaves the use to the name.
        if !accounts.create(account)? {
            return Ok(InvitedResult::NameTaken);
        }
        // The account is made: a failure only means that the name could be used again once the account is deleted.
        drop(self.settle(account, hash));
        Ok(InvitedResult::Made)
    }

    fn invitations(&self, _now: Timestamp) -> StoreResult<Vec<Invitation>> {
        let ids: Vec<String> = self.call(Command::plain("SMEMBERS", keys::INVITATIONS, &[]))?;
        let ids: Vec<InvitationId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let replies = self.0.call_all(ids.iter().copied().map(look_at).collect());
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for (id, reply) in ids.into_iter().zip(replies) {
            let (_, fields): (i64, HashMap<String, String>) = command::read(reply)?;
            match read(&fields) {
                Some(invitation) => kept.push(invitation),
                None => gone.push(id),
            }
        }
        self.unlist(&gone)?;
        kept.sort_by_key(|invitation| (invitation.made, invitation.terms.id()));
        Ok(kept)
    }

    fn revoke(&self, id: InvitationId) -> StoreResult<bool> {
        let deleted: i64 = self.call(Command::plain("DEL", keys::invitation(id), &[]))?;
        self.unlist(&[id])?;
        Ok(deleted > 0)
    }
}

fn look_at(id: InvitationId) -> Command {
    Command::script(script::look_at_invitation(), &[keys::invitation(id)], &[])
}

/// All invitations with those who used them, oldest first.
pub(super) fn all(router: &Router) -> StoreResult<Vec<Invitation>> {
    // Redis itself forgets old ones, so the time does not matter.
    RedisInvitations(router).invitations(Timestamp::from_millis(0))
}

/// The commands that keep an invitation and the names that used it.
pub(super) fn restoring(invitation: &Invitation) -> Vec<Command> {
    let Invitation { terms, made, expires, used } = invitation;
    let InvitationTerms { hash, by, role, rooms, uses } = terms;
    let rooms: Vec<&str> = rooms.iter().map(RoomName::as_str).collect();
    let (hash, rooms, uses) = (hash.expose(), rooms.join(" "), uses.to_string());
    let (made, ends) = (made.as_millis().to_string(), expires.as_millis().to_string());
    let names: Vec<String> = used.iter().map(|user| format!("{USER}{user}")).collect();
    let mut fields = vec!["hash", &hash, "by", by.as_str(), "role", accounts::role_word(*role), "rooms", &rooms];
    fields.extend(["uses", &uses, "made", &made, "expires", &ends]);
    fields.extend(names.iter().flat_map(|name| [name.as_str(), "made"]));
    let (key, forgotten) = (keys::invitation(terms.id()), expires.after(INVITATION_KEPT_FOR).as_millis().to_string());
    vec![
        Command::plain("SADD", keys::INVITATIONS, &[&terms.id().to_string()]),
        Command::plain("HSET", key.clone(), &fields),
        Command::plain("PEXPIREAT", key, &[&forgotten]),
    ]
}

/// Reads the fields of an invitation; none if there is none, or if they are something else.
fn read(fields: &HashMap<String, String>) -> Option<Invitation> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let terms = InvitationTerms {
        hash: SecretHash::read(field("hash")?)?,
        by: field("by")?.parse().ok()?,
        role: if field("role")? == accounts::role_word(Role::Operator) { Role::Operator } else { Role::Member },
        rooms: field("rooms")?.split(' ').filter_map(|room| room.parse().ok()).collect(),
        uses: field("uses")?.parse().ok()?,
    };
    let time = |name: &str| Some(Timestamp::from_millis(field(name)?.parse().ok()?));
    let used = fields.keys().filter_map(|field| field.strip_prefix(USER)?.parse().ok()).collect();
    Some(Invitation { made: time("made")?, expires: time("expires")?, terms, used })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Forwards each call to `RedisInvitations`.
macro_rules! invitations_of {
    ($owner:ty) => {
        impl Invitations for $owner {
            fn add(
                &self,
                terms: &InvitationTerms,
                lifetime: Duration,
                now: Timestamp,
            ) -> StoreResult<Option<Invitation>> {
                RedisInvitations(&self.router).add(terms, lifetime, now)
            }

            fn find_valid(&self, hash: &SecretHash, now: Timestamp) -> StoreResult<Option<Invitation>> {
                RedisInvitations(&self.router).find_valid(hash, now)
            }

            fn register(&self, account: &Account, hash: &SecretHash, now: Timestamp) -> StoreResult<InvitedResult> {
                RedisInvitations(&self.router).register(account, hash, now)
            }

            fn invitations(&self, now: Timestamp) -> StoreResult<Vec<Invitation>> {
                RedisInvitations(&self.router).invitations(now)
            }

            fn revoke(&self, id: InvitationId) -> StoreResult<bool> {
                RedisInvitations(&self.router).revoke(id)
            }
        }
    };
}

invitations_of!(Server);
invitations_of!(AdminAccounts);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::connection::fake_node::shown;

    fn invitation() -> Invitation {
        let (by, rooms) = ("root".parse().unwrap(), ["red", "blue"].map(|room| room.parse().unwrap()).to_vec());
        let terms = InvitationTerms { hash: SecretHash::of("code"), by, role: Role::Operator, rooms, uses: 3 };
        let used = ["ann", "bob"].map(|user| user.parse().unwrap()).into();
        Invitation { terms, made: Timestamp::from_millis(7), expires: Timestamp::from_millis(9), used }
    }

    /// The fields that the commands of an invitation set.
    fn fields(invitation: &Invitation) -> HashMap<String, String> {
        let set = ::redis::parse_redis_value(&restoring(invitation)[1].packed).unwrap();
        let words: Vec<String> = ::redis::from_redis_value(set).unwrap();
        words[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    #[test]
    fn an_invitation_is_read_as_it_was_kept() {
        let bare = Invitation { used: BTreeSet::new(), ..invitation() };
        let terms = InvitationTerms { rooms: Vec::new(), role: Role::Member, ..bare.terms.clone() };
        for invitation in [invitation(), Invitation { terms, ..bare }] {
            assert_eq!(read(&fields(&invitation)), Some(invitation));
        }
    }

    #[test]
    fn it_is_forgotten_some_time_after_its_end_and_listed_until_then() {
        let commands: Vec<String> = restoring(&invitation()).iter().map(shown).collect();
        let id = invitation().terms.id();
        let end = 9 + i64::try_from(INVITATION_KEPT_FOR.as_millis()).unwrap();
        assert_eq!(commands[0], format!("SADD parlor:invitations {id}"));
        assert_eq!(commands[2], format!("PEXPIREAT parlor:invitation:{{{id}}} {end}"));
        assert_eq!(commands.len(), 3);
    }

    #[test]
    fn an_invitation_that_lacks_something_is_none() {
        for missing in ["hash", "by", "role", "rooms", "uses", "made", "expires"] {
            let mut fields = fields(&invitation());
            assert!(fields.remove(missing).is_some());
            assert_eq!(read(&fields), None, "{missing}");
        }
        for (strange, value) in [("hash", "ba78"), ("by", "a.b"), ("uses", "-1"), ("made", "soon"), ("expires", "")] {
            let mut fields = fields(&invitation());
            fields.insert(strange.to_owned(), value.to_owned());
            assert_eq!(read(&fields), None, "{strange}");
        }
        // What a later version notes besides is no user.
        let mut fields = fields(&invitation());
        fields.extend([("user".to_owned(), "x".to_owned()), ("user a.b".to_owned(), "made".to_owned())]);
        assert_eq!(read(&fields), Some(invitation()));
    }
}
