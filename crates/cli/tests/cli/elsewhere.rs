//! `--server URL`: the commands on a server elsewhere, by real processes, people and tokens.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::access::token;
use crate::project::{Got, Project, finish, start};
use crate::serve::{Served, serve_with};

const LOCAL: &str = "serve --listen 127.0.0.1:0";
const GATED: &str = "inputs: { who: { type: string } }\nsteps:\n  - { id: draft, run: [echo, 'hello ${{ inputs.who }}'] }\n  - id: review\n    approve: { show: [draft], by: ['role:approver'] }\noutputs: { text: \"${{ steps.draft.output }}\" }\n";

/// What a proxy says whose server is not there.
const PAGE: &str = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\nsome";

/// A home with people, in which nothing is asked but over HTTP.
fn peopled() -> Project {
    let project = Project::new();
    project.stead("people add root2 --role admin").is(0);
    project.stead("people add oz --role operator --role editor").is(0);
    project.stead("people add ap --role approver").is(0);
    project.stead("people add vi --role viewer").is(0);
    project
}

/// Somebody elsewhere: a folder of their own, and nothing else in common with the home.
struct Away {
    folder: Project,
    url: String,
    token: String,
}

impl Away {
    fn new(served: &Served<'_>, project: &Project, user: &str) -> Self {
        let token = token(project, &format!("away-{user} --user {user}"));
        Self { folder: Project::bare(), url: format!("http://{}", served.addr), token }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = self.folder.command();
        command.env("STEAD_TOKEN", &self.token).args(["--server", &self.url]).args(words.split(' '));
        command
    }

    fn stead(&self, words: &str) -> Got {
        finish(start(&mut self.command(words)))
    }
}

#[test]
fn the_whole_life_of_a_run_goes_by_a_server_elsewhere() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let (oz, ap, vi) = (
        Away::new(&served, &project, "oz"),
        Away::new(&served, &project, "ap"),
        Away::new(&served, &project, "vi"),
    );
    oz.stead("whoami").is(0).answers("user:oz").says("token away-oz");
    std::fs::write(oz.folder.path("gated.yml"), format!("stead: 1\nname: gated\n{GATED}")).unwrap();
    oz.stead("save gated.yml").is(0).answers("gated@1 saved");
    vi.stead("workflows").is(0).answers("gated@1");
    // Followed to where it waits for somebody.
    let got = oz.stead("run gated -i who=you --json").is(4);
    let result = got.lines().pop().unwrap();
    let run = result["run"].as_str().unwrap().to_owned();
    assert_eq!((&result["type"], &result["status"]), (&json!("result"), &json!("waiting")));
    assert!(got.out.contains("run_created") && got.out.contains("attempt_ended"), "{got:#?}");
    vi.stead("runs").is(0).answers(&run);
    vi.stead(&format!("status {run}")).is(0).answers("review");
    oz.stead(&format!("logs {run}")).is(0).answers("hello you");
    oz.stead(&format!("logs {run} --json")).is(0).answers("\"stream\":\"out\"");
    // One may not, another is asked and may.
    vi.stead(&format!("cancel {run}")).is(1).says("R0503");
    oz.stead(&format!("approve {run} -y")).is(1);
    ap.stead("inbox --plain").is(0).answers("gated");
    ap.stead(&format!("approve {run} -y")).is(0);
    let got = vi.stead(&format!("watch {run} --json")).is(0);
    assert_eq!(got.lines().pop().unwrap()["outputs"]["text"], "hello you");
    oz.stead(&format!("resume {run} -o text")).is(0).answers("hello you");
    // Nothing was written where they sit.
    assert!(!oz.folder.path(".stead").exists());
    let again = oz.stead("run gated -i who=me --no-wait --json").is(4).lines().pop().unwrap();
    let again = again["run"].as_str().unwrap();
    oz.stead(&format!("cancel {again} --reason enough")).is(0);
    oz.stead(&format!("status {again}")).is(0).answers("cancelled");
    // Who did it stands in the history, as with any other way in.
    let events = served.get(&format!("/runs/{run}/events")).is(200).body;
    assert_eq!(events["events"][0]["event"]["by"], "user:oz", "{events}");
    served.leave("TERM").is(0);
}

#[test]
fn programs_that_print_are_followed_at_a_server_elsewhere() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let oz = Away::new(&served, &project, "oz");
    let gate = project.path("go");
    let text = format!(
        "stead: 1\nname: prints\nsteps:\n  - id: a\n    run: |\n      echo first; printf 'half '; until [ -e {} ]; do sleep 0.05; done; echo whole; echo last\n",
        gate.display()
    );
    std::fs::write(oz.folder.path("prints.yml"), text).unwrap();
    let mut running = start(&mut oz.command("run prints.yml --json"));
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    let run = first["run"].as_str().unwrap().to_owned();
    served.wait_for(&run, "running");
    project.wait_for("its log", |_| served.get(&format!("/runs/{run}/logs")).body["logs"][0].is_object());
    let mut following = start(&mut oz.command(&format!("logs {run} -f")));
    let mut printed = BufReader::new(following.stdout.take().unwrap());
    let mut seen = String::new();
    printed.read_line(&mut seen).unwrap();
    assert!(seen.ends_with("first\n"), "{seen}");
    std::fs::write(&gate, "").unwrap();
    printed.read_to_string(&mut seen).unwrap();
    let lines: Vec<&str> = seen.lines().map(|line| line.rsplit("| ").next().unwrap_or(line)).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.rsplit("│ ").next().unwrap_or(line)).collect();
    assert_eq!(lines, ["first", "half whole", "last"]);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(rest.lines().last().unwrap().contains("\"status\":\"completed\""), "{rest}");
    finish(following).is(0);
    finish(running).is(0);
    served.leave("TERM").is(0);
}

#[test]
fn a_login_is_tried_kept_for_its_user_only_and_forgotten() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let secret = token(&project, "laptop --user vi");
    let away = Project::bare();
    let url = format!("http://{}", served.addr);
    away.fed(&["login", &url], "stead_wrong\n").is(1).says("R0602");
    away.fed(&["login", &url], "").is(2).says("C0105");
    let kept = away.path(".config/stead/servers.json");
    assert!(!kept.exists(), "what was refused is not kept");
    away.fed(&["login", &url], &format!("{secret}\n")).is(0).answers("as user:vi");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    away.stead(&format!("--server {url}/ whoami --json")).is(0).answers("user:vi").answers("token laptop");
    let by_variable = |name: &str, value: &str, words: &str| {
        finish(start(away.command().env("STEAD_SERVER", &url).env(name, value).args(words.split(' '))))
    };
    by_variable("X", "", "whoami").is(0).answers("user:vi");
    let oz = token(&project, "file --user oz");
    std::fs::write(away.path("token"), format!("{oz}\n")).unwrap();
    by_variable("STEAD_TOKEN_FILE", "token", "whoami").is(0).answers("user:oz");
    by_variable("STEAD_TOKEN_FILE", "none", "whoami").is(2).says("C0105");
    // The token of the environment is for the server that the environment names.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let asked = format!("http://{}", other.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).unwrap();
        stream.write_all(PAGE.as_bytes()).unwrap();
        String::from_utf8_lossy(&bytes[..read]).to_lowercase()
    });
    by_variable("STEAD_TOKEN", &oz, &format!("--server {asked} whoami"));
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("post /api/v1/operations") && !heard.contains("authorization"), "{heard}");
    // Others could read it.
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    away.stead(&format!("--server {url} whoami")).is(2).says("C0105").says("chmod 600");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    away.stead("logout").is(0).answers("logged out");
    assert!(!std::fs::read_to_string(&kept).unwrap().contains("stead_"));
    away.stead("logout").is(2).says("C0103");
    served.leave("TERM").is(0);
}

#[test]
fn what_is_not_asked_of_a_server_says_so() {
    let away =
        Project::new().workflow("one", "inputs: { f: { type: file } }\nsteps:\n  - { id: a, run: 'true' }\n");
    let by = "--server http://127.0.0.1:1";
    away.stead(&format!("{by} serve")).is(2).says("C0104").says("leave --server out");
    away.stead(&format!("{by} --as ana runs")).is(2).says("C0104");
    away.stead(&format!("{by} --home x runs")).is(2).says("cannot be used with");
    away.stead(&format!("{by} run one.yml -i f=@one.yml")).is(2).says("R0803").says("cannot be sent");
    // Files of this machine, and this program itself.
    away.stead(&format!("{by} check one.yml")).is(0);
    away.stead(&format!("{by} explain C0104")).is(0);
    // A home that is named goes before what stands in the environment.
    let got = finish(start(
        away.command().env("STEAD_SERVER", "http://127.0.0.1:1").args(["--home", ".stead", "runs"]),
    ));
    got.is(0);
    let got = finish(start(away.command().env("STEAD_SERVER", "http://127.0.0.1:1").args(["serve"])));
    got.is(2).says("STEAD_SERVER");
}

#[test]
fn what_is_wrong_on_the_way_is_told_apart() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let vi = Away::new(&served, &project, "vi");
    vi.stead("status r_none").is(2).says("R0201");
    vi.stead("schedule show none").is(2).says("R0411");
    vi.stead("show none").is(2).says("S0701");
    let away = Project::bare();
    let asked = |url: &str, token: &str| {
        finish(start(away.command().env("STEAD_TOKEN", token).args(["--server", url, "runs"])))
    };
    asked("http://127.0.0.1:1", "t").is(6).says("R0803").says("cannot be reached");
    asked(&format!("https://{}", served.addr), "t").is(6).says("R0804");
    asked("http://stead.example.org", "t").is(2).says("R0802").says("--plain-http");
    asked("stead.example.org", "t").is(2).says("R0801");
    asked(&vi.url, "stead_wrong").is(1).says("R0602").says("stead login");
    project.stead("token revoke away-vi --user vi").is(0);
    vi.stead("runs").is(1).says("R0603").says("stead login");
    // Whatever answers there.
    asked(&told(PAGE), "t").is(6).says("R0807").says("502 with text/html");
    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    asked(&told(elsewhere), "t").is(6).says("R0807").says("302");
    // A server of a release that knows of no such route, and one of another protocol.
    let problem = |status: &str, body: &Value| {
        let body = body.to_string();
        format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let old =
        json!({"type": "about:blank", "title": "Not Found", "status": 404, "code": "H0201", "detail": "no"});
    asked(&told(&problem("404", &old)), "t").is(6).says("R0808").says("upgrade the server");
    let newer = json!({"type": "about:blank", "title": "x", "status": 422, "code": "H0225", "detail": "no", "protocol": 99, "release": "9.0.0"});
    asked(&told(&problem("422", &newer)), "t")
        .is(6)
        .says("R0808")
        .says("upgrade this program to the release 9.0.0");
    served.leave("TERM").is(0);
}

#[test]
fn files_of_this_machine_go_along_to_a_server_elsewhere() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let oz = Away::new(&served, &project, "oz");
    let write = |name: &str, text: &str| std::fs::write(oz.folder.path(name), text).unwrap();
    write(
        "takes.yml",
        "stead: 1\nname: takes\ninputs: { f: { type: file } }\nsteps:\n  - { id: a, run: [cat, '${{ inputs.f.path }}'] }\noutputs: { text: '${{ steps.a.output }}', name: '${{ inputs.f.name }}' }\n",
    );
    write("a letter.txt", "dear all");
    let got = finish(start(
        Command::args(&mut oz.command("run takes.yml"), ["-i", "f=@a letter.txt"]).env("X", ""),
    ));
    let got: Value = got.is(0).json();
    assert_eq!(got, json!({"text": "dear all", "name": "a letter.txt"}));
    write(
        "each.yml",
        "stead: 1\nname: each\ninputs: { who: { type: string } }\nsteps:\n  - { id: a, run: [echo, 'hello ${{ inputs.who }}'] }\noutputs: { text: '${{ steps.a.output }}' }\n",
    );
    write("rows.csv", "who\nann\nbob\n");
    let got = oz.stead("batch each.yml --items rows.csv -o -").is(0);
    assert!(got.out.contains("hello ann") && got.out.contains("hello bob"), "{got:#?}");
    // What a row names stays where it is.
    write("files.csv", "f\na letter.txt\n");
    oz.stead("batch takes.yml --items files.csv").is(2).says("C0104");
    assert!(!oz.folder.path(".stead").exists());
    served.leave("TERM").is(0);
}

/// Somebody who gives one answer to whoever asks, for a while.
fn told(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(1) {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 65536];
            let _ = stream.read(&mut bytes);
            let _ = stream.write_all(answer.as_bytes());
            // Closed with something unread, the connection would be reset, and the answer lost with it.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    url
}

/// Passes on what is said to a server, and throws the answer to every second connection away once it has begun to come:
/// what was asked was done.
fn losing(listener: TcpListener, to: String) {
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut ours, to) = (stream.unwrap(), to.clone());
            let lost = count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            std::thread::spawn(move || {
                let mut theirs = TcpStream::connect(&to).unwrap();
                let (mut from, mut there) = (ours.try_clone().unwrap(), theirs.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut there));
                let _ = match lost {
                    true => theirs.read(&mut [0]).map(|_| 0),
                    false => std::io::copy(&mut theirs, &mut ours),
                };
                let _ = ours.shutdown(Shutdown::Both);
                let _ = theirs.shutdown(Shutdown::Both);
            });
        }
    });
}

#[test]
fn p2_an_answer_that_is_lost_is_asked_for_again_and_counts_once() {
    let project = peopled();
    token(&project, "first --user oz");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = serve_with(&project, &format!("serve --listen 127.0.0.1:0 --public-url {url}"));
    let oz = Away::new(&served, &project, "oz");
    losing(listener, served.addr.clone());
    let oz = Away { url, ..oz };
    let text = "stead: 1\nname: one\nsteps:\n  - { id: a, run: 'true' }\n";
    std::fs::write(oz.folder.path("one.yml"), text).unwrap();
    oz.stead("save one.yml -m first").is(0).answers("one@1 saved");
    oz.stead("describe one --description what").is(0);
    let changes = oz.stead("history one --json").is(0).lines();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    let got = oz.stead("run one --json").is(0);
    assert_eq!(got.lines().iter().filter(|row| row["event"]["type"] == "run_created").count(), 1, "{got:#?}");
    assert_eq!(oz.stead("runs --json").is(0).lines().len(), 1);
    // What has a secret in its answer is not asked for again: that would be another one.
    oz.stead("token create more").is(6).says("R0805").says("it may have been done");
    served.leave("TERM").is(0);
}

#[test]
fn a_server_that_was_killed_is_waited_for_and_followed_on() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let oz = Away::new(&served, &project, "oz");
    let gate = project.path("go");
    let text = format!(
        "stead: 1\nname: long\nsteps:\n  - id: a\n    run: 'until [ -e {} ]; do sleep 0.05; done; echo over'\noutputs: {{ text: '${{{{ steps.a.output }}}}' }}\n",
        gate.display()
    );
    std::fs::write(oz.folder.path("long.yml"), text).unwrap();
    let mut running = start(&mut oz.command("run long.yml --json"));
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    let run = first["run"].as_str().unwrap().to_owned();
    served.wait_for(&run, "running");
    let addr = served.addr.clone();
    // Killed, as a machine loses its power.
    drop(served);
    std::fs::write(&gate, "").unwrap();
    let served = serve_with(&project, &format!("serve --listen {addr}"));
    served.wait_for(&run, "completed");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let got = finish(running).is(0).says("broke off").says("answers again");
    let all: Vec<Value> =
        line.lines().chain(rest.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<u64> = all.iter().filter_map(|row| row["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "each event once: {got:#?}");
    assert_eq!(all.last().unwrap()["outputs"]["text"], "over");
    served.leave("TERM").is(0);
}

#[test]
fn p11_what_a_server_elsewhere_says_is_bounded() {
    let away = Project::bare();
    let asked = |url: &str| finish(start(away.command().args(["--server", url, "runs"])));
    let long = |bytes: usize| "x".repeat(bytes);
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", long(200 << 10));
    asked(&told(&head)).is(6).says("R0809");
    let body = long((1 << 20) + 1);
    let page = format!(
        "HTTP/1.1 502 x\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    asked(&told(&page)).is(6).says("R0809");
}

#[test]
fn p11_lists_of_a_server_elsewhere_come_in_pages() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let add =
        |number: usize| json!({"edit": "add", "name": format!("p{number}"), "display": "", "kind": "person"});
    for from in [0, 550] {
        let edits: Vec<Value> = (from..from + 550).map(add).collect();
        served.ask("POST", "/people:edit", &json!({ "edits": edits })).is(200);
    }
    let vi = Away::new(&served, &project, "vi");
    let all = vi.stead("people history --limit 0 --json").is(0).lines();
    assert!(all.len() > 1_100, "{}", all.len());
    assert_eq!(vi.stead("people history --limit 1050 --json").is(0).lines().len(), 1_050);
    // One who asks for all at once is told a page.
    let operation = json!({"operation": "people", "what": "changes", "skip": 0, "limit": 0});
    let asked = json!({"protocol": 1, "release": env!("CARGO_PKG_VERSION"), "operation": operation});
    let told = served.ask("POST", "/operations", &asked).is(200).body;
    assert_eq!(told["answer"]["changes"].as_array().unwrap().len(), 1_001, "{}", told["answer"]["answer"]);
    served.leave("TERM").is(0);
}

#[test]
fn p11_logins_are_bounded() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let secret = token(&project, "laptop --user vi");
    let url = format!("http://{}", served.addr);
    let away = Project::bare();
    let kept = away.path(".config/stead/servers.json");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    let write = |count: usize, token: &str| {
        let servers: serde_json::Map<String, Value> = (0..count)
            .map(|n| (format!("https://{n}.invalid"), json!({"token": token, "user": "user:a"})))
            .collect();
        std::fs::write(&kept, json!({ "servers": servers }).to_string()).unwrap();
        std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(200, "t");
    away.fed(&["login", &url], &secret).is(2).says("C0105").says("200");
    write(199, "t");
    away.fed(&["login", &url], &secret).is(0);
    write(100, &"t".repeat(11 << 10));
    away.fed(&["login", &url], &secret).is(2).says("C0105").says("mend it");
    // What is longer than any token is cut, and is none.
    std::fs::remove_file(&kept).unwrap();
    away.fed(&["login", &url], &secret.repeat(200)).is(1).says("R0602");
    served.leave("TERM").is(0);
}
