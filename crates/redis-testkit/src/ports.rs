//! Finds free ports, and keeps other tests from choosing them too. It must not open them.

use std::fmt::{self, Display, Formatter};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

/// Start of the ports to choose from. They are below the range that Linux uses for outgoing connections; otherwise, a server
/// that is down for a while could find its port taken by a client that tries to reach it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;
/// Whoever listens here on a port has reserved it on 127.0.0.1, for as long as the process lives. Nothing else listens here.
const REGISTER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A port of 127.0.0.1 that was free. While this or a clone of it lives, no other test and no other process of tests gets it,
/// also while the server on it is down.
#[derive(Debug, Clone)]
pub struct Port {
    number: u16,
    /// `None` where the system has one loopback address only.
    _reservation: Option<Arc<TcpListener>>,
}

impl Port {
    /// Chooses a port at random. Panics if none is free.
    #[must_use]
    pub fn free() -> Self {
        let random = RandomState::new();
        let mut ports = (0u32..10_000).map(|attempt| FIRST + (random.hash_one(attempt) % u64::from(COUNT)) as u16);
        ports.find_map(|number| Self::reserve(number).ok()).expect("no port of 127.0.0.1 is free")
    }

    fn reserve(number: u16) -> io::Result<Self> {
        let reservation = match TcpListener::bind((REGISTER, number)) {
            Ok(listener) => Some(Arc::new(listener)),
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => None,
            Err(error) => return Err(error),
        };
        // A program that knows nothing of reservations may have it.
        TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
        Ok(Self { number, _reservation: reservation })
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl Display for Port {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_until_its_last_owner_is_gone() {
        let port = Port::free();
        let owner = port.clone();
        drop(port);
        assert_eq!(Port::reserve(owner.number).unwrap_err().kind(), ErrorKind::AddrInUse);
        let number = owner.number;
        drop(owner);
        assert_eq!(Port::reserve(number).unwrap().to_string(), number.to_string());
    }

    #[test]
    fn what_another_program_uses_is_not_free() {
        let port = Port::free();
        let number = port.number();
        let _program = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        drop(port);
        assert_eq!(Port::reserve(number).unwrap_err().kind(), ErrorKind::AddrInUse);
    }
}
