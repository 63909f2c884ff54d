//! The world as the model checker needs it: which actions are possible next. It must not judge.

use stateright::{Model, Property};

use crate::connection::{Connection, Step};
use crate::design::{Design, Scenario};
use crate::keyspace::{Id, LOBBY, ROOMS, bits};
use crate::leftover::Leftover;
use crate::properties;
use crate::reaper;
use crate::recovery;
use crate::state::World;
use crate::transitions::{How, Mover};

/// More steps than any state needs to come to rest.
const STEPS_TO_REST: usize = 200;

pub(crate) struct Protocol {
    pub(crate) design: Design,
    pub(crate) scenario: Scenario,
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Start(u8),
    Run(u8, How),
    /// A command that no caller waits for runs.
    Arrive(usize),
    Move(u8),
    Say(u8),
    Quit(u8),
    Tell(u8),
    LoseNotice(u8),
    Undo(u8, usize),
    StartRestoring(u8),
    Restore(u8),
    StartReaping(u8, Id),
    Reap(u8),
    LeaseRunsOut(u8),
    ComeBack(u8),
    FenceRunsOut(u8),
    LoseAll,
}

impl Action {
    /// Whether it happens automatically after some time: its server lives, and no client needs to act.
    pub(crate) fn is_bound_to_happen(self, world: &World) -> bool {
        let connection = |number: u8| &world.connections[usize::from(number)];
        match self {
            Self::Run(number, How::Answered) | Self::Tell(number) => world.is_leased(connection(number).server),
            Self::StartRestoring(number) => connection(number).check,
            Self::Undo(server, _) | Self::Restore(server) | Self::Reap(server) => world.is_leased(server),
            Self::StartReaping(..) | Self::Arrive(_) => true,
            _ => false,
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let world = World::new(&self.scenario);
        let mut mover = Mover { design: &self.design, scenario: &self.scenario, world };
        for number in 0..self.scenario.logged_in {
            mover.log_in(number);
        }
        vec![mover.world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for connection in &world.connections {
            self.of_connection(world, connection, actions);
        }
        for server in 0..self.scenario.servers {
            self.of_server(world, server, actions);
        }
        actions.extend(world.arrivals(&self.design).map(Action::Arrive));
        if world.left.losses > 0 && world.are_all_at_rest() {
            actions.push(Action::LoseAll);
        }
        // Whether a fence that rejects nothing stays or expires does not matter: no enter begins behind a fence, as a
        // property says.
        let rooms = (0..).take(ROOMS);
        actions.extend(rooms.filter(|&room| world.is_fence_of_use(room)).map(Action::FenceRunsOut));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut mover = Mover { design: &self.design, scenario: &self.scenario, world: world.clone() };
        match action {
            Action::Start(number) => mover.with(number, Connection::start),
            Action::Run(number, how) => mover.run(number, how),
            Action::Arrive(index) => mover.arrive(index),
            Action::Move(number) => mover.with(number, |connection, here| {
                connection.move_to(here, if connection.room == Some(LOBBY) { 1 } else { LOBBY });
            }),
            Action::Say(number) => mover.say(number),
            Action::Quit(number) => mover.with(number, |connection, _| connection.depart()),
            Action::Tell(number) => mover.tell(number),
            Action::LoseNotice(number) => mover.lose_notice(number),
            Action::Undo(server, index) => mover.undo(server, index),
            Action::StartRestoring(number) => mover.start_restoring(number),
            Action::Restore(server) => mover.run_restorer(server),
            Action::StartReaping(server, dead) => mover.start_reaping(server, dead),
            Action::Reap(server) => mover.run_reaper(server),
            Action::LeaseRunsOut(server) => mover.lease_runs_out(server),
            Action::ComeBack(server) => mover.come_back(server),
            Action::FenceRunsOut(room) => mover.fence_runs_out(room),
            Action::LoseAll => mover.lose_all(),
        }
        mover.settle();
        Some(mover.world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Protocol {
    /// Whether the world becomes quiet if `choose` always picks one of the actions that are bound to happen.
    pub(crate) fn comes_to_rest(&self, world: &World, choose: fn(&[Action]) -> Option<&Action>) -> bool {
        let mut world = world.clone();
        for _ in 0..STEPS_TO_REST {
            if world.is_quiet() || !world.redis.lives.iter().any(|life| life.leased) {
                return true;
            }
            let mut actions = Vec::new();
            self.actions(&world, &mut actions);
            actions.retain(|action| action.is_bound_to_happen(&world));
            let Some(next) = choose(&actions).and_then(|&action| self.next_state(&world, action)) else { return false };
            world = next;
        }
        false
    }

    fn of_connection(&self, world: &World, connection: &Connection, actions: &mut Vec<Action>) {
        let number = connection.number;
        let guest = self.scenario.guests[usize::from(number)];
        let restorer = &world.server(connection.server).restorer;
        if self.design.restorer_excludes && connection.is_kept && restorer.looks_after(connection.generation) {
            return;
        }
        self.of_command(world, connection, actions);
        if bits(world.redis.notices).any(|told| told == number) {
            actions.push(Action::Tell(number));
            if world.left.lost_notices > 0 {
                actions.push(Action::LoseNotice(number));
            }
        }
        if !world.is_leased(connection.server) {
            return;
        }
        let may_begin = !world.server(connection.server).is_waiting;
        // Connections start in the order of their numbers: the scenario assigns them to servers.
        let is_next = number == 0 || world.connections[usize::from(number) - 1].step != Step::Outside;
        let is_idle = connection.step == Step::Idle;
        let is_looked_after = connection.is_kept && (connection.check || world.left.audits > 0);
        let may_be_looked_after = !self.design.restorer_excludes || !connection.is_entering_or_leaving();
        let is_restorer_free = restorer.step == recovery::Step::Idle && may_be_looked_after;
        let wishes = [
            (may_begin && connection.step == Step::Outside && is_next, Action::Start(number)),
            (may_begin && is_idle && connection.moves < guest.moves, Action::Move(number)),
            (is_idle && guest.speaks && !connection.spoke, Action::Say(number)),
            (is_idle && guest.quits, Action::Quit(number)),
            (is_restorer_free && is_looked_after, Action::StartRestoring(number)),
        ];
        actions.extend(wishes.into_iter().filter(|(wished, _)| *wished).map(|(_, action)| action));
    }

    fn of_command(&self, world: &World, connection: &Connection, actions: &mut Vec<Action>) {
        let here = world.here(&self.design, &self.scenario, connection.server);
        let Some(command) = connection.command(here) else { return };
        let mut may = |how| actions.push(Action::Run(connection.number, how));
        let may_time_out = connection.may_time_out() && world.left.timeouts > 0;
        if may_time_out {
            may(How::Lost);
            may(How::Late);
        }
        if world.is_behind(&self.design, connection.server, &command) {
            return;
        }
        may(How::Answered);
        if connection.may_time_out() && world.left.repeats > 0 {
            may(How::Unanswered);
            if !self.design.late_cut_off {
                may(How::CopyLeft);
            }
        }
    }

    fn of_server(&self, world: &World, server: u8, actions: &mut Vec<Action>) {
        let state = world.server(server);
        let reaps = state.reaper.step != reaper::Step::Idle;
        let is_ready = |command: &_| !world.is_behind(&self.design, server, command);
        if state.reaper.command(&self.design).as_ref().is_some_and(is_ready) {
            actions.push(Action::Reap(server));
        }
        if state.restorer.command().as_ref().is_some_and(is_ready) {
            actions.push(Action::Restore(server));
        }
        for (index, leftover) in state.leftovers.iter().enumerate() {
            let waits = |generation: u8| state.leftovers.iter().any(|other| other.is_membership_of(generation));
            let waits = matches!(leftover, Leftover::Session { generation, .. } if waits(*generation));
            if !waits && is_ready(&leftover.command()) {
                actions.push(Action::Undo(server, index));
            }
        }
        let serves = world.connections_on(server).any(Connection::is_active) || !state.leftovers.is_empty();
        if world.is_leased(server) {
            if self.design.survivors_reap && !reaps {
                let dead = world.redis.lives.iter().filter(|life| !life.leased);
                actions.extend(dead.map(|life| Action::StartReaping(server, life.id)));
            }
            // For a server that does nothing, this does not matter.
            if world.left.lapses > 0 && (serves || reaps || state.restorer.step != recovery::Step::Idle) {
                actions.push(Action::LeaseRunsOut(server));
            }
        } else {
            actions.push(Action::ComeBack(server));
        }
    }
}
