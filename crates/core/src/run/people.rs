//! Gates and questions: people are asked by a task, a stream of its own, and its one end comes back by message.

use serde_json::{Value, json};
use stead_lang::plan::{Action, ActionKind, Body, OnReject, People};
use stead_lang::questions;
use stead_lang::template::Template;

use super::documents::DRAFT;
use super::event::{Event, StepError};
use super::settings::check_size;
use super::start::Site;
use super::state::{Ix, Job, Kind};
use super::turn::{Machine, Stop, expression_error, step_error};
use crate::Time;
use crate::effect::{EndReason, ErrorKind};
use crate::ids::StreamId;
use crate::limits;
use crate::status::Outcome;
use crate::task::{Asked, Ended, Escalate, Origin, ToTask};
use crate::value::Payload;

/// What a task has told of its end.
pub(super) struct TaskSaid {
    pub(super) path: String,
    pub(super) number: u32,
    pub(super) ended: Ended,
    pub(super) by: Vec<String>,
    pub(super) output: Option<Payload>,
    pub(super) comments: Option<String>,
    pub(super) timed_out: bool,
}

impl Machine<'_> {
    /// Asks people.
    pub(super) fn ask_people(
        &mut self,
        site: &Site,
        action: &Action,
        people: &People,
        deadline_at: Option<Time>,
    ) -> Result<Ix, Stop> {
        let path = &site.path;
        let about = self.about_version(site)?;
        let title = self.eval(path, |reach| people.title.render_text(&site.scope(reach)))?;
        let title = match &about {
            Some((usual, _)) if title.is_empty() => usual.clone(),
            _ => title,
        };
        if title.len() > limits::COMMENT_BYTES {
            let message = format!("the title is larger than {} KiB", limits::COMMENT_BYTES >> 10);
            return Err(Stop::Error(step_error(path, ErrorKind::Exhausted, &message)));
        }
        let mut shown = Vec::with_capacity(people.show.len());
        for (label, template) in &people.show {
            let value = self.eval(path, |reach| template.render(&site.scope(reach)))?;
            shown.push(json!([label, value]));
        }
        let shown = about.map_or(Value::Array(shown), |(_, shown)| shown);
        check_size(path, &shown)?;
        let asked = match &people.questions {
            None => None,
            Some(template) => {
                let value = self.eval(path, |reach| template.render(&site.scope(reach)))?;
                let asked = questions::read(&value);
                Some(asked.map_err(|why| Stop::Error(step_error(path, ErrorKind::Schema, &why)))?)
            }
        };
        let index = site.slot.map(|slot| slot.index);
        if asked.as_ref().is_some_and(Vec::is_empty) {
            let output = Some(self.payload(json!({})));
            let (path, outcome) = (path.clone(), Outcome::Ok);
            return Ok(self.ended_at_once(site.step, Event::StepCompleted { path, output, outcome, index }));
        }
        let form = asked.as_ref().map(|asked| questions::answers(asked)).or_else(|| people.form.clone());
        let by = self.words(site, &people.by)?;
        let by = self.selectors(site, people, &by, false)?;
        let not = self.words(site, &people.not)?;
        let remembers = not.iter().any(|word| word == "deciders");
        if remembers && !self.state.remembers(path) {
            let message =
                format!("who decided is remembered of {} gates, which is the most", limits::DECIDERS);
            return Err(Stop::Error(step_error(path, ErrorKind::Exhausted, &message)));
        }
        let not = self.selectors(site, people, &not, true)?;
        let quorum = self.voices(site, &people.quorum, "quorum")?;
        let rejects = self.voices(site, &people.rejects, "rejects")?;
        let remind = self.millis(path, people.remind.as_ref(), |reach| site.scope(reach))?;
        let escalate = match &people.escalate {
            None => None,
            Some(escalate) => {
                let after = self.millis(path, Some(&escalate.after), |reach| site.scope(reach))?;
                let to = self.words(site, &escalate.to)?;
                let to = self.selectors(site, people, &to, false)?;
                Some(Escalate { after: after.unwrap_or(0), to })
            }
        };
        let timeout = self.millis(path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        let due_at = timeout.map(|ms| self.after(ms));
        let number = self.first_number(path);
        let task = StreamId::task(&self.state.id, path, number);
        let shown = self.payload(shown);
        let form = form.map(|form| self.payload(form));
        let questions = asked.map(|asked| self.payload(json!(asked)));
        let version = version(&title, &shown, form.as_ref(), questions.as_ref());
        let ix = self.emit_for(
            site.step,
            Event::TaskOpened {
                path: path.clone(),
                number,
                task: task.clone(),
                title: title.clone(),
                version: version.clone(),
                by: by.clone(),
                remembers,
                due_at,
                deadline_at,
                index,
            },
        );
        let origin = Origin {
            run: self.state.id.clone(),
            top: self.state.top().clone(),
            path: path.clone(),
            number,
            workflow: self.state.workflow.clone(),
            project: self.state.project.clone(),
        };
        let (kind, on_timeout) = (people.kind.into(), people.on_timeout.into());
        let asked = Asked {
            kind,
            origin,
            title,
            shown,
            form,
            questions,
            version,
            by,
            not,
            quorum,
            rejects,
            remind: remind.filter(|every| *every > 0),
            escalate,
            due_at,
            on_timeout,
        };
        self.send(&task, &ToTask::OpenTask { asked: Box::new(asked) });
        Ok(ix)
    }

    fn voices(&self, site: &Site, setting: &stead_lang::plan::Setting<u32>, what: &str) -> Result<u32, Stop> {
        self.count(&site.path, setting, what, limits::QUORUM, |reach| site.scope(reach))
    }

    /// Who is named, as it is written.
    fn words(&self, site: &Site, all: &[Template]) -> Result<Vec<String>, Stop> {
        let word =
            |template: &Template| self.eval(&site.path, |reach| template.render_text(&site.scope(reach)));
        all.iter().map(word).collect()
    }

    /// Who is meant, with people by their names where a word stands for whoever started or did something. What
    /// excludes may also mean whoever made what is shown, or decided before.
    fn selectors(
        &self,
        site: &Site,
        people: &People,
        words: &[String],
        excludes: bool,
    ) -> Result<Vec<String>, Stop> {
        let mut names: Vec<String> = Vec::new();
        for word in words {
            let meant = match word.split_once(':') {
                Some(("step", id)) => self.who_worked_on(site, id),
                Some(("user" | "group" | "role" | "agent", name)) if !name.is_empty() => vec![word.clone()],
                None if word == "agents" => vec![word.clone()],
                None if word == "starter" => {
                    let known = !self.state.starter.is_empty();
                    if known { vec![self.state.starter.clone()] } else { Vec::new() }
                }
                None if word == "authors" && excludes => {
                    let drafted = self.drafted_by(site.body).unwrap_or_default();
                    let shown = people.shown_steps();
                    let shown = shown.into_iter().flat_map(|id| self.who_worked_on(site, id));
                    drafted.into_iter().chain(shown).collect()
                }
                None if word == "deciders" && excludes => self.state.deciders(&site.path),
                _ => {
                    let more = if excludes { ", authors, deciders" } else { "" };
                    let message = format!(
                        "`{word}` names nobody: user:NAME, group:NAME, role:NAME, agent:NAME, agents, starter{more} and step:ID do"
                    );
                    return Err(expression_error(&site.path, &message));
                }
            };
            for name in meant {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// The people who had a part in a step: in its newest instance, and all inside of it.
    fn who_worked_on(&self, site: &Site, id: &str) -> Vec<String> {
        let mut body = site.body;
        let step = loop {
            // What is inside of one that produces a document is nobody's to name.
            let named = !self.state.get(body).makes();
            if let Some(ix) = self.state.newest(body, id).filter(|_| named) {
                break ix;
            }
            if body == super::state::ROOT {
                return Vec::new();
            }
            body = self.state.get(body).parent;
        };
        self.all_who_acted(step)
    }

    /// The people who had a part in the draft of a document.
    fn drafted_by(&self, body: Ix) -> Option<Vec<String>> {
        let making = self.state.get(body).makes();
        making.then(|| self.state.newest(body, DRAFT)).flatten().map(|draft| self.all_who_acted(draft))
    }

    /// The people who had a part in an instance, and all inside of it.
    fn all_who_acted(&self, ix: Ix) -> Vec<String> {
        let mut all = Vec::new();
        let mut open = vec![ix];
        while let Some(ix) = open.pop() {
            let instance = self.state.get(ix);
            open.extend(&instance.inside);
            if let Kind::Task { acted, .. } = &instance.kind {
                all.extend(acted.iter().map(ToString::to_string));
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// Tells a task that nobody wants its end any more; that is awaited, for it may have been decided before.
    pub(super) fn withdraw_task(&mut self, ix: Ix, reason: EndReason) {
        let instance = self.state.get(ix);
        let Kind::Task { task, told: false, .. } = &instance.kind else { return };
        let (task, path) = (task.clone(), instance.path.to_string());
        // With an event of its own, by which the message is named: what was told is told once.
        self.emit(Event::StepEnding { path, reason, told: true });
        let why = match reason {
            EndReason::Timeout => "its deadline has passed",
            EndReason::Cancelled | EndReason::Paused => "its run does not want it any more",
        };
        self.send(&task, &ToTask::WithdrawTask { why: why.to_owned() });
    }

    /// A task has ended.
    pub(super) fn task_ended(&mut self, said: TaskSaid) -> Result<(), Stop> {
        let found = self.state.find(&said.path).filter(|ix| {
            let instance = self.state.get(*ix);
            let same = matches!(instance.kind, Kind::Task { number: current, .. } if current == said.number);
            same && !instance.status.is_end()
        });
        let Some(ix) = found else {
            self.late("task", &said.path, said.number);
            return Ok(());
        };
        let site = self.site(ix);
        let of_version = self.wanted_of_version(&site, &said)?;
        let TaskSaid { path, number, ended, by, output, comments, timed_out } = said;
        let rejected = ended == Ended::Rejected && self.state.get(ix).ending.is_none();
        // What the engine decides for want of an answer leads nowhere.
        let back = match rejected && !timed_out {
            true => match self.leads_back(ix, &site) {
                Err(Stop::Error(error)) => Err(error),
                Err(needs @ Stop::Needs(_)) => return Err(needs),
                Ok(back) => Ok(back),
            },
            false => Ok(None),
        };
        let (back, comments) = match of_version {
            None => (back, comments),
            Some(Ok(told)) => (Ok(Some(DRAFT.to_owned())), Some(told)),
            Some(Err(error)) => (Err(error), comments),
        };
        let (back, outcome, error) = match back {
            Ok(Some(to)) => (Some(to), Outcome::Rejected, None),
            Ok(None) => {
                let (outcome, error) = self.judged(ix, &site, ended, comments.as_deref());
                (None, outcome, error)
            }
            Err(error) => (None, error.outcome, Some(error)),
        };
        let stops = error.is_some() && self.stops(&site);
        let output = output.filter(|_| error.is_none());
        self.emit(Event::TaskEnded { path, number, ended, by, outcome, output, error, stops });
        if let Some(to) = back {
            self.lead_back(&site, to, comments.unwrap_or_default());
        }
        self.push(Job::Ended(ix));
        Ok(())
    }

    /// What the end of a task makes of its step.
    fn judged(
        &self,
        ix: Ix,
        site: &Site,
        ended: Ended,
        comments: Option<&str>,
    ) -> (Outcome, Option<StepError>) {
        let path = &site.path;
        let ending = self.state.get(ix).ending;
        let error = match (ended, ending) {
            (Ended::Accepted | Ended::Answered, _) => return (Outcome::Ok, None),
            (Ended::Withdrawn | Ended::TimedOut, Some(EndReason::Timeout)) => {
                step_error(path, ErrorKind::Timeout, "the deadline has passed")
            }
            (Ended::Withdrawn, _) | (_, Some(EndReason::Cancelled)) => {
                step_error(path, ErrorKind::Cancelled, "the task was withdrawn")
            }
            (Ended::TimedOut, _) => step_error(path, ErrorKind::Timeout, "nobody acted in time"),
            (Ended::Rejected, _) => {
                let rejects = match self.asks_of(ix) {
                    Some(people) => &people.on_reject,
                    None => &OnReject::Fail,
                };
                if matches!(rejects, OnReject::Continue) {
                    return (Outcome::Rejected, None);
                }
                let why =
                    comments.filter(|why| !why.is_empty()).map_or(String::new(), |why| format!(": {why}"));
                step_error(path, ErrorKind::Rejected, &format!("it was rejected{why}"))
            }
        };
        let outcome = error.outcome;
        (outcome, Some(error))
    }

    /// What the step of an instance asks people.
    pub(super) fn asks_of(&self, ix: Ix) -> Option<&People> {
        match &self.plan.steps.get(self.state.get(ix).step as usize)?.body {
            Body::Action(Action { kind: ActionKind::People(people), .. }) => Some(people),
            _ => None,
        }
    }
}

/// Names all that is shown: a decision is bound to it.
fn version(title: &str, shown: &Payload, form: Option<&Payload>, questions: Option<&Payload>) -> String {
    // Plain data with text keys always serialises. Files are named by their hashes.
    let all = serde_json::to_vec(&(title, shown, form, questions)).unwrap_or_default();
    blake3::hash(&all).to_hex().to_string()
}
