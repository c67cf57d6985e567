//! `concurrency`: how many at once of all runs or steps with an equal key.

use serde_json::Value;

use super::{Decoder, Slot};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys::{self, Key};
use crate::limits;
use crate::plan::{Concurrency, OnFull, Setting};
use crate::template::Template;
use crate::tree::Node;

impl<'t> Decoder<'t, '_> {
    /// That of the head: its key is by default the name of the workflow.
    pub(super) fn concurrency_of_runs(
        &self,
        node: Node<'t>,
        workflow: &str,
        slot: Slot,
    ) -> Option<Concurrency> {
        self.concurrency(node, &[keys::CONCURRENCY], Some(workflow), slot)
    }

    /// That of a step.
    pub(super) fn concurrency_of_steps(&self, node: Node<'t>, slot: Slot) -> Option<Concurrency> {
        self.concurrency(node, &[keys::STEP_CONCURRENCY], None, slot)
    }

    fn concurrency(
        &self,
        node: Node<'t>,
        tables: &[&'static [Key]],
        default: Option<&str>,
        slot: Slot,
    ) -> Option<Concurrency> {
        let fields = self.fields(node, "`concurrency`", tables)?;
        let key = match fields.get("key") {
            Some(node) => self.key_of_places(node, slot),
            None => default.map(|name| Template::Literal(Value::String(name.to_owned()))),
        };
        let max = match fields.get("max") {
            Some(node) => self.integer(node, "`max`", (1, limits::PLACES), slot),
            None => Some(Setting::Fixed(1)),
        };
        let on_full = match fields.get("on_full").and_then(|n| self.word(n, "`on_full`", keys::ON_FULL)) {
            Some("cancel_old") => OnFull::CancelOld,
            Some("refuse") => OnFull::Refuse,
            _ => OnFull::Queue,
        };
        Some(Concurrency { key: key?, max: max?, on_full })
    }

    fn key_of_places(&self, node: Node<'t>, slot: Slot) -> Option<Template> {
        let key = self.text_template(node, "a key", slot)?;
        if let Template::Literal(Value::String(text)) = &key {
            let help = format!("a key has 1 to {} bytes", limits::PLACE_KEY_BYTES);
            if text.is_empty() {
                self.push(Diagnostic::at(codes::EMPTY_VALUE, node, "the key is empty").help(help));
                return None;
            }
            if text.len() > limits::PLACE_KEY_BYTES {
                let message = format!("the key has {} bytes", text.len());
                self.push(Diagnostic::at(codes::TOO_MANY, node, message).help(help));
                return None;
            }
        }
        Some(key)
    }
}
