//! The fields of a role, and what becomes of them.

use crate::import::table::{Field, kept, part};

pub(super) static FIELDS: &[Field] = &[
    part("frontmatter", "what the role is, beside what its agent is told"),
    kept("id", "`agent.role`; `name` and the step's id, in their ways of writing"),
    kept("name", "`name` of the step"),
    kept("description", "`description`"),
    kept("output_schema", "`agent.output`: a file beside the definition, or the schema itself"),
    kept("inputs", "the paths that the prompt tells the agent to read"),
    kept("guards", "lines at the end of the prompt"),
    kept("skills", "`agent.skills`"),
    kept("recommendedProvider", "`agent.provider`, where the stage names none"),
    kept("recommended_provider", "`agent.provider`, where the stage names none"),
    part("variables", "`inputs` of the workflow"),
    kept("variables[].name", "an input, its name in snake_case"),
    kept("variables[].type", "`type`"),
    kept("variables[].required", "an input without a default has to be given"),
    kept("variables[].default", "`default`"),
    kept("variables[].description", "`description`"),
    kept(
        "template",
        "`agent.prompt`: `{{x}}`, `{{json x}}`, `{{#if}}`, `{{#unless}}` and `{{#each}}` as expressions",
    ),
];

/// Where what stands in the frontmatter is listed.
pub(super) static FOLDS: &[(&str, &str)] = &[("frontmatter.", "")];
