//! Routes of files that runs are started with.

use std::fs::File;

use schemars::JsonSchema;
use serde::Serialize;
use stead_engine::operations::{Answer, Operation};
use stead_engine::uploads::{FileAnswer, FileOperation, FileRow};

use super::route::text;
use super::{BASE, Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;
use crate::reading::Reading;

/// The type of bytes of which nothing is known.
const BYTES: &str = "application/octet-stream";

pub(super) const ROUTES: &[Route] = &[
    Route::post("/files", "File.Upload", "Upload a file that a run is to be started with", upload)
        .query(&[
            text("name", "Its name; else `file`"),
            text("project", "The project whose runs it is for; else none"),
        ])
        .uploads()
        .makes(of::<FileMade>)
        .unkeyed()
        .refuses(&[409, 422]),
    Route::get(
        "/files/{hash}",
        "File.Find",
        "The bytes of a file: of one's own upload, or of one that a run names",
        download,
    )
    .query(&[text("run", "The run that names it: as an input, or as what a step has made")])
    .tells(BYTES),
];

#[derive(Serialize, JsonSchema)]
struct FileMade {
    /// BLAKE3 of its bytes: 64 lower-case hex digits. The same bytes have the same.
    hash: String,
    /// Its name.
    name: String,
    /// Its length in bytes.
    size: u64,
    /// Its media type, as it was sent.
    #[serde(rename = "type")]
    kind: String,
    /// Where it can be read again.
    url: String,
}

fn ask(call: &Call<'_>, operation: FileOperation) -> Result<FileAnswer, Problem> {
    match call.ask(Operation::File(operation))? {
        Answer::File(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

fn upload(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let mut upload = call.upload.take().ok_or_else(unexpected)?;
    let (name, project) = (call.text("name"), call.text("project").unwrap_or_default());
    let file = FileRow {
        hash: String::new(),
        name: name.unwrap_or_else(|| "file".to_owned()),
        size: 0,
        kind: upload.kind.take().unwrap_or_else(|| BYTES.to_owned()),
    };
    let asked = |file: FileRow, staged: String| FileOperation::Upload {
        file,
        staged,
        project: project.clone(),
        by: call.by(),
    };
    // Whoever may not is told before anything is taken in.
    call.host.asker.would_admit(Operation::File(asked(file.clone(), String::new())))?;
    file.check()?;
    let mut staged = call.host.asker.stage()?;
    while let Some(piece) = upload.piece()? {
        staged.write(&piece)?;
    }
    let (hash, size) = staged.finish()?;
    let answer = ask(call, asked(FileRow { hash, size, ..file }, staged.name()))?;
    let FileAnswer::Uploaded { file } = answer else { return Err(unexpected()) };
    let url = format!("{BASE}/files/{}", file.hash);
    let FileRow { hash, name, size, kind } = file;
    Ok(Reply::made(url.clone(), FileMade { hash, name, size, kind, url }))
}

fn download(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (hash, run) = (call.named("hash"), call.text("run"));
    let answer = ask(call, FileOperation::Find { hash: hash.clone(), run, by: call.by() })?;
    let FileAnswer::Found { file, path } = answer else { return Err(unexpected()) };
    let opened = File::open(&path).and_then(|opened| Ok((opened.metadata()?.len(), opened)));
    // Removed a moment ago.
    let gone = |_| Problem::from(stead_engine::EngineError::NoFile { hash });
    let (length, from) = opened.map_err(gone)?;
    // Whatever its sender has said that it is: a browser is to show nothing of it as a page of this server.
    Ok(Reply::read(Reading {
        kind: BYTES,
        name: file.name,
        length: Some(length),
        from: Box::new(from),
        asker: call.host.asker.clone(),
    }))
}
