//! Keys in memory.

use std::collections::BTreeMap;

use stead_core::Time;

use crate::access::{Access, AccessReader, Key, KeyKind, Noted};
use crate::fault::{Point, cross};
use crate::memory::MemoryStore;
use crate::{StoreError, limits};

/// Keys with the hashes of their secrets, passwords, and what was noted.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    keys: BTreeMap<String, (String, Key)>,
    passwords: BTreeMap<String, String>,
    notes: Vec<(u64, Noted)>,
}

impl Keys {
    pub(crate) fn end_all(&mut self, person: &str, at: Time, by: &str) {
        self.end(|key| key.person == person, at, by);
        self.passwords.remove(person);
    }

    fn end(&mut self, which: impl Fn(&Key) -> bool, at: Time, by: &str) {
        for (_, key) in self.keys.values_mut().filter(|(_, key)| key.ended.is_none() && which(key)) {
            key.ended = Some((at, by.to_owned()));
        }
    }

    fn note(&mut self, notes: &[Noted]) {
        for note in notes {
            let next = self.notes.last().map_or(1, |(id, _)| id + 1);
            self.notes.push((next, note.clone()));
        }
        let extra = self.notes.len().saturating_sub(limits::NOTES);
        self.notes.drain(..extra);
    }

    /// Ids of somebody's keys of a kind, living or over, the newest first.
    fn of(&self, key: &Key, over: bool) -> Vec<String> {
        let same = |other: &&Key| {
            other.person == key.person && other.kind == key.kind && other.is_over(key.created_at) == over
        };
        let mut found: Vec<&Key> = self.keys.values().map(|(_, key)| key).filter(same).collect();
        let when = |key: &Key| if over { key.created_at } else { key.used_at.unwrap_or(key.created_at) };
        found.sort_by_key(|key| std::cmp::Reverse(when(key)));
        found.into_iter().map(|key| key.id.clone()).collect()
    }
}

impl AccessReader for MemoryStore {
    fn key(&mut self, id: &str) -> Result<Option<Key>, StoreError> {
        Ok(self.access(|keys| keys.keys.get(id).map(|(_, key)| key.clone())))
    }

    fn key_of(&mut self, hash: &str) -> Result<Option<Key>, StoreError> {
        Ok(self
            .access(|keys| keys.keys.values().find(|(known, _)| known == hash).map(|(_, key)| key.clone())))
    }

    fn keys(&mut self, kind: KeyKind, person: Option<&str>) -> Result<Vec<Key>, StoreError> {
        Ok(self.access(|keys| {
            let all = keys.keys.values().map(|(_, key)| key);
            let fits = |key: &&Key| key.kind == kind && person.is_none_or(|person| key.person == person);
            let mut found: Vec<Key> = all.filter(fits).cloned().collect();
            found.sort_by_key(|key| std::cmp::Reverse(key.created_at));
            found
        }))
    }

    fn password(&mut self, person: &str) -> Result<Option<String>, StoreError> {
        Ok(self.access(|keys| keys.passwords.get(person).cloned()))
    }

    fn has_passwords(&mut self) -> Result<bool, StoreError> {
        Ok(self.access(|keys| !keys.passwords.is_empty()))
    }

    fn noted(&mut self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Noted)>, StoreError> {
        Ok(self.access(|keys| {
            let newest = keys.notes.iter().rev();
            newest.filter(|(id, _)| before.is_none_or(|before| *id < before)).take(limit).cloned().collect()
        }))
    }
}

impl MemoryStore {
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Keys) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        cross(self.faults(), Point::BeforeCommit)?;
        let changed = self.access(change)?;
        cross(self.faults(), Point::AfterCommit)?;
        Ok(changed)
    }
}

impl Access for MemoryStore {
    fn put_key(&mut self, key: &Key, hash: &str, note: &Noted) -> Result<(), StoreError> {
        self.change(|keys| {
            let most = key.kind.most();
            for id in keys.of(key, true).into_iter().skip(most) {
                keys.keys.remove(&id);
            }
            if key.kind == KeyKind::Account {
                // What was unbound may be bound again.
                keys.keys.retain(|_, (known, other)| known != hash || other.ended.is_none());
                if keys.keys.values().any(|(known, _)| known == hash) {
                    return Err(StoreError::KeyTaken { name: key.name.clone() });
                }
            }
            let living = keys.of(key, false);
            match key.kind {
                KeyKind::Session | KeyKind::Link => {
                    for id in living.into_iter().skip(most.saturating_sub(1)) {
                        keys.keys.remove(&id);
                    }
                }
                KeyKind::Token | KeyKind::Account => {
                    if living.iter().any(|id| keys.keys[id].1.name == key.name) {
                        return Err(StoreError::KeyTaken { name: key.name.clone() });
                    }
                    if living.len() >= most {
                        return Err(StoreError::KeysMany { most });
                    }
                }
            }
            keys.keys.insert(key.id.clone(), (hash.to_owned(), key.clone()));
            keys.note(std::slice::from_ref(note));
            Ok(())
        })
    }

    fn end_key(&mut self, id: &str, note: &Noted) -> Result<bool, StoreError> {
        self.change(|keys| {
            let lives = keys.keys.get(id).is_some_and(|(_, key)| !key.is_over(note.at));
            if lives {
                keys.end(|key| key.id == id, note.at, &note.who);
                keys.note(std::slice::from_ref(note));
            }
            Ok(lives)
        })
    }

    fn use_keys(&mut self, used: &[(String, Time)]) -> Result<(), StoreError> {
        self.change(|keys| {
            for (id, at) in used {
                if let Some((_, key)) = keys.keys.get_mut(id) {
                    key.used_at = key.used_at.max(Some(*at));
                }
            }
            Ok(())
        })
    }

    fn put_password(&mut self, person: &str, hash: Option<&str>, note: &Noted) -> Result<(), StoreError> {
        self.change(|keys| {
            match hash {
                Some(hash) => drop(keys.passwords.insert(person.to_owned(), hash.to_owned())),
                None => drop(keys.passwords.remove(person)),
            }
            keys.end(|key| key.person == person && key.kind == KeyKind::Session, note.at, &note.who);
            keys.note(std::slice::from_ref(note));
            Ok(())
        })
    }

    fn note(&mut self, notes: &[Noted]) -> Result<(), StoreError> {
        self.change(|keys| {
            keys.note(notes);
            Ok(())
        })
    }
}
