//! Who asks: what a process says of itself, and what is known of it.

use std::sync::OnceLock;

use crate::access::Proof;
use serde::{Deserialize, Serialize};
use stead_core::ids::StreamId;
use stead_core::limits;
use stead_platform::process::inherited;
use stead_platform::{peer, users};

/// The variables by which a step's programs know where they belong.
const MARKS: [&str; 2] = ["STEAD_RUN", "STEAD_STEP"];

/// Letters of a run's id that are looked at.
const RUN_CHARS: usize = 64;
/// Steps around a process that are looked at.
const STEPS: usize = 16;

/// Who asks for an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The name under which they want to act, where they say one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The step that has started the process, and those around it, the nearest first: a program of a step may start runs
    /// of its own, or say that it is of another run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What was found by what they carry. Nobody can say so of themselves.
    #[serde(skip)]
    pub(crate) proof: Option<Proof>,
}

/// A step that has started a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its run.
    pub run: StreamId,
    /// Its path.
    pub path: String,
}

impl Step {
    /// As an environment names it, of which anybody may have written anything.
    fn named(run: &str, path: &str) -> Self {
        let run: String =
            run.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(RUN_CHARS).collect();
        let path = path.chars().filter(|c| !c.is_control()).take(limits::PATH_BYTES).collect();
        Self { run: StreamId::new(&run), path }
    }

    /// The steps that have started a process and its ancestors, the nearest first.
    pub(crate) fn around(process: u32) -> Vec<Self> {
        let found = inherited(process, MARKS).into_iter().filter(|[run, _]| !run.is_empty());
        found.take(STEPS).map(|[run, path]| Self::named(&run, &path)).collect()
    }

    /// Its name in the history.
    pub(crate) fn id(&self) -> String {
        format!("agent:{}/{}", self.run, self.path)
    }
}

impl Caller {
    /// This process, acting under a name of its own choice where one is given.
    pub fn here(wanted: Option<String>) -> Self {
        let mut steps = Step::around(std::process::id());
        // What is not in `/proc`, on a system without one.
        if steps.is_empty()
            && let Ok(run) = std::env::var(MARKS[0])
            && !run.is_empty()
        {
            steps.push(Step::named(&run, &std::env::var(MARKS[1]).unwrap_or_default()));
        }
        Self { wanted, steps, proof: None }
    }

    /// A process of the system's user: one that wants a name, or a program of these steps.
    pub fn new(wanted: Option<String>, steps: Vec<Step>) -> Self {
        Self { wanted, steps, proof: None }
    }

    /// Somebody who is known by what they carry, and by nothing else.
    pub(crate) fn proven(proof: Proof) -> Self {
        Self { proof: Some(proof), ..Self::default() }
    }

    /// With what is known of the process at the other end of a connection, which goes before what it says: it may have
    /// left out where it comes from.
    pub(crate) fn from(self, known: &[Step]) -> Self {
        let mut steps = known.to_vec();
        let said = self.steps.iter().take(STEPS).map(|step| Step::named(step.run.as_str(), &step.path));
        steps.extend(said.filter(|step| !known.contains(step)));
        Self { steps, ..self }
    }

    /// The id of the key by which they are known.
    pub(crate) fn key(&self) -> Option<&str> {
        match &self.proof {
            Some(Proof::Key(id)) => Some(id),
            _ => None,
        }
    }

    /// The step whose program it is.
    pub(crate) fn step(&self) -> Option<&Step> {
        self.steps.first()
    }
}

/// What the system calls the user of this process.
pub(crate) fn system_user() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let user = peer::own_user();
        users::name_of(user).unwrap_or_else(|| format!("uid{user}"))
    })
}
