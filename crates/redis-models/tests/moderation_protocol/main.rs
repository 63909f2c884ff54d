//! Moderation on Redis against appends, enters and sessions that come back, under a model checker, which tries every order of
//! events within the bounds of a scenario. It must not use the code of the store: it checks the design that the scripts
//! and `store/src/redis/governance.rs` follow.

mod model;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use model::{BANNED_OUTSIDE, Design, EACH_ONCE, MUTED_SILENT, NONE_LOST, Protocol, REMOVED_SILENT};

fn check(design: Design, properties: &[&'static str]) -> impl Checker<Protocol> {
    let wanted = HasDiscoveries::AnyOf(properties.iter().copied().collect::<BTreeSet<_>>());
    Protocol { design }.checker().finish_when(wanted).spawn_bfs().join()
}

#[test]
fn whoever_is_removed_banned_or_muted_is_so_from_the_entry_on() {
    let all = [REMOVED_SILENT, BANNED_OUTSIDE, MUTED_SILENT, NONE_LOST, EACH_ONCE];
    let checked = check(Design::WHOLE, &all);
    println!("{} states", checked.unique_state_count());
    all.iter().for_each(|property| checked.assert_no_discovery(property));
    assert!(checked.unique_state_count() > 1_000);
}

/// Checks that the property fails without a part of the design.
fn lacking(remove: impl FnOnce(&mut Design), property: &'static str) {
    let mut design = Design::WHOLE;
    remove(&mut design);
    let steps = check(design, &[property]).assert_any_discovery(property).into_actions();
    println!("{} steps: {steps:?}", steps.len());
}

#[test]
fn if_the_seat_ends_later_than_the_entry_the_removed_speak() {
    lacking(|design| design.seat_ends_with_entry = false, REMOVED_SILENT);
}

#[test]
fn without_a_note_a_session_that_comes_back_has_its_seat_again() {
    lacking(|design| design.note_stops_who_comes_back = false, REMOVED_SILENT);
}

#[test]
fn without_the_number_in_the_note_a_repeated_enter_undoes_a_removal() {
    lacking(|design| design.note_stops_repetitions = false, REMOVED_SILENT);
}

#[test]
fn if_an_enter_is_judged_before_it_the_banned_enter() {
    lacking(|design| design.enter_judged_in_step = false, BANNED_OUTSIDE);
}

#[test]
fn if_an_append_is_judged_before_it_the_muted_speak() {
    lacking(|design| design.append_judged_in_step = false, MUTED_SILENT);
}

#[test]
fn if_the_rights_are_not_compared_one_act_undoes_another() {
    lacking(|design| design.rights_compared = false, NONE_LOST);
}

#[test]
fn if_an_act_is_not_recognised_its_repetition_is_written_again() {
    lacking(|design| design.acts_recognised = false, EACH_ONCE);
}
