//! The picture at a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use crate::project::Project;
use crate::screen::Terminal;

fn parallel(n: usize) -> String {
    let mut steps = "steps:\n".to_owned();
    for i in 0..n {
        let _ = writeln!(steps, "  - {{ id: step_{i}, needs: [], run: 'echo working; sleep 0.25' }}");
    }
    steps
}

#[test]
fn sixty_parallel_steps_never_scroll_the_screen() {
    for (rows, columns) in [(24, 80), (8, 40)] {
        let project = Project::new().workflow("many", &parallel(60));
        let terminal = Terminal::new(&project, rows, columns, &[], "run many.yml 2>&1 >/dev/null");
        terminal.wait_for("more: ");
        std::thread::sleep(Duration::from_millis(400));
        let screen = terminal.screen();
        let text = screen.text();
        assert!(text.contains("▶ many@") && text.contains("/60") && text.contains('●'), "{text}");
        let (code, _, screen) = terminal.end();
        assert_eq!((code, screen.scrolled), (0, 0), "{}", screen.text());
        assert!(
            screen.text().contains("✓ many@") && screen.text().contains("next: stead status"),
            "{}",
            screen.text()
        );
    }
}

#[test]
fn a_run_is_drawn_with_what_its_programs_print() {
    let project = Project::new().workflow(
        "draw",
        "steps:\n  - { id: first, run: 'true' }\n  - { id: talk, run: 'echo one; echo two; printf three; touch begun; while [ ! -e go ]; do sleep 0.02; done' }\n  - { id: last, run: echo end }\n",
    );
    let terminal = Terminal::new(&project, 24, 80, &[], "run draw.yml -o last");
    terminal.wait_for("three");
    let lines = terminal.screen().lines();
    assert!(lines[0].starts_with("▶ draw@"), "{lines:#?}");
    assert!(lines[1].starts_with("  ✓ first"), "{lines:#?}");
    assert!(lines[2].starts_with("  ● talk"), "{lines:#?}");
    assert_eq!(lines[3..6], ["      │ two", "      │ three", "  · last"]);
    assert!(lines[6].starts_with("  [██████░░░░░░░░░░░░░░] 1/3  "), "{lines:#?}");
    std::fs::write(project.path("go"), "").unwrap();
    let (code, printed, screen) = terminal.end();
    assert_eq!(code, 0);
    let lines = screen.lines();
    assert!(lines[0].starts_with("✓ draw@") && lines[2].starts_with("  ✓ talk"), "{lines:#?}");
    assert!(lines[4].starts_with("next: stead status r_"), "{lines:#?}");
    assert_eq!(lines[5], "end");
    assert!(printed.contains("\x1b[32m"), "there are colours at a terminal");
}

#[test]
fn signs_and_colours_follow_the_terminal() {
    let project = Project::new().workflow("ok", "steps: [{ id: a, run: sleep 0.3 }]\n");
    let run = |variables: &[(&str, &str)]| Terminal::new(&project, 24, 80, variables, "run ok.yml").end().1;
    let ascii = run(&[("STEAD_ASCII", "1"), ("NO_COLOR", "1")]);
    assert!(ascii.is_ascii() && ascii.contains("> a") && ascii.contains("+ a"), "{ascii}");
    let colours = ascii
        .split("\x1b[")
        .skip(1)
        .filter(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('m'));
    assert_eq!(colours.count(), 0, "no colours: {ascii:?}");
    assert!(run(&[("LANG", "C")]).is_ascii());
    for quiet in [("TERM", "dumb"), ("CI", "true")] {
        let printed = run(&[quiet]);
        assert!(!printed.contains('\x1b'), "{quiet:?}: {printed:?}");
        assert!(printed.contains("completed  a"), "{quiet:?}: {printed:?}");
    }
}

#[test]
fn a_retry_is_counted_down_and_a_child_has_its_line() {
    let project = Project::new()
        .workflow("inner", "steps: [{ id: deep, run: 'touch begun; while [ ! -e go ]; do sleep 0.02; done' }]\n")
        .workflow("outer", "steps:\n  - { id: sub, needs: [], workflow: { path: inner.yml } }\n  - { id: flaky, needs: [], run: 'test -e go || { echo no luck >&2; exit 7; }', retry: { attempts: 9, wait: 2s, factor: 1, jitter: 0 } }\n");
    let terminal = Terminal::new(&project, 24, 100, &[], "run outer.yml 2>&1 >/dev/null");
    terminal.wait_for("again in 2s");
    project.wait_for_file("begun");
    terminal.wait_for("again in 1s");
    let text = terminal.screen().text();
    assert!(text.contains("◷ flaky") && text.contains("(exit code 7: no luck)"), "{text}");
    assert!(text.contains("↳ ● inner  r_") && text.contains("0 done  deep"), "{text}");
    std::fs::write(project.path("go"), "").unwrap();
    let (code, _, screen) = terminal.end();
    assert_eq!(code, 0, "{}", screen.text());
    assert!(screen.text().contains("↳ ✓ inner"), "{}", screen.text());
}

#[test]
fn ctrl_c_at_the_keyboard_leaves_a_still_picture() {
    let project = Project::new()
        .workflow("long", "steps: [{ id: a, run: 'touch begun; sleep 30' }, { id: b, run: echo }]\n");
    let mut terminal = Terminal::new(&project, 24, 80, &[], "run long.yml");
    project.wait_for_file("begun");
    terminal.wait_for("● a");
    terminal.type_in("\x03");
    let (code, _, screen) = terminal.end();
    assert_eq!(code, 130);
    let text = screen.text();
    assert!(text.contains("‖ long@") && text.contains("left, can go on"), "{text}");
    assert!(text.contains("  · a") && text.contains("next: stead resume r_"), "{text}");
}

#[test]
fn missing_inputs_are_asked_for() {
    let project = Project::new().workflow(
        "ask",
        "inputs:\n  who: { type: string, description: Whom to greet }\n  n: { type: integer }\nsteps: [{ id: a, run: [echo, \"${{ inputs.who }} ${{ inputs.n }}\"] }]\n",
    );
    let mut terminal = Terminal::new(&project, 24, 80, &[], "run ask.yml -o a");
    terminal.wait_for("who (text): ");
    terminal.type_in("Ana\n");
    terminal.wait_for("n (integer): ");
    terminal.type_in("many\n");
    terminal.wait_for("is of type integer");
    terminal.type_in("3\n");
    let (code, printed, _) = terminal.end();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("Whom to greet") && printed.contains("Ana 3\r\n"), "{printed}");
}

#[test]
fn without_a_name_the_newest_open_run_is_taken() {
    let project = Project::new()
        .workflow("late", "steps: [{ id: w, wait: { for: 1h } }]\n")
        .workflow("done", "steps: [{ id: a, run: echo hi }]\n");
    project.stead("run late.yml --no-wait").is(4);
    project.stead("run done.yml").is(0);
    let (code, printed, _) = Terminal::new(&project, 24, 80, &[], "status").end();
    assert!(code == 0 && crate::screen::uncoloured(&printed).contains("late@"), "{printed}");
    let (code, printed, _) = Terminal::new(&project, 24, 80, &[], "runs").end();
    assert!(code == 0 && printed.contains("\x1b[32m"), "{printed}");
}
