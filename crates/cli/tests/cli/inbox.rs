//! The inbox on the whole screen, by keys at a terminal.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::project::Project;
use crate::screen::Terminal;

const SHIP: &str = "steps:
  - { id: draft, run: [echo, 'the change, as it is'] }
  - { id: ship, approve: { title: Ship it?, show: [draft] } }
outputs: { ship: '${{ steps.ship.output }}' }
";

const ASK: &str = "steps:
  - id: ask
    ask:
      title: Some things
      questions:
        - { id: colour, text: Which colour?, choices: [red, blue], why_it_matters: It stays. }
        - { id: n, text: How many?, answer_type: number }
        - { id: more, text: Anything else?, priority: could }
outputs: { all: '${{ steps.ask.output }}' }
";

/// As a terminal sends it that tells it apart.
const CTRL_ENTER: &str = "\x1b[13;5u";
const CTRL_S: &str = "\x13";

fn asked(rest: &str) -> Project {
    let project = Project::new().workflow("one", rest);
    project.stead("run one.yml").is(4);
    project
}

fn at(project: &Project) -> Terminal {
    Terminal::new(project, 24, 80, &[], "inbox")
}

fn outputs(project: &Project) -> Value {
    project.stead("resume @last");
    project.stead("status @last --json").is(0).json()["outputs"].clone()
}

#[test]
fn a_gate_is_opened_accepted_and_commented_by_keys() {
    let project = asked(SHIP);
    let mut terminal = at(&project);
    terminal.shows("◆ Ship it?");
    terminal.type_in("\r");
    let shown = terminal.shows("the change, as it is");
    assert!(shown.contains("gate · one · r_") && shown.contains("[ ] a accept"), "{shown}");
    terminal.type_in("a");
    terminal.shows("[x] a accept");
    terminal.type_in("mgood as it is");
    terminal.shows("good as it is");
    terminal.type_in(CTRL_ENTER);
    terminal.shows("Ship it?: accepted");
    terminal.shows("Nothing waits for you.");
    terminal.type_in("q");
    let (code, printed, screen) = terminal.end();
    assert_eq!(code, 0, "{printed}");
    // The screen that was there before, and how it goes on.
    assert!(!screen.own && screen.text().contains("next: stead resume r_"), "{}", screen.text());
    let ship = &outputs(&project)["ship"];
    assert_eq!((&ship["decision"], &ship["comment"]), (&json!("accept"), &json!("good as it is")));
}

#[test]
fn a_gate_is_rejected_with_a_comment_from_the_editor() {
    let project = asked(SHIP).with("editor.sh", "printf '\\nand a line of the editor' >> \"$1\"\n");
    let editor = ("EDITOR", "sh editor.sh");
    let mut terminal = Terminal::new(&project, 24, 80, &[editor], "inbox");
    terminal.shows("◆ Ship it?");
    // From the list: it is opened, and nothing is decided yet.
    terminal.type_in("r");
    terminal.shows("[x] r reject");
    terminal.type_in("mtoo long\r");
    terminal.type_in("e");
    terminal.shows("and a line of the editor");
    terminal.type_in(CTRL_S);
    terminal.shows("Ship it?: rejected");
    terminal.type_in("q");
    assert_eq!(terminal.end().0, 0);
    project.stead("resume @last").is(1);
    let shown = project.stead("inbox @last/ship").is(0);
    shown.answers("rejected by user:").answers("too long").answers("and a line of the editor");
}

#[test]
fn questions_are_answered_by_keys_and_what_does_not_fit_is_shown_in_its_place() {
    let project = asked(ASK);
    let mut terminal = at(&project);
    terminal.shows("Some things");
    terminal.type_in("\r");
    terminal.shows("› Which colour?");
    terminal.type_in("2\t\rmany\r");
    terminal.shows("! \"many\" is not of type");
    terminal.type_in(CTRL_S);
    terminal.shows("not handed in: `n` does not fit");
    // All that was typed is undone, and made again.
    terminal.type_in("uu");
    terminal.shows_no("[x] 2 blue");
    terminal.type_in("UU");
    terminal.shows("[x] 2 blue");
    terminal.type_in("\r\x7f\x7f\x7f\x7f3\r\x13");
    terminal.shows("Some things: answered");
    terminal.type_in("q");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(outputs(&project)["all"], json!({"colour": "blue", "n": 3}));
}

#[test]
fn a_draft_survives_kill_9_of_the_inbox() {
    let project = asked(ASK);
    let mut terminal = at(&project);
    terminal.shows("Some things");
    terminal.type_in("\r1m half a thou");
    terminal.shows("draft saved");
    terminal.signal("KILL");
    terminal.end();
    project.stead("inbox").is(0).answers("your draft of");
    let mut terminal = at(&project);
    terminal.shows("your draft");
    terminal.type_in("\r");
    let shown = terminal.shows("half a thou");
    assert!(shown.contains("[x] 1 red"), "{shown}");
    // What was typed a moment before it is left is kept as well.
    terminal.type_in("mght\r");
    terminal.type_in("\x03");
    assert_eq!(terminal.end().0, 0);
    project.stead("inbox @last").is(0).answers("half a thought");
    project.stead("answer @last -i colour=red -i n=1").is(0);
    assert!(!project.stead("inbox @last/ask").is(0).out.contains("half a"));
}

#[test]
fn the_second_window_of_one_person_loses_nothing() {
    let project = asked(ASK);
    let (mut one, mut other) = (at(&project), at(&project));
    for terminal in [&mut one, &mut other] {
        terminal.shows("Some things");
        terminal.type_in("\r");
        terminal.shows("› Which colour?");
    }
    one.type_in("mfrom one\r");
    one.shows("draft saved");
    other.type_in("mfrom the other\r");
    let shown = other.shows("changed in another window");
    assert!(shown.contains("from the other"), "{shown}");
    other.type_in("u");
    other.shows("from one");
    for mut terminal in [one, other] {
        terminal.type_in("\x03");
        assert_eq!(terminal.end().0, 0);
    }
}

#[test]
fn who_comes_second_is_told_who_was_first_and_keeps_what_was_typed() {
    let project = Project::new()
        .workflow("one", "steps: [{ id: ship, approve: { title: Ship it?, by: ['group:makers'] } }]\n");
    std::fs::set_permissions(project.path(".stead"), std::fs::Permissions::from_mode(0o700)).unwrap();
    project.stead("people group add makers").is(0);
    for name in ["bo", "cy"] {
        project.stead(&format!("people add {name} --group makers")).is(0);
    }
    let mut terminal = Terminal::new(&project, 24, 80, &[], "--as bo inbox");
    terminal.shows("Nothing waits for you.");
    // A task that comes while it is looked at.
    project.stead("run one.yml").is(4);
    terminal.shows("◆ Ship it?");
    terminal.type_in("amwell");
    terminal.shows("[x] a accept");
    terminal.shows("draft saved");
    // Somebody claims it, which is seen; then decides, which is seen as well.
    project.stead("--as cy claim @last").is(0);
    terminal.shows("user:cy works on it");
    project.stead("--as cy reject @last -m no").is(0);
    let shown = terminal.shows("already rejected by user:cy");
    assert!(shown.contains("well") && shown.contains("kept here to be copied"), "{shown}");
    terminal.type_in("\r\x13");
    terminal.shows("the task was rejected at");
    terminal.type_in("\x1b");
    terminal.shows("· Ship it?");
    terminal.type_in("\x03");
    assert_eq!(terminal.end().0, 0);
    project.stead("--as bo inbox @last/ship").is(0).answers("no longer wanted").answers("well");
    // Nothing of the looking is noted, under whichever name.
    let history = project.stead("people history").is(0).out;
    assert!(!history.contains("look at tasks") && history.contains("claim a task"), "{history}");
}

#[test]
fn a_small_screen_is_enough_and_may_change() {
    let project = asked(SHIP);
    let mut terminal = Terminal::new(&project, 8, 40, &[("NO_COLOR", "1")], "inbox");
    terminal.shows("◆ Ship it?");
    terminal.type_in("\r");
    terminal.shows("the change, as it is");
    terminal.type_in("a");
    terminal.shows("[x] a accept");
    terminal.type_in("m");
    terminal.type_in("a comment that is longer than a line of this screen");
    let shown = terminal.shows("of this screen");
    assert_eq!(shown.lines().count(), 8, "{shown}");
    terminal.resize(30, 100);
    let shown = terminal.shows("a comment that is longer than a line of this screen");
    assert!(shown.contains("gate · one · r_"), "{shown}");
    terminal.resize(8, 40);
    terminal.shows("of this screen");
    terminal.type_in("\r\x13");
    terminal.shows("Ship it?: accepted");
    terminal.type_in("q");
    let (code, printed, _) = terminal.end();
    assert_eq!(code, 0);
    assert!(!printed.contains("\x1b[1m") && !printed.contains("\x1b[2m"), "{printed}");
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let project = asked(SHIP);
    let stead = env!("CARGO_BIN_EXE_stead");
    let line = format!("stty -a > before; {stead} inbox; echo code $?; stty -a > after");
    for (way, code) in [("\x03", 0), ("q", 0), ("TERM", 0), ("HUP", 0)] {
        let mut terminal = Terminal::shell(&project, 24, 80, &[], &line);
        terminal.shows("◆ Ship it?");
        assert!(terminal.whole().own);
        match way.len() {
            1 => terminal.type_in(way),
            _ => terminal.signal(way),
        }
        terminal.shows(&format!("code {code}"));
        let (_, printed, screen) = terminal.end();
        assert!(!screen.own, "{way}: {printed}");
        assert!(printed.contains("\x1b[?2004l") && printed.contains("\x1b[?25h"), "{way}: {printed}");
        assert_eq!(project.text("before"), project.text("after"), "{way}");
    }
}

#[test]
fn where_there_is_no_screen_it_is_a_list() {
    let project = asked(SHIP);
    for (variables, words) in
        [(vec![("TERM", "dumb")], "inbox"), (vec![], "inbox --plain"), (vec![("CI", "true")], "inbox --all")]
    {
        let (code, printed, screen) = Terminal::new(&project, 24, 80, &variables, words).end();
        assert!(code == 0 && !printed.contains("\x1b[?1049h"), "{words}: {printed}");
        assert!(screen.text().contains("TASK") && screen.text().contains("Ship it?"), "{}", screen.text());
    }
    // Neither does a script get keys to press.
    project.stead("inbox").is(0).answers("Ship it?");
}

#[test]
fn what_a_run_shows_cannot_draw_on_the_screen() {
    let project = asked(
        "steps:
  - { id: evil, run: \"printf 'a\\\\033[2J\\\\033]0;title\\\\007\\\\033[5;5Hb'\" }
  - { id: ship, approve: { title: \"${{ steps.evil.output }}\", show: [evil] } }
",
    );
    let mut terminal = at(&project);
    // The screen of these tests fails on any sequence that it does not know.
    terminal.shows("◆ ab");
    terminal.type_in("\r");
    terminal.shows("  ab");
    terminal.type_in("\x03");
    let (code, printed, _) = terminal.end();
    assert!(code == 0 && !printed.contains("title") && !printed.contains("\x1b[5;5H"), "{printed}");
}

#[test]
fn a_decision_asked_for_line_by_line_takes_the_comment_of_the_draft() {
    let project = asked(SHIP);
    let mut terminal = at(&project);
    terminal.shows("◆ Ship it?");
    terminal.type_in("mwritten in the inbox\r");
    terminal.shows("draft saved");
    terminal.type_in("\x03");
    assert_eq!(terminal.end().0, 0);
    let mut terminal = Terminal::new(&project, 24, 80, &[("STEAD_OFFER", "1")], "approve @last");
    terminal.wait_for("your comment: written in the inbox");
    terminal.wait_for("accept? [y/N/v(iew)]");
    terminal.type_in("y\n");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(outputs(&project)["ship"]["comment"], "written in the inbox");
}

#[test]
fn questions_asked_line_by_line_go_on_where_they_were_left() {
    let project = asked(ASK);
    let mut terminal = Terminal::new(&project, 24, 80, &[("STEAD_OFFER", "1")], "answer @last");
    terminal.wait_for("colour");
    terminal.type_in("blue\n");
    terminal.wait_for("n      ");
    terminal.signal("KILL");
    terminal.end();
    let mut terminal = Terminal::new(&project, 24, 80, &[("STEAD_OFFER", "1")], "answer @last");
    terminal.wait_for("going on from your draft of");
    terminal.wait_for("n      ");
    terminal.type_in("4\n");
    terminal.wait_for("more");
    terminal.type_in("\n");
    let (code, printed, _) = terminal.end();
    assert!(code == 0 && !printed.contains("colour"), "{printed}");
    assert_eq!(outputs(&project)["all"], json!({"colour": "blue", "n": 4}));
}
