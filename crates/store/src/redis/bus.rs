//! Reaching people on whatever server they are. Nothing is kept: whoever cannot be reached just now is not.

use parlor_core::ports::{Bus, StoreError, StoreResult, UnloggedMessage};
use parlor_proto::UserName;

use super::connection::command::Command;
use super::keys::{self, ServerId};
use super::membership::server::Server;
use super::pubsub::message::ServerMessage;

impl Bus for Server {
    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> StoreResult<bool> {
        self.lease.check()?;
        let owner: Option<String> = self.call(Command::plain("HGET", keys::session(to), &["server"]))?;
        let Some(owner) = owner.map(|owner| ServerId::read(&owner)) else { return Ok(false) };
        if owner != self.id() {
            let heard = self.tell(&owner, &ServerMessage::Direct(to.clone(), message.clone()))?;
            // A Cluster counts those of the node that was asked, and sends it to all: the server may hear it elsewhere.
            if heard == 0 && self.router.owner(keys::EVERYBODY).is_some() && self.which_live(&[owner])? == [true] {
                return Err(StoreError::new("whether the message was heard is not known"));
            }
            return Ok(heard > 0);
        }
        let Some(flush) = self.sink.direct(to, message) else { return Ok(false) };
        flush.run();
        Ok(true)
    }

    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()> {
        self.lease.check()?;
        let news = ServerMessage::Notice(message.clone()).write();
        self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news]).never_repeated()).map(drop)
    }
}
