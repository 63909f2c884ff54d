//! The contract of all stores, tested on each of them. It must not know how a store implements it.
//!
//! To add a store: a function in `harness.rs` that opens it, and one line at the end of this file.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod accounts;
mod follows;
mod harness;
mod log;
mod login_limiter;
mod people;
mod rooms;
mod sessions;

/// Defines a test of each part of the contract for one store.
macro_rules! promises {
    ($store:ident, $open:path, $($area:ident: $($promise:ident)*;)*) => {
        mod $store {
            $(mod $area {
                $(#[test]
                fn $promise() {
                    crate::$area::$promise(&$open());
                })*
            })*
        }
    };
}

macro_rules! contract {
    ($store:ident, $open:path) => {
        promises! { $store, $open,
            accounts: are_made_once are_changed_and_listed a_renewed_hash_never_brings_an_old_password_back
                deleted_ones_are_gone_and_told kicked_ones_stay_and_are_told_with_their_count made_by_many_at_once_one_is;
            login_limiter: are_delayed_after_some_failures_and_free_again_in_time
                however_many_begin_at_once_no_more_are_made_than_one_after_the_other
                a_right_one_forgives_the_account_and_not_the_address
                what_could_not_be_looked_at_counts_nothing an_address_is_delayed_whatever_accounts_it_tries
                failures_elsewhere_do_not_delay_a_usual_address failures_at_a_usual_address_delay_only_there
                only_so_many_addresses_are_usual an_account_is_unlocked an_address_is_named_for_an_account
                a_deleted_account_has_no_usual_address under_many_threads_places_are_given_once;
            follows: are_kept_sorted_both_ways end_with_the_account
                those_made_while_the_account_ends_are_not_the_next_owners;
            log: numbers_have_no_gap_and_each_log_its_own readers_see_the_newest_oldest_first
                followers_are_told_where_the_log_stands strangers_and_displaced_sessions_append_nothing
                a_batch_is_answered_entry_by_entry under_many_threads_delivery_is_in_order_of_number
                what_is_delivered_can_be_read only_so_much_history_is_kept;
            sessions: the_first_claim_is_granted one_takes_over_from_the_other one_is_rejected
                fifty_at_once_take_over_from_each_other fifty_at_once_are_rejected_but_one
                whoever_waits_hears_of_the_release waiting_ends_in_time_and_at_once_for_the_displaced
                a_release_touches_no_successor takeovers_are_limited;
            rooms: members_come_and_go changes_are_numbered_and_told_once only_the_current_session_enters
                an_old_session_cannot_take_its_successor_out predecessors_are_evicted
                there_are_only_so_many those_with_a_log_count_without_members_too under_many_threads_the_counts_agree;
            people: one_is_reached_or_offline everybody_hears_a_broadcast;
        }
    };
}

contract!(memory, crate::harness::memory);
#[cfg(feature = "redis")]
contract!(redis, crate::harness::redis);
#[cfg(feature = "redis")]
contract!(redis_cluster, crate::harness::redis_cluster);
#[cfg(feature = "sqlite")]
contract!(sqlite, crate::harness::sqlite);
