//! The library that a definition calls workflows of by their names.

use serde_json::{Map, Value};
use stead_lang::bundle::{Called, Missing, Source};
use stead_lang::tree::ReadProblem;
use stead_lang::{Bundle, collect, gather, link};
use stead_store::library::{Library as _, Save};
use stead_store::memory::MemoryStore;

use super::{Definition, ENTRY, Generator};

/// A definition as a source of itself: its files, and the workflows that it has in the library.
struct Shelf<'d>(&'d Definition);

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

impl Source for Shelf<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        self.0.files.get(path).map(text).ok_or(ReadProblem::NotFound)
    }

    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing> {
        let newest = self.0.numbers(name).ok_or(Missing::Unknown { near: None })?;
        let number = number.unwrap_or(newest);
        let bundle = self.0.saved(name, number).ok_or(Missing::NoRevision { newest })?;
        Ok(Called::Saved { name: name.to_owned(), number, bundle, beside: None })
    }
}

impl Definition {
    /// The definition with all that it names.
    pub(crate) fn bundle(&self) -> Bundle {
        gather(ENTRY, &mut Shelf(self))
    }

    /// How many revisions a workflow of the library has.
    fn numbers(&self, name: &str) -> Option<u32> {
        u32::try_from(self.library.get(name)?.len()).ok()
    }

    /// A revision of a workflow of the library, with its files.
    fn saved(&self, name: &str, number: u32) -> Option<Bundle> {
        let at = usize::try_from(number).unwrap().checked_sub(1)?;
        let (entry, document) = (format!("{name}.yml"), self.library.get(name)?.get(at)?);
        let read = &mut |path: &str| match path == entry {
            true => Ok(text(document)),
            false => self.files.get(path).map(text).ok_or(ReadProblem::NotFound),
        };
        Some(collect(&entry, read).own())
    }

    /// The workflows of the library as they are run, when a step takes the newest of one.
    pub(crate) fn newest(&self) -> Vec<Bundle> {
        let one = |name: &String| {
            let number = self.numbers(name).unwrap();
            let bundle = Bundle { called: Some(name.clone()), ..self.saved(name, number).unwrap() };
            link(bundle, &mut Shelf(self))
        };
        self.library.keys().map(one).collect()
    }

    /// Saves them, each revision behind the one before.
    pub(crate) fn save(&self, store: &mut MemoryStore) {
        for name in self.library.keys() {
            for number in 1..=self.numbers(name).unwrap() {
                self.put(store, name, number);
            }
        }
    }

    fn put(&self, store: &mut MemoryStore, name: &str, number: u32) {
        let bundle = self.saved(name, number).unwrap();
        let save = Save {
            name: name.to_owned(),
            revision: format!("saved {name} {number}"),
            bytes: serde_json::to_vec(&bundle).unwrap(),
            by: "user:ana".into(),
            based_on: (number > 1).then(|| number - 1),
            ..Save::default()
        };
        assert_eq!(store.save(&save).unwrap().number, number);
    }

    /// A further revision of one of the workflows: it does the same and is another one. Nothing where there is none.
    pub(crate) fn revise(&mut self, pick: u64) -> Option<(String, u32)> {
        let count = u64::try_from(self.library.len()).unwrap();
        let name = self.library.keys().nth(usize::try_from(pick.checked_rem(count)?).unwrap())?.clone();
        let revisions = self.library.get_mut(&name)?;
        let next = revised(revisions.last()?, revisions.len() + 1);
        revisions.push(next);
        let number = self.numbers(&name)?;
        Some((name, number))
    }

    /// Saves one more revision of a workflow while runs are under way.
    pub(crate) fn save_anew(&mut self, pick: u64, store: &mut MemoryStore) -> bool {
        let Some((name, number)) = self.revise(pick) else { return false };
        self.put(store, &name, number);
        true
    }
}

/// A definition that means the same and is another revision.
fn revised(document: &Value, number: usize) -> Value {
    let mut document = document.clone();
    document["description"] = Value::from(format!("Revision {number}."));
    document
}

/// A workflow of the library: how a step calls it, and all its revisions.
pub(super) fn called(make: &mut Generator, name: &str, document: Value) -> Map<String, Value> {
    let mut revisions = vec![document];
    if make.rng.hits(1, 3) {
        revisions.push(revised(&revisions[0], 2));
    }
    let number = make.rng.hits(1, 3).then(|| make.rng.index(revisions.len()) + 1);
    make.library.insert(name.to_owned(), revisions);
    let mut workflow = Map::new();
    match number {
        // One that is said stays, however many are saved behind it.
        Some(number) => _ = workflow.insert("name".into(), Value::from(format!("{name}@{number}"))),
        None => {
            workflow.insert("name".into(), name.into());
            if make.rng.hits(1, 2) {
                workflow.insert("revision".into(), "latest".into());
            }
        }
    }
    workflow
}
