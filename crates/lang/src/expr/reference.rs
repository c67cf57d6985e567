//! What an expression reads: the paths from its free names.

/// A path that an expression reads, as far as it is written out: `steps.fetch.output.title`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The free name it starts from.
    pub root: String,
    /// What follows, outermost first.
    pub path: Vec<Segment>,
    /// Byte offset of the root in the source of the expression.
    pub offset: u32,
    /// Length in bytes up to the end of the path.
    pub len: u32,
    /// The path stands in `has()`: its last segment is asked for, not read.
    pub tested: bool,
    /// Position in `path` of the first segment taken by `.?` or `[?]`.
    pub optional_at: Option<usize>,
    /// A reading of `steps.X.output…` (or `previous.X.output…`) that cannot fail because `X` has none:
    /// it is optional up to there, it is `has(steps.X.output)` itself, or it stands where `X` is known to
    /// be completed. Always `false` for other paths.
    pub guarded: bool,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// `.name` or `["name"]`
    Field(String),
    /// `[3]`
    Index(i64),
    /// `[…]` with anything that is computed.
    Dynamic,
}

impl Reference {
    /// The field at a position of the path, where it is one.
    pub fn field(&self, at: usize) -> Option<&str> {
        match self.path.get(at) {
            Some(Segment::Field(name)) => Some(name),
            _ => None,
        }
    }
}
