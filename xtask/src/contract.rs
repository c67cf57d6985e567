//! `cargo xtask contract`: the server asked by Schemathesis, which makes its requests of the OpenAPI document and holds the
//! answers against it.
//!
//! It runs in an environment of its own below the target folder, with every package at one version. The server is a fresh
//! one with something in it: a workflow, a completed run, a gate that is open.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::{cargo, check, root};
use crate::test::FEATURES;

/// Seconds, when nothing is said.
pub(crate) const SECONDS: u64 = 150;
/// Always the same requests, as far as the server answers the same.
const SEED: &str = "7";
/// Nothing here takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn of(args: &[&str]) -> Result<(), String> {
    match args {
        [] => run(SECONDS),
        ["--seconds", seconds] => {
            run(seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?)
        }
        _ => Err("cargo xtask contract [--seconds N]".to_owned()),
    }
}

pub(crate) fn run(seconds: u64) -> Result<(), String> {
    let python = environment()?;
    check("the server to ask", &mut cargo(&["build", "--workspace", "--bins", "--features", FEATURES]))?;
    let folder = target().join("contract/home");
    // Left by one that was killed.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let served = Served::begin(&folder)?;
    served.seed()?;
    let document = served.asked("GET", "/openapi.json", &Value::Null)?;
    let (asked, streams) = operations(&document);
    let report = target().join("contract/report.ndjson");
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.current_dir(&folder).arg("--config-file").arg(root().join("xtask/contract/schemathesis.toml"));
    // From a file: of a document that it fetches it leaves out the route that serves it.
    let said = target().join("contract/openapi.json");
    std::fs::write(&said, document.to_string()).map_err(|e| format!("{}: {e}", said.display()))?;
    command.arg("run").arg(&said).args(["--url", &format!("{}/api/v1", served.url)]);
    command.args(["--phases", "examples,coverage,fuzzing", "--checks", "all", "--seed", SEED]);
    command.args(["--max-examples", "40", "--no-shrink", "--continue-on-failure", "--no-color"]);
    command.args(["--generation-database", "none", "--request-timeout", "10", "--warnings", "off"]);
    command.args(["--max-time", &seconds.to_string()]).arg("--report-ndjson-path").arg(&report);
    for id in &streams {
        command.args(["--exclude-operation-id", id]);
    }
    let told = check(&format!("the contract of the server, for {seconds} s"), &mut command);
    served.is_well()?;
    told?;
    let text = std::fs::read_to_string(&report).map_err(|e| format!("{}: {e}", report.display()))?;
    let reported = reported(&text);
    let missing: Vec<&String> = asked.iter().filter(|label| !reported.contains(*label)).collect();
    match missing.is_empty() {
        true => {
            eprintln!(
                "   {} routes were asked; {} streams have tests of their own",
                asked.len(),
                streams.len()
            );
            Ok(())
        }
        false => Err(format!("these routes were not asked: {missing:?}")),
    }
}

/// All routes, as the report calls them, and the ids of those that answer with a stream, which has no end.
fn operations(document: &Value) -> (BTreeSet<String>, Vec<String>) {
    let (mut asked, mut streams) = (BTreeSet::new(), Vec::new());
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let content = &operation["responses"]["200"]["content"];
            match content.get("text/event-stream") {
                Some(_) => streams.extend(operation["operationId"].as_str().map(str::to_owned)),
                None => drop(asked.insert(format!("{} {path}", method.to_uppercase()))),
            }
        }
    }
    (asked, streams)
}

/// The routes of which the report has a scenario with requests.
fn reported(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let Some(scenario) = event.get("ScenarioFinished") else { continue };
        let requests = scenario["recorder"]["cases"].as_object().map_or(0, serde_json::Map::len);
        if let (Some(label), true) = (scenario["recorder"]["label"].as_str(), requests > 0) {
            found.insert(label.to_owned());
        }
    }
    found
}

fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.map_or_else(|| root().join("target"), |target| root().join(target))
}

/// The environment; its Python. It is made again when what it holds is to be another.
fn environment() -> Result<PathBuf, String> {
    let wanted = root().join("xtask/contract/requirements.txt");
    let text = std::fs::read_to_string(&wanted).map_err(|e| format!("{}: {e}", wanted.display()))?;
    let folder = target().join("contract/python");
    let (python, mark) = (folder.join("bin/python3"), folder.join("holds"));
    if std::fs::read_to_string(&mark).is_ok_and(|held| held == text) && python.exists() {
        return Ok(python);
    }
    let _ = std::fs::remove_dir_all(&folder);
    let made = check("an environment of Python", Command::new("python3").args(["-m", "venv"]).arg(&folder));
    made.map_err(|e| format!("{e}. `python3 -m venv` is needed: package python3-venv"))?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--requirement",
    ]);
    check("Schemathesis in it", pip.arg(&wanted))?;
    std::fs::write(&mark, text).map_err(|e| format!("{}: {e}", mark.display()))?;
    Ok(python)
}

/// A server that is ended with this.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn begin(folder: &Path) -> Result<Self, String> {
        let mut command = Command::new(target().join("debug/stead"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder);
        command.env("STEAD_HOME", folder.join(".stead")).env("HOME", folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut served =
            Self { child: child.map_err(|e| format!("stead did not start: {e}"))?, url: String::new() };
        let mut line = String::new();
        if let Some(out) = served.child.stdout.take() {
            let read = BufReader::new(out).read_line(&mut line);
            read.map_err(|e| format!("stead serve: {e}"))?;
        }
        let url = line.trim().strip_prefix("listening at ").unwrap_or_default();
        if url.is_empty() {
            return Err(format!("stead serve said: {line}"));
        }
        url.clone_into(&mut served.url);
        Ok(served)
    }

    /// Something to ask about: what the examples of the document name.
    fn seed(&self) -> Result<(), String> {
        let greet = "stead: 1\nname: greet\ninputs: { who: { type: string, default: you } }\nsteps:\n  - { id: hello, run: [echo, \"hello ${{ inputs.who }}\"] }\noutputs: { text: \"${{ steps.hello.output }}\" }\n";
        let gated = "stead: 1\nname: gated\nsteps:\n  - { id: draft, run: [echo, hello] }\n  - { id: review, approve: { show: [draft] } }\n";
        for text in [greet, gated] {
            self.asked("POST", "/workflows", &json!({ "definition": text }))?;
        }
        self.asked("POST", "/runs", &json!({ "workflow": "greet" }))?;
        self.asked("POST", "/runs", &json!({ "workflow": "gated" }))?;
        self.until("/runs/greet", "completed")?;
        self.until("/runs/gated", "waiting")
    }

    fn until(&self, path: &str, status: &str) -> Result<(), String> {
        let since = Instant::now();
        while self.asked("GET", path, &Value::Null)?["status"] != status {
            if since.elapsed() > PATIENCE {
                return Err(format!("{path} does not become {status}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn asked(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let addr = self.url.trim_start_matches("http://");
        let wrong = |e: std::io::Error| format!("{method} {path}: {e}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(addr).map_err(wrong)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).map_err(wrong)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).map_err(wrong)?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        match head.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => {
                serde_json::from_str(body).map_err(|e| format!("{method} {path}: {e}: {body}"))
            }
            _ => Err(format!("{method} {path}: {text}")),
        }
    }

    /// That it still answers.
    fn is_well(&self) -> Result<(), String> {
        self.asked("GET", "/engine", &Value::Null).map(drop)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
