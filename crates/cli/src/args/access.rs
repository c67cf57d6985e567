//! What can be said about tokens.

use clap::{Args, Subcommand};

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct Token {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// The commands of `token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, by which a program is known to the server as one of the people. It is shown once
    Create(TokenCreate),
    /// List tokens, never what they are; your own unless said
    List(TokenList),
    /// End a token at once
    Revoke(TokenRevoke),
}

/// Arguments of `token create`.
#[derive(Debug, Args)]
pub struct TokenCreate {
    /// What it is called: what it is for
    #[arg(value_name = "NAME")]
    pub token: String,
    /// Whose it is; yours unless said. For others it takes an admin
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// How long it lasts, such as 90d or 12h; for ever unless said
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Hold it to what this role may: viewer, operator, approver, editor
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `token list`.
#[derive(Debug, Args)]
pub struct TokenList {
    /// Those of somebody else, for admins
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub user: Option<String>,
    /// Those of everybody, for admins
    #[arg(long)]
    pub all: bool,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `token revoke`.
#[derive(Debug, Args)]
pub struct TokenRevoke {
    /// Its id, or its name
    #[arg(value_name = "TOKEN")]
    pub token: String,
    /// Whose, where it is named and is not yours
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `password`.
#[derive(Debug, Args)]
pub struct Password {
    /// What to do.
    #[command(subcommand)]
    pub command: PasswordCommand,
}

/// The commands of `password`.
#[derive(Debug, Subcommand)]
pub enum PasswordCommand {
    /// Set a password: typed at a terminal, where it is not shown, else the first line of what comes in
    Set(PasswordSet),
    /// Take a password away: nobody signs in with it any more
    Remove(PasswordRemove),
}

/// Arguments of `password set`.
#[derive(Debug, Args)]
pub struct PasswordSet {
    /// Whose; yours unless said. For others it takes an admin
    #[arg(value_name = "USER")]
    pub user: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `password remove`.
#[derive(Debug, Args)]
pub struct PasswordRemove {
    /// Whose; yours unless said. For others it takes an admin
    #[arg(value_name = "USER")]
    pub user: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `link`.
#[derive(Debug, Args)]
pub struct Link {
    /// The task: its id, RUN/STEP, or a run that asks for one thing only
    #[arg(value_name = "TASK")]
    pub task: String,
    /// For whom; for you unless said. For others it takes an admin
    #[arg(long = "for", value_name = "USER")]
    pub user: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what this one did: any of their names; or an address that was not let in
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Only what is about something with this text in its name: a run, a task, a workflow, somebody
    #[arg(long, value_name = "TEXT")]
    pub about: Option<String>,
    /// Only what was done at this time or later, written as for `runs`
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what was done before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// About so many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Go on at this place: the next page
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}
