//! Lists of tasks: inboxes, what somebody has acted on, what a run waits for.
//!
//! Rows are written with the task's turns, so that an inbox is never ahead of the journal nor behind it.

use stead_core::ids::StreamId;
use stead_core::people::fold;
use stead_core::task::TaskHead;

/// A task in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTask {
    /// The task.
    pub task: StreamId,
    /// What lists show.
    pub head: TaskHead,
}

/// Which tasks. What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only open ones that one of these may act on: selectors as definitions name people. Whom `not` leaves out is
    /// the caller's to see.
    pub to: Vec<String>,
    /// Only those on which one of these has acted.
    pub acted: Vec<String>,
    /// Only open ones, or only those that are over.
    pub open: Option<bool>,
    /// Only those of this run.
    pub run: Option<StreamId>,
    /// Only those of the runs with this one at the top, itself among them.
    pub top: Option<StreamId>,
    /// Only those whose id begins so.
    pub prefix: Option<String>,
    /// The newest first, else the oldest.
    pub newest_first: bool,
    /// Only those that come after this one in the list: the next page. Nothing comes after one that is not known.
    pub after: Option<StreamId>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

impl TaskFilter {
    /// Whether a task passes; limit and page aside.
    pub fn passes(&self, task: &StreamId, head: &TaskHead) -> bool {
        let open = !head.status.is_end();
        (self.to.is_empty() || (open && any(&self.to, &head.to)))
            && (self.acted.is_empty() || any(&self.acted, &head.acted))
            && self.open.is_none_or(|wanted| wanted == open)
            && self.run.as_ref().is_none_or(|run| head.origin.run == *run)
            && self.top.as_ref().is_none_or(|top| head.origin.top == *top)
            && self.prefix.as_ref().is_none_or(|prefix| task.as_str().starts_with(prefix.as_str()))
    }
}

fn any(wanted: &[String], there: &[String]) -> bool {
    wanted.iter().any(|wanted| there.iter().any(|one| fold(one) == fold(wanted)))
}
