//! Bounds of the command line's own (P11).

/// Tasks that the inbox reads at once; as many more when somebody comes near the end of them.
pub const INBOX_PAGE: usize = 200;
/// Lines of one thing shown that the inbox shows, and columns of one of them; `stead inbox TASK` prints all.
pub const SHOWN_LINES: usize = 5_000;
/// See [`SHOWN_LINES`].
pub const SHOWN_COLUMNS: usize = 10_000;
/// Bytes that are pasted at once.
pub const PASTE_BYTES: usize = 1 << 20;
/// Keys that are kept for a task that is on its way to the screen.
pub const KEYS_AHEAD: usize = 4_096;
/// Bytes of a password that are read; what is longer than any may be is refused.
pub const PASSWORD_BYTES: u64 = 4_096;
/// How long `stead serve` waits for a command that holds the home at that moment.
pub const HOME_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Files and connections that a server may have open, where the system lets it.
pub const OPEN_FILES: u64 = 16_384;
/// Runs that are watched at once.
pub const WATCHED: usize = 100;
/// Bytes of a token that are read; what is longer than any is refused by the server.
pub const TOKEN_BYTES: u64 = 4_096;
/// Servers that somebody has logged in to.
pub const LOGINS: usize = 200;
/// Bytes of the file in which they stand.
pub const LOGINS_BYTES: u64 = 1 << 20;
/// How long a server that leaves waits until what it has said is taken.
pub const LOG_FLUSH: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a server that leaves waits for spans to be sent.
pub const TRACE_FLUSH: std::time::Duration = std::time::Duration::from_secs(5);
