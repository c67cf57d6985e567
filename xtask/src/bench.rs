//! `cargo xtask bench`: the workloads, beside what the disk gives in the same minute, as a table.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::run::{cargo, check, output, root};

const FILE: &str = "docs/benchmarks.md";
/// Where the tables stand: that of the workloads, that of the server.
const WORKLOADS: (&str, &str) = ("<!-- begin: written by `cargo xtask bench --write` -->", "<!-- end -->");
const HTTP: (&str, &str) =
    ("<!-- begin: written by `cargo xtask bench http --write` -->", "<!-- end http -->");

pub(crate) fn run(which: &[&str]) -> Result<(), String> {
    let write = which.contains(&"--write");
    let which: Vec<&str> = which.iter().copied().filter(|w| *w != "--write").collect();
    check("build of stead, release", &mut cargo(&["build", "--release", "--package", "stead"]))?;
    check(
        "build of the workloads, release",
        &mut cargo(&["build", "--release", "--package", "stead-engine", "--example", "bench"]),
    )?;
    check(
        "build of the checks, release",
        &mut cargo(&["build", "--release", "--package", "stead-lang", "--example", "check"]),
    )?;
    check(
        "build of the load on a server, release",
        &mut cargo(&["build", "--release", "--package", "stead-server", "--example", "load"]),
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let release = Path::new(&target).join("release");
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut bench = Command::new(release.join("examples/bench"));
    bench.arg(&folder).arg(release.join("stead")).args(&which);
    let mut text = output(&mut bench)?;
    // Two examples cannot have one name in one folder.
    text.push('\n');
    text.push_str(&output(Command::new(release.join("examples/check")).args(&which))?);
    let workloads = which.is_empty() || which.iter().any(|w| *w != "http");
    if workloads {
        told(&text, write, WORKLOADS)?;
    }
    if which.is_empty() || which.contains(&"http") {
        let mut load = Command::new(release.join("examples/load"));
        told(&output(load.arg(&folder).arg(release.join("stead")))?, write, HTTP)?;
    }
    Ok(())
}

/// Prints a table of what was measured, and writes it to its place.
fn told(lines: &str, write: bool, place: (&str, &str)) -> Result<(), String> {
    let table = table(lines)?;
    println!("{table}");
    match write {
        true => put(&table, place),
        false => Ok(()),
    }
}

fn table(lines: &str) -> Result<String, String> {
    let mut out = String::new();
    let line = |out: &mut String, text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(&mut out, format!("Machine: {}. Commit {}. Profile `release`.\n", machine(), commit()));
    line(&mut out, "| workload | measured | |".to_owned());
    line(&mut out, "| --- | --- | --- |".to_owned());
    for text in lines.lines().filter(|line| !line.is_empty()) {
        let cell: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("{text}: {e}"))?;
        let word = |key: &str| cell[key].as_str().unwrap_or_default();
        let value = cell["value"].as_f64().unwrap_or_default();
        let mut number = String::new();
        // Two digits behind the point where they say something.
        let written = if value < 100.0 { write!(number, "{value:.2}") } else { write!(number, "{value:.0}") };
        written.map_err(|e| e.to_string())?;
        line(&mut out, format!("| {} | {number} {} | {} |", word("name"), word("unit"), word("detail")));
    }
    Ok(out)
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']).to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, load {load} at the end")
}

fn commit() -> String {
    let mut git = Command::new("git");
    let short = output(git.args(["rev-parse", "--short", "HEAD"]).current_dir(root())).unwrap_or_default();
    let mut git = Command::new("git");
    let dirty = output(git.args(["status", "--porcelain"]).current_dir(root())).unwrap_or_default();
    let mark = if dirty.is_empty() { "" } else { " with changes" };
    format!("{}{mark}", short.trim())
}

fn put(table: &str, (begin_mark, end_mark): (&str, &str)) -> Result<(), String> {
    let path = root().join(FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{FILE}: {e}"))?;
    let begin = text.find(begin_mark).ok_or_else(|| format!("{FILE} has no `{begin_mark}`"))?;
    let end = text.find(end_mark).ok_or_else(|| format!("{FILE} has no `{end_mark}`"))?;
    let text = format!("{}{begin_mark}\n{table}{}", &text[..begin], &text[end..]);
    std::fs::write(&path, text).map_err(|e| format!("{FILE}: {e}"))
}
