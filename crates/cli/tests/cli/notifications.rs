//! Notifications, by real receivers: a server of HTTP, a server of mail, a program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;

use crate::project::Project;
use crate::serve::{GATED, serve, serve_with};

const FAILS: &str = "steps: [ { id: a, run: [sh, -c, 'exit 3'] } ]\n";
const SECRET: &str = "signing-hunter22";
const TOKEN: &str = "bearer-hunter33";

fn settings(project: &Project, rules: &str) {
    std::fs::create_dir_all(project.path(".stead")).unwrap();
    let path = project.path(".stead/settings.yml");
    std::fs::write(&path, rules).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn got<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(Duration::from_secs(30)).expect("nothing came")
}

/// Listens, and hands every connection to a function.
fn listening<T: Send + 'static>(take: impl Fn(TcpStream, &Sender<T>) + Send + 'static) -> (u16, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            take(stream, &sender);
        }
    });
    (port, receiver)
}

/// A server of HTTP that answers with these statuses, one after the other, then with the last one.
fn hooks(statuses: &'static [u16]) -> (u16, Receiver<(String, String)>) {
    let count = std::sync::atomic::AtomicUsize::new(0);
    listening(move |mut stream, sender| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap() == 0 {
                return;
            }
        }
        let length = head.to_ascii_lowercase();
        let length =
            length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let nth = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let status = statuses[nth.min(statuses.len() - 1)];
        write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        sender.send((head, String::from_utf8(body).unwrap())).unwrap();
    })
}

/// A mail as a server got it.
#[derive(Debug)]
struct Mailed {
    from: String,
    to: String,
    head: String,
    text: String,
}

/// A server of mail without TLS, that knows no mailbox beginning with `gone`.
fn mails() -> (u16, Receiver<Mailed>) {
    listening(|mut stream, sender| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        say("220-test\r\n220 ready");
        let (mut from, mut to) = (String::new(), String::new());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            assert!(line.ends_with("\r\n"), "{line:?}");
            match std::mem::take(&mut line).trim_end() {
                hello if hello.starts_with("EHLO ") => say("250-test\r\n250 8BITMIME"),
                words if words.starts_with("MAIL FROM:") => {
                    from = words[10..].to_owned();
                    say("250 ok");
                }
                "RCPT TO:<gone@example.org>" => say("550 5.1.1 no such mailbox"),
                words if words.starts_with("RCPT TO:") => {
                    to = words[8..].to_owned();
                    say("250 ok");
                }
                "DATA" => {
                    say("354 go on");
                    let mut data = String::new();
                    while !data.ends_with("\r\n.\r\n") {
                        reader.read_line(&mut data).unwrap();
                    }
                    let (head, body) = data.split_once("\r\n\r\n").unwrap();
                    let body = body.trim_end_matches(".\r\n").replace("\r\n", "");
                    let text = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
                    let text = String::from_utf8(text).unwrap();
                    let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                    sender.send(Mailed { from, to, head: head.to_owned(), text }).unwrap();
                    say("250 taken");
                }
                "QUIT" => return say("221 bye"),
                _ => say("500 what?"),
            }
        }
    })
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let line = head
        .lines()
        .find(|line| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name)));
    line.unwrap_or_else(|| panic!("no {name}: {head}")).split_once(':').unwrap().1.trim()
}

/// The notifications as they are listed.
fn listed(project: &Project, words: &str) -> Vec<Value> {
    let got = project.stead(format!("notifications --json {words}").trim()).is(0);
    got.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the newest notification is in a state.
fn until(project: &Project, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let found = listed(project, "-n 1");
        match found.first() {
            Some(row) if row["state"] == state => return row.clone(),
            _ if begun.elapsed() > Duration::from_secs(30) => panic!("not {state}: {found:?}"),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
fn a_webhook_hears_of_a_run_that_failed_signed_and_without_secrets_kept() {
    let (port, heard) = hooks(&[200]);
    let project =
        Project::new().workflow("fails", FAILS).workflow("well", "steps: [ { id: a, run: 'true' } ]\n");
    settings(
        &project,
        &format!(
            "secrets: {{ SIGN: {SECRET}, TOKEN: {TOKEN} }}\nnotify:\n  - name: chat\n    on: [run_failed, gate]\n    webhook:\n      \
             url: http://127.0.0.1:{port}/hook\n      private: true\n      secret: SIGN\n      headers: {{ Authorization: 'Bearer ${{{{ secrets.TOKEN }}}}' }}\n"
        ),
    );
    project.stead("run well.yml").is(0);
    project.stead("run fails.yml").is(1);
    let (head, body) = got(&heard);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&told["event"], &told["workflow"]), (&"run_failed".into(), &"fails".into()));
    assert!(told["text"].as_str().unwrap().contains("stead retry r_"), "{told}");
    assert_eq!(told["id"], header(&head, "Stead-Notification"));
    assert_eq!(header(&head, "Authorization"), format!("Bearer {TOKEN}"));
    // Whoever has the secret can see that it is from us: made here by another program.
    let script =
        "import hmac,sys; print(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'sha256').hexdigest())";
    let signed = format!("{}.{body}", header(&head, "Stead-Timestamp"));
    let made = std::process::Command::new("python3").args(["-c", script, SECRET, &signed]).output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    assert_eq!(header(&head, "Stead-Signature"), format!("v1={}", made.trim()));
    let all = listed(&project, "");
    assert_eq!(all.len(), 1, "a run that went well is no event of the rule: {all:?}");
    assert_eq!((&all[0]["state"], &all[0]["id"]), (&"delivered".into(), &told["id"]));
    assert!(heard.try_recv().is_err(), "it came once");
    // P9: nowhere but in the settings.
    let database = std::fs::read(project.path(".stead/stead.db")).unwrap();
    let wal = std::fs::read(project.path(".stead/stead.db-wal")).unwrap_or_default();
    for secret in [SECRET, TOKEN] {
        let within = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!within(&database) && !within(&wal));
    }
}

#[test]
fn p9_what_a_receiver_throws_back_is_kept_without_secrets_and_it_is_shown_as_failed_until_retried() {
    // It does not want it, then it does.
    let (port, heard) = hooks(&[404, 200]);
    let project = Project::new().workflow("fails", FAILS);
    settings(
        &project,
        &format!(
            "notify:\n  - {{ name: chat, on: run_failed, webhook: {{ url: 'http://127.0.0.1:{port}/', private: true }} }}\n"
        ),
    );
    let served = serve(&project);
    project.stead("run fails.yml").is(1);
    let (first, _) = got(&heard);
    let row = until(&project, "failed");
    assert!(row["error"].as_str().unwrap().contains("404"), "{row}");
    let id = row["id"].as_str().unwrap().to_owned();
    project.stead("notifications --failed").is(0).answers(&id);
    let page = served.get("/notifications?state=failed");
    assert_eq!((page.status, &page.body["notifications"][0]["id"]), (200, &Value::from(id.clone())));
    served.get("/notifications?state=none").says(400, "H0206");
    project.stead(&format!("notifications retry {id}")).is(0);
    let (again, _) = got(&heard);
    assert_eq!(header(&again, "Stead-Notification"), header(&first, "Stead-Notification"));
    until(&project, "delivered");
    project.stead(&format!("notifications retry {id}")).says("R0210");
    served.leave("TERM").is(0);
}

#[test]
fn a_private_address_is_refused_unless_the_rule_allows_it() {
    let (port, heard) = hooks(&[200]);
    let project = Project::new().workflow("fails", FAILS);
    settings(
        &project,
        &format!(
            "notify:\n  - {{ name: chat, on: run_failed, webhook: {{ url: 'http://127.0.0.1:{port}/' }} }}\n"
        ),
    );
    project.stead("run fails.yml").is(1);
    let row = until(&project, "failed");
    assert!(row["error"].as_str().unwrap().contains("this machine"), "{row}");
    assert!(heard.try_recv().is_err());
}

#[test]
fn a_mail_for_a_gate_goes_to_those_who_are_asked_and_no_title_writes_its_headers() {
    let (port, mailed) = mails();
    let gated = "inputs: { what: { type: string } }\nsteps:\n  - { id: draft, run: [echo, hi] }\n  - id: review\n    timeout: 3d\n    approve: { title: \"Ship ${{ inputs.what }}?\", show: [draft], by: [group:leads], not: [user:cy] }\n";
    let project = Project::new().workflow("gated", gated);
    settings(
        &project,
        &format!(
            "notify:\n  - {{ name: mail, on: gate, mail: {{ server: 127.0.0.1, port: {port}, tls: none, from: stead@example.org, to: people }} }}\n"
        ),
    );
    project.stead("people add boss --role admin").is(0);
    project.stead("people group add leads").is(0);
    for (name, email) in [("ana", "ana@example.org"), ("bo", "bo@example.org"), ("cy", "cy@example.org")] {
        project.stead(&format!("people add {name} --email {email} --group leads")).is(0);
    }
    project.stead("people add dee --email dee@example.org").is(0);
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let mut command = project.command();
    command.args(["run", "gated.yml", "--no-wait", "-i", "what=it\r\nBcc: evil@example.org\r\n\r\nMöwe"]);
    assert_eq!(command.output().unwrap().status.code(), Some(4));
    let mut all = [got(&mailed), got(&mailed)];
    all.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(all.each_ref().map(|mail| mail.to.as_str()), ["<ana@example.org>", "<bo@example.org>"]);
    for mail in &all {
        assert_eq!(mail.from, "<stead@example.org>");
        assert!(!mail.head.to_lowercase().contains("bcc"), "{}", mail.head);
        assert!(mail.text.contains("stead approve t_") && mail.text.contains("until: "), "{}", mail.text);
        assert!(mail.text.contains("asked: user:ana, user:bo"), "{}", mail.text);
        assert!(!mail.text.contains("\nBcc"), "{}", mail.text);
    }
    let row = until(&project, "delivered");
    let id = format!("<{}@example.org>", row["id"].as_str().unwrap());
    assert!(all.iter().all(|mail| header(&mail.head, "Message-ID") == id), "{all:?}");
    served.leave("TERM").is(0);
    assert!(mailed.try_recv().is_err(), "nobody else was asked");
}

#[test]
fn who_got_a_mail_gets_it_once_though_another_mailbox_is_gone() {
    let (port, mailed) = mails();
    let project = Project::new().workflow("fails", FAILS);
    settings(
        &project,
        &format!(
            "notify:\n  - {{ name: mail, on: run_failed, mail: {{ server: 127.0.0.1, port: {port}, tls: none, from: stead@example.org, to: [gone@example.org, ana@example.org] }} }}\n"
        ),
    );
    project.stead("run fails.yml").is(1);
    assert_eq!(got(&mailed).to, "<ana@example.org>");
    let row = until(&project, "failed");
    assert!(row["error"].as_str().unwrap().contains("550 5.1.1 no such mailbox"), "{row}");
    project.stead(&format!("notifications retry {}", row["id"].as_str().unwrap())).is(0);
    project.stead("run fails.yml").is(1);
    let other = got(&mailed);
    assert!(!other.head.contains(row["id"].as_str().unwrap()), "the second run's, and not the first again");
}

#[test]
fn a_command_gets_it_as_json_and_environment_and_a_dead_receiver_holds_nothing_up() {
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let project = Project::new().workflow("gated", GATED);
    settings(
        &project,
        &format!(
            "notify:\n  - {{ name: dead, on: gate, webhook: {{ url: 'http://127.0.0.1:{port}/', private: true }} }}\n  \
             - {{ name: desktop, on: gate, workflow: gated, command: [sh, -c, 'cat > told.part; echo \"$STEAD_NOTICE_SUBJECT\" > subject; mv told.part told'] }}\n  \
             - {{ name: other, on: gate, workflow: another, command: [touch, never] }}\n"
        ),
    );
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    project.stead("run gated.yml --no-wait").is(4);
    let begun = Instant::now();
    while !project.path("told").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", listed(&project, ""));
        std::thread::sleep(Duration::from_millis(10));
    }
    let told: Value = serde_json::from_slice(&std::fs::read(project.path("told")).unwrap()).unwrap();
    assert_eq!((&told["event"], &told["step"]), (&"gate".into(), &"review".into()));
    assert!(std::fs::read_to_string(project.path("subject")).unwrap().starts_with("Decision wanted: "));
    assert!(!project.path("never").exists());
    // The gate is decided meanwhile, as if nobody were slow.
    project.stead(&format!("approve {} -y", told["task"].as_str().unwrap())).is(0);
    served.leave("TERM").is(0);
    let waiting = listed(&project, "--waiting");
    assert_eq!(waiting.len(), 1, "it is tried again by the next process: {waiting:?}");
    assert_eq!(waiting[0]["rule"], "dead");
}

#[test]
fn p7_all_that_is_wrong_with_rules_is_said_at_once_with_its_place() {
    let project = Project::new().workflow("fails", FAILS);
    settings(
        &project,
        "notify:\n  - { name: a, on: run_faild, webhook: { url: 'ftp://x', hurl: 1 } }\n  - { name: b b, on: gate }\n  - { name: c, on: gate, mail: { server: s, tls: none, user: u, password: P, from: x, to: 'a@b\\n' } }\n",
    );
    let got = project.stead("run fails.yml").is(2);
    for (place, code) in [("2:", "R0705"), ("2:", "R0702"), ("3:", "R0703"), ("3:", "R0704"), ("4:", "R0705")]
    {
        assert!(got.err.contains(place) && got.err.contains(code), "{place} {code}: {}", got.err);
    }
    got.says("did you mean `run_failed`?").says("R0701");
}
