//! The bounds of the core, in one place. Each has a test that goes past it.

/// A turn stops behind so many events; the rest follows by an input to itself.
pub const TURN_EVENTS: usize = 1_000;
/// A turn stops behind about so many bytes of values in its events.
pub const TURN_BYTES: usize = 1 << 20;
/// Values up to so many bytes of JSON are kept in the state; larger ones by reference.
pub const INLINE_BYTES: usize = 256;
/// Values up to so many bytes of JSON stand in an event; larger ones are files by hash.
pub const EVENT_BYTES: usize = 32 << 10;
/// Largest value a step may give or pass on, in bytes of JSON.
pub const VALUE_BYTES: usize = 64 << 20;
/// Documents of one run: each key of a scope counts.
pub const DOCUMENTS: usize = 10_000;
/// Versions of one document of a run.
pub const DOCUMENT_VERSIONS: usize = 1_000;
/// Items of one `foreach` over the lines of a file. They are read one by one and forgotten one by one.
pub const FOREACH_LINES: u32 = 1_000_000;
/// Items of one `foreach`.
pub const FOREACH_ITEMS: usize = 100_000;
/// Iterations of one `loop`.
pub const LOOP_MAX: u32 = 1_000_000;
/// Items of one `foreach` under way at once.
pub const FOREACH_PARALLEL: u32 = 10_000;
/// Tries of one attempt.
pub const RETRY_ATTEMPTS: u32 = 1_000;
/// An attempt lost in a crash is repeated so often, then its step fails.
pub const LOST_ATTEMPTS: u32 = 10;
/// Longest key of an item, in bytes.
pub const KEY_BYTES: usize = 256;
/// Longest length of time a step may wait or be given: ten years, in milliseconds.
pub const MILLIS: u64 = 10 * 366 * 86_400_000;
/// Longest text of an error in the journal, in bytes; more is cut.
pub const ERROR_BYTES: usize = 4 << 10;
/// How many of the things a run waits for its head lists.
pub const WAITS_LISTED: usize = 20;
/// Visits of one state in one instance of its block.
pub const STATE_VISITS: u32 = 100;
/// Attempts of one budget.
pub const BUDGET_ATTEMPTS: u32 = 1_000_000;
/// Signals that a run keeps until a wait takes them.
pub const SIGNALS_KEPT: usize = 10_000;
/// Ids of signals that a run remembers, so that each counts once; the oldest is forgotten first.
pub const SIGNAL_IDS: usize = 10_000;
/// Longest name of a signal, and longest id, in bytes.
pub const SIGNAL_NAME_BYTES: usize = 200;
/// Largest data of a signal, in bytes of JSON.
pub const SIGNAL_BYTES: usize = 1 << 20;
/// Runs that one step sends a signal to.
pub const SIGNAL_RUNS: usize = 1_000;
/// Longest path of a step instance that a signal is sent to, in bytes.
pub const PATH_BYTES: usize = 4 << 10;
/// Places of one key.
pub const PLACES: u32 = stead_lang::limits::PLACES;
/// Runs and steps that wait for a place of one key. Further ones are refused.
pub const PLACES_WAITED_FOR: usize = 100_000;
/// Length of the key of `concurrency`, in bytes.
pub const PLACE_KEY_BYTES: usize = stead_lang::limits::PLACE_KEY_BYTES;
/// Instants of a schedule that wait for the run before them; a further one is left out.
pub const SCHEDULE_QUEUE: usize = 100;
/// What is over, of one schedule, that it remembers.
pub const SCHEDULE_HISTORY: usize = 100;
/// Instants that passed while nothing ran and are started, with `missed: all`: the newest.
pub const MISSED_STARTED: usize = 100;
/// An instant that is looked at so much later has been missed, in milliseconds.
pub const SCHEDULE_LATE: i64 = 60_000;
/// Instants that one backfill starts, with those that wait already.
pub const BACKFILL: usize = 1_000;
/// Requests of one webhook whose runs have not ended; a further one is sent away for now.
pub const HOOK_OPEN: usize = 1_000;
/// Requests of one webhook that are remembered, so that each counts once; while there are as many, no other is taken.
pub const HOOK_IDS: usize = 100_000;
/// How long a request is remembered, in milliseconds: longer than one may come late.
pub const DELIVERY_MILLIS: i64 = 15 * 60_000;
/// Runs inside runs.
pub const CHILD_DEPTH: u32 = 10;
/// People and agents of one home, removed ones included.
pub const PEOPLE: usize = 10_000;
/// Groups of one home.
pub const GROUPS: usize = 1_000;
/// Aliases of one user.
pub const ALIASES: usize = 20;
/// Roles of one user or group.
pub const ROLES: usize = 100;
/// Skills of one user.
pub const SKILLS: usize = 100;
/// Length of the name of a user, group, role or skill, in bytes.
pub const PERSON_NAME_BYTES: usize = 64;
/// Length of a person's full name, in characters.
pub const DISPLAY_NAME_CHARS: usize = 100;
/// Changes of the people that are made at once.
pub const PEOPLE_EDITS: usize = 1_000;
/// How many must accept, or reject, in one gate.
pub const QUORUM: u32 = stead_lang::limits::QUORUM;
/// How often one gate leads back to an earlier step.
pub const REDOS: u32 = 100;
/// Gates of one run, each item of a `foreach` for itself, of which it is remembered who decided: `not: [deciders]`.
pub const DECIDERS: usize = 10_000;
/// Reminders of one task; nothing is sent behind the last.
pub const TASK_REMINDERS: u32 = 1_000;
/// How long somebody who has claimed a task keeps it when nothing more is heard of them, in milliseconds.
pub const TASK_LEASE: u64 = 2 * 3_600_000;
/// How often a task is given to somebody else.
pub const TASK_DELEGATIONS: usize = 100;
/// Largest form or set of answers that is handed in, in bytes of JSON.
pub const SUBMISSION_BYTES: usize = 1 << 20;
/// Longest comment or reason, in bytes.
pub const COMMENT_BYTES: usize = 64 << 10;
/// Bytes of the address of a mailbox.
pub const EMAIL_BYTES: usize = 254;
