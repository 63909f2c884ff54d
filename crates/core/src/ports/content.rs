//! What the entries of logs say, and the one string in which stores keep it. It must not know who may say it.

use std::borrow::Cow;

use parlor_proto::{Action, MessageId, Note, RoomName, Text, Timestamp, UserName};

/// Begins the stored form of whatever is not simply said: no text that a user said contains it.
const MARK: char = '\u{1}';

/// In a stored form: nobody, or never.
const NONE: &str = "*";

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Something said.
    Said(Text),
    /// Something that a program said by a hook. It is not edited.
    Bot(Text),
    /// Something said that was edited since.
    Amended {
        /// Its text now.
        text: Text,
        /// When it was edited last.
        at: Timestamp,
        /// The entry of the last edit.
        by: MessageId,
    },
    /// Something said whose text was removed.
    Gone,
    /// Something said has another text from now on.
    Edit {
        /// Its entry.
        of: MessageId,
        /// The text; empty if it was edited again or removed since.
        text: Note,
    },
    /// The text of something said was removed.
    Removal {
        /// Its entry.
        of: MessageId,
        /// Why.
        reason: Note,
    },
    /// The room has another topic.
    Topic(Text),
    /// A moderator did something.
    Moderation(Moderation),
    /// In an inbox: the recipient may enter a room.
    Invitation(RoomName),
}

/// What a moderator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderation {
    /// What was done.
    pub action: Action,
    /// Whom it concerns; none if it concerns the room.
    pub user: Option<UserName>,
    /// Until when it holds; none if for ever.
    pub until: Option<Timestamp>,
    /// Why. For a setting of the room: the setting.
    pub reason: Note,
}

impl Content {
    /// Whether it counts as a message: it is shown by itself, and is unread until it is read.
    pub fn is_message(&self) -> bool {
        match self {
            Self::Said(_) | Self::Bot(_) | Self::Amended { .. } | Self::Gone | Self::Invitation(_) => true,
            Self::Edit { .. } | Self::Removal { .. } | Self::Topic(_) | Self::Moderation(_) => false,
        }
    }

    /// The user whom it removes from the room.
    pub fn removes(&self) -> Option<&UserName> {
        match self {
            Self::Moderation(Moderation { action: Action::Kick | Action::Ban, user, .. }) => user.as_ref(),
            _ => None,
        }
    }

    /// Its length in bytes, about.
    pub fn len_hint(&self) -> usize {
        match self {
            Self::Said(text) | Self::Bot(text) | Self::Amended { text, .. } | Self::Topic(text) => text.as_str().len(),
            Self::Edit { text, .. } => text.as_str().len(),
            Self::Removal { reason, .. } => reason.as_str().len(),
            Self::Moderation(Moderation { reason, .. }) => 64 + reason.as_str().len(),
            Self::Gone | Self::Invitation(_) => 64,
        }
    }

    /// The string in which a store keeps it. [`Content::read`] reads it.
    pub fn stored(&self) -> Cow<'_, str> {
        Cow::Owned(match self {
            Self::Said(text) => return Cow::Borrowed(text.as_str()),
            Self::Bot(text) => format!("{MARK}bot {text}"),
            Self::Amended { text, at, by } => format!("{MARK}amended {} {by} {text}", at.as_millis()),
            Self::Gone => format!("{MARK}gone"),
            Self::Edit { of, text } => format!("{MARK}edit {of} {text}"),
            Self::Removal { of, reason } => format!("{MARK}removal {of} {reason}"),
            Self::Topic(text) => format!("{MARK}topic {text}"),
            Self::Moderation(Moderation { action, user, until, reason }) => {
                let user = user.as_ref().map_or(NONE, UserName::as_str);
                let until = until.map_or_else(|| NONE.to_owned(), |until| until.as_millis().to_string());
                format!("{MARK}moderation {action} {user} {until} {reason}")
            }
            Self::Invitation(room) => format!("{MARK}invitation {room}"),
        })
    }

    /// Reads what [`Content::stored`] wrote. Whatever it does not know is taken as text, so that it is not lost; none if that
    /// would be blank.
    pub fn read(stored: &str) -> Option<Self> {
        let special = stored.strip_prefix(MARK).and_then(read_special);
        special.or_else(|| Text::sanitise(stored).map(Self::Said))
    }
}

fn read_special(form: &str) -> Option<Content> {
    let (kind, rest) = form.split_once(' ').unwrap_or((form, ""));
    Some(match kind {
        "amended" => {
            let [at, by, text] = fields(rest)?;
            Content::Amended { text: Text::sanitise(text)?, at: time(at)?, by: id(by)? }
        }
        "bot" => Content::Bot(Text::sanitise(rest)?),
        "gone" => Content::Gone,
        "edit" => {
            let [of, text] = fields(rest)?;
            Content::Edit { of: id(of)?, text: note(text) }
        }
        "removal" => {
            let [of, reason] = fields(rest)?;
            Content::Removal { of: id(of)?, reason: note(reason) }
        }
        "topic" => Content::Topic(Text::sanitise(rest)?),
        "moderation" => {
            let [action, user, until, reason] = fields(rest)?;
            let user = if user == NONE { None } else { Some(user.parse().ok()?) };
            let until = if until == NONE { None } else { Some(time(until)?) };
            Content::Moderation(Moderation { action: Action::find(action)?, user, until, reason: note(reason) })
        }
        "invitation" => Content::Invitation(rest.parse().ok()?),
        _ => return None,
    })
}

/// Splits a text into `N` words. The last one is the rest of the text.
fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut words = text.splitn(N, ' ');
    let mut found = [""; N];
    for field in &mut found {
        *field = words.next()?;
    }
    Some(found)
}

fn id(word: &str) -> Option<MessageId> {
    word.parse().ok().and_then(|number: u64| MessageId::try_from(number).ok())
}

fn time(word: &str) -> Option<Timestamp> {
    word.parse().ok().map(Timestamp::from_millis)
}

fn note(text: &str) -> Note {
    Text::sanitise(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text::sanitise(text).unwrap()
    }

    #[test]
    fn every_content_is_read_as_it_was_stored() {
        let moderation = |user: Option<&str>, until| {
            let user = user.map(|user| user.parse().unwrap());
            Content::Moderation(Moderation { action: Action::Ban, user, until, reason: text("a  b").into() })
        };
        for content in [
            Content::Said(text(" two  words ")),
            Content::Amended { text: text(" a b"), at: Timestamp::from_millis(7), by: MessageId(9) },
            Content::Bot(text(" disk  full ")),
            Content::Gone,
            Content::Edit { of: MessageId(3), text: text("a b ").into() },
            Content::Edit { of: MessageId(3), text: Note::default() },
            Content::Removal { of: MessageId(3), reason: Note::default() },
            Content::Topic(text("what this is about")),
            moderation(Some("bob"), Some(Timestamp::from_millis(-7))),
            moderation(None, None),
            Content::Invitation("red".parse().unwrap()),
        ] {
            assert_eq!(Content::read(&content.stored()), Some(content));
        }
    }

    #[test]
    fn what_users_say_is_never_taken_for_anything_else() {
        assert_eq!(Content::read("gone"), Some(Content::Said(text("gone"))));
        assert_eq!(Text::sanitise("\u{1}gone"), Some(text("gone")));
    }

    #[test]
    fn what_a_later_version_stores_is_shown_as_text() {
        assert_eq!(Content::read("\u{1}poll yes no"), Some(Content::Said(text("poll yes no"))));
        assert_eq!(Content::read("\u{1}moderation dance bob * "), Some(Content::Said(text("moderation dance bob * "))));
        assert_eq!(Content::read(""), None);
    }

    #[test]
    fn what_is_broken_is_shown_as_text_and_lost_by_nobody() {
        for broken in [
            "edit 3",
            "edit x new",
            "edit 18446744073709551615 beyond all numbers",
            "removal -1 why",
            "amended 7 new",
            "amended soon 9 new",
            "amended 7 9  ",
            "topic ",
            "bot ",
            "invitation #red",
            "moderation ban bob *",
            "moderation ban #bob * why",
            "moderation ban bob soon why",
        ] {
            assert_eq!(Content::read(&format!("{MARK}{broken}")), Some(Content::Said(text(broken))), "{broken}");
        }
    }

    #[test]
    fn only_kicks_and_bans_remove_the_user_whom_they_name() {
        let bob: UserName = "bob".parse().unwrap();
        for action in Action::ALL.iter().copied() {
            let content = |user| Content::Moderation(Moderation { action, user, until: None, reason: Note::default() });
            let removes = matches!(action, Action::Kick | Action::Ban);
            assert_eq!(content(Some(bob.clone())).removes(), removes.then_some(&bob), "{action}");
            assert_eq!(content(None).removes(), None, "{action}");
        }
    }
}
