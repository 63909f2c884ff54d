//! Reads the arguments of commands about rights, edits and removals. It must not read other commands.

use std::time::Duration;

use super::Arguments;
use crate::command::{Command, Post};
use crate::control_chars::is_control;
use crate::endpoint::Endpoint;
use crate::name::{RoomName, UserName};
use crate::note::{NOTE_MAX_BYTES, Note};
use crate::refusal::Refusal;
use crate::retention::Retention;
use crate::rights::{self, Access, Order, Speakers};
use crate::text::Text;

impl Arguments<'_> {
    pub(super) fn hook(&self) -> Result<Command, Refusal> {
        let words = self.words(2)?;
        let [room, label] = words.as_slice() else { return Err(self.wrong()) };
        let name = |_| Refusal::BadName;
        Ok(Command::Hook { room: room.parse().map_err(name)?, label: label.parse().map_err(name)? })
    }

    pub(super) fn outhook(&self) -> Result<Command, Refusal> {
        let words = self.words(2)?;
        let [room, url] = words.as_slice() else { return Err(self.wrong()) };
        Ok(Command::Outhook {
            room: room.parse().map_err(|_| Refusal::BadName)?,
            url: url.parse().map_err(|_| Refusal::Pointless(Endpoint::SYNTAX))?,
        })
    }

    pub(super) fn unhook(&self) -> Result<Command, Refusal> {
        let words = self.words(2)?;
        let [room, id] = words.as_slice() else { return Err(self.wrong()) };
        Ok(Command::Unhook {
            room: room.parse().map_err(|_| Refusal::BadName)?,
            id: id.parse().map_err(|_| self.wrong())?,
        })
    }

    pub(super) fn topic(&self) -> Result<Command, Refusal> {
        let (room, rest) = self.room_and_rest()?;
        Ok(match self.short_text(rest)? {
            Some(text) => Command::Moderate(room, Order::Topic(text)),
            None => Command::Topic(room),
        })
    }

    pub(super) fn access(&self) -> Result<Command, Refusal> {
        let (room, word) = self.room_and_word()?;
        let access = Access::find(&word).ok_or_else(|| self.wrong())?;
        Ok(Command::Moderate(room, Order::Access(access)))
    }

    pub(super) fn speakers(&self) -> Result<Command, Refusal> {
        let (room, word) = self.room_and_word()?;
        let speakers = Speakers::find(&word).ok_or_else(|| self.wrong())?;
        Ok(Command::Moderate(room, Order::Post(speakers)))
    }

    pub(super) fn retention(&self) -> Result<Command, Refusal> {
        let (room, word) = self.room_and_word()?;
        let retention = match word.as_str() {
            Retention::DEFAULT => None,
            word => Some(Retention::find(word).ok_or(Refusal::Pointless(Retention::SYNTAX))?),
        };
        Ok(Command::Moderate(room, Order::Retention(retention)))
    }

    /// A room and a user.
    pub(super) fn order(&self, order: fn(UserName) -> Order) -> Result<Command, Refusal> {
        let (room, user, rest) = self.room_user_and_rest()?;
        if rest.trim().is_empty() { Ok(Command::Moderate(room, order(user))) } else { Err(self.wrong()) }
    }

    pub(super) fn kick(&self) -> Result<Command, Refusal> {
        let (room, user, rest) = self.room_user_and_rest()?;
        Ok(Command::Moderate(room, Order::Kick(user, self.note(rest)?)))
    }

    pub(super) fn ban(&self) -> Result<Command, Refusal> {
        let (room, user, rest) = self.room_user_and_rest()?;
        let (duration, rest) = duration_and_rest(rest);
        Ok(Command::Moderate(room, Order::Ban(user, duration, self.note(rest)?)))
    }

    pub(super) fn mute(&self) -> Result<Command, Refusal> {
        let (room, user, rest) = self.room_user_and_rest()?;
        let (duration, rest) = duration_and_rest(rest);
        if rest.trim().is_empty() {
            Ok(Command::Moderate(room, Order::Mute(user, duration)))
        } else {
            Err(self.wrong())
        }
    }

    pub(super) fn edit(&self) -> Result<Command, Refusal> {
        let (room, rest) = self.room_and_rest()?;
        let (id, rest) = self.next(rest)?;
        Ok(Command::Post { post: Post::Edit { room, of: self.id(id)?, text: self.text(rest)? }, once: None })
    }

    pub(super) fn removal(&self) -> Result<Command, Refusal> {
        let (room, rest) = self.room_and_rest()?;
        let (id, rest) = self.next(rest)?;
        Ok(Command::Remove { room, of: self.id(id)?, reason: self.note(rest)? })
    }

    pub(super) fn suspension(&self) -> Result<Command, Refusal> {
        let (user, rest) = self.user_and_rest()?;
        let (duration, rest) = duration_and_rest(rest);
        Ok(Command::Suspend { user, duration, reason: self.note(rest)? })
    }

    fn room_and_rest(&self) -> Result<(RoomName, &str), Refusal> {
        let (word, rest) = self.word_and_rest()?;
        Ok((word.parse().map_err(|_| Refusal::BadName)?, rest))
    }

    fn room_and_word(&self) -> Result<(RoomName, String), Refusal> {
        let words = self.words(2)?;
        let [room, word] = words.as_slice() else { return Err(self.wrong()) };
        Ok((room.parse().map_err(|_| Refusal::BadName)?, word.to_ascii_lowercase()))
    }

    fn room_user_and_rest(&self) -> Result<(RoomName, UserName, &str), Refusal> {
        let (room, rest) = self.room_and_rest()?;
        let (user, rest) = self.next(rest)?;
        Ok((room, user.parse().map_err(|_| Refusal::BadName)?, rest))
    }

    /// The next word, which must be there, and what follows it.
    fn next<'a>(&self, rest: &'a str) -> Result<(&'a str, &'a str), Refusal> {
        let rest = rest.trim_start_matches([' ', '\t']);
        let (word, rest) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        match word {
            "" => Err(self.wrong()),
            word if word.contains(is_control) => Err(Refusal::ControlCharacter(self.usage())),
            word => Ok((word, rest)),
        }
    }

    pub(super) fn note(&self, rest: &str) -> Result<Note, Refusal> {
        self.short_text(rest.trim_start_matches([' ', '\t'])).map(Note::from)
    }

    fn short_text(&self, text: &str) -> Result<Option<Text>, Refusal> {
        let text = super::typed_text(text);
        let is_long = text.as_ref().is_some_and(|text| text.as_str().len() > NOTE_MAX_BYTES);
        if is_long { Err(Refusal::NoteTooLong(self.usage())) } else { Ok(text) }
    }
}

/// A duration, if the text begins with one, and what follows it.
fn duration_and_rest(text: &str) -> (Option<Duration>, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    match rights::duration(word) {
        Some(duration) => (Some(duration), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests;
