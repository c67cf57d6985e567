//! The notation of a role: data between two lines of `---`, and below them the template.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::tree::{Builder, Document, New, Slot, read};

/// Where the data of a text begin and end, and where what is below them begins.
fn front(text: &str) -> Option<(usize, usize, usize)> {
    let mark = |line: &str| line.trim_end() == "---";
    let first = text.split_inclusive('\n').next().filter(|line| mark(line))?;
    let mut at = first.len();
    for line in text.get(at..)?.split_inclusive('\n') {
        if mark(line) {
            return Some((first.len(), at, at + line.len()));
        }
        at += line.len();
    }
    None
}

/// Whether a text is one: its data have an id, and something stands below them.
pub(in crate::import) fn is_one(text: &str) -> bool {
    front(text).is_some_and(|(start, end, below)| {
        let data = text.get(start..end).unwrap_or_default();
        let rest = text.get(below..).unwrap_or_default();
        data.lines().any(|line| line.starts_with("id:")) && !rest.trim().is_empty()
    })
}

/// Reads a role. What is wrong goes to `problems`; `None` where that leaves no tree.
pub(super) fn document(file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Document> {
    let wrong = |code, message: String, help: String| {
        let span = crate::diagnostic::Span { line: 1, column: 1, start: 0, end: 0 };
        Diagnostic::new(code, file, span, String::new(), message).help(help)
    };
    if text.len() > limits::DOCUMENT_BYTES {
        let help = format!("at most {} bytes are read", limits::DOCUMENT_BYTES);
        problems.push(wrong(codes::MARKDOWN, format!("the text has {} bytes", text.len()), help));
        return None;
    }
    let (start, end, below) = front(text)?;
    let mut builder = Builder::new(file, text);
    let mut own = Vec::new();
    let data = read(file, text.get(start..end).unwrap_or_default(), &mut own);
    let broken = own.iter().any(|problem| problem.severity == crate::Severity::Error);
    for mut problem in own.into_iter().take(limits::IMPORT_PROBLEMS) {
        let (from, to) = (problem.span.start as usize + start, problem.span.end as usize + start);
        problem.span = builder.doc().span(from, to);
        problems.push(problem);
    }
    let root = builder.root();
    builder.graft(Slot::Key(root, "frontmatter", (0, 3)), data.as_ref()?.root(), start);
    let rest = text.get(below..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    // The first line keeps how far it stands in.
    let body = rest.get(..blank).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let bytes = (below + blank, below + rest.trim_end().len().max(blank));
    let new = New::Scalar(rest.get(body..).unwrap_or_default().trim_end().to_owned(), false);
    builder.put(Slot::Key(root, "template", bytes), new, bytes);
    match builder.done() {
        Some(document) => Some(document).filter(|_| !broken),
        None => {
            let help = format!("at most {} values are read", limits::DOCUMENT_NODES);
            problems.push(wrong(codes::TOO_BIG, "there are too many values".to_owned(), help));
            None
        }
    }
}
