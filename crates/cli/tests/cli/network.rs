//! What steps of runs may call that others start.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::access::token;
use crate::project::Project;
use crate::serve::serve_with;

/// A server of this machine alone, and how often somebody came to it.
fn inside() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&came);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    (port, came)
}

#[test]
fn a_server_that_others_reach_calls_no_private_network_unless_its_settings_say_so() {
    let (port, came) = inside();
    let step = format!("steps:\n  - {{ id: a, http: {{ url: \"http://127.0.0.1:{port}/\" }} }}\n");
    let project = Project::new().workflow("call", &step);
    project.stead("people add ana --role viewer").is(0);
    token(&project, "laptop --user ana");
    let reached = ["--listen 127.0.0.1:0 --public-url https://stead.example.org", "--listen 0.0.0.0:0"];
    for words in reached {
        let served = serve_with(&project, &format!("serve {words}"));
        // The engine of the server performs it.
        project.stead("run call.yml").is(1).says("this machine");
        served.leave("TERM").is(0);
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
    let settings = project.path(".stead/settings.yml");
    let say = |text: &str| {
        std::fs::write(&settings, text).unwrap();
        std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    say("network: { privat: true }\n");
    project.stead(&format!("serve {}", reached[0])).is(2).says("R0702");
    say("network: { private: true }\n");
    let served = serve_with(&project, &format!("serve {}", reached[0]));
    project.stead("run call.yml").is(0);
    served.leave("TERM").is(0);
    // At this machine, and for its user alone, nothing has to be said.
    std::fs::remove_file(&settings).unwrap();
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    project.stead("run call.yml").is(0);
    served.leave("TERM").is(0);
    assert_eq!(came.load(Ordering::SeqCst), 2);
}
