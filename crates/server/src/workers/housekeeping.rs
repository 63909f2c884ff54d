//! The thread for periodic tasks. It must not do anything that a client waits for.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{Observer, StoreResult};

use crate::admission::Admission;
use crate::tls::CertificateWatch;

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_secs(1);

/// Rounds between two log lines about refused connections.
const REFUSED_EVERY: u32 = 10;

/// Rounds between two looks at the files of the certificate.
const CERTIFICATE_EVERY: u32 = 2;

/// Stack of the thread, in bytes: it may read a database or a certificate.
const STACK_BYTES: usize = 256 * 1024;

/// A periodic task of a store, with its name for the log.
pub(crate) struct PeriodicTask {
    /// Name of the task.
    pub(crate) what: &'static str,
    /// Runs the task once.
    pub(crate) run: Box<dyn Fn() -> StoreResult<()> + Send>,
}

/// Starts the thread, which runs as long as the process.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(
    chore: PeriodicTask,
    mut certificate: CertificateWatch,
    admission: Arc<Admission>,
    observer: Arc<dyn Observer>,
) -> io::Result<()> {
    let builder = thread::Builder::new().name("housekeeping".to_owned()).stack_size(STACK_BYTES);
    let rounds = move || {
        let mut reported = 0;
        for round in 1u32.. {
            thread::sleep(INTERVAL);
            if let Err(error) = (chore.run)() {
                observer.store_failed(chore.what, &error);
            }
            if round.is_multiple_of(CERTIFICATE_EVERY) {
                certificate.look(Instant::now());
            }
            if round.is_multiple_of(REFUSED_EVERY) {
                reported = report_refused(admission.refused(), reported);
            }
        }
    };
    builder.spawn(rounds).map(drop)
}

/// Logs how many connections were refused since the last report; returns how many are reported now.
fn report_refused(all: u64, reported: u64) -> u64 {
    let refused = all - reported;
    if refused > 0 {
        tracing::warn!(refused, "connections were refused, since there are too many in all or from one address");
    }
    all
}
