//! The binary `stead`; see the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    stead_cli::main()
}
