//! Rules of the repository that no compiler knows.

use std::collections::BTreeSet;

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
