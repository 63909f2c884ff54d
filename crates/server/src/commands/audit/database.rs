//! Damage of the embedded database, and whether it is still in use. It must not look at what is stored in it.

use std::io;
use std::path::PathBuf;

use parlor_store::sqlite::{self, Damage, OpenError};

use super::Finding;
use crate::settings::Settings;

/// Reads all of it; with Redis there is none.
pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.redis.redis.is_some() {
        return;
    }
    match sqlite::inspect(&settings.data).and_then(|()| sqlite::left(&settings.data)) {
        Ok(None) => {}
        Ok(Some(left)) => {
            let what = format!("everything in the database {} has moved to {}", path(settings).display(), left.to);
            let cure = "use the settings of the servers: --config, --redis or PARLOR_REDIS".to_owned();
            findings.push(Finding::serious("database-moved", what, cure));
        }
        Err(OpenError::Damaged { path, damage }) => {
            let what = format!("the database {} is damaged: {}", path.display(), damage.parts());
            findings.push(Finding::serious("database-damaged", what, Damage::way_out()));
        }
        // The look at the modes of files has said so.
        Err(OpenError::Make { .. }) => {}
        Err(error) => {
            findings.push(Finding::not_looked_at(&path(settings), &io::Error::other(error)));
        }
    }
}

fn path(settings: &Settings) -> PathBuf {
    settings.data.join(sqlite::FILE_NAME)
}
