//! What a program says by a hook, and was answered 200, is in the log, as a message of its label, in order. An ended hook lets
//! nothing in, and another one does. That nothing is there twice, and nothing that was refused, is checked for all that is said.

use std::collections::BTreeMap;

use crate::logs::Logs;
use crate::record::{Connection, Content, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

const LOST: &str = "what a program says is in the log";
const LABEL: &str = "what a program says is a message of its label";
const ORDER: &str = "what programs say is in order";
const ENDED: &str = "an ended hook lets nothing in";
const KEPT: &str = "a hook is valid until it is ended";

/// A request of a program.
struct Report<'a> {
    connection: usize,
    label: &'a str,
    room: &'a str,
    id: &'a str,
    text: &'a str,
    sent: Moment,
    answer: Option<(Moment, &'a Reply)>,
}

/// The end of a hook that was not refused for certain.
struct End {
    sent: Moment,
    /// When it was answered that it is done.
    done: Option<Moment>,
}

/// Checks everything that programs said.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let connections = || history.connections.iter().enumerate();
    let reports: Vec<Report<'_>> = connections().flat_map(|(number, it)| Report::all(number, it)).collect();
    let ends = ends(history);
    let mut found = disordered(&reports, logs);
    for report in &reports {
        let ends = ends.get(report.id).map_or(&[][..], Vec::as_slice);
        let wrong = report.judge(ends, history).or_else(|| report.misplaced(history, logs));
        let at = report.answer.map_or(report.sent, |(at, _)| at);
        found.extend(wrong.map(|(invariant, what)| Violation::new(invariant, what, at, [report.connection])));
    }
    found
}

fn ends(history: &History) -> BTreeMap<&str, Vec<End>> {
    let mut ends: BTreeMap<&str, Vec<End>> = BTreeMap::new();
    for exchange in history.connections.iter().flat_map(Connection::exchanges) {
        let Line::Unhook { id, .. } = exchange.line else { continue };
        if exchange.may_be_done() {
            ends.entry(id).or_default().push(End { sent: exchange.sent, done: exchange.done() });
        }
    }
    ends
}

/// What was posted after something else was answered, and has a smaller number.
fn disordered(reports: &[Report<'_>], logs: &Logs<'_>) -> Vec<Violation> {
    let place = |report: &Report<'_>| logs.place(report.text).map(|(_, id)| *id);
    let accepted: Vec<(&Report<'_>, u64)> =
        reports.iter().filter(|it| it.is_accepted()).filter_map(|it| Some((it, place(it)?))).collect();
    let mut found = Vec::new();
    for (later, id) in &accepted {
        let is_before = |it: &Report<'_>| it.room == later.room && it.answer.is_some_and(|(at, _)| at < later.sent);
        let is_same_life = |it: &Report<'_>| logs.life_of(it.text) == logs.life_of(later.text);
        let mut before = accepted.iter().filter(|(it, other)| other > id && is_before(it) && is_same_life(it));
        found.extend(before.next().map(|(earlier, other)| {
            let what = format!("{:?} is number {other}, and {:?}, which came later, {id}", earlier.text, later.text);
            Violation::new(ORDER, what, later.sent, [earlier.connection, later.connection])
        }));
    }
    found
}

impl<'a> Report<'a> {
    fn all(connection: usize, record: &'a Connection) -> impl Iterator<Item = Self> {
        let report = move |exchange: Exchange<'a>| {
            let Line::Report { room, id, text } = exchange.line else { return None };
            let (label, sent, answer) = (record.user.as_str(), exchange.sent, exchange.answer);
            Some(Self { connection, label, room, id, text, sent, answer })
        };
        record.exchanges().into_iter().filter_map(report)
    }

    fn is_accepted(&self) -> bool {
        matches!(self.answer, Some((_, Reply::Done)))
    }

    /// What is wrong with the answer, if anything is.
    fn judge(&self, ends: &[End], history: &History) -> Option<(&'static str, String)> {
        let (at, reply) = self.answer?;
        let what = || format!("{:?} by the hook {} of {}: {reply:?}", self.text, self.id, self.room);
        if *reply == Reply::Done {
            let is_ended = ends.iter().any(|end| end.done.is_some_and(|done| done < self.sent));
            return is_ended.then(|| (ENDED, what()));
        }
        let is_unknown = matches!(reply, Reply::Refused { code } if code == "404");
        let may_be_ended = !history.dumps.is_empty() || ends.iter().any(|end| end.sent < at);
        (is_unknown && !may_be_ended).then(|| (KEPT, what()))
    }

    /// What is wrong with its entry, if it was accepted. Nobody knows the text of one that was removed before anybody saw it,
    /// but who removes it saw it.
    fn misplaced(&self, history: &History, logs: &Logs<'_>) -> Option<(&'static str, String)> {
        if !self.is_accepted() {
            return None;
        }
        let Some((log, id)) = logs.place(self.text) else {
            let is_complete = history.reading > Moment::ZERO && history.kept.is_some() && history.dumps.is_empty();
            return is_complete.then(|| (LOST, format!("{:?} of {} is nowhere", self.text, self.label)));
        };
        let entry = logs.entry(log, *id)?;
        let is_right = entry.from == self.label && matches!(entry.content, Content::Bot | Content::Gone);
        (!is_right || !log.is_room(self.room)).then(|| (LABEL, format!("{:?} is {entry:?} of {log:?}", self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::{Entry, Heard, What};

    const NOTHING: [&str; 0] = [];

    fn report(story: &mut HistoryBuilder, text: &str, answer: Option<&str>) {
        let program = story.connect("bot0", 0);
        let (room, id, text) = ("lobby".to_owned(), "h1".to_owned(), text.to_owned());
        let reply = answer.map(|status| match status {
            "200" => Reply::Done,
            other => Reply::Refused { code: other.to_owned() },
        });
        story.ask(program, Line::Report { room, id, text }, reply);
    }

    fn hear(story: &mut HistoryBuilder, connection: usize, id: u64, text: &str, content: Content) {
        let entry = Entry { id, from: "bot0".to_owned(), to: None, text: text.to_owned(), content };
        story.note(connection, What::Heard(Heard::Message { room: "lobby".to_owned(), entry }));
    }

    fn unhook(story: &mut HistoryBuilder, connection: usize, reply: Option<Reply>) {
        story.ask(connection, Line::Unhook { room: "lobby".to_owned(), id: "h1".to_owned() }, reply);
    }

    #[test]
    fn what_was_answered_and_is_nowhere_is_found() {
        for (answer, expected) in [(Some("200"), &[LOST][..]), (Some("429"), &[]), (None, &[])] {
            let mut story = HistoryBuilder::default();
            story.log_in("ann", 0);
            report(&mut story, "r1", answer);
            assert_eq!(story.keep(&[]).read().judged_by(check), expected, "{answer:?}");
        }
    }

    #[test]
    fn what_is_no_message_of_its_label_is_found() {
        for (content, expected) in [(Content::Bot, &NOTHING[..]), (Content::Gone, &[]), (Content::Said, &[LABEL])] {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            report(&mut story, "r1", Some("200"));
            hear(&mut story, ann, 1, "r1", content);
            assert_eq!(story.judged_by(check), expected);
        }
    }

    #[test]
    fn what_is_not_in_order_is_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        report(&mut story, "r1", None);
        report(&mut story, "r2", Some("200"));
        report(&mut story, "r3", Some("200"));
        // What is not answered may be carried out at any time.
        hear(&mut story, ann, 1, "r2", Content::Bot);
        hear(&mut story, ann, 2, "r3", Content::Bot);
        hear(&mut story, ann, 3, "r1", Content::Bot);
        assert_eq!(story.judged_by(check), NOTHING);
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        report(&mut story, "r1", Some("200"));
        report(&mut story, "r2", Some("200"));
        hear(&mut story, ann, 1, "r2", Content::Bot);
        hear(&mut story, ann, 2, "r1", Content::Bot);
        assert_eq!(story.judged_by(check), [ORDER]);
    }

    #[test]
    fn an_ended_hook_that_lets_something_in_is_found() {
        for (reply, expected) in [(Some(Reply::Done), &[ENDED][..]), (None, &[])] {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            unhook(&mut story, ann, reply);
            report(&mut story, "r1", Some("200"));
            hear(&mut story, ann, 1, "r1", Content::Bot);
            assert_eq!(story.judged_by(check), expected);
        }
    }

    #[test]
    fn a_hook_that_lets_nothing_in_is_found() {
        for (is_ended, code, expected) in [(false, "404", &[KEPT][..]), (true, "404", &[]), (false, "429", &[])] {
            let mut story = HistoryBuilder::default();
            let ann = story.log_in("ann", 0);
            if is_ended {
                unhook(&mut story, ann, None);
            }
            report(&mut story, "r1", Some(code));
            assert_eq!(story.judged_by(check), expected);
        }
    }
}
