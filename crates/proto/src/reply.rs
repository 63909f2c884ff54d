//! The replies to commands that were carried out. It must not know how they are written.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::format::Format;
use crate::hook::{HookId, HookUrl, OuthookSecret};
use crate::ids::{Epoch, MessageId};
use crate::invitation::{InvitationCode, InvitationId, Invite};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::retention::Retention;
use crate::rights::{Access, Speakers};
use crate::target::Target;
use crate::ticket::{TicketId, TicketSecret, Tickets};
use crate::time::Timestamp;
use crate::verb::Verb;

/// The reply to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Reply {
    /// To LOGIN.
    Login {
        /// The user who is logged in.
        user: UserName,
        /// The room that was entered.
        room: RoomName,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// Conversations with unread direct messages. Only the text format shows them.
        #[serde(skip)]
        unread: Vec<(UserName, u64)>,
    },
    /// To REGISTER.
    Register {
        /// The user who is logged in.
        user: UserName,
        /// The room that was entered.
        room: RoomName,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// As for LOGIN: direct messages wait for an account whose data outlived its loss.
        #[serde(skip)]
        unread: Vec<(UserName, u64)>,
    },
    /// To `/join`.
    Join {
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
    },
    /// To `/leave`.
    Leave {
        /// The room that was left.
        left: RoomName,
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the entered room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
    },
    /// To `/open`.
    Open {
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// The topic; empty if there is none.
        topic: Note,
    },
    /// To `/close`.
    Close {
        /// The room that was left.
        room: RoomName,
        /// The current room now.
        current: RoomName,
    },
    /// To `/switch`.
    Switch {
        /// The current room now.
        room: RoomName,
    },
    /// To `/read`.
    Read {
        /// The conversation.
        target: Target,
        /// The number of the command.
        id: MessageId,
    },
    /// To `/block`.
    Block {
        /// The user who is blocked now.
        user: UserName,
    },
    /// To `/unblock`.
    Unblock {
        /// The user who is not blocked any more.
        user: UserName,
    },
    /// To `/subscribe`.
    Subscribe {
        /// The user who is followed now.
        user: UserName,
    },
    /// To `/unsubscribe`.
    Unsubscribe {
        /// The user who is not followed any more.
        user: UserName,
    },
    /// To `/publish`.
    Publish {
        /// Number in the publisher's log.
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To a room message; the text format has no line for it.
    Message {
        /// The room.
        room: RoomName,
        /// Number in the room's log.
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To `/msg`.
    Msg {
        /// The recipient.
        user: UserName,
        /// Number in the sender's inbox; 0 from a server of a version before inboxes.
        #[serde(default)]
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To `/edit`.
    Edit {
        /// The room.
        room: RoomName,
        /// Number of the edit in the room's log.
        id: MessageId,
        /// The message.
        of: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To `/remove`.
    Remove {
        /// The room.
        room: RoomName,
        /// Number of the removal in the room's log.
        id: MessageId,
        /// The message.
        of: MessageId,
    },
    /// To `/topic`.
    Topic {
        /// The room.
        room: RoomName,
        /// The topic; empty if there is none.
        topic: Note,
        /// Number of the entry in the room's log, if the topic was set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
    },
    /// To `/access`.
    Access {
        /// The room.
        room: RoomName,
        /// Who may enter.
        access: Access,
        /// Number of the entry in the room's log.
        id: MessageId,
    },
    /// To `/post`.
    Post {
        /// The room.
        room: RoomName,
        /// Who may speak.
        post: Speakers,
        /// Number of the entry in the room's log.
        id: MessageId,
    },
    /// To `/retention`.
    Retention {
        /// The room.
        room: RoomName,
        /// How long its messages are kept; none if that is up to the server.
        retention: Option<Retention>,
        /// Number of the entry in the room's log.
        id: MessageId,
    },
    /// To `/invite`, and to INVITE before login.
    Invite(Invite),
    /// To `/kick`.
    Kick(RoomUser),
    /// To `/ban`.
    Ban(RoomUser),
    /// To `/unban`.
    Unban(RoomUser),
    /// To `/mute`.
    Mute(RoomUser),
    /// To `/unmute`.
    Unmute(RoomUser),
    /// To `/moderator`.
    Moderator(RoomUser),
    /// To `/unmoderator`.
    Unmoderator(RoomUser),
    /// To `/owner`.
    Owner(RoomUser),
    /// To `/hook`.
    Hook {
        /// The room.
        room: RoomName,
        /// In whose name it speaks.
        label: UserName,
        /// Names it.
        id: HookId,
        /// Where programs post.
        url: HookUrl,
    },
    /// To `/outhook`.
    Outhook {
        /// The room.
        room: RoomName,
        /// Names it.
        id: HookId,
        /// Where it posts.
        url: Endpoint,
        /// Signs its posts.
        secret: OuthookSecret,
    },
    /// To `/unhook`.
    Unhook {
        /// The room.
        room: RoomName,
        /// The hook.
        id: HookId,
    },
    /// To `/suspend`.
    Suspend {
        /// The user who cannot log in now.
        user: UserName,
    },
    /// To `/unsuspend`.
    Unsuspend {
        /// The user who can log in again.
        user: UserName,
    },
    /// To `/broadcast`.
    Broadcast,
    /// To `/passwd`.
    Passwd,
    /// To `/ticket`.
    Ticket {
        /// The secret.
        ticket: TicketSecret,
        /// Names the ticket.
        id: TicketId,
        /// When it ends, if it is not used before; none for never.
        expires: Option<Timestamp>,
    },
    /// To `/revoke`.
    Revoke {
        /// The argument of the command.
        id: Tickets,
        /// Number of tickets that were revoked.
        count: usize,
    },
    /// To `/invitation`.
    Invitation {
        /// The code.
        code: InvitationCode,
        /// Names the invitation.
        id: InvitationId,
        /// Accounts that it may make.
        uses: u32,
        /// The rooms that it opens.
        rooms: Vec<RoomName>,
        /// When it ends.
        expires: Timestamp,
    },
    /// To `/uninvite`.
    Uninvite {
        /// The argument of the command.
        id: InvitationId,
    },
    /// To `/format`.
    Format {
        /// The new format.
        format: Format,
    },
}

/// A room, and the user about whom something was decided there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUser {
    /// The room.
    pub room: RoomName,
    /// The user.
    pub user: UserName,
    /// Number of the entry in the room's log.
    pub id: MessageId,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl Reply {
    /// The command that it answers.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Login { .. } => Verb::Login,
            Self::Register { .. } => Verb::Register,
            Self::Join { .. } => Verb::Join,
            Self::Leave { .. } => Verb::Leave,
            Self::Open { .. } => Verb::Open,
            Self::Close { .. } => Verb::Close,
            Self::Switch { .. } => Verb::Switch,
            Self::Read { .. } => Verb::Read,
            Self::Block { .. } => Verb::Block,
            Self::Unblock { .. } => Verb::Unblock,
            Self::Subscribe { .. } => Verb::Subscribe,
            Self::Unsubscribe { .. } => Verb::Unsubscribe,
            Self::Publish { .. } => Verb::Publish,
            Self::Message { .. } => Verb::Message,
            Self::Msg { .. } => Verb::Msg,
            Self::Edit { .. } => Verb::Edit,
            Self::Remove { .. } => Verb::Remove,
            Self::Topic { .. } => Verb::Topic,
            Self::Access { .. } => Verb::Access,
            Self::Post { .. } => Verb::Post,
            Self::Retention { .. } => Verb::Retention,
            Self::Invite(_) => Verb::Invite,
            Self::Kick(_) => Verb::Kick,
            Self::Ban(_) => Verb::Ban,
            Self::Unban(_) => Verb::Unban,
            Self::Mute(_) => Verb::Mute,
            Self::Unmute(_) => Verb::Unmute,
            Self::Moderator(_) => Verb::Moderator,
            Self::Unmoderator(_) => Verb::Unmoderator,
            Self::Owner(_) => Verb::Owner,
            Self::Hook { .. } => Verb::Hook,
            Self::Outhook { .. } => Verb::Outhook,
            Self::Unhook { .. } => Verb::Unhook,
            Self::Suspend { .. } => Verb::Suspend,
            Self::Unsuspend { .. } => Verb::Unsuspend,
            Self::Broadcast => Verb::Broadcast,
            Self::Passwd => Verb::Passwd,
            Self::Ticket { .. } => Verb::Ticket,
            Self::Revoke { .. } => Verb::Revoke,
            Self::Invitation { .. } => Verb::Invitation,
            Self::Uninvite { .. } => Verb::Uninvite,
            Self::Format { .. } => Verb::Format,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn printed(reply: Reply) -> String {
        format!("{:?}", Event::from(reply))
    }

    #[test]
    fn no_secret_of_a_reply_is_printed_for_debugging() {
        let (room, url): (RoomName, Endpoint) =
            ("red".parse().unwrap(), "https://bot.example/hunter2".parse().unwrap());
        let (label, time) = ("ci".parse().unwrap(), Timestamp::from_millis(0));
        let code = InvitationCode::given("hunter2");
        for reply in [
            Reply::Ticket { ticket: TicketSecret::given("hunter2"), id: TicketId(7), expires: None },
            Reply::Invitation { code, id: InvitationId(7), uses: 1, rooms: vec![], expires: time },
            Reply::Hook { room: room.clone(), label, id: HookId(7), url: HookUrl::given("https://a.example/hunter2") },
            Reply::Outhook { room, id: HookId(7), url, secret: OuthookSecret::given("hunter2") },
        ] {
            assert!(!printed(reply.clone()).contains("hunter2"), "{:?}", reply.verb());
            assert!(serde_json::to_string(&reply).unwrap().contains("hunter2"), "{:?}", reply.verb());
        }
    }

    #[test]
    fn what_only_the_text_format_shows_is_not_in_json() {
        let (user, room): (UserName, RoomName) = ("ann".parse().unwrap(), "lobby".parse().unwrap());
        let (epoch, last, unread) = (Epoch(1), MessageId(2), vec![("bob".parse().unwrap(), 3)]);
        let register = Reply::Register { user: user.clone(), room: room.clone(), epoch, last, unread };
        let json = serde_json::to_string(&register).unwrap();
        assert!(!json.contains("unread") && !json.contains("bob"), "{json}");
        let told = Reply::Register { user, room, epoch, last, unread: vec![] };
        assert_eq!(serde_json::from_str::<Reply>(&json).unwrap(), told);
    }
}
