//! Group commit: work that many threads bring is done in batches by one of them at a time, without a thread of
//! its own. It must not know what the work is.
//!
//! Whoever brings work while nobody leads becomes the leader, takes all work that waits, does it, tells those
//! who brought it, and hands the lead on to the first who came in the meantime. So one that comes alone wakes
//! nobody and waits for nobody, and under load batches grow by themselves. The lead is handed on, never kept:
//! no thread works longer for others than for its own batch.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sync::{Condvar, Mutex, lock};

/// What does the work. It exists once; the leader owns it while it leads.
pub(crate) trait Worker: Send {
    /// One piece of work, with the means to tell whoever brought it the result.
    type Work: Send;

    /// Does a batch, in its order. Blocks.
    fn work(&mut self, batch: Vec<Self::Work>) -> BatchHealth;

    /// Tells whoever brought it that it was not done.
    fn refuse(&mut self, work: Self::Work);
}

/// Whether it makes sense to go on after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchHealth {
    /// It does.
    Good,
    /// The batch used up the patience of those who wait as well: they are refused at once.
    Stuck,
}

/// Work from many threads, done in batches. Lock tier 1, held for moments, never while work is done.
pub(crate) struct GroupCommit<W: Worker> {
    queue: Mutex<Queue<W>>,
}

struct Queue<W: Worker> {
    /// The worker, while nobody leads.
    resting: Option<W>,
    waiting: VecDeque<(W::Work, Arc<Waiter<W>>)>,
}

/// Where the thread that brought some work waits. Lock tier 2.
struct Waiter<W> {
    turn: Mutex<WaiterState<W>>,
    /// Signalled for a thread that waits; signalling is a system call even if none does.
    changed: Condvar,
}

enum WaiterState<W> {
    /// Not told yet.
    Open,
    /// Not told yet, and the thread waits for that.
    Waiting,
    LeaderGuard(W),
    Done,
}

impl<W: Worker> GroupCommit<W> {
    pub(crate) fn new(worker: W) -> Self {
        Self { queue: Mutex::new(Queue { resting: Some(worker), waiting: VecDeque::new() }) }
    }

    /// Has `work` done, together with that of others. Blocks until it is done or refused.
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
        let (batch, tickets) = waiting.into_iter().unzip();
        let mut lead = LeaderGuard { group: self, worker: Some(worker), tickets };
        if lead.work(batch) == BatchHealth::Stuck {
            lead.refuse_all();
        }
    }
}

/// The lead over one batch. Dropping it, also by a panic, tells those of the batch and hands the lead on.
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
