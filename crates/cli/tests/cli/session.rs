//! Passwords, and the sessions of browsers that are begun with them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::access::token;
use crate::project::Project;
use crate::screen::Terminal;
use crate::serve::{GATED, Served, Told, serve_with};

const LOCAL: &str = "serve --listen 127.0.0.1:0";
const WORD: &str = "correct horse battery";

fn peopled() -> Project {
    let project = Project::new().workflow("gated", GATED);
    project.stead("people add ana --role operator --alias ana@example.org").is(0);
    project.stead("people add bot --agent --role operator").is(0);
    project.fed(&["password", "set", "ana"], &format!("{WORD}\n")).is(0).answers("user:ana");
    project
}

/// A browser that has signed in.
struct Browser {
    cookie: String,
    csrf: String,
    set: String,
}

fn sign_in(served: &Served<'_>, name: &str, password: &str) -> Told {
    served.ask("POST", "/session", &json!({"name": name, "password": password}))
}

impl Browser {
    fn of(told: &Told) -> Self {
        let line = told.raw.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.to_owned())
        });
        let set = line.unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { cookie, csrf: told.body["csrf"].as_str().unwrap().to_owned(), set }
    }

    fn new(served: &Served<'_>) -> Self {
        Self::of(&sign_in(served, "ana", WORD).is(200))
    }

    fn get(&self, served: &Served<'_>, path: &str) -> Told {
        served.ask_as("", "GET", path, &format!("cookie: a=b; {}\r\n", self.cookie), "")
    }

    fn does(&self, served: &Served<'_>, method: &str, path: &str, more: &str, body: &Value) -> Told {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let more = format!("cookie: {}\r\n{more}", self.cookie);
        served.ask_as("application/json", method, path, &more, &body)
    }

    fn along(&self) -> String {
        format!("x-csrf-token: {}\r\n", self.csrf)
    }
}

fn start() -> Value {
    json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, wait: { signal: go } }\n"})
}

#[test]
fn who_signs_in_is_whom_the_password_is_for_until_they_sign_out() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let browser = Browser::of(&sign_in(&served, "Ana@Example.org", WORD).is(200));
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(browser.set.contains(part), "{}", browser.set);
    }
    assert!(!browser.set.contains("Secure"), "it would not be sent: {}", browser.set);
    let now = browser.get(&served, "/session").is(200).body;
    assert_eq!((&now["actor"]["user"], &now["means"]), (&json!("user:ana"), &json!("session")));
    assert_eq!(now["csrf"], json!(browser.csrf));
    assert_eq!(served.get("/session").is(200).body["csrf"], Value::Null);
    let run = browser.does(&served, "POST", "/runs", &browser.along(), &start()).is(201).body["run"].clone();
    browser.get(&served, "/people/changes").is(200);
    browser.does(&served, "POST", "/people:edit", &browser.along(), &json!({"edits": []})).says(403, "R0503");
    let audit = project.stead("audit --user ana --json").is(0).lines();
    let has = |what: &str, about: &str| {
        audit.iter().any(|row| {
            row["what"] == what && row["means"] == "session" && row["about"].as_str().unwrap().contains(about)
        })
    };
    assert!(has("run created", run.as_str().unwrap()) && has("sign in", ""), "{audit:#?}");
    // What is kept does not open anything, and what opens is not kept.
    let secret = browser.cookie.split_once('=').unwrap().1;
    for file in std::fs::read_dir(project.path(".stead")).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for text in [secret, WORD] {
            assert!(!bytes.windows(text.len()).any(|part| part == text.as_bytes()), "{:?}", file.path());
        }
    }
    // A session is no token, and a token no session.
    let more = format!("authorization: Bearer {secret}\r\n");
    served.ask_as("", "GET", "/me", &more, "").says(401, "R0602");
    let bearer = token(&project, "t --user ana");
    let name = browser.cookie.split_once('=').unwrap().0;
    served.ask_as("", "GET", "/me", &format!("cookie: {name}={bearer}\r\n"), "").says(401, "R0602");
    let out = browser.does(&served, "DELETE", "/session", &browser.along(), &Value::Null).is(200);
    assert!(out.head.contains("max-age=0"), "{}", out.head);
    let told = browser.get(&served, "/session").says(401, "R0603");
    assert!(told.head.contains("max-age=0"), "the browser lets go of it: {}", told.head);
    served.ask("DELETE", "/session", &Value::Null).says(409, "R0616");
    served.leave("TERM").is(0);
}

#[test]
fn what_changes_something_takes_what_only_pages_of_the_server_know() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let (browser, other) = (Browser::new(&served), Browser::new(&served));
    assert_ne!(browser.csrf, other.csrf);
    browser.does(&served, "POST", "/runs", "", &start()).says(403, "H0107");
    browser.does(&served, "POST", "/runs", &other.along(), &start()).says(403, "H0107");
    browser.does(&served, "DELETE", "/session", "x-csrf-token: \r\n", &Value::Null).says(403, "H0107");
    let foreign = format!("{}origin: http://evil.example\r\n", browser.along());
    browser.does(&served, "POST", "/runs", &foreign, &start()).says(403, "H0102");
    let site = "sec-fetch-site: cross-site\r\n";
    browser
        .does(&served, "POST", "/session", site, &json!({"name": "ana", "password": WORD}))
        .says(403, "H0102");
    assert_eq!(served.get("/runs").is(200).body["runs"], json!([]));
    browser.does(&served, "POST", "/runs", &browser.along(), &start()).is(201);
    served.leave("TERM").is(0);
}

#[test]
fn nobody_learns_who_has_a_password_and_guessing_ends() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let browser = Browser::new(&served);
    let wrong = sign_in(&served, "ana", "correct horse batterx").says(401, "R0615");
    for (name, password) in
        [("nobody", WORD), ("bot", WORD), ("ana", ""), ("ana", &"x".repeat(5_000)), ("", WORD)]
    {
        let told = sign_in(&served, name, password).says(401, "R0615");
        assert_eq!(told.body, wrong.body, "{name}");
        assert!(!told.head.contains("set-cookie"));
    }
    // The right one is not looked at any more either; who is in stays in.
    let mut told = sign_in(&served, "ana", "x");
    for _ in 0..10 {
        told = sign_in(&served, "ana", "x");
    }
    let told = told.says(429, "H0106");
    assert!(told.header("retry-after").is_some(), "{}", told.head);
    sign_in(&served, "ana", WORD).says(429, "H0106");
    browser.get(&served, "/session").is(200);
    project.wait_for("the refusal", |project| {
        project
            .stead("audit --user 127.0.0.1 --json")
            .is(0)
            .lines()
            .iter()
            .any(|row| row["refused"] == "R0615")
    });
    served.leave("TERM").is(0);
}

#[test]
fn sessions_end_with_the_password_with_their_person_and_with_time() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let browser = Browser::new(&served);
    let set = |body: Value| browser.does(&served, "PUT", "/password", &browser.along(), &body);
    // Whoever finds an open browser does not come to stay.
    set(json!({"password": "another horse battery"})).says(403, "R0618");
    set(json!({"password": "another horse battery", "current": "wrong"})).says(403, "R0618");
    set(json!({"password": "short", "current": WORD})).says(422, "R0617");
    set(json!({"password": "another horse battery", "user": "bot", "current": WORD})).says(403, "R0503");
    set(json!({"password": "another horse battery", "current": WORD})).is(200);
    browser.get(&served, "/session").says(401, "R0603");
    sign_in(&served, "ana", WORD).says(401, "R0615");
    let again = || Browser::of(&sign_in(&served, "ana", "another horse battery").is(200));
    let browser = again();
    let change = |sql: &str| {
        let store = rusqlite::Connection::open(project.path(".stead/stead.db")).unwrap();
        assert!(store.execute(sql, []).unwrap() > 0);
    };
    // Not used for a day; and used all the time, for a month.
    change(
        "UPDATE access_keys SET created_at = created_at - 86400001, used_at = NULL WHERE kind = 'session' AND ended_at IS NULL",
    );
    browser.get(&served, "/session").says(401, "R0603");
    let browser = again();
    change(
        "UPDATE access_keys SET expires_at = created_at, used_at = created_at WHERE kind = 'session' AND ended_at IS NULL",
    );
    browser.get(&served, "/session").says(401, "R0603");
    let browser = again();
    project.stead("people remove ana").is(0);
    browser.get(&served, "/session").says(401, "R0603");
    sign_in(&served, "ana", "another horse battery").says(401, "R0615");
    project.stead("people restore ana").is(0);
    browser.get(&served, "/session").says(401, "R0603");
    project.fed(&["password", "set", "ana"], WORD).is(0);
    let browser = Browser::new(&served);
    project.stead("password remove ana").is(0).answers("no password any more");
    browser.get(&served, "/session").says(401, "R0603");
    project.stead("password remove ana").is(0).answers("had no password");
    served.leave("TERM").is(0);
}

#[test]
fn passwords_are_set_by_oneself_and_by_admins_and_never_by_programs() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    project.fed(&["password", "set", "bot"], WORD).is(1).says("R0608");
    project.fed(&["password", "set", "ana"], "short").is(2).says("R0617").says("12 letters");
    project.fed(&["password", "set", "ana"], &"ab".repeat(5_000)).is(2).says("R0617");
    project.fed(&["password", "set", "nobody"], WORD).is(2).says("S0801");
    let put = |secret: &str, body: Value| {
        let more = format!("authorization: Bearer {secret}\r\n");
        served.ask_as("application/json", "PUT", "/password", &more, &body.to_string())
    };
    let body = json!({"password": WORD, "current": WORD});
    put(&token(&project, "a --user ana --role viewer"), body.clone()).says(403, "R0606");
    put(&token(&project, "b --user ana --expires 1d"), body.clone()).says(403, "R0623");
    put(&token(&project, "c --user bot"), body.clone()).says(403, "R0608");
    put(&token(&project, "d --user ana"), body).is(200);
    // A program of a step neither sets one nor signs in, whatever it knows.
    let (host, port) = served.addr.rsplit_once(':').unwrap();
    let body = format!("{{\"name\":\"ana\",\"password\":\"{WORD}\"}}");
    let program = format!(
        "echo {WORD} | '{}' password set ana; exec 3<>/dev/tcp/{host}/{port}; printf 'POST /api/v1/session HTTP/1.1\\r\\nhost: {}\\r\\nconnection: close\\r\\ncontent-type: application/json\\r\\ncontent-length: {}\\r\\n\\r\\n%s' '{body}' >&3; cat <&3",
        env!("CARGO_BIN_EXE_stead"),
        served.addr,
        body.len()
    );
    let definition = json!({"stead": 1, "name": "asks", "steps": [{"id": "a", "run": ["bash", "-c", format!("({program}) 2>&1")]}],
        "outputs": {"text": "${{ steps.a.output }}"}});
    let run = served.start(&json!({"definition": definition.to_string()}));
    let text = served.wait_for(&run, "completed")["outputs"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("R0608") && text.contains("R0605") && !text.contains("set-cookie"), "{text}");
    served.leave("TERM").is(0);
}

#[test]
fn a_password_that_is_typed_is_not_shown() {
    let project = peopled();
    let type_in = |first: &str, again: &str| {
        let mut terminal = Terminal::new(&project, 24, 80, &[], "password set ana");
        terminal.wait_for("new password:");
        terminal.type_in(first);
        terminal.wait_for("the same again:");
        terminal.type_in(again);
        let (code, printed, _) = terminal.end();
        assert!(!printed.contains("staple"), "{printed}");
        (code, printed)
    };
    let (code, printed) = type_in("wrong\u{15}staplex\u{7f} apart word\r", "staple apart word\r");
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = type_in("staple apart word\r", "staple apart work\r");
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("not the same"), "{printed}");
    let (code, printed) = type_in("staple apart word\r", "staple\u{3}");
    assert_eq!(code, 2, "{printed}");
    let served = serve_with(&project, LOCAL);
    sign_in(&served, "ana", "staple apart word").is(200);
    served.leave("TERM").is(0);
}

#[test]
fn a_password_is_enough_to_be_known_elsewhere_and_https_has_its_own_cookie() {
    let project = Project::new();
    project.stead("people add ana --role viewer").is(0);
    let elsewhere = "serve --listen 127.0.0.1:0 --public-url https://stead.example.org";
    project.stead(elsewhere).is(2).says("H0402");
    project.fed(&["password", "set", "ana"], WORD).is(0);
    let served = serve_with(&project, elsewhere);
    served.get("/session").says(401, "R0601");
    let browser = Browser::new(&served);
    assert!(browser.set.starts_with("__Host-stead=") && browser.set.contains("; Secure"), "{}", browser.set);
    browser.get(&served, "/runs").is(200);
    served.leave("TERM").is(0);
}

/// A client that follows a list or a run.
struct Follower(BufReader<TcpStream>);

impl Follower {
    fn new(served: &Served<'_>, path: &str, more: &str) -> Self {
        let mut stream = TcpStream::connect(&served.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: text/event-stream\r\n{more}\r\n",
            served.addr
        );
        stream.write_all(request.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// What is told until a line begins so, that line included; or until the end.
    fn until(&mut self, beginning: &str) -> String {
        let mut all = String::new();
        loop {
            let at = all.len();
            if self.0.read_line(&mut all).unwrap() == 0 || all[at..].starts_with(beginning) {
                return all;
            }
        }
    }
}

#[test]
fn a_stream_ends_with_what_it_was_opened_by() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let bearer = token(&project, "laptop --user ana");
    let browser = Browser::new(&served);
    let by_cookie = format!("cookie: {}\r\n", browser.cookie);
    let by_token = format!("authorization: Bearer {bearer}\r\n");
    for (more, end) in [(by_token, "token revoke laptop --user ana"), (by_cookie, "password remove ana")] {
        let run = served.start(&start());
        served.wait_for(&run, "waiting");
        let mut follower = Follower::new(&served, &format!("/runs/{run}/events"), &more);
        let begun = follower.until("data: ");
        assert!(begun.contains("200 OK") && begun.contains("event: "), "{begun}");
        project.stead(end).is(0);
        project.stead(&format!("cancel {run}")).is(0);
        let rest = follower.until("event: problem");
        assert!(rest.contains("event: problem"), "{rest}");
        assert!(!rest.contains("cancel"), "{end}: {rest}");
        let problem = follower.until("data: ");
        assert!(problem.contains("R0603"), "{problem}");
        let more = follower.until("id: ");
        assert!(!more.contains("id: ") && !more.contains("event: "), "nothing comes behind it: {more}");
    }
    served.leave("TERM").is(0);
}

#[test]
fn a_stream_of_lists_has_no_row_of_what_one_may_not_look_at() {
    let project = Project::new().workflow("gated", GATED);
    project.stead("people add local --role viewer@billing").is(0);
    let bearer = token(&project, "t --user local");
    let served = serve_with(&project, LOCAL);
    let start = |project: &str| {
        let mut body = start();
        body["project"] = json!(project);
        served.start(&body)
    };
    let before = start("docs");
    let mut follower =
        Follower::new(&served, "/events?topics=runs,inbox", &format!("authorization: Bearer {bearer}\r\n"));
    let mut told = follower.until("retry: ");
    assert!(told.contains("200 OK"), "{told}");
    let other = start("docs");
    served.ask("POST", &format!("/runs/{before}:cancel"), &Value::Null).is(200);
    served.ask("POST", &format!("/runs/{other}:cancel"), &Value::Null).is(200);
    let own = start("billing");
    // Those of the others came before it.
    loop {
        let more = follower.until("data: ");
        told.push_str(&more);
        if more.contains(&own) {
            break;
        }
    }
    for hidden in [&before, &other] {
        assert!(!told.contains(hidden.as_str()) && !told.contains("docs"), "{told}");
    }
    served.leave("TERM").is(0);
}
