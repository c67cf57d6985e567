//! The bounds of all crates, each with the test that goes past it (P11).
//!
//! The constants are read from the `limits.rs` of each crate, so that a new one without a test is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::run::root;

use Proof::{Test, Tunable};

/// How a bound is known to hold.
enum Proof {
    /// A test of the same crate goes past it.
    Test(&'static str),
    /// It bounds nothing that could be passed: what it is for.
    Tunable(&'static str),
}

/// Crate, constant, and its proof.
const BOUNDS: &[(&str, &str, Proof)] = &[
    (
        "cli",
        "HOME_PATIENCE",
        Tunable("how long `serve` waits for a command that holds the home for a moment"),
    ),
    ("cli", "INBOX_PAGE", Test("a_long_inbox_is_read_by_pages")),
    ("cli", "KEYS_AHEAD", Test("p11_keys_that_are_pressed_before_a_task_is_there_are_for_it_and_bounded")),
    ("cli", "TRACE_FLUSH", Tunable("how long a server that leaves waits for spans to be sent")),
    ("cli", "LOG_FLUSH", Tunable("how long a server that leaves waits for whoever reads what it said")),
    ("cli", "OPEN_FILES", Tunable("how many files a server asks the system for; the system bounds it")),
    ("cli", "LOGINS", Test("p11_logins_are_bounded")),
    ("cli", "LOGINS_BYTES", Test("p11_logins_are_bounded")),
    ("cli", "TOKEN_BYTES", Test("p11_logins_are_bounded")),
    ("cli", "PASSWORD_BYTES", Test("passwords_are_set_by_oneself_and_by_admins_and_never_by_programs")),
    ("cli", "PASTE_BYTES", Test("p11_what_is_pasted_is_one_text_and_bounded")),
    ("cli", "SHOWN_COLUMNS", Test("p11_of_what_is_shown_so_many_lines_are")),
    ("cli", "SHOWN_LINES", Test("p11_of_what_is_shown_so_many_lines_are")),
    ("core", "BACKFILL", Test("p11_a_backfill_is_bounded_and_starts_each_time_once")),
    ("core", "DELIVERY_MILLIS", Test("a_request_that_comes_again_counts_once")),
    ("core", "HOOK_IDS", Test("p11_requests_that_are_under_way_and_remembered_are_bounded")),
    ("core", "HOOK_OPEN", Test("p11_requests_that_are_under_way_and_remembered_are_bounded")),
    ("core", "MISSED_STARTED", Test("p11_what_was_missed_and_is_started_is_bounded")),
    ("core", "SCHEDULE_HISTORY", Test("p11_what_is_over_is_remembered_so_far")),
    ("core", "SCHEDULE_LATE", Test("what_was_missed_counts_as_the_rule_says")),
    ("core", "SCHEDULE_QUEUE", Test("p11_times_that_wait_are_bounded")),
    ("engine", "CHANGES_LISTED", Test("p11_times_that_are_told_are_bounded")),
    ("engine", "HOOK_ID_BYTES", Test("p11_ids_and_signatures_of_requests_are_bounded")),
    ("engine", "HOOK_SIGNATURES", Test("p11_ids_and_signatures_of_requests_are_bounded")),
    ("engine", "HOOK_TOLERANCE", Test("whatever_is_not_as_it_was_signed_is_refused")),
    ("engine", "SCHEDULES", Test("p11_schedules_of_a_home_are_bounded")),
    ("engine", "UPLOADED_BYTES", Test("p11_what_waits_for_a_run_is_bounded")),
    ("engine", "UPLOADS", Test("p11_what_waits_for_a_run_is_bounded")),
    ("engine", "UPLOAD_NAME", Test("p11_names_of_files_are_one_name_and_bounded")),
    ("engine", "UPLOAD_TIME", Test("what_is_uploaded_is_ones_own_until_its_time_is_over")),
    ("server", "READING", Tunable("how much is read at once of what is sent piece by piece")),
    ("server", "SNAPSHOTS", Test("p11_lists_that_are_kept_are_bounded_in_number_and_time")),
    ("server", "SNAPSHOTS_EACH", Test("p11_lists_that_are_kept_are_bounded_in_number_and_time")),
    ("server", "SNAPSHOT_TIME", Test("p11_lists_that_are_kept_are_bounded_in_number_and_time")),
    ("server", "UPLOADS", Test("p11_so_many_files_are_uploaded_at_once")),
    ("server", "UPLOAD_BYTES", Test("p11_files_that_are_uploaded_are_bounded")),
    ("server", "UPLOAD_TIME", Tunable("when an upload that comes drop by drop is ended; STALL is tested")),
    ("engine", "TIMES_LISTED", Test("p11_times_that_are_told_are_bounded")),
    ("cli", "WATCHED", Tunable("how many runs one screen is about; `stead runs` lists all")),
    ("core", "ALIASES", Test("p11_people_are_bounded")),
    ("core", "BUDGET_ATTEMPTS", Test("rule_43_a_budget_may_be_computed_and_is_bounded")),
    ("core", "CHILD_DEPTH", Test("p11_runs_inside_runs_are_bounded")),
    ("core", "DISPLAY_NAME_CHARS", Test("names_are_one_word_of_what_can_be_seen")),
    ("core", "ERROR_BYTES", Test("p11_texts_of_errors_are_cut")),
    ("core", "EVENT_BYTES", Test("p11_large_values_stand_beside_the_state_and_the_journal")),
    ("core", "DOCUMENTS", Test("p11_documents_and_versions_are_bounded")),
    ("core", "DOCUMENT_VERSIONS", Test("p11_documents_and_versions_are_bounded")),
    ("core", "EMAIL_BYTES", Test("an_address_of_mail_is_one_of_ascii_and_bounded")),
    ("core", "FOREACH_ITEMS", Test("p11_items_of_a_foreach_are_bounded")),
    ("core", "FOREACH_LINES", Test("p11_lines_of_a_foreach_are_bounded")),
    ("core", "FOREACH_PARALLEL", Test("p11_counts_are_bounded")),
    ("core", "GROUPS", Test("p11_people_are_bounded")),
    ("core", "INLINE_BYTES", Test("p11_large_values_stand_beside_the_state_and_the_journal")),
    ("core", "KEY_BYTES", Test("p11_keys_are_bounded")),
    ("core", "LOOP_MAX", Test("p11_counts_are_bounded")),
    ("core", "LOST_ATTEMPTS", Test("rule_16_after_ten_losses_the_step_fails")),
    ("core", "MILLIS", Test("p11_lengths_of_time_are_bounded")),
    ("core", "PATH_BYTES", Test("p11_what_a_signal_carries_is_bounded")),
    ("core", "PEOPLE", Test("p11_people_are_bounded")),
    ("core", "PEOPLE_EDITS", Test("p11_people_are_bounded")),
    ("core", "PERSON_NAME_BYTES", Test("names_are_one_word_of_what_can_be_seen")),
    ("core", "PLACES", Test("p11_keys_and_numbers_of_places_are_bounded")),
    ("core", "PLACES_WAITED_FOR", Test("p11_so_many_may_wait_and_the_next_is_refused")),
    ("core", "PLACE_KEY_BYTES", Test("p11_keys_and_numbers_of_places_are_bounded")),
    ("core", "RETRY_ATTEMPTS", Test("p11_counts_are_bounded")),
    ("core", "ROLES", Test("p11_people_are_bounded")),
    ("core", "SIGNALS_KEPT", Test("p11_signals_that_are_kept_are_bounded_and_ten_thousand_are_taken")),
    ("core", "SIGNAL_BYTES", Test("p11_what_a_signal_carries_is_bounded")),
    ("core", "SIGNAL_IDS", Test("p11_ids_that_are_remembered_are_bounded")),
    ("core", "SIGNAL_NAME_BYTES", Test("p11_what_a_signal_carries_is_bounded")),
    ("core", "SIGNAL_RUNS", Test("p11_runs_that_get_one_signal_are_bounded")),
    ("core", "SKILLS", Test("p11_people_are_bounded")),
    ("core", "STATE_VISITS", Test("p11_visits_of_a_state_are_bounded")),
    ("core", "TURN_BYTES", Test("p11_a_turn_stops_behind_many_bytes")),
    ("core", "TURN_EVENTS", Test("p11_a_turn_is_bounded_and_the_rest_follows")),
    ("core", "VALUE_BYTES", Test("p11_values_above_the_bound_fail_their_step")),
    ("core", "WAITS_LISTED", Test("p11_what_a_run_waits_for_is_listed_to_a_bound")),
    ("core", "QUORUM", Test("p11_settings_of_gates_that_are_computed_are_bounded")),
    ("core", "REDOS", Test("p11_settings_of_gates_that_are_computed_are_bounded")),
    ("core", "DECIDERS", Test("p11_gates_that_remember_who_decided_are_bounded")),
    ("core", "TASK_REMINDERS", Test("p11_what_people_hand_in_is_bounded")),
    ("core", "TASK_LEASE", Tunable("how long a claim lasts: the manual says two hours")),
    ("core", "TASK_DELEGATIONS", Test("p11_what_people_hand_in_is_bounded")),
    ("core", "SUBMISSION_BYTES", Test("p11_what_people_hand_in_is_bounded")),
    ("core", "COMMENT_BYTES", Test("p11_what_people_hand_in_is_bounded")),
    ("engine", "ADMINS_NAMED", Test("p11_of_many_admins_a_few_are_named")),
    ("engine", "ANSWER_BYTES", Test("p11_an_answer_that_is_too_long_is_read_from_the_store")),
    ("engine", "ANSWER_PATIENCE", Tunable("how long a command waits for an engine that does not answer")),
    ("engine", "BATCH", Test("p11_a_step_takes_a_bounded_number_of_inputs")),
    ("engine", "BATCH_BYTES", Test("p11_a_step_takes_no_further_input_behind_many_bytes")),
    ("engine", "BATCH_COLUMNS", Test("p11_tables_are_bounded")),
    ("engine", "REMOTE_CONNECT", Tunable("how long a server that does not answer is waited for")),
    ("engine", "REMOTE_FOLLOWED", Test("p11_runs_that_are_followed_at_a_server_are_bounded")),
    ("engine", "REMOTE_HEAD_BYTES", Test("p11_what_a_server_elsewhere_says_is_bounded")),
    ("engine", "REMOTE_LOOK", Tunable("how soon a command hears that a run at a server cannot go on")),
    ("engine", "REMOTE_PAGE", Test("p11_lists_of_a_server_elsewhere_come_in_pages")),
    ("engine", "REMOTE_PROBLEM_BYTES", Test("p11_what_a_server_elsewhere_says_is_bounded")),
    ("engine", "REMOTE_SILENCE", Tunable("how soon a connection that died in silence is made again")),
    ("engine", "REMOTE_WAIT", Tunable("how often a server that is gone is asked whether it is back")),
    ("engine", "RESULT_ROWS", Test("p11_results_come_in_pages")),
    ("engine", "SWEEP_VALUES", Test("p11_sweeps_are_bounded")),
    ("engine", "CLOCK_LOOK", Tunable("how soon it is noticed that the clock was set while all runs waited")),
    ("engine", "CLOSE_TIME", Test("p11_an_engine_that_leaves_does_not_wait_for_one_who_takes_nothing")),
    ("engine", "CONNECTIONS", Test("p11_so_many_are_let_in_and_the_others_come_again")),
    ("engine", "CONNECTIONS_AT_ONCE", Test("p11_usual_places_are_bounded")),
    (
        "engine",
        "COMPARE_TIME",
        Tunable("how long the shortest difference is looked for; a longer one is as true"),
    ),
    ("engine", "DEFINITIONS_CHECKED", Test("p11_definitions_at_hand_are_bounded")),
    ("engine", "END_GRACE", Test("one_that_ignores_term_is_killed")),
    ("engine", "ERROR_TAIL_BYTES", Test("the_message_has_the_last_lines_only")),
    ("engine", "ERROR_TAIL_LINES", Test("the_message_has_the_last_lines_only")),
    ("engine", "EVENTS_BYTES", Test("p11_events_come_in_pieces")),
    ("engine", "EVIDENCE_FILES", Test("p11_evidence_is_bounded")),
    ("engine", "EVIDENCE_LINES", Test("p11_evidence_is_bounded")),
    ("engine", "EVIDENCE_SEEN", Test("p11_evidence_is_bounded")),
    ("engine", "FILE_DEPTH", Test("every_bound_holds")),
    ("engine", "FILE_LIMIT", Test("every_bound_holds")),
    ("engine", "FILE_LINKS", Test("every_bound_holds")),
    ("engine", "FOLLOW_QUEUE", Test("p11_one_who_takes_nothing_holds_nobody_up_and_misses_nothing")),
    ("engine", "FOLLOW_ROWS", Test("one_goes_on_from_a_position")),
    (
        "engine",
        "FOLLOW_STALL",
        Test("p11_one_who_takes_nothing_for_long_is_cut_off_and_goes_on_where_it_was"),
    ),
    ("engine", "FOLLOW_TICK", Tunable("how often followers are told that the engine is there")),
    ("engine", "LINE_BYTES", Test("p11_a_line_that_is_too_long_is_refused_by_its_number")),
    ("engine", "LINE_FILES", Test("p11_files_of_lines_at_hand_are_bounded")),
    ("engine", "HASHES", Test("p11_so_many_hashes_are_made_at_once")),
    ("engine", "HASH_PATIENCE", Tunable("how long a password waits to be looked at")),
    ("engine", "HELLO_TIME", Test("p11_one_that_does_not_say_who_it_is_is_not_kept")),
    ("engine", "HTTP_BODY", Test("p11_a_body_without_end_is_cut")),
    ("engine", "HTTP_CONNECT", Test("p5_looking_up_a_name_holds_nobody_up")),
    (
        "engine",
        "HTTP_EXCERPT",
        Test("a_status_that_is_not_expected_is_an_error_with_the_beginning_of_the_body"),
    ),
    ("engine", "HTTP_HEAD", Test("p11_a_head_without_end_is_cut")),
    ("engine", "HTTP_REDIRECTS", Test("p11_redirects_in_a_ring_end")),
    ("engine", "LABELS", Test("p11_labels_are_bounded")),
    ("engine", "LABEL_BYTES", Test("p11_labels_are_bounded")),
    ("engine", "LEFTOVER_GRACE", Test("what_a_program_leaves_behind_is_ended")),
    ("engine", "LEND_WAIT", Test("a_terminal_that_does_not_come_back_is_not_waited_for_for_ever")),
    ("engine", "LENT_BYTES", Test("p11_what_is_lent_is_bounded")),
    ("engine", "LENT_RUNS", Test("p11_environments_are_lent_for_so_many_runs")),
    ("engine", "LINK_TIME", Test("p11_links_end")),
    ("engine", "LIVE_BYTES", Test("p11_one_who_is_slow_holds_little_and_misses_nothing")),
    ("engine", "LIVE_LINES", Tunable("where a piece of a log ends; the next one follows")),
    ("engine", "LIVE_LOG_BYTES", Tunable("where a piece of a log ends; the next one follows")),
    ("engine", "LIVE_PAUSE", Tunable("how soon a list that has changed is told")),
    ("engine", "LIVE_ROWS", Test("p11_one_who_is_slow_holds_little_and_misses_nothing")),
    (
        "engine",
        "LIVE_TASKS",
        Tunable("how far the tasks of an inbox are counted; then it says that there are more"),
    ),
    ("engine", "LIVE_TOLD", Tunable("where a piece of what is told ends; the next one follows")),
    ("engine", "LIVE_WAITING", Test("p11_one_who_is_slow_holds_little_and_misses_nothing")),
    ("engine", "TRACE_BATCH", Tunable("how many spans go at once; the next ones follow")),
    ("engine", "TRACE_QUEUE", Test("p11_nobody_waits_for_a_collector_and_what_is_dropped_is_counted")),
    ("engine", "TRACE_TEXT", Test("p11_texts_of_spans_are_bounded")),
    ("engine", "TRACE_TIME", Test("p11_a_collector_has_its_time")),
    ("engine", "TRACE_WAIT", Tunable("how long a span waits for others to go with")),
    ("engine", "TRACE_WAITS", Test("what_a_collector_does_not_take_is_sent_again_and_then_lost")),
    ("engine", "LOG_QUEUE", Test("p11_nobody_waits_for_a_reader_and_what_is_dropped_is_told")),
    ("engine", "LOG_VALUE_CHARS", Test("p11_values_are_bounded")),
    ("engine", "LOG_LIMIT", Test("a_hundred_megabytes_are_read_and_bounded")),
    ("engine", "LOG_PAGE_BYTES", Test("p11_what_is_looked_for_in_logs_is_bounded")),
    ("engine", "LOG_PATTERN", Test("p11_what_is_looked_for_in_logs_is_bounded")),
    ("engine", "LOG_PATTERN_SIZE", Test("p11_what_is_looked_for_in_logs_is_bounded")),
    ("engine", "LOG_SEARCHED_LINE", Test("p11_what_is_looked_for_in_logs_is_bounded")),
    ("engine", "LOG_LINE_LIMIT", Test("a_long_line_comes_in_pieces_of_the_limit")),
    ("engine", "MESSAGE_CHARS", Test("p11_messages_are_bounded")),
    ("engine", "OIDC_BEGUN", Test("p11_so_many_are_on_their_way_and_for_a_time")),
    ("engine", "OIDC_BYTES", Test("p11_a_token_is_bounded")),
    ("engine", "OIDC_FRESH", Tunable("how often a provider is asked for what it says of itself")),
    ("engine", "OIDC_KEYS", Test("p11_keys_of_a_provider_are_bounded")),
    ("engine", "OIDC_SKEW", Test("a_token_holds_for_whom_it_was_made_and_for_a_time")),
    ("engine", "OIDC_SUBJECT", Test("a_token_holds_for_whom_it_was_made_and_for_a_time")),
    ("engine", "OIDC_TEXT", Test("p11_what_is_said_of_a_provider_is_bounded")),
    ("engine", "OIDC_TIME", Test("p11_a_provider_has_its_time")),
    ("engine", "OIDC_WAIT", Test("p11_so_many_are_on_their_way_and_for_a_time")),
    ("engine", "OUTPUT_LIMIT", Test("output_up_to_the_limit_is_whole")),
    ("engine", "HOLDERS_NAMED", Test("p11_holders_that_are_named_to_one_who_waits_are_bounded")),
    ("engine", "PEOPLE_LISTED", Test("p11_tasks_of_which_a_status_says_who_is_left_are_bounded")),
    ("engine", "PLACES_LISTED", Test("p11_places_that_are_listed_are_bounded")),
    ("engine", "PROCESSES_PER_CPU", Test("p11_usual_places_are_bounded")),
    ("engine", "PROJECT_BYTES", Test("p11_names_of_projects_are_bounded")),
    ("engine", "PASSWORD_BYTES", Test("p11_passwords_are_long_enough_and_bounded")),
    ("engine", "PASSWORD_CHARS", Test("p11_passwords_are_long_enough_and_bounded")),
    ("engine", "READ_LIMIT", Test("every_bound_holds")),
    ("engine", "READ_PATIENCE", Tunable("when a command that reads turns to the store itself")),
    ("engine", "RECOVER_BATCH", Tunable("how much is brought on between two things that are asked")),
    ("engine", "REQUEST_BYTES", Test("what_cannot_be_understood_is_answered_and_harms_nobody")),
    ("engine", "SCAN_ROWS", Test("a_wish_asked_again_is_granted_once")),
    ("engine", "RUNS_TIMED", Tunable("how many runs tell how long a workflow takes")),
    ("engine", "SECRET_COMMAND", Test("p5_a_program_that_does_not_tell_is_ended_with_the_step")),
    ("engine", "SECRET_MAX", Test("a_secret_is_never_printed")),
    ("engine", "SECRET_MIN", Test("a_secret_is_never_printed")),
    ("engine", "SESSION_TIME", Test("p11_a_session_ends_though_it_is_used")),
    ("engine", "SETTINGS_BYTES", Test("p11_settings_are_bounded")),
    ("engine", "SETTINGS_SECRETS", Test("p11_settings_are_bounded")),
    ("engine", "SILENCE", Tunable("when it is said that an engine does not answer")),
    ("engine", "SNAPSHOT_EVENTS", Test("p11_a_long_journal_gets_a_snapshot")),
    ("engine", "STEP_STUCK", Test("p11_a_driver_that_does_not_come_back_is_told_of_after_a_time")),
    ("engine", "STORE_RETRY", Tunable("when what could not be written is tried again")),
    ("engine", "STORE_RETRY_MOST", Tunable("when what could not be written is tried again")),
    ("engine", "STREAMS_CACHED", Test("p10_p11_runs_that_wait_leave_the_memory_and_come_back")),
    ("engine", "THREAD_IDLE", Test("a_thread_without_work_ends_and_another_is_made_when_there_is_some")),
    ("engine", "AUDIT_PAGE", Tunable("a page is cut to it; the next one goes on")),
    ("engine", "AUDIT_SCAN", Tunable("a page ends after so many rows; the next one goes on")),
    ("engine", "TOKEN_NAME_CHARS", Test("p11_names_of_tokens_are_bounded")),
    ("engine", "USED_NOTED", Tunable("how often it is noted that a key was used")),
    ("engine", "NOTICE_ASKED", Test("p11_what_a_notification_says_is_bounded")),
    ("engine", "NOTICE_ERROR_CHARS", Test("p11_what_a_notification_says_is_bounded")),
    ("engine", "NOTICE_TITLE_CHARS", Test("p11_what_a_notification_says_is_bounded")),
    (
        "engine",
        "NOTIFICATIONS_COUNTED",
        Tunable(
            "how far what waits is counted for who watches; the store counts no further than it is asked to",
        ),
    ),
    ("engine", "NOTIFICATIONS_PAGE", Tunable("rows of a page; the next one follows")),
    ("engine", "NOTIFY_AGE", Test("p11_a_notification_is_tried_so_often_and_has_failed_then")),
    ("engine", "NOTIFY_DRAIN", Tunable("how long a process that leaves stays; the next one goes on")),
    ("engine", "NOTIFY_LIST", Test("p11_rules_are_bounded")),
    ("engine", "NOTIFY_LOOK", Tunable("how often the store is looked at without being told to")),
    ("engine", "NOTIFY_RULES", Test("p11_rules_are_bounded")),
    ("engine", "NOTIFY_TEXT", Test("p11_rules_are_bounded")),
    ("engine", "NOTIFY_TIME", Test("p11_a_receiver_has_so_much_time_and_holds_up_no_other")),
    ("engine", "NOTIFY_WAITS", Test("p11_a_notification_is_tried_so_often_and_has_failed_then")),
    (
        "engine",
        "NOTES_WAITING",
        Tunable("notes of who was not let in; what comes faster than it is written is dropped"),
    ),
    ("engine", "TROUBLED_LOOK", Test("p11_a_run_that_cannot_go_on_is_looked_at_now_and_then")),
    ("engine", "URL_BYTES", Test("what_cannot_be_called_says_why")),
    ("engine", "VALUES_BYTES", Test("p11_values_at_hand_are_forgotten_and_read_again")),
    ("engine", "VALUES_FILES", Test("files_that_cannot_be_kept_are_named")),
    ("engine", "VALUES_LIMIT", Test("anything_else_is_an_error")),
    (
        "engine",
        "TASKS_LOOKED_AT",
        Tunable(
            "how many open tasks are looked at when somebody loses something; acting on them is checked anyway",
        ),
    ),
    ("engine", "TASKS_READ", Tunable("tasks read at once; an inbox reads on until it has enough")),
    ("engine", "TASKS_SEARCHED", Tunable("tasks of one run that a name is looked for among")),
    ("lang", "ARGUMENTS", Test("length_of_scripts_and_arguments")),
    ("lang", "ASKED_BYTES", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "ATTEMPTS", Test("counts_of_iterations_items_and_tries")),
    ("lang", "BUDGET", Test("p11_attempts_of_a_budget_are_bounded")),
    ("lang", "CRON_BYTES", Test("p11_texts_of_rules_are_bounded")),
    ("lang", "JITTER_MILLIS", Test("p11_triggers_are_bounded")),
    ("lang", "TRIGGERS", Test("p11_triggers_are_bounded")),
    ("lang", "BUNDLE_BYTES", Test("number_and_length_of_files")),
    ("lang", "BUNDLE_FILES", Test("number_and_length_of_files")),
    ("lang", "CHILD_DEPTH", Test("depth_of_children")),
    ("lang", "CHOICES", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "COMPREHENSION_NESTING", Test("macros")),
    ("lang", "DESCRIPTION_CHARS", Test("length_of_texts_for_people")),
    ("lang", "DIAGNOSTICS", Test("number_of_findings")),
    ("lang", "DOCUMENT_ALIASES", Test("number_of_aliases")),
    ("lang", "DOCUMENT_BYTES", Test("length_of_the_text")),
    ("lang", "DOCUMENT_DEPTH", Test("depth_of_values")),
    ("lang", "IMPORT_ENTRIES", Test("p11_import_is_bounded")),
    ("lang", "IMPORT_GRAPH", Test("p11_import_is_bounded")),
    ("lang", "IMPORT_STAGES", Test("p11_import_is_bounded")),
    ("lang", "IMPORT_NODES", Test("p11_import_of_graphs_is_bounded")),
    ("lang", "IMPORT_CHILDREN", Test("p11_import_of_graphs_is_bounded")),
    ("lang", "IMPORT_PATH", Test("p11_import_of_graphs_is_bounded")),
    ("lang", "IMPORT_PROBLEMS", Test("p11_import_of_graphs_is_bounded")),
    ("lang", "IMPORT_VALUES", Test("p11_import_of_batches_is_bounded")),
    ("lang", "IMPORT_NOTES", Test("p11_import_is_bounded")),
    ("lang", "DOCUMENT_NODES", Test("number_of_values")),
    ("lang", "DURATION_MILLIS", Test("refuses_what_is_none")),
    ("lang", "EVAL_FUEL", Test("work")),
    ("lang", "EXPR_BYTES", Test("length")),
    ("lang", "EXPR_HEIGHT", Test("height")),
    ("lang", "EXPR_NESTING", Test("nesting")),
    ("lang", "GROUP_DEPTH", Test("depth_of_groups")),
    ("lang", "INDEXED_BYTES", Test("p11_inputs_by_which_runs_are_found_are_bounded")),
    ("lang", "INDEXED_INPUTS", Test("p11_inputs_by_which_runs_are_found_are_bounded")),
    ("lang", "ITERATIONS", Test("counts_of_iterations_items_and_tries")),
    ("lang", "JOIN", Test("counts_of_iterations_items_and_tries")),
    ("lang", "KEY_BYTES", Test("length_of_keys")),
    ("lang", "MADE_BYTES", Test("texts_that_are_made")),
    ("lang", "MADE_ITEMS", Test("lists_that_are_made")),
    ("lang", "MESSAGE_CHARS", Test("length_of_messages")),
    ("lang", "NAMES", Test("number_of_names_in_a_map")),
    ("lang", "NAME_BYTES", Test("length_of_names")),
    ("lang", "NEAREST_WORK", Test("names_that_are_looked_through_for_help")),
    ("lang", "PARALLEL", Test("counts_of_iterations_items_and_tries")),
    ("lang", "PLACES", Test("p11_keys_and_numbers_of_places_are_bounded")),
    ("lang", "PLACE_KEY_BYTES", Test("p11_keys_and_numbers_of_places_are_bounded")),
    ("lang", "QUESTIONS", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "QUESTION_BYTES", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "QUORUM", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "REDOS", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "REGEX_BYTES", Test("regular_expressions")),
    ("lang", "REGEX_SIZE", Test("regular_expressions")),
    ("lang", "REMIND_MILLIS", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "RENDERED_WORK", Test("values_that_are_handed_on")),
    ("lang", "SCHEMA_BYTES", Test("length_of_schemas")),
    ("lang", "SCRIPT_BYTES", Test("length_of_scripts_and_arguments")),
    ("lang", "SHOWN", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "SIGNAL_NAME_BYTES", Test("p11_the_name_of_a_signal_is_bounded")),
    ("lang", "STEPS", Test("number_of_steps")),
    ("lang", "TITLE_CHARS", Test("length_of_texts_for_people")),
    ("lang", "VALUE_DEPTH", Test("depth_of_values")),
    ("lang", "VISITS", Test("counts_of_iterations_items_and_tries")),
    ("lang", "WHO", Test("p11_what_people_are_asked_is_bounded")),
    ("lang", "WHO_BYTES", Test("p11_what_people_are_asked_is_bounded")),
    ("store", "ACCOUNTS", Test("p11_keys_and_notes_are_bounded")),
    ("store", "ANSWERS", Test("p11_kept_answers_are_bounded")),
    ("store", "ANSWERS_BYTES", Test("p11_kept_answers_are_bounded")),
    ("store", "ANSWER_BYTES", Test("p11_kept_answers_are_bounded")),
    ("store", "ANSWER_KEPT", Test("p11_kept_answers_are_bounded")),
    ("store", "DRAFTS", Test("p11_drafts_of_one_person_are_bounded")),
    ("store", "DRAFT_KEPT", Test("p11_drafts_of_one_person_are_bounded")),
    ("store", "JOBS_OVER", Test("p11_jobs_that_are_over_are_bounded")),
    ("store", "NOTES", Test("p11_keys_and_notes_are_bounded")),
    ("store", "LINKS", Test("p11_keys_and_notes_are_bounded")),
    ("store", "SESSIONS", Test("p11_keys_and_notes_are_bounded")),
    ("store", "SESSION_IDLE", Test("p11_keys_and_notes_are_bounded")),
    ("store", "TOKENS", Test("p11_keys_and_notes_are_bounded")),
    ("lang", "FORM_PROBLEMS", Test("p11_of_a_form_that_does_not_fit_so_much_is_told")),
    ("server", "BODY_BYTES", Test("p11_bodies_are_bounded")),
    ("server", "BODY_TIME", Test("p11_a_body_has_its_time")),
    ("server", "BULK", Test("p11_so_many_runs_are_acted_on_at_once")),
    ("server", "CONNECTIONS", Test("p11_connections_are_bounded_and_one_more_is_told")),
    ("server", "COUNTED", Tunable("how far an inbox is counted; `more` says that there are more")),
    ("server", "DRAIN", Test("p11_a_server_that_stops_waits_for_requests_for_a_time")),
    ("server", "FAILED_ADDRESSES", Test("p11_who_fails_too_often_waits_and_so_many_are_known")),
    ("server", "FAILURES", Test("p11_who_fails_too_often_waits_and_so_many_are_known")),
    ("server", "FAILURE_TIME", Test("p11_who_fails_too_often_waits_and_so_many_are_known")),
    ("server", "GUESSES", Tunable("how many passwords wait to be looked at; the others wait for that")),
    ("server", "HANDLERS", Test("p11_requests_wait_for_their_turn_for_a_time")),
    ("server", "HEAD_BYTES", Test("p11_heads_are_bounded_in_time_and_bytes")),
    ("server", "HEAD_TIME", Test("p11_heads_are_bounded_in_time_and_bytes")),
    (
        "server",
        "HEARTBEAT",
        Test("one_who_is_told_nothing_gets_a_sign_of_life_and_hears_when_the_server_leaves"),
    ),
    ("server", "IDEMPOTENCY_KEY", Test("p11_keys_of_requests_are_bounded")),
    ("server", "HOOK_BYTES", Test("p11_bodies_of_webhooks_are_bounded")),
    ("server", "HOOK_NAME_CHARS", Test("p11_the_name_of_a_webhook_is_bounded")),
    (
        "server",
        "HOOK_RETRY",
        Tunable("when a sender that found too many requests under way should come again"),
    ),
    ("server", "LINK_QUESTIONS", Test("p11_many_questions_are_no_page")),
    ("server", "PAGE", Test("p11_pages_are_bounded")),
    ("server", "PAGE_USUAL", Test("p11_pages_are_bounded")),
    ("server", "REQUEST_ID", Test("p11_only_a_proxy_that_is_believed_names_a_request_and_in_plain_letters")),
    ("server", "STALL", Test("p11_who_takes_in_nothing_is_cut_off")),
    ("server", "STREAMS", Test("p11_those_who_follow_are_bounded_and_have_places_of_their_own")),
    ("server", "STREAM_LOOK", Tunable("how soon it is seen that a program has printed something")),
    (
        "server",
        "STREAM_PAUSE",
        Tunable("how often one who follows is told; what comes meanwhile is told together"),
    ),
    ("server", "STREAM_RETRY", Tunable("when a browser whose stream has ended comes again")),
    ("server", "TURN_TIME", Test("p11_requests_wait_for_their_turn_for_a_time")),
];

/// Compares the table with what the sources have.
pub(crate) fn current() -> Result<(), String> {
    let problems = problems(&sources()?, BOUNDS);
    match problems.is_empty() {
        true => {
            eprintln!("   {} bounds have a test past them", BOUNDS.len());
            Ok(())
        }
        false => Err(format!("P11, see xtask/src/bounds.rs:\n{}", problems.join("\n"))),
    }
}

/// What a crate has: names of the constants in its `limits.rs`, and of its tests.
#[derive(Default)]
struct Source {
    bounds: BTreeSet<String>,
    tests: BTreeSet<String>,
}

fn sources() -> Result<BTreeMap<String, Source>, String> {
    let crates = root().join("crates");
    let mut all = BTreeMap::new();
    for folder in entries(&crates)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let limits = folder.join("src/limits.rs");
        let mut files = Vec::new();
        for part in ["src", "tests"].map(|part| folder.join(part)) {
            if part.exists() {
                rust_files(&part, &mut files)?;
            }
        }
        let mut source = Source::default();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            source.tests.extend(tests(&text));
            if file == limits {
                source.bounds.extend(constants(&text));
            }
        }
        all.insert(name, source);
    }
    Ok(all)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let wrong = |e| format!("{}: {e}", folder.display());
    std::fs::read_dir(folder).map_err(wrong)?.map(|entry| Ok(entry.map_err(wrong)?.path())).collect()
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    for path in entries(folder)? {
        if path.is_dir() {
            rust_files(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// Names of the constants of a text, whoever may see them.
fn constants(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim_start();
        let line = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
            Some(rest) => rest.trim_start(),
            None => line,
        };
        Some(line.strip_prefix("const ")?.split(':').next()?.trim().to_owned())
    };
    text.lines().filter_map(name).filter(|name| !name.contains('(')).collect()
}

/// Names of the functions of a text that are tests and not left out.
fn tests(text: &str) -> Vec<String> {
    let (mut found, mut is_test, mut left_out) = (Vec::new(), false, false);
    for line in text.lines().map(str::trim) {
        match line {
            "#[test]" => is_test = true,
            _ if line.starts_with("#[ignore") => left_out = true,
            _ if line.starts_with("#[") || line.starts_with("//") => {}
            _ => {
                let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                found.extend(name.filter(|_| is_test && !left_out).map(str::to_owned));
                (is_test, left_out) = (false, false);
            }
        }
    }
    found
}

fn problems(sources: &BTreeMap<String, Source>, table: &[(&str, &str, Proof)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (krate, source) in sources {
        let known: BTreeSet<&str> =
            table.iter().filter(|(of, ..)| of == krate).map(|(_, name, _)| *name).collect();
        for name in source.bounds.iter().filter(|name| !known.contains(name.as_str())) {
            problems.push(format!("{krate}: `{name}` is not in the table: name the test that goes past it"));
        }
    }
    let nothing = Source::default();
    for (krate, name, proof) in table {
        let source = sources.get(*krate).unwrap_or(&nothing);
        if !source.bounds.contains(*name) {
            problems.push(format!("{krate}: `{name}` is in the table and not in its limits.rs any more"));
        }
        match proof {
            Test(test) if !source.tests.contains(*test) => {
                problems.push(format!("{krate}: `{name}` has no test `{test}`, or it is left out"));
            }
            Tunable("") => {
                problems.push(format!("{krate}: `{name}` has neither a test nor a reason"));
            }
            Test(_) | Tunable(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_every_bound_has_a_test_past_it() {
        current().unwrap();
    }

    #[test]
    fn what_is_missing_is_told() {
        let text = "pub const A: u8 = 1;\n/// B.\npub(crate) const B: u8 = 2;\npub const fn c() {}\n";
        let code = "#[test]\n#[cfg(unix)]\nfn past_a() {}\nfn past_b() {}\n#[test]\n#[ignore = \"slow\"]\nfn past_c() {}\n";
        assert_eq!(constants(text), ["A", "B"]);
        assert_eq!(tests(code), ["past_a"]);
        let source = Source {
            bounds: constants(text).into_iter().collect(),
            tests: tests(code).into_iter().collect(),
        };
        let sources = BTreeMap::from([("x".to_owned(), source)]);
        let told = |table: &[(&str, &str, Proof)]| problems(&sources, table);
        assert_eq!(told(&[("x", "A", Test("past_a")), ("x", "B", Tunable("why"))]), Vec::<String>::new());
        assert!(told(&[("x", "A", Test("past_a"))])[0].contains("`B` is not in the table"));
        let all = told(&[("x", "A", Test("past_b")), ("x", "B", Tunable("")), ("x", "C", Test("past_a"))]);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(
            all[0].contains("`past_b`") && all[1].contains("reason") && all[2].contains("`C`"),
            "{all:?}"
        );
    }
}
