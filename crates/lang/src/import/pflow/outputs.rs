//! What each type of node gives, and where that is here.

use std::collections::BTreeSet;

use super::model::{Flow, Kind, Node};
use super::refs::{Place, Read, Ty, begun};
use super::template::{Ref, Seg};
use crate::import::naming::snake;
use crate::import::out::quoted;
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// Where the value of a key of a node is.
pub(super) enum Source {
    /// Here, from the step on.
    Of(&'static [&'static str], Ty),
    /// In the output, under its own key.
    Key(String),
    Value(&'static str, &'static str),
    Error,
    Lost(&'static str),
}

const OUTPUT: &[&str] = &["output"];
const LOG: &str = "what is printed there is in the log of the step";

pub(super) fn source(node: &Node<'_, '_>, key: &str) -> Source {
    use Source::{Error, Key, Lost, Of, Value};
    use Ty::{Any, Text};
    match (node.kind, key) {
        (Kind::Shell, "stdout") => Of(OUTPUT, Text),
        (Kind::Shell, "exit_code") => Of(&["exit_code"], Any),
        (Kind::Shell, "stdout_is_binary" | "stderr_is_binary")
        | (Kind::Http, "response_is_binary")
        | (Kind::Read, "content_is_binary") => {
            Value("false", "bytes are kept as files by hash; a text never has them")
        }
        (Kind::Shell | Kind::Code, "stderr") => Lost(LOG),
        (Kind::Code, "result") => Of(&["output", "result"], Any),
        (Kind::Code, "stdout") => Of(&["output", "stdout"], Text),
        (Kind::Http, "response") => Of(&["output", "body"], Any),
        (Kind::Http, "status_code") => Of(&["output", "status"], Any),
        (Kind::Http, "response_headers") => Of(&["output", "headers"], Any),
        (Kind::Http, "response_time") => Lost("how long it took is in the history of the run"),
        (Kind::Llm, "response") | (Kind::Agent, "result") => {
            Of(OUTPUT, if node.has("output_schema") { Any } else { Text })
        }
        (Kind::Llm | Kind::Agent, "llm_usage") => Of(&["values"], Any),
        (Kind::Agent, "_schema_error" | "_agent_error") => {
            Lost("an answer that misses its schema fails the step, and `error` says why")
        }
        (Kind::Read, "content") => Of(OUTPUT, Text),
        (Kind::Write, "written") if node.appends() => Lost("the step was told the path"),
        (Kind::Write, "written") | (Kind::Copy, "copied") | (Kind::Move, "moved") => {
            Of(&["output", "path"], Text)
        }
        (Kind::Move, "warning") => Lost("a file is moved whole, or the step fails"),
        (Kind::Delete, "deleted") | (Kind::Read, "file_path") => Lost("the step was told the path"),
        (Kind::Mcp, "result") => Of(OUTPUT, Any),
        (Kind::Workflow, key) if key != "error" => match &node.child {
            Some(child) if !child.outputs.contains(&snake(key, "value")) => {
                Lost("the workflow has no output of that name")
            }
            _ => Key(snake(key, "value")),
        },
        (_, "error") => Error,
        (Kind::Mcp | Kind::Other, key) => Key(key.to_owned()),
        _ => Lost("steps of this type have no output of that name"),
    }
}

/// The keys that an item's result shows.
fn shown(node: &Node<'_, '_>) -> Vec<String> {
    let keys: &[&str] = match node.kind {
        Kind::Shell => &["stdout", "exit_code"],
        Kind::Code => &["result"],
        Kind::Http => &["response", "status_code"],
        Kind::Llm => &["response"],
        Kind::Agent | Kind::Mcp => &["result"],
        Kind::Read => &["content"],
        Kind::Write => &["written"],
        Kind::Copy => &["copied"],
        Kind::Move => &["moved"],
        Kind::Workflow => return node.child.as_ref().map(|child| child.outputs.clone()).unwrap_or_default(),
        Kind::Delete | Kind::Other => &[],
    };
    keys.iter().map(|key| (*key).to_owned()).collect()
}

impl Flow<'_, '_> {
    /// What is read of the results of a node where these are the items of another one, in the order of their names.
    fn read_of_items(&self, node: &Node<'_, '_>) -> BTreeSet<String> {
        let over = |other: &&Node<'_, '_>| {
            let items = other.batch.as_ref().and_then(|batch| batch.at.node.get("items")?.raw());
            let results = format!("{}.results", node.name);
            items.is_some_and(|text| {
                text.trim().strip_prefix("${").and_then(|t| t.strip_suffix('}')) == Some(&results)
            })
        };
        let names = self.nodes.iter().filter(over).filter_map(|other| Some(&other.batch.as_ref()?.name));
        let names: Vec<&String> = names.collect();
        let read = self.reads.iter().filter(|(root, key)| names.contains(&root) && key != "item");
        read.map(|(_, key)| key.clone()).collect()
    }

    /// What a node with items gives: `results`, and how many there are.
    pub(super) fn items(
        &self,
        at: At<'_, '_>,
        node: &Node<'_, '_>,
        goes_on: bool,
        root: &str,
        path: &[Seg],
        place: Place<'_>,
    ) -> Read {
        let all = format!("{root}.instances");
        let done = match goes_on {
            true => format!("{all}.filter(one, one.status == 'completed')"),
            false => all.clone(),
        };
        let failed = format!("{all}.filter(one, one.status == 'failed')");
        let (key, rest) = match path {
            [Seg::Field(key), rest @ ..] => (key.as_str(), rest),
            _ => ("", path),
        };
        let found = Ref { root: node.name.clone(), path: path.to_vec() };
        match (key, rest) {
            ("results", []) => {
                let mut map = vec!["'item': one.item".to_owned()];
                let mut keys = shown(node);
                keys.extend(self.read_of_items(node).into_iter().filter(|key| !shown(node).contains(key)));
                for key in keys {
                    let read = self.keyed(at, node, &key, "one", "one", &found);
                    map.push(format!("{}: {}", quoted(&key), read.strict));
                }
                Read::of(format!("{done}.map(one, {{ {} }})", map.join(", ")), Ty::Any)
            }
            ("results", [index, rest @ ..]) => {
                let index = match index {
                    Seg::Index(index) => index.to_string(),
                    Seg::Of(inner) => self.place_of(at, inner, place),
                    Seg::Field(_) => {
                        at.say(NotExpressible, format!("`${{{found}}}`: `results` is a list; null is taken"));
                        return Read::nothing();
                    }
                };
                let one = format!("{done}[{index}]");
                match rest {
                    [Seg::Field(key), rest @ ..] if key == "item" => {
                        self.path(at, Read::of(format!("{one}.item"), Ty::Any), rest, place)
                    }
                    [Seg::Field(key), rest @ ..] => {
                        let read = match source(node, key) {
                            // The same, without a way round.
                            Source::Of(["output", inner @ ..], ty) if !goes_on => {
                                let read = begun(root, "output", Ty::Any).at(&index);
                                let read = inner.iter().fold(read, |read, key| read.field(key));
                                Read { ty, ..read }
                            }
                            _ => self.keyed(at, node, key, &one, &one, &found),
                        };
                        self.path(at, read, rest, place)
                    }
                    _ => {
                        at.say(Changed, format!("`${{{found}}}` is all of an item: its output is taken"));
                        begun(&one, "output", Ty::Any)
                    }
                }
            }
            ("count", []) => Read::of(format!("size({all})"), Ty::Any),
            ("success_count", []) => {
                Read::of(format!("size({all}.filter(one, one.status == 'completed'))"), Ty::Any)
            }
            ("error_count", []) => Read::of(format!("size({failed})"), Ty::Any),
            ("errors", rest) => {
                let map =
                    "{ 'index': one.index, 'item': one.item, 'error': one.?error.?message.orValue('') }";
                self.path(at, Read::of(format!("{failed}.map(one, {map})"), Ty::Any), rest, place)
            }
            _ => {
                let why =
                    "a node with items gives `results`, `count`, `success_count`, `error_count` and `errors`";
                at.say(NotExpressible, format!("`${{{found}}}`: {why}; null is taken"));
                Read::nothing()
            }
        }
    }
}
