//! Writes events of the link to Redis to the log. It must not decide which events are worth a note; the store does.

use parlor_store::redis::{EventSink, Note};

/// The Redis store's event sink that writes to the log.
#[derive(Debug)]
pub(crate) struct RedisEventLog;

impl EventSink for RedisEventLog {
    fn note(&self, note: &Note) {
        match note {
            Note::LinkLost { node, error } => tracing::warn!(node, "Redis cannot be reached: {error}"),
            Note::LinkRestored { node } => tracing::info!(node, "Redis can be reached again"),
            Note::Emptied { sessions } => {
                tracing::warn!(
                    sessions,
                    "Redis came back empty: this server's sessions were put back, all else is lost"
                );
            }
            Note::LeaseLapsed { error } => {
                tracing::warn!(
                    "this server could not renew its lease in Redis: it accepts and delivers nothing until it can: {error}"
                );
            }
            Note::LeaseRegained { kept, displaced } => {
                tracing::info!(kept, displaced, "this server has its lease in Redis again");
            }
            Note::Reaped { server, sessions } => {
                tracing::warn!(server, sessions, "another server is gone: its sessions were ended");
            }
            Note::LogGapFound { log, lost } => {
                tracing::warn!(
                    log,
                    lost,
                    "Redis lost entries that were heard before; their numbers are not used again"
                );
            }
            Note::Warning(warning) => tracing::warn!("{warning}"),
            other => tracing::warn!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Returns the log output for a note.
    fn logged(note: &Note) -> String {
        #[derive(Clone, Default)]
        struct Lines(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::default();
        let writer = lines.clone();
        let builder = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        let subscriber = builder.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || RedisEventLog.note(note));
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn losses_are_warnings_and_recoveries_are_not() {
        let node = || "192.0.2.1:6379".to_owned();
        let cases = [
            (Note::LinkLost { node: node(), error: "reset".to_owned() }, " WARN ", "192.0.2.1:6379"),
            (Note::LinkRestored { node: node() }, " INFO ", "192.0.2.1:6379"),
            (Note::Emptied { sessions: 7 }, " WARN ", "sessions=7"),
            (Note::LeaseLapsed { error: "Redis is full".to_owned() }, " WARN ", "Redis is full"),
            (Note::LeaseRegained { kept: 5, displaced: 2 }, " INFO ", "displaced=2"),
            (Note::Reaped { server: "two".to_owned(), sessions: 3 }, " WARN ", "sessions=3"),
            (Note::LogGapFound { log: "room lobby".to_owned(), lost: 9 }, " WARN ", "lost=9"),
            (Note::Warning("nothing is on disk".to_owned()), " WARN ", "nothing is on disk"),
        ];
        for (note, level, words) in cases {
            let line = logged(&note);
            assert!(line.starts_with(level) && line.contains(words) && line.lines().count() == 1, "{line}");
        }
    }
}
