//! The servers that some of the definitions call, alive as long as the tests.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// They all.
pub(crate) struct Servers {
    /// Notes each key in the file `ran` of the folder that a request names, as steps that are programs do.
    pub(crate) counts: String,
    /// That of the example.
    pub(crate) orders: String,
    example: Child,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let counts = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A caller that is killed may be gone at any point.
                std::thread::spawn(move || stream.ok().and_then(|mut stream| serve(&mut stream)));
            }
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders-server.py");
        let mut example = Command::new("python3")
            .arg(script)
            .arg("0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut orders = String::new();
        BufReader::new(example.stdout.as_mut().unwrap()).read_line(&mut orders).unwrap();
        Self { counts, orders: orders.trim().to_owned(), example }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.example.kill();
        let _ = self.example.wait();
    }
}

fn serve(stream: &mut TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut key, mut folder, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => key = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("x-folder") => folder = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut ran = OpenOptions::new().append(true).create(true).open(Path::new(&folder).join("ran")).ok()?;
    // One who was killed is gone before anybody asks again: what comes late of him did not happen.
    stream.set_nonblocking(true).ok()?;
    let gone = !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    if gone {
        return None;
    }
    stream.set_nonblocking(false).ok()?;
    ran.write_all(format!("{key}\n").as_bytes()).ok()?;
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
