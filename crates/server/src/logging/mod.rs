//! Logs to standard error. It must not decide what is worth logging, and no caller may pass it a secret.

pub(crate) mod observer;
pub(crate) mod rate_limit;
pub(crate) mod store_events;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFilter, LogFormat};

/// Starts logging the events of the whole process to standard error. Call it once.
///
/// # Errors
/// Fails if logging is started already.
pub(crate) fn init(filter: &LogFilter, format: LogFormat) -> anyhow::Result<()> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter.as_str())?)
        .with_writer(io::stderr)
        .with_ansi(colours);
    let done = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    done.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
