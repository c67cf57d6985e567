//! What a program sees of the environment, and nothing else.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use stead_core::effect::Execute;

use super::request::Request;
use crate::lent::INHERITED;

pub(super) fn inherited(get: impl Fn(&str) -> Option<OsString>) -> Vec<(OsString, OsString)> {
    INHERITED.iter().filter_map(|name| Some((OsString::from(name), get(name)?))).collect()
}

/// All variables of a program: those passed on, those declared, those of the attempt; later ones win.
pub(super) fn of(
    inherited: &[(OsString, OsString)],
    job: &Execute,
    request: &Request<'_>,
    dir: &Path,
    output: &Path,
) -> Result<Vec<(OsString, OsString)>, String> {
    let mut all = inherited.to_vec();
    let mut set = |name: &OsStr, value: &OsStr| match all.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value.to_owned(),
        None => all.push((name.to_owned(), value.to_owned())),
    };
    for (name, value) in &request.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!("`{}` is no name for an environment variable", name.escape_debug()));
        }
        if value.contains('\0') {
            return Err(format!(
                "the value of `{name}` holds a zero byte, which no environment can: give it by `stdin`"
            ));
        }
        set(OsStr::new(&**name), OsStr::new(&**value));
    }
    let attempt = job.attempt.to_string();
    let own: [(&str, &OsStr); 6] = [
        ("STEAD_RUN", OsStr::new(job.attempt.stream.as_str())),
        ("STEAD_STEP", OsStr::new(&job.attempt.path)),
        (stead_platform::process::ATTEMPT_VARIABLE, OsStr::new(&attempt)),
        ("STEAD_KEY", OsStr::new(&job.key)),
        ("STEAD_OUTPUT", output.as_os_str()),
        ("STEAD_DIR", dir.as_os_str()),
    ];
    for (name, value) in own {
        set(OsStr::new(name), value);
    }
    Ok(all)
}

/// The value of a variable.
pub(super) fn get<'a>(all: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    all.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
}
