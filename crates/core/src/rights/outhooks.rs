//! Outgoing hooks: programs that hear what is said in a room. Pure rules: it must not post.

use parlor_proto::{Endpoint, HookId, HookInfo, MessageId, OuthookSecret, RoomRole, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::{Denial, Hook, MAX_HOOKS, Person, RoomRights};
use crate::ports::SecretHash;

/// A program that hears what is said in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outhook {
    /// Signs what is posted, so it is kept as it is.
    pub secret: OuthookSecret,
    /// Where it is posted.
    pub url: Endpoint,
    /// Who made it.
    pub by: UserName,
    /// When.
    pub made: Timestamp,
    /// The newest entry of the log when it was made: nothing up to it is posted.
    pub after: MessageId,
}

impl Outhook {
    /// Names it.
    pub fn id(&self) -> HookId {
        HookId(SecretHash::of(self.secret.expose()).number())
    }

    /// What those see of it who may end it.
    pub fn info(&self) -> HookInfo {
        let (label, url) = (UserName::outgoing(), Some(self.url.clone()));
        HookInfo { id: self.id(), label, by: self.by.clone(), made: self.made, url }
    }
}

impl RoomRights {
    /// Lets a program hear what is said.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn add_outhook(&mut self, hook: &Outhook, actor: &Person) -> Result<(), Denial> {
        self.require(actor, RoomRole::Moderator)?;
        // A repetition changes nothing.
        if self.outhooks.contains(hook) {
            return Ok(());
        }
        if self.outhooks.iter().any(|other| other.url == hook.url) || self.has_hook(hook.id()) {
            return Err(Denial::Pointless("The room has a hook to this address; /unhook ends it"));
        }
        self.leave_room_for_a_hook()?;
        self.outhooks.push(hook.clone());
        Ok(())
    }

    /// An outgoing hook of the room.
    pub fn outhook(&self, id: HookId) -> Option<&Outhook> {
        self.outhooks.iter().find(|hook| hook.id() == id)
    }

    /// All hooks, oldest first.
    pub fn hook_list(&self) -> Vec<HookInfo> {
        let mut hooks: Vec<_> =
            self.hooks.iter().map(Hook::info).chain(self.outhooks.iter().map(Outhook::info)).collect();
        hooks.sort_by_key(|hook| hook.made);
        hooks
    }

    /// Has outgoing hooks begin behind this entry at the latest: later numbers are given out again.
    pub fn rewind_outhooks(&mut self, last: MessageId) {
        self.outhooks.iter_mut().for_each(|hook| hook.after = hook.after.min(last));
    }

    pub(super) fn has_hook(&self, id: HookId) -> bool {
        self.hooks.iter().any(|hook| hook.id() == id) || self.outhook(id).is_some()
    }

    pub(super) fn leave_room_for_a_hook(&self) -> Result<(), Denial> {
        let count = self.hooks.len() + self.outhooks.len();
        if count >= MAX_HOOKS { Err(Denial::TooMany("hooks in a room")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Holder;

    fn hook(number: usize) -> Outhook {
        Outhook {
            secret: OuthookSecret::given(&format!("plo_{number}")),
            url: format!("https://bot.example/{number}").parse().unwrap(),
            by: "ann".parse().unwrap(),
            made: Timestamp::from_millis(7),
            after: MessageId(3),
        }
    }

    fn moderator() -> Person {
        let holder = Holder { user: "ann".parse().unwrap(), account: Timestamp::from_millis(1) };
        Person { holder, is_operator: true }
    }

    #[test]
    fn hooks_of_both_kinds_share_one_limit_and_one_end() {
        let (mut rights, ann) = (RoomRights::default(), moderator());
        let incoming = Hook {
            hash: SecretHash::of("plh_7"),
            label: "ci".parse().unwrap(),
            by: "ann".parse().unwrap(),
            made: Timestamp::from_millis(9),
        };
        rights.add_hook(&incoming, &ann).unwrap();
        for number in 1..MAX_HOOKS {
            rights.add_outhook(&hook(number), &ann).unwrap();
            rights.add_outhook(&hook(number), &ann).unwrap();
        }
        assert_eq!(rights.add_outhook(&hook(0), &ann), Err(Denial::TooMany("hooks in a room")));
        assert_eq!(rights.hook_list().len(), MAX_HOOKS);
        assert_eq!(rights.hook_list().last().unwrap().label.as_str(), "ci");
        rights.remove_hook(hook(1).id(), &ann).unwrap();
        assert_eq!(rights.remove_hook(hook(1).id(), &ann), Err(Denial::NoSuchHook));
        let same_address = Outhook { secret: OuthookSecret::given("plo_x"), ..hook(2) };
        assert!(matches!(rights.add_outhook(&same_address, &ann), Err(Denial::Pointless(_))));
    }

    #[test]
    fn rights_are_read_as_they_were_stored_and_do_not_print_the_secret() {
        let mut rights = RoomRights::default();
        assert!(!rights.stored().contains("outhooks"));
        rights.add_outhook(&hook(5), &moderator()).unwrap();
        assert_eq!(RoomRights::read(&rights.stored()).as_ref(), Some(&rights));
        assert!(!rights.is_bare());
        let shown = format!("{rights:?}");
        assert!(!shown.contains("plo_5") && !shown.contains("example/5"), "{shown}");
    }

    #[test]
    fn a_numbering_that_begins_again_is_posted_from_where_it_stands() {
        let (mut rights, ann) = (RoomRights::default(), moderator());
        rights.add_outhook(&hook(1), &ann).unwrap();
        rights.rewind_outhooks(MessageId(9));
        assert_eq!(rights.outhook(hook(1).id()).unwrap().after, MessageId(3));
        rights.rewind_outhooks(MessageId(1));
        assert_eq!(rights.outhook(hook(1).id()).unwrap().after, MessageId(1));
        assert!(rights.outhook(hook(2).id()).is_none());
    }
}
