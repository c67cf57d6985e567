//! Stage workflows: stages in order, each an agent or a graph of its own, again until a deciding stage is content.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::graph::{self, Graph};
use super::naming::{Given, kebab, seconds, snake};
use super::out::{Map, Out, literal, marked, quoted};
use super::report::Verdict::{Changed, Kept, NotExpressible};
use super::source::{At, Source};
use super::table::{Field, changed, kept, lost, part};
use super::words::{Word, number, words};
use super::{Context, Dialect, Spec, head, lacks};
use crate::limits;
use crate::tree::{Node, Shape, read};

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Stages,
    name: "stages",
    title: "stage workflows (YAML) with their profiles",
    fields: FIELDS,
    folds: &[],
    fits,
    convert,
};

static FIELDS: &[Field] = &[
    part("workflow", "the head"),
    changed("workflow.id", "nothing: a workflow is known by its name"),
    kept("workflow.name", "`name`, in kebab-case"),
    kept("workflow.description", "`description`"),
    kept("workflow.stages", "the states, or steps where nothing is repeated, in this order"),
    lost("workflow.isDefault", "there is no default workflow").help("name the workflow that is run"),
    lost("workflow.protected", "the library keeps every revision; a deleted workflow can be restored"),
    part("workflow.loop", "`loop` around all stages"),
    kept(
        "workflow.loop.max_iters",
        "`loop.max`; past it the run fails as exhausted, where the tool said completed",
    ),
    kept(
        "workflow.loop.fallback_next_stage",
        "the stage with which the next round begins where nothing else is recommended",
    ),
    kept("workflow.loop.stop_when", "`loop.until`, over the output of the deciding stage"),
    part("*", "a stage: one agent, or a group of what its profile says"),
    kept("*.id", "the stage is known by its key"),
    kept("*.name", "`name` of the step"),
    kept("*.provider", "`agent.provider`"),
    part("*.providers", "`foreach` over the providers"),
    kept("*.providers[].provider", "`agent.provider` of this part"),
    kept("*.providers[].role", "`agent.role` of this part"),
    lost("*.providers[].weight", "votes count alike, as there, where the weight was not used"),
    kept("*.role", "`agent.role`; without it the usual one of the stage"),
    kept("*.profile", "the file beside it whose graph the stage becomes"),
    kept("*.mode", "`parallel`: all providers at once"),
    kept("*.parallel_strategy", "`foreach.join`: `all`, `first` (which has to succeed), `majority`"),
    kept("*.on_failure", "`stop`: the default; `continue`: `on_error: continue`; `retry`: `retry`"),
    kept("*.retries", "`retry.attempts`, which counts the first try as well"),
    kept("*.retry_backoff", "`retry.wait`, doubled with each try"),
    kept("*.min_iterations", "`loop.min`"),
    kept("*.skills", "`agent.skills`"),
    kept("*.prompt", "`agent.prompt`, with `${vars.x}` as inputs of the workflow"),
    changed("*.dependsOn", "nothing: a stage begins when all above it have ended"),
    lost("*.output_schema", "the schema of an agent's answer stands in the profile"),
    part("graph", "the steps of the stage"),
    kept("graph[].id", "the id of the step"),
    kept(
        "graph[].type",
        "`run`: `agent`; `foreach`: `foreach`; `reduce`: an agent, or `set`; `branch`: `if` of others; `export`: the output of the stage",
    ),
    kept("graph[].provider", "`agent.provider`; `${stage.provider}` is the stage's"),
    kept("graph[].role", "`agent.role`"),
    kept("graph[].prompt", "`agent.prompt`"),
    kept("graph[].inputs", "what the prompt hands on, in an order in which each has its own"),
    kept("graph[].from", "the step that it takes from"),
    kept("graph[].output_schema", "`agent.output`: a file beside the definition, or the schema itself"),
    kept("graph[].items", "`foreach.in`"),
    kept("graph[].mode", "`parallel`: as many at once as `concurrency` says"),
    kept("graph[].concurrency", "`foreach.parallel`, where the tool had one after the other"),
    kept("graph[].run", "the agent that each item goes to"),
    kept("graph[].out", "the step is read by its id"),
    changed(
        "graph[].strategy",
        "the prompt says it; without a provider the results are put together in a list",
    ),
    kept("graph[].when", "`if` of the steps that it leads to; the tool took every branch"),
];

fn fits(root: Node<'_>) -> Result<(), String> {
    lacks(root, &[("workflow", Shape::Map)])?;
    let head = root.get("workflow").unwrap_or(root);
    lacks(head, &[("stages", Shape::List)]).map_err(|why| why.replacen("it has", "its `workflow` has", 1))?;
    match head
        .get("stages")
        .is_some_and(|stages| stages.items().any(|stage| stage.raw().is_some_and(|s| !s.is_empty())))
    {
        true => Ok(()),
        false => Err("its `workflow.stages` name no stage".to_owned()),
    }
}

/// Providers and roles that stages have where nothing is said.
fn usual_role(stage: &str) -> &'static str {
    match stage {
        "analyze" | "plan" => "planner",
        "review" | "check" => "checker",
        "test" => "tester",
        _ => "coder",
    }
}

/// What is known while stages are made.
pub(super) struct Stages {
    /// The variables that were met, and the types of the inputs that they become.
    pub(super) inputs: Map,
    /// Ids of the stages in order, with whether the output stands under `result`.
    made: Vec<Made>,
    /// All stages with their ids.
    all: Vec<(String, String)>,
    /// Whether they go in rounds.
    looped: bool,
}

struct Made {
    stage: String,
    id: String,
    grouped: bool,
}

impl Stages {
    /// A list becomes an input with that list as its default.
    pub(super) fn list(&mut self, name: &str, items: Out) -> String {
        let mut id = name.to_owned();
        while self.inputs.get(&id).is_some() {
            id.push_str("_items");
        }
        self.inputs.set(&id, Map::new().with("type", "array").with("default", items));
        format!("inputs.{id}")
    }

    /// A variable becomes an input.
    pub(super) fn variable(&mut self, name: &str, kind: &str) -> String {
        let id = snake(name, "value");
        if self.inputs.get(&id).is_none() || kind == "array" {
            self.inputs.set(&id, Map::new().with("type", kind));
        }
        format!("inputs.{id}")
    }

    /// A prompt with the variables of the tool as inputs: `${vars.x}` and `{{ x }}`.
    pub(super) fn prompt(&mut self, at: At<'_, '_>, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        loop {
            let dollar = rest.find("${").filter(|at| !rest.get(*at..).is_some_and(|r| r.starts_with("${{")));
            let braces = rest.find("{{").filter(|at| *at == 0 || rest.as_bytes().get(at - 1) != Some(&b'$'));
            let (start, open, close) = match (dollar, braces) {
                (Some(d), Some(b)) if b < d => (b, "{{", "}}"),
                (Some(d), _) => (d, "${", "}"),
                (None, Some(b)) => (b, "{{", "}}"),
                (None, None) => break,
            };
            let body = rest.get(start + open.len()..).unwrap_or_default();
            let Some(end) = body.find(close) else { break };
            let name = body.get(..end).unwrap_or_default().trim();
            let name = name.strip_prefix("vars.").unwrap_or(name);
            out.push_str(&literal(rest.get(..start).unwrap_or_default()));
            if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) && !name.is_empty()
            {
                out.push_str(&marked(&self.variable(name, "string")));
            } else {
                at.say(
                    Changed,
                    format!("`{name}` is no variable of the workflow: it is left in the text as it stands"),
                );
                out.push_str(&literal(
                    rest.get(start..start + open.len() + end + close.len()).unwrap_or_default(),
                ));
            }
            rest = body.get(end + close.len()..).unwrap_or_default();
        }
        out.push_str(&literal(rest));
        out
    }
}

fn convert(root: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let Some(top) = root.get("workflow") else { return Map::new() };
    let title = top.text_at("name").unwrap_or(&context.stem);
    let name = kebab(title, "stages");
    if name != title
        && let Some(at) = top.get("name")
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    for key in ["id", "isDefault", "protected"] {
        top.get(key);
    }
    let mut stages = Stages { inputs: Map::new(), made: Vec::new(), all: Vec::new(), looped: false };
    let mut given = Given::default();
    given.give(ROUNDS);
    given.give(START);
    for at in top.node.get("stages").into_iter().flat_map(Node::items) {
        let Some(stage) = at.raw().filter(|stage| !stage.is_empty()) else { continue };
        if stages.all.len() < limits::IMPORT_STAGES && !stages.all.iter().any(|(known, _)| known == stage) {
            stages.all.push((stage.to_owned(), given.give(&snake(stage, "stage"))));
        }
    }
    stages.looped = top.node.get("loop").is_some() && stages.all.iter().any(|(stage, _)| is_deciding(stage));
    let mut steps = Vec::new();
    let mut least = 1;
    for at in top.list("stages") {
        let Some(stage) = at.text().filter(|stage| !stage.is_empty()) else { continue };
        if stages.made.iter().any(|made| made.stage == stage) {
            at.say(NotExpressible, format!("`{stage}` is in the list already: the second time is left out"));
            continue;
        }
        let Some((_, id)) = stages.all.iter().find(|(known, _)| known == stage).cloned() else {
            at.say(NotExpressible, format!("at most {} stages are taken", limits::IMPORT_STAGES));
            continue;
        };
        let config = root.get(stage);
        let (step, grouped, min) = one(stage, &id, config, &mut stages, context, &mut given);
        if is_deciding(stage) {
            least = least.max(min);
        } else if min > 1
            && let Some(at) = config.and_then(|config| config.get("min_iterations"))
        {
            at.say(NotExpressible, "only `review` and `check` decide on another round, as there");
        }
        steps.push(step);
        stages.made.push(Made { stage: stage.to_owned(), id, grouped });
    }
    let deciding = stages.made.iter().any(|made| is_deciding(&made.stage));
    let mut definition = head(&name, top.text_at("description"));
    let body = match top.get("loop") {
        Some(at) if !deciding => {
            let why =
                "no stage decides on another round (`review` or `check`), so the stages run once, as there";
            at.say_all(NotExpressible, why, None);
            steps
        }
        Some(at) => vec![rounds(at, &stages, steps, least)],
        None => {
            if deciding {
                top.say_of(
                    "loop",
                    Changed,
                    "without `loop` there is no bound to rounds: the stages run once",
                    Some("say `loop.max_iters`"),
                );
            }
            steps
        }
    };
    if let Some(inputs) = stages.inputs.filled() {
        definition.set("inputs", inputs);
    }
    definition.with("steps", body)
}

fn is_deciding(stage: &str) -> bool {
    matches!(stage, "review" | "check")
}

/// A stage: its step, whether its output stands under `result`, and its least number of rounds.
fn one(
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
    let provider = text("provider").unwrap_or("claude-code");
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
                let graph = graph::convert(source.root(), &settings, stages, given);
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
    let mut step = Map::new().with("id", id).with_some("name", text("name").map(literal));
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
            let prompt = graph::prompt(own.as_deref(), stage, role, shared.as_deref());
            let mut agent = Map::new();
            if providers.is_empty() {
                agent = agent.with("provider", literal(provider)).with("role", literal(role));
            } else {
                step.set("foreach", everyone(&providers, map, role, parallel));
                agent = agent.with("provider", marked("each.provider")).with("role", marked("each.role"));
            }
            agent = agent.with("prompt", prompt).with("workspace", ".").with_some("skills", skills);
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

impl Made {
    /// What it gave, wherever the run came to: in this round, else in an earlier one.
    fn output(&self, looped: bool) -> String {
        let (id, result) = (&self.id, if self.grouped { ".?result" } else { "" });
        let before = if looped { format!("steps.{START}.output.context.{id}") } else { "null".to_owned() };
        format!("steps.{id}.?output{result}.orValue({before})")
    }

    /// What it gave in the round before, or that one knew of earlier ones.
    fn before(&self) -> String {
        let (id, result) = (&self.id, if self.grouped { ".?result" } else { "" });
        marked(&format!(
            "previous.?{id}.?output{result}.orValue(previous.?{START}.?output.?context.?{id}.orValue(null))"
        ))
    }
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
fn everyone(providers: &[At<'_, '_>], map: Option<At<'_, '_>>, role: &str, parallel: bool) -> Map {
    let mut parts = Vec::new();
    for at in providers {
        let Some(provider) = at.text_at("provider") else {
            at.say_all(NotExpressible, "it names no provider", None);
            continue;
        };
        at.get("weight");
        let role = literal(at.text_at("role").unwrap_or(role));
        parts.push(Map::new().with("provider", literal(provider)).with("role", role));
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

/// The group that repeats.
const ROUNDS: &str = "rounds";
/// The state with which each round begins.
const START: &str = "start";

/// All stages in rounds.
fn rounds(at: At<'_, '_>, stages: &Stages, steps: Vec<Map>, least: i64) -> Map {
    let bounded = at.integer("max_iters", 1, i64::from(limits::ITERATIONS));
    let most = bounded.unwrap_or_else(|| {
        at.say_of(
            "loop.max_iters",
            Changed,
            "it is not said how many rounds there are at most: five",
            Some("say `loop.max`"),
        );
        5
    });
    if bounded.is_some()
        && let Some(at) = at.get("max_iters")
    {
        at.say(
            Changed,
            "`loop.max`; when it is used up the run fails as exhausted, where the tool said completed",
        );
    }
    if least > most {
        at.say_of(
            "min_iterations",
            Changed,
            "more rounds are asked for than there may be: all of them are run",
            None,
        );
    }
    let first = stages.made.first().map_or(START, |made| made.id.as_str());
    let find = |stage: &str| stages.made.iter().find(|made| made.stage == stage);
    let fallback = match at.text_at("fallback_next_stage") {
        Some(stage) => match find(stage) {
            Some(made) => made.id.as_str(),
            None => {
                if let Some(at) = at.get("fallback_next_stage") {
                    at.say(
                        Changed,
                        format!("`{stage}` is no stage of the list: rounds begin with the first one"),
                    );
                }
                first
            }
        },
        None => first,
    };
    let deciding: Vec<&Made> = stages.made.iter().filter(|made| is_deciding(&made.stage)).collect();
    let stop = at.text_at("stop_when").unwrap_or("$.done");
    let until: Vec<String> = deciding.iter().map(|made| done(at, stop, made)).collect();
    let recommended = |scope: &str| {
        deciding.iter().rev().fold("''".to_owned(), |otherwise, made| {
            let result = if made.grouped { ".?result" } else { "" };
            format!("{scope}.?{}.?output{result}.?recommended_next_stage.orValue({otherwise})", made.id)
        })
    };
    // The state that each round begins with: content before the least number of rounds, recommended, or the fallback.
    let names: Vec<String> = stages.made.iter().map(|made| quoted(&made.stage)).collect();
    let choice = recommended("previous");
    // The first round has none before it (`iteration` would count visits here); content too early: from the first
    // stage again.
    let early = if least > 1 {
        let done = deciding.iter().map(|made| done_of(stop, made).replace("steps.", "previous.?"));
        format!(" || {}", done.collect::<Vec<_>>().join(" || "))
    } else {
        String::new()
    };
    let start = format!(
        "previous.?{START}.?status.orValue('') != 'completed'{early} ? {} : ({choice} in [{}] ? {choice} : {})",
        quoted(&stages.made.first().map(|made| made.stage.clone()).unwrap_or_default()),
        names.join(", "),
        quoted(
            &stages
                .made
                .iter()
                .find(|made| made.id == fallback)
                .map(|made| made.stage.clone())
                .unwrap_or_default()
        ),
    );
    let mut context = Map::new();
    for made in &stages.made {
        context.set(&made.id, made.before());
    }
    let mut ways: Vec<Map> = stages
        .made
        .iter()
        .filter(|made| made.id != fallback)
        .map(|made| {
            Map::new()
                .with("when", format!("steps.{START}.output.stage == {}", quoted(&made.stage)))
                .with("go", made.id.as_str())
        })
        .collect();
    ways.push(Map::new().with("go", fallback));
    let mut states = vec![
        Map::new()
            .with("id", START)
            .with("set", Map::new().with("stage", marked(&start)).with("context", context))
            .with("next", ways),
    ];
    for (at, (step, made)) in steps.into_iter().zip(&stages.made).enumerate() {
        let behind = &stages.made[at + 1..];
        let next: Out = match behind.first() {
            None => "end".into(),
            Some(next) if !is_deciding(&made.stage) => next.id.as_str().into(),
            // Forward within the round, if that is recommended; else the round is over.
            Some(_) => {
                let own = if made.grouped { ".?result" } else { "" };
                let wanted = format!("steps.{}.?output{own}.?recommended_next_stage.orValue('')", made.id);
                let mut ways: Vec<Map> = behind
                    .iter()
                    .map(|later| {
                        let when =
                            format!("!({}) && {wanted} == {}", done_of(stop, made), quoted(&later.stage));
                        Map::new().with("when", when).with("go", later.id.as_str())
                    })
                    .collect();
                ways.push(Map::new().with("go", "end"));
                ways.into()
            }
        };
        states.push(step.with("next", next));
    }
    let repeat = Map::new()
        .with("max", most)
        .with("until", until.join(" || "))
        .with_some("min", (least > 1).then_some(least.min(most)));
    Map::new().with("id", ROUNDS).with("loop", repeat).with("states", states)
}

/// Whether a deciding stage is content, said of what could not be read.
fn done(at: At<'_, '_>, stop: &str, made: &Made) -> String {
    match condition(stop, &format!("steps.{}.?output{}", made.id, if made.grouped { ".?result" } else { "" }))
    {
        Some(condition) => condition,
        None => {
            if let Some(at) = at.get("stop_when") {
                at.say(Changed, format!("`{stop}` is no path and no comparison of one: `$.done` is taken, as there where a path is wrong"));
            }
            done_of(stop, made)
        }
    }
}

fn done_of(stop: &str, made: &Made) -> String {
    let output = format!("steps.{}.?output{}", made.id, if made.grouped { ".?result" } else { "" });
    condition(stop, &output).unwrap_or_else(|| format!("{output}.?done.orValue(false) == true"))
}

/// A condition over paths (`$.done`, `$.score >= 80`, joined by `&&` and `||`), with what is missing as false.
pub(super) fn condition(text: &str, output: &str) -> Option<String> {
    // Writing to a text cannot fail.
    let text = text.replace("$.", "result_.");
    let all = words(&text)?;
    let mut out = String::new();
    let mut words = all.iter().peekable();
    while let Some(word) = words.next() {
        match word {
            Word::Name(name) => {
                let path: String =
                    name.strip_prefix("result_.")?.split('.').map(|part| format!(".?{part}")).collect();
                let compared = match words.peek() {
                    Some(Word::Sign(
                        sign @ ("==" | "===" | "!=" | "!==" | ">=" | "<=" | ">" | "<" | "="),
                    )) => Some(*sign),
                    _ => None,
                };
                let Some(sign) = compared else {
                    let _ = write!(out, "{output}{path}.orValue(false) == true");
                    continue;
                };
                words.next();
                let value = match words.next()? {
                    Word::Number(text) => number(text)?,
                    Word::Text(text) => quoted(text),
                    Word::Name(name) if matches!(name.as_str(), "true" | "false" | "null") => name.clone(),
                    _ => return None,
                };
                let sign = match sign {
                    "=" | "===" => "==",
                    "!==" => "!=",
                    sign => sign,
                };
                let _ = write!(out, "{output}{path}.optMap(v, v {sign} {value}).orValue(false)");
            }
            Word::Sign(sign @ ("&&" | "||")) => out.extend([" ", sign, " "]),
            Word::Sign(sign @ ("(" | ")" | "!")) => out.push_str(sign),
            _ => return None,
        }
    }
    crate::expr::Expr::compile(&out).ok()?;
    Some(out)
}

/// Names that stand in an order in which each comes after those it needs; the rest goes in a circle.
pub(super) fn ordered(needs: &[(String, Vec<String>)]) -> (Vec<usize>, Vec<usize>) {
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
