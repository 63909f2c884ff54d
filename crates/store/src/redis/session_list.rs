//! The sessions of all servers that share a Redis, for operators. It must not change anything.

use std::sync::Arc;

use parlor_core::ports::StoreError;
use parlor_proto::UserName;

use super::connection::command::{self, Command};
use super::connection::dial::Dialer;
use super::keys::{self, ServerId};
use super::{Config, EventSink, NoEvents, OpenError, connect};

/// A session of one of many servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedSession {
    /// The user.
    pub user: UserName,
    /// Name of its server.
    pub server: String,
}

/// Returns the sessions of all servers that have a lease, by user. Blocks for a few seconds at most.
///
/// # Errors
/// Redis, or a node of a Cluster, cannot be asked.
pub fn sessions(config: &Config) -> Result<Vec<ListedSession>, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    let failed = |error: StoreError| OpenError::Unreachable(error.to_string());
    let ids: Vec<String> =
        command::read(router.call(Command::plain("SMEMBERS", keys::SERVERS, &[]))).map_err(failed)?;
    let mut sessions = Vec::new();
    for id in ids.iter().map(|id| ServerId::read(id)) {
        let [name, entries] = router.call_each([
            Command::plain("HGET", keys::lease(&id), &["name"]),
            Command::plain("SMEMBERS", keys::server_sessions(&id), &[]),
        ]);
        // A server without a lease has none: the others end them.
        let Some(server) = command::read::<Option<String>>(name).map_err(failed)? else { continue };
        let entries: Vec<String> = command::read(entries).map_err(failed)?;
        let users = entries.iter().filter_map(|entry| keys::user_of_session_entry(entry));
        sessions.extend(users.map(|user| ListedSession { user, server: server.clone() }));
    }
    sessions.sort();
    Ok(sessions)
}
