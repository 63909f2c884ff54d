//! What is written is read, and nothing else is.

use std::cell::RefCell;
use std::rc::Rc;

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

#[test]
fn a_count_that_is_another_one_is_told_as_such() {
    let (bytes, _) = written();
    let text = String::from_utf8(bytes).unwrap();
    for other in [r#""entry":2"#, r#""entry":1,"once":1"#] {
        let other = text.replace(r#""entry":1"#, other);
        let why = "the archive is damaged: the number of records is another one at line 5";
        assert_eq!(complaint(other.as_bytes()), why);
    }
    let without = text.replacen("{\"entry\"", "{\"entries\"", 1);
    assert_eq!(complaint(without.as_bytes()), "the archive is damaged: something that is no record at line 4");
    let blank = text.replacen('\n', "\n\n", 1);
    assert_eq!(complaint(blank.as_bytes()), "the archive is damaged: something that is no record at line 2");
}

#[test]
fn an_archive_is_read_to_its_end_before_it_says_what_was_in_it() {
    let (bytes, summary) = written();
    let mut reader = ArchiveReader::begin(bytes.as_slice()).unwrap();
    reader.next_record().unwrap();
    assert_eq!(reader.summary().unwrap_err().to_string(), "the archive is incomplete: it breaks off after line 2");
    let mut reader = ArchiveReader::begin(bytes.as_slice()).unwrap();
    while reader.next_record().unwrap().is_some() {}
    assert_eq!(reader.next_record().unwrap(), None, "there is one end");
    assert_eq!(reader.summary().unwrap(), summary);
    assert_eq!(summary.to_string(), format!("1 accounts, 1 logs, 1 entries; sha256 {}", summary.sha256));
    let none = Summary { records: Default::default(), ..summary };
    assert!(none.to_string().starts_with("0 accounts, 0 logs, 0 entries; "));
}

/// A target that has some records, and what is done to it.
#[derive(Clone, Default)]
struct Target(Rc<RefCell<Vec<String>>>, u64);

impl Target {
    fn note(&self, what: &str, record: &Record) {
        self.0.borrow_mut().push(format!("{what} {}", record.kind()));
    }
}

impl ArchiveTarget for Target {
    fn stored(&self) -> u64 {
        self.1
    }

    fn skip(&mut self, record: &Record) {
        self.note("skip", record);
    }

    fn store(&mut self, record: &Record) -> ArchiveResult<()> {
        self.note("store", record);
        Ok(())
    }

    fn finish(self: Box<Self>) -> ArchiveResult<()> {
        self.0.borrow_mut().push("finish".to_owned());
        Ok(())
    }
}

#[test]
fn an_import_goes_on_behind_what_is_stored_and_ends_if_all_is_as_it_was_written() {
    let (bytes, summary) = written();
    for (stored, expected) in [
        (0, "store account, store log, store entry, finish"),
        (2, "skip account, skip log, store entry, finish"),
        (3, "skip account, skip log, skip entry, finish"),
    ] {
        let (target, mut told) = (Target(Rc::default(), stored), Vec::new());
        let imported = import(bytes.as_slice(), Box::new(target.clone()), |count| told.push(count)).unwrap();
        assert_eq!((imported, told), (summary.clone(), vec![1, 2, 3]));
        assert_eq!(target.0.borrow().join(", "), expected);
    }
    // Whoever reads a damaged one to its end has seen all, and nobody else sees it.
    let damaged = String::from_utf8(bytes).unwrap().replace("roses", "tulip");
    let target = Target::default();
    assert!(import(damaged.as_bytes(), Box::new(target.clone()), |_| ()).is_err());
    assert_eq!(target.0.borrow().join(", "), "store account, store log, store entry");
}

/// A source that has some lines.
struct Lines(Vec<String>);

impl ArchiveSource for Lines {
    fn read(
        &mut self,
        _since: Option<Timestamp>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()> {
        self.0.iter().try_for_each(|line| each(&serde_json::from_str(line).unwrap()))
    }
}

#[test]
fn what_an_erasure_holds_back_comes_at_the_end_of_whatever_is_written() {
    let talk = |peer: &str, last: u64| {
        format!(r#"{{"conversation":{{"owner":"bob","peer":"{peer}","last":{last},"read":0,"unread":1}}}}"#)
    };
    let mut source = Lines(vec![talk("ann", 3), talk("erased", 2)]);
    let ann = || Erasure::of(&"ann".parse().unwrap(), Words::Emptied);
    let mut bytes = Vec::new();
    let summary = export_without(&mut source, &mut bytes, ann()).unwrap();
    assert_eq!(summary.records, [("conversation".to_owned(), 1)].into());
    let text = String::from_utf8(bytes).unwrap();
    let merged = r#"{"conversation":{"owner":"bob","peer":"erased","last":3,"read":0,"unread":2}}"#;
    assert_eq!(text.lines().nth(1), Some(merged));
    let target = Target::default();
    transfer_without(&mut source, Box::new(target.clone()), ann()).unwrap();
    assert_eq!(target.0.borrow().join(", "), "store conversation, finish");
    let target = Target::default();
    transfer(&mut source, Box::new(target.clone())).unwrap();
    assert_eq!(target.0.borrow().join(", "), "store conversation, store conversation, finish");
}
