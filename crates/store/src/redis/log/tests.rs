//! The answers to appends and to requests for pages.

use super::*;

#[test]
fn whoever_looked_earlier_than_the_first_is_told_from_where_on_it_hears() {
    let head = |epoch, last| Head { epoch: Epoch(epoch), last: MessageId(last) };
    assert_eq!(from_where(head(1, 5), head(1, 7)), head(1, 7));
    assert_eq!(from_where(head(1, 9), head(1, 7)), head(1, 9));
    // The position on this server belongs to an earlier epoch.
    assert_eq!(from_where(head(2, 1), head(1, 7)), head(2, 1));
}

/// An answer to an append in words; none if Redis does not know the session.
fn told(reply: StoreResult<Value>) -> Option<String> {
    Some(match read(reply)? {
        Ok(Appended { result, undelivered: None }) => format!("{result:?}"),
        Ok(Appended { result, undelivered: Some(left) }) => format!("{result:?}, {left} left"),
        Err(error) => error.to_string(),
    })
}

fn number_of(answer: i64) -> Option<String> {
    told(Ok(Value::Int(answer)))
}

fn list_of(answer: &[i64]) -> String {
    told(Ok(Value::Array(answer.iter().copied().map(Value::Int).collect()))).unwrap()
}

#[test]
fn a_number_says_where_an_append_is_or_why_it_is_nowhere() {
    assert_eq!(number_of(ABSENT), None);
    for (answer, expected) in [
        (12, "Stored(MessageId(12))"),
        (-1, "Fenced"),
        (-2, "an append came too late"),
        (-3, "Blocked"),
        (-4, "too many direct messages wait for a copy"),
    ] {
        assert_eq!(number_of(answer).as_deref(), Some(expected));
    }
    let lost = told(Err(StoreError::new("the link broke")));
    assert_eq!(lost.as_deref(), Some("the link broke"));
}

#[test]
fn a_list_says_that_an_append_is_repeated_or_how_many_copies_are_missing() {
    assert_eq!(list_of(&[12]), "Repeated(MessageId(12))");
    assert_eq!(list_of(&[12, 3]), "Stored(MessageId(12)), 3 left");
    assert_eq!(list_of(&[12, 0]), "Stored(MessageId(12)), 0 left");
    assert_eq!(list_of(&[12, 3, 1]), "Repeated(MessageId(12)), 3 left");
    for strange in [&[][..], &[1, 2, 3, 4, 5], &[-11, 0, 0, 0], &[5, 0, 0, 0]] {
        assert_eq!(list_of(strange), "an append has an unexpected answer", "{strange:?}");
    }
    assert!(told(Ok(Value::SimpleString("fine".to_owned()))).is_some_and(|told| !told.contains("MessageId")));
}

#[test]
fn a_list_of_four_says_why_the_room_denies_it() {
    let denied = |code: i64, detail: i64| match read(Ok(Value::Array([code, detail, 0, 0].map(Value::Int).into()))) {
        Some(Ok(Appended { result: AppendResult::Denied(denial), undelivered: None })) => denial,
        other => panic!("{other:?}"),
    };
    assert_eq!(denied(-6, 0), Denial::Muted(None));
    assert_eq!(denied(-6, 1_795_379_498_719), Denial::Muted(Some(Timestamp::from_millis(1_795_379_498_719))));
    assert_eq!(denied(-7, 0), Denial::NoSuchMessage);
    assert_eq!(denied(-8, 0), Denial::NotAllowed("the author of the message"));
    assert_eq!(denied(-9, 1500), Denial::TooLate(Duration::from_millis(1500)));
    assert_eq!(denied(-9, 0), Denial::TooLate(Duration::ZERO));
    assert_eq!(denied(-10, 0), Denial::NotInRoom);
}

/// An entry of a stream; one that cannot be read without a number.
fn entry(id: Option<u64>) -> Value {
    let text = |text: &str| Value::BulkString(text.into());
    let id = id.map_or_else(|| "strange".to_owned(), |id| format!("{id}-0"));
    Value::Array(vec![text(&id), Value::Array(["from", "ann", "time", "7", "text", "x"].map(text).into())])
}

#[test]
fn one_entry_too_many_says_that_there_are_more_and_is_not_shown() {
    let page = |range: PageRange, count: usize, entries: &[Option<u64>]| {
        let log = LogId::Room("red".parse().unwrap());
        let found = entries.iter().copied().map(entry).collect();
        let page = read_page(&PageRequest { log, peer: None, range, count }, Ok(Value::Array(found))).unwrap();
        (page.entries.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), page.more)
    };
    let three = [Some(7), Some(8), Some(9)];
    assert_eq!(page(PageRange::After(MessageId(6)), 2, &three), (vec![7, 8], true));
    assert_eq!(page(PageRange::After(MessageId(6)), 3, &three), (vec![7, 8, 9], false));
    // Scripts tell the newest first, unless they go on after a number.
    let turned = [Some(9), Some(8), Some(7)];
    for range in [PageRange::Newest, PageRange::Before(MessageId(10))] {
        assert_eq!(page(range, 2, &turned), (vec![8, 9], true));
        assert_eq!(page(range, 4, &turned), (vec![7, 8, 9], false));
        assert_eq!(page(range, 0, &turned[..1]), (vec![], true));
    }
    // An entry that cannot be read has its place, so that nobody takes the rest for the end.
    assert_eq!(page(PageRange::Newest, 2, &[Some(9), None, Some(7)]), (vec![9], true));
}
