//! Ends what dead servers left behind. Any server may do it, and several at once: each step is harmless to repeat, and
//! only the script that removes a member says so to the room.

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::{RoomName, UserName};

use super::command::{Argument, Command};
use super::keys::{self, ServerId};
use super::server::Server;
use super::sessions::read_rooms;
use super::{Note, script};

impl Server {
    /// Looks for servers whose lease ran out, and ends their sessions. Blocks.
    ///
    /// # Errors
    /// Redis cannot be reached; the next look goes on.
    pub(super) fn reap(&self) -> StoreResult<()> {
        let ids: Vec<String> = self.call(Command::plain("SMEMBERS", keys::SERVERS, &[]))?;
        let own = self.id();
        let ids: Vec<ServerId> = ids.iter().map(|id| ServerId::read(id)).filter(|id| *id != own).collect();
        let live = self.which_live(&ids)?;
        for (id, _) in ids.iter().zip(live).filter(|(_, lives)| !lives) {
            self.reap_server(id)?;
        }
        Ok(())
    }

    fn reap_server(&self, dead: &ServerId) -> StoreResult<()> {
        let entries: Vec<String> = self.call(Command::plain("SMEMBERS", keys::seats_of(dead), &[]))?;
        let mut sessions = 0;
        for entry in &entries {
            if let Some(user) = keys::user_of_seat_entry(entry) {
                sessions += self.reap_user(dead, &user)?;
            }
            self.call::<i64>(Command::plain("SREM", keys::seats_of(dead), &[entry]))?;
        }
        self.call::<i64>(Command::plain("SREM", keys::SERVERS, &[dead.as_str()]))?;
        if sessions > 0 {
            self.journal.note(&Note::Reaped { server: dead.as_str().to_owned(), sessions });
        }
        Ok(())
    }

    /// Ends the sessions of a user on a dead server. Tells how many there were.
    fn reap_user(&self, dead: &ServerId, user: &UserName) -> StoreResult<usize> {
        let keys = [keys::session(user), keys::ending(user)];
        let found: Vec<String> = self.call(Command::script(script::sessions_on(), &keys, &[&dead.as_str()]))?;
        for pair in found.chunks(2) {
            let [generation, rooms] = pair else { return Err(StoreError::new("a session cannot be read")) };
            for room in read_rooms(rooms) {
                self.expel(user, &room, generation, dead)?;
            }
            self.call::<i64>(Command::script(script::reap(), &keys, &[&dead.as_str(), generation]))?;
        }
        Ok(found.len() / 2)
    }

    /// Takes a session of a dead server out of a room.
    fn expel(&self, user: &UserName, room: &RoomName, generation: &str, dead: &ServerId) -> StoreResult<()> {
        let log = keys::room_log(room);
        let keys = [keys::members(room), keys::seats(room), keys::meta(&log), keys::log(&log)];
        let args: [&dyn Argument; 3] = [&user.as_str(), &generation, &dead.as_str()];
        let (members, version): (i64, u64) = self.call(Command::script(script::expel(), &keys, &args))?;
        if members == 0 { self.drop_room(room, version) } else { Ok(()) }
    }
}
