//! The last thing done to a plan: a step that produces a document becomes a block.
//!
//! The checks see a step with one action or group, as it was written. What runs is a block of steps that are known
//! already: the action makes a draft, the draft is booked as a version, and a gate accepts it or leads back to the draft.
//! So versions, findings and sign-off need nothing of their own where steps, gates and ways back are told about.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::decode::blank;
use crate::plan::{
    Action, ActionKind, Block, Body, EffectRule, OnReject, Plan, Produces, Production, Step, StepIx, answers,
};

/// Ids inside of a step that produces a document.
const DRAFT: &str = "draft";
const VERSION: &str = "version";
const FINDINGS: &str = "findings";
const ACCEPT: &str = "accept";

/// Makes blocks of all steps that produce something. `reads` says of each step which documents it is built on.
pub(super) fn lower(plan: &mut Plan, reads: &mut HashMap<StepIx, Vec<usize>>) {
    let producing: Vec<(StepIx, Produces)> =
        (0..).zip(&mut plan.steps).filter_map(|(ix, step)| Some((ix, *step.produces.take()?))).collect();
    for (ix, produces) in producing {
        one(plan, ix, produces, reads.remove(&ix).unwrap_or_default());
    }
}

fn one(plan: &mut Plan, ix: StepIx, produces: Produces, reads: Vec<usize>) {
    let Produces { document, accept, ask, tries } = produces;
    let producer = std::mem::replace(&mut plan.steps[ix as usize].body, Body::Block(Block::default()));
    let timed = match &producer {
        Body::Action(action) => action.timeout.clone(),
        Body::Block(_) => None,
    };
    let mut block = Block::default();
    let name = plan.documents[document].name.clone();
    let mut production = Production { document, name, tries, reads, ask: None, accept: None };
    let draft = add(plan, ix, &mut block, DRAFT, producer, &[]);
    beneath(plan, ix, draft);
    let version = ActionKind::Version;
    let retry = crate::decode::retry_default();
    let version =
        Action { name: VERSION, kind: version, retry, timeout: timed.and(None), effect: EffectRule::None };
    add(plan, ix, &mut block, VERSION, Body::Action(version), &[Production::DRAFT]);
    if let Some(ask) = ask {
        production.ask = Some(block.steps.len());
        add(plan, ix, &mut block, FINDINGS, Body::Action(*ask), &[Production::VERSION]);
    }
    if let Some(mut accept) = accept {
        if let ActionKind::People(people) = &mut accept.kind
            && let OnReject::Redo { step, .. } = &mut people.on_reject
        {
            *step = Production::DRAFT;
        }
        let before = block.steps.len() - 1;
        production.accept = Some(block.steps.len());
        add(plan, ix, &mut block, ACCEPT, Body::Action(*accept), &[before]);
    }
    block.own = block.steps.len();
    block.production = Some(Box::new(production));
    plan.steps[ix as usize].body = Body::Block(block);
}

/// Enters a step into a block that is being made.
fn add(plan: &mut Plan, parent: StepIx, block: &mut Block, id: &str, body: Body, needs: &[usize]) -> StepIx {
    let ix = StepIx::try_from(plan.steps.len()).unwrap_or(StepIx::MAX);
    let path = format!("{}/{id}", plan.steps[parent as usize].path);
    let finally = false;
    plan.steps.push(Step {
        id: id.to_owned(),
        path,
        needs: needs.to_vec(),
        finally,
        body,
        ..blank(Some(parent))
    });
    let position = block.steps.len();
    for need in needs {
        plan.steps[block.steps[*need] as usize].needed_by.push(position);
    }
    block.steps.push(ix);
    block.by_id.insert(id.to_owned(), position);
    ix
}

/// What stood in a step stands in its draft now.
fn beneath(plan: &mut Plan, ix: StepIx, draft: StepIx) {
    let before = format!("{}/", plan.steps[ix as usize].path);
    let after = format!("{}/", plan.steps[draft as usize].path);
    let inside: Vec<usize> =
        (0..plan.steps.len()).filter(|at| *at != draft as usize && is_inside(plan, *at, ix)).collect();
    for at in inside {
        let step = &mut plan.steps[at];
        if let Some(rest) = step.path.strip_prefix(&before) {
            step.path = format!("{after}{rest}");
        }
        if step.parent == Some(ix) {
            step.parent = Some(draft);
        }
    }
}

fn is_inside(plan: &Plan, at: usize, of: StepIx) -> bool {
    std::iter::successors(plan.steps[at].parent, |up| plan.steps[*up as usize].parent).any(|up| up == of)
}

/// What people are asked about a version that misses its schema.
pub(crate) fn questions() -> Value {
    json!([
        {
            "id": answers::DECISION, "text": "What is to become of it?", "answer_type": "choice", "required": true,
            "choices": [answers::RETRY, answers::TAKE, answers::ABANDON],
            "why_it_matters": "retry: another version is made, and its producer is told what you say. take: it is taken as it is. abandon: the step fails.",
        },
        {"id": answers::COMMENT, "text": "What is its producer to be told?", "priority": "could", "required": false},
    ])
}
