//! What a client says: it is collected, appended together, and answered in order. It must not know commands.

use parlor_proto::{Bye, MessageId, OnceKey, Refusal, Reply, Verb};

use super::CommandProcessor;
use crate::connection::effects::CommandError;
use crate::ports::{Append, AppendResult, Content, Destination, LogId, StoreError};
use crate::rights::Denial;

impl CommandProcessor {
    /// Appends the collected messages, and replies to them.
    pub(crate) fn commit(&mut self) {
        if self.pending_appends.is_empty() {
            return;
        }
        // The append may wait long for others; earlier replies need not wait for it.
        self.handle.peer.flush();
        let (appends, verbs): (Vec<Append>, Vec<Verb>) = std::mem::take(&mut self.pending_appends).into_iter().unzip();
        let about = |append: &Append| (append.to.clone(), edited(&append.content));
        let about: Vec<(Destination, Option<MessageId>)> = appends.iter().map(about).collect();
        let last = appends.last().map(Append::log);
        let report = self.handle.services.store.log.append(appends);
        for (((to, of), verb), outcome) in about.into_iter().zip(verbs).zip(report.outcomes) {
            self.answer_append(to, of, verb, outcome);
        }
        report.flush.run();
        if let Some(log) = last {
            self.handle.services.hub.wait_for_backpressure(&log);
        }
    }

    pub(super) fn queue_append(&mut self, to: Destination, content: Content, once: Option<OnceKey>, verb: Verb) {
        if let Some(append) = self.new_append(to, content, once) {
            self.pending_appends.push((append, verb));
        }
    }

    pub(super) fn new_append(&self, to: Destination, content: Content, once: Option<OnceKey>) -> Option<Append> {
        let session = self.session.as_ref()?;
        let (author, generation) = (session.user().clone(), session.generation());
        Some(Append { to, author, generation, time: self.handle.services.clock.now(), content, once })
    }

    fn answer_append(
        &mut self,
        to: Destination,
        of: Option<MessageId>,
        verb: Verb,
        outcome: Result<AppendResult, StoreError>,
    ) {
        let (id, repeated) = match outcome {
            Ok(AppendResult::Stored(id)) => (id, false),
            Ok(AppendResult::Repeated(id)) => (id, true),
            Ok(AppendResult::Fenced) => return self.hang_up(Bye::LoggedInElsewhere),
            Ok(AppendResult::Blocked) => return self.refuse_blocked(&to, verb),
            Ok(AppendResult::Denied(denial)) => return self.refuse_denied(&to, of, denial, verb),
            Err(error) => {
                return self.deny(CommandError::Failed { what: "appending to a log", error }, Some(verb));
            }
        };
        if let (Some(session), Destination::Room(room) | Destination::Edit { room, .. }) = (&mut self.session, &to) {
            session.note_written(&LogId::Room(room.clone()), id);
        }
        self.handle.services.observer.accepted(to.kind());
        let reply = match to {
            Destination::Room(room) => Reply::Message { room, id, repeated },
            Destination::Edit { room, .. } => Reply::Edit { room, id, of: of.unwrap_or_default(), repeated },
            Destination::Feed => Reply::Publish { id, repeated },
            Destination::Direct(recipient) => Reply::Msg { user: recipient.user, id, repeated },
        };
        self.reply(&reply.into());
    }

    fn refuse_blocked(&mut self, to: &Destination, verb: Verb) {
        match to {
            Destination::Direct(recipient) => self.refuse(&Refusal::Blocked(recipient.user.clone()), Some(verb)),
            Destination::Room(_) | Destination::Edit { .. } | Destination::Feed => {}
        }
    }

    fn refuse_denied(&mut self, to: &Destination, of: Option<MessageId>, denial: Denial, verb: Verb) {
        match to {
            Destination::Room(room) | Destination::Edit { room, .. } => {
                self.refuse(&denial.refusal(room, None, of), Some(verb));
            }
            Destination::Direct(_) | Destination::Feed => {}
        }
    }
}

/// The message that an edit is about.
fn edited(content: &Content) -> Option<MessageId> {
    match content {
        Content::Edit { of, .. } => Some(*of),
        _ => None,
    }
}
