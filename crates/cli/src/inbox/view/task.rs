//! A task that is open.

use serde_json::Value;
use stead_core::Time;
use stead_core::task::{TaskHead, TaskKind};
use stead_engine::tasks::{Draft, TaskNow};

use super::wrap::{wrap, wrap_at};
use super::{fill, stands_now};
use crate::face::Ink;
use crate::inbox::field::{Field, Kind, text_of};
use crate::inbox::model::{Open, State, What};
use crate::inbox::work::Work;
use crate::line::Line;
use crate::text;

/// What is between head and foot when a task is open: all of its lines, and where things stand in them.
pub(super) struct Body {
    pub(super) lines: Vec<Line>,
    /// First line and the one behind the last, of what can be focused.
    pub(super) places: Vec<(usize, usize)>,
    /// Line and column of the cursor.
    pub(super) cursor: Option<(usize, usize)>,
}
pub(super) fn head_height(state: &State) -> usize {
    if state.size.rows >= 10 { 3 } else { 1 }
}

pub(super) fn head(state: &State, open: &Open, now: Time) -> Vec<Line> {
    let row = state.rows.at(&open.id).map(|at| &state.rows.all[at].head);
    let Some(head) = open.now.as_ref().map(|now| &now.head).or(row) else {
        let mut lines = vec![Line::new().plain("...")];
        fill(&mut lines, head_height(state));
        return lines;
    };
    let sign =
        if head.status.is_end() { state.face.sign("· ", ". ") } else { state.face.sign("◆ ", "? ") };
    let mut lines = vec![Line::new().ink(Ink::Yellow, sign).ink(Ink::Bold, &text::clean(&head.title))];
    let facts = facts(state, head, now);
    lines.push(Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, &facts));
    fill(&mut lines, head_height(state));
    lines
}

fn facts(state: &State, head: &TaskHead, now: Time) -> String {
    let mut facts = vec![
        if head.kind == TaskKind::Gate { "gate" } else { "questions" }.to_owned(),
        text::clean(&head.origin.workflow),
        format!("{}/{}", head.origin.run, text::clean(&head.origin.path)),
        format!("asked {}", text::moment(head.opened_at, now)),
    ];
    facts.push(stands_now(head, now));
    facts.retain(|fact| !fact.is_empty());
    facts.join(state.face.sign(" · ", " | "))
}

pub(super) fn body(state: &State, open: &Open, now: Time) -> Body {
    let mut out = Writer {
        state,
        columns: state.columns(),
        body: Body { lines: Vec::new(), places: Vec::new(), cursor: None },
    };
    let Some(task) = &open.now else {
        out.line(Line::new().ink(Ink::Dim, "  ..."));
        return out.body;
    };
    let work = state.works.get(&open.id);
    out.cut(task, now);
    out.notices(task, work, now);
    for (label, lines) in &open.shown {
        out.line(Line::new().ink(Ink::Bold, label).ink(Ink::Bold, ":"));
        for line in lines {
            out.line(Line::new().plain("  ").plain(line));
        }
        out.line(Line::new());
    }
    if task.head.kind == TaskKind::Gate {
        let accept = work.and_then(|work| work.draft.accept);
        let mark = |on: bool| if on { "[x]" } else { "[ ]" };
        let ink = |on: bool, ink: Ink| if on { ink } else { Ink::Plain };
        let (yes, no) = (accept == Some(true), accept == Some(false));
        let line = Line::new().plain("  ").ink(ink(yes, Ink::Green), &format!("{} a accept", mark(yes)));
        out.line(line.plain("   ").ink(ink(no, Ink::Red), &format!("{} r reject", mark(no))));
        out.line(Line::new());
    }
    for (at, field) in open.fields.iter().enumerate() {
        let value = work.and_then(|work| work.draft.form.get(&field.name));
        out.field(open, at, field, value);
    }
    let comment = work.map_or("", |work| work.draft.comment.as_str());
    out.comment(open, comment);
    out.body
}

struct Writer<'s> {
    state: &'s State,
    columns: usize,
    body: Body,
}

impl Writer<'_> {
    fn line(&mut self, line: Line) {
        self.body.lines.push(line);
    }

    /// A text over as many lines as it takes.
    fn text(&mut self, indent: usize, ink: Ink, whole: &str) {
        for part in whole.lines() {
            for line in wrap(&text::clean(part), self.columns.saturating_sub(indent)) {
                self.line(Line::new().plain(&" ".repeat(indent)).ink(ink, &line));
            }
        }
    }

    /// What stands in the head, where it was cut off there: somebody decides on all of it.
    fn cut(&mut self, task: &TaskNow, now: Time) {
        let title = text::clean(&task.head.title);
        let facts = facts(self.state, &task.head, now);
        let room = self.columns.saturating_sub(2);
        let (long, hidden) = (text::width(&title) > room, head_height(self.state) < 2);
        if long {
            self.text(0, Ink::Bold, &title);
        }
        if hidden || text::width(&facts) > room {
            self.text(0, Ink::Dim, &facts);
            self.line(Line::new());
        } else if long {
            self.line(Line::new());
        }
    }

    /// What is to be known before anything is done.
    fn notices(&mut self, task: &TaskNow, work: Option<&Work>, now: Time) {
        let before = self.body.lines.len();
        let head = &task.head;
        if head.status.is_end() {
            let at = head.ended_at.map(|at| format!(", {}", text::moment(at, now))).unwrap_or_default();
            self.text(0, Ink::Yellow, &format!("This is over: {}{at}.", stands_now(head, now)));
            if work.is_some_and(|work| work.draft != Draft::default()) {
                self.text(
                    0,
                    Ink::Yellow,
                    "What you have filled in was not handed in. It is kept here to be copied.",
                );
            }
        } else if let Some(why) = &task.barred {
            self.text(0, Ink::Yellow, &format!("You cannot act on it: {why}."));
        }
        if let Some((by, until)) = head.claimed.as_ref().filter(|_| !head.status.is_end()) {
            let until = text::moment(*until, now);
            match *by == self.state.me {
                true => self.text(
                    0,
                    Ink::Dim,
                    &format!("You work on it, until {until} unless more is heard of you. c gives it back."),
                ),
                false => self.text(
                    0,
                    Ink::Yellow,
                    &format!("{by} works on it, until {until} unless more is heard of them."),
                ),
            }
        }
        if let Some(few) = task.eligible.too_few().filter(|_| !head.status.is_end()) {
            self.text(0, Ink::Yellow, &format!("{few}."));
        }
        for (from, to) in &task.delegated {
            self.text(0, Ink::Dim, &format!("{from} gave it to {to}."));
        }
        for (who, why) in &task.skipped {
            self.text(0, Ink::Dim, &format!("{who} leaves it to others: {why}"));
        }
        for one in &task.said {
            let word = match one.accept {
                Some(true) => "accepted it",
                Some(false) => "rejected it",
                None => "answered",
            };
            let comment = if one.comment.is_empty() { String::new() } else { format!(": {}", one.comment) };
            self.text(0, Ink::Plain, &format!("{} {word}, {}{comment}", one.by, text::moment(one.at, now)));
        }
        if self.body.lines.len() > before {
            self.line(Line::new());
        }
    }

    fn mark(&self, focused: bool) -> &'static str {
        if focused { self.state.face.sign("› ", "> ") } else { "  " }
    }

    fn field(&mut self, open: &Open, at: usize, field: &Field, value: Option<&Value>) {
        let first = self.body.lines.len();
        let focused = open.focus == Some(at);
        let mark = self.mark(focused);
        let name = if field.text.is_empty() { text::clean(&field.name) } else { text::clean(&field.text) };
        let ink = if focused { Ink::Bold } else { Ink::Plain };
        for (number, line) in wrap(&name, self.columns.saturating_sub(2)).into_iter().enumerate() {
            let mark = if number == 0 { mark } else { "  " };
            self.line(Line::new().ink(Ink::Bold, mark).ink(ink, &line));
        }
        let missing = if field.required && value.is_none() && field.schema.get("default").is_none() {
            "has to be answered; "
        } else {
            ""
        };
        self.text(4, Ink::Dim, &format!("{}: {missing}{}", field.name, field.takes()));
        self.text(4, Ink::Dim, &field.why);
        match &field.kind {
            Kind::Text => {
                let typed = open.typing.as_ref().filter(|typing| typing.what == What::Field(at));
                match (typed, value) {
                    (Some(typing), _) => self.typed(&typing.edit.text, typing.edit.at),
                    (None, Some(value)) => self.text(4, Ink::Plain, &text_of(value)),
                    (None, None) => self.line(Line::new().ink(Ink::Dim, "    -")),
                }
            }
            Kind::One(choices) | Kind::Some(choices) => {
                for (number, choice) in choices.iter().enumerate() {
                    let chosen = match &field.kind {
                        Kind::Some(_) => {
                            value.and_then(Value::as_array).is_some_and(|all| all.contains(choice))
                        }
                        _ => value == Some(choice),
                    };
                    let digit = if number < 9 { (number + 1).to_string() } else { " ".to_owned() };
                    let word = match choice {
                        Value::Bool(true) => "yes".to_owned(),
                        Value::Bool(false) => "no".to_owned(),
                        other => text_of(other),
                    };
                    let ink = if chosen { Ink::Green } else { Ink::Plain };
                    let mark = if chosen { "[x]" } else { "[ ]" };
                    let line = text::cut(
                        &text::clean(&word),
                        self.columns.saturating_sub(10),
                        self.state.face.ellipsis(),
                    );
                    self.line(Line::new().plain("    ").ink(ink, &format!("{mark} {digit} {line}")));
                }
            }
        }
        // While it is typed it need not fit yet.
        let typing = open.typing.as_ref().is_some_and(|typing| typing.what == What::Field(at));
        if let Some(why) = value.filter(|_| !typing).and_then(|value| field.misfit(value)) {
            self.text(4, Ink::Red, &format!("! {why}"));
        }
        self.body.places.push((first, self.body.lines.len()));
        self.line(Line::new());
    }

    fn comment(&mut self, open: &Open, comment: &str) {
        let first = self.body.lines.len();
        let focused = open.focus == Some(open.comment());
        let ink = if focused { Ink::Bold } else { Ink::Plain };
        self.line(Line::new().ink(Ink::Bold, self.mark(focused)).ink(ink, "Comment"));
        match open.typing.as_ref().filter(|typing| typing.what == What::Comment) {
            Some(typing) => self.typed(&typing.edit.text, typing.edit.at),
            None if comment.is_empty() => self.line(Line::new().ink(Ink::Dim, "    -")),
            None => self.text(4, Ink::Plain, comment),
        }
        self.body.places.push((first, self.body.lines.len()));
    }

    /// A text that is being typed, with the cursor in it.
    fn typed(&mut self, whole: &str, at: usize) {
        let (lines, (row, column)) = wrap_at(whole, self.columns.saturating_sub(4), at);
        self.body.cursor = Some((self.body.lines.len() + row, 4 + column));
        for line in lines {
            self.line(Line::new().plain("    ").plain(&line));
        }
    }
}
