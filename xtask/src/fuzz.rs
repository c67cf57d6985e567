//! `cargo xtask fuzz`: the fuzz targets for longer than the tests go on.

use crate::run::{cargo, check};
use crate::sim::{number, seed_of_now};

const MINUTES: &str = "5";

pub(crate) fn run(args: &[&str]) -> Result<(), String> {
    let (mut minutes, mut seed, mut keep) = (None, None, false);
    let mut which = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = || format!("`{arg}` needs a value; see `cargo xtask`");
        match *arg {
            "--minutes" => minutes = Some(number("--minutes", args.next().ok_or_else(value)?)?),
            "--seed" => seed = Some(number("--seed", args.next().ok_or_else(value)?)?),
            "--keep" => keep = true,
            option if option.starts_with('-') => {
                return Err(format!("`{option}` is no option; see `cargo xtask`"));
            }
            target => which.push(target),
        }
    }
    let minutes = minutes.unwrap_or_else(|| MINUTES.to_owned());
    let seconds = minutes.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(60).to_string();
    let mut command =
        cargo(&["test", "--profile", "sim", "--package", "stead-lang", "--package", "stead-engine"]);
    // The names of the targets are those of the tests: any part of them will do.
    command.args(["--lib", "--tests", "--", "--nocapture", "fuzzed::"]).args(which);
    command.env("STEAD_FUZZ_SECONDS", seconds).env("STEAD_FUZZ_SEED", seed.unwrap_or_else(seed_of_now));
    if keep {
        command.env("STEAD_FUZZ_KEEP", "1");
    }
    check("fuzz", &mut command)
}
