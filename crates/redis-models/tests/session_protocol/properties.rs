//! The required properties. It must not know how the protocol achieves them.

use stateright::{Model, Property};

use crate::connection::Connection;
use crate::model::Protocol;
use crate::state::World;

pub(crate) const SPEAKS_ALONE: &str = "once a login is answered no earlier session has an append accepted";
pub(crate) const MEMBER_ALONE: &str = "once a login is answered no earlier session is a member";
pub(crate) const ONE_SESSION: &str = "of two answered logins one at most is not fenced off";
pub(crate) const STORED_ONCE: &str = "an append is stored once";
pub(crate) const TOLD_RIGHTLY: &str = "a change of members is announced once";
pub(crate) const LIVING_KEPT: &str = "with reject no session of a living server is displaced";
pub(crate) const LIVING_NOT_REAPED: &str = "no session of a living server is reaped";
pub(crate) const LAST_STAYS: &str = "the last claimant is not displaced";
pub(crate) const NO_GHOST: &str = "when all is quiet members are those who are logged in";
pub(crate) const NOTHING_BEHIND: &str = "no session begins to enter where a fence keeps it out";
pub(crate) const NOT_STUCK: &str = "nobody waits for ever";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(SPEAKS_ALONE, |_, world: &World| !world.redis.wrongs.spoke_after_successor),
        Property::always(MEMBER_ALONE, |_, world: &World| member_alone(world)),
        Property::always(ONE_SESSION, |_, world: &World| world.redis.emptied || one_session(world)),
        Property::always(STORED_ONCE, |_, world: &World| !world.redis.wrongs.stored_twice),
        Property::always(TOLD_RIGHTLY, |_, world: &World| told_rightly(world)),
        Property::always(LIVING_KEPT, |_, world: &World| !world.redis.wrongs.displaced_the_living),
        Property::always(LIVING_NOT_REAPED, |_, world: &World| !world.redis.wrongs.reaped_the_living),
        Property::always(LAST_STAYS, |_, world: &World| !world.redis.wrongs.displaced_the_last),
        Property::always(NO_GHOST, |_, world: &World| !world.is_quiet() || is_consistent(world)),
        Property::always(NOTHING_BEHIND, |_, world: &World| !world.redis.wrongs.began_behind_a_fence),
        Property::always(NOT_STUCK, is_not_stuck),
        Property::sometimes("somebody is logged in when all is quiet", |_, world: &World| {
            world.is_quiet() && world.guests().count() == 1
        }),
    ]
}

fn member_alone(world: &World) -> bool {
    let members = world.redis.rooms.iter().filter_map(|room| room.member.as_ref());
    members.map(|member| member.entered.generation).all(|generation| generation >= world.redis.answered)
}

/// A session can act if it is the user's, or a member of some room.
fn one_session(world: &World) -> bool {
    let answered = world.connections.iter().filter(|connection| connection.room.is_some());
    let can_act = |connection: &&Connection| {
        let members = world.redis.rooms.iter().filter_map(|room| room.member.as_ref());
        let session = world.redis.session.iter().map(|record| record.generation);
        members.map(|member| member.entered.generation).chain(session).any(|one| one == connection.generation)
    };
    answered.filter(can_act).count() <= 1
}

fn told_rightly(world: &World) -> bool {
    !world.redis.wrongs.announced_wrongly && world.redis.rooms.iter().all(|room| room.heard == room.member.is_some())
}

/// There is at most one session, and everything in Redis belongs to it.
fn is_consistent(world: &World) -> bool {
    let redis = &world.redis;
    let mut guests = world.guests();
    let Some(guest) = guests.next() else {
        return redis.session.is_none()
            && redis.ending.is_empty()
            && redis.rooms.iter().all(|room| room.member.is_none());
    };
    let id = world.id(guest.server);
    let is_here = |(room, slot): (usize, &crate::keyspace::Room)| {
        let member = slot.member.as_ref().map(|member| member.entered.generation);
        member == (guest.room == Some(room as u8)).then_some(guest.generation)
    };
    guests.next().is_none()
        && redis.ending.is_empty()
        && redis.session.as_ref().is_some_and(|record| record.owner == id && record.generation == guest.generation)
        && redis.lives.iter().any(|life| life.id == id && life.index & (1 << guest.number) != 0)
        && redis.rooms.iter().enumerate().all(is_here)
}

/// While the world is not quiet, some action is bound to happen. No action can repeat forever, so the world becomes
/// quiet.
fn is_not_stuck(model: &Protocol, world: &World) -> bool {
    let is_cared_for = world.redis.lives.iter().any(|life| life.leased);
    if world.is_quiet() || !is_cared_for {
        return true;
    }
    let mut actions = Vec::new();
    model.actions(world, &mut actions);
    actions.into_iter().any(|action| action.is_bound_to_happen(world))
}
