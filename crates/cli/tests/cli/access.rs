//! Who is let in over HTTP: tokens, other users of the machine, proxies, addresses that others reach.

use std::process::Command;

use serde_json::{Value, json};

use crate::project::{Project, finish, start};
use crate::serve::{Served, Told, serve_with};

const LOCAL: &str = "serve --listen 127.0.0.1:0";

/// A project of people: who runs the tests is its admin.
fn peopled() -> Project {
    let project = Project::new().workflow("one", "steps:\n  - { id: a, run: [echo, hello] }\n");
    project.stead("people add ana --role viewer").is(0);
    project.stead("people add oz --role operator").is(0);
    project.stead("people add bot --agent --role operator").is(0);
    project
}

/// A new token.
pub(crate) fn token(project: &Project, words: &str) -> String {
    let told = project.stead(&format!("token create {words} --json")).is(0).json();
    told["secret"].as_str().unwrap().to_owned()
}

fn with(served: &Served<'_>, secret: &str, method: &str, path: &str, body: &Value) -> Told {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let more = format!("authorization: Bearer {secret}\r\n");
    served.ask_as("application/json", method, path, &more, &body)
}

fn get(served: &Served<'_>, secret: &str, path: &str) -> Told {
    with(served, secret, "GET", path, &Value::Null)
}

#[test]
fn who_shows_a_token_is_whom_it_is_for() {
    let project = peopled();
    let (ana, bot) = (token(&project, "laptop --user ana"), token(&project, "ci --user bot"));
    let served = serve_with(&project, LOCAL);
    let me = get(&served, &ana, "/me").is(200).body;
    assert_eq!((&me["actor"]["user"], &me["means"]), (&json!("user:ana"), &json!("token laptop")));
    assert_eq!(served.get("/me").is(200).body["means"], "socket");
    assert_eq!(get(&served, &bot, "/me").is(200).body["actor"]["user"], "agent:bot");
    get(&served, &ana, "/runs").is(200);
    // It is less than the process would be.
    let start = json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, run: 'true' }\n"});
    with(&served, &ana, "POST", "/runs", &start).says(403, "R0503");
    let run = with(&served, &bot, "POST", "/runs", &start).is(201).body["run"].clone();
    let events = get(&served, &bot, &format!("/runs/{}/events", run.as_str().unwrap())).is(200);
    assert_eq!(events.body["events"][0]["event"]["by"], "agent:bot", "{}", events.body);
    // A revocation counts at once.
    project.stead("token revoke laptop --user ana").is(0).answers("is revoked");
    let told = get(&served, &ana, "/me").says(401, "R0603");
    assert!(told.head.contains("www-authenticate: bearer"), "{}", told.head);
    // So does the going of its person, for good.
    project.stead("people remove bot").is(0);
    get(&served, &bot, "/runs").says(401, "R0603");
    project.stead("people restore bot").is(0);
    get(&served, &bot, "/runs").says(401, "R0603");
    for wrong in ["stead_0", "", &ana[..20]] {
        let told = get(&served, wrong, "/runs");
        assert_eq!(told.status, 401, "{told:?}");
        assert!(!told.body.to_string().contains("ana"), "{}", told.body);
    }
    let basic = "authorization: Basic YTpi\r\n";
    served.ask_as("", "GET", "/me", basic, "").says(401, "H0104");
    served.leave("TERM").is(0);
}

#[test]
fn tokens_are_managed_over_http_by_whom_they_are_for() {
    let project = peopled();
    let ana = token(&project, "laptop --user ana");
    let served = serve_with(&project, LOCAL);
    let make = |secret: &str, body: Value| with(&served, secret, "POST", "/tokens", &body);
    let made = make(&ana, json!({"name": "phone", "role": "viewer"})).is(201);
    let (id, phone) = (&made.body["token"]["id"], made.body["secret"].as_str().unwrap());
    assert!(made.head.contains(&format!("location: /api/v1/tokens/{}", id.as_str().unwrap())));
    get(&served, phone, "/runs").is(200);
    // One that is held to something makes none and ends no other.
    make(phone, json!({"name": "more"})).says(403, "R0612");
    with(&served, phone, "DELETE", "/tokens/laptop", &Value::Null).says(403, "R0606");
    make(&ana, json!({"name": "phone"})).says(409, "S0911");
    make(&ana, json!({"name": "x", "user": "oz"})).says(403, "R0503");
    make(&ana, json!({"name": "x", "expires": 1})).says(422, "R0611");
    make(&ana, json!({"name": "x", "role": "king"})).says(422, "R0610");
    let listed = get(&served, &ana, "/tokens").is(200).body;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2, "{listed}");
    assert!(!listed.to_string().contains("stead_"), "{listed}");
    get(&served, &ana, "/tokens?all=true").says(403, "R0503");
    get(&served, &ana, "/tokens?user=oz").says(403, "R0503");
    // Who is nobody is told apart from who is another only to those who may know.
    get(&served, &ana, "/tokens?user=none").says(403, "R0503");
    assert_eq!(served.get("/tokens?all=true").is(200).body["tokens"].as_array().unwrap().len(), 2);
    with(&served, &ana, "DELETE", "/tokens/phone", &Value::Null).is(200);
    get(&served, phone, "/runs").says(401, "R0603");
    with(&served, &ana, "DELETE", "/tokens/phone", &Value::Null).says(404, "R0613");
    // It is noted beside the request, some time after it.
    project.wait_for("last used", |project| {
        !project.stead("token list --user ana --json").is(0).lines()[1]["used_at"].is_null()
    });
    served.leave("TERM").is(0);
}

#[test]
fn a_program_of_a_step_acts_as_that_whatever_it_carries() {
    let project = peopled();
    let admin = token(&project, "mine");
    let served = serve_with(&project, LOCAL);
    let request = |more: &str| {
        format!("GET /api/v1/me HTTP/1.1\\r\\nhost: {}\\r\\nconnection: close\\r\\n{more}\\r\\n", served.addr)
    };
    let (host, port) = served.addr.rsplit_once(':').unwrap();
    let program = format!(
        "for more in '' 'authorization: Bearer {admin}\\r\\n'; do exec 3<>/dev/tcp/{host}/{port}; printf \"{}$more\\r\\n\" >&3; cat <&3; exec 3>&-; done",
        request("").trim_end_matches("\\r\\n").to_owned() + "\\r\\n"
    );
    let definition = json!({"stead": 1, "name": "asks", "steps": [{"id": "a", "run": ["bash", "-c", program]}],
        "outputs": {"text": "${{ steps.a.output }}"}});
    let run = served.start(&json!({"definition": definition.to_string()}));
    let text = served.wait_for(&run, "completed")["outputs"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("agent:{run}/a")), "{text}");
    assert!(text.contains("R0605") && !text.contains("user:"), "{text}");
    served.leave("TERM").is(0);
}

#[test]
fn another_user_of_the_machine_needs_a_token() {
    let project = peopled();
    let ana = token(&project, "laptop --user ana");
    let served = serve_with(&project, LOCAL);
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: another user was not tried");
        return;
    }
    let (host, port) = served.addr.rsplit_once(':').unwrap();
    let nobody = |more: &str| {
        let script = format!(
            "exec 3<>/dev/tcp/{host}/{port}; printf 'GET /api/v1/me HTTP/1.1\\r\\nhost: {}\\r\\nconnection: close\\r\\n{more}\\r\\n' >&3; cat <&3",
            served.addr
        );
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "nobody",
            "--regid",
            "nogroup",
            "--clear-groups",
            "--",
            "bash",
            "-c",
            &script,
        ]);
        finish(start(&mut command)).is(0).out
    };
    let told = nobody("");
    assert!(told.contains(" 403 ") && told.contains("H0103"), "{told}");
    let told = nobody(&format!("authorization: Bearer {ana}\\r\\n"));
    assert!(told.contains(" 200 ") && told.contains("user:ana"), "{told}");
    served.leave("TERM").is(0);
}

#[test]
fn what_came_through_a_proxy_is_not_its_user() {
    let project = peopled();
    let ana = token(&project, "laptop --user ana");
    let served = serve_with(&project, LOCAL);
    for header in
        ["x-forwarded-for: 192.0.2.1", "forwarded: for=192.0.2.1", "via: 1.1 proxy", "x-real-ip: ::1"]
    {
        served.ask_as("", "GET", "/me", &format!("{header}\r\n"), "").says(401, "H0105");
        let both = format!("{header}\r\nauthorization: Bearer {ana}\r\n");
        served.ask_as("", "GET", "/me", &both, "").is(200);
    }
    served.leave("TERM").is(0);
    // One that knows of its proxy lets nobody in without a token, and knows its name.
    let served = serve_with(&project, "serve --listen 127.0.0.1:0 --public-url https://stead.example.org");
    served.get("/me").says(401, "R0601");
    let request = |host: &str, more: &str| {
        served.send(&format!("GET /api/v1/me HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n"))
    };
    let shown = format!("authorization: Bearer {ana}\r\nx-forwarded-for: 192.0.2.1\r\n");
    request("stead.example.org", &shown).is(200);
    request("stead.example.org", &format!("{shown}origin: https://stead.example.org\r\n")).is(200);
    request("stead.example.org", &format!("{shown}origin: https://evil.example\r\n")).says(403, "H0102");
    request("evil.example", &shown).says(403, "H0101");
    served.leave("TERM").is(0);
}

#[test]
fn who_shows_what_means_nobody_too_often_waits() {
    let project = peopled();
    let ana = token(&project, "laptop --user ana");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0 --public-url http://stead.example.org");
    let wrong = |from: &str| {
        let more = format!("authorization: Bearer stead_0\r\nx-forwarded-for: {from}\r\n");
        served.ask_as("", "GET", "/me", &more, "")
    };
    for _ in 0..stead_server::limits::FAILURES {
        wrong("192.0.2.1").says(401, "R0602");
    }
    let told = wrong("192.0.2.1").says(429, "H0106");
    let seconds = told.head.split("retry-after: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let seconds: u64 = seconds.unwrap().parse().unwrap();
    assert!((1..=stead_server::limits::FAILURE_TIME.as_secs()).contains(&seconds), "{seconds}");
    wrong("192.0.2.2").says(401, "R0602");
    let more = format!("authorization: Bearer {ana}\r\nx-forwarded-for: 192.0.2.1\r\n");
    served.ask_as("", "GET", "/me", &more, "").is(200);
    served.leave("TERM").is(0);
}

#[test]
fn others_reach_a_server_only_where_people_can_show_who_they_are() {
    let project = Project::new();
    for words in
        ["serve --listen 0.0.0.0:0", "serve --listen 127.0.0.1:0 --public-url https://stead.example.org"]
    {
        project.stead(words).is(2).says("error[H0402]").says("stead token create");
    }
    project.stead("people add ana --role viewer").is(0);
    project.stead("serve --listen 0.0.0.0:0").is(2).says("error[H0402]");
    project.stead("serve --public-url stead.example.org").is(2).says("error[H0406]");
    let ana = token(&project, "laptop --user ana");
    project.stead("token revoke laptop --user ana").is(0);
    project.stead("serve --listen 0.0.0.0:0").is(2).says("error[H0402]");
    let again = token(&project, "laptop --user ana");
    let mut served = serve_with(&project, "serve --listen 0.0.0.0:0");
    served.addr = served.addr.replace("0.0.0.0", "127.0.0.1");
    served.get("/me").says(401, "R0601");
    get(&served, &ana, "/me").says(401, "R0603");
    get(&served, &again, "/me").is(200);
    served.leave("TERM").is(0).says("not encrypted");
}

#[test]
fn a_token_runs_out_by_itself() {
    let project = peopled();
    let ana = token(&project, "short --user ana --expires 1s");
    let served = serve_with(&project, LOCAL);
    project.wait_for("its end", |_| get(&served, &ana, "/me").status == 401);
    get(&served, &ana, "/me").says(401, "R0603");
    // Its name is free again.
    token(&project, "short --user ana");
    served.leave("TERM").is(0);
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let project = peopled();
    let made = project.stead("token create laptop --expires 90d --role viewer").is(0).says("not shown again");
    let secret = made.out.trim().to_owned();
    assert!(secret.starts_with("stead_") && secret.len() == 70, "{secret}");
    let listed = project.stead("token list").is(0).answers("laptop").answers("viewer").answers("never");
    assert!(!listed.out.contains(&secret));
    // It stands nowhere in the home (P9).
    let found = Command::new("grep").args(["-raqF", &secret]).arg(project.path(".stead")).status().unwrap();
    assert_eq!(found.code(), Some(1), "the secret is in the home");
    project.stead("token create laptop").is(1).says("S0911");
    let long = "x".repeat(stead_engine::limits::TOKEN_NAME_CHARS + 1);
    project.call(&["token", "create", &long]).is(2).says("R0609");
    project.call(&["token", "create", "a\u{7}b"]).is(2).says("R0609");
    project.stead("token create other --expires soon").is(2).says("--expires");
    project.stead("token revoke none").is(2).says("R0613");
    let id = project.stead("token list --json").is(0).json()["id"].as_str().unwrap().to_owned();
    project.stead(&format!("token revoke {id}")).is(0).answers("is revoked");
    project.stead("token list").is(0).answers("revoked ");
    let closed = Command::new("chmod").arg("700").arg(project.path(".stead")).status().unwrap();
    assert!(closed.success());
    project.stead("--as ana token create phone").is(0);
    project.stead("--as ana token list --all").is(1).says("R0503");
    project.stead("--as ana token create x --user oz").is(1).says("R0503");
    project.stead("--as bot token create x").is(1).says("R0608");
}

#[test]
fn who_did_what_is_listed_by_whom_and_by_which_means() {
    let project = peopled();
    let oz = token(&project, "ci --user oz");
    let served = serve_with(&project, LOCAL);
    let start = json!({"definition": "stead: 1\nname: w\nsteps:\n  - { id: a, wait: { signal: go } }\n"});
    let run = with(&served, &oz, "POST", "/runs", &start).is(201).body["run"].as_str().unwrap().to_owned();
    served.ask("POST", &format!("/runs/{run}:cancel"), &Value::Null).is(200);
    get(&served, "stead_wrong", "/runs").says(401, "R0602");
    get(&served, &oz, "/audit").says(403, "R0503");
    let find = |words: &str, what: &str, means: &str| {
        let lines = project.stead(format!("audit --json {words}").trim()).is(0).lines();
        lines.iter().any(|row| row["what"] == what && row["means"].as_str().unwrap_or_default() == means)
    };
    assert!(find("--user oz", "run created", "token ci"));
    assert!(!find("--user oz", "cancel requested", "socket"), "that was somebody else");
    assert!(find(&format!("--about {run}"), "cancel requested", "socket"));
    assert!(find("", "make a token", "socket"));
    // Who was not let in is noted some time after.
    project.wait_for("the refusal", |project| {
        let lines = project.stead("audit --user 127.0.0.1 --json").is(0).lines();
        lines.iter().any(|row| row["refused"] == "R0602")
    });
    assert!(!project.stead("audit --json").is(0).out.contains("stead_wrong"));
    // By pages of one the same comes in the same order.
    let whole = project.stead("audit --json -n 500").is(0).lines();
    let (mut after, mut pages) = (String::new(), Vec::new());
    loop {
        let page = served.get(&format!("/audit?limit=1{after}")).is(200).body;
        pages.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
        assert!(pages.len() <= whole.len(), "{pages:#?}");
    }
    assert_eq!(pages, whole);
    served.get("/audit?after=x").says(400, "R0614");
    project.stead("audit").is(0).answers("refused (R0602)").answers("token ci");
    served.leave("TERM").is(0);
}
