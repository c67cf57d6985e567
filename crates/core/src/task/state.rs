//! How a task stands, and which input each status takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{ANSWERS, Event, FORM, HANDED, QUESTIONS, Released, SHOWN};
use super::words::{Asked, Ended, Escalate, OnTimeout, Origin, TaskKind};
use crate::Time;
use crate::ids::StreamId;
use crate::limits;
use crate::value::{Payload, ValueRef};

/// Number of the format of snapshots. Raised with every change of what is stored.
pub const TASK_SNAPSHOT_FORMAT: u32 = 1;

/// Status of a task.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Nothing is known of it yet.
    #[default]
    Pending,
    /// Anybody who may can act.
    Open,
    /// Somebody works on it.
    Claimed,
    /// It is decided, or answered.
    Completed,
    /// Nobody acted in time.
    TimedOut,
    /// Its run does not want it any more.
    Withdrawn,
}

/// What a task is asked to do, without what comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asks {
    /// A run opens it.
    Open,
    /// Its run does not want it any more.
    Withdraw,
    /// Somebody wants to work on it alone.
    Claim,
    /// Somebody gives it back.
    Release,
    /// Somebody hands in a decision or answers.
    Submit,
    /// Somebody will not act.
    Skip,
    /// Somebody gives their part to somebody else.
    Delegate,
    /// Whoever has it is not among the people any more.
    Gone,
    /// It is as late as is said.
    Time,
}

impl Asks {
    /// All of them.
    pub const ALL: &'static [Asks] = &[
        Asks::Open,
        Asks::Withdraw,
        Asks::Claim,
        Asks::Release,
        Asks::Submit,
        Asks::Skip,
        Asks::Delegate,
        Asks::Gone,
        Asks::Time,
    ];
}

/// What becomes of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taken {
    /// It is looked at further, and leads to one of these statuses where nothing else is against it.
    To(&'static [TaskStatus]),
    /// It changes nothing: it came before, or does not matter any more.
    Nothing,
    /// Whoever asks is told that it cannot be.
    Refused,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: &'static [TaskStatus] = &[
        TaskStatus::Pending,
        TaskStatus::Open,
        TaskStatus::Claimed,
        TaskStatus::Completed,
        TaskStatus::TimedOut,
        TaskStatus::Withdrawn,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskStatus::Pending => "pending",
            TaskStatus::Open => "open",
            TaskStatus::Claimed => "claimed",
            TaskStatus::Completed => "completed",
            TaskStatus::TimedOut => "timed_out",
            TaskStatus::Withdrawn => "withdrawn",
        }
    }

    /// Whether it is over.
    pub fn is_end(self) -> bool {
        matches!(self, TaskStatus::Completed | TaskStatus::TimedOut | TaskStatus::Withdrawn)
    }

    /// The table of transitions: what a status makes of an input.
    pub fn takes(self, asks: Asks) -> Taken {
        use TaskStatus::{Claimed, Completed, Open, Pending, TimedOut, Withdrawn};
        let open = matches!(self, Open | Claimed);
        match asks {
            // The same opening twice counts once.
            Asks::Open if self == Pending => Taken::To(&[Open]),
            Asks::Open => Taken::Nothing,
            // One that is over has told its end already.
            Asks::Withdraw if open => Taken::To(&[Withdrawn]),
            Asks::Withdraw => Taken::Nothing,
            // Again by whoever has it: that is heard of them.
            Asks::Claim if open => Taken::To(&[Claimed]),
            Asks::Release if self == Claimed => Taken::To(&[Open]),
            Asks::Submit if open => Taken::To(&[Open, Claimed, Completed]),
            Asks::Skip if open => Taken::To(&[Open, Claimed]),
            Asks::Delegate if open => Taken::To(&[Open, Claimed]),
            Asks::Gone if self == Claimed => Taken::To(&[Open]),
            Asks::Gone => Taken::Nothing,
            Asks::Time if open => Taken::To(&[Open, Claimed, Completed, TimedOut]),
            Asks::Time => Taken::Nothing,
            Asks::Claim | Asks::Release | Asks::Submit | Asks::Skip | Asks::Delegate => Taken::Refused,
        }
    }
}

impl std::fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for TaskStatus {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        TaskStatus::ALL.iter().copied().find(|status| status.as_str() == word).ok_or(())
    }
}

/// What was asked, with its values by reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Asked`")]
pub struct Question {
    pub kind: TaskKind,
    pub origin: Origin,
    pub title: String,
    pub shown: ValueRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ValueRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<ValueRef>,
    pub version: String,
    pub by: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    pub quorum: u32,
    pub rejects: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// Who works on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// Who.
    pub by: String,
    /// Until when, if nothing more is heard of them.
    pub until: Time,
}

/// What somebody has handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Who.
    pub by: String,
    /// When.
    pub at: Time,
    /// The decision, of a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<bool>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The form, or the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ValueRef>,
    /// What was shown to them.
    pub version: String,
}

/// All there is to know of a task between two turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskState {
    /// The task's id.
    pub id: StreamId,
    /// Number of the last event.
    pub seq: u64,
    /// Time of the last event; never goes back.
    pub at: Time,
    /// Status.
    pub status: TaskStatus,
    /// What is asked, once it is.
    pub asked: Option<Box<Question>>,
    /// When it was opened.
    pub opened_at: Time,
    /// When it ended, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<(Time, Ended)>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// What was handed in, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submissions: Vec<Submission>,
    /// Parts given to somebody else: from whom, to whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegated: Vec<(String, String)>,
    /// Those who will not act, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<(String, String)>,
    /// These may act as well, since it was escalated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<Vec<String>>,
    /// How often it was reminded of.
    #[serde(default)]
    pub reminded: u32,
    /// When that was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Time>,
    /// The first event that does not follow from those before it, and why.
    #[serde(skip)]
    misfit: Option<Box<(u64, String)>>,
}

impl TaskState {
    /// A task of which nothing is known yet.
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            seq: 0,
            at: 0,
            status: TaskStatus::Pending,
            asked: None,
            opened_at: 0,
            ended: None,
            claim: None,
            submissions: Vec::new(),
            delegated: Vec::new(),
            skipped: Vec::new(),
            escalated: None,
            reminded: 0,
            reminded_at: None,
            misfit: None,
        }
    }

    /// The first event that does not follow from those before it: its number, and why.
    pub fn misfit(&self) -> Option<(u64, &str)> {
        self.misfit.as_deref().map(|misfit| (misfit.0, &*misfit.1))
    }

    /// What somebody has handed in; of one who did so twice, which cannot be, the first.
    pub fn submission_of(&self, user: &str) -> Option<&Submission> {
        self.submissions.iter().find(|submission| submission.by == user)
    }

    /// How many have accepted, and how many rejected.
    pub fn votes(&self) -> (u32, u32) {
        let count = |accept| {
            let all = self.submissions.iter().filter(|one| one.accept == Some(accept)).count();
            u32::try_from(all).unwrap_or(u32::MAX)
        };
        (count(true), count(false))
    }

    /// When it does something by itself next, and what: remind, escalate, end a claim, run out of time.
    pub(super) fn timers(&self) -> impl Iterator<Item = (Time, Timer)> {
        let asked = self.asked.as_deref().filter(|_| !self.status.is_end());
        let remind = asked.and_then(|asked| asked.remind).filter(|_| self.reminded < limits::TASK_REMINDERS);
        let remind =
            remind.map(|every| (after(self.reminded_at.unwrap_or(self.opened_at), every), Timer::Remind));
        let escalate = asked.and_then(|asked| asked.escalate.as_ref()).filter(|_| self.escalated.is_none());
        let escalate = escalate.map(|escalate| (after(self.opened_at, escalate.after), Timer::Escalate));
        let lease = asked.and(self.claim.as_ref()).map(|claim| (claim.until, Timer::Lease));
        let due = asked.and_then(|asked| asked.due_at).map(|at| (at, Timer::Due));
        // Of two at the same moment the time-out goes first: what is over needs no reminder.
        [due, lease, escalate, remind].into_iter().flatten()
    }

    /// When the next timer is due.
    pub fn due(&self) -> Option<Time> {
        self.timers().map(|(at, _)| at).min()
    }

    fn note_misfit(&mut self, why: String) {
        if self.misfit.is_none() {
            self.misfit = Some(Box::new((self.seq, why)));
        }
    }

    fn expect_open(&mut self, open: bool) {
        let is_open = matches!(self.status, TaskStatus::Open | TaskStatus::Claimed);
        if open != is_open || (!open && self.status != TaskStatus::Pending) {
            let status = self.status;
            self.note_misfit(format!("the task is {status}"));
        }
    }

    /// Books an event that happened at `at`.
    pub fn apply(&mut self, event: &Event, at: Time) {
        self.seq += 1;
        self.at = self.at.max(at);
        let at = self.at;
        self.expect_open(!matches!(event, Event::TaskOpened { .. }));
        match event {
            Event::TaskOpened { asked } => {
                self.status = TaskStatus::Open;
                self.opened_at = at;
                self.asked = Some(Box::new(self.question(asked)));
            }
            Event::TaskClaimed { by, until } => {
                self.status = TaskStatus::Claimed;
                self.claim = Some(Claim { by: by.clone(), until: *until });
            }
            Event::TaskReleased { .. } => self.release(),
            Event::TaskDelegated { by, to } => {
                self.delegated.push((by.clone(), to.clone()));
                self.release_of(by);
            }
            Event::TaskSkipped { by, reason } => {
                self.skipped.retain(|(who, _)| who != by);
                self.skipped.push((by.clone(), reason.clone()));
                self.release_of(by);
            }
            Event::TaskDecided { by, accept, comment, form, version } => {
                let form = form.as_ref().map(|form| self.reference(form, HANDED));
                self.handed(by, Some(*accept), comment, form, version);
            }
            Event::TaskAnswered { by, answers, comment, version } => {
                let form = Some(self.reference(answers, ANSWERS));
                self.handed(by, None, comment, form, version);
            }
            Event::TaskReminded { number } => {
                self.reminded = *number;
                self.reminded_at = Some(at);
            }
            Event::TaskEscalated { to } => self.escalated = Some(to.clone()),
            Event::TaskEnded { ended } => {
                self.status = match ended {
                    Ended::Accepted | Ended::Rejected | Ended::Answered => TaskStatus::Completed,
                    Ended::TimedOut => TaskStatus::TimedOut,
                    Ended::Withdrawn => TaskStatus::Withdrawn,
                };
                self.claim = None;
                self.ended = Some((at, *ended));
            }
        }
    }

    fn handed(
        &mut self,
        by: &str,
        accept: Option<bool>,
        comment: &str,
        form: Option<ValueRef>,
        version: &str,
    ) {
        if self.submission_of(by).is_some() {
            self.note_misfit(format!("{by} has handed in twice"));
        }
        self.skipped.retain(|(who, _)| who != by);
        let (by, comment, version) = (by.to_owned(), comment.to_owned(), version.to_owned());
        self.release_of(&by);
        self.submissions.push(Submission { by, at: self.at, accept, comment, form, version });
    }

    fn release(&mut self) {
        self.claim = None;
        if self.status == TaskStatus::Claimed {
            self.status = TaskStatus::Open;
        }
    }

    fn release_of(&mut self, by: &str) {
        if self.claim.as_ref().is_some_and(|claim| claim.by == by) {
            self.release();
        }
    }

    fn question(&self, asked: &Asked) -> Question {
        Question {
            kind: asked.kind,
            origin: asked.origin.clone(),
            title: asked.title.clone(),
            shown: self.reference(&asked.shown, SHOWN),
            form: asked.form.as_ref().map(|form| self.reference(form, FORM)),
            questions: asked.questions.as_ref().map(|all| self.reference(all, QUESTIONS)),
            version: asked.version.clone(),
            by: asked.by.clone(),
            not: asked.not.clone(),
            quorum: asked.quorum,
            rejects: asked.rejects,
            remind: asked.remind,
            escalate: asked.escalate.clone(),
            due_at: asked.due_at,
            on_timeout: asked.on_timeout,
        }
    }

    fn reference(&self, payload: &Payload, at: &'static str) -> ValueRef {
        ValueRef::to(payload, self.seq, || at.into())
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// None that can be caused: the state is plain data.
    pub fn snapshot(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The state from bytes of [`TASK_SNAPSHOT_FORMAT`].
    ///
    /// # Errors
    /// When the bytes are no such snapshot.
    pub fn from_snapshot(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}

/// What a task does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Those who may act are reminded.
    Remind,
    /// Others may act as well.
    Escalate,
    /// Nothing was heard of whoever has it.
    Lease,
    /// It is out of time.
    Due,
}

fn after(at: Time, millis: u64) -> Time {
    at.saturating_add_unsigned(millis)
}

/// Whether a release was by whoever had it.
impl Released {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Released::GivenBack => "given back",
            Released::LeaseOver => "nothing was heard for too long",
            Released::Taken => "taken back",
        }
    }
}
