//! `cargo xtask breaks`: deliberate breaks of promises, and whether the tests of the promise notice.
//!
//! A break is a small patch with a header: which promise, what it breaks, which tests have to fail. Patches
//! are tried on a copy of the last commit beside the build, never on the files that somebody works on.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::run::{check, output, root};

const FOLDER: &str = "xtask/breaks";

/// A break that is kept.
struct Break {
    name: String,
    promise: String,
    /// What does not hold any more.
    breaks: String,
    /// Arguments of cargo: the tests that have to fail.
    test: Vec<String>,
    patch: PathBuf,
}

pub(crate) fn run(which: &[&str]) -> Result<(), String> {
    let all = kept()?;
    let unknown: Vec<&&str> = which.iter().filter(|name| all.iter().all(|b| b.name != **name)).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = all.iter().map(|b| b.name.as_str()).collect();
        return Err(format!("no such break: {unknown:?}; there are {}", names.join(", ")));
    }
    let copy = Copy::make()?;
    let mut rows = Vec::new();
    let mut missed = 0;
    for one in all.iter().filter(|b| which.is_empty() || which.contains(&b.name.as_str())) {
        let begun = Instant::now();
        let found = copy.with(one)?;
        missed += usize::from(found.is_none());
        rows.push([
            one.name.clone(),
            found.unwrap_or_else(|| "NOT FOUND".to_owned()),
            format!("{} s", begun.elapsed().as_secs()),
        ]);
    }
    print(&rows);
    match missed {
        0 => Ok(()),
        n => Err(format!("{n} of {} breaks are not found by the tests that are to find them", rows.len())),
    }
}

fn print(rows: &[[String; 3]]) {
    let mut widths = [0; 3];
    for row in rows {
        for (cell, width) in row.iter().zip(&mut widths) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// Whether every patch still fits the code, so that none is found stale on the day it is needed.
pub(crate) fn current() -> Result<(), String> {
    let all = kept()?;
    for one in &all {
        let mut git = Command::new("git");
        git.args(["apply", "--check"]).arg(&one.patch).current_dir(root());
        output(&mut git).map_err(|e| {
            format!("{FOLDER}/{}.patch does not fit the code any more; make it again\n{e}", one.name)
        })?;
    }
    eprintln!("   {} breaks fit the code", all.len());
    Ok(())
}

fn kept() -> Result<Vec<Break>, String> {
    let folder = root().join(FOLDER);
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{FOLDER}: {e}"))?;
    let mut all = Vec::new();
    for entry in entries {
        let patch = entry.map_err(|e| format!("{FOLDER}: {e}"))?.path();
        if patch.extension().is_some_and(|extension| extension == "patch") {
            all.push(Break::read(patch)?);
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

impl Break {
    fn read(patch: PathBuf) -> Result<Self, String> {
        let text = std::fs::read_to_string(&patch).map_err(|e| format!("{}: {e}", patch.display()))?;
        let header = text.split("\n\n").next().unwrap_or_default();
        let word = |key: &str| {
            let line = header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.map(str::to_owned).ok_or_else(|| format!("{}: no `{key}:` in its header", patch.display()))
        };
        let (promise, breaks, test) = (word("promise")?, word("breaks")?, word("test")?);
        let Some(test) = test.strip_prefix("cargo ").filter(|rest| rest.starts_with("test ")) else {
            return Err(format!("{}: `test:` is no `cargo test`", patch.display()));
        };
        let test = test.split_whitespace().map(str::to_owned).collect();
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, promise, breaks, test, patch })
    }
}

/// A copy of the last commit.
struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make() -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let folder = root().join(target).join("breaks");
        let copy = Self { tree: folder.join("tree"), target: folder.join("target") };
        let git = |args: &[&str]| output(Command::new("git").args(args).current_dir(root()));
        if !git(&["status", "--porcelain"])?.trim().is_empty() {
            eprintln!("there are changes that are not committed; breaks are tried on the last commit");
        }
        let head = git(&["rev-parse", "HEAD"])?;
        if copy.tree.join(".git").exists() {
            copy.git(&["checkout", "--quiet", "--force", "--detach", head.trim()])?;
        } else {
            // One whose folder was removed is still known to git, hence the force.
            let mut git = Command::new("git");
            git.args(["worktree", "add", "--quiet", "--force", "--detach"]).arg(&copy.tree).arg(head.trim());
            check("copy of the last commit", git.current_dir(root()))?;
        }
        Ok(copy)
    }

    fn git(&self, args: &[&str]) -> Result<String, String> {
        output(Command::new("git").args(args).current_dir(&self.tree))
    }

    fn cargo(&self, args: &[String]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(args).current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// The tests that fail with a break; `None` when all pass.
    fn with(&self, one: &Break) -> Result<Option<String>, String> {
        eprintln!("== {} ({}): {}", one.name, one.promise, one.breaks);
        self.git(&["apply", &one.patch.display().to_string()])?;
        let result = self.failing(&one.test);
        self.git(&["checkout", "--quiet", "--force", "."])?;
        result.map_err(|e| format!("{}: {e}", one.name))
    }

    fn failing(&self, test: &[String]) -> Result<Option<String>, String> {
        // Code that does not compile breaks no promise.
        let mut build = self.cargo(test);
        output(build.args(["--no-run", "--quiet"]))?;
        let ran = self.cargo(test).output().map_err(|e| format!("cargo did not start: {e}"))?;
        let text = String::from_utf8_lossy(&ran.stdout);
        let failed = |line: &str| Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned());
        let failed: Vec<String> = text.lines().filter_map(failed).collect();
        let Some(first) = failed.first() else {
            return match ran.status.success() {
                true => Ok(None),
                false => Err(format!("no test failed, and yet {}\n{text}", ran.status)),
            };
        };
        let first = first.rsplit("::").next().unwrap_or_default();
        let more = failed.len() - 1;
        Ok(Some(if more == 0 { first.to_owned() } else { format!("{first} and {more} more") }))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn breaks_fit_the_code_and_bear_the_name_of_their_promise() {
        super::current().unwrap();
        let all = super::kept().unwrap();
        for promise in ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12"] {
            assert!(all.iter().any(|one| one.promise == promise), "{promise} has no break");
        }
        for one in &all {
            let begins = format!("{}-", one.promise.to_lowercase());
            assert!(one.name.starts_with(&begins), "{} is of {}", one.name, one.promise);
        }
    }
}
