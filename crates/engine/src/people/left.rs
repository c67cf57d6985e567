//! What a change of the people leaves behind: tasks that nobody may act on any more, or that somebody has claimed who
//! is gone.

use stead_core::Time;
use stead_core::people::Register;
use stead_core::task::TaskHead;
use stead_store::Reader;
use stead_store::tasks::TaskFilter;

use super::LeftTask;
use crate::error::EngineError;
use crate::limits;
use crate::tasks::is_gone;

/// Open tasks that nobody of the register may act on, and those that one who was removed has claimed: the oldest
/// first, as far as so many are looked at.
pub(super) fn left<R: Reader>(
    reader: &mut R,
    register: &Register,
    now: Time,
) -> Result<Vec<LeftTask>, EngineError> {
    let filter = TaskFilter { open: Some(true), limit: limits::TASKS_LOOKED_AT, ..TaskFilter::default() };
    let mut found = Vec::new();
    for listed in reader.tasks(&filter)? {
        let head = listed.head;
        let claimed = head.claimed.as_ref().filter(|(_, until)| *until > now);
        let held = claimed.filter(|(who, _)| is_gone(register, who)).cloned();
        let nobody = !somebody(register, &head);
        if nobody || held.is_some() {
            let (run, path, title) = (head.origin.run, head.origin.path, head.title);
            found.push(LeftTask { task: listed.task, run, path, title, nobody, held });
        }
    }
    Ok(found)
}

/// Whether anybody may act on a task.
fn somebody(register: &Register, head: &TaskHead) -> bool {
    let project = &head.origin.project;
    let may = |user: String| match register.actor(&user, project) {
        Ok(actor) => !head.not.iter().any(|who| actor.is(who)),
        Err(_) => false,
    };
    head.to.iter().any(|selector| register.who(selector, project).into_iter().any(may))
}
