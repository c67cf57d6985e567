//! The documents of a run as people look at them: which there are, which are still to come, and what is stale.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_lang::plan::{Body, Each, Plan, Production, StepIx};

use super::documents::{Document, Standing, Version};
use super::state::{Ix, Kind, ROOT, RunState};
use crate::Time;
use crate::head::WaitsFor;
use crate::path::{self, Part};
use crate::status::StepStatus;
use crate::value::ValueRef;

/// A document at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentNow {
    /// Its name, with the keys of its scopes: `design[E-2]`. `design[*]` stands for those whose keys are not known yet.
    pub document: String,
    /// What it is declared as.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it stands.
    pub status: DocumentStatus,
    /// The step that produces it: the instance, or where there is none yet where it will be.
    pub path: String,
    /// The version that others build on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What it waits for: people, or steps that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// Steps that have to end before it is begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Documents that changed since this version was made of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_by: Vec<String>,
    /// Its versions, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionNow>,
}

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionNow {
    /// From 1.
    pub version: u32,
    /// Where it stands.
    pub standing: Standing,
    /// When it was made.
    pub made_at: Time,
    /// blake3 of its JSON.
    pub hash: String,
    /// How much its schema found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings: u32,
    /// When that was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Time>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// What they said. Put in by whoever can load it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Something that it needs is not there yet.
    Blocked,
    /// All that it needs is there, and it was not begun: its run is paused, or about to.
    Ready,
    /// It is being made.
    Running,
    /// It waits for people, or whatever else its step waits for.
    Waiting,
    /// Others build on it.
    Accepted,
    /// It is accepted, and something that it is built on has changed since.
    Stale,
    /// It was refused, or could not be made.
    Failed,
    /// It will not be made.
    Cancelled,
    /// The condition of its step did not hold.
    Skipped,
}

impl DocumentStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl std::fmt::Display for DocumentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl RunState {
    /// All documents of the run, in the order in which they are declared, and by their keys.
    pub fn documents_now(&mut self, plan: &Plan) -> Vec<DocumentNow> {
        if !self.bound {
            self.bind(plan);
            // The agenda is made with the next turn.
            self.bound = false;
        }
        let mut rows: BTreeMap<String, DocumentNow> = BTreeMap::new();
        for (name, document) in &self.documents {
            rows.insert(name.to_string(), kept(name, document));
        }
        for ix in (0..).take(self.slab.len()) {
            self.under_way(ix, &mut rows);
        }
        for (step, production) in producers(plan) {
            self.to_come(plan, step, production, &mut rows);
        }
        self.say_what_is_stale(plan, &mut rows);
        let order: HashMap<&str, usize> =
            plan.documents.iter().enumerate().map(|(at, document)| (document.name.as_str(), at)).collect();
        let mut rows: Vec<DocumentNow> = rows.into_values().collect();
        rows.sort_by_key(|row| order.get(row.kind.as_str()).copied());
        rows
    }

    /// Where a version of a document is, and what was said of it: of the one of a number, else of the one that others
    /// build on, else of the newest.
    pub fn document_version(&self, name: &str, number: Option<u32>) -> Option<(u32, &ValueRef)> {
        let document = self.documents.get(name)?;
        let at = match number {
            Some(number) => (number as usize).checked_sub(1)?,
            None => current(document).unwrap_or(document.versions.len().checked_sub(1)?),
        };
        let version = document.versions.get(at)?;
        Some((u32::try_from(at + 1).unwrap_or(u32::MAX), &version.value))
    }

    /// Where what was said of the versions of a document is, in their order.
    pub fn said_of_versions(&self, name: &str) -> Vec<Option<&ValueRef>> {
        let versions = self.documents.get(name).map(|document| document.versions.iter());
        versions.into_iter().flatten().map(|version| version.said.as_ref()).collect()
    }

    /// A block that produces a document.
    fn under_way(&self, ix: Ix, rows: &mut BTreeMap<String, DocumentNow>) {
        let Some(Some(instance)) = self.slab.get(ix as usize) else { return };
        let Some(making) = &instance.making else { return };
        let name = making.document.to_string();
        let row = rows.entry(name.clone()).or_insert_with(|| empty(&name));
        let newest = row.versions.last().is_none_or(|_| {
            let last = self.documents.get(&*making.document).and_then(|known| known.versions.last());
            last.is_none_or(|last| last.path == instance.path || !instance.status.is_end())
        });
        if !newest {
            return;
        }
        row.path = instance.path.to_string();
        row.status = match instance.status {
            StepStatus::Completed => DocumentStatus::Accepted,
            StepStatus::Failed | StepStatus::Blocked => DocumentStatus::Failed,
            StepStatus::Cancelled => DocumentStatus::Cancelled,
            StepStatus::Skipped => DocumentStatus::Skipped,
            StepStatus::Pending | StepStatus::Running | StepStatus::Waiting => {
                row.waits_for = self.waits_inside(ix);
                match row.waits_for {
                    Some(_) => DocumentStatus::Waiting,
                    None => DocumentStatus::Running,
                }
            }
        };
    }

    /// What the first of those inside that wait waits for.
    fn waits_inside(&self, ix: Ix) -> Option<WaitsFor> {
        let instance = self.get(ix);
        if let Some(waits) = self.waits_of(ix) {
            return Some(waits);
        }
        instance.inside.iter().rev().find_map(|child| match self.get(*child).status.is_end() {
            true => None,
            false => self.waits_inside(*child),
        })
    }

    /// Documents of a step that was not begun, in each block that it stands in.
    fn to_come(
        &self,
        plan: &Plan,
        step: StepIx,
        production: &Production,
        rows: &mut BTreeMap<String, DocumentNow>,
    ) {
        let planned = &plan.steps[step as usize];
        let kind = &plan.documents[production.document].name;
        let bodies: Vec<Ix> = match planned.parent {
            None => self.root().map(|_| ROOT).into_iter().collect(),
            Some(parent) => (0..)
                .zip(&self.slab)
                .filter(|(_, instance)| {
                    instance.as_ref().is_some_and(|instance| {
                        instance.step == parent && matches!(instance.kind, Kind::Group)
                    })
                })
                .map(|(ix, _)| ix)
                .collect(),
        };
        if bodies.is_empty() {
            let over = self.status.is_end();
            let outer = planned.parent.map_or("", |parent| plan.steps[parent as usize].path.as_str());
            let needs = (!outer.is_empty() && !over).then(|| outer.to_owned());
            let name = format!("{kind}[*]");
            // Of what is known nothing is still to come.
            if over && rows.values().any(|row| row.kind == *kind) {
                return;
            }
            let scoped = plan.documents[production.document].scope.is_some();
            let name = if scoped { name } else { kind.clone() };
            let row = DocumentNow {
                status: if over { DocumentStatus::Cancelled } else { DocumentStatus::Blocked },
                path: planned.path.clone(),
                needs: needs.into_iter().collect(),
                ..empty(&name)
            };
            rows.entry(name).or_insert(row);
            return;
        }
        for body in bodies {
            if self.newest(body, &planned.id).is_some() {
                continue;
            }
            let block = super::reach::block_of(self, plan, body);
            let pos = block.by_id.get(&planned.id).copied().unwrap_or_default();
            let unmet = planned.needs.iter().filter_map(|need| {
                let id = &plan.steps[*block.steps.get(*need)? as usize].id;
                let ended = self.newest(body, id).is_some_and(|ix| self.get(ix).status.is_end());
                (!ended).then(|| path::step(&self.get(body).path, id))
            });
            let needs: Vec<String> = unmet.collect();
            let status = match self.get(body).never_begun(pos < block.own) {
                _ if body == ROOT && self.status.is_end() => DocumentStatus::Cancelled,
                StepStatus::Skipped => DocumentStatus::Skipped,
                StepStatus::Pending if block.machine || !needs.is_empty() => DocumentStatus::Blocked,
                StepStatus::Pending => DocumentStatus::Ready,
                _ => DocumentStatus::Cancelled,
            };
            let name =
                keys_above(self, plan, body).iter().fold(kind.clone(), |name, key| path::item(&name, key));
            let each = matches!(planned.each, Some(Each::Foreach { scope: Some(_), .. }));
            let name = if each { format!("{name}[*]") } else { name };
            let row = DocumentNow {
                status,
                path: path::step(&self.get(body).path, &planned.id),
                needs,
                ..empty(&name)
            };
            rows.entry(name).or_insert(row);
        }
    }

    fn say_what_is_stale(&self, plan: &Plan, rows: &mut BTreeMap<String, DocumentNow>) {
        let reads: HashMap<&str, &Production> = producers(plan)
            .map(|(ix, production)| (plan.steps[ix as usize].path.as_str(), production))
            .collect();
        // What a version in use was made of, by the type and the keys.
        let mut by_kind: HashMap<&str, BTreeMap<&str, (&str, &Document)>> = HashMap::new();
        for (name, document) in &self.documents {
            let (kind, keys) = kind_and_keys(name);
            by_kind.entry(kind).or_default().insert(keys, (name, document));
        }
        let mut stale: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut built_on: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, document) in &self.documents {
            let Some(version) = current(document).map(|at| &document.versions[at]) else { continue };
            let Some(production) = reads.get(path::plan_path(&version.path).as_str()) else { continue };
            let (_, keys) = kind_and_keys(name);
            for at in &production.reads {
                let Some(known) = by_kind.get(plan.documents[*at].name.as_str()) else { continue };
                for (other, document) in related(known, keys) {
                    if other == &**name {
                        continue;
                    }
                    built_on.entry(other).or_default().push(name);
                    if has_changed(document, version) {
                        stale.entry(name).or_default().push(other.to_owned());
                    }
                }
            }
        }
        // What is built on what is stale is so, too.
        let mut open: Vec<&str> = stale.keys().copied().collect();
        let mut seen: HashSet<&str> = open.iter().copied().collect();
        while let Some(name) = open.pop() {
            for above in built_on.get(name).into_iter().flatten() {
                if seen.insert(above) {
                    stale.entry(above).or_default().push(name.to_owned());
                    open.push(above);
                }
            }
        }
        for (name, by) in stale {
            if let Some(row) = rows.get_mut(name) {
                row.stale_by = by;
                if row.status == DocumentStatus::Accepted {
                    row.status = DocumentStatus::Stale;
                }
            }
        }
    }
}

/// The blocks that produce something.
fn producers(plan: &Plan) -> impl Iterator<Item = (StepIx, &Production)> {
    (0..).zip(&plan.steps).filter_map(|(ix, step)| match &step.body {
        Body::Block(block) => Some((ix, block.production.as_deref()?)),
        Body::Action(_) => None,
    })
}

/// The keys of the scopes around a block, the outermost first.
fn keys_above(state: &RunState, plan: &Plan, body: Ix) -> Vec<String> {
    let mut keys = Vec::new();
    let mut at = body;
    while at != ROOT {
        let instance = state.get(at);
        if let Part::Item { key, .. } = path::split(&instance.path)
            && let Some(step) = plan.steps.get(instance.step as usize)
            && matches!(step.each, Some(Each::Foreach { scope: Some(_), .. }))
        {
            keys.push(key.into_owned());
        }
        at = instance.parent;
    }
    keys.reverse();
    keys
}

/// The parts of a document's name: what it is declared as, and its keys as they are written.
fn kind_and_keys(name: &str) -> (&str, &str) {
    name.find('[').map_or((name, ""), |at| name.split_at(at))
}

/// Position of the version that others build on.
fn current(document: &Document) -> Option<usize> {
    document.versions.iter().rposition(|version| version.standing == Standing::Accepted)
}

/// Documents of one type around, at or inside of some keys.
fn related<'d>(
    known: &BTreeMap<&'d str, (&'d str, &'d Document)>,
    keys: &'d str,
) -> Vec<(&'d str, &'d Document)> {
    // Around and at: its keys are the first of these. A bracket within a key is written otherwise.
    let ends = std::iter::once(0).chain(keys.match_indices(']').map(|(at, _)| at + 1));
    let around = ends.filter_map(|end| known.get(&keys[..end]).copied());
    let inside = known.range(keys..).take_while(|(other, _)| other.starts_with(keys));
    let inside = inside.filter(|(other, _)| other.len() > keys.len()).map(|(_, found)| *found);
    around.chain(inside).collect()
}

/// Whether a document changed since a version was begun that is built on it.
fn has_changed(document: &Document, version: &Version) -> bool {
    let Some(now) = current(document).map(|at| &document.versions[at]) else { return false };
    if now.accepted.is_none_or(|accepted| accepted <= version.since) {
        return false;
    }
    let then =
        document.versions.iter().rev().find(|then| then.accepted.is_some_and(|at| at <= version.since));
    // Made anew and the same again it has not changed.
    then.is_none_or(|then| then.hash != now.hash)
}

fn empty(name: &str) -> DocumentNow {
    DocumentNow {
        document: name.to_owned(),
        kind: kind_and_keys(name).0.to_owned(),
        status: DocumentStatus::Blocked,
        path: String::new(),
        version: None,
        waits_for: None,
        needs: Vec::new(),
        stale_by: Vec::new(),
        versions: Vec::new(),
    }
}

/// A document of which there are versions.
fn kept(name: &str, document: &Document) -> DocumentNow {
    let versions: Vec<VersionNow> =
        (1..).zip(&document.versions).map(|(n, version)| now(n, version)).collect();
    let current = current(document);
    DocumentNow {
        status: if current.is_some() { DocumentStatus::Accepted } else { DocumentStatus::Failed },
        path: document.versions.last().map(|version| version.path.to_string()).unwrap_or_default(),
        version: current.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)),
        versions,
        ..empty(name)
    }
}

fn now(number: u32, version: &Version) -> VersionNow {
    VersionNow {
        version: number,
        standing: version.standing,
        made_at: version.made_at,
        hash: version.hash.to_string(),
        findings: version.findings,
        decided_at: version.decided_at,
        by: version.by.iter().map(ToString::to_string).collect(),
        comment: None,
    }
}
