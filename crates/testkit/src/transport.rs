//! The transport behind an outbox: a buffer that can get stuck. It must not interpret the bytes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use parlor_core::Outbox;
use parlor_core::ports::Transport;
use parlor_core::{Settled, Taken};

use crate::connection::Link;
use crate::fakes::FakeClock;
use crate::lock;

/// Bytes to take from an outbox at once, like a writer of TLS records.
const TAKE_BYTES: usize = 16 * 1024;

/// The bytes that reached the client, and whether more bytes can.
#[derive(Debug, Default)]
pub(crate) struct ClientBuffer {
    pub(crate) written: Mutex<Vec<u8>>,
    pub(crate) is_stuck: AtomicBool,
    pub(crate) is_blocked: AtomicBool,
}

impl ClientBuffer {
    /// Writes until nothing is left. If the client does not read, then it hands the outbox to the drain.
    pub(crate) fn flush(&self, outbox: &Outbox) {
        loop {
            if self.is_stuck.load(Ordering::SeqCst) {
                self.is_blocked.store(true, Ordering::SeqCst);
                outbox.hand_over();
                return;
            }
            let mut frames = Vec::new();
            if outbox.take(TAKE_BYTES, &mut frames) == Taken::Nothing && outbox.release_if_empty() == Settled::Idle {
                return;
            }
            lock(&self.written).extend(frames.concat());
        }
    }

    /// Does the work of the drain thread once the client reads again.
    pub(crate) fn drain(&self, outbox: &Outbox) {
        if self.is_blocked.swap(false, Ordering::SeqCst) {
            outbox.take_back();
            self.flush(outbox);
        }
    }
}

pub(crate) struct FakeTransport {
    pub(crate) tap: Arc<ClientBuffer>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) link: Weak<Link>,
}

impl Transport for FakeTransport {
    fn flush(&self, outbox: &Outbox) {
        self.tap.flush(outbox);
    }

    fn interrupt(&self) {
        if let Some(link) = self.link.upgrade() {
            link.notice();
        }
    }

    fn pause(&self, time: Duration) {
        self.clock.advance(time);
    }
}
