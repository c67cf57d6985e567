//! What can go wrong around the core.

use crate::notify::SettingsProblem;
use stead_core::ids::StreamId;
use stead_store::StoreError;

use crate::limits;

/// Why the engine refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store, files by hash, or the lock of the home.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run is pinned to a revision that is not kept.
    #[error("the definition of revision {revision} is not in the store")]
    NoDefinition {
        /// The revision.
        revision: String,
    },
    /// A definition or inputs with errors.
    #[error("the definition or its inputs have errors: {}", first(diagnostics))]
    Invalid {
        /// All of them.
        diagnostics: Vec<stead_lang::Diagnostic>,
    },
    /// Something that is not for the library.
    #[error(transparent)]
    Library(#[from] crate::library::LibraryError),
    /// Somebody is not known by what they carry.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// Something about schedules.
    #[error(transparent)]
    Schedule(#[from] crate::schedules::ScheduleError),
    /// Somebody may not.
    #[error(transparent)]
    People(#[from] crate::people::PeopleError),
    /// A project's name that cannot be one.
    #[error("`{name}` is no name of a project: {why}")]
    Project {
        /// As it was given, its beginning.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A kept definition that this engine does not accept.
    #[error("the kept definition of revision {revision} cannot be used: {why}")]
    Definition {
        /// The revision.
        revision: String,
        /// Why.
        why: String,
    },
    /// An event or value that cannot be read.
    #[error("the journal of {stream} cannot be read at event {seq}: {why}")]
    Journal {
        /// The stream.
        stream: StreamId,
        /// The event.
        seq: u64,
        /// Why.
        why: String,
    },
    /// A file by hash that is not what it should be.
    #[error("the value in file {hash} cannot be read: {why}")]
    Value {
        /// The file.
        hash: String,
        /// Why.
        why: String,
    },
    /// No such run.
    #[error("there is no run {id}")]
    NoRun {
        /// As it was asked for.
        id: String,
    },
    /// Several runs begin so.
    #[error("several runs begin with {id}: {}", found.join(", "))]
    Ambiguous {
        /// As it was asked for.
        id: String,
        /// The first few.
        found: Vec<String>,
    },
    /// A signal finds nobody.
    #[error("no open run is found: {wanted}")]
    NobodyFound {
        /// Workflow and keys, as they were asked for.
        wanted: String,
    },
    /// A signal finds too many.
    #[error("more than {most} open runs are found: {wanted}")]
    TooManyFound {
        /// Workflow and keys, as they were asked for.
        wanted: String,
        /// How many get one signal at most.
        most: usize,
    },
    /// No attempt of a step left a log, or not the one that is meant.
    #[error("{run}: there is no log of {step}{}", attempt.map(|number| format!(", attempt {number}")).unwrap_or_default())]
    NoLog {
        /// The run.
        run: StreamId,
        /// The step instance.
        step: String,
        /// The attempt that is meant.
        attempt: Option<u32>,
    },
    /// What is to be looked for in a log cannot be.
    #[error("this cannot be looked for in a log: {why}")]
    LogPattern {
        /// Why not.
        why: String,
    },
    /// There is no such file, or it is not for who asks.
    #[error("there is no file {hash}, or it is not for you")]
    NoFile {
        /// As it was asked for.
        hash: String,
    },
    /// Somebody has uploaded too much that no run was started with.
    #[error("{files} files of {bytes} bytes wait for a run already")]
    UploadsMany {
        /// How many.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// A file cannot be called so.
    #[error("a file cannot be called so: {why}")]
    UploadName {
        /// Why not.
        why: String,
    },
    /// There is no such document, or no such version of it.
    #[error("{run}: {why}")]
    NoDocument {
        /// The run.
        run: StreamId,
        /// Why not.
        why: String,
    },
    /// There is no such task.
    #[error("there is no task `{wanted}`: {why}")]
    NoTask {
        /// As it was named.
        wanted: String,
        /// Why not.
        why: String,
    },
    /// What was handed in does not fit the form.
    #[error("what was filled in does not fit the form of {task}: {}", problems.join("; "))]
    FormMisfit {
        /// The task.
        task: String,
        /// What is wrong, each thing for itself.
        problems: Vec<String>,
    },
    /// The operation does not fit what the run is doing.
    #[error("{id}: {why}")]
    Refused {
        /// The run.
        id: String,
        /// Why.
        why: String,
    },
    /// A folder or file of the home.
    #[error("{what} {path}: {why}")]
    Home {
        /// What was to be done.
        what: &'static str,
        /// Where.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The engine has stopped.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
    /// The socket of the home.
    #[error("the socket {path} cannot be used: {why}")]
    Socket {
        /// Where it is.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The engine of the home is of another release.
    #[error("the engine of this home (process {pid}) is Stead {theirs}, this is Stead {ours}")]
    OtherRelease {
        /// Its process.
        pid: u32,
        /// Its release.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// The engine of the home is there and does nothing.
    #[error("the engine of this home (process {pid}) does not answer")]
    NoAnswer {
        /// Its process.
        pid: u32,
    },
    /// The engine of the home does not take this.
    #[error("the engine of this home does not take it: {why}")]
    NotTaken {
        /// Why.
        why: String,
    },
    /// Somebody wants to go on from a place that is not there.
    #[error("there is no position {position}: the journal ends at {newest}")]
    Ahead {
        /// The position that was named.
        position: u64,
        /// The newest.
        newest: u64,
    },
    /// The store takes nothing for now. It is tried again by itself, but what was asked for was dropped.
    #[error("it could not be written: {why}")]
    Unwritten {
        /// Why.
        why: String,
        /// What to try.
        help: String,
    },
    /// What the engine of the home said.
    #[error("{message}")]
    Told {
        /// Stable code.
        code: String,
        /// What it said.
        message: String,
        /// What to try.
        help: Option<String>,
        /// Whose it is.
        blame: crate::blame::Blame,
    },
    /// A server elsewhere, or the way to it.
    #[error(transparent)]
    Remote(#[from] crate::remote::RemoteError),
    /// There is no such notification, or none that has failed.
    #[error("{}", if *.failed { format!("the notification `{id}` has not failed") } else { format!("there is no notification `{id}`") })]
    NoNotification {
        /// As it was named.
        id: String,
        /// It is there, and has not failed.
        failed: bool,
    },
    /// Something is wrong with what the settings say of notifications.
    #[error("`{path}`: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings {
        /// The file.
        path: String,
        /// All of it.
        problems: Vec<SettingsProblem>,
    },
    /// A fault of Stead itself.
    #[error("this is a bug in Stead: {0}")]
    Bug(String),
}

impl EngineError {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            EngineError::Told { code, .. } => code,
            EngineError::Remote(error) => error.code(),
            EngineError::Socket { .. } => "R0303",
            EngineError::OtherRelease { .. } => "R0304",
            EngineError::NoAnswer { .. } => "R0305",
            EngineError::NotTaken { .. } => "R0306",
            EngineError::Unwritten { .. } => "R0307",
            EngineError::Ahead { .. } => "R0308",
            EngineError::Store(error) => error.code(),
            EngineError::Library(error) => error.code(),
            EngineError::People(error) => error.code(),
            EngineError::Access(error) => error.code(),
            EngineError::Schedule(error) => error.code(),
            EngineError::NoDefinition { .. } => "R0101",
            EngineError::Definition { .. } => "R0102",
            EngineError::Invalid { .. } => "R0105",
            EngineError::Project { .. } => "R0106",
            EngineError::Journal { .. } => "R0103",
            EngineError::Value { .. } => "R0104",
            EngineError::NoRun { .. } => "R0201",
            EngineError::Ambiguous { .. } => "R0202",
            EngineError::Refused { .. } => "R0203",
            EngineError::NobodyFound { .. } => "R0204",
            EngineError::TooManyFound { .. } => "R0205",
            EngineError::NoTask { .. } => "R0206",
            EngineError::FormMisfit { .. } => "R0207",
            EngineError::NoDocument { .. } => "R0208",
            EngineError::NoLog { .. } => "R0211",
            EngineError::LogPattern { .. } => "R0212",
            EngineError::NoFile { .. } => "R0213",
            EngineError::UploadsMany { .. } => "R0214",
            EngineError::UploadName { .. } => "R0215",
            EngineError::NoNotification { failed: false, .. } => "R0209",
            EngineError::NoNotification { .. } => "R0210",
            EngineError::Settings { .. } => "R0701",
            EngineError::Home { .. } => "R0301",
            EngineError::Stopped(_) => "R0302",
            EngineError::Bug(_) => "R0999",
        }
    }

    /// What to try.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            EngineError::Store(error) => error.help().to_owned(),
            EngineError::Library(error) => error.help(),
            EngineError::People(error) => error.help(),
            EngineError::Access(error) => error.help(),
            EngineError::Schedule(error) => error.help(),
            EngineError::NoDefinition { .. } | EngineError::Definition { .. } => {
                "continue the run with the version of Stead that started it".into()
            }
            EngineError::Journal { .. } | EngineError::Value { .. } => {
                "the store was damaged from outside; restore it from a backup".into()
            }
            EngineError::NoRun { .. } => "`stead runs` lists the runs of this home".into(),
            EngineError::NobodyFound { .. } => {
                "runs are found by inputs that the definition marks `index: true`, while they are open".into()
            }
            EngineError::TooManyFound { .. } => "name more inputs".into(),
            EngineError::Ambiguous { .. } => "give more of the id".into(),
            EngineError::Invalid { .. } => "`stead check FILE` shows each with its place".into(),
            EngineError::Project { .. } => {
                format!("a name has 1 to {} bytes and no control characters", limits::PROJECT_BYTES)
            }
            EngineError::Home { .. } => "check that the folder exists and that you may write there".into(),
            EngineError::Socket { .. } => {
                "make sure that the home is yours and stands on a local disk, and that nothing keeps this process from \
                 making a socket"
                    .into()
            }
            EngineError::OtherRelease { pid, .. } => format!(
                "use the same release for both, or let that engine leave first (Ctrl-C, or `kill {pid}`): its runs can go on"
            ),
            EngineError::NoAnswer { pid } => format!(
                "it may be suspended: `kill -CONT {pid}` lets it go on, `kill -9 {pid}` ends it and its runs can go on"
            ),
            EngineError::Ahead { .. } => {
                "the position is of another store, or of this one before it was restored: begin anew".into()
            }
            EngineError::Told { help, .. } => return help.clone(),
            EngineError::Remote(error) => return error.help(),
            EngineError::Unwritten { help, .. } => help.clone(),
            EngineError::Bug(_) => "please report it with the command you gave".into(),
            EngineError::NoTask { .. } => "list those that are there with: stead inbox --all".into(),
            EngineError::NoLog { run, .. } => format!("list those that are there with: stead logs {run} --all"),
            EngineError::LogPattern { .. } => "a regular expression has no look-around and no back references".into(),
            EngineError::NoFile { .. } => {
                "of what a run names ask with the run; one's own is kept for a day, and uploading it again is the same".into()
            }
            EngineError::UploadsMany { .. } => format!(
                "{} files and {} GiB may wait; they are removed after a day",
                limits::UPLOADS,
                limits::UPLOADED_BYTES >> 30
            ),
            EngineError::UploadName { .. } => "say another one by `name`".into(),
            EngineError::NoDocument { run, .. } => format!("list what it has with: stead documents {run}"),
            EngineError::FormMisfit { task, .. } => format!("see what it asks for with: stead inbox {task}"),
            EngineError::NoNotification { .. } => "list them with: stead notifications".into(),
            EngineError::Settings { .. } => "docs/notifications.md has what a rule can say".into(),
            EngineError::Refused { .. } | EngineError::NotTaken { .. } | EngineError::Stopped(_) => return None,
        })
    }

    /// Whether it may pass by itself: a store that somebody else holds, a disk that is full.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, EngineError::Store(error) if error.passes())
    }

    /// Whether only one stream is concerned, so that the others can go on.
    pub(crate) fn concerns_stream(&self) -> bool {
        match self {
            EngineError::NoDefinition { .. }
            | EngineError::Definition { .. }
            | EngineError::Journal { .. }
            | EngineError::Value { .. } => true,
            EngineError::Store(error) => matches!(
                error,
                StoreError::Corrupt { .. } | StoreError::FileMissing { .. } | StoreError::FileDamaged { .. }
            ),
            _ => false,
        }
    }

    pub(crate) fn definition(revision: &str, why: &dyn std::fmt::Display) -> Self {
        EngineError::Definition { revision: revision.to_owned(), why: why.to_string() }
    }

    pub(crate) fn journal(stream: &StreamId, seq: u64, why: &dyn std::fmt::Display) -> Self {
        EngineError::Journal { stream: stream.clone(), seq, why: why.to_string() }
    }

    pub(crate) fn file(hash: &str, why: &dyn std::fmt::Display) -> Self {
        EngineError::Value { hash: hash.to_owned(), why: why.to_string() }
    }

    pub(crate) fn bug(why: &dyn std::fmt::Display) -> Self {
        EngineError::Bug(why.to_string())
    }
}

fn first(diagnostics: &[stead_lang::Diagnostic]) -> String {
    let more = diagnostics.len().saturating_sub(1);
    let first = diagnostics.first().map_or_else(String::new, |d| format!("{}: {}", d.code, d.message));
    if more == 0 { first } else { format!("{first} (and {more} more)") }
}
