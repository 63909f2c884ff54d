//! How far outgoing hooks have posted, and which server has the turn to post. The hooks are in the rights of their rooms; an index
//! names the rooms. It must not know what they post.

use std::collections::HashMap;

use parlor_core::ports::{Governance, OUTHOOK_TURN, OuthookTurn, Outhooks, StoreResult};
use parlor_core::rights::{Outhook, RoomRights};
use parlor_proto::{HookId, MessageId, RoomName};

use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::keys;
use super::log::MAX_NUMBER;
use super::membership::server::Server;

/// The answers of the script that are no number of an entry.
const NOTHING: i64 = -1;
const ELSEWHERE: i64 = -2;

impl Outhooks for Server {
    fn rooms(&self) -> StoreResult<Vec<RoomName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::OUTHOOK_ROOMS, &[]))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn take_turn(&self, room: &RoomName, hook: &Outhook) -> StoreResult<OuthookTurn> {
        self.lease.check()?;
        let id = hook.id();
        let keys = [keys::meta(&keys::room_log(room)), keys::outhooks(room), keys::outhook_turn(room, id)];
        let (server, millis) = (self.id(), u64::try_from(OUTHOOK_TURN.as_millis()).unwrap_or(u64::MAX));
        let args: [&dyn Argument; 4] = [&server.as_str(), &id.to_string(), &hook.after.0.min(MAX_NUMBER), &millis];
        Ok(match self.call::<i64>(Command::script(script::take_outhook_turn(), &keys, &args))? {
            NOTHING => OuthookTurn::Nothing,
            ELSEWHERE => OuthookTurn::Elsewhere,
            posted => OuthookTurn::Mine(MessageId(u64::try_from(posted).unwrap_or_default())),
        })
    }

    fn note_posted(&self, room: &RoomName, id: HookId, up_to: MessageId) -> StoreResult<bool> {
        let keys = [keys::outhooks(room), keys::outhook_turn(room, id)];
        let (server, hook) = (self.id(), id.to_string());
        let args: [&dyn Argument; 3] = [&server.as_str(), &hook, &up_to.0.min(MAX_NUMBER)];
        self.call::<i64>(Command::script(script::note_outhook(), &keys, &args)).map(|noted| noted > 0)
    }

    fn release_turn(&self, room: &RoomName, id: HookId) -> StoreResult<()> {
        let (keys, server) = ([keys::outhook_turn(room, id)], self.id());
        self.call::<i64>(Command::script(script::release_outhook_turn(), &keys, &[&server.as_str()])).map(drop)
    }

    /// A hook that is made at the same time puts the room back: it is listed after it was made, and this looks again.
    fn forget_room(&self, room: &RoomName) -> StoreResult<()> {
        if self.has_outhooks(room)? {
            return Ok(());
        }
        self.call::<i64>(Command::plain("SREM", keys::OUTHOOK_ROOMS, &[room.as_str()]))?;
        if self.has_outhooks(room)? { self.list_outhooks(room) } else { Ok(()) }
    }
}

impl Server {
    /// Adds a room to the index. Before its first hook, so that a server that dies leaves no hook that is not indexed, and after
    /// it, since [`Outhooks::forget_room`] may have looked in between.
    pub(super) fn list_outhooks(&self, room: &RoomName) -> StoreResult<()> {
        self.call::<i64>(Command::plain("SADD", keys::OUTHOOK_ROOMS, &[room.as_str()])).map(drop)
    }

    /// A hook was ended: forgets its position, and removes the room from the index if it has no other one.
    pub(super) fn unlist_outhook(&self, room: &RoomName, id: HookId) -> StoreResult<()> {
        self.call::<i64>(Command::plain("HDEL", keys::outhooks(room), &[&id.to_string()]))?;
        self.forget_room(room)
    }

    fn has_outhooks(&self, room: &RoomName) -> StoreResult<bool> {
        let rights = self.rights(std::slice::from_ref(room))?;
        Ok(rights.into_iter().flatten().any(|rights| !rights.outhooks.is_empty()))
    }
}

/// Has the outgoing hooks of a room begin where they are.
pub(super) fn advance(router: &Router, room: &RoomName, rights: &mut RoomRights) -> StoreResult<()> {
    if rights.outhooks.is_empty() {
        return Ok(());
    }
    let noted: HashMap<String, u64> = command::read(router.call(Command::plain("HGETALL", keys::outhooks(room), &[])))?;
    for hook in &mut rights.outhooks {
        hook.after = noted.get(&hook.id().to_string()).map_or(hook.after, |number| MessageId(*number));
    }
    Ok(())
}
