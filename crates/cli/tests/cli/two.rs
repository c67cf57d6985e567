//! Several terminals at one home: one of them has the engine, the others are carried by it.

use std::process::Child;

use serde_json::{Value, json};

use crate::project::{Project, finish, signal};
use crate::screen::Terminal;

/// A workflow that waits for a file of its name with `.go`, having written one with `.begun`.
fn gated(project: Project, name: &str) -> Project {
    let step = format!(
        "touch {name}.begun; echo x >> {name}.ran; while [ ! -e {name}.go ]; do sleep 0.02; done; echo {name}"
    );
    let before = format!("echo x >> {name}.first");
    project.workflow(
        name,
        &format!(
            "steps:\n  - {{ id: first, run: '{before}' }}\n  - {{ id: gate, run: '{step}' }}\n  - {{ id: after, run: 'echo after' }}\n\
             outputs: {{ said: \"${{{{ steps.gate.output + steps.after.output }}}}\" }}\n"
        ),
    )
}

fn project(names: &[&str]) -> Project {
    names.iter().fold(Project::new(), |project, name| gated(project, name))
}

fn go(project: &Project, name: &str) {
    std::fs::write(project.path(&format!("{name}.go")), "").unwrap();
}

/// Starts a run and waits until its gate is reached.
fn begin(project: &Project, name: &str) -> Child {
    let child = project.spawn(&format!("run {name}.yml"));
    project.wait_for_file(&format!("{name}.begun"));
    child
}

/// The process that holds the home.
fn holder(project: &Project) -> Option<u64> {
    let words: Value = serde_json::from_str(&project.text(".stead/lock")).ok()?;
    words["pid"].as_u64()
}

fn held_by(child: &Child) -> impl Fn(&Project) -> bool {
    let pid = u64::from(child.id());
    move |project| holder(project) == Some(pid)
}

#[test]
fn p1_two_terminals_run_two_workflows_and_the_second_goes_on_when_the_first_ends() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let second = begin(&project, "two");
    assert!(held_by(&first)(&project));
    go(&project, "one");
    project.wait_for("the end of one", |p| {
        p.stead("runs --workflow one --status completed").out.contains("one")
    });
    // As long as an attempt is under way the first terminal stays; what follows is the second's.
    go(&project, "two");
    let got = finish(first).is(0).says("other runs of this home still have 1 attempt under way");
    assert_eq!(got.json(), json!({"said": "oneafter"}));
    assert_eq!(finish_said(second), "twoafter");
    for file in ["one.first", "one.ran", "two.first", "two.ran"] {
        assert_eq!(project.text(file), "x\n", "P1: {file}");
    }
}

fn finish_said(child: Child) -> String {
    finish(child).is(0).json()["said"].as_str().unwrap().to_owned()
}

#[test]
fn a_carried_run_that_waits_goes_on_in_its_own_terminal() {
    let project = project(&["one"]).workflow(
        "late",
        "steps:\n  - { id: a, run: 'touch late.begun' }\n  - { id: w, wait: { for: 1s } }\n  - { id: b, run: echo late }\noutputs: { b: '${{ steps.b.output }}' }\n",
    );
    let first = begin(&project, "one");
    let second = begin(&project, "late");
    go(&project, "one");
    assert_eq!(finish_said(first), "oneafter");
    project.wait_for("the second terminal to hold the home", held_by(&second));
    assert_eq!(finish(second).is(0).json(), json!({"b": "late"}));
}

#[test]
fn p1_p2_killed_the_first_is_followed_by_the_second_which_goes_on_with_both() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let second = begin(&project, "two");
    signal(&first, "KILL");
    finish(first);
    project.wait_for("the second terminal to hold the home", held_by(&second));
    // The programs of the dead engine are ended and both steps are made again, with all that came before kept.
    project.wait_for("both to be made again", |p| {
        p.text("one.ran") == "x\nx\n" && p.text("two.ran") == "x\nx\n"
    });
    go(&project, "one");
    project.wait_for("the end of one", |p| {
        p.stead("runs --workflow one --status completed").out.contains("one")
    });
    go(&project, "two");
    assert_eq!(finish_said(second), "twoafter");
    assert_eq!(project.text("one.first") + &project.text("two.first"), "x\nx\n", "P1");
    assert_eq!(project.stead("resume one -o said").is(0).out, "oneafter\n");
}

#[test]
fn ten_terminals_at_once() {
    let names: Vec<String> = (0..10).map(|n| format!("w{n}")).collect();
    let project = names.iter().fold(Project::new(), |project, name| {
        project.workflow(
            name,
            &format!("steps:\n  - {{ id: a, run: 'echo x >> {name}.ran; echo {name}' }}\n  - {{ id: b, run: 'echo x >> {name}.ran' }}\noutputs: {{ said: '${{{{ steps.a.output }}}}' }}\n"),
        )
    });
    let children: Vec<Child> = names.iter().map(|name| project.spawn(&format!("run {name}.yml"))).collect();
    for (name, child) in names.iter().zip(children) {
        assert_eq!(finish(child).is(0).json(), json!({"said": name}));
        assert_eq!(project.text(&format!("{name}.ran")), "x\nx\n", "each step of {name} ran once");
    }
    assert_eq!(project.stead("runs -n 0 --status completed --json").out.lines().count(), 10);
    assert!(holder(&project).is_none(), "nobody holds the home any more");
    assert!(!project.path(".stead/socket").exists());
}

#[test]
fn ten_terminals_survive_the_one_that_carries_them() {
    let names: Vec<String> = (0..10).map(|n| format!("w{n}")).collect();
    let project = project(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut children: Vec<Child> =
        names.iter().map(|name| project.spawn(&format!("run {name}.yml"))).collect();
    project.wait_for("ten runs", |p| p.stead("runs -n 0 --json").out.lines().count() == 10);
    let mut killed = Vec::new();
    for _ in 0..3 {
        let mut pid = None;
        project.wait_for("a holder", |p| {
            pid = holder(p).filter(|pid| !killed.contains(pid));
            pid.is_some()
        });
        let pid = pid.unwrap();
        let at = children.iter().position(|child| u64::from(child.id()) == pid).unwrap();
        let child = children.swap_remove(at);
        signal(&child, "KILL");
        finish(child);
        killed.push(pid);
    }
    names.iter().for_each(|name| go(&project, name));
    for child in children {
        finish(child).is(0);
    }
    project.stead("resume").is(0);
    assert_eq!(project.stead("runs -n 0 --status completed --json").out.lines().count(), 10);
    for name in &names {
        // One whose end was not durable when its engine was killed is made again.
        let times = project.text(&format!("{name}.first")).lines().count();
        assert!((1..=1 + killed.len()).contains(&times), "P1: {name}: {times}");
    }
}

#[test]
fn operations_reach_the_engine_in_another_terminal() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let second = begin(&project, "two");
    project.stead("status two").is(0).answers("gate");
    project.stead("cancel two --reason enough").is(0);
    finish(second).is(3);
    project.stead("cancel two").is(1).says("error[R0203]");
    project.stead("cancel nobody").is(2).says("error[R0201]");
    project.stead("cancel one").is(0);
    finish(first).is(3);
}

#[test]
fn ctrl_c_detaches_a_carried_run_and_twice_cancels_it() {
    let project = project(&["one", "two", "three"]);
    let first = begin(&project, "one");
    let second = begin(&project, "two");
    signal(&second, "INT");
    let got = finish(second).is(130).says("leaving: the run goes on in the engine of this home (process");
    assert!(got.err.contains("next: stead resume r_"), "{got:#?}");
    // It does go on, and can be watched again.
    let again = project.spawn("resume two");
    go(&project, "two");
    assert_eq!(finish_said(again), "twoafter");
    assert_eq!(project.text("two.ran"), "x\n", "nothing was ended");

    let third = begin(&project, "three");
    signal(&third, "INT");
    std::thread::sleep(std::time::Duration::from_millis(200));
    signal(&third, "INT");
    finish(third).is(3);
    project.stead("status three").is(0).answers("cancelled");
    go(&project, "one");
    finish(first).is(0);
}

#[test]
fn terminals_that_go_take_nothing_with_them() {
    let project = project(&["one", "two", "three", "four"]);
    let first = begin(&project, "one");
    for (name, how) in [("two", "KILL"), ("three", "HUP"), ("four", "TERM")] {
        let child = begin(&project, name);
        signal(&child, how);
        finish(child);
        go(&project, name);
        project.wait_for(name, |p| p.stead(&format!("status {name}")).out.contains("completed"));
        assert_eq!(project.text(&format!("{name}.ran")), "x\n", "nothing was ended");
    }
    let mut reader = project.spawn("resume one --json");
    drop(reader.stdout.take());
    go(&project, "one");
    finish(first).is(0);
    finish(reader);
}

#[test]
fn ctrl_c_where_the_engine_is_hands_the_others_over() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let second = begin(&project, "two");
    signal(&first, "INT");
    finish(first).is(130);
    project.wait_for("the second terminal to hold the home", held_by(&second));
    go(&project, "two");
    go(&project, "one");
    assert_eq!(finish_said(second), "twoafter");
    assert_eq!(project.stead("resume one -o said").is(0).out, "oneafter\n");
    assert_eq!(project.text("one.first") + &project.text("two.first"), "x\nx\n", "P1");
}

#[test]
fn a_carried_run_sees_its_own_terminal() {
    let project = project(&["one"]).workflow(
        "mine",
        "secrets: [TOKEN]\nsteps:\n  - { id: a, run: 'tool; test \"$T\" = \"$(cat token)\" && echo $T', env: { T: '${{ secrets.TOKEN }}' } }\n\
         \x20 - { id: c, workflow: { inline: { stead: 1, name: kid, secrets: [OTHER], steps: [ { id: k, run: 'tool; test \"$T\" = \"$(cat other)\"', env: { T: '${{ secrets.OTHER }}' } } ] } } }\n\
         outputs: { a: '${{ steps.a.output }}' }\n",
    );
    std::fs::write(project.path("token"), "hunter22-of-two").unwrap();
    std::fs::write(project.path("other"), "other-secret").unwrap();
    std::fs::create_dir(project.path("bin")).unwrap();
    std::fs::write(project.path("bin/tool"), "#!/bin/sh\necho a tool of two\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("bin/tool"), executable).unwrap();
    let first = begin(&project, "one");
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let mut second = project.command();
    second
        .args(["run", "mine.yml"])
        .env("PATH", path)
        .env("TOKEN", "hunter22-of-two")
        .env("OTHER", "other-secret");
    let second =
        second.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let got = finish(second).is(0);
    assert_eq!(got.json(), json!({"a": "a tool of two\n***"}));
    // P9: neither in the store, nor in a file beside it.
    go(&project, "one");
    finish(first).is(0);
    for entry in walk(&project.path(".stead")) {
        let bytes = std::fs::read(&entry).unwrap();
        for secret in ["hunter22-of-two", "other-secret"] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is in {entry:?}");
        }
    }
    // A secret that its terminal does not have is missing, whatever the engine's own environment holds.
    std::fs::remove_file(project.path("one.go")).unwrap();
    std::fs::remove_file(project.path("one.begun")).unwrap();
    let mut first = project.command();
    let first = first.args(["run", "one.yml"]).env("TOKEN", "of-the-first").spawn().unwrap();
    project.wait_for_file("one.begun");
    project.stead("run mine.yml").is(1).says("secret `TOKEN` is not set");
    go(&project, "one");
    finish(first).is(0);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => all.extend(walk(&entry.path())),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}

#[test]
fn a_suspended_engine_is_named_and_waited_for() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let pid = first.id();
    signal(&first, "STOP");
    let second = project.spawn("run two.yml");
    // What reads needs no engine; it says who does not answer.
    let got = project.stead("status one").is(0).answers("gate");
    assert!(got.err.contains(&format!("the engine of this home (process {pid}: ")), "{got:#?}");
    signal(&first, "CONT");
    project.wait_for_file("two.begun");
    signal(&first, "STOP");
    std::thread::sleep(stead_engine::limits::SILENCE);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    signal(&first, "CONT");
    go(&project, "one");
    go(&project, "two");
    finish(first).is(0);
    let got = finish(second).is(0).says("does not answer").says("answers again");
    assert_eq!(got.json()["said"], "twoafter");
}

#[test]
fn an_engine_that_never_answers_is_an_error_with_its_process() {
    let project = project(&["one"]);
    let first = begin(&project, "one");
    let pid = first.id();
    signal(&first, "STOP");
    let got = project.stead("cancel one").is(6).says("error[R0305]");
    assert!(got.err.contains(&format!("kill -CONT {pid}")), "{got:#?}");
    signal(&first, "CONT");
    go(&project, "one");
    finish(first).is(0);
}

#[test]
fn the_live_view_of_a_carried_run_goes_on_over_a_change_of_engine() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let terminal = Terminal::new(&project, 24, 80, &[], "run two.yml 2>&1 >/dev/null");
    terminal.wait_for("● gate");
    signal(&first, "KILL");
    finish(first);
    project.wait_for("the step to be made again", |p| p.text("two.ran") == "x\nx\n");
    go(&project, "two");
    go(&project, "one");
    let (code, printed, screen) = terminal.end();
    let text = screen.text();
    assert_eq!((code, screen.scrolled), (0, 0), "{text}");
    assert!(text.contains("✓ two@") && text.contains("✓ gate") && text.contains("✓ after"), "{text}");
    assert!(!printed.contains("error"), "{printed}");
}

#[test]
fn ctrl_c_at_a_carried_terminal_leaves_a_picture_of_a_run_that_goes_on() {
    let project = project(&["one", "two"]);
    let first = begin(&project, "one");
    let mut terminal = Terminal::new(&project, 24, 80, &[], "run two.yml");
    terminal.wait_for("● gate");
    terminal.type_in("\x03");
    let (code, _, screen) = terminal.end();
    let text = screen.text();
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("left, goes on") && text.contains("● gate"), "{text}");
    go(&project, "one");
    go(&project, "two");
    finish(first).is(0);
    project.wait_for("the end of two", |p| {
        p.stead("resume two");
        p.stead("status two").out.contains("completed")
    });
}

/// Processes that carry the mark of an attempt, and work in this project.
fn alive(project: &Project) -> Vec<String> {
    let folder = project.path("").canonicalize().unwrap();
    let mut alive = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let Ok(environment) = std::fs::read(path.join("environ")) else { continue };
        let marked = environment.split(|byte| *byte == 0).any(|one| one.starts_with(b"STEAD_ATTEMPT="));
        let here = std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
        if marked && here {
            alive.push(
                String::from_utf8_lossy(&std::fs::read(path.join("cmdline")).unwrap_or_default()).into(),
            );
        }
    }
    alive
}

/// A program with others below it: one in its group, one in a session of its own, which ignores TERM; and the same in
/// a child run.
fn trees() -> Project {
    let tree = "(sleep 600 & setsid bash -c 'trap \\\"\\\" TERM; touch deep; sleep 600; sleep 600' & touch begun; wait)";
    let steps = |id: &str| {
        format!(
            "{{ id: {id}, run: \"{}\" }}",
            tree.replace("deep", &format!("{id}.deep")).replace("begun", &format!("{id}.begun"))
        )
    };
    Project::new().workflow(
        "trees",
        &format!(
            "steps:
  - {}
  - {{ id: kid, needs: [], workflow: {{ inline: {{ stead: 1, name: kid, steps: [ {} ] }} }} }}
",
            steps("top"),
            steps("below")
        ),
    )
}

#[test]
fn p5_pause_and_cancel_from_another_terminal_end_whole_trees_and_child_runs() {
    for (word, code) in [("pause @last --now", 4), ("cancel @last", 3)] {
        let project = trees();
        let run = project.spawn("run trees.yml");
        for file in ["top.begun", "top.deep", "below.begun", "below.deep"] {
            project.wait_for_file(file);
        }
        assert!(alive(&project).len() >= 8, "{:?}", alive(&project));
        project.stead(word).is(0);
        if code == 4 {
            project.wait_for("the end of all programs", |p| alive(p).is_empty());
            assert!(project.stead("status @last").out.contains("paused"));
            signal(&run, "TERM");
            finish(run);
        } else {
            finish(run).is(code);
        }
        assert_eq!(alive(&project), Vec::<String>::new(), "after {word}");
    }
}
