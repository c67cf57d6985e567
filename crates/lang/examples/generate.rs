//! Prints what docs/ keeps of the language, by name: `schema`, `reference`, `codes` or `import`. `cargo xtask gen` writes
//! the files, `cargo xtask test` checks that they are current.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints files")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("schema") => println!("{:#}", stead_lang::keys::schema()),
        Some("reference") => print!("{}", stead_lang::keys::reference_markdown()),
        Some("import") => print!("{}", stead_lang::import::page()),
        Some("codes") => codes(),
        _ => {
            eprintln!("schema, reference, codes or import");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn codes() {
    println!("# Codes of the check\n");
    println!("What `stead check` finds in definitions. `stead explain CODE` prints the same.\n");
    for code in stead_lang::codes::all() {
        println!("## {}: {}\n\n{}\n", code.code, code.title, code.text);
        for (word, text) in [("Wrong", code.wrong), ("Right", code.mended)] {
            if !text.is_empty() {
                println!("{word}:\n\n```yaml\n{}\n```\n", text.trim_end());
            }
        }
    }
}
