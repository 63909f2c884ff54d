//! Redis as the source and the target of archives. It must not know the lines of an archive.

mod aside;
mod changes;
mod log_reader;
mod moving;
mod source;
mod target;

use parlor_core::ports::StoreResult;

use super::connection::command::{self, Command};
use super::connection::router::Router;
use super::keys;
use super::keys::ServerId;

pub use aside::{drop_aside, put_aside};
pub use moving::RedisMovingSource;
pub use source::RedisSource;
pub use target::RedisTarget;

/// Whether a server has its lease.
pub(super) fn is_served(router: &Router) -> StoreResult<bool> {
    let servers: Vec<String> = command::read(router.call(Command::plain("SMEMBERS", keys::SERVERS, &[])))?;
    let ask = |id: &String| Command::plain("EXISTS", keys::lease(&ServerId::read(id)), &[]);
    let leases = router.call_all(servers.iter().map(ask).collect());
    let mut is_served = false;
    for lease in leases {
        is_served |= command::read::<i64>(lease)? > 0;
    }
    Ok(is_served)
}
