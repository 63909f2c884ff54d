//! The words for rights in rooms: roles, modes, and what moderators do. It must not decide who may do what.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::note::Note;
use crate::retention::Retention;
use crate::text::Text;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The value of a word, in lower case.
            pub fn find(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Who may enter a room.
    Access {
        /// Everybody.
        Public = "public",
        /// Only the invited.
        Private = "private",
    }
}

words! {
    /// Who may speak in a room.
    Speakers {
        /// Everybody inside.
        Everyone = "everyone",
        /// The owner, the moderators and the operators.
        Moderators = "moderators",
    }
}

words! {
    /// What a user may do in a room.
    RoomRole {
        /// Nothing that others may not.
        Member = "member",
        /// Moderates.
        Moderator = "moderator",
        /// Decides about the room.
        Owner = "owner",
        /// May do everything in all rooms.
        Operator = "operator",
    }
}

words! {
    /// What a moderator did: the name of the command.
    Action {
        /// Changed who may enter.
        Access = "access",
        /// Changed who may speak.
        Post = "post",
        /// Changed how long messages are kept.
        Retention = "retention",
        /// Let a user enter.
        Invite = "invite",
        /// Ended a membership.
        Kick = "kick",
        /// Ended a membership, and keeps the user out.
        Ban = "ban",
        /// Ended a ban.
        Unban = "unban",
        /// Silenced a user.
        Mute = "mute",
        /// Ended that.
        Unmute = "unmute",
        /// Made a user a moderator.
        Moderator = "moderator",
        /// Ended that.
        Unmoderator = "unmoderator",
        /// Gave the room to a user.
        Owner = "owner",
    }
}

/// What a moderator wants to do in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `/topic <room> <text>`
    Topic(Text),
    /// `/access <room> public|private`
    Access(Access),
    /// `/post <room> everyone|moderators`
    Post(Speakers),
    /// `/retention <room> <duration>|default`; none for the time of the server
    Retention(Option<Retention>),
    /// `/invite <room> <user>`
    Invite(UserName),
    /// `/kick <room> <user> [reason]`
    Kick(UserName, Note),
    /// `/ban <room> <user> [duration] [reason]`; without a duration for ever
    Ban(UserName, Option<Duration>, Note),
    /// `/unban <room> <user>`
    Unban(UserName),
    /// `/mute <room> <user> [duration]`
    Mute(UserName, Option<Duration>),
    /// `/unmute <room> <user>`
    Unmute(UserName),
    /// `/moderator <room> <user>`
    Moderator(UserName),
    /// `/unmoderator <room> <user>`
    Unmoderator(UserName),
    /// `/owner <room> <user>`
    Owner(UserName),
}

impl Order {
    /// The user whom it concerns.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Self::Topic(_) | Self::Access(_) | Self::Post(_) | Self::Retention(_) => None,
            Self::Invite(user)
            | Self::Kick(user, _)
            | Self::Ban(user, ..)
            | Self::Unban(user)
            | Self::Mute(user, _)
            | Self::Unmute(user)
            | Self::Moderator(user)
            | Self::Unmoderator(user)
            | Self::Owner(user) => Some(user),
        }
    }

    /// The name of the action; none for a topic.
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Self::Topic(_) => return None,
            Self::Access(_) => Action::Access,
            Self::Post(_) => Action::Post,
            Self::Retention(_) => Action::Retention,
            Self::Invite(_) => Action::Invite,
            Self::Kick(..) => Action::Kick,
            Self::Ban(..) => Action::Ban,
            Self::Unban(_) => Action::Unban,
            Self::Mute(..) => Action::Mute,
            Self::Unmute(_) => Action::Unmute,
            Self::Moderator(_) => Action::Moderator,
            Self::Unmoderator(_) => Action::Unmoderator,
            Self::Owner(_) => Action::Owner,
        })
    }
}

/// Longest duration of moderation: ten years.
pub(crate) const LONGEST_SECONDS: u64 = 10 * 366 * 24 * 60 * 60;

/// Reads a duration of moderation: a number with `s`, `m`, `h`, `d` or `w` behind it, at most ten years.
pub(crate) fn duration(word: &str) -> Option<Duration> {
    let (digits, unit) = word.split_at(word.len().checked_sub(1).filter(|&at| word.is_char_boundary(at))?);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let count: u64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    let total = count.checked_mul(seconds)?;
    (1..=LONGEST_SECONDS).contains(&total).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::parse::parse_command;

    #[test]
    fn durations_have_a_unit() {
        let minutes = |count: u64| Some(Duration::from_secs(60 * count));
        let cases = [("10m", minutes(10)), ("2h", minutes(120)), ("7d", minutes(7 * 24 * 60)), ("60s", minutes(1))];
        for (word, duration) in cases {
            assert_eq!(super::duration(word), duration, "{word}");
        }
        for word in ["", "m", "10", "0m", "-1m", "+1m", "1.5h", "ten", "10é", "99999999999999999999d", "521w1", "600w"]
        {
            assert_eq!(super::duration(word), None, "{word}");
        }
    }

    #[test]
    fn an_order_is_the_action_of_its_command_and_concerns_the_user_it_names() {
        let bob: UserName = "bob".parse().unwrap();
        for action in Action::ALL {
            let words = match action {
                Action::Access => "private",
                Action::Post => "moderators",
                Action::Retention => "default",
                _ => "bob",
            };
            let line = format!("/{action} red {words}");
            let Ok(Some(Command::Moderate(_, order))) = parse_command(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(order.action(), Some(*action));
            assert_eq!(order.user(), (words == "bob").then_some(&bob), "{line}");
        }
    }

    #[test]
    fn words_are_found_as_they_are_written() {
        for action in Action::ALL {
            assert_eq!(Action::find(action.as_str()), Some(*action));
            assert_eq!(serde_json::to_string(action).unwrap(), format!("\"{action}\""));
        }
    }

    #[test]
    fn a_duration_is_a_second_to_ten_years_in_every_unit() {
        for (word, seconds) in [
            ("1s", 1),
            ("316224000s", 316_224_000),
            ("5270400m", 316_224_000),
            ("87840h", 316_224_000),
            ("3660d", 316_224_000),
            ("1w", 604_800),
            ("522w", 522 * 604_800),
            ("0001m", 60),
        ] {
            assert_eq!(super::duration(word), Some(Duration::from_secs(seconds)), "{word}");
        }
        for word in ["0s", "316224001s", "5270401m", "87841h", "3661d", "523w", "1M", "1S", "1 s", "1ms", "s1", "w"] {
            assert_eq!(super::duration(word), None, "{word}");
        }
        // So many minutes and weeks would be 44 s and six days if the numbers wrapped around.
        for word in ["307445734561825861m", "30500568904944w"] {
            assert_eq!(super::duration(word), None, "{word}");
        }
    }

    #[test]
    fn settings_and_roles_are_found_in_lower_case_and_written_so() {
        fn check<T: Copy + PartialEq + fmt::Debug + Serialize>(all: &[T], find: fn(&str) -> Option<T>) {
            for value in all {
                let json = serde_json::to_string(value).unwrap();
                let word = json.trim_matches('"');
                assert_eq!(find(word), Some(*value), "{word}");
                assert_eq!(find(&word.to_ascii_uppercase()), None, "{word}");
                assert_eq!(find(&format!("{word} ")), None, "{word}");
            }
        }
        check(Access::ALL, Access::find);
        check(Speakers::ALL, Speakers::find);
        check(RoomRole::ALL, RoomRole::find);
        check(Action::ALL, Action::find);
    }

    #[test]
    fn a_topic_is_no_action_and_concerns_nobody() {
        let topic = Order::Topic(Text::sanitise("bob").unwrap());
        assert_eq!((topic.action(), topic.user()), (None, None));
    }

    #[test]
    fn words_fill_their_column() {
        assert_eq!(format!("{:<9}|{:>7}|", RoomRole::Member, Access::Public), "member   | public|");
    }
}
