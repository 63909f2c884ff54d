//! The thread for what is to be done from time to time. It must not do anything that a client waits for.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parlor_core::ports::Observer;
use parlor_store::sqlite::Sqlite;

use crate::admission::Admission;

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_secs(1);

/// Rounds between two lines about refused connections.
const REFUSED_EVERY: u32 = 10;

/// Stack of the thread, in bytes: it reads the database.
const STACK_BYTES: usize = 256 * 1024;

/// Starts the thread, which lives as long as the process.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(store: Arc<Sqlite>, admission: Arc<Admission>, observer: Arc<dyn Observer>) -> io::Result<()> {
    let builder = thread::Builder::new().name("housekeeping".to_owned()).stack_size(STACK_BYTES);
    let rounds = move || {
        for round in 1u32.. {
            thread::sleep(INTERVAL);
            if let Err(error) = store.notice_deletions() {
                observer.store_failed("looking for deleted accounts", &error);
            }
            if round.is_multiple_of(REFUSED_EVERY) {
                report_refused(&admission);
            }
        }
    };
    builder.spawn(rounds).map(drop)
}

fn report_refused(admission: &Admission) {
    let refused = admission.take_refused();
    if refused > 0 {
        tracing::warn!(refused, "connections were refused, since there are too many in all or from one address");
    }
}
