//! A project in a folder of its own, and the binary called in it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing in these tests takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A project with a home.
pub(crate) struct Project {
    folder: TempDir,
}

/// What a command gave.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".stead")).unwrap();
        Self { folder }
    }

    /// A folder that is no project yet.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    /// Writes `NAME.yml`: a workflow of this name with these steps.
    pub(crate) fn workflow(self, name: &str, rest: &str) -> Self {
        let text = format!("stead: 1\nname: {name}\n{rest}");
        self.with(&format!("{name}.yml"), &text)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stead"));
        command.current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("USER", "ana").env("LANG", "C.UTF-8");
        command.env("HOME", self.folder.path()).env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// Calls the binary with words split at spaces.
    pub(crate) fn stead(&self, words: &str) -> Got {
        self.call(&words.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn call(&self, words: &[&str]) -> Got {
        let mut command = self.command();
        command.args(words);
        finish(start(&mut command))
    }

    /// Calls it with something on standard input.
    pub(crate) fn fed(&self, words: &[&str], input: &str) -> Got {
        let mut child = start(self.command().args(words).stdin(Stdio::piped()));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        finish(child)
    }

    /// Starts it and goes on.
    pub(crate) fn spawn(&self, words: &str) -> Child {
        start(self.command().args(words.split(' ')))
    }

    /// The newest run.
    pub(crate) fn last(&self) -> Value {
        let got = self.stead("runs --json --limit 1");
        serde_json::from_str(got.out.lines().next().unwrap_or("null")).unwrap()
    }

    pub(crate) fn wait_for(&self, what: &str, mut there: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !there(self) {
            assert!(begun.elapsed() < PATIENCE, "{what} did not come");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn wait_for_file(&self, name: &str) {
        self.wait_for(name, |project| project.path(name).exists());
    }

    pub(crate) fn text(&self, name: &str) -> String {
        read(&self.path(name))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for its end; what hangs is killed and fails the test.
pub(crate) fn finish(mut child: Child) -> Got {
    let drain = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                pipe.read_to_end(&mut bytes).unwrap();
            }
            String::from_utf8(bytes).unwrap()
        })
    };
    let out = drain(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = drain(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs: {}{}", out.join().unwrap(), err.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Got { code: status.code().unwrap_or(-1), out: out.join().unwrap(), err: err.join().unwrap() }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    /// That it ended with this code.
    #[track_caller]
    pub(crate) fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no `{text}` in {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn answers(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no `{text}` in {self:#?}");
        self
    }
}
