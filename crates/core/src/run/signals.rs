//! Signals: sent to a run and a name, taken once, by the wait that is open longest; kept where none is open.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stead_lang::inputs::index_text;
use stead_lang::plan::{Action, Signal, SignalTo};

use super::children::MessageBody;
use super::event::{DATA, Event};
use super::settings::{check_size, kind_of};
use super::start::Site;
use super::state::{Ix, Job, Kind, Output, ROOT, RunState};
use super::turn::{Machine, Need, Stop, expression_error, step_error};
use crate::Time;
use crate::effect::ErrorKind;
use crate::ids::StreamId;
use crate::limits;
use crate::path;
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::{Payload, ValueRef, json_len};

/// Why a run that has ended takes no signal.
pub const SIGNAL_TO_ENDED: &str = "the run has ended";
const FULL: &str = "it keeps 10000 signals that no wait has taken, and takes no more";
const LARGE: &str =
    "the data of the signal has more than 1 MiB of JSON; hand over a path or an address instead";
const NAME: &str = "the name of a signal has 1 to 200 bytes";
const ID: &str = "the id of a signal has 1 to 200 bytes";
const STEP: &str = "the path of a step has at most 4096 bytes";

/// A signal that no wait has taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Number of the event by which it came.
    number: u64,
    name: Box<str>,
    /// Path of the instance it is for; empty: any.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    step: Box<str>,
    by: Box<str>,
    at: Time,
    data: ValueRef,
}

/// The signals of a run.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// By the number of the event, which is the order in which they came.
    kept: BTreeMap<u64, Kept>,
    /// Ids that count no more, the oldest first.
    ids: VecDeque<Box<str>>,
    /// Kept ones by name, instance and number; derived.
    places: BTreeSet<(Box<str>, Box<str>, u64)>,
    /// The same ids; derived.
    seen: HashSet<Box<str>>,
    /// Open waits by name, the longest open one first; derived.
    waits: HashMap<Box<str>, BTreeSet<(u64, Ix)>>,
}

/// The signals of a run, as a snapshot has them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Kept>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<Box<str>>,
}

impl Signals {
    pub(super) fn stored(&self) -> Stored {
        Stored { kept: self.kept.values().cloned().collect(), ids: self.ids.iter().cloned().collect() }
    }

    pub(super) fn of_stored(stored: Stored) -> Self {
        let mut signals = Signals::default();
        stored.kept.into_iter().for_each(|kept| signals.keep(kept));
        stored.ids.into_iter().for_each(|id| signals.remember(id));
        signals
    }

    fn keep(&mut self, kept: Kept) {
        self.places.insert((kept.name.clone(), kept.step.clone(), kept.number));
        self.kept.insert(kept.number, kept);
    }

    fn take(&mut self, number: u64) -> Option<Kept> {
        let kept = self.kept.remove(&number)?;
        self.places.remove(&(kept.name.clone(), kept.step.clone(), number));
        Some(kept)
    }

    fn remember(&mut self, id: Box<str>) {
        if !self.seen.insert(id.clone()) {
            return;
        }
        self.ids.push_back(id);
        if self.ids.len() > limits::SIGNAL_IDS
            && let Some(oldest) = self.ids.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// The oldest kept one that a wait at `path` takes.
    fn oldest_for(&self, name: &str, path: &str) -> Option<u64> {
        if self.kept.is_empty() {
            return None;
        }
        let first = |step: &str| {
            let from = (Box::from(name), Box::from(step), 0);
            let next = self.places.range(from..).next();
            next.filter(|(n, s, _)| **n == *name && **s == *step).map(|(.., number)| *number)
        };
        // Sent to the instance, to what is around it, or to the run.
        std::iter::successors(Some(path), |at| path::around(at)).filter_map(first).min()
    }

    pub(super) fn is_full(&self) -> bool {
        self.kept.len() >= limits::SIGNALS_KEPT
    }

    pub(super) fn count(&self) -> u64 {
        self.kept.len() as u64
    }

    pub(super) fn run_ended(&mut self) {
        self.waits.clear();
    }

    /// A wait for a signal is open, or is so no more.
    pub(super) fn wait(&mut self, name: &str, opened: u64, ix: Ix, open: bool) {
        if open {
            self.waits.entry(name.into()).or_default().insert((opened, ix));
        } else if let Some(waits) = self.waits.get_mut(name) {
            waits.remove(&(opened, ix));
            if waits.is_empty() {
                self.waits.remove(name);
            }
        }
    }
}

/// A signal that a run keeps until a wait takes it, as people look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalNow {
    /// Its name.
    pub name: String,
    /// The step instance it was sent to, where it was sent to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Who sent it.
    pub by: String,
    /// When it came.
    pub at: Time,
}

/// Which runs a signal goes to: to be looked up by the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Find {
    /// The run of this id, whether it is open or not.
    Run(StreamId),
    /// The open runs of a workflow that are found by all of these.
    Where {
        /// Name of the workflow.
        workflow: String,
        /// Values, as text, by input.
        keys: Vec<(String, String)>,
    },
}

/// A run that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: StreamId,
    /// Its status.
    pub status: RunStatus,
    /// Whether it takes no more signals.
    pub full: bool,
}

/// A signal as it comes.
pub(super) struct Coming<'c> {
    pub(super) name: &'c str,
    pub(super) step: Option<&'c str>,
    pub(super) id: Option<&'c str>,
    pub(super) by: &'c str,
    pub(super) data: Payload,
}

impl RunState {
    /// Signals that no wait has taken, the first few.
    pub(super) fn signals_now(&self) -> Vec<SignalNow> {
        let now = |kept: &Kept| SignalNow {
            name: kept.name.to_string(),
            step: Some(kept.step.to_string()).filter(|step| !step.is_empty()),
            by: kept.by.to_string(),
            at: kept.at,
        };
        self.signals.kept.values().take(limits::WAITS_LISTED).map(now).collect()
    }

    /// Books what `set_status` says of a wait for a signal.
    pub(super) fn note_wait(&mut self, ix: Ix) {
        let Some(Some(instance)) = self.slab.get(ix as usize) else { return };
        if let Kind::Signal { name, opened, .. } = &instance.kind {
            self.signals.wait(name, *opened, ix, instance.status == StepStatus::Waiting);
        }
    }

    /// Books a signal that came.
    pub(super) fn signal_came(&mut self, event: &Event) {
        let Event::SignalCame { name, step, id, by, data, path } = event else { return };
        if let Some(id) = id {
            self.signals.remember(id.as_str().into());
        }
        match path {
            Some(path) => {
                let ix = self.at_path(path);
                self.completed(ix, Some(data), DATA, Outcome::Ok);
            }
            None => {
                let data = ValueRef::to(data, self.seq, || DATA.into());
                let step = step.as_deref().unwrap_or_default().into();
                let (name, by) = (name.as_str().into(), by.as_str().into());
                self.signals.keep(Kept { number: self.seq, name, step, by, at: self.at, data });
            }
        }
    }

    /// Books that a kept signal was taken.
    pub(super) fn signal_taken(&mut self, ix: Ix, signal: u64) {
        let output = self.signals.take(signal).map_or(Output::None, |kept| Output::At(kept.data));
        self.completed_with(ix, output, Outcome::Ok);
    }
}

impl Machine<'_> {
    /// A signal that an operation sends.
    pub(super) fn signal_input(
        &mut self,
        name: &str,
        step: Option<&str>,
        id: Option<&str>,
        data: &Value,
        by: &str,
    ) {
        if json_len(data, limits::SIGNAL_BYTES).is_none() {
            self.out.refused = Some(LARGE);
            return;
        }
        if id.is_some_and(|id| id.is_empty() || id.len() > limits::SIGNAL_NAME_BYTES) {
            self.out.refused = Some(ID);
            return;
        }
        let step = step.filter(|step| !step.is_empty());
        if step.is_some_and(|step| step.len() > limits::PATH_BYTES) {
            self.out.refused = Some(STEP);
            return;
        }
        let data = self.payload(data.clone());
        self.out.refused = self.deliver(Coming { name, step, id, by, data }).err();
        if self.out.events.is_empty() {
            self.out.files.clear();
        }
    }

    /// A signal that another run sent. It cannot be told, so that it is noted when there is no place.
    pub(super) fn signal_message(&mut self, name: &str, step: Option<&str>, by: &str, data: Payload) {
        if self.state.status.is_end() || !self.state.exists() {
            return;
        }
        if let Err(why) = self.deliver(Coming { name, step, id: None, by, data }) {
            self.emit(Event::SignalRefused { name: name.into(), by: by.into(), why: why.into() });
        }
    }

    /// Gives a signal to a wait, or keeps it; says why it can do neither.
    fn deliver(&mut self, coming: Coming<'_>) -> Result<(), &'static str> {
        let Coming { name, step, id, by, data } = coming;
        if id.is_some_and(|id| self.state.signals.seen.contains(id)) {
            // One that counted already is no error, whatever has become of the run since.
            return Ok(());
        }
        if self.state.status.is_end() {
            return Err(SIGNAL_TO_ENDED);
        }
        if name.is_empty() || name.len() > limits::SIGNAL_NAME_BYTES {
            return Err(NAME);
        }
        let taker = self.taker(name, step);
        if taker.is_none() && self.state.signals.is_full() {
            return Err(FULL);
        }
        let path = taker.map(|ix| self.state.get(ix).path.to_string());
        let (step, id) = (step.map(Into::into), id.map(Into::into));
        self.emit(Event::SignalCame { name: name.into(), step, id, by: by.into(), data, path });
        if let Some(ix) = taker {
            self.push(Job::Ended(ix));
        }
        Ok(())
    }

    /// The wait that is open longest, of those that the signal is for. While the run is paused none takes it.
    fn taker(&self, name: &str, step: Option<&str>) -> Option<Ix> {
        if self.state.paused.is_some() {
            return None;
        }
        let waits = self.state.signals.waits.get(name)?;
        let fits = |ix: &Ix| {
            let inside = step.is_none_or(|step| {
                let mut at = *ix;
                loop {
                    let instance = self.state.get(at);
                    if *instance.path == *step {
                        break true;
                    }
                    if at == ROOT {
                        break false;
                    }
                    at = instance.parent;
                }
            });
            // What is about to be ended would lose it.
            inside && !self.unwanted(*ix)
        };
        waits.iter().map(|(_, ix)| *ix).find(fits)
    }

    /// Kept signals for which a wait is open: they came while the run was paused. With their times, in the order of
    /// their coming.
    pub(super) fn signals_held(&self) -> Vec<(Time, Job)> {
        let signals = &self.state.signals;
        if signals.waits.is_empty() {
            return Vec::new();
        }
        let held = signals.kept.values().filter(|kept| signals.waits.contains_key(&kept.name));
        held.map(|kept| (kept.at, Job::Deliver(kept.number))).collect()
    }

    /// A signal that came while the run was paused: an open wait takes it, unless it is for none.
    pub(super) fn deliver_kept(&mut self, signal: u64) {
        let Some(kept) = self.state.signals.kept.get(&signal) else { return };
        let step = Some(&*kept.step).filter(|step| !step.is_empty());
        let Some(ix) = self.taker(&kept.name, step) else { return };
        let path = self.state.get(ix).path.to_string();
        self.emit(Event::SignalTaken { path, signal, index: None });
        self.push(Job::Ended(ix));
    }

    /// A step waits for a signal, or takes one that came before.
    pub(super) fn begin_signal_wait(
        &mut self,
        site: &Site,
        action: &Action,
        name: String,
        deadline_at: Option<Time>,
    ) -> Result<Ix, Stop> {
        self.check_name(site, &name)?;
        let timeout = self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        let timeout_at = timeout.map(|ms| self.after(ms));
        let (path, index) = (site.path.clone(), site.slot.map(|slot| slot.index));
        if let Some(signal) = self.state.signals.oldest_for(&name, &path) {
            return Ok(self.ended_at_once(site.step, Event::SignalTaken { path, signal, index }));
        }
        let event = Event::SignalAwaited { path, name, timeout_at, deadline_at, index };
        Ok(self.emit_for(site.step, event))
    }

    fn check_name(&self, site: &Site, name: &str) -> Result<(), Stop> {
        if (1..=limits::SIGNAL_NAME_BYTES).contains(&name.len()) {
            return Ok(());
        }
        Err(expression_error(&site.path, NAME))
    }

    /// A step sends a signal.
    pub(super) fn send_signal(&mut self, site: &Site, signal: &Signal) -> Result<Ix, Stop> {
        let path = &site.path;
        let name = self.eval(path, |reach| signal.name.render_text(&site.scope(reach)))?;
        self.check_name(site, &name)?;
        let step = match &signal.step {
            Some(step) => Some(self.eval(path, |reach| step.render_text(&site.scope(reach)))?),
            None => None,
        };
        let step = step.filter(|step| !step.is_empty());
        if step.as_ref().is_some_and(|step| step.len() > limits::PATH_BYTES) {
            return Err(expression_error(path, STEP));
        }
        let data = self.eval(path, |reach| signal.data.render(&site.scope(reach)))?;
        check_size(path, &data)?;
        if json_len(&data, limits::SIGNAL_BYTES).is_none() {
            return Err(Stop::Error(step_error(path, ErrorKind::Exhausted, LARGE)));
        }
        let runs = self.receivers(site, signal, &name, step.as_deref())?;
        let data = match runs.len() {
            // In the messages of all, so not with its text.
            2.. => self.payload_of(data, limits::INLINE_BYTES),
            _ => self.payload(data),
        };
        let names = runs.iter().map(|run| Value::from(run.as_str())).collect();
        let output = self.payload(json!({ "runs": Value::Array(names) }));
        let by = format!("run:{}", self.state.id);
        let ix = self.ended_at_once(
            site.step,
            Event::SignalSent {
                path: site.path.clone(),
                name: name.clone(),
                step: step.clone(),
                data: data.clone(),
                output,
                index: site.slot.map(|slot| slot.index),
            },
        );
        for run in &runs {
            let (name, data) = (name.clone(), data.clone());
            if *run == self.state.id {
                self.signal_message(&name, step.as_deref(), &by, data);
            } else {
                let (step, by) = (step.clone(), by.clone());
                self.send(run, &MessageBody::Signal { name, step, by, data });
            }
        }
        Ok(ix)
    }

    /// The runs that get a signal. Last, for what was looked up is of this moment.
    fn receivers(
        &mut self,
        site: &Site,
        signal: &Signal,
        name: &str,
        step: Option<&str>,
    ) -> Result<Vec<StreamId>, Stop> {
        let refuse = |kind, why: &str| Err(Stop::Error(step_error(&site.path, kind, why)));
        let find = match &signal.to {
            SignalTo::Own => Find::Run(self.state.id.clone()),
            SignalTo::Run(run) => {
                let run = self.eval(&site.path, |reach| run.render_text(&site.scope(reach)))?;
                Find::Run(StreamId::new(&run))
            }
            SignalTo::Where { workflow, inputs } => {
                let mut keys = Vec::with_capacity(inputs.len());
                for (input, value) in inputs {
                    let value = self.eval(&site.path, |reach| value.render(&site.scope(reach)))?;
                    let key = index_text(&value).ok_or_else(|| {
                        let kind = kind_of(&value);
                        let message = format!(
                            "`where.{input}` is {kind}; runs are found by text, numbers and booleans"
                        );
                        expression_error(&site.path, &message)
                    })?;
                    keys.push((input.clone(), key));
                }
                Find::Where { workflow: workflow.clone(), keys }
            }
        };
        if let Find::Run(run) = &find
            && *run == self.state.id
        {
            return match self.state.signals.is_full() && self.taker(name, step).is_none() {
                true => refuse(ErrorKind::Exhausted, FULL),
                false => Ok(vec![run.clone()]),
            };
        }
        let Some(found) = self.values.take_found(&find) else {
            return Err(Stop::Needs(vec![Need::Runs(find)]));
        };
        if let Find::Run(run) = &find {
            match found.first() {
                None => return refuse(ErrorKind::Exit, &format!("there is no run {run}")),
                Some(found) if found.status.is_end() => {
                    let why = format!("run {run} has ended: it is {}", found.status);
                    return refuse(ErrorKind::Exit, &why);
                }
                Some(_) => {}
            }
        }
        if found.len() > limits::SIGNAL_RUNS {
            let why = format!("more than {} runs would get the signal", limits::SIGNAL_RUNS);
            return refuse(ErrorKind::Exhausted, &why);
        }
        if let Some(found) = found.iter().find(|found| found.full) {
            return refuse(ErrorKind::Exhausted, &format!("run {}: {FULL}", found.run));
        }
        Ok(found.into_iter().map(|found| found.run).collect())
    }
}
