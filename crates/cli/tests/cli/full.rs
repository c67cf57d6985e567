//! A server whose disk is full: reading goes on, what writes says why, and it goes on when there is room.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::project::Project;
use crate::serve::{GATED, Served};

/// Bytes of the disk.
const DISK: &str = "size=3m";

/// A server whose home is a small disk of its own, in a mount namespace that ends with it.
fn serve(project: &Project) -> Served<'_> {
    let home = project.path(".stead");
    std::fs::create_dir_all(&home).unwrap();
    let command = project.command();
    let mut small = Command::new("unshare");
    let script = "mount -t tmpfs -o \"$0\" tmpfs \"$1\" && shift && exec \"$@\"";
    small.args(["--user", "--map-root-user", "--mount", "bash", "-c", script, DISK]).arg(&home);
    small.arg(command.get_program()).args(["serve", "--listen", "127.0.0.1:0"]);
    small.current_dir(project.path("."));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => small.env(name, value),
            None => small.env_remove(name),
        };
    }
    small.env("STEAD_HOME", &home);
    small.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    Served::of(project, small.spawn().unwrap())
}

/// A file on that disk, as it is seen from here.
fn filler(project: &Project, served: &Served<'_>) -> PathBuf {
    let home = project.path(".stead").canonicalize().unwrap();
    PathBuf::from(format!("/proc/{}/root{}/filler", served.pid(), home.display()))
}

#[test]
fn p2_a_server_on_a_full_disk_reads_on_and_says_why_it_does_not_write() {
    let project = Project::new();
    let served = serve(&project);
    let text = format!("stead: 1\nname: post\n{GATED}");
    served.ask("POST", "/workflows", &json!({ "definition": text })).is(201);
    let run = served.start(&json!({ "workflow": "post" }));
    served.wait_for(&run, "waiting");
    let task = served.get("/tasks").is(200).body["tasks"][0]["task"].as_str().unwrap().to_owned();
    let decide = format!("/tasks/{task}:decide");

    let filler = filler(&project, &served);
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    drop(file);
    for (path, body) in [
        ("/runs", json!({ "workflow": "post" })),
        ("/workflows", json!({ "definition": text.replace("name: post", "name: other") })),
        (decide.as_str(), json!({ "accept": true })),
        (&format!("/runs/{run}:cancel"), json!({})),
    ] {
        let told = served.ask("POST", path, &body).is(503);
        let said = told.body.to_string();
        assert!(said.contains("disk") || said.contains("full"), "{path}: {said}");
    }
    // A file that is sent finds no room either, and leaves nothing.
    let sent = served.ask_as("text/plain", "POST", "/files?name=a.txt", "", &"x".repeat(100_000));
    assert_eq!(sent.status, 503, "{:?}", sent.body);
    assert_eq!(served.get(&format!("/runs/{run}")).is(200).body["status"], "waiting");
    assert_eq!(served.get("/runs").is(200).body["runs"].as_array().unwrap().len(), 1);
    served.get(&format!("/runs/{run}/logs")).is(200);
    assert_eq!(served.get("/tasks").is(200).body["tasks"].as_array().unwrap().len(), 1);
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", served.addr);
    assert_eq!(served.send(&request).status, 503, "it is not ready");

    std::fs::remove_file(&filler).unwrap();
    served.ask("POST", &decide, &json!({ "accept": true })).is(200);
    served.wait_for(&run, "completed");
    assert_eq!(served.send(&request).status, 200, "it is ready again");
    let next = served.start(&json!({ "workflow": "post" }));
    served.wait_for(&next, "waiting");
    let runs = served.get("/runs").is(200).body;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "what was refused is not there: {runs:#}");
    served.leave("TERM").is(0);
}
