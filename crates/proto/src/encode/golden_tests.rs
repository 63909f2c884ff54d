//! The golden files: every JSON line of the golden tables, and the words of the protocol, for clients in other
//! languages, whose tests read them. `PARLOR_WRITE_GOLDEN=1` writes them again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{hook_tests, invitation_tests, rights_tests, tests, ticket_tests};
use crate::event::{Bye, Event};
use crate::format::Format;
use crate::refusal::RefusalCode;
use crate::rights::{Access, Action, RoomRole, Speakers};
use crate::verb::{VERBS, VerbPhase};
use serde_json::{Value, json};

fn lines() -> Vec<String> {
    let tables = [
        tests::golden_json(),
        rights_tests::golden_json(),
        ticket_tests::golden_json(),
        invitation_tests::golden_json(),
        hook_tests::golden_json(),
    ];
    tables.concat()
}

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn vocabulary() -> Value {
    let refusals: Vec<&str> = RefusalCode::ALL.iter().map(|(code, _)| code.as_str()).collect();
    let commands: Vec<Value> = VERBS
        .iter()
        .filter(|info| info.phase != VerbPhase::BeforeLogin)
        .map(|info| json!({"word": info.word, "usage": info.usage(true), "operators": info.operator_only}))
        .collect();
    json!({
        "refusals": refusals,
        "goodbyes": words(Bye::ALL),
        "roles": words(RoomRole::ALL),
        "actions": words(Action::ALL),
        "access": words(Access::ALL),
        "post": words(Speakers::ALL),
        "commands": commands,
    })
}

/// Compares a file with what it should hold, or writes it.
fn golden_file(name: &str, wanted: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("PARLOR_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, wanted, "golden/{name} is old; PARLOR_WRITE_GOLDEN=1 writes it again");
}

/// The names that stand for variants, as the decoder lists them when it meets a name that it does not know.
fn variants(line: &str) -> BTreeSet<String> {
    let message = serde_json::from_str::<Event>(line).unwrap_err().to_string();
    let (_, expected) = message.split_once("expected one of").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn values_of(key: &str) -> BTreeSet<String> {
    let of = |line: &String| serde_json::from_str::<Value>(line).unwrap()[key].as_str().map(str::to_owned);
    lines().iter().filter(|line| key == "type" || line.starts_with(r#"{"type":"ok""#)).filter_map(of).collect()
}

#[test]
fn the_golden_tables_hold_every_event_and_every_reply() {
    assert_eq!(values_of("type"), variants(r#"{"type":"?"}"#));
    assert_eq!(values_of("command"), variants(r#"{"type":"ok","command":"?"}"#));
}

#[test]
fn the_golden_files_are_those_of_the_tables() {
    golden_file("events.jsonl", &(lines().join("\n") + "\n"));
    golden_file("vocabulary.json", &(serde_json::to_string_pretty(&vocabulary()).unwrap() + "\n"));
}

/// Adds a field that nobody knows to every object.
fn with_new_fields(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().map(|(key, value)| (key, with_new_fields(value)));
            Value::Object(known.chain([("brand-new".to_owned(), json!([{"more": 1}]))]).collect())
        }
        Value::Array(items) => items.into_iter().map(with_new_fields).collect(),
        other => other,
    }
}

#[test]
fn clients_ignore_new_fields_at_every_depth() {
    for line in lines() {
        let newer = with_new_fields(serde_json::from_str(&line).unwrap()).to_string();
        let event = |line: &str| serde_json::from_str::<Event>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(event(&newer), event(&line));
    }
}

#[test]
fn a_reply_answers_the_command_that_its_json_names() {
    for line in lines() {
        let Ok(Event::Ok(reply)) = serde_json::from_str(&line) else { continue };
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["command"], reply.verb().word(), "{line}");
    }
}

#[test]
fn every_event_says_its_type_first() {
    for line in lines() {
        let event: Event = serde_json::from_str(&line).unwrap();
        let written = tests::encoded(&event, Format::Json);
        let value: Value = serde_json::from_str(&written).unwrap();
        assert!(written.starts_with(&format!(r#"{{"type":{},"#, value["type"])), "{written}");
    }
}
