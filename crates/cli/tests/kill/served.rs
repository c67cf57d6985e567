//! A server that is asked over HTTP, until it is killed or told to leave.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::killed;

/// Nothing here takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    printed: PathBuf,
    addr: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts `stead serve`, which prints into a file. None: it was killed before it listened, as it may be.
    pub(crate) fn start(mut command: Command, printed: PathBuf, may_die: bool) -> Option<Self> {
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        loop {
            let text = std::fs::read_to_string(&printed).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("listening at http://"));
            if let Some(addr) = line.filter(|_| text.ends_with('\n')) {
                return Some(Self { child, printed, addr: addr.to_owned() });
            }
            if let Some(status) = child.try_wait().unwrap() {
                assert!(may_die && killed(status), "{status}: {text}");
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not listen: {text}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What was answered: status, head in small letters, body. None when the server is gone.
    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &Value,
    ) -> Option<(u16, String, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.addr).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head.to_ascii_lowercase(), serde_json::from_str(body).ok()?))
    }

    /// Status and body of an answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.ask_with(method, path, "", body).map(|(status, _, body)| (status, body))
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let (status, body) = self.ask("GET", path, &Value::Null)?;
        assert_eq!(status, 200, "{path}: {body}");
        Some(body)
    }

    /// Waits until a run has this status.
    pub(crate) fn until(&self, run: &str, status: &str) {
        let since = Instant::now();
        while self.get(&format!("/runs/{run}")).unwrap()["status"] != status {
            assert!(since.elapsed() < PATIENCE, "{run} does not become {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it was killed; otherwise it is told to leave.
    pub(crate) fn end(mut self, was_killed: bool) -> String {
        if !was_killed {
            let pid = self.child.id().to_string();
            Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        }
        let status = self.child.wait().unwrap();
        let printed = std::fs::read_to_string(&self.printed).unwrap();
        assert_eq!(killed(status), was_killed, "{status}: {printed}");
        assert!(was_killed || status.success(), "{status}: {printed}");
        printed
    }
}
