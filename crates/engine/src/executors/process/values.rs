//! What a program writes to the file `STEAD_OUTPUT`: a JSON object, and in it files to be kept.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::executor::FileTaker;
use crate::executors::content::describe;
use crate::limits::ProcessLimits;
use crate::logs::size_text;
use crate::redact::Redaction;

pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    /// What paths of files are relative to: the folder the program worked in.
    pub(super) relative_to: &'a Path,
    pub(super) limits: &'a ProcessLimits,
    pub(super) files: &'a dyn FileTaker,
    pub(super) redaction: &'a Redaction,
}

/// The values; `None`: nothing was written.
///
/// `{"file": PATH}`, an object with this one key, stands for a file at any depth; it becomes
/// `{path, name, hash, size}`.
pub(super) fn read(source: &Source<'_>) -> Result<Option<Value>, String> {
    let Some(bytes) = bytes(source)? else { return Ok(None) };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let mut values: Value = serde_json::from_slice(&bytes)
        .map_err(|error| describe("STEAD_OUTPUT", &bytes, &error, source.redaction))?;
    if !values.is_object() {
        return Err(
            "STEAD_OUTPUT holds JSON that is no object: write names and values, `{\"name\": …}`".to_owned()
        );
    }
    let mut count = 0;
    take_files(source, &mut values, &mut count)?;
    source.redaction.value(&mut values);
    Ok(Some(values))
}

fn bytes(source: &Source<'_>) -> Result<Option<Vec<u8>>, String> {
    let say = |error: io::Error| format!("STEAD_OUTPUT cannot be read: {error}");
    let file = match open(source.file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(say)?,
    };
    if !file.metadata().map_err(say)?.is_file() {
        return Err("STEAD_OUTPUT is not a file any more".to_owned());
    }
    let limit = source.limits.values;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(say)?;
    if bytes.len() > limit {
        return Err(format!(
            "STEAD_OUTPUT is larger than {}: keep large values as files, `{{\"file\": PATH}}`",
            size_text(limit as u64)
        ));
    }
    Ok(Some(bytes))
}

/// Opens without waiting, whatever a program has put there (a pipe would wait for a writer).
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn take_files(source: &Source<'_>, value: &mut Value, count: &mut usize) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| take_files(source, item, count)),
        Value::Object(map) => {
            if map.len() == 1
                && let Some(Value::String(path)) = map.get("file")
            {
                *count += 1;
                if *count > source.limits.values_files {
                    return Err(format!(
                        "STEAD_OUTPUT names more than {} files: put them into an archive",
                        source.limits.values_files
                    ));
                }
                *value = take_file(source, path)?;
                return Ok(());
            }
            map.values_mut().try_for_each(|item| take_files(source, item, count))
        }
        _ => Ok(()),
    }
}

fn take_file(source: &Source<'_>, named: &str) -> Result<Value, String> {
    let say = |what: String| format!("the file `{}` that STEAD_OUTPUT names {what}", named.escape_debug());
    let path = source.relative_to.join(named);
    let known = std::fs::metadata(&path).map_err(|error| say(format!("cannot be read: {error}")))?;
    if !known.is_file() {
        return Err(say("is no file".to_owned()));
    }
    if holds_secret(&path, source.redaction).map_err(|error| say(format!("cannot be read: {error}")))? {
        return Err(say("holds the text of a secret, and is not kept for that".to_owned()));
    }
    let taken = source.files.take(&path).map_err(|error| say(format!("cannot be kept: {error}")))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(json!({"path": taken.path.to_string_lossy(), "name": name, "hash": taken.hash, "size": taken.size}))
}

/// A file is kept as it is, so one with a secret in it is not kept at all: what is redacted would be another
/// file, and of an archive or a picture a broken one.
fn holds_secret(path: &Path, redaction: &Redaction) -> io::Result<bool> {
    if redaction.is_empty() {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    let mut stream = redaction.stream();
    let mut buffer = vec![0; 64 * 1024];
    let mut out = Vec::new();
    loop {
        let length = file.read(&mut buffer)?;
        out.clear();
        if length == 0 {
            stream.finish(&mut out);
            return Ok(stream.found());
        }
        stream.push(&buffer[..length], &mut out);
        if stream.found() {
            return Ok(true);
        }
    }
}
