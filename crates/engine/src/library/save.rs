//! Saving a definition.

use stead_lang::plan::definition_of;
use stead_lang::{Checked, check};
use stead_store::library::{Library as _, LibraryReader as _, Save};

use super::error::LibraryError;
use super::open::{now, or_made};
use super::operations::{LibraryAnswer, SaveAs};
use super::unknown;
use crate::error::EngineError;
use crate::limits;

/// Saves a definition, and makes a home for it where there is none.
pub(super) fn save(home: &crate::home::Home, save: SaveAs) -> Result<LibraryAnswer, EngineError> {
    let SaveAs { bundle, name, message, labels, based_on, file, draft, by } = save;
    let checked = check(&bundle);
    let name = match name.or_else(|| bundle.says_it_is()) {
        Some(name) => name,
        // A text that cannot be read at all says so before it is asked for its name.
        None if checked.plan.is_none() && !draft => return Err(invalid(checked)),
        None => return Err(LibraryError::NoName.into()),
    };
    check_name(&name)?;
    check_length("the message", &message, limits::MESSAGE_CHARS)?;
    let labels = labels.map(check_labels).transpose()?;
    if checked.plan.is_none() && !draft {
        return Err(invalid(checked));
    }
    let calls = bundle.calls();
    let bundle = bundle.own();
    if let Some(why) = bundle.unread.get(&bundle.entry) {
        return Err(LibraryError::NoText { why: why.to_string() }.into());
    }
    let bytes = serde_json::to_vec(&bundle).map_err(|error| EngineError::bug(&error))?;
    let mut save = Save {
        name,
        revision: revision_of_draft(&bytes),
        bytes,
        draft: true,
        message,
        at: now(),
        by,
        based_on,
        file,
        labels,
        ..Save::default()
    };
    // Said to be a draft and without errors it is none.
    if let Some(plan) = &checked.plan {
        save.draft = false;
        definition_of(&plan.revision).clone_into(&mut save.revision);
        save.calls = calls;
        save.description = plan.description.clone().unwrap_or_default();
        for step in &plan.steps {
            save.steps.extend([Some(&step.id), step.name.as_ref()].into_iter().flatten().cloned());
        }
    }
    let mut store = or_made(home)?;
    let saved = store.save(&save)?;
    let workflow = store.workflow(&save.name)?.ok_or_else(|| unknown(&save.name))?;
    Ok(LibraryAnswer::Saved { workflow, number: saved.number, how: saved.how })
}

fn invalid(checked: Checked) -> EngineError {
    EngineError::Invalid { diagnostics: checked.diagnostics }
}

/// What a text with errors is known by: all of it counts, comments too.
fn revision_of_draft(bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"stead-draft-1\n");
    hasher.update(bytes);
    hasher.finalize().to_hex().to_string()
}

/// Refuses what cannot be the name of a workflow.
pub(super) fn check_name(name: &str) -> Result<(), EngineError> {
    match stead_lang::names::workflow(name) {
        Ok(()) => Ok(()),
        Err(wrong) => {
            Err(LibraryError::Name { why: wrong.message, rule: wrong.help, near: wrong.nearest }.into())
        }
    }
}

/// Refuses what cannot be labels; each counts once.
pub(super) fn check_labels(labels: Vec<String>) -> Result<Vec<String>, EngineError> {
    let mut kept: Vec<String> = Vec::new();
    for label in labels {
        let why = if label.is_empty() {
            "it is empty"
        } else if label.len() > limits::LABEL_BYTES {
            "it is too long"
        } else if label.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',') {
            "it has a character in it that labels do not have"
        } else if kept.contains(&label) {
            continue;
        } else if kept.len() == limits::LABELS {
            "there are too many"
        } else {
            kept.push(label);
            continue;
        };
        return Err(LibraryError::Label { label: label.chars().take(40).collect(), why }.into());
    }
    Ok(kept)
}

pub(super) fn check_description(text: &str) -> Result<(), EngineError> {
    check_length("the description", text, stead_lang::limits::DESCRIPTION_CHARS)
}

fn check_length(what: &'static str, text: &str, most: usize) -> Result<(), EngineError> {
    let chars = text.chars().count();
    match chars <= most {
        true => Ok(()),
        false => Err(LibraryError::Long { what, chars, most }.into()),
    }
}

#[cfg(test)]
mod tests {
    use stead_lang::Bundle;

    use super::*;

    #[test]
    fn p11_labels_are_bounded() {
        let label = "x".repeat(limits::LABEL_BYTES);
        assert_eq!(check_labels(vec![label.clone(), label.clone()]).unwrap().len(), 1);
        for wrong in [format!("{label}x"), String::new(), "a b".into(), "a,b".into(), "a\u{1b}".into()] {
            assert_eq!(check_labels(vec![wrong]).unwrap_err().code(), "R0404");
        }
        let many = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(check_labels(many(limits::LABELS)).unwrap().len(), limits::LABELS);
        assert_eq!(check_labels(many(limits::LABELS + 1)).unwrap_err().code(), "R0404");
    }

    #[test]
    fn p11_messages_are_bounded() {
        let message = |n: usize| check_length("the message", &"ä".repeat(n), limits::MESSAGE_CHARS);
        message(limits::MESSAGE_CHARS).unwrap();
        assert_eq!(message(limits::MESSAGE_CHARS + 1).unwrap_err().code(), "R0405");
    }

    #[test]
    fn names_that_are_none_are_refused_with_what_is_wrong() {
        let long = "a".repeat(51);
        for (name, near) in [
            ("", None),
            ("../x", Some("x")),
            ("a/b", Some("a-b")),
            ("Greet", Some("greet")),
            ("größe", Some("gr-e")),
            ("null", None),
            ("-a", Some("a")),
            ("a--b", Some("a-b")),
            ("1a", None),
            ("a\0b", Some("a-b")),
            (&long, None),
        ] {
            match check_name(name) {
                Err(EngineError::Library(LibraryError::Name { near: found, .. })) => {
                    assert_eq!(found.as_deref(), near, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        check_name(&"a".repeat(50)).unwrap();
    }

    #[test]
    fn a_text_that_is_a_draft_is_known_by_all_of_it() {
        let of = |text: &str| revision_of_draft(&serde_json::to_vec(&Bundle::single("a.yml", text)).unwrap());
        assert_ne!(of("a: 1 # x"), of("a: 1"));
        assert_eq!(of("a: 1"), of("a: 1"));
    }
}
