//! The state, the steps and the properties of the model: one room, one member, two moderators, a network in which each
//! command arrives once, twice or never, at any time.

use stateright::{Model, Property};

/// No entry of a removed member follows the removal, unless the member has entered again.
pub(crate) const REMOVED_SILENT: &str = "the removed are silent";
/// Nobody is inside while the log says that they are banned.
pub(crate) const BANNED_OUTSIDE: &str = "the banned are outside";
/// No entry of a muted member follows the mute.
pub(crate) const MUTED_SILENT: &str = "the muted are silent";
/// The rights are what the log says.
pub(crate) const NONE_LOST: &str = "no act is lost";
/// Each act is in the log once.
pub(crate) const EACH_ONCE: &str = "each act is there once";

/// What each moderator does, in this order.
const PLANS: [&[Kind]; 2] = [&[Kind::Kick, Kind::Ban], &[Kind::Mute]];
const ENTERS: u8 = 1;
const APPENDS: u8 = 1;
const RESTORES: u8 = 1;

/// The parts of the design, each of which can be left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design {
    pub(crate) seat_ends_with_entry: bool,
    pub(crate) note_stops_who_comes_back: bool,
    pub(crate) note_stops_repetitions: bool,
    pub(crate) enter_judged_in_step: bool,
    pub(crate) append_judged_in_step: bool,
    pub(crate) rights_compared: bool,
    pub(crate) acts_recognised: bool,
}

impl Design {
    pub(crate) const WHOLE: Self = Self {
        seat_ends_with_entry: true,
        note_stops_who_comes_back: true,
        note_stops_repetitions: true,
        enter_judged_in_step: true,
        append_judged_in_step: true,
        rights_compared: true,
        acts_recognised: true,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Kick,
    Ban,
    Mute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Rights {
    banned: bool,
    muted: bool,
}

/// A command on its way to the room's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Command {
    /// The member enters, or its server puts the session back.
    Enter {
        seq: u8,
        is_back: bool,
    },
    Append {
        seq: u8,
    },
    Act {
        by: usize,
        step: usize,
        seen: u8,
        rights: Rights,
    },
    /// The seat ends in a step of its own. Only in a wrong design.
    EndSeat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LogEntry {
    /// By the member; `is_wrong` if the rights or a removal forbid it.
    Said {
        is_after_removal: bool,
        is_muted: bool,
    },
    Act {
        by: usize,
        step: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Moderator {
    step: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Idle,
    HasRead(u8, Rights),
    /// Until an answer comes.
    Waits,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// The number of the member's enter.
    seat: Option<u8>,
    /// The number of the enter of the session that was removed.
    note: Option<u8>,
    rights: Rights,
    rights_seq: u8,
    /// The last step of each moderator that was carried out.
    last_act: [Option<usize>; 2],
    log: Vec<LogEntry>,
    /// What is on its way, and how often it may still arrive.
    network: Vec<(Command, u8)>,
    /// Whether the member's server takes it for a member.
    is_member: bool,
    last_seq: u8,
    enters: u8,
    appends: u8,
    was_reaped: bool,
    /// How often the member's server may still put the session back.
    restores: u8,
    moderators: [Moderator; 2],
    /// What the log says: the member was removed at this enter, and has not entered since.
    removed_at: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Enter,
    Append,
    /// Another server ends the seat, since it takes the member's server for dead.
    Reap,
    ComeBack,
    /// The member's server hears that it was removed.
    Hear,
    Read(usize),
    Send(usize),
    Arrive(usize),
    /// The answer is lost.
    ArriveUnanswered(usize),
}

pub(crate) struct Protocol {
    pub(crate) design: Design,
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            seat: Some(0),
            note: None,
            rights: Rights::default(),
            rights_seq: 1,
            last_act: [None; 2],
            log: Vec::new(),
            // The enter that gave the member its seat may arrive again.
            network: vec![(Command::Enter { seq: 0, is_back: false }, 1)],
            is_member: true,
            last_seq: 0,
            enters: ENTERS,
            appends: APPENDS,
            was_reaped: false,
            restores: RESTORES,
            moderators: [Moderator { step: 0, stage: Stage::Idle }; 2],
            removed_at: None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let is_judged = self.design.enter_judged_in_step || !state.rights.banned;
        if !state.is_member && state.enters > 0 && is_judged {
            steps.push(Step::Enter);
        }
        if state.is_member && state.appends > 0 && (self.design.append_judged_in_step || !state.rights.muted) {
            steps.push(Step::Append);
        }
        if state.seat.is_some() && !state.was_reaped {
            steps.push(Step::Reap);
        }
        if state.is_member && state.seat.is_none() && state.was_reaped && state.restores > 0 && is_judged {
            steps.push(Step::ComeBack);
        }
        if state.is_member && state.removed_at.is_some() {
            steps.push(Step::Hear);
        }
        for (by, Moderator { step, stage }) in state.moderators.iter().enumerate() {
            match stage {
                Stage::Idle if *step < PLANS[by].len() => steps.push(Step::Read(by)),
                Stage::HasRead(..) => steps.push(Step::Send(by)),
                Stage::Idle | Stage::Waits => {}
            }
        }
        for (at, (command, left)) in state.network.iter().enumerate() {
            steps.push(Step::Arrive(at));
            if matches!(command, Command::Act { .. }) && *left > 1 {
                steps.push(Step::ArriveUnanswered(at));
            }
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Enter => {
                state.enters -= 1;
                state.last_seq += 1;
                let seq = state.last_seq;
                state.network.push((Command::Enter { seq, is_back: false }, 1));
            }
            Step::Append => {
                state.appends -= 1;
                state.last_seq += 1;
                let seq = state.last_seq;
                state.network.push((Command::Append { seq }, 1));
            }
            Step::Reap => {
                state.seat = None;
                state.was_reaped = true;
            }
            Step::ComeBack => {
                state.restores -= 1;
                state.last_seq += 1;
                let seq = state.last_seq;
                state.network.push((Command::Enter { seq, is_back: true }, 1));
            }
            Step::Hear => state.is_member = false,
            Step::Read(by) => state.moderators[by].stage = Stage::HasRead(state.rights_seq, state.rights),
            Step::Send(by) => {
                let Moderator { step, stage: Stage::HasRead(seen, mut rights) } = state.moderators[by] else {
                    return None;
                };
                match PLANS[by][step] {
                    Kind::Kick => {}
                    Kind::Ban => rights.banned = true,
                    Kind::Mute => rights.muted = true,
                }
                state.moderators[by].stage = Stage::Waits;
                state.network.push((Command::Act { by, step, seen, rights }, 2));
            }
            Step::Arrive(at) => self.arrive(&mut state, at, true),
            Step::ArriveUnanswered(at) => self.arrive(&mut state, at, false),
        }
        // What is on its way has no order.
        state.network.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(REMOVED_SILENT, |_, state: &State| {
                !state.log.iter().any(|entry| matches!(entry, LogEntry::Said { is_after_removal: true, .. }))
            }),
            Property::always(MUTED_SILENT, |_, state: &State| {
                !state.log.iter().any(|entry| matches!(entry, LogEntry::Said { is_muted: true, .. }))
            }),
            Property::always(BANNED_OUTSIDE, |_, state: &State| !(state.logged(Kind::Ban) && state.seat.is_some())),
            Property::always(NONE_LOST, |_, state: &State| {
                state.rights.banned == state.logged(Kind::Ban) && state.rights.muted == state.logged(Kind::Mute)
            }),
            Property::always(EACH_ONCE, |_, state: &State| {
                state.acts().all(|act| state.acts().filter(|other| *other == act).count() == 1)
            }),
        ]
    }
}

impl Protocol {
    fn arrive(&self, state: &mut State, at: usize, is_answered: bool) {
        let (command, left) = state.network[at];
        if left > 1 {
            state.network[at].1 = left - 1;
        } else {
            state.network.remove(at);
        }
        match command {
            Command::Enter { seq, is_back } => self.enter(state, seq, is_back),
            Command::Append { .. } => self.append(state),
            Command::Act { by, step, seen, rights } => {
                let is_done = self.act(state, by, step, seen, rights);
                let waits = Moderator { step, stage: Stage::Waits };
                if is_answered && state.moderators[by] == waits {
                    state.moderators[by] =
                        Moderator { step: if is_done { step + 1 } else { step }, stage: Stage::Idle };
                }
            }
            Command::EndSeat => state.seat = None,
        }
    }

    fn enter(&self, state: &mut State, seq: u8, is_back: bool) {
        if state.seat.is_some() || self.design.enter_judged_in_step && state.rights.banned {
            return;
        }
        if let Some(removed) = state.note {
            let is_repetition = !is_back && seq <= removed;
            if is_back && self.design.note_stops_who_comes_back || is_repetition && self.design.note_stops_repetitions {
                return;
            }
            state.note = None;
        }
        state.seat = Some(seq);
        if !is_back {
            state.is_member = true;
            if state.removed_at.is_some_and(|removed| seq > removed) {
                state.removed_at = None;
            }
        }
    }

    fn append(&self, state: &mut State) {
        if state.seat.is_none() || self.design.append_judged_in_step && state.rights.muted {
            return;
        }
        let (is_after_removal, is_muted) = (state.removed_at.is_some(), state.logged(Kind::Mute));
        state.log.push(LogEntry::Said { is_after_removal, is_muted });
    }

    /// Returns whether the act is done; otherwise its moderator reads the rights again.
    fn act(&self, state: &mut State, by: usize, step: usize, seen: u8, rights: Rights) -> bool {
        if self.design.acts_recognised && state.last_act[by] == Some(step) {
            return true;
        }
        if self.design.rights_compared && seen != state.rights_seq {
            return false;
        }
        state.rights = rights;
        state.rights_seq += 1;
        state.last_act[by] = Some(step);
        state.log.push(LogEntry::Act { by, step });
        if let (Kind::Kick | Kind::Ban, Some(seat)) = (PLANS[by][step], state.seat) {
            state.note = Some(seat);
            state.removed_at = Some(seat);
            if self.design.seat_ends_with_entry {
                state.seat = None;
            } else {
                state.network.push((Command::EndSeat, 1));
            }
        }
        true
    }
}

impl State {
    fn acts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.log.iter().filter_map(|entry| match entry {
            LogEntry::Act { by, step } => Some((*by, *step)),
            LogEntry::Said { .. } => None,
        })
    }

    /// Whether an act of this kind is in the log.
    fn logged(&self, kind: Kind) -> bool {
        self.acts().any(|(by, step)| PLANS[by][step] == kind)
    }
}
