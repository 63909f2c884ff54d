//! Takes a person out of the records of an archive. Pure: it must not read or write a store.

use std::collections::BTreeSet;

use parlor_core::ports::{Content, LogId, Moderation};
use parlor_core::rights::{Holder, RoomRights};
use parlor_proto::{Note, UserName};

use super::{ArchiveResult, ConversationRecord, EntryRecord, InvitationRecord, Record};

/// What becomes of what a person said to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// The texts are emptied.
    Emptied,
    /// The texts stay, as those of [`UserName::erased`].
    Kept,
}

/// The erasure of one person, over all records in their order.
pub struct Erasure {
    user: UserName,
    words: Words,
    /// A conversation of somebody with those who were erased, until it is complete: there may have been others before.
    merged: Option<ConversationRecord>,
}

impl Erasure {
    /// Takes this user out.
    pub fn of(user: &UserName, words: Words) -> Self {
        Self { user: user.clone(), words, merged: None }
    }

    /// Gives what is left of a record.
    ///
    /// # Errors
    /// `each` fails.
    pub fn apply(&mut self, record: &Record, each: &mut dyn FnMut(&Record) -> ArchiveResult<()>) -> ArchiveResult<()> {
        if let Record::Conversation(conversation) = record
            && self.is_with_erased(conversation)
        {
            return self.merge(conversation, each);
        }
        match self.rest_of(record) {
            Some(rest) => each(&rest),
            None => Ok(()),
        }
    }

    /// Gives what was held back.
    ///
    /// # Errors
    /// `each` fails.
    pub fn finish(&mut self, each: &mut dyn FnMut(&Record) -> ArchiveResult<()>) -> ArchiveResult<()> {
        self.merged.take().map_or(Ok(()), |merged| each(&Record::Conversation(merged)))
    }

    fn is_with_erased(&self, conversation: &ConversationRecord) -> bool {
        let ConversationRecord { owner, peer, .. } = conversation;
        *owner != self.user && (*peer == self.user || *peer == UserName::erased())
    }

    fn merge(
        &mut self,
        conversation: &ConversationRecord,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()> {
        let ConversationRecord { owner, last, read, unread, .. } = conversation.clone();
        if self.merged.as_ref().is_some_and(|merged| merged.owner != owner) {
            self.finish(each)?;
        }
        let before = self.merged.take();
        self.merged = Some(ConversationRecord {
            owner,
            peer: UserName::erased(),
            last: before.as_ref().map_or(last, |before| before.last.max(last)),
            read: before.as_ref().map_or(read, |before| before.read.max(read)),
            unread: before.map_or(unread, |before| before.unread + unread),
        });
        Ok(())
    }

    /// What is left of a record; none if it is about the person only.
    fn rest_of(&self, record: &Record) -> Option<Record> {
        let user = &self.user;
        let is_own = |log: &LogId| matches!(log, LogId::Feed(owner) | LogId::Inbox(owner) if owner == user);
        let is_gone = match record {
            Record::Account(account) => account.user == *user,
            Record::Ticket(ticket) => ticket.user == *user,
            Record::Address { user: whose, .. } | Record::Remembered { user: whose, .. } => whose == user,
            Record::Follow { user: one, publisher: other } | Record::Block { user: one, blocked: other } => {
                one == user || other == user
            }
            Record::Mark(mark) => mark.user == *user || is_own(&mark.log),
            Record::Invitation(invitation) => return Some(Record::Invitation(self.invitation(invitation))),
            Record::Log(log) => is_own(&log.log),
            Record::Once(once) => once.author == *user || is_own(&once.log),
            Record::Conversation(conversation) => conversation.owner == *user,
            Record::Rights { room, rights } => {
                return Some(Record::Rights { room: room.clone(), rights: self.without(rights) });
            }
            Record::Entry(entry) if is_own(&entry.log) => true,
            Record::Entry(entry) => return Some(Record::Entry(self.entry(entry))),
        };
        (!is_gone).then(|| record.clone())
    }

    fn rename(&self, name: &UserName) -> UserName {
        if *name == self.user { UserName::erased() } else { name.clone() }
    }

    fn invitation(&self, invitation: &InvitationRecord) -> InvitationRecord {
        let used: BTreeSet<UserName> = invitation.used.iter().map(|name| self.rename(name)).collect();
        InvitationRecord { by: self.rename(&invitation.by), used: used.into_iter().collect(), ..invitation.clone() }
    }

    fn entry(&self, entry: &EntryRecord) -> EntryRecord {
        let rename = |name: &UserName| self.rename(name);
        let is_author = entry.from == self.user;
        let text = match &entry.text {
            Content::Moderation(Moderation { action, user, until, reason }) => {
                let user_is_named = user.is_some();
                let user = user.as_ref().map(rename);
                // Without a user, the reason is the setting of the room.
                let is_emptied = is_author && user_is_named && self.words == Words::Emptied;
                let reason = if is_emptied { Note::default() } else { reason.clone() };
                Content::Moderation(Moderation { action: *action, user, until: *until, reason })
            }
            text if is_author && self.words == Words::Emptied => emptied(text),
            text => text.clone(),
        };
        EntryRecord { from: rename(&entry.from), to: entry.to.as_ref().map(rename), text, ..entry.clone() }
    }

    /// The rights of a room without the person. A room of that person belongs to the moderator of the longest time, or else to
    /// the operators.
    fn without(&self, rights: &RoomRights) -> RoomRights {
        let mut rights = rights.clone();
        let gone: Vec<Holder> = rights.holders().filter(|holder| holder.user == self.user).cloned().collect();
        rights.succeed(&gone);
        if rights.owner.as_ref().is_some_and(|owner| owner.user == self.user) {
            rights.owner = None;
        }
        rights.invited.remove(&self.user);
        rights.banned.remove(&self.user);
        rights.muted.remove(&self.user);
        // A hook belongs to the room: programs go on to speak and to hear.
        rights.hooks.iter_mut().for_each(|hook| hook.by = self.rename(&hook.by));
        rights.outhooks.iter_mut().for_each(|hook| hook.by = self.rename(&hook.by));
        rights
    }
}

/// What stays of something that was said. What a room is about belongs to the room.
fn emptied(text: &Content) -> Content {
    match text {
        Content::Said(_) | Content::Bot(_) | Content::Amended { .. } | Content::Gone => Content::Gone,
        Content::Edit { of, .. } => Content::Edit { of: *of, text: Note::default() },
        Content::Removal { of, .. } => Content::Removal { of: *of, reason: Note::default() },
        Content::Topic(_) | Content::Moderation(_) | Content::Invitation(_) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Record {
        serde_json::from_str(line).unwrap()
    }

    fn rest(lines: &[&str], words: Words) -> Vec<String> {
        let mut erasure = Erasure::of(&"ann".parse().unwrap(), words);
        let mut left = Vec::new();
        let mut each = |record: &Record| {
            left.push(serde_json::to_string(record).unwrap());
            Ok(())
        };
        lines.iter().for_each(|line| erasure.apply(&read(line), &mut each).unwrap());
        erasure.finish(&mut each).unwrap();
        left
    }

    const TIME: &str = r#""time":"2026-11-05T00:00:00.000Z""#;

    fn entry(log: &str, from: &str, to: &str, text: &str) -> String {
        format!(r#"{{"entry":{{"log":"{log}","id":3,{TIME},"from":"{from}",{to}"text":"{text}"}}}}"#)
    }

    #[test]
    fn what_is_about_the_person_only_goes() {
        let lines = [
            r#"{"follow":{"user":"bob","publisher":"ann"}}"#,
            r#"{"block":{"user":"ann","blocked":"bob"}}"#,
            r##"{"mark":{"user":"bob","log":"+ann","read":3}}"##,
            r##"{"log":{"log":"@ann","epoch":"0000000000000007","last":3}}"##,
            &entry("+ann", "ann", "", "news"),
            r#"{"conversation":{"owner":"ann","peer":"bob","last":3,"read":1,"unread":1}}"#,
        ];
        assert_eq!(rest(&lines, Words::Kept), [""; 0]);
        let of_others = [r#"{"follow":{"user":"bob","publisher":"cyd"}}"#, &entry("#red", "bob", "", "hello")];
        assert_eq!(rest(&of_others, Words::Emptied), of_others);
    }

    #[test]
    fn what_was_said_to_others_is_emptied_or_kept_under_another_name() {
        let edit = entry("#red", "ann", "", "\\u0001edit 2 tulips");
        let (said, sent) = (entry("#red", "ann", "", "roses"), entry("@bob", "ann", r#""to":"bob","#, "psst"));
        let kick = entry("#red", "ann", "", "\\u0001moderation kick bob * spam");
        let lines = [said.as_str(), &edit, &sent, &kick];
        let kept: Vec<String> = lines.iter().map(|line| line.replace("\"ann\"", "\"erased\"")).collect();
        assert_eq!(rest(&lines, Words::Kept), kept);
        let emptied = rest(&lines, Words::Emptied).join("\n");
        for gone in ["roses", "tulips", "psst", "spam", "ann"] {
            assert!(!emptied.contains(gone), "{gone} in {emptied}");
        }
        assert_eq!(emptied.matches("\\u0001gone").count(), 2);
    }

    #[test]
    fn what_others_said_stays_without_the_name() {
        let lines = [
            entry("@bob", "bob", r#""to":"ann","#, "what?"),
            entry("#red", "bob", "", "\\u0001moderation mute ann * spam"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let left = rest(&lines, Words::Emptied).join("\n");
        assert!(left.contains("what?") && left.contains("mute erased * spam") && !left.contains("ann"), "{left}");
    }

    #[test]
    fn conversations_with_those_who_were_erased_are_one() {
        let conversation = |peer: &str, last: u64, unread: u64| {
            format!(r#"{{"conversation":{{"owner":"bob","peer":"{peer}","last":{last},"read":1,"unread":{unread}}}}}"#)
        };
        let (one, other, cyd) = (conversation("ann", 7, 1), conversation("erased", 9, 2), conversation("cyd", 3, 0));
        let left = rest(&[&one, &cyd, &other], Words::Kept);
        assert_eq!(left, [cyd, conversation("erased", 9, 3)]);
    }

    #[test]
    fn a_room_of_the_person_belongs_to_the_next_one() {
        let holder = |user: &str| format!(r#"{{"user":"{user}","account":"2026-11-01T00:00:00.001Z"}}"#);
        let rights = format!(
            r#"{{"rights":{{"room":"red","rights":{{"owner":{},"moderators":[{}],"topic":"","access":"public","post":"everyone","invited":["ann"],"banned":{{"ann":null}},"muted":{{}},"created":null,"hooks":[{{"hash":"{}","label":"ci","by":"ann","made":"2026-11-01T00:00:00.001Z"}}]}}}}}}"#,
            holder("ann"),
            holder("bob"),
            "0".repeat(64)
        );
        let left = rest(&[&rights], Words::Kept).join("");
        assert!(left.contains(&format!("\"owner\":{},\"moderators\":[]", holder("bob"))), "{left}");
        assert!(left.contains(r#""label":"ci","by":"erased""#), "{left}");
        assert!(!left.contains("\"ann\""), "{left}");
    }

    #[test]
    fn what_belongs_to_the_person_goes_and_what_others_keep_about_rooms_stays() {
        let hash = "0".repeat(64);
        let gone = [
            format!(
                r#"{{"ticket":{{"user":"ann","hash":"{hash}","label":"","made":"2026-11-01T00:00:00.001Z","used":null,"address":null,"lifetime":null,"revoked":false}}}}"#
            ),
            r#"{"address":{"user":"ann","address":"192.0.2.7","seen":"2026-11-01T00:00:00.001Z"}}"#.to_owned(),
            r#"{"remembered":{"user":"ann","room":"red"}}"#.to_owned(),
            r#"{"block":{"user":"bob","blocked":"ann"}}"#.to_owned(),
            r##"{"mark":{"user":"ann","log":"#red","read":3}}"##.to_owned(),
            format!(r##"{{"once":{{"log":"#red","author":"ann","key":"k","id":3,{TIME}}}}}"##),
            format!(r##"{{"once":{{"log":"@ann","author":"bob","key":"k","id":3,{TIME}}}}}"##),
            entry("@ann", "bob", r#""to":"ann","#, "what?"),
        ];
        let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
        assert_eq!(rest(&gone, Words::Kept), [""; 0]);
        // A room may have the name of a user.
        let stays = [
            r##"{"log":{"log":"#ann","epoch":"0000000000000007","last":3}}"##,
            r##"{"mark":{"user":"bob","log":"#ann","read":3}}"##,
            &entry("#ann", "bob", "", "hello, ann"),
        ];
        assert_eq!(rest(&stays, Words::Emptied), stays);
    }

    #[test]
    fn what_an_operator_sees_of_an_invitation_has_each_name_once() {
        let line = |by: &str, used: &str| {
            let hash = "0".repeat(64);
            format!(
                r#"{{"invitation":{{"hash":"{hash}","by":"{by}","operator":false,"rooms":[],"uses":3,"made":"2026-11-01T00:00:00.001Z","expires":"2026-11-02T00:00:00.001Z","used":[{used}]}}}}"#
            )
        };
        let left = rest(&[&line("ann", r#""ann","bob","erased""#)], Words::Kept);
        assert_eq!(left, [line("erased", r#""bob","erased""#)]);
    }

    #[test]
    fn of_each_kind_of_words_nothing_is_left_but_what_belongs_to_the_room() {
        let emptied = |text: &str| {
            let left = rest(&[&entry("#red", "ann", "", text)], Words::Emptied).remove(0);
            let expected = entry("#red", "erased", "", "");
            let (begin, end) = expected.split_at(expected.len() - 3);
            left.strip_prefix(begin).and_then(|left| left.strip_suffix(end)).expect(&left).to_owned()
        };
        let gone = "\\u0001gone";
        for text in ["roses", "\\u0001bot roses", "\\u0001amended 7 4 roses", gone] {
            assert_eq!(emptied(text), gone, "{text}");
        }
        assert_eq!(emptied("\\u0001edit 2 roses"), "\\u0001edit 2 ");
        assert_eq!(emptied("\\u0001removal 2 roses"), "\\u0001removal 2 ");
        // Without a user, a reason is the setting of the room.
        for stays in ["\\u0001topic roses", "\\u0001invitation red", "\\u0001moderation access * * private"] {
            assert_eq!(emptied(stays), stays);
        }
        assert_eq!(emptied("\\u0001moderation mute ann 7 spam"), "\\u0001moderation mute erased 7 ");
    }

    #[test]
    fn conversations_of_others_are_told_apart_and_given_in_their_order() {
        let conversation = |owner: &str, peer: &str, last: u64, read: u64| {
            format!(
                r#"{{"conversation":{{"owner":"{owner}","peer":"{peer}","last":{last},"read":{read},"unread":1}}}}"#
            )
        };
        let merged = |owner: &str, last: u64, read: u64| conversation(owner, "erased", last, read);
        let [one, two, three] =
            [conversation("bob", "ann", 7, 2), conversation("cyd", "ann", 3, 1), conversation("dan", "erased", 1, 0)];
        let own = conversation("ann", "bob", 7, 7);
        let left = rest(&[&own, &one, &two, &three], Words::Kept);
        assert_eq!(left, [merged("bob", 7, 2), merged("cyd", 3, 1), merged("dan", 1, 0)]);
        // The newest message and the newest one that was read count.
        let both = [conversation("bob", "ann", 3, 3), conversation("bob", "erased", 9, 2)];
        let left = rest(&[&both[0], &both[1]], Words::Kept);
        assert_eq!(left, [merged("bob", 9, 3).replace("\"unread\":1", "\"unread\":2")]);
    }

    #[test]
    fn a_room_without_a_moderator_belongs_to_the_operators_and_lists_nobody() {
        let time = "2026-11-01T00:00:00.001Z";
        let rights = |owner: &str, moderators: &str, others: &str, by: &str| {
            format!(
                r#"{{"rights":{{"room":"red","rights":{{"owner":{owner},"moderators":[{moderators}],"topic":"ann","access":"private","post":"everyone","invited":[],"banned":{{}},"muted":{{{others}}},"created":null,"outhooks":[{{"secret":"plo_07","url":"https://bot.example/in","by":"{by}","made":"{time}","after":4}}]}}}}}}"#
            )
        };
        let (ann, bob) =
            (format!(r#"{{"user":"ann","account":"{time}"}}"#), format!(r#"{{"user":"bob","account":"{time}"}}"#));
        let own = rights(&ann, "", r#""ann":null,"cyd":null"#, "ann");
        assert_eq!(rest(&[&own], Words::Kept), [rights("null", "", r#""cyd":null"#, "erased")]);
        let moderated = rights(&bob, &ann, "", "bob");
        assert_eq!(rest(&[&moderated], Words::Kept), [rights(&bob, "", "", "bob")]);
    }
}
