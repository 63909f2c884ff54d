//! Group commit: work of many threads is done in batches, by one of these threads at a time and without a dedicated
//! thread. It must not know what the work is.
//!
//! If no thread leads, the next caller becomes the leader. It takes all waiting work, does it, and notifies the
//! callers. Then it hands the lead to the first caller that came in the meantime. So a single caller wakes no other
//! thread and waits for none, and batches grow automatically under load. The leader always hands the lead on: no thread
//! works for others longer than its own batch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::batches::Batches;
use crate::sync::{Condvar, Mutex, lock};

/// Does the work. It exists once; the leader owns it while it leads.
pub(crate) trait Worker: Send {
    /// One piece of work, and the place where its result goes.
    type Work: Send;

    /// Does a batch, in its order. Blocks.
    fn work(&mut self, batch: Vec<Self::Work>) -> BatchHealth;

    /// Reports to the caller that the work was not done.
    fn refuse(&mut self, work: Self::Work);
}

/// Whether further work makes sense after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchHealth {
    /// Further work makes sense.
    Good,
    /// The batch used up the timeouts of the waiting callers as well: they are refused at once.
    Stuck,
}

/// Work from many threads, done in batches. Lock tier 1, held only briefly, never while work is done.
pub(crate) struct GroupCommit<W: Worker> {
    queue: Mutex<Queue<W>>,
    batches: Arc<Batches>,
}

struct Queue<W: Worker> {
    /// The worker, while no thread leads.
    resting: Option<W>,
    waiting: VecDeque<(W::Work, Arc<Waiter<W>>)>,
}

/// Where a caller waits for its work. Lock tier 2.
struct Waiter<W> {
    turn: Mutex<WaiterState<W>>,
    /// Signalled only if the thread waits: a signal is a system call even if no thread waits.
    changed: Condvar,
}

enum WaiterState<W> {
    /// No result yet.
    Open,
    /// No result yet, and the thread waits for it.
    Waiting,
    LeaderGuard(W),
    Done,
}

impl<W: Worker> GroupCommit<W> {
    /// Work is done by `worker`. Each batch is counted in `batches`.
    pub(crate) fn new(worker: W, batches: Arc<Batches>) -> Self {
        Self { queue: Mutex::new(Queue { resting: Some(worker), waiting: VecDeque::new() }), batches }
    }

    /// Does `work`, together with the work of other callers. Blocks until it is done or refused.
    pub(crate) fn run(&self, work: W::Work) {
        let ticket = Arc::new(Waiter { turn: Mutex::new(WaiterState::Open), changed: Condvar::new() });
        let mut queue = lock(&self.queue);
        queue.waiting.push_back((work, ticket.clone()));
        let worker = queue.resting.take();
        drop(queue);
        if let Some(worker) = worker {
            self.lead(worker);
        }
        while let Some(worker) = ticket.wait() {
            self.lead(worker);
        }
    }

    fn lead(&self, worker: W) {
        let waiting = std::mem::take(&mut lock(&self.queue).waiting);
        let (batch, tickets): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let (size, begun) = (batch.len(), Instant::now());
        let mut lead = LeaderGuard { group: self, worker: Some(worker), tickets };
        let health = lead.work(batch);
        self.batches.count(size, begun.elapsed());
        if health == BatchHealth::Stuck {
            lead.refuse_all();
        }
    }
}

/// The lead over one batch. Dropping it, also by a panic, notifies the callers of the batch and hands the lead on.
struct LeaderGuard<'a, W: Worker> {
    group: &'a GroupCommit<W>,
    worker: Option<W>,
    tickets: Vec<Arc<Waiter<W>>>,
}

impl<W: Worker> LeaderGuard<'_, W> {
    fn work(&mut self, batch: Vec<W::Work>) -> BatchHealth {
        self.worker.as_mut().map_or(BatchHealth::Good, |worker| worker.work(batch))
    }

    fn refuse_all(&mut self) {
        let waiting = std::mem::take(&mut lock(&self.group.queue).waiting);
        for (work, ticket) in waiting {
            if let Some(worker) = &mut self.worker {
                worker.refuse(work);
            }
            self.tickets.push(ticket);
        }
    }
}

impl<W: Worker> Drop for LeaderGuard<'_, W> {
    fn drop(&mut self) {
        for ticket in &self.tickets {
            ticket.set(WaiterState::Done);
        }
        let mut queue = lock(&self.group.queue);
        let next = queue.waiting.front().map(|(_, ticket)| ticket.clone());
        match (next, self.worker.take()) {
            (Some(next), Some(worker)) => {
                drop(queue);
                next.set(WaiterState::LeaderGuard(worker));
            }
            (None, worker) => queue.resting = worker,
            (Some(_), None) => {}
        }
    }
}

impl<W> Waiter<W> {
    /// Waits for the lead, or until the work is done.
    fn wait(&self) -> Option<W> {
        let mut turn = lock(&self.turn);
        loop {
            match std::mem::replace(&mut *turn, WaiterState::Waiting) {
                WaiterState::Open | WaiterState::Waiting => {
                    turn = self.changed.wait(turn).unwrap_or_else(std::sync::PoisonError::into_inner)
                }
                WaiterState::LeaderGuard(worker) => {
                    *turn = WaiterState::Open;
                    return Some(worker);
                }
                WaiterState::Done => return None,
            }
        }
    }

    fn set(&self, turn: WaiterState<W>) {
        let before = std::mem::replace(&mut *lock(&self.turn), turn);
        if matches!(before, WaiterState::Waiting) {
            self.changed.notify_one();
        }
    }
}
