//! What programs ask that watch over a server, outside of the API: whether it lives, whether it is ready, what it counts.

use stead_engine::engine::Asker;
use stead_engine::metrics::text::TYPE;
use stead_engine::operations::{Answer, Operation};

use crate::call::{Body, Reply};
use crate::problem::Problem;
use crate::routes::unexpected;
use crate::seen::At;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Whether the process answers.
    Live,
    /// Whether the engine takes turns and can write.
    Ready,
    /// What is counted.
    Metrics,
}

impl Watched {
    /// What a path asks.
    pub(crate) fn of(path: &str) -> Option<Self> {
        [Self::Live, Self::Ready, Self::Metrics].into_iter().find(|watched| watched.path() == path)
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
        }
    }

    /// Whether something is asked there again and again.
    pub(crate) fn is_at(at: At) -> bool {
        [Self::Live, Self::Ready, Self::Metrics].into_iter().any(|watched| watched.at() == at)
    }

    pub(crate) const fn at(self) -> At {
        At::outside(self.path())
    }

    /// Refuses a method that is not taken.
    pub(crate) fn takes(method: &str) -> Result<(), Problem> {
        if matches!(method, "GET" | "HEAD") {
            return Ok(());
        }
        let detail = format!("this path does not take {method}");
        let problem = Problem::new(405, "H0202", detail).help("it takes GET, HEAD");
        Err(Problem { allow: Some("GET, HEAD".into()), ..problem })
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// Whoever asks hears that, and nothing else: a load balancer knows no token, and asks by whatever name.
pub(crate) fn live() -> Reply {
    Reply::text(PLAIN, "ok\n")
}

/// As short as that, and why not.
pub(crate) fn ready(asker: &Asker) -> Reply {
    match asker.ready() {
        Ok(()) => Reply::text(PLAIN, "ok\n"),
        Err(why) => {
            let body = Body::Bytes(PLAIN, format!("{}\n", why.as_str()).into_bytes());
            Reply { status: 503, ..Reply { body, ..Reply::ok(()) } }
        }
    }
}

/// What the engine counts, to whoever may look at all of the home, and behind it what the server does.
pub(crate) fn metrics(asker: &Asker, own: &str) -> Result<Reply, Problem> {
    match asker.ask(Operation::Metrics).map_err(Problem::from)? {
        Answer::Metrics { text } => Ok(Reply::text(TYPE, text + own)),
        _ => Err(unexpected()),
    }
}
