//! Bounds of the server (P11).

use std::time::Duration;

/// Connections at once; one more is told so and closed.
pub const CONNECTIONS: usize = 512;
/// Operations at once, a thread each; others wait for their turn.
pub const HANDLERS: usize = 16;
/// How long a request waits for its turn.
pub const TURN_TIME: Duration = Duration::from_secs(10);
/// Time for the head of a request; also how long a connection is kept on which nothing is asked.
pub const HEAD_TIME: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
pub const HEAD_BYTES: usize = 64 << 10;
/// Time for the body of a request.
pub const BODY_TIME: Duration = Duration::from_secs(30);
/// Bytes of the body of a request.
pub const BODY_BYTES: usize = 16 << 20;
/// Bytes of a file that is uploaded.
pub const UPLOAD_BYTES: u64 = 2 << 30;
/// Files that are uploaded at once; others wait for their turn.
pub const UPLOADS: usize = 8;
/// Time for a file to come. Nothing of it for [`STALL`] ends it before.
pub const UPLOAD_TIME: Duration = Duration::from_secs(3_600);
/// Bytes of a piece of what is read as it is sent.
pub const READING: usize = 256 << 10;
/// Letters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY: usize = 255;
/// How long a client may take in nothing of an answer.
pub const STALL: Duration = Duration::from_secs(30);
/// Times that an address may show what means nobody before it is told to wait.
pub const FAILURES: u32 = 10;
/// In this time.
pub const FAILURE_TIME: Duration = Duration::from_secs(60);
/// Passwords that are looked at at once, or wait for it; others wait for their turn.
pub const GUESSES: usize = 4;
/// Questions on the page of a link; of more it is said where they are answered.
pub const LINK_QUESTIONS: usize = 20;
/// Addresses of which it is known.
pub const FAILED_ADDRESSES: usize = 4_096;
/// Rows of one page.
pub const PAGE: usize = 500;
/// Rows of a page when nothing is said.
pub const PAGE_USUAL: usize = 50;
/// Runs of one request that acts on several.
pub const BULK: usize = 500;
/// Lists of runs that are kept to be acted on.
pub const SNAPSHOTS: usize = 256;
/// Of these of one person.
pub const SNAPSHOTS_EACH: usize = 16;
/// How long.
pub const SNAPSHOT_TIME: Duration = Duration::from_secs(3_600);
/// Tasks of an inbox that are counted.
pub const COUNTED: usize = 1_000;
/// Time that requests under way have to end in when the server stops.
pub const DRAIN: Duration = Duration::from_secs(5);

/// Clients that follow what is written, at once. They have places of their own beside [`CONNECTIONS`].
pub const STREAMS: usize = 10_000;
/// How long a client that follows is told nothing before a sign of life is.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The least time between two pieces of what a client is told.
pub const STREAM_PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked for what a program has printed.
pub const STREAM_LOOK: Duration = Duration::from_millis(200);
/// When a client whose stream has ended should come again.
pub const STREAM_RETRY: Duration = Duration::from_secs(1);

/// Bytes of the body of a request of a webhook.
pub const HOOK_BYTES: usize = 1 << 20;
/// Letters of the name of a webhook that are looked at.
pub const HOOK_NAME_CHARS: usize = 256;
/// When a request of a webhook should come again that found too many under way.
pub const HOOK_RETRY: u16 = 5;

/// Letters of the name that a proxy gives a request.
pub const REQUEST_ID: usize = 128;
