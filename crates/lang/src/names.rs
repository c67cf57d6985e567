//! Names of workflows, for whoever is given one outside of a definition.

use crate::decode::{Naming, judge_name};

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    /// What, in words.
    pub message: String,
    /// How a name is written.
    pub help: Option<String>,
    /// A name like it.
    pub nearest: Option<String>,
}

/// Judges the name of a workflow: words of small letters and digits, joined by `-`.
///
/// # Errors
/// With what is wrong.
pub fn workflow(name: &str) -> Result<(), BadName> {
    match judge_name("a workflow", name, Naming::Kebab) {
        None => Ok(()),
        Some((_, message, help, nearest)) => Err(BadName { message, help, nearest }),
    }
}

/// A workflow of the library as it is named: `NAME` for its newest revision, or `NAME@N`.
///
/// # Errors
/// With what is wrong.
pub fn reference(text: &str) -> Result<(&str, Option<u32>), BadName> {
    let Some((name, number)) = text.split_once('@') else {
        return workflow(text).map(|()| (text, None));
    };
    workflow(name).map_err(|wrong| BadName {
        nearest: wrong.nearest.map(|near| format!("{near}@{number}")),
        ..wrong
    })?;
    // As it is printed: no sign, no zeros before it.
    match number.parse::<u32>() {
        Ok(read) if read > 0 && read.to_string() == number => Ok((name, Some(read))),
        _ => Err(BadName {
            message: format!("`{number}` is no number of a revision"),
            help: Some(format!("revisions are named by their number, as in `{name}@1`")),
            nearest: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_named_with_or_without_a_revision() {
        assert_eq!(reference("greet").unwrap(), ("greet", None));
        assert_eq!(reference("fix-issue@12").unwrap(), ("fix-issue", Some(12)));
        for wrong in
            ["greet@", "greet@0", "greet@01", "greet@+1", "greet@x", "greet@1@2", "greet@4294967296", "@1"]
        {
            assert!(reference(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "../x", "a.yml", "Greet", "größe", "in", "true"] {
            assert!(reference(wrong).is_err(), "{wrong}");
        }
        assert_eq!(reference("Fix_Issue@2").unwrap_err().nearest.as_deref(), Some("fix-issue@2"));
    }
}
