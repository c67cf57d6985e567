//! How a route is written down: everything that performing it and describing it need.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::call::{Call, Reply};
use crate::limits;
use crate::problem::Problem;

/// The operation of a route that is about the interface itself: its description, say.
pub const NO_OPERATION: &str = "";

/// Makes the schema of a type: [`of`].
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type, made of the type: `of::<RunsPage>`.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// How a route is performed.
pub type Perform = fn(&mut Call<'_>) -> Result<Reply, Problem>;

/// A route: a path that takes a method, what it takes and answers, and what is done then.
///
/// A row begins with [`get`](Self::get), [`post`](Self::post), [`put`](Self::put), [`patch`](Self::patch) or
/// [`delete`](Self::delete) and says the rest behind it; what is not said it does not have.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Of HTTP.
    pub method: &'static str,
    /// Behind [`BASE`](super::BASE). `{name}` stands for one part; `:verb` may follow it.
    pub path: &'static str,
    /// The operation: a variant of `Operation`, or one of these and one of its own.
    pub operation: &'static str,
    /// In a line, without a full stop.
    pub summary: &'static str,
    /// Parameters that it takes.
    pub query: &'static [Param],
    /// The body that it takes.
    pub body: Option<SchemaOf>,
    /// Whether the body may be a definition itself as well.
    pub whole: bool,
    /// Whether the body is a file, of any type.
    pub uploads: bool,
    /// Whether `If-Match` means something to it.
    pub if_match: bool,
    /// What it answers when all is well.
    pub answer: Told,
    /// The status of that.
    pub status: u16,
    /// Whether that has an `ETag`, which `If-None-Match` may name.
    pub etag: bool,
    /// Whether it tells what happens as well, to one who takes nothing but server-sent events.
    pub streams: bool,
    /// Whether it takes no `Idempotency-Key`, though it is a `POST`.
    pub unkeyed: bool,
    /// Whether it is asked before it is known who asks.
    pub open: bool,
    /// Whether a password is looked at.
    pub guessed: bool,
    /// Whether parameters that it does not know are passed over.
    pub others: bool,
    /// Statuses of problems, beside those that every route has: see [`Route::problems`].
    pub refuses: &'static [u16],
    /// How it is performed.
    pub perform: Perform,
}

/// What a route answers when all is well.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// A value with this schema.
    Json(SchemaOf),
    /// A text of this media type.
    Text(&'static str),
}

/// A parameter of a route.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it means, in a line.
    pub about: &'static str,
    /// Whether it has to be said.
    pub needed: bool,
}

impl Param {
    /// A parameter that may be left out.
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, about, needed: false }
    }

    /// It has to be said.
    #[must_use]
    pub const fn needed(mut self) -> Self {
        self.needed = true;
        self
    }
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// A number, from and to.
    Number(u64, u64),
    /// `true` or `false`.
    Flag,
    /// A time: RFC 3339, or milliseconds since 1970.
    Time,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// Some of these words, parted by commas.
    Words(fn() -> Vec<&'static str>),
    /// `NAME=VALUE`; it may be repeated.
    Pairs,
}

/// A parameter that takes a text.
pub const fn text(name: &'static str, about: &'static str) -> Param {
    Param::new(name, Kind::Text, about)
}

/// A parameter that is said or not.
pub const fn flag(name: &'static str, about: &'static str) -> Param {
    Param::new(name, Kind::Flag, about)
}

/// A parameter that takes a number up to the largest of a `u32`.
pub const fn number(name: &'static str, about: &'static str) -> Param {
    Param::new(name, Kind::Number(0, u32::MAX as u64), about)
}

/// A parameter that takes a time.
pub const fn time(name: &'static str, about: &'static str) -> Param {
    Param::new(name, Kind::Time, about)
}

/// A parameter that takes one of some words.
pub const fn word(name: &'static str, words: fn() -> Vec<&'static str>, about: &'static str) -> Param {
    Param::new(name, Kind::Word(words), about)
}

/// A parameter that takes several of some words.
pub const fn words(name: &'static str, words: fn() -> Vec<&'static str>, about: &'static str) -> Param {
    Param::new(name, Kind::Words(words), about)
}

/// How many rows a page has.
pub const LIMIT: Param =
    Param::new("limit", Kind::Number(1, limits::PAGE as u64), "Rows of the page, 50 unless said");

/// What the next page of a list is asked for by.
pub const AFTER: Param = text("after", "`next` of the page before");

/// How many rows come before the page.
pub const SKIP: Param = number("skip", "Rows before the page");

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self {
            method,
            path,
            operation,
            summary,
            query: &[],
            body: None,
            whole: false,
            uploads: false,
            if_match: false,
            answer: Told::Json(of::<serde_json::Value>),
            status: 200,
            etag: false,
            streams: false,
            unkeyed: false,
            open: false,
            guessed: false,
            others: false,
            refuses: &[],
            perform,
        }
    }

    /// A route that only tells.
    pub const fn get(
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self::new("GET", path, operation, summary, perform)
    }

    /// A route that does something.
    pub const fn post(
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self::new("POST", path, operation, summary, perform)
    }

    /// A route that puts something in the place of what is there.
    pub const fn put(
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self::new("PUT", path, operation, summary, perform)
    }

    /// A route that changes something of what is there.
    pub const fn patch(
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self::new("PATCH", path, operation, summary, perform)
    }

    /// A route that takes something away.
    pub const fn delete(
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        perform: Perform,
    ) -> Self {
        Self::new("DELETE", path, operation, summary, perform)
    }

    /// It takes these parameters. Others are refused.
    #[must_use]
    pub const fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    /// It takes a body: `.takes(of::<CancelBody>)`.
    #[must_use]
    pub const fn takes(mut self, body: SchemaOf) -> Self {
        self.body = Some(body);
        self
    }

    /// The body may be a definition itself; what the type has beside its `definition` are parameters then.
    #[must_use]
    pub const fn or_whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// The body is a file, of any type and size; it is taken piece by piece.
    #[must_use]
    pub const fn uploads(mut self) -> Self {
        self.uploads = true;
        self
    }

    /// It answers this: `.gives(of::<RunsPage>)`.
    #[must_use]
    pub const fn gives(mut self, answer: SchemaOf) -> Self {
        self.answer = Told::Json(answer);
        self
    }

    /// It answers a text of this media type.
    #[must_use]
    pub const fn tells(mut self, kind: &'static str) -> Self {
        self.answer = Told::Text(kind);
        self
    }

    /// It is asked before it is known who asks.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// A password is looked at, which takes a while and can be tried again and again.
    #[must_use]
    pub const fn guessed(mut self) -> Self {
        self.guessed = true;
        self
    }

    /// Parameters that it does not know are passed over: who sends them is told by somebody else which ones.
    #[must_use]
    pub const fn and_others(mut self) -> Self {
        self.others = true;
        self
    }

    /// It sends a browser elsewhere: its answer is `303` with a `Location`.
    #[must_use]
    pub const fn sends(mut self, answer: SchemaOf) -> Self {
        self.answer = Told::Json(answer);
        self.status = 303;
        self
    }

    /// It tells what happens as well, as server-sent events.
    #[must_use]
    pub const fn streams(mut self) -> Self {
        self.streams = true;
        self
    }

    /// It takes no `Idempotency-Key`: it changes nothing, or its answer has a secret, which is kept nowhere.
    #[must_use]
    pub const fn unkeyed(mut self) -> Self {
        self.unkeyed = true;
        self
    }

    /// Whether it takes an `Idempotency-Key`.
    pub fn is_keyed(&self) -> bool {
        self.method == "POST" && !self.unkeyed
    }

    /// It makes something: its answer is `201` with a `Location`.
    #[must_use]
    pub const fn makes(mut self, answer: SchemaOf) -> Self {
        self.answer = Told::Json(answer);
        self.status = 201;
        self
    }

    /// `If-Match` means something to it.
    #[must_use]
    pub const fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// Its answer has an `ETag`; where `If-None-Match` names that, it is `304` without a body.
    #[must_use]
    pub const fn etag(mut self) -> Self {
        self.etag = true;
        self
    }

    /// Problems with these statuses may come of it, beside those that every route may have: see
    /// [`problems`](Self::problems).
    #[must_use]
    pub const fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.refuses = statuses;
        self
    }

    /// The statuses of all problems that may come of it. 500 is none of them: that is a fault of ours.
    pub fn problems(&self) -> Vec<u16> {
        let mut all = vec![400, 401, 403, 408, 413, 415, 429, 503];
        if self.path.contains('{') {
            all.push(404);
        }
        if self.is_keyed() {
            all.extend([409, 422]);
        }
        all.extend(self.refuses);
        all.sort_unstable();
        all.dedup();
        all
    }
}
