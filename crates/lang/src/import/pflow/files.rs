//! Acts on files.

use super::model::{Flow, Kind, Node};
use super::refs::Place;
use super::steps::Action;
use super::values::as_text;
use crate::import::out::{Map, Out, literal};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};

pub(super) fn action(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let path = |key: &str| {
        let at = node.param(key)?;
        let text = at.text()?;
        if text.starts_with(['/', '~']) || text.split('/').any(|part| part == "..") {
            let why =
                "files are those inside of the project's folder: another path is refused when it is used";
            at.say_with(NotExpressible, why, Some("bring the file there, or use a `run` step"));
        }
        Some(flow.text(at, text, place))
    };
    if let Some(at) = node.param("encoding")
        && at.text().is_some_and(|name| !matches!(name.to_ascii_lowercase().as_str(), "utf-8" | "utf8"))
    {
        at.say_with(NotExpressible, "files of text are UTF-8", Some("`iconv` in a `run` step"));
    }
    match node.kind {
        Kind::Read => {
            let Some(path) = path("file_path") else { return Action::default() };
            let why = "the text comes as it is, without a number before each line";
            node.at.say_of("content", Changed, why, None);
            Action::of(Map::new().with("file", Map::new().with("read", path)))
        }
        Kind::Write => {
            let Some(path) = path("file_path") else { return Action::default() };
            let Some(at) = node.param("content") else { return Action::default() };
            let content = flow.value(at, place);
            write(node, path, content)
        }
        Kind::Copy | Kind::Move => {
            let key = if node.kind == Kind::Copy { "copy" } else { "move" };
            let Some(from) = path("source_path") else { return Action::default() };
            let Some(to) = path("dest_path") else { return Action::default() };
            let over = node.params().and_then(|params| params.flag("overwrite"));
            if over != Some(true) {
                let why = "what stands at the new place is replaced, where the tool refused";
                let help = "a `run` step with `test ! -e` before it refuses as well";
                node.at.say_of("overwrite", Changed, why, Some(help));
            }
            Action::of(Map::new().with("file", Map::new().with(key, from).with("to", to)))
        }
        _ => {
            let Some(path) = path("file_path") else { return Action::default() };
            if let Some(at) = node.param("inputs") {
                at.say(Kept, "`confirm_delete` is asked for before");
            }
            let id = flow.input("confirm_delete").map_or("confirm_delete", |input| input.id.as_str());
            let why = "nothing is deleted unless the run is given `confirm_delete`, as there: a step before it fails";
            node.at.say_of("confirm_delete", Kept, why, None);
            let refused = match flow.input("confirm_delete") {
                Some(input) if input.kind != "boolean" => {
                    let why = "`confirm_delete` is no boolean: nothing is ever deleted, as there";
                    node.at.say_of("confirm_delete", Changed, why, Some("give it the type `boolean`"));
                    "true".to_owned()
                }
                _ => format!("!(inputs.{id} == true)"),
            };
            let refuse = Map::new().with("id", flow.inner_id(&node.id, "refused")).with("if", refused).with(
                "fail",
                format!("{} deletes a file: give `{id}=true` to allow it", literal(&node.name)),
            );
            let delete = Map::new()
                .with("id", flow.inner_id(&node.id, "allowed"))
                .with("file", Map::new().with("delete", path));
            Action::of(Map::new().with("steps", vec![refuse, delete]))
        }
    }
}

fn write(node: &Node<'_, '_>, path: Out, content: Out) -> Action {
    let params = node.params();
    let flag = |key: &str| {
        let at = node.param(key)?;
        // A word such as `${read.content_is_binary}` is settled by what is read.
        at.node.raw().filter(|text| text.contains('$')).map(|_| false).or_else(|| params?.flag(key))
    };
    let bytes = flag("content_is_binary") == Some(true);
    if flag("append") == Some(true) {
        if let Some(at) = node.param("append") {
            let why =
                "a file is written whole: a `run` step puts the text behind it, once more if it is repeated";
            at.say_with(Changed, why, Some("`effect: once` asks somebody where that is unsure"));
        }
        let how = if bytes { "base64 -d >> \"$FILE\"" } else { "cat >> \"$FILE\"" };
        let script = format!("mkdir -p -- \"$(dirname -- \"$FILE\")\"\n{how}");
        let keys = Map::new()
            .with("shell", "sh")
            .with("run", script)
            .with("env", Map::new().with("FILE", path))
            .with("stdin", content)
            .with("parse", "none");
        return Action::of(keys);
    }
    let key = if bytes { "base64" } else { "content" };
    let content = if bytes { as_text(content) } else { content };
    Action::of(Map::new().with("file", Map::new().with("write", path).with(key, content)))
}
