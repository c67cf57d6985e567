//! A commit fails at every point, once or several times, and the run ends as it would have.

use std::collections::BTreeMap;
use std::path::Path;

use stead_store::fault::{Faults, Point};

use crate::backend::{Backend, Memory, Sqlite};
use crate::definitions::{CASES, WAITS};
use crate::world::{After, Came, Ready, World};

/// In memory where the machine lets us: these tests write many small files.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

struct Undisturbed {
    came: Came,
    executed: BTreeMap<String, u32>,
}

fn undisturbed<B: Backend>(ready: &Ready, backend: B, faults: &Faults, folder: &Path) -> Undisturbed {
    let mut world = World::new(ready, backend, faults, folder);
    let came = world.bring_to_end(|_| panic!("nothing was to fail"));
    Undisturbed { came, executed: world.executed }
}

/// Executions may be repeated only where their results were lost, and only as often as something was lost.
fn compare(what: &str, plain: &Undisturbed, came: &Came, executed: &BTreeMap<String, u32>, crashes: u32) {
    assert_eq!(*came, plain.came, "{what}");
    let keys: Vec<&String> = executed.keys().collect();
    assert_eq!(keys, plain.executed.keys().collect::<Vec<_>>(), "{what}: other steps were performed");
    for (key, times) in executed {
        let expected = plain.executed[key];
        // A try of which the result was lost is no try: a script that fails the first two times then has
        // failed them already.
        assert!(*times >= expected, "{what}: {key} was performed {times} times, undisturbed {expected}");
        assert!(
            *times <= expected + crashes,
            "{what}: {key} was performed {times} times, undisturbed {expected}"
        );
    }
}

/// Runs every case once for every crossing of its undisturbed run, which fails then.
fn every_crossing<B: Backend>(cases: &[&str], after: After, backend: impl Fn(&Path, &Faults) -> B) -> Met {
    let mut met = Met::default();
    for case in CASES.iter().filter(|case| cases.is_empty() || cases.contains(&case.name)) {
        let ready = Ready::new(case);
        let (home, faults) = (folder(), Faults::new());
        let plain = undisturbed(&ready, backend(home.path(), &faults), &faults, home.path());
        let crossings = faults.crossed();
        for nth in 1..=crossings {
            let (home, faults) = (folder(), Faults::new());
            let mut world = World::new(&ready, backend(home.path(), &faults), &faults, home.path());
            faults.fail_at(nth);
            let came = world.bring_to_end(|_| after);
            let failed = world.failed.first().copied();
            let what = format!("{}, crossing {nth} of {crossings} ({failed:?}), then {after:?}", case.name);
            compare(
                &what,
                &plain,
                &came,
                &world.executed,
                u32::from(after == After::Crash && failed.is_some()),
            );
            match failed {
                Some(point) => *met.failed.entry(point.to_string()).or_default() += 1,
                None => met.landed += 1,
            }
        }
    }
    met
}

/// What failed, and how many commits were found to be durable although they had failed.
#[derive(Debug, Default)]
struct Met {
    failed: BTreeMap<String, usize>,
    landed: usize,
}

impl Met {
    fn check(&self) {
        for point in
            [Point::Head, Point::Journal, Point::Taken, Point::Message, Point::Task, Point::BeforeCommit]
        {
            assert!(self.failed.get(&point.to_string()).is_some_and(|n| *n > 5), "{point}: {self:?}");
        }
        assert!(self.landed > 5, "{self:?}");
    }
}

#[test]
fn p2_a_commit_that_fails_anywhere_is_made_again_by_the_same_driver() {
    every_crossing(&[], After::Step, |_, faults| Memory::new(faults)).check();
}

#[test]
fn p2_an_engine_that_is_lost_at_any_point_of_a_commit_is_recovered_by_the_next() {
    every_crossing(&[], After::Crash, |_, faults| Memory::new(faults)).check();
}

#[test]
fn p2_sqlite_that_fails_anywhere_is_gone_on_with_or_recovered() {
    let sqlite = |folder: &Path, faults: &Faults| Sqlite::new(folder, faults);
    let cases = ["children", "once", "gates"];
    every_crossing(&cases, After::Step, sqlite).check();
    every_crossing(&cases, After::Crash, sqlite).check();
}

/// Failures that follow each other closely, in recovery too.
#[test]
fn p2_many_failures_in_one_run_change_nothing() {
    let (mut failures, mut crashes) = (0, 0);
    for case in CASES {
        let ready = Ready::new(case);
        let (home, faults) = (folder(), Faults::new());
        let plain = undisturbed(&ready, Memory::new(&faults), &faults, home.path());
        for seed in 1..=60 {
            let mut chance = Chance(seed);
            let (home, faults) = (folder(), Faults::new());
            let mut world = World::new(&ready, Memory::new(&faults), &faults, home.path());
            world.fail_at(chance.below(20));
            let came = world.bring_to_end(|world| {
                world.fail_at(chance.below(40));
                // An attempt may be lost ten times, not more.
                if world.crashes < 8 && chance.below(3) == 1 { After::Crash } else { After::Step }
            });
            faults.clear();
            compare(&format!("{}, seed {seed}", case.name), &plain, &came, &world.executed, world.crashes);
            failures += world.failed.len() + world.landed as usize;
            crashes += world.crashes;
        }
    }
    assert!(failures > 1_000 && crashes > 300, "{failures} failures, {crashes} crashes");
}

/// Numbers that look random and are the same every time.
struct Chance(u64);

impl Chance {
    /// From 1 to `most`.
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most + 1
    }
}

/// What has ended is not done again, by however many engines a run is brought to its end.
#[test]
fn p1_engines_that_follow_each_other_do_nothing_again() {
    let ready = Ready::new(&WAITS);
    let (home, faults) = (folder(), Faults::new());
    let plain = undisturbed(&ready, Memory::new(&faults), &faults, home.path());
    let (home, faults) = (folder(), Faults::new());
    let mut world = World::new(&ready, Memory::new(&faults), &faults, home.path());
    let came = world.bring_to_end_by_many();
    assert!(world.crashes >= 5, "only {} engines", world.crashes);
    compare("engine after engine", &plain, &came, &world.executed, world.crashes);
    for (key, times) in &world.executed {
        assert!(*times == 1 || key == "r_test/beside", "{key} was performed {times} times");
    }
}

/// A snapshot is a cache: where none can be kept, the journal has all, and nothing that is due is forgotten.
#[test]
fn p2_a_snapshot_that_cannot_be_kept_loses_nothing() {
    let case = CASES.iter().find(|case| case.name == "long").unwrap();
    let ready = Ready::new(case);
    let (home, faults) = (folder(), Faults::new());
    let plain = undisturbed(&ready, Memory::new(&faults), &faults, home.path());
    for nth in [10, 20, 25] {
        let (home, faults) = (folder(), Faults::new());
        let mut world = World::new(&ready, Memory::new(&faults).without_snapshots(), &faults, home.path());
        world.fail_at(nth);
        let came = world.bring_to_end(|_| After::Crash);
        compare("without snapshots", &plain, &came, &world.executed, world.crashes);
    }
}
