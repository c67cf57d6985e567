//! Does nothing: for the shape of a workflow before its steps, and for measuring all that is around them.

use serde_json::Value;
use stead_core::effect::{AttemptResult, Execute};

use crate::executor::{Control, Executor, Place};

/// Gives back the `value` of its request, at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Noop;

impl Executor for Noop {
    fn name(&self) -> &'static str {
        "noop"
    }

    fn immediate(&self) -> bool {
        true
    }

    fn perform(&self, job: &Execute, _place: &Place, _control: &dyn Control) -> AttemptResult {
        let output = job.request.get("value").cloned().unwrap_or(Value::Null);
        AttemptResult { output: Some(output), ..AttemptResult::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;
    use stead_core::effect::AttemptId;
    use stead_core::ids::StreamId;

    use super::*;
    use crate::executor::NoControl;

    #[test]
    fn it_gives_back_what_it_got() {
        for (request, output) in
            [(json!({"value": [1, {"a": "b"}]}), json!([1, {"a": "b"}])), (json!({}), json!(null))]
        {
            let attempt = AttemptId { stream: StreamId::new("r_1"), path: "a".to_owned(), number: 1 };
            let none = PathBuf::from("/none");
            let place = Place {
                project: none.clone(),
                dir: none.clone(),
                log: none.clone(),
                files: none,
                lent: None,
                trace: None,
            };
            let job = Execute {
                attempt,
                executor: "noop".to_owned(),
                request,
                secrets: Vec::new(),
                key: String::new(),
                once: false,
                again: false,
            };
            let result = Noop.perform(&job, &place, &NoControl);
            assert_eq!(result, AttemptResult { output: Some(output), ..AttemptResult::default() });
        }
    }
}
