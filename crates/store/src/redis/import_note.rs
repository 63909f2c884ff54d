//! The note in a Redis that it is being filled. While it is there, no server serves. It must not fill it.

use parlor_core::ports::StoreResult;

use super::connection::command::{self, Command};
use super::connection::router::Router;

/// Hash that is there while an import has not come to its end: the digest of its archive, and how many records are stored.
pub(super) const IMPORT: &str = "parlor:import";

/// Why nothing is done with a Redis that is being filled.
pub(super) const UNDER_WAY: &str =
    "an import into it has not come to its end: run parlor import or parlor migrate again";

/// Whether an import has begun and not come to its end.
pub(super) fn is_under_way(router: &Router) -> StoreResult<bool> {
    command::read::<i64>(router.call(Command::plain("EXISTS", IMPORT, &[]))).map(|there| there > 0)
}
