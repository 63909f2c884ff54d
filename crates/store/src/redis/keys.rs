//! The names of all keys and channels in Redis. A Cluster places a key by the part in braces: all keys of one script
//! share it. It must not talk to Redis.

use parlor_core::ports::{LogId, SessionKey};
use parlor_proto::{HookId, InvitationId, MessageId, RoomName, UserName};

use super::membership::local_sessions::ClaimId;

/// Epoch of the whole store. It is created again if it is missing.
pub(super) const EPOCH: &str = "parlor:epoch";
/// Names of all accounts. It may also contain names whose account was never created.
pub(super) const USERS: &str = "parlor:users";
/// Index of rooms. The score of a room that has (or had) members is the version of its newest change. The score of a
/// room that has only a log left is this version, negated.
pub(super) const ROOMS: &str = "parlor:rooms";
/// Servers that are not known to be dead.
pub(super) const SERVERS: &str = "parlor:servers";
/// Ids of all invitations. It may also contain ids whose invitation is over.
pub(super) const INVITATIONS: &str = "parlor:invitations";
/// Names of all rooms with outgoing hooks. It may also contain rooms that had some.
pub(super) const OUTHOOK_ROOMS: &str = "parlor:outhook-rooms";
/// Names of all rooms with a retention. It may also contain rooms that had one.
pub(super) const RETENTION_ROOMS: &str = "parlor:retention-rooms";
/// Channel to all servers.
pub(super) const EVERYBODY: &str = "parlor:everybody";

/// Prefix of the control channels. The server id in braces follows.
pub(super) const CONTROL: &str = "parlor:control:";

/// Id of one run of a server, as it appears in keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServerId(String);

impl ServerId {
    /// Creates a new id for this run of a server.
    pub(super) fn fresh() -> Self {
        Self(format!("{:016x}", super::random::number()))
    }

    /// Reads an id that another server wrote.
    pub(super) fn read(id: &str) -> Self {
        Self(id.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hash with a TTL: the lease of a server, and the server's report about itself.
pub(super) fn lease(server: &ServerId) -> String {
    format!("parlor:server:{{{}}}", server.0)
}

/// Set: the sessions of a server. They are ended if the server dies.
pub(super) fn server_sessions(server: &ServerId) -> String {
    format!("parlor:server:{{{}}}:sessions", server.0)
}

/// What a server writes to prove that Redis accepts writes. It is in the slot of the lease.
pub(super) fn canary(server: &ServerId) -> String {
    format!("parlor:canary:{{{}}}", server.0)
}

/// Channel on which other servers reach this one.
pub(super) fn control(server: &ServerId) -> String {
    format!("{CONTROL}{{{}}}", server.0)
}

/// Channel of this server's heartbeat to itself. It proves that publishing works, and wakes the reader. It is in the
/// slot of the lease, so both work or both fail.
pub(super) fn pulse(server: &ServerId) -> String {
    format!("parlor:pulse:{{{}}}", server.0)
}

/// Hash: the account, and the newest generation that was issued.
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

/// Sorted set: times of the takeovers of the account.
pub(super) fn takeovers(user: &UserName) -> String {
    format!("parlor:takeovers:{{{user}}}")
}

/// Set: the followers of the user.
pub(super) fn followers(user: &UserName) -> String {
    format!("parlor:followers:{{{user}}}")
}

/// Set: the publishers that the user follows.
pub(super) fn following(user: &UserName) -> String {
    format!("parlor:following:{{{user}}}")
}

/// Set: members of a room.
pub(super) fn members(room: &RoomName) -> String {
    format!("parlor:room:{{{room}}}")
}

/// Hash next to the members. For each member: its generation, the numbers of its last enter and its last append, and
/// the id of its server. Besides, what an append and an enter are judged by (`scripts/seat.lua`).
pub(super) fn memberships(room: &RoomName) -> String {
    format!("parlor:room-gen:{{{room}}}")
}

/// String with a TTL: sessions below this generation may not enter the room.
pub(super) fn fence(room: &RoomName, user: &UserName) -> String {
    format!("parlor:fence:{{{room}}}:{user}")
}

/// Stream: the log. Its channel has the same name.
pub(super) fn log(log: &LogId) -> String {
    match log {
        LogId::Room(room) => format!("parlor:log:{{{room}}}"),
        LogId::Feed(user) => format!("parlor:feed:{{{user}}}"),
        LogId::Inbox(user) => format!("parlor:inbox:{{{user}}}"),
    }
}

/// Hash: the head of the log; for a room also the version of its newest membership change, and its rights.
pub(super) fn meta(log: &LogId) -> String {
    match log {
        LogId::Room(room) => format!("parlor:log-meta:{{{room}}}"),
        LogId::Feed(user) => format!("parlor:feed-meta:{{{user}}}"),
        LogId::Inbox(user) => format!("parlor:inbox-meta:{{{user}}}"),
    }
}

/// Sorted set: the entries of a log that read differently from what was appended, by number.
pub(super) fn amended(log: &LogId) -> String {
    format!("parlor:amended:{}:{{{}}}", log.kind().word(), log.name())
}

/// Sorted set: the entries of a log that are no messages, each with how many there were up to it, by number.
pub(super) fn others(log: &LogId) -> String {
    format!("parlor:others:{}:{{{}}}", log.kind().word(), log.name())
}

/// Hash: up to where each outgoing hook of a room has posted, by its id.
pub(super) fn outhooks(room: &RoomName) -> String {
    format!("parlor:outhooks:{{{room}}}")
}

/// Hash with a TTL: the server that has the turn to post for an outgoing hook.
pub(super) fn outhook_turn(room: &RoomName, id: HookId) -> String {
    format!("parlor:outhook-turn:{{{room}}}:{id}")
}

/// Hash and sorted set with a TTL, in the slot of a log: the numbers and the times of what an author appended at most
/// once, by key.
pub(super) fn once(log: &LogId, author: &UserName) -> [String; 2] {
    let (kind, name) = (log.kind().word(), log.name());
    [format!("parlor:once:{kind}:{{{name}}}:{author}"), format!("parlor:once-times:{kind}:{{{name}}}:{author}")]
}

/// Hash: the direct messages that a user sent and whose recipient's copy is still to be appended, by number.
pub(super) fn undelivered(user: &UserName) -> String {
    format!("parlor:undelivered:{{{user}}}")
}

/// Hash: the newest copy that a user got from each sender.
pub(super) fn received(user: &UserName) -> String {
    format!("parlor:received:{{{user}}}")
}

/// Hash: the state of each conversation of a user, by the other user.
pub(super) fn conversations(user: &UserName) -> String {
    format!("parlor:conversations:{{{user}}}")
}

/// Sorted set: the messages of each conversation in a user's inbox.
pub(super) fn conversation_index(user: &UserName) -> String {
    format!("parlor:conversation-index:{{{user}}}")
}

/// A member of that set: the other user, the number in 16 digits, and whether the message was sent or received.
pub(super) fn conversation_member(peer: &UserName, id: MessageId, is_sent: bool) -> String {
    format!("{peer}:{:016}{}", id.0, if is_sent { 'o' } else { 'i' })
}

/// Set: the rooms that are remembered for a user.
pub(super) fn remembered_rooms(user: &UserName) -> String {
    format!("parlor:remembered-rooms:{{{user}}}")
}

/// Hash: up to where a user has read rooms and feeds.
pub(super) fn marks(user: &UserName) -> String {
    format!("parlor:marks:{{{user}}}")
}

/// Set: the users whom a user blocks.
pub(super) fn blocks(user: &UserName) -> String {
    format!("parlor:blocks:{{{user}}}")
}

/// Set: the users who block a user.
pub(super) fn blocked_by(user: &UserName) -> String {
    format!("parlor:blocked-by:{{{user}}}")
}

/// Hash: the tickets of a user, by id.
pub(super) fn tickets(user: &UserName) -> String {
    format!("parlor:tickets:{{{user}}}")
}

/// Hash with a TTL: an invitation, and the names of the accounts that it has made.
pub(super) fn invitation(id: InvitationId) -> String {
    format!("parlor:invitation:{{{id}}}")
}

/// All that is deleted with an account besides the sets that name other users: [`followers`], [`following`],
/// [`blocks`] and [`blocked_by`]; and besides [`tickets`]. The heads of the user's logs stay: a client may know their numbers.
pub(super) fn belongings(user: &UserName) -> [String; 12] {
    let [published, published_times] = once(&LogId::Feed(user.clone()), user);
    let [sent, sent_times] = once(&LogId::Inbox(user.clone()), user);
    [
        usual_addresses(user),
        log(&LogId::Feed(user.clone())),
        log(&LogId::Inbox(user.clone())),
        received(user),
        conversations(user),
        conversation_index(user),
        remembered_rooms(user),
        marks(user),
        published,
        published_times,
        sent,
        sent_times,
    ]
}

/// Hash with a TTL: failed logins of an account, from addresses that its user does not usually use.
pub(super) fn attempts_of_account(user: &UserName) -> String {
    format!("parlor:attempts:account:{{{user}}}")
}

/// Hash with a TTL: failed logins of an account from one of its user's usual addresses.
pub(super) fn attempts_of_pair(user: &UserName, address: &str) -> String {
    format!("parlor:attempts:pair:{{{user}}}:{address}")
}

/// Sorted set with a TTL: the addresses from which the user logged in, by the time of the login.
pub(super) fn usual_addresses(user: &UserName) -> String {
    format!("parlor:addresses:{{{user}}}")
}

/// Hash with a TTL: failed logins from an address.
pub(super) fn attempts_from_address(address: &str) -> String {
    format!("parlor:attempts:address:{{{address}}}")
}

/// The entry of a session in the set of its server's sessions.
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
        let amended = [amended(&room), others(&room), outhooks(&red), outhook_turn(&red, HookId(7))];
        for key in
            [members(&red), memberships(&red), fence(&red, &ann), log(&room), meta(&room)].into_iter().chain(amended)
        {
            assert_eq!(slot(&key), slot("red"), "{key}");
        }
        let feed = LogId::Feed(ann.clone());
        for key in [user(&ann), session(&ann), ending(&ann), takeovers(&ann), log(&feed), meta(&feed)] {
            assert_eq!(slot(&key), slot("ann"), "{key}");
        }
        let inbox = LogId::Inbox(ann.clone());
        let personal = [
            tickets(&ann),
            undelivered(&ann),
            blocks(&ann),
            blocked_by(&ann),
            followers(&ann),
            following(&ann),
            log(&inbox),
            meta(&inbox),
        ];
        for key in personal.into_iter().chain(belongings(&ann)) {
            assert_eq!(slot(&key), slot("ann"), "{key}");
        }
        for key in once(&room, &ann) {
            assert_eq!(slot(&key), slot("red"), "{key}");
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

    #[test]
    fn no_key_of_one_kind_is_a_key_of_another_one() {
        // A user and a room may have the same name, and so may a server.
        let (user_name, room): (UserName, RoomName) = ("ann".parse().unwrap(), "ann".parse().unwrap());
        let (ann, server) = (&user_name, ServerId::read("ann"));
        let logs = [room_log(&room), LogId::Feed(ann.clone()), LogId::Inbox(ann.clone())];
        let of_logs = logs.iter().flat_map(|log| {
            [vec![super::log(log), meta(log), amended(log), others(log)], once(log, ann).into()].concat()
        });
        let of_user =
            [user, session, ending, takeovers, followers, following, blocks, blocked_by, tickets, undelivered]
                .map(|key| key(ann));
        let more_of_user = [
            received,
            conversations,
            conversation_index,
            remembered_rooms,
            marks,
            attempts_of_account,
            usual_addresses,
        ]
        .map(|key| key(ann));
        let of_room =
            [members(&room), memberships(&room), fence(&room, ann), outhooks(&room), outhook_turn(&room, HookId(7))];
        let of_server = [lease, server_sessions, canary, control, pulse].map(|key| key(&server));
        let of_address = [attempts_of_pair(ann, "ann"), attempts_from_address("ann"), invitation(InvitationId(7))];
        let single = [EPOCH, USERS, ROOMS, SERVERS, INVITATIONS, OUTHOOK_ROOMS, RETENTION_ROOMS, EVERYBODY];
        let all: Vec<String> = of_logs
            .chain(of_user)
            .chain(more_of_user)
            .chain(of_room)
            .chain(of_server)
            .chain(of_address)
            .chain(single.map(str::to_owned))
            .collect();
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        // What an operator permits, and what is moved aside, begins like this.
        assert!(all.iter().all(|key| key.starts_with("parlor:")));
    }

    #[test]
    fn the_keys_of_a_server_lie_in_one_slot_and_those_of_two_runs_differ() {
        let slot = |key: &str| ::redis::cluster_routing::Slot::for_key(key);
        let (one, two) = (ServerId::fresh(), ServerId::fresh());
        assert!(one != two && one.as_str().len() == 16 && one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        for key in [lease, server_sessions, canary, control, pulse] {
            assert_eq!(slot(&key(&one)), slot(one.as_str()));
            assert_ne!(key(&one), key(&two));
        }
        assert_eq!(ServerId::read(one.as_str()), one);
    }

    #[test]
    fn the_messages_of_a_conversation_lie_together_in_the_order_of_their_numbers() {
        let peers = ["bob", "bob2", "bob-2", "bob_2", "bo", "boba", "b0b", "bo9"];
        let numbers = [0, 1, 9, 10, 99, 100, 12_345, (1 << 53) - 1, 1 << 53];
        let mut all: Vec<(String, &str, u64)> = Vec::new();
        for peer in peers {
            for number in numbers {
                let is_sent = number % 2 == 0;
                all.push((conversation_member(&peer.parse().unwrap(), MessageId(number), is_sent), peer, number));
            }
        }
        // A sorted set with equal scores is in the order of its bytes.
        all.sort();
        for peer in peers {
            // The bounds of the scripts, in which no other name comes between.
            let (low, high) = (format!("{peer}:"), format!("{peer};"));
            let between = all.iter().filter(|(member, ..)| (&low..&high).contains(&member));
            let found: Vec<(&str, u64)> = between.map(|(_, peer, number)| (*peer, *number)).collect();
            assert_eq!(found, numbers.map(|number| (peer, number)));
        }
    }

    #[test]
    fn an_entry_of_a_session_that_cannot_be_read_has_no_user() {
        for entry in ["", " 1.2", "a.b 1.2", "\u{430}nn 1.2"] {
            assert_eq!(user_of_session_entry(entry), None, "{entry:?}");
        }
        assert_eq!(user_of_session_entry("ann").unwrap().as_str(), "ann");
        for claim in ["", "7", "7.", ".9", "7.9.1", "7.-9", "x.9"] {
            assert!(claim.parse::<ClaimId>().is_err(), "{claim:?}");
        }
    }
}
