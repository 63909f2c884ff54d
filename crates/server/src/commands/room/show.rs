//! Rooms as text for operators. It must not hide what is unknown.

use std::collections::BTreeMap;

use parlor_core::rights::Holder;
use parlor_proto::{Timestamp, UserName};
use parlor_store::administration::RoomFacts;

use crate::commands::status::table::Side::{Left, Right};
use crate::commands::status::table::Table;

/// Text for an unknown value.
const UNKNOWN: &str = "?";

/// The accounts that there are, and when each was created.
pub(super) type Accounts = BTreeMap<UserName, Timestamp>;

/// Width of the names of values.
const KEY_WIDTH: usize = 11;

/// Returns a table of all rooms.
pub(super) fn list(rooms: &[RoomFacts], accounts: &Accounts) -> String {
    let mut table = Table::new([
        ("room", Left),
        ("members", Right),
        ("access", Left),
        ("speaks", Left),
        ("owner", Left),
        ("last", Right),
        ("kept", Right),
    ]);
    for facts in rooms {
        table.row([
            facts.room.to_string(),
            facts.members.map_or_else(|| UNKNOWN.to_owned(), |members| members.to_string()),
            facts.rights.access.to_string(),
            facts.rights.post.to_string(),
            owner(facts, accounts),
            facts.last.to_string(),
            facts.entries.to_string(),
        ]);
    }
    table.render()
}

/// Returns all that is known of a room, a line for each value.
pub(super) fn one(facts: &RoomFacts, inside: Option<&[UserName]>, accounts: &Accounts, now: Timestamp) -> String {
    let rights = &facts.rights;
    let members = match inside {
        Some(members) => format!("{} {}", members.len(), names(members)),
        None => format!("{UNKNOWN} (only the server knows them)"),
    };
    let mut lines = vec![
        ("room", facts.room.to_string()),
        ("topic", rights.topic.to_string()),
        ("access", rights.access.to_string()),
        ("speaks", rights.post.to_string()),
        ("owner", owner(facts, accounts)),
    ];
    lines.extend(rights.retention.map(|retention| ("retention", retention.to_string())));
    lines.extend(rights.moderators.iter().map(|moderator| ("moderator", holder(moderator, accounts))));
    lines.extend(rights.invited.iter().map(|user| ("invited", user.to_string())));
    for (key, users) in [("banned", &rights.banned), ("muted", &rights.muted)] {
        let holding = users.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        lines.extend(holding.map(|(user, until)| (key, format!("{user} {}", end(*until)))));
    }
    lines.push(("created", rights.created.map_or_else(|| UNKNOWN.to_owned(), |created| created.to_string())));
    lines.push(("members", members));
    lines.push(("last", facts.last.to_string()));
    lines.push(("kept", facts.entries.to_string()));
    let line = |(key, value): (&str, String)| format!("{key:<KEY_WIDTH$}{value}").trim_end().to_owned() + "\n";
    lines.into_iter().map(line).collect()
}

fn owner(facts: &RoomFacts, accounts: &Accounts) -> String {
    facts.rights.owner.as_ref().map_or_else(|| "operators".to_owned(), |owner| holder(owner, accounts))
}

/// Somebody with a role, and whether the account is another one by now or gone.
fn holder(holder: &Holder, accounts: &Accounts) -> String {
    let is_there = accounts.get(&holder.user) == Some(&holder.account);
    if is_there { holder.user.to_string() } else { format!("{} (account gone)", holder.user) }
}

fn end(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"))
}

fn names(users: &[UserName]) -> String {
    users.iter().map(UserName::as_str).collect::<Vec<_>>().join(" ")
}
