//! What a client does to a room: orders of moderators, removals of texts, invitations. It must not know the rules by which
//! they are judged.

use parlor_proto::{Bye, Invite, MessageId, Order, Reply, RoomName, RoomUser};

use super::CommandProcessor;
use crate::connection::effects::{CommandError, During};
use crate::connection::session::SessionError;
use crate::ports::{Act, ActReport, ActResult, AppendResult, Content, Deed, Destination, Recipient};

impl CommandProcessor {
    /// Carries out an act in a room, tells an invited user, and replies.
    pub(super) fn act(&mut self, act: Act, invited: Option<Recipient>) -> Result<(), SessionError> {
        self.commit();
        let (room, deed) = (act.room.clone(), act.deed.clone());
        let ActReport { result, flush } = self.handle.services.store.governance.act(act).during("moderating")?;
        flush.run();
        let id = match result {
            ActResult::Done(id) => id.unwrap_or_default(),
            ActResult::Fenced => return Err(SessionError::Over(Bye::LoggedInElsewhere)),
            ActResult::Denied(denial) => {
                let (about, of) = match &deed {
                    Deed::Order { order, .. } => (order.user(), None),
                    Deed::Removal { of, .. } => (None, Some(*of)),
                    _ => (None, None),
                };
                return Err(denial.refusal(&room, about, of).into());
            }
        };
        let inbox = match invited {
            Some(recipient) => self.invite(recipient, &room)?,
            None => MessageId::default(),
        };
        if let Some(reply) = reply_to(deed, room, id, inbox) {
            self.reply(&reply.into());
        }
        Ok(())
    }

    /// Puts an invitation into the inbox of a user, who may block the one who invites: then the user is not told. Returns its
    /// number in the inbox of the session.
    fn invite(&mut self, recipient: Recipient, room: &RoomName) -> Result<MessageId, SessionError> {
        let content = Content::Invitation(room.clone());
        let Some(append) = self.new_append(Destination::Direct(recipient), content, None) else {
            return Ok(MessageId::default());
        };
        let report = self.handle.services.store.log.append(vec![append]);
        report.flush.run();
        match report.outcomes.into_iter().next() {
            Some(Ok(AppendResult::Fenced)) => Err(SessionError::Over(Bye::LoggedInElsewhere)),
            Some(Ok(AppendResult::Stored(id) | AppendResult::Repeated(id))) => Ok(id),
            Some(Err(error)) => Err(CommandError::Failed { what: "telling an invited user", error }.into()),
            Some(Ok(AppendResult::Blocked | AppendResult::Denied(_))) | None => Ok(MessageId::default()),
        }
    }
}

/// The reply to an act that was carried out. `id` is the number of its entry, `inbox` that of the invitation.
fn reply_to(deed: Deed, room: RoomName, id: MessageId, inbox: MessageId) -> Option<Reply> {
    let order = match deed {
        Deed::Order { order, .. } => order,
        Deed::Removal { of, .. } => return Some(Reply::Remove { room, id, of }),
        _ => return None,
    };
    let about = |user| RoomUser { room: room.clone(), user, id };
    Some(match order {
        Order::Topic(topic) => Reply::Topic { room, topic: topic.into(), id: Some(id) },
        Order::Access(access) => Reply::Access { room, access, id },
        Order::Post(post) => Reply::Post { room, post, id },
        Order::Retention(retention) => Reply::Retention { room, retention, id },
        Order::Invite(user) => Reply::Invite(Invite::User { about: about(user), inbox }),
        Order::Kick(user, _) => Reply::Kick(about(user)),
        Order::Ban(user, ..) => Reply::Ban(about(user)),
        Order::Unban(user) => Reply::Unban(about(user)),
        Order::Mute(user, _) => Reply::Mute(about(user)),
        Order::Unmute(user) => Reply::Unmute(about(user)),
        Order::Moderator(user) => Reply::Moderator(about(user)),
        Order::Unmoderator(user) => Reply::Unmoderator(about(user)),
        Order::Owner(user) => Reply::Owner(about(user)),
    })
}
