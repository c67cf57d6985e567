//! The library of a store in memory.

use std::collections::{BTreeMap, BTreeSet};

use stead_core::Time;

use super::words::{Page, ranked};
use super::{
    Change, How, Kept, Refusal, Revision, Save, Saved, What, Workflow, WorkflowFilter, base, normal, uncalled,
};

/// Workflows and what is known of files. Definitions are the store's.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    volumes: Vec<Volume>,
    /// By name in small letters.
    by_name: BTreeMap<String, usize>,
    /// What files are known to be of workflows.
    origins: BTreeMap<(String, usize), u32>,
    /// Files that are not to be saved.
    declined: BTreeSet<String>,
}

#[derive(Debug)]
struct Volume {
    name: String,
    note: Option<String>,
    labels: Vec<String>,
    created: (Time, String),
    updated: (Time, String),
    deleted: Option<(Time, String)>,
    revisions: Vec<Bound>,
    changes: Vec<Change>,
    /// What is searched: name, labels, description, steps.
    words: [String; 4],
}

#[derive(Debug)]
struct Bound {
    revision: Revision,
    bytes: Vec<u8>,
    description: String,
    steps: Vec<String>,
    calls: BTreeSet<String>,
}

impl Volume {
    fn newest(&self) -> &Bound {
        // A volume is made with its first revision.
        &self.revisions[self.revisions.len() - 1]
    }

    fn workflow(&self) -> Workflow {
        let Bound { revision, description, .. } = self.newest();
        let (deleted_at, deleted_by) = self.deleted.clone().unzip();
        Workflow {
            name: self.name.clone(),
            newest: revision.number,
            revision: revision.revision.clone(),
            draft: revision.draft,
            description: self.note.clone().unwrap_or_else(|| description.clone()),
            labels: self.labels.clone(),
            created_at: self.created.0,
            created_by: self.created.1.clone(),
            updated_at: self.updated.0,
            updated_by: self.updated.1.clone(),
            deleted_at,
            deleted_by,
        }
    }

    /// Notes a change, and what is searched after it.
    fn changed(&mut self, what: What, detail: &str, at: Time, by: &str) {
        let number = self.newest().revision.number;
        let (by, detail) = (by.to_owned(), detail.to_owned());
        self.updated = (at, by.clone());
        self.changes.push(Change { at, by, what, number, detail });
        let workflow = self.workflow();
        let steps = self.newest().steps.join(" ");
        let texts = [workflow.name, workflow.labels.join(" "), workflow.description, steps];
        self.words = texts.map(|text| normal(&text));
    }
}

impl Shelf {
    fn at(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// A workflow that is there and not deleted.
    fn living(&self, name: &str) -> Result<usize, Refusal> {
        let Some(at) = self.at(name) else {
            return Err(Refusal::Unknown { name: name.to_owned(), near: None });
        };
        match &self.volumes[at].deleted {
            None => Ok(at),
            Some((when, by)) => {
                Err(Refusal::Deleted { name: self.volumes[at].name.clone(), at: *when, by: by.clone() })
            }
        }
    }

    pub(crate) fn workflow(&self, name: &str) -> Option<Workflow> {
        Some(self.volumes[self.at(name)?].workflow())
    }

    pub(crate) fn workflows(&self, filter: &WorkflowFilter) -> Vec<Workflow> {
        let passes = |volume: &&Volume| {
            volume.deleted.is_some() == filter.deleted
                && filter.label.as_ref().is_none_or(|label| volume.labels.contains(label))
        };
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        if let Some(words) = &filter.words {
            let living = self.volumes.iter().filter(|volume| volume.deleted.is_none());
            let pages = living.map(|volume| Page { workflow: volume.workflow(), fields: &volume.words });
            let found = ranked(pages.collect(), words);
            let label = |found: &Workflow| {
                !filter.deleted && filter.label.as_ref().is_none_or(|label| found.labels.contains(label))
            };
            return found.into_iter().filter(label).take(limit).collect();
        }
        let after = filter.after.as_ref().map(|after| after.to_ascii_lowercase());
        let names = self.by_name.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        let volumes = names.map(|(_, at)| &self.volumes[*at]);
        volumes.filter(passes).take(limit).map(Volume::workflow).collect()
    }

    pub(crate) fn kept(&self, name: &str, number: Option<u32>) -> Option<Kept> {
        let volume = &self.volumes[self.at(name)?];
        let bound = match number {
            None => volume.newest(),
            Some(number) => volume.revisions.iter().find(|bound| bound.revision.number == number)?,
        };
        Some(Kept { revision: bound.revision.clone(), bytes: bound.bytes.clone() })
    }

    pub(crate) fn changes(&self, name: &str, skip: usize, limit: usize) -> Vec<Change> {
        let changes = self.at(name).map_or(&[][..], |at| &self.volumes[at].changes);
        changes.iter().rev().skip(skip).take(limit).cloned().collect()
    }

    pub(crate) fn callers(&self, name: &str) -> Vec<String> {
        let name = name.to_ascii_lowercase();
        let calls = |volume: &&Volume| {
            volume.deleted.is_none()
                && volume.newest().calls.contains(&name)
                && !volume.name.eq_ignore_ascii_case(&name)
        };
        let mut callers: Vec<String> =
            self.volumes.iter().filter(calls).map(|volume| volume.name.clone()).collect();
        callers.sort_by_key(|name| name.to_ascii_lowercase());
        callers
    }

    pub(crate) fn origin(&self, file: &str, name: &str) -> Option<u32> {
        self.origins.get(&(file.to_owned(), self.at(name)?)).copied()
    }

    pub(crate) fn declined(&self, file: &str) -> bool {
        self.declined.contains(file)
    }

    /// Saves; says whether the definition is to be kept.
    pub(crate) fn save(&mut self, save: &Save) -> Result<(Saved, bool), Refusal> {
        let (at, how) = match self.at(&save.name) {
            None => {
                if save.based_on.is_some_and(|base| base > 0) {
                    return Err(Refusal::Unknown { name: save.name.clone(), near: None });
                }
                (self.volumes.len(), How::New)
            }
            Some(at) => {
                self.living(&save.name)?;
                let volume = &self.volumes[at];
                let newest = volume.newest();
                let same = newest.revision.revision == save.revision && newest.revision.draft == save.draft;
                let how = match same {
                    true if newest.bytes == save.bytes => How::Unchanged,
                    true => How::Text,
                    false => How::Next,
                };
                if how != How::Unchanged {
                    let known = save.file.as_ref().and_then(|file| self.origin(file, &save.name));
                    base(save, &newest.revision, known)?;
                }
                (at, how)
            }
        };
        let number = match how {
            How::New => 1,
            How::Next => self.volumes[at].newest().revision.number + 1,
            How::Text | How::Unchanged => self.volumes[at].newest().revision.number,
        };
        let bound = Bound {
            revision: Revision {
                number,
                revision: save.revision.clone(),
                draft: save.draft,
                at: save.at,
                by: save.by.clone(),
                message: save.message.clone(),
            },
            bytes: save.bytes.clone(),
            description: save.description.clone(),
            steps: save.steps.clone(),
            calls: save.calls.iter().map(|name| name.to_ascii_lowercase()).collect(),
        };
        match how {
            How::New => {
                self.by_name.insert(save.name.to_ascii_lowercase(), at);
                self.volumes.push(Volume {
                    name: save.name.clone(),
                    note: None,
                    labels: Vec::new(),
                    created: (save.at, save.by.clone()),
                    updated: (save.at, save.by.clone()),
                    deleted: None,
                    revisions: vec![bound],
                    changes: Vec::new(),
                    words: Default::default(),
                });
            }
            How::Next => self.volumes[at].revisions.push(bound),
            How::Text => {
                // What the text means is the same; who saved it when stays, and is in the changes.
                let revisions = &mut self.volumes[at].revisions;
                if let Some(newest) = revisions.last_mut() {
                    newest.bytes = bound.bytes;
                }
            }
            How::Unchanged => {}
        }
        let volume = &mut self.volumes[at];
        let labels = save.labels.as_ref().filter(|labels| **labels != volume.labels);
        let relabelled = labels.is_some();
        if let Some(labels) = labels {
            volume.labels.clone_from(labels);
        }
        match how {
            How::New | How::Next => volume.changed(What::Saved, &save.message, save.at, &save.by),
            How::Text => volume.changed(What::Text, &save.message, save.at, &save.by),
            How::Unchanged if relabelled => volume.changed(What::Described, "", save.at, &save.by),
            How::Unchanged => {}
        }
        if let Some(file) = &save.file {
            self.origins.insert((file.clone(), at), number);
            self.declined.remove(file);
        }
        Ok((Saved { number, how }, matches!(how, How::New | How::Next)))
    }

    pub(crate) fn describe(
        &mut self,
        name: &str,
        description: Option<&str>,
        labels: Option<&[String]>,
        at: Time,
        by: &str,
    ) -> Result<(), Refusal> {
        let found = self.living(name)?;
        let volume = &mut self.volumes[found];
        if let Some(description) = description {
            volume.note = Some(description.to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(labels) = labels {
            volume.labels = labels.to_vec();
        }
        volume.changed(What::Described, "", at, by);
        Ok(())
    }

    /// What stands against taking the name away.
    pub(crate) fn called(&self, name: &str) -> Result<(), Refusal> {
        self.living(name)?;
        uncalled(name, self.callers(name))
    }

    pub(crate) fn delete(&mut self, name: &str, at: Time, by: &str) -> Result<(), Refusal> {
        let found = self.living(name)?;
        self.volumes[found].deleted = Some((at, by.to_owned()));
        self.volumes[found].changed(What::Deleted, "", at, by);
        Ok(())
    }

    pub(crate) fn restore(&mut self, name: &str, at: Time, by: &str) -> Result<(), Refusal> {
        let unknown = || Refusal::Unknown { name: name.to_owned(), near: None };
        let volume =
            &mut self.volumes[self.by_name.get(&name.to_ascii_lowercase()).copied().ok_or_else(unknown)?];
        if volume.deleted.take().is_none() {
            return Err(Refusal::NotDeleted { name: volume.name.clone() });
        }
        volume.changed(What::Restored, "", at, by);
        Ok(())
    }

    pub(crate) fn rename(&mut self, name: &str, to: &str, at: Time, by: &str) -> Result<(), Refusal> {
        let found = self.living(name)?;
        if let Some(other) = self.at(to).filter(|other| *other != found) {
            let other = &self.volumes[other];
            return Err(Refusal::NameTaken { name: other.name.clone(), deleted: other.deleted.is_some() });
        }
        self.called(name)?;
        let before = std::mem::replace(&mut self.volumes[found].name, to.to_owned());
        self.by_name.remove(&before.to_ascii_lowercase());
        self.by_name.insert(to.to_ascii_lowercase(), found);
        self.volumes[found].changed(What::Renamed, &before, at, by);
        Ok(())
    }

    pub(crate) fn note_origin(&mut self, file: &str, name: &str, number: u32) -> Result<(), Refusal> {
        let unknown = || Refusal::Unknown { name: name.to_owned(), near: None };
        let at = self.at(name).ok_or_else(unknown)?;
        self.origins.insert((file.to_owned(), at), number);
        self.declined.remove(file);
        Ok(())
    }

    pub(crate) fn decline(&mut self, file: &str) {
        self.declined.insert(file.to_owned());
    }
}
