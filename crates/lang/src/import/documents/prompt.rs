//! What agents are told, and what they answer.

use super::Kept;
use crate::import::out::{Map, Out, literal, marked, quoted};
use crate::import::report::Verdict::NotExpressible;
use crate::import::source::At;

/// What an agent is asked to do.
#[derive(Default)]
pub(super) struct Work {
    /// Its role, as the tool names it.
    pub(super) role: Option<String>,
    /// What it does, in a line.
    pub(super) what: String,
    /// Texts that the tool keeps elsewhere.
    pub(super) texts: Vec<String>,
    /// Names and expressions of what it is given.
    pub(super) given: Vec<(String, String)>,
    /// The schema of the answer.
    pub(super) output: Option<Map>,
    /// Whether a person may have rejected what it did before.
    pub(super) again: bool,
}

impl Work {
    /// `agent`.
    pub(super) fn agent(&self) -> Map {
        let mut prompt = literal(self.what.trim_end());
        if !self.texts.is_empty() {
            let texts: Vec<String> = self.texts.iter().map(|text| literal(text)).collect();
            prompt.extend(["\nThe texts to go by: ", &texts.join(", "), "."]);
        }
        if !self.given.is_empty() {
            let given = self.given.iter().map(|(name, value)| format!("{}: {value}", quoted(name)));
            let given: Vec<String> = given.collect();
            prompt.push_str("\n\nWhat it is built on, as JSON: ");
            prompt.push_str(&marked(&format!("text({{{}}})", given.join(", "))));
        }
        if self.again {
            prompt.push_str("\n\n");
            prompt.push_str(&marked("feedback"));
        }
        prompt.push('\n');
        Map::new()
            .with("provider", "claude-code")
            .with_some("role", self.role.as_deref().map(literal))
            .with("prompt", prompt)
            .with_some("output", self.output.clone())
    }
}

/// The name in a reference (`prompt:role:technical_architect:1.0.0`), or the text as it is.
pub(super) fn referred(text: &str) -> &str {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [_, _, name, _] | [_, name, _] if !name.is_empty() => name,
        _ => text,
    }
}

/// A map that is asked for: what it has to have, and of which types.
pub(super) fn object(required: &[&str], properties: &[(&str, Out)]) -> Map {
    let mut all = Map::new();
    for (key, schema) in properties {
        all.set(key, schema.clone());
    }
    let required: Vec<Out> = required.iter().map(|key| Out::from(*key)).collect();
    Map::new()
        .with("type", "object")
        .with_some("required", (!required.is_empty()).then_some(required))
        .with_some("properties", all.filled())
}

/// A schema of one type.
pub(super) fn of_type(kind: &str) -> Out {
    Map::new().with("type", kind).into()
}

/// A list of anything.
pub(super) fn list_of(items: Map) -> Out {
    Map::new().with("type", "array").with("items", items).into()
}

/// Questions, as an agent gives them and people answer them.
pub(super) fn questions() -> Map {
    let one = object(
        &["id", "text"],
        &[
            ("id", of_type("string")),
            ("text", of_type("string")),
            ("why", of_type("string")),
            ("required", of_type("boolean")),
            ("choices", list_of(Map::new().with("type", "string"))),
        ],
    );
    object(&["questions"], &[("questions", list_of(one))])
}

/// One of several words.
pub(super) fn one_of(key: &str, words: &[&str]) -> Map {
    let words: Vec<Out> = words.iter().map(|word| literal(word).into()).collect();
    object(&[key], &[(key, Map::new().with("enum", words).into())])
}

/// The texts that an agent goes by, and its role, of `includes`.
pub(super) fn includes(at: At<'_, '_>, work: &mut Work) {
    for (key, value) in at.map("includes") {
        let Some(text) = value.text() else { continue };
        match key {
            "ROLE_PROMPT" => work.role = Some(referred(text).to_owned()),
            "OUTPUT_SCHEMA" => {
                if value.node.path().contains("/internals/") {
                    value.say_with(
                        NotExpressible,
                        "schemas are kept elsewhere",
                        Some("put it into `agent.output`"),
                    );
                }
            }
            _ => work.texts.push(text.to_owned()),
        }
    }
}

/// Says that a part of a list of texts was taken as it is.
pub(super) fn texts(at: At<'_, '_>) -> Vec<String> {
    let all: Vec<String> = at.items().into_iter().filter_map(|item| item.text().map(str::to_owned)).collect();
    if at.is_list() && all.is_empty() {
        at.say(Kept, "it is empty");
    }
    all
}
