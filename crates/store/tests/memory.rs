//! The suite over the memory store.

use stead_store::Store;
use stead_store::conformance::StoreFactory;
use stead_store::fault::Faults;
use stead_store::memory::MemoryStore;

#[derive(Default)]
struct Memory {
    faults: Faults,
    last: MemoryStore,
}

impl StoreFactory for Memory {
    fn open(&mut self) -> Box<dyn Store> {
        self.last = MemoryStore::new().with_faults(self.faults.clone());
        Box::new(self.last.reopen())
    }

    fn reopen(&mut self, store: Box<dyn Store>) -> Box<dyn Store> {
        drop(store);
        Box::new(self.last.reopen())
    }

    fn faults(&self) -> Faults {
        self.faults.clone()
    }
}

stead_store::conformance_tests!(Memory::default());

#[test]
fn the_suite_runs_as_one_too() {
    assert!(stead_store::conformance::CASES.len() > 20);
    stead_store::conformance::run(&mut Memory::default());
}
