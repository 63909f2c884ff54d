//! The text format: one event a line, lists as item lines with a closing `OK`.

use std::fmt::Display;
use std::io::Write;

use crate::event::{Event, Reply};
use crate::lists::{Sync, unread_targets};
use crate::name::UserName;
use crate::target::Target;

/// Appends the lines of `event`.
pub(super) fn encode(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Hello { protocol, server } => line(out, format_args!("HELLO {protocol} {server}")),
        Event::Ok(reply) => encode_reply(reply, out),
        Event::Error { code, message, .. } => line(out, format_args!("ERR {code} {message}")),
        Event::Message { room, from, text, .. } => line(out, format_args!("MSG {room} {from} {text}")),
        Event::Publication { from, text, .. } => line(out, format_args!("PUB {from} {text}")),
        Event::Direct { from, text, .. } => line(out, format_args!("DM {from} {text}")),
        Event::Notice { from, text, .. } => line(out, format_args!("NOTICE {from} {text}")),
        Event::Joined { room, user } => line(out, format_args!("JOIN {room} {user}")),
        Event::Left { room, user } => line(out, format_args!("PART {room} {user}")),
        Event::Pong { token: Some(token) } => line(out, format_args!("PONG {token}")),
        Event::Pong { token: None } => line(out, "PONG"),
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
        Reply::Broadcast => line(out, "OK broadcast"),
        Reply::Passwd => line(out, "OK passwd"),
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
            lines(out, messages, |item| format!("OLD {room} {} {} {}", item.id, item.from, item.text));
            line(out, format_args!("OK history {room} {}", messages.len()));
        }
        Event::Sync(sync) => encode_sync(sync, out),
        Event::Backlog { target, entries, .. } => {
            lines(out, entries, |item| format!("LOG {target} {} {} {}", item.id(), item.from(), item.text()));
            line(out, format_args!("OK backlog {target} {}", entries.len()));
        }
        Event::Inbox { entries, .. } => {
            lines(out, entries, |item| format!("LOG @{0} {1} {0} {2}", item.from(), item.id(), item.text()));
            line(out, format_args!("OK inbox {}", entries.len()));
        }
        Event::Blocks { users } => {
            lines(out, users, |user| format!("BLOCKED {user}"));
            line(out, format_args!("OK blocks {}", users.len()));
        }
        Event::Help { commands } => {
            lines(out, commands, |item| format!("HELP {}", item.usage));
            line(out, format_args!("OK help {}", commands.len()));
        }
        _ => unreachable!("every event that is no list is encoded above"),
    }
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
