//! Prints what docs/ keeps of the interface, by name: `openapi`. `cargo xtask gen` writes the file, `cargo xtask test`
//! checks that it is current.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints files")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("openapi") => print!("{}", stead_server::openapi::text()),
        _ => {
            eprintln!("openapi");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
