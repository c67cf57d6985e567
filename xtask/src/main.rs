//! Chores of this repository: `cargo xtask test`, `gen`, `bench`, `breaks`, `sim`, `fuzz`, `contract`, `keep`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to whoever runs them")]

mod bench;
mod bounds;
mod breaks;
mod contract;
mod fuzz;
mod generate;
mod keep;
mod run;
mod sim;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test [--quick]   all that CI checks: format, tidiness, lints, docs, generated files, the server's contract,
                   tests; --quick leaves docs and contract out
  gen [--check]    write the generated files, or say which are not current
  bench [W...]     measure the workloads (all, or those named) beside the disk's limits, as a table
  breaks [NAME...] show that each kept break is found by the test of its promise
  sim [--minutes N] [--seed S]
                   try more seeds of the simulator: for so long, from this seed on; a seed alone is tried again
  keep [--again]   keep runs of this version, stopped in the middle, which all later versions continue in their tests
  contract [--seconds N]
                   ask a fresh server by Schemathesis, of what docs/openapi.json says, and hold its answers against it
  fuzz [--minutes N] [--seed S] [--keep] [TARGET...]
                   feed mutated texts to the fuzz targets (all, or those whose tests are named so); --keep writes one
                   text of each new kind of result into the corpus
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test::run(false),
        ["test", "--quick"] => test::run(true),
        ["gen"] => generate::run(false),
        ["gen", "--check"] => generate::run(true),
        ["bench", which @ ..] => bench::run(which),
        ["breaks", which @ ..] => breaks::run(which),
        ["sim", args @ ..] => sim::run(args),
        ["keep", args @ ..] => keep::run(args),
        ["fuzz", args @ ..] => fuzz::run(args),
        ["contract", args @ ..] => contract::of(args),
        _ => Err(HELP.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
