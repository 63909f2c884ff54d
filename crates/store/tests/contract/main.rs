//! The contract of all stores, tested on each of them. It must not know how a store implements it.
//!
//! To add a store: a function in `harness.rs` that opens it, and one line at the end of this file.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod accounts;
mod directs;
mod follows;
mod governance;
mod harness;
mod hooks;
mod invitations;
mod log;
mod login_limiter;
mod logins;
mod once;
mod pages;
mod people;
mod personal;
mod rooms;
mod sessions;
mod tickets;

/// Defines a test of each part of the contract for one store that keeps a number of entries.
macro_rules! promises {
    ($open:path, $history:expr, $($area:ident: $($promise:ident)*;)*) => {
        $(mod $area {
            $(#[test]
            fn $promise() {
                crate::$area::$promise(&$open($history));
            })*
        })*
    };
}

macro_rules! contract {
    ($store:ident, $open:path) => {
        mod $store {
            promises! { $open, crate::harness::HISTORY,
                accounts: are_made_once the_names_of_deleted_ones_are_known are_changed_and_listed a_renewed_hash_never_brings_an_old_password_back
                    deleted_ones_are_gone_and_told kicked_ones_stay_and_are_told_with_their_count
                    a_later_suspension_is_the_one_that_counts made_by_many_at_once_one_is;
                login_limiter: are_delayed_after_some_failures_and_free_again_in_time
                    however_many_begin_at_once_no_more_are_made_than_one_after_the_other
                    a_right_one_forgives_the_account_and_not_the_address
                    what_could_not_be_looked_at_counts_nothing an_address_is_delayed_whatever_accounts_it_tries
                    failures_elsewhere_do_not_delay_a_usual_address failures_at_a_usual_address_delay_only_there
                    only_so_many_addresses_are_usual an_account_is_unlocked an_address_is_named_for_an_account
                    a_deleted_account_has_no_usual_address under_many_threads_places_are_given_once;
                logins: an_attempt_begins_with_the_account_and_its_ticket no_attempt_begins_after_too_many_failures
                    a_claim_ends_the_attempt_and_tells_whom_the_user_follows
                    a_claim_that_is_refused_ends_the_attempt_too who_enters_the_lobby_learns_what_changed
                    a_displaced_session_does_not_enter_the_lobby;
                tickets: are_kept_as_they_were_made_and_used one_or_all_are_revoked_and_told only_so_many_are_kept
                    none_is_added_to_an_account_that_changed one_with_the_id_of_another_is_not_added
                    a_new_password_revokes_all
                    a_suspension_marks_all_and_a_kick_none they_end_with_the_account
                    under_many_threads_there_are_never_too_many;
                invitations: are_kept_as_they_were_made one_with_the_id_of_another_is_not_kept one_makes_so_many_accounts_and_no_more
                    a_taken_name_takes_no_use a_name_uses_it_once only_the_right_code_in_time_is_valid
                    a_revoked_one_makes_no_account under_many_threads_one_gets_the_last_use
                    under_many_threads_a_name_is_made_once accounts_have_their_role;
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
                    a_session_does_not_evict_itself
                    there_are_only_so_many those_with_a_log_count_without_members_too under_many_threads_the_counts_agree
                        many_are_entered_and_left_at_once;
                governance: whoever_makes_a_room_owns_it_as_long_as_it_lasts a_setting_keeps_an_empty_room
                    a_mute_holds_until_it_ends what_was_accepted_before_a_mute_is_known_after_it
                    whoever_is_kicked_has_no_seat whoever_is_banned_stays_out a_banned_owner_stays_out a_private_room_is_for_the_invited
                    only_those_with_a_role_speak_where_moderators_do an_edit_is_heard_and_changes_what_is_read
                    an_edit_with_a_key_is_made_once a_removed_text_is_nowhere
                    what_a_moderator_did_stands_in_the_log_with_its_reason what_is_no_message_is_counted
                    a_displaced_session_moderates_nothing a_room_that_does_not_exist_has_no_rights
                    a_room_goes_to_the_longest_moderator
                    under_many_threads_nothing_of_the_kicked_comes_after_the_kick
                    under_many_threads_each_act_is_there_once a_suspended_account_is_told_and_its_sessions_are_over;
                hooks: an_invitation_to_the_server_opens_a_private_room a_hook_speaks_until_it_is_ended
                    an_outgoing_hook_goes_on_where_it_is an_outgoing_hook_goes_back_with_its_log;
                people: everybody_hears_a_broadcast;
                directs: stand_once_in_both_inboxes_in_the_senders_order one_to_oneself_stands_once
                    one_of_a_blocked_user_is_stored_nowhere only_the_account_that_is_meant_gets_them
                    displaced_sessions_send_none one_batch_may_have_many_recipients
                    under_many_threads_each_is_there_once_in_order;
                once: a_key_stores_once_in_each_kind_of_log other_authors_and_other_logs_have_other_keys
                    one_that_is_blocked_by_now_was_sent_all_the_same what_is_refused_takes_no_key
                    a_thousand_keys_are_known_and_all_of_the_last_hour;
                personal: rooms_are_remembered_up_to_a_limit a_room_in_which_nothing_was_read_leaves_no_mark
                    marks_never_move_back
                    a_mark_of_a_lost_numbering_is_replaced conversations_tell_what_is_unread
                    unread_conversations_come_with_the_newest_first
                    what_i_send_marks_what_i_got_as_read they_end_with_the_account_and_numbers_go_on
                    blocks_end_with_either_account
                        what_is_left_while_the_account_ends_is_not_the_next_owners;
            }
            promises! { $open, crate::harness::SHORT_HISTORY,
                pages: go_back_from_the_newest go_on_after_a_number may_be_empty
                    of_a_conversation_have_its_messages_only
                    notes_to_oneself_are_a_conversation what_is_not_kept_any_more_is_not_removed heads_of_many_logs_come_in_their_order;
            }
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
