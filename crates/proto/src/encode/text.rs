//! The text format: one event a line, lists as item lines with a closing `OK`.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;

use crate::event::Event;
use crate::invitation::{InvitationInfo, Invite};
use crate::lists::{LogEntry, ModerationEntry, RoomInfo, Sync, TicketInfo, unread_targets};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::reply::Reply;
use crate::retention::Retention;
use crate::target::Target;
use crate::verb::VERBS;

/// What stands in place of a removed text.
const REMOVED: &str = "(removed)";

/// Appends the lines of `event`.
pub(super) fn encode(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Hello { protocol, server } => line(out, format_args!("HELLO {protocol} {server}")),
        Event::Ok(reply) => encode_reply(reply, out),
        Event::Error { code, message, .. } => line(out, format_args!("ERR {code} {message}")),
        Event::Message { room, from, removed: true, .. } => line(out, format_args!("MSG {room} {from} {REMOVED}")),
        Event::Message { room, from, text, .. } => line(out, format_args!("MSG {room} {from} {text}")),
        Event::Publication { from, text, .. } => line(out, format_args!("PUB {from} {text}")),
        Event::Direct { from, text, .. } => line(out, format_args!("DM {from} {text}")),
        Event::Edited { room, entry } => {
            line(out, format_args!("EDIT {room} {} {} {}", entry.of, entry.from, entry.text))
        }
        Event::Removed { room, entry } => line(out, format_args!("REMOVE {room} {} {}", entry.of, entry.from)),
        Event::Topic { room, entry } => line(out, format_args!("TOPIC {room} {} {}", entry.from, entry.text)),
        Event::Moderated { room, entry } => line(out, moderated(room, entry)),
        Event::Invited(invitation) => line(out, format_args!("INVITED {} {}", invitation.room, invitation.from)),
        Event::Moved { room, reason, .. } => line(out, format!("MOVED {room} {reason}").trim_end()),
        Event::Notice { from, text, .. } => line(out, format_args!("NOTICE {from} {text}")),
        Event::Joined { room, user } => line(out, format_args!("JOIN {room} {user}")),
        Event::Left { room, user } => line(out, format_args!("PART {room} {user}")),
        Event::Pong { token: Some(token) } => line(out, format_args!("PONG {token}")),
        Event::Pong { token: None } => line(out, "PONG"),
        Event::Reconnect { after_ms } => line(out, format_args!("RECONNECT {after_ms}")),
        Event::Bye { code, message } => line(out, format_args!("BYE {code} {message}")),
        list => encode_list(list, out),
    }
}

fn encode_reply(reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Login { user, room, unread, .. } => {
            line(out, format_args!("OK login {user} {room}"));
            encode_unread(unread, out);
        }
        Reply::Register { user, room, unread, .. } => {
            line(out, format_args!("OK register {user} {room}"));
            encode_unread(unread, out);
        }
        Reply::Open { room, members, .. } => line(out, format_args!("OK open {room} {members}")),
        Reply::Close { room, .. } => line(out, format_args!("OK close {room}")),
        Reply::Switch { room } => line(out, format_args!("OK switch {room}")),
        Reply::Read { target, id } => line(out, format_args!("OK read {target} {id}")),
        Reply::Block { user } => line(out, format_args!("OK block {user}")),
        Reply::Unblock { user } => line(out, format_args!("OK unblock {user}")),
        Reply::Join { room, members, .. } => line(out, format_args!("OK join {room} {members}")),
        Reply::Leave { left, room, .. } => line(out, format_args!("OK leave {left} {room}")),
        Reply::Subscribe { user } => line(out, format_args!("OK subscribe {user}")),
        Reply::Unsubscribe { user } => line(out, format_args!("OK unsubscribe {user}")),
        Reply::Publish { id, .. } => line(out, format_args!("OK publish {id}")),
        Reply::Message { .. } => {}
        Reply::Msg { user, .. } => line(out, format_args!("OK msg {user}")),
        Reply::Edit { room, of, .. } => line(out, format_args!("OK edit {room} {of}")),
        Reply::Remove { room, of, .. } => line(out, format_args!("OK remove {room} {of}")),
        Reply::Topic { room, topic, .. } => line(out, format!("OK topic {room} {topic}").trim_end()),
        Reply::Access { room, access, .. } => line(out, format_args!("OK access {room} {access}")),
        Reply::Post { room, post, .. } => line(out, format_args!("OK post {room} {post}")),
        Reply::Retention { room, retention, .. } => {
            line(out, format_args!("OK retention {room} {}", Retention::setting(*retention)));
        }
        Reply::Invite(Invite::Code { uses, .. }) => line(out, format_args!("OK invite {uses}")),
        Reply::Invite(Invite::User { about, .. })
        | Reply::Kick(about)
        | Reply::Ban(about)
        | Reply::Unban(about)
        | Reply::Mute(about)
        | Reply::Unmute(about)
        | Reply::Moderator(about)
        | Reply::Unmoderator(about)
        | Reply::Owner(about) => line(out, format_args!("OK {} {} {}", word(reply), about.room, about.user)),
        Reply::Hook { url, .. } => line(out, format_args!("OK hook {}", url.expose())),
        Reply::Outhook { secret, .. } => line(out, format_args!("OK outhook {}", secret.expose())),
        Reply::Unhook { room, id } => line(out, format_args!("OK unhook {room} {id}")),
        Reply::Suspend { user } => line(out, format_args!("OK suspend {user}")),
        Reply::Unsuspend { user } => line(out, format_args!("OK unsuspend {user}")),
        Reply::Broadcast => line(out, "OK broadcast"),
        Reply::Passwd => line(out, "OK passwd"),
        Reply::Ticket { ticket, .. } => line(out, format_args!("OK ticket {}", ticket.expose())),
        Reply::Revoke { id, .. } => line(out, format_args!("OK revoke {id}")),
        Reply::Invitation { code, .. } => line(out, format_args!("OK invitation {}", code.expose())),
        Reply::Uninvite { id } => line(out, format_args!("OK uninvite {id}")),
        Reply::Format { format } => line(out, format_args!("OK format {format}")),
    }
}

fn encode_list(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Rooms { rooms } => {
            lines(out, rooms, |item| format!("ROOM {} {}", item.room, item.members));
            line(out, format_args!("OK rooms {}", rooms.len()));
        }
        Event::Users { room, users } => {
            lines(out, users, |user| format!("USER {user}"));
            line(out, format_args!("OK who {room} {}", users.len()));
        }
        Event::Subscriptions { users } => {
            lines(out, users, |user| format!("SUBSCRIPTION {user}"));
            line(out, format_args!("OK subscriptions {}", users.len()));
        }
        Event::Subscribers { users } => {
            lines(out, users, |user| format!("SUBSCRIBER {user}"));
            line(out, format_args!("OK subscribers {}", users.len()));
        }
        Event::History { room, messages } => {
            lines(out, messages, |item| {
                let text = if item.removed { REMOVED } else { item.text.as_str() };
                format!("OLD {room} {} {} {text}", item.id, item.from)
            });
            line(out, format_args!("OK history {room} {}", messages.len()));
        }
        Event::Room(info) => encode_room(info, out),
        Event::Sync(sync) => encode_sync(sync, out),
        Event::Backlog { target, entries, .. } => {
            lines(out, entries, |item| format!("LOG {target} {} {} {}", item.id(), item.from(), shown(item)));
            line(out, format_args!("OK backlog {target} {}", entries.len()));
        }
        Event::Inbox { entries, .. } => {
            lines(out, entries, |item| format!("LOG @{0} {1} {0} {2}", item.from(), item.id(), shown(item)));
            line(out, format_args!("OK inbox {}", entries.len()));
        }
        Event::Blocks { users } => {
            lines(out, users, |user| format!("BLOCKED {user}"));
            line(out, format_args!("OK blocks {}", users.len()));
        }
        Event::Tickets { tickets } => {
            lines(out, tickets, ticket);
            line(out, format_args!("OK tickets {}", tickets.len()));
        }
        Event::Hooks { room, hooks } => {
            lines(out, hooks, |hook| {
                let url = hook.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
                format!("HOOK {} {} {} {}{url}", hook.id, hook.made, hook.by, hook.label)
            });
            line(out, format_args!("OK hooks {room} {}", hooks.len()));
        }
        Event::Invitations { invitations } => {
            lines(out, invitations, invitation);
            line(out, format_args!("OK invitations {}", invitations.len()));
        }
        Event::Help { commands } => {
            lines(out, commands, |item| format!("HELP {}", item.usage));
            line(out, format_args!("OK help {}", commands.len()));
        }
        _ => unreachable!("every event that is no list is encoded above"),
    }
}

/// What a moderator did. `*` stands where it concerns no user.
fn moderated(room: &RoomName, entry: &ModerationEntry) -> String {
    let ModerationEntry { from, action, user, reason, .. } = entry;
    let user = user.as_ref().map_or("*", UserName::as_str);
    format!("MODERATED {room} {user} {action} {from} {reason}").trim_end().to_owned()
}

/// An entry in words, where a line tells it from others only by its text.
fn shown(entry: &LogEntry) -> Cow<'_, str> {
    match entry {
        LogEntry::Message(message) if message.removed => Cow::Borrowed(REMOVED),
        LogEntry::Message(_) | LogEntry::Publication(_) | LogEntry::Direct(_) => Cow::Borrowed(entry.text()),
        LogEntry::Edited(edit) => Cow::Owned(format!("(edited {}) {}", edit.of, edit.text)),
        LogEntry::Removed(removal) => because(format!("(removed {})", removal.of), &removal.reason),
        LogEntry::Topic(topic) => Cow::Owned(format!("(topic) {}", topic.text)),
        LogEntry::Moderated(ModerationEntry { action, user: Some(user), reason, .. }) => {
            because(format!("({action} {user})"), reason)
        }
        LogEntry::Moderated(ModerationEntry { action, reason, .. }) => because(format!("({action})"), reason),
        LogEntry::Invited(invitation) => Cow::Owned(format!("(invitation) {}", invitation.room)),
    }
}

fn because(what: String, reason: &Note) -> Cow<'static, str> {
    Cow::Owned(if reason.is_empty() { what } else { format!("{what} {reason}") })
}

fn word(reply: &Reply) -> &'static str {
    let verb = reply.verb();
    VERBS.iter().find(|info| info.verb == verb).map_or("", |info| info.word)
}

fn encode_room(info: &RoomInfo, out: &mut Vec<u8>) {
    let RoomInfo { room, topic, access, post, owner, moderators, role, created, retention } = info;
    let moderators: Vec<&str> = moderators.iter().map(UserName::as_str).collect();
    let created = created.map(|created| created.to_string()).unwrap_or_default();
    let rows = [
        ("topic", topic.as_str()),
        ("access", access.as_str()),
        ("post", post.as_str()),
        ("owner", owner.as_ref().map_or("", UserName::as_str)),
        ("moderators", &moderators.join(" ")),
        ("role", role.as_str()),
        ("created", &created),
    ];
    lines(out, &rows, |(key, value)| format!("ROOM-INFO {key} {value}").trim_end().to_owned());
    if let Some(retention) = retention {
        line(out, format_args!("ROOM-INFO retention {retention}"));
    }
    line(out, format_args!("OK room {room}"));
}

/// A ticket. `-` stands for what there is not.
fn ticket(ticket: &TicketInfo) -> String {
    let TicketInfo { id, label, made, used, address, .. } = ticket;
    let used = used.map_or_else(|| "-".to_owned(), |used| used.to_string());
    let address = address.as_deref().unwrap_or("-");
    format!("TICKET {id} {made} {used} {address} {label}").trim_end().to_owned()
}

/// An invitation. `*` stands before the number of one that makes operators.
fn invitation(invitation: &InvitationInfo) -> String {
    let InvitationInfo { id, by, expires, uses, used, rooms, operator, .. } = invitation;
    let mark = if *operator { "*" } else { "" };
    let rooms: Vec<&str> = rooms.iter().map(RoomName::as_str).collect();
    format!("INVITATION {id} {mark}{}/{uses} {expires} {by} {}", used.len(), rooms.join(" ")).trim_end().to_owned()
}

fn encode_unread(unread: &[(UserName, u64)], out: &mut Vec<u8>) {
    lines(out, unread, |(user, count)| format!("UNREAD {} {count}", Target::Direct(user.clone())));
}

fn encode_sync(sync: &Sync, out: &mut Vec<u8>) {
    lines(out, &sync.rooms, |item| format!("OPEN {} {} {}", item.room, item.members, item.unread));
    for (target, unread) in unread_targets(sync) {
        line(out, format_args!("UNREAD {target} {unread}"));
    }
    line(out, format_args!("OK sync {} {}", sync.rooms.len(), sync.directs.len()));
}

fn line(out: &mut Vec<u8>, content: impl Display) {
    // Writing to a vector cannot fail.
    let _ = writeln!(out, "{content}");
}

fn lines<T>(out: &mut Vec<u8>, items: &[T], show: impl Fn(&T) -> String) {
    for item in items {
        line(out, show(item));
    }
}
