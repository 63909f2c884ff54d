//! Failures without one part of the design. They show that each part is needed, and that the checker finds the
//! failures. It must not change the design that is checked.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use crate::design::{Design, Guest, Scenario};
use crate::model::Protocol;
use crate::properties::{
    LAST_STAYS, LIVING_KEPT, LIVING_NOT_REAPED, MEMBER_ALONE, NO_GHOST, NOT_STUCK, ONE_SESSION, SPEAKS_ALONE,
    STORED_ONCE, TOLD_RIGHTLY,
};
use crate::{one, two};

/// Checks that the property holds in the scenario, and fails without the part.
fn lacking(remove: impl FnOnce(&mut Design), scenario: Scenario, property: &'static str) {
    let mut design = Design::WHOLE;
    remove(&mut design);
    let check = |design| {
        let model = Protocol { design, scenario: scenario.clone() };
        model.checker().finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property]))).spawn_bfs().join()
    };
    check(Design::WHOLE).assert_no_discovery(property);
    let steps = check(design).assert_any_discovery(property).into_actions();
    println!("{} steps: {steps:?}", steps.len());
}

/// A session that moves to another room, which the successor does not enter.
fn moving_then_displaced() -> Scenario {
    Scenario::of([Guest::on(0).moving(1), Guest::on(1)])
}

#[test]
fn without_fences_a_late_enter_brings_a_displaced_session_back() {
    lacking(|design| design.fence = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_fences_two_sessions_are_alive() {
    lacking(|design| design.fence = false, moving_then_displaced(), ONE_SESSION);
}

#[test]
fn without_a_deadline_an_enter_outlives_the_fence() {
    lacking(|design| design.enter_deadline = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_the_deadline_before_the_note_an_enter_outlives_the_fence() {
    lacking(|design| design.deadline_first = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_enters_bound_to_the_lease_one_comes_after_the_reaper() {
    lacking(|design| design.enters_within_lease = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_claims_bound_to_the_lease_one_comes_after_the_reaper() {
    lacking(|design| design.claims_within_lease = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_the_note_before_the_enter_nobody_knows_where_to_evict() {
    lacking(|design| design.note_first = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_a_note_in_the_claim_nobody_knows_that_the_lobby_is_entered() {
    lacking(|design| design.claim_notes = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_the_deadline_of_the_claim_a_first_enter_outlives_the_fence() {
    let scenario = Scenario::of([Guest::on(0), Guest::on(1), Guest::on(2)]).servers(3);
    lacking(|design| design.first_enter_in_time = false, scenario, TOLD_RIGHTLY);
}

#[test]
fn without_the_number_of_the_note_the_reaper_takes_an_enter_for_a_later_one() {
    lacking(|design| design.enters_as_noted = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_a_note_of_its_own_a_session_that_was_restored_is_left_in_the_lobby() {
    lacking(|design| design.restored_notes_anew = false, one().lapses(2), NO_GHOST);
}

#[test]
fn without_numbers_of_notes_a_late_forget_hides_a_room() {
    let scenario = Scenario::of([Guest::on(0).moving(2), Guest::on(1)]).timeouts(1).logged_in(1);
    lacking(|design| design.notes_numbered = false, scenario, MEMBER_ALONE);
}

#[test]
fn without_the_notes_of_the_displaced_nobody_knows_where_to_evict() {
    lacking(|design| design.notes_kept = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_a_look_at_the_generation_the_displaced_speak() {
    let scenario = Scenario::of([Guest::on(0).speaking(), Guest::on(1)]);
    lacking(|design| design.generation_check = false, scenario, SPEAKS_ALONE);
}

#[test]
fn without_eviction_before_the_answer_the_displaced_speak() {
    let scenario = Scenario::of([Guest::on(0).moving(1).speaking(), Guest::on(1)]);
    lacking(|design| design.evict_first = false, scenario, SPEAKS_ALONE);
}

#[test]
fn without_eviction_before_the_answer_the_displaced_are_members() {
    lacking(|design| design.evict_first = false, moving_then_displaced(), MEMBER_ALONE);
}

#[test]
fn without_numbers_of_appends_a_retry_is_stored_twice() {
    let scenario = Scenario::of([Guest::on(0).speaking()]).repeats(1);
    lacking(|design| design.append_numbered = false, scenario, STORED_ONCE);
}

#[test]
fn without_knowing_who_is_there_a_retry_is_announced_twice() {
    lacking(|design| design.enter_numbered = false, one().repeats(1), TOLD_RIGHTLY);
}

#[test]
fn without_an_end_to_late_commands_an_enter_comes_after_it_was_taken_back() {
    lacking(|design| design.late_cut_off = false, one().timeouts(1), NO_GHOST);
}

#[test]
fn without_taking_a_failed_enter_back_it_leaves_a_ghost() {
    lacking(|design| design.failed_enter_undone = false, one().timeouts(1), NO_GHOST);
}

#[test]
fn without_waiting_for_what_is_taken_back_a_released_session_leaves_a_ghost() {
    let scenario = Scenario::of([Guest::on(0).moving(1).quitting()]).timeouts(1).lapses(1);
    lacking(|design| design.release_waits = false, scenario, NO_GHOST);
}

#[test]
fn without_taking_a_failed_claim_back_a_session_has_no_owner() {
    lacking(|design| design.failed_claim_undone = false, one().timeouts(1), NO_GHOST);
}

#[test]
fn without_knowing_a_claim_that_was_granted_and_displaced_its_retry_throws_both_out() {
    lacking(|design| design.claims_once = false, two().repeats(1), LAST_STAYS);
}

#[test]
fn without_the_notice_in_the_claim_the_displaced_stay_in_the_dark() {
    lacking(|design| design.notice_in_claim = false, two().repeats(1), NO_GHOST);
}

#[test]
fn without_a_check_after_lost_notices_the_displaced_stay_in_the_dark() {
    lacking(|design| design.check_after_loss = false, two().lost_notices(1), NO_GHOST);
}

#[test]
fn without_the_index_before_the_claim_a_session_of_the_dead_is_not_found() {
    lacking(|design| design.index_first = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_an_index_by_connection_a_session_of_the_dead_is_not_found() {
    let scenario = Scenario::of([Guest::on(0), Guest::on(0)]).lapses(1);
    lacking(|design| design.index_by_connection = false, scenario, NO_GHOST);
}

#[test]
fn without_a_new_id_a_server_that_comes_back_is_reaped_alive() {
    lacking(|design| design.stable_death = false, one().lapses(1), LIVING_NOT_REAPED);
}

#[test]
fn without_a_new_id_reject_displaces_the_living() {
    lacking(|design| design.stable_death = false, two().lapses(1).rejecting(), LIVING_KEPT);
}

#[test]
fn without_waiting_for_its_sessions_a_server_enters_what_is_reaped() {
    lacking(|design| design.server_waits = false, one().servers(3).lapses(2), NO_GHOST);
}

#[test]
fn without_entering_anew_a_restored_session_is_in_no_room() {
    lacking(|design| design.restorer_enters = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_a_note_a_restored_session_enters_behind_its_successor() {
    lacking(|design| design.restorer_heeds_notes = false, two().lapses(1), TOLD_RIGHTLY);
}

#[test]
fn without_exclusion_what_is_left_is_entered_again() {
    lacking(|design| design.restorer_excludes = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_displacing_at_restoring_the_earlier_of_two_sessions_wins() {
    lacking(|design| design.restore_displaces = false, two().logged_in(2).losses(1), LAST_STAYS);
}

#[test]
fn without_reapers_the_dead_stay() {
    lacking(|design| design.survivors_reap = false, one().lapses(1), NOT_STUCK);
}

#[test]
fn without_a_number_a_slow_reaper_takes_a_restored_session_out() {
    lacking(|design| design.reaper_spares_the_new = false, one().lapses(1), NO_GHOST);
}

#[test]
fn without_leaving_before_the_record_goes_a_dying_reaper_leaves_a_ghost() {
    lacking(|design| design.reaper_expels_first = false, one().servers(3).lapses(2), NO_GHOST);
}
