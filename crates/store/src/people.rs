//! The people of a home: users, groups, roles, skills.
//!
//! They stand beside the streams, as the library does: any process may read and change them, each time in one
//! transaction. What may be changed is decided by [`Register`], which is core: a store hands it out, and writes what it
//! says was touched.

use stead_core::Time;
use stead_core::people::{Change, Edit, Register};

use crate::StoreError;

/// What is read of the people.
pub trait PeopleReader {
    /// A number that grows with every change; 0 when nothing was ever changed. Who keeps a register looks here whether
    /// it is still the newest.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn people_version(&mut self) -> Result<u64, StoreError>;

    /// All people and groups.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn people(&mut self) -> Result<Register, StoreError>;

    /// What was changed, the newest first: at most `limit`, from number `skip` on.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn people_changes(&mut self, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError>;
}

/// The people, to be changed.
pub trait People: PeopleReader {
    /// Makes changes, all or none, durably. Returns what was changed.
    ///
    /// # Errors
    /// [`StoreError::People`] where one of them cannot be, and when the store cannot be written.
    fn edit_people(&mut self, edits: &[Edit], at: Time, by: &str) -> Result<Vec<Change>, StoreError>;
}
