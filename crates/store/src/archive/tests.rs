//! What is written is read, and nothing else is.

use parlor_core::ports::{Content, LogId, PasswordHash};
use parlor_proto::{Epoch, MessageId, Text, Timestamp};

use super::*;

fn records() -> Vec<Record> {
    let log = LogId::Room("garden".parse().unwrap());
    let text = Content::Said(Text::sanitise("roses are out").unwrap());
    let time = Timestamp::from_millis(1_795_392_000_007);
    vec![
        Record::Account(AccountRecord {
            user: "ann".parse().unwrap(),
            hash: PasswordHash::new("$2b$04$x".to_owned()),
            operator: true,
            created: time,
            kicks: 0,
            suspension: None,
        }),
        Record::Log(LogRecord { log: log.clone(), epoch: Epoch(7), last: MessageId(3), others: 0 }),
        Record::Entry(EntryRecord { log, id: MessageId(3), time, from: "ann".parse().unwrap(), to: None, text }),
    ]
}

fn written() -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let mut writer = ArchiveWriter::begin(&mut bytes, None).unwrap();
    for record in records() {
        writer.write(&record).unwrap();
    }
    let summary = writer.finish().unwrap();
    (bytes, summary)
}

fn complaint(bytes: &[u8]) -> String {
    verify(bytes).unwrap_err().to_string()
}

#[test]
fn an_archive_is_read_as_it_was_written() {
    let (bytes, summary) = written();
    let mut reader = ArchiveReader::begin(bytes.as_slice()).unwrap();
    let read: Vec<Record> = std::iter::from_fn(|| reader.next_record().unwrap()).collect();
    assert_eq!(read, records());
    assert_eq!(reader.summary().unwrap(), summary);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("{\"parlor-archive\":{\"version\":1,\"since\":null}}\n"), "{text}");
    let entry =
        r##"{"entry":{"log":"#garden","id":3,"time":"2026-11-23T00:00:00.007Z","from":"ann","text":"roses are out"}}"##;
    assert_eq!(text.lines().nth(3), Some(entry));
}

#[test]
fn every_cut_is_noticed() {
    let (bytes, _) = written();
    for length in 0..bytes.len() {
        assert!(verify(&bytes[..length]).is_err(), "{length}");
    }
    assert_eq!(complaint(&bytes[..bytes.len() - 1]), "the archive is incomplete: it breaks off after line 5");
    let without_last: usize = bytes.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum();
    assert_eq!(complaint(&bytes[..without_last]), "the archive is incomplete: it breaks off after line 3");
}

#[test]
fn every_flip_of_a_bit_is_noticed() {
    let (bytes, _) = written();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(verify(flipped.as_slice()).is_err(), "byte {at}, bit {bit}");
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let other = text.replace("roses", "tulip");
    assert_eq!(complaint(other.as_bytes()), "the archive is damaged: the digest is another one at line 5");
    let more = format!("{text}\n");
    assert_eq!(complaint(more.as_bytes()), "the archive is damaged: something follows the end at line 6");
}

#[test]
fn what_is_something_else_or_newer_is_refused() {
    for foreign in ["", "\n", "{}\n", "SQLite format 3\0", "{\"account\":1}\n"] {
        assert_eq!(complaint(foreign.as_bytes()), "this is no archive of Parlor", "{foreign}");
    }
    let newer = "{\"parlor-archive\":{\"version\":2,\"since\":null}}\n";
    assert!(complaint(newer.as_bytes()).contains("newer than version 1"));
    let endless = vec![b'x'; 5 << 20];
    assert!(verify(endless.as_slice()).is_err());
}
