//! The port through which the rules report events to operators. Nothing secret may pass it.

use parlor_proto::{Bye, UserName};

use super::StoreError;
use crate::delivery::peer::{ConnectionId, Origin};

/// Receives the reports. Must not block for long, and must not call back.
pub trait Observer: Send + Sync {
    /// The store failed during `what`. The client was notified if it waits for a reply.
    fn store_failed(&self, what: &'static str, error: &StoreError);

    /// A user logged in from `origin`.
    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin);

    /// A session ended. `why` is `None` if the client disconnected without a goodbye.
    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>);

    /// A login from `origin` failed.
    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin);
}
