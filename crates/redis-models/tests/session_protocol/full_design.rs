//! The scenarios in which the whole design holds, each searched exhaustively. It must not leave anything out.

use stateright::{Checker, Model, Property};

use crate::design::{Design, Guest, Scenario};
use crate::model::{Action, Protocol};
use crate::state::World;
use crate::two;

fn holds(scenario: Scenario) {
    let checker = Protocol { design: Design::WHOLE, scenario: scenario.clone() }.checker().spawn_bfs().join();
    println!("{} states, {} steps deep: {scenario:?}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

/// A connection that does everything it may.
fn busy(server: u8) -> Guest {
    Guest::on(server).moving(1).speaking().quitting()
}

fn three() -> Scenario {
    Scenario::of([Guest::on(0), Guest::on(1), Guest::on(2)]).servers(3)
}

#[test]
fn takeover_holds_while_leases_run_out() {
    holds(two().lapses(2).logged_in(1));
    holds(Scenario::of([Guest::on(0).moving(1), Guest::on(1)]).lapses(1).logged_in(1));
    holds(Scenario::of([busy(0)]).lapses(1).audits(1));
}

#[test]
fn takeover_holds_while_a_lease_runs_out_and_commands_come_twice() {
    holds(two().lapses(1).repeats(1));
}

#[test]
fn takeover_holds_while_a_lease_runs_out_and_callers_give_up() {
    holds(two().lapses(1).timeouts(1));
    holds(Scenario::of([Guest::on(0), Guest::on(0)]).lapses(1).timeouts(1).logged_in(1));
}

#[test]
fn takeover_holds_while_a_lease_runs_out_and_sessions_are_looked_after() {
    holds(two().lapses(1).audits(1));
}

#[test]
fn takeover_holds_while_people_move_and_callers_give_up() {
    holds(Scenario::of([busy(0), busy(1)]).timeouts(1).repeats(1).lost_notices(1).logged_in(1));
    holds(Scenario::of([busy(0), Guest::on(1)]).timeouts(1).audits(1).logged_in(1));
    holds(Scenario::of([Guest::on(0).moving(2), Guest::on(1)]).timeouts(2).logged_in(1));
}

#[test]
fn takeover_holds_among_three() {
    holds(three().repeats(1));
    holds(three().timeouts(1).lost_notices(1).logged_in(1));
    holds(Scenario::of([Guest::on(0), Guest::on(1), Guest::on(0)]).lapses(1).logged_in(2));
}

#[test]
fn takeover_holds_after_all_was_lost() {
    holds(Scenario::of([Guest::on(0).moving(1), Guest::on(1)]).losses(1));
    holds(Scenario::of([Guest::on(0), Guest::on(1), Guest::on(0)]).losses(1).logged_in(1));
    holds(two().losses(1).lapses(1).logged_in(1));
}

#[test]
fn reject_holds_while_leases_run_out() {
    holds(two().lapses(2).logged_in(1).rejecting());
    holds(two().lapses(1).repeats(1).rejecting());
    holds(two().lapses(1).timeouts(1).rejecting());
}

#[test]
fn reject_holds_whatever_else_goes_wrong() {
    holds(Scenario::of([busy(0), busy(1)]).repeats(1).timeouts(1).audits(1).rejecting());
    holds(Scenario::of([Guest::on(0).quitting(), Guest::on(1), Guest::on(0)]).repeats(1).timeouts(1).rejecting());
    holds(two().losses(1).audits(1).rejecting());
}

#[test]
#[ignore = "searches many millions of states: minutes, and some GB of memory"]
fn wider_scenarios_hold() {
    holds(two().lapses(2));
    holds(two().lapses(1).repeats(1).timeouts(1).audits(1).logged_in(1));
    holds(Scenario::of([busy(0), Guest::on(1)]).lapses(1).timeouts(1).logged_in(1));
    holds(Scenario::of([Guest::on(0), Guest::on(1), Guest::on(0)]).lapses(1).logged_in(1));
    holds(three().lapses(1).logged_in(1));
}

/// The protocol with another question: does every state come to rest if only the actions that are bound to happen do
/// happen?
struct Resting(Protocol);

impl Model for Resting {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.0.init_states()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.0.actions(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        self.0.next_state(world, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let first = |model: &Self, world: &World| model.0.comes_to_rest(world, |steps| steps.first());
        let last = |model: &Self, world: &World| model.0.comes_to_rest(world, |steps| steps.last());
        vec![
            Property::always("whoever comes first goes on", first),
            Property::always("whoever comes last goes on", last),
        ]
    }
}

#[test]
fn it_comes_to_rest_by_itself() {
    for scenario in [two().lapses(1).logged_in(1), two().repeats(1).timeouts(1).rejecting(), two().timeouts(2)] {
        Resting(Protocol { design: Design::WHOLE, scenario }).checker().spawn_bfs().join().assert_properties();
    }
}
