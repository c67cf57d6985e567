//! What can be said about notifications.

use clap::{Args, Subcommand};

/// Arguments of `notifications`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Notifications {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<NotificationsCommand>,
    /// Only those that were tried as often as is tried
    #[arg(long, conflicts_with = "waiting")]
    pub failed: bool,
    /// Only those that are to be delivered
    #[arg(long)]
    pub waiting: bool,
    /// At most so many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Go on behind this one: the next page
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// The commands of `notifications`.
#[derive(Debug, Subcommand)]
pub enum NotificationsCommand {
    /// Try one again that has failed
    Retry(NotificationRetry),
}

/// Arguments of `notifications retry`.
#[derive(Debug, Args)]
pub struct NotificationRetry {
    /// Its id
    #[arg(value_name = "ID")]
    pub notification: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
