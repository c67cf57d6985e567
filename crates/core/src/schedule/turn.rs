//! One input taken by a schedule.

use serde_json::{Map, Value, json};
use stead_lang::duration::format_time;
use stead_lang::expr::{Env, EvalError, Val};
use stead_lang::plan::{Missed, Overlap, Plan, TriggerOn};

use super::due::Rule;
use super::event::Event;
use super::state::{ScheduleState, Status};
use super::words::{Cause, Given, Next, SkipWhy, Spec, What};
use crate::Time;
use crate::ids::StreamId;
use crate::limits;
use crate::message::Message;
use crate::run::event::Parent;
use crate::run::{FilePut, MessageBody};
use crate::value::{Payload, Values};

/// Why a request is not taken: so many are under way.
pub const HOOK_FULL: &str = "as many requests are under way as may be";
/// Why a request is not taken: the webhook is paused.
pub const HOOK_PAUSED: &str = "the webhook is paused";
/// Why something is not done: whose runs they are may not start them any more.
pub const HALTED: &str = "who turned it on may not start runs any more: somebody who may turns it on again";
/// Why something is not done: the schedule is off.
pub const NOT_ON: &str = "the schedule is off";

/// What a schedule can be given.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Turn it on, as this.
    TurnOn(Box<Spec>),
    /// Turn it off.
    TurnOff {
        /// Who.
        by: String,
    },
    /// Start nothing for now.
    Pause {
        /// Who.
        by: String,
        /// Until then; else until it is resumed.
        until: Option<Time>,
    },
    /// Go on.
    Resume {
        /// Who.
        by: String,
    },
    /// Leave the next instant out.
    Skip {
        /// Who.
        by: String,
    },
    /// Start a run now, beside the rule.
    Now {
        /// Who.
        by: String,
    },
    /// Start what was due in a time that has passed.
    Backfill {
        /// Who.
        by: String,
        /// From this instant on.
        from: Time,
        /// To before this one.
        to: Time,
    },
    /// A request came, whose signature is right.
    Deliver {
        /// Its id: what comes again with the same is the same.
        id: String,
        /// What it says that it is, beside its body.
        kind: Option<String>,
        /// What of its headers is handed on.
        headers: Map<String, Value>,
        /// Its body.
        body: Value,
    },
    /// Whose runs they are may not start them any more: nothing starts until it is turned on again.
    Halt {
        /// Why.
        why: String,
    },
    /// A message from a run.
    Message(Message),
    /// It is as late as the turn says.
    Time,
}

/// What came of an input.
#[derive(Debug, Default)]
pub struct Turn {
    /// To the journal.
    pub events: Vec<Event>,
    /// To runs.
    pub messages: Vec<Message>,
    /// Files to be written before the commit.
    pub files: Vec<FilePut>,
    /// The input asked for something that cannot be: why. Nothing happened.
    pub refused: Option<String>,
}

/// Takes one input. `plan` is that of the revision that its runs are pinned to.
pub fn turn(
    state: &mut ScheduleState,
    input: &Input,
    at: Time,
    plan: Option<&Plan>,
    values: &mut Values,
) -> Turn {
    let at = at.max(state.at);
    let rule = state.spec.as_ref().and_then(|spec| Rule::of(spec, &state.id));
    let mut desk = Desk { state, at, plan, rule, values, out: Turn::default() };
    if let Input::Halt { why } = input {
        // Before what is due: that would be started.
        if matches!(desk.state.status, Status::On | Status::Paused { .. }) {
            desk.emit(Event::Halted { why: why.clone() });
        }
        return desk.out;
    }
    // What is due comes before what somebody wants.
    desk.time();
    if let Err(why) = desk.take(input) {
        desk.out.refused = Some(why);
    }
    desk.start_queued();
    desk.out
}

struct Desk<'a> {
    state: &'a mut ScheduleState,
    at: Time,
    plan: Option<&'a Plan>,
    rule: Option<Rule>,
    values: &'a mut Values,
    out: Turn,
}

impl Desk<'_> {
    fn emit(&mut self, event: Event) {
        self.state.apply(&event, self.at);
        self.out.events.push(event);
    }

    fn say(&mut self, to: &StreamId, said: &MessageBody) {
        // Plain data with text keys always serialises.
        let body = serde_json::to_value(said).unwrap_or_default();
        let id = format!("{}:{}:{}", self.state.id, self.state.seq, self.out.messages.len());
        self.out.messages.push(Message { id, from: self.state.id.clone(), to: to.clone(), body });
    }

    fn take(&mut self, input: &Input) -> Result<(), String> {
        let off = self.state.status == Status::Off;
        match input {
            Input::TurnOn(spec) => return self.turn_on(spec),
            Input::Message(message) => {
                self.message(message);
                return Ok(());
            }
            Input::Time | Input::Halt { .. } => return Ok(()),
            _ if off => return Err(NOT_ON.to_owned()),
            Input::TurnOff { by } => self.emit(Event::TurnedOff { by: by.clone() }),
            _ if self.state.status == Status::Halted => return Err(HALTED.to_owned()),
            Input::Pause { by, until } => {
                if until.is_some_and(|until| until <= self.at) {
                    return Err("that time has passed".to_owned());
                }
                self.emit(Event::Paused { by: by.clone(), until: *until });
            }
            Input::Resume { by } => {
                if self.state.status == Status::On {
                    return Err("the schedule is not paused".to_owned());
                }
                self.emit(Event::Resumed { by: Some(by.clone()) });
                self.look_on(self.at);
            }
            Input::Skip { by } => {
                let Some(Next { instant, .. }) = self.state.next else {
                    return Err("nothing is next".to_owned());
                };
                let why = SkipWhy::Asked { by: by.clone() };
                self.emit(Event::Skipped { cause: Cause::Due { instant }, why });
                self.look_on(instant);
            }
            Input::Now { by } => {
                let cause = Cause::Now { number: self.state.asked + 1, at: self.at, by: by.clone() };
                self.start(cause, Map::new());
            }
            Input::Backfill { by, from, to } => self.backfill(by, *from, *to)?,
            Input::Deliver { id, kind, headers, body } => self.deliver(id, kind.as_deref(), headers, body)?,
        }
        Ok(())
    }

    fn turn_on(&mut self, spec: &Spec) -> Result<(), String> {
        if let Some(before) = self.state.spec.as_ref().filter(|_| self.state.status != Status::Off)
            && before.workflow != spec.workflow
        {
            return Err(format!("the schedule `{}` is of the workflow `{}`", spec.name, before.workflow));
        }
        self.emit(Event::TurnedOn { spec: Box::new(spec.clone()) });
        self.rule = Rule::of(spec, &self.state.id);
        self.look_on(self.at);
        Ok(())
    }

    /// Which instant is next behind one.
    fn look_on(&mut self, behind: Time) {
        let behind = behind.max(self.state.left_out);
        let next = self.rule.as_ref().and_then(|rule| rule.after(behind));
        if self.rule.is_some() && self.state.next != next {
            self.emit(Event::NextSet { next });
        }
    }

    fn backfill(&mut self, by: &str, from: Time, to: Time) -> Result<(), String> {
        let to = to.min(self.at.saturating_add(1));
        let Some(rule) = &self.rule else { return Err("a webhook has no times".to_owned()) };
        let instants = rule.between(from, to);
        if instants.is_empty() {
            return Err("no time of the rule is in that span, as far as it has passed".to_owned());
        }
        let waiting = self.state.queue.len();
        if instants.len() + waiting > limits::BACKFILL {
            return Err(format!(
                "more than {} times would wait; ask for a shorter span{}",
                limits::BACKFILL,
                if waiting > 0 { format!(", {waiting} wait already") } else { String::new() }
            ));
        }
        self.emit(Event::BackfillAsked { by: by.to_owned(), from, to, instants });
        Ok(())
    }

    fn deliver(
        &mut self,
        id: &str,
        kind: Option<&str>,
        headers: &Map<String, Value>,
        body: &Value,
    ) -> Result<(), String> {
        let cause = Cause::Delivery { id: id.to_owned(), at: self.at };
        if self.state.seen.contains_key(id) || self.state.open.contains_key(&cause.run(&self.state.id)) {
            // It was taken, and its answer was lost.
            return Ok(());
        }
        if let Status::Paused { .. } = self.state.status {
            return Err(HOOK_PAUSED.to_owned());
        }
        if self.state.open.len() >= limits::HOOK_OPEN || self.state.remembered(self.at) >= limits::HOOK_IDS {
            return Err(HOOK_FULL.to_owned());
        }
        let mut event = Map::new();
        event.insert("headers".to_owned(), Value::Object(headers.clone()));
        event.insert("type".to_owned(), kind.map_or(Value::Null, Value::from));
        event.insert("body".to_owned(), body.clone());
        let before = self.state.started;
        self.start(cause, event);
        match (self.state.started > before, self.state.history.back().map(|past| &past.what)) {
            (false, Some(What::NotStarted { why, .. })) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    fn message(&mut self, message: &Message) {
        let Some(MessageBody::RunEnded { run, status, outcome, .. }) = MessageBody::of(message) else {
            // Of a later version, or damaged: taken, so that it does not stop the stream.
            return;
        };
        // One that was tried again ends once more.
        if self.state.open.contains_key(&run) {
            self.emit(Event::RunEnded { run, status, outcome });
        }
    }

    /// What the time has brought.
    fn time(&mut self) {
        if let Status::Paused { until: Some(until) } = self.state.status
            && until <= self.at
        {
            self.emit(Event::Resumed { by: None });
            // What came in the pause does not count.
            self.look_on(until);
        }
        if self.state.status != Status::On {
            return;
        }
        let (Some(rule), Some(next)) = (&self.rule, self.state.next) else { return };
        if next.due > self.at {
            return;
        }
        let mut due = rule.due(next, self.at);
        let (overlap, missed) = match self.state.spec.as_ref().map(|spec| &spec.on) {
            Some(TriggerOn::Time { overlap, missed, .. }) => (*overlap, *missed),
            _ => (Overlap::Skip, Missed::None),
        };
        let kept = match missed {
            Missed::None => 0,
            // What is in time is newer than all that is late.
            Missed::Latest => usize::from(due.now.is_empty()),
            Missed::All => due.late.len(),
        };
        due.lose(due.late.len().saturating_sub(kept));
        if let Some((first, last, count)) = due.lost {
            self.emit(Event::TimesMissed { first, last, count, more: due.more });
        }
        for instant in due.late {
            let cause = Cause::Missed { instant };
            // That all count is said beside what happens to two at a time.
            let overlap = if missed == Missed::All { Overlap::Queue } else { overlap };
            self.come(cause, overlap);
        }
        for instant in due.now {
            self.come(Cause::Due { instant }, overlap);
        }
        self.emit(Event::NextSet { next: due.next });
    }

    /// An instant has come.
    fn come(&mut self, cause: Cause, overlap: Overlap) {
        if self.state.open.is_empty() && self.state.queue.is_empty() {
            return self.start(cause, Map::new());
        }
        match overlap {
            Overlap::Skip => match self.state.open.keys().next().cloned() {
                Some(run) => self.emit(Event::Skipped { cause, why: SkipWhy::StillRunning { run } }),
                None => self.emit(Event::Skipped { cause, why: SkipWhy::QueueFull }),
            },
            Overlap::Queue if self.state.queue.len() >= limits::SCHEDULE_QUEUE => {
                self.emit(Event::Skipped { cause, why: SkipWhy::QueueFull });
            }
            Overlap::Queue => self.emit(Event::Queued { cause }),
            Overlap::Cancel => {
                let older = |queued: &&Cause| matches!(queued, Cause::Due { .. } | Cause::Missed { .. });
                let older: Vec<Cause> = self.state.queue.iter().filter(older).cloned().collect();
                for cause in older {
                    self.emit(Event::Skipped { cause, why: SkipWhy::Replaced });
                }
                self.emit(Event::Queued { cause });
                let open = self.state.open.iter().filter(|(_, open)| !open.cancelled);
                let open: Vec<StreamId> = open.map(|(run, _)| run.clone()).collect();
                for run in open {
                    self.emit(Event::RunCancelled { run: run.clone() });
                    let by = format!("schedule:{}", self.name());
                    self.say(&run, &MessageBody::CancelRun { by });
                }
            }
        }
    }

    fn name(&self) -> String {
        self.state.spec.as_ref().map(|spec| spec.name.clone()).unwrap_or_default()
    }

    /// What waits, once nothing is under way: one after the other.
    fn start_queued(&mut self) {
        while self.state.status == Status::On
            && self.state.open.is_empty()
            && let Some(cause) = self.state.queue.front().cloned()
        {
            self.start(cause, Map::new());
        }
    }

    /// Starts a run.
    fn start(&mut self, cause: Cause, event: Map<String, Value>) {
        let Some(spec) = self.state.spec.clone() else { return };
        let inputs = match self.inputs(&spec, &cause, event) {
            Ok(inputs) => inputs,
            Err(why) => return self.emit(Event::NotStarted { cause, why }),
        };
        let inputs = Payload::of(inputs, limits::EVENT_BYTES, self.values, &mut self.out.files);
        let run = cause.run(&self.state.id);
        self.emit(Event::RunStarted { run: run.clone(), cause });
        let number = u32::try_from(self.state.started).unwrap_or(u32::MAX);
        let parent = Parent { run: self.state.id.clone(), path: spec.name.clone(), number };
        let start = MessageBody::StartRun {
            revision: spec.revision,
            inputs,
            top: None,
            by: spec.owner,
            project: spec.project,
            folder: spec.folder,
            parent,
            depth: 0,
            share: None,
            within: Vec::new(),
        };
        self.say(&run, &start);
    }

    /// What a run is given.
    fn inputs(&self, spec: &Spec, cause: &Cause, more: Map<String, Value>) -> Result<Value, String> {
        let at = match &spec.given {
            Given::Values(values) => return Ok(Value::Object(values.clone())),
            Given::Trigger(at) => *at,
        };
        let plan = self.plan.ok_or("the definition is not at hand")?;
        let trigger = plan.triggers.get(at).ok_or("the definition has no such trigger")?;
        let instant = cause.instant();
        let local = self.rule.as_ref().map_or_else(|| format_time(instant), |rule| rule.show(instant));
        let mut event = json!({"schedule": spec.name, "time": format_time(instant)});
        if let Some(map) = event.as_object_mut() {
            match cause {
                Cause::Delivery { id, .. } => {
                    map.insert("id".to_owned(), json!(id));
                    map.extend(more);
                }
                // Somebody wants a run of a webhook, which has no request then.
                _ if self.rule.is_none() => {
                    map.extend(
                        [
                            ("id", json!("")),
                            ("type", Value::Null),
                            ("headers", json!({})),
                            ("body", Value::Null),
                        ]
                        .map(|(k, v)| (k.to_owned(), v)),
                    );
                }
                _ => {
                    map.insert("local".to_owned(), json!(local));
                }
            }
        }
        trigger.inputs.render(&OfEvent(&event)).map_err(|error| format!("its inputs have no value: {error}"))
    }
}

/// The names that a trigger's inputs see.
struct OfEvent<'v>(&'v Value);

impl<'v> Env<'v> for OfEvent<'v> {
    fn var(&self, name: &str) -> Result<Option<Val<'v>>, EvalError> {
        Ok((name == "event").then(|| Val::from_json(self.0)))
    }
}
