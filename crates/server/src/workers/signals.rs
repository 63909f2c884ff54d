//! Delivers signals of the operating system on a thread, like any other event. It must not decide what they cause.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

/// Stack of the thread, in bytes. It has room for the callback, which loads a certificate at most.
const STACK_BYTES: usize = 256 * 1024;

/// A request of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGTERM or SIGINT: say goodbye to all clients and end.
    Shutdown,
    /// SIGHUP: read the certificate again.
    Reload,
}

/// The thread that waits for signals. Dropping this ends the thread; signals are still caught then, without effect.
#[derive(Debug)]
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Catches SIGTERM, SIGINT and SIGHUP, which no longer end the process. A thread named `signals` calls `deliver`
    /// for each, one after the other. Signals of one kind that arrive together may be delivered as one.
    ///
    /// # Errors
    /// Fails if the system does not allow the handlers or gives no thread.
    pub(crate) fn start(deliver: impl FnMut(Request) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
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
    if signal == SIGHUP { Request::Reload } else { Request::Shutdown }
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
        for (signal, expected) in [(SIGHUP, Request::Reload), (SIGTERM, Request::Shutdown), (SIGINT, Request::Shutdown)]
        {
            raise(signal).unwrap();
            assert_eq!(requests.recv(), Ok(expected));
        }
        drop(thread);
        assert!(requests.recv().is_err(), "the callback was not dropped with its thread");
    }
}
