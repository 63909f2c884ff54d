//! A dead server is never reported healthy, and a healthy server is never reported dead: a health check agrees with a
//! message that is sent at the same time.

use std::time::Duration;

use super::{ARRIVES_WITHIN, RECOVERY};
use crate::record::{History, Probe};
use crate::report::Violation;

/// A fault may begin or end this long before or after a health check.
const EDGE: Duration = Duration::from_secs(1);

/// Checks every health check.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    for probe in &history.probes {
        let mut broken = |invariant, what: &str| {
            let what = format!("server {} was found {what}", probe.server);
            found.push(Violation::new(invariant, what, probe.answered, []));
        };
        if probe.healthy && stood_still(probe, history) {
            broken("nothing is found healthy that is dead", "healthy, and stood still");
        } else if probe.healthy && is_deaf(probe, history) {
            broken("nothing is found healthy that is dead", "healthy, and accepted no message around that time");
        } else if !probe.healthy && is_calm(probe, history) {
            broken("what works is found healthy", "dead, and there was no fault");
        }
    }
    found
}

/// Whether the server was frozen or down from before the health check was sent until after it was answered.
fn stood_still(probe: &Probe, history: &History) -> bool {
    let spans = history.spans.iter().filter(|span| span.fault.stills(probe.server));
    spans.into_iter().any(|span| span.from + EDGE < probe.asked && probe.answered + EDGE < span.to)
}

/// Whether no message of the server's canary was accepted around that time, although there was no fault.
fn is_deaf(probe: &Probe, history: &History) -> bool {
    let (from, until) = (probe.asked.saturating_sub(RECOVERY), probe.answered + ARRIVES_WITHIN);
    let is_judged = from > history.chaos.0 && until < history.chaos.1;
    if !is_judged || history.calm(from, until, RECOVERY) < until - from {
        return false;
    }
    let canaries = history.connections.iter().filter(|it| it.server == probe.server && it.user.starts_with("canary"));
    let mut exchanges = canaries.flat_map(|canary| canary.exchanges()).filter(|exchange| exchange.line.is_message());
    !exchanges.any(|exchange| exchange.stored().is_some_and(|(at, _)| (from..until).contains(&at)))
}

fn is_calm(probe: &Probe, history: &History) -> bool {
    let from = probe.asked.saturating_sub(RECOVERY);
    history.calm(from, probe.answered, RECOVERY) == probe.answered - from
}

#[cfg(test)]
mod tests {
    use crate::checks::history_builder::HistoryBuilder;
    use crate::plan::FaultKind;

    use super::*;

    fn invariants(mut history: History, asked: u64, healthy: bool) -> Vec<&'static str> {
        history.chaos = (Duration::ZERO, Duration::from_secs(60));
        let (asked, answered) = (Duration::from_secs(asked), Duration::from_millis(asked * 1000 + 20));
        history.probes.push(Probe { server: 0, asked, answered, healthy });
        check(&history).into_iter().map(|violation| violation.invariant).collect()
    }

    /// A canary whose messages are accepted until the given second of the history.
    fn canary_until(end: u64) -> HistoryBuilder {
        let mut story = HistoryBuilder::default();
        let canary = story.log_in("canary-0", 0);
        for second in 1..=end {
            story.wait(1).say(canary, &format!("c{second}"), second);
        }
        story
    }

    #[test]
    fn what_works_and_is_healthy_is_fine() {
        assert_eq!(invariants(canary_until(40).history(), 20, true), Vec::<&str>::new());
    }

    #[test]
    fn a_dead_server_that_is_found_healthy_is_found() {
        assert_eq!(invariants(canary_until(10).history(), 20, true), ["nothing is found healthy that is dead"]);
        let mut story = canary_until(40);
        story.fault_of(FaultKind::Freeze, 18, 25);
        assert_eq!(invariants(story.history(), 20, true), ["nothing is found healthy that is dead"]);
    }

    #[test]
    fn a_living_server_that_is_found_dead_is_found() {
        assert_eq!(invariants(canary_until(40).history(), 20, false), ["what works is found healthy"]);
        let mut story = canary_until(40);
        story.fault_of(FaultKind::Freeze, 18, 25);
        assert_eq!(invariants(story.history(), 20, false), Vec::<&str>::new());
    }
}
