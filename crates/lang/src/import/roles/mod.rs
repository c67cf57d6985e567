//! Roles of stage workflows: what an agent is told, in Markdown with data in front. One by itself becomes a workflow
//! of one agent; the agents of a stage workflow get what the roles beside it say.

mod fields;
mod parse;
mod read;
mod template;

use std::collections::HashMap;

use super::naming::{Given, kebab, snake};
use super::out::{Map, Out, literal, marked, prose};
use super::report::Report;
use super::report::Verdict::{Changed, Kept, NotExpressible};
use super::source::{At, Source};
use super::{Context, Dialect, Notation, Spec, head, says};
use crate::limits;
use crate::tree::{Node, Shape};
use template::{Prompt, Value, kinds};

pub(super) use read::is_one;

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Role,
    name: "role",
    title: "roles of stage workflows (Markdown)",
    notation: Notation::Markdown {
        marked: is_one,
        lacks: "it does not begin with data that have an `id`, between two lines `---`, and a text below",
        read: read::document,
    },
    fields: fields::FIELDS,
    folds: fields::FOLDS,
    fits,
    convert,
};

fn fits(root: Node<'_>) -> Result<(), String> {
    let data = root.get("frontmatter").filter(|data| data.shape() == Shape::Map);
    let data = data.ok_or("its data are no map of keys")?;
    match says(data, "id") {
        true => Ok(()),
        false => Err("its data have no `id`".to_owned()),
    }
}

/// What a role says, for whoever takes it.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// The provider that it recommends.
    pub(super) provider: Option<String>,
    /// What the agent is told.
    pub(super) prompt: String,
    /// Skills.
    pub(super) skills: Vec<Out>,
    /// The schema of what it gives.
    pub(super) output: Option<Out>,
}

fn convert(root: At<'_, '_>, _context: &mut Context<'_>) -> Map {
    let Some(data) = root.get("frontmatter") else { return Map::new() };
    let id = data.text_at("id").unwrap_or("role");
    let name = kebab(id, "role");
    if name != id
        && let Some(at) = data.get("id")
    {
        at.say(
            Changed,
            format!("names of workflows are in kebab-case: `{name}`; the agent's role is `{id}`"),
        );
    }
    let step = snake(id, "agent");
    let mut inputs = Map::new();
    let role = role(root, &mut |name, input| {
        let id = snake(name, "value");
        if inputs.get(&id).is_none() {
            inputs.set(&id, input);
        }
        format!("inputs.{id}")
    });
    let provider = match role.provider {
        Some(provider) => provider,
        None => {
            root.say_of(
                "recommendedProvider",
                Kept,
                "none is recommended: `claude-code`, which the tool takes",
                None,
            );
            "claude-code".to_owned()
        }
    };
    let agent = Map::new()
        .with("provider", provider)
        .with("role", literal(id))
        .with("prompt", role.prompt)
        .with("workspace", ".")
        .with_some("skills", (!role.skills.is_empty()).then_some(role.skills))
        .with_some("output", role.output);
    let title = data
        .text_at("name")
        .filter(|name| !name.trim().is_empty())
        .map(|name| prose(name, limits::TITLE_CHARS));
    let outputs = Map::new().with("result", marked(&format!("steps.{step}.output")));
    let step = Map::new().with("id", step).with_some("name", title).with("agent", agent);
    let mut definition = head(&name, data.text_at("description"));
    if let Some(inputs) = inputs.filled() {
        definition.set("inputs", inputs);
    }
    definition.with("steps", vec![step]).with("outputs", outputs)
}

/// The role of a name, from a file beside a workflow. Nothing where there is none.
pub(super) fn beside(
    name: &str,
    context: &mut Context<'_>,
    declare: &mut dyn FnMut(&str, Map) -> String,
) -> Option<Role> {
    // A name that leads elsewhere names no file.
    let plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !plain {
        return None;
    }
    let folder = context.file.rsplit_once('/').map(|(folder, _)| folder);
    let outer = match folder {
        Some(folder) => folder.rsplit_once('/').map_or_else(String::new, |(outer, _)| format!("{outer}/")),
        None => "../".to_owned(),
    };
    let own = folder.map_or_else(String::new, |folder| format!("{folder}/"));
    [format!("{own}roles/{name}.md"), format!("{outer}roles/{name}.md")].into_iter().find_map(|file| {
        let text = (context.read)(&file).ok()?;
        let mut problems = Vec::new();
        let document = read::document(&file, &text, &mut problems);
        let Some(document) = document.filter(|document| fits(document.root()).is_ok()) else {
            // What could not be read is told where it stands, not left out without a word.
            context
                .reports
                .push(Report::unread(&file, "it is no role that can be read; the prompt is made without it"));
            return None;
        };
        let source = Source::new(&document, "", fields::FIELDS, fields::FOLDS);
        let made = role(source.root(), declare);
        for key in ["id", "name", "description"] {
            source.root().get("frontmatter").and_then(|data| data.get(key));
        }
        context.reports.push(source.report());
        Some(made)
    })
}

/// What a role says. `declare` makes an input of the workflow, and gives its expression.
fn role(root: At<'_, '_>, declare: &mut dyn FnMut(&str, Map) -> String) -> Role {
    let Some(data) = root.get("frontmatter") else {
        return Role { provider: None, prompt: String::new(), skills: Vec::new(), output: None };
    };
    let texts = |key: &str| -> Vec<String> {
        data.list(key).into_iter().filter_map(|at| at.text().map(str::to_owned)).collect()
    };
    let template = root.text_at("template").unwrap_or_default();
    let kinds = kinds(template);
    let mut known: HashMap<String, Value> = HashMap::new();
    for at in data.list("variables") {
        variable(at, declare, &mut known);
    }
    let files = texts("inputs");
    let mut undeclared = Vec::new();
    let mut value = |name: &str| match known.get(name) {
        Some(value) => value.clone(),
        None if name == "inputs" => Value::List(files.clone()),
        None => {
            let kind = kinds.get(name).copied().unwrap_or("string");
            let value = Value::Expr(declare(name, Map::new().with("type", kind)), Some(kind.to_owned()));
            undeclared.push(name.to_owned());
            known.insert(name.to_owned(), value.clone());
            value
        }
    };
    let mut made = Prompt::new(&mut value);
    let mut prompt = made.of(template);
    let bad = std::mem::take(&mut made.bad);
    if let Some(at) = root.get("template") {
        for name in undeclared {
            at.say(
                Changed,
                format!("`{name}` is read and declared nowhere: it is an input that has to be given"),
            );
        }
        for raw in bad {
            let raw: String = raw.chars().take(80).collect();
            at.say_with(
                NotExpressible,
                format!("`{raw}` is nothing that expressions can say; it stands in the prompt as it is"),
                Some("write it with `${{ }}`"),
            );
        }
    }
    if !files.is_empty() && !template.contains("inputs") {
        prompt.push_str("\n\nRead these files first:");
        files.iter().for_each(|file| prompt.extend(["\n- ", &literal(file)]));
    }
    let guards = texts("guards");
    if !guards.is_empty() {
        prompt.push_str("\n\nWhat has to hold:");
        guards.iter().for_each(|guard| prompt.extend(["\n- ", &literal(guard)]));
    }
    let recommended = ["recommendedProvider", "recommended_provider"].map(|key| data.text_at(key));
    let provider = recommended.into_iter().flatten().find(|text| !text.is_empty());
    Role {
        provider: provider.map(literal),
        prompt,
        skills: texts("skills").iter().map(|skill| Out::from(literal(skill))).collect(),
        output: data.get("output_schema").map(At::whole),
    }
}

/// A variable becomes an input.
fn variable(
    at: At<'_, '_>,
    declare: &mut dyn FnMut(&str, Map) -> String,
    known: &mut HashMap<String, Value>,
) {
    let Some(name) = at.text_at("name").filter(|name| !name.is_empty()) else {
        return at.say_all(NotExpressible, "it has no name", None);
    };
    if known.contains_key(name) {
        return at.say_all(NotExpressible, format!("`{name}` is declared twice; the first one counts"), None);
    }
    if known.len() >= limits::IMPORT_GRAPH {
        return at.say_all(
            NotExpressible,
            format!("at most {} variables are taken", limits::IMPORT_GRAPH),
            None,
        );
    }
    let said = at.text_at("type").unwrap_or("string");
    let kind = match said {
        "string" | "text" => "string",
        "number" | "float" => "number",
        "integer" | "int" => "integer",
        "boolean" | "bool" => "boolean",
        "array" | "list" => "array",
        "object" | "map" => "object",
        other => {
            if let Some(at) = at.get("type") {
                at.say(Changed, format!("`{other}` is no type here: a text is taken"));
            }
            "string"
        }
    };
    let required = at.flag("required");
    let default = at.get("default").and_then(|at| {
        let value = at.fixed();
        let fits = match (&value, kind) {
            (Out::Text(_), "string") | (Out::Bool(_), "boolean") | (Out::List(_), "array") => true,
            (Out::Number(text), "integer") => text.parse::<i64>().is_ok(),
            (Out::Number(_), "number") | (Out::Map(_), "object") => true,
            _ => false,
        };
        if !fits {
            at.say(NotExpressible, format!("it is no {kind}; there is no default"));
        }
        fits.then_some(value)
    });
    let default = match (default, required) {
        (Some(default), required) => {
            if required == Some(true)
                && let Some(at) = at.get("required")
            {
                at.say(Changed, "with its default it need not be given");
            }
            Some(default)
        }
        (None, Some(false)) => {
            let empty: Out = match kind {
                "number" | "integer" => {
                    if let Some(at) = at.get("required") {
                        at.say(Changed, "without a value it is 0");
                    }
                    0_i64.into()
                }
                "boolean" => false.into(),
                "array" => Vec::<Out>::new().into(),
                "object" => Map::new().into(),
                _ => "".into(),
            };
            Some(empty)
        }
        (None, Some(true)) => None,
        (None, None) => {
            at.say_of(
                "variables[].required",
                Changed,
                "it is not said whether it is required: it has to be given",
                None,
            );
            None
        }
    };
    let description = at.text_at("description").filter(|text| !text.trim().is_empty());
    let input = Map::new()
        .with("type", kind)
        .with_some("description", description.map(|text| prose(text, limits::DESCRIPTION_CHARS)))
        .with_some("default", default);
    let expression = declare(name, input);
    known.insert(name.to_owned(), Value::Expr(expression, Some(kind.to_owned())));
}

/// Names of inputs of several roles, so that those of one name and one type are one.
pub(super) fn shared(inputs: &mut Map, name: &str, input: Map) -> String {
    let id = snake(name, "value");
    let kind = |input: &Map| input.get("type").cloned();
    let mut given = Given::default();
    loop {
        let id = given.give(&id);
        match inputs.0.iter_mut().find(|(known, _)| *known == id) {
            None => {
                inputs.set(&id, input);
                return format!("inputs.{id}");
            }
            Some((_, Out::Map(old))) if kind(old) == kind(&input) => {
                // One that somebody requires has to be given.
                if input.get("default").is_none() {
                    old.0.retain(|(key, _)| key != "default");
                }
                if let (None, Some(text)) = (old.get("description"), input.get("description")) {
                    old.set("description", text.clone());
                }
                return format!("inputs.{id}");
            }
            Some(_) => {}
        }
    }
}
