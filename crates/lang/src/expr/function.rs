//! The functions of the language: names, forms, and what to say about names that are none.

use super::nearest::{listing, nearest};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fun {
    // Of CEL's standard.
    Size,
    Int,
    UInt,
    Double,
    Str,
    Bytes,
    Bool,
    TypeOf,
    Dyn,
    Timestamp,
    Duration,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Time(TimePart),
    // Optionals.
    OptionalOf,
    OptionalNone,
    OptionalOfNonZero,
    HasValue,
    Value,
    Or,
    OrValue,
    // CEL's extension for texts.
    CharAt,
    IndexOf,
    LastIndexOf,
    Join,
    LowerAscii,
    UpperAscii,
    Replace,
    Split,
    Substring,
    Trim,
    Reverse,
    // Stead's own.
    Min,
    Max,
    Sum,
    Sort,
    Distinct,
    Flatten,
    Json,
    Text,
    Product,
    Zip,
}

/// Parts of an instant; the smaller ones of a length of time too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TimePart {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `f(a, b)`
    Global,
    /// `a.f(b)`
    Method,
    /// Either.
    Both,
}

/// A function by name. The value before the dot counts as an argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) fun: Fun,
    pub(super) form: Form,
    pub(super) least: usize,
    pub(super) most: usize,
}

const fn global(name: &'static str, fun: Fun, least: usize, most: usize) -> Signature {
    Signature { name, fun, form: Form::Global, least, most }
}

const fn method(name: &'static str, fun: Fun, least: usize, most: usize) -> Signature {
    Signature { name, fun, form: Form::Method, least, most }
}

const fn both(name: &'static str, fun: Fun, least: usize, most: usize) -> Signature {
    Signature { name, fun, form: Form::Both, least, most }
}

/// All functions.
pub(super) const FUNCTIONS: [Signature; 53] = [
    both("size", Fun::Size, 1, 1),
    global("int", Fun::Int, 1, 1),
    global("uint", Fun::UInt, 1, 1),
    global("double", Fun::Double, 1, 1),
    global("string", Fun::Str, 1, 1),
    global("bytes", Fun::Bytes, 1, 1),
    global("bool", Fun::Bool, 1, 1),
    global("type", Fun::TypeOf, 1, 1),
    global("dyn", Fun::Dyn, 1, 1),
    global("timestamp", Fun::Timestamp, 1, 1),
    global("duration", Fun::Duration, 1, 1),
    method("contains", Fun::Contains, 2, 2),
    method("startsWith", Fun::StartsWith, 2, 2),
    method("endsWith", Fun::EndsWith, 2, 2),
    both("matches", Fun::Matches, 2, 2),
    method("getFullYear", Fun::Time(TimePart::FullYear), 1, 2),
    method("getMonth", Fun::Time(TimePart::Month), 1, 2),
    method("getDate", Fun::Time(TimePart::Date), 1, 2),
    method("getDayOfMonth", Fun::Time(TimePart::DayOfMonth), 1, 2),
    method("getDayOfWeek", Fun::Time(TimePart::DayOfWeek), 1, 2),
    method("getDayOfYear", Fun::Time(TimePart::DayOfYear), 1, 2),
    method("getHours", Fun::Time(TimePart::Hours), 1, 2),
    method("getMinutes", Fun::Time(TimePart::Minutes), 1, 2),
    method("getSeconds", Fun::Time(TimePart::Seconds), 1, 2),
    method("getMilliseconds", Fun::Time(TimePart::Milliseconds), 1, 2),
    global("optional.of", Fun::OptionalOf, 1, 1),
    global("optional.none", Fun::OptionalNone, 0, 0),
    global("optional.ofNonZeroValue", Fun::OptionalOfNonZero, 1, 1),
    method("hasValue", Fun::HasValue, 1, 1),
    method("value", Fun::Value, 1, 1),
    method("or", Fun::Or, 2, 2),
    method("orValue", Fun::OrValue, 2, 2),
    method("charAt", Fun::CharAt, 2, 2),
    method("indexOf", Fun::IndexOf, 2, 3),
    method("lastIndexOf", Fun::LastIndexOf, 2, 3),
    method("join", Fun::Join, 1, 2),
    method("lowerAscii", Fun::LowerAscii, 1, 1),
    method("upperAscii", Fun::UpperAscii, 1, 1),
    method("replace", Fun::Replace, 3, 4),
    method("split", Fun::Split, 2, 3),
    method("substring", Fun::Substring, 2, 3),
    method("trim", Fun::Trim, 1, 1),
    both("reverse", Fun::Reverse, 1, 1),
    // Of one list, or of the arguments.
    both("min", Fun::Min, 1, 16),
    both("max", Fun::Max, 1, 16),
    both("sum", Fun::Sum, 1, 1),
    both("sort", Fun::Sort, 1, 1),
    both("distinct", Fun::Distinct, 1, 1),
    both("flatten", Fun::Flatten, 1, 1),
    global("json", Fun::Json, 1, 1),
    global("text", Fun::Text, 1, 1),
    global("product", Fun::Product, 1, 1),
    global("zip", Fun::Zip, 1, 1),
];

/// The macros, with how they are written.
pub(super) const MACROS: [(&str, &str); 9] = [
    ("has", "has(a.b)"),
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("existsOne", "list.existsOne(x, condition)"),
    ("map", "list.map(x, value) or list.map(x, condition, value)"),
    ("filter", "list.filter(x, condition)"),
    ("optMap", "optional.optMap(x, value)"),
    ("optFlatMap", "optional.optFlatMap(x, optional)"),
];

/// What other languages call it, and what to write here.
const FOREIGN: [(&str, &str); 22] = [
    ("len", "write size(x)"),
    ("length", "write size(x)"),
    ("count", "write size(x)"),
    ("lower", "write x.lowerAscii()"),
    ("toLower", "write x.lowerAscii()"),
    ("toLowerCase", "write x.lowerAscii()"),
    ("upper", "write x.upperAscii()"),
    ("toUpper", "write x.upperAscii()"),
    ("toUpperCase", "write x.upperAscii()"),
    ("includes", "write x.contains(y) for a text, y in x for a list"),
    ("any", "write list.exists(x, condition)"),
    ("some", "write list.exists(x, condition)"),
    ("every", "write list.all(x, condition)"),
    ("str", "write text(x)"),
    ("toString", "write text(x)"),
    ("toJSON", "write text(x) to get JSON as a text, json(x) to read one"),
    ("fromJSON", "write json(x)"),
    ("format", "join texts with `+`, or write the text with `${{ }}` in it"),
    ("default", "write a.?b.orValue(c)"),
    ("unique", "write distinct(x)"),
    ("sorted", "write sort(x)"),
    ("now", "an expression knows no clock; `run.started_at` is when the run started"),
];

/// Why a name is no function here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) nearest: Option<String>,
}

/// The function of a name in a form.
pub(super) fn find(name: &str, is_method: bool) -> Result<&'static Signature, Unknown> {
    let fits = |form: Form| match form {
        Form::Both => true,
        Form::Method => is_method,
        Form::Global => !is_method,
    };
    if let Some(signature) = FUNCTIONS.iter().find(|f| f.name == name && fits(f.form)) {
        return Ok(signature);
    }
    Err(unknown(name, is_method, fits))
}

fn unknown(name: &str, is_method: bool, fits: impl Fn(Form) -> bool) -> Unknown {
    let shown = super::nearest::shorten(name);
    if FUNCTIONS.iter().any(|f| f.name == name) {
        let (message, help) = if is_method {
            (format!("`{name}` does not stand behind a dot"), format!("write {name}(x)"))
        } else {
            (format!("`{name}` stands behind a dot"), format!("write x.{name}(…)"))
        };
        return Unknown { message, help: Some(help), nearest: None };
    }
    if let Some((_, written)) = MACROS.iter().find(|(known, _)| *known == name) {
        let message = format!("`{name}` is not called like this");
        return Unknown { message, help: Some(format!("write {written}")), nearest: None };
    }
    let foreign = FOREIGN.iter().find(|(known, _)| *known == name).map(|(_, help)| (*help).to_owned());
    let mut known: Vec<&'static str> = FUNCTIONS.iter().filter(|f| fits(f.form)).map(|f| f.name).collect();
    known.extend(MACROS.iter().filter(|(name, _)| (*name == "has") != is_method).map(|(name, _)| *name));
    let near = if foreign.is_some() { None } else { nearest(name, known.iter().copied()) };
    let help = match (foreign, near) {
        (Some(help), _) => Some(help),
        (None, Some(_)) => None,
        (None, None) => {
            known.sort_unstable();
            Some(format!("there are {}", listing(&known)))
        }
    };
    Unknown { message: format!("there is no function `{shown}`"), help, nearest: near.map(str::to_owned) }
}
