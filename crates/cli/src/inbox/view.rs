//! What the screen shows of a [`State`]: lines, and where the cursor stands. Pure as well.

use serde_json::Value;
use stead_core::Time;
use stead_core::task::{TaskHead, TaskKind};
use stead_engine::tasks::{TaskNow, TaskRow};
use unicode_width::UnicodeWidthChar as _;

use super::field::{Field, Kind, text_of};
use super::keys::{self, KEYS, Place};
use super::model::{Open, State, What};
use super::work::Work;
use crate::commands::tasks::show::stands;
use crate::face::{Face, Ink};
use crate::line::Line;
use crate::text;

/// A screen.
#[derive(Debug, Default)]
pub struct Picture {
    /// From the top, at most as many as there is room.
    pub lines: Vec<Line>,
    /// Row and column of the cursor, where something is typed.
    pub cursor: Option<(usize, usize)>,
}

/// What is between head and foot when a task is open: all of its lines, and where things stand in them.
struct Body {
    lines: Vec<Line>,
    /// First line and the one behind the last, of what can be focused.
    places: Vec<(usize, usize)>,
    /// Line and column of the cursor.
    cursor: Option<(usize, usize)>,
}

/// Draws it.
pub fn draw(state: &State, now: Time) -> Picture {
    let rows = usize::from(state.size.rows).max(1);
    let mut picture = Picture::default();
    if let Some(top) = state.help {
        let lines = help(state);
        let height = rows.saturating_sub(2).max(1);
        let top = top.min(lines.len().saturating_sub(height));
        picture.lines.push(Line::new().ink(Ink::Bold, "Keys"));
        picture.lines.extend(lines.into_iter().skip(top).take(height));
        fill(&mut picture.lines, rows - 1);
        picture.lines.push(Line::new().ink(Ink::Dim, "j k scroll, any other key goes back"));
        picture.lines.truncate(rows);
        return picture;
    }
    let foot = foot(state);
    let head = match &state.open {
        Some(open) => task_head(state, open, now),
        None => vec![list_head(state)],
    };
    let height = rows.saturating_sub(head.len() + foot.len()).max(1);
    let above = head.len();
    picture.lines = head;
    match &state.open {
        Some(open) => {
            let body = body(state, open, now);
            let scroll = open.scroll.min(body.lines.len().saturating_sub(height));
            if body.lines.len() > height {
                let (last, all) = (scroll + height, body.lines.len());
                let more = if last < all {
                    format!("line {} to {last} of {all}", scroll + 1)
                } else {
                    "the end".to_owned()
                };
                if let Some(free) = picture.lines.get_mut(2) {
                    *free = Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, &more);
                }
            }
            picture.cursor = body.cursor.and_then(|(line, column)| {
                let row = line.checked_sub(scroll).filter(|row| *row < height)?;
                Some((above + row, column))
            });
            picture.lines.extend(body.lines.into_iter().skip(scroll).take(height));
        }
        None => picture.lines.extend(list(state, height, now)),
    }
    fill(&mut picture.lines, above + height);
    if let Some((row, column)) = prompt_cursor(state) {
        picture.cursor = Some((above + height + row, column));
    }
    picture.lines.extend(foot);
    picture.lines.truncate(rows);
    picture
}

fn fill(lines: &mut Vec<Line>, height: usize) {
    lines.truncate(height);
    lines.resize_with(height, Line::new);
}

/// Rows of the list that there is room for.
pub fn list_height(state: &State) -> usize {
    usize::from(state.size.rows).saturating_sub(1 + foot(state).len()).max(1)
}

/// Lines of the open task that there is room for.
pub fn body_height(state: &State) -> usize {
    let head = if state.open.is_some() { task_head_height(state) } else { 1 };
    usize::from(state.size.rows).saturating_sub(head + foot(state).len()).max(1)
}

/// Keeps the open task from being scrolled past its end.
pub fn settle(state: &mut State) {
    let height = body_height(state);
    let Some(open) = &state.open else { return };
    let body = body(state, open, 0);
    let most = body.lines.len().saturating_sub(height);
    let mut scroll = open.scroll.min(most);
    // What is being typed stays on the screen, however long it is.
    if let Some((line, _)) = body.cursor {
        scroll = scroll.clamp((line + 1).saturating_sub(height), line);
    }
    if let Some(open) = &mut state.open {
        open.scroll = scroll;
    }
}

/// Scrolls to what is focused.
pub fn reveal(state: &mut State) {
    let height = body_height(state);
    let Some(open) = &state.open else { return };
    let place = open.focus.and_then(|focus| body(state, open, 0).places.get(focus).copied());
    let Some((first, behind)) = place else { return };
    let Some(open) = &mut state.open else { return };
    if behind > open.scroll.saturating_add(height) {
        open.scroll = behind - height;
    }
    open.scroll = open.scroll.min(first);
}

// ---- the list

fn list_head(state: &State) -> Line {
    let whose = if state.everybody { "what anybody is asked" } else { &state.me };
    let n = state.rows.all.len();
    let count = match (n, state.rows.whole) {
        (0, true) => "nothing waits".to_owned(),
        (1, true) => "1 waits".to_owned(),
        _ => format!("{} wait", state.rows.count()),
    };
    let mut line = Line::new()
        .ink(Ink::Bold, "Inbox")
        .plain("  ")
        .plain(whose)
        .ink(Ink::Dim, "  ")
        .ink(Ink::Dim, &count);
    let drafts = state.rows.all.iter().filter(|row| row.draft_at.is_some()).count();
    if drafts > 0 {
        line.add(Ink::Dim, &format!(", {}", text::count(drafts, "draft")));
    }
    line
}

fn list(state: &State, height: usize, now: Time) -> Vec<Line> {
    if state.rows.all.is_empty() {
        let nothing = match (state.rows.whole, state.everybody) {
            (false, _) => "...",
            (true, true) => "Nobody is asked anything.",
            (true, false) => "Nothing waits for you.",
        };
        let more = "As soon as a run asks something, it stands here.";
        let mut lines = vec![Line::new(), Line::new().plain("  ").plain(nothing)];
        if state.rows.whole {
            lines.extend(
                wrap(more, state.columns().saturating_sub(2))
                    .iter()
                    .map(|line| Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, line)),
            );
        }
        return lines;
    }
    let shown = state.rows.all.iter().enumerate().skip(state.top).take(height);
    shown.map(|(at, one)| row(state, one, at == state.at, now)).collect()
}

fn row(state: &State, row: &TaskRow, selected: bool, now: Time) -> Line {
    let (face, head, columns) = (state.face, &row.head, state.columns());
    let over = head.status.is_end();
    let claimed = head.claimed.as_ref().is_some_and(|(by, _)| *by != state.me);
    let late = head.due_at.is_some_and(|due| due < now) && !over;
    let ink = match (selected, over || claimed) {
        (_, true) => Ink::Dim,
        (true, false) => Ink::Bold,
        (false, false) => Ink::Plain,
    };
    let sign = if over { face.sign("·", ".") } else { face.sign("◆", "?") };
    let mut line = Line::new().ink(Ink::Bold, if selected { face.sign("› ", "> ") } else { "  " });
    line.add(if over { Ink::Dim } else { Ink::Yellow }, sign);
    line.add(Ink::Plain, " ");
    let title = text::clean(&head.title);
    let draft = row.draft_at.map(|_| "your draft");
    let how = [&*stands_now(head, now), if late { "late" } else { "" }, draft.unwrap_or_default()];
    let how = how.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(", ");
    let how_ink = if late { Ink::Red } else { Ink::Dim };
    if columns < 60 {
        // How it stands goes before the end of a long title.
        let room = columns.saturating_sub(4);
        let how = text::cut(&how, room / 2, face.ellipsis());
        let left = room.saturating_sub(if how.is_empty() { 0 } else { text::width(&how) + 2 });
        line.add(ink, &text::cut(&title, left, face.ellipsis()));
        if !how.is_empty() {
            line.add(how_ink, &format!("  {how}"));
        }
        return line;
    }
    if over {
        let title = text::cut(&title, columns / 2, face.ellipsis());
        return line.ink(ink, &title).ink(how_ink, &format!("  {how}"));
    }
    let wide = columns >= 100;
    let (title_width, width) = if wide { (columns * 45 / 100, 18) } else { (columns * 36 / 100, 14) };
    line.add(ink, &text::pad(&text::cut(&title, title_width, face.ellipsis()), title_width));
    let kind = if head.kind == TaskKind::Gate { "gate" } else { "ask" };
    line.add(Ink::Dim, &format!("  {kind:<4}  "));
    let workflow = text::cut(&text::clean(&head.origin.workflow), width, face.ellipsis());
    line.add(ink, &text::pad(&workflow, width));
    let age = text::duration(now.saturating_sub(head.opened_at).max(0) / 1000 * 1000);
    line.add(Ink::Dim, &format!("  {}  ", text::pad(if age == "0ms" { "now" } else { &age }, 7)));
    line.add(how_ink, &how);
    line
}

/// How it stands; of one that is over, that somebody was first.
fn stands_now(head: &TaskHead, now: Time) -> String {
    let words = stands(head, now);
    if head.status.is_end() { format!("already {words}") } else { words }
}

// ---- a task

fn task_head_height(state: &State) -> usize {
    if state.size.rows >= 10 { 3 } else { 1 }
}

fn task_head(state: &State, open: &Open, now: Time) -> Vec<Line> {
    let row = state.rows.at(&open.id).map(|at| &state.rows.all[at].head);
    let Some(head) = open.now.as_ref().map(|now| &now.head).or(row) else {
        let mut lines = vec![Line::new().plain("...")];
        fill(&mut lines, task_head_height(state));
        return lines;
    };
    let sign =
        if head.status.is_end() { state.face.sign("· ", ". ") } else { state.face.sign("◆ ", "? ") };
    let mut lines = vec![Line::new().ink(Ink::Yellow, sign).ink(Ink::Bold, &text::clean(&head.title))];
    let mut facts = vec![
        if head.kind == TaskKind::Gate { "gate" } else { "questions" }.to_owned(),
        text::clean(&head.origin.workflow),
        format!("{}/{}", head.origin.run, text::clean(&head.origin.path)),
        format!("asked {}", text::moment(head.opened_at, now)),
    ];
    facts.push(stands_now(head, now));
    facts.retain(|fact| !fact.is_empty());
    let dot = state.face.sign(" · ", " | ");
    lines.push(Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, &facts.join(dot)));
    fill(&mut lines, task_head_height(state));
    lines
}

fn body(state: &State, open: &Open, now: Time) -> Body {
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

    /// What is to be known before anything is done.
    fn notices(&mut self, task: &TaskNow, work: Option<&Work>, now: Time) {
        let before = self.body.lines.len();
        let head = &task.head;
        if head.status.is_end() {
            let at = head.ended_at.map(|at| format!(", {}", text::moment(at, now))).unwrap_or_default();
            self.text(0, Ink::Yellow, &format!("This is over: {}{at}.", stands_now(head, now)));
            if work.is_some_and(|work| work.draft != stead_engine::tasks::Draft::default()) {
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

// ---- the foot

/// What was said last, and the keys that matter most.
fn foot(state: &State) -> Vec<Line> {
    let columns = state.columns();
    let most = (usize::from(state.size.rows) / 4).clamp(1, 4);
    let mut lines = Vec::new();
    if let Some((question, text)) = prompt(state) {
        lines.push(Line::new().ink(Ink::Bold, question).plain(text));
    } else if let Some((said, bad)) = &state.said {
        let ink = if *bad { Ink::Red } else { Ink::Green };
        for line in said.iter().flat_map(|line| wrap(&text::clean(line), columns)) {
            lines.push(Line::new().ink(ink, &line));
        }
        lines.truncate(most);
    } else {
        lines.push(status(state));
    }
    lines.push(Line::new().ink(Ink::Dim, &hints(state, columns)));
    lines
}

fn prompt(state: &State) -> Option<(&'static str, &str)> {
    let typing = state.open.as_ref()?.typing.as_ref()?;
    let question = match typing.what {
        What::Skip => "Why? ",
        What::Delegate => "To whom? ",
        _ => return None,
    };
    Some((question, &typing.edit.text))
}

fn prompt_cursor(state: &State) -> Option<(usize, usize)> {
    let (question, text) = prompt(state)?;
    let at = state.open.as_ref()?.typing.as_ref()?.edit.at;
    let column = text::width(question) + text::width(&text[..at]);
    Some((0, column.min(state.columns().saturating_sub(1))))
}

fn status(state: &State) -> Line {
    if let Some(why) = &state.unread {
        return Line::new().ink(Ink::Red, &format!("cannot be read for now, and is tried again: {why}"));
    }
    let work = state.open.as_ref().and_then(|open| state.works.get(&open.id));
    let Some(work) = work else { return Line::new() };
    if let Some(why) = &work.trouble {
        return Line::new().ink(Ink::Red, &format!("your draft is not saved: {why}"));
    }
    if work.is_dirty() {
        return Line::new().ink(Ink::Dim, "saving your draft");
    }
    match work.saved_at {
        Some(at) if !work.etag.is_empty() => {
            Line::new().ink(Ink::Dim, &format!("draft saved {}", text::clock(at)))
        }
        _ => Line::new(),
    }
}

fn hints(state: &State, columns: usize) -> String {
    let mut items: Vec<&str> = match &state.open {
        None => vec!["j k move", "Enter open", "a accept", "r reject", "c claim", "q leave"],
        Some(open) => match &open.typing {
            Some(typing) => match typing.what {
                What::Skip | What::Delegate => vec!["Enter do it", "Esc leave it"],
                _ => vec!["Enter done", "Alt+Enter new line", "^Z undo", "^O editor", "^S hand in"],
            },
            None if open.now.as_ref().is_some_and(|now| now.head.status.is_end()) => {
                vec!["Esc back", "n next"]
            }
            None => match open.now.as_ref().map(|now| now.head.kind) {
                Some(TaskKind::Questions) => {
                    vec![
                        "^S hand in",
                        "Tab fields",
                        "Enter fill in",
                        "1-9 choose",
                        "u undo",
                        "m comment",
                        "Esc back",
                    ]
                }
                _ => vec![
                    "a accept",
                    "r reject",
                    "^S hand in",
                    "m comment",
                    "u undo",
                    "j k scroll",
                    "Esc back",
                ],
            },
        },
    };
    let last = if state.open.as_ref().is_some_and(|open| open.typing.is_some()) { "" } else { "? keys" };
    let dot = state.face.sign(" · ", " | ");
    loop {
        let all: Vec<&str> = items.iter().copied().chain([last]).filter(|item| !item.is_empty()).collect();
        let line = all.join(dot);
        if text::width(&line) <= columns || items.pop().is_none() {
            return line;
        }
    }
}

fn help(state: &State) -> Vec<Line> {
    let places = [(Place::List, "In the list"), (Place::Task, "In a task")];
    let mut lines = Vec::new();
    for (place, title) in places {
        lines.push(Line::new());
        lines.push(Line::new().ink(Ink::Bold, title));
        for (_, all, _, what) in KEYS.iter().filter(|(places, ..)| places.contains(&place)) {
            let mut line = Line::new().plain("  ").ink(Ink::Bold, &keys::names(all));
            line.pad_to(22.min(state.columns() / 2));
            lines.push(line.plain(" ").plain(what));
        }
    }
    lines.push(Line::new());
    lines.push(Line::new().ink(Ink::Bold, "While typing"));
    for (name, what) in [
        ("Enter, Esc", "done; what was typed is kept as your draft"),
        ("Alt+Enter", "a new line"),
        ("Ctrl+Z", "undo"),
        ("Ctrl+O", "go on in $EDITOR"),
        ("Ctrl+S", "hand in"),
    ] {
        let mut line = Line::new().plain("  ").ink(Ink::Bold, name);
        line.pad_to(22.min(state.columns() / 2));
        lines.push(line.plain(" ").plain(what));
    }
    lines
}

// ---- texts

/// A line, cut into lines of so many columns: at spaces, where there are any.
pub fn wrap(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    if line.len() <= columns {
        return vec![line.to_owned()];
    }
    let mut out = Vec::new();
    let (mut start, mut used, mut space) = (0, 0, None);
    for (at, c) in line.char_indices() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns && at > start {
            let end = if c == ' ' { at } else { space.filter(|space| *space > start).unwrap_or(at) };
            out.push(line[start..end].trim_end().to_owned());
            // One space is what parts the lines.
            start = end + usize::from(line[end..].starts_with(' '));
            used = text::width(line.get(start..at).unwrap_or_default());
            space = None;
        }
        if c == ' ' && at >= start {
            // What is indented is not cut there.
            if !line[start..at].trim().is_empty() {
                space = Some(at);
            }
        }
        if at >= start {
            used += wide;
        }
    }
    if start < line.len() || out.is_empty() {
        out.push(line[start..].to_owned());
    }
    out
}

/// A text in lines of so many columns, and row and column of a byte of it. Cut at any letter, so that nothing jumps
/// while it is typed.
fn wrap_at(whole: &str, columns: usize, cursor: usize) -> (Vec<String>, (usize, usize)) {
    let columns = columns.max(2);
    let mut lines = vec![String::new()];
    let (mut used, mut place) = (0, (0, 0));
    for (at, c) in whole.char_indices().chain([(whole.len(), '\0')]) {
        let wide = if c == '\n' || c == '\0' { 0 } else { c.width().unwrap_or(0) };
        // The cursor stands on a column of its own, behind the last letter as well.
        if used + wide > columns - usize::from(c != '\n') {
            lines.push(String::new());
            used = 0;
        }
        if at == cursor {
            place = (lines.len() - 1, used);
        }
        match (c, lines.last_mut()) {
            ('\n', _) => {
                lines.push(String::new());
                used = 0;
            }
            ('\0', _) => {}
            (c, Some(line)) => {
                line.push(c);
                used += wide;
            }
            (_, None) => {}
        }
    }
    (lines, place)
}

impl Picture {
    /// As plain text, for tests and for eyes.
    pub fn text(&self, face: Face, columns: usize) -> String {
        let face = Face { color: false, ..face };
        let lines: Vec<String> =
            self.lines.iter().map(|line| line.render(columns, face).trim_end().to_owned()).collect();
        lines.join("\n")
    }
}
