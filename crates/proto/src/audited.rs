//! The commands that whoever runs a server wants to find later: who did what to whom. It must not hold any text.

use std::fmt;

use serde::Serialize;

use crate::command::Command;
use crate::ids::MessageId;
use crate::name::{RoomName, UserName};
use crate::verb::Verb;

/// A command that belongs into the audit trail, without its texts and secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedCommand {
    /// The command.
    #[serde(rename = "command")]
    pub verb: Verb,
    /// The room that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// The user whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<UserName>,
    /// The message that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The id of the hook or the invitation that it ends.
    #[serde(rename = "id", skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

impl fmt::Display for AuditedCommand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.verb.word())?;
        if let Some(room) = &self.room {
            write!(out, " {room}")?;
        }
        if let Some(target) = &self.target {
            write!(out, " {target}")?;
        }
        if let Some(message) = &self.message {
            write!(out, " {message}")?;
        }
        if let Some(ended) = &self.ended {
            write!(out, " {ended}")?;
        }
        Ok(())
    }
}

impl Command {
    /// What the audit trail keeps of the command, if it belongs there: moderation, what operators do, and what changes the
    /// ways into an account or a room.
    pub fn audited(&self) -> Option<AuditedCommand> {
        let (mut room, mut target, mut message, mut ended) = (None, None, None, None);
        match self {
            Self::Moderate(about, order) => {
                room = Some(about.clone());
                target = order.user().cloned();
            }
            Self::Remove { room: about, of, .. } => {
                room = Some(about.clone());
                message = Some(*of);
            }
            Self::Outhook { room: about, .. } => room = Some(about.clone()),
            Self::Suspend { user, .. } | Self::Unsuspend(user) => target = Some(user.clone()),
            Self::Hook { room: about, .. } => room = Some(about.clone()),
            Self::Unhook { room: about, id } => {
                room = Some(about.clone());
                ended = Some(id.to_string());
            }
            Self::Uninvite(id) => ended = Some(id.to_string()),
            Self::Broadcast(_) | Self::Passwd { .. } | Self::Ticket(_) | Self::Revoke(_) | Self::Invitation(_) => {}
            _ => return None,
        }
        Some(AuditedCommand { verb: self.verb(), room, target, message, ended })
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse_command;
    use crate::rights::Action;
    use crate::verb::{VERBS, Verb};

    fn audited(line: &str) -> Option<String> {
        parse_command(line.as_bytes()).unwrap().unwrap().audited().map(|audited| audited.to_string())
    }

    #[test]
    fn who_did_what_to_whom_is_kept_and_no_text() {
        for (line, kept) in [
            ("/ban red bob 2h for spam", "ban red bob"),
            ("/topic red all about it", "topic red"),
            ("/remove red 7 a secret", "remove red 7"),
            ("/outhook red https://example.org/secret", "outhook red"),
            ("/suspend bob 1d secret", "suspend bob"),
            ("/unsuspend bob", "unsuspend bob"),
            ("/broadcast a secret", "broadcast"),
            ("/passwd old-secret new-secret", "passwd"),
            ("/ticket my phone", "ticket"),
            ("/revoke all", "revoke"),
            ("/hook red grafana", "hook red"),
            ("/unhook red 3e9a41c7", "unhook red 3e9a41c7"),
            ("/invitation red blue", "invitation"),
            ("/uninvite 3e9a41c7", "uninvite 3e9a41c7"),
        ] {
            assert_eq!(audited(line).as_deref(), Some(kept), "{line}");
        }
    }

    #[test]
    fn what_people_say_and_read_is_not_kept() {
        for line in ["hello", "/msg bob hello", "/history", "/topic red", "/join red", "/hooks red", "/invitations"] {
            assert_eq!(audited(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_kept_is_written_in_json_without_what_is_not_there() {
        for (line, kept) in [
            ("/ban red bob 2h for spam", r#"{"command":"ban","room":"red","target":"bob"}"#),
            ("/access red private", r#"{"command":"access","room":"red"}"#),
            ("/remove red 7 a secret", r#"{"command":"remove","room":"red","message":7}"#),
            ("/suspend bob 1d secret", r#"{"command":"suspend","target":"bob"}"#),
            ("/hook red grafana", r#"{"command":"hook","room":"red"}"#),
            ("/outhook red https://example.org/secret", r#"{"command":"outhook","room":"red"}"#),
            ("/unhook red 3e9a41c7", r#"{"command":"unhook","room":"red","id":"3e9a41c7"}"#),
            ("/uninvite 3E9A41C7", r#"{"command":"uninvite","id":"3e9a41c7"}"#),
            ("/passwd old-secret new-secret", r#"{"command":"passwd"}"#),
        ] {
            let command = parse_command(line.as_bytes()).unwrap().unwrap();
            assert_eq!(serde_json::to_string(&command.audited().unwrap()).unwrap(), kept, "{line}");
        }
    }

    #[test]
    fn whatever_moderators_do_is_kept() {
        for action in Action::ALL {
            let (words, kept) = match action {
                Action::Access => ("private", format!("{action} red")),
                Action::Post => ("moderators", format!("{action} red")),
                Action::Retention => ("30d", format!("{action} red")),
                _ => ("bob", format!("{action} red bob")),
            };
            let line = format!("/{action} red {words}");
            assert_eq!(audited(&line), Some(kept), "{line}");
        }
    }

    #[test]
    fn whatever_only_operators_may_change_is_kept() {
        for info in VERBS.iter().filter(|info| info.operator_only && info.verb != Verb::Invitations) {
            let usage = info.usage(true).replace("<text>", "hi").replace("<user>", "bob").replace("<id>", "3e9a41c7");
            let line = usage.split(" [").next().unwrap();
            assert!(audited(line).is_some_and(|kept| kept.starts_with(info.word)), "{line}");
        }
    }

    #[test]
    fn what_concerns_only_oneself_or_what_is_said_is_not_kept() {
        for line in [
            "/say red hello",
            "/publish hello",
            "/once k hello",
            "/edit red 7 hello",
            "/open red",
            "/close red",
            "/read #red 7",
            "/backlog @bob",
            "/subscribe bob",
            "/block bob",
            "/unblock bob",
            "/room red",
            "/who red",
            "/tickets",
            "/sync",
            "/format json",
            "/quit",
        ] {
            assert_eq!(audited(line), None, "{line}");
        }
    }
}
