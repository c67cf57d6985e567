//! A definition, and what happens to its runs besides.

use stead_store::fault::Point;

use crate::generate::{self, Definition};
use crate::rng::Rng;

/// All that makes a simulation; the same makes the same.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    /// Nobody interferes and nothing that may fail is raced: it must end as without any trouble.
    pub(crate) calm: bool,
    pub(crate) definition: Definition,
    /// Further runs of it, started with the first: they share its places.
    pub(crate) beside: u64,
    pub(crate) script: Vec<Planned>,
    /// What happens when all has ended, one after another; then all comes to its end once more.
    pub(crate) afterwards: Vec<Trouble>,
    /// After so many happenings all is cancelled by force.
    pub(crate) patience: u32,
}

/// Something that happens besides, when so many things have happened.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) at: u32,
    pub(crate) what: Trouble,
}

/// What follows a commit that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The same engine goes on.
    GoOn,
    /// The engine is lost.
    Crash,
}

/// All points of a commit but that of jobs: nothing makes one yet.
pub(crate) const POINTS: [Point; 7] = [
    Point::Journal,
    Point::Head,
    Point::Taken,
    Point::Message,
    Point::Task,
    Point::BeforeCommit,
    Point::AfterCommit,
];

#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// The store fails at the nth point that is crossed from here on.
    Refuse { nth: u64, then: Then },
    /// The store fails at this point, the nth time that it is crossed.
    RefuseAt { point: Point, nth: u64, then: Then },
    /// The engine is lost between two steps; perhaps just behind snapshots, which the next one can read or not.
    Crash { snapshot: Option<bool> },
    /// The engine is lost behind the next commit, when it has handed out so many of its effects.
    CrashBehindCommit { performed: usize },
    /// The engine leaves: what ends by itself is booked, nothing begins, another engine comes.
    Leave,
    /// The clock is set back; forward it goes by itself.
    ClockBack { millis: i64 },
    /// A person cancels the run, or one of its children; perhaps where no engine runs.
    Cancel { pick: u64, offline: bool, force: bool },
    /// A person has the run pause, and what is under way end if that is to be now.
    Pause { pick: u64, offline: bool, now: bool },
    /// A person lets it go on.
    Resume { pick: u64, offline: bool },
    /// A person says what a step came to, parked or not; perhaps where no engine runs.
    Settle { pick: u64, verdict: u8, offline: bool },
    /// A signal comes from outside: early or late, to a step or to the run, perhaps under an id that was there.
    Signal { pick: u64, name: u64, step: Option<&'static str>, id: Option<u64>, offline: bool },
    /// Somebody wants a run that has ended to go on: what failed, or also one step, alone or with what follows.
    Retry { pick: u64, how: u8, changed: bool, offline: bool },
    /// Somebody starts the run a second time.
    StartAgain,
    /// Streams are given the time, or told to go on, although nothing is due.
    Nudge { pick: u64, time: bool },
    /// Somebody saves a further revision of a workflow that is called by its name.
    Saved { pick: u64 },
    /// Somebody acts on a task that is over.
    TooLate { pick: u64 },
    /// The next result comes twice.
    Doubled,
    /// The next result never comes, unless its attempt is ended.
    Lost,
    /// Results of the last engine come to this one.
    Late,
}

/// A scenario of a seed.
pub(crate) fn of(seed: u64) -> Scenario {
    let mut rng = Rng::of(seed, "scenario");
    let calm = rng.hits(1, 3);
    let definition = generate::definition(seed, calm);
    around(seed, calm, definition, rng)
}

/// A scenario of a definition that is there.
pub(crate) fn around(seed: u64, calm: bool, definition: Definition, mut rng: Rng) -> Scenario {
    let count = *rng.weighted(&[(1, 0), (4, 3), (4, 8), (1, 20)]);
    let length = *rng.weighted(&[(2, 8), (3, 25), (1, 80)]);
    let mut crashes = 0;
    let mut script: Vec<Planned> = (0..count)
        .map(|_| Planned {
            at: u32::try_from(rng.below(length)).unwrap(),
            what: trouble(&mut rng, calm, &mut crashes),
        })
        .collect();
    // What is called by its name may be saved anew at any time.
    if !definition.library.is_empty() {
        let anew = (0..rng.below(4)).map(|_| Planned {
            at: u32::try_from(rng.below(length.min(10))).unwrap(),
            what: Trouble::Saved { pick: rng.next() },
        });
        script.extend(anew);
    }
    script.sort_by_key(|planned| planned.at);
    let shares = definition.files.values().any(|document| document.to_string().contains("\"concurrency\""));
    let beside = if shares { *rng.weighted(&[(6, 0), (2, 1), (1, 2)]) } else { 0 };
    let again = if calm { 0 } else { *rng.weighted(&[(5, 0), (3, 1), (2, 3)]) };
    let afterwards = (0..again).map(|_| afterwards(&mut rng)).collect();
    Scenario { seed, calm, definition, beside, script, afterwards, patience: u32::MAX }
}

/// Mostly a retry; and what comes too late.
fn afterwards(rng: &mut Rng) -> Trouble {
    let (pick, offline) = (rng.next(), rng.hits(1, 4));
    match rng.below(8) {
        0 => Trouble::Signal { pick, name: rng.next(), step: None, id: None, offline },
        1 => Trouble::Cancel { pick, offline, force: rng.hits(1, 2) },
        2 => Trouble::Pause { pick, offline, now: false },
        _ => {
            let how = *rng.weighted(&[(3, 0), (2, 1), (2, 2)]);
            Trouble::Retry { pick, how, changed: rng.hits(1, 4), offline }
        }
    }
}

/// An attempt is repeated ten times, so there are fewer crashes where it has to come to its end.
const CRASHES: u32 = 9;

fn trouble(rng: &mut Rng, calm: bool, crashes: &mut u32) -> Trouble {
    let many = calm && *crashes >= CRASHES;
    let then = if rng.hits(1, 2) && !many { Then::Crash } else { Then::GoOn };
    let nth = rng.between(1, 12);
    let pick = rng.next();
    let quiet = &[
        (3, 0),
        (2, 1),
        (2, 2),
        (2, 3),
        (1, 4),
        (1, 5),
        (1, 6),
        (1, 7),
        (1, 8),
        (1, 9),
        (2, 13),
        (2, 14),
        (4, 15),
        (2, 16),
    ];
    let mut loud = quiet.to_vec();
    loud.extend([(3, 10), (2, 11), (1, 12)]);
    let kind = if calm { *rng.weighted(quiet) } else { *rng.weighted(&loud) };
    let made = match kind {
        1 => Trouble::RefuseAt { point: *rng.pick(&POINTS), nth: rng.between(1, 4), then },
        2 if !many => Trouble::Crash { snapshot: *rng.pick(&[None, None, Some(false), Some(true)]) },
        3 if !many => Trouble::CrashBehindCommit { performed: rng.index(4) },
        4 if !many => Trouble::Leave,
        5 => Trouble::ClockBack { millis: *rng.pick(&[1, 5_000, 3_600_000, 100_000_000]) },
        6 => Trouble::StartAgain,
        7 => Trouble::Nudge { pick, time: rng.hits(1, 2) },
        8 => Trouble::Doubled,
        9 => Trouble::Late,
        10 => Trouble::Cancel { pick, offline: rng.hits(1, 4) && !many, force: rng.hits(1, 4) },
        11 => Trouble::Settle { pick, verdict: u8::try_from(rng.below(3)).unwrap(), offline: rng.hits(1, 4) },
        12 => Trouble::Lost,
        13 => Trouble::Pause { pick, offline: rng.hits(1, 4) && !many, now: rng.hits(1, 2) },
        14 => Trouble::Resume { pick, offline: rng.hits(1, 4) && !many },
        15 => {
            let step = *rng.pick(&[None, None, Some("a0"), Some("b0"), Some("a0[0]")]);
            let id = rng.hits(1, 2).then(|| rng.below(3));
            Trouble::Signal { pick, name: rng.next(), step, id, offline: rng.hits(1, 4) && !many }
        }
        16 => Trouble::TooLate { pick },
        _ => Trouble::Refuse { nth, then },
    };
    let crash = match &made {
        Trouble::Refuse { then, .. } | Trouble::RefuseAt { then, .. } => *then == Then::Crash,
        Trouble::Crash { .. } | Trouble::CrashBehindCommit { .. } | Trouble::Leave => true,
        Trouble::Cancel { offline, .. }
        | Trouble::Settle { offline, .. }
        | Trouble::Signal { offline, .. }
        | Trouble::Retry { offline, .. }
        | Trouble::Pause { offline, .. }
        | Trouble::Resume { offline, .. } => *offline,
        _ => false,
    };
    *crashes += u32::from(crash);
    made
}
