//! Where things live.
//!
//! ```text
//! .stead/
//!   stead.db       journals, heads, definitions
//!   lock           who holds the engine, and where it listens
//!   socket         where it listens, unless the path is too long
//!   carried/       a locked file per run that a terminal waits for, performed by another one's engine
//!   files/         values by hash
//!   uploads/       files that runs are to be started with
//!   logs/RUN/      one log per attempt that printed something
//!   work/          folders of attempts under way
//! ```

use std::path::{Path, PathBuf};

use stead_core::effect::AttemptId;

use crate::error::EngineError;
use crate::executor::Place;

/// The folder of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// Name of a home inside a project's folder.
pub const FOLDER: &str = ".stead";

impl Home {
    /// A home at a folder.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The home for a working folder: `STEAD_HOME`, else `.stead` there or in a parent, else the user's data
    /// folder.
    pub fn find(folder: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        if let Some(root) = variable("STEAD_HOME").filter(|path| !path.as_os_str().is_empty()) {
            return Self { root: folder.join(root) };
        }
        if let Some(found) = folder.ancestors().map(|dir| dir.join(FOLDER)).find(|path| path.is_dir()) {
            return Self { root: found };
        }
        let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let data = data.or_else(|| variable("HOME").map(|home| home.join(".local/share")));
        Self { root: data.unwrap_or_else(|| folder.to_path_buf()).join("stead") }
    }

    /// The folder that a working folder's runs are relative to: the one that holds `.stead`, else itself.
    pub fn project_of(&self, folder: &Path) -> PathBuf {
        match self.root.parent() {
            Some(parent) if self.root.ends_with(FOLDER) && folder.starts_with(parent) => parent.to_path_buf(),
            _ => folder.to_path_buf(),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("stead.db")
    }

    /// Files by hash.
    pub fn files(&self) -> PathBuf {
        self.root.join("files")
    }

    /// Files that were uploaded and that no run was started with yet.
    pub fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// Logs of a run.
    pub fn logs(&self, run: &str) -> PathBuf {
        self.root.join("logs").join(run)
    }

    /// Log of an attempt.
    pub fn log(&self, attempt: &AttemptId) -> PathBuf {
        self.logs(attempt.stream.as_str()).join(format!(
            "{}.{}.log",
            file_name(&attempt.path),
            attempt.number
        ))
    }

    /// Folders of attempts under way.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Marks of runs whose terminals wait.
    pub fn carried(&self) -> PathBuf {
        self.root.join("carried")
    }

    /// Where an attempt works.
    pub fn place(&self, attempt: &AttemptId, project: &str) -> Place {
        // Short and flat: the folder is removed with the attempt, and sockets in it have little room for names.
        let hash = blake3::hash(attempt.to_string().as_bytes()).to_hex();
        let own = format!("{}-{}", attempt.stream, &hash[..12]);
        Place {
            project: PathBuf::from(project),
            dir: self.work().join(own),
            log: self.log(attempt),
            files: self.files(),
            lent: None,
            trace: None,
        }
    }

    /// Makes the folder, readable for this user only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self) -> Result<(), EngineError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.root);
        made.map_err(|e| EngineError::Home {
            what: "cannot make the folder",
            path: self.root.display().to_string(),
            why: e.to_string(),
        })
    }
}

/// A path of an instance as one file name: readable where it can be, distinct always.
fn file_name(path: &str) -> String {
    let readable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '#' | '[' | ']' | '.');
    let plain = path.len() <= 100 && path.chars().all(|c| readable(c) || c == '/') && !path.contains("..");
    let text: String = path.chars().take(100).map(|c| if readable(c) { c } else { '+' }).collect();
    if plain {
        return text;
    }
    format!("{text}.{}", &blake3::hash(path.as_bytes()).to_hex()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_found_from_inside_a_project() {
        let top = tempfile::tempdir().unwrap();
        let project = top.path().join("project");
        let deep = project.join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(project.join(FOLDER)).unwrap();
        let none = |_: &str| None;
        let home = Home::find(&deep, none);
        assert_eq!(home.root(), project.join(FOLDER));
        assert_eq!(home.project_of(&deep), project);
        let set = |name: &str| (name == "STEAD_HOME").then(|| PathBuf::from("/elsewhere"));
        assert_eq!(Home::find(&deep, set).root(), Path::new("/elsewhere"));
        assert_eq!(Home::find(&deep, set).project_of(&deep), deep);
        let data = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/ana"));
        assert_eq!(Home::find(top.path(), data).root(), Path::new("/home/ana/.local/share/stead"));
    }

    #[test]
    fn names_of_logs_are_distinct() {
        let long = "x".repeat(300);
        let names = ["a/b", "a[b/c]", "a%2Fb", "a+b", "a[ä]", "a[ö]", "a/../b", &long, &format!("{long}y")]
            .map(file_name);
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        assert!(names.iter().all(|name| name.len() < 200 && !name.contains('/')), "{names:?}");
    }
}
