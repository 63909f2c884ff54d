//! The steps of the protocol, and what must hold after each of them.

use stateright::{Model, Property};

use crate::state::{Command, Copy, FIRST, Phase, REAPER, SECOND, State, Token};

/// The parts of the design.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    /// The entry and the note that its copy is missing are one step.
    pub(crate) note_with_entry: bool,
    /// The recipient's slot knows the newest copy of the sender.
    pub(crate) known_copies: bool,
    /// Messages are compared by generation and number, not by number alone.
    pub(crate) generations: bool,
    /// A message whose entry was not the only one without a copy completes the earlier ones, too.
    pub(crate) earlier_first: bool,
    /// The copies for one recipient are one step.
    pub(crate) one_step: bool,
    /// A note is removed only after its copy is stored.
    pub(crate) copy_before_removal: bool,
    /// Another server completes what a dead one left.
    pub(crate) reaper: bool,
    /// A delivery that failed is tried again.
    pub(crate) retries: bool,
    /// If the answer to a message is not known, or its repetition is fenced off, its server looks for notes.
    pub(crate) looks_after_unknown: bool,
    /// A login looks for notes.
    pub(crate) looks_at_login: bool,
}

impl Design {
    pub(crate) const WHOLE: Self = Self {
        note_with_entry: true,
        known_copies: true,
        generations: true,
        earlier_first: true,
        one_step: true,
        copy_before_removal: true,
        reaper: true,
        retries: true,
        looks_after_unknown: true,
        looks_at_login: true,
    };
}

pub(crate) const ONCE: &str = "no message is in the recipient's inbox twice";
pub(crate) const IN_ORDER: &str = "the recipient's inbox has the order of the sender's";
pub(crate) const COMPLETE: &str = "at the end every message of the sender's inbox is in the recipient's";

#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    pub(crate) design: Design,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A process begins its next work.
    Begin(usize),
    /// A process sends its next command.
    Send(usize),
    /// Redis carries out a command, and the answer arrives.
    CarryOut(usize),
    /// Redis carries out a command, and the answer is lost: the link sends the command again.
    LoseAnswer(usize),
    /// A server takes a delivery for failed, though its command may still arrive.
    GiveUp(usize),
    /// The server of the first session dies. Its commands may still arrive.
    Die,
    /// The sender logs in at the second server.
    TakeOver,
}

impl Protocol {
    /// What a process does when it has nothing to do.
    fn work(&self, state: &State, at: usize) -> Option<Command> {
        let process = &state.processes[at];
        match process.phase {
            Phase::Failed if self.design.retries => Some(Command::ReadNotes),
            Phase::Idle if at == REAPER => {
                let is_needed = state.processes[FIRST].phase == Phase::Dead && !state.notes.is_empty();
                (self.design.reaper && is_needed).then_some(Command::ReadNotes)
            }
            Phase::Idle if process.left > 0 && (at == FIRST || state.generation == 2) => {
                let generation = if at == FIRST { 1 } else { 2 };
                Some(Command::Append((generation, process.seq + 1)))
            }
            // The sender logs in once more.
            Phase::Idle if at == SECOND && state.is_late && state.generation == 2 && !state.notes.is_empty() => {
                self.design.looks_at_login.then_some(Command::ReadNotes)
            }
            _ => None,
        }
    }

    /// The step of the sender's slot. The answer tells which copies to store next.
    fn append(&self, state: &mut State, token: Token) -> Option<Command> {
        let (generation, seq) = token;
        if generation < state.generation {
            return self.design.looks_after_unknown.then_some(Command::ReadNotes);
        }
        if seq > state.last_seq {
            state.last_seq = seq;
            state.sent.push(token);
            if self.design.note_with_entry {
                state.notes.push(state.sent.len() - 1);
            }
        }
        let at = state.sent.iter().position(|sent| *sent == token)?;
        if state.notes.len() > 1 && self.design.earlier_first {
            return Some(Command::ReadNotes);
        }
        let is_missing = !self.design.note_with_entry || state.notes.contains(&at);
        is_missing.then(|| self.deliver(vec![(at, token)]))
    }

    /// What comes first for some copies.
    fn deliver(&self, copies: Vec<Copy>) -> Command {
        if self.design.copy_before_removal {
            Command::StoreCopies(copies)
        } else {
            Command::RemoveNotes(copies.iter().map(|(at, _)| *at).collect())
        }
    }

    /// The step of the recipient's slot.
    fn store_copies(&self, state: &mut State, copies: &[Copy]) {
        for (_, token) in copies {
            let (known, new) =
                if self.design.generations { (state.newest, *token) } else { ((0, state.newest.1), (0, token.1)) };
            if !self.design.known_copies || new > known {
                state.got.push(*token);
                state.newest = *token;
            }
        }
    }

    /// Carries out a command, and returns what its process does next.
    fn carry_out(&self, state: &mut State, command: &Command) -> Option<Command> {
        match command {
            Command::Append(token) => self.append(state, *token),
            Command::ReadNotes => {
                let copies: Vec<Copy> = state.notes.iter().map(|&at| (at, state.sent[at])).collect();
                (!copies.is_empty()).then(|| self.deliver(copies))
            }
            Command::StoreCopies(copies) => {
                self.store_copies(state, copies);
                let places = copies.iter().map(|(at, _)| *at).collect();
                self.design.copy_before_removal.then_some(Command::RemoveNotes(places))
            }
            Command::RemoveNotes(places) => {
                state.notes.retain(|at| !places.contains(at));
                let copies = places.iter().map(|&at| (at, state.sent[at])).collect();
                (!self.design.copy_before_removal).then_some(Command::StoreCopies(copies))
            }
        }
    }

    fn send(&self, state: &mut State, at: usize, command: Command) {
        match &command {
            // The answer of the last one is waited for.
            Command::StoreCopies(copies) if !self.design.one_step => {
                let each = copies.iter().map(|copy| (at, Command::StoreCopies(vec![*copy])));
                state.in_flight.extend(each);
            }
            _ => state.in_flight.push((at, command.clone())),
        }
        state.in_flight.sort();
        state.processes[at].phase = Phase::Waiting(command);
    }

    /// The answer to a command arrives.
    fn answer(&self, state: &mut State, at: usize, command: &Command, next: Option<Command>) {
        let is_last = !state.in_flight.iter().any(|(of, other)| *of == at && kind(other) == kind(command));
        let process = &mut state.processes[at];
        let waits = match &process.phase {
            Phase::Waiting(waited) if self.design.one_step => waited == command,
            Phase::Waiting(waited) => kind(waited) == kind(command) && is_last,
            _ => false,
        };
        if !waits {
            return;
        }
        if let Command::Append((_, seq)) = command {
            process.left -= 1;
            process.seq = *seq;
        }
        let next = match (&process.phase, next) {
            // All copies were sent at the same time.
            (Phase::Waiting(Command::StoreCopies(all)), Some(Command::RemoveNotes(_))) => {
                Some(Command::RemoveNotes(all.iter().map(|(at, _)| *at).collect()))
            }
            (_, next) => next,
        };
        process.phase = next.map_or(Phase::Idle, Phase::Next);
    }
}

fn kind(command: &Command) -> std::mem::Discriminant<Command> {
    std::mem::discriminant(command)
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    /// The sender says something after the second login, or nothing.
    fn init_states(&self) -> Vec<State> {
        vec![State::start(0), State::start(1)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for at in [FIRST, SECOND, REAPER] {
            match &state.processes[at].phase {
                Phase::Next(_) => actions.push(Action::Send(at)),
                Phase::Waiting(_) if at != REAPER && state.failures > 0 => {
                    actions.push(Action::GiveUp(at));
                }
                Phase::Idle | Phase::Failed if self.work(state, at).is_some() => actions.push(Action::Begin(at)),
                _ => {}
            }
        }
        for at in 0..state.in_flight.len() {
            actions.push(Action::CarryOut(at));
            if state.losses > 0 {
                actions.push(Action::LoseAnswer(at));
            }
        }
        if state.deaths > 0 {
            actions.push(Action::Die);
        }
        if state.generation == 1 {
            actions.push(Action::TakeOver);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Begin(at) => state.processes[at].phase = Phase::Next(self.work(&state, at)?),
            Action::Send(at) => {
                let Phase::Next(command) = state.processes[at].phase.clone() else { return None };
                self.send(&mut state, at, command);
            }
            Action::CarryOut(at) => {
                let (process, command) = state.in_flight.remove(at);
                let is_awaited = matches!(state.processes[process].phase, Phase::Waiting(_) | Phase::Dead);
                state.is_late |= matches!(command, Command::Append(_)) && !is_awaited;
                let next = self.carry_out(&mut state, &command);
                self.answer(&mut state, process, &command, next);
            }
            Action::LoseAnswer(at) => {
                let (_, command) = state.in_flight[at].clone();
                self.carry_out(&mut state, &command);
                state.losses -= 1;
            }
            Action::GiveUp(at) => {
                let process = &mut state.processes[at];
                let mut next = Phase::Failed;
                if let Phase::Waiting(Command::Append((_, seq))) = process.phase {
                    process.left -= 1;
                    process.seq = seq;
                    if !self.design.looks_after_unknown {
                        next = Phase::Idle;
                    }
                }
                process.phase = next;
                state.failures -= 1;
            }
            Action::Die => {
                state.processes[FIRST].phase = Phase::Dead;
                state.deaths -= 1;
            }
            Action::TakeOver => {
                (state.generation, state.last_seq) = (2, 0);
                if self.design.looks_at_login {
                    state.processes[SECOND].phase = Phase::Failed;
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &State| {
                state.got.iter().enumerate().all(|(at, token)| !state.got[..at].contains(token))
            }),
            Property::always(IN_ORDER, |_, state: &State| {
                let places = state.got.iter().filter_map(|got| state.sent.iter().position(|sent| sent == got));
                places.collect::<Vec<_>>().is_sorted()
            }),
            Property::always(COMPLETE, |protocol: &Self, state: &State| {
                let mut actions = Vec::new();
                protocol.actions(state, &mut actions);
                // Whoever lives has nothing more to do, and nothing is on its way. A message that was taken for lost, and
                // stored later, waits for the next login.
                let waits_for_login = state.is_late && state.generation == 1;
                let is_outer = |action: &Action| matches!(action, Action::Die | Action::TakeOver);
                let goes_on = waits_for_login || !actions.iter().all(is_outer);
                goes_on || state.sent.iter().all(|sent| state.got.contains(sent))
            }),
        ]
    }
}
