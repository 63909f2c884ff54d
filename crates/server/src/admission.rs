//! Limits of the number of connections, in all and from one address. It must not accept or close connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_core::Origin;

/// Counts connections against the limits. Lock tier 0; nothing blocks while it is held.
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

/// One connection's place in the total, and in the count of its address. Dropping it frees both.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    admission: Arc<Admission>,
    /// The address whose count includes it, if that address is limited.
    address: Option<IpAddr>,
}

/// The place in the total of a connection from a balancer, whose client is not known yet. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct UnassignedPermit(ConnectionPermit);

impl Admission {
    pub(crate) fn new(max_connections: usize, max_per_address: usize, limit_loopback: bool) -> Self {
        let (counts, refused) = (Mutex::default(), AtomicU64::new(0));
        Self { max_connections, max_per_address, limit_loopback, counts, refused }
    }

    /// Returns a permit for a connection from `address`, if the limits allow it.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        let address = address.to_canonical();
        let limited = (self.limit_loopback || !address.is_loopback()).then(|| network_of(address));
        let mut counts = self.counts();
        if counts.all >= self.max_connections || limited.is_some_and(|limited| self.is_full(&counts, limited)) {
            return self.refuse();
        }
        counts.all += 1;
        if let Some(limited) = limited {
            counts.enter(limited);
        }
        Some(ConnectionPermit { admission: self.clone(), address: limited })
    }

    /// Returns a permit for a connection from a balancer whose client is not known yet, if the limits allow it.
    pub(crate) fn admit_balancer(self: &Arc<Self>) -> Option<UnassignedPermit> {
        let mut counts = self.counts();
        if counts.all >= self.max_connections {
            return self.refuse();
        }
        counts.all += 1;
        Some(UnassignedPermit(ConnectionPermit { admission: self.clone(), address: None }))
    }

    /// Counts a connection for an address. Returns `false`, and counts nothing, if the address is at its limit.
    fn enter(&self, limited: IpAddr) -> bool {
        let mut counts = self.counts();
        let is_free = !self.is_full(&counts, limited);
        if is_free {
            counts.enter(limited);
        }
        is_free
    }

    fn is_full(&self, counts: &Counts, limited: IpAddr) -> bool {
        counts.by_address.get(&limited).is_some_and(|&count| count >= self.max_per_address)
    }

    fn refuse<T>(&self) -> Option<T> {
        self.refused.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.counts().all
    }

    /// Returns the number of connections refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Counts {
    fn enter(&mut self, limited: IpAddr) {
        *self.by_address.entry(limited).or_default() += 1;
    }

    fn leave(&mut self, limited: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&limited) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&limited);
            }
        }
    }
}

impl UnassignedPermit {
    /// Counts the connection for its client's address. Returns `None` if the address is at its limit. A loopback
    /// address is limited too: it belongs to the balancer's machine.
    pub(crate) fn assign(self, address: IpAddr) -> Option<ConnectionPermit> {
        let Self(mut permit) = self;
        let limited = network_of(address);
        if !permit.admission.enter(limited) {
            return permit.admission.refuse();
        }
        permit.address = Some(limited);
        Some(permit)
    }

    /// Counts the connection in the total only: it is the balancer's own.
    pub(crate) fn unassigned(self) -> ConnectionPermit {
        self.0
    }
}

impl ConnectionPermit {
    /// Counts the connection for another client, since a proxy uses it for several one after another. Returns `false` if
    /// the address is at its limit; then the connection counts for nobody. A loopback address is limited too: it belongs to
    /// the proxy's machine.
    pub(crate) fn move_to(&mut self, address: IpAddr) -> bool {
        let limited = network_of(address);
        if self.address == Some(limited) {
            return true;
        }
        if let Some(before) = self.address.take() {
            self.admission.counts().leave(before);
        }
        if !self.admission.enter(limited) {
            self.admission.refuse::<()>();
            return false;
        }
        self.address = Some(limited);
        true
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.all -= 1;
        if let Some(address) = self.address {
            counts.leave(address);
        }
    }
}

/// Returns the address that the limits count. For IPv6 it is the /64 network, which one customer gets (RFC 6177). An
/// IPv4-mapped IPv6 address counts as the IPv4 address.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

/// The origin of a client at a canonical address.
pub(crate) fn origin_of(address: IpAddr, is_loopback: bool) -> Origin {
    let network = network_of(address).to_string();
    Origin { address: address.to_string(), network, is_loopback }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ipv6_the_network_counts() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.77"), "192.0.2.77");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.77"), "192.0.2.77");
    }

    fn admit(admission: &Arc<Admission>, address: &str) -> Option<ConnectionPermit> {
        admission.admit(address.parse().unwrap())
    }

    #[test]
    fn places_in_all_are_limited_and_given_back() {
        let admission = Arc::new(Admission::new(2, 9, false));
        let first = admit(&admission, "127.0.0.1").unwrap();
        let _second = admit(&admission, "192.0.2.1").unwrap();
        assert!(admit(&admission, "192.0.2.2").is_none());
        assert_eq!(admission.refused(), 1);
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

    /// Returns the number of connections, and the number of addresses that have a count.
    fn counted(admission: &Admission) -> (usize, usize) {
        let counts = admission.counts();
        (counts.all, counts.by_address.len())
    }

    #[test]
    fn a_connection_counts_for_the_client_whom_its_proxy_names_last() {
        let admission = Arc::new(Admission::new(9, 1, false));
        let address = |text: &str| text.parse().unwrap();
        let mut proxied = admission.admit_balancer().unwrap().unassigned();
        assert!(proxied.move_to(address("192.0.2.1")) && proxied.move_to(address("192.0.2.1")));
        assert!(admit(&admission, "192.0.2.1").is_none());
        let _other = admit(&admission, "192.0.2.2").unwrap();
        assert!(!proxied.move_to(address("192.0.2.2")));
        assert_eq!(counted(&admission), (2, 1));
        assert!(proxied.move_to(address("127.0.0.1")));
        assert_eq!(counted(&admission), (2, 2));
        drop(proxied);
        assert_eq!(counted(&admission), (1, 1));
    }

    #[test]
    fn through_a_balancer_the_clients_count_and_not_the_balancer() {
        let admission = Arc::new(Admission::new(9, 1, false));
        let own: Vec<_> = (0..3).map(|_| admission.admit_balancer().unwrap().unassigned()).collect();
        assert_eq!(counted(&admission), (3, 0));
        let of = |client: &str| admission.admit_balancer().unwrap().assign(client.parse().unwrap());
        let one = of("192.0.2.1").unwrap();
        assert!(of("192.0.2.1").is_none() && of("::ffff:192.0.2.1").is_none());
        assert!(admit(&admission, "192.0.2.1").is_none());
        let _local = of("127.0.0.1").unwrap();
        assert!(of("127.0.0.1").is_none(), "a client that claims a loopback address is not limited");
        let _local_itself = admit(&admission, "127.0.0.1").unwrap();
        assert_eq!((counted(&admission), admission.refused()), ((6, 2), 4));
        drop((one, own));
        assert_eq!(counted(&admission), (2, 1));
        assert!(of("192.0.2.1").is_some());
        assert_eq!(counted(&admission), (2, 1));
    }

    #[test]
    fn a_place_that_came_to_nothing_is_given_back() {
        let admission = Arc::new(Admission::new(1, 1, false));
        let place = admission.admit_balancer().unwrap();
        assert!(admission.admit_balancer().is_none() && admit(&admission, "127.0.0.1").is_none());
        drop(place);
        let permit = admission.admit_balancer().unwrap().assign("2001:db8::1".parse().unwrap());
        assert_eq!(counted(&admission), (1, 1));
        drop(permit);
        assert_eq!(counted(&admission), (0, 0));
    }

    #[test]
    fn loopback_can_be_limited_too() {
        let admission = Arc::new(Admission::new(99, 1, true));
        let _one = admit(&admission, "127.0.0.1").unwrap();
        assert!(admit(&admission, "127.0.0.1").is_none());
    }
}
