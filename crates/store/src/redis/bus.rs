//! Sends messages to users on any server. It must not store anything: a message to a user who is unreachable is lost.

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
            // A Cluster counts only the subscribers of the node that was asked, but sends the message to all nodes. So
            // the server may receive it through another node.
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
