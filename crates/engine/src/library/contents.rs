//! What a definition takes and gives, in short.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_lang::plan::{InputKind, Plan};
use stead_lang::{Bundle, outline};

/// What a definition takes and gives, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contents {
    /// What it takes, in order.
    pub inputs: Vec<InputFacts>,
    /// What it gives, in order; none where it says nothing of it.
    pub outputs: Vec<String>,
    /// The secrets it may use.
    pub secrets: Vec<String>,
    /// Paths of its steps.
    pub steps: Vec<String>,
    /// Its own file, and those that it names.
    pub files: Vec<String>,
    /// The workflows that it calls by name.
    pub calls: Vec<String>,
}

/// A declared input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputFacts {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is taken when none is given; without it one has to be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The contents of a definition, as far as it can be read: a draft may be wrong, and what it calls may be a file of a
/// project, which a library knows nothing of.
pub(super) fn contents(bundle: &Bundle) -> Option<Contents> {
    let plan = outline(bundle)?;
    Some(Contents {
        inputs: inputs(&plan),
        outputs: plan.root.outputs.iter().flatten().map(|(name, _)| name.clone()).collect(),
        secrets: plan.secrets.clone(),
        steps: plan.steps.iter().map(|step| step.path.clone()).collect(),
        files: bundle.own().files.keys().cloned().collect(),
        calls: bundle.calls(),
    })
}

fn inputs(plan: &Plan) -> Vec<InputFacts> {
    let facts = |input: &stead_lang::plan::Input| InputFacts {
        name: input.name.clone(),
        kind: word(input.kind).to_owned(),
        default: input.default.clone(),
        description: input.description.clone().unwrap_or_default(),
    };
    plan.inputs.iter().map(facts).collect()
}

fn word(kind: InputKind) -> &'static str {
    match kind {
        InputKind::String => "string",
        InputKind::Integer => "integer",
        InputKind::Number => "number",
        InputKind::Boolean => "boolean",
        InputKind::Object => "object",
        InputKind::Array => "array",
        InputKind::File => "file",
    }
}
