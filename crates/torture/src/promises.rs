//! The promises of docs/protocol.md, each with its checks. It must not check anything.

use crate::statistics::Statistics;

/// One promise, as shown on the page of results.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) name: &'static str,
    /// The heading of docs/protocol.md above the promise.
    pub(crate) section: &'static str,
    /// The checks that find it broken.
    pub(crate) invariants: &'static [&'static str],
    /// The number of checked items, and their unit.
    pub(crate) looked_at: fn(&Statistics) -> u64,
    pub(crate) unit: &'static str,
}

const ORDER: &str = "order-and-delivery";
const SESSION: &str = "one-session-per-user";

/// All promises, in the order in which they are shown. Violations that no other promise lists belong to the last one.
pub(crate) const PROMISES: [Promise; 21] = [
    Promise {
        name: "What is accepted, or sent again, is in its log once",
        section: ORDER,
        invariants: &[
            "what is accepted is never lost",
            "nothing is accepted twice",
            "what is refused is not there",
            "what is sent again is told to be repeated",
            "an epoch lasts as long as the store",
        ],
        looked_at: |tally| tally.accepted,
        unit: "accepted",
    },
    Promise {
        name: "A member who stays hears every message once, in time",
        section: ORDER,
        invariants: &[
            "no message of the room is missed",
            "every message is heard exactly once",
            "what is accepted arrives in time",
            "nothing from before the join is heard",
        ],
        looked_at: |tally| tally.delivered,
        unit: "delivered",
    },
    Promise {
        name: "A room has one order, everywhere",
        section: ORDER,
        invariants: &[
            "messages are heard in the order of numbers",
            "no number is used twice",
            "numbers have no gap",
            "numbers follow the order of speech",
            "numbers only grow",
        ],
        looked_at: |tally| tally.delivered + tally.shown,
        unit: "entries",
    },
    Promise {
        name: "Publications come to each follower once, in order",
        section: ORDER,
        invariants: &["publications are heard in order, each once", "no publication is missed"],
        looked_at: |tally| tally.publications,
        unit: "delivered",
    },
    Promise {
        name: "Only members, followers and addressees hear",
        section: ORDER,
        invariants: &[
            "nothing of another room is heard",
            "publications are heard by followers only",
            "what is said to one is heard by no other",
            "only what was said is heard",
            "nobody hears themselves",
            "nobody hears of themselves",
        ],
        looked_at: |tally| tally.delivered + tally.publications + tally.direct + tally.presence,
        unit: "heard",
    },
    Promise {
        name: "A direct message is in both inboxes once, in order",
        section: "messages-to-one-and-to-all",
        invariants: &[
            "what is said to one is in both inboxes",
            "both inboxes have one order",
            "direct messages are heard in order, each once",
            "no direct message is missed",
            "what is said to one arrives in time",
        ],
        looked_at: |tally| tally.direct,
        unit: "delivered",
    },
    Promise {
        name: "A mark never moves back, and unread is what follows it",
        section: ORDER,
        invariants: &["a mark never moves back", "what is unread is what lies behind the mark"],
        looked_at: |tally| tally.marks,
        unit: "marks",
    },
    Promise {
        name: "An opened room comes back until it is closed",
        section: "rooms",
        invariants: &["an opened room comes back"],
        looked_at: |tally| tally.syncs,
        unit: "syncs",
    },
    Promise {
        name: "A page holds all that its log holds there",
        section: ORDER,
        invariants: &["a page holds all that the log holds there", "a page is in the order of numbers"],
        looked_at: |tally| tally.paged,
        unit: "entries",
    },
    Promise {
        name: "Who may not speak, enter or see a room does not",
        section: "rooms",
        invariants: &[
            "who is muted says nothing",
            "who was removed enters before speaking",
            "who is banned does not enter",
            "a private room is not shown to others",
            "a mute holds as long as it was ordered",
            "a mute or a ban ends in time",
        ],
        looked_at: |tally| tally.moderated,
        unit: "orders heard",
    },
    Promise {
        name: "A message shows its last edit, and a removed one nothing",
        section: ORDER,
        invariants: &[
            "a removed text is not seen again",
            "an accepted edit is seen",
            "no text changes without an entry that says so",
        ],
        looked_at: |tally| tally.rewritten,
        unit: "edits, removals heard",
    },
    Promise {
        name: "A user has one live session at any time",
        section: SESSION,
        invariants: &[
            "a user has one session",
            "a displaced session does nothing",
            "a displaced session hears nothing",
            "the policy of a second login is kept",
        ],
        looked_at: |tally| tally.sessions,
        unit: "sessions",
    },
    Promise {
        name: "A ticket lets its user in until it is revoked, nobody else",
        section: "tickets",
        invariants: &[
            "a revoked ticket lets nobody in",
            "a ticket is valid until it is revoked",
            "a ticket lets in its own user only",
        ],
        looked_at: |tally| tally.resumed,
        unit: "tickets shown",
    },
    Promise {
        name: "An invitation makes as many accounts as it has uses",
        section: "invitations",
        invariants: &[
            "an invitation makes no more accounts than it has uses",
            "a revoked invitation makes no account",
            "an invitation is valid until it is used or revoked",
            "who is invited has an account",
            "who is invited is in the rooms of the invitation",
        ],
        looked_at: |tally| tally.invited,
        unit: "accounts by invitation",
    },
    Promise {
        name: "A program speaks by its hook until that is ended",
        section: "hooks",
        invariants: &[
            "what a program says is in the log",
            "what a program says is a message of its label",
            "what programs say is in order",
            "an ended hook lets nothing in",
            "a hook is valid until it is ended",
        ],
        looked_at: |tally| tally.reported,
        unit: "reports",
    },
    Promise {
        name: "An outgoing hook posts all that is said, in order",
        section: "outgoing-hooks",
        invariants: &[
            "an outgoing hook skips nothing",
            "an outgoing hook posts in the order of numbers",
            "an outgoing hook posts what was said",
            "an outgoing hook posts nothing from before it was made",
        ],
        looked_at: |tally| tally.posted,
        unit: "posts",
    },
    Promise {
        name: "Who is gone is gone within 15 s, with one PART",
        section: SESSION,
        invariants: &[
            "who is gone is not shown any more",
            "a login leaves all earlier rooms",
            "comings and goings are told once each",
        ],
        looked_at: |tally| tally.lists + tally.presence,
        unit: "lists, comings, goings",
    },
    Promise {
        name: "Whoever speaks is answered, in time and in order",
        section: "while-the-store-is-away",
        invariants: &["whoever speaks is answered in time", "only what the protocol knows is said, where it belongs"],
        looked_at: |tally| tally.answered,
        unit: "answers",
    },
    Promise {
        name: "Who reads is not cut off, and after faults all flows again",
        section: "fast-slow-and-silent-clients",
        invariants: &["nobody is cut off who reads", "nobody is cut off without a fault", "everything flows again"],
        looked_at: |tally| tally.faults(),
        unit: "faults",
    },
    Promise {
        name: "Memory, threads and descriptors are bounded",
        section: "limits",
        invariants: &[
            "memory, threads and descriptors are bounded",
            "what clients took is let go of",
            "no server ends by itself",
        ],
        looked_at: |tally| tally.samples,
        unit: "samples",
    },
    Promise {
        name: "Nothing is found healthy that is dead",
        section: "connection",
        invariants: &["nothing is found healthy that is dead", "what works is found healthy"],
        looked_at: |tally| tally.probes,
        unit: "health checks",
    },
];

impl Promise {
    /// The promise that is broken if `invariant` is broken.
    pub(crate) fn of(invariant: &str) -> &'static Self {
        let known = PROMISES.iter().find(|promise| promise.invariants.contains(&invariant));
        known.unwrap_or(&PROMISES[PROMISES.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The source of each check up to its tests.
    fn checks() -> String {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = fs::read_dir(directory.join("checks")).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|path| !path.ends_with("story.rs")).chain([directory.join("logs.rs")]);
        let shipped = |path| fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap_or("").to_owned();
        files.map(shipped).collect()
    }

    #[test]
    fn every_invariant_of_a_promise_is_one_of_a_check() {
        let checks = checks();
        for invariant in PROMISES.iter().flat_map(|promise| promise.invariants) {
            assert!(checks.contains(&format!("\"{invariant}\"")), "no check finds: {invariant}");
        }
    }

    #[test]
    fn every_invariant_of_a_check_belongs_to_one_promise() {
        let all: Vec<&str> = PROMISES.iter().flat_map(|promise| promise.invariants).copied().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        // Every name in a line that creates a violation, or in a constant.
        let checks = checks();
        let named = checks.split(['\n']).filter_map(|line| {
            let line = line.trim();
            let at = ["const ", "Violation::new(\"", "broken(\"", "saw(\""].iter().find_map(|way| line.find(way))?;
            line[at..].split('"').nth(1)
        });
        let unknown: Vec<&str> = named.filter(|name| name.len() > 3 && !all.contains(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }

    #[test]
    fn every_promise_stands_under_a_heading_of_the_protocol() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
        let page = fs::read_to_string(page).unwrap();
        let headings = page.lines().filter_map(|line| Some(line.strip_prefix("##")?.trim_start_matches('#').trim()));
        let anchors: Vec<String> =
            headings.map(|heading| heading.to_lowercase().replace(',', "").replace(' ', "-")).collect();
        for promise in &PROMISES {
            assert!(anchors.iter().any(|anchor| anchor == promise.section), "no heading {}", promise.section);
        }
    }
}
