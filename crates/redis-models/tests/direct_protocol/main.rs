//! The protocol of direct messages on Redis, in two slots, under a model checker, which tries every order of events within
//! the bounds of a scenario. It must not use the code of the store: it checks the design that the scripts and
//! `store/src/redis/directs.rs` follow.

mod model;
mod state;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use model::{COMPLETE, Design, IN_ORDER, ONCE, Protocol};

fn check(design: Design, properties: &[&'static str]) -> impl Checker<Protocol> {
    let wanted = HasDiscoveries::AnyOf(properties.iter().copied().collect::<BTreeSet<_>>());
    Protocol { design }.checker().finish_when(wanted).spawn_bfs().join()
}

#[test]
fn every_message_is_in_both_inboxes_once_and_in_order() {
    let all = [ONCE, IN_ORDER, COMPLETE];
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
fn without_a_note_a_kill_loses_the_copy() {
    lacking(|design| design.note_with_entry = false, COMPLETE);
}

#[test]
fn without_the_newest_copy_of_a_sender_a_repetition_is_doubled() {
    lacking(|design| design.known_copies = false, ONCE);
}

#[test]
fn without_generations_the_messages_of_a_new_session_are_taken_for_repetitions() {
    lacking(|design| design.generations = false, COMPLETE);
}

#[test]
fn if_the_next_message_does_not_complete_the_earlier_ones_they_are_lost() {
    lacking(|design| design.earlier_first = false, COMPLETE);
}

#[test]
fn if_copies_are_sent_at_the_same_time_one_is_taken_for_a_repetition() {
    lacking(|design| design.one_step = false, COMPLETE);
}

#[test]
fn if_the_note_is_removed_first_a_kill_loses_the_copy() {
    lacking(|design| design.copy_before_removal = false, COMPLETE);
}

#[test]
fn without_the_reaper_the_messages_of_a_dead_server_wait_for_ever() {
    lacking(|design| design.reaper = false, COMPLETE);
}

#[test]
fn without_repetition_a_failed_delivery_waits_for_ever() {
    lacking(|design| design.retries = false, COMPLETE);
}

#[test]
fn if_nobody_looks_after_an_unknown_answer_its_copy_is_lost() {
    lacking(
        |design| {
            design.looks_after_unknown = false;
            design.looks_at_login = false;
        },
        COMPLETE,
    );
}

#[test]
fn if_a_login_does_not_look_a_message_that_was_stored_late_is_lost() {
    lacking(|design| design.looks_at_login = false, COMPLETE);
}
