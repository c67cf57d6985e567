//! What can go wrong with a store, each with a stable code and something to try.

use std::path::{Path, PathBuf};

use stead_core::ids::StreamId;

/// Why a store refused or failed.
///
/// The message says what happened and why, [`help`](Self::help) what to try, [`code`](Self::code) is stable:
/// `S01..` a commit or request that does not fit, `S02..` what is stored does not hold together, `S03..` the
/// schema, `S04..` the machine below, `S05..` files by hash, `S06..` the lock of a home, `S09..` drafts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another engine has taken over.
    #[error("the store was taken over by another engine (fence {newest}, ours is {ours})")]
    Fenced {
        /// The fence of the commit.
        ours: u64,
        /// The newest one.
        newest: u64,
    },
    /// The stream has moved on, or is behind.
    #[error("stream {stream} is at event {actual}, the commit expected {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The next number, as the commit had it.
        expected: u64,
        /// The next number, as the store has it.
        actual: u64,
    },
    /// A message was taken before, or never came.
    #[error("message {id} is not in the inbox of {stream}")]
    NotInInbox {
        /// The stream.
        stream: StreamId,
        /// The message.
        id: String,
    },
    /// An event was asked for that the journal does not hold.
    #[error("the journal of {stream} has no event {seq}")]
    NoSuchEvent {
        /// The stream.
        stream: StreamId,
        /// The number asked for.
        seq: u64,
    },
    /// A snapshot that does not stand behind a whole turn would make a reader apply events twice.
    #[error("a snapshot of {stream} at event {seq} was refused: no turn ends there")]
    SnapshotPlace {
        /// The stream.
        stream: StreamId,
        /// The last event of the snapshot.
        seq: u64,
    },
    /// A commit that contradicts itself.
    #[error("a commit of {stream} was refused: {why}")]
    Malformed {
        /// The stream.
        stream: StreamId,
        /// What does not fit.
        why: &'static str,
    },

    /// Somebody's draft is not the one any more that is to be replaced.
    #[error("the draft of {task} was changed elsewhere since")]
    DraftChanged {
        /// The task.
        task: StreamId,
    },
    /// Whoever saves a draft has handed something in.
    #[error("a draft of {task} comes too late: you have handed in what you had to say")]
    DraftLate {
        /// The task.
        task: StreamId,
    },
    /// Somebody has drafts of very many tasks.
    #[error("you have drafts of {most} open tasks, which is the most")]
    DraftsMany {
        /// So many.
        most: usize,
    },

    /// A token of this name is there.
    #[error("there is a token `{name}` already")]
    KeyTaken {
        /// The name.
        name: String,
    },
    /// Somebody has very many tokens.
    #[error("there are {most} tokens of this person, which is the most")]
    KeysMany {
        /// So many.
        most: usize,
    },

    /// A journal does not hold together: a gap, a changed byte, a row of another stream.
    #[error("the journal of {stream} is corrupt at event {seq}: {what}")]
    Corrupt {
        /// The stream.
        stream: StreamId,
        /// The first event of the row that does not fit.
        seq: u64,
        /// What does not fit.
        what: String,
    },
    /// A head, message or job that cannot be read back.
    #[error("{what} cannot be read back: {detail}")]
    Unreadable {
        /// Which record.
        what: String,
        /// Why.
        detail: String,
    },
    /// The file is something else.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database, but of another program.
    #[error("{} is a database of another program", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// SQLite found the file damaged.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },

    /// Written by a later release.
    #[error("{} has schema version {found}, this program knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// Read-only, and older than this program: it would have to be migrated first.
    #[error("{} has schema version {found} and is opened for reading; version {known} is needed", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// The version needed.
        known: u32,
    },
    /// A migration that was applied is not the one this program has under that number.
    #[error("{} was migrated by another text of migration {version}", path.display())]
    MigrationChanged {
        /// The file.
        path: PathBuf,
        /// The migration.
        version: u32,
    },
    /// A migration failed; the database is as it was before it.
    #[error("migration {version} of {} failed: {detail}", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// The migration.
        version: u32,
        /// Why.
        detail: String,
    },
    /// The copy that is made before a migration could not be made; nothing was changed.
    #[error("no copy of the database could be made at {}: {detail}", path.display())]
    Backup {
        /// Where it was to go.
        path: PathBuf,
        /// Why.
        detail: String,
    },

    /// There is no such file or folder.
    #[error("there is no {}", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
    },
    /// May not be written.
    #[error("{} cannot be written: {detail}", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// No room. Nothing of the commit was written.
    #[error("no room is left for {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the database for longer than we wait.
    #[error("{} is locked by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The database does not run in the mode that durability needs.
    #[error("{} does not take {name} = {wanted}; it says {found}", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// The pragma.
        name: &'static str,
        /// What was asked for.
        wanted: String,
        /// What was read back.
        found: String,
    },
    /// The machine failed to read or write.
    #[error("{} cannot be read or written: {detail}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// Any other failure of SQLite: a mistake of ours.
    #[error("{} failed: {detail}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A test asked for this failure.
    #[error("the store was told to fail here ({point})")]
    Injected {
        /// Where.
        point: crate::fault::Point,
    },

    /// The library does not do that.
    #[error(transparent)]
    Library(#[from] crate::library::Refusal),

    /// The people of a home cannot be changed so, or nobody is called so.
    #[error(transparent)]
    People(#[from] stead_core::people::Refusal),

    /// Nothing is kept under this hash.
    #[error("no file is kept under {hash}")]
    FileMissing {
        /// The hash, or what was given as one.
        hash: String,
    },
    /// What is kept under this hash has another one.
    #[error("the file kept under {hash} is damaged: {detail}")]
    FileDamaged {
        /// The hash.
        hash: String,
        /// What does not fit.
        detail: String,
    },

    /// Another process is the engine of this home.
    #[error("{} is held by process {pid} ({command})", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The holder.
        pid: u32,
        /// How it was called.
        command: String,
        /// When it took the lock, milliseconds since 1970.
        since: i64,
    },
    /// Another process is the engine of this home, and has not said yet which.
    #[error("{} is held by another process", path.display())]
    HeldByUnknown {
        /// The lock file.
        path: PathBuf,
    },
    /// Nobody could be kept from being a second engine.
    #[error("the file system of {} has no locks: {detail}", path.display())]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
}

impl StoreError {
    /// A failure of the file system, by what can be done about it.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (path, detail) = (path.to_owned(), error.to_string());
        match error.kind() {
            ErrorKind::NotFound => Self::Missing { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, detail },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, detail },
        }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fenced { .. } => "S0101",
            Self::Conflict { .. } => "S0102",
            Self::NotInInbox { .. } => "S0103",
            Self::NoSuchEvent { .. } => "S0104",
            Self::SnapshotPlace { .. } => "S0105",
            Self::Malformed { .. } => "S0106",
            Self::Corrupt { .. } => "S0201",
            Self::Unreadable { .. } => "S0202",
            Self::NotADatabase { .. } => "S0203",
            Self::NotOurs { .. } => "S0204",
            Self::Damaged { .. } => "S0205",
            Self::Newer { .. } => "S0301",
            Self::Older { .. } => "S0302",
            Self::MigrationChanged { .. } => "S0303",
            Self::Migration { .. } => "S0304",
            Self::Backup { .. } => "S0305",
            Self::Missing { .. } => "S0401",
            Self::ReadOnly { .. } => "S0402",
            Self::Full { .. } => "S0403",
            Self::Busy { .. } => "S0404",
            Self::Mode { .. } => "S0405",
            Self::Io { .. } => "S0406",
            Self::Sqlite { .. } => "S0407",
            Self::Injected { .. } => "S0499",
            Self::Library(refusal) => refusal.code(),
            Self::People(refusal) => refusal.code(),
            Self::DraftChanged { .. } => "S0901",
            Self::DraftLate { .. } => "S0902",
            Self::DraftsMany { .. } => "S0903",
            Self::KeyTaken { .. } => "S0911",
            Self::KeysMany { .. } => "S0912",
            Self::FileMissing { .. } => "S0501",
            Self::FileDamaged { .. } => "S0502",
            Self::Held { .. } => "S0601",
            Self::HeldByUnknown { .. } => "S0602",
            Self::NoLocks { .. } => "S0603",
        }
    }

    /// What to try.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Fenced { .. } => {
                "This engine has ended its part; start it again if it should be the holder."
            }
            Self::Conflict { .. } => "Load the stream again and take the turn on its present state.",
            Self::NotInInbox { .. } => {
                "Load the stream again: the message may have been taken by an earlier turn."
            }
            Self::NoSuchEvent { .. } => "Ask for a number from 1 to the stream's last event.",
            Self::SnapshotPlace { .. } | Self::Malformed { .. } | Self::Sqlite { .. } => {
                "This is a mistake in Stead: please report it with this message."
            }
            Self::Corrupt { .. } => {
                "Other streams are not affected. Restore the store from a copy, or export what stands before this event."
            }
            Self::Unreadable { .. } => "Restore the store from a copy, or report it if no disk failed.",
            Self::NotADatabase { .. } | Self::NotOurs { .. } => {
                "Check the path of the home; move the file away if it does not belong there."
            }
            Self::Damaged { .. } => {
                "Stop the engine, keep a copy of the file, and restore the newest backup; check the disk."
            }
            Self::Newer { .. } => {
                "Use the release that wrote it, or restore the copy `.before-vN` that was made before its migration."
            }
            Self::Older { .. } => "Start the engine once on this home: it migrates the database.",
            Self::MigrationChanged { .. } => "Use the release that wrote it: this build has another history.",
            Self::Migration { .. } => {
                "Nothing was lost: go on with the release before, and report this message."
            }
            Self::Backup { .. } => "Make room beside the database or allow writing there, then start again.",
            Self::Missing { .. } => "Check the path, or let `stead` make a new home there.",
            Self::ReadOnly { .. } => {
                "Allow this user to write the file and its folder, or choose another home."
            }
            Self::Full { .. } => {
                "Make room on the disk, then go on with `stead resume`. Nothing was half written, nothing is lost."
            }
            Self::Busy { .. } => {
                "See which process has the file open (a backup, a database browser) and let it finish."
            }
            Self::Mode { .. } | Self::NoLocks { .. } => {
                "Put the home on a local disk: network file systems cannot hold it."
            }
            Self::Io { .. } => "Check the disk and the permissions of the home.",
            Self::Injected { .. } => "Only tests do this.",
            Self::Library(refusal) => refusal.help(),
            Self::People(refusal) => refusal.help(),
            Self::DraftChanged { .. } => "Look at it again, and save what should stand.",
            Self::DraftLate { .. } => "There is nothing left to do about it.",
            Self::DraftsMany { .. } => {
                "Hand some of them in, or throw some away: `stead answer TASK --forget`."
            }
            Self::KeyTaken { .. } => "Take another name, or revoke that one: `stead token revoke`.",
            Self::KeysMany { .. } => "Revoke those that are not used: `stead token list`.",
            Self::FileMissing { .. } => "It may have been pruned, or the home was copied without its files.",
            Self::FileDamaged { .. } => "Restore this file from a copy; check the disk.",
            Self::Held { .. } | Self::HeldByUnknown { .. } => {
                "A home has one engine. That process holds this one and takes no commands: end it first, or wait for it."
            }
        }
    }

    /// Whether the same call may succeed later without anything having been repaired in between.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Full { .. } | Self::Injected { .. })
    }
}

#[cfg(test)]
mod tests {
    // Codes stand in documentation and in scripts: each means one thing.
    #[test]
    fn no_code_is_given_twice() {
        let source = include_str!("error.rs");
        let mut codes: Vec<&str> =
            source.match_indices("=> \"S0").map(|(at, _)| &source[at + 4..at + 9]).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert!(all > 20);
        assert_eq!(codes.len(), all);
    }
}
