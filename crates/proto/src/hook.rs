//! Hooks, by which programs say something in a room without a session, or hear what is said there: their secrets, their numbers,
//! what clients are told of them. It must not make, hash or compare secrets.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::name::UserName;
use crate::secret_word::{secret_word, short_id};
use crate::time::Timestamp;

/// Every secret begins so.
const HOOK_PREFIX: &str = "plh_";

/// … and of an outgoing hook so.
const OUTHOOK_PREFIX: &str = "plo_";

secret_word! {
    /// The secret of a hook.
    HookSecret, HOOK_PREFIX
}

secret_word! {
    /// The secret of an outgoing hook, by which its posts are signed.
    OuthookSecret, OUTHOOK_PREFIX
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
    /// In whose name it speaks. That of an outgoing hook is [`UserName::outgoing`].
    pub label: UserName,
    /// Who made it.
    pub by: UserName,
    /// When it was made.
    pub made: Timestamp,
    /// Where an outgoing hook posts what is said in the room; none if it is a hook by which a program speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Endpoint>,
}
