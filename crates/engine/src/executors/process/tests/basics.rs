use super::*;

#[test]
fn a_program_gets_its_arguments_as_they_are() {
    let bench = Bench::new();
    let argv = json!(["printf", "<%s>", "a b", "", "$HOME", "*", "ä\n"]);
    assert_eq!(output(bench.run(json!({"argv": argv}))), json!("<a b><><$HOME><*><ä\n>"));
    assert_eq!(bench.log().len(), 2);
}

#[test]
fn a_script_stops_at_the_first_failure() {
    let bench = Bench::new();
    assert_eq!(output(bench.script("a=1\necho $a; echo two")), json!("1\ntwo"));
    let message = error(bench.script("echo so far\nfalse\necho never"), ErrorKind::Exit);
    assert_eq!(message, "exit code 1\nso far");
    assert!(error(bench.script("false | true"), ErrorKind::Exit).starts_with("exit code 1"));
    assert_eq!(output(bench.script("set +e; false; echo $UNSET on")), json!("on"));
}

#[test]
fn scripts_have_the_shell_they_name() {
    let bench = Bench::new();
    for (shell, text) in [
        ("sh", "echo $((6*7))"),
        ("python", "import sys\nprint(6*7)"),
        ("node", "console.log(6*7)"),
        ("perl", "print 6*7"),
        ("cat", "42"),
    ] {
        if shell == "node" && bench.run(json!({"argv": ["node", "-v"]})).error.is_some() {
            continue;
        }
        let result = bench.run(json!({"script": {"shell": shell, "text": text}}));
        assert_eq!(output(result), json!("42"), "{shell}");
    }
    let missing = bench.run(json!({"script": {"shell": "no-such-shell", "text": ""}}));
    assert!(
        error(missing, ErrorKind::Exit).starts_with("program `no-such-shell` not found; looked in PATH: ")
    );
}

#[test]
fn a_script_finds_its_folder_empty_and_its_own_text_untouched() {
    let bench = Bench::new();
    let text = "ls -A \"$STEAD_DIR\"; cat \"$0\" # ${{ x }} `\\";
    assert_eq!(output(bench.script(text)), json!(text));
}

#[test]
fn the_environment_is_the_allow_list_and_what_is_declared() {
    let bench = Bench::new();
    let request =
        json!({"argv": ["env", "-0"], "env": {"MINE": "a=b\nc", "LANG": "xx", "STEAD_KEY": "forged"}});
    let text = output(bench.run(request));
    let mut seen: Vec<&str> = text.as_str().unwrap().split_terminator('\0').collect();
    seen.sort_unstable();
    let dir = bench.place().dir.display().to_string();
    let mut expected = vec![
        "MINE=a=b\nc".to_owned(),
        "LANG=xx".to_owned(),
        format!("STEAD_RUN={}", bench.attempt.stream),
        format!("STEAD_STEP={}", bench.attempt.path),
        format!("STEAD_ATTEMPT={}", bench.attempt),
        "STEAD_KEY=key-1".to_owned(),
        format!("STEAD_OUTPUT={dir}.output"),
        format!("STEAD_DIR={dir}"),
    ];
    for name in ["PATH", "HOME", "USER", "TMPDIR"] {
        expected.extend(std::env::var(name).ok().map(|value| format!("{name}={value}")));
    }
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[test]
fn it_works_in_the_projects_folder_or_the_one_named() {
    let bench = Bench::new();
    std::fs::create_dir(bench.project().join("sub")).unwrap();
    let project = bench.project().canonicalize().unwrap();
    assert_eq!(output(bench.run(json!({"argv": ["pwd"]}))), json!(project));
    assert_eq!(output(bench.run(json!({"argv": ["pwd"], "cwd": "sub"}))), json!(project.join("sub")));
    assert_eq!(output(bench.run(json!({"argv": ["pwd"], "cwd": "/"}))), json!("/"));
}

#[test]
fn standard_input_is_what_is_given_or_nothing() {
    let bench = Bench::new();
    assert_eq!(output(bench.run(json!({"argv": ["cat"]}))), json!(""));
    assert_eq!(output(bench.run(json!({"argv": ["cat"], "stdin": "a\nb"}))), json!("a\nb"));
    let request = json!({"argv": ["cat"], "stdin": {"a": [1, "x"]}, "parse": "json"});
    assert_eq!(output(bench.run(request)), json!({"a": [1, "x"]}));
}

#[test]
fn output_is_parsed_as_asked() {
    let bench = Bench::new();
    let run = |parse: &str, text: &str| bench.run(json!({"argv": ["printf", text], "parse": parse}));
    assert_eq!(output(run("lines", "a\\nb\\n")), json!(["a", "b"]));
    assert_eq!(output(run("json", "[1, 2]\\n")), json!([1, 2]));
    assert_eq!(run("none", "a").output, None);
    let message = error(run("json", "[1, x]"), ErrorKind::Schema);
    assert!(message.contains("line 1, column 5") && message.contains("[1, ⟨here⟩x]"), "{message}");
}

#[test]
fn exit_codes_are_expected_or_errors() {
    let bench = Bench::new();
    let run = |expect: Value, code: i32| {
        bench.run(
            json!({"script": {"text": format!("echo out; echo why >&2; exit {code}")}, "expect": expect}),
        )
    };
    assert_eq!(run(json!([0, 3]), 3).exit_code, Some(3));
    assert_eq!(output(run(json!("any"), 77)), json!("out"));
    let failed = run(json!([1]), 0);
    assert_eq!(failed.exit_code, Some(0));
    assert_eq!(error(failed, ErrorKind::Exit), "exit code 0\nwhy");
    let failed = run(json!([0]), 3);
    assert_eq!(failed.exit_code, Some(3));
    assert_eq!(error(failed, ErrorKind::Exit), "exit code 3\nwhy");
}

#[test]
fn a_program_that_a_signal_ended_says_which() {
    let bench = Bench::new();
    let result = bench.script("kill -SEGV $$");
    assert_eq!(result.exit_code, Some(128 + 11));
    assert!(error(result, ErrorKind::Exit).starts_with("ended by signal 11 (SEGV)"));
    let result = bench.run(json!({"script": {"text": "echo a; kill -9 $$"}, "expect": [137]}));
    assert_eq!(output(result), json!("a"));
}

#[test]
fn a_silent_step_makes_no_log() {
    let bench = Bench::new();
    assert_eq!(output(bench.run(json!({"argv": ["true"]}))), json!(""));
    assert!(!bench.place().log.exists());
}
