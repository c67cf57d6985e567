//! Stead over HTTP: the operations as routes.
//!
//! | module | what |
//! | --- | --- |
//! | [`server`] | listens, takes connections, stops |
//! | [`listen`] | where it may listen |
//! | `guard`, `wire` | whose requests are answered: no other host's name, no other page's, no other user's |
//! | [`routes`] | the one table of routes: path, operation, what it takes, how it is performed |
//! | [`openapi`] | the description of the routes, made of their table |
//! | [`call`] | a request as a route gets it |
//! | `cookie`, `links` | sessions of browsers; the pages of links to a task |
//! | [`stream`] | events as they come |
//! | [`snapshots`] | lists as they were told, to be acted on |
//! | [`upload`], [`reading`] | bodies and answers of any size, a piece at a time |
//! | [`metrics`], `watched` | what is counted; whether it lives and is ready |
//! | `whole` | bodies that are a definition themselves |
//! | [`problem`] | what is answered when something is wrong |
//!
//! A route is a plain function that blocks: it makes an operation of a request, has it performed, and makes an
//! answer of what came of it. Nothing here knows how a run goes on. Only `server` and `wire` are asynchronous.

pub mod again;
pub mod call;
mod cookie;
mod door;
mod guard;
mod hooks;
pub mod limits;
mod links;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod reading;
pub mod routes;
mod seen;
mod sending;
pub mod server;
pub mod snapshots;
mod stall;
pub mod stream;
pub mod upload;
mod watched;
mod whole;
mod wire;

pub use listen::ListenError;
pub use server::{Cut, Host, Measures, Server};
