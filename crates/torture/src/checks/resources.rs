//! The resources of a server are bounded by the number of its clients, and are freed when the clients have gone. No
//! server ends unless the run ends it.

use crate::record::{History, Rest, Sample, Usage};
use crate::report::Violation;

/// Limits per connection: threads, descriptors, and memory in KiB. Most of the memory is the send queue of the client.
const PER_CONNECTION: Usage = Usage { memory: 2 * 1024, threads: 3, descriptors: 2 };
/// Limits beyond that: connections whose end the server has not noticed yet, caches, a log that is being read.
const BESIDES: Usage = Usage { memory: 192 * 1024, threads: 160, descriptors: 160 };
/// Limits once all clients have gone: links to the store, up to 8 connections to the database with 2 descriptors each,
/// up to 16 threads that wait for the next client. SQLite closes the file of a surplus connection only when no other uses
/// it, so each reader of the busiest moment may leave a descriptor, which the next one uses.
const AT_REST: Usage = Usage { memory: 128 * 1024, threads: 12 + 16, descriptors: 12 + 16 + 8 };

/// Checks every sample, and the resources at the end.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found: Vec<Violation> = history.samples.iter().filter_map(|sample| too_much(sample, history)).collect();
    // One violation is enough, since the state is likely to last.
    found.truncate(1);
    let left = history.rests.iter().filter(|rest| !is_at_rest(rest));
    found.extend(left.map(|rest| {
        let what = format!("server {} took {} before anybody came, and {}", rest.server, rest.before, rest.after);
        Violation::new("what clients took is let go of", what, history.settled, [])
    }));
    let deaths = history.deaths.iter();
    found.extend(deaths.map(|(at, what)| Violation::new("no server ends by itself", what.clone(), *at, [])));
    found
}

/// Whether no resources of the clients are left.
pub(crate) fn is_at_rest(rest: &Rest) -> bool {
    fits(rest.after, rest.before, 0, AT_REST)
}

fn too_much(sample: &Sample, history: &History) -> Option<Violation> {
    let before = history.rests.iter().find(|rest| rest.server == sample.server)?.before;
    if fits(sample.usage, before, sample.connections, BESIDES) {
        return None;
    }
    let what = format!("server {} took {} for {} connections", sample.server, sample.usage, sample.connections);
    Some(Violation::new("memory, threads and descriptors are bounded", what, sample.at, []))
}

fn fits(usage: Usage, before: Usage, connections: usize, besides: Usage) -> bool {
    let most = |of: fn(&Usage) -> usize| of(&before) + of(&PER_CONNECTION) * connections + of(&besides);
    [|usage: &Usage| usage.memory, |usage: &Usage| usage.threads, |usage: &Usage| usage.descriptors]
        .into_iter()
        .all(|of| of(&usage) <= most(of))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const IDLE: Usage = Usage { memory: 12_000, threads: 10, descriptors: 12 };

    fn invariants(taken: Usage, connections: usize, left: Usage) -> Vec<&'static str> {
        let sample = Sample { server: 0, at: Duration::from_secs(1), usage: taken, connections };
        let rests = vec![Rest { server: 0, before: IDLE, after: left }];
        let history = History { samples: vec![sample], rests, ..History::default() };
        check(&history).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn what_clients_need_is_fine() {
        let taken = Usage { memory: 60_000, threads: 50, descriptors: 60 };
        assert_eq!(invariants(taken, 20, IDLE), Vec::<&str>::new());
    }

    #[test]
    fn more_than_clients_can_need_is_found() {
        for taken in
            [Usage { memory: 300_000, ..IDLE }, Usage { threads: 400, ..IDLE }, Usage { descriptors: 400, ..IDLE }]
        {
            assert_eq!(invariants(taken, 10, IDLE), ["memory, threads and descriptors are bounded"]);
            assert_eq!(invariants(taken, 200, IDLE), Vec::<&str>::new());
        }
    }

    #[test]
    fn what_is_not_let_go_of_is_found() {
        for left in
            [Usage { memory: 300_000, ..IDLE }, Usage { threads: 50, ..IDLE }, Usage { descriptors: 50, ..IDLE }]
        {
            assert_eq!(invariants(IDLE, 0, left), ["what clients took is let go of"]);
        }
    }

    #[test]
    fn a_death_is_found() {
        let history = History { deaths: vec![(Duration::ZERO, "server 0".to_owned())], ..History::default() };
        assert_eq!(check(&history)[0].invariant, "no server ends by itself");
    }
}
