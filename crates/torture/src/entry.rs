//! An entry of a log, as a client or the store shows it. It must not compare entries.

use parlor_proto::{HistoryEntry, InvitationEntry, LogEntry, ModerationEntry, Timestamp, UserName};
use serde_json::Value;

/// Begins the labels of programs, and no name of a user.
pub(crate) const PROGRAM: &str = "bot";

/// Joins the text of an edit with the text that the message had at first.
pub(crate) const EDIT_OF: char = '~';

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) from: String,
    /// The recipient, where a page of direct messages says it.
    pub(crate) to: Option<String>,
    /// What it can be recognised by: the text that was said at first. For an entry without a text of its own, what it tells.
    /// Empty if the text was removed, or belongs to an edit before the last.
    pub(crate) text: String,
    pub(crate) content: Content,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Content {
    /// A message as it was said at first.
    #[default]
    Said,
    /// What a program said.
    Bot,
    /// A message that was edited, with its text now.
    Edited(String),
    /// A message whose text was removed.
    Gone,
    /// Another text for a message.
    Edit { of: u64 },
    /// The removal of the text of a message.
    Removal { of: u64 },
    /// Another topic.
    Topic,
    /// What a moderator did.
    Moderation(Moderation),
    /// An invitation in an inbox.
    Invitation,
}

/// What a moderator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moderation {
    pub(crate) action: String,
    pub(crate) user: Option<String>,
    pub(crate) is_endless: bool,
    /// The setting, if it is about one.
    pub(crate) reason: String,
}

impl Entry {
    /// A message, a publication or a direct message as it was said.
    pub(crate) fn said(id: u64, from: String, to: Option<String>, text: String) -> Self {
        Self { id, from, to, text, content: Content::Said }
    }

    /// An entry of a page, or an event that tells of one.
    pub(crate) fn read(event: &Value) -> Option<Self> {
        if matches!(event["type"].as_str()?, "direct" | "publication") {
            let field = |name: &str| event[name].as_str().map(str::to_owned);
            return Some(Self::said(event["id"].as_u64()?, field("from")?, field("to"), field("text")?));
        }
        serde_json::from_value(event.clone()).ok().map(Self::of)
    }

    /// A line of a history.
    pub(crate) fn of_history(line: &Value) -> Option<Self> {
        serde_json::from_value(line.clone()).ok().map(Self::message)
    }

    fn of(entry: LogEntry) -> Self {
        let (id, from, text) = (entry.id().0, entry.from().to_string(), entry.text().to_owned());
        let content = match &entry {
            LogEntry::Edited(edit) => Content::Edit { of: edit.of.0 },
            LogEntry::Removed(removal) => {
                let content = Content::Removal { of: removal.of.0 };
                return Self { id, from, to: None, text: removal.reason.as_str().to_owned(), content };
            }
            LogEntry::Topic(_) => Content::Topic,
            LogEntry::Moderated(entry) => return Self::moderation(entry),
            LogEntry::Invited(entry) => return Self::invitation(entry),
            LogEntry::Direct(entry) => return Self::said(id, from, Some(entry.to.to_string()), text),
            LogEntry::Publication(_) => Content::Said,
            LogEntry::Message(entry) => return Self::message(entry.clone()),
        };
        Self { id, from, to: None, text, content }
    }

    fn message(entry: HistoryEntry) -> Self {
        let (id, from, text) = (entry.id.0, entry.from.to_string(), entry.text.as_str().to_owned());
        match (entry.removed, entry.edited) {
            (true, _) => Self { id, from, to: None, text, content: Content::Gone },
            (false, Some(_)) => Self::edited(id, from, text),
            (false, None) if entry.bot => Self { id, from, to: None, text, content: Content::Bot },
            (false, None) => Self::said(id, from, None, text),
        }
    }

    /// A message with this text now.
    pub(crate) fn edited(id: u64, from: String, now: String) -> Self {
        let first = now.rsplit(EDIT_OF).next().unwrap_or(&now).to_owned();
        Self { id, from, to: None, text: first, content: Content::Edited(now) }
    }

    /// What a moderator did, recognised by what and when.
    pub(crate) fn moderation(entry: &ModerationEntry) -> Self {
        let user = entry.user.as_ref().map(UserName::to_string);
        let (action, reason) = (entry.action.as_str().to_owned(), entry.reason.as_str().to_owned());
        let whom = user.as_deref().unwrap_or_default();
        let text = format!("({} {action} {whom} {reason} at {})", entry.from, entry.time.as_millis());
        let moderation = Moderation { action, user, is_endless: entry.until.is_none(), reason };
        let content = Content::Moderation(moderation);
        Self { id: entry.id.0, from: entry.from.to_string(), to: None, text, content }
    }

    fn invitation(entry: &InvitationEntry) -> Self {
        let to = entry.to.as_ref().map(UserName::to_string);
        Self::invited(entry.id.0, entry.from.to_string(), to, entry.room.as_str(), entry.time)
    }

    /// An invitation, recognised by where and when.
    pub(crate) fn invited(id: u64, from: String, to: Option<String>, room: &str, time: Timestamp) -> Self {
        let text = format!("({from} invites to {room} at {})", time.as_millis());
        Self { id, from, to, text, content: Content::Invitation }
    }

    /// Whether it is a message, whatever became of its text.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.content, Content::Said | Content::Bot | Content::Edited(_) | Content::Gone | Content::Invitation)
    }

    /// Whether the text of a user is or was in it: only who may speak can write it.
    pub(crate) fn is_speech(&self) -> bool {
        !self.from.starts_with(PROGRAM)
            && matches!(self.content, Content::Said | Content::Edited(_) | Content::Gone | Content::Edit { .. })
    }

    /// What a moderator did, if it tells of that.
    pub(crate) fn deed(&self) -> Option<&Moderation> {
        match &self.content {
            Content::Moderation(moderation) => Some(moderation),
            _ => None,
        }
    }

    /// Whether it removes this user from the room.
    pub(crate) fn removes(&self, user: &str) -> bool {
        self.deed().is_some_and(|deed| deed.removes() == Some(user))
    }
}

impl Moderation {
    /// The user whom it removes from the room.
    pub(crate) fn removes(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| matches!(self.action.as_str(), "kick" | "ban"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TIME: &str = "2026-11-23T00:00:00.000Z";

    #[test]
    fn an_edited_message_is_recognised_by_what_was_said_at_first() {
        let message = json!({ "id": 3, "time": TIME, "from": "ann", "text": "a2~a1", "edited": TIME });
        let read = Entry::of_history(&message).unwrap();
        assert_eq!((read.text.as_str(), read.content), ("a1", Content::Edited("a2~a1".to_owned())));
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let read = |kind: &str, more: Value| {
            let mut event = json!({ "type": kind, "room": "red", "id": 3, "time": TIME, "from": "ann" });
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Entry::read(&event).unwrap().content
        };
        assert_eq!(read("message", json!({ "text": "hi" })), Content::Said);
        assert_eq!(read("message", json!({ "text": "", "removed": true })), Content::Gone);
        assert_eq!(read("edited", json!({ "of": 2, "text": "hi" })), Content::Edit { of: 2 });
        assert_eq!(read("removed", json!({ "of": 2, "reason": "" })), Content::Removal { of: 2 });
        assert_eq!(read("topic", json!({ "text": "roses" })), Content::Topic);
        assert_eq!(read("invited", json!({})), Content::Invitation);
        let ban = json!({ "action": "ban", "user": "bob", "until": null, "reason": "spam" });
        let Content::Moderation(ban) = read("moderated", ban) else { panic!("no moderation") };
        assert_eq!((ban.removes(), ban.is_endless), (Some("bob"), true));
    }
}
