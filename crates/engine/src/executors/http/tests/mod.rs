//! Real servers on this machine, good ones and others.

mod basics;
mod ending;
mod fuzzed;
mod hostile;
mod redirects;
mod secrecy;
mod secure;
mod server;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stead_core::effect::{AttemptError, AttemptId, AttemptResult, ErrorKind, Execute};
use stead_core::ids::StreamId;
use stead_lang::template::SecretPlace;
use stead_store::files::FileStore;

use super::HttpExecutor;
use crate::executor::{Control, EndSwitch, Executor, Place};
use crate::lent::Environment;
use crate::limits::HttpLimits;
use crate::net::{Client, NetworkPolicy, Resolve};
use crate::secrets::{SecretError, SecretString, Secrets};

use server::Server;

/// Names that the tests know, some of which have no address; anything else as the system has it.
struct Names(HashMap<&'static str, &'static str>);

impl Resolve for Names {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        use std::net::ToSocketAddrs;
        match self.0.get(host) {
            Some(&"") => Err(io::Error::other("nobody knows it")),
            Some(addresses) => Ok(addresses
                .split(' ')
                .map(|address| SocketAddr::new(address.parse().unwrap(), port))
                .collect()),
            None => (host, port).to_socket_addrs().map(Iterator::collect),
        }
    }
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

/// A home and an attempt that no other test has.
struct Bench {
    home: tempfile::TempDir,
    limits: HttpLimits,
    policy: NetworkPolicy,
    secrets: HashMap<&'static str, &'static str>,
    places: Vec<(&'static str, &'static str)>,
    names: HashMap<&'static str, &'static str>,
    /// In place of those: all there is.
    only: Option<Arc<dyn Resolve>>,
    key: String,
    switch: EndSwitch,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        FileStore::open(&home.path().join("files")).unwrap();
        Self {
            home,
            // No test waits for that long, but where it waits for what never comes.
            limits: HttpLimits { connect: Duration::from_secs(20), ..HttpLimits::default() },
            policy: NetworkPolicy::OWN,
            secrets: HashMap::new(),
            places: Vec::new(),
            names: HashMap::new(),
            only: None,
            key: "r_1/step".to_owned(),
            switch: EndSwitch::new().unwrap(),
        }
    }

    fn secret(mut self, place: &'static str, value: &'static str) -> Self {
        let name = ["ONE", "TWO", "THREE"][self.places.len()];
        self.secrets.insert(name, value);
        self.places.push((place, name));
        self
    }

    fn place(&self) -> Place {
        let home = self.home.path();
        let (project, dir) = (home.join("project"), home.join("work"));
        Place { project, dir, log: home.join("log"), files: home.join("files"), lent: None, trace: None }
    }

    fn files(&self) -> PathBuf {
        self.place().files
    }

    fn run(&self, request: Value) -> AttemptResult {
        let named = || -> Arc<dyn Resolve> { Arc::new(Names(self.names.clone())) };
        let resolver = self.only.clone().unwrap_or_else(named);
        let (connect, head) = (self.limits.connect, self.limits.head);
        let executor = HttpExecutor {
            limits: self.limits,
            secrets: Arc::new(Known(self.secrets.clone())),
            client: Client::with(self.policy, connect, head, resolver, secure::authorities()),
        };
        let attempt = AttemptId { stream: StreamId::new("r_1"), path: "step".to_owned(), number: 1 };
        let job = Execute {
            attempt,
            executor: "http".to_owned(),
            request,
            secrets: self.places.iter().map(|(at, name)| place(at, name)).collect(),
            key: self.key.clone(),
            once: false,
            again: false,
        };
        executor.perform(&job, &self.place(), &self.switch)
    }

    fn gives(&self, request: Value) -> Value {
        let result = self.run(request);
        assert_eq!(result.error, None);
        result.output.unwrap()
    }

    /// The body of the answer to a plain request.
    fn body(&self, server: &Server, parse: Option<&str>) -> Value {
        self.gives(get(&server.url("/"), parse))["body"].clone()
    }

    fn fails(&self, request: Value, kind: ErrorKind, part: &str) -> AttemptResult {
        let result = self.run(request);
        let AttemptError { kind: actual, message } = result.error.clone().expect("an error");
        assert_eq!(actual, kind, "{message}");
        assert!(message.contains(part), "no `{part}` in `{message}`");
        assert_eq!(result.output, None);
        result
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place().log).unwrap_or_default()
    }
}

/// A plain request.
fn get(url: &str, parse: Option<&str>) -> Value {
    let mut request = json!({"method": "get", "url": url});
    if let Some(parse) = parse {
        request["parse"] = json!(parse);
    }
    request
}

/// Where a secret goes. A place that ends with a number is a part of a text.
fn place(at: &str, name: &str) -> SecretPlace {
    let part = at.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
    SecretPlace { pointer: at.to_owned(), name: name.to_owned(), part }
}
