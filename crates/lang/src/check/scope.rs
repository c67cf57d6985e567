//! Which names an expression sees, by where it stands.

use crate::decode::{Decoded, Role};
use crate::expr::Type;
use crate::plan::{Each, StepIx};

use super::order::{Lack, Order, Reach, Reading, block};

/// What is around the steps of a block: one for each block from the document's inwards.
pub(crate) struct Frame<'f> {
    /// The frame around it.
    pub(crate) outer: Option<&'f Frame<'f>>,
    /// The step whose block it is.
    pub(crate) parent: Option<StepIx>,
    /// Names that the iteration of that step gives.
    pub(crate) bindings: Vec<(String, Type)>,
    /// Steps that the condition of that step knows to be completed.
    pub(crate) guards: Vec<String>,
}

impl<'f> Frame<'f> {
    /// The same frame with one more name.
    pub(crate) fn with(&self, name: &str, ty: Type) -> Frame<'f> {
        let mut bindings = self.bindings.clone();
        bindings.push((name.to_owned(), ty));
        Frame { outer: self.outer, parent: self.parent, bindings, guards: self.guards.clone() }
    }
}

impl Frame<'_> {
    /// This frame and those around it.
    pub(crate) fn outwards(&self) -> impl Iterator<Item = &Frame<'_>> {
        std::iter::successors(Some(self), |frame| frame.outer)
    }

    /// The innermost loop.
    pub(crate) fn looped(&self, decoded: &Decoded<'_>) -> Option<StepIx> {
        self.outwards().filter_map(|f| f.parent).find(|&ix| is_loop(decoded, ix))
    }
}

/// Whether a step is a loop.
pub(crate) fn is_loop(decoded: &Decoded<'_>, ix: StepIx) -> bool {
    matches!(decoded.plan.steps[ix as usize].each, Some(Each::Loop { .. }))
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'s> {
    /// The frame of the block its step stands in; none for the head.
    pub(crate) frame: Option<&'s Frame<'s>>,
    /// The step; none for the head and the outputs of the document.
    pub(crate) step: Option<StepIx>,
    /// The key.
    pub(crate) role: Role,
}

/// What `steps.ID` means somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// This step, so many blocks out.
    Step { ix: StepIx, up: u32, lack: Option<Lack> },
    /// The step itself, in this iteration or instance.
    ThisOne { ix: StepIx, lack: Option<Lack> },
    /// The step itself, which is not done yet.
    Itself,
    /// A step around this one, which is not done yet.
    Around(StepIx),
    /// A step of a block in reach that comes later or beside.
    NotBefore(StepIx),
    /// A step of the `finally` of a block in reach.
    AtTheEnd(StepIx),
    /// A step inside of another one.
    Inside(StepIx),
    /// There is no such step.
    Nothing,
}

impl Spot<'_> {
    /// The blocks in reach, inner ones first: whose they are, and which of their steps are.
    fn levels<'o>(&self, order: &'o Order) -> Vec<(Option<StepIx>, Option<&'o Reach>)> {
        let mut levels = Vec::new();
        match (self.role, self.step) {
            (Role::Head | Role::Var(_) | Role::Times | Role::Hook, _) => return levels,
            // The inside of the block as a whole.
            (Role::Until | Role::Outputs, inside) => levels.push((inside, None)),
            _ => {}
        }
        let mut step = self.step;
        for frame in self.frame.into_iter().flat_map(Frame::outwards) {
            if let Some(ix) = step {
                levels.push((frame.parent, Some(&order.reach[ix as usize])));
            }
            step = frame.parent;
        }
        levels
    }

    /// What an id means here.
    pub(crate) fn find(&self, id: &str, decoded: &Decoded<'_>, order: &Order) -> Found {
        let own = self.step.filter(|&ix| decoded.plan.steps[ix as usize].id == id);
        if let Some(ix) = own {
            return match self.role {
                Role::Until if block(&decoded.plan, Some(ix)).is_none() => Found::ThisOne { ix, lack: None },
                Role::Undo | Role::Next => Found::ThisOne { ix, lack: None },
                Role::Verify => Found::ThisOne { ix, lack: Some(Lack::UnderWay) },
                _ => Found::Itself,
            };
        }
        let levels = self.levels(order);
        // Blocks are counted from that of the step; what is inside of it is none.
        let inner = levels.iter().take_while(|(_, reach)| reach.is_none()).count();
        for (at, (parent, reach)) in levels.iter().enumerate() {
            let Some(block) = block(&decoded.plan, *parent) else { continue };
            let Some(&position) = block.by_id.get(id) else { continue };
            let ix = block.steps[position];
            let around = self.frame.into_iter().flat_map(Frame::outwards).any(|f| f.parent == Some(ix));
            if around {
                return Found::Around(ix);
            }
            let (reading, up) = match reach {
                None => (order.reading_from_the_end(*parent, block, position), 0),
                Some(reach) => (reach.reading(position), (at - inner) as u32),
            };
            return match reading {
                Reading::Sure => Found::Step { ix, up, lack: None },
                Reading::Unsure(lack) => Found::Step { ix, up, lack: Some(lack) },
                Reading::Not if position >= block.own => Found::AtTheEnd(ix),
                Reading::Not => Found::NotBefore(ix),
            };
        }
        match order.named.get(id).and_then(|steps| steps.first()) {
            Some(&ix) => Found::Inside(ix),
            None => Found::Nothing,
        }
    }

    /// All steps that may be read here.
    pub(crate) fn visible(&self, decoded: &Decoded<'_>, order: &Order) -> Vec<StepIx> {
        let mut visible = Vec::new();
        for (parent, reach) in self.levels(order) {
            let Some(block) = block(&decoded.plan, parent) else { continue };
            let steps = block.steps.iter().enumerate();
            let reading = |at| match reach {
                None => order.reading_from_the_end(parent, block, at),
                Some(reach) => reach.reading(at),
            };
            visible.extend(steps.filter(|(at, _)| reading(*at) != Reading::Not).map(|(_, &ix)| ix));
        }
        if let Some(ix) = self.step {
            let action = block(&decoded.plan, Some(ix)).is_none();
            if self.role == Role::Until && action
                || matches!(self.role, Role::Undo | Role::Verify | Role::Next)
            {
                visible.push(ix);
            }
        }
        visible
    }

    /// The loop whose iteration before is `previous` here.
    pub(crate) fn looped(&self, decoded: &Decoded<'_>) -> Option<StepIx> {
        let inside = self.role.is_inside();
        let own = self.step.filter(|&ix| inside && is_loop(decoded, ix));
        own.or_else(|| self.frame.and_then(|f| f.looped(decoded)))
    }
}
