//! What the user may do in which room, as far as events tell it. It must not decide what is sent: the server judges.

use std::collections::BTreeMap;

use parlor_proto::{Action, Event, MessageId, ModerationEntry, Reply, RoomName, RoomRole, UserName, Verb};

/// Maximum number of rooms of which the role is remembered.
const ROOMS_MAX: usize = 1000;

/// The roles of the user.
#[derive(Debug, Default)]
pub(super) struct Roles {
    rooms: BTreeMap<RoomName, RoomRole>,
    is_operator: bool,
}

impl Roles {
    /// Remembers what an event tells of the role of `me`.
    pub(super) fn learn(&mut self, event: &Event, me: &UserName) {
        match event {
            Event::Sync(sync) => {
                self.rooms.clear();
                self.is_operator = false;
                sync.rooms.iter().for_each(|room| self.set(&room.room, room.role));
            }
            Event::Room(info) => self.set(&info.room, info.role),
            Event::Moderated { room, entry: ModerationEntry { action, user: Some(user), .. } } => {
                self.moderated(room, *action, user == me);
            }
            Event::Ok(Reply::Owner(about)) => self.moderated(&about.room, Action::Owner, about.user == *me),
            Event::Ok(
                Reply::Join { room, members: 1, last: MessageId(0), .. }
                | Reply::Open { room, members: 1, last: MessageId(0), .. },
            ) if !room.is_lobby() => {
                // Nobody is there and nothing was ever said: whoever enters makes it.
                self.set(room, RoomRole::Owner);
            }
            _ => {}
        }
    }

    fn moderated(&mut self, room: &RoomName, action: Action, is_me: bool) {
        match (action, is_me) {
            (Action::Moderator, true) => self.set(room, RoomRole::Moderator),
            (Action::Owner, true) => self.set(room, RoomRole::Owner),
            (Action::Unmoderator | Action::Ban, true) => self.set(room, RoomRole::Member),
            // The owner before moderates it from then on.
            (Action::Owner, false) if self.rooms.get(room) == Some(&RoomRole::Owner) => {
                self.set(room, RoomRole::Moderator);
            }
            _ => {}
        }
    }

    fn set(&mut self, room: &RoomName, role: RoomRole) {
        self.is_operator |= role == RoomRole::Operator;
        if self.rooms.len() < ROOMS_MAX || self.rooms.contains_key(room) {
            self.rooms.insert(room.clone(), role);
        }
    }

    /// Whether the user may give this command, in some room at least.
    pub(super) fn may(&self, verb: Verb) -> bool {
        self.is_operator || needed(verb).is_none() || self.rooms.keys().any(|room| self.may_in(verb, room))
    }

    /// Whether the user may give this command about this room.
    pub(super) fn may_in(&self, verb: Verb, room: &RoomName) -> bool {
        let Some(needed) = needed(verb) else { return true };
        let role = self.rooms.get(room).copied().unwrap_or(RoomRole::Member);
        self.is_operator || (needed != RoomRole::Operator && rank(role) >= rank(needed))
    }

    /// The rooms about which the user may give this command.
    pub(super) fn rooms(&self, verb: Verb) -> impl Iterator<Item = &RoomName> {
        self.rooms.keys().filter(move |room| self.may_in(verb, room))
    }
}

/// The least role for a command; none for one that everybody may give, in a room or about a message of theirs.
pub(super) fn needed(verb: Verb) -> Option<RoomRole> {
    match verb {
        Verb::Kick | Verb::Ban | Verb::Unban | Verb::Mute | Verb::Unmute => Some(RoomRole::Moderator),
        Verb::Hook | Verb::Outhook | Verb::Hooks | Verb::Unhook => Some(RoomRole::Moderator),
        Verb::Access | Verb::Post | Verb::Retention => Some(RoomRole::Owner),
        Verb::Moderator | Verb::Unmoderator | Verb::Owner => Some(RoomRole::Owner),
        Verb::Suspend | Verb::Unsuspend | Verb::Broadcast => Some(RoomRole::Operator),
        Verb::Invitation | Verb::Invitations | Verb::Uninvite => Some(RoomRole::Operator),
        _ => None,
    }
}

fn rank(role: RoomRole) -> u8 {
    match role {
        RoomRole::Member => 0,
        RoomRole::Moderator => 1,
        RoomRole::Owner => 2,
        RoomRole::Operator => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> RoomName {
        "red".parse().unwrap()
    }

    fn may(events: &[&str]) -> [bool; 3] {
        let (mut roles, me) = (Roles::default(), "ann".parse().unwrap());
        for json in events {
            roles.learn(&serde_json::from_str(json).unwrap(), &me);
        }
        [Verb::Kick, Verb::Access, Verb::Suspend].map(|verb| {
            assert_eq!(roles.may(verb), roles.may_in(verb, &room()), "{verb:?}");
            roles.may(verb)
        })
    }

    fn moderated(action: &str, user: &str) -> String {
        format!(
            r#"{{"type":"moderated","room":"red","id":1,"time":"2026-01-01T10:00:00Z","from":"eve","action":"{action}","user":"{user}","until":null,"reason":""}}"#
        )
    }

    fn info(role: &str) -> String {
        format!(
            r#"{{"type":"room","room":"red","topic":"","access":"public","post":"everyone","owner":null,"moderators":[],"role":"{role}","created":null}}"#
        )
    }

    #[test]
    fn the_role_follows_from_what_is_told() {
        let made = r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#;
        let (nothing, moderates, owns) = ([false; 3], [true, false, false], [true, true, false]);
        assert_eq!(may(&[]), nothing);
        assert_eq!(may(&[made]), owns);
        assert_eq!(may(&[&made.replace("red", "lobby")]), nothing);
        assert_eq!(may(&[&made.replace(r#""last":0"#, r#""last":1"#)]), nothing);
        assert_eq!(may(&[&moderated("moderator", "ann")]), moderates);
        assert_eq!(may(&[&moderated("moderator", "bob")]), nothing);
        assert_eq!(may(&[&moderated("owner", "ann")]), owns);
        assert_eq!(may(&[made, &moderated("owner", "bob")]), moderates);
        assert_eq!(may(&[made, r#"{"type":"ok","command":"owner","room":"red","user":"bob","id":7}"#]), moderates);
        assert_eq!(may(&[&info("moderator"), &moderated("unmoderator", "ann")]), nothing);
        assert_eq!(may(&[&info("moderator"), &moderated("ban", "ann")]), nothing);
        assert_eq!(may(&[&info("operator")]), [true; 3]);
        assert_eq!(may(&[&info("owner"), &info("member")]), nothing);
    }

    #[test]
    fn where_everything_stands_says_it_anew() {
        let sync = r#"{"type":"sync","current":"red","rooms":[{"room":"red","members":1,"topic":"","role":"moderator","epoch":"0000000000000001","last":9,"read":0,"unread":0}],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[]}"#;
        assert_eq!(may(&[&info("operator"), sync]), [true, false, false]);
        let elsewhere = sync.replace(r#""room":"red""#, r#""room":"blue""#).replace("moderator", "member");
        assert_eq!(may(&[&info("owner"), &elsewhere]), [false; 3], "the user is not in red any more");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_still_learned_anew() {
        let (mut roles, me) = (Roles::default(), "ann".parse().unwrap());
        let mut learn = |room: usize, role: &str| {
            let info = info(role).replace("red", &format!("room{room}"));
            roles.learn(&serde_json::from_str(&info).unwrap(), &me);
            (roles.rooms.len(), roles.may(Verb::Kick))
        };
        for room in 0..ROOMS_MAX {
            learn(room, "member");
        }
        assert_eq!(learn(ROOMS_MAX, "owner"), (ROOMS_MAX, false));
        assert_eq!(learn(0, "owner"), (ROOMS_MAX, true));
    }

    #[test]
    fn whoever_is_alone_in_a_room_without_a_past_has_made_it_however_they_came() {
        let opened =
            r#"{"type":"ok","command":"open","room":"red","members":1,"epoch":"0000000000000001","last":0,"topic":""}"#;
        assert_eq!(may(&[opened]), [true, true, false]);
        assert_eq!(
            may(&[&opened.replace(r#""members":1"#, r#""members":2"#)]),
            [false; 3],
            "somebody was there before"
        );
        assert_eq!(may(&[opened, &moderated("owner", "eve"), &moderated("owner", "bob")]), [true, false, false]);
        assert_eq!(may(&[&info("member"), &moderated("owner", "bob")]), [false; 3], "it was the room of somebody else");
    }
}
