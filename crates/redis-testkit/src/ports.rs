//! Finds free ports. It must not reserve them: another process may take the port after the call.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Start of the ports to choose from. They are below the range that Linux uses for outgoing connections; otherwise, a server
/// that is down for a while could find its port taken by a client that tries to reach it. So are the ports by which the members
/// of a cluster speak to each other, which are 10,000 higher and no choice for anybody else.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

/// A free port of 127.0.0.1, chosen at random, so that concurrent tests rarely choose the same one.
pub fn free_port() -> u16 {
    let random = RandomState::new();
    let ports = (0u32..10_000).map(|attempt| FIRST + (random.hash_one(attempt) % u64::from(COUNT)) as u16);
    let mut free = ports.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("no port of 127.0.0.1 is free")
}
