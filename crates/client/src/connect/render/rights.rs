//! Lines about rights, edits and removals. It must not paint them; the renderer does.

use parlor_proto::{
    Access, Action, Event, HistoryEntry, InvitationEntry, Invite, LogEntry, ModerationEntry, Note, Reply, Retention,
    RoomInfo, Speakers, Timestamp, UserName,
};

/// A part of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Words(String),
    User(&'a UserName),
    /// Something that somebody wrote.
    Text(&'a str),
}

/// A sentence that tells what happened.
pub(super) type Sentence<'a> = Vec<Part<'a>>;

fn words<'a>(words: impl Into<String>) -> Part<'a> {
    Part::Words(words.into())
}

/// What an entry of a log says has happened; `room` is the room of the log. `None` for what somebody said or says in
/// another way now. `me` is who reads it, and `when` tells a time.
pub(super) fn happened<'a>(
    room: &str,
    entry: &'a LogEntry,
    me: &UserName,
    when: &dyn Fn(Timestamp) -> String,
) -> Option<Sentence<'a>> {
    Some(match entry {
        LogEntry::Message(_) | LogEntry::Publication(_) | LogEntry::Direct(_) => return None,
        LogEntry::Edited(edit) if !edit.text.is_empty() => return None,
        LogEntry::Edited(edit) => {
            vec![Part::User(&edit.from), words(format!(" changed message {} in {room}", edit.of))]
        }
        LogEntry::Removed(removal) => {
            let done = words(format!(" removed message {} in {room}", removal.of));
            because(vec![Part::User(&removal.from), done], &removal.reason)
        }
        LogEntry::Topic(topic) => {
            because(vec![Part::User(&topic.from), words(format!(" set the topic of {room}"))], &topic.text)
        }
        LogEntry::Moderated(entry) => moderated(room, entry, when),
        LogEntry::Invited(invitation) => invited(invitation, me),
    })
}

/// The entry that an event about rights delivers, and the room of its log; none for the inbox.
pub(super) fn entry_of(event: &Event) -> Option<(&str, LogEntry)> {
    Some(match event {
        Event::Edited { room, entry } => (room.as_str(), LogEntry::Edited(entry.clone())),
        Event::Removed { room, entry } => (room.as_str(), LogEntry::Removed(entry.clone())),
        Event::Topic { room, entry } => (room.as_str(), LogEntry::Topic(entry.clone())),
        Event::Moderated { room, entry } => (room.as_str(), LogEntry::Moderated(entry.clone())),
        Event::Invited(invitation) => ("", LogEntry::Invited(invitation.clone())),
        _ => return None,
    })
}

/// What is said by an entry, in the words of a line.
pub(super) fn text_of(entry: &LogEntry) -> String {
    match entry {
        LogEntry::Message(message) => message_text(&message.text, message.edited.is_some(), message.removed),
        LogEntry::Edited(edit) => format!("{} (message {})", edit.text, edit.of),
        other => other.text().to_owned(),
    }
}

/// A message as it reads now.
pub(super) fn message_text(text: &Note, is_edited: bool, is_removed: bool) -> String {
    match (is_removed, is_edited) {
        (true, _) => "(removed)".to_owned(),
        (false, true) => format!("{text} (edited)"),
        (false, false) => text.to_string(),
    }
}

/// Whether an entry says something that is not seen from the entries beside it: an edited message reads as it was edited
/// last.
pub(super) fn is_worth_a_line(entry: &LogEntry, beside: &[LogEntry]) -> bool {
    let LogEntry::Edited(edit) = entry else { return true };
    let is_of = |entry: &LogEntry| matches!(entry, LogEntry::Message(HistoryEntry { id, .. }) if *id == edit.of);
    !edit.text.is_empty() && !beside.iter().any(is_of)
}

fn because<'a>(mut sentence: Sentence<'a>, reason: &'a Note) -> Sentence<'a> {
    if !reason.is_empty() {
        sentence.extend([words(": "), Part::Text(reason.as_str())]);
    }
    sentence
}

fn invited<'a>(invitation: &'a InvitationEntry, me: &UserName) -> Sentence<'a> {
    let InvitationEntry { from, to, room, .. } = invitation;
    match to {
        // In the inbox of who invites.
        Some(to) if to != me => {
            vec![Part::User(from), words(" invited "), Part::User(to), words(format!(" to {room}"))]
        }
        _ => vec![Part::User(from), words(format!(" invites you to {room}; /open {room} enters it"))],
    }
}

fn moderated<'a>(room: &str, entry: &'a ModerationEntry, when: &dyn Fn(Timestamp) -> String) -> Sentence<'a> {
    let ModerationEntry { from, action, user, until, reason, .. } = entry;
    let until = until.map(|until| format!(" until {}", when(until))).unwrap_or_default();
    let (before, behind) = match action {
        Action::Access if reason.as_str() == Access::Private.as_str() => {
            return vec![Part::User(from), words(format!(" lets only the invited enter {room}"))];
        }
        Action::Access => return vec![Part::User(from), words(format!(" lets everybody enter {room}"))],
        Action::Post if reason.as_str() == Speakers::Moderators.as_str() => {
            return vec![Part::User(from), words(format!(" lets only moderators speak in {room}"))];
        }
        Action::Post => return vec![Part::User(from), words(format!(" lets everybody speak in {room}"))],
        Action::Retention if reason.as_str() == Retention::DEFAULT => {
            return vec![
                Part::User(from),
                words(format!(" lets the server decide how long messages of {room} are kept")),
            ];
        }
        Action::Retention => {
            return vec![Part::User(from), words(format!(" lets messages of {room} be kept for {reason}"))];
        }
        Action::Invite => (" invited ", format!(" to {room}")),
        Action::Kick => (" removed ", format!(" from {room}")),
        Action::Ban => (" banned ", format!(" from {room}{until}")),
        Action::Unban => (" ended the ban of ", format!(" from {room}")),
        Action::Mute => (" muted ", format!(" in {room}{until}")),
        Action::Unmute => (" ended the mute of ", format!(" in {room}")),
        Action::Moderator => (" made ", format!(" a moderator of {room}")),
        Action::Unmoderator => (" took the role of a moderator of ", format!(" in {room}")),
        Action::Owner => (" made ", format!(" the owner of {room}")),
    };
    let whom = user.as_ref().map_or_else(|| words("everybody"), Part::User);
    because(vec![Part::User(from), words(before), whom, words(behind)], reason)
}

/// The line for a reply about rights; none for another reply.
pub(super) fn reply_text(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::Edit { room, of, .. } => format!("message {of} in {room} is changed"),
        Reply::Remove { room, of, .. } => format!("message {of} in {room} is removed"),
        Reply::Topic { room, topic, .. } if topic.is_empty() => format!("{room} has no topic"),
        Reply::Topic { room, topic, .. } => format!("the topic of {room}: {topic}"),
        Reply::Access { room, access: Access::Private, .. } => format!("only the invited enter {room}"),
        Reply::Access { room, access: Access::Public, .. } => format!("everybody may enter {room}"),
        Reply::Post { room, post: Speakers::Moderators, .. } => format!("only moderators speak in {room}"),
        Reply::Post { room, post: Speakers::Everyone, .. } => format!("everybody may speak in {room}"),
        Reply::Retention { room, retention: Some(time), .. } => format!("messages of {room} are kept for {time}"),
        Reply::Retention { room, retention: None, .. } => {
            format!("messages of {room} are kept as long as the server keeps them")
        }
        Reply::Invite(Invite::User { about, .. }) => format!("{} is invited to {}", about.user, about.room),
        Reply::Kick(about) => format!("{} is removed from {}", about.user, about.room),
        Reply::Ban(about) => format!("{} is banned from {}", about.user, about.room),
        Reply::Unban(about) => format!("{} may enter {} again", about.user, about.room),
        Reply::Mute(about) => format!("{} is muted in {}", about.user, about.room),
        Reply::Unmute(about) => format!("{} may speak in {} again", about.user, about.room),
        Reply::Moderator(about) => format!("{} moderates {}", about.user, about.room),
        Reply::Unmoderator(about) => format!("{} moderates {} no longer", about.user, about.room),
        Reply::Owner(about) => format!("{} owns {}", about.user, about.room),
        Reply::Suspend { user } => format!("{user} is suspended"),
        Reply::Unsuspend { user } => format!("{user} may log in again"),
        _ => return None,
    })
}

/// The reply to `/room` as a table. `when` tells a time.
pub(super) fn room_text(info: &RoomInfo, when: &dyn Fn(Timestamp) -> String) -> String {
    let RoomInfo { room, topic, access, post, owner, moderators, role, created, retention } = info;
    let owner = owner.as_ref().map_or("the operators", UserName::as_str);
    let moderators: Vec<&str> = moderators.iter().map(UserName::as_str).collect();
    let mut lines = vec![format!("about {room}:")];
    let mut row = |key: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("    {key:<12}{value}"));
        }
    };
    row("topic", topic.as_str());
    row("may enter", if *access == Access::Private { "the invited" } else { "everybody" });
    row("may speak", if *post == Speakers::Moderators { "moderators" } else { "everybody" });
    row("keeps", &retention.map(|retention| retention.to_string()).unwrap_or_default());
    row("owner", owner);
    row("moderators", &moderators.join(", "));
    row("you are", role.as_str());
    row("created", &created.map(when).unwrap_or_default());
    lines.join("\n")
}
