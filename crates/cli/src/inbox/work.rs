//! What somebody is filling in: their draft of one task, with all that it was before in this session.

use stead_core::Time;
use stead_engine::tasks::{Draft, DraftNow};

/// How long an edit may wait to be saved, so that a word is saved once and not letter by letter, in milliseconds.
pub const PAUSE: i64 = 400;

/// A draft that is being worked on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    /// As it is now.
    pub draft: Draft,
    undo: Vec<Draft>,
    redo: Vec<Draft>,
    /// The etag of what is saved; empty where nothing is.
    pub etag: String,
    /// When it was saved last.
    pub saved_at: Option<Time>,
    /// Since when it differs from what is saved.
    dirty: Option<Time>,
    /// What is being saved.
    saving: Option<Draft>,
    /// Why it cannot be saved; it is tried again with the next edit.
    pub trouble: Option<String>,
}

impl Work {
    /// Changes it. What joins the edit before is undone with it.
    pub fn edit(&mut self, draft: Draft, joins: bool, now: Time) {
        if draft == self.draft {
            return;
        }
        let before = std::mem::replace(&mut self.draft, draft);
        if !joins || self.undo.is_empty() {
            self.undo.push(before);
        }
        self.redo.clear();
        self.touch(now);
    }

    /// Takes an edit back; whether there was one.
    pub fn undo(&mut self, now: Time) -> bool {
        let Some(before) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.draft, before));
        self.touch(now);
        true
    }

    /// Makes it again.
    pub fn redo(&mut self, now: Time) -> bool {
        let Some(after) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.draft, after));
        self.touch(now);
        true
    }

    fn touch(&mut self, now: Time) {
        self.trouble = None;
        self.dirty.get_or_insert(now);
    }

    /// Whether something is not saved yet.
    pub fn is_dirty(&self) -> bool {
        self.dirty.is_some() || self.saving.is_some()
    }

    /// What is to be saved now, if anything: the draft, none where it is empty, and what it takes the place of.
    /// `at_once` does not wait for a pause.
    pub fn save(&mut self, now: Time, at_once: bool) -> Option<(Option<Draft>, String)> {
        let since = self.dirty?;
        if self.saving.is_some() || (!at_once && now.saturating_sub(since) < PAUSE) {
            return None;
        }
        self.dirty = None;
        self.saving = Some(self.draft.clone());
        let draft = (self.draft != Draft::default()).then(|| self.draft.clone());
        Some((draft, self.etag.clone()))
    }

    /// It is durable.
    pub fn saved(&mut self, kept: Option<&DraftNow>, now: Time) {
        self.saving = None;
        self.etag = kept.map(|kept| kept.etag.clone()).unwrap_or_default();
        self.saved_at = Some(kept.map_or(now, |kept| kept.saved_at));
        self.trouble = None;
    }

    /// It was not saved. Another window of the same person may have saved something: `changed`.
    pub fn not_saved(&mut self, why: String, changed: bool, now: Time) {
        self.saving = None;
        match changed {
            true => self.touch(now),
            false => self.trouble = Some(why),
        }
    }

    /// What is kept by now. Where that is something else than was saved from here, it was saved elsewhere: what is being
    /// typed here stands, and an undo goes back to the other. Says whether that is so.
    pub fn kept(&mut self, kept: Option<&DraftNow>) -> bool {
        let etag = kept.map(|kept| kept.etag.clone()).unwrap_or_default();
        if self.saving.is_some() || etag == self.etag {
            return false;
        }
        let other = kept.map(|kept| kept.draft.clone()).unwrap_or_default();
        let first = self.etag.is_empty() && self.undo.is_empty() && self.dirty.is_none();
        (self.etag, self.saved_at) = (etag, kept.map(|kept| kept.saved_at));
        if first {
            self.draft = other;
            return false;
        }
        if other == self.draft {
            return false;
        }
        match self.dirty {
            Some(_) => self.undo.push(other),
            None => {
                let before = std::mem::replace(&mut self.draft, other);
                self.undo.push(before);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> Draft {
        Draft { comment: text.to_owned(), ..Draft::default() }
    }

    fn kept(text: &str) -> DraftNow {
        DraftNow { draft: says(text), etag: format!("of {text}"), saved_at: 5 }
    }

    #[test]
    fn edits_are_undone_word_by_word_and_made_again() {
        let mut work = Work::default();
        for (text, joins) in [("o", false), ("on", true), ("on ", false), ("on t", true)] {
            work.edit(says(text), joins, 0);
        }
        let mut seen = Vec::new();
        while work.undo(1) {
            seen.push(work.draft.comment.clone());
        }
        assert_eq!(seen, ["on", ""]);
        assert!(work.redo(2) && work.redo(2) && !work.redo(2));
        assert_eq!(work.draft, says("on t"));
        work.undo(3);
        work.edit(says("x"), false, 3);
        assert!(!work.redo(4), "another edit was made");
    }

    #[test]
    fn an_edit_is_saved_within_a_second_and_once() {
        let mut work = Work::default();
        assert_eq!(work.save(0, true), None);
        work.edit(says("a"), false, 0);
        assert_eq!(work.save(PAUSE - 1, false), None);
        // Whoever goes on typing does not put it off.
        work.edit(says("ab"), true, PAUSE - 1);
        assert_eq!(work.save(PAUSE, false), Some((Some(says("ab")), String::new())));
        work.edit(says("abc"), true, PAUSE);
        assert_eq!(work.save(9_999, false), None, "one at a time");
        work.saved(Some(&kept("ab")), 9_999);
        assert!(work.is_dirty());
        assert_eq!(work.save(9_999, false), Some((Some(says("abc")), "of ab".into())));
        work.saved(Some(&kept("abc")), 9_999);
        assert!(!work.is_dirty());
        // What is empty again is no draft.
        work.edit(Draft::default(), false, 0);
        assert_eq!(work.save(0, true), Some((None, "of abc".into())));
    }

    #[test]
    fn what_another_window_has_saved_is_not_lost() {
        let mut work = Work::default();
        assert!(!work.kept(Some(&kept("before"))));
        assert_eq!(work.draft, says("before"));
        // Nothing is typed here: the other one is taken.
        assert!(work.kept(Some(&kept("other"))));
        assert_eq!(work.draft, says("other"));
        work.undo(0);
        assert_eq!(work.draft, says("before"));
        // While something is typed here.
        work.edit(says("mine"), false, 0);
        work.save(0, true);
        work.not_saved("changed".into(), true, 0);
        assert!(work.kept(Some(&kept("third"))));
        assert_eq!(work.draft, says("mine"));
        assert_eq!(work.save(0, true), Some((Some(says("mine")), "of third".into())));
        work.undo(0);
        assert_eq!(work.draft, says("third"));
    }

    #[test]
    fn what_could_not_be_saved_is_tried_again_with_the_next_edit() {
        let mut work = Work::default();
        work.edit(says("a"), false, 0);
        work.save(0, true);
        work.not_saved("the disk is full".into(), false, 1);
        assert_eq!(work.trouble.as_deref(), Some("the disk is full"));
        assert_eq!(work.save(9, true), None);
        work.edit(says("ab"), true, 9);
        assert!(work.trouble.is_none() && work.save(9, true).is_some());
    }
}
