//! Drives runs of real definitions through the core, by hand: a clock that the test sets, executors that the
//! test scripts, and a second state that is replayed from the serialised journal after every turn and has to
//! come out the same.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::effect::{AttemptError, AttemptId, AttemptResult, Effect, EndReason, ErrorKind, Execute};
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::{self, LimitState};
use stead_core::message::Message;
use stead_core::people::Actor;
use stead_core::run::event::Breaks;
use stead_core::run::{
    Ctx, DocumentNow, Event, Find, Found, Input, MessageBody, Need, Needs, RunState, StepNow, View, turn,
    turn_only,
};
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_core::task::{self, TaskState};
use stead_core::value::{ValueRef, Values};
use stead_lang::bundle::{Called, Missing, Source};
use stead_lang::plan::Plan;
use stead_lang::tree::ReadProblem;

/// What an executor does with an attempt: a result now, or nothing until the test says so.
type Script = Box<dyn FnMut(&Execute) -> Option<AttemptResult>>;

pub(crate) struct World {
    pub(crate) at: Time,
    pub(crate) runs: BTreeMap<StreamId, Run>,
    pub(crate) top: StreamId,
    /// Limits that were asked for places, each with its journal.
    pub(crate) limits: BTreeMap<StreamId, (LimitState, Vec<(Time, limit::Event)>)>,
    /// What people are asked, with the values that are at hand.
    pub(crate) tasks: BTreeMap<StreamId, (TaskState, Values)>,
    plans: HashMap<String, Arc<Plan>>,
    inbox: VecDeque<Message>,
    script: Script,
    /// Attempts that were handed out and have no result.
    pub(crate) open: Vec<Execute>,
    /// Keys of all attempts handed out, in order.
    pub(crate) executed: Vec<String>,
    /// Ends that were asked for.
    pub(crate) ends: Vec<(String, EndReason)>,
    /// What is told to end takes its time.
    pub(crate) hold_ends: bool,
    /// Attempts that were told to end.
    told: Vec<AttemptId>,
    /// Attempts that may begin after they were queued.
    pub(crate) begins: Vec<String>,
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// Lines of files that were asked for, by position.
    pub(crate) lines_read: Vec<u32>,
    /// Turns that were full.
    pub(crate) cuts: u32,
    refused: Option<&'static str>,
    /// Inputs are taken by one who leaves what follows to the next engine.
    pub(crate) performs_nothing: bool,
    /// The library: texts by name.
    pub(crate) saved: BTreeMap<String, String>,
}

pub(crate) struct Run {
    pub(crate) state: RunState,
    values: Values,
    plan: Arc<Plan>,
    pub(crate) journal: Vec<(Time, Event)>,
}

pub(crate) fn ok(output: Value) -> AttemptResult {
    AttemptResult { output: Some(output), exit_code: Some(0), ..AttemptResult::default() }
}

pub(crate) fn failed(kind: ErrorKind, message: &str) -> AttemptResult {
    let error = Some(AttemptError { kind, message: message.into() });
    AttemptResult { error, exit_code: Some(1), ..AttemptResult::default() }
}

/// A noop gives its value back, unless the value says what is to happen: `fail: message`, `hang: true`, or
/// `fail_first: N`.
fn default_script() -> Script {
    let mut tries: HashMap<String, i64> = HashMap::new();
    Box::new(move |job| {
        let value = job.request.get("value").cloned().unwrap_or(Value::Null);
        let tried = tries.entry(job.key.clone()).or_default();
        *tried += 1;
        if let Some(message) = value.get("fail").and_then(Value::as_str) {
            return Some(failed(ErrorKind::Exit, message));
        }
        if value.get("fail_first").and_then(Value::as_i64).is_some_and(|n| *tried <= n) {
            return Some(failed(ErrorKind::Exit, "not yet"));
        }
        if value.get("hang").is_some() {
            return None;
        }
        Some(ok(value))
    })
}

pub(crate) fn plan(text: &str) -> (Arc<Plan>, HashMap<String, Arc<Plan>>) {
    plan_among(text, &BTreeMap::new())
}

/// The texts of a library by name, the newest only.
struct Saved<'s>(&'s str, &'s BTreeMap<String, String>);

impl Source for Saved<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        if path == "test.yml" { Ok(self.0.to_owned()) } else { Err(ReadProblem::NotFound) }
    }

    fn named(&mut self, name: &str, _: Option<u32>) -> Result<Called, Missing> {
        let text = self.1.get(name).ok_or(Missing::Unknown { near: None })?;
        let bundle = stead_lang::Bundle::single(format!("{name}.yml"), text.as_str());
        Ok(Called::Saved { name: name.to_owned(), number: 1, bundle, beside: None })
    }
}

/// The plan of a text that calls others by their names.
fn plan_among(text: &str, saved: &BTreeMap<String, String>) -> (Arc<Plan>, HashMap<String, Arc<Plan>>) {
    let text = if text.trim_start().starts_with("stead:") {
        text.to_owned()
    } else {
        format!("stead: 1\nname: test\n{text}")
    };
    let bundle = stead_lang::gather("test.yml", &mut Saved(&text, saved));
    let checked = stead_lang::check(&bundle);
    let problems: Vec<String> = checked
        .diagnostics
        .iter()
        .map(|d| format!("{} {}:{} {}", d.code, d.span.line, d.span.column, d.message))
        .collect();
    let plan = checked.plan.unwrap_or_else(|| panic!("the definition has errors:\n{}", problems.join("\n")));
    let mut plans: HashMap<String, Arc<Plan>> = HashMap::new();
    for (revision, child) in &checked.children {
        plans.insert(revision.clone(), stead_lang::check(child).plan.expect("children are checked"));
    }
    plans.insert(plan.revision.clone(), plan.clone());
    (plan, plans)
}

impl World {
    /// Starts a definition and goes on until nothing happens by itself.
    pub(crate) fn run(text: &str) -> World {
        World::run_with(text, json!({}), default_script())
    }

    pub(crate) fn run_inputs(text: &str, inputs: Value) -> World {
        World::run_with(text, inputs, default_script())
    }

    pub(crate) fn run_with(text: &str, inputs: Value, script: Script) -> World {
        World::start(text, inputs, script, Breaks::default())
    }

    /// Stops where it is told to.
    pub(crate) fn run_breaking(text: &str, breaks: Breaks) -> World {
        World::start(text, json!({}), default_script(), breaks)
    }

    /// Starts a definition beside a library.
    pub(crate) fn run_among(text: &str, saved: &[(&str, &str)]) -> World {
        let saved = saved.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        World::begin(text, json!({}), default_script(), Breaks::default(), saved, HashMap::new())
    }

    fn start(text: &str, inputs: Value, script: Script, breaks: Breaks) -> World {
        World::begin(text, inputs, script, breaks, BTreeMap::new(), HashMap::new())
    }

    /// Starts a definition whose input `rows` is a file of this text.
    pub(crate) fn run_rows(text: &str, rows: &str) -> World {
        let hash = blake3::hash(rows.as_bytes()).to_hex().to_string();
        let file = json!({"path": "/rows", "name": "rows", "hash": hash, "size": rows.len()});
        let files = HashMap::from([(hash, rows.as_bytes().to_vec())]);
        let text = format!("inputs: {{ rows: {{ type: file }} }}\n{text}");
        let breaks = Breaks::default();
        World::begin(&text, json!({"rows": file}), default_script(), breaks, BTreeMap::new(), files)
    }

    fn begin(
        text: &str,
        inputs: Value,
        script: Script,
        breaks: Breaks,
        saved: BTreeMap<String, String>,
        files: HashMap<String, Vec<u8>>,
    ) -> World {
        let (plan, plans) = plan_among(text, &saved);
        let Value::Object(given) = inputs else { panic!("inputs are a map") };
        let inputs: Map<String, Value> =
            stead_lang::inputs::check_inputs(&plan, &given).expect("the inputs fit");
        let top = StreamId::new("r_test");
        let mut world = World {
            at: 1_000_000,
            runs: BTreeMap::new(),
            limits: BTreeMap::new(),
            tasks: BTreeMap::new(),
            top: top.clone(),
            plans,
            inbox: VecDeque::new(),
            script,
            open: Vec::new(),
            executed: Vec::new(),
            ends: Vec::new(),
            hold_ends: false,
            told: Vec::new(),
            begins: Vec::new(),
            files,
            lines_read: Vec::new(),
            cuts: 0,
            refused: None,
            performs_nothing: false,
            saved,
        };
        world.add(&top, plan);
        let inputs = inputs.into_iter().collect();
        world.give(
            &top,
            Input::Start { inputs, project: "p".into(), folder: "/p".into(), breaks, by: "user:ana".into() },
        );
        world.go();
        world
    }

    fn add(&mut self, id: &StreamId, plan: Arc<Plan>) {
        let run =
            Run { state: RunState::new(id.clone()), values: Values::default(), plan, journal: Vec::new() };
        self.runs.insert(id.clone(), run);
    }

    /// Takes one input of a run, and what follows it at once.
    pub(crate) fn give(&mut self, id: &StreamId, input: Input) {
        if let (Input::Retry { .. }, Some(run)) = (&input, self.runs.get_mut(id))
            && run.state.status.is_end()
        {
            // It has been forgotten since, and is read back from its whole journal.
            run.state = replay(run).replayed();
        }
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let at = self.at;
            let before = self.runs[id].state.seq;
            let (run, out) = loop {
                let run = self.runs.get_mut(id).expect("the run is known");
                let mut ctx = Ctx { plan: &run.plan, at, values: &mut run.values };
                let take = if self.performs_nothing { turn_only } else { turn };
                match take(&mut run.state, &input, &mut ctx) {
                    Ok(out) => break (self.runs.get_mut(id).expect("the run is known"), out),
                    Err(Needs(needs)) => {
                        assert_eq!(run.state.seq, before, "a turn that needs a value changes nothing");
                        for need in needs {
                            self.load(id, need);
                        }
                    }
                }
            };
            assert_eq!(run.state.misfit(), None, "what a turn makes fits");
            self.refused = self.refused.or(out.refused);
            let at = run.state.at.max(at);
            run.journal.extend(out.events.iter().map(|event| (at, event.clone())));
            run.state.settle_status();
            // What was loaded may go at any time.
            run.values.clear();
            check_replay(run);
            for file in out.files {
                self.files.insert(file.hash, file.bytes);
            }
            self.inbox.extend(out.messages);
            for effect in out.effects {
                match effect {
                    Effect::Execute(job) => {
                        self.executed.push(job.key.clone());
                        self.open.push(job);
                    }
                    Effect::End { attempt, reason } => {
                        self.told.push(attempt.clone());
                        self.ends.push((attempt.path, reason));
                    }
                    Effect::Begin(attempt) => self.begins.push(attempt.path),
                }
            }
            if out.more {
                self.cuts += 1;
                next = Some(Input::Continue);
            }
        }
    }

    fn load(&mut self, id: &StreamId, need: Need) {
        let found = match &need {
            Need::Value(_) | Need::Newest(_) | Need::Lines(_) => Vec::new(),
            Need::Runs(find) => {
                let found = |(id, run): (&StreamId, &Run)| {
                    let head = run.state.head();
                    let is = match find {
                        Find::Run(wanted) => id == wanted,
                        Find::Where { workflow, keys } => {
                            let has = |key| head.keys.contains(key);
                            head.workflow == *workflow && !head.status.is_end() && keys.iter().all(has)
                        }
                    };
                    let found = Found { run: id.clone(), status: head.status, full: head.signals_full };
                    is.then_some(found)
                };
                self.runs.iter().filter_map(found).collect()
            }
        };
        if let Need::Newest(name) = need {
            let newest = match self.saved.get(&name) {
                None => Err(format!("there is no workflow `{name}`")),
                Some(text) => {
                    let (plan, plans) = plan_among(text, &self.saved);
                    self.plans.extend(plans);
                    Ok(plan.revision.clone())
                }
            };
            let run = self.runs.get_mut(id).expect("the run is known");
            run.values.put_newest(name, newest);
            return;
        }
        let run = self.runs.get_mut(id).expect("the run is known");
        match need {
            Need::Newest(_) => {}
            Need::Lines(hash) => {
                let count = lines_of(&self.files[&hash]).len();
                run.values.put_count(hash, Ok(u32::try_from(count).unwrap()));
            }
            Need::Value(ValueRef::Line { hash, index }) => {
                self.lines_read.push(index);
                let line = lines_of(&self.files[&hash])[index as usize].clone();
                let line =
                    serde_json::from_str(&line).map_err(|e| format!("line {} is no JSON: {e}", index + 1));
                run.values.put_line(hash, index, line);
            }
            Need::Value(reference) => {
                let value = load(&run.journal, &self.files, &reference);
                run.values.put(reference, value);
            }
            Need::Runs(find) => run.values.put_found(find, found),
        }
    }

    /// Starts another run beside the first.
    pub(crate) fn beside(&mut self, id: &str, text: &str, inputs: Value) -> StreamId {
        let (plan, plans) = plan(text);
        self.plans.extend(plans);
        let id = StreamId::new(id);
        self.add(&id, plan.clone());
        let Value::Object(given) = inputs else { panic!("inputs are a map") };
        let inputs = stead_lang::inputs::check_inputs(&plan, &given).expect("the inputs fit");
        let inputs = inputs.into_iter().collect();
        let breaks = Breaks::default();
        self.give(
            &id,
            Input::Start { inputs, project: "p".into(), folder: "/p".into(), breaks, by: "user:ana".into() },
        );
        self.go();
        id
    }

    /// Sends a signal to the top run; says why it was refused, if it was.
    pub(crate) fn signal(&mut self, name: &str, data: Value) -> Option<&'static str> {
        self.signal_as(&self.top.clone(), name, None, None, data)
    }

    /// Sends a signal to a run.
    pub(crate) fn signal_as(
        &mut self,
        run: &StreamId,
        name: &str,
        step: Option<&str>,
        id: Option<&str>,
        data: Value,
    ) -> Option<&'static str> {
        let (step, id) = (step.map(Into::into), id.map(Into::into));
        let input = Input::Signal { name: name.into(), step, id, data, by: "user:ana".into() };
        self.refused = None;
        self.give(run, input);
        let refused = self.refused;
        self.go();
        refused
    }

    /// Goes on until nothing happens by itself. What was told to end, ends.
    pub(crate) fn go(&mut self) {
        loop {
            if let Some(message) = self.inbox.pop_front() {
                let to = message.to.clone();
                if to.kind() == StreamKind::Limit {
                    self.give_limit(&to, &limit::Input::Message(message));
                    continue;
                }
                if to.kind() == StreamKind::Task {
                    let refused = self.give_task(&to, &task::Input::Message(message));
                    assert_eq!(refused, None);
                    continue;
                }
                if !self.runs.contains_key(&to)
                    && let Some(MessageBody::StartRun { revision, .. }) = MessageBody::of(&message)
                {
                    let plan = self.plans[&revision].clone();
                    self.add(&to, plan);
                }
                self.give(&to, Input::Message(message));
                continue;
            }
            let at = (0..self.open.len()).find_map(|i| {
                if !self.hold_ends && self.told.contains(&self.open[i].attempt) {
                    return Some((i, failed(ErrorKind::Exit, "killed")));
                }
                (self.script)(&self.open[i]).map(|result| (i, result))
            });
            let Some((at, result)) = at else { return };
            let job = self.open.remove(at);
            self.finish(&job, result);
        }
    }

    pub(crate) fn finish(&mut self, job: &Execute, result: AttemptResult) {
        let (path, number) = (job.attempt.path.clone(), job.attempt.number);
        self.give(&job.attempt.stream.clone(), Input::AttemptEnded { path, number, result });
    }

    /// The attempt at `path` ends so.
    pub(crate) fn end(&mut self, path: &str, result: AttemptResult) {
        let here = |job: &Execute| job.attempt.path == path && job.attempt.stream == self.top;
        let at = self.open.iter().position(here);
        let at = at.or_else(|| self.open.iter().position(|job| job.attempt.path == path));
        let at = at.expect("the attempt is under way");
        let job = self.open.remove(at);
        self.finish(&job, result);
        self.go();
    }

    /// Time passes, in milliseconds.
    pub(crate) fn pass(&mut self, millis: i64) {
        let until = self.at + millis;
        loop {
            let runs = self.runs.iter().filter_map(|(id, run)| Some((run.state.due()?, id.clone())));
            let tasks = self.tasks.iter().filter_map(|(id, (task, _))| Some((task.due()?, id.clone())));
            match runs.chain(tasks).min() {
                Some((due, id)) if due <= until => {
                    self.at = self.at.max(due);
                    match id.kind() {
                        StreamKind::Task => _ = self.give_task(&id, &task::Input::Time),
                        _ => self.give(&id, Input::Time),
                    }
                    self.go();
                }
                _ => break,
            }
        }
        self.at = until;
    }

    pub(crate) fn cancel(&mut self) {
        let top = self.top.clone();
        self.give(&top, Input::Cancel { by: "user:ana".into(), reason: None, force: false });
        self.go();
    }

    /// The engine goes and another comes: attempts under way are lost, everything is read back.
    pub(crate) fn crash(&mut self) {
        self.crash_and(|run| replay(run).replayed());
    }

    /// The same, and what is read back is a snapshot.
    pub(crate) fn crash_to_snapshot(&mut self) {
        self.crash_and(|run| RunState::from_snapshot(&run.state.snapshot().unwrap()).unwrap());
    }

    fn crash_and(&mut self, read: impl Fn(&Run) -> RunState) {
        self.open.clear();
        self.ends.clear();
        for run in self.runs.values_mut() {
            run.state = read(run);
            run.values.clear();
        }
        for (id, (state, journal)) in &mut self.limits {
            *state = replay_limit(id, journal);
        }
        for id in self.runs.keys().cloned().collect::<Vec<_>>() {
            if !self.runs[&id].state.status.is_end() {
                self.give(&id, Input::Recovered);
            }
        }
        self.go();
    }

    /// Starts one more run, of another definition or the same, and looks at it from here on.
    pub(crate) fn also(&mut self, id: &str, text: &str) {
        let (plan, plans) = plan(text);
        self.plans.extend(plans);
        self.top = StreamId::new(id);
        let (top, breaks) = (self.top.clone(), Breaks::default());
        self.add(&top, plan);
        let (project, folder) = ("p".into(), "/p".into());
        self.give(&top, Input::Start { inputs: Vec::new(), project, folder, breaks, by: "user:ana".into() });
        self.go();
    }

    /// Looks at another run from here on.
    pub(crate) fn look(&mut self, id: &str) -> &mut Self {
        self.top = StreamId::new(id);
        self
    }

    /// Takes one input of a task. Says why it was refused.
    pub(crate) fn give_task(&mut self, id: &StreamId, input: &task::Input) -> Option<String> {
        let empty = || (TaskState::new(id.clone()), Values::default());
        let (state, values) = self.tasks.entry(id.clone()).or_insert_with(empty);
        let out = task::turn(state, input, self.at, values).expect("what was handed in is at hand");
        assert_eq!(state.misfit(), None);
        for file in out.files {
            self.files.insert(file.hash, file.bytes);
        }
        self.inbox.extend(out.messages);
        out.refused
    }

    /// The task by which a step asks people.
    pub(crate) fn task_of(&mut self, path: &str) -> StreamId {
        self.step(path).task.unwrap_or_else(|| panic!("{path} asks nobody"))
    }

    /// Somebody does something about what a step asks, with all roles and no group. Says why that was refused.
    pub(crate) fn act(&mut self, path: &str, who: &str, act: task::Act) -> Result<(), String> {
        let task = self.task_of(path);
        let roles = ["approver", "editor"].map(str::to_owned).to_vec();
        let actor = Actor { user: format!("user:{who}"), roles, ..Actor::default() };
        let refused = self.give_task(&task, &task::Input::Act { actor, act });
        self.go();
        refused.map_or(Ok(()), Err)
    }

    /// Somebody accepts, or rejects with a comment.
    pub(crate) fn decide(
        &mut self,
        path: &str,
        who: &str,
        accept: bool,
        comment: &str,
    ) -> Result<(), String> {
        self.act(path, who, task::Act::Decide { accept, comment: comment.into(), form: None, version: None })
    }

    /// Takes one input of a limit, and what follows it at once.
    pub(crate) fn give_limit(&mut self, id: &StreamId, input: &limit::Input) {
        let entry = self.limits.entry(id.clone());
        let (state, journal) = entry.or_insert_with(|| (LimitState::new(id.clone()), Vec::new()));
        let mut out = limit::turn(state, input, self.at);
        loop {
            journal.extend(out.events.iter().map(|event| (state.at, event.clone())));
            self.inbox.extend(out.messages);
            if !out.more {
                break;
            }
            self.cuts += 1;
            out = limit::turn(state, &limit::Input::Continue, self.at);
        }
        assert_eq!(replay_limit(id, journal), *state, "replayed");
        let bytes = state.snapshot().unwrap();
        assert_eq!(LimitState::from_snapshot(&bytes).unwrap(), *state, "from a snapshot");
    }

    /// The limit of a key.
    pub(crate) fn limit(&self, key: &str) -> &LimitState {
        &self.limits.get(&StreamId::limit("p", key)).unwrap_or_else(|| panic!("nobody asked for {key}")).0
    }

    /// Who has a place for a key, and who waits for one: run and step.
    pub(crate) fn places(&self, key: &str) -> (Vec<String>, Vec<String>) {
        let named = |place: &limit::Place| match place.ask.path.as_str() {
            "" => place.ask.id.run.to_string(),
            path => format!("{}/{path}", place.ask.id.run),
        };
        let limit = self.limit(key);
        (limit.holders().map(named).collect(), limit.waiters().map(named).collect())
    }

    pub(crate) fn state(&self) -> &RunState {
        &self.runs[&self.top].state
    }

    pub(crate) fn view(&mut self) -> View {
        let run = self.runs.get_mut(&self.top).expect("the top run is known");
        run.state.view(&run.plan)
    }

    /// The step, item or iteration at a path.
    pub(crate) fn step(&mut self, path: &str) -> StepNow {
        fn search(all: &[StepNow], path: &str) -> Option<StepNow> {
            all.iter().find_map(|step| {
                if step.path == path { Some(step.clone()) } else { search(&step.inside, path) }
            })
        }
        let view = self.view();
        search(&view.steps, path).unwrap_or_else(|| panic!("there is no {path} in {view:#?}"))
    }

    pub(crate) fn status(&mut self, path: &str) -> StepStatus {
        self.step(path).status
    }

    pub(crate) fn outputs(&self) -> Value {
        let run = &self.runs[&self.top];
        let error = || format!("{:?} with {:?}", run.state.status, run.state.error);
        let reference =
            run.state.outputs_at().unwrap_or_else(|| panic!("the run has no outputs: {}", error()));
        load(&run.journal, &self.files, reference)
    }

    /// The documents of the top run.
    pub(crate) fn documents(&mut self) -> Vec<DocumentNow> {
        let run = self.runs.get_mut(&self.top).unwrap();
        let plan = run.plan.clone();
        run.state.documents_now(&plan)
    }

    /// What a version of a document says.
    pub(crate) fn value_of(&self, document: &str, version: u32) -> Value {
        let run = &self.runs[&self.top];
        let (_, reference) = run.state.document_version(document, Some(version)).unwrap();
        load(&run.journal, &self.files, reference)
    }

    pub(crate) fn ended(&self) -> (RunStatus, Option<Outcome>) {
        (self.state().status, self.state().outcome)
    }

    pub(crate) fn error(&self) -> (ErrorKind, String, String) {
        let error = self.state().error.clone().unwrap_or_else(|| panic!("no error: {:?}", self.ended()));
        (error.kind, error.step, error.message)
    }

    /// Types of the top run's events about a path.
    pub(crate) fn events(&self, path: &str) -> Vec<String> {
        let of = |event: &Event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
        let journal = &self.runs[&self.top].journal;
        journal.iter().filter(|(_, event)| event.path() == Some(path)).map(|(_, event)| of(event)).collect()
    }
}

fn replay(run: &Run) -> RunState {
    let mut state = RunState::new(run.state.id.clone());
    for (at, event) in &run.journal {
        let text = serde_json::to_string(event).unwrap();
        state.apply(&serde_json::from_str(&text).unwrap(), *at);
    }
    state
}

fn replay_limit(id: &StreamId, journal: &[(Time, limit::Event)]) -> LimitState {
    let mut state = LimitState::new(id.clone());
    for (at, event) in journal {
        let text = serde_json::to_string(event).unwrap();
        state.apply(&serde_json::from_str(&text).unwrap(), *at);
    }
    state
}

/// The journal alone gives the same state, and so does a snapshot of it.
fn check_replay(run: &mut Run) {
    // Short journals are checked at every turn, long ones now and then.
    let length = run.journal.len();
    if length > 5_000 || (length > 200 && !length.is_multiple_of(97)) {
        return;
    }
    let mut again = replay(run).replayed();
    again.settle_status();
    let view = |state: &mut RunState| {
        let mut view = state.view(&run.plan);
        // Their order is that in memory.
        view.waits_for.sort_by(|a, b| a.path.cmp(&b.path));
        view
    };
    let want = view(&mut run.state);
    if !want.status.is_end() && run.state.unfinished() {
        return;
    }
    let mut got = view(&mut again);
    got.status = want.status;
    assert_eq!(got, want, "replayed");
    assert_eq!(again.due(), run.state.due(), "due, replayed");
    let bytes = run.state.snapshot().unwrap();
    let mut back = RunState::from_snapshot(&bytes).unwrap();
    assert_eq!(view(&mut back), want, "from a snapshot");
    assert_eq!(back.due(), run.state.due(), "due, from a snapshot");
}

fn load(journal: &[(Time, Event)], files: &HashMap<String, Vec<u8>>, reference: &ValueRef) -> Value {
    match reference {
        ValueRef::Inline(value) => value.clone(),
        ValueRef::Event { seq, at } => {
            let event = &journal[usize::try_from(*seq).unwrap() - 1].1;
            let event = serde_json::to_value(event).unwrap();
            event.pointer(at).unwrap_or_else(|| panic!("nothing at {at} in {event}")).clone()
        }
        ValueRef::File { hash } => serde_json::from_slice(&files[hash]).unwrap(),
        ValueRef::Line { .. } => unreachable!("it is loaded as a line"),
    }
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}
