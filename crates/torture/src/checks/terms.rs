//! A mute or a ban with a duration holds for that time, and not longer. The clock of the store counts it, which goes as fast
//! as that of the clients.

use super::orders::{Kind, Orders};
use crate::record::{Connection, Exchange, History, Line, Reply};
use crate::report::Violation;

const MUTED: &str = "a mute holds as long as it was ordered";
const OVER: &str = "a mute or a ban ends in time";

/// Checks what was said, and what was refused. That nobody enters who is banned is checked elsewhere.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    // Nothing tells what held after the store was emptied.
    if !history.dumps.is_empty() {
        return found;
    }
    let orders = Orders::of(history);
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            found.extend(said_while_muted(number, connection, &exchange, &orders));
            found.extend(refused_too_long(number, connection, &exchange, &orders));
        }
    }
    found
}

/// What was said behind the answer to a mute, and accepted before its end.
fn said_while_muted(
    number: usize,
    connection: &Connection,
    exchange: &Exchange<'_>,
    orders: &Orders<'_>,
) -> Option<Violation> {
    let Some((at, Reply::Stored { room: Some(room), repeated: false, .. })) = exchange.answer else { return None };
    if !exchange.line.is_message() && !matches!(exchange.line, Line::Edit { .. }) {
        return None;
    }
    let mute = orders.holding(Kind::Mute, room, &connection.user, exchange.sent, at)?;
    let what = format!("{:?} was accepted in {room} from {}, muted at {:?}", exchange.line, connection.user, mute.sent);
    Some(Violation::new(MUTED, what, at, [number]))
}

/// What was refused for a mute or a ban although all of them were over.
fn refused_too_long(
    number: usize,
    connection: &Connection,
    exchange: &Exchange<'_>,
    orders: &Orders<'_>,
) -> Option<Violation> {
    let (at, user) = (exchange.answer?.0, &connection.user);
    let may_be = match (exchange.refused()?, exchange.line) {
        ("banned", Line::Join(room) | Line::Open(room)) => orders.may_hold(Kind::Ban, room, user, exchange.sent, at),
        // Not every line tells the room.
        ("muted", _) => orders.rooms().into_iter().any(|room| {
            orders.may_hold(Kind::Mute, room, user, exchange.sent, at)
                || orders.may_be_reserved(room, exchange.sent, at)
        }),
        _ => return None,
    };
    let what = || format!("{:?} of {user} was refused, and nothing keeps {user} out or silent", exchange.line);
    (!may_be).then(|| Violation::new(OVER, what(), at, [number]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::plan::FaultKind;

    const NOTHING: [&str; 0] = [];

    /// Jan orders something about ben in the lobby.
    fn order(story: &mut HistoryBuilder, by: usize, action: &'static str, more: &str) {
        let (room, about, more) = ("lobby".to_owned(), "ben".to_owned(), more.to_owned());
        story.ask(by, Line::Order { room, action, about, more }, Some(Reply::Done));
    }

    fn begun(action: &'static str, more: &str) -> (HistoryBuilder, usize, usize) {
        let mut story = HistoryBuilder::default();
        let (jan, ben) = (story.log_in("jan", 0), story.log_in("ben", 0));
        order(&mut story, jan, action, more);
        (story, jan, ben)
    }

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn who_speaks_before_the_end_of_a_mute_is_found() {
        for (after, expected) in [(1, &[MUTED][..]), (2, &NOTHING)] {
            let (mut story, _, ben) = begun("mute", "2s");
            story.wait(after).say(ben, "hi", 1);
            assert_eq!(invariants(story), expected, "{after}");
        }
        let (mut story, jan, ben) = begun("mute", "9s");
        order(&mut story, jan, "unmute", "");
        story.say(ben, "hi", 1);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn who_speaks_before_a_mute_is_answered_is_not_judged() {
        let mut story = HistoryBuilder::default();
        let (jan, ben) = (story.log_in("jan", 0), story.log_in("ben", 0));
        let (room, about, more) = ("lobby".to_owned(), "ben".to_owned(), "9s".to_owned());
        story.ask(jan, Line::Order { room, action: "mute", about, more }, None);
        story.say(ben, "hi", 1).refuse(ben, Line::Say("ho".to_owned()), "muted");
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_mute_that_does_not_end_is_found() {
        for (after, expected) in [(1, &NOTHING[..]), (3, &[OVER])] {
            let (mut story, _, ben) = begun("mute", "2s");
            story.wait(after).refuse(ben, Line::Say("hi".to_owned()), "muted");
            assert_eq!(invariants(story), expected, "{after}");
        }
    }

    #[test]
    fn what_else_keeps_silent_is_known() {
        let (mut story, jan, ben) = begun("mute", "2s");
        let post = |about: &str| {
            let (room, about) = ("lobby".to_owned(), about.to_owned());
            Line::Order { room, action: "post", about, more: String::new() }
        };
        story.ask(jan, post("moderators"), Some(Reply::Done)).wait(3);
        story.refuse(ben, Line::Say("hi".to_owned()), "muted");
        story.ask(jan, post("everyone"), Some(Reply::Done));
        let mut free = story;
        assert_eq!(check(&free.so_far()), []);
        free.refuse(ben, Line::Say("ho".to_owned()), "muted");
        assert_eq!(invariants(free), [OVER]);
    }

    #[test]
    fn a_later_mute_counts_and_not_the_earlier_one() {
        let (mut story, jan, ben) = begun("mute", "");
        order(&mut story, jan, "mute", "1s");
        story.wait(2).say(ben, "hi", 1).refuse(ben, Line::Say("ho".to_owned()), "muted");
        assert_eq!(invariants(story), [OVER]);
    }

    #[test]
    fn a_ban_that_does_not_end_is_found() {
        for (after, expected) in [(1, &NOTHING[..]), (3, &[OVER])] {
            let (mut story, _, ben) = begun("ban", "2s too loud");
            story.wait(after).refuse(ben, Line::Join("lobby".to_owned()), "banned");
            assert_eq!(invariants(story), expected, "{after}");
        }
    }

    #[test]
    fn a_clock_that_jumps_ends_it_at_any_time() {
        let (mut story, _, ben) = begun("mute", "2s");
        story.fault_of(FaultKind::Clock, 0, 1).say(ben, "hi", 1).wait(3);
        story.refuse(ben, Line::Say("ho".to_owned()), "muted");
        let mut history = story.history();
        assert_eq!(check(&history), []);
        history.store_has_own_clock = true;
        let found: Vec<_> = check(&history).into_iter().map(|violation| violation.invariant).collect();
        assert_eq!(found, [MUTED, OVER]);
    }
}
