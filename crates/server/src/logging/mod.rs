//! Logs to standard error, without ever holding up or ending the server. It must not decide what is worth logging, and
//! nobody may hand it a secret.

mod hook_lines;
pub(crate) mod observer;
pub(crate) mod rate_limit;
pub(crate) mod redis_events;
pub(crate) mod writer;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, reload};

use crate::settings::{LogFilter, LogFormat};

use writer::LogWriter;

/// What is logged from now on. Its clones change the same filter.
#[derive(Clone)]
pub(crate) struct LogLevel(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl LogLevel {
    /// Logs what passes the filter from now on.
    ///
    /// # Errors
    /// Says what is wrong with the filter.
    pub(crate) fn set(&self, filter: &str) -> Result<(), String> {
        let parsed = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
        (self.0)(parsed).map_err(|error| error.to_string())?;
        tracing::info!(filter, "what is logged has changed");
        Ok(())
    }
}

/// Writes what is still queued when it is dropped; waits for that for a second at most.
pub(crate) struct LogGuard(LogWriter);

impl LogGuard {
    /// Writes the last line of the process as it is.
    pub(crate) fn print(&self, line: &str) {
        self.0.queue_last(format!("{line}\n").as_bytes());
    }

    /// Writes what is still queued; waits for that for a second at most.
    pub(crate) fn flush(&self) {
        self.0.flush();
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Sends the events of the whole process to standard error from now on. Call it once. Returns also the way to change what
/// is logged.
///
/// # Errors
/// Fails if that was done before, or if the system has no thread.
pub(crate) fn init(filter: &LogFilter, format: LogFormat) -> anyhow::Result<(LogGuard, LogLevel)> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let filter = EnvFilter::try_new(filter.as_str())?;
    let writer = LogWriter::start(io::stderr(), |_, lost| report_lost(lost)).context("cannot start threads")?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer.clone())
        .log_internal_errors(false)
        .with_ansi(colours);
    let (done, level) = match format {
        LogFormat::Text => {
            let builder = builder.with_filter_reloading();
            let filter = builder.reload_handle();
            (builder.try_init(), LogLevel(Arc::new(move |new| filter.reload(new))))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let filter = builder.reload_handle();
            (builder.try_init(), LogLevel(Arc::new(move |new| filter.reload(new))))
        }
    };
    done.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok((LogGuard(writer), level))
}

fn report_lost(lines: u64) {
    tracing::warn!(lines, "log lines were lost: standard error was full, slow or closed");
}
