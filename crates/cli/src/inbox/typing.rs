//! Typing: what goes into a field or the comment letter by letter, and what is asked for in a line.

use serde_json::Value;
use stead_core::Time;
use stead_core::limits::{COMMENT_BYTES, SUBMISSION_BYTES};
use stead_engine::tasks::Deed;

use super::bindings::Do;
use super::edit::{Edit, Typed};
use super::field::{Kind, text_of};
use super::keys::Key;
use super::model::{Ask, State, Typing, What};
use super::view;

impl State {
    /// Begins to type.
    pub(super) fn begin(&mut self, what: What) {
        let draft = self.draft();
        let Some(open) = &mut self.open else { return };
        let (text, lines, most) = match what {
            What::Comment => {
                open.focus = Some(open.comment());
                (draft.comment, true, COMMENT_BYTES)
            }
            What::Field(number) => {
                let field = &open.fields[number];
                let value = draft.form.get(&field.name);
                let lines = matches!(
                    field.schema.get("type").and_then(Value::as_str),
                    None | Some("string" | "object")
                );
                (value.map(text_of).unwrap_or_default(), lines, SUBMISSION_BYTES / 2)
            }
            What::Skip | What::Delegate => (String::new(), false, COMMENT_BYTES),
        };
        let text = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        open.typing = Some(Typing { what, edit: Edit::new(text, lines, most), joins: false });
        view::reveal(self);
    }

    pub(super) fn editor(&mut self) -> Vec<Ask> {
        if self.open.as_ref().is_none_or(|open| open.now.is_none()) {
            return Vec::new();
        }
        if self.open.as_ref().is_some_and(|open| open.typing.is_none()) {
            let field = self.open.as_ref().and_then(|open| {
                open.focus.filter(|at| open.fields.get(*at).is_some_and(|field| field.kind == Kind::Text))
            });
            self.begin(field.map_or(What::Comment, What::Field));
        }
        let typing = self.open.as_ref().and_then(|open| open.typing.as_ref());
        typing.map(|typing| Ask::Editor(typing.edit.text.clone())).into_iter().collect()
    }

    /// A text that was edited elsewhere.
    pub(super) fn typed_elsewhere(&mut self, text: String, now: Time) {
        let Some(open) = &mut self.open else { return };
        let Some(typing) = &mut open.typing else { return };
        let text = if typing.edit.lines { text } else { text.replace('\n', " ") };
        let text = text.trim_end().to_owned();
        if text.len() > typing.edit.most {
            self.say("that is too long; what was there before stands", true);
            return;
        }
        typing.edit.set(text);
        typing.joins = false;
        self.keep_typed(false, now);
        if let Some(open) = &mut self.open {
            open.typing = None;
        }
    }

    pub(super) fn typing_key(&mut self, key: &Key, now: Time) -> Vec<Ask> {
        let Some(typing) = self.open.as_mut().and_then(|open| open.typing.as_mut()) else {
            return Vec::new();
        };
        let what = typing.what;
        let for_draft = matches!(what, What::Comment | What::Field(_));
        match key {
            Key::Ctrl('c') => return vec![Ask::Leave],
            Key::Esc if !for_draft => self.end_typing(),
            Key::Enter if !for_draft => return self.prompted(what),
            Key::Esc | Key::Enter => self.end_typing(),
            Key::Tab | Key::BackTab if for_draft => {
                self.end_typing();
                return self.in_task(if *key == Key::Tab { Do::NextField } else { Do::PreviousField }, now);
            }
            Key::Ctrl('s') | Key::CtrlEnter if for_draft => {
                self.end_typing();
                return self.hand_in(now);
            }
            Key::Ctrl('s') | Key::CtrlEnter => return self.prompted(what),
            Key::Ctrl('o') if for_draft => return self.editor(),
            Key::Ctrl('l') => return vec![Ask::Redraw],
            Key::Ctrl('z') if for_draft => {
                let Some(open) = &self.open else { return Vec::new() };
                self.works.entry(open.id.clone()).or_default().undo(now);
                let text = self.text_typed_for(what);
                if let Some(typing) = self.open.as_mut().and_then(|open| open.typing.as_mut()) {
                    typing.edit.set(text);
                    typing.joins = false;
                }
            }
            key => match typing.edit.key(key) {
                Typed::Other | Typed::Nothing => typing.joins = false,
                Typed::Full => self.say("there is no room for more", true),
                Typed::More => {
                    let joins = std::mem::replace(&mut typing.joins, true);
                    self.keep_typed(joins, now);
                }
                Typed::Space => {
                    // It belongs to the word before it, and the next word is one of its own.
                    let joins = std::mem::replace(&mut typing.joins, false);
                    self.keep_typed(joins, now);
                }
                Typed::Changed => {
                    typing.joins = false;
                    self.keep_typed(false, now);
                }
            },
        }
        Vec::new()
    }

    fn end_typing(&mut self) {
        if let Some(open) = &mut self.open {
            open.typing = None;
        }
    }

    fn text_typed_for(&self, what: What) -> String {
        let draft = self.draft();
        match (what, &self.open) {
            (What::Field(at), Some(open)) => {
                draft.form.get(&open.fields[at].name).map(text_of).unwrap_or_default()
            }
            _ => draft.comment,
        }
    }

    /// What is typed goes into the draft at once.
    fn keep_typed(&mut self, joins: bool, now: Time) {
        let mut draft = self.draft();
        let Some(open) = &self.open else { return };
        let Some(typing) = &open.typing else { return };
        match typing.what {
            What::Comment => draft.comment.clone_from(&typing.edit.text),
            What::Field(at) => {
                let field = &open.fields[at];
                match field.read(&typing.edit.text) {
                    Some(value) => draft.form.insert(field.name.clone(), value),
                    None => draft.form.shift_remove(&field.name),
                };
            }
            What::Skip | What::Delegate => return,
        }
        self.edit(draft, joins, now);
    }

    fn prompted(&mut self, what: What) -> Vec<Ask> {
        let Some(open) = &mut self.open else { return Vec::new() };
        let Some(typing) = open.typing.take() else { return Vec::new() };
        let said = typing.edit.text.trim().to_owned();
        if said.is_empty() || self.acting.is_some() {
            self.say("nothing was done", false);
            return Vec::new();
        }
        let task = open.id.clone();
        self.acting = Some(task.clone());
        let deed = match what {
            What::Delegate => Deed::Delegate { to: said },
            _ => Deed::Skip { reason: said },
        };
        vec![Ask::Act(task, deed)]
    }
}
