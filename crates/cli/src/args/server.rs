//! Arguments about servers elsewhere.

use clap::Args;

/// Arguments of `login`.
#[derive(Debug, Args)]
#[command(
    after_help = "The token is asked for at a terminal, or read from standard input: it is never an argument, which \
others on this machine could see. `stead token create` on the server's machine makes one."
)]
pub struct Login {
    /// The server: `https://stead.example.org`
    #[arg(value_name = "URL")]
    pub url: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub struct Logout {
    /// The server; may be left out where there is only one
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `whoami`.
#[derive(Debug, Args)]
pub struct Whoami {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
