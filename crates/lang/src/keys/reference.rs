//! The reference page.

/// The reference of the language as Markdown.
pub fn reference_markdown() -> String {
    String::new()
}
