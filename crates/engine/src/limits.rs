//! Bounds of the engine. Each has a test that goes past it.

use std::time::Duration;

/// Bytes of output that are kept in the log of one attempt. What comes after is read, so that the program
/// goes on, and dropped; a note in the log says so.
pub const LOG_LIMIT: u64 = 64 * 1024 * 1024;

/// Bytes of one line that a reader of a log hands out at once. A longer line comes in pieces.
pub const LOG_LINE_LIMIT: usize = 64 * 1024;

/// Bytes of standard output that become a step's output. A program that prints more fails, unless its
/// output is not wanted (`parse: none`).
pub const OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// Bytes of the file `STEAD_OUTPUT`.
pub const VALUES_LIMIT: usize = 4 * 1024 * 1024;

/// Files that one attempt may hand over through `STEAD_OUTPUT`.
pub const VALUES_FILES: usize = 1_000;

/// Bytes and lines of what a program printed last that go into its error's message.
pub const ERROR_TAIL_BYTES: usize = 2 * 1024;
/// See [`ERROR_TAIL_BYTES`].
pub const ERROR_TAIL_LINES: usize = 20;

/// Time between TERM and KILL.
pub const END_GRACE: Duration = Duration::from_secs(5);

/// Time that what a program left behind has to end by itself once the program has ended.
pub const LEFTOVER_GRACE: Duration = Duration::from_millis(500);

/// Bytes of a secret at least: anything shorter would be found all over ordinary text when it is redacted.
pub const SECRET_MIN: usize = 4;

/// Bytes of a secret at most.
pub const SECRET_MAX: usize = 64 * 1024;

/// Bytes of a settings file.
pub const SETTINGS_BYTES: usize = 256 * 1024;

/// Secrets in a settings file.
pub const SETTINGS_SECRETS: usize = 1_000;

/// Time that a program has to tell a secret.
pub const SECRET_COMMAND: Duration = Duration::from_secs(60);

/// Attempts that are no processes (calls to servers and the like) at once. The rest waits in order.
pub const CONNECTIONS_AT_ONCE: usize = 64;

/// Processes per processor at once, unless set. The rest waits in order.
pub const PROCESSES_PER_CPU: usize = 4;

/// A thread that had nothing to do for so long ends.
pub const THREAD_IDLE: Duration = Duration::from_secs(10);

/// Bytes of a file that a `file` step reads as its output.
pub const READ_LIMIT: usize = 16 * 1024 * 1024;

/// Bytes of a file that a `file` step writes, copies, or takes in by hash.
pub const FILE_LIMIT: u64 = 8 * 1024 * 1024 * 1024;

/// Folders on the way to a file of the project.
pub const FILE_DEPTH: usize = 64;

/// Links on the way to a file of the project.
pub const FILE_LINKS: usize = 40;

/// Bounds of one attempt of a `file` step, as they are outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the constant of its name")]
pub struct FileLimits {
    pub read: usize,
    pub file: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { read: READ_LIMIT, file: FILE_LIMIT }
    }
}

/// Bytes of one line of a file whose lines are read one by one.
pub const LINE_BYTES: usize = 1024 * 1024;

/// Columns of a table whose rows are run.
pub const BATCH_COLUMNS: usize = 1_000;

/// Values of one input that is swept.
pub const SWEEP_VALUES: usize = 100_000;

/// Results of a batch that are told at once.
pub const RESULT_ROWS: usize = 500;

/// Files of lines whose lengths are known and that are held open, so that the next line is found at once.
pub const LINE_FILES: usize = 8;

/// Bytes of an address that is called.
pub const URL_BYTES: usize = 8 * 1024;

/// Redirects that one attempt follows.
pub const HTTP_REDIRECTS: usize = 10;

/// Bytes of the head of an answer.
pub const HTTP_HEAD: usize = 64 * 1024;

/// Bytes of the body of an answer that becomes a value.
pub const HTTP_BODY: usize = 16 * 1024 * 1024;

/// Time in which a connection has to come about: the looking up of its name, and TLS, included.
pub const HTTP_CONNECT: Duration = Duration::from_secs(30);

/// Bytes of the body of an answer that was not expected, which go into the message.
pub const HTTP_EXCERPT: usize = 1024;

/// Bounds of one attempt of an `http` step, as they are outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the constant of its name; `file` is FILE_LIMIT")]
pub struct HttpLimits {
    pub redirects: usize,
    pub head: usize,
    pub body: usize,
    pub file: u64,
    pub connect: Duration,
    pub excerpt: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            redirects: HTTP_REDIRECTS,
            head: HTTP_HEAD,
            body: HTTP_BODY,
            file: FILE_LIMIT,
            connect: HTTP_CONNECT,
            excerpt: HTTP_EXCERPT,
        }
    }
}

/// Bounds of one attempt of a process, as they are outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the constant of its name")]
pub struct ProcessLimits {
    pub log: u64,
    pub output: usize,
    pub values: usize,
    pub values_files: usize,
    pub error_tail_bytes: usize,
    pub error_tail_lines: usize,
    pub end_grace: Duration,
    pub leftover_grace: Duration,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self {
            log: LOG_LIMIT,
            output: OUTPUT_LIMIT,
            values: VALUES_LIMIT,
            values_files: VALUES_FILES,
            error_tail_bytes: ERROR_TAIL_BYTES,
            error_tail_lines: ERROR_TAIL_LINES,
            end_grace: END_GRACE,
            leftover_grace: LEFTOVER_GRACE,
        }
    }
}

/// Inputs taken by one step of the driver: what they write is one commit.
pub const BATCH: usize = 256;

/// A step takes no further input behind so many bytes of events.
pub const BATCH_BYTES: usize = 8 << 20;

/// Streams kept in memory. Behind that the ones that wait are dropped: they are rows only.
pub const STREAMS_CACHED: usize = 1_000;

/// Bytes of values kept at hand per stream between two turns.
pub const VALUES_BYTES: usize = 16 << 20;

/// Events behind the last snapshot before there is a next one.
pub const SNAPSHOT_EVENTS: u64 = 1_000;

/// How long the driver sleeps at most before it looks at the clock again: a clock that was set, or a machine
/// that slept, is noticed by then.
pub const CLOCK_LOOK: Duration = Duration::from_secs(5);

/// Definitions whose plans are kept at hand for the next start.
pub const DEFINITIONS_CHECKED: usize = 16;

/// Milliseconds until a stream that is due and cannot go on is looked at again.
pub const TROUBLED_LOOK: i64 = 1_000;

/// Tasks of a run of which its status says who is left that may act.
pub const PEOPLE_LISTED: usize = 100;

/// Holders, and those who wait, that are listed of a limit; the rest is counted.
pub const PLACES_LISTED: usize = 100;

/// Holders of a place that are named to one who waits for it.
pub const HOLDERS_NAMED: usize = 3;

/// Bytes of a project's name.
pub const PROJECT_BYTES: usize = 100;

/// Bytes of one request to the engine of a home: a definition with all its files, and inputs.
pub const REQUEST_BYTES: usize = 96 << 20;

/// Bytes of one answer of the engine of a home. What is longer the client reads from the store itself.
pub const ANSWER_BYTES: usize = 64 << 20;

/// Connections to the engine of a home at once.
pub const CONNECTIONS: usize = 256;

/// How long whoever connects may take to say who it is.
pub const HELLO_TIME: Duration = Duration::from_secs(5);

/// How long whoever follows may take in nothing of what it is told. Then its connection is closed, and it goes on
/// from where it was.
pub const FOLLOW_STALL: Duration = Duration::from_secs(10);

/// When nothing was written for so long, followers are told that the engine is there.
pub const FOLLOW_TICK: Duration = Duration::from_secs(1);

/// When nothing is heard of an engine for so long, its clients say so.
pub const SILENCE: Duration = Duration::from_secs(3);

/// How long a command that reads waits for the engine of the home before it reads the store itself.
pub const READ_PATIENCE: Duration = Duration::from_secs(3);

/// How long a command waits for the engine of the home before it gives up.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Rows of the journal read at once for one who follows.
pub const FOLLOW_ROWS: usize = 64;

/// Rows a client has taken in and not shown yet.
pub const FOLLOW_QUEUE: usize = 256;

/// Bytes of the environment and the secrets that are lent for one run.
pub const LENT_BYTES: usize = 1 << 20;

/// How long an engine that takes a home over waits for terminals to lend the environments of their runs.
pub const LEND_WAIT: Duration = Duration::from_secs(10);

/// How long the driver waits before it tries again to write what it could not; the wait doubles each time.
pub const STORE_RETRY: Duration = Duration::from_millis(100);

/// The longest of these waits.
pub const STORE_RETRY_MOST: Duration = Duration::from_secs(5);

/// Streams that a new engine brings on in one step, beside what it is asked to do.
pub const RECOVER_BATCH: usize = 64;

/// Runs that an environment is lent for at once.
pub const LENT_RUNS: usize = 1_000;

/// Bytes of events behind which an answer with events ends; the last row that is begun is in it.
pub const EVENTS_BYTES: usize = 8 << 20;

/// Files that are listed of what an attempt left whose end is not known.
pub const EVIDENCE_FILES: usize = 50;
/// Files and folders of it that are looked at.
pub const EVIDENCE_SEEN: usize = 10_000;
/// Lines shown of what it printed last.
pub const EVIDENCE_LINES: usize = 10;

/// Rows of a journal read at once when all of it is looked through.
pub const SCAN_ROWS: usize = 1_000;

/// How long a connection that is being answered keeps an engine that leaves.
pub const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Labels of one workflow.
pub const LABELS: usize = 20;
/// Length of a label, in bytes.
pub const LABEL_BYTES: usize = 50;
/// Length of what is said about a revision when it is saved, in characters.
pub const MESSAGE_CHARS: usize = 1_000;
/// The last completed runs that tell how long a workflow takes.
pub const RUNS_TIMED: usize = 100;
/// How long the shortest difference of two files is looked for; then one that is less short is told.
pub const COMPARE_TIME: Duration = Duration::from_millis(500);
/// Admins that are named to somebody who lacks a role.
pub const ADMINS_NAMED: usize = 5;
/// Open tasks that are looked at when somebody loses something.
pub const TASKS_LOOKED_AT: usize = 1_000;
/// Tasks that are read at once when an inbox is made.
pub const TASKS_READ: usize = 200;
/// Tasks of one run that are looked at for the one that is meant, the newest first.
pub const TASKS_SEARCHED: usize = 10_000;
/// Entries of one page of what was done.
pub const AUDIT_PAGE: usize = 500;
/// Rows of each kind that are looked at for one page of what was done.
pub const AUDIT_SCAN: usize = 10_000;
/// Letters of a token's name.
pub const TOKEN_NAME_CHARS: usize = 64;
/// How often it is noted that a key was used, in milliseconds.
pub const USED_NOTED: i64 = 60_000;
/// Notes that wait to be written; further ones are dropped.
pub const NOTES_WAITING: usize = 1_000;
/// Letters of a password, at least.
pub const PASSWORD_CHARS: usize = 12;
/// Bytes of a password, at most.
pub const PASSWORD_BYTES: usize = 1_024;
/// Passwords that are looked at at once: each takes 19 MiB and a processor for some hundredths of a second.
pub const HASHES: usize = 2;
/// How long it is waited for a place among them.
pub const HASH_PATIENCE: Duration = Duration::from_secs(5);
/// How long a session lasts at most, in milliseconds: thirty days.
pub const SESSION_TIME: i64 = 30 * 24 * 3_600_000;
/// How long a link to a task can be used, in milliseconds: seven days.
pub const LINK_TIME: i64 = 7 * 24 * 3_600_000;

/// What waits in memory for one who follows what is written: rows, and bytes. Whoever has more waiting reads it from the store.
pub const LIVE_WAITING: usize = 1_000;
/// See [`LIVE_WAITING`].
pub const LIVE_BYTES: usize = 1 << 20;
/// Bytes behind which one piece of what they are told ends; the row that is begun is in it.
pub const LIVE_TOLD: usize = 256 << 10;
/// Rows of the journal read at once for all of them, and for one who goes on from before.
pub const LIVE_ROWS: usize = 256;
/// Bytes of the lines of a log behind which a page of them ends.
pub const LOG_PAGE_BYTES: usize = 1 << 20;
/// Bytes of what is looked for in a log, and of what it comes to as a machine.
pub const LOG_PATTERN: usize = 1_000;
/// See [`LOG_PATTERN`].
pub const LOG_PATTERN_SIZE: usize = 1 << 20;
/// Bytes of one line that are searched.
pub const LOG_SEARCHED_LINE: usize = 1 << 20;
/// How often they are told of lists that change.
pub const LIVE_PAUSE: Duration = Duration::from_millis(100);
/// Lines of a log, and bytes, behind which one piece of it ends.
pub const LIVE_LINES: usize = 1_000;
/// See [`LIVE_LINES`].
pub const LIVE_LOG_BYTES: usize = 256 << 10;
/// Tasks that are counted for one of them.
pub const LIVE_TASKS: usize = 1_000;
/// Schedules of one home that are on.
pub const SCHEDULES: usize = 1_000;
/// Next times of a schedule that are told at once.
pub const TIMES_LISTED: usize = 1_001;
/// Changes of the clock that are told with them.
pub const CHANGES_LISTED: usize = 20;
/// How much later or earlier than it says a request of a webhook may come, in milliseconds.
pub const HOOK_TOLERANCE: i64 = 5 * 60_000;
/// Bytes of the id of a request of a webhook.
pub const HOOK_ID_BYTES: usize = 256;
/// Signatures of one request that are looked at.
pub const HOOK_SIGNATURES: usize = 10;

/// Files that somebody has uploaded and started no run with.
pub const UPLOADS: usize = 1_000;
/// Bytes of these.
pub const UPLOADED_BYTES: u64 = 10 << 30;
/// How long one waits for a run.
pub const UPLOAD_TIME: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of the name of a file, and of its media type.
pub const UPLOAD_NAME: usize = 255;

/// Rules of notifications.
pub const NOTIFY_RULES: usize = 32;
/// Entries of a list in such a rule.
pub const NOTIFY_LIST: usize = 50;
/// Bytes of a text in such a rule.
pub const NOTIFY_TEXT: usize = 2_048;
/// Letters of the title of a notification.
pub const NOTICE_TITLE_CHARS: usize = 200;
/// Letters of an error in a notification, and of why one was not delivered.
pub const NOTICE_ERROR_CHARS: usize = 2_000;
/// People and groups whom a notification names.
pub const NOTICE_ASKED: usize = 100;
/// Notifications of one page.
pub const NOTIFICATIONS_PAGE: usize = 501;
/// Waits before a notification is tried again; behind the last one it has failed. A day, all together.
pub const NOTIFY_WAITS: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(4 * 3_600),
    Duration::from_secs(8 * 3_600),
    Duration::from_secs(8 * 3_600),
];
/// How old a notification may be to be tried again.
pub const NOTIFY_AGE: Duration = Duration::from_secs(3 * 24 * 3_600);
/// Time for the delivery of one.
pub const NOTIFY_TIME: Duration = Duration::from_secs(30);
/// How long a process that leaves stays for notifications that are due.
pub const NOTIFY_DRAIN: Duration = Duration::from_secs(5);
/// How often it is looked for those that another process has put back.
pub const NOTIFY_LOOK: Duration = Duration::from_secs(30);

/// How long the driver may be at one step before it is told to be stuck.
pub const STEP_STUCK: Duration = Duration::from_secs(30);
/// Notifications that wait, as far as they are counted for who watches.
pub const NOTIFICATIONS_COUNTED: usize = 10_000;

/// Time for a connection to a server elsewhere, the looking up of its name and TLS included.
pub const REMOTE_CONNECT: Duration = Duration::from_secs(10);
/// Bytes of the head of its answer.
pub const REMOTE_HEAD_BYTES: usize = 64 << 10;
/// Bytes of its answer to a request that it refuses.
pub const REMOTE_PROBLEM_BYTES: usize = 1 << 20;
/// Rows of a list that a server elsewhere tells at once.
pub const REMOTE_PAGE: usize = 1_001;
/// How long nothing is heard of a stream, signs of life included, before it is taken for lost.
pub const REMOTE_SILENCE: Duration = Duration::from_secs(45);
/// The longest wait before a stream that was lost is asked for again.
pub const REMOTE_WAIT: Duration = Duration::from_secs(5);
/// How often the engine behind a server elsewhere is asked what it is doing, while somebody follows.
pub const REMOTE_LOOK: Duration = Duration::from_secs(5);
/// Runs that are followed at once at a server elsewhere.
pub const REMOTE_FOLLOWED: usize = 100;

/// Lines of what a server says of itself that wait to be written; what comes then is dropped and counted.
pub const LOG_QUEUE: usize = 8_192;
/// Letters of one value in such a line.
pub const LOG_VALUE_CHARS: usize = 1_000;

/// Bytes of a word that settings say of a provider of OpenID Connect, and of where a browser goes behind it.
pub const OIDC_TEXT: usize = 1_024;

/// Bytes of an answer of a provider, and of a token.
pub const OIDC_BYTES: usize = 256 * 1024;

/// Keys of a provider.
pub const OIDC_KEYS: usize = 100;

/// Bytes of what a provider knows an account by.
pub const OIDC_SUBJECT: usize = 255;

/// Time in which a provider has to do all of its part in one request.
pub const OIDC_TIME: Duration = Duration::from_secs(10);

/// How long it is taken for current what a provider says of itself.
pub const OIDC_FRESH: Duration = Duration::from_secs(3_600);

/// How long somebody may take to sign in at a provider.
pub const OIDC_WAIT: Duration = Duration::from_secs(600);

/// Browsers that are on their way to a provider at once; the oldest makes room.
pub const OIDC_BEGUN: usize = 1_000;

/// How far the clock of a provider may be off, in milliseconds.
pub const OIDC_SKEW: i64 = 60_000;

/// Spans that wait to be sent; what comes then is dropped and counted.
pub const TRACE_QUEUE: usize = 8_192;
/// Spans that are sent at once.
pub const TRACE_BATCH: usize = 512;
/// How long one waits for more.
pub const TRACE_WAIT: Duration = Duration::from_secs(5);
/// How long a collector has to answer.
pub const TRACE_TIME: Duration = Duration::from_secs(10);
/// Waits before spans are sent again; behind the last one they are lost.
pub const TRACE_WAITS: &[Duration] = &[Duration::from_secs(1), Duration::from_secs(5)];
/// Letters of a text in a span.
pub const TRACE_TEXT: usize = 1_000;
