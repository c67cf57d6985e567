//! Kept answers in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::answers::{Answers, Asked, Known};
use crate::fault::{Point, cross};
use crate::memory::MemoryStore;
use crate::{StoreError, limits};

/// By person and key.
pub(crate) type KeptAnswers = BTreeMap<(String, String), Known>;

fn name(asked: &Asked) -> (String, String) {
    (asked.person.clone(), asked.key.clone())
}

/// The names of somebody's, the newest first.
fn of(kept: &KeptAnswers, person: &str) -> Vec<(String, String)> {
    let mut names: Vec<_> = kept.iter().filter(|((theirs, _), _)| theirs == person).collect();
    names.sort_by_key(|(name, known)| (Reverse(known.asked.at), name.1.clone()));
    names.into_iter().map(|(name, _)| name.clone()).collect()
}

impl MemoryStore {
    fn change_answers<T>(&mut self, change: impl FnOnce(&mut KeptAnswers) -> T) -> Result<T, StoreError> {
        cross(self.faults(), Point::BeforeCommit)?;
        let told = self.answers(change);
        cross(self.faults(), Point::AfterCommit)?;
        Ok(told)
    }
}

impl Answers for MemoryStore {
    fn note_asked(&mut self, asked: &Asked) -> Result<Option<Known>, StoreError> {
        self.change_answers(|kept| {
            kept.retain(|_, known| known.asked.at > asked.at.saturating_sub(limits::ANSWER_KEPT));
            if let Some(known) = kept.get(&name(asked)) {
                return Some(known.clone());
            }
            for old in of(kept, &asked.person).into_iter().skip(limits::ANSWERS - 1) {
                kept.remove(&old);
            }
            kept.insert(name(asked), Known { asked: asked.clone(), answer: None });
            None
        })
    }

    fn keep_answer(&mut self, asked: &Asked, answer: &[u8]) -> Result<(), StoreError> {
        self.change_answers(|kept| {
            let answer = if answer.len() > limits::ANSWER_BYTES { &[] } else { answer };
            if let Some(known) = kept.get_mut(&name(asked)).filter(|known| known.asked.wish == asked.wish) {
                known.answer = Some(answer.to_vec());
            }
            let mut together = 0;
            for name in of(kept, &asked.person) {
                together += kept[&name].answer.as_ref().map_or(0, Vec::len);
                if together > limits::ANSWERS_BYTES {
                    kept.remove(&name);
                }
            }
        })
    }

    fn forget_asked(&mut self, asked: &Asked) -> Result<(), StoreError> {
        self.change_answers(|kept| {
            if kept.get(&name(asked)).is_some_and(|known| known.asked.wish == asked.wish) {
                kept.remove(&name(asked));
            }
        })
    }
}
