//! Links to a task: a page on which one person decides without signing in.

use serde_json::{Value, json};

use crate::access::token;
use crate::project::Project;
use crate::serve::{Served, Told, serve_with};

const LOCAL: &str = "serve --listen 127.0.0.1:0";
const EVIL: &str = "<script>alert(1)</script> & \"more\"";

fn gated() -> Value {
    let review = json!({"title": format!("Ship {EVIL}?"), "by": ["user:ana", "user:bo"], "show": ["notes"]});
    json!({"stead": 1, "name": "ship", "steps": [
        {"id": "notes", "run": ["printf", "%s", EVIL]}, {"id": "review", "approve": review}]})
}

fn peopled() -> Project {
    let project = Project::new();
    for name in
        ["ana --role approver", "bo --role approver", "cy --role operator", "bot --agent --role operator"]
    {
        project.stead(&format!("people add {name}")).is(0);
    }
    project
}

fn asked(served: &Served<'_>, definition: &Value) -> String {
    let run = served.start(&json!({"definition": definition.to_string()}));
    served.wait_for(&run, "waiting");
    run
}

/// The path of a new link.
fn link(project: &Project, served: &Served<'_>, words: &str) -> String {
    let told = project.stead(&format!("link {words} --json")).is(0).json();
    let url = told["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&format!("http://{}", served.addr)).unwrap_or_else(|| panic!("{url}"));
    assert!(path.starts_with("/a/steadl_") && path.len() > 64, "{path}");
    path.to_owned()
}

fn page(served: &Served<'_>, method: &str, path: &str, more: &str, body: &str) -> Told {
    let length = body.len();
    served.send(&format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{more}content-length: {length}\r\n\r\n{body}",
        served.addr
    ))
}

fn get(served: &Served<'_>, path: &str) -> Told {
    page(served, "GET", path, "sec-fetch-site: cross-site\r\n", "")
}

fn html(told: &Told) -> &str {
    told.body.as_str().unwrap()
}

fn nonce(told: &Told) -> String {
    let (_, rest) =
        html(told).split_once("name=\"nonce\" value=\"").unwrap_or_else(|| panic!("no form: {told:#?}"));
    rest.split('"').next().unwrap().to_owned()
}

fn send(served: &Served<'_>, path: &str, body: &str) -> Told {
    let more = format!(
        "content-type: application/x-www-form-urlencoded\r\norigin: http://{}\r\nsec-fetch-site: same-origin\r\n",
        served.addr
    );
    page(served, "POST", path, &more, body)
}

#[test]
fn p4_a_link_shows_and_only_what_is_sent_decides() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let run = asked(&served, &gated());
    let (ana, bo) = (
        link(&project, &served, &format!("{run} --for ana")),
        link(&project, &served, &format!("{run} --for bo")),
    );
    let first = get(&served, &ana).is(200);
    let shown = html(&first);
    for part in [
        "You act as ana.",
        "can be used until",
        "Accept",
        "Reject",
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("<script") && !shown.contains("src=") && !shown.contains("href="), "{shown}");
    let policy = first.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(first.header("referrer-policy").as_deref(), Some("same-origin"));
    assert_eq!(first.header("cache-control").as_deref(), Some("no-store"));
    // Whatever looks at it, and however often, changes nothing.
    let before = served.get(&format!("/runs/{run}/events")).is(200).body;
    for _ in 0..3 {
        get(&served, &ana).is(200);
        assert_eq!(html(&page(&served, "HEAD", &ana, "", "").is(200)), "");
        get(&served, &format!("{ana}?do=accept&nonce={}", nonce(&first))).is(200);
    }
    let nonce = nonce(&first);
    send(&served, &ana, "do=accept&comment=x").is(403);
    send(&served, &ana, &format!("do=accept&nonce={}", nonce.replace('a', "b"))).is(403);
    send(&served, &bo, &format!("do=accept&nonce={nonce}")).is(403);
    send(&served, &ana, &format!("nonce={nonce}")).is(422);
    send(&served, &ana, "%ff").is(400);
    page(&served, "PUT", &ana, "", "").is(405);
    let foreign = "content-type: application/x-www-form-urlencoded\r\norigin: http://evil.example\r\n";
    page(&served, "POST", &ana, foreign, &format!("do=accept&nonce={nonce}")).says(403, "H0102");
    page(&served, "GET", &ana.replace("/a/", "/a/../a/"), "", "").is(404);
    assert_eq!(served.get(&format!("/runs/{run}/events")).is(200).body, before);
    let done =
        send(&served, &ana, &format!("do=reject&comment=not+yet%21%0D%0Areally&nonce={nonce}")).is(200);
    assert!(html(&done).contains("Thank you") && html(&done).contains("not yet!\nreally"), "{done:#?}");
    // By the ordinary operation, as the person, on what was shown.
    let task = served.get(&format!("/tasks/{run}%2Freview")).is(200).body;
    let said = &task["said"][0];
    assert_eq!(
        (&said["by"], &said["accept"], &said["comment"]),
        (&json!("user:ana"), &json!(false), &json!("not yet!\nreally"))
    );
    // It counts once: the other one is told who was first.
    for (path, you) in [(&ana, " (you)"), (&bo, "")] {
        let told = get(&served, path).is(200);
        assert!(html(&told).contains(&format!("Already rejected by ana{you} at 20")), "{told:#?}");
        assert!(!html(&told).contains("<form"), "{told:#?}");
    }
    let late = send(&served, &ana, &format!("do=accept&nonce={nonce}")).is(409);
    assert!(html(&late).contains("Already rejected by ana"), "{late:#?}");
    let audit = project.stead("audit --json").is(0).lines();
    let has = |who: &str, what: &str, means: &str| {
        audit.iter().any(|row| {
            row["who"] == who && row["what"] == what && row["means"].as_str().unwrap_or_default() == means
        })
    };
    assert!(has("user:ana", "task decided", "link"), "{audit:#?}");
    assert!(
        audit.iter().any(|row| row["what"] == "make a link to a task"
            && row["about"].as_str().unwrap().contains("user:ana"))
    );
    served.leave("TERM").is(0);
}

#[test]
fn a_link_is_to_its_task_and_ends() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let (run, other) = (asked(&served, &gated()), asked(&served, &gated()));
    let path = link(&project, &served, &format!("{run} --for ana"));
    let secret = path.strip_prefix("/a/").unwrap();
    // It opens nothing else, by no other way.
    let bearer = format!("authorization: Bearer {secret}\r\n");
    for of in ["/me", "/runs", &format!("/tasks/{other}")] {
        served.ask_as("", "GET", of, &bearer, "").says(401, "R0602");
    }
    let change = |sql: &str| {
        let store = rusqlite::Connection::open(project.path(".stead/stead.db")).unwrap();
        assert!(store.execute(sql, []).unwrap() > 0, "{sql}");
    };
    let nonce = nonce(&get(&served, &path).is(200));
    // What was shown is another one by now.
    change("UPDATE access_keys SET version = 'before' WHERE kind = 'link'");
    let told = get(&served, &path).is(200);
    assert!(html(&told).contains("has changed since") && !html(&told).contains("<form"), "{told:#?}");
    let told = send(&served, &path, &format!("do=accept&nonce={nonce}")).is(409);
    assert!(html(&told).contains("Nothing was done"), "{told:#?}");
    // It has run out; it was ended; its person has gone.
    change("UPDATE access_keys SET expires_at = created_at WHERE kind = 'link'");
    let told = get(&served, &path).is(410);
    assert!(html(&told).contains("The link has run out") && !html(&told).contains("Ship"), "{told:#?}");
    let made = project.stead(&format!("link {run} --for ana --json")).is(0).json();
    project.stead(&format!("token revoke {}", made["id"].as_str().unwrap())).is(0);
    let path = made["url"].as_str().unwrap().split_once(&served.addr).unwrap().1;
    get(&served, path).is(410);
    let path = link(&project, &served, &format!("{run} --for bo"));
    project.stead("people remove bo").is(0);
    get(&served, &path).is(410);
    send(&served, &path, &format!("do=accept&nonce={nonce}")).is(410);
    assert_eq!(served.get(&format!("/runs/{run}")).is(200).body["status"], "waiting");
    // A run that is cancelled withdraws what it asked.
    let path = link(&project, &served, &format!("{run} --for ana"));
    project.stead(&format!("cancel {run}")).is(0);
    served.wait_for(&run, "cancelled");
    let told = get(&served, &path).is(200);
    assert!(html(&told).contains("It is over") && !html(&told).contains("<form"), "{told:#?}");
    // Nobody finds one by trying.
    // Three were shown above.
    for number in 0..7 {
        get(&served, &format!("/a/steadl_{number}")).is(404);
    }
    let told = get(&served, "/a/steadl_0").is(429);
    assert!(told.header("content-type").unwrap().starts_with("text/html"), "{told:#?}");
    served.leave("TERM").is(0);
}

#[test]
fn links_are_made_by_whom_they_are_for_and_by_admins_and_for_those_who_may_act() {
    let project = peopled();
    project.stead("link none --for ana").is(2).says("R0201");
    let served = serve_with(&project, LOCAL);
    let run = asked(&served, &gated());
    let make = |secret: &str, body: Value| {
        let more = format!("authorization: Bearer {secret}\r\n");
        served.ask_as("application/json", "POST", &format!("/tasks/{run}:link"), &more, &body.to_string())
    };
    let (ana, cy, bot) =
        (token(&project, "t --user ana"), token(&project, "t --user cy"), token(&project, "t --user bot"));
    let made = make(&ana, json!({})).is(200);
    assert_eq!(made.body["user"], "user:ana");
    assert!(made.body["url"].as_str().unwrap().starts_with(&format!("http://{}/a/", served.addr)));
    make(&ana, json!({"user": "bo"})).says(403, "R0503");
    make(&cy, json!({})).says(409, "R0619");
    make(&bot, json!({})).says(403, "R0608");
    make(&token(&project, "v --user ana --role viewer"), json!({})).says(403, "R0606");
    let short = make(&token(&project, "s --user ana --expires 1h"), json!({})).is(200).body;
    assert!(short["expires_at"].as_i64() < made.body["expires_at"].as_i64(), "{short}");
    project.stead(&format!("link {run} --for cy")).is(1).says("R0619");
    project.stead(&format!("link {run} --for bot")).is(1).says("R0608");
    // A program of a step makes none, and uses none.
    let path = link(&project, &served, &format!("{run} --for ana"));
    let (host, port) = served.addr.rsplit_once(':').unwrap();
    let program = format!(
        "'{}' link {run} --for ana 2>&1; exec 3<>/dev/tcp/{host}/{port}; printf 'GET {path} HTTP/1.1\\r\\nhost: {}\\r\\nconnection: close\\r\\n\\r\\n' >&3; cat <&3",
        env!("CARGO_BIN_EXE_stead"),
        served.addr
    );
    let definition = json!({"stead": 1, "name": "asks", "steps": [{"id": "a", "run": ["bash", "-c", program]}],
        "outputs": {"text": "${{ steps.a.output }}"}});
    let asks = served.start(&json!({"definition": definition.to_string()}));
    let text = served.wait_for(&asks, "completed")["outputs"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("R0608") && text.contains("403 Forbidden") && !text.contains("Ship"), "{text}");
    served.leave("TERM").is(0);
    // Without a server there is nothing that it could lead to.
    project.stead(&format!("link {run} --for ana")).is(1).says("R0620");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0 --public-url https://stead.example.org");
    let told = project.stead(&format!("link {run} --for ana")).is(0).says("as user:ana");
    assert!(told.out.starts_with("https://stead.example.org/a/steadl_"), "{}", told.out);
    let path = told.out.trim().strip_prefix("https://stead.example.org").unwrap().to_owned();
    get(&served, &path).is(200);
    served.leave("TERM").is(0);
}

#[test]
fn questions_are_answered_where_they_fit_and_else_it_is_said_where() {
    let project = peopled();
    let served = serve_with(&project, LOCAL);
    let question = |id: &str, kind: &str, more: Value| {
        let mut question = json!({"id": id, "text": format!("What {id}?"), "answer_type": kind});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let asks = json!({"stead": 1, "name": "asks", "steps": [{"id": "q", "ask": {"by": ["user:ana"], "questions": [
        question("name", "text", json!({})),
        question("size", "number", json!({"required": false})),
        question("fit", "boolean", json!({})),
        question("one", "choice", json!({"choices": ["red", "b & w"]})),
        question("some", "choices", json!({"choices": ["x", "y", "z"]})),
        question("day", "date", json!({})),
    ]}}], "outputs": {"all": "${{ steps.q.output }}"}});
    let run = asked(&served, &asks);
    let path = link(&project, &served, &format!("{run} --for ana"));
    let first = get(&served, &path).is(200);
    for part in [
        "type=\"number\"",
        "type=\"date\"",
        "type=\"radio\"",
        "type=\"checkbox\"",
        "b &amp; w",
        "What name?",
        "(may be left out)",
    ] {
        assert!(html(&first).contains(part), "{part}: {first:#?}");
    }
    let nonce = nonce(&first);
    let given =
        "q%3Aname=A%26B&q%3Asize=many&q%3Afit=true&q%3Aone=b+%26+w&q%3Asome=x&q%3Asome=z&q%3Aday=2026-11-21";
    let wrong = send(&served, &path, &format!("do=answer&nonce={nonce}&{given}")).is(422);
    assert!(
        html(&wrong).contains("`many` is no number") && html(&wrong).contains("A&amp;B</textarea>"),
        "{wrong:#?}"
    );
    assert!(html(&wrong).contains("value=\"b &amp; w\" checked"), "{wrong:#?}");
    let wrong = send(&served, &path, &format!("do=answer&nonce={nonce}&q%3Aname=A")).is(422);
    assert!(html(&wrong).contains("class=\"wrong\""), "{wrong:#?}");
    send(&served, &path, &format!("do=answer&nonce={nonce}&{}", given.replace("many", "2.5"))).is(200);
    let outputs = served.wait_for(&run, "completed")["outputs"]["all"].to_string();
    for part in ["A&B", "2.5", "true", "b & w", "[\"x\",\"z\"]", "2026-11-21"] {
        assert!(outputs.contains(part), "{part}: {outputs}");
    }
    // p11: too many for a page; a form of a gate.
    let many: Vec<Value> = (0..21).map(|n| question(&format!("n{n}"), "text", json!({}))).collect();
    let many = json!({"stead": 1, "name": "many", "steps": [{"id": "q", "ask": {"by": ["user:ana"], "questions": many}}]});
    let run = asked(&served, &many);
    let told = get(&served, &link(&project, &served, &format!("{run} --for ana"))).is(200);
    assert!(html(&told).contains("stead inbox t_") && !html(&told).contains("<form"), "{told:#?}");
    served.leave("TERM").is(0);
}
