//! `triggers` of the head: what starts runs.

use serde_json::json;

use super::{Decoder, Fields, Naming, Role, Slot, Wants};
use crate::codes;
use crate::cron::{Cron, Zone};
use crate::diagnostic::{Diagnostic, nearest};
use crate::duration::parse_duration;
use crate::inputs;
use crate::keys;
use crate::limits;
use crate::plan::{HookFormat, Input, Missed, Overlap, Trigger, TriggerOn};
use crate::template::Template;
use crate::tree::{Node, Shape};

/// The zone of a trigger that names none.
const UTC: &str = "UTC";

/// Keys that belong to times, and those that belong to webhooks.
const OF_TIMES: [&str; 5] = ["name", "tz", "overlap", "missed", "jitter"];
const OF_HOOKS: [&str; 2] = ["secret", "format"];

impl<'t> Decoder<'t, '_> {
    /// All triggers of a workflow with these inputs.
    pub(super) fn triggers(&self, node: Node<'t>, workflow: &str, inputs: &[Input]) -> Vec<Trigger> {
        let Some(items) = self.list(node, "`triggers` is a list of what starts runs") else {
            return Vec::new();
        };
        if items.len() > limits::TRIGGERS {
            let message = format!("there are {} triggers", items.len());
            let help = format!("at most {} are read", limits::TRIGGERS);
            self.push(Diagnostic::at_start(codes::TOO_MANY, node, message).help(help));
            return Vec::new();
        }
        let mut triggers: Vec<Trigger> = Vec::new();
        for (at, item) in items.enumerate() {
            let Some(trigger) = self.trigger(item, workflow, inputs) else { continue };
            let name = trigger.called(workflow, at);
            if triggers.iter().zip(0..).any(|(other, at)| other.called(workflow, at) == name) {
                let problem =
                    Diagnostic::at_start(codes::DOUBLED, item, format!("another trigger is named `{name}`"));
                self.push(problem.help("give one of them a `name` of its own"));
            }
            triggers.push(trigger);
        }
        triggers
    }

    fn trigger(&self, node: Node<'t>, workflow: &str, declared: &[Input]) -> Option<Trigger> {
        let fields = self.fields(node, "a trigger", &[keys::TRIGGER])?;
        let (cron, hook) = (fields.get("cron"), fields.get("webhook"));
        let by_hook = hook.is_some() && cron.is_none();
        match (cron, hook) {
            (Some(_), Some(hook)) => {
                let message = "a trigger has `cron` or `webhook`, not both";
                let problem = Diagnostic::at_start(codes::NOT_ONE, hook, message);
                self.push(problem.help("make two triggers of it"));
            }
            (None, None) if !fields.refused => {
                let message = "a trigger does not say what starts a run";
                let problem = Diagnostic::at_start(codes::NOT_ONE, node, message);
                self.push(problem.help("give it `cron: \"0 2 * * *\"` or `webhook: NAME`"));
            }
            (Some(_), None) => self.not_of(&fields, &OF_HOOKS, "webhook"),
            (None, Some(_)) => self.not_of(&fields, &OF_TIMES, "cron"),
            (None, None) => {}
        }
        let name = fields.get("name").and_then(|n| self.name(n, "a trigger", Naming::Kebab));
        let time = self.time(&fields, cron);
        let hook = hook.and_then(|node| {
            let name = self.name(node, "a webhook", Naming::Kebab)?.to_owned();
            let secret = self.secret_of(&fields, node)?;
            let format = fields.get("format").map(|n| self.word(n, "`format`", keys::FORMATS));
            let format = match format {
                None | Some(Some("standard")) => HookFormat::Standard,
                Some(Some(_)) => HookFormat::Github,
                Some(None) => return None,
            };
            Some(TriggerOn::Hook { name, secret, format })
        });
        let slot = Slot::new(None, if by_hook { Role::Hook } else { Role::Times });
        let inputs = self.trigger_inputs(fields.get("inputs"), node, workflow, declared, slot);
        let on = if by_hook { hook } else { time };
        Some(Trigger { name: name.map(str::to_owned), on: on?, inputs: inputs? })
    }

    fn not_of(&self, fields: &Fields<'t>, others: &[&str], of: &str) {
        for entry in fields.node().entries().filter(|entry| others.contains(&entry.key)) {
            let message = format!("`{}` has no place here", entry.key);
            let problem = Diagnostic::at_key(codes::MISPLACED_KEY, entry, message);
            self.push(problem.help(format!("it belongs to a trigger with `{of}`")));
        }
    }

    fn time(&self, fields: &Fields<'t>, cron: Option<Node<'t>>) -> Option<TriggerOn> {
        let rule = cron.and_then(|node| {
            let text = self.text(node, "a rule of times")?;
            match Cron::parse(text) {
                Ok(rule) => Some(rule),
                Err(error) => {
                    let problem = Diagnostic::at(codes::BAD_CRON, node, error.message);
                    self.push(Diagnostic { help: error.help, ..problem });
                    None
                }
            }
        });
        let zone = match fields.get("tz") {
            None => Some(UTC.to_owned()),
            Some(node) => self.text(node, "a time zone").and_then(|name| match Zone::named(name) {
                Ok(zone) => Some(zone.name().to_owned()),
                Err(error) => {
                    let problem = Diagnostic::at(codes::UNKNOWN_ZONE, node, error.to_string());
                    self.push(match error.nearest {
                        Some(near) => problem.nearest(near),
                        None => problem.help("name one as the IANA database does, such as `Europe/Berlin`"),
                    });
                    None
                }
            }),
        };
        let overlap = match fields.get("overlap").map(|n| self.word(n, "`overlap`", keys::OVERLAP)) {
            None | Some(Some("skip")) => Some(Overlap::Skip),
            Some(Some("queue")) => Some(Overlap::Queue),
            Some(word) => word.map(|_| Overlap::Cancel),
        };
        let missed = match fields.get("missed").map(|n| self.word(n, "`missed`", keys::MISSED)) {
            None | Some(Some("latest")) => Some(Missed::Latest),
            Some(Some("none")) => Some(Missed::None),
            Some(word) => word.map(|_| Missed::All),
        };
        let jitter = fields.get("jitter").map_or(Some(0), |node| self.jitter(node));
        let cron = rule?.text().to_owned();
        Some(TriggerOn::Time { cron, zone: zone?, overlap: overlap?, missed: missed?, jitter: jitter? })
    }

    fn jitter(&self, node: Node<'t>) -> Option<u64> {
        let text = self.text(node, "a length of time")?;
        match parse_duration(text) {
            Ok(millis) if millis <= limits::JITTER_MILLIS => Some(millis),
            Ok(_) => {
                self.problem(codes::OUT_OF_RANGE, node, "runs are spread over a day at most".to_owned());
                None
            }
            Err(error) => {
                self.push(Diagnostic::at(codes::BAD_DURATION, node, error.message));
                None
            }
        }
    }

    fn secret_of(&self, fields: &Fields<'t>, hook: Node<'t>) -> Option<String> {
        let Some(node) = fields.get("secret") else {
            let message = "a webhook needs `secret`: who sends is known by it";
            let problem = Diagnostic::at_start(codes::MISSING_KEY, hook, message);
            self.push(problem.help("name a secret of the home: `secret: HOOK_SECRET`"));
            return None;
        };
        self.name(node, "a secret", Naming::Environment).map(str::to_owned)
    }

    /// What runs are given: held against what the workflow declares.
    fn trigger_inputs(
        &self,
        given: Option<Node<'t>>,
        trigger: Node<'t>,
        workflow: &str,
        declared: &[Input],
        slot: Slot,
    ) -> Option<Template> {
        if given.is_some_and(|node| node.shape() != Shape::Map) {
            self.wrong_type(given?, "`inputs` is a map of values");
            return None;
        }
        let (mut inputs, mut whole) = (Vec::new(), true);
        for entry in given.into_iter().flat_map(|node| node.entries()) {
            let input = declared.iter().find(|input| input.name == entry.key);
            if input.is_none() {
                let message = format!("`{workflow}` has no input `{}`", entry.key);
                let problem = Diagnostic::at_key(codes::TRIGGER_INPUT, entry, message);
                let names = declared.iter().map(|input| input.name.as_str());
                self.push(match nearest(entry.key, names) {
                    Some(near) => problem.nearest(near),
                    None => problem.help("a trigger gives what `inputs` of the workflow declares"),
                });
            }
            let computed = self.template(entry.value, slot, Wants::Any);
            let value = match (computed, input) {
                // What is written for a text stays what was written.
                (Some(Template::Literal(read)), Some(input)) => {
                    let escaped = entry.value.raw().is_some_and(|text| text.contains("${{"));
                    let value = if escaped { Some(read) } else { self.typed(entry.value, input.kind) };
                    if let Some(why) = value.as_ref().and_then(|value| inputs::misfit(input, value)) {
                        let message = format!("the input `{}` does not fit: {why}", entry.key);
                        self.problem(codes::TRIGGER_INPUT, entry.value, message);
                    }
                    value.map(Template::Literal)
                }
                (computed, _) => computed,
            };
            match value {
                Some(value) => inputs.push((entry.key.to_owned(), value)),
                None => whole = false,
            }
        }
        for input in declared.iter().filter(|input| input.default.is_none()) {
            if given.is_some_and(|given| given.entry(&input.name).is_some()) {
                continue;
            }
            let message =
                format!("`{workflow}` needs the input `{}`, and nobody is there to give it", input.name);
            let problem = Diagnostic::at_start(codes::TRIGGER_INPUT, given.unwrap_or(trigger), message);
            self.push(problem.help("give it under `inputs` of the trigger, or give the input a default"));
        }
        let template = if inputs.is_empty() { Template::Literal(json!({})) } else { Template::map(inputs) };
        whole.then_some(template)
    }
}
