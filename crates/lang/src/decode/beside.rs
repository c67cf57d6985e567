//! What stands beside the action of a step: `undo` and `verify`, and the ends of blocks.

use super::fields::Elsewhere;
use super::{Decoder, Fields, Role, Slot};
use crate::actions::{self, BESIDE};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys::{self, Key};
use crate::plan::{Action, Body, EffectRule, Retry, Setting, StepIx};
use crate::tree::{Entry, Node};

impl<'t> Decoder<'t, '_> {
    /// The action of `undo` or `verify`.
    pub(super) fn beside(&self, node: Node<'t>, key: &'static str, ix: StepIx) -> Option<Box<Action>> {
        let found: Vec<_> = node.entries().filter(|e| BESIDE.contains(&e.key)).collect();
        if let [first, second, ..] = found[..] {
            let message = format!("`{key}` does `{}` already, and `{}` as well", first.key, second.key);
            let problem = Diagnostic::at_key(codes::TWO_ACTIONS, second, message);
            self.push(problem.help("it does one thing; put the two into one program"));
        }
        let spec = found.first().and_then(|e| actions::find(e.key));
        let mut tables: Vec<&'static [Key]> = vec![keys::BESIDE, actions::later_beside()];
        match spec {
            Some(spec) => tables.extend([spec.table, spec.step_keys]),
            // It may be any of them, so all their keys are taken as known.
            None => {
                let built = actions::ACTIONS.iter().filter(|a| BESIDE.contains(&a.name));
                tables.extend(built.flat_map(|a| [a.table, a.step_keys]));
            }
        }
        let elsewhere = |name: &str| {
            let action = actions::find(name).is_some() || actions::is_later(name) || name == "steps";
            match (BESIDE.contains(&name), action) {
                (true, _) => Elsewhere::Said,
                (_, true) => Elsewhere::At(format!("`{key}` does one of {}", listed())),
                _ => Elsewhere::Nowhere,
            }
        };
        let fields = self.fields_but(node, &format!("`{key}`"), &tables, &[], elsewhere)?;
        let Some(spec) = spec else {
            if !fields.refused {
                let problem = Diagnostic::at_start(codes::NO_ACTION, node, format!("`{key}` does nothing"));
                self.push(problem.help(format!("it does one of {}", listed())));
            }
            return None;
        };
        let role = if key == "undo" { Role::Undo } else { Role::Verify };
        let (action, _) = self.action(spec, &fields, Slot::new(Some(ix), role).with_fixed_settings());
        self.fixed_by_defaults(node, key, &action);
        Some(Box::new(action))
    }

    /// What the document computes for all steps reaches no `undo`, which then has to say it itself.
    fn fixed_by_defaults(&self, node: Node<'t>, key: &str, action: &Action) {
        let timeout = matches!(action.timeout, Some(Setting::Computed(_)));
        for (name, computed) in [("timeout", timeout), ("retry", is_computed(&action.retry))] {
            if computed && node.get(name).is_none() {
                let message = format!("`defaults.{name}` is computed, and `{key}` cannot take that over");
                let help = format!("give `{key}` a `{name}` of its own, written out");
                self.push(Diagnostic::at_start(codes::NO_EXPRESSION, node, message).help(help));
            }
        }
    }

    /// `verify` is asked only where a step parks after a crash.
    pub(super) fn verify_is_of_once(&self, entry: Entry<'t>, body: &Body) {
        let message = match body {
            Body::Block(_) => "`verify` has no place in a group",
            Body::Action(action) if action.effect != EffectRule::Once => {
                "`verify` is never asked here: the step is just done again after a crash"
            }
            Body::Action(_) => return,
        };
        let help = match body {
            Body::Block(_) => "put it on a step of the group",
            Body::Action(_) => "say `effect: once`, or remove `verify`",
        };
        self.push(Diagnostic::at_key(codes::VERIFY_NEVER, entry, message).help(help));
    }

    /// What a step in a `finally` may not have: what could keep it from coming, and what is settled there.
    pub(super) fn at_the_end(&self, fields: &Fields<'t>, last: bool) {
        for entry in fields.node().entries() {
            if actions::NOT_IN_FINALLY.contains(&entry.key) {
                let message = format!("`{}` may not stand in `finally`", entry.key);
                let help = "an end comes by itself: no waits, no child runs, nobody to ask, and nothing is left to finish";
                self.push(Diagnostic::at_key(codes::NOT_AT_THE_END, entry, message).help(help));
            }
            let help = match entry.key {
                "undo" => "what a `finally` does is not taken back",
                "concurrency" => {
                    "an end does not wait for others: put it on the step that has the `finally`, or into the head"
                }
                "needs" if last => {
                    "the steps of a `finally` run one after the other, in the order of the text"
                }
                "on_error" if last && entry.value.raw() != Some("continue") => {
                    "a `finally` goes on behind each of its steps, as by `on_error: continue`"
                }
                _ => continue,
            };
            let message = format!("`{}` has no place in `finally`", entry.key);
            self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
        }
    }
}

fn is_computed(retry: &Retry) -> bool {
    fn of<T>(setting: &Setting<T>) -> bool {
        matches!(setting, Setting::Computed(_))
    }
    of(&retry.attempts) || of(&retry.wait) || of(&retry.factor) || of(&retry.max_wait) || of(&retry.jitter)
}

fn listed() -> String {
    BESIDE.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
