//! Runs that are found by who started them, and lists that are acted on as they were told.

use serde_json::{Value, json};

use crate::access::token;
use crate::project::Project;
use crate::serve::{Served, Told, serve_with};

const WAITS: &str = "stead: 1\nname: wait\nsteps:\n  - { id: go, wait: { signal: go } }\n";

fn ask(served: &Served<'_>, secret: &str, method: &str, path: &str, body: &Value) -> Told {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    served.ask_as("application/json", method, path, &format!("authorization: Bearer {secret}\r\n"), &body)
}

fn start(served: &Served<'_>, secret: &str, project: &str) -> String {
    let told = ask(served, secret, "POST", "/runs", &json!({"definition": WAITS, "project": project}));
    let run = told.is(201).body["run"].as_str().unwrap().to_owned();
    served.wait_for(&run, "waiting");
    run
}

fn names(told: &Value) -> Vec<&str> {
    told["runs"].as_array().unwrap().iter().map(|row| row["run"].as_str().unwrap()).collect()
}

#[test]
fn what_is_acted_on_is_what_was_looked_at() {
    let project = Project::new();
    project.stead("people add oz --role operator").is(0);
    project.stead("people add pat --role operator").is(0);
    project.stead("people add bot --agent --role operator").is(0);
    let [oz, pat, bot] = ["oz", "pat", "bot"].map(|name| token(&project, &format!("t --user {name}")));
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let (one, two) = (start(&served, &oz, "docs"), start(&served, &oz, ""));
    let (theirs, its) = (start(&served, &pat, "docs"), start(&served, &bot, "docs"));

    // By who has started them, with all else that lists take.
    let list = |query: &str| ask(&served, &oz, "GET", &format!("/runs?{query}"), &Value::Null).is(200).body;
    assert_eq!(names(&list("starter=oz")), [two.as_str(), &one]);
    assert_eq!(names(&list("starter=user:oz&project=docs")), [one.as_str()]);
    assert_eq!(names(&list("starter=bot&status=waiting&workflow=wait")), [its.as_str()]);
    assert_eq!(names(&list("starter=agent:bot")), [its.as_str()]);
    assert!(names(&list("starter=user:bot")).is_empty() && names(&list("starter=o")).is_empty());
    assert_eq!(list("starter=pat")["runs"][0]["starter"], "user:pat");
    let page = list("starter=oz&limit=1");
    assert_eq!(
        names(&list(&format!("starter=oz&limit=1&after={}", page["next"].as_str().unwrap()))),
        [one.as_str()]
    );
    let got = project.stead("runs --starter oz --json").is(0);
    assert_eq!(got.out.lines().count(), 2, "{got:?}");
    ask(&served, &oz, "GET", "/runs?label=x", &Value::Null).says(400, "H0206");

    // A snapshot is all that fits, of all pages, and nothing that comes later.
    let told = list("project=docs&limit=1&snapshot=true");
    assert_eq!(
        (names(&told).len(), &told["snapshot"]["count"], &told["snapshot"]["more"]),
        (1, &json!(3), &json!(false))
    );
    let snapshot = told["snapshot"]["token"].clone();
    let late = start(&served, &oz, "docs");
    ask(&served, &oz, "POST", &format!("/runs/{one}:cancel"), &Value::Null).is(200);
    served.wait_for(&one, "cancelled");
    let bulk = json!({"action": "pause", "snapshot": snapshot});
    ask(&served, &pat, "POST", "/runs:bulk", &bulk).says(404, "H0228");
    let done = ask(&served, &oz, "POST", "/runs:bulk", &bulk).is(200).body;
    let ids: Vec<&str> =
        done["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [its.as_str(), &theirs, &one]);
    assert_eq!(
        (&done["done"], &done["failed"]),
        (&json!(2), &json!(1)),
        "what has ended meanwhile is told: {done:#}"
    );
    served.wait_for(&its, "paused");
    assert_eq!(served.wait_for(&late, "waiting")["status"], "waiting", "it came later");
    assert!(list("limit=1")["snapshot"].is_null());
    let none = list("starter=nobody&snapshot=true")["snapshot"]["token"].clone();
    let done =
        ask(&served, &oz, "POST", "/runs:bulk", &json!({"action": "cancel", "snapshot": none})).is(200).body;
    assert_eq!(done["results"], json!([]), "nothing is not everything");
    for wrong in [json!({"action": "cancel"}), json!({"action": "cancel", "snapshot": "s", "ids": ["r"]})] {
        ask(&served, &oz, "POST", "/runs:bulk", &wrong).says(400, "H0205");
    }
    served.leave("TERM").is(0);
}

#[test]
fn a_log_is_told_as_it_was_printed_whatever_its_size() {
    let project = Project::new();
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let lines = 200_000;
    let text = format!(
        "stead: 1\nname: talk\nsteps:\n  - {{ id: say, run: 'seq 1 {lines}; printf end; echo oops >&2' }}\n  - {{ id: quiet, needs: [say], run: 'true' }}\n"
    );
    let run = served.start(&json!({"definition": text}));
    served.wait_for(&run, "completed");
    let raw = |rest: &str| served.get(&format!("/runs/{run}/logs/raw?{rest}"));
    // Without the marks of the pieces that it came in.
    let plain = |told: &Told| {
        assert_eq!(told.header("transfer-encoding").as_deref(), Some("chunked"));
        let (mut rest, mut plain) = (told.body.as_str().unwrap(), String::new());
        while let Some((size, behind)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).unwrap();
            plain += &behind[..size];
            rest = &behind[size + 2..];
        }
        plain
    };
    let told = raw("step=say&stream=out").is(200);
    let wanted: String = (1..=lines).map(|n| format!("{n}\n")).collect::<String>() + "end";
    assert!(plain(&told) == wanted, "{} bytes of {}", plain(&told).len(), wanted.len());
    let kept = told.header("content-disposition").unwrap();
    assert!(kept.starts_with(&format!("attachment; filename=\"{run}.say.1.log\"")), "{kept}");
    assert_eq!(plain(&raw("step=say&attempt=1&stream=err").is(200)), "oops\n");
    assert_eq!(plain(&raw("step=say").is(200)).len(), wanted.len() + "oops\n".len());
    raw("step=quiet").says(404, "R0211");
    raw("step=say&stream=x").says(400, "H0206");
    raw("stream=out").says(400, "H0206");
    served.leave("TERM").is(0);
}
