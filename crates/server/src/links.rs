//! The pages of links: one task, for one person, without signing in.
//!
//! Looking changes nothing, however often and by whomever a page is fetched: a scanner of mails, a preview. Only what the
//! form sends decides, and it does so by the operation that everybody else decides by (P4, P8).

use hyper::Method;
use serde_json::{Map, Value, json};
use stead_core::task::TaskKind;
use stead_engine::EngineError;
use stead_engine::access::{AccessError, LinkNow, Secret};
use stead_engine::engine::Asker;
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{Deed, TaskAnswer, TaskNow, TaskOperation};

use crate::call::{self, Reply};
use crate::cookie::same;
use crate::limits;
use crate::problem::Problem;
use crate::seen::At;

mod html;

pub(crate) use html::escaped;
use html::{Page, moment};

/// How their path is named: the whole of it is a secret.
pub(crate) const AT: At = At::outside("/a/{secret}");

/// A request for the page of a link.
pub(crate) struct Followed {
    pub(crate) method: Method,
    pub(crate) secret: Secret,
    /// What the form has sent.
    pub(crate) body: Vec<u8>,
}

/// What stands in a form.
type Fields = [(String, String)];

impl Followed {
    /// The page. A problem: what was shown means nobody, or may not be followed here.
    pub(crate) fn answer(&self, asker: &Asker) -> Result<Reply, Problem> {
        let (asker, link) = asker.of_link(&self.secret)?;
        match self.method {
            Method::GET | Method::HEAD => Ok(self.shown(&asker, &link, 200, &[], &[])),
            Method::POST => Ok(self.decided(&asker, &link)),
            _ => {
                let problem = Problem::new(405, "H0202", "this path does not take this method");
                Err(Problem { allow: Some("GET, HEAD, POST".into()), ..problem })
            }
        }
    }

    /// What the form of this page has to send along: nobody else comes to it.
    fn nonce(&self) -> String {
        self.secret.derived("stead 2026-11 the form of a link to a task")
    }

    fn decided(&self, asker: &Asker, link: &LinkNow) -> Reply {
        let fields = std::str::from_utf8(&self.body).ok().and_then(|text| call::query(text).ok());
        let Some(fields) = fields else {
            return self.shown(asker, link, 400, &["what was sent cannot be understood".into()], &[]);
        };
        if !same(field(&fields, "nonce").unwrap_or_default(), &self.nonce()) {
            let why = "what was sent does not come from this page; nothing was done".into();
            return self.shown(asker, link, 403, &[why], &fields);
        }
        let task = match task(asker, link) {
            Ok(task) => task,
            Err(error) => return failed(&error),
        };
        // Whether it still fits is said by the operation: nothing is decided here.
        let deed = match deed(&task, link, &fields) {
            Ok(deed) => deed,
            Err(wrong) => return self.shown(asker, link, 422, &wrong, &fields),
        };
        let operation = TaskOperation::Act { task: link.task.clone(), deed, by: link.user.clone() };
        match asker.ask(Operation::Task(operation)) {
            Ok(_) => {
                let mut page = Page::new("Thank you");
                page.title(&task.head.title);
                page.text("It is kept, and counts.");
                if let Ok(task) = self::task(asker, link) {
                    said(&mut page, &task, link);
                }
                page.reply(200)
            }
            Err(EngineError::FormMisfit { problems, .. }) => self.shown(asker, link, 422, &problems, &fields),
            // How it stands by now is on the page.
            Err(EngineError::Refused { why, .. }) => {
                self.shown(asker, link, 409, &[format!("nothing was done: {why}")], &fields)
            }
            Err(error) => failed(&error),
        }
    }

    /// The page as things stand.
    fn shown(&self, asker: &Asker, link: &LinkNow, status: u16, wrong: &[String], given: &Fields) -> Reply {
        let task = match task(asker, link) {
            Ok(task) => task,
            Err(error) => return failed(&error),
        };
        let head = &task.head;
        let mut page = Page::new(&head.title);
        page.title(&head.title);
        let (user, run) = (link.user.strip_prefix("user:").unwrap_or(&link.user), &head.origin.run);
        page.small(&format!("{} · {run}/{}", head.origin.workflow, head.origin.path));
        page.wrong(wrong);
        if head.status.is_end() {
            said(&mut page, &task, link);
            return page.reply(status);
        }
        if task.version != link.version {
            page.text("What was shown when this link was made has changed since.");
            page.text("Nothing can be decided here. Look at it as it is now, in your inbox:");
            page.code(&format!("stead inbox {}", link.task));
            return page.reply(status);
        }
        for (label, value) in &task.shown {
            page.part(label, &text(value));
        }
        page.small(&format!("You act as {user}."));
        if let Some(at) = link.expires_at {
            page.small(&format!("This link can be used until {}.", moment(at)));
        }
        if let Some(at) = head.due_at {
            page.small(&format!("It is due at {}.", moment(at)));
        }
        if let Some(why) = &task.barred {
            page.text(&format!("You cannot act on it now: {why}"));
            said(&mut page, &task, link);
            return page.reply(status);
        }
        let questions = questions(&task);
        if !fits(head.kind, task.form.is_some(), questions.len()) {
            page.text("There is more to fill in than fits here. It is done in your inbox:");
            page.code(&format!("stead inbox {}", link.task));
            return page.reply(status);
        }
        page.form(&self.nonce(), head.kind == TaskKind::Gate, questions, given);
        page.reply(status)
    }
}

/// Whether what is to be filled in fits on a page.
fn fits(kind: TaskKind, form: bool, questions: usize) -> bool {
    match kind {
        TaskKind::Gate => !form,
        TaskKind::Questions => (1..=limits::LINK_QUESTIONS).contains(&questions),
    }
}

/// The page of a link that is none, any more or at all.
pub(crate) fn refused(problem: &Problem) -> Reply {
    let mut page = Page::new("This link leads nowhere");
    page.title("This link leads nowhere");
    page.text(&format!("{}.", problem.detail));
    if let Some(seconds) = problem.retry_after {
        page.text(&format!("Try again in {seconds} seconds."));
    } else if let Some(help) = &problem.help {
        page.small(help);
    }
    let status = match (problem.status, &*problem.code) {
        // Somebody had it, and it is over.
        (401, "R0603" | "R0604") => 410,
        (401, _) => 404,
        (status, _) => status,
    };
    page.reply(status)
}

fn failed(error: &EngineError) -> Reply {
    let problem = match error {
        // It was revoked meanwhile, say.
        EngineError::Access(AccessError::Over { kind, revoked }) => {
            Problem::from(EngineError::from(AccessError::Over { kind: *kind, revoked: *revoked }))
        }
        other => {
            let status = if matches!(other, EngineError::NoTask { .. } | EngineError::NoRun { .. }) {
                404
            } else {
                503
            };
            Problem::new(status, other.code(), other.to_string())
        }
    };
    refused(&problem)
}

fn task(asker: &Asker, link: &LinkNow) -> Result<TaskNow, EngineError> {
    let show = TaskOperation::Show { task: link.task.clone(), by: link.user.clone() };
    match asker.ask(Operation::Task(show))? {
        Answer::Task(TaskAnswer::Task { task }) => Ok(*task),
        _ => Err(EngineError::Stopped("an answer of another kind".into())),
    }
}

/// Who has said what, and how it ended.
fn said(page: &mut Page, task: &TaskNow, link: &LinkNow) {
    let head = &task.head;
    let name = |who: &str| who.strip_prefix("user:").unwrap_or(who).to_owned();
    for one in &task.said {
        let word = match one.accept {
            Some(true) => "accepted",
            Some(false) => "rejected",
            None => "answered",
        };
        let own = if one.by == link.user { " (you)" } else { "" };
        let already = if head.status.is_end() { "already " } else { "" };
        page.text(&format!("{already}{word} by {}{own} at {}", name(&one.by), moment(one.at)));
        if !one.comment.is_empty() {
            page.part("", &one.comment);
        }
    }
    if head.status.is_end() {
        let ended = head.ended.map_or_else(|| head.status.to_string(), |ended| ended.to_string());
        page.text(&format!("It is over: {}.", ended.replace('_', " ")));
    } else if head.kind == TaskKind::Gate && head.part.quorum > 1 {
        page.small(&format!("{} of {} accepted so far.", head.part.accepts, head.part.quorum));
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A value always serialises.
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn questions(task: &TaskNow) -> &[Value] {
    task.questions.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn field<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What the form says to do, on what was shown when the link was made.
fn deed(task: &TaskNow, link: &LinkNow, fields: &Fields) -> Result<Deed, Vec<String>> {
    let comment = field(fields, "comment").unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    let version = Some(link.version.clone());
    match (task.head.kind, field(fields, "do")) {
        (TaskKind::Gate, Some("accept")) => Ok(Deed::Decide { accept: true, comment, form: None, version }),
        (TaskKind::Gate, Some("reject")) => Ok(Deed::Decide { accept: false, comment, form: None, version }),
        (TaskKind::Questions, Some("answer")) => {
            let answers = answers(questions(task), fields)?;
            Ok(Deed::Answer { answers: Value::Object(answers), comment, version })
        }
        _ => Err(vec!["it was not said what to do".to_owned()]),
    }
}

fn answers(questions: &[Value], fields: &Fields) -> Result<Map<String, Value>, Vec<String>> {
    let (mut answers, mut wrong) = (Map::new(), Vec::new());
    for question in questions {
        let id = question["id"].as_str().unwrap_or_default();
        let name = format!("q:{id}");
        let given: Vec<&str> = fields
            .iter()
            .filter(|(known, value)| *known == name && !value.is_empty())
            .map(|(_, v)| v.as_str())
            .collect();
        let Some(first) = given.first() else { continue };
        let value = match question["answer_type"].as_str() {
            Some("number") => match first.trim().parse::<serde_json::Number>() {
                Ok(number) => Value::Number(number),
                Err(_) => {
                    wrong
                        .push(format!("{}: `{first}` is no number", question["text"].as_str().unwrap_or(id)));
                    continue;
                }
            },
            Some("boolean") => Value::Bool(*first == "true"),
            Some("choices") => json!(given),
            _ => Value::from(first.replace("\r\n", "\n")),
        };
        answers.insert(id.to_owned(), value);
    }
    if wrong.is_empty() { Ok(answers) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_many_questions_are_no_page() {
        let most = limits::LINK_QUESTIONS;
        assert!(fits(TaskKind::Questions, true, 1) && fits(TaskKind::Questions, true, most));
        assert!(!fits(TaskKind::Questions, true, most + 1) && !fits(TaskKind::Questions, true, 0));
        assert!(fits(TaskKind::Gate, false, 0) && !fits(TaskKind::Gate, true, 0));
    }
}
