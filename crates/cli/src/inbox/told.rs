//! What becomes of what was done outside.

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::task::{TaskHead, TaskKind};
use stead_engine::tasks::{Deed, DraftNow, TaskNow, TaskRow};

use super::bindings::{Do, Place, bound};
use super::field::Field;
use super::model::{Ask, State, Told, Trouble};
use super::view;
use crate::commands::tasks::show::stands;
use crate::text;

impl State {
    /// Something was done outside.
    pub fn told(&mut self, told: Told, now: Time) -> Vec<Ask> {
        match told {
            Told::Page(behind, page) => self.page(behind.as_ref(), page),
            Told::Task(id, task) => self.shown(&id, task, now),
            Told::Saved(id, kept) => self.saved(&id, kept, now),
            Told::Acted(id, deed, done) => self.acted(&id, &deed, done, now),
            Told::Edited(text) => {
                match text {
                    Ok(text) => self.typed_elsewhere(text, now),
                    Err(trouble) => self.say_trouble(trouble),
                }
                vec![Ask::Redraw]
            }
        }
    }

    fn page(&mut self, behind: Option<&StreamId>, page: Result<Vec<TaskRow>, Trouble>) -> Vec<Ask> {
        let page = match page {
            Ok(page) => page,
            Err(trouble) => {
                self.rows.failed();
                self.unread = trouble.lines.into_iter().next();
                return Vec::new();
            }
        };
        self.unread = None;
        let selected = self.rows.all.get(self.at).map(|row| row.task.clone());
        let before = self.open.as_ref().and_then(|open| self.head_of(&open.id));
        let stay: Vec<StreamId> = selected.clone().into_iter().chain(self.open_id()).collect();
        let gone = self.rows.read(behind, page, &stay);
        if let Some(at) = selected.and_then(|task| self.rows.at(&task)) {
            self.at = at;
        }
        self.settle();
        let mut asks: Vec<Ask> = Vec::new();
        let open_gone = self.open_id().is_some_and(|open| gone.contains(&open));
        for task in gone {
            // How it ended is told by the task itself; once is enough.
            let known = self.rows.at(&task).is_some_and(|at| self.rows.all[at].head.status.is_end());
            if !known && self.open_id().as_ref() != Some(&task) {
                asks.push(Ask::Show(task));
            }
        }
        let after = self.open.as_ref().and_then(|open| self.head_of(&open.id));
        let ended =
            self.open.as_ref().and_then(|open| open.now.as_ref()).is_some_and(|now| now.head.status.is_end());
        let stays =
            after == before && after.is_some() && self.open.as_ref().is_none_or(|open| open.is_as(&after));
        if (open_gone || !stays) && !ended {
            asks.extend(self.look());
        }
        asks.extend(self.rows.further(self.at).map(Ask::List));
        asks
    }

    fn open_id(&self) -> Option<StreamId> {
        self.open.as_ref().map(|open| open.id.clone())
    }

    fn head_of(&self, task: &StreamId) -> Option<TaskHead> {
        self.rows.at(task).map(|at| self.rows.all[at].head.clone())
    }

    fn shown(&mut self, id: &StreamId, task: Result<Box<TaskNow>, Trouble>, now: Time) -> Vec<Ask> {
        let columns = self.columns();
        if let Ok(task) = &task
            && let Some(at) = self.rows.at(id)
        {
            // A row that has gone from the inbox stays as it ended, as long as it is looked at.
            self.rows.all[at].head = task.head.clone();
        }
        let Some(open) = self.open.as_mut().filter(|open| open.id == *id) else { return Vec::new() };
        (open.asked, open.read_at) = (false, now);
        match task {
            Ok(task) => {
                let work = self.works.entry(id.clone()).or_default();
                // Of one's own that was handed in nothing is kept any more, and that is no news.
                let handed_in = task.said.iter().any(|one| one.by == self.me);
                let changed = !handed_in && work.kept(task.draft.as_ref());
                let first = open.now.is_none();
                let news = news(open.now.as_deref(), &task, &self.me, now);
                open.take(task, columns);
                if first {
                    open.focus = open.now.as_ref().filter(|now| now.questions.is_some()).map(|_| 0);
                }
                if let Some(news) = news {
                    self.say(&news, true);
                }
                if changed {
                    self.say("your draft was changed in another window; u goes back and forth", true);
                }
                let mut asks = self.saves(now, false);
                self.settle();
                asks.extend(self.catch_up(now));
                return asks;
            }
            Err(trouble) => {
                // They were for something that is not there.
                open.ahead.clear();
                self.say_trouble(trouble);
            }
        }
        self.settle();
        self.saves(now, false)
    }

    /// Takes the keys that were pressed before the task was there. A gate that was not on the screen yet is not decided on
    /// by them.
    fn catch_up(&mut self, now: Time) -> Vec<Ask> {
        let mut asks = Vec::new();
        while self.acting.is_none()
            && let Some(open) = self.open.as_mut().filter(|open| open.now.is_some() && !open.ahead.is_empty())
        {
            let key = open.ahead.remove(0);
            let gate = open.now.as_ref().is_some_and(|now| now.head.kind == TaskKind::Gate);
            if gate && bound(Place::Task, &key) == Some(Do::HandIn) {
                open.ahead.clear();
                self.say("it was not on the screen yet: look at it, then hand it in", true);
                break;
            }
            asks.extend(self.key(&key, now));
        }
        asks
    }

    fn saved(&mut self, id: &StreamId, kept: Result<Option<DraftNow>, Trouble>, now: Time) -> Vec<Ask> {
        let Some(work) = self.works.get_mut(id) else { return Vec::new() };
        match kept {
            Ok(kept) => {
                work.saved(kept.as_ref(), now);
                if let Some(at) = self.rows.at(id) {
                    self.rows.all[at].draft_at = kept.map(|kept| kept.saved_at);
                }
                Vec::new()
            }
            Err(trouble) => {
                let changed = trouble.code == "S0901";
                work.not_saved(trouble.lines.join("; "), changed, now);
                if changed && self.open_id().as_ref() == Some(id) {
                    return self.look().into_iter().collect();
                }
                Vec::new()
            }
        }
    }

    fn acted(
        &mut self,
        id: &StreamId,
        deed: &Deed,
        done: Result<(Box<TaskRow>, Option<String>), Trouble>,
        now: Time,
    ) -> Vec<Ask> {
        self.acting = None;
        let is_open = self.open_id().as_ref() == Some(id);
        let (row, next) = match done {
            Ok(done) => done,
            Err(trouble) => {
                // What the form says against a field is to be seen there.
                let said = trouble.lines.join(" ");
                let named = |field: &Field| {
                    ["\"", "`"].iter().any(|q| said.contains(&format!("{q}{}{q}", field.name)))
                };
                let at = self.open.as_ref().filter(|_| is_open && trouble.code == "R0207");
                let at = at.and_then(|open| open.fields.iter().position(named));
                self.say_trouble(trouble);
                // What was pressed since was for the next one.
                if let Some(open) = &mut self.open {
                    open.ahead.clear();
                }
                if let (Some(at), Some(open)) = (at, &mut self.open) {
                    open.focus = Some(at);
                    view::reveal(self);
                }
                return if is_open { self.look().into_iter().collect() } else { self.reread(now) };
            }
        };
        let goes = !matches!(deed, Deed::Claim | Deed::Release);
        let mut said = vec![format!("{}: {}", text::clean(&row.head.title), told(deed, &row))];
        if let Some(next) = next {
            said.push(format!("no engine runs; this goes on with it: {next}"));
            if !self.next.contains(&next) {
                self.next.push(next);
            }
        }
        self.said = Some((said, false));
        let mut asks = Vec::new();
        if goes {
            if matches!(deed, Deed::Decide { .. } | Deed::Answer { .. }) {
                self.works.remove(id);
            }
            let at = self.rows.at(id);
            if let Some(at) = at {
                self.rows.all.remove(at);
            }
            if is_open {
                let ahead = self.open.take().map(|open| open.ahead).unwrap_or_default();
                // The next one, which has moved up to its place.
                let next = at.and_then(|at| self.rows.all.get(at)).map(|row| row.task.clone());
                if let Some(next) = next {
                    asks.extend(self.open(next));
                    if let Some(open) = &mut self.open {
                        open.ahead = ahead;
                    }
                }
            }
            self.settle();
        } else {
            if let Some(at) = self.rows.at(id) {
                self.rows.all[at].head = row.head;
            }
            if is_open {
                asks.extend(self.look());
            }
        }
        asks.extend(self.reread(now));
        asks
    }

    fn reread(&mut self, now: Time) -> Vec<Ask> {
        self.listed_at = now;
        self.rows.again(self.top).map(Ask::List).into_iter().collect()
    }
}

/// What has become of a task while somebody looks at it, and did not do it themselves: what is scrolled away or typed over
/// is not seen.
fn news(before: Option<&TaskNow>, task: &TaskNow, me: &str, now: Time) -> Option<String> {
    let (before, head) = (&before?.head, &task.head);
    if head.status.is_end() && !before.status.is_end() {
        return Some(format!("this is over: already {}; what you typed is kept", stands(head, now)));
    }
    let (by, _) =
        head.claimed.as_ref().filter(|(by, _)| before.claimed.as_ref().map(|(by, _)| by) != Some(by))?;
    (by != me).then(|| format!("{by} works on it now; what you typed is kept"))
}

/// What was done, in words.
fn told(deed: &Deed, row: &TaskRow) -> String {
    let part = row.head.part;
    match deed {
        Deed::Decide { accept, .. } => {
            let word = if *accept { "accepted" } else { "rejected" };
            match row.head.status.is_end() {
                false => format!("{word}; {} of {} accepted so far", part.accepts, part.quorum),
                true => word.to_owned(),
            }
        }
        Deed::Answer { .. } => "answered".to_owned(),
        Deed::Claim => "you work on it now, others leave it alone".to_owned(),
        Deed::Release => "given back".to_owned(),
        Deed::Skip { .. } => "left to others".to_owned(),
        Deed::Delegate { to } => format!("given to {}", text::clean(to)),
    }
}
