//! Secrets reach the program and nothing that comes back.

use super::*;

const SECRET: &str = "hunter22-Zürich/\"q\"";

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.secrets.insert("TOKEN", SECRET);
    bench.places.push(("/env/TOKEN", "TOKEN"));
    bench
}

fn run(bench: &Bench, script: &str, parse: &str) -> AttemptResult {
    bench.run(json!({"script": {"text": script}, "env": {"TOKEN": ""}, "parse": parse}))
}

fn check(bench: &Bench, result: &AttemptResult) {
    let all = format!("{}\n{}", serde_json::to_string(result).unwrap(), bench.log_text());
    for trace in ["hunter22", "Z\u{fc}rich", "\\u00fcrich", "aHVudGVyMj", "68756e74"] {
        assert!(!all.contains(trace), "{trace} in {all}");
    }
}

#[test]
fn p9_a_secret_is_in_no_log_output_or_message() {
    let bench = bench();
    for script in [
        "echo \"token $TOKEN.\"; echo \"$TOKEN\" >&2",
        "echo \"$TOKEN\" >&2; exit 3",
        "printf %s \"$TOKEN\" | base64; printf 'u:%s' \"$TOKEN\" | base64; printf %s \"$TOKEN\" | od -An -tx1 | tr -d ' \\n'",
        "set -x; : \"$TOKEN\"; exit 3",
        "printf '%s' \"$TOKEN\" | python3 -c 'import sys,json; print(json.dumps(sys.stdin.read()))'",
        "printf '%s' \"$TOKEN\" | while IFS= read -r -n1 c; do printf %s \"$c\"; sleep 0.001; done",
    ] {
        let result = run(&bench, script, "text");
        check(&bench, &result);
    }
    assert_eq!(output(run(&bench, "echo \"<$TOKEN>\"", "text")), json!("<***>"));
}

#[test]
fn p9_a_secret_is_in_no_parsed_output() {
    let bench = bench();
    let python = "import os,json; print(json.dumps({'a': [os.environ['TOKEN']], os.environ['TOKEN']: 1}))";
    let result = run(&bench, &format!("python3 -c \"{python}\""), "json");
    check(&bench, &result);
    assert_eq!(output(result), json!({"a": ["***"], "***": 1}));
    // Escaped letter by letter: only the parsed text has it.
    let python =
        "import os; print('\\\"' + ''.join('\\\\\\\\u%04x' % ord(c) for c in os.environ['TOKEN']) + '\\\"')";
    assert_eq!(output(run(&bench, &format!("python3 -c \"{python}\""), "json")), json!("***"));
    let result = run(&bench, "echo \"{$TOKEN\"", "json");
    check(&bench, &result);
    error(result, ErrorKind::Schema);
}

#[test]
fn p9_a_secret_is_in_no_value_and_no_kept_file() {
    let bench = bench();
    let result = run(
        &bench,
        "jq() { :; }; python3 -c \"import os,json; \
         json.dump({'v': os.environ['TOKEN']}, open(os.environ['STEAD_OUTPUT'], 'w'))\"",
        "text",
    );
    check(&bench, &result);
    assert_eq!(result.values, Some(json!({"v": "***"})));
    let result =
        run(&bench, "echo \"$TOKEN\" >kept; echo '{\"f\": {\"file\": \"kept\"}}' >$STEAD_OUTPUT", "text");
    check(&bench, &result);
    assert!(error(result, ErrorKind::Schema).contains("holds the text of a secret"));
}

#[test]
fn a_secret_goes_in_by_environment_and_standard_input_only() {
    let mut bench = bench();
    let result =
        run(&bench, "[ \"${#TOKEN}\" = 20 ] || [ \"${#TOKEN}\" = 19 ]; printenv TOKEN | wc -l", "text");
    assert_eq!(output(result), json!("1"));
    bench.places = vec![("/stdin/token", "TOKEN")];
    let result = bench.run(json!({"argv": ["grep", "-c", "hunter22"], "stdin": {"token": null}}));
    assert_eq!(output(result), json!("1"));
    for place in ["/argv/1", "/script/text", "/cwd"] {
        bench.places = vec![(place, "TOKEN")];
        let result = bench.run(json!({"argv": ["echo", "x"], "cwd": "."}));
        let message = error(result, ErrorKind::Exit);
        assert!(message.contains("may not go to"), "{message}");
    }
}

#[test]
fn a_secret_that_cannot_be_used_starts_nothing() {
    let mut bench = bench();
    bench.secrets.insert("TOKEN", "abc");
    let result = run(&bench, "touch started", "text");
    assert!(error(result, ErrorKind::Exit).contains("secret `TOKEN` is shorter than 4 bytes"));
    bench.secrets.clear();
    assert!(
        error(run(&bench, "touch started", "text"), ErrorKind::Exit).contains("secret `TOKEN` is not set")
    );
    assert!(!bench.project().join("started").exists());
}

#[test]
fn p9_a_secret_that_cannot_be_passed_on_is_not_shown() {
    let mut bench = bench();
    bench.secrets.insert("TOKEN", "hunter22\0x");
    let result = run(&bench, "true", "text");
    check(&bench, &result);
    assert!(error(result, ErrorKind::Exit).contains("the value of `TOKEN` holds a zero byte"));
}
