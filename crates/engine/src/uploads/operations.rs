//! The operations on files that come from elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_store::Reader;

use crate::error::EngineError;
use crate::limits;
use crate::reads::Reads;

/// Something to be done or told about files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum FileOperation {
    /// Keep what was uploaded, for runs that its uploader starts. `staged` is what its bytes are called in the home so far,
    /// `project` that of the runs which it is for.
    Upload { file: FileRow, staged: String, project: String, by: String },
    /// One's own upload; with `run` a file that this run names.
    Find {
        hash: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        by: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum FileAnswer {
    /// It is durable.
    Uploaded { file: FileRow },
    /// Where it lies on this machine.
    Found { file: FileRow, path: String },
}

/// A file by hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileRow {
    /// BLAKE3 of its bytes: 64 lower-case hex digits.
    pub hash: String,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its media type, as who has uploaded it says.
    #[serde(rename = "type")]
    pub kind: String,
}

impl FileRow {
    /// Refuses a name or a type that is none.
    ///
    /// # Errors
    /// When one is.
    pub fn check(&self) -> Result<(), EngineError> {
        let wrong = |why: &str| Err(EngineError::UploadName { why: why.to_owned() });
        if self.name.is_empty() || self.name.len() > limits::UPLOAD_NAME {
            return wrong(&format!("a name has 1 to {} bytes", limits::UPLOAD_NAME));
        }
        if self.name.contains(['/', '\\']) || matches!(self.name.as_str(), "." | "..") {
            return wrong("a name is none of a folder");
        }
        if self.name.chars().any(char::is_control) {
            return wrong("a name has no control characters");
        }
        if self.kind.len() > limits::UPLOAD_NAME || !self.kind.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        {
            return wrong(&format!("a type has at most {} visible characters of ASCII", limits::UPLOAD_NAME));
        }
        Ok(())
    }

    /// Its hash, for a message.
    pub(crate) fn shown(&self) -> String {
        self.hash.chars().take(80).collect()
    }
}

impl FileOperation {
    pub(crate) fn by_mut(&mut self) -> &mut String {
        match self {
            Self::Upload { by, .. } | Self::Find { by, .. } => by,
        }
    }

    /// The run that it is about, as it was named.
    pub(crate) fn run(&self) -> Option<&str> {
        match self {
            Self::Find { run, .. } => run.as_deref(),
            Self::Upload { .. } => None,
        }
    }

    pub(crate) fn run_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Find { run, .. } => run.as_mut(),
            Self::Upload { .. } => None,
        }
    }
}

impl<R: Reader> Reads<R> {
    /// Answers; `None` for what writes.
    pub(crate) fn file_operation(
        &mut self,
        operation: &FileOperation,
    ) -> Result<Option<FileAnswer>, EngineError> {
        let FileOperation::Find { hash, run, by } = operation else { return Ok(None) };
        let none = || EngineError::NoFile { hash: hash.chars().take(80).collect() };
        let Some(run) = run else {
            let (file, path) = super::of(self.home(), hash, by).ok_or_else(none)?;
            return Ok(Some(FileAnswer::Found { file, path: path.display().to_string() }));
        };
        let run = self.find(run)?;
        if super::place(self.home(), hash).is_none() || !self.names(&run, hash)? {
            return Err(none());
        }
        let path = self.files().path(hash).map_err(|_| none())?;
        let size = std::fs::metadata(&path).map_err(super::failed(&path))?.len();
        let kind = "application/octet-stream".to_owned();
        let file = FileRow { hash: hash.clone(), name: hash.clone(), size, kind };
        Ok(Some(FileAnswer::Found { file, path: path.display().to_string() }))
    }

    /// Whether something that happened in a run names a file. Within texts the marks would be written otherwise.
    fn names(&mut self, run: &stead_core::ids::StreamId, hash: &str) -> Result<bool, EngineError> {
        let wanted = format!("\"hash\":\"{hash}\"");
        let mut from = 1;
        loop {
            let rows = self.reader_mut().journal(run, from, limits::FOLLOW_ROWS)?;
            let holds = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| text.contains(&wanted));
            if rows.iter().any(|row| holds(&row.events)) {
                return Ok(true);
            }
            let Some(last) = rows.last() else { return Ok(false) };
            from = last.seq + last.count;
        }
    }
}
