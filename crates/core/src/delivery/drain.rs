//! Sends the clients of a server away in peace: each is told when to connect again, and gets its goodbye then. It must not
//! wait, nor know a clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Bye, Encoded, Event};

use crate::delivery::flush::Flush;
use crate::delivery::hub::Hub;
use crate::delivery::peer::Peer;

/// Clients that were asked to connect again, each with the time of its goodbye. The earliest is first.
#[derive(Debug)]
pub struct Departures(VecDeque<(Duration, Arc<Peer>)>);

impl Hub {
    /// Asks all sessions to connect again, spread evenly over the time `over`. The flush tells them.
    pub fn ask_to_leave(&self, over: Duration) -> (Departures, Flush) {
        let peers = self.open_sessions();
        let (count, mut departures, mut flush) = (peers.len().max(1), VecDeque::new(), Flush::default());
        for (at, peer) in peers.into_iter().enumerate() {
            let after = over.mul_f64(at as f64 / count as f64);
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            flush.merge(peer.send(&Encoded::new(&Event::Reconnect { after_ms })));
            departures.push_back((after, peer));
        }
        (Departures(departures), flush)
    }
}

impl Departures {
    /// Says goodbye to the clients whose time is over when `elapsed` has passed since they were asked. Returns when the next
    /// one is due; `None` if all are gone.
    pub fn depart(&mut self, elapsed: Duration) -> (Flush, Option<Duration>) {
        let due = self.0.partition_point(|(after, _)| *after <= elapsed);
        let mut flush = Flush::default();
        for (_, peer) in self.0.drain(..due) {
            flush.merge(peer.close(Bye::ServerShutdown));
        }
        (flush, self.0.front().map(|(after, _)| *after))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parlor_testkit::World;

    #[test]
    fn each_client_is_told_its_time_and_gets_its_goodbye_then() {
        let world = World::new();
        let clients = ["ann", "bob", "cyd", "dan"].map(|name| world.login(name));
        clients.iter().for_each(|client| drop(client.read()));
        let (mut departures, flush) = world.hub().ask_to_leave(Duration::from_secs(8));
        flush.run();
        let mut times: Vec<String> = clients.iter().flat_map(|client| client.read()).collect();
        times.sort();
        assert_eq!(times, ["RECONNECT 0", "RECONNECT 2000", "RECONNECT 4000", "RECONNECT 6000"]);
        let mut is_open = |elapsed| {
            let (flush, next) = departures.depart(Duration::from_secs(elapsed));
            flush.run();
            (clients.iter().filter(|client| client.is_open()).count(), next.map(|next| next.as_secs()))
        };
        assert_eq!(is_open(0), (3, Some(2)));
        assert_eq!(is_open(1), (3, Some(2)));
        assert_eq!(is_open(5), (1, Some(6)));
        assert_eq!(is_open(6), (0, None));
        let goodbyes = clients.iter().flat_map(|client| client.read());
        assert!(goodbyes.filter(|line| line.starts_with("BYE server-shutdown ")).count() == 4);
    }

    #[test]
    fn nobody_is_asked_where_nobody_is() {
        let (mut departures, flush) = World::new().hub().ask_to_leave(Duration::from_secs(8));
        assert!(flush.is_empty());
        assert_eq!(departures.depart(Duration::ZERO).1, None);
    }
}
