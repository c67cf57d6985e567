//! The people of a home: who there is, who acts, and what the command line says of it.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::project::{Got, Project, finish, start};

/// A project whose home is closed to others.
fn project() -> Project {
    let project = Project::new();
    mode(&project, ".stead", 0o700);
    project
}

fn mode(project: &Project, name: &str, mode: u32) {
    std::fs::set_permissions(project.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What the system calls the user of this process.
fn system() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn names(got: &Got) -> Vec<String> {
    got.lines().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn people_are_added_changed_removed_and_taken_back() {
    let project = project();
    let me = system();
    project.stead("people").is(0).says("nobody was added").says("stead people add NAME");
    project.stead("people groups").is(0).says("there are no groups");
    project.stead("people history").is(0).says("nothing was changed");
    let whoami = project.stead("people whoami").is(0).says("you may do everything");
    assert_eq!(whoami.out.trim(), format!("user:{me}"));
    let first = project.call(&["people", "add", "eve", "--name", "Eve Ode"]).is(0);
    first.answers("user:eve added Eve Ode").says(&format!("{me} is an admin"));
    let added = "people add bo --role operator --role editor@docs --alias bob --alias Bo.Ek@example.org --skill french=3";
    project.stead(added).is(0).answers("user:bo granted editor@docs");
    project.stead("people group add leads --member BOB --role approver --role architect").is(0);
    project.stead("people edit eve --group leads --skill maths").is(0).answers("group:leads joined user:eve");
    project.stead("people add bot --agent").is(0).answers("agent:bot added");
    let list = project.stead("people").is(0);
    let row = |name: &str| list.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for part in [
        "operator, editor@docs",
        "approver (leads)",
        "architect (leads)",
        "french=3",
        "Bo.Ek@example.org, bob",
    ] {
        let joined = part.split(", ").all(|word| row("bo ").contains(word));
        assert!(joined, "no {part} in {}", row("bo "));
    }
    assert!(row("bot (agent)").contains("viewer"));
    assert_eq!(names(&project.stead("people --role approver --json").is(0)), ["bo", "eve", me.as_str()]);
    assert_eq!(names(&project.stead("people --group LEADS --skill french --json").is(0)), ["bo"]);
    let groups = project.stead("people groups --json").is(0).json();
    assert_eq!(groups["members"], serde_json::json!(["user:eve", "user:bo"]));
    // What is so already is no change; what is not there cannot be taken away.
    project.stead("people edit bo --alias BOB").is(0).says("it was so already");
    project.stead("people edit bo --no-role viewer").is(1).says("error[S0807]");
    project.stead("people edit bo --no-role operator --role viewer --no-alias bob").is(0);
    project.stead("people group edit leads --no-member bo --no-role architect").is(0);
    assert_eq!(names(&project.stead("people --group leads --json").is(0)), ["eve"]);
    project.stead("people remove eve").is(0).says("the history keeps the name");
    project.stead("people groups").is(0).answers("nobody");
    project.stead("people add EVE").is(1).says("error[S0803]").says("stead people restore NAME");
    assert_eq!(names(&project.stead("people --removed --json").is(0)), ["eve"]);
    project.stead("people restore eve").is(0);
    project.stead("people group remove leads").is(0);
    let history = project.stead("people history -n 0 --json").is(0).lines();
    assert_eq!(
        (history[0]["what"].as_str(), history[0]["subject"].as_str()),
        (Some("removed"), Some("group:leads"))
    );
    assert!(history.iter().all(|change| change["by"] == format!("user:{me}")), "{history:#?}");
    project.stead("people history -n 2").is(0).says("--skip 2");
    let edited = project.stead("people edit bo --role pm --json").is(0).json();
    assert_eq!(
        (edited["type"].as_str(), edited["changes"][0]["detail"].as_str()),
        (Some("edited"), Some("pm"))
    );
}

#[test]
fn what_cannot_be_is_refused_and_says_why() {
    let project = project();
    project.stead("people add bo").is(0);
    let me = system();
    for (words, code, text) in [
        (format!("people remove {me}"), 1, "error[S0808]: nobody would be left who is admin"),
        (format!("people edit {me} --no-role admin"), 1, "error[S0808]"),
        ("people add Bo".to_owned(), 1, "error[S0803]: the name `Bo` is taken"),
        ("people add a,b".to_owned(), 2, "error[S0811]"),
        ("people edit boo --role viewer".to_owned(), 2, "did you mean `bo`?"),
        ("people edit bo --group nowhere".to_owned(), 2, "error[S0802]"),
        ("people add bot --agent --role approver".to_owned(), 1, "error[S0809]"),
        ("people edit bo".to_owned(), 2, "--role"),
        ("people edit bo --role @docs".to_owned(), 2, "write it as ROLE"),
        ("people edit bo --skill french=much".to_owned(), 2, "`much` is no level"),
        ("people --role x add eve".to_owned(), 2, "error[C0101]"),
        ("people --group nowhere".to_owned(), 2, "error[S0802]"),
        ("people --as nobody".to_owned(), 2, "error[S0801]"),
    ] {
        project.stead(&words).is(code).says(text);
    }
    project.stead("people group add one").is(0);
    project.stead("people group edit one --member one").is(1).says("error[S0810]: `one` is a group");
    project.stead("people group add ONE").is(1).says("error[S0804]");
    project.stead("people edit bo --role aprover").is(0).says("Did you mean `approver`?");
    project.stead("people edit bo --role architect").is(0);
    let error = project.stead("people edit boo --role viewer --json").is(2).json();
    assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some("error"), Some("S0801")));
    // Half of it is nothing.
    project.stead("people add cy --role viewer --group nowhere").is(2);
    project.stead("people edit cy --role viewer").is(2).says("nobody called `cy`");
}

#[test]
fn of_eight_processes_that_add_one_name_one_does() {
    let project = project();
    project.stead("people add somebody").is(0);
    for round in 0..3 {
        let children: Vec<_> = (0..8)
            .map(|n| {
                project.spawn(&format!(
                    "people add {}{round} --alias alias{round}-{n}",
                    if n < 4 { "ana" } else { "ANA" }
                ))
            })
            .collect();
        let got: Vec<Got> = children.into_iter().map(finish).collect();
        assert_eq!(got.iter().filter(|got| got.code == 0).count(), 1, "{got:#?}");
        assert!(got.iter().all(|got| got.code == 0 || got.err.contains("error[S0803]")), "{got:#?}");
    }
    // Somebody, the three, and who added them.
    assert_eq!(project.stead("people --json").is(0).lines().len(), 5);
}

#[test]
fn rights_are_asked_for_by_name_and_what_is_done_stands_under_it() {
    let project = project()
        .workflow("w", "steps: [{ id: w, wait: { signal: go } }]\n")
        .workflow("long", "steps: [{ id: l, run: 'until [ -e done ]; do sleep 0.02; done' }]\n");
    for (name, role) in [("vi", "viewer"), ("op", "operator"), ("ed", "editor")] {
        project.stead(&format!("people add {name} --role {role} --alias {name}2")).is(0);
    }
    project
        .stead("--as vi run w.yml")
        .is(1)
        .says("error[R0503]: user:vi may not start a run")
        .says("--role operator");
    project.stead("--as op run w.yml --no-wait").is(4);
    project.stead("--as vi2 status @last").is(0);
    project.stead("signal @last go --as vi").is(1).says("error[R0503]");
    project.stead("--as op2 pause @last").is(0);
    project.stead("--as op save w.yml").is(1).says("user:op may not save a workflow");
    project.stead("--as ed save w.yml").is(0);
    assert_eq!(project.stead("show w --json --as vi").is(0).json()["row"]["created_by"], "user:ed");
    project.stead("--as op people add x").is(1).says("takes the role admin");
    let error = project.stead("cancel @last --json --as vi").is(1).json();
    assert_eq!(error["code"], "R0503");
    // With an engine at work the same is said.
    let engine = project.spawn("run long.yml --as op");
    project.wait_for("a second run", |project| project.stead("runs --json").lines().len() == 2);
    project
        .stead("signal @last go --as vi")
        .is(1)
        .says("error[R0503]: user:vi may not send a signal to a run");
    project.stead("signal @last go --as op").is(0);
    let project = project.with("done", "");
    finish(engine).is(0);
    let acted = project.stead("people history --json").is(0).lines();
    let acted: Vec<_> = acted.iter().filter(|change| change["what"] == "acted").collect();
    assert!(acted.iter().any(|change| change["subject"] == "user:op"), "{acted:#?}");
    assert!(acted.iter().all(|change| change["by"] == format!("user:{}", system())), "{acted:#?}");
}

// A step's program is what it is: whatever it says of itself, and though it forgets its environment.
#[test]
fn p4_a_program_of_a_step_is_an_agent_and_decides_nothing() {
    const SCRIPT: &str = r#"steps:
  - id: w
    run: |
      try() { echo "> $*"; "$@" 2>&1 && echo "= 0" || echo "= $?"; }
      bare() { env -i PATH="$PATH" HOME="$HOME" "$@"; }
      try stead people whoami
      try bare stead people whoami
      try bare setsid -w stead people whoami
      try stead people add evil --role admin
      try bare stead people add evil
      try bare stead --as ana people whoami
      try stead settle $STEAD_RUN w --failed
      try bare stead settle $STEAD_RUN w --failed
      try env STEAD_RUN=r_0000000000000000 STEAD_STEP=x stead settle $STEAD_RUN w --failed
      try stead save w.yml
      try stead runs --json
      try stead signal $STEAD_RUN go --data 1
  - id: v
    wait: { signal: go }
"#;
    for people in [false, true] {
        let project = project().workflow("w", SCRIPT);
        if people {
            project.stead("people add ana --role admin").is(0);
        }
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_stead")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        finish(start(project.command().env("PATH", path).args(["run", "w.yml"]))).is(0);
        let run = project.last()["run"].as_str().unwrap().to_owned();
        let said = project.stead(&format!("logs {run} --all --raw")).is(0).out;
        let of = |command: &str| {
            let from = said
                .split(&format!("> {command}\n"))
                .nth(1)
                .unwrap_or_else(|| panic!("no {command}: {said}"));
            from.split("\n> ").next().unwrap().to_owned()
        };
        let agent = format!("agent:{run}/w");
        for command in
            ["stead people whoami", "bare stead people whoami", "bare setsid -w stead people whoami"]
        {
            assert!(of(command).starts_with(&agent), "{command}: {said}");
        }
        for (command, code) in [
            ("stead people add evil --role admin", "R0504"),
            ("bare stead people add evil", "R0504"),
            ("bare stead --as ana people whoami", "R0506"),
            (&format!("stead settle {run} w --failed"), "R0505"),
            (&format!("bare stead settle {run} w --failed"), "R0505"),
            (
                &format!("env STEAD_RUN=r_0000000000000000 STEAD_STEP=x stead settle {run} w --failed"),
                "R0505",
            ),
            ("stead save w.yml", "R0504"),
        ] {
            let got = of(command);
            assert!(got.contains(&format!("error[{code}]")) && got.contains("= 1"), "{command}: {got}");
        }
        assert!(of("stead runs --json").contains(&run), "{said}");
        let signalled = of(&format!("stead signal {run} go --data 1"));
        assert!(signalled.contains("= 0"), "{said}");
    }
}

#[test]
fn who_is_removed_leaves_word_of_what_they_held() {
    let gate = "steps: [{ id: ship, approve: { title: Ship it, by: ['group:leads'] } }]\n";
    let project = project().workflow("w", gate);
    project.stead("people add eve").is(0);
    project.stead("people add bo --alias bob").is(0);
    project.stead("people group add leads --member bo --member eve").is(0);
    project.stead("run w.yml --no-wait").is(4);
    project.stead("claim @last --as bob").is(0);
    // Another is there; what was claimed is not free at once.
    let got = project.stead("people remove bo").is(0).says("user:bo has claimed r_").says("Ship it");
    assert!(!got.err.contains("nobody is left"), "{got:#?}");
    project.stead("approve @last --as bob").is(1).says("error[S0805]");
    let left = project.stead("people group edit leads --no-member eve --json").is(0).json();
    assert_eq!(
        (left["left"][0]["nobody"].as_bool(), left["left"][0]["path"].as_str()),
        (Some(true), Some("ship"))
    );
    project.stead("approve @last --as eve").is(1);
    project.stead("people restore bo").is(0);
    project.stead("approve @last --as bob").is(0);
    project.stead("status @last").is(0);
}

#[test]
fn another_user_of_the_system_is_nobody_and_takes_no_name() {
    let project = project().workflow("w", "steps: [{ id: w, wait: { signal: go } }]\n");
    project.stead("people add ana --role admin").is(0);
    project.stead("run w.yml --no-wait").is(4);
    if system() != "root" {
        // Only root starts something as another user; the rest of this is tested in the engine by modes of the folder.
        eprintln!("not root: another user was not tried");
        return;
    }
    // All of it is open to everybody, by a mistake, say. The binary has to be where they can call it.
    std::fs::copy(env!("CARGO_BIN_EXE_stead"), project.path("stead")).unwrap();
    let opened = Command::new("chmod").args(["-R", "a+rwX"]).arg(project.path("")).status().unwrap();
    assert!(opened.success());
    let nobody = |words: &str| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"])
            .arg(project.path("stead"));
        command
            .args(words.split(' '))
            .current_dir(project.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        // What they call themselves does not count.
        finish(start(command.env("USER", "ana").env("LOGNAME", "ana")))
    };
    nobody("runs").is(1).says("error[R0501]: `nobody`").says("stead people add nobody");
    nobody("--as ana runs").is(1).says("error[R0502]").says("belongs to another user");
    nobody("--as ana people add evil --role admin").is(1).says("error[R0502]");
    nobody("cancel @last").is(1).says("error[R0501]");
    // The owner takes no other name either while the home is open, and is still who they are.
    project.stead("--as ana runs").is(1).says("error[R0502]").says("chmod 700");
    project.stead("people add guest --alias Nobody --role viewer").is(0);
    nobody("runs").is(0);
    assert_eq!(nobody("people whoami").is(0).out.trim(), "user:guest");
    nobody("cancel @last").is(1).says("error[R0503]: user:guest may not cancel a run");
}
