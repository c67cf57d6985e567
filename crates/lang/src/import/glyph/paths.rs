//! Paths of the tool (`$.context.a.b`), as expressions, and what steps write where others read it.

use super::first;
use super::flow::{Flow, Kind};
use crate::import::out::{Map, Out, marked, member, quoted};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

/// What a step writes into the context.
pub(super) struct Written {
    pub(super) step: usize,
    pub(super) path: Vec<String>,
}

/// The parts of a path; nothing where it has more than names and numbers.
pub(super) fn parts(text: &str) -> Option<Vec<String>> {
    let text = text.trim().trim_start_matches('$').trim_start_matches('.');
    let mut out = Vec::new();
    for part in text.split('.').filter(|part| !part.is_empty()) {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            return None;
        }
        if !name.is_empty() {
            out.push(name.to_owned());
        }
        while let Some(inner) = rest.strip_prefix('[') {
            let (index, behind) = inner.split_once(']')?;
            let index = index.trim_matches(['\'', '"']);
            if !index.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                || index.is_empty()
            {
                return None;
            }
            out.push(if index.bytes().all(|b| b.is_ascii_digit()) {
                format!("[{index}]")
            } else {
                index.to_owned()
            });
            rest = behind;
        }
    }
    Some(out)
}

/// A member that may not be there.
fn maybe(base: String, parts: &[String]) -> String {
    parts.iter().fold(base, |base, part| {
        if let Some(index) = part.strip_prefix('[') {
            return format!("{base}[?{index}");
        }
        match member(part) {
            dotted if dotted.starts_with('.') => format!("{base}.?{part}"),
            _ => format!("{base}[?{}]", quoted(part)),
        }
    })
}

impl<'s, 't> Flow<'s, 't> {
    /// What a path means at a step: an optional of it.
    pub(super) fn path(&self, reader: usize, text: &str, source: Option<&str>) -> Option<String> {
        let all = parts(text)?;
        let (head, rest) = match source {
            Some("previous_step") => ("output", all.as_slice()),
            Some("task_input") => ("task", all.as_slice()),
            Some("workflow_context") => ("context", all.as_slice()),
            Some(_) => return None,
            None => (all.first()?.as_str(), all.get(1..)?),
        };
        // A path that names its root again.
        let rest = match (source, rest.first().map(String::as_str)) {
            (Some(_), Some("context" | "task" | "input" | "output")) if rest.len() > 1 => &rest[1..],
            _ => rest,
        };
        match head {
            "task" | "input" | "task_input" => Some(maybe("inputs.?task".to_owned(), rest)),
            "context" | "workflow_context" => Some(self.context(Some(reader), rest)),
            "output" | "annotation" | "previous" | "previous_step" | "result" => {
                let own = matches!(head, "annotation") && self.steps[reader].kind.of_people();
                let from = if own { reader } else { self.last(reader)? };
                if !self.has(from, rest) {
                    return None;
                }
                Some(maybe(self.value(from, Some(reader))?, rest))
            }
            _ => None,
        }
    }

    /// The nearest step before one that gives something.
    pub(super) fn last(&self, reader: usize) -> Option<usize> {
        let gives =
            |at: usize| !matches!(self.steps[at].kind, Kind::Nothing | Kind::Unknown | Kind::Conditional);
        self.nearest(reader, gives).0.first().copied()
    }

    /// What stands in the context: what a step wrote there, else what the run was given.
    pub(super) fn context(&self, reader: Option<usize>, parts: &[String]) -> String {
        let written = parts.first().and_then(|name| self.written.get(name));
        let value = written.and_then(|written| {
            let value = self.value(written.step, reader)?;
            let path: Vec<String> = written.path.iter().chain(&parts[1..]).cloned().collect();
            if !self.has(written.step, &path) {
                return None;
            }
            Some(maybe(maybe(value, &written.path), &parts[1..]))
        });
        value.unwrap_or_else(|| {
            self.reads_context.set(true);
            maybe("inputs.?context".to_owned(), parts)
        })
    }

    /// Reads what steps write.
    pub(super) fn read_written(&mut self) {
        for at in 0..self.steps.len() {
            if !self.kept[at] {
                continue;
            }
            let step = self.steps[at].at;
            if let Some(mapping) = step.get("output_mapping") {
                self.writes(at, mapping, false);
            }
            let config = step.get("overrides").filter(|over| over.is_map());
            if self.steps[at].kind == Kind::Child
                && let Some(mapping) = config.and_then(|over| over.get("output_mapping"))
            {
                mapping.say(Kept, "what `context.…` reads");
                self.writes(at, mapping, true);
            }
        }
    }

    fn writes(&mut self, step: usize, mapping: At<'s, 't>, backwards: bool) {
        for (key, at) in mapping.entries() {
            let (from, to, target) = if at.is_map() {
                match first(at, &["merge", "merge_strategy"]) {
                    Some(merge) if merge.text().is_some_and(|text| text != "replace") => {
                        merge.say(Changed, "it replaces what was there: the last visit counts");
                    }
                    _ => {}
                }
                let target = at.text_at("target").unwrap_or("workflow_context");
                (key, at.text_at("path").unwrap_or(key), target)
            } else {
                let Some(text) = at.text() else { continue };
                if !backwards {
                    at.say(Kept, "what `context.…` reads");
                }
                (if backwards { key } else { text }, if backwards { text } else { key }, "workflow_context")
            };
            if target != "workflow_context" {
                at.say_all(
                    NotExpressible,
                    format!("nothing is written to `{target}`: whoever needs the output of the step reads it there"),
                    None,
                );
                continue;
            }
            let (from, to) = (parts(from), parts(to));
            let root = |part: &String| {
                matches!(part.as_str(), "output" | "sub_workflow_output" | "annotation" | "result")
            };
            let from = from.map(|from| match from.split_first() {
                Some((head, rest)) if root(head) => rest.to_vec(),
                _ => from,
            });
            let to = to.map(|to| match to.split_first() {
                Some((head, rest)) if head == "context" && !rest.is_empty() => rest.to_vec(),
                _ => to,
            });
            match (from, to.as_deref()) {
                (Some(path), Some([name])) => {
                    if self.written.contains_key(name) {
                        at.say(Changed, format!("`context.{name}` is written by another step too: the first one of the file is read"));
                    } else {
                        self.written.insert(name.clone(), Written { step, path });
                    }
                }
                _ => at.say_with(
                    NotExpressible,
                    "it is no path that can be read",
                    Some("read the output of the step where it is needed: `steps.ID.output`"),
                ),
            }
        }
    }

    /// The values of `input_mapping`, by name.
    pub(super) fn mapped(&self, step: usize) -> Option<Map> {
        let mapping = self.steps[step].at.get("input_mapping")?;
        let mut out = Map::new();
        for (key, at) in mapping.entries() {
            let (source, path, default) = if at.is_map() {
                at.get("transform");
                let default = at.get("default");
                let source = at.text_at("source");
                if source == Some("static") {
                    let value = at.get("default").or_else(|| at.get("path")).map_or(Out::Null, At::whole);
                    out.set(key, value);
                    continue;
                }
                (source, at.text_at("path").unwrap_or(key), default.map(At::whole))
            } else {
                let Some(text) = at.text() else { continue };
                at.say(Kept, "an expression");
                (None, text, None)
            };
            match self.path(step, path, source) {
                Some(value) => {
                    let default = default.map_or_else(|| "null".to_owned(), |out| constant(&out));
                    out.set(key, marked(&format!("{value}.orValue({default})")));
                }
                None => {
                    let why = format!("`{path}` is no path that can be read here");
                    at.say_with(NotExpressible, why, Some("write it as an expression"));
                    out.set(key, Out::Null);
                }
            }
        }
        out.filled()
    }

    /// The inputs of a child, as its own mapping says: names of the source to names of the child.
    pub(super) fn handed(&self, step: usize) -> Option<Map> {
        let config = self.steps[step].at.get("overrides").filter(|over| over.is_map())?;
        let mapping = config.get("input_mapping")?;
        mapping.say(Kept, "`workflow.inputs`");
        let mut out = Map::new();
        for (from, at) in mapping.entries() {
            let Some(to) = at.text() else { continue };
            match (self.path(step, from, None), parts(to).as_deref()) {
                (Some(value), Some([name])) => out.set(name, marked(&format!("{value}.orValue(null)"))),
                _ => at.say(NotExpressible, "it is no path and no name that can be read"),
            }
        }
        out.filled()
    }
}

/// A value as an expression.
fn constant(value: &Out) -> String {
    match value {
        Out::Null => "null".to_owned(),
        Out::Bool(value) => value.to_string(),
        Out::Number(text) => text.clone(),
        Out::Text(text) => quoted(&text.replace("$${{", "${{")),
        Out::List(items) => format!("[{}]", items.iter().map(constant).collect::<Vec<_>>().join(", ")),
        Out::Map(map) => {
            let entries = map.0.iter().map(|(key, value)| format!("{}: {}", quoted(key), constant(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
