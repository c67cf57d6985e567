//! Routes of live events.

use stead_core::ids::StreamId;
use stead_engine::live::Wish;

use super::Route;
use super::route::{Kind, Param, words};
use crate::call::{Call, Reply};
use crate::problem::Problem;
use crate::stream::KIND;

pub(super) const ROUTES: &[Route] = &[Route::get(
    "/events",
    "Runs",
    "Lists as they change, as server-sent events: rows of runs, and how many tasks there are",
    lists,
)
.query(&[words("topics", topics, "Only these lists"), POSITION])
.tells(KIND)
.refuses(&[406, 412])];

/// From where live events go on.
pub(super) const POSITION: Param = Param::new(
    "position",
    Kind::Text,
    "Of live events: the id of the one that was told last; `Last-Event-ID` goes before it",
);

/// Until when a run is followed.
pub(super) fn untils() -> Vec<&'static str> {
    vec!["end"]
}

fn topics() -> Vec<&'static str> {
    TOPICS.iter().copied().map(Topic::as_str).collect()
}

/// Topics that lists are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Runs,
    Inbox,
}

const TOPICS: &[Topic] = &[Topic::Runs, Topic::Inbox];

impl Topic {
    fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Inbox => "inbox",
        }
    }
}

impl std::str::FromStr for Topic {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        TOPICS.iter().copied().find(|topic| topic.as_str() == text).ok_or(())
    }
}

fn lists(call: &mut Call<'_>) -> Result<Reply, Problem> {
    if !call.stream {
        let detail = format!("this is told as {KIND}, and nothing else");
        return Err(Problem::new(406, "H0211", detail).help(format!("say `Accept: {KIND}`")));
    }
    let topics = call.words("topics", TOPICS, Topic::as_str)?;
    let told = |topic| topics.is_empty() || topics.contains(&topic);
    call.follow(Wish::Lists { runs: told(Topic::Runs), inbox: told(Topic::Inbox) })
}

/// What is written of a run.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let until_end = match call.text("until").as_deref() {
        None => false,
        Some("end") => true,
        Some(_) => return Err(Problem::parameter("until", "it takes `end`")),
    };
    for name in ["after", "limit"] {
        if call.text(name).is_some() {
            return Err(Problem::parameter(name, "it is of pages; events go on behind a `position`"));
        }
    }
    let run = StreamId::new(&call.named("run"));
    let logs = call.text("logs").filter(|step| !step.is_empty());
    call.follow(Wish::Run { run, children: call.flag("children")?, logs, until_end })
}

/// Refuses parameters of events where a page is asked for.
pub(super) fn no_events(call: &Call<'_>) -> Result<(), Problem> {
    let wrong = ["position", "children", "logs", "until"].into_iter().find(|name| call.text(name).is_some());
    wrong.map_or(Ok(()), |name| {
        Err(Problem::parameter(name, format!("it is of live events: say `Accept: {KIND}`")))
    })
}
