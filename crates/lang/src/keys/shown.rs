//! Which test uses which key.
//!
//! `crates/lang/tests/definitions/everything.yml` has every key that is built, so the test that reads it stands for all.
//! The rows here name the test that says more about a key: what it does. A test holds that each of them is there.

/// The test that reads a definition with every key.
pub const ALL_KEYS: &str = "everything_that_is_built_is_in_one_definition";

/// Where a key stands, the key, and the test that shows what it does.
pub static SHOWN: &[(&str, &str, &str)] = &[
    ("document", "concurrency", "rule_51_runs_wait_for_their_place_in_the_order_of_their_coming"),
    ("document", "deadline", "rule_33_the_deadline_of_the_document_fails_the_run_whatever_on_error_says"),
    ("document", "defaults", "defaults_of_the_document_reach_run_only"),
    ("document", "finally", "rule_36_a_run_that_fails_undoes_then_runs_its_finally"),
    ("document", "inputs", "inputs_are_declared_by_type_and_schema"),
    ("document", "outputs", "rule_07_an_error_in_outputs_fails_the_block"),
    ("document", "secrets", "rule_45_secrets_stand_alone_in_their_marks_in_env_and_stdin"),
    ("document", "states", "rule_15_go_on_error_is_try_and_catch_and_does_not_degrade"),
    ("document", "steps", "rule_12_needs_make_an_order_and_what_needs_nothing_starts_at_once"),
    ("document", "triggers", "all_that_is_wrong_with_triggers_is_told_at_once"),
    ("document", "templates", "a_step_lies_over_its_template_key_by_key"),
    ("document", "vars", "rule_05_the_head_sees_no_steps"),
    ("document", "documents", "rule_65_a_step_that_produces_a_document_makes_drafts_until_one_is_accepted"),
    ("document", "scopes", "rule_66_scopes_stand_in_each_other_and_documents_in_their_scope"),
    ("step", "produces", "rule_65_a_step_that_produces_a_document_makes_drafts_until_one_is_accepted"),
    ("foreach", "scope", "rule_66_scopes_stand_in_each_other_and_documents_in_their_scope"),
    ("document_type", "accept", "rule_65_a_step_that_produces_a_document_makes_drafts_until_one_is_accepted"),
    (
        "document_type",
        "on_findings",
        "rule_69_what_is_abandoned_fails_and_what_nobody_is_asked_about_as_well",
    ),
    ("document_type", "schema", "rule_69_what_is_abandoned_fails_and_what_nobody_is_asked_about_as_well"),
    ("document_type", "scope", "rule_66_scopes_stand_in_each_other_and_documents_in_their_scope"),
    ("accept", "revise", "rule_65_a_rejected_version_is_made_anew_with_the_comment_as_feedback"),
    ("step", "concurrency", "rule_50_a_step_has_its_place_from_start_to_end_with_all_it_does"),
    ("step", "deadline", "rule_33_a_deadline_ends_what_is_inside_and_no_retry_follows"),
    ("step", "foreach", "rule_20_an_item_holds_its_place_from_start_to_end"),
    ("step", "id", "rule_01_ids_are_unique_in_their_block_and_around"),
    ("step", "if", "rule_12_a_skipped_step_meets_a_need"),
    ("step", "loop", "rule_21_until_is_evaluated_from_min_on"),
    ("step", "needs", "rule_12_needs_make_an_order_and_what_needs_nothing_starts_at_once"),
    ("step", "next", "p3_without_a_transition_that_holds_the_block_fails"),
    ("step", "on_error", "rule_15_continue_leaves_the_step_failed_and_the_block_goes_on"),
    ("step", "retry", "rule_14_a_failed_attempt_is_tried_again_then_the_step_fails_and_its_block_stops"),
    ("step", "timeout", "rule_33_timeout_is_of_one_attempt_and_a_try_may_follow"),
    ("step", "undo", "rule_37_undo_takes_items_and_replaced_iterations_newest_first_over_all_branches"),
    ("step", "use", "a_step_lies_over_its_template_key_by_key"),
    ("step", "verify", "verify_is_asked_of_once_steps_only"),
    ("group", "finally", "rule_39_finally_runs_once_however_its_block_ends_and_cannot_change_that"),
    ("group", "join", "rule_26_first_is_the_first_success"),
    ("group", "outputs", "rule_07_a_block_without_outputs_gives_those_of_its_steps"),
    ("group", "states", "a_machine_stands_in_groups_and_groups_in_states"),
    ("concurrency", "key", "rule_55_key_and_number_are_computed_and_the_newest_number_counts"),
    ("concurrency", "max", "rule_55_key_and_number_are_computed_and_the_newest_number_counts"),
    ("concurrency", "on_full", "rule_53_the_oldest_is_cancelled_and_its_end_is_awaited"),
    ("next", "max", "rule_06_counts_start_afresh_with_each_instance_of_the_block"),
    ("next", "when", "rule_05_next_sees_its_own_state"),
    ("on_error", "go", "rule_15_go_on_error_is_try_and_catch_and_does_not_degrade"),
    ("foreach", "in", "rule_19_in_takes_a_list_or_a_map"),
    ("foreach", "join", "rule_26_so_many_items"),
    ("foreach", "key", "rule_19_an_empty_or_double_key_fails_the_step_before_any_item"),
    ("foreach", "parse", "rule_58_lines_of_a_file_are_read_one_by_one"),
    ("foreach", "parallel", "rule_20_an_item_holds_its_place_from_start_to_end"),
    ("loop", "max", "rule_21_without_a_condition_max_is_how_often"),
    ("loop", "on_exhausted", "p3_a_loop_that_ran_out_under_continue_is_named_and_degrades"),
    ("retry", "errors", "rule_14_only_listed_kinds_are_tried_again"),
    ("retry", "jitter", "rule_35_jitter_is_derived_and_stays_within_its_bounds"),
    ("action", "run", "run_asks_for_a_script_or_a_program"),
    ("workflow", "name", "rule_44_a_child_by_name_is_pinned_beside_the_definition"),
    ("workflow", "path", "the_same_child_twice_is_no_circle"),
    ("workflow", "revision", "rule_44_latest_is_the_newest_when_the_step_starts"),
    ("approve", "by", "whoever_may_act_is_told_by_kind_and_name"),
    ("approve", "form", "a_form_is_the_schema_of_a_map"),
    ("approve", "not", "whoever_worked_on_a_step_is_known_where_the_step_can_be_read"),
    ("approve", "on_reject", "rule_22_redo_names_a_step_of_the_own_block_that_the_gate_needs"),
    ("approve", "on_timeout", "rule_30_what_the_end_of_the_time_does_needs_a_time"),
    ("approve", "quorum", "a_gate_can_be_decided_by_as_many_as_it_asks_for"),
    ("approve", "show", "rule_29_what_is_shown_are_outputs_of_steps_or_values_by_label"),
    ("ask", "form", "a_form_is_the_schema_of_a_map"),
    ("ask", "questions", "questions_that_are_written_out_are_checked_one_by_one"),
    ("on_reject", "redo", "rule_22_redo_names_a_step_of_the_own_block_that_the_gate_needs"),
    ("question", "answer_type", "questions_that_are_written_out_are_checked_one_by_one"),
    ("question", "choices", "questions_that_are_written_out_are_checked_one_by_one"),
    ("action", "workflow", "rule_44_a_child_is_a_run_of_its_own_and_gives_its_outputs"),
];

/// The test that shows a key.
pub fn shown(place: &str, key: &str) -> &'static str {
    let row = SHOWN.iter().find(|(p, k, _)| *p == place && *k == key);
    row.map_or(ALL_KEYS, |(_, _, test)| test)
}
