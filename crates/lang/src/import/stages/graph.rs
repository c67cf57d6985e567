//! The graph of a stage's profile: nodes that run agents, go through items, put together, branch and export.

use std::collections::{HashMap, HashSet};

use super::condition::condition;
use super::known::Stages;
use crate::import::Context;
use crate::import::naming::{Given, snake};
use crate::import::out::{Map, Out, literal, marked, quoted};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::roles::Role;
use crate::import::source::At;
use crate::limits;

/// What a stage says of all its nodes.
pub(super) struct Stage<'a> {
    pub(super) name: &'a str,
    /// What the stage itself names.
    pub(super) provider: Option<&'a str>,
    pub(super) role: &'a str,
    pub(super) prompt: Option<&'a str>,
    pub(super) shared: Option<&'a str>,
    pub(super) skills: Option<&'a Out>,
    pub(super) retry: Option<&'a Map>,
}

/// The steps of a stage, and what it gives.
pub(super) struct Graph {
    pub(super) steps: Vec<Map>,
    pub(super) outputs: Map,
}

/// A prompt: the stage's own, or one that says what is to be done, with what others gave.
pub(super) fn prompt(own: Option<&str>, stage: &str, role: &str, given: Option<&str>) -> String {
    let mut text = match own {
        Some(own) => own.trim_end().to_owned(),
        None => format!("Do the work of the stage {} as {}.", literal(stage), literal(role)),
    };
    if let Some(given) = given {
        text.push_str("\n\nWhat was done before, as JSON: ");
        text.push_str(&marked(&format!("text({given})")));
        text.push('\n');
    }
    text
}

/// What an agent is told: what its role says, then what its stage or node says.
pub(super) fn told(role: Option<&Role>, own: Option<&str>) -> Option<String> {
    match (role.map(|role| role.prompt.trim_end()), own) {
        (Some(role), Some(own)) => Some(format!("{role}\n\n{own}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// The skills of a stage and of its role, each once.
pub(super) fn skilled(own: Option<&Out>, role: Option<&Role>) -> Option<Out> {
    let more = role.map(|role| role.skills.as_slice()).unwrap_or_default();
    let mut all: Vec<Out> = match own {
        Some(Out::List(own)) => own.clone(),
        Some(other) if more.is_empty() => return Some(other.clone()),
        Some(other) => vec![other.clone()],
        None => Vec::new(),
    };
    for skill in more {
        if !all.contains(skill) {
            all.push(skill.clone());
        }
    }
    (own.is_some() || !all.is_empty()).then_some(Out::List(all))
}

/// Who does the work where neither a stage nor a role names anybody.
pub(super) const PROVIDER: &str = "claude-code";

struct Node<'s, 't> {
    at: At<'s, 't>,
    name: &'t str,
    id: String,
    kind: &'t str,
    needs: Vec<String>,
}

pub(super) fn convert(
    root: At<'_, '_>,
    stage: &Stage<'_>,
    stages: &mut Stages,
    context: &mut Context<'_>,
    given: &mut Given,
) -> Option<Graph> {
    let mut nodes: Vec<Node<'_, '_>> = Vec::new();
    for at in root.list("graph") {
        let Some(name) = at.text_at("id").filter(|name| !name.is_empty()) else {
            at.say_all(NotExpressible, "it has no id", None);
            continue;
        };
        if nodes.iter().any(|node| node.name == name) || nodes.len() == limits::IMPORT_GRAPH {
            at.say_all(NotExpressible, "its id is taken, or there are too many nodes", None);
            continue;
        }
        let kind = at.text_at("type").unwrap_or("run");
        if !["run", "foreach", "reduce", "branch", "export"].contains(&kind) {
            let why = format!("`{kind}` is none of `run`, `foreach`, `reduce`, `branch`, `export`");
            at.say_all(NotExpressible, why, None);
            continue;
        }
        let mut needs: Vec<String> =
            at.list("inputs").into_iter().filter_map(|at| at.text().map(str::to_owned)).collect();
        needs.extend(at.text_at("from").map(str::to_owned));
        let id = if matches!(kind, "branch" | "export") {
            String::new()
        } else {
            given.give(&snake(name, "node"))
        };
        at.becomes_step(&id);
        nodes.push(Node { at, name, id, kind, needs });
    }
    // What a foreach runs is not run by itself.
    let mut inner = HashMap::new();
    for node in nodes.iter().filter(|node| node.kind == "foreach") {
        let Some(run) = node.at.get("run") else { continue };
        let name = if run.is_map() { run.text_at("node") } else { run.text() };
        if let Some(at) =
            name.and_then(|name| nodes.iter().find(|other| other.name == name && other.kind == "run"))
        {
            inner.insert(node.name, at.at);
            at.at.say_all(Changed, format!("it is what `{}` does for each item", node.name), None);
        }
    }
    let once: Vec<&Node<'_, '_>> =
        nodes.iter().filter(|node| !inner.values().any(|at| at.node.path() == node.at.node.path())).collect();
    let needs: Vec<(String, Vec<String>)> =
        once.iter().map(|node| (node.name.to_owned(), node.needs.clone())).collect();
    let (order, circle) = ordered(&needs);
    for at in &circle {
        once[*at].at.say_all(
            NotExpressible,
            "its inputs go in a circle, in which nothing could begin",
            Some("take one of them away"),
        );
    }
    let ids: HashMap<&str, &str> = order.iter().map(|at| (once[*at].name, once[*at].id.as_str())).collect();
    let conditions = branches(&once, &ids);

    let mut steps = Vec::new();
    let mut result = None;
    let mut last = None;
    for node in order.into_iter().map(|at| once[at]) {
        let sources: Vec<String> = node
            .needs
            .iter()
            .filter_map(|name| match ids.get(name.as_str()) {
                Some(id) if !id.is_empty() => Some(format!("{}: {}", quoted(name), output(id))),
                Some(_) => None,
                None => {
                    let known = nodes.iter().any(|node| node.name == name);
                    if !known {
                        let at = node.at.get("inputs").or_else(|| node.at.get("from")).unwrap_or(node.at);
                        at.say(Changed, format!("no node is `{name}`: it hands nothing on"));
                    }
                    None
                }
            })
            .collect();
        let mut step = Map::new().with("id", node.id.as_str());
        if let Some(when) = conditions.get(node.name) {
            step.set("if", when.as_str());
        }
        match node.kind {
            "branch" => continue,
            "export" => {
                let from = node
                    .needs
                    .iter()
                    .rev()
                    .find_map(|name| ids.get(name.as_str()).filter(|id| !id.is_empty()));
                let from = from.map(|id| (*id).to_owned()).or_else(|| last.clone());
                if result.is_some() {
                    node.at.say_all(NotExpressible, "the first export is the stage's output", None);
                } else {
                    result = from;
                }
                continue;
            }
            "foreach" => {
                step.set("foreach", foreach(node.at, &node.id, stages));
                let own = inner.get(node.name).copied();
                let at = own.or_else(|| node.at.get("run").filter(|run| run.is_map())).unwrap_or(node.at);
                let mut agent = agent(at, stage, stages, context, &sources);
                agent.set(
                    "provider",
                    marked(&format!("item.?provider.orValue({})", plain(agent.get("provider")))),
                );
                agent.set("role", marked(&format!("item.?role.orValue({})", plain(agent.get("role")))));
                let text = match agent.get("prompt") {
                    Some(Out::Text(text)) => {
                        format!("{}\n\nThe item: {}", text.trim_end(), marked("text(item)"))
                    }
                    _ => marked("text(item)"),
                };
                agent.set("prompt", text);
                step.set("agent", agent);
            }
            "reduce" if node.at.node.get("provider").is_none() && node.at.node.get("role").is_none() => {
                if let Some(strategy) = node.at.get("strategy") {
                    strategy.say(Changed, "the results are put together as they are, without an agent");
                }
                step.set("set", Map::new().with("results", marked(&format!("{{{}}}", sources.join(", ")))));
            }
            kind => {
                let mut agent = agent(node.at, stage, stages, context, &sources);
                if let ("reduce", Some(strategy)) = (kind, node.at.text_at("strategy")) {
                    let text = plain_text(agent.get("prompt"));
                    agent.set(
                        "prompt",
                        format!("{}\n\nPut it together: {}", text.trim_end(), literal(strategy)),
                    );
                }
                step.set("agent", agent);
            }
        }
        node.at.get("out");
        if let (Some(retry), true) = (stage.retry, step.get("agent").is_some()) {
            step.set("retry", retry.clone());
        }
        last = Some(node.id.clone());
        steps.push(step);
    }
    if steps.is_empty() {
        return None;
    }
    let from = result.or(last)?;
    Some(Graph { steps, outputs: Map::new().with("result", marked(&output(&from))) })
}

fn output(id: &str) -> String {
    format!("steps.{id}.?output.orValue(null)")
}

fn plain_text(value: Option<&Out>) -> String {
    match value {
        Some(Out::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn plain(value: Option<&Out>) -> String {
    quoted(&plain_text(value))
}

fn agent(
    at: At<'_, '_>,
    stage: &Stage<'_>,
    stages: &mut Stages,
    context: &mut Context<'_>,
    sources: &[String],
) -> Map {
    let name = at.text_at("role").unwrap_or(stage.role);
    let role = stages.role(name, context);
    let provider = at.text_at("provider").filter(|text| *text != "${stage.provider}").or(stage.provider);
    let provider = match (provider, role.as_ref().and_then(|role| role.provider.clone())) {
        (Some(provider), _) => literal(provider),
        (None, recommended) => recommended.unwrap_or_else(|| PROVIDER.to_owned()),
    };
    let own = at.get("prompt").and_then(|at| at.text().map(|text| stages.prompt(at, text)));
    let own = told(role.as_ref(), own.as_deref().or(stage.prompt));
    let given = match sources.is_empty() {
        true => stage.shared.map(str::to_owned),
        false => Some(format!("{{{}}}", sources.join(", "))),
    };
    let schema = at.get("output_schema").map(At::whole);
    let schema = schema.or_else(|| role.as_ref().and_then(|role| role.output.clone()));
    Map::new()
        .with("provider", provider)
        .with("role", literal(name))
        .with("prompt", prompt(own.as_deref(), stage.name, name, given.as_deref()))
        .with("workspace", ".")
        .with_some("skills", skilled(stage.skills, role.as_ref()))
        .with_some("output", schema)
}

fn foreach(at: At<'_, '_>, id: &str, stages: &mut Stages) -> Map {
    let items: Out = match at.get("items") {
        Some(items) if items.is_list() => marked(&stages.list(id, items.fixed())).into(),
        Some(items) => {
            let text = items.text().unwrap_or_default();
            let name = text.strip_prefix("${vars.").and_then(|rest| rest.strip_suffix('}'));
            match name.filter(|name| !name.contains('.')) {
                Some(name) => marked(&stages.variable(name, "array")).into(),
                None => {
                    items.say(
                        NotExpressible,
                        "it is no list and no variable of the workflow: there are no items",
                    );
                    Vec::<Out>::new().into()
                }
            }
        }
        None => {
            at.say(NotExpressible, "it has no `items`: there is nothing to go through");
            Vec::<Out>::new().into()
        }
    };
    let most = at.integer("concurrency", 1, i64::from(limits::PARALLEL));
    let parallel = match at.text_at("mode") {
        Some("parallel") => Some(most.unwrap_or(3)),
        _ => most.filter(|most| *most > 1),
    };
    Map::new().with("in", items).with_some("parallel", parallel)
}

/// What has to hold for nodes that a branch leads to.
fn branches<'t>(nodes: &[&Node<'_, 't>], ids: &HashMap<&str, &str>) -> HashMap<&'t str, String> {
    let mut out: HashMap<&'t str, String> = HashMap::new();
    for node in nodes.iter().filter(|node| node.kind == "branch") {
        let from = node.needs.iter().find_map(|name| ids.get(name.as_str()).filter(|id| !id.is_empty()));
        for way in node.at.list("when") {
            let (Some(text), Some(then)) = (way.text_at("condition"), way.text_at("then")) else {
                way.say_all(NotExpressible, "it lacks `condition` or `then`", None);
                continue;
            };
            let Some(target) = nodes.iter().find(|other| other.name == then) else {
                way.say_all(NotExpressible, format!("no node is `{then}`"), None);
                continue;
            };
            let made = from.and_then(|from| condition(text, &format!("steps.{from}.?output")));
            match made {
                Some(made) => {
                    way.say_all(Changed, format!("`{then}` runs only when it holds; the tool took every branch"), None);
                    out.entry(target.name).and_modify(|old| *old = format!("({old}) || ({made})")).or_insert(made);
                }
                None => way.say_all(NotExpressible, format!("`{text}` is no condition over the node that it takes from; `{then}` always runs, as there"), Some("write it as `$.path == value`, and name the node by `from`")),
            }
        }
    }
    out
}

/// Names that stand in an order in which each comes after those it needs; the rest goes in a circle.
fn ordered(needs: &[(String, Vec<String>)]) -> (Vec<usize>, Vec<usize>) {
    let at: HashMap<&str, usize> = needs.iter().enumerate().map(|(at, (id, _))| (id.as_str(), at)).collect();
    let mut waits: Vec<HashSet<usize>> = needs
        .iter()
        .map(|(_, needs)| needs.iter().filter_map(|id| at.get(id.as_str()).copied()).collect())
        .collect();
    let mut order = Vec::new();
    let mut open: Vec<usize> = (0..needs.len()).collect();
    while let Some(position) = open.iter().position(|node| waits[*node].is_empty()) {
        let node = open.remove(position);
        waits.iter_mut().for_each(|waits| {
            waits.remove(&node);
        });
        order.push(node);
    }
    (order, open)
}
