//! The port of rights in rooms: reads them, and carries out what moderators do. It must not decide by itself: each store
//! decides by [`crate::rights`], in the same step in which it stores.

use parlor_proto::{Generation, HookId, MessageId, Note, Order, RoomName, Text, Timestamp, UserName};

use super::{SecretHash, SessionKey, StoreResult};
use crate::delivery::flush::Flush;
use crate::rights::{Denial, Holder, Hook, Outhook, Person, RoomRights};

/// What somebody wants to do in a room.
#[derive(Debug, Clone)]
pub struct Act {
    /// The room.
    pub room: RoomName,
    /// Who wants it.
    pub actor: Person,
    /// The session of the actor.
    pub generation: Generation,
    /// The time of this server. A store with a clock of its own takes that.
    pub time: Timestamp,
    /// What.
    pub deed: Deed,
}

/// What can be done in a room besides speaking.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A command of those who have rights.
    Order {
        /// The command.
        order: Order,
        /// The account of the user whom it names.
        target: Option<Person>,
    },
    /// The text of a message is removed.
    Removal {
        /// The message.
        of: MessageId,
        /// Why.
        reason: Note,
    },
    /// Accounts with a role in the room are gone, the owner first.
    Succession(Vec<Holder>),
    /// A program may speak from now on.
    AddHook(Hook),
    /// A program hears from now on what is said.
    AddOuthook(Outhook),
    /// A program may not speak, or hear, any more.
    RemoveHook(HookId),
    /// A program says something by a hook. No session does it.
    Report {
        /// The hash of the hook's secret.
        hook: SecretHash,
        /// In whose name the hook speaks.
        label: UserName,
        /// What it says.
        text: Text,
    },
    /// A new user may enter, by an invitation to the server. No session does it ([`Act::NO_SESSION`]).
    Admission {
        /// The user.
        user: UserName,
        /// Who made the invitation.
        by: UserName,
    },
}

/// The result of an [`Act`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActResult {
    /// It is done, and in the log of the room with this number. None if it needed no entry.
    Done(Option<MessageId>),
    /// The session was displaced. Nothing was done.
    Fenced,
    /// The room denies it. Nothing was done.
    Denied(Denial),
}

/// The result of an [`Act`], and the flush that it causes.
#[derive(Debug)]
pub struct ActReport {
    /// The result.
    pub result: ActResult,
    /// The caller must run it.
    pub flush: Flush,
}

impl Act {
    /// The generation of an act that is no session's: later than each, and exact in a script.
    pub const NO_SESSION: Generation = Generation((1 << 53) - 1);

    /// Whether a session does it, which may be displaced.
    pub fn is_of_session(&self) -> bool {
        self.generation != Self::NO_SESSION
    }

    /// Who is named as the author of the entry: the actor, but in a succession the first who is gone, so that everybody inside
    /// hears of it.
    pub fn author(&self) -> &UserName {
        match &self.deed {
            Deed::Succession(gone) => gone.first().map_or(&self.actor.holder.user, |gone| &gone.user),
            Deed::Report { label, .. } => label,
            Deed::Order { .. }
            | Deed::Removal { .. }
            | Deed::AddHook(_)
            | Deed::AddOuthook(_)
            | Deed::RemoveHook(_)
            | Deed::Admission { .. } => &self.actor.holder.user,
        }
    }

    /// The session of the actor.
    pub fn session_key(&self) -> SessionKey {
        SessionKey { user: self.actor.holder.user.clone(), generation: self.generation }
    }
}

/// The rights in rooms. They live as long as the room has members, a log or a setting. All calls may block on the store.
pub trait Governance: Send + Sync {
    /// Judges an act by the rights in the room, changes them, writes an entry into the log of the room, and delivers it: all
    /// of it in one step. Every append and every enter of the room comes before this step or after it. Whoever is removed by
    /// it has no seat afterwards.
    ///
    /// # Errors
    /// The store cannot be reached. Then it may be done, and can be repeated.
    fn act(&self, act: Act) -> StoreResult<ActReport>;

    /// The rights in some rooms, in the order of the rooms, in one round trip; none for a room that does not exist.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn rights(&self, rooms: &[RoomName]) -> StoreResult<Vec<Option<RoomRights>>>;
}
