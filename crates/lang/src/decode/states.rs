//! States: where they lead.

use super::values::VISITS;
use super::{Decoder, Fields, Goal, Role, Slot, Way};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys;
use crate::plan::{Body, OnError, Step, StepIx, Target, Transition};
use crate::tree::{Node, Shape};

impl<'t> Decoder<'t, '_> {
    /// `on_error`: a word, or where a failure of a state leads.
    pub(super) fn on_error(&self, node: Node<'t>, ix: StepIx, state: bool) -> OnError {
        if node.shape() != Shape::Map {
            return match self.word(node, "`on_error`", &["stop", "continue"]) {
                Some("continue") => OnError::Continue,
                _ => OnError::Stop,
            };
        }
        let Some(fields) = self.fields(node, "`on_error`", &[keys::CAUGHT]) else { return OnError::Stop };
        let Some(entry) = fields.node().entry("go") else { return OnError::Stop };
        if !state {
            let message = "`go` has no place here: only states lead somewhere";
            let help = "use `on_error: continue` and read the step's status, or make the steps `states`";
            self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            return OnError::Stop;
        }
        let Some(goal) = self.goal(entry.value) else {
            self.steps.borrow_mut()[ix as usize].1.astray = true;
            return OnError::Stop;
        };
        self.steps.borrow_mut()[ix as usize].1.caught = Some(goal);
        // Which state that is, is known once all of them are.
        OnError::Go(Target::Fail)
    }

    fn goal(&self, node: Node<'t>) -> Option<Goal<'t>> {
        self.text(node, "a state").map(|text| (text, node))
    }

    /// `next` of a state; that nothing else has one; and what a state does not have.
    pub(super) fn transitions(&self, fields: &Fields<'t>, step: &mut Step, ix: StepIx, state: bool) {
        let written = fields.node().entry("next");
        if !state {
            if let Some(entry) = written {
                let message = "`next` has no place here: only states lead somewhere";
                let help = "the next step of a list follows by itself; make the steps `states` to leap";
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
            return;
        }
        for key in ["needs", "if"] {
            if let Some(entry) = fields.node().entry(key) {
                let message = format!("a state has no `{key}`");
                let help =
                    "what leads to it settles when it is its turn: put the condition into `next` there";
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
        }
        if ends(step) {
            let message = |key: &str| format!("`{key}` has no place in a state that ends with its action");
            if let Some(entry) = written {
                let help = "remove `next`: it is never looked at";
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message("next")).help(help));
            }
            if let (Some(entry), OnError::Continue) = (fields.node().entry("on_error"), step.on_error) {
                let help = "remove it, or say `on_error: { go: STATE }`";
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message("on_error")).help(help));
            }
            return;
        }
        let (next, goals) = match fields.get("next") {
            Some(node) => self.next(node, ix),
            // What was to be used was not found, and may have it.
            None if fields.get("use").is_some() => (Vec::new(), Vec::new()),
            None => {
                let help = "say where it leads: a state, `end` or `fail`, or a list of `{when, go}`";
                self.push(
                    Diagnostic::at_start(codes::MISSING_KEY, fields.node(), "a state needs `next`")
                        .help(help),
                );
                (Vec::new(), Vec::new())
            }
        };
        let notes = &mut self.steps.borrow_mut()[ix as usize].1;
        notes.astray |= goals.is_empty() || goals.iter().any(|way| way.goal.is_none());
        notes.next = goals;
        step.next = next;
    }

    fn next(&self, node: Node<'t>, ix: StepIx) -> (Vec<Transition>, Vec<Way<'t>>) {
        let way = |go| Transition { when: None, go, max: None };
        match node.shape() {
            Shape::List => {}
            Shape::Map => {
                self.wrong_type(node, "`next` is a state or a list of `{when, go}`");
                return (Vec::new(), Vec::new());
            }
            _ => {
                let goal = self.goal(node);
                return (vec![way(Target::Fail)], vec![Way { node, goal, always: true }]);
            }
        }
        if node.items().len() == 0 {
            let problem = Diagnostic::at(codes::EMPTY_VALUE, node, "the state leads nowhere");
            self.push(problem.help("give it an entry: `- { go: end }`"));
        }
        let slot = Slot::new(Some(ix), Role::Next);
        let ways = node.items().map(|node| {
            let Some(fields) = self.fields(node, "an entry of `next`", &[keys::NEXT]) else {
                return (way(Target::Fail), Way { node, goal: None, always: false });
            };
            let goal = fields.get("go").and_then(|n| self.goal(n));
            let when = fields.get("when").and_then(|n| self.condition(n, "`when`", slot));
            let max = fields.get("max").and_then(|n| self.integer(n, "`max`", VISITS, slot));
            let always = node.get("when").is_none() && node.get("max").is_none();
            (Transition { when, go: Target::Fail, max }, Way { node, goal, always })
        });
        ways.unzip()
    }
}

/// Whether a state is the last one whenever it comes to it: its action ends what is around.
pub(crate) fn ends(step: &Step) -> bool {
    match &step.body {
        Body::Action(action) => matches!(action.name, "fail" | "finish") && step.each.is_none(),
        Body::Block(_) => false,
    }
}
