//! The nearest right name for a wrong one.

/// The name that was most likely meant: at most a third of it mistyped, case not counted.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Names come from data too: one that is far too long is not worth measuring.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let wanted = name.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if candidate == name || candidate.len() > LONGEST {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
        let allowed = (wanted.chars().count().max(candidate.chars().count()) / 3).max(1);
        // One letter has nothing in common with another.
        let usable = distance <= allowed && distance < candidate.chars().count();
        if usable && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names for a message: `a, b, c and 4 more`, each in backquotes.
pub(crate) fn listing<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 12;
    let mut text = String::new();
    for (at, name) in names.iter().take(SHOWN).enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(shorten(name.as_ref()).as_ref());
        text.push('`');
    }
    if names.len() > SHOWN {
        text.push_str(" and ");
        text.push_str(&(names.len() - SHOWN).to_string());
        text.push_str(" more");
    }
    text
}

/// A name for a message, cut where it is very long.
pub(crate) fn shorten(name: &str) -> std::borrow::Cow<'_, str> {
    const SHOWN: usize = 60;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()).into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(nearest("titel", ["body", "title"]), Some("title"));
        assert_eq!(nearest("startswith", ["startsWith", "endsWith"]), Some("startsWith"));
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("colour", ["size", "weight"]), None);
    }

    #[test]
    fn listings_end() {
        let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
        assert!(listing(&names).ends_with("`n11` and 8 more"));
        assert_eq!(shorten(&"x".repeat(500)).chars().count(), 61);
    }
}
