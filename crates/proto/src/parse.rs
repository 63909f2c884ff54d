//! From a line to a command. It must not carry anything out, nor know the sender.

mod moderation;

use zeroize::Zeroizing;

use crate::HISTORY_DEFAULT;
use crate::HISTORY_MAX;
use crate::blank_chars::{is_blank, is_invisible};
use crate::command::{Command, Credentials, PageRange, Post, PreLoginCommand, TicketCredentials};
use crate::control_chars::is_control;
use crate::format::Format;
use crate::ids::MessageId;
use crate::invitation::{INVITATION_PREFIX, INVITATION_ROOMS_MAX, InvitationCode};
use crate::name::{RoomName, UserName};
use crate::once_key::OnceKey;
use crate::password::Password;
use crate::refusal::Refusal;
use crate::rights::Order;
use crate::target::{Target, TargetError};
use crate::text::Text;
use crate::ticket::{TICKET_PREFIX, TicketSecret};
use crate::tokens::next_word;
use crate::verb::{Verb, VerbInfo};

/// The state of a connection, which decides the syntax of its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Keywords.
    BeforeLogin,
    /// Messages and commands with a slash.
    InSession,
}

/// A line that is not a valid command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The intended command, if it is known.
    pub verb: Option<Verb>,
    /// The error in the line.
    pub refusal: Refusal,
}

impl From<Refusal> for ParseError {
    fn from(refusal: Refusal) -> Self {
        Self { verb: None, refusal }
    }
}

/// Reads a line of a connection that has not logged in. `Ok(None)` if it is blank.
///
/// # Errors
/// The error in the line.
pub fn parse_pre_login(line: &[u8]) -> Result<Option<PreLoginCommand>, ParseError> {
    let Some(line) = readable(line)? else { return Ok(None) };
    let (word, rest) = split_word(line);
    let Some(info) = VerbInfo::find(word, false) else {
        return Err(Refusal::LoginRequired.into());
    };
    let arguments = Arguments { info, phase: Phase::BeforeLogin, rest };
    let greeting = match info.verb {
        Verb::Login => arguments.credentials().map(PreLoginCommand::Login),
        Verb::Register => arguments.credentials().map(PreLoginCommand::Register),
        Verb::Resume => arguments.ticket().map(PreLoginCommand::Resume),
        Verb::Invite => arguments.word().map(|word| PreLoginCommand::Invite(InvitationCode::given(&word))),
        Verb::Format => arguments.format().map(PreLoginCommand::Format),
        Verb::Ping => arguments.token().map(PreLoginCommand::Ping),
        Verb::Help => arguments.none(PreLoginCommand::Help),
        Verb::Quit => arguments.none(PreLoginCommand::Quit),
        _ => Err(Refusal::LoginRequired),
    };
    greeting.map(Some).map_err(|refusal| ParseError { verb: Some(info.verb), refusal })
}

/// Reads a line of a session. `Ok(None)` if it is blank.
///
/// # Errors
/// The error in the line.
pub fn parse_command(line: &[u8]) -> Result<Option<Command>, ParseError> {
    let Some(line) = readable(line)? else { return Ok(None) };
    match line.strip_prefix('/') {
        Some(said) if said.starts_with('/') => Ok(typed_text(said).map(message)),
        Some(typed) => {
            let (word, rest) = split_word(typed);
            let Some(info) = VerbInfo::find(word, true) else {
                return Err(Refusal::UnknownCommand.into());
            };
            let arguments = Arguments { info, phase: Phase::InSession, rest };
            if info.verb == Verb::Once {
                return arguments.once().map(Some);
            }
            arguments.command().map(Some).map_err(|refusal| ParseError { verb: Some(info.verb), refusal })
        }
        None => say(line),
    }
}

/// The line as text. `None` if it shows nothing.
fn readable(line: &[u8]) -> Result<Option<&str>, ParseError> {
    let text = std::str::from_utf8(line).map_err(|_| Refusal::InvalidUtf8)?;
    Ok((!text.chars().all(is_blank)).then_some(text))
}

/// The text that a client typed, without control characters. `None` if it shows nothing. A text in a log may show
/// nothing, because earlier versions accepted that.
fn typed_text(text: &str) -> Option<Text> {
    Text::sanitise(text).filter(|text| !text.as_str().chars().all(is_blank))
}

/// A message, unless it looks like a command that is not at the start of its line, or like a login that was sent too
/// late: a password must never be broadcast.
fn say(line: &str) -> Result<Option<Command>, ParseError> {
    let Some(text) = typed_text(line) else { return Ok(None) };
    if let Some(misplaced) = misplaced_command(text.as_str()) {
        text.forget();
        return Err(misplaced);
    }
    Ok(Some(message(text)))
}

fn message(text: Text) -> Command {
    Command::Post { post: Post::Message(text), once: None }
}

/// The error if the first word of a message is that of a command. What shows nothing hides neither the word nor its end.
fn misplaced_command(text: &str) -> Option<ParseError> {
    let words = text.trim_start_matches(is_blank);
    let (word, has_arguments) = words.find(char::is_whitespace).map_or((words, false), |end| (&words[..end], true));
    if let Some(typed) = word.strip_prefix('/') {
        let typed = typed.replace(is_invisible, "");
        let info = VerbInfo::find(&typed, true).or_else(|| VerbInfo::find(&typed, false))?;
        return Some(ParseError { verb: Some(info.verb), refusal: Refusal::LeadingSpace });
    }
    let is_word = |keyword: &str| {
        let visible = word.chars().filter(|&character| !is_invisible(character));
        visible.map(|character| character.to_ascii_lowercase()).eq(keyword.chars())
    };
    // "Resume" and "invite" begin sentences, too, so there has to be a secret as well.
    let keywords = [
        ("login", Verb::Login, ""),
        ("register", Verb::Register, ""),
        ("resume", Verb::Resume, TICKET_PREFIX),
        ("invite", Verb::Invite, INVITATION_PREFIX),
    ];
    let (_, verb, secret) = keywords.into_iter().find(|(keyword, ..)| has_arguments && is_word(keyword))?;
    let has_secret = text.replace(is_invisible, "").contains(secret);
    has_secret.then_some(ParseError { verb: Some(verb), refusal: Refusal::AlreadyAuthenticated })
}

/// Splits at the first space or tab, and drops that character.
fn split_word(line: &str) -> (&str, &str) {
    line.split_once([' ', '\t']).unwrap_or((line, ""))
}

/// The text after the command word.
struct Arguments<'a> {
    info: &'static VerbInfo,
    phase: Phase,
    rest: &'a str,
}

impl Arguments<'_> {
    fn command(self) -> Result<Command, Refusal> {
        match self.info.verb {
            Verb::Join => self.room().map(Command::Join),
            Verb::Leave => self.none(Command::Leave),
            Verb::Open => self.room().map(Command::Open),
            Verb::Close => self.room().map(Command::Close),
            Verb::Switch => self.room().map(Command::Switch),
            Verb::Say => self.room_and_text(),
            Verb::Sync => self.none(Command::Sync),
            Verb::Read => self.target_and_id(),
            Verb::Backlog => self.page(),
            Verb::Rooms => self.none(Command::Rooms),
            Verb::Who => self.optional_room().map(Command::Who),
            Verb::Subscribe => self.user().map(Command::Subscribe),
            Verb::Unsubscribe => self.user().map(Command::Unsubscribe),
            Verb::Subscriptions => self.none(Command::Subscriptions),
            Verb::Subscribers => self.none(Command::Subscribers),
            Verb::Publish => self.publication(),
            Verb::Msg => self.user_and_text(),
            Verb::Inbox => self.none(Command::Inbox),
            Verb::Block => self.user().map(Command::Block),
            Verb::Unblock => self.user().map(Command::Unblock),
            Verb::Blocks => self.none(Command::Blocks),
            Verb::History => self.optional_count().map(Command::History),
            Verb::Room => self.room().map(Command::Room),
            Verb::Topic => self.topic(),
            Verb::Access => self.access(),
            Verb::Post => self.speakers(),
            Verb::Retention => self.retention(),
            Verb::Invite => self.order(Order::Invite),
            Verb::Kick => self.kick(),
            Verb::Ban => self.ban(),
            Verb::Unban => self.order(Order::Unban),
            Verb::Mute => self.mute(),
            Verb::Unmute => self.order(Order::Unmute),
            Verb::Moderator => self.order(Order::Moderator),
            Verb::Unmoderator => self.order(Order::Unmoderator),
            Verb::Owner => self.order(Order::Owner),
            Verb::Edit => self.edit(),
            Verb::Remove => self.removal(),
            Verb::Hook => self.hook(),
            Verb::Outhook => self.outhook(),
            Verb::Hooks => self.room().map(Command::Hooks),
            Verb::Unhook => self.unhook(),
            Verb::Suspend => self.suspension(),
            Verb::Unsuspend => self.user().map(Command::Unsuspend),
            Verb::Broadcast => self.text(self.rest).map(Command::Broadcast),
            Verb::Passwd => self.two_passwords(),
            Verb::Ticket => self.note(self.rest).map(Command::Ticket),
            Verb::Tickets => self.none(Command::Tickets),
            Verb::Revoke => self.word()?.parse().map(Command::Revoke).map_err(|_| self.wrong()),
            Verb::Invitation => self.rooms().map(Command::Invitation),
            Verb::Invitations => self.none(Command::Invitations),
            Verb::Uninvite => self.word()?.parse().map(Command::Uninvite).map_err(|_| self.wrong()),
            Verb::Format => self.format().map(Command::Format),
            Verb::Ping => self.token().map(Command::Ping),
            Verb::Help => self.none(Command::Help),
            Verb::Quit => self.none(Command::Quit),
            Verb::Login | Verb::Register | Verb::Resume | Verb::Message | Verb::Once => Err(Refusal::UnknownCommand),
        }
    }

    fn usage(&self) -> String {
        self.info.usage(self.phase == Phase::InSession)
    }

    fn wrong(&self) -> Refusal {
        Refusal::BadArgument(self.usage())
    }

    /// The arguments as words, at most `max`. None of them may contain a control character.
    fn words(&self, max: usize) -> Result<Vec<Zeroizing<String>>, Refusal> {
        if self.rest.contains(is_control) {
            return Err(Refusal::ControlCharacter(self.usage()));
        }
        let mut rest = self.rest;
        let mut words = Vec::new();
        while let Some(word) = next_word(&mut rest).map_err(|_| self.wrong())? {
            words.push(word);
        }
        if words.len() > max { Err(self.wrong()) } else { Ok(words) }
    }

    fn none<T>(&self, value: T) -> Result<T, Refusal> {
        self.words(0).map(|_| value)
    }

    fn optional_word(&self) -> Result<Option<Zeroizing<String>>, Refusal> {
        Ok(self.words(1)?.pop())
    }

    fn token(&self) -> Result<Option<String>, Refusal> {
        Ok(self.optional_word()?.map(|word| word.to_string()))
    }

    fn word(&self) -> Result<Zeroizing<String>, Refusal> {
        self.optional_word()?.ok_or_else(|| self.wrong())
    }

    fn room(&self) -> Result<RoomName, Refusal> {
        self.word()?.parse().map_err(|_| Refusal::BadName)
    }

    fn optional_room(&self) -> Result<Option<RoomName>, Refusal> {
        self.optional_word()?.map(|word| word.parse().map_err(|_| Refusal::BadName)).transpose()
    }

    fn rooms(&self) -> Result<Vec<RoomName>, Refusal> {
        let words = self.words(INVITATION_ROOMS_MAX)?;
        words.iter().map(|word| word.parse().map_err(|_| Refusal::BadName)).collect()
    }

    fn user(&self) -> Result<UserName, Refusal> {
        self.word()?.parse().map_err(|_| Refusal::BadName)
    }

    fn text(&self, text: &str) -> Result<Text, Refusal> {
        typed_text(text).ok_or_else(|| self.wrong())
    }

    /// The first argument, and all text after the one space or tab behind it.
    fn word_and_rest(&self) -> Result<(Zeroizing<String>, &str), Refusal> {
        let mut rest = self.rest;
        let word = next_word(&mut rest).map_err(|_| self.wrong())?.ok_or_else(|| self.wrong())?;
        if word.contains(is_control) {
            return Err(Refusal::ControlCharacter(self.usage()));
        }
        Ok((word, rest.strip_prefix([' ', '\t']).unwrap_or(rest)))
    }

    fn user_and_rest(&self) -> Result<(UserName, &str), Refusal> {
        let (word, rest) = self.word_and_rest()?;
        Ok((word.parse().map_err(|_| Refusal::BadName)?, rest))
    }

    fn publication(&self) -> Result<Command, Refusal> {
        Ok(Command::Post { post: Post::Publish(self.text(self.rest)?), once: None })
    }

    fn user_and_text(&self) -> Result<Command, Refusal> {
        let (to, text) = self.user_and_rest()?;
        Ok(Command::Post { post: Post::Msg { to, text: self.text(text)? }, once: None })
    }

    fn room_and_text(&self) -> Result<Command, Refusal> {
        let (word, text) = self.word_and_rest()?;
        let room = word.parse().map_err(|_| Refusal::BadName)?;
        Ok(Command::Post { post: Post::Say { room, text: self.text(text)? }, once: None })
    }

    /// A key, and the line that it goes with. The line is read as if it stood alone, so its errors are its own. A line with
    /// a key in a line with a key is refused before it is read, so reading never goes deeper.
    fn once(self) -> Result<Command, ParseError> {
        let usage = || ParseError { verb: Some(Verb::Once), refusal: self.wrong() };
        let (key, line) = self.word_and_rest().map_err(|refusal| ParseError { verb: Some(Verb::Once), refusal })?;
        let key: OnceKey = key.parse().map_err(|_| usage())?;
        let word = line.strip_prefix('/').map_or("", |typed| split_word(typed).0);
        if word.eq_ignore_ascii_case(self.info.word) {
            return Err(usage());
        }
        match parse_command(line.as_bytes())? {
            Some(Command::Post { post, once: None }) => Ok(Command::Post { post, once: Some(key) }),
            _ => Err(usage()),
        }
    }

    fn target(&self, word: &str) -> Result<Target, Refusal> {
        word.parse().map_err(|error| match error {
            TargetError::Sigil => self.wrong(),
            TargetError::Name => Refusal::BadName,
        })
    }

    fn id(&self, word: &str) -> Result<MessageId, Refusal> {
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse().ok().filter(|_| is_number);
        number.and_then(|number: u64| MessageId::try_from(number).ok()).ok_or_else(|| self.wrong())
    }

    fn target_and_id(&self) -> Result<Command, Refusal> {
        let words = self.words(2)?;
        let [target, id] = words.as_slice() else { return Err(self.wrong()) };
        Ok(Command::Read { target: self.target(target)?, id: self.id(id)? })
    }

    fn page(&self) -> Result<Command, Refusal> {
        let words = self.words(4)?;
        let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
        let (target, range, count) = match words.as_slice() {
            [target] => (target, PageRange::Newest, None),
            [target, count] => (target, PageRange::Newest, Some(count)),
            [target, side, id] => (target, self.range(side, id)?, None),
            [target, side, id, count] => (target, self.range(side, id)?, Some(count)),
            _ => return Err(self.wrong()),
        };
        let target = self.target(target)?;
        Ok(Command::Backlog { target, range, count: count.map_or(Ok(HISTORY_DEFAULT), |word| self.count(word))? })
    }

    fn range(&self, side: &str, id: &str) -> Result<PageRange, Refusal> {
        let id = self.id(id)?;
        match side.to_ascii_lowercase().as_str() {
            "before" => Ok(PageRange::Before(id)),
            "after" => Ok(PageRange::After(id)),
            _ => Err(self.wrong()),
        }
    }

    fn optional_count(&self) -> Result<usize, Refusal> {
        self.optional_word()?.map_or(Ok(HISTORY_DEFAULT), |word| self.count(&word))
    }

    fn count(&self, word: &str) -> Result<usize, Refusal> {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || word.bytes().all(|byte| byte == b'0') {
            return Err(self.wrong());
        }
        // A number that does not fit is larger than the maximum anyway.
        Ok(word.parse().unwrap_or(HISTORY_MAX).min(HISTORY_MAX))
    }

    fn format(&self) -> Result<Format, Refusal> {
        self.word()?.parse().map_err(|_| self.wrong())
    }

    fn credentials(&self) -> Result<Credentials, Refusal> {
        let (user, password) = self.user_and_rest()?;
        Ok(Credentials { user, password: self.password(password)? })
    }

    /// Whatever stands behind the name: a wrong secret is a failed login, not a mistake in the line.
    fn ticket(&self) -> Result<TicketCredentials, Refusal> {
        let credentials = self.credentials()?;
        Ok(TicketCredentials { secret: TicketSecret::given(credentials.password.expose()), user: credentials.user })
    }

    fn password(&self, text: &str) -> Result<Password, Refusal> {
        Password::new(text).map_err(|error| error.refusal(&self.usage()))
    }

    fn two_passwords(&self) -> Result<Command, Refusal> {
        let words = self.words(2)?;
        let [old, new] = words.as_slice() else { return Err(self.wrong()) };
        Ok(Command::Passwd { old: self.password(old)?, new: self.password(new)? })
    }
}

#[cfg(test)]
mod tests;
