//! The machine of the tool: its steps, and what leads from one to another.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use super::groups::{Group, hooked};
use super::own::{Own, kind_of_template};
use super::paths::Written;
use super::settings::Settings;
use super::states;
use super::ways::{Way, When};
use super::{Top, first};
use crate::import::naming::{Given, snake, suffixed};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Annotation,
    Review,
    Adjudication,
    /// A handler of its own.
    Program,
    /// The handler that calculates agreement.
    Agreement,
    /// The handler that puts annotations together.
    Merge,
    Conditional,
    Child,
    /// What only leads on.
    Nothing,
    /// What is not known: the run fails there.
    Unknown,
}

impl Kind {
    /// What is in the output of what hands values on; of others it is not known.
    pub(super) fn gives(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Agreement => Some(&["metric", "agreement", "agreed"]),
            Self::Merge => Some(&["value", "merged_count"]),
            Self::Conditional => Some(&["holds"]),
            Self::Nothing => Some(&["passed"]),
            _ => None,
        }
    }

    pub(super) fn of_people(self) -> bool {
        matches!(self, Self::Annotation | Self::Review | Self::Adjudication)
    }
}

/// A step of the tool.
pub(super) struct Step<'s, 't> {
    pub(super) at: At<'s, 't>,
    pub(super) name: &'t str,
    pub(super) id: String,
    pub(super) title: String,
    /// The states of the programs before and behind it.
    pub(super) around: (String, String),
    pub(super) kind: Kind,
    pub(super) own: Own<'s, 't>,
    /// The group that it is a part of, and which part.
    pub(super) home: Option<(usize, usize)>,
}

/// Where a transition leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Goal {
    Step(usize),
    End,
    Fail,
}

/// The machine.
pub(super) struct Flow<'s, 't> {
    pub(super) steps: Vec<Step<'s, 't>>,
    /// The ways from each step, in their order.
    pub(super) ways: Vec<Vec<Way<'s, 't>>>,
    pub(super) groups: Vec<Group>,
    pub(super) settings: Settings,
    pub(super) given: Given,
    pub(super) entry: usize,
    /// Steps that may end the run.
    pub(super) exits: Vec<usize>,
    /// What steps write into the context of the tool.
    pub(super) written: HashMap<String, Written>,
    pub(super) reads_context: Cell<bool>,
    /// Which steps are reached at all.
    pub(super) kept: Vec<bool>,
    /// From where ways lead to each step.
    back: Vec<Vec<usize>>,
    /// The task whose agreement is meant at each step.
    agreeing: Vec<Option<usize>>,
}

impl<'s, 't> Flow<'s, 't> {
    pub(super) fn read(top: &Top<'s, 't>) -> Self {
        let settings = Settings::read(top);
        let mut given = Given::default();
        for id in ["on_start", "on_complete"] {
            given.give(id);
        }
        let mut steps: Vec<Step<'s, 't>> = Vec::new();
        for at in top.list("steps") {
            if let Some(step) = step(at, &steps, &mut given) {
                steps.push(step);
            }
        }
        let find = |name: &str| steps.iter().position(|step| step.name == name);
        let entry = top.get(&["entry_step", "entry_step_id"]).and_then(|at| {
            let found = find(at.text()?);
            if found.is_none() {
                at.say(Changed, "no step has this id: the machine begins with the first one");
            }
            found
        });
        let exits = top.get(&["exit_steps", "exit_step_ids"]).map(At::items).unwrap_or_default();
        let exits = exits.into_iter().filter_map(|at| {
            let found = find(at.text()?);
            if found.is_none() {
                at.say(Changed, "no step has this id");
            }
            found
        });
        let exits = exits.collect();
        let mut flow = Self {
            ways: Vec::new(),
            groups: Vec::new(),
            settings,
            given,
            entry: entry.unwrap_or(0),
            exits,
            written: HashMap::new(),
            reads_context: Cell::new(false),
            kept: Vec::new(),
            back: Vec::new(),
            agreeing: Vec::new(),
            steps,
        };
        flow.read_ways(top);
        flow.read_groups();
        if !flow.steps.is_empty() {
            let places = states::reached(&flow);
            flow.kept = (0..flow.steps.len()).map(|at| places.contains(&states::of(&flow, at))).collect();
        }
        flow.look_back();
        flow.read_written();
        flow
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name == name)
    }

    /// The ways from a step that can be taken: none behind what always holds, but where all of them are.
    pub(super) fn live(&self, at: usize) -> &[Way<'s, 't>] {
        let ways = &self.ways[at];
        let group = |way: &Way<'s, 't>| match way.goal {
            Goal::Step(to) => self.steps[to].home.map(|(group, _)| group),
            _ => None,
        };
        let forks = ways.len() > 1
            && self.steps[at].home.is_none()
            && group(&ways[0]).is_some()
            && ways.iter().all(|way| way.when.is_free() && group(way) == group(&ways[0]));
        if forks {
            return ways;
        }
        let free = |way: &Way<'s, 't>| match way.when {
            When::Always => true,
            When::Complete => self.steps[at].kind.of_people() || !self.goes_on(at),
            _ => false,
        };
        let free = ways.iter().position(free);
        &ways[..free.map_or(ways.len(), |free| free + 1)]
    }

    /// Notes what is asked of the ways again and again.
    fn look_back(&mut self) {
        let mut back: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for from in (0..self.steps.len()).filter(|from| self.kept[*from]) {
            for way in self.live(from) {
                if let Goal::Step(to) = way.goal
                    && back[to].last() != Some(&from)
                    && !back[to].contains(&from)
                {
                    back[to].push(from);
                }
            }
        }
        self.back = back;
        let task = |at: usize| match self.steps[at].kind {
            Kind::Annotation | Kind::Adjudication => Some(at),
            _ => {
                let tasks = |step: usize| self.steps[step].kind == Kind::Annotation;
                self.nearest(at, tasks).0.first().copied()
            }
        };
        self.agreeing = (0..self.steps.len()).map(task).collect();
    }

    /// The steps from which ways lead to one, nearest first, itself not among them.
    pub(super) fn before(&self, of: usize) -> Vec<usize> {
        self.nearest(of, |_| false).1
    }

    /// The nearest steps before one at which a search backwards stops, and all that it met.
    pub(super) fn nearest(&self, of: usize, stops: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<usize>) {
        let mut seen = vec![false; self.steps.len()];
        seen[of] = true;
        let mut open = VecDeque::from([of]);
        let (mut found, mut met) = (Vec::new(), Vec::new());
        while let Some(at) = open.pop_front() {
            for &before in &self.back[at] {
                if std::mem::replace(&mut seen[before], true) {
                    continue;
                }
                met.push(before);
                if stops(before) {
                    found.push(before);
                } else {
                    open.push_back(before);
                }
            }
        }
        (found, met)
    }

    /// The task whose agreement is meant at a step: its own, or the nearest before it.
    pub(super) fn agreeing(&self, at: usize) -> Option<usize> {
        self.agreeing[at]
    }

    /// How the output of a step is read at another one, with `?` where it may not be there.
    pub(super) fn output(&self, of: usize, reader: Option<usize>) -> Option<String> {
        let step = &self.steps[of];
        let id = &step.id;
        let Some((group, part)) = step.home else { return Some(format!("steps.{id}.?output")) };
        match reader.and_then(|reader| self.steps[reader].home) {
            Some((other, same)) if other == group && same == part => Some(format!("steps.{id}.?output")),
            Some((other, _)) if other == group => None,
            _ => {
                let group = &self.groups[group];
                let part = group.parts[part].id.as_ref().map(|id| format!(".?{id}")).unwrap_or_default();
                Some(format!("steps.{}.?output{part}.?{id}", group.id))
            }
        }
    }

    /// Whether a path can be read of what a step gave.
    pub(super) fn has(&self, of: usize, path: &[String]) -> bool {
        let known = self.steps[of].kind.gives();
        known.is_none_or(|known| {
            path.first().is_none_or(|name| known.contains(&name.as_str()) && path.len() == 1)
        })
    }

    /// What a step gave, for whoever reads values: of people's work what was handed in.
    pub(super) fn value(&self, of: usize, reader: Option<usize>) -> Option<String> {
        let value = match self.steps[of].kind {
            Kind::Annotation | Kind::Adjudication => ".?value",
            _ => "",
        };
        self.output(of, reader).map(|output| output + value)
    }
}

fn step<'s, 't>(at: At<'s, 't>, steps: &[Step<'s, 't>], given: &mut Given) -> Option<Step<'s, 't>> {
    let Some(name) = at.text_at("id").filter(|name| !name.is_empty()) else {
        at.say_all(NotExpressible, "it has no id", None);
        return None;
    };
    if steps.iter().any(|step| step.name == name) {
        at.say_all(NotExpressible, format!("a step `{name}` is there already: this one is left out"), None);
        return None;
    }
    if steps.len() == limits::IMPORT_GRAPH {
        at.say_all(NotExpressible, format!("at most {} steps are taken", limits::IMPORT_GRAPH), None);
        return None;
    }
    let template = at.node.get("ref_name").and_then(crate::tree::Node::raw).and_then(kind_of_template);
    let written = first(at, &["step_type", "type"]);
    let kind = written.and_then(At::text).or(template).unwrap_or("annotation");
    if written.is_none() && template.is_none() {
        at.say_of("step_type", Changed, &format!("`{name}` does not say what it is: an annotation"), None);
    }
    let handles = kind == "auto_process";
    let own = Own::read(at, handles);
    let kind = match kind {
        "annotation" => Kind::Annotation,
        "review" => Kind::Review,
        "adjudication" => Kind::Adjudication,
        "auto_process" if own.handler == Some("consensus_calculator") => Kind::Agreement,
        "auto_process" if own.handler == Some("merge_annotations") => Kind::Merge,
        "auto_process" => Kind::Program,
        "conditional" => Kind::Conditional,
        "sub_workflow" => Kind::Child,
        "start" | "end" | "fork" | "join" => {
            if let Some(at) = written {
                at.say(Changed, "a state that does nothing and leads on");
            }
            Kind::Nothing
        }
        other => {
            if let Some(at) = written {
                let why = format!("`{other}` is no kind of step that is known: a run that comes there fails");
                at.say_with(NotExpressible, why, Some("put what it does in its place"));
            }
            Kind::Unknown
        }
    };
    let id = given.give(&snake(name, "step"));
    at.becomes_step(&id);
    let around = if hooked(at) {
        (given.give(&suffixed(&id, "pre")), given.give(&suffixed(&id, "post")))
    } else {
        Default::default()
    };
    let title = at.text_at("name").filter(|title| !title.trim().is_empty()).unwrap_or(name);
    let title = match at.text_at("description") {
        Some(text) if !text.trim().is_empty() => format!("{title}: {text}"),
        _ => title.to_owned(),
    };
    Some(Step { at, name, id, title, around, kind, own, home: None })
}
