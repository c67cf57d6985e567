//! One home, and the program run on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use stead_core::run::View;
use stead_engine::Home;
use stead_engine::operations::{Answer, Operation, RunQuery};
use stead_engine::reads::Reads;
use stead_store::Reader as _;
use stead_store::files::FileStore;
use stead_store::sqlite::{SqliteReader, SqliteStore};

/// Where to kill: a point and the number of its crossing.
pub(crate) type At<'a> = (&'a str, u64);

/// A folder of a project with its home.
pub(crate) struct Trial {
    folder: tempfile::TempDir,
    calls: u32,
    said: String,
}

impl Trial {
    pub(crate) fn new(parent: &Path) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        Self { folder, calls: 0, said: String::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that the program printed so far, for messages.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    fn home(&self) -> Home {
        Home::at(&self.folder().join("home"))
    }

    /// The program, on this home.
    pub(crate) fn command(&mut self, args: &[&str]) -> (Command, PathBuf) {
        self.calls += 1;
        let printed = self.folder().join(format!("printed.{}", self.calls));
        let file = File::create(&printed).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stead"));
        command.args(args).current_dir(self.folder()).env("STEAD_HOME", self.home().root());
        command.env_remove("STEAD_FAILPOINT").env_remove("STEAD_FAILPOINT_LOG");
        // Files and not pipes: what a killed engine leaves behind may hold them open.
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        (command, printed)
    }

    /// Runs the program to its end, or to its being killed.
    pub(crate) fn call(&mut self, args: &[&str], kill: Option<At<'_>>) -> ExitStatus {
        let (mut command, printed) = self.command(args);
        if let Some((point, number)) = kill {
            command.env("STEAD_FAILPOINT", format!("{point}@{number}"));
        } else {
            command.env("STEAD_FAILPOINT_LOG", self.folder().join("crossed"));
        }
        let status = self.wait(&mut command);
        let text = std::fs::read_to_string(&printed).unwrap_or_default();
        writeln!(self.said, "$ stead {args:?} {kill:?}\n{text}{status}").unwrap();
        self.only_what_is_durable(&text);
        status
    }

    pub(crate) fn wait(&self, command: &mut Command) -> ExitStatus {
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if begun.elapsed() > Duration::from_secs(120) {
                child.kill().unwrap();
                let _ = child.wait();
                panic!("{command:?} does not end\n{}", self.said);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Events that were printed stand in the journal, each as it was told.
    fn only_what_is_durable(&self, text: &str) {
        let told = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let told: Vec<Value> = told.filter(|record| record["position"].is_u64()).collect();
        let kept: BTreeMap<(String, u64), Value> =
            if told.is_empty() { BTreeMap::new() } else { self.events() };
        for record in told {
            let place = (record["run"].as_str().unwrap().to_owned(), record["seq"].as_u64().unwrap());
            assert_eq!(kept.get(&place), Some(&record["event"]), "told, not kept: {record}\n{}", self.said);
        }
    }

    /// All events of the home, by run and number.
    pub(crate) fn events(&self) -> BTreeMap<(String, u64), Value> {
        let mut events = BTreeMap::new();
        let Some(mut reader) = self.reader() else { return events };
        for (stream, row) in reader.journal_after(0, usize::MAX).unwrap() {
            let all: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
            events.extend((row.seq..).zip(all).map(|(seq, event)| ((stream.to_string(), seq), event)));
        }
        events
    }

    /// How often each point was crossed by calls that were not to be killed.
    pub(crate) fn crossed(&self) -> BTreeMap<String, u64> {
        let text = std::fs::read_to_string(self.folder().join("crossed")).unwrap_or_default();
        let mut crossed = BTreeMap::new();
        for line in text.lines() {
            *crossed.entry(line.to_owned()).or_default() += 1;
        }
        crossed
    }

    /// How often each key was performed.
    pub(crate) fn ran(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.folder().join("ran")).unwrap_or_default();
        let mut ran = BTreeMap::new();
        for line in text.lines() {
            *ran.entry(line.to_owned()).or_default() += 1;
        }
        ran
    }

    pub(crate) fn reader(&self) -> Option<SqliteReader> {
        let path = self.home().database();
        path.exists().then(|| SqliteStore::open_read_only(&path).unwrap())
    }

    pub(crate) fn ask(&self, operation: &Operation) -> Option<Answer> {
        let files = FileStore::attach(&self.home().files());
        Reads::new(self.reader()?, files, self.home()).ask(operation).unwrap()
    }

    /// Runs of the home, child runs too: id, and whether it has a parent.
    pub(crate) fn runs(&self) -> Vec<(String, bool)> {
        let query = RunQuery { children: true, ..RunQuery::default() };
        match self.ask(&Operation::Runs { query }) {
            None => Vec::new(),
            Some(Answer::Runs { runs }) => {
                runs.into_iter().map(|row| (row.run.to_string(), row.head.parent.is_some())).collect()
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    /// The run that was started, if it was.
    pub(crate) fn top(&self) -> Option<View> {
        let mut tops = self.tops();
        assert!(tops.len() <= 1, "two runs\n{}", self.said);
        tops.pop()
    }

    /// All runs that were started.
    pub(crate) fn tops(&self) -> Vec<View> {
        let tops = self.runs().into_iter().filter(|(_, child)| !child).map(|(run, _)| run);
        let view = |run| match self.ask(&Operation::Status { run }) {
            Some(Answer::Status { view }) => *view,
            other => panic!("{other:?}"),
        };
        tops.map(view).collect()
    }

    /// Keys of steps whose result is durable.
    pub(crate) fn durable(&self) -> Vec<String> {
        let over = |((run, _), event): ((String, u64), Value)| {
            let ended = event["type"] == "attempt_ended" && event["retry_at"].is_null();
            ended.then(|| format!("{run}/{}", event["path"].as_str().unwrap()))
        };
        self.events().into_iter().filter_map(over).collect()
    }

    /// Keys of steps that completed, and whose result is durable.
    pub(crate) fn succeeded(&self) -> Vec<String> {
        let over = |((run, _), event): ((String, u64), Value)| {
            let ended = event["type"] == "attempt_ended" && event["error"].is_null();
            ended.then(|| format!("{run}/{}", event["path"].as_str().unwrap()))
        };
        self.events().into_iter().filter_map(over).collect()
    }

    /// Every journal of the home holds together.
    pub(crate) fn verify(&self) {
        let Some(mut reader) = self.reader() else { return };
        for (run, _) in self.runs() {
            reader.verify(&stead_core::ids::StreamId::new(&run)).unwrap();
        }
    }
}

/// Whether the program was killed.
pub(crate) fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}
