//! What the library cannot take. What it refuses by what stands in it is [`stead_store::library::Refusal`].

use crate::limits;

/// Why something is not for the library.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No name for a workflow.
    #[error("{why}")]
    Name {
        /// What is wrong with it.
        why: String,
        /// How a name is written.
        rule: Option<String>,
        /// A name like it.
        near: Option<String>,
    },
    /// Neither the text nor anybody else says how it is called.
    #[error("the definition has no name")]
    NoName,
    /// There is no text.
    #[error("there is nothing to save: {why}")]
    NoText {
        /// Why.
        why: String,
    },
    /// A label that cannot be one, or too many.
    #[error("`{label}` is no label: {why}")]
    Label {
        /// As it was given, its beginning.
        label: String,
        /// Why.
        why: &'static str,
    },
    /// A message or description that is too long.
    #[error("{what} has {chars} characters, at most {most} are kept")]
    Long {
        /// Which.
        what: &'static str,
        /// How many.
        chars: usize,
        /// How many may be.
        most: usize,
    },
    /// A draft is not run.
    #[error("{name}@{number} is a draft and is not run")]
    Draft {
        /// The workflow.
        name: String,
        /// The revision.
        number: u32,
    },
}

impl LibraryError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "R0401",
            Self::NoName => "R0402",
            Self::NoText { .. } => "R0403",
            Self::Label { .. } => "R0404",
            Self::Long { .. } => "R0405",
            Self::Draft { .. } => "R0406",
        }
    }

    /// What to try.
    pub fn help(&self) -> String {
        match self {
            Self::Name { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Name { rule, .. } => rule.clone().unwrap_or_else(|| "choose another name".to_owned()),
            Self::NoName => "say `name: …` in it, or `--name NAME`".to_owned(),
            Self::NoText { .. } => "name a file that can be read".to_owned(),
            Self::Label { .. } => format!(
                "a label has 1 to {} bytes without spaces, commas and control characters, and a workflow at most {}",
                limits::LABEL_BYTES,
                limits::LABELS
            ),
            Self::Long { .. } => "say it in fewer words".to_owned(),
            Self::Draft { .. } => {
                "`stead check` says what is missing; saved without `--draft` it becomes a revision that runs"
                    .to_owned()
            }
        }
    }
}
