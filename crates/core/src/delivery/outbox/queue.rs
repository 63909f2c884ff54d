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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::outbox::{Outbox, Settled};

    fn queued(number: usize) -> Queued {
        Queued { frame: number.to_string().into_bytes().into(), is_reply: false }
    }

    #[test]
    fn frames_leave_in_their_order_however_pushes_and_pops_alternate() {
        let (mut queue, mut pushed, mut popped) = (Queue::default(), 0, 0);
        for round in 0..200 {
            for _ in 0..round % 4 {
                queue.push(queued(pushed));
                pushed += 1;
            }
            for _ in 0..round % 5 {
                assert_eq!(queue.is_empty(), popped == pushed);
                let Some(next) = queue.pop() else { break };
                assert_eq!(next.frame, queued(popped).frame);
                popped += 1;
            }
        }
        assert!(popped > 200, "few frames were popped");
    }

    #[test]
    fn a_long_queue_keeps_its_frames_and_no_memory_once_they_are_gone() {
        let mut queue = Queue::default();
        (0..2 * MAX_SPARE_FRAMES).for_each(|number| queue.push(queued(number)));
        queue.shrink();
        let left = std::iter::from_fn(|| queue.pop()).count();
        assert_eq!(left, 2 * MAX_SPARE_FRAMES);
        assert!(queue.rest.capacity() > MAX_SPARE_FRAMES);
        queue.shrink();
        assert_eq!(queue.rest.capacity(), 0);
        // A short one is filled again soon.
        (0..4).for_each(|number| queue.push(queued(number)));
        while queue.pop().is_some() {}
        queue.shrink();
        assert_ne!(queue.rest.capacity(), 0);
    }

    #[test]
    fn an_outbox_without_an_owner_keeps_no_memory_of_a_long_queue() {
        let outbox = Outbox::new(1 << 20);
        for number in 0..2 * MAX_SPARE_FRAMES {
            outbox.push_frame(queued(number).frame);
        }
        outbox.take(usize::MAX, &mut Vec::new());
        assert_ne!(outbox.lock().queue.rest.capacity(), 0);
        assert_eq!(outbox.release_if_empty(), Settled::Idle);
        assert_eq!(outbox.lock().queue.rest.capacity(), 0);
    }
}
