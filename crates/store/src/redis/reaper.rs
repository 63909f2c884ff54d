//! Ends what dead servers left behind. Any server may do it, and several at once: each step is harmless to repeat, and
//! only the script that removes a member says so to the room.

use ::redis::Value;
use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::UserName;

use super::command::Command;
use super::keys::{self, ServerId};
use super::server::Server;
use super::{Note, script};

impl Server {
    /// Looks for servers whose lease ran out, and ends their sessions. Blocks.
    ///
    /// # Errors
    /// Redis cannot be reached; the next look goes on.
    pub(super) fn reap(&self) -> StoreResult<()> {
        let ids: Vec<String> = self.call(Command::plain("SMEMBERS", keys::SERVERS, &[]))?;
        let ids: Vec<ServerId> = ids.iter().map(|id| ServerId::read(id)).filter(|id| *id != self.id).collect();
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
            // It came back: what it restores now is to stay.
            if self.which_live(std::slice::from_ref(dead))? == [true] {
                return Ok(());
            }
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
            // Above this session's generation and below any other's.
            let below = format!("{generation}.5");
            for room in rooms.split_whitespace().filter_map(|room| room.parse().ok()) {
                self.evict(user, &room, &below)?;
            }
            self.call::<Value>(Command::script(script::reap(), &keys, &[&dead.as_str(), generation]))?;
        }
        Ok(found.len() / 2)
    }
}
