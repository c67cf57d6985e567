//! Servers that somebody has logged in to, and the tokens for them: a file in the user's folder of settings, which nobody
//! else reads.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stead_engine::access::Secret;

use crate::error::{CliError, codes};
use crate::limits::{LOGINS, LOGINS_BYTES};

/// The file, in the user's folder of settings.
const FILE: &str = "servers.json";

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// By the address of the server.
    #[serde(default)]
    servers: BTreeMap<String, Login>,
}

/// What is kept of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// What is sent to it.
    token: Secret,
    /// Who one is there.
    pub user: String,
}

fn folder() -> Option<PathBuf> {
    let get = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = get("XDG_CONFIG_HOME").or_else(|| Some(get("HOME")?.join(".config")));
    folder.map(|folder| folder.join("stead"))
}

fn cannot(path: &Path, why: impl std::fmt::Display) -> CliError {
    CliError::usage(codes::TOKEN, format!("the logins in {} cannot be used: {why}", path.display()))
}

fn file() -> Result<PathBuf, CliError> {
    folder().map(|folder| folder.join(FILE)).ok_or_else(|| {
        CliError::usage(codes::TOKEN, "there is no place for logins: neither HOME nor XDG_CONFIG_HOME is set")
            .hint("give a token by STEAD_TOKEN or STEAD_TOKEN_FILE")
    })
}

fn read(path: &Path) -> Result<Kept, CliError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(cannot(path, error)),
    };
    let known = file.metadata().map_err(|error| cannot(path, error))?;
    if known.mode() & 0o077 != 0 {
        let word = crate::text::shell_word(&path.display().to_string());
        return Err(cannot(path, "others than you can read it").hint(format!("chmod 600 {word}")));
    }
    let mut text = String::new();
    file.take(LOGINS_BYTES).read_to_string(&mut text).map_err(|error| cannot(path, error))?;
    serde_json::from_str(&text).map_err(|error| {
        // What stands there may be a token, so it is not said.
        let place = format!("line {}, column {} is not what stands in it", error.line(), error.column());
        cannot(path, place).hint("mend it, or remove it and log in again")
    })
}

/// Written whole, or not at all.
fn write(path: &Path, kept: &Kept) -> Result<(), CliError> {
    let failed = |error: std::io::Error| cannot(path, error);
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let growing = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&growing)?;
        // Plain data with text keys always serialises.
        file.write_all(&serde_json::to_vec_pretty(kept).unwrap_or_default())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&growing, path)
    })();
    if written.is_err() {
        // Nothing is left of what could not be written.
        let _ = std::fs::remove_file(&growing);
    }
    written.map_err(failed)
}

/// The token for a server, where somebody has logged in to it.
///
/// # Errors
/// When the file cannot be used.
pub fn token_of(server: &str) -> Result<Option<Secret>, CliError> {
    let Some(folder) = folder() else { return Ok(None) };
    Ok(read(&folder.join(FILE))?.servers.get(server).map(|login| login.token.clone()))
}

/// The servers that somebody has logged in to.
///
/// # Errors
/// When the file cannot be used.
pub fn all() -> Result<BTreeMap<String, Login>, CliError> {
    let Some(folder) = folder() else { return Ok(BTreeMap::new()) };
    Ok(read(&folder.join(FILE))?.servers)
}

/// Keeps a token; gives where.
///
/// # Errors
/// When the file cannot be used, or holds as many as it may.
pub fn keep(server: &str, token: Secret, user: String) -> Result<PathBuf, CliError> {
    let path = file()?;
    let mut kept = read(&path)?;
    if kept.servers.len() >= LOGINS && !kept.servers.contains_key(server) {
        return Err(cannot(&path, format!("it holds {LOGINS} already")).hint("stead logout URL"));
    }
    kept.servers.insert(server.to_owned(), Login { token, user });
    write(&path, &kept)?;
    Ok(path)
}

/// Forgets a token; who one was there, if one was.
///
/// # Errors
/// When the file cannot be used.
pub fn forget(server: &str) -> Result<Option<String>, CliError> {
    let path = file()?;
    let mut kept = read(&path)?;
    let Some(login) = kept.servers.remove(server) else { return Ok(None) };
    write(&path, &kept)?;
    Ok(Some(login.user))
}
