//! Delivers signals of the operating system on a thread, like any other event. It must not decide what they cause.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

/// Stack of the thread, in bytes. It has room for the callback, which loads a certificate at most.
const STACK_BYTES: usize = 256 * 1024;

/// Time over which a server sends its clients away, unless another one is asked for.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(30);

/// A request of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGTERM or SIGINT: say goodbye to all clients and end.
    Shutdown,
    /// SIGHUP: read the certificate again, and open files of lines anew.
    Reload,
    /// SIGUSR1: send all clients away over this time, and end.
    Drain(Duration),
    /// A command moves everything from the database to another store.
    HandOver,
    /// Everything in Redis moves to another store.
    Depart,
}

impl Request {
    /// Whether it asks for the end of the server.
    pub(crate) fn is_of_the_end(self) -> bool {
        matches!(self, Self::Shutdown | Self::Drain(_))
    }
}

/// The thread that waits for signals. Dropping this ends the thread; signals are still caught then, without effect.
#[derive(Debug)]
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Catches SIGTERM, SIGINT, SIGHUP and SIGUSR1, which no longer end the process. A thread named `signals` calls `deliver`
    /// for each, one after the other. Signals of one kind that arrive together may be delivered as one.
    ///
    /// # Errors
    /// Fails if the system does not allow the handlers or gives no thread.
    pub(crate) fn start(deliver: impl FnMut(Request) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])?;
        let handle = signals.handle();
        let requests = move || signals.forever().map(request).for_each(deliver);
        let thread = Builder::new().name("signals".into()).stack_size(STACK_BYTES).spawn(requests)?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for SignalThread {
    fn drop(&mut self) {
        self.handle.close();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The callback itself may own this: a thread cannot wait for its own end.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the thread for signals panicked");
        }
    }
}

/// Turns the file size limit (RLIMIT_FSIZE) into an error of the write, as with a full disk; it no longer ends the
/// process.
///
/// # Errors
/// Fails if the system does not allow the handler.
pub(crate) fn ignore_sigxfsz() -> io::Result<()> {
    // Any handler is enough: the write then fails.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

fn request(signal: i32) -> Request {
    match signal {
        SIGHUP => Request::Reload,
        SIGUSR1 => Request::Drain(DRAIN_TIME),
        _ => Request::Shutdown,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use signal_hook::low_level::raise;

    use super::*;

    #[test]
    fn signals_arrive_as_requests_and_the_thread_ends() {
        let (sender, requests) = mpsc::channel();
        let thread = SignalThread::start(move |request| sender.send(request).unwrap()).unwrap();
        let drain = Request::Drain(DRAIN_TIME);
        let shutdowns = [(SIGTERM, Request::Shutdown), (SIGINT, Request::Shutdown)];
        for (signal, expected) in [(SIGHUP, Request::Reload), (SIGUSR1, drain)].into_iter().chain(shutdowns) {
            raise(signal).unwrap();
            assert_eq!(requests.recv(), Ok(expected));
        }
        drop(thread);
        assert!(requests.recv().is_err(), "the callback was not dropped with its thread");
    }
}
