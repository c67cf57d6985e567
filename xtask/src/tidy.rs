//! Rules of the repository that no compiler knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::run::{cargo, output, root};

/// Packages in the dependency tree of everything that is built, our own included. Raised knowingly: each
/// one costs build time on two cores and trust. A client for HTTP and TLS is 17 of them, a server of HTTP (hyper on tokio,
/// without a framework) 10,
/// schemas made of the types that cross HTTP (schemars) 4, argon2 for passwords 9.
const PACKAGES: usize = 184;

/// What the core may depend on. It is pure: no clock, no chance, no async, no IO.
const CORE_MAY_USE: &[&str] = &["stead-lang", "blake3", "schemars", "serde", "serde_json", "thiserror"];

pub(crate) fn run() -> Result<(), String> {
    eprintln!("== tidiness");
    packages()?;
    core_is_pure()?;
    codes_are_unique()?;
    crate::bounds::current()?;
    crate::breaks::current()
}

fn packages() -> Result<(), String> {
    let tree =
        output(&mut cargo(&["tree", "--workspace", "--prefix", "none", "--edges", "normal,build,dev"]))?;
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(" (").next()).collect();
    let names: BTreeSet<&str> = names.into_iter().filter(|line| !line.is_empty()).collect();
    eprintln!("   {} packages of at most {PACKAGES}", names.len());
    match names.len() <= PACKAGES {
        true => Ok(()),
        false => Err(format!("{} packages in the dependency tree, the ceiling is {PACKAGES}", names.len())),
    }
}

fn core_is_pure() -> Result<(), String> {
    let path = root().join("crates/core/Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let used =
        section.lines().filter_map(|line| line.split(['.', '=', ' ']).next()).filter(|name| !name.is_empty());
    let strange: Vec<&str> = used.filter(|name| !CORE_MAY_USE.contains(name)).collect();
    match strange.is_empty() {
        true => Ok(()),
        false => Err(format!("the core depends on {}; it is to stay pure", strange.join(", "))),
    }
}

/// Where each code of an error is given: a line that maps an error to it, or a constant. Two errors with one code
/// cannot be told apart by who reads it.
fn codes_are_unique() -> Result<(), String> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources(&root().join("crates"))? {
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        for (number, line) in text.lines().enumerate() {
            if let Some(code) = code_of(line) {
                given.entry(code.to_owned()).or_default().push(format!("{name}:{}", number + 1));
            }
        }
    }
    let twice = given.iter().filter(|(_, places)| places.len() > 1);
    let twice: Vec<String> =
        twice.map(|(code, places)| format!("{code} is given at {}", places.join(" and "))).collect();
    eprintln!("   {} codes of errors", given.len());
    match (twice.is_empty(), given.len() > 100) {
        (true, true) => Ok(()),
        (true, false) => Err("the codes of errors are no longer where this looks for them".to_owned()),
        (false, _) => Err(twice.join("\n")),
    }
}

/// The code that a line gives to an error, such as `Self::Gone => "R0604",` or `const FILE: &str = "C0202";`.
fn code_of(line: &str) -> Option<&str> {
    let line = line.trim();
    let given = match line.split_once("=> \"") {
        Some((_, given)) => given,
        None => line.strip_prefix("pub const ")?.split_once(": &str = \"")?.1,
    };
    let (code, rest) = given.split_once('"')?;
    let (letter, digits) = code.split_at_checked(1)?;
    let well = letter.chars().all(|c| c.is_ascii_uppercase())
        && digits.len() == 4
        && digits.bytes().all(|b| b.is_ascii_digit());
    (well && matches!(rest, "," | ";")).then_some(code)
}

fn sources(folder: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.components().any(|part| part.as_os_str() == "src")
        {
            found.push(path);
        }
    }
    Ok(found)
}
