//! Settings of a world, before it is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{EndpointGuard, PasswordAuthority};
use parlor_core::{DuplicateLogin, LineRate, Policy};

use crate::fakes::{FakeAuthority, FakeGuard};
use crate::world::{World, name};

/// Builds a world. Settings that are not set have the defaults of the rules.
#[derive(Clone)]
pub struct Builder {
    pub(crate) policy: Policy,
    pub(crate) history: usize,
    pub(crate) queued_flush_workers: bool,
    pub(crate) authority: Option<Arc<dyn PasswordAuthority>>,
    pub(crate) endpoints: Option<Arc<dyn EndpointGuard>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Builder")
    }
}

impl Default for Builder {
    fn default() -> Self {
        let policy = Policy { server_name: "test".to_owned(), ..Policy::default() };
        Self { policy, history: 1000, queued_flush_workers: false, authority: None, endpoints: None }
    }
}

impl Builder {
    /// Builds the world.
    pub fn build(self) -> World {
        World::of(self)
    }

    /// A second login is refused instead of ending the first session.
    #[must_use]
    pub fn reject_duplicates(mut self) -> Self {
        self.policy.duplicate_login = DuplicateLogin::Reject;
        self
    }

    /// REGISTER is refused.
    #[must_use]
    pub fn registration_closed(mut self) -> Self {
        self.policy.registration_open = false;
        self
    }

    /// There is no web door.
    #[must_use]
    pub fn without_page(mut self) -> Self {
        self.policy.page = None;
        self
    }

    /// Shortest new password, in characters.
    #[must_use]
    pub fn min_password(mut self, characters: usize) -> Self {
        self.policy.min_password = characters;
        self
    }

    /// REGISTER creates no account of this name.
    ///
    /// # Panics
    /// If it is no name.
    #[must_use]
    pub fn reserve_name(mut self, user: &str) -> Self {
        self.policy.reserved_names.push(name(user));
        self
    }

    /// Members of a room above which joins and leaves are not announced.
    #[must_use]
    pub fn presence_limit(mut self, members: usize) -> Self {
        self.policy.presence_limit = members;
        self
    }

    /// Maximum takeovers of one account within a minute.
    #[must_use]
    pub fn max_takeovers(mut self, takeovers: usize) -> Self {
        self.policy.max_takeovers = takeovers;
        self
    }

    /// Bytes of events that may be queued for a client.
    #[must_use]
    pub fn max_queued_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_queued_bytes = bytes;
        self
    }

    /// Longest line in bytes.
    #[must_use]
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_line_bytes = bytes;
        self
    }

    /// Maximum number of rooms besides the lobby that may have members.
    #[must_use]
    pub fn max_rooms(mut self, rooms: usize) -> Self {
        self.policy.max_rooms = rooms;
        self
    }

    /// Maximum number of rooms that one user may have open.
    #[must_use]
    pub fn max_open_rooms(mut self, rooms: usize) -> Self {
        self.policy.max_open_rooms = rooms;
        self
    }

    /// Maximum number of users that one user may follow.
    #[must_use]
    pub fn max_subscriptions(mut self, users: usize) -> Self {
        self.policy.max_subscriptions = users;
        self
    }

    /// Lines per second and burst, for peers that are limited.
    #[must_use]
    pub fn line_rate(mut self, per_second: u32, burst: u32) -> Self {
        self.policy.line_rate = Some(LineRate { per_second, burst });
        self
    }

    /// Loopback peers are limited like others.
    #[must_use]
    pub fn limit_loopback(mut self) -> Self {
        self.policy.limit_loopback = true;
        self
    }

    /// Time limit for the login, in seconds.
    #[must_use]
    pub fn login_timeout(mut self, seconds: u64) -> Self {
        self.policy.login_timeout = Duration::from_secs(seconds);
        self
    }

    /// How long after its last use a ticket is valid, in seconds.
    #[must_use]
    pub fn ticket_lifetime(mut self, seconds: u64) -> Self {
        self.policy.ticket_lifetime = Duration::from_secs(seconds);
        self
    }

    /// Passwords are decided about elsewhere: user, password, whether an operator, rooms. The password `silence` gets no answer.
    ///
    /// # Panics
    /// If a name is none.
    #[must_use]
    pub fn authority(mut self, people: &[(&str, &str, Option<bool>, &[&str])]) -> Self {
        self.authority = Some(Arc::new(FakeAuthority::of(people)));
        self
    }

    /// Rooms may post to this host.
    #[must_use]
    pub fn with_endpoints(mut self, host: &'static str) -> Self {
        self.endpoints = Some(Arc::new(FakeGuard(host)));
        self
    }

    /// Entries that each log keeps.
    #[must_use]
    pub fn history(mut self, entries: usize) -> Self {
        self.history = entries;
        self
    }

    /// Flushes that flush workers get are queued until [`World::run_flush_workers`].
    #[must_use]
    pub fn queued_flush_workers(mut self) -> Self {
        self.queued_flush_workers = true;
        self
    }
}
