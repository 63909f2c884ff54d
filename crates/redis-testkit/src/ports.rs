//! Finds ports that nobody uses. It must not reserve them: between the answer and its use there is a gap.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which Linux takes the ports of outgoing connections. A server that is down for a
/// while would else find its port taken by a client that tries to reach it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port of 127.0.0.1 on which nobody listens, picked by chance, so that tests that run at the same time
/// hardly ever pick the same one.
pub fn free_port() -> u16 {
    let random = RandomState::new();
    let ports = (0u32..10_000).map(|attempt| FIRST + (random.hash_one(attempt) % u64::from(COUNT)) as u16);
    let mut free = ports.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("no port of 127.0.0.1 is free")
}
