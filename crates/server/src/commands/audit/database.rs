//! Damage of the embedded database. It must not look at what is stored in it.

use std::io;

use parlor_store::sqlite::{self, Damage, OpenError};

use super::Finding;
use crate::settings::Settings;

/// Reads all of it; with Redis there is none.
pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.redis.redis.is_some() {
        return;
    }
    match sqlite::inspect(&settings.data) {
        Ok(()) => {}
        Err(OpenError::Damaged { path, damage }) => {
            let what = format!("the database {} is damaged: {}", path.display(), damage.parts());
            findings.push(Finding::serious("database-damaged", what, Damage::way_out()));
        }
        // The look at the modes of files has said so.
        Err(OpenError::Make { .. }) => {}
        Err(error) => {
            let file = settings.data.join(sqlite::FILE_NAME);
            findings.push(Finding::not_looked_at(&file, &io::Error::other(error)));
        }
    }
}
