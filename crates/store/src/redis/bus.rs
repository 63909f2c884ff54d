//! Sends messages to all users on any server. It must not store anything: a message to a user who is unreachable is lost.

use parlor_core::ports::{Bus, StoreResult, UnloggedMessage};

use super::connection::command::Command;
use super::keys;
use super::membership::server::Server;
use super::pubsub::message::ServerMessage;

impl Bus for Server {
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()> {
        self.lease.check()?;
        let news = ServerMessage::Notice(message.clone()).write();
        self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news]).never_repeated()).map(drop)
    }
}
