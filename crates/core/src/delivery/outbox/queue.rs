//! The queue of an outbox, which uses almost no memory while it is short. It must not count bytes.

use std::collections::VecDeque;
use std::sync::Arc;

/// Capacity in frames that an empty queue keeps.
const MAX_SPARE_FRAMES: usize = 64;

/// A waiting frame.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) frame: Arc<[u8]>,
    /// Whether the client's own thread pushed it.
    pub(super) is_reply: bool,
}

/// Frames in order. Usually there is at most one, and it needs no extra memory.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<Queued>,
    /// The frames after the first; empty if there is no first.
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

    /// Frees the memory of a long queue once it is empty.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.rest.capacity() > MAX_SPARE_FRAMES {
            self.clear();
        }
    }
}
