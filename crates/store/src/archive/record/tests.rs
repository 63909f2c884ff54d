//! Records as lines: each is read as it was written, and nothing is read that no store would have written.

use parlor_core::ports::{Invitation, InvitationTerms};
use serde_json::{Map, Value};

use super::*;

const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A line of each kind, with all fields, and the names of those whom it is about.
fn lines() -> Vec<(String, &'static str)> {
    let time = "2026-11-01T00:00:00.001Z";
    let holder = |user: &str| format!(r#"{{"user":"{user}","account":"{time}"}}"#);
    let rights = format!(
        r#""owner":{},"moderators":[{}],"topic":"","access":"public","post":"everyone","invited":["cyd"],"banned":{{"dan":null}},"muted":{{"eve":null}},"created":null"#,
        holder("ann"),
        holder("bob")
    );
    let entry = |log: &str, to: &str, text: &str| {
        format!(r#"{{"entry":{{"log":"{log}","id":3,"time":"{time}","from":"ann",{to}"text":"{text}"}}}}"#)
    };
    let suspension = format!(r#"{{"until":"{time}","reason":"spam"}}"#);
    let lines = [
        (
            format!(
                r#"{{"account":{{"user":"ann","hash":"h","operator":true,"created":"{time}","kicks":2,"suspension":{suspension}}}}}"#
            ),
            "ann",
        ),
        (
            format!(
                r#"{{"ticket":{{"user":"ann","hash":"{HASH}","label":"my laptop","made":"{time}","used":"{time}","address":"192.0.2.7","lifetime":7,"revoked":true}}}}"#
            ),
            "ann",
        ),
        (
            format!(
                r#"{{"invitation":{{"hash":"{HASH}","by":"ann","operator":true,"rooms":["red"],"uses":3,"made":"{time}","expires":"{time}","used":["bob","cyd"]}}}}"#
            ),
            "ann bob cyd",
        ),
        (format!(r#"{{"address":{{"user":"ann","address":"bob","seen":"{time}"}}}}"#), "ann"),
        (r#"{"follow":{"user":"ann","publisher":"bob"}}"#.to_owned(), "ann bob"),
        (r#"{"block":{"user":"ann","blocked":"bob"}}"#.to_owned(), "ann bob"),
        (r#"{"remembered":{"user":"ann","room":"bob"}}"#.to_owned(), "ann"),
        (r##"{"mark":{"user":"ann","log":"#bob","read":3}}"##.to_owned(), "ann"),
        (r##"{"mark":{"user":"ann","log":"+bob","read":3}}"##.to_owned(), "ann bob"),
        (r##"{"log":{"log":"#ann","epoch":"0000000000000007","last":3,"others":1}}"##.to_owned(), ""),
        (r##"{"log":{"log":"+ann","epoch":"00000000000000ff","last":3,"others":1}}"##.to_owned(), "ann"),
        (r##"{"log":{"log":"@ann","epoch":"ffffffffffffffff","last":3,"others":1}}"##.to_owned(), "ann"),
        (format!(r#"{{"rights":{{"room":"red","rights":{{{rights}}}}}}}"#), "ann bob cyd dan eve"),
        (entry("#red", "", "hello, bob"), "ann"),
        (entry("#red", "", "\\u0001moderation kick bob * spam"), "ann bob"),
        (entry("+bob", "", "news"), "bob"),
        // What others have of a conversation is theirs.
        (entry("@bob", r#""to":"bob","#, "psst"), "bob"),
        (entry("@ann", r#""to":"bob","#, "psst"), "ann"),
        (format!(r##"{{"once":{{"log":"+bob","author":"ann","key":"K-1","id":3,"time":"{time}"}}}}"##), "ann"),
        (r#"{"conversation":{"owner":"ann","peer":"bob","last":3,"read":1,"unread":2}}"#.to_owned(), "ann"),
    ];
    lines.into()
}

fn read(line: &str) -> Result<Record, serde_json::Error> {
    serde_json::from_str(line)
}

/// The fields of a line, and the word for its kind.
fn fields(line: &str) -> (String, Map<String, Value>) {
    let Value::Object(record) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
    let (kind, fields) = record.into_iter().next().unwrap();
    let Value::Object(fields) = fields else { panic!("{line}") };
    (kind, fields)
}

fn line(kind: &str, fields: Map<String, Value>) -> String {
    Value::Object([(kind.to_owned(), Value::Object(fields))].into_iter().collect()).to_string()
}

#[test]
fn each_record_is_read_as_it_was_written_and_counted_under_its_own_word() {
    for (line, _) in lines() {
        let record = read(&line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        assert_eq!(record.kind(), fields(&line).0);
    }
}

#[test]
fn a_record_is_about_those_whom_it_belongs_to_or_names() {
    for (line, about) in lines() {
        let record = read(&line).unwrap();
        let found = ["ann", "bob", "cyd", "dan", "eve", "red"].into_iter();
        let found: Vec<&str> = found.filter(|user| record.is_about(&user.parse().unwrap())).collect();
        assert_eq!(found.join(" "), about, "{line}");
    }
}

#[test]
fn no_field_may_be_missing_or_unknown() {
    // What may be left out is what most records do not have.
    let optional = ["suspension", "used", "address", "lifetime", "others", "to"];
    let required = [("address", "address"), ("invitation", "used")];
    for (whole, _) in lines() {
        let (kind, known) = fields(&whole);
        let mut more = known.clone();
        more.insert("more".to_owned(), Value::from(1));
        assert!(read(&line(&kind, more)).is_err(), "more than {whole}");
        for name in known.keys() {
            let mut fewer = known.clone();
            fewer.remove(name);
            let name = name.as_str();
            let is_optional = optional.contains(&name) && !required.contains(&(kind.as_str(), name));
            assert_eq!(read(&line(&kind, fewer)).is_ok(), is_optional, "{whole} without {name}");
        }
    }
}

#[test]
fn what_is_not_there_is_not_written() {
    for line in [
        r#"{"account":{"user":"ann","hash":"h","operator":false,"created":"2026-11-01T00:00:00.001Z","kicks":0}}"#,
        r##"{"log":{"log":"#red","epoch":"0000000000000007","last":3}}"##,
        r##"{"entry":{"log":"#red","id":3,"time":"2026-11-01T00:00:00.001Z","from":"ann","text":"hello"}}"##,
    ] {
        assert_eq!(serde_json::to_string(&read(line).unwrap()).unwrap(), line);
    }
}

#[test]
fn no_value_is_read_that_no_store_has() {
    let wrong = [
        ("hash", "ba7816"),
        ("log", "red"),
        ("log", "#"),
        ("epoch", "none"),
        ("key", "no key"),
        ("text", " \\u0001"),
        ("user", "no name"),
        ("room", ""),
        ("made", "yesterday"),
    ];
    for (name, value) in wrong {
        let value: Value = serde_json::from_str(&format!("\"{value}\"")).unwrap();
        let mut tried = 0;
        // The hash of a password is whatever its function makes.
        for (whole, _) in lines().into_iter().filter(|(line, _)| !line.starts_with(r#"{"account""#) || name != "hash") {
            let (kind, mut known) = fields(&whole);
            if known.contains_key(name) {
                known.insert(name.to_owned(), value.clone());
                assert!(read(&line(&kind, known)).is_err(), "{name} {value} in {whole}");
                tried += 1;
            }
        }
        assert!(tried > 0, "{name}");
    }
}

#[test]
fn an_account_and_a_ticket_are_the_same_after_their_way() {
    let at = Timestamp::from_millis;
    for (role, suspension) in [
        (Role::Operator, None),
        (Role::Member, Some(Suspension { until: None, reason: Note::default() })),
        (Role::Member, Some(Suspension { until: Some(at(9)), reason: "spam".to_owned().into() })),
    ] {
        let (user, hash) = ("ann".parse().unwrap(), PasswordHash::new("h".to_owned()));
        let account = Account { user, hash, role, created: at(7), kicks: 3, suspension };
        let record = AccountRecord::from(account.clone());
        let suspension = record.suspension.clone().map(|it| Suspension { until: it.until, reason: it.reason });
        assert_eq!((record.role(), suspension), (account.role, account.suspension));
        assert_eq!((record.user, record.hash, record.created, record.kicks), (account.user, account.hash, at(7), 3));
    }
    let ann: UserName = "ann".parse().unwrap();
    let ticket = |lifetime| Ticket {
        hash: SecretHash::of("secret"),
        label: "laptop".to_owned().into(),
        made: at(1),
        used: Some(at(2)),
        address: Some("192.0.2.7".to_owned()),
        lifetime,
        is_revoked: true,
    };
    for lifetime in [None, Some(Duration::ZERO), Some(Duration::from_millis(1500))] {
        assert_eq!(TicketRecord::of(&ann, ticket(lifetime)).ticket(), ticket(lifetime));
    }
    // A time that is too long to be written is the longest that can be.
    let endless = TicketRecord::of(&ann, ticket(Some(Duration::MAX)));
    assert_eq!(endless.ticket().lifetime, Some(Duration::from_millis(u64::MAX)));
}

#[test]
fn an_invitation_is_the_same_after_its_way() {
    for role in [Role::Member, Role::Operator] {
        let (hash, by) = (SecretHash::of("code"), "root".parse().unwrap());
        let terms = InvitationTerms { hash, by, role, rooms: vec!["red".parse().unwrap()], uses: 3 };
        let used = ["bob", "ann"].map(|user| user.parse().unwrap()).into();
        let (made, expires) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        let invitation = Invitation { terms, made, expires, used };
        let record = InvitationRecord::from(invitation.clone());
        assert_eq!(record.used, ["ann", "bob"].map(|user| user.parse().unwrap()), "sorted");
        assert_eq!(record.invitation(), invitation);
    }
}

#[test]
fn the_other_user_of_a_conversation_is_whoever_does_not_own_the_inbox() {
    let peer = |log: LogId, from: &str, to: Option<&str>| {
        let (from, to) = (from.parse().unwrap(), to.map(|to| to.parse().unwrap()));
        let (id, time) = (MessageId(1), Timestamp::from_millis(7));
        let record = EntryRecord { log, id, time, from, to, text: Content::Gone };
        record.peer().map(ToString::to_string)
    };
    let inbox = || LogId::Inbox("ann".parse().unwrap());
    assert_eq!(peer(inbox(), "ann", Some("bob")).as_deref(), Some("bob"));
    assert_eq!(peer(inbox(), "bob", Some("ann")).as_deref(), Some("bob"));
    assert_eq!(peer(inbox(), "ann", Some("ann")).as_deref(), Some("ann"));
    assert_eq!(peer(inbox(), "bob", None), None);
    assert_eq!(peer(LogId::Room("red".parse().unwrap()), "ann", Some("bob")), None);
}
