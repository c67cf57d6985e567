//! Signals: each is taken once, by a wait for it, and none is kept while a wait for it is open.

use std::collections::{BTreeMap, BTreeSet};

use stead_core::ids::StreamId;
use stead_core::path;
use stead_core::run::Event;

/// What the events of a run say of its signals.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Waits that are open, and the name of what each waits for.
    pub(crate) awaited: BTreeMap<String, String>,
    /// Signals that no wait has taken, by the number of their event: name, and whom they are for.
    kept: BTreeMap<u64, (String, Option<String>)>,
    pub(crate) ids: BTreeSet<String>,
    pub(crate) came: u32,
}

impl Signals {
    pub(crate) fn note(&mut self, seq: u64, event: &Event) {
        match event {
            Event::SignalAwaited { path, name, .. } => {
                let before = self.awaited.insert(path.clone(), name.clone());
                assert!(before.is_none(), "{path} waits for a signal twice");
            }
            Event::SignalCame { name, step, id, path, .. } => {
                self.came += 1;
                let first = id.as_ref().is_none_or(|id| self.ids.insert(id.clone()));
                assert!(first, "the signal {id:?} counts twice");
                match path {
                    Some(path) => {
                        let awaited = self.awaited.remove(path);
                        assert_eq!(awaited.as_ref(), Some(name), "{path} takes a signal");
                        let meant = step.as_ref().is_none_or(|step| path::is_within(path, step));
                        assert!(meant, "{path} takes a signal that was sent to {step:?}");
                    }
                    None => _ = self.kept.insert(seq, (name.clone(), step.clone())),
                }
            }
            Event::SignalTaken { path, signal, .. } => {
                let (name, step) = self
                    .kept
                    .remove(signal)
                    .unwrap_or_else(|| panic!("{path} takes a signal that is not kept"));
                let awaited = self.awaited.remove(path);
                assert!(awaited.is_none_or(|awaited| awaited == name), "{path} takes {name}");
                let meant = step.as_ref().is_none_or(|step| path::is_within(path, step));
                assert!(meant, "{path} takes a signal that was sent to {step:?}");
                let older = self.kept.range(..signal).find(|(_, kept)| fits(kept, &name, path));
                assert!(older.is_none(), "{path} takes {signal}, and {older:?} came before");
            }
            Event::StepFailed { path, .. } | Event::StepCancelled { path } => _ = self.awaited.remove(path),
            _ => {}
        }
    }

    /// Nothing is left to be done at once, and nothing holds signals back.
    pub(crate) fn check(&self, id: &StreamId) {
        for (path, name) in &self.awaited {
            let kept = self.kept.values().find(|kept| fits(kept, name, path));
            assert!(kept.is_none(), "{id}: {path} waits for `{name}`, and {kept:?} is kept");
        }
    }
}

fn fits((kept, step): &(String, Option<String>), name: &str, path: &str) -> bool {
    kept == name && step.as_ref().is_none_or(|step| path::is_within(path, step))
}
