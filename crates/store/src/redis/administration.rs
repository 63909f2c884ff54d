//! What operators see of rooms on Redis and do with them, from a program that is not a server. A request is carried out by
//! the same script as what moderators do, if the rights are still those by which it was judged.

use std::collections::BTreeSet;

use parlor_core::ports::{Act, Content, StoreError, StoreResult};
use parlor_core::rights::{Holder, RoomRights};
use parlor_proto::{Epoch, MessageId, RoomName, Target, Timestamp, UserName};

use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::contention::until_unchanged;
use super::governance::{CHANGED, changes, decode};
use super::rooms::{count_members, sorted};
use super::{keys, random};
use crate::administration::{self, RoomAdministration, RoomFacts, RoomOrder, RoomRequest, Verdict};

/// Number of users whose marks are deleted in one round trip.
const USERS_AT_ONCE: usize = 500;

/// What others may change while a request is judged.
const RIGHTS: &str = "the rights in the room";

/// The rooms in a Redis.
pub(super) struct RedisRooms {
    pub(super) router: Router,
}

/// What a request is judged by.
struct Ground {
    now: Timestamp,
    /// The number of the rights: it changes with each act.
    seq: u64,
    rights: RoomRights,
    exists: bool,
    members: Vec<UserName>,
}

impl RoomAdministration for RedisRooms {
    fn rooms(&self) -> StoreResult<Vec<RoomFacts>> {
        let names: Vec<String> = self.call(Command::plain("ZRANGE", keys::ROOMS, &["0", "-1"]))?;
        let mut rooms: BTreeSet<RoomName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        rooms.insert(RoomName::lobby());
        self.facts(&rooms.into_iter().collect::<Vec<_>>())
    }

    fn room(&self, room: &RoomName) -> StoreResult<Option<RoomFacts>> {
        Ok(self.facts(std::slice::from_ref(room))?.pop())
    }

    fn inside(&self, room: &RoomName) -> StoreResult<Option<Vec<UserName>>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::members(room), &[]))?;
        Ok(Some(sorted(&names)))
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId) -> StoreResult<()> {
        let keys = [keys::remembered_rooms(user), keys::marks(user)];
        let target = Target::Room(room.clone()).to_string();
        let args: [&dyn Argument; 4] = [&room.as_str(), &target, &read.0, &administration::MAX_REMEMBERED];
        self.call::<i64>(Command::script(script::remember_room(), &keys, &args)).map(drop)
    }

    fn carry_out(&self, request: &RoomRequest) -> StoreResult<Verdict> {
        if let Some(endless) = administration::endless(request) {
            return Ok(endless);
        }
        match &request.order {
            RoomOrder::Transfer(to) => self.transfer(request, to.as_ref()),
            RoomOrder::Admit(user) => self.admit(request, user),
            RoomOrder::Delete => self.delete(request),
        }
    }
}

impl RedisRooms {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.router.call(command))
    }

    /// What is known of those of the rooms that exist.
    fn facts(&self, rooms: &[RoomName]) -> StoreResult<Vec<RoomFacts>> {
        let ask = |room: &RoomName| {
            let log = keys::room_log(room);
            [
                Command::plain("HMGET", keys::meta(&log), &["rights", "top"]),
                count_members(room),
                Command::plain("XLEN", keys::log(&log), &[]),
                Command::plain("ZCARD", keys::amended(&log), &[]),
            ]
        };
        let mut replies = self.router.call_all(rooms.iter().flat_map(ask).collect()).into_iter();
        let mut next = || replies.next().unwrap_or_else(|| Err(StoreError::new("no reply")));
        let mut facts = Vec::with_capacity(rooms.len());
        for room in rooms {
            let (rights, last): (Option<String>, Option<u64>) = command::read(next())?;
            let (members, entries, amended): (u64, u64, u64) =
                (command::read(next())?, command::read(next())?, command::read(next())?);
            if room.is_lobby() || members > 0 || rights.is_some() || last.is_some() {
                facts.push(RoomFacts {
                    room: room.clone(),
                    members: Some(members),
                    rights: decode(room, rights.as_deref().unwrap_or_default())?,
                    last: MessageId(last.unwrap_or_default()),
                    entries: entries + amended,
                });
            }
        }
        Ok(facts)
    }

    fn survey(&self, room: &RoomName) -> StoreResult<Ground> {
        let log = keys::room_log(room);
        let keys = [keys::log(&log), keys::meta(&log), keys::members(room), keys::amended(&log)];
        let (now, seq, rights, exists, members, _author): (i64, u64, String, u8, Vec<String>, String) =
            self.call(Command::script(script::look_at_rights(), &keys, &[&0, &0]))?;
        Ok(Ground {
            now: Timestamp::from_millis(now),
            seq,
            rights: decode(room, &rights)?,
            exists: exists > 0 || room.is_lobby(),
            members: sorted(&members),
        })
    }

    fn transfer(&self, request: &RoomRequest, to: Option<&Holder>) -> StoreResult<Verdict> {
        until_unchanged(RIGHTS, || {
            let ground = self.survey(&request.room)?;
            if !ground.exists {
                return Ok(Some(administration::unknown(&request.room)));
            }
            let mut rights = ground.rights.clone();
            let gone = self.gone(&rights)?;
            let content = match administration::transfer(&mut rights, request, to, &gone) {
                Ok(content) => content,
                Err(why) => return Ok(Some(Verdict::Refused(why))),
            };
            Ok(self.moderate(request, &ground, &rights, &content)?.then_some(Verdict::Done))
        })
    }

    fn admit(&self, request: &RoomRequest, user: &UserName) -> StoreResult<Verdict> {
        until_unchanged(RIGHTS, || {
            let ground = self.survey(&request.room)?;
            if !ground.exists {
                return Ok(Some(administration::unknown(&request.room)));
            }
            let mut rights = ground.rights.clone();
            let content = match administration::admit(&mut rights, request, user) {
                Ok(Some(content)) => content,
                Ok(None) => return Ok(Some(Verdict::Done)),
                Err(why) => return Ok(Some(Verdict::Refused(why))),
            };
            Ok(self.moderate(request, &ground, &rights, &content)?.then_some(Verdict::Done))
        })
    }

    /// Removes everybody, and ends the room in which nobody is.
    fn delete(&self, request: &RoomRequest) -> StoreResult<Verdict> {
        let room = &request.room;
        until_unchanged("the members of the room", || {
            let mut ground = self.survey(room)?;
            if !ground.exists {
                return Ok(Some(administration::unknown(room)));
            }
            for member in std::mem::take(&mut ground.members) {
                if !self.moderate(request, &ground, &ground.rights, &administration::removal(&member))? {
                    return Ok(None);
                }
                ground.seq += 1;
            }
            let Some(version) = self.end(room, ground.seq)? else {
                return Ok(None);
            };
            // The room is gone: what is left of it is only in lists.
            let args: [&dyn Argument; 3] = [&room.as_str(), &version, &0];
            self.call::<i64>(Command::script(script::drop_room(), &[keys::ROOMS], &args))?;
            self.forget_marks(room)?;
            Ok(Some(Verdict::Done))
        })
    }

    /// Those with a role whose account is gone.
    pub(super) fn gone(&self, rights: &RoomRights) -> StoreResult<Vec<Holder>> {
        let ask = |holder: &Holder| Command::plain("HMGET", keys::user(&holder.user), &["hash", "created"]);
        let replies = self.router.call_all(rights.holders().map(ask).collect());
        let mut gone = Vec::new();
        for (holder, reply) in rights.holders().zip(replies) {
            let (hash, created): (Option<String>, Option<i64>) = command::read(reply)?;
            if hash.is_none() || created != Some(holder.account.as_millis()) {
                gone.push(holder.clone());
            }
        }
        Ok(gone)
    }

    /// Writes an entry, and the rights that are left. Returns `false` if the rights were changed by others meanwhile.
    fn moderate(
        &self,
        request: &RoomRequest,
        ground: &Ground,
        rights: &RoomRights,
        content: &Content,
    ) -> StoreResult<bool> {
        let room = &request.room;
        let log = keys::room_log(room);
        let keys = [
            keys::log(&log),
            keys::meta(&log),
            keys::memberships(room),
            keys::members(room),
            keys::amended(&log),
            keys::others(&log),
        ];
        // Trimming is left to the servers, which know how many entries are kept.
        let (kept, fresh) = (u64::MAX >> 12, Epoch(random::number()).to_string());
        let (by, seq, time) = (request.by.as_str(), random::number() >> 12, ground.now.as_millis());
        let text = content.stored();
        let (text, removed) = (text.as_ref(), content.removes().map_or("", UserName::as_str));
        let stored = if *rights == ground.rights { String::new() } else { rights.stored() };
        let is_bare = u8::from(rights.is_bare());
        let (set, deleted) = changes(&ground.rights, rights);
        let (count, of) = (set.len(), 0);
        let mut args: Vec<&dyn Argument> = vec![&kept, &fresh, &"", &by, &Act::NO_SESSION.0, &seq, &time, &text];
        args.extend([&by as &dyn Argument, &ground.seq, &stored, &is_bare, &removed, &of, &count]);
        for (field, value) in &set {
            args.extend([field as &dyn Argument, value]);
        }
        args.extend(deleted.iter().map(|field| field as &dyn Argument));
        self.call::<i64>(Command::script(script::moderate(), &keys, &args)).map(|answer| answer != CHANGED)
    }

    /// Deletes log and rights of a room. Returns the number of its newest change; none if somebody is inside, or if the
    /// rights are others.
    fn end(&self, room: &RoomName, seq: u64) -> StoreResult<Option<u64>> {
        let log = keys::room_log(room);
        let keys = [
            keys::log(&log),
            keys::meta(&log),
            keys::memberships(room),
            keys::members(room),
            keys::amended(&log),
            keys::others(&log),
            keys::outhooks(room),
        ];
        self.call(Command::script(script::end_room(), &keys, &[&seq]))
    }

    /// No user remembers the room any more, or how far it was read.
    fn forget_marks(&self, room: &RoomName) -> StoreResult<()> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::USERS, &[]))?;
        let target = Target::Room(room.clone()).to_string();
        let forget = |user: &UserName| {
            [
                Command::plain("SREM", keys::remembered_rooms(user), &[room.as_str()]),
                Command::plain("HDEL", keys::marks(user), &[&target]),
            ]
        };
        for users in sorted(&names).chunks(USERS_AT_ONCE) {
            let replies = self.router.call_all(users.iter().flat_map(forget).collect());
            replies.into_iter().try_for_each(|reply| command::read::<i64>(reply).map(drop))?;
        }
        Ok(())
    }
}
