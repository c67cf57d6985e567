//! What people are asked: gates and questions.

use serde_json::Value;

use super::{ActionAt, Decoder, Done, Fields, Naming, Output, Slot, Wants, Worker};
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::duration::{Millis, format_duration};
use crate::expr::{Expr, Field, Type};
use crate::keys::{self, Key};
use crate::limits;
use crate::plan::{ActionKind, Body, Escalate, OnReject, OnTimeout, People, PeopleKind, Setting};
use crate::questions;
use crate::template::{Piece, Template};
use crate::tree::{Node, Shape};

impl<'t> Decoder<'t, '_> {
    /// `approve`
    pub(crate) fn gate(&self, at: &ActionAt<'_, 't>, table: &'static [Key]) -> Option<Done> {
        let fields = self.fields(at.value, "`approve`", &[table])?;
        let mut people = self.gate_of(at, &fields);
        people.on_reject = fields.get("on_reject").map(|n| self.on_reject(n, at)).unwrap_or_default();
        let form = people.form.as_ref().map_or(Type::Null, Type::of_schema);
        let output = [
            ("decision", Type::words(["accept", "reject"])),
            ("comment", Type::Dyn),
            ("by", Type::list(Type::String)),
            ("at", Type::String),
            ("form", form),
            ("decisions", Type::list(Type::Dyn)),
        ];
        let output = Type::map(output.map(|(name, ty)| Field::required(name, ty)).into(), false);
        Some(Done { kind: ActionKind::People(Box::new(people)), output: Output::Known(output) })
    }

    /// A gate, but for what a rejection does.
    pub(super) fn gate_of(&self, at: &ActionAt<'_, 't>, fields: &Fields<'t>) -> People {
        let mut people = self.people(at, fields, PeopleKind::Gate);
        let count = |key: &str| match fields.get(key) {
            Some(node) => self.integer(node, &format!("`{key}`"), (1, limits::QUORUM), at.slot),
            None => Some(Setting::Fixed(1)),
        };
        if let Some(quorum) = count("quorum") {
            people.quorum = quorum;
        }
        if let Some(rejects) = count("rejects") {
            people.rejects = rejects;
        }
        if let Some(node) = fields.get("quorum") {
            self.enough(node, &people);
        }
        if let Some(node) = fields.get("on_timeout") {
            people.on_timeout = match self.word(node, "`on_timeout`", keys::ON_TIMEOUT) {
                Some("accept") => OnTimeout::Accept,
                Some("reject") => OnTimeout::Reject,
                _ => OnTimeout::Fail,
            };
            if people.on_timeout != OnTimeout::Fail && at.fields.get("timeout").is_none() {
                let message = "the time of this gate never ends";
                let help = "give the step a `timeout`, or remove `on_timeout`";
                self.push(Diagnostic::at(codes::NEVER, node, message).help(help));
            }
        }
        people
    }

    /// `ask`
    pub(crate) fn asked(&self, at: &ActionAt<'_, 't>, table: &'static [Key]) -> Option<Done> {
        let fields = self.fields(at.value, "`ask`", &[table])?;
        let mut people = self.people(at, &fields, PeopleKind::Questions);
        let output = match (fields.get("questions"), fields.get("form")) {
            (Some(node), None) => {
                let (questions, answers) = self.questions(node, at.slot);
                people.questions = questions;
                answers.map_or(Type::Dyn, |questions| Type::of_schema(&questions::answers(&questions)))
            }
            (None, Some(_)) => people.form.as_ref().map_or(Type::Dyn, Type::of_schema),
            (Some(_), Some(second)) => {
                let message = "`ask` has `questions` or `form`, not both";
                let help = "put the questions into the form, or make two steps of it";
                self.push(Diagnostic::at_start(codes::NOT_ONE, second, message).help(help));
                Type::Dyn
            }
            (None, None) => {
                if !fields.refused {
                    let problem = Diagnostic::at_start(codes::NOT_ONE, at.value, "`ask` asks nothing");
                    self.push(problem.help("give it `questions: [{ id: name, text: \"…?\" }]`, or a `form`"));
                }
                Type::Dyn
            }
        };
        Some(Done { kind: ActionKind::People(Box::new(people)), output: Output::Known(output) })
    }

    /// What gates and questions have in common. What is broken is left out.
    fn people(&self, at: &ActionAt<'_, 't>, fields: &Fields<'t>, kind: PeopleKind) -> People {
        let show = fields.find("show").map(|n| self.shown(n, at.slot)).unwrap_or_default();
        let form = fields.get("form").and_then(|n| self.form(n));
        let by = fields.get("by").and_then(|n| self.who(n, "by", at.slot));
        let not = fields.get("not").and_then(|n| self.who(n, "not", at.slot));
        if let (Some(by), Some(node)) = (fields.get("by"), fields.get("not")) {
            self.not_both(by, node);
        }
        let usual = match kind {
            PeopleKind::Gate => "role:approver",
            PeopleKind::Questions => "starter",
        };
        let remind = fields.get("remind").and_then(|n| self.remind(n, at));
        let escalate = fields.get("escalate").and_then(|n| self.escalate(n, at));
        People {
            kind,
            title: self.asked_in_a_line(at, fields),
            show,
            form,
            questions: None,
            by: by.unwrap_or_else(|| vec![Template::Literal(Value::from(usual))]),
            not: not.unwrap_or_default(),
            quorum: Setting::Fixed(1),
            rejects: Setting::Fixed(1),
            remind,
            escalate,
            on_timeout: OnTimeout::Fail,
            on_reject: OnReject::Fail,
        }
    }

    /// The title, or what the step is called.
    fn asked_in_a_line(&self, at: &ActionAt<'_, 't>, fields: &Fields<'t>) -> Template {
        if let Some(node) = fields.get("title") {
            let title = self.text_template(node, "a title", at.slot);
            let title = title.filter(|title| self.fits(node, "the title", title, limits::ASKED_BYTES));
            return title.unwrap_or(Template::Literal(Value::Null));
        }
        let called = ["name", "id"].into_iter().find_map(|key| at.fields.find(key)?.raw());
        Template::Literal(Value::from(called.unwrap_or_default()))
    }

    /// Whether a text that is fixed is neither empty nor too long.
    pub(super) fn fits(&self, node: Node<'t>, what: &str, text: &Template, most: usize) -> bool {
        let Template::Literal(Value::String(text)) = text else { return true };
        if text.trim().is_empty() {
            self.problem(codes::EMPTY_VALUE, node, format!("{what} is empty"));
        } else if text.len() > most {
            let message = format!("{what} has {} bytes", text.len());
            self.push(
                Diagnostic::at(codes::TOO_MANY, node, message).help(format!("at most {most} are allowed")),
            );
        } else {
            return true;
        }
        false
    }

    /// `show`: steps whose outputs are shown, or values by label.
    fn shown(&self, node: Node<'t>, slot: Slot) -> Vec<(String, Template)> {
        if !matches!(node.shape(), Shape::List | Shape::Map) {
            self.wrong_type(node, "`show` is a list of steps, or a map from labels to values");
            return Vec::new();
        }
        let count = node.items().len() + node.entries().len();
        if !self.few(node, "there is too much to show", count, limits::SHOWN) {
            return Vec::new();
        }
        let entries = node.entries().filter_map(|entry| {
            if entry.key.trim().is_empty() {
                self.push(Diagnostic::at_key(codes::EMPTY_VALUE, entry, "the label is empty"));
            }
            Some((entry.key.to_owned(), self.template(entry.value, slot, Wants::Any)?))
        });
        let mut shown: Vec<(String, Template)> = entries.collect();
        for item in node.items() {
            if item.shape() == Shape::Map {
                self.wrong_type(item, "a step to show is an id");
                continue;
            }
            let Some(id) = self.name(item, "a step", Naming::Snake) else { continue };
            if shown.iter().any(|(label, _)| label == id) {
                self.problem(codes::DOUBLED, item, format!("`{id}` is shown twice"));
                continue;
            }
            match Expr::compile(&format!("steps.{id}.output")) {
                Ok(output) => {
                    self.site(slot, item, &output, Wants::Shown);
                    shown.push((id.to_owned(), Template::Expr(output)));
                }
                Err(problems) => self.expression_problems(item, problems),
            }
        }
        shown
    }

    /// `form`: a JSON Schema of an object.
    fn form(&self, node: Node<'t>) -> Option<Value> {
        let form = self.schema(node)?;
        // What is broken was reported in its own file.
        if form.is_null() {
            return None;
        }
        if form.get("type").and_then(Value::as_str) != Some("object") {
            let message = "what people fill in is a map, and this is the schema of something else";
            let help = "give it `type: object`, and what there is to fill in as its `properties`";
            self.push(Diagnostic::at_start(codes::BAD_FORM, node, message).help(help));
            return None;
        }
        Some(form)
    }

    /// Whether there are not too many of something.
    pub(super) fn few(&self, node: Node<'t>, message: &str, count: usize, most: usize) -> bool {
        if count > most {
            let help = format!("at most {most} are allowed, and these are {count}");
            self.push(Diagnostic::at_start(codes::TOO_MANY, node, message).help(help));
        }
        count <= most
    }

    /// `by`, `not` and `escalate.to`.
    fn who(&self, node: Node<'t>, key: &'static str, slot: Slot) -> Option<Vec<Template>> {
        let items = self.list(node, &format!("`{key}` is a list of people"))?;
        let count = items.len();
        if count == 0 && key != "not" {
            let problem = Diagnostic::at(codes::EMPTY_VALUE, node, format!("`{key}` names nobody"));
            self.push(problem.help("name somebody, as in `[role:approver]`, or remove it"));
            return None;
        }
        if !self.few(node, &format!("`{key}` has too many entries"), count, limits::WHO) {
            return None;
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut who = Vec::with_capacity(count);
        for item in items {
            if item.shape() == Shape::Map {
                let message = "whoever is meant is a text, and this is a map";
                let help = "write it without a space, as in `user:ana`";
                self.push(Diagnostic::at(codes::WRONG_TYPE, item, message).help(help));
                continue;
            }
            let Some(one) = self.text_template(item, "whoever is meant", slot) else { continue };
            let fixed = one.is_literal().then(|| item.raw().unwrap_or_default());
            if fixed.is_some_and(|text| seen.contains(&text)) {
                let message = format!("`{}` is named twice", fixed.unwrap_or_default());
                self.problem(codes::DOUBLED, item, message);
                continue;
            }
            seen.extend(fixed);
            if self.is_somebody(item, key, &one, count == 1, slot) {
                who.push(one);
            }
        }
        Some(who)
    }

    /// Whether it can be told who is meant, as far as it is fixed.
    fn is_somebody(
        &self,
        node: Node<'t>,
        key: &'static str,
        one: &Template,
        alone: bool,
        slot: Slot,
    ) -> bool {
        let (text, whole) = match one {
            Template::Literal(Value::String(text)) => (text.as_str(), true),
            Template::Text(pieces) => match pieces.first() {
                Some(Piece::Text(text)) => (text.as_str(), false),
                // Somebody whom an expression names as a whole.
                _ => return true,
            },
            _ => return true,
        };
        let refused = |message: String| Diagnostic::at(codes::UNKNOWN_WHO, node, message);
        let Some((prefix, name)) = text.split_once(':') else {
            let excludes = key == "not";
            if whole && (keys::WHO_WORDS.contains(&text) || (excludes && keys::NOT_WORDS.contains(&text))) {
                if let (true, Some(ix)) = (text == "authors", slot.step) {
                    self.steps.borrow_mut()[ix as usize].1.authors = Some(node);
                }
                return true;
            }
            if keys::NOT_WORDS.contains(&text) {
                let problem = refused(format!("`{text}` tells who may not, and not who may"));
                self.push(problem.help("it stands in `not`"));
                return false;
            }
            let problem = refused(format!("`{text}` does not tell who is meant"));
            let words = keys::WHO_WORDS.iter().chain(keys::NOT_WORDS.iter().filter(|_| excludes));
            self.push(match nearest(text, words.copied()) {
                Some(near) => problem.nearest(near),
                None => problem.help(who_there_is()),
            });
            return false;
        };
        if !keys::WHO.contains(&prefix) {
            let problem = refused(format!("`{prefix}:` does not tell who is meant"));
            self.push(match nearest(prefix, keys::WHO.iter().copied()) {
                Some(near) => problem.nearest(format!("{near}:{name}")),
                None => problem.help(who_there_is()),
            });
            return false;
        }
        if prefix == "step" {
            if !whole {
                let message = "whose work is meant is known before anything runs";
                self.push(
                    Diagnostic::at(codes::NO_EXPRESSION, node, message).help("write the step's id out"),
                );
                return false;
            }
            // Which step that is, is known once all of them are.
            let worker = Worker { node, id: name.to_owned(), key, alone };
            if let Some(ix) = slot.step {
                self.steps.borrow_mut()[ix as usize].1.workers.push(worker);
            }
            return true;
        }
        if whole && name.is_empty() {
            self.push(refused(format!("`{text}` does not tell which {prefix}")).help(who_there_is()));
            return false;
        }
        let odd = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_.@+".contains(*c)));
        if let Some(odd) = odd {
            let message = format!("no {prefix} has `{}` in its name", odd.escape_debug());
            self.push(refused(message).help("names have letters, digits and `- _ . @ +`"));
            return false;
        }
        if name.len() > limits::WHO_BYTES {
            let message = format!("the name has {} bytes", name.len());
            let help = format!("at most {} are allowed", limits::WHO_BYTES);
            self.push(Diagnostic::at(codes::TOO_MANY, node, message).help(help));
            return false;
        }
        true
    }

    /// That nobody is named in `by` and in `not`.
    fn not_both(&self, by: Node<'t>, not: Node<'t>) {
        // Longer lists were refused.
        if by.items().len().max(not.items().len()) > limits::WHO {
            return;
        }
        let named: Vec<&str> =
            by.items().filter_map(|n| n.raw()).filter(|text| !text.contains("${{")).collect();
        for node in not.items() {
            if let Some(text) = node.raw().filter(|text| named.contains(text)) {
                let problem =
                    Diagnostic::at(codes::DOUBLED, node, format!("`{text}` is in `by` and in `not`"));
                self.push(problem.help("`not` goes before `by`; remove it from one of them"));
            }
        }
    }

    /// That there are as many as have to accept, where they can be counted.
    fn enough(&self, node: Node<'t>, people: &People) {
        let Setting::Fixed(quorum) = people.quorum else { return };
        let later = people.escalate.iter().flat_map(|e| &e.to);
        let mut most = 0;
        for who in people.by.iter().chain(later) {
            match who {
                Template::Literal(Value::String(text))
                    if text == "starter" || text.starts_with("user:") || text.starts_with("agent:") =>
                {
                    most += 1;
                }
                _ => return,
            }
        }
        if quorum > most {
            let message = format!("{quorum} are to accept, and `by` names {most}");
            let help = "name more of them, a group or a role, or ask for fewer";
            self.push(Diagnostic::at(codes::OUT_OF_RANGE, node, message).help(help));
        }
    }

    fn remind(&self, node: Node<'t>, at: &ActionAt<'_, 't>) -> Option<Setting<Millis>> {
        let every = self.time_limit(node, "`remind`", at.slot)?;
        if let Setting::Fixed(ms) = every
            && ms < limits::REMIND_MILLIS
        {
            let message = format!("people are reminded every {}", format_duration(ms));
            let help = format!("at most every {}", format_duration(limits::REMIND_MILLIS));
            self.push(Diagnostic::at(codes::OUT_OF_RANGE, node, message).help(help));
            return None;
        }
        self.in_time(node, &every, at);
        Some(every)
    }

    fn escalate(&self, node: Node<'t>, at: &ActionAt<'_, 't>) -> Option<Escalate> {
        let fields = self.fields(node, "`escalate`", &[keys::ESCALATE])?;
        let after = fields.get("after").and_then(|node| {
            let after = self.time_limit(node, "`after`", at.slot)?;
            self.in_time(node, &after, at);
            Some(after)
        });
        let to = fields.get("to").and_then(|n| self.who(n, "to", at.slot));
        Some(Escalate { after: after?, to: to? })
    }

    /// That something comes before the end of the step's time, where both are fixed.
    fn in_time(&self, node: Node<'t>, when: &Setting<Millis>, at: &ActionAt<'_, 't>) {
        let timeout = at.fields.get("timeout").and_then(Node::raw);
        let timeout = timeout.and_then(|text| crate::duration::parse_duration(text).ok());
        if let (Setting::Fixed(when), Some(end)) = (when, timeout)
            && *when >= end
        {
            let message = format!("the time of this step ends after {}", format_duration(end));
            self.push(
                Diagnostic::at(codes::NEVER, node, message).help("make it shorter, or `timeout` longer"),
            );
        }
    }

    fn on_reject(&self, node: Node<'t>, at: &ActionAt<'_, 't>) -> OnReject {
        if node.shape() != Shape::Map {
            return match self.word(node, "`on_reject`", keys::ON_REJECT) {
                Some("continue") => OnReject::Continue,
                _ => OnReject::Fail,
            };
        }
        let Some(fields) = self.fields(node, "`on_reject`", &[keys::REDO]) else { return OnReject::Fail };
        let max = match fields.get("max") {
            Some(node) => self.integer(node, "`max`", (1, limits::REDOS), at.slot),
            None => Some(Setting::Fixed(1)),
        };
        let goal = fields.get("redo").and_then(|node| Some((self.text(node, "a step")?, node)));
        let (Some(max), Some(goal), Some(ix)) = (max, goal, at.slot.step) else { return OnReject::Fail };
        if let Some(each) = ["foreach", "loop"].into_iter().find(|key| at.fields.get(key).is_some()) {
            let message = format!("a gate with `{each}` stands alone in its block: there is nothing to redo");
            let help = format!("put `{each}` on a group that holds the gate and the step it begins again");
            self.push(Diagnostic::at(codes::MISPLACED_KEY, goal.1, message).help(help));
            return OnReject::Fail;
        }
        self.steps.borrow_mut()[ix as usize].1.redo = Some(goal);
        // Which step that is, is known once all of them are.
        OnReject::Redo { step: 0, max }
    }

    /// What has no place on a step where people act.
    pub(super) fn where_people_act(&self, fields: &Fields<'t>, body: &Body) {
        if !matches!(body, Body::Action(action) if matches!(action.kind, ActionKind::People(_))) {
            return;
        }
        for (key, help) in [
            (
                "retry",
                "it is asked once; `loop` asks again, and `on_reject: { redo: STEP }` of a gate begins again above",
            ),
            ("undo", "put it on the step that does what was decided"),
        ] {
            if let Some(entry) = fields.node().entry(key) {
                let message = format!("`{key}` has no place where people act");
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
        }
    }
}

fn who_there_is() -> String {
    let named = keys::WHO
        .iter()
        .map(|prefix| if *prefix == "step" { "`step:ID`".to_owned() } else { format!("`{prefix}:NAME`") });
    let words = keys::WHO_WORDS.iter().map(|word| format!("`{word}`"));
    format!("it is one of {}", named.chain(words).collect::<Vec<_>>().join(", "))
}
