//! Real programs.

mod basics;
mod ending;
mod hostile;
mod launching;
mod overhead;
mod secrecy;
mod streams;
mod values;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use stead_core::effect::{AttemptError, AttemptId, AttemptResult, ErrorKind, Execute};
use stead_core::ids::StreamId;
use stead_lang::template::SecretPlace;

use super::ProcessExecutor;
use crate::executor::{Control, EndSwitch, Executor, Place};
use crate::lent::Environment;
use crate::limits::ProcessLimits;
use crate::logs::{LogReader, LogStream};
use crate::secrets::{SecretError, SecretString, Secrets};

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// A home, a project and an attempt that no other test has.
struct Bench {
    home: tempfile::TempDir,
    limits: ProcessLimits,
    secrets: HashMap<&'static str, &'static str>,
    places: Vec<(&'static str, &'static str)>,
    attempt: AttemptId,
    switch: EndSwitch,
}

struct Known(HashMap<&'static str, &'static str>);

impl Secrets for Known {
    fn get(&self, name: &str, _: Option<&Environment>, _: &dyn Control) -> Result<SecretString, SecretError> {
        match self.0.get(name) {
            Some(value) => SecretString::new(name, value),
            None => Err(SecretError::Missing { name: name.to_owned(), help: "set it".to_owned() }),
        }
    }
}

impl Bench {
    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            home: tempfile::tempdir().unwrap(),
            limits: ProcessLimits::default(),
            secrets: HashMap::new(),
            places: Vec::new(),
            attempt: AttemptId {
                stream: StreamId::new(&format!("r_{}", std::process::id())),
                path: format!("group[k]/step#{number}"),
                number: 1,
            },
            switch: EndSwitch::new().unwrap(),
        }
    }

    fn project(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    fn place(&self) -> Place {
        let home = self.home.path().join("home");
        let name = self.attempt.path.len().to_string();
        Place {
            project: self.project(),
            dir: home.join("work").join(&name),
            log: home.join("logs").join(name + ".log"),
            files: home.join("files"),
            lent: None,
            trace: None,
        }
    }

    fn executor(&self) -> ProcessExecutor {
        ProcessExecutor::new(Arc::new(Known(self.secrets.clone()))).with_limits(self.limits)
    }

    fn job(&self, request: Value) -> Execute {
        Execute {
            attempt: self.attempt.clone(),
            executor: "process".to_owned(),
            request,
            secrets: self.places.iter().map(|(at, name)| place(at, name)).collect(),
            key: "key-1".to_owned(),
            once: false,
            again: false,
        }
    }

    fn run(&self, request: Value) -> AttemptResult {
        let result = self.executor().perform(&self.job(request), &self.place(), &self.switch);
        assert_eq!(self.survivors(), Vec::<String>::new(), "nothing of a step outlives it");
        let work = self.home.path().join("home/work");
        assert_eq!(std::fs::read_dir(work).map_or(0, Iterator::count), 0, "its folder is removed");
        result
    }

    fn script(&self, text: &str) -> AttemptResult {
        self.run(json!({"script": {"shell": "bash", "text": text}}))
    }

    /// Names of processes of the attempt that run.
    fn survivors(&self) -> Vec<String> {
        let attempt = self.attempt.to_string();
        stead_platform::process::find_by_attempt(|a| a == attempt)
            .into_iter()
            .map(|stray| stray.name)
            .collect()
    }

    fn log(&self) -> Vec<(LogStream, String)> {
        LogReader::new(&self.place().log)
            .map(|line| line.map(|l| (l.stream, String::from_utf8_lossy(&l.text).into_owned())).unwrap())
            .collect()
    }

    fn log_text(&self) -> String {
        std::fs::read(self.place().log)
            .map_or_else(|_| String::new(), |b| String::from_utf8_lossy(&b).into_owned())
    }

    /// Waits until the program has printed something.
    fn wait_for_log(&self, text: &str) {
        while !self.log_text().contains(text) {
            std::thread::yield_now();
        }
    }
}

fn output(result: AttemptResult) -> Value {
    assert_eq!(result.error, None);
    result.output.unwrap()
}

fn error(result: AttemptResult, kind: ErrorKind) -> String {
    let AttemptError { kind: actual, message } = result.error.expect("an error");
    assert_eq!(actual, kind, "{message}");
    assert_eq!(result.output, None);
    message
}

/// Where a secret goes. A place that ends with a number is a part of a text.
fn place(at: &str, name: &str) -> SecretPlace {
    let part = at.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
    SecretPlace { pointer: at.to_owned(), name: name.to_owned(), part }
}
