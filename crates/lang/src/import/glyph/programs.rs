//! Steps without people: handlers, conditions, other workflows.

use super::flow::{Flow, Kind};
use super::settings::length;
use crate::import::naming::{kebab, seconds};
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

impl<'s, 't> Flow<'s, 't> {
    /// Whether the run goes on behind a step that failed.
    pub(super) fn goes_on(&self, at: usize) -> bool {
        let step = &self.steps[at];
        if step.kind.of_people() {
            let completion =
                super::first(step.at, &["completion", "completion_criteria"]).filter(|c| c.is_map());
            let proceeds = completion.and_then(|c| c.get("timeout_action")).and_then(|at| at.node.raw());
            return proceeds == Some("proceed");
        }
        let policy = step.at.get("retry_policy").filter(|policy| policy.is_map());
        match policy.and_then(|policy| policy.get("on_exhausted")).and_then(|at| at.node.raw()) {
            Some("skip") => true,
            Some(_) => false,
            None => self.settings.goes_on && matches!(step.kind, Kind::Program | Kind::Child),
        }
    }

    /// What a step of no people does.
    pub(super) fn program(&self, at: usize, step: &mut Map) {
        let of = &self.steps[at];
        match of.kind {
            Kind::Agreement => self.calculated(at, step),
            Kind::Merge => self.merged(at, step),
            Kind::Conditional => {
                let holds = match of.own.condition {
                    Some(condition) => match condition.text().map(|text| self.expression(at, text)) {
                        Some(Ok(expression)) => expression,
                        Some(Err(why)) => {
                            condition.say_with(
                                Changed,
                                format!("{why}: it does not hold"),
                                Some("write it as an expression"),
                            );
                            "false".to_owned()
                        }
                        None => "false".to_owned(),
                    },
                    None => {
                        let why = format!("`{}` has no condition: it does not hold", of.name);
                        of.at.say_of("condition", Changed, &why, None);
                        "false".to_owned()
                    }
                };
                step.set("set", Map::new().with("holds", marked(&holds)));
            }
            Kind::Child => {
                step.set("workflow", self.child(at));
                self.limits(at, step, false);
            }
            Kind::Nothing => step.set("set", Map::new().with("passed", true)),
            Kind::Unknown => {
                let kind = super::first(of.at, &["step_type", "type"]).and_then(At::text).unwrap_or_default();
                step.set("fail", literal(&format!("{}: a step of the kind {kind} is not known", of.name)));
            }
            _ => {
                let handler = of.own.handler.unwrap_or_else(|| {
                    let why = format!("`{}` names no handler: a program of its own name is run", of.name);
                    of.at.say_of("handler", Changed, &why, Some("say what is run"));
                    &of.id
                });
                let mut given = self.mapped(at).unwrap_or_else(|| self.given(at));
                if let Some(config) = &of.own.config {
                    given.set("config", config.clone());
                }
                run(step, handler, given);
                self.limits(at, step, true);
            }
        }
    }

    /// What a handler is given where no mapping says it: the data, and what the steps before it gave.
    fn given(&self, at: usize) -> Map {
        let gives =
            |at: usize| !matches!(self.steps[at].kind, Kind::Nothing | Kind::Conditional | Kind::Unknown);
        let mut before = self.nearest(at, gives).0;
        before.sort_unstable();
        let mut out = Map::new().with("task", marked("inputs.task"));
        for before in before {
            if let Some(output) = self.output(before, Some(at)) {
                out.set(&self.steps[before].id, marked(&format!("{output}.orValue(null)")));
            }
        }
        out
    }

    fn calculated(&self, at: usize, step: &mut Map) {
        let of = &self.steps[at];
        let Some((task, output)) =
            self.agreeing(at).and_then(|task| Some((task, self.output(task, Some(at))?)))
        else {
            let why = format!("no annotation is before `{}`: there is no agreement", of.name);
            of.at.say_of("consensus_calculator", NotExpressible, &why, None);
            step.set("set", Map::new().with("agreement", Out::Null).with("agreed", false));
            return;
        };
        let name = &self.steps[task].id;
        let why = format!("the task `{name}` calculates it: this state hands it on");
        of.at.say_of("consensus_calculator", Changed, &why, None);
        let metric = self.metric(task).unwrap_or_default();
        let values = Map::new()
            .with("metric", metric)
            .with("agreement", marked(&format!("{output}.?agreement.orValue(null)")))
            .with("agreed", marked(&format!("{output}.?agreed.orValue(false)")));
        step.set("set", values);
    }

    fn merged(&self, at: usize, step: &mut Map) {
        let of = &self.steps[at];
        let tasks = |step: usize| self.steps[step].kind == Kind::Annotation;
        let task = self.nearest(at, tasks).0.first().and_then(|task| self.output(*task, Some(at)));
        let why = "what the task settled on is taken, and not what was handed in first";
        of.at.say_of("merge_annotations", Changed, why, None);
        let values = match task {
            Some(output) => Map::new()
                .with("value", marked(&format!("{output}.?value.orValue(null)")))
                .with("merged_count", marked(&format!("size({output}.?submissions.orValue([]))"))),
            None => Map::new().with("value", Out::Null).with("merged_count", 0),
        };
        step.set("set", values);
    }

    fn child(&self, at: usize) -> Map {
        let of = &self.steps[at];
        of.at.get("propagate_assignment");
        let child = of.own.child.unwrap_or_else(|| {
            let why = format!("`{}` names no workflow: one of its own name is run", of.name);
            of.at.say_of("sub_workflow_id", Changed, &why, None);
            &of.id
        });
        let name = kebab(child, "annotation");
        let why = format!("the child run is of the workflow `{name}` of the library");
        of.at.say_of("sub_workflow", Kept, &why, Some("import it as well, and save it by `stead save FILE`"));
        // The data of a child is one input, as it is of this one.
        let handed = self.handed(at).or_else(|| self.mapped(at));
        let task: Out = match handed {
            Some(handed) => handed.into(),
            None => marked("inputs.task").into(),
        };
        Map::new().with("name", name).with("inputs", Map::new().with("task", task))
    }

    /// Time, retries, and whether the run goes on.
    fn limits(&self, at: usize, step: &mut Map, usual: bool) {
        let of = &self.steps[at];
        let minutes = of.own.minutes.map(|minutes| seconds(minutes as f64 * 60.0));
        let own = length(of.at, "timeout").or(minutes);
        if let Some(time) = own.or_else(|| self.settings.limit.clone()) {
            step.set("timeout", time);
        }
        match of.at.get("retry_policy").filter(|policy| policy.is_map()) {
            Some(policy) => {
                if let Some(retry) = retry(policy) {
                    step.set("retry", retry);
                }
            }
            None if usual => {
                let tries = self.settings.retries.map_or(4, |retries| retries + 1);
                let why = format!(
                    "a handler that fails is run again after 1 s, 4 s, 16 s, {tries} times in all, as there"
                );
                of.at.say_of("retry_policy", Kept, &why, None);
                let retry = Map::new()
                    .with("attempts", tries)
                    .with("wait", "1s")
                    .with("factor", 4)
                    .with("max_wait", "16s");
                step.set("retry", retry);
            }
            None => {}
        }
        if self.goes_on(at) {
            step.set("on_error", "continue");
        }
    }

    /// States that run the programs of hooks.
    pub(super) fn hook(&self, at: At<'_, '_>, id: &str) -> Map {
        let (handler, config) = match at.is_map() {
            true => (at.text_at("handler"), at.get("config").map(At::whole)),
            false => (at.text(), None),
        };
        if at.is_map() {
            at.say(Kept, "a state that runs a program");
        }
        let mut step = Map::new().with("id", id);
        let given = Map::new().with("task", marked("inputs.task")).with_some("config", config);
        run(&mut step, handler.unwrap_or(id), given);
        step
    }
}

fn run(step: &mut Map, handler: &str, given: Map) {
    let clean = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let name: String = handler.chars().map(clean).collect();
    step.set("run", vec![Out::from(format!("./handlers/{name}"))]);
    step.set("stdin", given);
    step.set("parse", "json");
}

/// `retry` of a policy.
fn retry(at: At<'_, '_>) -> Option<Map> {
    let most = i64::from(limits::ATTEMPTS);
    let attempts = at.integer("max_attempts", 1, most).unwrap_or_else(|| {
        at.say_of("retry_policy.max_attempts", Changed, "how often is not said: three times", None);
        3
    });
    let factor = match at.text_at("backoff") {
        Some("fixed") => 1,
        Some("exponential") | None => 2,
        Some(other) => {
            if let Some(at) = at.get("backoff") {
                at.say(Changed, format!("`{other}`: each wait is twice as long as the one before"));
            }
            2
        }
    };
    let mut errors: Vec<Out> = Vec::new();
    for kind in at.list("retry_on") {
        let Some(text) = kind.text() else { continue };
        let known = match text.to_ascii_lowercase().as_str() {
            "timeout" => "timeout",
            "network" | "network_error" | "connection" | "connection_error" => "network",
            "rate_limit" | "rate_limited" => "rate_limit",
            "error" | "handler_error" | "exit" => "exit",
            _ => {
                kind.say(NotExpressible, format!("`{text}` is no kind of error that is known"));
                continue;
            }
        };
        if !errors.contains(&known.into()) {
            errors.push(known.into());
        }
    }
    if let Some(at) = at.get("on_exhausted") {
        match at.text() {
            Some("fail" | "skip") | None => {}
            Some(other) => at.say(
                NotExpressible,
                format!("`{other}`: the step fails, and whoever watches the run sees that"),
            ),
        }
    }
    let wait = length(at, "initial_delay");
    let longest = length(at, "max_delay");
    Some(
        Map::new()
            .with("attempts", attempts)
            .with_some("wait", wait)
            .with("factor", factor)
            .with_some("max_wait", longest)
            .with_some("errors", (!errors.is_empty()).then_some(errors)),
    )
}
