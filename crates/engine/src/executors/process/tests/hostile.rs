//! Values never become code (P12).

use super::*;

/// What would do harm, or change its shape, if any shell, file name or format took a look at it.
const HOSTILE: &[&str] = &[
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "' ; touch pwned ; '",
    "\" ; touch pwned ; \"",
    "a\ntouch pwned\n",
    "${{ secrets.X }}",
    "&& touch pwned || touch pwned",
    "-rf --help -c",
    "$HOME ~ * ? [a-z] {a,b} !! \\ \\\\ \\n",
    "<(touch pwned) > pwned < pwned | touch pwned",
    "\r\n\t\u{b}\u{1b}[31m\u{7f}",
    "ünïcödé \u{202e}rtl\u{202c} \u{0} zero",
    "__import__('os').system('touch pwned')",
    "",
    " ",
];

#[test]
fn p12_hostile_values_arrive_as_data() {
    let bench = Bench::new();
    for &value in HOSTILE {
        // By standard input any value arrives.
        assert_eq!(
            output(bench.run(json!({"argv": ["cat"], "stdin": format!("{value}|")}))),
            json!(format!("{value}|"))
        );
        let request = json!({"argv": ["cat"], "stdin": [value], "parse": "json"});
        assert_eq!(output(bench.run(request)), json!([value]));
        if value.contains('\0') {
            continue;
        }
        // As an argument of a program, ...
        assert_eq!(output(bench.run(json!({"argv": ["printf", "%s|", value]}))), json!(format!("{value}|")));
        // ... and in the environment of scripts, used as the documents show it.
        for (shell, text) in [
            ("bash", "printf '%s|' \"$VALUE\""),
            ("sh", "printf '%s|' \"$VALUE\""),
            ("python", "import os, sys; sys.stdout.buffer.write(os.environb[b'VALUE'] + b'|')"),
        ] {
            let request = json!({"script": {"shell": shell, "text": text}, "env": {"VALUE": value}});
            assert_eq!(output(bench.run(request)), json!(format!("{value}|")), "{shell}");
        }
    }
    assert!(!bench.project().join("pwned").exists());
}

#[test]
fn p12_variables_that_shells_obey_are_not_inherited() {
    let bench = Bench::new();
    // Those that make a shell or a loader run something come from a declared `env` or not at all.
    let names = output(bench.run(json!({"script": {"text": "compgen -e"}, "parse": "lines"})));
    // The test runner's own environment has many that are none of these; bash adds the last three.
    let known = ["PATH", "HOME", "USER", "LANG", "TMPDIR", "OLDPWD", "PWD", "SHLVL", "_"];
    for name in names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
        assert!(known.contains(&name) || name.starts_with("STEAD_"), "{name} is passed on");
    }
}

#[test]
fn p12_keys_of_iterations_are_data() {
    let mut bench = Bench::new();
    for key in ["../../../x", "$(touch pwned)", "a b\nc", &"long".repeat(200)] {
        bench.attempt.path = format!("per[{key}]/step");
        assert_eq!(output(bench.script("echo \"$STEAD_STEP\"")), json!(bench.attempt.path));
    }
    assert!(!bench.project().join("pwned").exists());
}
