//! Who asks: what a process says of itself, and what is known of it.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use stead_core::ids::StreamId;
use stead_platform::process::inherited;
use stead_platform::{peer, users};

/// The variables by which a step's programs know where they belong.
const MARKS: [&str; 2] = ["STEAD_RUN", "STEAD_STEP"];

/// Who asks for an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The name under which they want to act, where they say one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The step that has started the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
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
    /// The step that has started a process, or one of its ancestors.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let [run, path] = inherited(process, MARKS)?;
        (!run.is_empty()).then(|| Self { run: StreamId::new(&run), path })
    }

    /// Its name in the history.
    pub(crate) fn id(&self) -> String {
        format!("agent:{}/{}", self.run, self.path)
    }
}

impl Caller {
    /// This process, acting under a name of its own choice where one is given.
    pub fn here(wanted: Option<String>) -> Self {
        let own = MARKS.map(|name| std::env::var(name).ok());
        let step = match own {
            [Some(run), path] if !run.is_empty() => {
                Some(Step { run: StreamId::new(&run), path: path.unwrap_or_default() })
            }
            _ => Step::of(std::process::id()),
        };
        Self { wanted, step }
    }

    /// With what is known of the process at the other end of a connection: it may have left out where it comes from.
    pub(crate) fn from(mut self, step: Option<&Step>) -> Self {
        if self.step.is_none() {
            self.step = step.cloned();
        }
        self
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
