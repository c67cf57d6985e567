//! The steps that a production becomes: questions, answers, and the document.

use super::prompt::{Work, object, questions};
use super::scoped::Scoped;
use crate::import::naming::{snake, suffixed};
use crate::import::out::{Map, Out, label, literal, marked};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// The name of a step.
pub(super) fn step_name<'t>(at: At<'_, 't>) -> &'t str {
    match at.text_at("step_id").filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => {
            at.say_of("step_id", Changed, "it has no id: it gets one", None);
            "step"
        }
    }
}

impl<'s, 't> Scoped<'s, 't> {
    /// The steps that produce a document.
    pub(super) fn production(&mut self, at: At<'s, 't>, scope: &str, made: &mut Vec<Map>, outputs: &mut Map) {
        let id = self.given.give(&snake(step_name(at), "step"));
        at.becomes_step(&id);
        let (role, text) = (at.text_at("role"), at.text_at("task_prompt"));
        at.get("creates_entities");
        self.stands(at, scope);
        let manual = self.manual(at);
        let given = self.given(at);
        let document = at.text_at("produces").and_then(|name| {
            let found = self.types.document(name);
            if let (None, Some(at)) = (found, at.get("produces")) {
                let near =
                    crate::expr::nearest(name, self.types.documents.iter().map(|document| document.name));
                let near = near.map(|near| format!("did you mean `{near}`?"));
                at.say_with(
                    NotExpressible,
                    format!("no type of document is `{name}`: its output is read by the step"),
                    near.as_deref(),
                );
            }
            found
        });
        let kept = document.filter(|document| self.keeps(*document, scope, at));
        let title = document
            .map_or_else(|| step_name(at), |document| self.types.documents[document].title.as_str())
            .to_owned();
        let schema = match document {
            Some(document) => {
                let document = &self.types.documents[document];
                let lists: Vec<&str> = document.lists.iter().map(String::as_str).collect();
                let properties: Vec<(&str, Out)> = lists
                    .iter()
                    .map(|list| (*list, super::prompt::list_of(Map::new().with("type", "object"))))
                    .collect();
                object(&lists, &properties)
            }
            None => object(&[], &[]),
        };
        let again = document.is_some_and(|document| self.types.documents[document].accept.is_some());
        let mut step = Map::new().with("id", id.as_str());
        if manual && text.is_none() {
            let mut show = Map::new();
            for (name, value) in &given {
                show.set(label(name), marked(value));
            }
            let by = document.and_then(|document| self.types.documents[document].accept.as_ref());
            let by = by
                .and_then(|accept| accept.get("by"))
                .cloned()
                .unwrap_or_else(|| vec![Out::from("role:operator")].into());
            let ask = Map::new()
                .with("title", literal(&format!("Write {title}")))
                .with_some("show", show.filled())
                .with("form", schema)
                .with("by", by);
            step.set("ask", ask);
        } else {
            if manual {
                made.push(self.start(&id, &literal(&format!("Begin with {title}?")), Map::new()));
            }
            let (asking, answers) =
                (self.given.give(&suffixed(&id, "questions")), self.given.give(&suffixed(&id, "answers")));
            let texts: Vec<String> = text.map(str::to_owned).into_iter().collect();
            let role = role.map(str::to_owned);
            let work = Work {
                role: role.clone(),
                what: format!(
                    "You will write the document {title}. What do you have to know before? Ask only; without questions give an empty list."
                ),
                texts: texts.clone(),
                given: given.clone(),
                output: Some(questions()),
                again: false,
            };
            made.push(Map::new().with("id", asking.as_str()).with("agent", work.agent()));
            let ask = Map::new()
                .with("title", literal(&format!("Before {title} is written")))
                .with("questions", marked(&format!("steps.{asking}.output.questions")))
                .with("by", vec![Out::from("starter")]);
            made.push(Map::new().with("id", answers.as_str()).with("ask", ask));
            let mut given = given;
            given.push(("answers".to_owned(), format!("steps.{answers}.output")));
            let work = Work {
                role,
                what: format!("Write the document {title}."),
                texts,
                given,
                output: Some(schema),
                again,
            };
            step.set("agent", work.agent());
            let retry = Map::new().with("attempts", 3).with("errors", vec![Out::from("schema")]);
            step.set("retry", retry);
        }
        if let Some(document) = kept {
            step.set("produces", self.types.documents[document].id.as_str());
        }
        let output = marked(&format!("steps.{id}.output"));
        match document {
            Some(document) => {
                let document = &self.types.documents[document];
                outputs.set(&document.id, output);
                let frame = self.frames.last_mut();
                if let Some(frame) = frame {
                    frame.produced.push((document.name, id));
                }
            }
            None => outputs.set(&id, output),
        }
        made.push(step);
    }

    /// Whether a document is produced in this scope; if not, the output is no version of it.
    fn keeps(&mut self, document: usize, scope: &str, at: At<'s, 't>) -> bool {
        let of = &mut self.types.documents[document];
        match &of.produced {
            Some(other) if other != scope => {
                if let Some(at) = at.get("produces") {
                    let why = format!(
                        "it is produced in the scope `{other}` as well, and a document has one: this output is read by its step"
                    );
                    at.say(NotExpressible, why);
                }
                false
            }
            Some(_) => true,
            None => {
                of.produced = Some(scope.to_owned());
                true
            }
        }
    }

    /// Says of a step that says another scope than it stands in.
    fn stands(&self, at: At<'s, 't>, scope: &str) {
        let Some(said) = at.text_at("scope") else { return };
        if self.types.scope(said) != Some(scope)
            && let Some(at) = at.get("scope")
        {
            at.say(Changed, format!("it stands in the scope `{scope}`, and its document is of that"));
        }
    }

    /// A gate before something is begun.
    pub(super) fn start(&mut self, id: &str, title: &str, show: Map) -> Map {
        let gate = Map::new()
            .with("title", title)
            .with_some("show", show.filled())
            .with("by", vec![Out::from("role:operator")]);
        let id = self.given.give(&suffixed(id, "start"));
        Map::new().with("id", id).with("approve", gate)
    }

    /// What a step is built on: names and expressions.
    fn given(&mut self, at: At<'s, 't>) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = Vec::new();
        for input in at.list("inputs") {
            if !input.is_map() {
                input.entries();
                continue;
            }
            for key in ["scope", "context"] {
                input.get(key);
            }
            let required = input.flag("required").unwrap_or(true);
            let value = match (input.text_at("doc_type"), input.text_at("entity_type")) {
                (Some(name), _) => self.read(input, name, required).map(|value| (name, value)),
                (None, Some(kind)) => {
                    let mut all = self.frames.iter().rev().filter_map(|frame| frame.element.as_ref());
                    let found = all.find(|(known, _)| *known == kind).map(|(_, name)| (kind, name.clone()));
                    if found.is_none() {
                        input.say_all(
                            NotExpressible,
                            format!("this is not inside of an iteration over `{kind}`"),
                            Some("stand it in one"),
                        );
                    }
                    found
                }
                (None, None) => {
                    input.say_all(NotExpressible, "it names neither a document nor an element", None);
                    None
                }
            };
            if let Some((name, value)) = value
                && !out.iter().any(|(known, _)| known == name)
            {
                out.push((name.to_owned(), value));
            }
        }
        out
    }

    fn read(&mut self, input: At<'s, 't>, name: &str, required: bool) -> Option<String> {
        if let Some(step) = self.document(name) {
            return Some(match required {
                true => format!("steps.{step}.output"),
                false => format!("steps.{step}.?output.orValue(null)"),
            });
        }
        if self.anywhere.contains(name) {
            let why = format!(
                "`{name}` is not in reach here: it is produced later, in a scope inside, or in another branch; the tool refuses it as well"
            );
            input.say_all(
                NotExpressible,
                why,
                Some("read what is produced above, in this scope or around it"),
            );
            return None;
        }
        let why = format!("nobody produces `{name}` here: it is an input of the workflow");
        input.say_of("inputs", Changed, &why, None);
        Some(self.input(name, required))
    }
}
