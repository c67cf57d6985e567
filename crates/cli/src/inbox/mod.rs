//! The inbox at a terminal: what waits for somebody, on the whole screen, done by keys.
//!
//! ```text
//! bytes ──keys──> Key ──State::key──┐
//!                  worker ──Told────┼──> State ──view::draw──> lines ──screen──> terminal
//!                  clock ───tick────┘      └──Ask──> worker ──> operations
//! ```
//!
//! [`State`](model::State) is pure: what comes in are keys, answers and the time, what goes out are wishes. The view is a
//! function of it. What is impure is small: [`screen`] (the terminal's modes, what is drawn), [`worker`] (asks the
//! operations, one after another, as every command does) and [`live`](mod@live), the loop that ties them together.
//!
//! There is no library for terminals below: what is used of one (a list, fields, texts cut to the width) is what the rest
//! of the command line has already.

pub mod bindings;
pub mod edit;
pub mod field;
pub mod keys;
pub mod live;
pub mod model;
pub mod rows;
pub mod screen;
mod told;
mod typing;
mod update;
pub mod view;
pub mod work;
pub mod worker;

#[cfg(test)]
mod tests;

pub use live::live;
