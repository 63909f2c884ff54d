//! Hooks, by which programs say something in a room without a session: their secrets, their numbers, what clients are told of
//! them. It must not make, hash or compare secrets.

use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::secret_word::{secret_word, short_id};
use crate::time::Timestamp;

/// Every secret begins so.
const HOOK_PREFIX: &str = "plh_";

secret_word! {
    /// The secret of a hook.
    HookSecret, HOOK_PREFIX
}

secret_word! {
    /// The address to which a program posts. It has the secret of a hook in it.
    HookUrl
}

short_id! {
    /// Names one hook of a room.
    HookId, HookIdError, "a hook"
}

/// One line of `/hooks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookInfo {
    /// Names it.
    pub id: HookId,
    /// In whose name it speaks.
    pub label: UserName,
    /// Who made it.
    pub by: UserName,
    /// When it was made.
    pub made: Timestamp,
}
