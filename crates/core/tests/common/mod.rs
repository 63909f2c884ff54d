//! The services of a world with ports of a test in the place of some.

use std::sync::Arc;

use parlor_core::Services;
use parlor_testkit::World;

/// The services of a world, after a change that the world itself does not see.
pub(crate) fn changed(world: &World, change: impl FnOnce(&mut Services)) -> Arc<Services> {
    let Services { hub, store, passwords, authority, endpoints, random, clock, observer, policy } = world.services();
    let mut services = Services {
        hub: hub.clone(),
        store: store.clone(),
        passwords: passwords.clone(),
        authority: authority.clone(),
        endpoints: endpoints.clone(),
        random: random.clone(),
        clock: clock.clone(),
        observer: observer.clone(),
        policy: policy.clone(),
    };
    change(&mut services);
    Arc::new(services)
}
