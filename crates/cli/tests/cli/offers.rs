//! After a run at a terminal: whether its definition shall be kept.

use crate::project::Project;
use crate::screen::Terminal;

const ASK: &[(&str, &str)] = &[("STEAD_OFFER", "1")];

fn greet(word: &str) -> Project {
    Project::new().workflow("greet", &format!("steps:\n  - {{ id: a, run: [echo, {word}] }}\n"))
}

/// Runs at a terminal, and types these lines, each when something has been said.
fn typing(project: &Project, words: &str, lines: &[(&str, &str)]) -> String {
    let mut terminal = Terminal::new(project, 30, 100, ASK, words);
    for (said, line) in lines {
        terminal.wait_for(said);
        terminal.type_in(line);
    }
    let (code, printed, _) = terminal.end();
    assert_eq!(code, 0, "{printed}");
    printed
}

#[test]
fn a_definition_that_ran_well_is_kept_when_somebody_says_so() {
    let project = greet("one");
    let printed = typing(&project, "run greet.yml", &[("save it in the library as greet?", "y\n")]);
    assert!(printed.contains("greet@1 saved"), "{printed}");
    assert_eq!(project.stead("export greet").is(0).out, project.text("greet.yml"));
    // What is there is not asked about; what is new is.
    let printed = typing(&project, "run greet.yml", &[]);
    assert!(!printed.contains("save it"), "{printed}");
    assert!(!typing(&project, "run greet", &[]).contains("save it"));
    let project = project.workflow("greet", "steps:\n  - { id: a, run: [echo, two] }\n");
    let printed = typing(&project, "run greet.yml", &[("save it", "yes\n")]);
    assert!(printed.contains("greet@2 saved"), "{printed}");
}

#[test]
fn a_name_that_is_taken_or_none_is_asked_for_again_and_nothing_is_lost() {
    let project =
        greet("one").with("other.yml", "stead: 1\nname: greet\nsteps:\n  - { id: a, run: [echo, two] }\n");
    project.stead("save greet.yml").is(0);
    let lines = [
        ("save it", "y\n"),
        ("another name?", "No Name\n"),
        ("did you mean `no-name`?", "greet\n"),
        ("another name?", "second\n"),
    ];
    let printed = typing(&project, "run other.yml", &lines);
    assert!(
        printed.contains("S0705") && printed.contains("R0401") && printed.contains("second@1 saved"),
        "{printed}"
    );
    assert_eq!(project.stead("export second").is(0).out, project.text("other.yml"));
    assert_eq!(project.stead("history greet --json").is(0).lines().len(), 1);
    // Left at the question it is left.
    let project = project.with("third.yml", "stead: 1\nname: third\nsteps:\n  - { id: a, run: ls }\n");
    let printed = typing(&project, "run third.yml", &[("save it", "greet\n"), ("another name?", "\n")]);
    assert!(!printed.contains("third@1 saved"), "{printed}");
    project.stead("show third").is(2);
}

#[test]
fn who_says_no_is_not_asked_again_and_ctrl_c_is_no_answer() {
    let project = greet("one");
    let printed = typing(&project, "run greet.yml", &[("save it", "\x03")]);
    assert!(!printed.contains("not asked about again"), "{printed}");
    let printed = typing(&project, "run greet.yml", &[("save it", "\n")]);
    assert!(printed.contains("stead save greet.yml saves it"), "{printed}");
    assert!(!typing(&project, "run greet.yml", &[]).contains("save it"));
    assert!(project.stead("workflows --json").is(0).out.is_empty());
    // Saved after all, it counts as any other.
    project.stead("save greet.yml").is(0);
    let project = project.workflow("greet", "steps:\n  - { id: a, run: ls }\n");
    assert!(typing(&project, "run greet.yml", &[("save it", "y\n")]).contains("greet@2 saved"));
}

#[test]
fn nobody_is_asked_in_pipes_after_failures_or_who_does_not_want_it() {
    let project = greet("one").workflow("bad", "steps:\n  - { id: a, run: 'exit 3' }\n");
    let got = project.stead("run greet.yml").is(0);
    assert!(!got.err.contains("save it") && !got.out.contains("save it"), "{got:#?}");
    for words in
        ["run greet.yml | cat", "run greet.yml < /dev/null", "run greet.yml --json", "run greet.yml -o a"]
    {
        let printed = typing(&project, words, &[]);
        assert!(!printed.contains("save it"), "{words}: {printed}");
    }
    let (code, printed, _) = Terminal::new(&project, 30, 100, ASK, "run bad.yml").end();
    assert_eq!(code, 1, "{printed}");
    assert!(!printed.contains("save it"), "{printed}");
    for variables in [&[("STEAD_OFFER", "0")][..], &[("STEAD_OFFER", "1"), ("CI", "true")]] {
        let (_, printed, _) = Terminal::new(&project, 30, 100, variables, "run greet.yml").end();
        assert!(!printed.contains("save it"), "{printed}");
    }
}
