//! The queue of an outbox, which keeps next to no memory while it is short. It must not count bytes.

use std::collections::VecDeque;
use std::sync::Arc;

/// Frames for which an empty queue keeps room.
const MAX_SPARE_FRAMES: usize = 64;

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) frame: Arc<[u8]>,
    /// Whether the client's own thread pushed it.
    pub(super) is_reply: bool,
}

/// Frames in their order. Mostly there is one or none, and that one needs no memory elsewhere.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<Queued>,
    /// What came after the first; empty if there is none.
    rest: VecDeque<Queued>,
}

impl Queue {
    pub(super) fn push(&mut self, frame: Queued) {
        if self.first.is_none() {
            self.first = Some(frame);
        } else {
            self.rest.push_back(frame);
        }
    }

    pub(super) fn first(&self) -> Option<&Queued> {
        self.first.as_ref()
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        std::mem::replace(&mut self.first, self.rest.pop_front())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives back what room a long queue took, once it is empty.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.rest.capacity() > MAX_SPARE_FRAMES {
            self.clear();
        }
    }
}
