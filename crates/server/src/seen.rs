//! What is known of a request while it is answered: for what is counted, and told in a line.

use std::sync::OnceLock;
use std::time::Instant;

use hyper::Method;

use crate::routes::{BASE, Route};

/// The path of a request, as the table has it: without what stands for a run, a name, a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    api: bool,
    path: &'static str,
}

impl At {
    /// A path at which there is nothing.
    pub(crate) const NOWHERE: Self = Self { api: false, path: "none" };

    /// A path outside of the API.
    pub(crate) const fn outside(path: &'static str) -> Self {
        Self { api: false, path }
    }

    /// That of a route.
    pub(crate) fn route(route: &Route) -> Self {
        Self { api: true, path: route.path }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.api { BASE } else { "" })?;
        f.write_str(self.path)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Since when.
    pub(crate) begun: Instant,
    /// Its method, as far as it is one of those that are known.
    pub(crate) method: &'static str,
    at: OnceLock<At>,
}

impl Seen {
    pub(crate) fn new(method: &Method) -> Self {
        Self { begun: Instant::now(), method: known(method), at: OnceLock::new() }
    }

    /// Where it goes.
    pub(crate) fn is_at(&self, at: At) {
        // Said once, by whoever finds it.
        let _ = self.at.set(at);
    }

    /// Where it goes; nowhere, as long as that is not known.
    pub(crate) fn at(&self) -> At {
        self.at.get().copied().unwrap_or(At::NOWHERE)
    }
}

/// A method may be any word that a client likes.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}
