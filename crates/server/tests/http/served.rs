//! A server in this process, and clients of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stead_engine::engine::Engine;
use stead_engine::home::Home;
use stead_engine::log::Log;
use stead_engine::secrets::ConfiguredSecrets;
use stead_engine::settings::Settings;
use stead_server::{Host, Measures, Server, listen};
use tempfile::TempDir;

/// Nothing in these tests takes longer, unless something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) engine: Engine,
    pub(crate) server: Server,
}

pub(crate) fn serving(measures: Measures) -> Served {
    serving_with(measures, stead_engine::Measures::default(), Log::default())
}

/// With an engine that has measures of its own.
pub(crate) fn serving_with(measures: Measures, of_engine: stead_engine::Measures, log: Log) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    let secrets = Arc::new(ConfiguredSecrets::of(home.root(), |_| None::<PathBuf>));
    let settings = Settings { measures: of_engine, log, ..Settings::from(secrets) };
    let engine = Engine::open(&home, settings).unwrap();
    let host =
        Host { asker: engine.asker(), by: "user:ana".into(), folder: folder.path().to_owned(), public: None };
    let server = Server::start(host, listen::address("127.0.0.1:0").unwrap(), measures).unwrap();
    Served { folder, engine, server }
}

impl Served {
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes and reads until the connection is closed.
    pub(crate) fn sent(&self, text: &str) -> String {
        let mut stream = self.connect();
        // A server that has heard enough may close before all is sent.
        let _ = stream.write_all(text.as_bytes());
        rest(stream)
    }

    pub(crate) fn asked(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let got = self.sent(&self.request(method, path, body));
        let (head, body) = got.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {got}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {got}")))
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> String {
        let (addr, length) = (self.server.addr(), body.len());
        format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }
}

pub(crate) fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut off has said what it had to say.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
