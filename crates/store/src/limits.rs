//! Bounds of what stores keep beside the journal (P11).

/// Drafts of one person; when there are more, those of tasks that are over go first, then a further one is refused.
pub const DRAFTS: usize = 1_000;
/// How long the draft of a task is kept that is over, from when it was last saved, in milliseconds: thirty days.
pub const DRAFT_KEPT: i64 = 30 * 24 * 3_600_000;
