//! Requests over HTTP with a key of their own: wherever the server is killed, asked again it starts nothing twice.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

struct Served {
    child: Child,
    addr: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path, point: Option<&str>) -> Option<Served> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stead"));
    command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder);
    command.env("STEAD_HOME", folder.join(".stead")).stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(point) = point {
        command.env("STEAD_FAILPOINT", point);
    }
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("listening at http://").unwrap_or_default().to_owned();
    let served = Served { child, addr };
    // Killed while it began.
    (!served.addr.is_empty()).then_some(served)
}

impl Served {
    /// Status, head and body; nothing, where the server died.
    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Option<(u16, String, Value)> {
        let mut stream = TcpStream::connect(&self.addr).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\n\r\n{body}",
            self.addr
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap()))
    }

    fn until(&self, run: &str, status: &str) {
        let since = Instant::now();
        while self.ask("GET", &format!("/runs/{run}"), "", "").unwrap().2["status"] != status {
            assert!(since.elapsed() < PATIENCE, "{run} does not become {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Asks with a key, at a server that is killed at a point, and then at one that is not, twice.
fn twice(folder: &Path, point: &str, path: &str, body: &str) -> (bool, Value) {
    let key = "idempotency-key: one\r\n";
    let died = match serve(folder, Some(point)) {
        None => true,
        Some(served) => served.ask("POST", path, key, body).is_none(),
    };
    let served = serve(folder, None).unwrap();
    let first = served.ask("POST", path, key, body).unwrap();
    assert!((200..300).contains(&first.0), "{point}: {first:?}");
    let second = served.ask("POST", path, key, body).unwrap();
    assert!(second.1.contains("idempotency-replayed: true"), "{point}: {second:?}");
    assert_eq!((first.0, &first.2), (second.0, &second.2), "{point}");
    (died, first.2)
}

#[test]
fn p2_a_request_with_a_key_is_performed_once_wherever_the_server_is_killed() {
    let mut died = 0;
    for point in [
        "asked.noted@1",
        "commit.before@1",
        "commit.before@2",
        "commit.after@1",
        "commit.after@2",
        "answer.before@1",
        "answer.kept@1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let definition = "stead: 1\nname: one\nsteps: [ { id: a, run: 'echo x >> ones' } ]\n";
        let body = serde_json::json!({ "definition": definition }).to_string();
        let (killed, made) = twice(folder, point, "/runs", &body);
        died += usize::from(killed);
        let served = serve(folder, None).unwrap();
        let run = made["run"].as_str().unwrap();
        served.until(run, "completed");
        let runs = served.ask("GET", "/runs", "", "").unwrap().2;
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{point}: {runs:#}");
    }
    assert!(died >= 5, "it was killed {died} times");
}

#[test]
fn p2_a_retry_with_a_key_is_made_once_wherever_the_server_is_killed() {
    for point in ["commit.after@1", "answer.before@1", "answer.kept@1"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let definition =
            "stead: 1\nname: one\nsteps: [ { id: a, effect: none, run: 'echo x >> ones; exit 1' } ]\n";
        let body = serde_json::json!({ "definition": definition }).to_string();
        let served = serve(folder, None).unwrap();
        let run = served.ask("POST", "/runs", "", &body).unwrap().2["run"].as_str().unwrap().to_owned();
        served.until(&run, "failed");
        drop(served);
        twice(folder, point, &format!("/runs/{run}:retry"), "{}");
        let served = serve(folder, None).unwrap();
        served.until(&run, "failed");
        let events = served.ask("GET", &format!("/runs/{run}/events?limit=500"), "", "").unwrap().2;
        let retried = events["events"].as_array().unwrap().iter();
        let retried = retried.filter(|row| row["event"]["type"] == "run_reopened").count();
        assert_eq!(retried, 1, "{point}: {events:#}");
    }
}
