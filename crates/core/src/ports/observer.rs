//! The port through which the rules report what operators want to know. Nothing secret may pass it.

use parlor_proto::{Bye, UserName};

use super::StoreError;
use crate::delivery::peer::{ConnectionId, Origin};

/// Hears what happens. Must not block for long, and must not call back.
pub trait Observer: Send + Sync {
    /// The store failed while it was asked for `what`; the client was told if it waits for an answer.
    fn store_failed(&self, what: &'static str, error: &StoreError);

    /// A user logged in from there.
    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin);

    /// A session ended; `why` is `None` if the client just went away.
    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>);

    /// Somebody there could not log in.
    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin);
}
