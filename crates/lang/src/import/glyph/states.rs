//! The states that the machine becomes: what is reached, what is repeated, and where each leads.

use super::Top;
use super::flow::{Flow, Goal, Kind};
use super::groups::hooked;
use super::ways::{Way, When};
use crate::import::out::{Map, Out, prose};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// How often a way back is taken where nobody says it.
const ROUNDS: i64 = 3;

/// A state: one step, or a group of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Step(usize),
    Group(usize),
}

/// All states, with those of the hooks.
pub(super) fn states(flow: &mut Flow<'_, '_>, top: &Top<'_, '_>) -> Vec<Map> {
    let hooks = top.get(&["hooks"]).filter(|hooks| hooks.is_map());
    let starts = hooks.map(|hooks| hooks.list("on_start")).unwrap_or_default();
    let ends = hooks.map(|hooks| hooks.list("on_complete")).unwrap_or_default();
    let name = |base: &str, at: usize| if at == 0 { base.to_owned() } else { format!("{base}_{}", at + 1) };
    if flow.steps.is_empty() {
        return vec![Map::new().with("id", "nothing").with("fail", "none of the steps could be taken")];
    }
    let end = if ends.is_empty() { "end" } else { "on_complete" };
    let places = reached(flow);
    let mut out: Vec<Map> = Vec::new();
    let entry = begin(flow, of(flow, flow.entry));
    for (at, hook) in starts.iter().enumerate() {
        let next = if at + 1 == starts.len() { entry.clone() } else { name("on_start", at + 1) };
        out.push(flow.hook(*hook, &name("on_start", at)).with("next", next));
    }
    let back = back(flow, &places);
    for place in &places {
        match place {
            Place::Step(at) => single(flow, *at, &back, end, &mut out),
            Place::Group(number) => out.push(group(flow, *number, &back, end)),
        }
    }
    for (at, hook) in ends.iter().enumerate() {
        let next = if at + 1 == ends.len() { "end".to_owned() } else { name("on_complete", at + 1) };
        out.push(flow.hook(*hook, &name("on_complete", at)).with("next", next));
    }
    if !ends.is_empty() && !leads(&out, "on_complete") {
        // Nothing completes: nothing is done then.
        out.truncate(out.len() - ends.len());
        if let Some(hooks) = hooks.and_then(|hooks| hooks.get("on_complete")) {
            hooks.say_all(NotExpressible, "no way leads to the end", None);
        }
    }
    for (at, step) in flow.steps.iter().enumerate() {
        if !places.contains(&of(flow, at)) {
            step.at.say_all(
                NotExpressible,
                format!("no transition that is taken leads to `{}`: it is left out", step.name),
                Some("lead a transition there, or take it away"),
            );
        }
    }
    out
}

/// Whether a state leads to another one by its id.
fn leads(states: &[Map], to: &str) -> bool {
    let is = |value: &Out| matches!(value, Out::Text(text) if text == to);
    states.iter().filter_map(|state| state.get("next")).any(|next| match next {
        Out::List(ways) => {
            ways.iter().any(|way| matches!(way, Out::Map(map) if map.get("go").is_some_and(is)))
        }
        next => is(next),
    })
}

pub(super) fn of(flow: &Flow<'_, '_>, step: usize) -> Place {
    match flow.steps[step].home {
        Some((group, _)) => Place::Group(group),
        None => Place::Step(step),
    }
}

/// The state with which a place begins.
fn begin(flow: &Flow<'_, '_>, place: Place) -> String {
    match place {
        Place::Group(group) => flow.groups[group].id.clone(),
        Place::Step(at) => {
            let step = &flow.steps[at];
            let before = hooks_of(step.at).is_some_and(|hooks| hooks.get("pre_process").is_some());
            if before { step.around.0.clone() } else { step.id.clone() }
        }
    }
}

fn hooks_of<'s, 't>(at: At<'s, 't>) -> Option<At<'s, 't>> {
    at.get("hooks").filter(|hooks| hooks.is_map())
}

/// Where a place leads, in order.
fn leading<'f, 's, 't>(flow: &'f Flow<'s, 't>, place: Place) -> &'f [Way<'s, 't>] {
    match place {
        Place::Step(at) => flow.live(at),
        Place::Group(group) => {
            let last = flow.groups[group].parts.first().and_then(|part| part.steps.last());
            last.map_or(&[], |last| &flow.ways[*last][..1])
        }
    }
}

fn goals(flow: &Flow<'_, '_>, place: Place) -> Vec<Place> {
    let ways = leading(flow, place);
    let mut out: Vec<Place> = Vec::new();
    // A fork leads to its group once.
    for way in ways {
        if let Goal::Step(to) = way.goal {
            let to = of(flow, to);
            if !out.contains(&to) {
                out.push(to);
            }
        }
    }
    out
}

/// The places that are reached: the first one, then as in the file.
pub(super) fn reached(flow: &Flow<'_, '_>) -> Vec<Place> {
    let entry = of(flow, flow.entry);
    let mut all = vec![entry];
    let mut at = 0;
    while let Some(place) = all.get(at).copied() {
        for to in goals(flow, place) {
            if !all.contains(&to) {
                all.push(to);
            }
        }
        at += 1;
    }
    let position = |place: &Place| match place {
        Place::Step(at) => *at,
        Place::Group(group) => {
            flow.groups[*group].parts.iter().flat_map(|part| &part.steps).copied().min().unwrap_or(0)
        }
    };
    all[1..].sort_by_key(position);
    all
}

/// The ways that lead back: to where a walk from the first place has come from.
fn back(flow: &Flow<'_, '_>, places: &[Place]) -> Vec<(Place, Place)> {
    let mut out = Vec::new();
    let mut done: Vec<Place> = Vec::new();
    let mut open: Vec<(Place, usize)> = vec![(places[0], 0)];
    while let Some((place, at)) = open.last_mut() {
        let place = *place;
        let all = goals(flow, place);
        let Some(to) = all.get(*at).copied() else {
            done.push(place);
            open.pop();
            continue;
        };
        *at += 1;
        if open.iter().any(|(on, _)| *on == to) {
            out.push((place, to));
        } else if !done.contains(&to) {
            open.push((to, 0));
        }
    }
    out
}

fn target(flow: &Flow<'_, '_>, goal: Goal, end: &str) -> String {
    match goal {
        Goal::Step(to) => begin(flow, of(flow, to)),
        Goal::End => end.to_owned(),
        Goal::Fail => "fail".to_owned(),
    }
}

/// `next` of a place.
fn next(flow: &Flow<'_, '_>, place: Place, back: &[(Place, Place)], end: &str) -> Out {
    let ways = leading(flow, place);
    let from = match place {
        Place::Step(at) => at,
        Place::Group(group) => flow.groups[group].parts[0].steps[0],
    };
    if let Place::Step(at) = place {
        for way in &flow.ways[at][ways.len()..] {
            if let Some(at) = way.at {
                at.say_all(
                    NotExpressible,
                    "a transition before it always holds: this one is never taken, as there",
                    None,
                );
            }
        }
    }
    // The parts of a group are one state.
    let forks = matches!(place, Place::Step(_))
        && ways.len() > 1
        && goals(flow, place).len() == 1
        && ways.iter().all(|way| way.when.is_free());
    let ways = if forks { &ways[..1] } else { ways };
    let mut out: Vec<Map> = Vec::new();
    let mut broken = false;
    let mut repeats = false;
    let mut sure = false;
    for way in ways {
        let when = match (place, flow.holds(from, &way.when)) {
            (Place::Group(_), _) => None,
            (_, Ok(when)) => when,
            (_, Err(why)) => {
                if let Some(at) = way.at.and_then(|at| at.get("condition")) {
                    at.say_all(
                        NotExpressible,
                        format!("{why}: an error there as well, and the run fails"),
                        Some("write it as `when`"),
                    );
                }
                broken = true;
                Some("false".to_owned())
            }
        };
        broken |= way.when == When::Never;
        let when = if broken { Some("false".to_owned()) } else { when };
        let goal = target(flow, way.goal, end);
        let again = matches!(way.goal, Goal::Step(to) if back.contains(&(place, of(flow, to))));
        sure = when.is_none() && !again;
        repeats |= again;
        if again {
            let why = format!(
                "how often it leads back is not said: {ROUNDS} times, then the entries behind it count"
            );
            match way.at {
                Some(at) => at.say_of("transitions", Changed, &why, Some("say `max`")),
                None => flow.steps[from].at.say_of("transitions", Changed, &why, Some("say `max`")),
            }
        }
        let way =
            Map::new().with_some("when", when).with("go", goal).with_some("max", again.then_some(ROUNDS));
        out.push(way);
    }
    if !sure && (broken || repeats) {
        out.push(Map::new().with("go", "fail"));
    } else if !sure {
        let why = format!(
            "where no transition of `{}` holds, the run fails (`no_transition`); the tool said completed",
            flow.steps[from].name
        );
        flow.steps[from].at.say_of("transitions", Changed, &why, None);
    }
    match out.as_slice() {
        [only] if only.get("when").is_none() && only.get("max").is_none() => {
            only.get("go").cloned().unwrap_or(Out::Null)
        }
        _ => out.into(),
    }
}

/// What a step becomes, without where it leads.
fn step(flow: &Flow<'_, '_>, at: usize) -> Map {
    let of = &flow.steps[at];
    let mut step = Map::new().with("id", of.id.as_str());
    if of.title != of.name {
        step.set("name", prose(&of.title, limits::TITLE_CHARS));
    }
    if let Some(layout) = of.at.get("layout_id").filter(|_| !of.kind.of_people()) {
        layout.say(NotExpressible, "nobody sees anything of this step");
    }
    for goal in of.at.list("goal_contributions") {
        goal.entries();
    }
    match of.kind {
        Kind::Annotation | Kind::Adjudication => flow.task(at, &mut step),
        Kind::Review => flow.gate(at, &mut step),
        _ => flow.program(at, &mut step),
    }
    if of.kind.of_people()
        && let Some(policy) = of.at.get("retry_policy")
    {
        policy.say_all(NotExpressible, "what people do is not tried again by itself", None);
    }
    step
}

/// A step with the programs around it: each leads to the next one.
fn with_hooks(flow: &Flow<'_, '_>, at: usize) -> Vec<Map> {
    let of = &flow.steps[at];
    let hooks = hooks_of(of.at);
    let hook = |key: &str, id: &str| {
        let at = hooks.and_then(|hooks| hooks.get(key))?;
        if !at.is_map() {
            at.say(Kept, "a state that runs a program");
        }
        Some(flow.hook(at, id))
    };
    let before = hook("pre_process", &of.around.0);
    let own = step(flow, at);
    before.into_iter().chain([own]).chain(hook("post_process", &of.around.1)).collect()
}

fn single(flow: &Flow<'_, '_>, at: usize, back: &[(Place, Place)], end: &str, out: &mut Vec<Map>) {
    let mut all = with_hooks(flow, at);
    if flow.steps[at].kind == Kind::Unknown {
        out.append(&mut all);
        return;
    }
    let ids: Vec<String> = all
        .iter()
        .filter_map(|map| match map.get("id") {
            Some(Out::Text(id)) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let last = all.len() - 1;
    for (position, map) in all.into_iter().enumerate() {
        let next = if position == last {
            next(flow, Place::Step(at), back, end)
        } else {
            ids[position + 1].as_str().into()
        };
        out.push(map.with("next", next));
    }
}

fn group(flow: &Flow<'_, '_>, number: usize, back: &[(Place, Place)], end: &str) -> Map {
    let group = &flow.groups[number];
    let mut steps: Vec<Map> = Vec::new();
    for part in &group.parts {
        let mut inner: Vec<Map> = part.steps.iter().flat_map(|at| with_hooks(flow, *at)).collect();
        match &part.id {
            Some(id) => steps.push(
                Map::new().with("id", id.as_str()).with("needs", Vec::<Out>::new()).with("steps", inner),
            ),
            None => {
                for map in &mut inner {
                    map.0.insert(1, ("needs".to_owned(), Vec::<Out>::new().into()));
                }
                steps.append(&mut inner);
            }
        }
    }
    debug_assert!(
        group
            .parts
            .iter()
            .all(|part| part.id.is_some() || !part.steps.iter().any(|at| hooked(flow.steps[*at].at)))
    );
    Map::new()
        .with("id", group.id.as_str())
        .with_some("join", group.join.clone())
        .with_some("deadline", group.deadline.clone())
        .with("steps", steps)
        .with("next", next(flow, Place::Group(number), back, end))
}
