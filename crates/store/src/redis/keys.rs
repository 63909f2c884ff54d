//! The names of everything in Redis. Braces mark what a Cluster places a key by: all keys that one script
//! touches share it. It must not talk to Redis.

use parlor_core::ports::{LogId, SessionKey};
use parlor_proto::{RoomName, UserName};

use super::membership::local_sessions::ClaimId;

/// Life of the whole store; made anew where it is missing.
pub(super) const EPOCH: &str = "parlor:epoch";
/// Names of all accounts, and perhaps of some that were not made after all.
pub(super) const USERS: &str = "parlor:users";
/// Rooms that have members, and perhaps some that have none any more, by the number of their newest change; and those of
/// which only a log is left, by that number with a minus before it.
pub(super) const ROOMS: &str = "parlor:rooms";
/// Servers that are not known to be gone.
pub(super) const SERVERS: &str = "parlor:servers";
/// Channel of what every server is to hear.
pub(super) const EVERYBODY: &str = "parlor:everybody";

/// Beginning of the channels on which servers are reached, before an id in braces.
pub(super) const CONTROL: &str = "parlor:control:";

/// Number of one run of a server, as it stands in names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServerId(String);

impl ServerId {
    /// An id of its own for this run of a server.
    pub(super) fn fresh() -> Self {
        Self(format!("{:016x}", super::random::number()))
    }

    /// An id as another server wrote it.
    pub(super) fn read(id: &str) -> Self {
        Self(id.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hash with a time to live: the lease of a server and what it tells of itself.
pub(super) fn lease(server: &ServerId) -> String {
    format!("parlor:server:{{{}}}", server.0)
}

/// Set of the seats of a server's sessions: what is to be ended if it dies.
pub(super) fn server_sessions(server: &ServerId) -> String {
    format!("parlor:server:{{{}}}:sessions", server.0)
}

/// Channel on which other servers reach this one.
pub(super) fn control(server: &ServerId) -> String {
    format!("{CONTROL}{{{}}}", server.0)
}

/// Channel on which a server hears itself: that what it publishes arrives, and that its follower has work. In the slot of
/// its lease, so that both beat or neither.
pub(super) fn pulse(server: &ServerId) -> String {
    format!("parlor:pulse:{{{}}}", server.0)
}

/// Hash: the account, and the newest generation that was given out.
pub(super) fn user(user: &UserName) -> String {
    format!("parlor:user:{{{user}}}")
}

/// Hash: the user's session.
pub(super) fn session(user: &UserName) -> String {
    format!("parlor:session:{{{user}}}")
}

/// Hash: sessions that were displaced and not released yet, by generation.
pub(super) fn ending(user: &UserName) -> String {
    format!("parlor:ending:{{{user}}}")
}

/// Sorted set: when the account was taken over.
pub(super) fn takeovers(user: &UserName) -> String {
    format!("parlor:takeovers:{{{user}}}")
}

/// Set: who follows the user.
pub(super) fn followers(user: &UserName) -> String {
    format!("parlor:followers:{{{user}}}")
}

/// Set: whom the user follows.
pub(super) fn following(user: &UserName) -> String {
    format!("parlor:following:{{{user}}}")
}

/// Set: members of a room.
pub(super) fn members(room: &RoomName) -> String {
    format!("parlor:room:{{{room}}}")
}

/// Hash beside the members: of each its generation, the numbers of its last entering and of its last append, and the
/// id of its server.
pub(super) fn memberships(room: &RoomName) -> String {
    format!("parlor:room-gen:{{{room}}}")
}

/// String with a time to live: the generation below which a user may not enter the room.
pub(super) fn fence(room: &RoomName, user: &UserName) -> String {
    format!("parlor:fence:{{{room}}}:{user}")
}

/// Stream: the log. Its channel has the same name.
pub(super) fn log(log: &LogId) -> String {
    match log {
        LogId::Room(room) => format!("parlor:log:{{{room}}}"),
        LogId::Feed(user) => format!("parlor:feed:{{{user}}}"),
    }
}

/// Hash: where the log stands, and for a room the number of its newest change of members.
pub(super) fn meta(log: &LogId) -> String {
    match log {
        LogId::Room(room) => format!("parlor:log-meta:{{{room}}}"),
        LogId::Feed(user) => format!("parlor:feed-meta:{{{user}}}"),
    }
}

/// Hash with a time to live: failed logins of an account, from anywhere but its user's usual addresses.
pub(super) fn attempts_of_account(user: &UserName) -> String {
    format!("parlor:attempts:account:{{{user}}}")
}

/// Hash with a time to live: failed logins of an account from one of its user's usual addresses.
pub(super) fn attempts_of_pair(user: &UserName, address: &str) -> String {
    format!("parlor:attempts:pair:{{{user}}}:{address}")
}

/// Sorted set with a time to live: from where the user logged in, by when that was.
pub(super) fn usual_addresses(user: &UserName) -> String {
    format!("parlor:addresses:{{{user}}}")
}

/// Hash with a time to live: failed logins from an address.
pub(super) fn attempts_from_address(address: &str) -> String {
    format!("parlor:attempts:address:{{{address}}}")
}

/// How a seat stands in the set of its server's sessions.
pub(super) fn server_session_entry(user: &UserName, ticket: ClaimId) -> String {
    format!("{user} {ticket}")
}

/// The user of an entry of that set.
pub(super) fn user_of_session_entry(entry: &str) -> Option<UserName> {
    entry.split(' ').next()?.parse().ok()
}

/// The log of a room.
pub(super) fn room_log(room: &RoomName) -> LogId {
    LogId::Room(room.clone())
}

/// The keys of the two hashes of a user's sessions.
pub(super) fn sessions_of(session_key: &SessionKey) -> [String; 2] {
    [session(&session_key.user), ending(&session_key.user)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_script_touches_lies_in_one_slot() {
        let slot = |key: &str| ::redis::cluster_routing::Slot::for_key(key);
        let (ann, red): (UserName, RoomName) = ("ann".parse().unwrap(), "red".parse().unwrap());
        let room = room_log(&red);
        for key in [members(&red), memberships(&red), fence(&red, &ann), log(&room), meta(&room)] {
            assert_eq!(slot(&key), slot("red"), "{key}");
        }
        let feed = LogId::Feed(ann.clone());
        for key in [user(&ann), session(&ann), ending(&ann), takeovers(&ann), log(&feed), meta(&feed)] {
            assert_eq!(slot(&key), slot("ann"), "{key}");
        }
        for key in [attempts_of_account(&ann), attempts_of_pair(&ann, "192.0.2.1"), usual_addresses(&ann)] {
            assert_eq!(slot(&key), slot("ann"), "{key}");
        }
    }

    #[test]
    fn seats_are_read_as_they_were_written() {
        let ann: UserName = "ann".parse().unwrap();
        let ticket = ClaimId { connection: parlor_core::ConnectionId(7), number: 9 };
        assert_eq!(user_of_session_entry(&server_session_entry(&ann, ticket)), Some(ann));
        assert_eq!(ticket.to_string().parse(), Ok(ticket));
    }
}
