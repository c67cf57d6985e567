//! Values that are made, as expressions and as parts of steps.

use crate::import::out::{Map, Out, marked, quoted};

/// A value that is made, as an expression writes it.
pub(super) fn expression(value: &Out) -> String {
    match value {
        Out::Null => "null".to_owned(),
        Out::Bool(value) => value.to_string(),
        Out::Number(text) => text.clone(),
        Out::Text(text) => of_text(text),
        Out::List(items) => format!("[{}]", items.iter().map(expression).collect::<Vec<_>>().join(", ")),
        Out::Map(map) => {
            let entries: Vec<String> =
                map.0.iter().map(|(key, value)| format!("{}: {}", quoted(key), expression(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// A text with expressions in it: its pieces, put together.
fn of_text(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    let mut whole = true;
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        let before = rest.get(..at).unwrap_or_default();
        let body = rest.get(at + 3..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str("${{");
            rest = body;
            continue;
        }
        plain.push_str(before);
        let Some(end) = body.find(" }}") else { break };
        if !plain.is_empty() {
            parts.push(quoted(&std::mem::take(&mut plain)));
        }
        let inner = body.get(..end).unwrap_or_default().trim();
        rest = body.get(end + 3..).unwrap_or_default();
        whole = whole && parts.is_empty() && rest.is_empty();
        parts.push(match whole {
            true if inner.contains([' ', '!']) => format!("({inner})"),
            true => inner.to_owned(),
            false => format!("text({inner})"),
        });
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(quoted(&plain));
    }
    parts.join(" + ")
}

/// The text of a key.
pub(super) fn text<'m>(map: &'m Map, key: &str) -> Option<&'m str> {
    match map.get(key) {
        Some(Out::Text(text)) => Some(text),
        _ => None,
    }
}

/// Puts an entry behind another one.
pub(super) fn put_behind(map: &mut Map, before: &str, key: &str, value: Vec<String>) {
    let at = map.0.iter().position(|(known, _)| known == before).map_or(0, |at| at + 1);
    map.0.insert(at, (key.to_owned(), value.into()));
}

/// A value where a text is wanted: a list or map is written as JSON.
pub(super) fn as_text(value: Out) -> Out {
    match value {
        Out::Null => "".into(),
        value @ (Out::List(_) | Out::Map(_)) => marked(&expression(&value)).into(),
        other => other,
    }
}

/// A text for people, in whose place no expression may stand.
pub(super) fn prose(text: &str) -> String {
    text.replace("${{", "$ {{")
}
