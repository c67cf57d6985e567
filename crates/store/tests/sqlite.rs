//! The suite over SQLite.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::folder;
use stead_store::Store;
use stead_store::conformance::StoreFactory;
use stead_store::fault::Faults;
use stead_store::sqlite::SqliteStore;
use tempfile::TempDir;

struct Sqlite {
    faults: Faults,
    folder: TempDir,
    opened: usize,
}

impl Sqlite {
    fn new() -> Self {
        Self { faults: Faults::new(), folder: folder(), opened: 0 }
    }

    fn store(&self) -> Box<dyn Store> {
        let path = self.folder.path().join(format!("{}.db", self.opened));
        Box::new(SqliteStore::open(&path).unwrap().with_faults(self.faults.clone()))
    }
}

impl StoreFactory for Sqlite {
    fn open(&mut self) -> Box<dyn Store> {
        self.opened += 1;
        self.store()
    }

    fn reopen(&mut self, store: Box<dyn Store>) -> Box<dyn Store> {
        // The old handle is left as a process leaves it that was killed: no last checkpoint, its WAL behind.
        std::mem::forget(store);
        self.store()
    }

    fn faults(&self) -> Faults {
        self.faults.clone()
    }
}

stead_store::conformance_tests!(Sqlite::new());
