//! The real program, killed at every crossing of every named point, and resumed.
//!
//! An undisturbed run of each definition counts the crossings. Then, for each of them, a run is killed there
//! and resumed, and once more with the resume killed as well. What it comes to is the same each time, and how
//! often each step was performed keeps to the rules:
//!
//! - a step whose result was durable ran once;
//! - where nobody can know, one that is `none` or `idempotent` ran at most once more per kill, with the same
//!   key, and a `once` step ran once, and is parked until somebody says what it came to.
#![cfg_attr(feature = "failpoints", expect(clippy::unwrap_used, clippy::expect_used, reason = "tests"))]

#[cfg(feature = "failpoints")]
mod cases;
#[cfg(feature = "failpoints")]
mod control;
#[cfg(feature = "failpoints")]
mod everywhere;
#[cfg(feature = "failpoints")]
mod http;
#[cfg(feature = "failpoints")]
mod keys;
#[cfg(feature = "failpoints")]
mod notified;
#[cfg(feature = "failpoints")]
mod pairs;
#[cfg(feature = "failpoints")]
mod program;
#[cfg(feature = "failpoints")]
mod served;
mod servers;
#[cfg(feature = "failpoints")]
mod signals;

#[cfg(not(feature = "failpoints"))]
#[test]
fn these_tests_need_the_feature_failpoints() {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!ci, "build the tests with `--features stead/failpoints`");
    eprintln!("left out: kill tests are built with `--features stead/failpoints`");
}

/// The binary that is given away: whatever the environment says, no point kills it, and none is in it.
#[cfg(not(feature = "failpoints"))]
#[test]
fn p2_without_the_feature_there_are_no_points() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let crossed = folder.path().join("crossed");
    std::fs::write(
        folder.path().join("one.yml"),
        "stead: 1\nname: one\nsteps: [ { id: a, run: [echo, '1'] } ]\n",
    )?;
    let binary = env!("CARGO_BIN_EXE_stead");
    for point in ["commit.before@1", "commit.after@1", "effect.after@1"] {
        let mut command = std::process::Command::new(binary);
        command.args(["run", "one.yml"]).current_dir(&folder).env("STEAD_HOME", folder.path().join("home"));
        command.env("STEAD_FAILPOINT", point).env("STEAD_FAILPOINT_LOG", &crossed);
        let output = command.output()?;
        assert!(output.status.success(), "{point}: {output:?}");
    }
    assert!(!crossed.exists());
    let bytes = std::fs::read(binary)?;
    let name = b"STEAD_FAILPOINT";
    assert!(!bytes.windows(name.len()).any(|part| part == name), "its name is in the binary");
    Ok(())
}
