//! What cannot be started says what is wrong and what to do.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn refused(bench: &Bench, request: Value) -> String {
    let result = bench.run(request);
    assert_eq!(result.exit_code, None);
    error(result, ErrorKind::Exit)
}

fn write(bench: &Bench, name: &str, text: &str, mode: u32) {
    let path = bench.project().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_program_that_is_not_there() {
    let bench = Bench::new();
    let message = refused(&bench, json!({"argv": ["no-such-program"], "env": {"PATH": "/bin:/nowhere"}}));
    assert_eq!(message, "program `no-such-program` not found; looked in PATH: /bin:/nowhere");
    let message = refused(&bench, json!({"argv": ["./no/such"]}));
    assert!(message.ends_with("./no/such` not found"), "{message}");
    let message = refused(&bench, json!({"argv": ["cargo test"]}));
    assert!(message.contains("a whole command line is a text"), "{message}");
}

#[test]
fn a_program_in_the_folder_is_not_in_the_path() {
    let bench = Bench::new();
    write(&bench, "build.sh", "#!/bin/sh\n", 0o755);
    assert!(refused(&bench, json!({"argv": ["build.sh"]})).contains("write `./build.sh`"));
    assert_eq!(output(bench.run(json!({"argv": ["./build.sh"]}))), json!(""));
}

#[test]
fn a_file_that_is_no_program() {
    let bench = Bench::new();
    write(&bench, "plain", "#!/bin/sh\n", 0o644);
    write(&bench, "nothing", "just text\n", 0o755);
    write(&bench, "odd", "#!/no/such/interpreter -x\n", 0o755);
    write(&bench, "dos", "#!/bin/sh\r\necho\r\n", 0o755);
    std::fs::create_dir(bench.project().join("dir")).unwrap();
    for (program, part) in [
        ("./plain", "is not executable: `chmod +x"),
        ("./nothing", "is no program: a script begins with a line such as `#!/bin/sh`"),
        ("./odd", "asks for the interpreter `/no/such/interpreter -x`"),
        ("./dos", "asks for the interpreter `/bin/sh\\r`"),
        ("./dir", "is a folder, not a program"),
        ("./plain/x", "Not a directory"),
    ] {
        let message = refused(&bench, json!({"argv": [program]}));
        assert!(message.contains(part), "{program}: {message}");
    }
    let path = bench.project().display().to_string();
    let message = refused(&bench, json!({"argv": ["plain"], "env": {"PATH": path}}));
    assert!(message.contains("/plain` is not executable"), "{message}");
}

#[test]
fn a_folder_that_is_not_there() {
    let bench = Bench::new();
    write(&bench, "file", "", 0o644);
    for program in ["true", "/bin/true", "no-such-program"] {
        let message = refused(&bench, json!({"argv": [program], "cwd": "gone"}));
        assert!(message.starts_with("the step's folder `") && message.contains("gone"), "{message}");
    }
    assert!(refused(&bench, json!({"argv": ["true"], "cwd": "file"})).ends_with("is not a folder"));
}

#[test]
fn what_the_system_cannot_pass_on() {
    let bench = Bench::new();
    let large = "x".repeat(4 << 20);
    for (request, part) in [
        (json!({"argv": ["echo", large]}), "larger than the system allows: give large values by `stdin`"),
        (json!({"argv": ["env"], "env": {"A": large}}), "larger than the system allows"),
        (json!({"argv": ["echo", "a\0b"]}), "the argument `a\\0b` holds a zero byte"),
        (json!({"argv": ["env"], "env": {"A": "\0"}}), "the value of `A` holds a zero byte"),
        (json!({"argv": ["env"], "env": {"A=B": ""}}), "`A=B` is no name for an environment variable"),
        (json!({"argv": ["true"], "cwd": "\0"}), "the step's folder"),
    ] {
        let message = refused(&bench, request);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_home_that_cannot_be_written() {
    let bench = Bench::new();
    std::fs::write(bench.project().join("home"), "").unwrap();
    let result =
        bench.executor().perform(&bench.job(json!({"argv": ["true"]})), &bench.place(), &bench.switch);
    assert!(error(result, ErrorKind::Exit).starts_with("cannot make the folder of the attempt, `"));
}

#[test]
fn a_log_that_cannot_be_written_fails_no_step() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.project().join("home")).unwrap();
    std::fs::write(bench.project().join("home/logs"), "").unwrap();
    assert_eq!(output(bench.script("echo a")), json!("a"));
    let message = error(bench.script("echo a; false"), ErrorKind::Exit);
    assert!(message.contains("(its log is not whole: "), "{message}");
}
