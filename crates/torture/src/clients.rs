//! The clients that take part in a round. It must not decide what they do.

use std::collections::BTreeSet;

use crate::client::{ClientSpec, Role};

/// Minimum for a round: one client of each kind for each room, and two pairs of rivals.
const FEWEST: usize = 16;

/// At least 16 clients, a canary for each server, and the five of the court. Names end with the tag of the round.
pub(crate) fn cast(clients: usize, servers: usize, tag: &str) -> Vec<ClientSpec> {
    let mut cast: Vec<ClientSpec> = Vec::new();
    let mut add = |user: String, suffix: &str, role| {
        let user = format!("{user}{tag}");
        cast.push(ClientSpec { number: cast.len(), name: format!("{user}{suffix}"), user, role });
    };
    // The steady clients come first, one for each room.
    ["sam", "sue", "sid", "sol"].iter().for_each(|user| add((*user).to_owned(), "", Role::Steady));
    ["ray", "rex", "rob"].iter().for_each(|user| add((*user).to_owned(), "", Role::Roamer));
    ["zac", "zoe"].iter().for_each(|user| add((*user).to_owned(), "", Role::Sleeper));
    for user in ["dan", "dot"] {
        add(user.to_owned(), "", Role::Rival { first: true });
        add(user.to_owned(), "-too", Role::Rival { first: false });
    }
    add("lee".to_owned(), "", Role::Slow);
    add("lou".to_owned(), "", Role::Slow);
    add("flo".to_owned(), "", Role::Flooder);
    for number in 0..clients.saturating_sub(FEWEST) {
        match number % 3 {
            0 => add(format!("roy{number}"), "", Role::Roamer),
            1 => add(format!("sal{number}"), "", Role::Steady),
            _ => add(format!("zed{number}"), "", Role::Sleeper),
        }
    }
    for server in 0..servers {
        add(format!("canary{server}"), "", Role::Canary { server });
    }
    add("jan".to_owned(), "", Role::Judge);
    add("jim".to_owned(), "", Role::Deputy);
    ["cal", "cat", "cid"].iter().for_each(|user| add((*user).to_owned(), "", Role::Citizen));
    cast
}

/// The users of a cast: all of them, or all except the canaries.
pub(crate) fn users(cast: &[ClientSpec], with_canaries: bool) -> Vec<String> {
    let chosen = cast.iter().filter(|part| with_canaries || !matches!(part.role, Role::Canary { .. }));
    let users: BTreeSet<String> = chosen.map(|part| part.user.clone()).collect();
    users.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_as_were_asked_for() {
        assert_eq!(cast(24, 2, "-x").len(), 24 + 2 + 5);
        assert_eq!(cast(0, 1, "-x").len(), FEWEST + 1 + 5);
        let cast = cast(24, 2, "-x");
        assert_eq!(users(&cast, true).len(), 29, "rivals share their user names");
        assert_eq!(users(&cast, false).len(), 27);
        assert!(cast.iter().all(|part| part.name.contains("-x")));
    }
}
