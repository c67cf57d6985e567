//! `cargo xtask keep`: keeps runs of this version, stopped in the middle, for the engines to come.

use std::path::Path;

use crate::run::{cargo, check};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(args: &[&str]) -> Result<(), String> {
    let again = match args {
        [] => false,
        ["--again"] => true,
        _ => return Err(format!("`{}` is no option of `keep`; see `cargo xtask`", args.join(" "))),
    };
    let folder = Path::new("crates/engine/tests/kept").join(VERSION);
    if folder.exists() && !again {
        return Err(format!(
            "{} is there: what is kept of a version is not written over. Raise the version first, or say `--again` if \
             {VERSION} was never given away",
            folder.display()
        ));
    }
    let into = std::env::current_dir().map_err(|error| error.to_string())?.join(&folder);
    let make = ["test", "--package", "stead-engine", "--test", "kept", "--", "--ignored", "--exact", "make"];
    check("keep", cargo(&make).env("STEAD_KEEP", &into))?;
    check("keep", &mut cargo(&["test", "--package", "stead-engine", "--test", "kept"]))?;
    eprintln!("kept in {}", folder.display());
    Ok(())
}
