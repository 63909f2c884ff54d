//! What holds after any orders, in any order.

use super::*;
use crate::rights::{MAX_MODERATORS, holds};

const PEOPLE: [&str; 6] = ["ann", "bob", "cyd", "med", "mod", "op"];

/// Throws that look random, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        // The generator of Marsaglia, "Xorshift RNGs".
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn person(&mut self) -> &'static str {
        PEOPLE[self.throw(PEOPLE.len())]
    }

    fn duration(&mut self) -> Option<Duration> {
        let millis = self.throw(20) as u64;
        (millis > 4).then(|| Duration::from_millis(millis))
    }

    fn order(&mut self) -> Order {
        let user = name(self.person());
        match self.throw(12) {
            0 => Order::Topic(text("roses")),
            1 => Order::Access(Access::ALL[self.throw(2)]),
            2 => Order::Post(Speakers::ALL[self.throw(2)]),
            3 => Order::Invite(user),
            4 => Order::Kick(user, Note::default()),
            5 => Order::Ban(user, self.duration(), text("spam").into()),
            6 => Order::Unban(user),
            7 => Order::Mute(user, self.duration()),
            8 => Order::Unmute(user),
            9 => Order::Moderator(user),
            10 => Order::Unmoderator(user),
            _ => Order::Owner(user),
        }
    }
}

/// Whether a ban of this user holds.
fn is_banned(rights: &RoomRights, user: &UserName, now: Timestamp) -> bool {
    rights.banned.get(user).is_some_and(|until| holds(*until, now))
}

fn check(rights: &RoomRights, now: Timestamp, after: &Order) {
    let holders: Vec<&UserName> = rights.holders().map(|holder| &holder.user).collect();
    let mut distinct = holders.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), holders.len(), "somebody has two roles after {after:?}: {rights:?}");
    assert!(rights.moderators.len() <= MAX_MODERATORS);
    for user in PEOPLE.map(name).iter().filter(|user| is_banned(rights, user, now)) {
        assert!(!holders.contains(&user), "{user} is banned and has a role after {after:?}: {rights:?}");
        assert!(!rights.invited.contains(user), "{user} is banned and invited after {after:?}: {rights:?}");
    }
    assert!(rights.access == Access::Private || rights.invited.is_empty(), "{after:?}: {rights:?}");
    assert_eq!(RoomRights::read(&rights.stored()).as_ref(), Some(rights));
}

#[test]
fn nobody_has_two_roles_and_no_banned_user_has_one_or_is_invited() {
    let (mut dice, mut carried_out) = (Dice(0x9e37_79b9), 0);
    for _ in 0..40 {
        let mut rights = room();
        for now in (0..100).map(at) {
            let (actor, order) = (person(dice.person()), dice.order());
            let target = order.user().map(|user| person(user.as_str()));
            // Whoever is banned is not inside.
            let mut members = PEOPLE.map(name).to_vec();
            members.retain(|user| !is_banned(&rights, user, now));
            let case = Case { actor: &actor, target: target.as_ref(), members: &members, now };
            let mut changed = rights.clone();
            if changed.carry_out(&red(), &order, &case).is_ok() {
                carried_out += 1;
                check(&changed, now, &order);
                rights = changed;
            }
        }
    }
    assert!(carried_out > 500, "few orders were carried out: {carried_out}");
}
