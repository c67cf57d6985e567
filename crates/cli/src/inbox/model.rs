//! How the inbox stands: what is known, what is looked at, what is being typed. Pure: keys, answers and the time come
//! in, wishes go out; no terminal and no store is needed to try it.

use std::collections::HashMap;

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::task::TaskHead;
use stead_engine::tasks::{Deed, Draft, DraftNow, TaskNow, TaskRow};
use stead_platform::terminal::Size;

use super::edit::Edit;
use super::field::Field;
use super::keys::Key;
use super::rows::Rows;
use super::view;
use super::work::Work;
use crate::face::Face;
use crate::limits;
use crate::text;

/// How often what is looked at is read again, in milliseconds.
pub const AGAIN: i64 = 1_000;

/// Something wished for, to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A page of the inbox, behind a task.
    List(Option<StreamId>),
    /// A task with all that is shown.
    Show(StreamId),
    /// To keep a draft, none for none, in the place of the one with this etag.
    Save(StreamId, Option<Draft>, String),
    /// To do something about a task.
    Act(StreamId, Deed),
    /// To have a text edited by the program that somebody likes for that.
    Editor(String),
    /// To draw everything anew.
    Redraw,
    /// To leave.
    Leave,
}

/// Why something could not be: in words, and where it helps the code and what to try.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Stable code.
    pub code: String,
    /// What happened, each thing in a line.
    pub lines: Vec<String>,
}

/// Something that was done outside.
#[derive(Debug)]
pub enum Told {
    /// A page, behind a task.
    Page(Option<StreamId>, Result<Vec<TaskRow>, Trouble>),
    /// A task.
    Task(StreamId, Result<Box<TaskNow>, Trouble>),
    /// A draft was kept.
    Saved(StreamId, Result<Option<DraftNow>, Trouble>),
    /// Something was done about a task. The command that goes on with its run, where no engine does.
    Acted(StreamId, Deed, Result<(Box<TaskRow>, Option<String>), Trouble>),
    /// A text came back from the editor.
    Edited(Result<String, Trouble>),
}

/// A task that is open.
#[derive(Debug)]
pub struct Open {
    /// Which.
    pub id: StreamId,
    /// As it was read.
    pub now: Option<Box<TaskNow>>,
    /// What can be filled in.
    pub fields: Vec<Field>,
    /// What is shown: label and lines, cut to the width.
    pub shown: Vec<(String, Vec<String>)>,
    /// The field that keys are for; the one behind the last is the comment.
    pub focus: Option<usize>,
    /// The first line of it on the screen.
    pub scroll: usize,
    /// What is being typed.
    pub typing: Option<Typing>,
    /// Keys that were pressed before it was there.
    pub ahead: Vec<Key>,
    /// It is being read.
    pub asked: bool,
    /// When it was read.
    pub read_at: Time,
}

/// What is being typed.
#[derive(Debug)]
pub struct Typing {
    /// For what.
    pub what: What,
    /// The text.
    pub edit: Edit,
    /// The next letter joins the last edit.
    pub joins: bool,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A field of the form.
    Field(usize),
    /// The comment.
    Comment,
    /// Why somebody will not act.
    Skip,
    /// To whom it is given.
    Delegate,
}

/// How the inbox stands.
#[derive(Debug)]
pub struct State {
    /// What the terminal can show.
    pub face: Face,
    /// How large it is.
    pub size: Size,
    /// Whose inbox it is.
    pub me: String,
    /// Not only what is for them.
    pub everybody: bool,
    /// The list.
    pub rows: Rows,
    /// The row that is looked at.
    pub at: usize,
    /// The first row on the screen.
    pub top: usize,
    /// The task that is open.
    pub open: Option<Open>,
    /// Drafts, by task.
    pub works: HashMap<StreamId, Work>,
    /// What was said last, and whether it is bad news.
    pub said: Option<(Vec<String>, bool)>,
    /// The keys are shown.
    pub help: Option<usize>,
    /// Something is being done about this one.
    pub acting: Option<StreamId>,
    /// What time it is, as far as it was said.
    pub now: Time,
    /// When the list was read.
    pub listed_at: Time,
    /// What cannot be read for now.
    pub unread: Option<String>,
    /// Commands to go on with, for when it is left.
    pub next: Vec<String>,
}

impl State {
    /// An inbox of which nothing is known yet.
    pub fn new(me: String, everybody: bool, face: Face, size: Size) -> Self {
        Self {
            face,
            size,
            me,
            everybody,
            rows: Rows::default(),
            at: 0,
            top: 0,
            open: None,
            works: HashMap::new(),
            said: None,
            help: None,
            acting: None,
            now: 0,
            listed_at: 0,
            unread: None,
            next: Vec::new(),
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        let columns = self.columns();
        if let Some(open) = &mut self.open {
            open.wrap(columns);
        }
        self.settle();
    }

    /// Columns for text.
    pub fn columns(&self) -> usize {
        // The last column stays free: some terminals go to the next line when it is written.
        usize::from(self.size.columns).saturating_sub(1).max(1)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time) -> Vec<Ask> {
        self.now = now;
        let mut asks = self.saves(now, false);
        if now.saturating_sub(self.listed_at) >= AGAIN
            && let Some(behind) = self.rows.again(self.top)
        {
            self.listed_at = now;
            asks.push(Ask::List(behind));
        }
        // What does not stand in the part of the list that was read is looked at by itself.
        if let Some(open) = &self.open
            && self.rows.at(&open.id).is_none()
            && now.saturating_sub(open.read_at) >= 2 * AGAIN
        {
            asks.extend(self.look());
        }
        asks
    }

    /// What is to be saved: of all tasks, for one may have been left meanwhile.
    pub fn saves(&mut self, now: Time, at_once: bool) -> Vec<Ask> {
        let mut works: Vec<_> = self.works.iter_mut().collect();
        works.sort_by(|one, other| one.0.cmp(other.0));
        let save = |(task, work): (&StreamId, &mut Work)| {
            let (draft, etag) = work.save(now, at_once)?;
            Some(Ask::Save(task.clone(), draft, etag))
        };
        works.into_iter().filter_map(save).collect()
    }

    /// Whether something was typed that is not durable, or something is being done.
    pub fn is_busy(&self) -> bool {
        self.acting.is_some() || self.works.values().any(Work::is_dirty)
    }

    /// The task that keys are for.
    pub fn task(&self) -> Option<StreamId> {
        match &self.open {
            Some(open) => Some(open.id.clone()),
            None => self.rows.all.get(self.at).map(|row| row.task.clone()),
        }
    }

    /// Opens a task.
    pub fn open(&mut self, id: StreamId) -> Vec<Ask> {
        if let Some(at) = self.rows.at(&id) {
            self.at = at;
        }
        self.open = Some(Open {
            id: id.clone(),
            now: None,
            fields: Vec::new(),
            shown: Vec::new(),
            focus: None,
            scroll: 0,
            typing: None,
            ahead: Vec::new(),
            asked: true,
            read_at: 0,
        });
        vec![Ask::Show(id)]
    }

    /// Reads the open task again.
    pub fn look(&mut self) -> Option<Ask> {
        let open = self.open.as_mut().filter(|open| !open.asked)?;
        open.asked = true;
        Some(Ask::Show(open.id.clone()))
    }

    /// Says something in the last line.
    pub fn say(&mut self, what: &str, bad: bool) {
        self.said = Some((vec![what.to_owned()], bad));
    }

    /// Says why something could not be.
    pub fn say_trouble(&mut self, trouble: Trouble) {
        self.said = Some((trouble.lines, true));
    }

    /// Keeps what is looked at on the screen.
    pub fn settle(&mut self) {
        self.at = self.at.min(self.rows.all.len().saturating_sub(1));
        let height = view::list_height(self);
        if self.at < self.top {
            self.top = self.at;
        }
        if self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(self.rows.all.len().saturating_sub(height));
        view::settle(self);
    }
}

impl Open {
    pub(super) fn is_as(&self, head: &Option<TaskHead>) -> bool {
        self.now.as_ref().is_none_or(|now| Some(&now.head) == head.as_ref())
    }

    pub(super) fn take(&mut self, now: Box<TaskNow>, columns: usize) {
        // What is shown never changes: only how the task stands.
        let first = self.now.is_none();
        self.fields = Field::all(now.form.as_ref(), now.questions.as_ref());
        self.now = Some(now);
        if first {
            self.wrap(columns);
        }
    }

    fn wrap(&mut self, columns: usize) {
        let Some(now) = &self.now else { return };
        let lines = |value: &serde_json::Value| {
            let whole = crate::commands::tasks::show::shown(value);
            let mut lines = Vec::new();
            for line in whole.lines() {
                let line: String = line.chars().take(limits::SHOWN_COLUMNS).collect();
                lines
                    .extend(view::wrap(&text::clean(&line.replace('\t', "    ")), columns.saturating_sub(2)));
                if lines.len() > limits::SHOWN_LINES {
                    lines.truncate(limits::SHOWN_LINES);
                    lines.push(format!(
                        "({} lines; all of it: stead inbox {})",
                        whole.lines().count(),
                        now.task
                    ));
                    break;
                }
            }
            lines
        };
        self.shown = now.shown.iter().map(|(label, value)| (label.clone(), lines(value))).collect();
    }

    /// Number of the comment among what can be focused.
    pub fn comment(&self) -> usize {
        self.fields.len()
    }
}
