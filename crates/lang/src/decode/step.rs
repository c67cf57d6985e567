//! A step: what it is called, when it runs, what it does.

use super::fields::Elsewhere;
use super::{Decoder, Fields, Naming, Output, Role, Slot};
use crate::actions::{self, Action as ActionSpec};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys::{self, Key};
use crate::limits;
use crate::plan::{Action, ActionKind, Block, Body, Each, EffectRule, OnError, Retry, Setting, Step, StepIx};
use crate::template::Template;
use crate::tree::{Node, Shape};

/// Where a step stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    /// The step whose block it stands in.
    pub(crate) parent: Option<StepIx>,
    /// The path of that step.
    path: &'p str,
    /// How many groups are around it.
    depth: usize,
    /// Whether it stands in a `finally`, at any depth.
    ending: bool,
    /// Whether it is an entry of a `finally` itself.
    last: bool,
    /// Whether it is a state of a machine.
    state: bool,
}

impl Place<'_> {
    pub(crate) fn outermost() -> Self {
        Place { parent: None, path: "", depth: 0, ending: false, last: false, state: false }
    }

    /// The `finally` of the same block.
    pub(crate) fn at_the_end(self) -> Self {
        Place { ending: true, last: true, state: false, ..self }
    }

    /// The states of the same block.
    pub(crate) fn as_a_state(self) -> Self {
        Place { state: true, last: false, ..self }
    }
}

/// What a step is until it is decoded, and stays where it cannot be.
pub(crate) fn blank(parent: Option<StepIx>) -> Step {
    Step {
        id: String::new(),
        name: None,
        path: String::new(),
        parent,
        needs: Vec::new(),
        needed_by: Vec::new(),
        condition: None,
        reads: Vec::new(),
        each: None,
        on_error: OnError::Stop,
        next: Vec::new(),
        undo: None,
        verify: None,
        finally: false,
        deadline: None,
        budget: None,
        concurrency: None,
        body: Body::Action(blank_action()),
        produces: None,
        instances_read: false,
    }
}

fn blank_action() -> Action {
    Action {
        name: "set",
        kind: ActionKind::Set(Template::Literal(serde_json::Value::Null)),
        retry: super::each::retry_default(),
        timeout: None,
        effect: EffectRule::Idempotent,
    }
}

/// What the action of a step is decoded to.
pub(crate) struct Done {
    pub(crate) kind: ActionKind,
    pub(crate) output: Output,
}

/// An action as its module decodes it.
pub(crate) struct ActionAt<'f, 't> {
    /// The keys of the step.
    pub(crate) fields: &'f Fields<'t>,
    /// The value of the action's own key.
    pub(crate) value: Node<'t>,
    /// Where its values stand.
    pub(crate) slot: Slot,
}

/// What a step turned out to do.
enum What {
    Group,
    Action(&'static ActionSpec),
    /// Something this version does not have, or nothing that can be told.
    Unknown,
}

impl<'t> Decoder<'t, '_> {
    pub(crate) fn step(&self, node: Node<'t>, ix: StepIx, place: Place<'_>) -> Step {
        let mut step = blank(place.parent);
        step.finally = place.last;
        if node.shape() != Shape::Map {
            self.wrong_type(node, "a step is a map");
            return step;
        }
        let what = self.what(node);
        let mut tables: Vec<&'static [Key]> = vec![keys::STEP];
        match &what {
            What::Group => tables.push(keys::GROUP),
            What::Action(action) => tables.extend([action.table, action.step_keys]),
            What::Unknown => {
                // It may be any of them, so all their keys are taken as known.
                tables.extend([actions::LATER_KEYS, keys::GROUP]);
                tables.extend(actions::ACTIONS.iter().flat_map(|a| [a.table, a.step_keys]));
            }
        }
        let unknown = matches!(what, What::Unknown);
        let said = match &what {
            What::Group => "a group".to_owned(),
            What::Action(action) => format!("a step that does `{}`", action.name),
            What::Unknown => "a step".to_owned(),
        };
        let elsewhere = |key: &str| match &what {
            What::Action(action) if keys::find(&[action.keys], key).is_some() => {
                Elsewhere::At(format!("`{key}` belongs inside `{}`", action.name))
            }
            _ => self.elsewhere(key),
        };
        let Some(fields) = self.fields_but(node, &said, &tables, &[], elsewhere) else { return step };
        let incomplete = fields.get("use").is_some();
        if unknown && !fields.refused && !incomplete {
            let help = format!("a step has one of {}, or `steps` or `states`", actions::list());
            self.push(Diagnostic::at_start(codes::NO_ACTION, node, "the step does nothing").help(help));
        }

        if let Some(id) = fields.get("id") {
            self.steps.borrow_mut()[ix as usize].1.id = id;
            step.id = self.name(id, "a step", Naming::Snake).unwrap_or_default().to_owned();
        }
        step.path =
            if place.path.is_empty() { step.id.clone() } else { format!("{}/{}", place.path, step.id) };
        step.name = fields.get("name").and_then(|n| self.prose(n, "a name", limits::TITLE_CHARS));
        if let Some(needs) = fields.get("needs") {
            if needs.raw() == Some("documents") {
                self.steps.borrow_mut()[ix as usize].1.needs_documents = true;
            } else {
                let needs = self.needs(needs);
                self.steps.borrow_mut()[ix as usize].1.needs = needs;
            }
        }
        let whole = Slot::new(Some(ix), Role::Step);
        step.condition =
            fields.get("if").and_then(|n| self.condition(n, "`if`", Slot::new(Some(ix), Role::Condition)));
        step.each = self.each(&fields, ix);
        if let Some(node) = fields.get("on_error") {
            step.on_error = self.on_error(node, ix, place.state);
        }
        if place.ending {
            self.at_the_end(&fields, place.last);
        }
        if place.last {
            step.on_error = OnError::Continue;
        }
        step.deadline = fields.get("deadline").and_then(|n| self.time_limit(n, "a deadline", whole));
        step.budget = fields.get("budget").and_then(|n| self.budget(n, whole));
        step.concurrency = fields.get("concurrency").and_then(|n| self.concurrency_of_steps(n, whole));

        match what {
            What::Group => {
                let inside = Place {
                    parent: Some(ix),
                    path: &step.path,
                    depth: place.depth + 1,
                    last: false,
                    state: false,
                    ..place
                };
                step.body = Body::Block(self.group(&fields, ix, inside));
            }
            What::Action(spec) => {
                let (action, output) = self.action(spec, &fields, Slot::new(Some(ix), Role::Instance));
                self.steps.borrow_mut()[ix as usize].1.output = output;
                step.body = Body::Action(action);
            }
            What::Unknown => {}
        }
        self.where_people_act(&fields, &step.body);
        if let Some(node) = fields.get("produces") {
            step.produces = self.produces(node, &fields, ix, &step.body, place.ending);
        }
        step.undo = fields.get("undo").and_then(|n| self.beside(n, "undo", ix));
        step.verify = fields.get("verify").and_then(|n| self.beside(n, "verify", ix));
        if let (Some(entry), false) = (fields.node().entry("verify"), unknown) {
            self.verify_is_of_once(entry, &step.body);
        }
        self.transitions(&fields, &mut step, ix, place.state);
        step
    }

    /// What a step does, by its keys. More than one action is reported, and the first one taken.
    fn what(&self, node: Node<'t>) -> What {
        let mut found: Option<(&'t str, What)> = None;
        for entry in node.entries() {
            let what = if matches!(entry.key, "steps" | "states") {
                What::Group
            } else {
                match actions::find(entry.key) {
                    Some(action) => What::Action(action),
                    None if keys::find(&[actions::LATER_KEYS], entry.key).is_some() => What::Unknown,
                    None => continue,
                }
            };
            match &found {
                None => found = Some((entry.key, what)),
                Some((first, _)) => {
                    let message = format!("the step does `{first}` already, and `{}` as well", entry.key);
                    let help = "a step does one thing; make two steps of it";
                    self.push(Diagnostic::at_key(codes::TWO_ACTIONS, entry, message).help(help));
                }
            }
        }
        found.map_or(What::Unknown, |(_, what)| what)
    }

    /// Where a key belongs that the tables of this step do not have.
    fn elsewhere(&self, key: &str) -> Elsewhere {
        let later = keys::find(&[actions::LATER_KEYS], key).is_some();
        if later || actions::find(key).is_some() || matches!(key, "steps" | "states") {
            // A second action, reported as such.
            return Elsewhere::Said;
        }
        let homes = [
            (keys::GROUP, "a group: a step with `steps` or `states`"),
            (keys::NEXT, "an entry of `next`"),
            (keys::FOREACH, "`foreach`"),
            (keys::LOOP, "`loop`"),
            (keys::RETRY, "`retry`"),
            (keys::STEP_CONCURRENCY, "`concurrency`"),
            (keys::REDO, "`on_reject` of `approve`"),
        ];
        let home = homes.iter().find(|(table, _)| keys::find(&[table], key).is_some());
        match (home, actions::step_key(key)) {
            (Some((_, home)), _) => Elsewhere::At(format!("`{key}` belongs to {home}")),
            (None, Some(action)) => Elsewhere::At(format!("`{key}` belongs to `{action}`")),
            (None, None) => Elsewhere::Nowhere,
        }
    }

    fn needs(&self, node: Node<'t>) -> Option<Vec<(&'t str, Node<'t>)>> {
        let items = self.list(node, "`needs` is a list of ids")?;
        Some(items.filter_map(|n| self.text(n, "`needs`").map(|id| (id, n))).collect())
    }

    fn group(&self, fields: &Fields<'t>, ix: StepIx, inside: Place<'_>) -> Block {
        for key in ["retry", "timeout"] {
            if let Some(entry) = fields.node().entry(key) {
                let message = format!("`{key}` has no place in a group");
                let help =
                    if key == "timeout" { "use `deadline`" } else { "put it on the steps of the group" };
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
        }
        let mut block = Block::default();
        if inside.depth > limits::GROUP_DEPTH {
            let help = format!("at most {} groups may stand in each other", limits::GROUP_DEPTH);
            let message = "groups are nested too deeply";
            self.push(Diagnostic::at_start(codes::TOO_MANY, fields.node(), message).help(help));
            return block;
        }
        self.block(fields, &mut block, inside);
        if let Some(entry) = fields.node().entry("join").filter(|_| block.machine) {
            let message = "`join` has no place in a machine: one state is active at a time";
            let help = "remove it, or put it on a group with `steps`";
            self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
        } else if let Some(node) = fields.get("join") {
            block.join = self.join(node, Some(block.own).filter(|n| *n > 0));
        }
        block.outputs = fields.get("outputs").map(|n| self.outputs(n, Some(ix)));
        block
    }

    pub(super) fn action(
        &self,
        spec: &'static ActionSpec,
        fields: &Fields<'t>,
        slot: Slot,
    ) -> (Action, Output) {
        let mut action = Action { name: spec.name, ..blank_action() };
        let mut output = Output::Known(crate::expr::Type::Dyn);
        if let Some(value) = fields.get(spec.name)
            && let Some(done) = (spec.decode)(self, &ActionAt { fields, value, slot })
        {
            action.kind = done.kind;
            output = done.output;
        }
        let defaults = self.defaults.borrow();
        action.timeout = match fields.get("timeout") {
            Some(node) => self.time_limit(node, "a time limit", slot),
            None if spec.defaults => defaults.timeout.clone().or(Some(Setting::Fixed(HOUR))),
            None if spec.timed => Some(Setting::Fixed(HOUR)),
            None => None,
        };
        let retry = fields.get("retry");
        action.retry = match retry {
            Some(node) => self.retry(node, slot).unwrap_or_else(super::each::retry_default),
            None if spec.defaults => defaults.retry.clone().unwrap_or_else(super::each::retry_default),
            None => super::each::retry_default(),
        };
        if spec.effects
            && let Some(node) = fields.get("effect")
        {
            action.effect = match self.word(node, "`effect`", actions::EFFECTS) {
                Some("none") => EffectRule::None,
                Some("once") => EffectRule::Once,
                _ => EffectRule::Idempotent,
            };
        }
        if action.effect == EffectRule::Once {
            self.once(retry, &mut action.retry);
        }
        (action, output)
    }

    /// A `once` step is tried once: what the defaults say about retries does not reach it.
    fn once(&self, written: Option<Node<'t>>, retry: &mut Retry) {
        let again = !matches!(retry.attempts, Setting::Fixed(1));
        retry.attempts = Setting::Fixed(1);
        if let Some(node) = written.filter(|_| again) {
            let message = "a step with `effect: once` is never tried again by itself";
            let help = "remove `retry`, or say `effect: idempotent` if the step may happen twice";
            self.push(Diagnostic::at_start(codes::ONCE_RETRIED, node, message).help(help));
        }
    }

    fn each(&self, fields: &Fields<'t>, ix: StepIx) -> Option<Each> {
        match (fields.get("foreach"), fields.get("loop")) {
            (Some(first), Some(second)) => {
                let message = "a step has `foreach` or `loop`, not both";
                let help = "make it a group with the one, and a step in it with the other";
                self.push(Diagnostic::at_start(codes::TWO_ITERATIONS, second, message).help(help));
                self.foreach(first, ix)
            }
            (Some(node), None) => self.foreach(node, ix),
            (None, Some(node)) => self.looped(node, ix),
            (None, None) => None,
        }
    }
}

const HOUR: u64 = 60 * 60 * 1000;
