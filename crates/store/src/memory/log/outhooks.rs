//! How far outgoing hooks have posted, in memory. It must not know what they post.

use std::collections::BTreeMap;

use parlor_core::ports::{LogId, OuthookTurn, Outhooks, StoreResult};
use parlor_core::rights::{Outhook, RoomRights};
use parlor_proto::{HookId, MessageId, RoomName};

use super::MemoryLog;
use crate::sync::{Mutex, lock};

/// The position of each outgoing hook. A leaf lock.
#[derive(Default)]
pub(super) struct Positions(Mutex<BTreeMap<(RoomName, HookId), MessageId>>);

impl Positions {
    /// The rights in a room have changed: hooks that are new begin where they say, and those that are gone are forgotten.
    pub(super) fn keep(&self, room: &RoomName, rights: &RoomRights) {
        let mut positions = lock(&self.0);
        positions.retain(|(of, id), _| of != room || rights.outhook(*id).is_some());
        for hook in &rights.outhooks {
            positions.entry((room.clone(), hook.id())).or_insert(hook.after);
        }
    }
}

impl Outhooks for MemoryLog {
    fn rooms(&self) -> StoreResult<Vec<RoomName>> {
        let mut rooms: Vec<RoomName> = lock(&self.outhooks.0).keys().map(|(room, _)| room.clone()).collect();
        rooms.dedup();
        Ok(rooms)
    }

    fn take_turn(&self, room: &RoomName, hook: &Outhook) -> StoreResult<OuthookTurn> {
        let logs = lock(&self.logs);
        let last = self.head(&logs, &LogId::Room(room.clone())).last;
        let mut positions = lock(&self.outhooks.0);
        let position = positions.get_mut(&(room.clone(), hook.id()));
        let posted = position.map_or(hook.after.min(last), |position| {
            *position = last.min(*position);
            *position
        });
        Ok(if posted == last { OuthookTurn::Nothing } else { OuthookTurn::Mine(posted) })
    }

    fn note_posted(&self, room: &RoomName, id: HookId, up_to: MessageId) -> StoreResult<bool> {
        let mut positions = lock(&self.outhooks.0);
        let position = positions.get_mut(&(room.clone(), id));
        Ok(position.map(|position| *position = up_to).is_some())
    }
}
