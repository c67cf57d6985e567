//! People as a seed has them: who does what about tasks, when, and what they are told.

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::path;
use stead_core::people::Actor;
use stead_core::run::Input as RunInput;
use stead_core::task::{Act, Ended, Input, TaskKind, TaskState};
use stead_lang::plan::{Action, ActionKind, Body, OnReject, Setting, answers as about_findings};

use crate::rng::Rng;
use crate::tasks::{TaskMirror, Tasks};
use crate::world::{Ask, World, top};

/// Whoever may act on tasks, or tries to.
pub(crate) fn actors() -> Vec<Actor> {
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let person = |name: &str, groups: &[&str], roles: &[&str]| Actor {
        user: format!("user:{name}"),
        groups: words(groups),
        roles: words(roles),
        ..Actor::default()
    };
    let mut all = vec![
        person("ana", &[], &["approver"]),
        person("bo", &["makers"], &["approver"]),
        person("cy", &["makers"], &["approver"]),
        person("di", &["makers"], &["approver"]),
        person("ed", &[], &["approver"]),
        person("flo", &[], &["approver"]),
        person("gus", &["makers"], &["approver"]),
        person("lu", &["leads"], &[]),
        person("eve", &[], &[]),
    ];
    all.push(Actor { user: "agent:bot".into(), agent: true, ..Actor::default() });
    all.push(Actor::of_step("agent:r_top/a0", top()));
    all
}

impl World<'_> {
    /// People look at what they are asked. False, where nobody is asked anything.
    pub(crate) fn people_act(&mut self) -> bool {
        let open = self.journal.tasks.all.iter().filter(|(_, mirror)| !mirror.state.status.is_end());
        let open: Vec<StreamId> = open.map(|(id, _)| id.clone()).collect();
        if open.is_empty() {
            return false;
        }
        let id = self.rng.pick(&open).clone();
        if !self.scenario.calm && self.rng.hits(1, 3) {
            self.at_the_last_moment(&id);
        }
        let noise = self.rng.hits(1, 2);
        if noise {
            let (actor, act) = self.anything(&id);
            self.acts(&id, actor, act);
        }
        // Of two at once one is first.
        if !noise || self.rng.hits(1, 2) {
            self.goes_on(&id);
        }
        if !self.scenario.calm && self.rng.hits(1, 15) {
            let run = self.journal.tasks.all[&id].asked().origin.run.clone();
            self.counts.add("decided and cancelled at once");
            let force = self.rng.hits(1, 4);
            self.ask(run, Ask::Cancel, RunInput::Cancel { by: "user:ana".into(), reason: None, force });
        }
        true
    }

    /// The clock is set to the end of the time, or just before.
    fn at_the_last_moment(&mut self, id: &StreamId) {
        let Some(due) = self.journal.tasks.all[id].asked().due_at else { return };
        let early = i64::from(self.rng.hits(1, 2));
        if due - early > self.now() {
            self.counts.add("decided at the last moment");
            self.passed = due - early - self.skew;
        }
    }

    fn acts(&mut self, id: &StreamId, actor: Actor, act: Act) {
        let offline = self.rng.hits(1, 40) && !self.scenario.calm;
        self.counts.add(&format!("people: {:?}", act.asks()).to_lowercase());
        let what = Ask::Act { actor: actor.user.clone(), act: act.clone() };
        self.person(offline, id.clone(), what, Input::Act { actor, act });
    }

    /// What brings a task to its end, by one who may. Where nobody is left its run is cancelled.
    fn goes_on(&mut self, id: &StreamId) {
        let mirror = &self.journal.tasks.all[id];
        let asked = mirror.asked();
        if let Some(claim) = &mirror.state.claim {
            let by = claim.by.clone();
            let actor = actors().into_iter().find(|actor| actor.user == by).unwrap();
            return self.acts(id, actor, Act::Release);
        }
        let mut rng = Rng::of(self.scenario.seed, &format!("people of {id}"));
        let accept = self.decision(&mut rng, mirror);
        let mut left = actors();
        left.retain(|a| mirror.bars(a).is_none() && mirror.state.submission_of(&a.user).is_none());
        if left.is_empty() {
            let run = asked.origin.run.clone();
            self.counts.add("nobody is left who may act");
            return self.ask(
                run,
                Ask::Cancel,
                RunInput::Cancel { by: "user:ana".into(), reason: None, force: false },
            );
        }
        // The same ones wherever the same is asked, whatever goes wrong besides: others only where none of them is left.
        let first: Vec<&Actor> = left.iter().filter(|a| asked.by.iter().any(|who| a.is(who))).collect();
        let actor = if first.is_empty() { &left[0] } else { *rng.pick(&first) }.clone();
        let act = self.says(id, accept, true);
        self.acts(id, actor, act);
    }

    /// What a task comes to. Where all must come to the same, nothing fails that is not to.
    fn decision(&self, rng: &mut Rng, mirror: &TaskMirror) -> bool {
        let origin = &mirror.asked().origin;
        let plan = &self.ready.plans[&self.journal.streams[&origin.run].state.revision];
        let planned = path::plan_path(&origin.path);
        let step = plan.steps.iter().find(|step| step.path == planned);
        let Some(Body::Action(Action { kind: ActionKind::People(people), .. })) = step.map(|step| &step.body)
        else {
            panic!("{}: there is no gate {}", origin.run, origin.path)
        };
        let rejects = rng.hits(1, 2);
        let round = match path::split(&origin.path) {
            path::Part::Step { visit, .. } => visit,
            _ => 1,
        };
        let may = match &people.on_reject {
            OnReject::Fail => !self.scenario.calm,
            OnReject::Continue => true,
            OnReject::Redo { max: Setting::Fixed(max), .. } => !self.scenario.calm || round <= *max,
            OnReject::Redo { .. } => !self.scenario.calm,
        };
        !(rejects && may)
    }

    /// A decision or answers on what is shown.
    fn says(&mut self, id: &StreamId, accept: bool, known: bool) -> Act {
        let mirror = &self.journal.tasks.all[id];
        let asked = mirror.asked();
        let version = (!known || self.rng.hits(1, 2)).then(|| match known {
            true => asked.version.clone(),
            false => "of something else".to_owned(),
        });
        let v = Rng::of(self.scenario.seed, &format!("said of {id}")).below(9);
        let large = !self.scenario.calm && self.rng.hits(1, 20);
        if asked.kind == TaskKind::Gate {
            let form = (accept && !mirror.form.is_null()).then(|| json!({ "v": v }));
            let comment = if accept { String::new() } else { format!("no: {v}") };
            return Act::Decide { accept, comment, form, version };
        }
        let mut answers = match mirror.questions.as_array() {
            None => json!({ "v": v }),
            Some(questions) => {
                let all = questions.iter().map(|one| {
                    let answer = match one["answer_type"].as_str().unwrap() {
                        "number" => json!(v),
                        "choice" => self.chooses(id, &one["choices"]),
                        _ => json!("some text"),
                    };
                    (one["id"].as_str().unwrap().to_owned(), answer)
                });
                Value::Object(all.collect::<Map<_, _>>())
            }
        };
        // What is wanted of a version is read again by those who look on.
        if large && answers.get(about_findings::DECISION).is_none() {
            answers["pad"] = json!("x".repeat(40_000));
        }
        Act::Answer { answers, comment: String::new(), version }
    }

    /// What somebody chooses. What a schema has found comes to its end some time, and where nothing may fail well.
    fn chooses(&self, id: &StreamId, choices: &Value) -> Value {
        let mut rng = Rng::of(self.scenario.seed, &format!("chosen of {id}"));
        let all = choices.as_array().unwrap();
        let fails = |choice: &&Value| **choice == json!(about_findings::ABANDON);
        let may: Vec<&Value> = all.iter().filter(|choice| !self.scenario.calm || !fails(choice)).collect();
        (*rng.pick(&may)).clone()
    }

    /// Anybody does anything. Where all must come to the same, only what changes nothing in the end.
    fn anything(&mut self, id: &StreamId) -> (Actor, Act) {
        let all = actors();
        let mirror = &self.journal.tasks.all[id];
        let calm = self.scenario.calm;
        let mut actor = self.rng.pick(&all).clone();
        if calm && self.rng.hits(1, 2) {
            let barred: Vec<&Actor> = all.iter().filter(|actor| mirror.bars(actor).is_some()).collect();
            actor = (*self.rng.pick(&barred)).clone();
        }
        let barred = mirror.bars(&actor).is_some();
        let gate = mirror.asked().kind == TaskKind::Gate;
        let kinds: &[u64] = match calm && !barred {
            true => &[0, 1, 2],
            false => &[0, 1, 2, 3, 4, 5, 6, 6, 7],
        };
        let act = match *self.rng.pick(kinds) {
            0 => Act::Claim,
            1 => Act::Release,
            // On an older version.
            2 => self.says(id, true, false),
            3 => Act::Skip { reason: "away".into() },
            4 => Act::Delegate { to: self.rng.pick(&all).user.clone() },
            // What it does not ask for.
            5 if gate => Act::Answer { answers: json!({}), comment: String::new(), version: None },
            5 => Act::Decide { accept: true, comment: String::new(), form: None, version: None },
            6 => {
                let accept = self.rng.hits(1, 2);
                self.says(id, accept, true)
            }
            _ => Act::Delegate { to: "group:makers".into() },
        };
        (actor, act)
    }

    /// Somebody acts on what is over.
    pub(crate) fn too_late(&mut self, pick: u64) {
        let over = self.journal.tasks.all.iter().filter(|(_, mirror)| mirror.state.status.is_end());
        let over: Vec<StreamId> = over.map(|(id, _)| id.clone()).collect();
        if over.is_empty() {
            return;
        }
        let id = over[usize::try_from(pick % 1_000).unwrap() % over.len()].clone();
        let (actor, act) = self.anything(&id);
        self.counts.add("acted after the end");
        self.acts(&id, actor, act);
    }
}

impl Tasks {
    /// What somebody was told of a deed is so.
    pub(crate) fn told(&self, id: &StreamId, actor: &str, act: &Act, answer: Result<(), String>) {
        let mirror = &self.all[id];
        let state = &mirror.state;
        let word = match act {
            Act::Claim => "claim",
            Act::Release => "release",
            Act::Decide { accept: true, .. } => "accept",
            Act::Decide { .. } => "reject",
            Act::Answer { .. } => "answer",
            Act::Skip { .. } => "skip",
            Act::Delegate { .. } => "delegate",
        };
        let Err(why) = answer else {
            let done = mirror.done.iter().any(|(what, by)| *what == word && by == actor);
            assert!(done, "P2: {actor} is told that {word} of {id} was taken, and it is not durable");
            return;
        };
        let said = |text: &str| why.contains(text);
        let before = state.submission_of(actor);
        let claimed = |by: &str| by != actor && mirror.done.iter().any(|(w, who)| *w == "claim" && who == by);
        let known = actors().into_iter().find(|one| one.user == actor).unwrap();
        let several = mirror.asked().quorum > 1 || mirror.asked().rejects > 1;
        let so = match act {
            _ if said("the task was ") || said("the task has timed out") => is_told_the_end(state, &why),
            _ if said("does not decide on its own work") => mirror.bars(&known) == Some("own work"),
            _ if why.starts_with(actor) && said("`not` names") => mirror.bars(&known) == Some("`not` names"),
            _ if said("gave it to") => state.delegated.iter().any(|(from, _)| why.contains(from.as_str())),
            _ if said("these may: ") => true,
            _ if said("has accepted it at") => before.is_some_and(|one| one.accept == Some(true)),
            _ if said("has rejected it at") => before.is_some_and(|one| one.accept == Some(false)),
            _ if said("has answered it at") => before.is_some_and(|one| one.accept.is_none()),
            _ if said("works on it, until") => why.split(' ').next().is_some_and(claimed),
            Act::Release => said("nobody has claimed it"),
            Act::Claim => said("there is nothing to claim") && several,
            Act::Decide { .. } if said("answered, not decided on") => {
                mirror.asked().kind == TaskKind::Questions
            }
            Act::Answer { .. } if said("accepted or rejected") => mirror.asked().kind == TaskKind::Gate,
            Act::Decide { version: Some(version), .. } | Act::Answer { version: Some(version), .. } => {
                said("has changed since") && *version != mirror.asked().version
            }
            Act::Delegate { to } => match why.as_str() {
                _ if said("it can be given to one person") => !to.starts_with("user:"),
                _ if said("has it already") => to == actor,
                _ if said("has acted on it") => state.submission_of(to).is_some(),
                _ if said("`not` names them") => mirror.asked().not.contains(to),
                _ => false,
            },
            _ => false,
        };
        assert!(so, "P4: {actor} may not {word} {id}, and is told: {why}; it is {state:?}");
    }
}

/// Whether somebody who is late is told how it ended, and by whom.
fn is_told_the_end(state: &TaskState, why: &str) -> bool {
    let Some((_, ended)) = state.ended else { return false };
    let word = match ended {
        Ended::TimedOut => "timed out at",
        Ended::Accepted => "accepted at",
        Ended::Rejected => "rejected at",
        Ended::Answered => "answered at",
        Ended::Withdrawn => "withdrawn at",
    };
    let accept = match ended {
        Ended::Accepted => Some(true),
        Ended::Rejected => Some(false),
        _ => None,
    };
    // Those who decided so, and no others; where too few did, the engine.
    let asked = state.asked.as_deref().unwrap();
    let so = || state.submissions.iter().filter(|one| one.accept == accept);
    let enough = match accept {
        Some(true) => so().count() >= asked.quorum as usize,
        Some(false) => so().count() >= asked.rejects as usize,
        None => true,
    };
    let by = if enough {
        so().map(|one| one.by.as_str()).collect::<Vec<_>>().join(", ")
    } else {
        "the engine".into()
    };
    let named = matches!(ended, Ended::TimedOut | Ended::Withdrawn) || why.contains(&format!(" by {by}"));
    why.contains(word) && named
}
