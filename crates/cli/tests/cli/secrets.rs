//! Secrets: where they come from, and that they are nowhere afterwards.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::project::{Got, Project};

const VALUE: &str = "hunter22-Zürich/\"q\"";
const TOLD: &str = "correct-horse-battery";

/// Prints its secrets in many ways, gives them back, and fails with them.
const STEPS: &str = r#"secrets: [ONE, TWO, THREE]
env: { ONE: "${{ secrets.ONE }}", TWO: "${{ secrets.TWO }}", THREE: "${{ secrets.THREE }}" }
steps:
  - id: show
    run: |
      for secret in "$ONE" "$TWO" "$THREE"; do
        echo "$secret"; echo "$secret" >&2
        printf %s "$secret" | base64; printf %s "user:$secret" | base64
        printf %s "$secret" | od -An -tx1 | tr -d ' \n'; echo
      done
  - id: parsed
    run: |
      python3 -c 'import json, os, urllib.parse as u
      all = [os.environ[n] for n in ("ONE", "TWO", "THREE")]
      print(json.dumps({"all": all, "quoted": [u.quote(a) for a in all], all[0]: 1, "inner": json.dumps(all)}))'
    parse: json
  - id: bad
    on_error: continue
    run: echo "no $ONE $TWO $THREE" >&2; exit 3
  - id: last
    run: echo "$M"
    env: { M: "${{ steps.bad.error.message }}" }
"#;

fn project() -> Project {
    let project = Project::new().workflow("show", STEPS).with("told", TOLD);
    settings(&project, ".stead/settings.yml", &format!("secrets:\n  TWO: '{VALUE}'\n"), 0o600);
    std::fs::create_dir_all(project.path(".config/stead")).unwrap();
    let command = "secrets:\n  TWO: never-this\n  THREE: { command: [cat, told] }\n";
    settings(&project, ".config/stead/settings.yml", command, 0o600);
    project
}

fn settings(project: &Project, name: &str, text: &str, mode: u32) {
    std::fs::write(project.path(name), text).unwrap();
    std::fs::set_permissions(project.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

fn run(project: &Project, words: &[&str]) -> Got {
    let mut command = project.command();
    command.args(words).env("ONE", "environment-secret");
    crate::project::finish(
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap(),
    )
}

/// What must be nowhere: the secrets, and parts of what they become.
const TRACES: [&str; 9] = [
    "hunter22",
    "Z\u{fc}rich",
    "\\u00fcrich",
    "aHVudGVyMj",
    "68756e74",
    "battery",
    "Y29ycmVjdC1ob3",
    "environment-secret",
    "ZW52aXJvbm1lbnQ",
];

fn clean(what: &str, bytes: &[u8]) {
    for trace in TRACES {
        let found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
        assert!(!found, "`{trace}` in {what}");
    }
}

fn search(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += search(&path);
        } else if path.file_name().unwrap() != "settings.yml" {
            clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
            files += 1;
        }
    }
    files
}

#[test]
fn p9_secrets_are_in_no_output_log_journal_or_error() {
    let project = project();
    for words in [&["run", "show.yml"][..], &["run", "show.yml", "--json"]] {
        let got = run(&project, words).is(0);
        clean("standard output", got.out.as_bytes());
        clean("standard error", got.err.as_bytes());
        assert!(got.out.contains("***"), "{got:#?}");
    }
    for words in ["status @last", "status @last --json", "logs @last", "logs @last --json", "runs --json"] {
        let got = project.stead(words).is(0);
        clean(words, format!("{}{}", got.out, got.err).as_bytes());
    }
    assert!(project.stead("logs @last").out.contains("***"));
    assert!(search(&project.path(".stead")) > 3, "there is a home to be searched");
}

#[test]
fn settings_that_others_can_read_are_refused_before_anything_runs() {
    let project = project();
    settings(&project, ".stead/settings.yml", &format!("secrets:\n  TWO: '{VALUE}'\n"), 0o644);
    let got = run(&project, &["run", "show.yml"]).is(2).says("error[C0205]").says("chmod 600 ");
    clean("standard error", got.err.as_bytes());
    settings(&project, ".stead/settings.yml", &format!("secrets:\n  TWO: ['{VALUE}']\n"), 0o600);
    let got = run(&project, &["run", "show.yml"]).is(2).says(".stead/settings.yml:2:8` is to be a text");
    clean("standard error", got.err.as_bytes());
    assert!(!project.path(".stead/stead.db").exists(), "nothing has run");
}

#[test]
fn p9_a_secret_that_cannot_be_had_says_why_and_not_what() {
    let project = project();
    std::fs::remove_file(project.path("told")).unwrap();
    let got =
        run(&project, &["run", "show.yml"]).is(1).says("secret `THREE` was not told: `cat told` failed");
    clean("standard error", got.err.as_bytes());
    let got =
        project.stead("run show.yml").is(1).says("secret `ONE` is not set: start Stead with the environment");
    clean("standard error", got.err.as_bytes());
    search(&project.path(".stead"));
}
