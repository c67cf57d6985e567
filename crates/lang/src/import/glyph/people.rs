//! The work of people: tasks that label and settle, gates that review.

use super::first;
use super::flow::{Flow, Goal, Kind};
use super::own::{names, skills};
use super::settings::length;
use super::ways::When;
use crate::import::naming::seconds;
use crate::import::out::{Map, Out, literal, marked, once};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

impl<'s, 't> Flow<'s, 't> {
    fn completion(&self, at: usize) -> Option<At<'s, 't>> {
        first(self.steps[at].at, &["completion", "completion_criteria"]).filter(|at| at.is_map())
    }

    fn assignment(&self, at: usize) -> Option<At<'s, 't>> {
        first(self.steps[at].at, &["assignment", "assignment_config"]).filter(|at| at.is_map())
    }

    /// `task` of who labels or settles.
    pub(super) fn task(&self, at: usize, step: &mut Map) {
        let of = &self.steps[at];
        let settles = of.kind == Kind::Adjudication;
        let mut task = Map::new().with("title", literal(&of.title)).with("show", self.show(at));
        let metric = if settles { None } else { self.metric(at) };
        task.set("form", form(settles, metric.as_deref()));
        task.set("by", self.by(at, if settles { "adjudicator" } else { "annotator" }));
        task.set("not", self.not(at, settles));
        let copies = self.copies(at, metric.is_some());
        task = task.with_some("copies", (copies > 1).then_some(copies));
        task = task.with_some("visibility", of.own.visibility.filter(|_| copies > 1));
        task = task.with_some("assign", self.assign(at));
        task = task.with_some("lease", self.lease(at));
        if let Some(metric) = metric {
            let metric = match metric.as_str() {
                "cohen_kappa" if copies != 2 => {
                    of.at.say_of("agreement_metric", Changed, &format!("`cohen_kappa` is of exactly two, and `{}` asks {copies}: `krippendorff_alpha` is taken", of.name), None);
                    "krippendorff_alpha".to_owned()
                }
                _ => metric,
            };
            let least = Out::Number(self.at_least(at).to_string());
            task.set("agree", Map::new().with("metric", metric).with("at_least", least));
        }
        self.resolve(at, &mut task);
        step.set("task", task);
        self.limit(at, step);
    }

    /// `approve` of who reviews.
    pub(super) fn gate(&self, at: usize, step: &mut Map) {
        let of = &self.steps[at];
        // No character has more than four bytes.
        let title: String = of.title.chars().take(limits::ASKED_BYTES / 4).collect();
        let mut gate = Map::new().with("title", literal(&title)).with("show", self.show(at));
        gate.set("by", self.by(at, "reviewer"));
        gate.set("not", self.not(at, true));
        let quorum = self.completion(at).and_then(|c| count(c));
        gate = gate.with_some("quorum", quorum.filter(|quorum| *quorum > 1));
        if of.own.minutes.is_some()
            && let Some(minutes) =
                of.at.get("settings").filter(|s| s.is_map()).and_then(|s| s.get("timeout_minutes"))
        {
            minutes.say_with(
                NotExpressible,
                "a gate is held by nobody: it stays open until it is decided",
                Some("`timeout` of the step says until when"),
            );
        }
        if let Some(at) = self.assignment(at) {
            for key in
                ["mode", "assignment_mode", "load_balancing", "max_concurrent_per_user", "required_skills"]
            {
                if let Some(at) = at.get(key) {
                    at.say_all(NotExpressible, "a gate is open to all who may decide", None);
                }
            }
        }
        if !of.own.skills.is_empty() {
            of.at.say_of(
                "required_skills",
                NotExpressible,
                "a gate is open to all who may decide",
                Some("name a group of those with the skill in `by`"),
            );
        }
        gate.set("on_reject", "continue");
        let completion = self.completion(at).inspect(|completion| {
            completion.get("type");
        });
        let time = completion.and_then(|c| length(c, "timeout")).or_else(|| length(of.at, "timeout"));
        if let (Some(time), Some(action)) = (&time, completion.and_then(|c| c.text_at("timeout_action"))) {
            match action {
                "escalate" => {
                    let to = vec![Out::from("role:project_admin")];
                    gate.set("escalate", Map::new().with("after", time.as_str()).with("to", to));
                    step.set("approve", gate);
                    return;
                }
                "proceed" => {
                    if let Some(at) = completion.and_then(|c| c.get("timeout_action")) {
                        at.say(Changed, "nobody decided: the step fails, and the transitions that ask for a decision do not hold");
                    }
                    step.set("on_error", "continue");
                }
                _ => {}
            }
        }
        step.set("approve", gate);
        if let Some(time) = time {
            step.set("timeout", time);
        }
    }

    /// What is shown: the data, or what a mapping says, and what was handed in before.
    fn show(&self, at: usize) -> Map {
        let of = &self.steps[at];
        let mut show = self.mapped(at).unwrap_or_else(|| Map::new().with("task", marked("inputs.task")));
        let later = matches!(of.kind, Kind::Review | Kind::Adjudication);
        if of.own.previous.unwrap_or(later) {
            let gives = |at: usize| {
                matches!(
                    self.steps[at].kind,
                    Kind::Annotation | Kind::Adjudication | Kind::Program | Kind::Merge | Kind::Child
                )
            };
            let mut before = self.nearest(at, gives).0;
            before.sort_unstable();
            for before in before {
                // Who settles sees what each handed in.
                let value = if of.kind == Kind::Review {
                    self.value(before, Some(at))
                } else {
                    self.output(before, Some(at))
                };
                if let Some(value) = value {
                    show.set(&self.steps[before].id, marked(&format!("{value}.orValue(null)")));
                }
            }
        }
        for (from, ways) in self.ways.iter().enumerate().filter(|(from, _)| self.kept[*from]) {
            let back = ways.iter().any(|way| way.goal == Goal::Step(at) && way.when == When::Rejected);
            if back
                && self.steps[from].kind == Kind::Review
                && let Some(output) = self.output(from, Some(at))
            {
                show.set("rejected_because", marked(&format!("{output}.?comment.orValue(null)")));
            }
        }
        show
    }

    fn by(&self, at: usize, usual: &str) -> Vec<Out> {
        let of = &self.steps[at];
        let assignment = self.assignment(at);
        let roles =
            assignment.and_then(|a| a.get("required_roles")).map(names).or_else(|| of.own.roles.clone());
        let roles = roles.unwrap_or_default();
        let teams = assignment.and_then(|a| a.get("team_restriction"));
        if !roles.is_empty() {
            if let Some(at) = teams {
                let why = "`by` takes any of what it lists, and this asks for both: the roles are taken";
                at.say_all(
                    NotExpressible,
                    why,
                    Some("put those of the team who have the role into a group, and name that"),
                );
            }
            return called("role", &roles);
        }
        if let Some(at) = teams {
            let teams =
                if at.is_list() { names(at) } else { at.text().map(str::to_owned).into_iter().collect() };
            if !teams.is_empty() {
                return called("group", &teams);
            }
        }
        let why = format!("nobody is named who may work on `{}`: `role:{usual}`", of.name);
        of.at.say_of("required_roles", Changed, &why, Some("name them in `by`"));
        vec![format!("role:{usual}").into()]
    }

    /// Agents, which the tool does not know, and those who worked on what is judged.
    fn not(&self, at: usize, judges: bool) -> Vec<Out> {
        let asked = self.assignment(at).and_then(|a| a.flag("prevent_reassignment"));
        let mut out: Vec<Out> = vec!["agents".into()];
        if asked.unwrap_or(judges) {
            let mut before = self.before(at);
            before.sort_unstable();
            let home = self.steps[at].home.map(|(group, _)| group);
            let mut known = Vec::new();
            for before in before {
                let step = &self.steps[before];
                let wanted =
                    if asked == Some(true) { step.kind.of_people() } else { step.kind == Kind::Annotation };
                let id = match step.home {
                    Some((group, _)) if Some(group) == home => continue,
                    Some((group, _)) => &self.groups[group].id,
                    None => &step.id,
                };
                if wanted && !known.contains(&id) {
                    known.push(id);
                    out.push(format!("step:{id}").into());
                }
            }
        }
        out
    }

    fn copies(&self, at: usize, agree: bool) -> i64 {
        let of = &self.steps[at];
        if of.kind == Kind::Adjudication {
            return 1;
        }
        let completion = self.completion(at);
        if let Some(at) = completion {
            at.get("type");
            at.get("min_required");
            if at.flag("unique_annotators") == Some(false)
                && let Some(at) = at.get("unique_annotators")
            {
                at.say(Changed, "copies always go to different people");
            }
        }
        let copies = completion.and_then(|c| count(c)).or(of.own.copies).or(self.settings.copies);
        match copies {
            Some(1) | None if agree => {
                let why = format!("the agreement of one is not defined: two are asked for `{}`", of.name);
                of.at.say_of("min_annotators", Changed, &why, Some("say `task.copies`"));
                2
            }
            copies => copies.unwrap_or(1),
        }
    }

    fn assign(&self, at: usize) -> Option<Map> {
        let of = &self.steps[at];
        let assignment = self.assignment(at);
        let mut assign = Map::new();
        if let Some(at) = assignment {
            at.get("priority_rules");
            let mode = first(at, &["mode", "assignment_mode"]);
            if let Some(text) = mode.and_then(At::text) {
                match text {
                    "auto" | "manual" | "pool" => assign.set("mode", text),
                    other => {
                        if let Some(at) = mode {
                            at.say(Changed, format!("`{other}` is no mode that is known: `pool`"));
                        }
                    }
                }
            }
            match at.text_at("load_balancing") {
                Some(strategy @ ("round_robin" | "least_loaded" | "quality_weighted")) => {
                    assign.set("strategy", strategy);
                }
                Some(other) => {
                    if let Some(at) = at.get("load_balancing") {
                        at.say(Changed, format!("`{other}` is no strategy that is known: the usual one"));
                    }
                }
                None => {}
            }
            if let Some(most) = at.integer("max_concurrent_per_user", 1, 1000) {
                assign.set("at_once", most);
            }
        }
        let listed = assignment.and_then(|a| a.get("required_skills")).map(skills);
        let skills = listed.unwrap_or_else(|| of.own.skills.clone());
        if !skills.is_empty() {
            assign.set("skills", skills);
        }
        assign.filled()
    }

    /// How long nothing may happen to what somebody took.
    fn lease(&self, at: usize) -> Option<String> {
        let of = &self.steps[at];
        let own = length(of.at, "timeout");
        let minutes = of.own.minutes.map(|minutes| seconds(minutes as f64 * 60.0));
        own.or(minutes).or_else(|| self.settings.limit.clone())
    }

    /// Until when people have to be done.
    fn limit(&self, at: usize, step: &mut Map) {
        let Some(completion) = self.completion(at) else { return };
        let action = completion.get("timeout_action");
        let Some(time) = length(completion, "timeout") else { return };
        match action.and_then(At::text) {
            Some("retry") => {
                if let Some(at) = action {
                    at.say(Kept, "`task.lease`: what somebody took is given back");
                }
                if let Some(Out::Map(task)) =
                    step.0.iter_mut().find(|(key, _)| key == "task").map(|(_, value)| value)
                {
                    task.set("lease", time);
                }
                return;
            }
            Some("proceed") => {
                if let Some(at) = action {
                    at.say(Changed, "the step fails and its transitions are looked at; what was handed in until then is in the task, not in its output");
                }
                step.set("on_error", "continue");
            }
            Some("escalate") => {
                if let Some(at) = action {
                    at.say_with(
                        NotExpressible,
                        "a task is given to nobody else by itself: past its time it fails",
                        Some("say who else may work on it in `by`"),
                    );
                }
            }
            _ => {}
        }
        step.set("timeout", time);
    }
}

fn count(at: At<'_, '_>) -> Option<i64> {
    let most = i64::from(limits::PARALLEL);
    at.integer("count", 1, most).or_else(|| at.integer("annotation_count", 1, most))
}

/// Those of these names, each once.
fn called(prefix: &str, names: &[String]) -> Vec<Out> {
    once(names.iter().map(|name| format!("{prefix}:{}", word(name))))
}

/// A name as it stands behind `role:`.
fn word(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let word: String = text.trim().chars().map(fits).take(limits::WHO_BYTES).collect();
    if word.is_empty() { "_".to_owned() } else { word }
}

/// What is asked for.
fn form(settles: bool, metric: Option<&str>) -> Map {
    let text = || Map::new().with("type", "string");
    let number = || Map::new().with("type", "integer").with("minimum", 0);
    let object = |required: &str, properties: Map| {
        let required = vec![Out::from(required)];
        Map::new().with("type", "object").with("required", required).with("properties", properties)
    };
    if settles {
        let share = Map::new().with("type", "number").with("minimum", 0).with("maximum", 1);
        return object("final_decision", Map::new().with("final_decision", text()).with("agreement", share));
    }
    if metric == Some("iou") {
        let span = Map::new().with("start", number()).with("end", number()).with("label", text());
        let required = vec![Out::from("start"), Out::from("end")];
        let span = Map::new().with("type", "object").with("required", required).with("properties", span);
        return object(
            "spans",
            Map::new().with("spans", Map::new().with("type", "array").with("items", span)),
        );
    }
    object("label", Map::new().with("label", text()))
}
