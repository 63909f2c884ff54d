//! Hooks: programs that speak in a room. Pure rules: it must not know how they reach the server.

use parlor_proto::{HookId, HookInfo, RoomRole, Text, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::{Denial, Person, RoomRights};
use crate::planted::{Bug, planted};
use crate::ports::{Content, SecretHash};

/// Maximum number of hooks of one room, those that speak and those that post together.
pub const MAX_HOOKS: usize = 20;

/// A way for a program to speak in the room, without a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The hash of its secret.
    pub hash: SecretHash,
    /// In whose name it speaks.
    pub label: UserName,
    /// Who made it.
    pub by: UserName,
    /// When.
    pub made: Timestamp,
}

impl Hook {
    /// Names it.
    pub fn id(&self) -> HookId {
        HookId(self.hash.number())
    }

    /// What those see of it who may end it.
    pub fn info(&self) -> HookInfo {
        HookInfo { id: self.id(), label: self.label.clone(), by: self.by.clone(), made: self.made, url: None }
    }
}

impl RoomRights {
    /// Lets a program speak.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn add_hook(&mut self, hook: &Hook, actor: &Person) -> Result<(), Denial> {
        self.require(actor, RoomRole::Moderator)?;
        // A repetition changes nothing.
        if self.hooks.contains(hook) {
            return Ok(());
        }
        if self.hooks.iter().any(|other| other.label == hook.label) || self.has_hook(hook.id()) {
            return Err(Denial::Pointless("The room has a hook with this label; /unhook ends it"));
        }
        self.leave_room_for_a_hook()?;
        self.hooks.push(hook.clone());
        Ok(())
    }

    /// Lets a program speak, or hear, no longer.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn remove_hook(&mut self, id: HookId, actor: &Person) -> Result<(), Denial> {
        self.require(actor, RoomRole::Moderator)?;
        if !self.has_hook(id) {
            return Err(Denial::NoSuchHook);
        }
        self.hooks.retain(|hook| hook.id() != id || planted(Bug::KeepHook));
        self.outhooks.retain(|hook| hook.id() != id);
        Ok(())
    }

    /// The hook with a secret of this hash.
    pub fn hook(&self, hash: &SecretHash) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.hash.matches(hash))
    }

    /// What is written when a program says something.
    ///
    /// # Errors
    /// It may not speak, or not any more.
    pub fn report(&self, hash: &SecretHash, text: &Text) -> Result<Content, Denial> {
        self.hook(hash).map(|_| Content::Bot(text.clone())).ok_or(Denial::NoSuchHook)
    }

    /// Whether somebody may see and change the hooks.
    ///
    /// # Errors
    /// Who may.
    pub fn judge_hooks(&self, person: &Person) -> Result<(), Denial> {
        self.require(person, RoomRole::Moderator)
    }
}
