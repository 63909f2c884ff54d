//! The table of commands. The parser, the help and the documentation use it. It must not parse.

use serde::{Deserialize, Serialize};

/// The kinds of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Begin a session.
    Login,
    /// Create an account and begin a session.
    Register,
    /// Begin a session by a ticket.
    Resume,
    /// Send a message to the current room. The line is the message, without a command word.
    Message,
    /// Enter a room.
    Join,
    /// Go back to the lobby.
    Leave,
    /// Be a member of one more room.
    Open,
    /// Leave one of the open rooms.
    Close,
    /// Choose the current room among the open ones.
    Switch,
    /// Send a message to an open room.
    Say,
    /// Send something at most once.
    Once,
    /// Open all remembered rooms again, and tell where everything stands.
    Sync,
    /// Note up to where I have read.
    Read,
    /// Page through a log.
    Backlog,
    /// List the rooms.
    Rooms,
    /// List the members of a room.
    Who,
    /// Follow a user.
    Subscribe,
    /// Unfollow a user.
    Unsubscribe,
    /// List the users whom I follow.
    Subscriptions,
    /// List my followers.
    Subscribers,
    /// Send a publication to my followers.
    Publish,
    /// Send a message to one user.
    Msg,
    /// Show the unread direct messages.
    Inbox,
    /// Refuse the direct messages of a user.
    Block,
    /// Accept them again.
    Unblock,
    /// List the users whom I block.
    Blocks,
    /// Show the last messages of the room.
    History,
    /// Show the rights in a room.
    Room,
    /// Show or set what a room is about.
    Topic,
    /// Choose who may enter a room.
    Access,
    /// Choose who may speak in a room.
    Post,
    /// Choose how long messages of a room are kept.
    Retention,
    /// Let a user enter a room; before login: show the code of an invitation.
    Invite,
    /// Remove a user from a room.
    Kick,
    /// Remove a user from a room and keep them out.
    Ban,
    /// End a ban.
    Unban,
    /// Silence a user in a room.
    Mute,
    /// End that.
    Unmute,
    /// Make a user a moderator of a room.
    Moderator,
    /// End that.
    Unmoderator,
    /// Give a room to another user.
    Owner,
    /// Change a message of mine.
    Edit,
    /// Remove the text of a message.
    Remove,
    /// Make a hook, by which a program says something in a room.
    Hook,
    /// Make an outgoing hook, which posts what is said in a room.
    Outhook,
    /// List the hooks of a room.
    Hooks,
    /// End a hook.
    Unhook,
    /// End a user's session, and refuse their logins.
    Suspend,
    /// Accept them again.
    Unsuspend,
    /// Send a message to all users.
    Broadcast,
    /// Change my password.
    Passwd,
    /// Make a ticket, with which a client logs in without the password.
    Ticket,
    /// List my tickets.
    Tickets,
    /// Make tickets void.
    Revoke,
    /// Make an invitation, with which people make accounts.
    Invitation,
    /// List the invitations.
    Invitations,
    /// Make an invitation void.
    Uninvite,
    /// Choose the format of the server's events.
    Format,
    /// Ask for a sign of life.
    Ping,
    /// List the commands.
    Help,
    /// End the connection.
    Quit,
}

/// When a command is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerbPhase {
    /// Only by a connection that has not logged in, as a bare keyword.
    BeforeLogin,
    /// Only in a session, with a slash in front.
    InSession,
    /// Before login as a keyword, later with a slash.
    Always,
}

/// One row of the table of commands.
#[derive(Debug, Clone, Copy)]
pub struct VerbInfo {
    /// The kind of the command.
    pub verb: Verb,
    /// The command word, in lower case.
    pub word: &'static str,
    /// Its arguments, as in usage texts.
    pub arguments: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// When it is available.
    pub phase: VerbPhase,
    /// Whether only operators may use it.
    pub operator_only: bool,
}

const fn row(
    verb: Verb,
    word: &'static str,
    arguments: &'static str,
    phase: VerbPhase,
    help: &'static str,
) -> VerbInfo {
    VerbInfo { verb, word, arguments, help, phase, operator_only: false }
}

const fn operators(verb: Verb, word: &'static str, arguments: &'static str, help: &'static str) -> VerbInfo {
    VerbInfo { operator_only: true, ..row(verb, word, arguments, VerbPhase::InSession, help) }
}

/// All commands, in the order in which the help shows them.
pub const VERBS: &[VerbInfo] = &[
    row(Verb::Login, "login", "<user> <password>", VerbPhase::BeforeLogin, "begin a session"),
    row(Verb::Register, "register", "<user> <password>", VerbPhase::BeforeLogin, "make an account and begin a session"),
    row(Verb::Resume, "resume", "<user> <secret>", VerbPhase::BeforeLogin, "begin a session by a ticket"),
    row(
        Verb::Invite,
        "invite",
        "<code>",
        VerbPhase::BeforeLogin,
        "show an invitation, which lets REGISTER make an account",
    ),
    row(Verb::Join, "join", "<room>", VerbPhase::InSession, "enter a room; it is made on demand"),
    row(Verb::Leave, "leave", "", VerbPhase::InSession, "go back to the lobby"),
    row(Verb::Open, "open", "<room>", VerbPhase::InSession, "be in a room too; the current room stays"),
    row(Verb::Close, "close", "<room>", VerbPhase::InSession, "leave an open room"),
    row(Verb::Switch, "switch", "<room>", VerbPhase::InSession, "make an open room the current one"),
    row(Verb::Say, "say", "<room> <text>", VerbPhase::InSession, "say something in an open room"),
    row(Verb::Once, "once", "<key> <line>", VerbPhase::InSession, "say something once, however often it is sent"),
    row(Verb::Sync, "sync", "", VerbPhase::InSession, "open my rooms again, and show what is unread"),
    row(Verb::Read, "read", "<target> <id>", VerbPhase::InSession, "note that I have read up to here"),
    row(
        Verb::Backlog,
        "backlog",
        "<target> [before <id>|after <id>] [count]",
        VerbPhase::InSession,
        "show older or newer messages of #room, @user or +user",
    ),
    row(Verb::Rooms, "rooms", "", VerbPhase::InSession, "list the rooms that have members"),
    row(Verb::Who, "who", "[room]", VerbPhase::InSession, "list the members of a room"),
    row(Verb::Subscribe, "subscribe", "<user>", VerbPhase::InSession, "receive what a user publishes"),
    row(Verb::Unsubscribe, "unsubscribe", "<user>", VerbPhase::InSession, "receive it no longer"),
    row(Verb::Subscriptions, "subscriptions", "", VerbPhase::InSession, "list whom I follow"),
    row(Verb::Subscribers, "subscribers", "", VerbPhase::InSession, "list who follows me"),
    row(Verb::Publish, "publish", "<text>", VerbPhase::InSession, "say something to my subscribers"),
    row(Verb::Msg, "msg", "<user> <text>", VerbPhase::InSession, "say something to one user"),
    row(Verb::Inbox, "inbox", "", VerbPhase::InSession, "show unread direct messages"),
    row(Verb::Block, "block", "<user>", VerbPhase::InSession, "refuse direct messages of a user"),
    row(Verb::Unblock, "unblock", "<user>", VerbPhase::InSession, "accept them again"),
    row(Verb::Blocks, "blocks", "", VerbPhase::InSession, "list whom I block"),
    row(Verb::History, "history", "[count]", VerbPhase::InSession, "show the last messages of this room"),
    row(Verb::Edit, "edit", "<room> <id> <text>", VerbPhase::InSession, "change a message of mine"),
    row(Verb::Remove, "remove", "<room> <id> [reason]", VerbPhase::InSession, "remove the text of a message"),
    row(Verb::Room, "room", "<room>", VerbPhase::InSession, "show who may do what in a room"),
    row(Verb::Topic, "topic", "<room> [text]", VerbPhase::InSession, "show or set what a room is about"),
    row(Verb::Access, "access", "<room> public|private", VerbPhase::InSession, "choose who may enter my room"),
    row(Verb::Post, "post", "<room> everyone|moderators", VerbPhase::InSession, "choose who may speak in my room"),
    row(
        Verb::Retention,
        "retention",
        "<room> <duration>|default",
        VerbPhase::InSession,
        "choose how long messages of my room are kept",
    ),
    row(Verb::Invite, "invite", "<room> <user>", VerbPhase::InSession, "let a user enter a room"),
    row(Verb::Kick, "kick", "<room> <user> [reason]", VerbPhase::InSession, "remove a user from a room"),
    row(
        Verb::Ban,
        "ban",
        "<room> <user> [duration] [reason]",
        VerbPhase::InSession,
        "keep a user out, for 10m, 2h, 7d or for ever",
    ),
    row(Verb::Unban, "unban", "<room> <user>", VerbPhase::InSession, "end a ban"),
    row(Verb::Mute, "mute", "<room> <user> [duration]", VerbPhase::InSession, "silence a user in a room"),
    row(Verb::Unmute, "unmute", "<room> <user>", VerbPhase::InSession, "end that"),
    row(Verb::Moderator, "moderator", "<room> <user>", VerbPhase::InSession, "make a user a moderator of my room"),
    row(Verb::Unmoderator, "unmoderator", "<room> <user>", VerbPhase::InSession, "end that"),
    row(Verb::Owner, "owner", "<room> <user>", VerbPhase::InSession, "give my room to a user"),
    row(Verb::Hook, "hook", "<room> <label>", VerbPhase::InSession, "let a program say things in a room by HTTP"),
    row(Verb::Outhook, "outhook", "<room> <url>", VerbPhase::InSession, "post what is said in a room to a program"),
    row(Verb::Hooks, "hooks", "<room>", VerbPhase::InSession, "list the hooks of a room"),
    row(Verb::Unhook, "unhook", "<room> <id>", VerbPhase::InSession, "end a hook"),
    operators(Verb::Broadcast, "broadcast", "<text>", "say something to everybody (operators only)"),
    operators(
        Verb::Suspend,
        "suspend",
        "<user> [duration] [reason]",
        "end a session and refuse logins (operators only)",
    ),
    operators(Verb::Unsuspend, "unsuspend", "<user>", "accept the logins of a user again (operators only)"),
    operators(
        Verb::Invitation,
        "invitation",
        "[room ...]",
        "make an invitation to this server and these rooms (operators only)",
    ),
    operators(Verb::Invitations, "invitations", "", "list the invitations and who used them (operators only)"),
    operators(Verb::Uninvite, "uninvite", "<id>", "make an invitation void (operators only)"),
    row(Verb::Passwd, "passwd", "<old> <new>", VerbPhase::InSession, "change my password; quote words with spaces"),
    row(Verb::Ticket, "ticket", "[label]", VerbPhase::InSession, "make a ticket to log in without the password"),
    row(Verb::Tickets, "tickets", "", VerbPhase::InSession, "list my tickets"),
    row(Verb::Revoke, "revoke", "<id>|all", VerbPhase::InSession, "make a ticket void"),
    row(Verb::Format, "format", "text|json", VerbPhase::Always, "choose how the server's lines look"),
    row(Verb::Ping, "ping", "[token]", VerbPhase::Always, "ask for a sign of life"),
    row(Verb::Help, "help", "", VerbPhase::Always, "list the commands"),
    row(Verb::Quit, "quit", "", VerbPhase::Always, "end the connection"),
];

impl Verb {
    /// The command word, in lower case; that of a line without a command is `message`.
    pub fn word(self) -> &'static str {
        VERBS.iter().find(|info| info.verb == self).map_or("message", |info| info.word)
    }
}

impl VerbInfo {
    /// The row for a word, in any case, if the command is available: in a session, or before login.
    pub fn find(word: &str, in_session: bool) -> Option<&'static Self> {
        VERBS.iter().find(|info| info.available(in_session) && info.word.eq_ignore_ascii_case(word))
    }

    /// The syntax of the command: a keyword before login, with a slash in a session.
    pub fn usage(&self, in_session: bool) -> String {
        let word = if in_session { format!("/{}", self.word) } else { self.word.to_ascii_uppercase() };
        if self.arguments.is_empty() { word } else { format!("{word} {}", self.arguments) }
    }

    /// Whether the command is available now.
    pub fn available(&self, in_session: bool) -> bool {
        match self.phase {
            VerbPhase::BeforeLogin => !in_session,
            VerbPhase::InSession => in_session,
            VerbPhase::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_once_in_its_phase_and_is_found_in_any_case() {
        for info in VERBS {
            for in_session in [false, true].into_iter().filter(|&in_session| info.available(in_session)) {
                let found = VerbInfo::find(&info.word.to_ascii_uppercase(), in_session).unwrap();
                assert_eq!((found.verb, found.arguments), (info.verb, info.arguments));
            }
        }
        assert!(VerbInfo::find("login", true).is_none() && VerbInfo::find("join", false).is_none());
    }

    #[test]
    fn usage_depends_on_the_phase() {
        let ping = VerbInfo::find("ping", true).unwrap();
        assert_eq!(ping.usage(false), "PING [token]");
        assert_eq!(ping.usage(true), "/ping [token]");
    }

    #[test]
    fn a_command_has_the_same_word_in_json_and_in_lines() {
        for info in VERBS {
            assert_eq!(serde_json::to_string(&info.verb).unwrap(), format!("\"{}\"", info.word));
            assert_eq!(info.verb.word(), info.word);
        }
        assert_eq!(
            (Verb::Message.word(), serde_json::to_string(&Verb::Message).unwrap().as_str()),
            ("message", "\"message\"")
        );
        assert!(VerbInfo::find("message", true).is_none() && VerbInfo::find("message", false).is_none());
    }

    #[test]
    fn the_help_says_what_only_operators_may() {
        for info in VERBS {
            assert_eq!(info.help.ends_with(" (operators only)"), info.operator_only, "{}", info.word);
            assert!(info.help.trim() == info.help && !info.help.ends_with('.'), "{}", info.help);
        }
        assert!(VERBS.iter().all(|info| !info.operator_only || info.phase == VerbPhase::InSession));
    }

    #[test]
    fn only_a_whole_word_is_found() {
        for word in ["", "joi", "joins", " join", "join ", "/join", "jo\u{131}n", "j\u{200b}oin"] {
            assert!(VerbInfo::find(word, true).is_none(), "{word:?}");
        }
    }

    #[test]
    fn the_same_word_is_another_command_in_each_phase() {
        let usage = |in_session| VerbInfo::find("Invite", in_session).unwrap().usage(in_session);
        assert_eq!((usage(false), usage(true)), ("INVITE <code>".to_owned(), "/invite <room> <user>".to_owned()));
        let quit = VerbInfo::find("QUIT", false).unwrap();
        assert_eq!((quit.usage(false), quit.usage(true)), ("QUIT".to_owned(), "/quit".to_owned()));
    }
}
