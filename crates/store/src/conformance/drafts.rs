//! Drafts: one per person and task, the last write wins, gone with what is handed in.

use stead_core::ids::StreamId;
use stead_core::task::{Ended, TaskHead, TaskStatus};

use super::StoreFactory;
use super::tasks::{row, task, with};
use crate::drafts::{Draft, Over};
use crate::fault::Point;
use crate::limits::{DRAFT_KEPT as KEPT, DRAFTS as EACH};
use crate::{Store, StoreError};

const ANA: &str = "user:ana";

fn body(store: &mut dyn Store, task: &StreamId, person: &str) -> Option<String> {
    store.draft(task, person).unwrap().map(|draft| draft.body)
}

fn put(store: &mut dyn Store, number: usize, at: i64) -> Result<(), StoreError> {
    store.put_draft(&task(number), ANA, &Draft::new(at, "words"), Over::Anything)
}

fn over() -> TaskHead {
    TaskHead {
        status: TaskStatus::Completed,
        ended: Some(Ended::Accepted),
        ended_at: Some(30),
        to: Vec::new(),
        ..row(1, &[])
    }
}

/// Each person has a draft of their own; it is there after a crash; what somebody else wrote in between is told to
/// whoever says what theirs was made from.
pub fn keeps_drafts(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[with(1, 1, row(1, &[ANA, "user:bo"]))]).unwrap();
    let (one, two) = (Draft::new(10, "{\"a\":1}"), Draft::new(20, "{\"a\":2}"));
    assert_ne!(one.etag, two.etag);
    assert_eq!(store.draft(&task(1), ANA).unwrap(), None);
    store.put_draft(&task(1), ANA, &one, Over::Nothing).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.draft(&task(1), "user:Ana").unwrap(), Some(one.clone()));
    assert_eq!(store.draft(&task(1), "user:bo").unwrap(), None);
    assert_eq!(store.draft(&task(2), ANA).unwrap(), None);
    assert_eq!(store.drafts_of(ANA).unwrap(), [(task(1), 10)]);
    assert_eq!(store.drafts_of("user:bo").unwrap(), []);
    store.put_draft(&task(1), ANA, &two, Over::Etag(&one.etag)).unwrap();
    for late in [Over::Etag(&one.etag), Over::Nothing] {
        let error = store.put_draft(&task(1), ANA, &one, late).unwrap_err();
        assert!(matches!(error, StoreError::DraftChanged { .. }), "{error}");
        let error = store.drop_draft(&task(1), ANA, late).unwrap_err();
        assert!(matches!(error, StoreError::DraftChanged { .. }), "{error}");
    }
    assert_eq!(store.draft(&task(1), ANA).unwrap(), Some(two.clone()));
    store.put_draft(&task(1), ANA, &one, Over::Anything).unwrap();
    assert_eq!(body(store.as_mut(), &task(1), ANA).as_deref(), Some("{\"a\":1}"));
    assert!(store.drop_draft(&task(1), ANA, Over::Etag(&one.etag)).unwrap());
    assert!(!store.drop_draft(&task(1), ANA, Over::Anything).unwrap());
    assert_eq!(store.drafts_of(ANA).unwrap(), []);
    // Nothing of a save that failed stays.
    factory.faults().fail_at_point(Point::BeforeCommit, 1);
    store.put_draft(&task(1), ANA, &two, Over::Nothing).unwrap_err();
    factory.faults().clear();
    assert_eq!(store.draft(&task(1), ANA).unwrap(), None);
}

/// What somebody hands in takes their draft along, and nobody else's.
pub fn clears_drafts_of_what_is_handed_in(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[with(1, 1, row(1, &[ANA, "user:bo"]))]).unwrap();
    for who in [ANA, "user:bo"] {
        store.put_draft(&task(1), who, &Draft::new(10, who), Over::Anything).unwrap();
    }
    // Nothing else takes it away: not a claim, not its end, not that it was given to somebody else.
    let claimed = TaskHead { claimed: Some(("user:ana".into(), 50)), ..row(1, &[ANA]) };
    let given = TaskHead { not: vec![ANA.into()], ..row(1, &["user:cy"]) };
    store.commit(fence, &[with(1, 2, claimed), with(1, 3, row(1, &[ANA])), with(1, 4, given)]).unwrap();
    assert_eq!(body(store.as_mut(), &task(1), ANA).as_deref(), Some(ANA));
    let acted = TaskHead { acted: vec!["user:Ana".into()], ..over() };
    // A commit that fails leaves it.
    factory.faults().fail_at_point(Point::BeforeCommit, 1);
    store.commit(fence, &[with(1, 5, acted.clone())]).unwrap_err();
    factory.faults().clear();
    assert_eq!(body(store.as_mut(), &task(1), ANA).as_deref(), Some(ANA));
    store.commit(fence, &[with(1, 5, acted)]).unwrap();
    assert_eq!(body(store.as_mut(), &task(1), ANA), None);
    assert_eq!(body(store.as_mut(), &task(1), "user:bo").as_deref(), Some("user:bo"));
    // One that was on its way meanwhile comes too late.
    let error = put(store.as_mut(), 1, 20).unwrap_err();
    assert!(matches!(error, StoreError::DraftLate { .. }), "{error}");
    assert_eq!(body(store.as_mut(), &task(1), ANA), None);
}

/// Somebody's drafts are bounded: those of tasks that are over go after a while, or when there are too many.
pub fn bounds_drafts(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let all: Vec<_> = (1..=EACH + 2).map(|number| with(number, 1, row(1, &[ANA]))).collect();
    store.commit(fence, &all).unwrap();
    put(store.as_mut(), 1, 10).unwrap();
    put(store.as_mut(), 2, 10).unwrap();
    store.commit(fence, &[with(1, 2, over())]).unwrap();
    put(store.as_mut(), 3, 10 + KEPT).unwrap();
    assert!(body(store.as_mut(), &task(1), ANA).is_some());
    put(store.as_mut(), 3, 11 + KEPT).unwrap();
    assert!(body(store.as_mut(), &task(1), ANA).is_none(), "the task was over so long");
    assert!(body(store.as_mut(), &task(2), ANA).is_some(), "it is open, however old the draft");
    for number in 4..=EACH + 1 {
        put(store.as_mut(), number, 12 + KEPT).unwrap();
    }
    let error = put(store.as_mut(), EACH + 2, 13 + KEPT).unwrap_err();
    assert!(matches!(error, StoreError::DraftsMany { most: EACH }), "{error}");
    assert!(body(store.as_mut(), &task(EACH + 2), ANA).is_none());
    put(store.as_mut(), 5, 13 + KEPT).unwrap();
    store.commit(fence, &[with(4, 2, over())]).unwrap();
    put(store.as_mut(), EACH + 2, 14 + KEPT).unwrap();
    assert!(body(store.as_mut(), &task(4), ANA).is_none());
    assert_eq!(store.drafts_of(ANA).unwrap().len(), EACH);
}
