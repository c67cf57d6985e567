//! What programs that watch over a server are told: that it lives, that it is ready, and what it counts.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Value, json};

use crate::access::token;
use crate::project::Project;
use crate::serve::{Served, Told, serve, serve_with};

const DOC: &str = include_str!("../../../../docs/observability.md");

/// A request outside of the API.
fn ask(served: &Served<'_>, method: &str, path: &str, more: &str) -> Told {
    served.send(&format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{more}\r\n",
        served.addr
    ))
}

/// What `/metrics` tells, read strictly: what is not as the format has it fails the test.
struct Scraped {
    /// Type and names of labels, by family.
    families: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Values by name and labels, as they are written.
    values: BTreeMap<String, f64>,
}

impl Scraped {
    fn of(served: &Served<'_>) -> Self {
        let told = ask(served, "GET", "/metrics", "").is(200);
        assert_eq!(told.header("content-type").unwrap(), "text/plain; version=0.0.4; charset=utf-8");
        Self::read(told.body.as_str().unwrap())
    }

    fn read(text: &str) -> Self {
        let sample =
            Regex::new(r#"^([a-z_]+)(\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$"#).unwrap();
        let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
        let mut scraped = Self { families: BTreeMap::new(), values: BTreeMap::new() };
        let mut family = String::new();
        let mut helped = None;
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty(), "{line}");
                helped = Some(name.to_owned());
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(helped.take().as_deref(), Some(name), "help stands before the type: {line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let new = scraped.families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
                assert!(new.is_none(), "told twice: {line}");
                family = name.to_owned();
                continue;
            }
            let found = sample.captures(line).unwrap_or_else(|| panic!("no sample: {line}"));
            let value: f64 = found[4].parse().unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(value.is_finite() && value >= 0.0, "{line}");
            let (kind, labels) = scraped.families.get_mut(&family).unwrap();
            match found[1].strip_prefix(family.as_str()).unwrap_or_else(|| panic!("not of {family}: {line}"))
            {
                "" => assert_ne!(kind, "histogram", "{line}"),
                "_bucket" | "_sum" | "_count" => assert_eq!(kind, "histogram", "{line}"),
                _ => panic!("not of {family}: {line}"),
            }
            for label in label.captures_iter(found.get(3).map_or("", |labels| labels.as_str())) {
                if &label[1] != "le" {
                    labels.insert(label[1].to_owned());
                }
            }
            let (series, _) = line.rsplit_once(' ').unwrap();
            assert!(scraped.values.insert(series.to_owned(), value).is_none(), "told twice: {line}");
        }
        scraped.histograms();
        scraped
    }

    /// That ranges hold each other, and all of them what is counted.
    fn histograms(&self) {
        let end = Regex::new(r#"^(.*)_bucket\{(.*?),?le="(.*)"\}$"#).unwrap();
        let mut rows: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
        for (series, value) in &self.values {
            let Some(found) = end.captures(series) else { continue };
            let end = if &found[3] == "+Inf" { f64::INFINITY } else { found[3].parse().unwrap() };
            rows.entry((found[1].to_owned(), found[2].to_owned())).or_default().push((end, *value));
        }
        for ((name, labels), mut row) in rows {
            row.sort_by(|one, two| one.0.total_cmp(&two.0));
            assert!(row.is_sorted_by(|one, two| one.1 <= two.1), "{name} {labels}: {row:?}");
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            let (end, all) = row.last().unwrap();
            assert!(end.is_infinite(), "{name}");
            assert_eq!(self.values[&format!("{name}_count{labels}")], *all, "{name}");
            assert!(self.values.contains_key(&format!("{name}_sum{labels}")), "{name}");
        }
    }

    #[track_caller]
    fn is(&self, series: &str, value: f64) -> &Self {
        assert_eq!(self.get(series), value, "{series}");
        self
    }

    /// A value; 0 for what never was.
    fn get(&self, series: &str) -> f64 {
        self.values.get(series).copied().unwrap_or(0.0)
    }
}

#[test]
fn what_is_counted_is_what_happened() {
    let steps = "steps:\n  - { id: a, run: 'true' }\n  - { id: b, noop: 1 }\n";
    let project = Project::new()
        .workflow("good", steps)
        .workflow("bad", "steps:\n  - { id: a, run: 'exit 3' }\n")
        .workflow("top", "steps:\n  - { id: kid, workflow: { path: good.yml } }\n")
        .workflow("gate", "steps:\n  - { id: g, approve: {} }\n")
        .workflow("wait", "steps:\n  - { id: w, wait: { for: 1h } }\n");
    for name in ["good", "bad", "top", "gate", "wait"] {
        project.stead(&format!("save {name}.yml")).is(0);
    }
    // What is open when the server begins is counted as well.
    project.stead("run wait.yml --no-wait").is(4);
    let served = serve(&project);
    let before = Scraped::of(&served);
    before.is("stead_runs{status=\"waiting\"}", 1.0).is("stead_tasks_open", 0.0);
    let start = |name: &str| served.start(&json!({ "workflow": name }));
    for _ in 0..3 {
        served.wait_for(&start("good"), "completed");
    }
    served.wait_for(&start("bad"), "failed");
    served.wait_for(&start("top"), "completed");
    let gates: Vec<String> = (0..2).map(|_| start("gate")).collect();
    for gate in &gates {
        served.wait_for(gate, "waiting");
    }
    let over = start("wait");
    served.wait_for(&over, "waiting");
    served.ask("POST", &format!("/runs/{over}:cancel"), &json!({})).is(200);
    served.wait_for(&over, "cancelled");
    served.get("/runs/r_none").is(404);
    served.get("/nothing/here").is(404);
    served.ask("POST", &format!("/tasks/{}%2Fg:decide", gates[0]), &json!({"accept": true})).is(200);
    served.wait_for(&gates[0], "completed");
    let now = Scraped::of(&served);
    now.is("stead_runs{status=\"waiting\"}", 2.0)
        .is("stead_runs{status=\"running\"}", 0.0)
        .is("stead_tasks_open", 1.0)
        .is("stead_runs_started_total{by=\"request\"}", 8.0)
        .is("stead_runs_started_total{by=\"run\"}", 1.0)
        .is("stead_runs_ended_total{outcome=\"ok\"}", 6.0)
        .is("stead_runs_ended_total{outcome=\"error\"}", 1.0)
        .is("stead_runs_ended_total{outcome=\"cancelled\"}", 1.0)
        .is("stead_attempts{state=\"running\"}", 0.0)
        .is("stead_attempts_started_total{action=\"run\"}", 5.0)
        .is("stead_attempts_ended_total{action=\"run\",result=\"ok\"}", 4.0)
        .is("stead_attempts_ended_total{action=\"run\",result=\"exit\"}", 1.0)
        .is("stead_attempts_ended_total{action=\"noop\",result=\"ok\"}", 4.0)
        .is("stead_attempt_duration_seconds_count{action=\"run\"}", 5.0)
        .is("stead_http_requests_total{method=\"POST\",route=\"/api/v1/runs\",status=\"2xx\"}", 8.0)
        .is("stead_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"}", 1.0)
        .is("stead_http_requests_total{method=\"GET\",route=\"/api/v1/runs/{run}\",status=\"4xx\"}", 1.0)
        .is("stead_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"2xx\"}", 1.0)
        .is("stead_http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/runs\"}", 8.0)
        .is("stead_store_writable", 1.0)
        .is("stead_build_info{version=\"0.1.0\",os=\"linux\",arch=\"x86_64\"}", 1.0);
    let events = served.get(&format!("/runs/{}/events", gates[0])).is(200).body;
    let last = events["events"].as_array().unwrap().last().unwrap()["position"].as_u64().unwrap();
    now.is("stead_journal_position", last as f64);
    let turns: f64 = ["run", "task", "limit", "schedule"]
        .iter()
        .map(|kind| now.get(&format!("stead_turns_total{{stream=\"{kind}\"}}")))
        .sum();
    assert_eq!(turns, last as f64 - before.get("stead_journal_position"), "a turn is a row of the journal");
    assert!(now.get("stead_commit_duration_seconds_count") <= turns * 2.0);
    for some in [
        "stead_journal_bytes_total",
        "stead_store_file_bytes{file=\"database\"}",
        "stead_home_free_bytes",
        "stead_driver_busy_seconds_total",
        "stead_http_connections",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(now.get(some) > 0.0, "{some}");
    }
    // Whatever runs there are: nothing of them is a label.
    let text = format!("{:?}", now.values.keys());
    for name in [&gates[0], "user:ana", "good", "127.0.0.1"] {
        assert!(!text.contains(name), "{name}");
    }
    // A server that begins anew knows what is open.
    served.leave("TERM").is(0);
    let served = serve(&project);
    Scraped::of(&served).is("stead_runs{status=\"waiting\"}", 2.0).is("stead_tasks_open", 1.0);
}

#[test]
fn the_manual_lists_all_that_is_counted() {
    let row = Regex::new(
        r"(?m)^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ((?:`[a-z]+`(?:, )?)*) ?\| (.+) \|$",
    )
    .unwrap();
    let label = Regex::new("`([a-z]+)`").unwrap();
    let written: BTreeMap<String, (String, BTreeSet<String>)> = row
        .captures_iter(DOC)
        .map(|row| {
            let labels = label.captures_iter(&row[3]).map(|label| label[1].to_owned());
            (row[1].to_owned(), (row[2].to_owned(), labels.collect()))
        })
        .collect();
    assert!(written.len() > 30, "the table is not read: {written:#?}");
    let known = stead_engine::metrics::FAMILIES.iter().chain(stead_server::metrics::FAMILIES).map(|family| {
        let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
        (family.name.to_owned(), (family.kind.as_str().to_owned(), labels))
    });
    assert_eq!(known.collect::<BTreeMap<_, _>>(), written);
    // And what is told is what is known, by a server that has done something.
    let project = Project::new().workflow("one", "steps:\n  - { id: a, run: 'true' }\n");
    project.stead("save one.yml").is(0);
    let served = serve(&project);
    served.wait_for(&served.start(&json!({"workflow": "one"})), "completed");
    let told = Scraped::of(&served).families;
    assert_eq!(told.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
    for (name, (kind, labels)) in &told {
        let (written, names) = &written[name];
        assert_eq!(kind, written, "{name}");
        assert!(labels == names, "{name}: {labels:?} {names:?}");
    }
}

#[test]
fn who_watches_shows_who_they_are_for_numbers_and_for_nothing_else() {
    let project = Project::new();
    project.stead("people add ana --role viewer").is(0);
    project.stead("people add bo --role viewer@docs").is(0);
    let (ana, bo) = (token(&project, "scrape --user ana"), token(&project, "other --user bo"));
    let served = serve_with(&project, "serve --listen 127.0.0.1:0 --public-url https://stead.example.org");
    ask(&served, "GET", "/metrics", "").says(401, "R0601");
    ask(&served, "GET", "/metrics", &format!("authorization: Bearer {bo}\r\n")).says(403, "R0503");
    let told = ask(&served, "GET", "/metrics", &format!("authorization: Bearer {ana}\r\n")).is(200);
    let told = Scraped::read(told.body.as_str().unwrap());
    told.is("stead_http_refused_total{status=\"401\"}", 1.0)
        .is("stead_http_refused_total{status=\"403\"}", 1.0);
    // Whoever asks whether it lives has neither a token nor a name of ours.
    for path in ["/livez", "/readyz"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: 10.1.2.3\r\nx-forwarded-for: 192.0.2.1\r\nconnection: close\r\n\r\n"
        );
        let told = served.send(&request).is(200);
        assert_eq!(told.body, "ok\n", "{path}");
        ask(&served, "HEAD", path, "").is(200);
        let refused = ask(&served, "POST", path, "").says(405, "H0202");
        assert_eq!(refused.header("allow").unwrap(), "get, head", "{path}");
    }
    ask(&served, "GET", "/livez/", "").says(404, "H0201");
    ask(&served, "GET", "/metrics?x=1", "").says(401, "R0601");
}

/// Lines of JSON, each with its event and keys as the manual has them.
fn events(text: &str) -> Vec<Value> {
    let row = Regex::new(r"(?m)^\| `([a-z.]+)` \| ([a-z, ]+) \| ((?:`[a-z]+`(?:, )?)*) ?\| .+ \|$").unwrap();
    let key = Regex::new("`([a-z]+)`").unwrap();
    let known: BTreeMap<&str, (&str, BTreeSet<&str>)> = row
        .captures_iter(DOC)
        .map(|row| row.extract::<3>().1)
        .map(|[event, levels, keys]| {
            (event, (levels, key.captures_iter(keys).map(|key| key.extract::<1>().1[0]).collect()))
        })
        .collect();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let (levels, keys) = &known[line["event"].as_str().unwrap()];
        assert!(levels.split(", ").any(|level| level == line["level"]), "{line}");
        let mut names: BTreeSet<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        for always in ["time", "level", "event"] {
            assert!(names.remove(always), "{line}");
        }
        assert!(names.is_subset(keys), "{line}: {keys:?}");
        line
    };
    text.lines().map(read).collect()
}

#[test]
fn each_request_is_a_line_and_p9_no_secret_is_in_one() {
    let project = Project::new().workflow("bad", "steps:\n  - { id: a, run: 'exit 3' }\n");
    project.stead("save bad.yml").is(0);
    project.stead("people add ana --role viewer").is(0);
    let secret = token(&project, "laptop --user ana");
    let served = serve_with(
        &project,
        "serve --listen 127.0.0.1:0 --public-url https://stead.example.org --log info --log-format json",
    );
    let with = format!("authorization: Bearer {secret}\r\nx-forwarded-for: 192.0.2.9\r\n");
    let told =
        ask(&served, "GET", "/api/v1/runs?text=hidden-words", &format!("{with}x-request-id: of-proxy.7\r\n"));
    assert_eq!(told.is(200).header("x-request-id").unwrap(), "of-proxy.7");
    let start = r#"{"workflow": "bad"}"#;
    let refused = served.ask_as("application/json", "POST", "/runs", &with, start).says(403, "R0503");
    let id = refused.header("x-request-id").unwrap();
    ask(&served, "GET", "/a/stead_link_0123456789abcdef", "").is(404);
    ask(&served, "GET", "/nothing%0a%1b[31m/here", &with).is(404);
    ask(&served, "POST", "/hooks/no%0asuch", "content-length: 0\r\n").is(401);
    ask(&served, "GET", "/api/v1/runs", "authorization: Bearer stead_wrong_token_of_somebody\r\n").is(401);
    ask(&served, "GET", "/livez", "").is(200);
    project.stead("run bad.yml").is(1);
    let got = served.leave("TERM").is(0);
    for hidden in [secret.as_str(), "hidden-words", "stead_link_0123", "stead_wrong", "\u{1b}", "nothing"] {
        assert!(!got.err.contains(hidden), "{hidden}: {}", got.err);
    }
    let said = events(&got.err);
    let requests: Vec<&Value> = said.iter().filter(|line| line["status"].is_u64()).collect();
    let shown = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {} {}", text("method"), text("route"), line["status"], text("user"), text("level"))
    };
    let shown: Vec<String> = requests.iter().map(|line| shown(line)).collect();
    assert_eq!(
        shown,
        [
            "GET /api/v1/runs 200 user:ana info",
            "POST /api/v1/runs 403 user:ana warn",
            "GET /a/{secret} 404 - info",
            "GET none 404 - info",
            "POST /hooks/{name} 401 - warn",
            "GET /api/v1/runs 401 - warn",
        ]
    );
    assert_eq!((&requests[0]["id"], &requests[0]["from"]), (&json!("of-proxy.7"), &json!("192.0.2.9")));
    assert_eq!(requests[1]["id"].as_str(), Some(id.as_str()));
    assert_eq!(requests[1]["code"], "R0503");
    let names: Vec<&str> = said.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"serving"), Some(&"left")));
    let unsigned = said.iter().find(|line| line["event"] == "webhook.unsigned").unwrap();
    assert_eq!((&unsigned["hook"], &unsigned["code"]), (&json!("no\nsuch"), &json!("R0416")));
    let ended = said.iter().find(|line| line["event"] == "run.ended").unwrap();
    assert_eq!((&ended["workflow"], &ended["outcome"]), (&json!("bad"), &json!("error")));
}

#[test]
fn a_server_says_what_is_wrong_and_nothing_more_unless_told() {
    let project = Project::new();
    let served = serve(&project);
    served.get("/runs").is(200);
    served.get("/runs/r_none").is(404);
    let got = served.leave("TERM").is(0);
    assert_eq!(got.err, "");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0 --log debug");
    ask(&served, "GET", "/livez", "").is(200);
    let got = served.leave("TERM").is(0);
    assert!(got.err.lines().any(|line| line.contains("Z debug request id=") && line.contains(" route=/livez status=200 ms=")), "{}", got.err);
    project.stead("serve --log loud").is(2).says("[possible values: error, warn, info, debug]");
}
