//! Routes of the library.

use serde::Deserialize;
use serde_json::{Value, json};
use stead_engine::library::{LibraryAnswer, LibraryOperation, SaveAs, Side};
use stead_engine::operations::{Answer, Operation};
use stead_store::library::WorkflowFilter;

use super::{BASE, Route, definition, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/workflows",
        operation: "Library.Workflows",
        summary: "The workflows by name, or the best first where words are looked for",
        query: &["words", "label", "deleted", "after", "limit"],
        perform: list,
    },
    Route {
        method: "POST",
        path: "/workflows",
        operation: "Library.Save",
        summary: "Save a definition: as a new workflow, or as the next revision of one",
        query: &[],
        perform: save,
    },
    Route {
        method: "GET",
        path: "/workflows/{name}",
        operation: "Library.Show",
        summary: "One workflow: a revision of it, what it takes and gives, how its runs went",
        query: &["revision"],
        perform: show,
    },
    Route {
        method: "PATCH",
        path: "/workflows/{name}",
        operation: "Library.Describe",
        summary: "Say something about a workflow, beside its text",
        query: &[],
        perform: describe,
    },
    Route {
        method: "DELETE",
        path: "/workflows/{name}",
        operation: "Library.Delete",
        summary: "Delete a workflow; it is kept and can be restored",
        query: &[],
        perform: delete,
    },
    Route {
        method: "POST",
        path: "/workflows/{name}:restore",
        operation: "Library.Restore",
        summary: "Take a deleted workflow back",
        query: &[],
        perform: restore,
    },
    Route {
        method: "POST",
        path: "/workflows/{name}:rename",
        operation: "Library.Rename",
        summary: "Give a workflow another name",
        query: &[],
        perform: rename,
    },
    Route {
        method: "GET",
        path: "/workflows/{name}/definition",
        operation: "Library.Load",
        summary: "The text of a revision, with all the files it names",
        query: &["revision"],
        perform: load,
    },
    Route {
        method: "GET",
        path: "/workflows/{name}/changes",
        operation: "Library.History",
        summary: "What was done to a workflow, the newest first",
        query: &["skip", "limit"],
        perform: changes,
    },
    Route {
        method: "GET",
        path: "/workflows/{name}/compare",
        operation: "Library.Compare",
        summary: "What is different between two revisions of a workflow; without `to` the newest is meant",
        query: &["from", "to"],
        perform: compare,
    },
];

fn ask(call: &Call<'_>, operation: LibraryOperation) -> Result<LibraryAnswer, Problem> {
    match call.ask(Operation::Library(operation))? {
        Answer::Library(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

fn list(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let page = call.page()?;
    let filter = WorkflowFilter {
        words: call.text("words"),
        label: call.text("label"),
        deleted: call.flag("deleted")?,
        after: call.text("after"),
        limit: page + 1,
    };
    // What is found by words has its order from how well it fits: there is no next page of that.
    let pages = filter.words.is_none();
    let LibraryAnswer::Workflows { mut workflows } = ask(call, LibraryOperation::Workflows { filter })?
    else {
        return Err(unexpected());
    };
    let more = workflows.len() > page;
    workflows.truncate(page);
    let next = workflows.last().filter(|_| more && pages).map(|row| row.workflow.name.clone());
    Ok(Reply::ok(json!({ "workflows": workflows, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaveBody {
    definition: Value,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    labels: Option<Vec<String>>,
    #[serde(default)]
    based_on: Option<u32>,
    #[serde(default)]
    draft: bool,
}

fn save(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let body: SaveBody = call.take()?;
    let save = SaveAs {
        bundle: definition::given(call, &body.definition)?,
        name: body.name,
        message: body.message,
        labels: body.labels,
        based_on: body.based_on,
        file: None,
        draft: body.draft,
        by: call.by(),
    };
    let answer = ask(call, LibraryOperation::Save(Box::new(save)))?;
    let LibraryAnswer::Saved { workflow, number, how } = answer else { return Err(unexpected()) };
    let location = format!("{BASE}/workflows/{}", workflow.name);
    Ok(Reply::made(location, json!({ "workflow": workflow, "revision": number, "how": how })))
}

fn show(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (name, number) = (call.named("name"), call.number("revision")?);
    let answer = ask(call, LibraryOperation::Show { name, number })?;
    let LibraryAnswer::Shown { row, revision, contents, callers, took } = answer else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!({
        "workflow": row, "revision": revision, "contents": contents, "callers": callers, "took": took,
    })))
}

/// Performs it and tells the workflow as it is then.
fn done(call: &Call<'_>, operation: LibraryOperation) -> Result<Reply, Problem> {
    let LibraryAnswer::Done { workflow } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "workflow": workflow })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribeBody {
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    labels: Option<Vec<String>>,
}

fn describe(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DescribeBody { description, labels } = call.take()?;
    done(call, LibraryOperation::Describe { name: call.named("name"), description, labels, by: call.by() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

fn delete(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, LibraryOperation::Delete { name: call.named("name"), by: call.by() })
}

fn restore(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, LibraryOperation::Restore { name: call.named("name"), by: call.by() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameBody {
    to: String,
}

fn rename(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let RenameBody { to } = call.take()?;
    done(call, LibraryOperation::Rename { name: call.named("name"), to, by: call.by() })
}

fn load(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (name, number) = (call.named("name"), call.number("revision")?);
    let answer = ask(call, LibraryOperation::Load { name, number })?;
    let LibraryAnswer::Loaded { workflow, revision, bundle } = answer else { return Err(unexpected()) };
    let (entry, files) = (bundle.entry, bundle.files);
    Ok(Reply::ok(json!({ "workflow": workflow, "revision": revision, "entry": entry, "files": files })))
}

fn changes(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (skip, limit) = (call.number("skip")?.unwrap_or(0), call.page()?);
    let answer = ask(call, LibraryOperation::History { name: call.named("name"), skip, limit })?;
    let LibraryAnswer::History { name, newest, changes } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "name": name, "newest": newest, "changes": changes })))
}

fn compare(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let side = |number| Side::Saved { name: call.named("name"), number };
    let from = call.number("from")?;
    if from.is_none() {
        return Err(Problem::parameter("from", "it takes the number of a revision"));
    }
    let (from, to) = (side(from), side(call.number("to")?));
    let answer = ask(call, LibraryOperation::Compare { from, to })?;
    let LibraryAnswer::Compared { from, to, same, files } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "from": from, "to": to, "same": same, "files": files })))
}
