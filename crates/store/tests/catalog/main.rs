//! The catalog's conformance suite, stamped out for each database. Every test gets a fresh catalog.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

/// The answer is this error.
macro_rules! assert_fails {
    ($answer:expr, $error:pat) => {
        let answer = $answer;
        assert!(matches!(answer, Err($error)), "{answer:?}");
    };
}

mod commands;
mod events;
mod faults;
mod members;
mod objects;
mod races;
mod sensors;
mod sms;
mod suite;
mod world;

macro_rules! conformance {
    ($($module:ident :: $test:ident,)*) => {
        conformance! { in sqlite: $($module::$test,)* }
        conformance! { in postgres: $($module::$test,)* }
    };
    (in $backend:ident: $($module:ident :: $test:ident,)*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let fresh = super::world::$backend().await;
                    super::$module::$test(&fresh.catalog).await;
                    fresh.catalog.close().await;
                }
            )*
        }
    };
}

conformance! {
    suite::a_fresh_catalog_has_one_tariff_that_is_the_default,
    suite::a_user_reads_back_as_written,
    suite::changes_of_a_user_keep_what_they_do_not_name,
    suite::logins_are_unique,
    suite::sub_users_join_an_account_and_its_security_groups,
    members::security_groups_change_and_go,
    members::sub_users_see_what_is_bound_until_they_go,
    members::api_keys_belong_to_their_user,
    objects::tags_are_carried_until_they_go,
    objects::a_tracker_stands_in_one_vehicle,
    objects::rules_hold_for_the_trackers_of_their_account,
    suite::user_lists_filter_order_and_page,
    suite::sessions_live_until_they_expire_or_end,
    suite::a_new_password_ends_sessions_and_logins_under_way,
    suite::deactivation_ends_sessions_and_logins_under_way,
    suite::expired_sessions_are_purged_oldest_first,
    suite::panel_accounts_have_their_own_logins_and_sessions,
    suite::tariffs_read_back_as_written,
    suite::tariff_lists_filter_order_and_page,
    suite::tariff_defaults_are_one_row,
    suite::registering_makes_source_tracker_and_span,
    suite::device_ids_and_phones_are_unique_among_live_sources,
    suite::a_failed_registration_leaves_nothing,
    suite::a_reused_device_id_takes_nothing_older_than_its_release,
    suite::blocking_shows_at_admission,
    suite::groups_hold_trackers_until_deleted,
    suite::numbers_of_deleted_rows_are_never_given_again,
    suite::an_account_reaches_nothing_of_another,
    suite::the_directory_holds_what_lives,
    suite::trip_detection_is_kept_for_each_source,
    suite::a_tracker_knows_its_sources_in_time,
    commands::commands_read_back_as_written,
    commands::every_state_of_a_command_is_kept,
    commands::the_password_of_a_lock_is_kept_for_its_command_alone,
    commands::one_command_of_a_source_is_in_flight,
    commands::an_expired_command_is_never_taken,
    commands::finished_commands_go_and_the_immobilizer_stays,
    commands::commands_of_a_source_are_bounded,
    commands::one_of_many_takers_gets_a_command,
    events::an_event_is_told_once_to_whoever_stands_there,
    events::events_are_filtered_ordered_and_read,
    events::every_end_of_a_command_is_told_once,
    sms::short_messages_go_out_in_order_and_are_due_again_when_nobody_says_more,
    sms::a_short_message_ends_once,
    sms::an_expired_short_message_is_never_taken,
    sms::short_messages_to_one_phone_are_bounded,
    sms::short_messages_that_come_in_are_matched_by_phone_and_read_once,
    sms::a_place_that_was_asked_for_by_short_message_is_told_once,
    sms::parts_of_a_short_message_wait_for_each_other,
    sms::what_waits_for_a_device_that_leaves_or_gets_another_phone_is_cancelled,
    sensors::sensors_come_with_the_device,
    sensors::sensors_are_made_changed_and_deleted,
    sensors::copies_of_sensors_name_copied_parents,
    sensors::a_replacement_has_what_was_set_for_the_device,
    races::one_of_many_registrations_of_a_device_wins,
    races::one_of_many_registrations_of_a_phone_wins,
    races::one_of_many_users_gets_the_login,
    races::no_session_survives_a_change_of_password,
    races::no_tracker_stays_in_a_deleted_group,
    races::a_dropped_call_writes_all_or_nothing,
}

#[tokio::test]
async fn a_catalog_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    // What a URL would misread.
    let folder = folder.path().join("50% of ünits?#&");
    std::fs::create_dir(&folder).unwrap();
    let location = store::catalog::Location::Sqlite(folder.clone());

    let catalog = store::catalog::Catalog::open(&location).await.unwrap();
    let account = world::account(&catalog, "a").await;
    let (source, tracker) = world::register(&catalog, account, "356938035643809").await;
    catalog.close().await;
    let answer = catalog.load_directory().await;
    assert!(matches!(answer, Err(store::catalog::CatalogError::Unavailable(_))), "{answer:?}");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["catalog.sqlite"], "closing empties the write-ahead log");

    let catalog = store::catalog::Catalog::open(&location).await.unwrap();
    let directory = catalog.load_directory().await.unwrap();
    assert_eq!((directory.sources[0].id, directory.trackers[0].id), (source, tracker));
    catalog.close().await;
}
