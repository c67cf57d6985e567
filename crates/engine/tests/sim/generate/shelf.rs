//! The library that a definition calls workflows of by their names.

use serde_json::Value;
use stead_lang::bundle::{Called, Missing, Source};
use stead_lang::tree::ReadProblem;
use stead_lang::{Bundle, collect, gather, link};
use stead_store::library::{Library as _, Save};
use stead_store::memory::MemoryStore;

use super::{Definition, ENTRY};

/// A definition as a source of itself: its files, and the workflows that it has in the library.
struct Shelf<'d>(&'d Definition);

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

impl Source for Shelf<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        self.0.files.get(path).map(text).ok_or(ReadProblem::NotFound)
    }

    fn named(&mut self, name: &str, _: Option<u32>) -> Result<Called, Missing> {
        let bundle = self.0.saved(name).ok_or(Missing::Unknown { near: None })?;
        Ok(Called::Saved { name: name.to_owned(), number: 1, bundle, beside: None })
    }
}

impl Definition {
    /// The definition with all that it names.
    pub(crate) fn bundle(&self) -> Bundle {
        gather(ENTRY, &mut Shelf(self))
    }

    /// A workflow of the library, with its files.
    fn saved(&self, name: &str) -> Option<Bundle> {
        let (entry, document) = (format!("{name}.yml"), self.library.get(name)?);
        let read = &mut |path: &str| match path == entry {
            true => Ok(text(document)),
            false => self.files.get(path).map(text).ok_or(ReadProblem::NotFound),
        };
        Some(collect(&entry, read).own())
    }

    /// The workflows of the library as they are run, when a step takes the newest of one.
    pub(crate) fn newest(&self) -> Vec<Bundle> {
        let one = |name: &String| {
            let bundle = Bundle { called: Some(name.clone()), ..self.saved(name).unwrap() };
            link(bundle, &mut Shelf(self))
        };
        self.library.keys().map(one).collect()
    }

    /// Saves them.
    pub(crate) fn save(&self, store: &mut MemoryStore) {
        for name in self.library.keys() {
            let bundle = self.saved(name).unwrap();
            let (bytes, revision) = (serde_json::to_vec(&bundle).unwrap(), format!("saved {name}"));
            let save = Save { name: name.clone(), revision, bytes, by: "user:ana".into(), ..Save::default() };
            store.save(&save).unwrap();
        }
    }
}
