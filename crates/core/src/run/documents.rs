//! Documents: drafts that are booked as versions, held against a schema, accepted or made anew.
//!
//! A step that produces a document runs as a block of its own (`lang` makes it): what makes a draft, what books it as a
//! version, and where there are any the questions about what its schema found and the gate that accepts it. Rejections
//! and findings lead back to the draft as those of any gate do. What there is of documents stands in the run, for the
//! instances that made them may be forgotten.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stead_lang::inputs::misfits;
use stead_lang::plan::{ActionKind, Body, Each, People, Production, Setting, answers};

use super::event::{Event, StepError};
use super::people::TaskSaid;
use super::reach::block_of;
use super::start::Site;
use super::state::{Instance, Ix, Kind, Output, ROOT, RunState};
use super::turn::{Machine, Stop, step_error};
use crate::Time;
use crate::effect::ErrorKind;
use crate::limits;
use crate::path::{self, Part};
use crate::status::{Outcome, StepStatus};
use crate::task::Ended;
use crate::value::{Payload, ValueRef};

/// What a block that produces a document knows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Making {
    /// The document's name, with the keys of its scopes.
    pub(super) document: Box<str>,
    /// Number of the event since which the draft under way may have read what it is built on.
    pub(super) since: u64,
    /// The version that was booked last; 0 for none.
    pub(super) version: u32,
    /// How much was found in it.
    pub(super) findings: u32,
    /// Versions in a row that missed the schema, without anybody having asked for another one.
    pub(super) missed: u32,
}

impl Making {
    pub(super) fn of(document: &str, since: u64) -> Box<Self> {
        Box::new(Self { document: document.into(), since, version: 0, findings: 0, missed: 0 })
    }
}

/// A document and its versions, oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) versions: Vec<Version>,
}

/// A version of a document. Its number is its position, from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// The instance that produced it.
    pub(super) path: Box<str>,
    /// What it says.
    pub(super) value: ValueRef,
    /// Hash of its JSON.
    pub(super) hash: Box<str>,
    pub(super) made_at: Time,
    /// What it is built on was read after this event.
    pub(super) since: u64,
    /// How much its schema found.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) findings: u32,
    pub(super) standing: Standing,
    /// Number of the event that accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accepted: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decided_at: Option<Time>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) by: Vec<Box<str>>,
    /// What they said: the output of the gate, or a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<ValueRef>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was made, and is not decided on.
    Made,
    /// Others build on it. It never changes.
    Accepted,
    /// It was refused, or missed its schema.
    Rejected,
}

/// All documents of a run, by name.
pub(super) type Documents = BTreeMap<Box<str>, Document>;

impl RunState {
    /// A document's version was made.
    pub(super) fn document_made(&mut self, ix: Ix, event: &Event, value: ValueRef) {
        let Event::DocumentMade { document, version, hash, findings, .. } = event else { return };
        let parent = self.get(ix).parent;
        let at = self.at;
        let count = u32::try_from(findings.len()).unwrap_or(u32::MAX);
        let path = self.get(parent).path.clone();
        let Some(making) =
            self.get_mut(parent).making.as_mut().filter(|making| *making.document == **document)
        else {
            return self.note_misfit(|| format!("`{path}` does not produce `{document}`"));
        };
        making.version = *version;
        making.findings = count;
        let since = making.since;
        let versions = &mut self.documents.entry(document.as_str().into()).or_default().versions;
        if versions.len() + 1 != *version as usize {
            return self.note_misfit(|| format!("`{document}` has another number of versions"));
        }
        versions.push(Version {
            path,
            value,
            hash: hash.as_str().into(),
            made_at: at,
            since,
            findings: count,
            standing: Standing::Made,
            accepted: None,
            decided_at: None,
            by: Vec::new(),
            said: None,
        });
    }

    /// The newest version is accepted.
    pub(super) fn document_accepted(&mut self, document: &str, version: u32, by: &[String]) {
        let (at, seq) = (self.at, self.seq);
        let newest = self.documents.get_mut(document).and_then(|known| known.versions.last_mut());
        // One that was rejected may be decided on once more, when its run is tried again.
        let Some(newest) = newest.filter(|newest| newest.standing != Standing::Accepted) else {
            return self.note_misfit(|| format!("`{document}` has no version {version} to accept"));
        };
        newest.standing = Standing::Accepted;
        newest.accepted = Some(seq);
        newest.decided_at = Some(at);
        newest.by = by.iter().map(|who| who.as_str().into()).collect();
    }

    /// People said something of the newest version of what a block makes.
    pub(super) fn document_judged(&mut self, body: Ix, ended: Ended, by: &[String], said: Option<ValueRef>) {
        let at = self.at;
        let Some(version) = self.newest_version(body) else { return };
        version.said = said;
        if ended == Ended::Rejected {
            version.standing = Standing::Rejected;
            version.decided_at = Some(at);
            version.by = by.iter().map(|who| who.as_str().into()).collect();
        }
    }

    /// A block begins its draft anew, from a step of it.
    pub(super) fn document_returned(&mut self, body: Ix, gate: &str, comment: &ValueRef) {
        let at = self.at;
        let Some(making) = &mut self.get_mut(body).making else { return };
        // What its schema found leads back by itself, so often; whoever asks for another one begins the count anew.
        making.missed = if gate == VERSION { making.missed.saturating_add(1) } else { 0 };
        let Some(version) = self.newest_version(body) else { return };
        version.standing = Standing::Rejected;
        version.decided_at = Some(at);
        version.said.get_or_insert_with(|| comment.clone());
    }

    fn newest_version(&mut self, body: Ix) -> Option<&mut Version> {
        let making = self.get(body).making.as_ref().filter(|making| making.version > 0)?;
        let document = making.document.clone();
        self.documents.get_mut(&document)?.versions.last_mut()
    }

    /// What a block that produces a document gives: the version that was booked last, and what made it.
    pub(super) fn take_from_draft(&mut self, ix: Ix) -> Option<ValueRef> {
        self.get(ix).making.as_ref()?;
        let draft = self.newest(ix, DRAFT).map(|draft| self.get(draft));
        let (values, exit_code) = draft.map_or((None, None), |draft| (draft.values.clone(), draft.exit_code));
        let instance = self.get_mut(ix);
        (instance.values, instance.exit_code) = (values, exit_code);
        match &self.newest(ix, VERSION).map(|version| &self.get(version).output) {
            Some(Output::At(reference)) => Some(reference.clone()),
            _ => None,
        }
    }

    /// Where the output of the newest draft of a block stands.
    pub(super) fn of_draft(&self, body: Ix) -> Option<ValueRef> {
        match &self.get(self.newest(body, DRAFT)?).output {
            Output::At(reference) => Some(reference.clone()),
            _ => None,
        }
    }

    /// The instance that stands for what a step does: of one that produces a document its draft.
    pub(super) fn doing(&self, ix: Ix) -> Ix {
        match self.get(ix).making {
            Some(_) => self.newest(ix, DRAFT).unwrap_or(ix),
            None => ix,
        }
    }

    /// What is meant by naming an instance, of what runs again: inside of a step that produces a document the step, since
    /// whatever its draft does anew is another version; but a gate that has not accepted one may be asked again.
    pub(super) fn whole_document(&self, ix: Ix) -> Ix {
        let mut meant = ix;
        for around in self.above(ix).skip(1) {
            let instance = self.get(around);
            let asks = matches!(self.get(meant).kind, Kind::Task { .. }) && self.get(meant).parent == around;
            if instance.makes() && (!asks || instance.status == StepStatus::Completed) {
                meant = around;
            }
        }
        meant
    }

    /// Of a block whose draft is booked as a version: the draft, and whether what is booked is as it was to be.
    pub(super) fn is_booked(&self, ix: Ix) -> Option<(Ix, bool)> {
        let instance = self.get(ix);
        instance.making.as_ref()?;
        let version = self.get(self.newest(ix, VERSION)?).status;
        let draft = self.newest(ix, DRAFT)?;
        let degraded = self.get(draft).outcome == Some(Outcome::Degraded);
        Some((
            draft,
            version == StepStatus::Completed && !degraded && instance.status != StepStatus::Completed,
        ))
    }

    /// The block whose steps those of a block are: the one around a draft is nobody's to name.
    pub(super) fn out_of_draft(&self, ix: Ix) -> Ix {
        match self.get(ix).making {
            Some(_) if ix != ROOT => self.get(ix).parent,
            _ => ix,
        }
    }
}

/// The ids that `lang` gives to the steps of such a block.
pub(super) const DRAFT: &str = "draft";
const VERSION: &str = "version";

impl Instance {
    /// Whether it is a block that produces a document.
    pub(super) fn makes(&self) -> bool {
        self.making.is_some()
    }
}

impl Machine<'_> {
    /// What a block produces.
    fn production(&self, body: Ix) -> Option<&Production> {
        if body == ROOT || !self.state.get(body).makes() {
            return None;
        }
        block_of(self.state, self.plan, body).production.as_deref()
    }

    /// The name of the document that a block at a site would produce, with the keys of the scopes around.
    pub(super) fn document_at(&self, site: &Site, production: &Production) -> Result<String, Stop> {
        let mut keys = Vec::new();
        let mut at = site.path.as_str();
        loop {
            at = match path::split(at) {
                Part::Item { holder, key } => {
                    let each = self.state.find(holder).map(|ix| &self.step(ix).each);
                    if let Some(Some(Each::Foreach { scope: Some(_), .. })) = each {
                        keys.push(key.into_owned());
                    }
                    holder
                }
                Part::Step { parent, .. } => parent,
                Part::Iteration { holder, .. } => holder,
                Part::Aside { of, .. } => of,
                Part::Root => break,
            };
        }
        let kind = &self.plan.documents[production.document].name;
        let name = keys.iter().rev().fold(kind.clone(), |name, key| path::item(&name, key));
        if !self.state.documents.contains_key(name.as_str())
            && self.state.documents.len() >= limits::DOCUMENTS
        {
            let message = format!("a run has at most {} documents", limits::DOCUMENTS);
            return Err(Stop::Error(step_error(&site.path, ErrorKind::Exhausted, &message)));
        }
        Ok(name)
    }

    /// Books what a draft gave as a version, and holds it against the schema.
    pub(super) fn book_version(&mut self, site: &Site) -> Result<Ix, Stop> {
        let body = site.body;
        let (Some(production), Some(making)) = (self.production(body), &self.state.get(body).making) else {
            return Err(Stop::Error(step_error(&site.path, ErrorKind::Lost, "it produces nothing")));
        };
        let document = making.document.to_string();
        let asks = production.ask.is_some();
        let missed = making.missed.saturating_add(1);
        let known = self.state.documents.get(&*document).map_or(0, |known| known.versions.len());
        if known >= limits::DOCUMENT_VERSIONS {
            let message = format!("`{document}` has {known} versions already, and may have no more");
            return Err(Stop::Error(step_error(&site.path, ErrorKind::Exhausted, &message)));
        }
        let value = self.drafted(site, body)?;
        super::settings::check_size(&site.path, &value)?;
        let findings = self.findings(body, &value);
        let tries = &production.tries;
        let tries =
            self.count(&site.path, tries, "retry.attempts", limits::RETRY_ATTEMPTS, |r| site.scope(r))?;
        let again = !findings.is_empty() && missed < tries;
        let error = (!findings.is_empty() && !again && !asks).then(|| {
            let message = format!("the document `{document}` misses its schema: {}", findings.join("; "));
            step_error(&site.path, ErrorKind::Schema, &message)
        });
        let version = u32::try_from(known + 1).unwrap_or(u32::MAX);
        let hash = blake3::hash(value.to_string().as_bytes()).to_hex().to_string();
        let draft = self.state.newest(body, DRAFT).map(|draft| &self.state.get(draft).output);
        let kept = matches!(draft, Some(Output::At(_)));
        let output = (!kept).then(|| self.payload(value));
        let feedback = findings.join("\n");
        let event =
            Event::DocumentMade { path: site.path.clone(), document, version, hash, findings, output, error };
        let ix = self.ended_at_once(site.step, event);
        if again {
            self.lead_back(site, DRAFT.to_owned(), feedback);
        }
        Ok(ix)
    }

    /// What the newest draft of a block gave.
    fn drafted(&self, site: &Site, body: Ix) -> Result<Value, Stop> {
        let Some(draft) = self.state.newest(body, DRAFT) else { return Ok(Value::Null) };
        self.eval(&site.path, |reach| match reach.output(draft)? {
            Some(value) => value.to_json(),
            None => Ok(Value::Null),
        })
    }

    fn findings(&self, body: Ix, value: &Value) -> Vec<String> {
        let Some(production) = self.production(body) else { return Vec::new() };
        let schema = self.plan.documents[production.document].schema.as_ref();
        schema.map(|schema| misfits(schema, value)).unwrap_or_default()
    }

    /// Whether people need not be asked about a version.
    pub(super) fn passes(&self, site: &Site) -> bool {
        let body = site.body;
        let Some(production) = self.production(body) else { return false };
        let block = block_of(self.state, self.plan, body);
        let is = |position: Option<usize>| position.is_some_and(|at| block.steps[at] == site.step);
        if is(production.ask) {
            return self.state.get(body).making.as_ref().is_none_or(|making| making.findings == 0);
        }
        // Whoever took it as it is has accepted it, where one who accepts is enough.
        let alone = |people: &People| matches!(people.quorum, Setting::Fixed(1));
        let one_is_enough = match &self.plan.steps[site.step as usize].body {
            Body::Action(action) => match &action.kind {
                ActionKind::People(people) => alone(people),
                _ => false,
            },
            Body::Block(_) => false,
        };
        let asked = production.ask.and_then(|at| {
            let id = &self.plan.steps[block.steps[at] as usize].id;
            self.state.newest(body, id)
        });
        let taken = asked.is_some_and(|ix| matches!(self.state.get(ix).kind, Kind::Task { .. }));
        is(production.accept) && one_is_enough && taken
    }

    /// What people are asked about a version, where a site asks about one: a title, and what they are shown.
    pub(super) fn about_version(&self, site: &Site) -> Result<Option<(String, Value)>, Stop> {
        let body = site.body;
        let (Some(production), Some(making)) = (self.production(body), &self.state.get(body).making) else {
            return Ok(None);
        };
        let value = self.drafted(site, body)?;
        let block = block_of(self.state, self.plan, body);
        let accepts = production.accept.is_some_and(|at| block.steps[at] == site.step);
        let name = format!("{} version {}", making.document, making.version);
        let title = match accepts {
            true => format!("Accept {name}?"),
            false => format!("{name} misses its schema"),
        };
        let mut shown = vec![json!([&*making.document, value])];
        if making.findings > 0 {
            shown.push(json!(["findings", self.findings(body, &value)]));
        }
        Ok(Some((title, Value::Array(shown))))
    }

    /// What people want to become of a version that misses its schema: another one, with what its producer is told,
    /// or the error that ends it; nothing, where it is taken or something else was asked.
    pub(super) fn wanted_of_version(
        &self,
        site: &Site,
        said: &TaskSaid,
    ) -> Result<Option<Result<String, StepError>>, Stop> {
        let body = site.body;
        let Some(production) = self.production(body) else { return Ok(None) };
        let block = block_of(self.state, self.plan, body);
        let asked = production.ask.is_some_and(|at| block.steps[at] == site.step);
        if !asked || said.ended != Ended::Answered {
            return Ok(None);
        }
        let reference;
        let answer = match &said.output {
            None => return Ok(None),
            Some(Payload::Value(value)) => value,
            Some(Payload::File { hash, .. }) => {
                reference = ValueRef::File { hash: hash.clone() };
                self.loaded(&reference)?
            }
        };
        let comment = answer.get(answers::COMMENT).and_then(Value::as_str).unwrap_or_default();
        match answer.get(answers::DECISION).and_then(Value::as_str) {
            Some(answers::RETRY) => {
                let value = self.drafted(site, body)?;
                let findings = self.findings(body, &value);
                let told = [comment].into_iter().filter(|comment| !comment.is_empty());
                let told: Vec<&str> = told.chain(findings.iter().map(String::as_str)).collect();
                Ok(Some(Ok(told.join("\n"))))
            }
            Some(answers::ABANDON) => {
                let why = if comment.is_empty() { String::new() } else { format!(": {comment}") };
                let message = format!("its document was abandoned{why}");
                Ok(Some(Err(step_error(&site.path, ErrorKind::Rejected, &message))))
            }
            _ => Ok(None),
        }
    }

    /// Books that a block's document is accepted, before the block completes.
    pub(super) fn accept_version(&mut self, body: Ix) {
        let Some(production) = self.production(body) else { return };
        let block = block_of(self.state, self.plan, body);
        let asked = [production.accept, production.ask].into_iter().flatten().find_map(|at| {
            let id = &self.plan.steps[block.steps[at] as usize].id;
            match &self.state.get(self.state.newest(body, id)?).kind {
                Kind::Task { acted, .. } => Some(acted.iter().map(ToString::to_string).collect()),
                _ => None,
            }
        });
        let by: Vec<String> = asked.unwrap_or_default();
        let instance = self.state.get(body);
        let path = instance.path.to_string();
        let Some(making) = &instance.making else { return };
        let (document, version) = (making.document.to_string(), making.version);
        self.emit(Event::DocumentAccepted { path, document, version, by });
    }
}
