//! How much people agree, and what becomes of a task whose people do not.

use super::first;
use super::flow::{Flow, Kind};
use super::own::{metric, share};
use super::ways::When;
use crate::import::out::{Map, Out};
use crate::import::report::Verdict::Changed;
use crate::import::source::At;

impl<'s, 't> Flow<'s, 't> {
    fn consensus(&self, at: usize) -> Option<At<'s, 't>> {
        first(self.steps[at].at, &["consensus", "consensus_config"]).filter(|at| at.is_map())
    }

    /// Those that ask how much the people of a task agreed.
    fn asking(&self, task: usize) -> Vec<usize> {
        let asks = |at: &usize| {
            let step = &self.steps[*at];
            let condition =
                step.own.condition.and_then(|c| c.node.raw()).is_some_and(|text| text.contains("agreement"));
            step.kind == Kind::Agreement
                || condition
                || self.ways[*at].iter().any(|way| way.when.asks_agreement())
        };
        (0..self.steps.len())
            .filter(|at| self.kept[*at])
            .filter(asks)
            .filter(|at| self.agreeing(*at) == Some(task))
            .collect()
    }

    /// The agreement that a task asks for.
    pub(super) fn at_least(&self, task: usize) -> f64 {
        let step = &self.steps[task].own;
        let own = self.consensus(task).and_then(|c| share(c, "threshold"));
        let own = own.or_else(|| step.threshold.filter(|_| !step.of_template));
        let asking = self.asking(task);
        let calculated = || {
            asking.iter().find_map(|at| match &self.steps[*at].own.config {
                Some(Out::Map(config)) => match config.get("threshold") {
                    Some(Out::Number(text)) => text.parse::<f64>().ok().filter(|n| (0.0..=1.0).contains(n)),
                    _ => None,
                },
                _ => None,
            })
        };
        let said = || {
            let mut all = asking.iter().flat_map(|at| &self.ways[*at]);
            all.find_map(|way| match way.when {
                When::Agreement(threshold) | When::Disagreement(threshold) => threshold,
                _ => None,
            })
        };
        own.or_else(said).or_else(calculated).or(step.threshold).or(self.settings.threshold).unwrap_or(0.8)
    }

    /// The metric of a task, if anything asks for one.
    pub(super) fn metric(&self, task: usize) -> Option<String> {
        let own = self.consensus(task).and_then(|c| c.get("metric")).and_then(metric);
        let asking = self.asking(task);
        let calculated = asking.iter().find_map(|at| {
            let config = self.steps[*at].at.get("overrides").filter(|over| over.is_map())?;
            first(config, &["metric", "agreement_metric"]).and_then(metric)
        });
        let calculator = asking.iter().find_map(|at| self.steps[*at].own.metric.clone());
        let asked =
            !asking.is_empty() || self.consensus(task).is_some() || self.steps[task].own.threshold.is_some();
        calculated
            .or(calculator)
            .or(own)
            .or_else(|| self.steps[task].own.metric.clone())
            .or_else(|| asked.then(|| "krippendorff_alpha".to_owned()))
    }

    /// How the value is found, and what becomes of a task that does not agree.
    pub(super) fn resolve(&self, at: usize, task: &mut Map) {
        if task.get("agree").is_none() {
            return;
        }
        let consensus = self.consensus(at);
        let method = consensus.and_then(|c| c.get("on_agreement")).filter(|a| a.is_map());
        let method = method.and_then(|a| first(a, &["method", "consensus_method"]));
        let mut resolve = method.and_then(|at| match at.text()? {
            "majority_vote" => Some("majority"),
            "weighted_vote" => Some("weighted"),
            "unanimous" => Some("unanimous"),
            other => {
                at.say(Changed, format!("`{other}` is no way to find a value that is known: the majority"));
                Some("majority")
            }
        });
        let disagreement = consensus.and_then(|c| c.get("on_disagreement"));
        let settles = (0..self.steps.len())
            .any(|to| self.steps[to].kind == Kind::Adjudication && self.before(to).contains(&at));
        let asked = !self.asking(at).is_empty();
        let strategy = disagreement.filter(|d| d.is_map()).and_then(|d| d.get("strategy"));
        let fallback =
            disagreement.filter(|d| d.is_map()).and_then(|d| first(d, &["fallback", "fallback_strategy"]));
        let fails = |at: Option<At<'_, '_>>| match at.and_then(At::text) {
            Some("escalate") => {
                if let Some(at) = at {
                    at.say(Changed, "the task fails (`disagreement`), and whoever watches the run sees that");
                }
                true
            }
            Some("adjudication") | None => !(settles || asked),
            Some(other) => {
                if let Some(at) = at {
                    at.say(Changed, format!("`{other}` is not known: the task fails (`disagreement`)"));
                }
                true
            }
        };
        let outcome: Out = match strategy.and_then(At::text) {
            Some(vote @ ("majority_vote" | "weighted_vote")) => {
                resolve = Some(if vote == "majority_vote" { "majority" } else { "weighted" });
                "continue".into()
            }
            Some("additional_annotators") => {
                let map = disagreement.filter(|d| d.is_map());
                let more =
                    map.and_then(|d| d.integer("max_additional_annotators", 1, 100)).unwrap_or_else(|| {
                        if let Some(at) = strategy {
                            at.say(
                                Changed,
                                "how many more is not said: one, since no bound would be for ever",
                            );
                        }
                        1
                    });
                let then = if fails(fallback) { "fail" } else { "continue" };
                Map::new().with("more", more).with("then", then).into()
            }
            Some(_) if fails(strategy) => "fail".into(),
            Some(_) => "continue".into(),
            None if fallback.is_some() && fails(fallback) => "fail".into(),
            None if asked || settles => "continue".into(),
            None => {
                let why = format!(
                    "nothing looks at the agreement of `{}`: a task that does not agree fails, where the tool went on",
                    self.steps[at].name
                );
                self.steps[at].at.say_of("threshold", Changed, &why, Some("say `on_disagree`"));
                "fail".into()
            }
        };
        if let Some(resolve) = resolve {
            task.set("resolve", resolve);
        }
        task.set("on_disagree", outcome);
    }
}
