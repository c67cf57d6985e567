//! Signals as messages.

use crossbeam_channel::{Receiver, TrySendError, bounded, unbounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::error::CliError;

/// Somebody wants this process to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Ctrl-C. A second one soon after means the run and not only this process.
    Interrupt,
    /// The machine goes down, or the terminal is gone. Nobody is there who could say more.
    Terminate,
}

/// From here on signals are handled: they come out of the channel.
///
/// # Errors
/// When the system does not let us.
pub fn listen() -> Result<Receiver<Leave>, CliError> {
    let cannot = |e: std::io::Error| CliError::machine(format!("signals cannot be handled: {e}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(cannot)?;
    let (sender, receiver) = unbounded();
    let listen = move || {
        for signal in signals.forever() {
            let leave = if signal == SIGINT { Leave::Interrupt } else { Leave::Terminate };
            if sender.send(leave).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(cannot)?;
    Ok(receiver)
}

/// From here on it is told when the terminal has another size.
///
/// # Errors
/// When the system does not let us.
pub fn resizes() -> Result<Receiver<()>, CliError> {
    let cannot = |e: std::io::Error| CliError::machine(format!("signals cannot be handled: {e}"));
    let mut signals = Signals::new([SIGWINCH]).map_err(cannot)?;
    // One is enough: the size is looked up.
    let (sender, receiver) = bounded(1);
    let listen = move || {
        for _ in signals.forever() {
            if let Err(TrySendError::Disconnected(())) = sender.try_send(()) {
                return;
            }
        }
    };
    std::thread::Builder::new().name("resizes".into()).spawn(listen).map_err(cannot)?;
    Ok(receiver)
}
