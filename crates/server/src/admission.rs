//! How many connections there may be, in all and from one address. It must not accept or close any.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections against the limits. Lock tier 0, held for moments.
#[derive(Debug)]
pub(crate) struct Admission {
    max_connections: usize,
    max_per_address: usize,
    limit_loopback: bool,
    counts: Mutex<Counts>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    /// The address whose count it is part of, if it is limited.
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(max_connections: usize, max_per_address: usize, limit_loopback: bool) -> Self {
        let (counts, refused) = (Mutex::default(), AtomicU64::new(0));
        Self { max_connections, max_per_address, limit_loopback, counts, refused }
    }

    /// A place for a connection from `address`, if there is one.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let address = address.to_canonical();
        let limited = (self.limit_loopback || !address.is_loopback()).then(|| network(address));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let from_there = limited.and_then(|address| counts.by_address.get(&address).copied()).unwrap_or_default();
        if counts.all >= self.max_connections || from_there >= self.max_per_address {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        counts.all += 1;
        if let Some(address) = limited {
            *counts.by_address.entry(address).or_default() += 1;
        }
        Some(Permit { admission: self.clone(), address: limited })
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// How many were refused since the last call.
    pub(crate) fn take_refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the network of 64 bits that one customer gets (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(admission: &Arc<Admission>, address: &str) -> Option<Permit> {
        admission.admit(address.parse().unwrap())
    }

    #[test]
    fn places_in_all_are_limited_and_given_back() {
        let admission = Arc::new(Admission::new(2, 9, false));
        let first = admit(&admission, "127.0.0.1").unwrap();
        let _second = admit(&admission, "192.0.2.1").unwrap();
        assert!(admit(&admission, "192.0.2.2").is_none());
        assert_eq!((admission.take_refused(), admission.take_refused()), (1, 0));
        drop(first);
        assert!(admit(&admission, "192.0.2.2").is_some());
        assert_eq!(admission.connections(), 1);
    }

    #[test]
    fn an_address_has_so_many_and_loopback_is_spared() {
        let admission = Arc::new(Admission::new(99, 1, false));
        let _one = admit(&admission, "2001:db8::1").unwrap();
        assert!(admit(&admission, "2001:db8::2").is_none());
        assert!(admit(&admission, "2001:db8:0:1::1").is_some());
        let _local = admit(&admission, "::ffff:127.0.0.1").unwrap();
        assert!(admit(&admission, "127.0.0.1").is_some());
    }

    #[test]
    fn loopback_can_be_limited_too() {
        let admission = Arc::new(Admission::new(99, 1, true));
        let _one = admit(&admission, "127.0.0.1").unwrap();
        assert!(admit(&admission, "127.0.0.1").is_none());
    }
}
