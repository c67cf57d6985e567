//! What keys do.

use serde_json::{Map, Value};
use stead_core::Time;
use stead_core::task::TaskKind;
use stead_engine::tasks::{Deed, Draft, TaskNow};

use super::bindings::{Do, Place, bound};
use super::field::{Field, Kind, whole};
use super::keys::Key;
use super::model::{Ask, State, What};
use super::view;
use crate::limits;

impl State {
    /// Takes a key.
    pub fn key(&mut self, key: &Key, now: Time) -> Vec<Ask> {
        if self.help.is_some() {
            return self.help_key(key);
        }
        if self.open.as_ref().is_some_and(|open| open.typing.is_some()) {
            let asks = self.typing_key(key, now);
            self.settle();
            return asks;
        }
        if self.types_ahead(key) {
            return Vec::new();
        }
        let place = if self.open.is_some() { Place::Task } else { Place::List };
        let Some(what) = bound(place, key) else { return Vec::new() };
        self.said = None;
        let asks = match place {
            // Nothing is decided on that was not looked at: it is opened, and the key is for it there.
            Place::List if is_for_a_task(what) => match self.task() {
                Some(task) => {
                    let asks = self.open(task);
                    self.types_ahead(key);
                    asks
                }
                None => Vec::new(),
            },
            Place::List => self.in_list(what, now),
            Place::Task => self.in_task(what, now),
        };
        self.settle();
        asks
    }

    /// Whether a key was pressed for a task that is not there yet, while it is read or the one before is handed in: it
    /// counts as soon as it is, for what is there then may be a draft. To leave counts at once.
    fn types_ahead(&mut self, key: &Key) -> bool {
        let acting = self.acting.is_some();
        let Some(open) = self.open.as_mut().filter(|open| acting || open.now.is_none()) else { return false };
        if *key == Key::Ctrl('c') || (*key == Key::Esc && open.ahead.is_empty()) {
            return false;
        }
        if open.ahead.len() < limits::KEYS_AHEAD {
            open.ahead.push(key.clone());
        }
        true
    }

    fn help_key(&mut self, key: &Key) -> Vec<Ask> {
        let top = self.help.unwrap_or_default();
        self.help = match bound(Place::List, key) {
            Some(Do::Down) => Some(top.saturating_add(1)),
            Some(Do::Up) => Some(top.saturating_sub(1)),
            Some(Do::PageDown) => Some(top.saturating_add(view::body_height(self))),
            Some(Do::PageUp) => Some(top.saturating_sub(view::body_height(self))),
            _ => None,
        };
        Vec::new()
    }

    fn in_list(&mut self, what: Do, now: Time) -> Vec<Ask> {
        let page = view::list_height(self);
        let last = self.rows.all.len().saturating_sub(1);
        let before = self.at;
        match what {
            Do::Down => self.at = (self.at + 1).min(last),
            Do::Up => self.at = self.at.saturating_sub(1),
            Do::PageDown => self.at = (self.at + page).min(last),
            Do::PageUp => self.at = self.at.saturating_sub(page),
            Do::First => self.at = 0,
            Do::Last => self.at = last,
            Do::Open => return self.task().map(|task| self.open(task)).unwrap_or_default(),
            Do::Reload => return self.reload(now),
            Do::Help => self.help = Some(0),
            Do::Leave => return vec![Ask::Leave],
            _ => {}
        }
        if self.at != before
            && let Some(row) = self.rows.all.get(before)
            && row.head.status.is_end()
        {
            // Somebody else has decided; it was said, and is left now.
            self.rows.all.remove(before);
            self.at -= usize::from(self.at > before);
        }
        self.rows.further(self.at).map(Ask::List).into_iter().collect()
    }

    fn reload(&mut self, now: Time) -> Vec<Ask> {
        self.listed_at = now;
        let mut asks = vec![Ask::Redraw];
        asks.extend(self.rows.again(self.top).map(Ask::List));
        asks.extend(self.look());
        asks
    }

    pub(super) fn in_task(&mut self, what: Do, now: Time) -> Vec<Ask> {
        let page = view::body_height(self).saturating_sub(1).max(1);
        let Some(open) = self.open.as_mut() else { return Vec::new() };
        let fields = open.comment();
        match what {
            Do::Down => open.scroll = open.scroll.saturating_add(1),
            Do::Up => open.scroll = open.scroll.saturating_sub(1),
            Do::PageDown => open.scroll = open.scroll.saturating_add(page),
            Do::PageUp => open.scroll = open.scroll.saturating_sub(page),
            Do::First => open.scroll = 0,
            Do::Last => open.scroll = usize::MAX,
            Do::NextField => {
                open.focus = Some(open.focus.map_or(0, |focus| (focus + 1).min(fields)));
                view::reveal(self);
            }
            Do::PreviousField => {
                open.focus = Some(open.focus.map_or(0, |focus| focus.saturating_sub(1)));
                view::reveal(self);
            }
            Do::Back => {
                self.open = None;
                return self.saves(now, true);
            }
            Do::NextTask | Do::PreviousTask => return self.beside(what == Do::NextTask, now),
            Do::Help => self.help = Some(0),
            Do::Leave => return vec![Ask::Leave],
            Do::Reload => return self.reload(now),
            Do::Undo | Do::Redo => {
                let work = self.works.entry(open.id.clone()).or_default();
                let done = if what == Do::Undo { work.undo(now) } else { work.redo(now) };
                if !done {
                    self.say(
                        if what == Do::Undo { "nothing is left to undo" } else { "nothing was undone" },
                        false,
                    );
                }
            }
            Do::Claim => return self.claim(),
            Do::Skip => self.begin(What::Skip),
            Do::Delegate => self.begin(What::Delegate),
            Do::Comment => self.begin(What::Comment),
            Do::Accept | Do::Reject => self.lean(what == Do::Accept, now),
            Do::Open => match open.focus {
                Some(focus) if focus < fields => self.fill_in(focus, now),
                Some(_) => self.begin(What::Comment),
                None if fields > 0 => {
                    open.focus = Some(0);
                    view::reveal(self);
                }
                None => self.begin(What::Comment),
            },
            Do::Choose(number) => self.choose(number, now),
            Do::Clear => self.clear(now),
            Do::Editor => return self.editor(),
            Do::HandIn => return self.hand_in(now),
        }
        Vec::new()
    }

    /// The task beside the open one in the list.
    fn beside(&mut self, next: bool, now: Time) -> Vec<Ask> {
        let mut asks = self.saves(now, true);
        let at = self.at;
        asks.extend(self.in_list(if next { Do::Down } else { Do::Up }, now));
        match self.rows.all.get(self.at).map(|row| row.task.clone()) {
            Some(task) if self.at != at || self.open.as_ref().is_some_and(|open| open.id != task) => {
                asks.extend(self.open(task));
            }
            _ => self.say(if next { "this is the last" } else { "this is the first" }, false),
        }
        asks
    }

    fn now(&self) -> Option<&TaskNow> {
        self.open.as_ref()?.now.as_deref()
    }

    /// What somebody is filling in.
    pub fn draft(&self) -> Draft {
        let work = self.open.as_ref().and_then(|open| self.works.get(&open.id));
        work.map(|work| work.draft.clone()).unwrap_or_default()
    }

    pub(super) fn edit(&mut self, draft: Draft, joins: bool, now: Time) {
        if let Some(open) = &self.open {
            self.works.entry(open.id.clone()).or_default().edit(draft, joins, now);
        }
    }

    fn lean(&mut self, accept: bool, now: Time) {
        if self.now().is_none_or(|now| now.head.kind != TaskKind::Gate) {
            self.say("these are questions: they are answered, not decided on", true);
            return;
        }
        self.edit(Draft { accept: Some(accept), ..self.draft() }, false, now);
        let again = "^S hands it in, m comments, u takes it back";
        self.say(&format!("{} it: {again}", if accept { "accept" } else { "reject" }), false);
        if let Some(open) = &mut self.open {
            open.scroll = usize::MAX;
        }
    }

    fn claim(&mut self) -> Vec<Ask> {
        let Some(task) = self.task().filter(|_| self.acting.is_none()) else { return Vec::new() };
        let head = self.now().map(|now| &now.head);
        let row = self.rows.at(&task).map(|at| &self.rows.all[at].head);
        let mine = head.or(row).and_then(|head| head.claimed.as_ref()).is_some_and(|(by, _)| *by == self.me);
        self.acting = Some(task.clone());
        vec![Ask::Act(task, if mine { Deed::Release } else { Deed::Claim })]
    }

    fn fill_in(&mut self, number: usize, now: Time) {
        let Some(open) = &self.open else { return };
        match &open.fields[number].kind {
            Kind::Text => self.begin(What::Field(number)),
            Kind::One(choices) => {
                // The next choice, and the first again behind the last.
                let value = self.draft().form.get(&open.fields[number].name).cloned();
                let at = value.and_then(|value| choices.iter().position(|one| *one == value));
                let next = at.map_or(0, |at| (at + 1) % choices.len().max(1));
                if choices.len() > 1 || at.is_none() {
                    self.choose(next, now);
                }
            }
            Kind::Some(_) => self.say("its numbers choose", false),
        }
    }

    fn choose(&mut self, number: usize, now: Time) {
        let draft = self.draft();
        let Some(open) = &mut self.open else { return };
        let chooses = |at: &usize| open.fields.get(*at).is_some_and(|field| field.kind != Kind::Text);
        // Where no field is looked at, or the comment: the first that is chosen from.
        let at = match open.focus {
            Some(at) if at < open.fields.len() => Some(at).filter(chooses),
            _ => (0..open.fields.len()).find(chooses),
        };
        let Some(at) = at else {
            let typed = open.focus.is_some_and(|at| at < open.fields.len());
            self.say(if typed { "Enter types into this field" } else { "there is nothing to choose" }, true);
            return;
        };
        open.focus = Some(at);
        let field = &open.fields[at];
        let Some(value) = field.choose(number, draft.form.get(&field.name)) else {
            self.say("there are not so many choices", true);
            return;
        };
        let name = field.name.clone();
        self.put(draft, &name, value, now);
        view::reveal(self);
    }

    fn put(&mut self, mut draft: Draft, name: &str, value: Option<Value>, now: Time) {
        match value {
            Some(value) => draft.form.insert(name.to_owned(), value),
            None => draft.form.shift_remove(name),
        };
        self.edit(draft, false, now);
    }

    fn clear(&mut self, now: Time) {
        let mut draft = self.draft();
        let Some(open) = &self.open else { return };
        match open.focus {
            Some(at) if at < open.fields.len() => {
                let name = open.fields[at].name.clone();
                self.put(draft, &name, None, now);
            }
            Some(_) => {
                draft.comment.clear();
                self.edit(draft, false, now);
            }
            None => {
                draft.accept = None;
                self.edit(draft, false, now);
            }
        }
    }

    pub(super) fn hand_in(&mut self, now: Time) -> Vec<Ask> {
        let Some(open) = self.open.as_ref().filter(|_| self.acting.is_none()) else { return Vec::new() };
        let Some(task) = open.now.as_deref() else {
            self.say("it is not there yet", true);
            return Vec::new();
        };
        let draft = self.draft();
        let version = Some(task.version.clone());
        let comment = draft.comment.clone();
        let deed = match (task.head.kind, draft.accept) {
            (TaskKind::Gate, None) => {
                self.say("choose first: a accepts, r rejects", true);
                return Vec::new();
            }
            (TaskKind::Gate, Some(false)) => {
                // Who rejects may leave the form alone.
                let form = (!draft.form.is_empty()).then(|| Value::Object(draft.form.clone()));
                Deed::Decide { accept: false, comment, form, version }
            }
            (kind, _) => {
                let all: Map<String, Value> = whole(&open.fields, &draft.form);
                let missing = |field: &Field| field.required && !all.contains_key(&field.name);
                let wrong =
                    |field: &Field| all.get(&field.name).is_some_and(|value| field.misfit(value).is_some());
                if let Some(at) = open.fields.iter().position(|field| missing(field) || wrong(field)) {
                    let field = &open.fields[at];
                    let why = if missing(field) { "has to be answered" } else { "does not fit" };
                    let why = format!("not handed in: `{}` {why}", field.name);
                    self.refuse_at(at, &why);
                    return Vec::new();
                }
                match kind {
                    TaskKind::Gate => {
                        let form = task.form.is_some().then_some(Value::Object(all));
                        Deed::Decide { accept: true, comment, form, version }
                    }
                    TaskKind::Questions => Deed::Answer { answers: Value::Object(all), comment, version },
                }
            }
        };
        let id = open.id.clone();
        self.acting = Some(id.clone());
        self.say("handing it in", false);
        // First what was typed: should it be refused, nothing is lost.
        let mut asks = self.saves(now, true);
        asks.push(Ask::Act(id, deed));
        asks
    }

    fn refuse_at(&mut self, at: usize, why: &str) {
        self.say(why, true);
        if let Some(open) = &mut self.open {
            open.focus = Some(at);
        }
        view::reveal(self);
    }
}

fn is_for_a_task(what: Do) -> bool {
    matches!(what, Do::Accept | Do::Reject | Do::Comment | Do::Claim | Do::Skip | Do::Delegate)
}
