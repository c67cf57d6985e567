//! Bounds of what stores keep beside the journal (P11).

/// Drafts of one person; when there are more, those of tasks that are over go first, then a further one is refused.
pub const DRAFTS: usize = 1_000;
/// How long the draft of a task is kept that is over, from when it was last saved, in milliseconds: thirty days.
pub const DRAFT_KEPT: i64 = 30 * 24 * 3_600_000;
/// Living tokens of one person; so many that are over are kept for lists as well.
pub const TOKENS: usize = 50;
/// Living sessions of one person; the one that was used longest ago goes when there is one more.
pub const SESSIONS: usize = 20;
/// Notes of what was done with keys, and of who was not let in; the oldest go.
pub const NOTES: usize = 10_000;
