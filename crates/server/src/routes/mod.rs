//! The one table of routes. What is performed, what `docs/openapi.json` says (made by `cargo xtask gen`), and what the
//! tests ask all come from it.
//!
//! A row is written so; a type that is taken or answered derives `JsonSchema` beside serde, and says what its fields mean:
//!
//! ```text
//! Route::post("/runs/{run}:cancel", "Cancel", "End a run", cancel)   // method and path, operation, summary, function
//!     .query(&[flag("now", "…")])           // parameters; LIMIT, AFTER, text, number, time, word, words
//!     .takes(of::<CancelBody>)              // the body; optional where all of its fields are
//!     .or_whole()                           // the body may be a definition itself as well
//!     .gives(of::<RunDone>)                 // what is answered: or .makes (201), or .tells("text/plain")
//!     .refuses(&[409]),                     // statuses of problems beside 400, 403, 408, 413, 415, 503; 404 comes with a name in the path
//! ```
//!
//! A new name in braces gets its line in [`NAMES`].

mod access;
mod bulk;
mod definition;
mod definitions;
mod files;
mod home;
mod library;
mod live;
mod logs;
mod notifications;
mod oidc;
mod operations;
pub mod route;
mod runs;
mod schedules;
mod session;
mod tasks;

pub use route::{NO_OPERATION, Route, of};

use crate::call::decoded;
use crate::openapi;
use crate::problem::Problem;

/// What all paths begin with.
pub const BASE: &str = "/api/v1";

/// Operations that have no route, and why.
pub const WITHOUT: &[(&str, &str)] = &[
    ("Schedule.Deliver", "it is what a signed request to `/hooks/NAME` becomes, outside of these paths"),
    ("Metrics", "it is told at `/metrics`, outside of these paths, where programs that watch look for it"),
    ("Library.Exported", "it notes a file of the machine on which a command wrote it"),
    ("Library.Decline", "it notes a file of the machine on which a command asked"),
    ("Library.Declined", "it tells of a file of the machine on which a command asks"),
];

/// What the names in paths stand for, each with an example.
pub const NAMES: &[(&str, &str, &str)] = &[
    (
        "run",
        "A run: its id, the beginning of one, `@last`, `@last:failed`, or the name of a workflow: its newest run",
        "greet",
    ),
    (
        "task",
        "A task: its id, the beginning of one, `RUN/STEP`, or a run that asks for one thing only",
        "gated",
    ),
    ("schedule", "A schedule: its name, or its id", "nightly"),
    ("name", "The name of a workflow", "greet"),
    ("notification", "A notification: its id", "n_0123456789abcdef0123"),
    (
        "hash",
        "The hash of a file: BLAKE3 of its bytes, in 64 lower-case hex digits",
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    ),
    ("token", "A token: its id, or its name", "laptop"),
    ("document", "The name of a document, with the keys of its scopes: `design[E-2]`", "design"),
];

/// All routes.
pub fn all() -> impl Iterator<Item = &'static Route> {
    [
        runs::ROUTES,
        live::ROUTES,
        logs::ROUTES,
        tasks::ROUTES,
        schedules::ROUTES,
        library::ROUTES,
        home::ROUTES,
        access::ROUTES,
        session::ROUTES,
        oidc::ROUTES,
        definitions::ROUTES,
        bulk::ROUTES,
        notifications::ROUTES,
        files::ROUTES,
        operations::ROUTES,
        openapi::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// A route that was found, and what stands in the path.
pub(crate) type Found = (&'static Route, Vec<(&'static str, String)>);

/// The route of a request.
pub(crate) fn find(method: &str, path: &str) -> Result<Found, Problem> {
    let nothing = || {
        Problem::new(404, "H0201", "there is nothing at this path").help("docs/server.md lists the routes")
    };
    let rest = path.strip_prefix(BASE).ok_or_else(nothing)?;
    let parts: Option<Vec<String>> = rest.split('/').map(decoded).collect();
    let parts = parts.ok_or_else(nothing)?;
    let mut allow: Vec<&str> = Vec::new();
    // What is written out goes before what has a name: `/runs/r_1:cancel` is no run.
    let rank = |route: &Route| {
        let named = route.path.matches('{').count();
        (named, named > 0 && route.path.ends_with('}'))
    };
    let fitting = all().filter_map(|route| Some((route, fits(route.path, &parts)?)));
    let fitting: Vec<Found> = fitting.collect();
    let best = fitting.iter().map(|(route, _)| rank(route)).min();
    for (route, path) in fitting.into_iter().filter(|(route, _)| Some(rank(route)) == best) {
        if route.method == method {
            return Ok((route, path));
        }
        if !allow.contains(&route.method) {
            allow.push(route.method);
        }
    }
    if allow.is_empty() {
        return Err(nothing());
    }
    let allow = allow.join(", ");
    let detail = format!("this path does not take {method}");
    let problem = Problem::new(405, "H0202", detail).help(format!("it takes {allow}"));
    Err(Problem { allow: Some(allow.into()), ..problem })
}

fn fits(pattern: &'static str, parts: &[String]) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    let mut rest = parts.iter();
    for wanted in pattern.split('/') {
        let part = rest.next()?;
        let Some(named) = wanted.strip_prefix('{') else {
            if part != wanted {
                return None;
            }
            continue;
        };
        let (name, verb) = named.split_once('}')?;
        let value = part.strip_suffix(verb).filter(|value| !value.is_empty())?;
        found.push((name, value.to_owned()));
    }
    rest.next().is_none().then_some(found)
}

/// An answer of another kind than the operation has: a fault of ours.
pub(crate) fn unexpected() -> Problem {
    Problem::new(500, "R0999", "this is a bug in Stead: an answer of another kind").help("please report it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_its_names_and_its_verb() {
        let (route, path) = find("GET", "/api/v1/runs/r_1").unwrap();
        assert_eq!((route.operation, path), ("Status", vec![("run", "r_1".to_owned())]));
        let (route, path) = find("POST", "/api/v1/runs/@last:failed:retry").unwrap();
        assert_eq!((route.operation, path), ("Retry", vec![("run", "@last:failed".to_owned())]));
        let (route, path) = find("GET", "/api/v1/tasks/r_1%2Freview").unwrap();
        assert_eq!((route.operation, path), ("Task.Show", vec![("task", "r_1/review".to_owned())]));
    }

    #[test]
    fn what_is_not_there_is_told_apart_from_what_is_asked_otherwise() {
        for path in [
            "/",
            "/api/v1",
            "/api/v1/",
            "/api/v1/runs/",
            "/api/v1/runs/r_1/x",
            "/api/v2/runs",
            "/api/v1/%ff",
            "/api/v1/../x",
        ] {
            assert_eq!(find("GET", path).unwrap_err().status, 404, "{path}");
        }
        let problem = find("PUT", "/api/v1/runs").unwrap_err();
        assert_eq!((problem.status, problem.allow.as_deref()), (405, Some("GET, POST")));
    }

    #[test]
    fn no_two_routes_are_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        for route in all() {
            assert!(seen.insert((route.method, route.path)), "{} {}", route.method, route.path);
            assert!(!route.summary.is_empty() && !route.summary.ends_with('.'), "{}", route.path);
        }
    }
}
