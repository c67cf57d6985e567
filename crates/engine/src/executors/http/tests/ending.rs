//! An attempt that is to end closes its connection, whatever it waits for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use stead_core::effect::{EndReason, ErrorKind};

use super::server::Server;
use super::{Bench, get};
use crate::net::{Client, Resolve};

/// Reads until the other side is gone.
fn until_gone(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

/// A server that begins to answer, tells so, and tells when its caller is gone. It may drip all the while.
fn slow(begin: &'static [u8], drips: bool) -> (Server, Receiver<&'static str>) {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let server = Server::of_streams(move |mut stream| {
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer);
        stream.write_all(begin).unwrap();
        tell.lock().unwrap().send("begun").unwrap();
        while drips && stream.write_all(b"x").is_ok() {}
        until_gone(&mut stream);
        tell.lock().unwrap().send("gone").unwrap();
    });
    (server, told)
}

#[test]
fn p5_the_connection_is_closed_when_the_attempt_is_to_end() {
    for (begin, kind, reason) in [
        (b"".as_slice(), ErrorKind::Timeout, EndReason::Timeout),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", ErrorKind::Cancelled, EndReason::Cancelled),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", ErrorKind::Timeout, EndReason::Timeout),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            ErrorKind::Cancelled,
            EndReason::Paused,
        ),
    ] {
        let (server, told) = slow(begin, false);
        let bench = Bench::new();
        std::thread::scope(|scope| {
            let attempt = scope.spawn(|| bench.run(get(&server.url("/"), None)));
            assert_eq!(told.recv(), Ok("begun"));
            bench.switch.end(reason);
            let error = attempt.join().unwrap().error.unwrap();
            assert_eq!(error.kind, kind, "{}", error.message);
        });
        assert_eq!(told.recv(), Ok("gone"));
    }
}

#[test]
fn p5_a_body_that_drips_for_ever_ends_with_the_attempt() {
    let (server, told) = slow(b"HTTP/1.1 200 OK\r\n\r\n", true);
    for parse in ["text", "file"] {
        let bench = Bench::new();
        std::thread::scope(|scope| {
            let attempt = scope.spawn(|| bench.run(get(&server.url("/"), Some(parse))));
            assert_eq!(told.recv(), Ok("begun"));
            bench.switch.end(EndReason::Timeout);
            let error = attempt.join().unwrap().error.unwrap();
            assert_eq!(error.kind, ErrorKind::Timeout, "{}", error.message);
        });
        assert_eq!(told.recv(), Ok("gone"));
    }
}

#[test]
fn p5_a_body_that_nobody_reads_ends_with_the_attempt() {
    let (tell, told) = channel();
    let (release, held) = channel::<()>();
    let (tell, held) = (Mutex::new(tell), Mutex::new(held));
    let server = Server::of_streams(move |mut stream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        tell.lock().unwrap().send(()).unwrap();
        // The rest of the request is left where it is.
        let _ = held.lock().unwrap().recv();
    });
    let bench = Bench::new();
    let body = "x".repeat(32 << 20);
    std::thread::scope(|scope| {
        let attempt =
            scope.spawn(|| bench.run(json!({"method": "post", "url": server.url("/"), "body": body})));
        told.recv().unwrap();
        bench.switch.end(EndReason::Cancelled);
        assert_eq!(attempt.join().unwrap().error.unwrap().kind, ErrorKind::Cancelled);
    });
    drop(release);
}

/// Never comes to an answer, until the test is over.
struct Silent(Mutex<Receiver<()>>, Mutex<Sender<()>>);

impl Resolve for Silent {
    fn resolve(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
        let _ = self.1.lock().unwrap().send(());
        let _ = self.0.lock().unwrap().recv();
        Ok(Vec::new())
    }
}

#[test]
fn p5_looking_up_a_name_holds_nobody_up() {
    use crate::executor::{Control, EndSwitch};
    let (release, held) = channel();
    let (tell, told) = channel();
    let silent: Arc<dyn Resolve> = Arc::new(Silent(Mutex::new(held), Mutex::new(tell)));
    let url = crate::net::Url::parse("http://nowhere.example/").unwrap();
    let call = |within: Duration, switch: &EndSwitch| {
        let policy = crate::net::NetworkPolicy::OWN;
        let client = Client::with(policy, within, 1024, silent.clone(), super::secure::authorities());
        let call = crate::net::Call { method: "GET", url: &url, headers: &[], body: crate::net::Body::None };
        client.call(call, switch).err().expect("no answer")
    };
    let switch = EndSwitch::new().unwrap();
    let crate::net::CallError::Network(why) = call(Duration::from_millis(5), &switch) else { panic!() };
    assert!(why.contains("no connection to `nowhere.example` came about in time"), "{why}");
    assert_eq!(switch.ended(), None);
    told.recv().unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| call(Duration::from_secs(3_600), &switch));
        told.recv().unwrap();
        switch.end(EndReason::Cancelled);
        waits.join().unwrap();
    });
    drop(release);
}
