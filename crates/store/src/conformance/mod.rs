//! The suite that every store passes.
//!
//! A store's crate makes a [`StoreFactory`] and writes `stead_store::conformance_tests!(factory)`: one test
//! per case. The cases know a store by its trait only.

// A case that fails panics: that is what a test is.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a suite of tests, kept as library code")]

mod access;
mod answers;
mod commits;
mod drafts;
mod faults;
mod jobs;
mod library;
mod lists;
mod messages;
mod people;
mod reads;
mod samples;
mod sizes;
mod tasks;

pub use access::*;
pub use answers::*;
pub use commits::*;
pub use drafts::*;
pub use faults::*;
pub use jobs::*;
pub use library::*;
pub use lists::*;
pub use messages::*;
pub use people::*;
pub use reads::*;
pub use samples::{commit, head, message, stream};
pub use sizes::*;
pub use tasks::*;

use stead_core::ids::StreamId;

use crate::fault::Faults;
use crate::{Filter, Store};

/// Makes stores for the suite.
pub trait StoreFactory {
    /// An empty store whose commits cross the points of [`faults`](Self::faults).
    fn open(&mut self) -> Box<dyn Store>;

    /// The data of `store`, opened again as after a crash.
    fn reopen(&mut self, store: Box<dyn Store>) -> Box<dyn Store>;

    /// What makes commits fail in the middle.
    fn faults(&self) -> Faults;
}

/// One case.
pub type Case = fn(&mut dyn StoreFactory);

/// Calls `$name! { [$args] case, case, ... }` with the names of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($name:ident ! $($args:tt)*) => {
        $crate::$name! {
            [$($args)*]
            writes_all_parts,
            refuses_another_number,
            refuses_an_old_fence,
            refuses_contradictions,
            takes_several_commits_of_one_stream,
            numbers_positions_in_order,
            comes_back_after_reopening,
            goes_on_after_a_crash,
            leaves_nothing_of_a_failed_commit,
            tells_nothing_of_a_lost_answer,
            takes_a_message_once,
            keeps_messages_in_order,
            takes_what_the_same_batch_sent,
            finds_the_row_of_an_event,
            reads_journals_in_parts,
            keeps_the_newest_snapshot,
            refuses_a_misplaced_snapshot,
            verifies_journals,
            keeps_definitions,
            lists_open_streams,
            counts_what_is_open,
            orders_due_streams,
            opens_streams_without_a_head,
            filters_heads,
            filters_heads_by_what_stays,
            lists_heads_by_pages,
            lists_inboxes,
            takes_large_rows,
            takes_many_streams,
            numbers_revisions_by_name,
            refuses_what_was_made_from_an_older_revision,
            knows_what_files_are,
            takes_names_that_differ_in_case_for_one,
            counts_runs_under_all_names,
            deletes_and_restores,
            keeps_what_is_called_or_runs,
            tells_what_was_done,
            lists_workflows,
            finds_workflows_by_words,
            leaves_nothing_of_a_failed_save,
            keeps_people,
            takes_people_away,
            leaves_nothing_of_failed_edits,
            keeps_drafts,
            clears_drafts_of_what_is_handed_in,
            bounds_drafts,
            keeps_keys,
            ends_keys_of_whoever_goes,
            bounds_keys,
            binds_accounts,
            keeps_answers,
            bounds_answers,
            settles_jobs,
            bounds_jobs,
        }
    };
}

/// One test per case, each with a factory of its own: `conformance_tests!(MyFactory::new())`.
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr) => {
        $crate::conformance_cases!(conformance_tests_of! $factory);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests_of {
    ([$factory:expr] $($case:ident,)+) => {
        $(#[test]
        fn $case() {
            let mut factory = $factory;
            $crate::conformance::$case(&mut factory);
        })+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_table {
    ([] $($case:ident,)+) => { &[$((stringify!($case), $case),)+] };
}

/// All cases by name.
pub const CASES: &[(&str, Case)] = conformance_cases!(conformance_table!);

/// Runs all cases, one after another. Panics at the first that fails.
pub fn run(factory: &mut dyn StoreFactory) {
    for (_, case) in CASES {
        case(factory);
    }
}

/// Everything that can be seen of these streams and of the store as a whole, to be compared.
pub fn seen(store: &mut dyn Store, streams: &[StreamId]) -> String {
    let mut parts = vec![
        format!("{:#?}", store.journal_after(0, usize::MAX).unwrap()),
        format!("{:?}", store.open_streams().unwrap()),
        format!("{:?}", store.open_counts().unwrap()),
        format!("{:?}", store.due_streams(i64::MAX, usize::MAX).unwrap()),
        format!("{:?}", store.next_due().unwrap()),
        format!("{:?}", store.jobs(usize::MAX).unwrap()),
        format!("{:#?}", store.heads(&Filter::default()).unwrap()),
    ];
    for stream in streams {
        parts.push(format!("{:#?}", store.load(stream).unwrap()));
        parts.push(format!("{:#?}", store.journal(stream, 1, usize::MAX).unwrap()));
        parts.push(format!("{:#?}", store.head(stream).unwrap()));
        parts.push(format!("{:?}", store.inbox(stream).unwrap()));
        parts.push(format!("{:?}", store.verify(stream).unwrap()));
    }
    parts.join("\n")
}
