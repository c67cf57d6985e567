//! Webhooks: signed requests to a real server, and the runs that come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use stead_core::limits::HOOK_OPEN;

use crate::project::{Project, finish, start};
use crate::serve::{Served, serve};

const DOC: &str = include_str!("../../../../docs/triggers.md");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OPEN: &str = "inputs: { n: { type: string } }\ntriggers:\n  - { webhook: open, secret: OPEN_SECRET, inputs: { n: \"${{ event.body.n }}\" } }\nsteps:\n  - { id: a, wait: { for: 1h } }\n";
const PUSHED: &str = "inputs: { what: { type: string }, after: { type: string } }\ntriggers:\n  - webhook: pushed\n    secret: GITHUB_SECRET\n    format: github\n    inputs: { what: \"${{ event.type }} ${{ event.id }}\", after: \"${{ event.body.after }}\" }\nsteps:\n  - { id: a, run: [echo, \"${{ inputs.what }} ${{ inputs.after }}\"] }\noutputs: { said: \"${{ steps.a.output }}\" }\n";

fn project() -> Project {
    let settings = format!("secrets:\n  OPEN_SECRET: {SECRET}\n  GITHUB_SECRET: a secret of two\n");
    let project = Project::new().workflow("open", OPEN).workflow("pushed", PUSHED);
    let project = project.with(".stead/settings.yml", &settings);
    let file = project.path(".stead/settings.yml");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    for name in ["open", "pushed"] {
        project.stead(&format!("save {name}.yml")).is(0);
        project.stead(&format!("schedule on {name}")).is(0);
    }
    project
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The headers of a delivery as Standard Webhooks has it.
fn standard(id: &str, at: u64, body: &str) -> String {
    let key = STANDARD.decode(&SECRET[6..]).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = STANDARD.encode(hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes()));
    format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n")
}

fn github(id: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of two");
    let signature: String =
        hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x-github-delivery: {id}\r\nx-github-event: push\r\nx-hub-signature-256: sha256={signature}\r\n")
}

/// A connection that is kept.
struct Sender {
    stream: BufReader<TcpStream>,
    addr: String,
}

struct Told {
    status: u16,
    head: String,
    body: Value,
}

impl Sender {
    fn to(addr: &str) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream), addr: addr.to_owned() }
    }

    /// What is answered; nothing where the server is gone.
    fn send(&mut self, hook: &str, headers: &str, body: &str) -> Option<Told> {
        let request = format!(
            "POST /hooks/{hook} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(Told { status, head, body: serde_json::from_slice(&body).ok()? })
    }
}

/// All runs of a workflow, by what they were given.
fn runs(served: &Served<'_>, workflow: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = served.get(&format!("/runs?workflow={workflow}&limit=500{after}")).is(200).body;
        let rows = page["runs"].as_array().unwrap();
        all.extend(rows.iter().map(|row| row["run"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

#[test]
fn webhooks_answer_who_has_signed_and_tell_others_nothing() {
    let project = project();
    let served = serve(&project);
    let mut sender = Sender::to(&served.addr);
    let (body, now) = (r#"{"n":"1"}"#, seconds());
    let good = standard("msg_1", now, body);
    let told = sender.send("open", &good, body).unwrap();
    assert_eq!(told.status, 202, "{}", told.body);
    let run = told.body["run"].as_str().unwrap().to_owned();
    let begun = served.get(&format!("/runs/{run}/events")).is(200).body.to_string();
    assert!(begun.contains(r#"["n",{"value":"1"}]"#), "{begun}");
    // What comes again is the same, also behind another time.
    for again in [good.clone(), standard("msg_1", now - 1, body)] {
        let told = sender.send("open", &again, body).unwrap();
        assert_eq!((told.status, told.body["run"].as_str()), (202, Some(run.as_str())));
    }
    assert_eq!(runs(&served, "open"), [run]);
    // Whatever is wrong, and whether there is such a webhook: all hear the same.
    let late = standard("msg_2", now - 600, body);
    let wrong =
        [("open", late.as_str(), body), ("open", &good, "{}"), ("open", "", body), ("none", &good, body)];
    let mut heard = BTreeSet::new();
    for (hook, headers, body) in wrong {
        let told = sender.send(hook, headers, body).unwrap();
        assert_eq!((told.status, told.body["code"].as_str()), (401, Some("R0416")));
        heard.insert(told.body.to_string());
    }
    // A name that is none, another workflow's format, another secret.
    for (hook, headers) in [("%2e%2e", good.clone()), ("pushed", good.clone()), ("open", github("a", body))] {
        heard.insert(sender.send(hook, &headers, body).unwrap().body.to_string());
    }
    assert_eq!(heard.len(), 1, "{heard:?}");
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    assert_eq!(sender.send("open", &standard("msg_3", now, &large), &large).unwrap().status, 413);
    let mut sender = Sender::to(&served.addr);
    // A request that its trigger makes no run of says so to who has signed it.
    let told = sender.send("open", &standard("msg_4", now, "{}"), "{}").unwrap();
    assert_eq!((told.status, told.body["code"].as_str()), (422, Some("R0418")), "{}", told.body);
    let told = sender.send("open", &standard("msg_5", now, "{"), "{").unwrap();
    assert_eq!((told.status, told.body["code"].as_str()), (400, Some("H0205")));
    // Nothing but its hook: a token means nothing here, and the signature nothing elsewhere.
    project.stead("schedule pause open").is(0);
    let told = sender.send("open", &standard("msg_6", now, body), body).unwrap();
    assert_eq!(told.status, 409, "{}", told.body);
    project.stead("schedule off open").is(0);
    assert_eq!(sender.send("open", &standard("msg_7", now, body), body).unwrap().status, 401);
    assert_eq!(runs(&served, "open").len(), 1);
    served.leave("TERM").is(0);
    for file in walk(&project.path(".stead")) {
        let bytes = std::fs::read(&file).unwrap();
        let held = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!held || file.ends_with("settings.yml"), "{}", file.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => all.extend(walk(&entry.path())),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}

#[test]
fn what_github_sends_is_a_run_however_often_it_is_sent() {
    let project = project();
    let served = serve(&project);
    let mut sender = Sender::to(&served.addr);
    let body = r#"{"after":"4f2a"}"#;
    let mut heard = BTreeSet::new();
    for _ in 0..2 {
        let told = sender.send("pushed", &github("72d3162e", body), body).unwrap();
        assert_eq!(told.status, 202, "{}", told.body);
        let run = told.body["run"].as_str().unwrap().to_owned();
        // Also when its run is over.
        let run_now = served.wait_for(&run, "completed");
        assert!(run_now.to_string().contains("push 72d3162e 4f2a"), "{run_now}");
        heard.insert(run);
    }
    assert_eq!(heard.len(), 1);
    assert_eq!(runs(&served, "pushed").len(), 1);
    let row = project.stead("schedule show pushed --json").is(0).json();
    assert_eq!((&row["started"], row["running"].as_array().map(Vec::len)), (&json!(1), Some(0)), "{row}");
    served.leave("TERM").is(0);
}

/// Sends deliveries over some connections, until all are answered or the server is gone: the run of each that was taken,
/// and those that were sent away.
fn storm(addr: &str, ids: &[String], seen: &AtomicUsize) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let answered = std::thread::scope(|scope| {
        let parts = ids.chunks(ids.len().div_ceil(4));
        let sends = parts.map(|part| {
            scope.spawn(move || {
                let (mut sender, mut heard) = (Sender::to(addr), Vec::new());
                for id in part {
                    let body = json!({ "n": id }).to_string();
                    let Some(told) = sender.send("open", &standard(id, seconds(), &body), &body) else {
                        break;
                    };
                    seen.fetch_add(1, Ordering::Relaxed);
                    heard.push((id.clone(), told));
                }
                heard
            })
        });
        let sends: Vec<_> = sends.collect();
        sends.into_iter().flat_map(|send| send.join().unwrap()).collect::<Vec<_>>()
    });
    let (mut taken, mut away) = (BTreeMap::new(), BTreeSet::new());
    for (id, told) in answered {
        match told.status {
            202 => drop(taken.insert(id, told.body["run"].as_str().unwrap().to_owned())),
            429 => {
                assert!(told.head.contains("retry-after: ") && told.body["code"] == "R0417", "{}", told.head);
                away.insert(id);
            }
            other => panic!("{other}: {}", told.body),
        }
    }
    (taken, away)
}

#[test]
fn p2_a_storm_of_requests_loses_nothing_that_was_taken_though_the_server_is_killed() {
    let project = project();
    let served = serve(&project);
    let ids: Vec<String> = (0..HOOK_OPEN + 50).map(|n| format!("msg_{n}")).collect();
    // The first part, in the middle of which the server is killed.
    let (seen, addr) = (AtomicUsize::new(0), served.addr.clone());
    let (before, _) = std::thread::scope(|scope| {
        let sends = scope.spawn(|| storm(&addr, &ids[..500], &seen));
        project.wait_for("answers", |_| seen.load(Ordering::Relaxed) >= 100);
        drop(served);
        sends.join().unwrap()
    });
    assert!(before.len() >= 100 && before.len() < 500, "{}", before.len());
    let served = serve(&project);
    // What was on its way to its run goes on by itself: nothing is sent again.
    project.wait_for("what was answered with 202", |_| {
        let there: BTreeSet<String> = runs(&served, "open").into_iter().collect();
        before.values().all(|run| there.contains(run))
    });
    // All of it, those that were taken once more: as many as may be under way are taken.
    let (taken, away) = storm(&served.addr, &ids, &seen);
    assert_eq!((taken.len(), away.len()), (HOOK_OPEN, ids.len() - HOOK_OPEN));
    for (id, run) in &before {
        assert_eq!(taken.get(id), Some(run), "{id} came twice");
    }
    project.wait_for("all runs", |_| runs(&served, "open").len() >= HOOK_OPEN);
    let there = runs(&served, "open");
    let found: BTreeSet<&String> = there.iter().collect();
    assert_eq!(found, taken.values().collect(), "what was sent away is not there");
    assert_eq!((found.len(), there.len()), (HOOK_OPEN, HOOK_OPEN), "each once");
}

/// The first block of a kind behind a line of the manual.
fn block(behind: &str, kind: &str) -> &'static str {
    let text = DOC.split_once(behind).expect("the line is there").1;
    let text = text.split_once(&format!("```{kind}\n")).expect("a block follows").1;
    text.split_once("```").expect("it ends").0
}

#[test]
fn the_example_of_the_manual_is_answered_as_it_is_written() {
    let project = Project::new().with("pushed.yml", block("## Webhooks", "yaml"));
    let served = serve(&project);
    let on = block("Turn it on", "sh");
    let send = block("Send a request", "sh").replace("127.0.0.1:7700", &served.addr);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_stead")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell: Command = project.command();
    shell.arg("-c").arg(format!("set -eu\n{on}\n{send}")).env("PATH", path).stdin(Stdio::null());
    let mut command = Command::new("sh");
    command.args(shell.get_args()).current_dir(project.path("")).env_clear();
    for (name, value) in shell.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let got = finish(start(&mut command)).is(0);
    let line = got.out.lines().last().unwrap();
    let told: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {got:?}"));
    let run = told["run"].as_str().unwrap_or_else(|| panic!("{got:?}")).to_owned();
    served.wait_for(&run, "completed");
    let begun = served.get(&format!("/runs/{run}/events")).is(200).body.to_string();
    assert!(begun.contains(r#"["change",{"value":"4f2a91c"}]"#), "{begun}");
    served.leave("TERM").is(0);
}
