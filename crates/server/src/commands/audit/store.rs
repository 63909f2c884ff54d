//! Asks the store what an audit looks at: a Redis, or the embedded database. It must not judge what it finds.

use parlor_store::administration::Overview;
use parlor_store::redis::RedisUrl;
use parlor_store::{redis, sqlite};

use super::Finding;
use crate::backend;
use crate::settings::Settings;

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor audit";

/// Operators and rooms; nothing if they cannot be looked at. Blocks for some seconds at most.
pub(super) fn overview(settings: &Settings, findings: &mut Vec<Finding>) -> Overview {
    let Some(url) = &settings.redis.redis else {
        // What cannot be read is a finding about the database.
        return sqlite::overview(&settings.data).unwrap_or_default();
    };
    let config = backend::redis_config(&settings.redis, NAME);
    let looked = config.and_then(|config| Ok(config.as_ref().map(redis::overview).transpose()?));
    looked.map(Option::unwrap_or_default).unwrap_or_else(|error| {
        findings.push(not_looked_at(url, &error));
        Overview::default()
    })
}

fn not_looked_at(url: &RedisUrl, error: &anyhow::Error) -> Finding {
    let what = format!("operators and rooms in {url} cannot be looked at: {error:#}");
    let cure = "run parlor audit where the server runs, while its Redis does, with the same variables";
    Finding::serious("not-looked-at", what, cure)
}
