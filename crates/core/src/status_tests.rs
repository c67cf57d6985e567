//! Every pair of statuses is either in the table or refused.

use super::*;

#[test]
fn every_pair_of_run_statuses_is_in_the_table_or_refused() {
    use RunStatus::{Cancelled, Completed, Failed, Paused, Pending, Running, Waiting};
    let moves = [
        (Pending, vec![Running, Waiting, Paused, Failed, Cancelled]),
        (Running, vec![Waiting, Paused, Completed, Failed, Cancelled]),
        (Waiting, vec![Running, Paused, Completed, Failed, Cancelled]),
        (Paused, vec![Running, Waiting, Failed, Cancelled]),
        (Completed, vec![]),
        (Failed, vec![]),
        (Cancelled, vec![]),
    ];
    assert_eq!(moves.len(), RunStatus::ALL.len());
    for (from, to) in moves {
        for other in RunStatus::ALL {
            assert_eq!(from.next().contains(other), to.contains(other), "{from} -> {other}");
        }
        assert_eq!(from.is_end(), from.next().is_empty(), "what has ended stays so: {from}");
    }
}

#[test]
fn p3_a_run_ends_in_one_of_eight_named_pairs() {
    let pairs: Vec<(RunStatus, Outcome)> = RunStatus::ALL
        .iter()
        .flat_map(|status| Outcome::ALL.iter().map(|outcome| (*status, *outcome)))
        .filter(|(status, outcome)| status.outcomes().contains(outcome))
        .collect();
    use Outcome::{Degraded, Error, Exhausted, Ok, Rejected, StoppedEarly, TimedOut};
    use RunStatus::{Cancelled, Completed, Failed};
    assert_eq!(
        pairs,
        [
            (Completed, Ok),
            (Completed, Degraded),
            (Completed, StoppedEarly),
            (Failed, Error),
            (Failed, Rejected),
            (Failed, Exhausted),
            (Failed, TimedOut),
            (Cancelled, Outcome::Cancelled),
        ]
    );
}

#[test]
fn every_pair_of_step_statuses_is_in_the_table_or_refused() {
    use StepStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running, Skipped, Waiting};
    let moves = [
        (Pending, vec![Running, Waiting, Completed, Failed, Skipped, Blocked, Cancelled]),
        (Running, vec![Waiting, Completed, Failed, Cancelled]),
        (Waiting, vec![Running, Completed, Failed, Cancelled]),
        (Completed, vec![]),
        (Failed, vec![]),
        (Skipped, vec![]),
        (Blocked, vec![]),
        (Cancelled, vec![]),
    ];
    assert_eq!(moves.len(), StepStatus::ALL.len());
    for (from, to) in moves {
        for other in StepStatus::ALL {
            assert_eq!(from.next().contains(other), to.contains(other), "{from} -> {other}");
        }
        assert_eq!(from.is_end(), from.next().is_empty(), "what has ended stays so: {from}");
        assert_eq!(from.is_end(), !from.outcomes().is_empty(), "an outcome comes with the end: {from}");
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    for status in RunStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    for status in StepStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
    }
    for outcome in Outcome::ALL {
        assert_eq!(outcome.as_str().parse(), Ok(*outcome));
    }
}
