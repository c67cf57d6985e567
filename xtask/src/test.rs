//! `cargo xtask test`: all that CI checks.

use crate::run::{cargo, check, exists};
use crate::{generate, tidy};

/// The features that tests are built with: kill points are in no other build, and what is off by default is looked at as
/// well. That it builds without them is seen where the docs are built, and where a release is.
pub(crate) const FEATURES: &str = "stead/failpoints,stead/oidc,stead/otel";

/// How long the server is asked by Schemathesis, in seconds; by command it goes on for longer.
const CONTRACT_SECONDS: u64 = 60;

pub(crate) fn run(quick: bool) -> Result<(), String> {
    for (program, arg, what) in [
        ("git", "--version", "the examples report on this repository's history"),
        ("bash", "--version", "steps that are scripts run in it"),
        ("python3", "--version", "steps of the tests are written in it"),
        ("script", "--version", "terminals are tested with it (package util-linux)"),
    ] {
        if !exists(program, arg) {
            return Err(format!("`{program}` is missing: {what}. Install it and run this again."));
        }
    }
    check("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    tidy::run()?;
    check(
        "lints",
        &mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            FEATURES,
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    if !quick {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
        check("docs", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    generate::run(true)?;
    if !quick {
        check(
            "examples in docs",
            &mut cargo(&["test", "--workspace", "--doc", "--features", FEATURES, "--quiet"]),
        )?;
    }
    // Built as it is given away: without the features of the tests.
    let given = ["test", "--package", "stead", "--test", "kill", "p2_without_the_feature", "--quiet"];
    check("the binary without kill points", &mut cargo(&given))?;
    if !quick {
        crate::contract::run(CONTRACT_SECONDS)?;
    }
    // Last, so that what the run closes with is the count of its tests.
    if exists("cargo-nextest", "--version") {
        check("tests", &mut cargo(&["nextest", "run", "--workspace", "--features", FEATURES]))?;
    } else {
        eprintln!("cargo-nextest is not installed; the tests run one program after another");
        check("tests", &mut cargo(&["test", "--workspace", "--tests", "--features", FEATURES]))?;
    }
    Ok(())
}
