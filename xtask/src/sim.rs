//! `cargo xtask sim`: more seeds of the simulator than the tests try.

use crate::run::{cargo, check};

const MINUTES: &str = "10";

pub(crate) fn run(args: &[&str]) -> Result<(), String> {
    let mut command = cargo(&[
        "test",
        "--profile",
        "sim",
        "--package",
        "stead-engine",
        "--test",
        "sim",
        "--",
        "--ignored",
        "--nocapture",
        "more_seeds",
    ]);
    let (mut minutes, mut seed) = (None, None);
    for pair in args.chunks(2) {
        match pair {
            ["--minutes", n] => minutes = Some(number("--minutes", n)?),
            ["--seed", n] => seed = Some(number("--seed", n)?),
            _ => return Err(format!("`{}` is no option with its value; see `cargo xtask`", pair.join(" "))),
        }
    }
    // A seed alone is that one again; without anything it goes on for a while from a seed of this moment.
    match (seed, minutes) {
        (Some(seed), None) => command.env("STEAD_SIM_SEED", seed),
        (Some(seed), Some(minutes)) => command.env("STEAD_SIM_SEED", seed).env("STEAD_SIM_MINUTES", minutes),
        (None, minutes) => {
            let minutes = minutes.unwrap_or_else(|| MINUTES.to_owned());
            command.env("STEAD_SIM_SEED", seed_of_now()).env("STEAD_SIM_MINUTES", minutes)
        }
    };
    check("simulator", &mut command)
}

/// A seed that was not tried before.
pub(crate) fn seed_of_now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (now.map_or(1, |now| now.as_secs()) * 1_000_000).to_string()
}

pub(crate) fn number(option: &str, text: &str) -> Result<String, String> {
    let parsed: Result<u64, _> = text.parse();
    parsed.map(|n| n.to_string()).map_err(|_| format!("{option} takes a whole number, not `{text}`"))
}
