//! Words of texts, as they are searched for: by every store in the same way.

use super::Workflow;

/// Where a word stands. A hit counts by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Labels,
    Description,
    Steps,
}

impl Field {
    pub(crate) const ALL: [Self; 4] = [Self::Name, Self::Labels, Self::Description, Self::Steps];

    /// How much a hit counts.
    pub(crate) fn weight(self) -> f64 {
        match self {
            Self::Name => 10.0,
            Self::Labels => 6.0,
            Self::Description => 3.0,
            Self::Steps => 1.0,
        }
    }
}

/// Words that are looked for at once, at most: what follows is not looked at.
const WORDS: usize = 16;
/// Length of a word, in bytes: what follows is not looked at.
const WORD_BYTES: usize = 100;

/// The words of a text, in small letters, with a space between them. What is neither letter nor digit parts words, so
/// `label-images` and `label_images` are two words each.
pub(crate) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        // A letter whose small form is more than a letter stays whole.
        out.extend(word.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()));
    }
    out
}

/// The words that somebody looks for, each once.
pub(crate) fn query(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in normal(text).split(' ').filter(|word| !word.is_empty()) {
        let end = (0..=word.len().min(WORD_BYTES)).rev().find(|at| word.is_char_boundary(*at)).unwrap_or(0);
        let word = &word[..end];
        if words.len() < WORDS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// A workflow and its words by field, to be judged.
pub(crate) struct Page<'w> {
    pub(crate) workflow: Workflow,
    pub(crate) fields: &'w [String; 4],
}

/// Those in which each word is the beginning of one, the best first: BM25 as SQLite's FTS5 computes it, so that all
/// stores agree.
pub(crate) fn ranked(pages: Vec<Page<'_>>, wanted: &str) -> Vec<Workflow> {
    const K1: f64 = 1.2;
    const B: f64 = 0.75;
    let words = query(wanted);
    if words.is_empty() {
        return Vec::new();
    }
    let tokens = |text: &str| text.split(' ').filter(|word| !word.is_empty()).count();
    let length = |page: &Page<'_>| page.fields.iter().map(|text| tokens(text)).sum::<usize>() as f64;
    // Hits of a word in a page, each by its place.
    let hits = |page: &Page<'_>, word: &str| {
        let of = |(field, text): (Field, &String)| {
            let hits = text.split(' ').filter(|token| token.starts_with(word)).count();
            hits as f64 * field.weight()
        };
        Field::ALL.into_iter().zip(page.fields).map(of).sum::<f64>()
    };
    let all = pages.len() as f64;
    let mean = pages.iter().map(length).sum::<f64>() / all;
    let rarity: Vec<f64> = words
        .iter()
        .map(|word| {
            let with = pages.iter().filter(|page| hits(page, word) > 0.0).count() as f64;
            let idf = ((all - with + 0.5) / (with + 0.5)).ln();
            if idf <= 0.0 { 1e-6 } else { idf }
        })
        .collect();
    let exact = normal(wanted);
    let mut found: Vec<(bool, f64, Workflow)> = Vec::new();
    for page in pages {
        let frequency: Vec<f64> = words.iter().map(|word| hits(&page, word)).collect();
        if frequency.contains(&0.0) {
            continue;
        }
        let length = length(&page);
        let mut score = 0.0;
        for (idf, hits) in rarity.iter().zip(frequency) {
            score += idf * ((hits * (K1 + 1.0)) / (hits + K1 * (1.0 - B + B * length / mean)));
        }
        found.push((page.fields[0] == exact, score, page.workflow));
    }
    let small = |workflow: &Workflow| workflow.name.to_ascii_lowercase();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then_with(|| small(&a.2).cmp(&small(&b.2))));
    found.into_iter().map(|(_, _, workflow)| workflow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_what_is_no_letter_or_digit() {
        assert_eq!(normal("  Label-images_2, ÄRGER (日本語)! "), "label images 2 ärger 日本語");
        assert_eq!(normal("--"), "");
        assert_eq!(query("a B a-b \"x* OR\" NEAR"), ["a", "b", "x", "or", "near"]);
    }

    #[test]
    fn p11_what_is_looked_for_is_bounded() {
        let many: Vec<String> = (0..1000).map(|n| format!("w{n}")).collect();
        assert_eq!(query(&many.join(" ")).len(), WORDS);
        let long = query(&"ä".repeat(10_000));
        assert_eq!(long, ["ä".repeat(WORD_BYTES / 2)]);
    }
}
