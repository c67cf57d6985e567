//! What programs print, and how they read.

use super::*;

#[test]
fn the_log_has_both_streams_with_all_bytes() {
    let bench = Bench::new();
    output(
        bench.script(r#"printf 'a\xff\n'; sleep 0.05; printf '10%%\r20%%\r' >&2; sleep 0.05; printf end"#),
    );
    assert_eq!(
        bench.log(),
        [
            (LogStream::Out, "a\u{fffd}".to_owned()),
            (LogStream::Err, "10%\r20%\r".to_owned()),
            (LogStream::Out, "end".to_owned()),
            (
                LogStream::Note,
                "standard output is not UTF-8 at byte 1: the output has U+FFFD for what is not".to_owned()
            ),
        ]
    );
    assert!(std::fs::read(bench.place().log).unwrap().contains(&0xff));
}

#[test]
fn a_hundred_megabytes_are_read_and_bounded() {
    let mut bench = Bench::new();
    bench.limits.log = 1 << 20;
    bench.limits.output = 1 << 20;
    let text = "head -c 100000000 /dev/zero | tr '\\0' 'x'; echo done >&2";
    let message = error(bench.script(text), ErrorKind::Schema);
    assert!(message.starts_with("printed more than 1 MiB on standard output"), "{message}");
    let size = std::fs::metadata(bench.place().log).unwrap().len();
    assert!(size <= (1 << 20) + 200, "{size}");
    assert!(bench.log_text().ends_with(" n log cut at 1 MiB: what follows is dropped\n"));

    let result = bench.run(json!({"script": {"text": text}, "parse": "none"}));
    assert_eq!((result.error, result.output, result.exit_code), (None, None, Some(0)));
}

#[test]
fn output_up_to_the_limit_is_whole() {
    let mut bench = Bench::new();
    bench.limits.output = 300_000;
    let run = |size: u32| bench.script(&format!("head -c {size} /dev/zero | tr '\\0' x"));
    assert_eq!(output(run(300_000)).as_str().unwrap().len(), 300_000);
    error(run(300_001), ErrorKind::Schema);
}

#[test]
fn much_input_to_a_program_that_does_not_read() {
    let bench = Bench::new();
    let stdin = "x".repeat(10_000_000);
    let run = |script: &str| bench.run(json!({"script": {"text": script}, "stdin": stdin}));
    assert_eq!(output(run("echo not reading")), json!("not reading"));
    assert_eq!(output(run("exec <&-; echo closed")), json!("closed"));
    assert_eq!(output(run("head -c 3")), json!("xxx"));
    assert_eq!(output(run("wc -c")), json!("10000000"));
    // Reads and prints at once: neither side waits for the other.
    assert_eq!(output(run("cat")).as_str().unwrap().len(), 10_000_000);
}

#[test]
fn a_program_that_closes_its_output_goes_on() {
    let bench = Bench::new();
    let result = bench.script("echo a; exec >&- 2>&-; sleep 0.1; touch went-on");
    assert_eq!(output(result), json!("a"));
    assert!(bench.project().join("went-on").exists());
}

#[test]
fn the_message_has_the_last_lines_only() {
    let mut bench = Bench::new();
    bench.limits.error_tail_lines = 3;
    let message = error(bench.script("seq 100000; seq 1 9 >&2; exit 4"), ErrorKind::Exit);
    assert_eq!(message, "exit code 4\n7\n8\n9");
    bench.limits.error_tail_bytes = 50;
    let message = error(bench.script("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 4"), ErrorKind::Exit);
    assert_eq!(message, format!("exit code 4\n…{}", "x".repeat(50)));
}

#[test]
fn what_was_printed_is_in_the_log_while_the_program_runs() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        let run = scope
            .spawn(|| bench.script("printf 'Password? '; until [ -e go ]; do sleep 0.01; done; echo ok"));
        bench.wait_for_log("Password? ");
        std::fs::write(bench.project().join("go"), "").unwrap();
        assert_eq!(output(run.join().unwrap()), json!("Password? ok"));
    });
    let texts: Vec<String> = bench.log().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["Password? ok"]);
}
