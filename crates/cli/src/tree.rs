//! The steps of a run as rows: what `status` and the live view have in common.

use stead_core::Time;
use stead_core::head::WaitsFor;
use stead_core::run::{Budget, StepNow, View};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::face::{Face, Ink, State};
use crate::line::Line;
use crate::text;

/// A step, item or iteration in a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// How deep it stands.
    pub depth: usize,
    /// Whether it is the last of its siblings, from the outermost one to itself.
    pub last: Vec<bool>,
    /// Path of the instance.
    pub path: String,
    /// What to call it beside its siblings.
    pub label: String,
    /// Its state.
    pub state: State,
    /// What there is to say besides.
    pub words: Vec<(Ink, String)>,
    /// The child run it waits for.
    pub child: Option<String>,
}

/// How much of a run is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Steps, items each for themselves.
    pub total: u64,
    /// Those that are over.
    pub done: u64,
}

/// All rows of a run, in the order of its text. `trouble` gives the error of the last try where another one
/// follows.
pub fn rows(view: &View, now: Time, face: Face, trouble: &dyn Fn(&str) -> Option<String>) -> Vec<Row> {
    let mut out = Vec::new();
    let told = Told { now, face, trouble };
    gather(&view.steps, &mut Vec::new(), &mut out, &told);
    gather(&view.asides, &mut Vec::new(), &mut out, &told);
    out
}

struct Told<'a> {
    now: Time,
    face: Face,
    trouble: &'a dyn Fn(&str) -> Option<String>,
}

fn gather(steps: &[StepNow], last: &mut Vec<bool>, out: &mut Vec<Row>, told: &Told<'_>) {
    for (at, step) in steps.iter().enumerate() {
        last.push(at + 1 == steps.len());
        out.push(Row {
            depth: last.len() - 1,
            last: last.clone(),
            path: step.path.clone(),
            label: step.label.clone(),
            state: state(step),
            words: words(step, told),
            child: step.child.as_ref().map(ToString::to_string),
        });
        gather(&step.inside, last, out, told);
        last.pop();
    }
}

/// The state of a step.
pub fn state(step: &StepNow) -> State {
    State::of_step(step.status, step.outcome, step.waits_for.as_ref().map(|waits| waits.kind.as_str()))
}

/// The state of a run.
pub fn run_state(view: &View) -> State {
    State::of_run(view.status, view.outcome, view.waits_for.iter().any(for_a_person))
}

/// Whether somebody has to do something. A signal that need not come is not waited for longer than it may take.
pub fn for_a_person(waits: &WaitsFor) -> bool {
    match waits.kind.as_str() {
        "timer" | "retry" | "child" | "slot" => false,
        "signal" => waits.until.is_none(),
        _ => true,
    }
}

fn words(step: &StepNow, told: &Told<'_>) -> Vec<(Ink, String)> {
    let mut words = Vec::new();
    if let Some(items) = step.items {
        let of = if step.action == "loop" { " at most" } else { "" };
        words.push((Ink::Plain, format!("{} of{of} {}", items.done, items.total)));
        if let Some(failed) = items.failed.filter(|failed| *failed > 0) {
            words.push((Ink::Red, format!("{failed} failed")));
        }
    }
    if let Some(took) = took(step, told.now) {
        words.push((Ink::Plain, took));
    }
    if step.tries > 1 {
        words.push((Ink::Dim, format!("try {}", step.tries)));
    }
    if let Some(budget) = &step.budget {
        words.push((Ink::Dim, budget_text(budget)));
    }
    if let Some(waits) = &step.waits_for {
        words.push((state(step).ink(), waits_text(waits, told.now)));
        if waits.kind == "retry"
            && let Some(trouble) = (told.trouble)(&step.path)
        {
            words.push((Ink::Red, trouble));
        }
    }
    match step.status {
        StepStatus::Failed => {
            let error = step.error.as_ref();
            // A group fails with the error of a step inside, which says it itself.
            let own = error.filter(|error| error.step == step.path || step.inside.is_empty());
            words.extend(own.map(|error| (Ink::Red, in_short(&error.message, told.face))));
        }
        StepStatus::Blocked | StepStatus::Skipped => words.push((Ink::Dim, step.status.to_string())),
        StepStatus::Cancelled if step.since.is_some() => words.push((Ink::Dim, step.status.to_string())),
        StepStatus::Completed => {
            let told = step.outcome.filter(|outcome| *outcome != Outcome::Ok);
            words.extend(told.map(|outcome| (Ink::Yellow, outcome.to_string())));
        }
        _ => {}
    }
    words
}

/// How much of a budget is used.
pub fn budget_text(budget: &Budget) -> String {
    let aside = match budget.reserved {
        0 => String::new(),
        n => format!(", {n} set aside"),
    };
    format!("{} of {} attempts{aside}", budget.used, budget.attempts)
}

/// An error in one line: what happened, and the last thing that was said.
pub fn in_short(message: &str, face: Face) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return String::new() };
    let between = lines.clone().count();
    match lines.next_back() {
        None => first.to_owned(),
        Some(last) if between == 1 => format!("{}: {last}", first.trim_end_matches(':')),
        Some(last) => format!("{}: {} {last}", first.trim_end_matches(':'), face.ellipsis()),
    }
}

/// How long it took, or takes so far. Nothing for what cannot take time.
fn took(step: &StepNow, now: Time) -> Option<String> {
    let since = step.since?;
    if matches!(step.status, StepStatus::Skipped | StepStatus::Blocked | StepStatus::Pending) {
        return None;
    }
    let millis = step.ended_at.unwrap_or(now) - since;
    let pure = step.ended_at.is_some() && millis == 0;
    (!pure).then(|| text::duration(millis))
}

/// What is waited for, and by which step.
pub fn waits_line(waits: &WaitsFor, now: Time) -> String {
    match waits.path.as_str() {
        "" => waits_text(waits, now),
        path => format!("{}: {}", text::clean(path), waits_text(waits, now)),
    }
}

/// What is waited for, in words.
pub fn waits_text(waits: &WaitsFor, now: Time) -> String {
    let left = waits.until.map(|until| text::remaining(until - now));
    match (waits.kind.as_str(), left) {
        ("timer", Some(left)) => format!("waits {left} more"),
        ("timer", None) => "waits".to_owned(),
        ("retry", Some(left)) => format!("again in {left}"),
        ("retry", None) => "again soon".to_owned(),
        ("child", _) => format!("run {}", waits.detail.as_deref().unwrap_or("inside")),
        ("slot", _) => match waits.detail.as_deref().filter(|detail| detail.starts_with("a place for ")) {
            Some(place) => format!("waits for {}", text::clean(place)),
            None => "queued".to_owned(),
        },
        ("resume", _) => match waits.path.as_str() {
            "" => format!("{}, until it is resumed", waits.detail.as_deref().unwrap_or("paused")),
            step => format!("paused before {step}, until it is resumed"),
        },
        ("signal", left) => {
            let name = text::clean(waits.detail.as_deref().unwrap_or_default());
            let left = left.map(|left| format!(", {left} more")).unwrap_or_default();
            format!("waits for signal {name}{left}")
        }
        ("settle", _) => "waits for somebody to settle it".to_owned(),
        ("person", left) => {
            let who = text::clean(waits.detail.as_deref().unwrap_or("somebody"));
            let left = left.map(|left| format!(", due in {left}")).unwrap_or_default();
            format!("waits for {who}{left}")
        }
        (kind, Some(left)) => format!("waits for {kind}, {left} more"),
        (kind, None) => format!("waits for {kind}"),
    }
}

/// The first line about a run: its name, id, state and time.
pub fn title(view: &View, now: Time, face: Face) -> Line {
    title_of(view, run_state(view), &outcome_word(view.status, view.outcome), now, face)
}

/// The first line about a run, with another state than its own.
pub fn title_of(view: &View, state: State, word: &str, now: Time, face: Face) -> Line {
    let sign = if state == State::Running { face.sign("▶", ">") } else { state.sign(face) };
    let mut line = Line::new().ink(state.ink(), sign).plain(" ").ink(Ink::Bold, &view.workflow);
    line.add(Ink::Dim, &format!("@{}", text::short(&view.revision)));
    line.add(Ink::Plain, &format!("  {}  ", view.run));
    line.add(state.ink(), word);
    if view.created_at > 0 {
        line.add(
            Ink::Plain,
            &format!("  {}", text::duration(view.ended_at.unwrap_or(now) - view.created_at)),
        );
    }
    // Of the run itself; steps say it where they stand.
    if let Some(waits) = view.waits_for.iter().find(|waits| waits.path.is_empty() && waits.kind == "slot") {
        line.add(state.ink(), &format!("  {}", waits_text(waits, now)));
    }
    line
}

/// Status and outcome in one word or two.
pub fn outcome_word(status: RunStatus, outcome: Option<Outcome>) -> String {
    match outcome {
        None | Some(Outcome::Ok | Outcome::Error | Outcome::Cancelled) => status.to_string(),
        Some(outcome) => format!("{status} ({outcome})"),
    }
}

/// How much of a run is done.
pub fn progress(view: &View) -> Progress {
    let mut progress = Progress::default();
    add(&view.steps, &mut progress);
    progress
}

fn add(steps: &[StepNow], progress: &mut Progress) {
    for step in steps {
        match step.items {
            // A loop has as many iterations as it turns out to need: it counts once.
            Some(items) if step.action != "loop" => {
                progress.total += u64::from(items.total);
                progress.done += u64::from(if step.status.is_end() { items.total } else { items.done });
            }
            None if !step.inside.is_empty() => add(&step.inside, progress),
            _ => {
                progress.total += 1;
                progress.done += u64::from(step.status.is_end());
            }
        }
    }
}

/// A row as a line: indented, or with branches.
pub fn line(row: &Row, label: &str, indent: &Indent, label_columns: usize, face: Face) -> Line {
    let mut line = Line::new().ink(Ink::Dim, &indent.text(row, face));
    line.add(row.state.ink(), row.state.sign(face));
    let begun = line.width() + 1;
    let ink = if matches!(row.state, State::Pending | State::Skipped) { Ink::Dim } else { Ink::Plain };
    line.add(ink, &format!(" {label}"));
    if !row.words.is_empty() {
        line.pad_to(begun + label_columns.saturating_sub(row.depth * indent.step()));
    }
    for (ink, word) in &row.words {
        line.add(Ink::Plain, "  ");
        line.add(*ink, word);
    }
    line
}

/// How depth is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    /// By spaces.
    Spaces,
    /// By branches.
    Branches,
}

impl Indent {
    fn text(self, row: &Row, face: Face) -> String {
        match self {
            Indent::Spaces => "  ".repeat(row.depth + 1),
            Indent::Branches => {
                let mut out = String::new();
                for (level, last) in row.last.iter().enumerate() {
                    let own = level + 1 == row.last.len();
                    out.push_str(match (own, last) {
                        (true, true) => face.sign("└─ ", "`- "),
                        (true, false) => face.sign("├─ ", "|- "),
                        (false, true) => "   ",
                        (false, false) => face.sign("│  ", "|  "),
                    });
                }
                out
            }
        }
    }

    fn step(self) -> usize {
        match self {
            Indent::Spaces => 2,
            Indent::Branches => 3,
        }
    }
}

/// Columns for labels, so that what stands behind them is aligned; long ones do not push the others away.
pub fn label_columns<'r>(rows: impl Iterator<Item = &'r Row>, indent: Indent) -> usize {
    rows.map(|row| text::width(&row.label) + row.depth * indent.step())
        .filter(|w| *w <= 40)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_one_line_has_what_happened_and_what_was_said_last() {
        let face = Face { color: false, unicode: false };
        assert_eq!(in_short("timed out", face), "timed out");
        assert_eq!(in_short("exit code 3\nno network\n", face), "exit code 3: no network");
        assert_eq!(
            in_short("exit code 1:\n\nTraceback\n  line\nValueError: x", face),
            "exit code 1: ... ValueError: x"
        );
        assert_eq!(in_short("", face), "");
    }
}
