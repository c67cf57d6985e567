//! One input taken by a task.

use serde_json::{Value, json};
use stead_lang::duration::format_time;

use super::event::{Event, Released};
use super::state::{Asks, Submission, Taken, TaskState, Timer};
use super::words::{Asked, Ended, OnTimeout, TaskKind, ToRun, ToTask};
use crate::Time;
use crate::allowed::Allowed;
use crate::limits;
use crate::message::Message;
use crate::people::Actor;
use crate::run::FilePut;
use crate::value::{Payload, ValueRef, Values, json_len};

/// What a task can be given.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A message from a run.
    Message(Message),
    /// Somebody does something.
    Act {
        /// Who.
        actor: Actor,
        /// What.
        act: Act,
    },
    /// One who may have claimed it is not among the people any more: then it is given back.
    Gone {
        /// Who.
        who: String,
    },
    /// It is as late as the context says.
    Time,
    /// A new engine, or nothing in particular: what is due is done.
    Continue,
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Works on it, so that others leave it alone. By whoever has it: more is heard of them.
    Claim,
    /// Gives it back.
    Release,
    /// Decides.
    Decide {
        /// Accept, else reject.
        accept: bool,
        /// Why.
        comment: String,
        /// What the form asks for. It was held against the form.
        form: Option<Value>,
        /// What was shown, where that is known.
        version: Option<String>,
    },
    /// Answers.
    Answer {
        /// The answers, held against the questions or the form.
        answers: Value,
        /// Anything beside.
        comment: String,
        /// What was shown, where that is known.
        version: Option<String>,
    },
    /// Will not act.
    Skip {
        /// Why.
        reason: String,
    },
    /// Gives their part to somebody else.
    Delegate {
        /// Whom: `user:NAME`.
        to: String,
    },
}

/// What came of an input.
#[derive(Debug, Default)]
pub struct Turn {
    /// To the journal.
    pub events: Vec<Event>,
    /// To the run.
    pub messages: Vec<Message>,
    /// Files to be written and synced before the commit.
    pub files: Vec<FilePut>,
    /// The input asked for something that cannot be: why. Nothing happened.
    pub refused: Option<String>,
}

/// Takes one input. `values` has what was handed in before, where the end needs it.
///
/// # Errors
/// The values that have to be loaded first; the state is untouched then.
pub fn turn(
    state: &mut TaskState,
    input: &Input,
    at: Time,
    values: &mut Values,
) -> Result<Turn, Vec<ValueRef>> {
    let at = at.max(state.at);
    // The end of a gate tells every form that was handed in.
    let forms = state.submissions.iter().filter_map(|one| one.form.as_ref());
    let needs: Vec<ValueRef> = forms.filter(|form| values.get(form).is_none()).cloned().collect();
    if !needs.is_empty()
        && matches!(input, Input::Act { act: Act::Decide { .. }, .. } | Input::Time | Input::Continue)
    {
        return Err(needs);
    }
    let mut desk = Desk { state, values, at, out: Turn::default() };
    // What was due before comes first: of a decision and a time-out that race the earlier one counts.
    desk.time();
    match input {
        Input::Message(message) => match ToTask::of(message) {
            Some(ToTask::OpenTask { asked }) => desk.open(*asked),
            Some(ToTask::WithdrawTask { .. }) => desk.withdraw(),
            // Of a later version, or damaged: taken, so that it does not stop the stream.
            None => {}
        },
        Input::Act { actor, act } => {
            if let Err(why) = desk.act(actor, act) {
                desk.out.refused = Some(why);
            }
        }
        Input::Gone { who } => desk.gone(who),
        Input::Time | Input::Continue => {}
    }
    Ok(desk.out)
}

impl Act {
    /// Which row of the table of transitions it is.
    pub fn asks(&self) -> Asks {
        match self {
            Act::Claim => Asks::Claim,
            Act::Release => Asks::Release,
            Act::Decide { .. } | Act::Answer { .. } => Asks::Submit,
            Act::Skip { .. } => Asks::Skip,
            Act::Delegate { .. } => Asks::Delegate,
        }
    }
}

impl TaskState {
    /// Whether somebody may act on it now.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn may(&self, actor: &Actor) -> Result<(), String> {
        let Some(asked) = self.asked.as_deref() else { return Err("there is no such task".to_owned()) };
        if actor.agent && actor.run.as_ref() == Some(&asked.origin.top) {
            return Err(format!("{} works for this run, and does not decide on its own work", actor.user));
        }
        if let Some(barred) = asked.not.iter().find(|who| is_barred(actor, who)) {
            return Err(format!("{} may not act on it: `not` names {barred}", actor.user));
        }
        if let Some((_, to)) = self.delegated.iter().rev().find(|(from, _)| *from == actor.user) {
            return Err(format!("{} gave it to {to}", actor.user));
        }
        let by = asked.by.iter().chain(self.escalated.iter().flatten());
        let delegated = self.delegated.iter().any(|(_, to)| *to == actor.user);
        if !delegated && !by.clone().any(|who| actor.is(who)) {
            let by: Vec<&str> = by.map(String::as_str).collect();
            return Err(format!("{} may not act on it; these may: {}", actor.user, by.join(", ")));
        }
        Ok(())
    }

    /// Whether somebody may do something about it now, as far as that does not depend on what it is in particular.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn may_do(&self, actor: &Actor, asks: Asks) -> Result<(), String> {
        let Some(asked) = self.asked.as_deref() else { return Err("there is no such task".to_owned()) };
        if self.status.takes(asks) == Taken::Refused {
            return Err(match self.status.is_end() {
                true => self.is_over(),
                false => "nobody has claimed it".to_owned(),
            });
        }
        self.may(actor)?;
        if let Some(done) = self.submission_of(&actor.user) {
            let what = match done.accept {
                Some(true) => "accepted it",
                Some(false) => "rejected it",
                None => "answered it",
            };
            return Err(format!("{} has {what} at {}", actor.user, format_time(done.at)));
        }
        let claimed = self.claim.as_ref().filter(|claim| claim.by != actor.user);
        if let Some(claim) = claimed.filter(|_| !matches!(asks, Asks::Skip | Asks::Delegate)) {
            let until = format_time(claim.until);
            return Err(format!("{} works on it, until {until} if nothing more is heard of them", claim.by));
        }
        if asks == Asks::Claim && (asked.quorum > 1 || asked.rejects > 1) {
            return Err("several decide on it, each for themselves: there is nothing to claim".to_owned());
        }
        Ok(())
    }

    /// What somebody may do about it as it stands, and why not.
    pub fn allowed(&self, actor: &Actor) -> Vec<Allowed> {
        let submit = match self.asked.as_deref().map(|asked| asked.kind) {
            Some(TaskKind::Questions) => "answer",
            _ => "decide",
        };
        let actions = [
            (submit, Asks::Submit),
            ("claim", Asks::Claim),
            ("release", Asks::Release),
            ("skip", Asks::Skip),
            ("delegate", Asks::Delegate),
        ];
        actions
            .into_iter()
            .map(|(action, asks)| Allowed::unless(action, self.may_do(actor, asks).err()))
            .collect()
    }

    /// Why nothing can be done any more, for people: who was there before, and when.
    fn is_over(&self) -> String {
        let Some((at, ended)) = self.ended else { return format!("the task is {}", self.status) };
        let at = format_time(at);
        match ended {
            Ended::Withdrawn => format!("the task was withdrawn at {at}: its run does not want it any more"),
            Ended::TimedOut => format!("the task has timed out at {at}"),
            _ => {
                let by = match self.settled_by(ended) {
                    by if by.is_empty() => "the engine, as it has timed out".to_owned(),
                    by => by.join(", "),
                };
                format!("the task was {ended} at {at} by {by}")
            }
        }
    }
}

impl TaskState {
    /// Those who settled it so, in order; nobody, where the time did.
    fn settled_by(&self, ended: Ended) -> Vec<&str> {
        let accept = match ended {
            Ended::Accepted => Some(true),
            Ended::Rejected => Some(false),
            Ended::Answered => None,
            Ended::TimedOut | Ended::Withdrawn => return Vec::new(),
        };
        let enough = match (self.asked.as_deref(), accept) {
            (Some(asked), Some(true)) => self.votes().0 >= asked.quorum,
            (Some(asked), Some(false)) => self.votes().1 >= asked.rejects,
            _ => true,
        };
        let so = self.submissions.iter().filter(|one| enough && one.accept == accept);
        so.map(|one| one.by.as_str()).collect()
    }
}

/// Somebody who is alone in a home stands for all that may act, and is barred by the own name only.
fn is_barred(actor: &Actor, who: &str) -> bool {
    if actor.alone { actor.user == who || (who == "agents" && actor.agent) } else { actor.is(who) }
}

struct Desk<'a> {
    state: &'a mut TaskState,
    values: &'a mut Values,
    at: Time,
    out: Turn,
}

impl Desk<'_> {
    fn emit(&mut self, event: Event) {
        self.state.apply(&event, self.at);
        self.out.events.push(event);
    }

    fn open(&mut self, asked: Asked) {
        if self.state.status.takes(Asks::Open) == Taken::Nothing {
            return;
        }
        self.emit(Event::TaskOpened { asked: Box::new(asked) });
        self.time();
    }

    fn withdraw(&mut self) {
        if self.state.status.takes(Asks::Withdraw) != Taken::Nothing {
            self.end(Ended::Withdrawn);
        }
    }

    fn gone(&mut self, who: &str) {
        let has = self.state.claim.as_ref().is_some_and(|claim| claim.by == who);
        if has && self.state.status.takes(Asks::Gone) != Taken::Nothing {
            self.emit(Event::TaskReleased { by: who.to_owned(), why: Released::Taken });
        }
    }

    /// Does all whose time has come, in the order of their times.
    fn time(&mut self) {
        loop {
            let due = self.state.timers().filter(|(at, _)| *at <= self.at);
            let Some((_, timer)) = due.min_by_key(|(at, _)| *at) else { return };
            match timer {
                Timer::Due => self.timed_out(),
                Timer::Lease => {
                    let Some(claim) = &self.state.claim else { return };
                    let by = claim.by.clone();
                    self.emit(Event::TaskReleased { by, why: Released::LeaseOver });
                }
                Timer::Escalate => {
                    let escalate = self.state.asked.as_deref().and_then(|asked| asked.escalate.as_ref());
                    let to = escalate.map(|escalate| escalate.to.clone()).unwrap_or_default();
                    self.emit(Event::TaskEscalated { to });
                }
                // One reminder for all that were missed while nobody was there to send them.
                Timer::Remind => {
                    let number = self.state.reminded.saturating_add(1);
                    self.emit(Event::TaskReminded { number });
                }
            }
        }
    }

    fn timed_out(&mut self) {
        let on_timeout = self.state.asked.as_deref().map(|asked| asked.on_timeout).unwrap_or_default();
        self.end(match on_timeout {
            OnTimeout::Fail => Ended::TimedOut,
            OnTimeout::Accept => Ended::Accepted,
            OnTimeout::Reject => Ended::Rejected,
        });
    }

    fn act(&mut self, actor: &Actor, act: &Act) -> Result<(), String> {
        let Some(asked) = self.state.asked.as_deref() else { return Err("there is no such task".to_owned()) };
        let (kind, version) = (asked.kind, asked.version.clone());
        self.state.may_do(actor, act.asks())?;
        let by = actor.user.clone();
        match act {
            Act::Claim => {
                let until = self.at.saturating_add_unsigned(limits::TASK_LEASE);
                self.emit(Event::TaskClaimed { by, until });
                Ok(())
            }
            Act::Release => {
                self.emit(Event::TaskReleased { by, why: Released::GivenBack });
                Ok(())
            }
            Act::Skip { reason } => {
                let reason = bounded("the reason", reason)?;
                self.emit(Event::TaskSkipped { by, reason });
                Ok(())
            }
            Act::Delegate { to } => self.delegate(by, to),
            Act::Decide { accept, comment, form, version: shown } if kind == TaskKind::Gate => {
                same_version(&version, shown.as_deref())?;
                let comment = bounded("the comment", comment)?;
                let form = self.handed_in(form.as_ref())?;
                self.emit(Event::TaskDecided { by, accept: *accept, comment, form, version });
                self.decided();
                Ok(())
            }
            Act::Answer { answers, comment, version: shown } if kind == TaskKind::Questions => {
                same_version(&version, shown.as_deref())?;
                let comment = bounded("the comment", comment)?;
                let Some(answers) = self.handed_in(Some(answers))? else { return Ok(()) };
                self.emit(Event::TaskAnswered { by, answers, comment, version });
                self.end(Ended::Answered);
                Ok(())
            }
            Act::Decide { .. } => Err("it asks questions: they are answered, not decided on".to_owned()),
            Act::Answer { .. } => Err("it is a gate: it is accepted or rejected".to_owned()),
        }
    }

    fn delegate(&mut self, by: String, to: &str) -> Result<(), String> {
        let to = bounded("the name", to)?;
        if !to.starts_with("user:") && !to.starts_with("agent:") {
            return Err(format!("it can be given to one person, such as user:ana; this is {to}"));
        }
        if to == by {
            return Err(format!("{by} has it already"));
        }
        if let Some(done) = self.state.submission_of(&to) {
            return Err(format!("{to} has acted on it at {}", format_time(done.at)));
        }
        let not = self.state.asked.as_deref().is_some_and(|asked| asked.not.contains(&to));
        if not {
            return Err(format!("{to} may not act on it: `not` names them"));
        }
        if self.state.delegated.iter().any(|(from, _)| *from == to) {
            return Err(format!("{to} gave it to somebody else before"));
        }
        if self.state.delegated.len() >= limits::TASK_DELEGATIONS {
            return Err(format!(
                "it was given to somebody else {} times, which is the most",
                limits::TASK_DELEGATIONS
            ));
        }
        self.emit(Event::TaskDelegated { by, to });
        Ok(())
    }

    /// What is handed in, as an event carries it.
    fn handed_in(&mut self, value: Option<&Value>) -> Result<Option<Payload>, String> {
        let Some(value) = value else { return Ok(None) };
        if json_len(value, limits::SUBMISSION_BYTES).is_none() {
            return Err(format!("what is handed in is larger than {} KiB", limits::SUBMISSION_BYTES >> 10));
        }
        let payload = self.payload(value.clone());
        // At hand for the end, which may follow at once.
        let seq = self.state.seq + 1;
        for at in [super::event::HANDED, super::event::ANSWERS] {
            self.values.put(ValueRef::to(&payload, seq, || at.into()), value.clone());
        }
        Ok(Some(payload))
    }

    fn payload(&mut self, value: Value) -> Payload {
        Payload::of(value, limits::EVENT_BYTES, self.values, &mut self.out.files)
    }

    /// A decision more: whether that settles it.
    fn decided(&mut self) {
        let Some(asked) = self.state.asked.as_deref() else { return };
        let (accepts, rejects) = self.state.votes();
        if accepts >= asked.quorum {
            self.end(Ended::Accepted);
        } else if rejects >= asked.rejects {
            self.end(Ended::Rejected);
        }
    }

    fn end(&mut self, ended: Ended) {
        let Some(asked) = self.state.asked.as_deref() else { return };
        let (to, path, number) = (asked.origin.run.clone(), asked.origin.path.clone(), asked.origin.number);
        let output = self.output(ended);
        let comments = self.comments();
        let decided = matches!(ended, Ended::Accepted | Ended::Rejected);
        let timed_out = decided && self.state.settled_by(ended).is_empty();
        self.emit(Event::TaskEnded { ended });
        let output = output.map(|output| self.payload(output));
        let mut by: Vec<String> = self.state.submissions.iter().map(|one| one.by.clone()).collect();
        by.dedup();
        let said = ToRun::TaskEnded { path, number, ended, by, output, comments, timed_out };
        // Plain data with text keys always serialises.
        let body = serde_json::to_value(said).unwrap_or_default();
        let id = format!("{}:{}:{}", self.state.id, self.state.seq, self.out.messages.len());
        self.out.messages.push(Message { id, from: self.state.id.clone(), to, body });
    }

    /// What the step gives.
    fn output(&self, ended: Ended) -> Option<Value> {
        let form = |one: &Submission| {
            let value = one.form.as_ref().and_then(|form| self.values.get(form));
            value.cloned().unwrap_or(Value::Null)
        };
        let decision = match ended {
            Ended::Accepted => "accept",
            Ended::Rejected => "reject",
            Ended::Answered => return self.state.submissions.last().map(form),
            Ended::TimedOut | Ended::Withdrawn => return None,
        };
        let word = |one: &Submission| if one.accept == Some(true) { "accept" } else { "reject" };
        let told = |one: &Submission| {
            json!({
                "by": one.by,
                "decision": word(one),
                "comment": one.comment,
                "at": format_time(one.at),
                "form": form(one),
            })
        };
        let all: Vec<Value> = self.state.submissions.iter().map(told).collect();
        // Those who decided so, the last of whom settled it. A time-out is the engine's.
        let by = self.state.settled_by(ended);
        let last = by.last().and_then(|last| self.state.submission_of(last));
        let by = if by.is_empty() { vec!["engine"] } else { by };
        Some(json!({
            "decision": decision,
            "comment": last.map(|one| one.comment.clone()),
            "by": by,
            "at": format_time(last.map_or(self.at, |one| one.at)),
            "form": last.map_or(Value::Null, form),
            "decisions": all,
        }))
    }

    /// What those who rejected it said.
    fn comments(&self) -> Option<String> {
        let rejected = || self.state.submissions.iter().filter(|one| one.accept == Some(false));
        let said: Vec<String> = match rejected().count() {
            0 => return None,
            1 => rejected().map(|one| one.comment.clone()).collect(),
            _ => rejected()
                .filter(|one| !one.comment.is_empty())
                .map(|one| format!("{}: {}", one.by, one.comment))
                .collect(),
        };
        Some(said.join("\n"))
    }
}

fn same_version(is: &str, shown: Option<&str>) -> Result<(), String> {
    match shown {
        Some(shown) if shown != is => {
            Err("what is shown has changed since: look at it again, then decide".to_owned())
        }
        _ => Ok(()),
    }
}

fn bounded(what: &str, text: &str) -> Result<String, String> {
    if text.len() > limits::COMMENT_BYTES {
        return Err(format!("{what} is larger than {} KiB", limits::COMMENT_BYTES >> 10));
    }
    Ok(text.to_owned())
}
