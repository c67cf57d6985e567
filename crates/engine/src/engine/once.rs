//! Requests that carry a key of their own, so that one that comes again is not performed again.
//!
//! A key is noted, durably, before its request is performed, with the wish by which the engine is asked; what was
//! answered is kept afterwards. After a crash in between the engine is asked by the same wish and finds in the journals
//! what it did.

use stead_store::answers::{Answers as _, Asked};

use super::Asker;
use super::desk::lock;
use super::offline::wish;
use crate::error::EngineError;
use crate::failpoint;
use crate::library::open::{now, or_made};
use crate::operations::{Answer, Operation};
use crate::people::identity;

pub use stead_store::answers::Known;

/// A request that was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed(Asked);

impl Keyed {
    /// What the engine is to know it by.
    pub fn wish(&self) -> &str {
        &self.0.wish
    }

    /// Whether this is the request that had the key first.
    pub fn is(&self, request: &str) -> bool {
        self.0.request == request
    }
}

impl Asker {
    /// Who asks: the one name of the history.
    ///
    /// # Errors
    /// When they are nobody of this home.
    pub fn who(&self) -> Result<String, EngineError> {
        let actor = identity(&mut lock(&self.desk.reads), &self.desk.home, &self.caller, None)?;
        Ok(actor.user)
    }

    /// Notes a request, of which `request` is a hash, under a key of who asks. One that had the key before is handed out
    /// in its place, with what was answered: nothing where that is not known.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note_asked(
        &self,
        who: &str,
        key: &str,
        request: &str,
    ) -> Result<(Keyed, Option<Known>), EngineError> {
        let (person, key, request) = (who.to_owned(), key.to_owned(), request.to_owned());
        let asked = Asked { person, key, at: now(), request, wish: wish()? };
        let known = or_made(&self.desk.home)?.note_asked(&asked)?;
        failpoint::cross("asked.noted");
        Ok((Keyed(known.as_ref().map_or(asked, |known| known.asked.clone())), known))
    }

    /// Keeps what was answered.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_answer(&self, keyed: &Keyed, answer: &[u8]) -> Result<(), EngineError> {
        failpoint::cross("answer.before");
        or_made(&self.desk.home)?.keep_answer(&keyed.0, answer)?;
        failpoint::cross("answer.kept");
        Ok(())
    }

    /// Forgets a request of which nothing was done.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_asked(&self, keyed: &Keyed) -> Result<(), EngineError> {
        Ok(or_made(&self.desk.home)?.forget_asked(&keyed.0)?)
    }

    /// Performs an operation that is known by a wish. With `again` it may have been performed: then it is not.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_wished(&self, wish: &str, again: bool, operation: Operation) -> Result<Answer, EngineError> {
        self.desk.ask_as(&self.caller, wish, again, operation)
    }
}
