//! Does several pieces of work at once, each on a thread of its own, so that one that hangs takes no time from the others.
//! It must not know what the work is.

use std::thread;

use crate::sync::{Mutex, lock};

/// The name of the threads.
const NAME: &str = "redis-node";

/// Calls `act` for each item: on this thread for the last one, and on a thread each for the others. Returns the results,
/// without those of calls that panicked. Blocks until all are done.
pub(in crate::redis) fn concurrently<T: Send, R: Send>(items: Vec<T>, act: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<_> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let Some((own, others)) = items.split_last() else { return Vec::new() };
    let take = |item: &Mutex<Option<T>>| {
        let item = lock(item).take();
        item.map(&act)
    };
    if others.is_empty() {
        return take(own).into_iter().collect();
    }
    let take = &take;
    thread::scope(|scope| {
        let start = |item| thread::Builder::new().name(NAME.to_owned()).spawn_scoped(scope, move || take(item)).ok();
        let threads: Vec<_> = others.iter().map(start).collect();
        let mut done: Vec<R> = take(own).into_iter().collect();
        for (item, thread) in others.iter().zip(threads) {
            done.extend(match thread {
                // A panic was reported when it happened.
                Some(thread) => thread.join().ok().flatten(),
                // The operating system refused a thread.
                None => take(item),
            });
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn all_are_done_at_once_and_one_that_panics_takes_no_other_with_it() {
        let together = Barrier::new(3);
        let act = |number: u32| {
            together.wait();
            assert_ne!(number, 1, "this one panics");
            number * 10
        };
        let mut done = concurrently(vec![0, 1, 2], act);
        done.sort_unstable();
        assert_eq!(done, [0, 20]);
        assert!(concurrently(Vec::<u32>::new(), |number| number).is_empty());
    }

    #[test]
    fn the_last_one_and_one_that_is_alone_need_no_thread() {
        let own = thread::current().id();
        let is_own = |number: u32| (number, thread::current().id() == own);
        assert_eq!(concurrently(vec![7], is_own), [(7, true)]);
        let mut done = concurrently(vec![1, 2, 3], is_own);
        done.sort_unstable();
        assert_eq!(done, [(1, false), (2, false), (3, true)]);
    }
}
