//! Routes of the library.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_engine::library::{Contents, FileDiff, LibraryAnswer, LibraryOperation, SaveAs, Side, WorkflowRow};
use stead_engine::operations::{Answer, Operation};
use stead_store::library::{Change, How, Revision, Workflow, WorkflowFilter};

use super::route::{AFTER, LIMIT, Param, SKIP, flag, number, text};
use super::{BASE, Route, definition, of, unexpected};
use crate::call::{Call, NoBody, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/workflows", "Library.Workflows", "The workflows by name, or the best first where words are looked for", list).query(&[
        text("words", "Only those in which each of these words begins a word of name, labels, description or steps; the best first, and no further pages"),
        text("label", "Only those with this label"),
        flag("deleted", "Those that were deleted"),
        AFTER,
        LIMIT,
    ])
    .gives(of::<WorkflowsPage>),
    Route::post("/workflows", "Library.Save", "Save a definition: as a new workflow, or as the next revision of one", save).query(WHOLE).takes(of::<SaveBody>).or_whole().if_match().makes(of::<WorkflowSaved>).refuses(&[404, 409, 412, 422]),
    Route::get("/workflows/{name}", "Library.Show", "One workflow: a revision of it, what it takes and gives, how its runs went", show).query(&[REVISION]).gives(of::<WorkflowShown>).etag(),
    Route::patch("/workflows/{name}", "Library.Describe", "Say something about a workflow, beside its text", describe).takes(of::<DescribeBody>).gives(of::<WorkflowDone>).refuses(&[409, 422]),
    Route::delete("/workflows/{name}", "Library.Delete", "Delete a workflow; it is kept and can be restored", delete).takes(of::<NoBody>).gives(of::<WorkflowDone>).refuses(&[409]),
    Route::post("/workflows/{name}:restore", "Library.Restore", "Take a deleted workflow back", restore).takes(of::<NoBody>).gives(of::<WorkflowDone>).refuses(&[409]),
    Route::post("/workflows/{name}:rename", "Library.Rename", "Give a workflow another name", rename).takes(of::<RenameBody>).gives(of::<WorkflowDone>).refuses(&[409, 422]),
    Route::get("/workflows/{name}/definition", "Library.Load", "The text of a revision, with all the files it names", load).query(&[REVISION]).gives(of::<WorkflowText>).etag(),
    Route::get("/workflows/{name}/changes", "Library.History", "What was done to a workflow, the newest first", changes).query(&[SKIP, LIMIT]).gives(of::<WorkflowChanges>),
    Route::get("/workflows/{name}/compare", "Library.Compare", "What is different between two revisions of a workflow; without `to` the newest is meant", compare).query(&[number("from", "Number of the one revision").needed(), number("to", "Number of the other; else the newest")]).gives(of::<Compared>),
];

fn ask(call: &Call<'_>, operation: LibraryOperation) -> Result<LibraryAnswer, Problem> {
    match call.ask(Operation::Library(operation))? {
        Answer::Library(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

const REVISION: Param = number("revision", "The revision of this number; else the newest");

/// What is said of a definition that is the whole body.
const WHOLE: &[Param] = &[
    text("name", "Its name; else the one that its text says"),
    text("message", "Why, in the author's words"),
    text("labels", "Labels that take the place of those it has, parted by commas; an empty text: none"),
    number(
        "based_on",
        "The revision that it was made from: another one that is the newest by now is `409`. 0: it is to be new",
    ),
    flag("draft", "It may have errors; then it is kept and cannot be run"),
];

#[derive(Serialize, JsonSchema)]
struct WorkflowsPage {
    /// The workflows.
    workflows: Vec<WorkflowRow>,
    /// What `after` takes for the next page; null where there is none.
    next: Option<String>,
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
    Ok(Reply::ok(WorkflowsPage { workflows, next }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaveBody {
    /// The definition. It names no files.
    #[schemars(with = "definition::Given")]
    definition: Value,
    /// Its name; else the one that its text says.
    #[serde(default)]
    name: Option<String>,
    /// Why, in the author's words.
    #[serde(default)]
    message: String,
    /// Labels that take the place of those it has.
    #[serde(default)]
    labels: Option<Vec<String>>,
    /// The revision that it was made from: another one that is the newest by now is `409`. 0: it is to be new.
    #[serde(default)]
    based_on: Option<u32>,
    /// It may have errors; then it is kept and cannot be run.
    #[serde(default)]
    draft: bool,
}

#[derive(Serialize, JsonSchema)]
struct WorkflowSaved {
    /// The workflow.
    workflow: Workflow,
    /// Number of the revision.
    revision: u32,
    /// What came of saving.
    how: How,
}

fn save(call: &mut Call<'_>) -> Result<Reply, Problem> {
    call.says("name", call.text("name"))?;
    call.says("message", call.text("message"))?;
    let labels = |list: String| -> Vec<Value> {
        list.split(',').map(str::trim).filter(|label| !label.is_empty()).map(Value::from).collect()
    };
    call.says("labels", call.text("labels").map(labels))?;
    call.says("based_on", call.number::<u32>("based_on")?)?;
    let draft = call.flag("draft")?;
    call.says("draft", draft.then_some(true))?;
    let body: SaveBody = call.take()?;
    let bundle = definition::given(call, &body.definition)?;
    // The revision that was looked at: in the body, or by the etag that it came with.
    let seen = call.if_match.as_deref().map(|seen| {
        let wrong = || {
            Problem::new(412, "H0210", format!("`If-Match` names no revision: {seen}"))
                .help("say the etag that the revision came with")
        };
        seen.parse::<u32>().map_err(|_| wrong())
    });
    let based_on = match (body.based_on, seen.transpose()?) {
        (Some(number), Some(seen)) if number != seen => {
            return Err(Problem::body("`based_on` and `If-Match` name two revisions"));
        }
        (number, seen) => number.or(seen),
    };
    let save = SaveAs {
        bundle,
        name: body.name,
        message: body.message,
        labels: body.labels,
        based_on,
        file: None,
        draft: body.draft,
        by: call.by(),
    };
    let answer = ask(call, LibraryOperation::Save(Box::new(save)))?;
    let LibraryAnswer::Saved { workflow, number, how } = answer else { return Err(unexpected()) };
    let location = format!("{BASE}/workflows/{}", workflow.name);
    Ok(Reply::made(location, WorkflowSaved { workflow, revision: number, how }))
}

#[derive(Serialize, JsonSchema)]
struct WorkflowShown {
    /// The workflow.
    workflow: WorkflowRow,
    /// The revision.
    revision: Revision,
    /// What it takes and gives; null for a draft that cannot be read.
    contents: Option<Contents>,
    /// Workflows that call it by name.
    callers: Vec<String>,
    /// How long its last runs took that completed, in milliseconds: the shortest, the median, the longest.
    took: Option<[i64; 3]>,
}

fn show(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (name, number) = (call.named("name"), call.number("revision")?);
    let answer = ask(call, LibraryOperation::Show { name, number })?;
    let LibraryAnswer::Shown { row, revision, contents, callers, took } = answer else {
        return Err(unexpected());
    };
    let etag = Some(revision.number.to_string());
    Ok(Reply { etag, ..Reply::ok(WorkflowShown { workflow: row, revision, contents, callers, took }) })
}

#[derive(Serialize, JsonSchema)]
struct WorkflowDone {
    /// The workflow as it is now.
    workflow: Workflow,
}

/// Performs it and tells the workflow as it is then.
fn done(call: &Call<'_>, operation: LibraryOperation) -> Result<Reply, Problem> {
    let LibraryAnswer::Done { workflow } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(WorkflowDone { workflow }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DescribeBody {
    /// What it is for; an empty text leaves it to the definition again.
    #[serde(default)]
    description: Option<String>,
    /// Labels that take the place of those it has.
    #[serde(default)]
    labels: Option<Vec<String>>,
}

fn describe(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DescribeBody { description, labels } = call.take()?;
    done(call, LibraryOperation::Describe { name: call.named("name"), description, labels, by: call.by() })
}

fn delete(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, LibraryOperation::Delete { name: call.named("name"), by: call.by() })
}

fn restore(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, LibraryOperation::Restore { name: call.named("name"), by: call.by() })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenameBody {
    /// Its new name.
    to: String,
}

fn rename(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let RenameBody { to } = call.take()?;
    done(call, LibraryOperation::Rename { name: call.named("name"), to, by: call.by() })
}

#[derive(Serialize, JsonSchema)]
struct WorkflowText {
    /// The workflow.
    workflow: Workflow,
    /// The revision.
    revision: Revision,
    /// Path of the definition among the files.
    entry: String,
    /// All texts, by path.
    files: BTreeMap<String, String>,
}

fn load(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (name, number) = (call.named("name"), call.number("revision")?);
    let answer = ask(call, LibraryOperation::Load { name, number })?;
    let LibraryAnswer::Loaded { workflow, revision, bundle } = answer else { return Err(unexpected()) };
    let (entry, files) = (bundle.entry, bundle.files);
    let etag = Some(revision.number.to_string());
    Ok(Reply { etag, ..Reply::ok(WorkflowText { workflow, revision, entry, files }) })
}

#[derive(Serialize, JsonSchema)]
struct WorkflowChanges {
    /// The workflow.
    name: String,
    /// Number of its newest revision.
    newest: u32,
    /// What was done to it, the newest first.
    changes: Vec<Change>,
}

fn changes(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (skip, limit) = (call.skip()?, call.page()?);
    let answer = ask(call, LibraryOperation::History { name: call.named("name"), skip, limit })?;
    let LibraryAnswer::History { name, newest, changes } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(WorkflowChanges { name, newest, changes }))
}

#[derive(Serialize, JsonSchema)]
struct Compared {
    /// What the one is called.
    from: String,
    /// What the other is called.
    to: String,
    /// They mean the same, whatever is written differently.
    same: bool,
    /// What is different, by file.
    files: Vec<FileDiff>,
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
    Ok(Reply::ok(Compared { from, to, same, files }))
}
