//! Who decided an earlier instance of a gate: of an earlier iteration or visit, or before a rejection began it again.
//!
//! It is asked for by `not: [deciders]`. Earlier instances may be forgotten by then, so whoever had a part in a gate
//! that asks for it is kept with the run, under the gate's path without numbers: items of a `foreach` are gates apart.

use super::state::RunState;
use crate::limits;
use crate::path;

impl RunState {
    /// Whether it can be remembered who decides at a gate.
    pub(super) fn remembers(&self, gate: &str) -> bool {
        self.deciders.len() < limits::DECIDERS || self.deciders.contains_key(&*path::place(gate))
    }

    /// Who decided earlier instances of a gate.
    pub(super) fn deciders(&self, gate: &str) -> Vec<String> {
        let all = self.deciders.get(&*path::place(gate));
        all.into_iter().flatten().map(ToString::to_string).collect()
    }

    pub(super) fn note_deciders(&mut self, gate: &str, by: &[String]) {
        if by.is_empty() {
            return;
        }
        let all = self.deciders.entry(path::place(gate).into()).or_default();
        for who in by {
            if !all.iter().any(|known| **known == **who) {
                all.push(who.as_str().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StreamId;

    #[test]
    fn p11_gates_that_remember_who_decided_are_bounded() {
        let mut state = RunState::new(StreamId::new("r_x"));
        let by = ["user:ana".to_owned()];
        for n in 0..limits::DECIDERS {
            let gate = format!("each[{n}]/ship~2");
            assert!(state.remembers(&gate));
            state.note_deciders(&gate, &by);
        }
        assert!(!state.remembers("each[more]/ship"));
        // Those that are known stay so.
        assert!(state.remembers("each[7]/ship~3"));
        assert_eq!(state.deciders("each[7]/ship~3"), by);
    }
}
