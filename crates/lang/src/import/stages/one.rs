//! The step that a stage becomes: one agent, several, or the graph of its profile.

use super::fields::FIELDS;
use super::graph::{self, Graph, PROVIDER};
use super::known::Stages;
use super::rounds::START;
use crate::import::Context;
use crate::import::naming::{Given, seconds};
use crate::import::out::{Map, literal, marked, prose, quoted};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::{At, Source};
use crate::limits;
use crate::tree::read;

/// Providers and roles that stages have where nothing is said.
fn usual_role(stage: &str) -> &'static str {
    match stage {
        "analyze" | "plan" => "planner",
        "review" | "check" => "checker",
        "test" => "tester",
        _ => "coder",
    }
}

/// A stage: its step, whether its output stands under `result`, and its least number of rounds.
pub(super) fn one(
    stage: &str,
    id: &str,
    config: Option<At<'_, '_>>,
    stages: &mut Stages,
    context: &mut Context<'_>,
    given: &mut Given,
) -> (Map, bool, i64) {
    let config = config.inspect(|at| at.becomes_step(id));
    let map = config.filter(|at| at.is_map());
    let text = |key: &str| map.and_then(|at| at.text_at(key));
    let profile = match (map, config) {
        (Some(at), _) => at.text_at("profile").map(|profile| (at.get("profile"), profile)),
        (None, Some(at)) => at.text().map(|profile| {
            at.say(Kept, "the profile of the stage");
            (None, profile)
        }),
        (None, None) => None,
    };
    let role = text("role").unwrap_or_else(|| usual_role(stage));
    let provider = text("provider");
    text("id");
    if let Some(at) = map {
        at.get("dependsOn");
    }
    let own =
        map.and_then(|at| at.get("prompt")).and_then(|at| at.text().map(|text| stages.prompt(at, text)));
    let skills = map.and_then(|at| at.get("skills")).map(At::whole);
    let (retry, on_error) = failure(map);
    let least =
        map.and_then(|at| at.integer("min_iterations", 0, i64::from(limits::ITERATIONS))).unwrap_or(1).max(1);
    // What the stages so far gave goes into each prompt: their shared context.
    let shared = stages.all.iter().filter_map(|(stage, id)| {
        let made = stages.made.iter().find(|made| made.id == *id);
        let value = match made {
            Some(made) => made.output(stages.looped),
            None if stages.looped => format!("steps.{START}.output.context.{id}"),
            None => return None,
        };
        Some(format!("{}: {value}", quoted(stage)))
    });
    let shared: Vec<String> = shared.collect();
    let shared = (!shared.is_empty()).then(|| format!("{{{}}}", shared.join(", ")));

    let graph = profile.and_then(|(at, profile)| {
        let file = beside(&context.file, &format!("stages/{stage}.{profile}.yml"));
        let text = (context.read)(&file);
        let mut problems = Vec::new();
        let document = text.ok().and_then(|text| read(&file, &text, &mut problems));
        match document {
            Some(document) if problems.is_empty() => {
                let source = Source::new(&document, "", FIELDS, &[]);
                let settings = graph::Stage {
                    name: stage,
                    provider,
                    role,
                    prompt: own.as_deref(),
                    shared: shared.as_deref(),
                    skills: skills.as_ref(),
                    retry: retry.as_ref(),
                };
                let graph = graph::convert(source.root(), &settings, stages, context, given);
                context.reports.push(source.report());
                graph
            }
            found => {
                if profile != "simple" || found.is_some() {
                    let why = if found.is_some() { "cannot be read as YAML" } else { "is not there" };
                    let at = at.or(config);
                    if let Some(at) = at {
                        at.say_with(
                            NotExpressible,
                            format!("`{file}` {why}: the stage is made as one agent"),
                            Some("put the file of the profile beside the workflow and import again"),
                        );
                    }
                }
                None
            }
        }
    });
    let mut step = Map::new()
        .with("id", id)
        .with_some("name", text("name").map(|name| prose(name, limits::TITLE_CHARS)));
    let providers = map.map(|at| at.list("providers")).unwrap_or_default();
    let parallel = match text("mode") {
        Some("parallel") => true,
        None | Some("sequential") => false,
        Some(other) => {
            if let Some(at) = map.and_then(|at| at.get("mode")) {
                at.say(
                    Changed,
                    format!("`{other}` is neither `parallel` nor `sequential`; it counts as sequential"),
                );
            }
            false
        }
    };
    let grouped = match graph {
        Some(Graph { steps, outputs }) => {
            for (key, at) in [
                ("providers", map.and_then(|at| at.get("providers"))),
                ("mode", map.and_then(|at| at.get("mode").filter(|_| parallel))),
            ] {
                if let Some(at) = at {
                    at.say_all(
                        NotExpressible,
                        format!("`{key}` has no effect beside a profile with a graph"),
                        None,
                    );
                }
            }
            step.set("steps", steps);
            step.set("outputs", outputs);
            true
        }
        None => {
            let said = stages.role(role, context);
            let recommended = said.as_ref().and_then(|said| said.provider.clone());
            let mut agent = Map::new();
            let prompt = if providers.is_empty() {
                let provider = provider.map(literal).or(recommended).unwrap_or_else(|| PROVIDER.to_owned());
                agent = agent.with("provider", provider).with("role", literal(role));
                let own = graph::told(said.as_ref(), own.as_deref());
                graph::prompt(own.as_deref(), stage, role, shared.as_deref())
            } else {
                // Parts whose roles say something of their own are told that.
                let named: Vec<&str> = providers.iter().filter_map(|at| at.text_at("role")).collect();
                let differ = named.iter().any(|name| stages.role(name, context).is_some());
                let mut each = |name: &str| {
                    let said = stages.role(name, context);
                    let told = graph::told(said.as_ref(), own.as_deref());
                    graph::prompt(told.as_deref(), stage, name, None)
                };
                let foreach = match differ {
                    true => everyone(&providers, map, role, parallel, Some(&mut each)),
                    false => everyone(&providers, map, role, parallel, None),
                };
                step.set("foreach", foreach);
                agent = agent.with("provider", marked("each.provider")).with("role", marked("each.role"));
                let own = match differ {
                    true => Some(marked("each.prompt")),
                    false => graph::told(said.as_ref(), own.as_deref()),
                };
                graph::prompt(own.as_deref(), stage, role, shared.as_deref())
            };
            let skills = graph::skilled(skills.as_ref(), said.as_ref());
            let output = said.and_then(|said| said.output);
            agent = agent.with("prompt", prompt).with("workspace", ".").with_some("skills", skills);
            agent = agent.with_some("output", output);
            step.set("agent", agent);
            if let Some(retry) = retry {
                step.set("retry", retry);
            }
            false
        }
    };
    if on_error {
        step.set("on_error", "continue");
    }
    (step, grouped, least)
}

/// A path beside a file.
fn beside(file: &str, name: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// `retry`, and whether the run goes on.
fn failure(map: Option<At<'_, '_>>) -> (Option<Map>, bool) {
    let Some(at) = map else { return (None, false) };
    let mode = at.text_at("on_failure").unwrap_or("stop");
    if !["stop", "continue", "retry"].contains(&mode)
        && let Some(at) = at.get("on_failure")
    {
        at.say(Changed, format!("`{mode}` is none of `stop`, `continue`, `retry`; it counts as `stop`"));
    }
    let retries = at.integer("retries", 0, i64::from(limits::ATTEMPTS) - 1);
    let wait = at.number("retry_backoff").unwrap_or(5.0);
    let retries = match (retries, mode) {
        (None, "retry") => {
            let why = "how often is not said: three times, since no bound would be for ever";
            if let Some(at) = at.get("on_failure") {
                at.say(Changed, why);
            }
            3
        }
        (retries, _) => retries.unwrap_or(0),
    };
    let retry = (retries > 0).then(|| {
        let wait = wait.max(0.001);
        Map::new()
            .with("attempts", retries + 1)
            .with("wait", seconds(wait))
            .with("factor", 2)
            .with("max_wait", seconds(wait * 64.0))
    });
    (retry, mode == "continue")
}

/// `foreach` over several providers.
fn everyone(
    providers: &[At<'_, '_>],
    map: Option<At<'_, '_>>,
    role: &str,
    parallel: bool,
    prompts: Option<&mut dyn FnMut(&str) -> String>,
) -> Map {
    let mut parts = Vec::new();
    let mut prompts = prompts;
    for at in providers {
        let Some(provider) = at.text_at("provider") else {
            at.say_all(NotExpressible, "it names no provider", None);
            continue;
        };
        at.get("weight");
        let role = at.text_at("role").unwrap_or(role);
        let prompt = prompts.as_mut().map(|prompts| prompts(role));
        let part = Map::new().with("provider", literal(provider)).with("role", literal(role));
        parts.push(part.with_some("prompt", prompt));
    }
    let join = match map.and_then(|at| at.text_at("parallel_strategy")) {
        Some("race") => {
            if let Some(at) = map.and_then(|at| at.get("parallel_strategy")) {
                at.say(Changed, "the first that succeeds counts, and the others are ended; there the first to end counted, also by failing");
            }
            Some("first")
        }
        Some("majority") => Some("majority"),
        _ => None,
    };
    let count = i64::try_from(parts.len()).unwrap_or(1).clamp(1, i64::from(limits::PARALLEL));
    Map::new()
        .with("in", parts)
        .with("as", "each")
        .with_some("parallel", parallel.then_some(count))
        .with_some("join", join)
}
