//! Signals of the operating system, delivered on a thread like any other event. It must not decide what they cause.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

/// Stack of the thread, in bytes: room for what the callback does, which is to load a certificate at most.
const STACK_BYTES: usize = 256 * 1024;

/// What the operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGTERM or SIGINT: say goodbye to everyone and end.
    Shutdown,
    /// SIGHUP: read the certificate again.
    Reload,
}

/// The thread that waits for signals. It ends when this is dropped; signals go on being caught, without effect.
#[derive(Debug)]
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// From now on SIGTERM, SIGINT and SIGHUP no longer end the process; a thread named `signals` calls `deliver` for
    /// each, one after the other. Signals of one kind that arrive together may be delivered as one.
    ///
    /// # Errors
    /// Fails if the system lets no handler be set or no thread be made.
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

/// From now on a file that may not grow (RLIMIT_FSIZE) is an error of whoever writes to it, as a full disk is, and
/// does not end the process.
///
/// # Errors
/// Fails if the system lets no handler be set.
pub(crate) fn ignore_sigxfsz() -> io::Result<()> {
    // Whatever catches the signal will do: the call that wrote then fails.
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
