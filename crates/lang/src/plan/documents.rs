//! Scopes, documents, and the steps that produce them.

use serde_json::Value;

use super::{Action, Setting};

/// A named level of iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Position in [`Plan::scopes`](super::Plan::scopes) of the one around it; none of the scope of the whole run.
    pub parent: Option<usize>,
}

/// A declared document: there is one for each key of its scope, in versions.
#[derive(Debug, Clone)]
pub struct DocumentType {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Position in [`Plan::scopes`](super::Plan::scopes); none: that of the whole run.
    pub scope: Option<usize>,
    /// JSON Schema that a version is held against.
    pub schema: Option<Value>,
}

/// What a step produces, until the plan is whole: then the step is a block with a [`Production`].
#[derive(Debug, Clone)]
pub struct Produces {
    /// Position in [`Plan::documents`](super::Plan::documents).
    pub document: usize,
    /// The gate that a version has to pass.
    pub accept: Option<Box<Action>>,
    /// What people are asked when version after version misses the schema; none: the step fails.
    pub ask: Option<Box<Action>>,
    /// How many versions are made in a row that miss the schema, before people are asked.
    pub tries: Setting<u32>,
}

/// What makes a block one that produces a document. Its steps are, in this order: what makes a draft, the one that books
/// the draft as a version and holds it against the schema, and where the document has them the questions about
/// findings and the gate.
#[derive(Debug, Clone)]
pub struct Production {
    /// Position in [`Plan::documents`](super::Plan::documents).
    pub document: usize,
    /// Its name there.
    pub name: String,
    /// How many versions are made in a row that miss the schema, before people are asked.
    pub tries: Setting<u32>,
    /// Positions of the documents that it is built on: those that the step reads, through whatever other steps.
    pub reads: Vec<usize>,
    /// Position of the questions about findings.
    pub ask: Option<usize>,
    /// Position of the gate.
    pub accept: Option<usize>,
}

impl Production {
    /// Position of the step that makes a draft.
    pub const DRAFT: usize = 0;
    /// Position of the step that books it as a version.
    pub const VERSION: usize = 1;
}

/// Answers to the questions about findings.
pub mod answers {
    /// The key of the answer that counts.
    pub const DECISION: &str = "decision";
    /// The key of what the producer is told.
    pub const COMMENT: &str = "comment";
    /// Another version is to be made.
    pub const RETRY: &str = "retry";
    /// The version is taken in spite of its findings.
    pub const TAKE: &str = "take";
    /// The step fails.
    pub const ABANDON: &str = "abandon";
}
