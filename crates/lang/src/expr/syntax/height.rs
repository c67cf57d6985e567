//! Bounds on the height of a tree before it is built.

/// How high the tree under a bracket can be. Operators of one rank follow each other to the left, so each
/// of them adds one; `&&` and `||` are balanced by the parser.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Height {
    /// Of the elements so far, the highest.
    pub(super) done: usize,
    /// Of the chains of this element, the highest.
    chains: usize,
    pub(super) logical: bool,
    pub(super) choices: usize,
    /// Of the operands of this chain, the highest.
    operands: usize,
    pub(super) operators: usize,
    /// Of this operand: what is in its brackets, and the members after it.
    pub(super) inner: usize,
    pub(super) members: usize,
}

impl Height {
    pub(super) fn end_operand(&mut self) {
        self.operands = self.operands.max(self.inner + self.members);
        self.inner = 0;
        self.members = 0;
    }

    pub(super) fn end_chain(&mut self) {
        self.end_operand();
        self.chains = self.chains.max(self.operands + self.operators);
        self.operands = 0;
        self.operators = 0;
    }

    pub(super) fn end_element(&mut self) {
        /// 4 KiB of `a||a||…` make a balanced tree of eleven levels.
        const BALANCED: usize = 11;
        self.end_chain();
        let height = self.chains + self.choices + usize::from(self.logical) * BALANCED;
        *self = Height { done: self.done.max(height), ..Height::default() };
    }
}
