//! Bounds of what stores keep beside the journal (P11).

/// Drafts of one person; when there are more, those of tasks that are over go first, then a further one is refused.
pub const DRAFTS: usize = 1_000;
/// How long the draft of a task is kept that is over, from when it was last saved, in milliseconds: thirty days.
pub const DRAFT_KEPT: i64 = 30 * 24 * 3_600_000;
/// Living tokens of one person; so many that are over are kept for lists as well.
pub const TOKENS: usize = 50;
/// Living sessions of one person; the one that was used longest ago goes when there is one more.
pub const SESSIONS: usize = 20;
/// How long it is known what was answered to a request with a key of its own, in milliseconds: a day.
pub const ANSWER_KEPT: i64 = 24 * 3_600_000;
/// Such keys of one person; the oldest go.
pub const ANSWERS: usize = 5_000;
/// Bytes of one such answer; what is larger is not kept.
pub const ANSWER_BYTES: usize = 1 << 20;
/// Bytes of all such answers to one person; the oldest go.
pub const ANSWERS_BYTES: usize = 32 << 20;
/// How long a session lasts in which nothing is asked, in milliseconds: a day.
pub const SESSION_IDLE: i64 = 24 * 3_600_000;
/// Living links of one person; the one that was used longest ago goes when there is one more.
pub const LINKS: usize = 500;
/// Living accounts of providers of one person; a further one is refused.
pub const ACCOUNTS: usize = 10;
/// Notes of what was done with keys, and of who was not let in; the oldest go.
pub const NOTES: usize = 10_000;
/// Jobs that were delivered, and as many that have failed, that are kept for lists; the oldest go.
pub const JOBS_OVER: usize = 1_000;
