//! What a step says of itself, with the templates of the tool written out.

use super::first;
use crate::import::out::{Map, Out, literal};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

/// The settings of a step.
#[derive(Default, Clone)]
pub(super) struct Own<'s, 't> {
    pub(super) minutes: Option<i64>,
    pub(super) visibility: Option<&'static str>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) skills: Vec<Out>,
    pub(super) handler: Option<&'t str>,
    pub(super) condition: Option<At<'s, 't>>,
    pub(super) child: Option<&'t str>,
    pub(super) copies: Option<i64>,
    pub(super) metric: Option<String>,
    pub(super) threshold: Option<f64>,
    /// The threshold is that of a template.
    pub(super) of_template: bool,
    pub(super) previous: Option<bool>,
    /// Where a condition leads to.
    pub(super) branches: Option<At<'s, 't>>,
    /// What a handler is told.
    pub(super) config: Option<Out>,
}

/// A template of the tool.
struct Template {
    name: &'static str,
    kind: &'static str,
    minutes: i64,
    visibility: &'static str,
    previous: Option<bool>,
    copies: Option<i64>,
}

const fn blind(name: &'static str, copies: i64) -> Template {
    Template {
        name,
        kind: "annotation",
        minutes: 120,
        visibility: "blind",
        previous: None,
        copies: Some(copies),
    }
}

const fn together(name: &'static str, kind: &'static str, minutes: i64, copies: Option<i64>) -> Template {
    Template { name, kind, minutes, visibility: "collaborative", previous: Some(true), copies }
}

static TEMPLATES: &[Template] = &[
    blind("single", 1),
    blind("multi_adjudication", 3),
    together("review_required", "review", 60, None),
    together("iterative_refinement", "annotation", 180, Some(2)),
    together("adjudication", "adjudication", 120, None),
];

const KEYS: &[&str] = &[
    "timeout_minutes",
    "visibility",
    "required_roles",
    "required_skills",
    "handler",
    "condition",
    "sub_workflow_id",
    "min_annotators",
    "agreement_metric",
    "threshold",
    "show_previous",
];

/// The kind that a template gives to a step that says none.
pub(super) fn kind_of_template(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|template| template.name == name).map(|template| template.kind)
}

impl<'s, 't> Own<'s, 't> {
    pub(super) fn read(step: At<'s, 't>, handles: bool) -> Self {
        let mut own = Self::default();
        let template = step.get("ref_name").and_then(|at| {
            let name = at.text()?;
            let found = TEMPLATES.iter().find(|template| template.name == name);
            if found.is_none() {
                let why = format!("no template of the tool is `{name}`; what the step says itself is taken");
                at.say(NotExpressible, why);
            }
            found
        });
        if let Some(Template { name, minutes, visibility, previous, copies, .. }) = template {
            own.minutes = Some(*minutes);
            own.visibility = Some(visibility);
            own.previous = *previous;
            own.copies = *copies;
            if *name == "multi_adjudication" {
                own.metric = Some("krippendorff_alpha".to_owned());
                own.threshold = Some(0.8);
                own.of_template = true;
            }
            if *name == "adjudication" {
                own.roles = Some(vec!["adjudicator".to_owned()]);
            }
        }
        match step.get("settings") {
            Some(settings) if template.is_some() => {
                settings.say_all(
                    NotExpressible,
                    "beside a template the tool does not look at them",
                    Some("say it in `overrides`"),
                );
            }
            Some(settings) if settings.is_map() => own.take(settings),
            Some(settings) => {
                settings.entries();
            }
            None => {}
        }
        own.handler = step.text_at("handler").or(own.handler);
        own.condition = step.get("condition").or(own.condition);
        own.child = step.text_at("sub_workflow_id").or(own.child);
        if let Some(overrides) = step.get("overrides") {
            own.over(overrides, template.is_some(), handles);
        }
        own
    }

    fn over(&mut self, at: At<'s, 't>, template: bool, handles: bool) {
        self.branches = at.is_map().then_some(at);
        if template {
            self.take(at);
            if let Some(metric) = at.get("agreement_metric") {
                metric.say(Changed, "it is taken; the tool did not let it be replaced");
            }
        }
        let known = ["true_branch", "false_branch", "input_mapping", "output_mapping"];
        if handles {
            self.config = Some(at.whole());
            at.say(Kept, "the handler's configuration, a part of its standard input");
        } else if at.is_map() {
            for entry in at.node.entries() {
                let read = template && KEYS.contains(&entry.key) || known.contains(&entry.key);
                if !read && let Some(at) = at.get(entry.key) {
                    let why =
                        "it replaces nothing here: the tool does not look at it, and nor does the definition";
                    at.say_all(NotExpressible, why, None);
                }
            }
        } else {
            at.entries();
        }
    }

    fn take(&mut self, at: At<'s, 't>) {
        self.minutes = at.integer("timeout_minutes", 1, 525_600).or(self.minutes);
        self.visibility = at.get("visibility").and_then(visibility).or(self.visibility);
        if let Some(roles) = at.get("required_roles") {
            self.roles = Some(names(roles));
        }
        if let Some(all) = at.get("required_skills") {
            self.skills = skills(all);
        }
        self.handler = at.text_at("handler").or(self.handler);
        self.condition = at.get("condition").or(self.condition);
        self.child = at.text_at("sub_workflow_id").or(self.child);
        self.copies = at.integer("min_annotators", 1, 1000).or(self.copies);
        self.metric = at.get("agreement_metric").and_then(metric).or_else(|| self.metric.take());
        if let Some(threshold) = share(at, "threshold") {
            (self.threshold, self.of_template) = (Some(threshold), false);
        }
        self.previous = at.flag("show_previous").or(self.previous);
    }
}

fn visibility(at: At<'_, '_>) -> Option<&'static str> {
    match at.text()? {
        "blind" => Some("blind"),
        "collaborative" => Some("collaborative"),
        other @ ("visible" | "sequential") => {
            at.say(Changed, format!("`{other}` is `collaborative` here: people see what others handed in"));
            Some("collaborative")
        }
        other => {
            at.say(Changed, format!("`{other}` is no visibility that is known; `blind` is taken"));
            Some("blind")
        }
    }
}

/// A metric by the language's name.
pub(super) fn metric(at: At<'_, '_>) -> Option<String> {
    let text = at.text()?;
    let name = text.strip_prefix("agreement:").unwrap_or(text);
    let known = match name {
        "cohens_kappa" | "cohen_kappa" => "cohen_kappa",
        "krippendorffs_alpha" | "krippendorff_alpha" => "krippendorff_alpha",
        "iou" => "iou",
        "percent_agreement" | "exact_match" => "percent",
        "majority_vote" => "majority",
        other => {
            let near = if other == "jaccard" { "iou" } else { "krippendorff_alpha" };
            at.say(Changed, format!("there is no metric `{other}`: `{near}` is taken"));
            near
        }
    };
    Some(known.to_owned())
}

/// A number between 0 and 1.
pub(super) fn share(at: At<'_, '_>, key: &str) -> Option<f64> {
    let value = at.number(key)?;
    if !(0.0..=1.0).contains(&value) {
        let held = value.clamp(0.0, 1.0);
        if let Some(at) = at.get(key) {
            at.say(Changed, format!("{value} is not between 0 and 1; {held} is taken"));
        }
        return Some(held);
    }
    Some(value)
}

/// The texts of a list.
pub(super) fn names(at: At<'_, '_>) -> Vec<String> {
    at.items().into_iter().filter_map(|item| item.text().map(str::to_owned)).collect()
}

/// Skills: names, or names with a level.
pub(super) fn skills(at: At<'_, '_>) -> Vec<Out> {
    let items = at.items();
    if items.iter().all(|item| !item.is_map()) {
        at.say(Kept, "`task.assign.skills`");
    }
    let one = |item: At<'_, '_>| {
        if !item.is_map() {
            return item.text().map(|name| Map::new().with("skill", literal(name)));
        }
        let name = first(item, &["skill", "skill_id"]).and_then(At::text);
        let level = item.get("min_proficiency").and_then(At::text);
        let Some(name) = name else {
            item.say_all(NotExpressible, "it names no skill", None);
            return None;
        };
        Some(Map::new().with("skill", literal(name)).with_some("level", level.map(literal)))
    };
    items.into_iter().filter_map(one).map(Out::Map).collect()
}
