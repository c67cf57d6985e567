//! Child runs: streams of their own, joined by messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_lang::plan::{Action, ActionKind, Body, Child};

use super::event::{Breaks, Event, Parent, StepError};
use super::people::TaskSaid;
use super::places::Held;
use super::settings::kind_of;
use super::start::Site;
use super::state::{Ix, Job, Kind};
use super::turn::{Machine, Need, Start, Stop, expression_error, step_error};
use crate::Time;
use crate::effect::{EndReason, ErrorKind};
use crate::ids::{StreamId, StreamKind};
use crate::limit::ToRun;
use crate::limits;
use crate::message::Message;
use crate::status::{Outcome, RunStatus};
use crate::task;
use crate::value::{Payload, ValueRef};

/// What runs say to each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the events that send and take them")]
pub enum MessageBody {
    /// To a child: begin to exist.
    StartRun {
        revision: String,
        inputs: Payload,
        /// The run at the top.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<StreamId>,
        /// Who started the run at the top.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        project: String,
        folder: String,
        parent: Parent,
        depth: u32,
        /// How many attempts it may make.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        within: Vec<Held>,
    },
    /// To a child: the result is not wanted any more.
    CancelRun { by: String },
    /// To a child: begin nothing new.
    PauseRun { by: String, now: bool },
    /// To a child: go on.
    ResumeRun { by: String },
    /// To a run: a signal.
    Signal {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        by: String,
        data: Payload,
    },
    /// To a parent: the child has ended.
    RunEnded {
        run: StreamId,
        path: String,
        number: u32,
        status: RunStatus,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        /// How many attempts it made, where it was given a share.
        #[serde(default, skip_serializing_if = "is_zero")]
        spent: u32,
        /// It ended because that share was used up.
        #[serde(default, skip_serializing_if = "is_false")]
        short: bool,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl MessageBody {
    /// Reads what a message says.
    pub fn of(message: &Message) -> Option<MessageBody> {
        serde_json::from_value(message.body.clone()).ok()
    }
}

impl Machine<'_> {
    pub(super) fn send(&mut self, to: &StreamId, body: &impl Serialize) {
        // Plain data with text keys always serialises.
        let body = serde_json::to_value(body).unwrap_or(Value::Null);
        let id = format!("{}:{}:{}", self.state.id, self.state.seq, self.out.messages.len());
        self.out.messages.push(Message { id, from: self.state.id.clone(), to: to.clone(), body });
    }

    /// Takes a message from another run.
    pub(super) fn message(&mut self, message: &Message) -> Result<(), Stop> {
        match MessageBody::of(message) {
            Some(MessageBody::StartRun {
                inputs,
                top,
                by,
                project,
                folder,
                parent,
                depth,
                share,
                within,
                ..
            }) => {
                if self.state.exists() {
                    // The same start twice: a run begins once. A schedule waits for its end, and may have forgotten it.
                    if self.state.status.is_end() && message.from.kind() == StreamKind::Schedule {
                        self.tell_schedule_again(message);
                    }
                    return Ok(());
                }
                let inputs = self.start_inputs(&inputs)?;
                let breaks = Breaks::default();
                let parent = Some(parent);
                let start = Start {
                    inputs: Vec::new(),
                    top,
                    by,
                    project,
                    folder,
                    parent,
                    depth,
                    share,
                    breaks,
                    within,
                };
                self.start_as_child(inputs, start);
            }
            Some(MessageBody::CancelRun { by }) => {
                if !self.state.status.is_end() && !self.state.cancel {
                    self.cancel(&by, None, false);
                }
            }
            Some(MessageBody::PauseRun { by, now }) => {
                if !self.state.status.is_end() && self.state.paused.is_none() {
                    self.pause(&by, now);
                }
            }
            Some(MessageBody::ResumeRun { by }) => {
                if self.state.paused.is_some() {
                    self.resume(&by);
                }
            }
            Some(MessageBody::Signal { name, step, by, data }) => {
                self.signal_message(&name, step.as_deref(), &by, data);
            }
            Some(MessageBody::RunEnded {
                run,
                path,
                number,
                status,
                outcome,
                outputs,
                error,
                spent,
                short,
            }) => {
                let ended = self.child_ended(&run, &path, number, status, outcome, outputs, error, spent)?;
                if let Some(ix) = ended.filter(|_| short) {
                    self.share_spent(ix);
                }
            }
            // Of a later version, or damaged: taken, so that it does not stop the stream.
            None => match (ToRun::of(message), task::ToRun::of(message)) {
                (Some(said), _) => self.place_said(said),
                (
                    _,
                    Some(task::ToRun::TaskEnded { path, number, ended, by, output, comments, timed_out }),
                ) => {
                    let said = TaskSaid { path, number, ended, by, output, comments, timed_out };
                    self.task_ended(said)?;
                }
                (None, None) => self.late("message", "", 0),
            },
        }
        Ok(())
    }

    fn start_inputs(&self, inputs: &Payload) -> Result<serde_json::Map<String, Value>, Stop> {
        let value = match inputs {
            Payload::Value(value) => value.clone(),
            Payload::File { hash, .. } => {
                let reference = ValueRef::File { hash: hash.clone() };
                self.loaded(&reference)?.clone()
            }
        };
        match value {
            Value::Object(map) => Ok(map),
            _ => Ok(serde_json::Map::new()),
        }
    }

    fn start_as_child(&mut self, given: serde_json::Map<String, Value>, start: Start) {
        let checked = stead_lang::inputs::check_inputs(self.plan, &given);
        let (inputs, problem) = match checked {
            Ok(all) => (all.into_iter().collect(), None),
            Err(problems) => {
                let text: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                (given.into_iter().collect(), Some(text.join("; ")))
            }
        };
        let depth = start.depth;
        self.create(Start { inputs, ..start });
        if let Some(problem) = problem {
            self.fail_run(step_error("", ErrorKind::Schema, &format!("its inputs do not fit: {problem}")));
        } else if depth > limits::CHILD_DEPTH {
            let message = format!("runs are nested deeper than {}", limits::CHILD_DEPTH);
            self.fail_run(step_error("", ErrorKind::Exhausted, &message));
        }
    }

    /// Starts a child run.
    pub(super) fn start_child(
        &mut self,
        site: &Site,
        action: &Action,
        child: &Child,
        number: u32,
        deadline_at: Option<Time>,
    ) -> Result<Ix, Stop> {
        let inputs = self.eval(&site.path, |reach| child.inputs.render(&site.scope(reach)))?;
        if !inputs.is_object() {
            let message = format!("workflow.inputs gave {}, it takes a map", kind_of(&inputs));
            return Err(expression_error(&site.path, &message));
        }
        super::settings::check_size(&site.path, &inputs)?;
        let timeout = self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        let timeout_at = timeout.map(|ms| self.after(ms));
        let run = StreamId::child(&self.state.id, &site.path, number);
        let share = self.share(site, child)?;
        // Last, for what was looked up is of this moment.
        let revision = self.revision_of(site, child)?;
        let inputs = self.payload(inputs);
        let ix = self.emit_for(
            site.step,
            Event::ChildStarted {
                path: site.path.clone(),
                number,
                run: run.clone(),
                workflow: child.workflow.clone(),
                revision: revision.clone(),
                inputs: inputs.clone(),
                timeout_at,
                deadline_at,
                share,
                index: site.slot.map(|slot| slot.index),
            },
        );
        let parent = Parent { run: self.state.id.clone(), path: site.path.clone(), number };
        let start = MessageBody::StartRun {
            revision,
            inputs,
            top: Some(self.state.top().clone()),
            by: self.state.starter.clone(),
            project: self.state.project.clone(),
            folder: self.state.folder.clone(),
            parent,
            depth: self.state.depth.saturating_add(1),
            share,
            within: self.within(&site.path),
        };
        self.send(&run, &start);
        Ok(ix)
    }

    /// What a child is pinned to: what the parent is, unless the newest is wanted.
    fn revision_of(&mut self, site: &Site, child: &Child) -> Result<String, Stop> {
        if !child.latest {
            return Ok(child.revision.clone());
        }
        match self.values.take_newest(&child.workflow) {
            None => Err(Stop::Needs(vec![Need::Newest(child.workflow.clone())])),
            Some(found) => found.map_err(|why| Stop::Error(step_error(&site.path, ErrorKind::Child, &why))),
        }
    }

    /// A new child for the next try.
    pub(super) fn retry_child(&mut self, ix: Ix) -> Result<(), Stop> {
        let Kind::Child { number, .. } = self.state.get(ix).kind else { return Ok(()) };
        let site = self.site(ix);
        let Body::Action(action) = &self.step(ix).body else { return Ok(()) };
        let ActionKind::Workflow(child) = &action.kind else { return Ok(()) };
        match self.start_child(&site, action, child, number.saturating_add(1), None) {
            Err(Stop::Error(error)) => {
                self.fail_at(&site, error);
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// Tells a child that its result is not wanted; its end is awaited.
    pub(super) fn cancel_child(&mut self, ix: Ix, reason: EndReason) {
        let instance = self.state.get(ix);
        let Kind::Child { run, told: false, .. } = &instance.kind else { return };
        let (run, path) = (run.clone(), instance.path.to_string());
        // With an event of its own, by which the message is named: what was told is told once.
        self.emit(Event::StepEnding { path, reason, told: true });
        let by = format!("run:{}", self.state.id);
        self.send(&run, &MessageBody::CancelRun { by });
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one message")]
    fn child_ended(
        &mut self,
        run: &StreamId,
        path: &str,
        number: u32,
        status: RunStatus,
        outcome: Outcome,
        outputs: Option<Payload>,
        error: Option<StepError>,
        spent: u32,
    ) -> Result<Option<Ix>, Stop> {
        let found = self.state.find(path).filter(|ix| {
            let instance = self.state.get(*ix);
            let same =
                matches!(&instance.kind, Kind::Child { run: current, retry_at: None, .. } if current == run);
            same && !instance.status.is_end()
        });
        let Some(ix) = found else {
            self.late("child", path, number);
            return Ok(None);
        };
        let site = self.site(ix);
        let failure = match status {
            RunStatus::Completed => None,
            RunStatus::Cancelled => {
                Some(step_error(path, ErrorKind::Cancelled, &format!("run {run} was cancelled")))
            }
            _ => {
                let inner = error.map_or_else(String::new, |e| {
                    let at = if e.step.is_empty() { String::new() } else { format!(" at {}", e.step) };
                    format!("{at}: {}", e.message)
                });
                let error = step_error(path, ErrorKind::Child, &format!("run {run} failed{inner}"));
                Some(StepError { outcome, ..error })
            }
        };
        let ending = self.state.get(ix).ending;
        let failure = match ending {
            Some(EndReason::Timeout) => Some(step_error(path, ErrorKind::Timeout, "its time has passed")),
            _ => failure.map(|failure| self.state.get(ix).revoked().unwrap_or(failure)),
        };
        let retry_at = match &failure {
            Some(error) => match self.retry_at(ix, &site, error, None) {
                Ok(at) => at,
                Err(Stop::Error(_)) => None,
                Err(needs @ Stop::Needs(_)) => return Err(needs),
            },
            None => None,
        };
        let stops = failure.is_some() && retry_at.is_none() && self.stops(&site);
        let output = outputs.filter(|_| failure.is_none());
        let (path, error) = (path.to_owned(), failure);
        let ended =
            Event::ChildEnded { path, number, status, outcome, output, error, retry_at, stops, spent };
        self.emit(ended);
        if retry_at.is_none() {
            self.push(Job::Ended(ix));
        }
        Ok(Some(ix))
    }

    /// Tells the parent how this run has ended.
    pub(super) fn tell_parent(&mut self) {
        let Some(Parent { run, path, number }) = self.state.parent.clone() else { return };
        let Some(outcome) = self.state.outcome else { return };
        let outputs = match self.out.events.last() {
            Some(Event::RunCompleted { outputs, .. }) => Some(outputs.clone()),
            _ => None,
        };
        // A schedule wants to know that it has ended, and how.
        let outputs: Option<Payload> = outputs.filter(|_| run.kind() == StreamKind::Run);
        let body = MessageBody::RunEnded {
            run: self.state.id.clone(),
            path,
            number,
            status: self.state.status,
            outcome,
            outputs,
            error: self.state.error.clone(),
            spent: self.state.share.map_or(0, |_| self.state.budget().map_or(0, |budget| budget.used)),
            short: self.is_short(),
        };
        self.send(&run, &body);
    }

    /// Answers a start that came before.
    fn tell_schedule_again(&mut self, message: &Message) {
        let before = self.out.messages.len();
        self.tell_parent();
        for (said, again) in self.out.messages[before..].iter_mut().zip(0..) {
            // The one that told it first had a name of its own.
            said.id = format!("{}:again:{again}", message.id);
        }
    }

    pub(super) fn late(&mut self, what: &str, path: &str, number: u32) {
        if !self.state.status.is_end() && self.state.exists() {
            self.emit(Event::Late { what: what.into(), path: path.into(), number });
        }
    }
}
