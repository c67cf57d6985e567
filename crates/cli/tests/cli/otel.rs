//! Traces: what a collector of OpenTelemetry gets from a real server.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::project::{Project, start};
use crate::serve::Served;

const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector: keeps what is sent to it.
struct Collector {
    url: String,
    /// Head and body of each request.
    got: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Collector {
    fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let kept = got.clone();
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if let Some(request) = take(stream.unwrap()) {
                    kept.lock().unwrap().push(request);
                }
            }
        });
        Self { url, got }
    }

    /// All spans that came, and what was said with them.
    fn spans(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        let of = |(head, body): &(String, Value)| {
            assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
            assert!(head.contains("content-type: application/json\r\n"), "{head}");
            assert!(head.contains("x-key: hidden key\r\n"), "{head}");
            let resource = &body["resourceSpans"][0]["resource"];
            assert_eq!(text(resource, "service.name"), "tests");
            assert_eq!(text(resource, "deployment.environment.name"), "here");
            body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
        };
        got.iter().flat_map(of).collect()
    }
}

fn take(mut stream: TcpStream) -> Option<(String, Value)> {
    let mut all = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        all.extend(&piece[..read]);
        let said = String::from_utf8_lossy(&all).into_owned();
        let Some((head, body)) = said.split_once("\r\n\r\n") else { continue };
        let head = format!("{}\r\n", head.to_ascii_lowercase());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse::<usize>().unwrap() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
            return Some((head, serde_json::from_str(body).unwrap()));
        }
    }
}

/// An attribute; nothing, where it is not there.
fn attribute<'a>(of: &'a Value, key: &str) -> &'a Value {
    let all = of["attributes"].as_array().unwrap();
    all.iter().find(|one| one["key"] == key).map_or(&Value::Null, |one| &one["value"])
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    let value = attribute(of, key);
    value["stringValue"].as_str().or_else(|| value["intValue"].as_str()).unwrap_or("")
}

fn serve<'p>(project: &'p Project, endpoint: &str) -> Served<'p> {
    let mut command = project.command();
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=hidden%20key").env("OTEL_SERVICE_NAME", "tests");
    command.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=here");
    command.env("HIDDEN_KEY", "hidden-secret");
    Served::of(project, start(&mut command))
}

fn kid() -> &'static str {
    "steps:\n  - { id: k, run: 'printf %s \"$TRACEPARENT\" > kid' }\n"
}

#[test]
fn p9_a_collector_gets_runs_attempts_and_requests_and_no_value() {
    let steps = "secrets: [HIDDEN_KEY]
inputs: { who: { type: string } }
steps:
  - id: again
    run: 'echo \"$TRACEPARENT\" >> again; echo \"$KEY\" >&2; test $(wc -l < again) = 2'
    env: { KEY: '${{ secrets.HIDDEN_KEY }}' }
    retry: { attempts: 2, wait: 0s }
  - id: all
    foreach: { in: ['hidden-item'], as: item, key: '${{ item }}' }
    steps: [ { id: one, run: [echo, '${{ item }}'] } ]
  - { id: kid, workflow: { path: kid.yml } }
outputs: { said: '${{ inputs.who }}' }
";
    let project = Project::new().workflow("top", steps).workflow("kid", kid());
    for name in ["top.yml", "kid.yml"] {
        project.stead(&format!("save {name}")).is(0);
    }
    let collector = Collector::begin();
    let served = serve(&project, &collector.url);
    let body = json!({"workflow": "top", "inputs": {"who": "hidden-input"}}).to_string();
    let more = format!("traceparent: {INCOMING}\r\nx-request-id: not-believed\r\n");
    let told = served.ask_as("application/json", "POST", "/runs", &more, &body).is(201);
    let run = told.body["run"].as_str().unwrap().to_owned();
    served.wait_for(&run, "completed");
    served.get("/runs?text=hidden-query").is(200);
    served.leave("TERM").is(0);
    let spans = collector.spans();
    let bodies: Vec<String> =
        collector.got.lock().unwrap().iter().map(|(_, body)| body.to_string()).collect();
    for hidden in ["hidden-input", "hidden-item", "hidden-query", "hidden-secret"] {
        assert!(!bodies.iter().any(|body| body.contains(hidden)), "{hidden}");
    }
    let ids: BTreeSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "each span is sent once, by an id of its own");
    let find = |name: &str| -> Vec<&Value> { spans.iter().filter(|span| span["name"] == name).collect() };

    let top = find("top")[0];
    assert_eq!(text(top, "stead.run"), run);
    assert_eq!((text(top, "stead.status"), text(top, "stead.outcome")), ("completed", "ok"));
    assert_eq!((&top["kind"], top.get("parentSpanId"), top.get("status")), (&json!(1), None, None));
    let again = find("again");
    let said = |span: &Value| {
        assert_eq!(span["parentSpanId"], top["spanId"]);
        assert_eq!(span["traceId"], top["traceId"]);
        assert_eq!(text(span, "stead.run"), run);
        let nanos = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"));
        ["workflow", "step", "attempt", "action", "result"]
            .map(|key| text(span, &format!("stead.{key}")).to_owned())
    };
    assert_eq!(said(again[0]), ["top", "again", "1", "run", "error"]);
    assert_eq!((&again[0]["status"], text(again[0], "error.type")), (&json!({"code": 2}), "exit"));
    assert_eq!(said(again[1]), ["top", "again", "2", "run", "ok"]);
    assert_eq!((again[1].get("status"), attribute(again[1], "error.type")), (None, &Value::Null));
    assert_eq!(said(find("all[]/one")[0])[1], "all[]/one");
    // What programs get is the span of their attempt.
    let parent = |span: &Value| {
        format!("00-{}-{}-01", span["traceId"].as_str().unwrap(), span["spanId"].as_str().unwrap())
    };
    let given: Vec<String> = again.iter().map(|span| parent(span)).collect();
    assert_eq!(project.text("again").lines().collect::<Vec<_>>(), given);
    // A run that a run has started goes on with its trace.
    let kid = find("kid")[0];
    assert_eq!((&kid["traceId"], &kid["parentSpanId"]), (&top["traceId"], &top["spanId"]));
    let of_kid = find("k")[0];
    assert_eq!((&of_kid["traceId"], &of_kid["parentSpanId"]), (&top["traceId"], &kid["spanId"]));
    assert_eq!(project.text("kid"), parent(of_kid));

    let post = find("POST /api/v1/runs")[0];
    assert_eq!(post["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&post["parentSpanId"], &post["kind"]), (&json!("00f067aa0ba902b7"), &json!(2)));
    assert_eq!(text(post, "http.request.method"), "POST");
    assert_eq!((text(post, "http.route"), text(post, "http.response.status_code")), ("/api/v1/runs", "201"));
    assert!(find("GET /api/v1/runs")[0].get("parentSpanId").is_none());
}

#[test]
fn p1_a_run_goes_on_with_its_trace_after_a_kill() {
    let steps =
        "steps:\n  - { id: a, run: 'printf \"%s\\n\" \"$TRACEPARENT\" >> told; test -e go || sleep 60' }\n";
    let project = Project::new().workflow("long", steps);
    project.stead("save long.yml").is(0);
    let collector = Collector::begin();
    let served = serve(&project, &collector.url);
    let run = served.start(&json!({"workflow": "long"}));
    project.wait_for_file("told");
    // Killed.
    drop(served);
    let project = project.with("go", "");
    let served = serve(&project, &collector.url);
    served.wait_for(&run, "completed");
    served.leave("TERM").is(0);
    let spans = collector.spans();
    let of = |name: &str| -> Vec<&Value> { spans.iter().filter(|span| span["name"] == name).collect() };
    let (long, tries) = (of("long")[0], of("a"));
    let said = |span: &Value| [text(span, "stead.attempt").to_owned(), text(span, "error.type").to_owned()];
    assert_eq!(tries.iter().map(|span| said(span)).collect::<Vec<_>>(), [["1", "lost"], ["2", ""]]);
    // What the engine that was killed has told its program is what this one sends.
    let told: Vec<String> = project.text("told").lines().map(str::to_owned).collect();
    for (told, span) in told.iter().zip(&tries) {
        let ids = (span["traceId"].as_str().unwrap(), span["spanId"].as_str().unwrap());
        assert_eq!(*told, format!("00-{}-{}-01", ids.0, ids.1));
        assert_eq!((&span["parentSpanId"], &span["traceId"]), (&long["spanId"], &long["traceId"]));
    }
    assert_eq!(told.len(), 2);
}

#[test]
fn without_a_collector_that_answers_all_goes_on_and_it_is_said() {
    let project = Project::new().workflow("one", "steps:\n  - { id: a, run: 'true' }\n");
    project.stead("save one.yml").is(0);
    // Nobody listens there any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let served = serve(&project, &format!("http://{nobody}"));
    let run = served.start(&json!({"workflow": "one"}));
    served.wait_for(&run, "completed");
    let got = served.leave("TERM").is(0).says("traces.failed").says("traces.dropped spans=");
    assert!(!got.err.contains("hidden"), "{}", got.err);
}

#[test]
fn what_cannot_be_understood_keeps_a_server_from_beginning() {
    let project = Project::new();
    let mut command = project.command();
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318");
    let got = crate::project::finish(start(&mut command)).is(2);
    got.says("C0205").says("OTEL_EXPORTER_OTLP_ENDPOINT");
}

#[test]
fn nothing_is_told_to_programs_where_nothing_is_sent() {
    let project = Project::new()
        .workflow("one", "steps:\n  - { id: a, run: 'printenv TRACEPARENT || echo none > told' }\n");
    project.stead("save one.yml").is(0);
    let mut command = project.command();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    command.env("OTEL_SDK_DISABLED", "true").env("TRACEPARENT", INCOMING);
    let served = Served::of(&project, start(&mut command));
    let run = served.start(&json!({"workflow": "one"}));
    served.wait_for(&run, "completed");
    served.leave("TERM").is(0);
    assert_eq!(project.text("told"), "none\n");
}
