//! A server that says what a test wants it to.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Answers on a port of this machine until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One that hears requests and hands what it answers with the raw connection to `answer`.
    pub(super) fn new(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = seen.clone();
        Self::raw(seen, move |mut stream| {
            let Some(request) = hear(&mut stream) else { return };
            all.lock().unwrap().push(request.clone());
            answer(&request, &mut stream);
        })
    }

    /// One that has the connection from its beginning.
    pub(super) fn of_streams(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::raw(Arc::default(), answer)
    }

    fn raw(seen: Arc<Mutex<Vec<Seen>>>, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (serve, stop) = (Arc::new(serve), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream.unwrap()));
            }
        });
        Self { address, seen, over, thread: Some(thread) }
    }

    /// One that gives this answer to everything.
    pub(super) fn saying(answer: &str) -> Self {
        let answer = answer.to_owned().into_bytes();
        Self::new(move |_, stream| drop(stream.write_all(&answer)))
    }

    /// One that answers with this status, these headers and this body.
    pub(super) fn answering(status: &str, headers: &str, body: &str) -> Self {
        Self::saying(&whole(status, headers, body))
    }

    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was asked so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An answer with the right length.
pub(super) fn whole(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn hear(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let read = stream.read(&mut piece).unwrap();
        body.extend_from_slice(&piece[..read]);
    }
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    Some(Seen { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
