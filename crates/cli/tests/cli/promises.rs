//! Promises as they hold for whoever calls the program.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::project::Project;

/// Operations, and how somebody at the command line asks for them. An operation without a command says why.
const COMMANDS: &[(&str, Result<&str, &str>)] = &[
    ("Start", Ok("run none.yml")),
    ("Cancel", Ok("cancel r_none")),
    ("Pause", Ok("pause r_none")),
    ("Resume", Ok("resume r_none")),
    ("Retry", Ok("retry r_none")),
    ("Signal", Ok("signal r_none go")),
    ("Settle", Ok("settle r_none a --again")),
    ("Evidence", Ok("settle r_none")),
    ("Runs", Ok("runs --parent r_none")),
    ("Status", Ok("status r_none")),
    ("Results", Ok("results r_none")),
    ("Documents", Ok("documents r_none")),
    ("Document", Ok("documents r_none plan")),
    ("Logs", Ok("logs r_none")),
    ("LogText", Err("`logs` reads the files that `Logs` names, on the machine where they are")),
    ("Limits", Ok("limits")),
    ("FreePlace", Ok("limits none --free r_none")),
    ("Events", Err("`run` and `resume` follow them; what they show is rebuilt from them")),
    ("Engine", Err("`status` says what the engine is in trouble with")),
    ("Metrics", Err("it is for programs that watch over a server, which have `/metrics`")),
    ("Library", Err("its own operations have commands of their own, see below")),
    ("People", Err("its own operations have commands of their own, see below")),
    ("Schedule", Err("its own operations have commands of their own, see below")),
    ("Task", Err("its own operations have commands of their own, see below")),
    ("Access", Err("its own operations have commands of their own, see below")),
    ("Notifications", Err("its own operations have commands of their own, see below")),
    ("File", Err("a command takes files where they lie: `-i NAME=@FILE`; those by hash are in the home")),
    ("Definition", Err("`retry` and `resume` show places in it")),
];

/// Operations of the library, the same.
const OF_THE_LIBRARY: &[(&str, Result<&str, &str>)] = &[
    ("Save", Ok("save one.yml --name none --based-on 1")),
    ("Show", Ok("show none")),
    ("Load", Ok("export none")),
    ("History", Ok("history none")),
    ("Compare", Ok("diff none@1 none@2")),
    ("Describe", Ok("describe none --no-labels")),
    ("Delete", Ok("delete none")),
    ("Restore", Ok("restore none")),
    ("Rename", Ok("rename none other")),
    ("Workflows", Err("`workflows` lists them; there is nothing to refuse")),
    ("Exported", Err("`export` notes where it wrote")),
    ("Decline", Err("`run` at a terminal asks whether to save")),
    ("Declined", Err("`run` at a terminal does not ask twice")),
];

/// Operations on the people, the same.
const OF_THE_PEOPLE: &[(&str, Result<&str, &str>)] = &[
    ("Edit", Ok("people remove none")),
    ("List", Err("`people` lists them; there is nothing to refuse")),
    ("Changes", Err("`people history` lists them")),
    ("Me", Err("`people whoami` tells it")),
];

/// Operations on tokens, the same.
const OF_ACCESS: &[(&str, Result<&str, &str>)] = &[
    ("Create", Ok("token create none")),
    ("List", Ok("token list")),
    ("Revoke", Ok("token revoke none")),
    ("SetPassword", Ok("password set")),
    ("RemovePassword", Ok("password remove")),
    ("Link", Ok("link none")),
    ("SignIn", Err("a browser signs in; a command is known by its process, or by a token")),
    ("SignOut", Err("as signing in")),
    ("BeginSignIn", Err("as signing in")),
    ("FinishSignIn", Err("as signing in")),
    ("Audit", Err("`audit` lists what was done; there is nothing to refuse")),
];

/// Operations on notifications, the same.
const OF_NOTIFICATIONS: &[(&str, Result<&str, &str>)] =
    &[("List", Ok("notifications --after n_none")), ("Retry", Ok("notifications retry n_none"))];

/// Operations on tasks, the same.
const OF_TASKS: &[(&str, Result<&str, &str>)] = &[
    ("List", Err("`inbox` lists them; there is nothing to refuse")),
    ("Show", Ok("inbox t_none")),
    ("Act", Ok("claim t_none")),
    ("Draft", Ok("answer t_none --draft")),
];

/// Operations on schedules, the same.
const OF_SCHEDULES: &[(&str, Result<&str, &str>)] = &[
    ("TurnOn", Err("`schedule on` checks the definition first, as `run` does")),
    ("Add", Err("`schedule add` checks the definition first, as `run` does")),
    ("List", Err("`schedule list` lists them; there is nothing to refuse")),
    ("Show", Ok("schedule show none")),
    ("Change", Ok("schedule off none")),
    ("Backfill", Ok("schedule backfill none --from 1d --to 0s -y")),
    ("Deliver", Err("only a signed request to `/hooks/NAME` delivers")),
    ("Preview", Err("`schedule next` tells them; it needs no home")),
];

/// What somebody can do about a schedule, the same.
const CHANGES: &[(&str, Result<&str, &str>)] = &[
    ("Pause", Ok("schedule pause none")),
    ("Resume", Ok("schedule resume none")),
    ("Skip", Ok("schedule skip none")),
    ("Now", Ok("schedule run none")),
    ("Off", Ok("schedule off none")),
];

/// What somebody can do about a task, the same.
const DEEDS: &[(&str, Result<&str, &str>)] = &[
    ("Decide", Ok("approve t_none --seen 0 -y")),
    ("Answer", Ok("answer t_none -i a=b")),
    ("Claim", Ok("claim t_none")),
    ("Release", Ok("release t_none")),
    ("Skip", Ok("skip t_none -m away")),
    ("Delegate", Ok("delegate t_none bo")),
];

/// Variants of an enum in a source.
pub(crate) fn variants<'s>(source: &'s str, name: &str) -> BTreeSet<&'s str> {
    let body = source.split_once(&format!("pub enum {name} {{\n")).unwrap().1;
    let body = body.split_once("\n}").unwrap().0;
    let variant = |line: &'s str| {
        let rest = line.strip_prefix("    ").filter(|rest| rest.starts_with(char::is_uppercase))?;
        rest.split(|c: char| !c.is_alphanumeric()).next()
    };
    body.lines().filter_map(variant).collect()
}

#[test]
fn p8_every_operation_has_a_command_and_every_command_takes_that_way() {
    let source = include_str!("../../../engine/src/operations.rs");
    let known: BTreeSet<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(variants(source, "Operation"), known, "say here how an operation is asked for");
    let project = Project::new().workflow("one", "steps:\n  - { id: a, run: 'true' }\n");
    project.stead("run one.yml").is(0);
    for (name, way) in COMMANDS {
        let Ok(words) = way else { continue };
        let got = project.stead(words);
        match *name {
            "Start" => got.is(2).says("none.yml"),
            "Limits" => got.is(0).says("nobody has a place"),
            "FreePlace" => got.says("R0203").says("nobody asked for a place"),
            // The engine's own word, whoever asks.
            _ => got.says("R0201"),
        };
    }
    let source = include_str!("../../../engine/src/library/operations.rs");
    let known: BTreeSet<&str> = OF_THE_LIBRARY.iter().map(|(name, _)| *name).collect();
    assert_eq!(variants(source, "LibraryOperation"), known, "say here how an operation is asked for");
    let source = include_str!("../../../engine/src/tasks/operations.rs");
    for (name, table) in [("TaskOperation", OF_TASKS), ("Deed", DEEDS)] {
        let known: BTreeSet<&str> = table.iter().map(|(name, _)| *name).collect();
        assert_eq!(variants(source, name), known, "say here how an operation is asked for");
        for words in table.iter().filter_map(|(_, way)| way.ok()) {
            project.stead(words).is(2).says("R0206");
        }
    }
    let source = include_str!("../../../engine/src/schedules/operations.rs");
    for (name, table) in [("ScheduleOperation", OF_SCHEDULES), ("Change", CHANGES)] {
        let known: BTreeSet<&str> = table.iter().map(|(name, _)| *name).collect();
        assert_eq!(variants(source, name), known, "say here how an operation is asked for");
        for words in table.iter().filter_map(|(_, way)| way.ok()) {
            project.stead(words).is(2).says("R0411");
        }
    }
    for (_, way) in OF_THE_LIBRARY {
        if let Ok(words) = way {
            project.stead(words).is(2).says("S0701");
        }
    }
    let source = include_str!("../../../engine/src/access/operations.rs");
    let known: BTreeSet<&str> = OF_ACCESS.iter().map(|(name, _)| *name).collect();
    assert_eq!(variants(source, "AccessOperation"), known, "say here how an operation is asked for");
    for (_, way) in OF_ACCESS {
        if let Ok(words) = way {
            project.stead(words).is(1).says("R0607");
        }
    }
    let source = include_str!("../../../engine/src/notify/operations.rs");
    let known: BTreeSet<&str> = OF_NOTIFICATIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(variants(source, "NotificationOperation"), known, "say here how an operation is asked for");
    for (_, way) in OF_NOTIFICATIONS {
        if let Ok(words) = way {
            project.stead(words).says("R0209");
        }
    }
    let source = include_str!("../../../engine/src/people/operations.rs");
    let known: BTreeSet<&str> = OF_THE_PEOPLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(variants(source, "PeopleOperation"), known, "say here how an operation is asked for");
    for (_, way) in OF_THE_PEOPLE {
        if let Ok(words) = way {
            project.stead(words).is(2).says("S0801");
        }
    }
}

#[test]
fn p6_a_resumed_run_goes_on_with_the_files_it_started_with() {
    let child = |word: &str| format!("stead: 1\nname: kid\nsteps:\n  - {{ id: k, run: [echo, {word}] }}\n");
    let top = |word: &str| {
        format!(
            "steps:\n  - {{ id: w, wait: {{ for: 1s }} }}\n  - {{ id: own, run: [echo, {word}] }}\n  - {{ id: kid, workflow: {{ path: kid.yml }} }}\noutputs: {{ own: '${{{{ steps.own.output }}}}', kid: '${{{{ steps.kid.output.k }}}}' }}\n"
        )
    };
    let project = Project::new().workflow("top", &top("old")).with("kid.yml", &child("old"));
    project.stead("run top.yml --no-wait").is(4);
    let project = project.workflow("top", &top("new")).with("kid.yml", &child("new"));
    let before: Value = project.stead("status @last --json").is(0).json();
    project.stead("resume @last").is(0);
    let after: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(after["outputs"], serde_json::json!({"own": "old", "kid": "old"}));
    assert_eq!(after["revision"], before["revision"]);
    // A new run takes them as they are now.
    project.stead("run top.yml").is(0);
    let now: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(now["outputs"], serde_json::json!({"own": "new", "kid": "new"}));
    assert_ne!(now["revision"], before["revision"]);
}
