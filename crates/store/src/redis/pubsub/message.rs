//! Messages that servers exchange through channels: how they are written and read. It must not send.

use parlor_core::ports::{AccountVersion, Change, Content, Entry, UnloggedMessage};
use parlor_proto::{Epoch, Generation, MessageId, Text, TicketId, Timestamp, UserName};

use crate::redis::membership::local_sessions::ClaimId;

/// A message on a log's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum LogMessage {
    /// An entry was appended.
    Entry(Epoch, Entry),
    /// A user entered or left the room.
    Presence { user: UserName, change: Change, members: usize, version: u64 },
    /// The publisher's account, which was created at this time, was deleted. Later entries are of the next owner of its
    /// name.
    Deleted(UserName, Timestamp),
}

/// A message to one server or to all servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum ServerMessage {
    /// The session of a claim was displaced.
    Displaced(ClaimId),
    /// A direct message that is in no inbox, from a server of a version before inboxes.
    Direct(UserName, UnloggedMessage),
    /// A broadcast.
    Notice(UnloggedMessage),
    /// The account that was created at this time was deleted.
    Deleted(UserName, Timestamp),
    /// The sessions of this account end that began before this version of it.
    Kicked(UserName, AccountVersion),
    /// The same, since the account is suspended. Servers of a version before suspensions do not know it.
    Suspended(UserName, AccountVersion),
    /// Everything moves to another store: servers end.
    Moving,
    /// These tickets of a user were revoked, by the session of this generation if by one.
    Revoked(UserName, Option<Generation>, Vec<TicketId>),
}

impl LogMessage {
    /// Reads a message of a script; none if its kind is unknown.
    pub(in crate::redis) fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "e" => {
                let [epoch, id, time, author, text] = fields(rest)?;
                Some(Self::Entry(epoch.parse().ok()?, entry(id, time, author, text)?))
            }
            "d" => {
                let [epoch, id, time, author, to, text] = fields(rest)?;
                let entry = Entry { to: Some(to.parse().ok()?), ..entry(id, time, author, text)? };
                Some(Self::Entry(epoch.parse().ok()?, entry))
            }
            "+" | "-" => {
                let [user, members, version] = fields(rest)?;
                let change = if kind == "+" { Change::Entered } else { Change::Left };
                let (members, version) = (members.parse().ok()?, version.parse().ok()?);
                Some(Self::Presence { user: user.parse().ok()?, change, members, version })
            }
            "deleted" => deleted(rest).map(|(user, created)| Self::Deleted(user, created)),
            _ => None,
        }
    }
}

/// Reads an entry from its parts in Redis, without a recipient.
pub(in crate::redis) fn entry(id: &str, time: &str, author: &str, text: &str) -> Option<Entry> {
    Some(Entry {
        id: MessageId(id.parse().ok()?),
        time: Timestamp::from_millis(time.parse().ok()?),
        author: author.parse().ok()?,
        to: None,
        content: Content::read(text)?,
    })
}

impl ServerMessage {
    /// The text that is published.
    pub(in crate::redis) fn write(&self) -> String {
        let said = |UnloggedMessage { time, from, text }: &UnloggedMessage| {
            format!("{} {from} {}", time.as_millis(), text.as_str())
        };
        match self {
            Self::Displaced(ticket) => format!("displaced {ticket}"),
            Self::Direct(to, message) => format!("direct {to} {}", said(message)),
            Self::Notice(message) => format!("notice {}", said(message)),
            Self::Moving => "moving everything".to_owned(),
            Self::Deleted(user, created) => format!("deleted {user} {}", created.as_millis()),
            Self::Kicked(user, AccountVersion { created, kicks }) => {
                format!("kicked {user} {} {kicks}", created.as_millis())
            }
            Self::Suspended(user, AccountVersion { created, kicks }) => {
                format!("suspended {user} {} {kicks}", created.as_millis())
            }
            Self::Revoked(user, by, tickets) => {
                let tickets: Vec<String> = tickets.iter().map(TicketId::to_string).collect();
                format!("revoked {user} {} {}", by.map_or(0, |by| by.0), tickets.join(" "))
            }
        }
    }

    /// Reads a message of another server; none if its kind is unknown.
    pub(in crate::redis) fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "displaced" => Some(Self::Displaced(rest.parse().ok()?)),
            "direct" => {
                let [to, time, from, text] = fields(rest)?;
                Some(Self::Direct(to.parse().ok()?, direct(time, from, text)?))
            }
            "notice" => {
                let [time, from, text] = fields(rest)?;
                Some(Self::Notice(direct(time, from, text)?))
            }
            "moving" => Some(Self::Moving),
            "deleted" => deleted(rest).map(|(user, created)| Self::Deleted(user, created)),
            "kicked" => version(rest).map(|(user, version)| Self::Kicked(user, version)),
            "suspended" => version(rest).map(|(user, version)| Self::Suspended(user, version)),
            "revoked" => revoked(rest),
            _ => None,
        }
    }
}

fn deleted(rest: &str) -> Option<(UserName, Timestamp)> {
    let [user, created] = fields(rest)?;
    Some((user.parse().ok()?, Timestamp::from_millis(created.parse().ok()?)))
}

fn version(text: &str) -> Option<(UserName, AccountVersion)> {
    let [user, created, kicks] = fields(text)?;
    let created = Timestamp::from_millis(created.parse().ok()?);
    Some((user.parse().ok()?, AccountVersion { created, kicks: kicks.parse().ok()? }))
}

fn revoked(text: &str) -> Option<ServerMessage> {
    let [user, by, tickets] = fields(text)?;
    let by = Some(by.parse().ok()?).filter(|by| *by != 0).map(Generation);
    let tickets = tickets.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(ServerMessage::Revoked(user.parse().ok()?, by, tickets))
}

fn direct(time: &str, from: &str, text: &str) -> Option<UnloggedMessage> {
    let time = Timestamp::from_millis(time.parse().ok()?);
    Some(UnloggedMessage { time, from: from.parse().ok()?, text: Text::sanitise(text)? })
}

/// Splits a text into `N` words. The last one is the rest of the text.
fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut words = text.splitn(N, ' ');
    let mut found = [""; N];
    for field in &mut found {
        *field = words.next()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> UnloggedMessage {
        let text = Text::sanitise(text).unwrap();
        UnloggedMessage { time: Timestamp::from_millis(7), from: "ann".parse().unwrap(), text }
    }

    #[test]
    fn news_are_read_as_they_were_written() {
        let user: UserName = "bob".parse().unwrap();
        for news in [
            ServerMessage::Displaced(ClaimId { connection: parlor_core::ConnectionId(9), number: 3 }),
            ServerMessage::Direct(user.clone(), said("two  words ")),
            ServerMessage::Notice(said(" leading\tblanks")),
            ServerMessage::Moving,
            ServerMessage::Deleted(user.clone(), Timestamp::from_millis(8)),
            ServerMessage::Kicked(user.clone(), AccountVersion { created: Timestamp::from_millis(8), kicks: 2 }),
            ServerMessage::Suspended(user.clone(), AccountVersion { created: Timestamp::from_millis(8), kicks: 2 }),
            ServerMessage::Revoked(user.clone(), None, vec![TicketId(7)]),
            ServerMessage::Revoked(user, Some(Generation(9)), vec![TicketId(7), TicketId(8)]),
        ] {
            assert_eq!(ServerMessage::read(&news.write()), Some(news));
        }
    }

    #[test]
    fn news_of_logs_are_read() {
        let news = LogMessage::read("e 00000000000000ff 12 1795392000123 ann  a b ");
        let Some(LogMessage::Entry(Epoch(255), entry @ Entry { id: MessageId(12), .. })) = news else {
            panic!("{news:?}")
        };
        assert_eq!(entry.said().as_str(), " a b ");
        let news = LogMessage::read("- ann 3 44");
        assert!(matches!(news, Some(LogMessage::Presence { change: Change::Left, members: 3, version: 44, .. })));
    }

    #[test]
    fn what_others_write_into_redis_is_as_clean_as_what_clients_say() {
        let text = "a\u{1b}[31m\u{202e}b\r\nMSG lobby ann c";
        let Some(LogMessage::Entry(_, entry)) = LogMessage::read(&format!("e ff 1 7 ann {text}")) else { panic!() };
        assert_eq!(entry.said().as_str(), "a[31mbMSG lobby ann c");
        let Some(ServerMessage::Direct(_, direct)) = ServerMessage::read(&format!("direct bob 7 ann {text}")) else {
            panic!()
        };
        assert_eq!(direct.text.as_str(), "a[31mbMSG lobby ann c");
        for name in ["an\u{1b}n", "a\nn", "\u{430}nn", ""] {
            assert_eq!(LogMessage::read(&format!("e ff 1 7 {name} hi")), None);
            assert_eq!(LogMessage::read(&format!("+ {name} 1 1")), None);
            assert_eq!(ServerMessage::read(&format!("notice 7 {name} hi")), None);
        }
    }

    #[test]
    fn what_is_not_known_is_nothing() {
        for text in ["", "e", "e 1 2 3", "x y", "+ ann 3", "displaced x", "direct ann 7 bob", "e zz 1 2 ann hi"] {
            assert!(LogMessage::read(text).is_none() && ServerMessage::read(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn an_entry_of_an_inbox_has_a_recipient_and_an_entry_of_a_room_has_none() {
        let read = |text: &str| match LogMessage::read(text) {
            Some(LogMessage::Entry(epoch, entry)) => {
                Some((epoch.0, entry.id.0, entry.to.clone(), entry.said().to_string()))
            }
            _ => None,
        };
        assert_eq!(read("d ff 3 7 ann bob a  b "), Some((255, 3, Some("bob".parse().unwrap()), "a  b ".to_owned())));
        assert_eq!(read("e ff 3 7 ann bob a"), Some((255, 3, None, "bob a".to_owned())));
        for strange in [
            "d ff 3 7 ann bob",
            "d ff 3 7 ann a.b x",
            "d ff 3 7 ann bob ",
            "e ff 3 7 ann ",
            "e ff -3 7 ann x",
            "e  3 7 ann x",
        ] {
            assert_eq!(read(strange), None, "{strange}");
        }
    }

    #[test]
    fn members_come_and_go_with_the_number_of_the_change() {
        let user: UserName = "ann".parse().unwrap();
        let change =
            |change, members, version| Some(LogMessage::Presence { user: user.clone(), change, members, version });
        assert_eq!(LogMessage::read("+ ann 1 1795379498790542"), change(Change::Entered, 1, 1_795_379_498_790_542));
        assert_eq!(LogMessage::read("- ann 0 7"), change(Change::Left, 0, 7));
        for strange in ["+ ann 1", "+ ann -1 7", "+ ann 1 7 9", "* ann 1 7", "+ann 1 7", "+ a.b 1 7"] {
            assert_eq!(LogMessage::read(strange), None, "{strange}");
        }
        // The deletion of a publisher is told on both channels.
        let deleted = ServerMessage::Deleted(user.clone(), Timestamp::from_millis(-7)).write();
        assert_eq!(LogMessage::read(&deleted), Some(LogMessage::Deleted(user, Timestamp::from_millis(-7))));
    }

    #[test]
    fn what_a_revocation_names_is_read_as_a_whole_or_not_at_all() {
        let revoked = |by, ids: &[u32]| {
            let ids = ids.iter().copied().map(TicketId).collect();
            Some(ServerMessage::Revoked("ann".parse().unwrap(), by, ids))
        };
        assert_eq!(ServerMessage::read("revoked ann 0 00000007"), revoked(None, &[7]));
        assert_eq!(ServerMessage::read("revoked ann 9 00000007 000000ff"), revoked(Some(Generation(9)), &[7, 255]));
        for strange in ["revoked ann 0", "revoked ann 0 ", "revoked ann 0 00000007 7", "revoked ann x 00000007"] {
            assert_eq!(ServerMessage::read(strange), None, "{strange}");
        }
        for strange in [
            "kicked ann 7",
            "kicked ann 7 x",
            "suspended ann",
            "deleted ann",
            "deleted ann soon",
            "moving",
            "displaced 7",
        ] {
            assert_eq!(ServerMessage::read(strange), None, "{strange}");
        }
    }
}
