//! Functions over texts. Positions count characters, as CEL has it.

use std::borrow::Cow;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use super::EvalError;
use super::call::Args;
use super::eval::{Result1, Run};
use super::function::Fun;
use super::node::Node;
use super::value::Val;
use super::view::Seq;
use crate::limits;

/// A regular expression within the bounds.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > limits::REGEX_BYTES {
        return Err(format!("the regular expression is longer than {} bytes", limits::REGEX_BYTES));
    }
    RegexBuilder::new(pattern)
        .size_limit(limits::REGEX_SIZE)
        .dfa_size_limit(limits::REGEX_SIZE)
        .nest_limit(50)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                // The message draws the pattern over several lines; the last one says what is wrong.
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!("the regular expression does not compile: {}", last.trim_start_matches("error: "))
            }
        })
}

impl<'a> Run<'_, 'a> {
    #[inline(never)]
    pub(super) fn text_function(
        &mut self,
        fun: Fun,
        args: &Args<'a>,
        regex: Option<&Regex>,
        node: &Node,
    ) -> Result1<'a> {
        let text = self.text_at(args, 0, node)?;
        self.spend_scan(text.len(), node)?;
        match fun {
            Fun::Contains => Ok(Val::Bool(text.contains(self.text_at(args, 1, node)?))),
            Fun::StartsWith => Ok(Val::Bool(text.starts_with(self.text_at(args, 1, node)?))),
            Fun::EndsWith => Ok(Val::Bool(text.ends_with(self.text_at(args, 1, node)?))),
            Fun::Matches => self.matches(text, args, regex, node),
            Fun::IndexOf | Fun::LastIndexOf => self.index_of(fun, text, args, node),
            Fun::CharAt => self.char_at(text, args, node),
            Fun::Substring => self.substring(text, args, node),
            Fun::Replace => self.replace(text, args, node),
            Fun::Split => self.split(text, args, node),
            _ => {
                self.spend_text(text.len(), node)?;
                Ok(Val::Str(Cow::Owned(match fun {
                    Fun::LowerAscii => text.to_ascii_lowercase(),
                    Fun::UpperAscii => text.to_ascii_uppercase(),
                    Fun::Trim => text.trim().to_owned(),
                    _ => text.chars().rev().collect(),
                })))
            }
        }
    }

    fn text_at<'v>(&self, args: &'v Args<'a>, at: usize, node: &Node) -> Result<&'v str, EvalError> {
        match args.given(at) {
            Some(Val::Str(text)) => Ok(text),
            given => {
                let given = given.unwrap_or(&Val::Null);
                let help = match given {
                    Val::Null | Val::Optional(_) => "",
                    _ => "; write text(x)",
                };
                self.fail(node, format!("this takes a text, not {}{help}", given.describe()))
            }
        }
    }

    /// An argument that is an integer, where it was given.
    fn int_at(&self, args: &Args<'a>, at: usize, node: &Node) -> Result<Option<i64>, EvalError> {
        match args.given(at) {
            None => Ok(None),
            Some(Val::Int(value)) => Ok(Some(*value)),
            Some(Val::UInt(value)) => Ok(Some(i64::try_from(*value).unwrap_or(i64::MAX))),
            Some(given) => self.fail(node, format!("this takes an integer, not {}", given.describe())),
        }
    }

    /// A position in a text of so many characters.
    fn position_at(
        &self,
        args: &Args<'a>,
        at: usize,
        chars: usize,
        node: &Node,
    ) -> Result<Option<usize>, EvalError> {
        match self.int_at(args, at, node)? {
            None => Ok(None),
            Some(position) => match usize::try_from(position) {
                Ok(place) if place <= chars => Ok(Some(place)),
                _ => self.fail(
                    node,
                    format!("position {position} is outside of the text, which has {chars} characters"),
                ),
            },
        }
    }

    fn matches(&mut self, text: &str, args: &Args<'a>, regex: Option<&Regex>, node: &Node) -> Result1<'a> {
        self.spend(text.len() as u64 / 32, node)?;
        if let Some(regex) = regex {
            return Ok(Val::Bool(regex.is_match(text)));
        }
        let pattern = self.text_at(args, 1, node)?;
        // Compiling takes far longer than matching: a computed pattern costs what it takes.
        self.spend(5000 + 20 * pattern.len() as u64, node)?;
        match self::regex(pattern) {
            Ok(regex) => Ok(Val::Bool(regex.is_match(text))),
            Err(message) => self.fail(node, message),
        }
    }

    fn index_of(&mut self, fun: Fun, text: &str, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let part = self.text_at(args, 1, node)?;
        let chars = text.chars().count();
        let from = self.position_at(args, 2, chars, node)?;
        let found = if fun == Fun::IndexOf {
            let start = byte_at(text, from.unwrap_or(0));
            text.get(start..).and_then(|rest| rest.find(part)).map(|at| start + at)
        } else {
            // The last one that starts at or before the position.
            let start = byte_at(text, from.unwrap_or(chars));
            let end = (start + part.len()).min(text.len());
            // Cut off within a character it would not fit at that position, only before.
            let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.get(..end).and_then(|head| head.rfind(part))
        };
        let position = found.and_then(|at| text.get(..at)).map(|head| head.chars().count());
        Ok(Val::Int(position.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
    }

    fn char_at(&mut self, text: &str, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let at = self.position_at(args, 1, text.chars().count(), node)?.unwrap_or(0);
        Ok(Val::Str(Cow::Owned(text.chars().nth(at).map(String::from).unwrap_or_default())))
    }

    fn substring(&mut self, text: &str, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let chars = text.chars().count();
        let start = self.position_at(args, 1, chars, node)?.unwrap_or(0);
        let end = self.position_at(args, 2, chars, node)?.unwrap_or(chars);
        if start > end {
            return self.fail(node, format!("the part would start at {start}, behind its end at {end}"));
        }
        let part = text.get(byte_at(text, start)..byte_at(text, end)).unwrap_or_default();
        self.spend_text(part.len(), node)?;
        Ok(Val::Str(Cow::Owned(part.to_owned())))
    }

    fn replace(&mut self, text: &str, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let (old, new) = (self.text_at(args, 1, node)?, self.text_at(args, 2, node)?);
        let limit = self.int_at(args, 3, node)?.and_then(|limit| usize::try_from(limit).ok());
        let count = text.matches(old).count().min(limit.unwrap_or(usize::MAX));
        let len = (text.len() + count.saturating_mul(new.len())).saturating_sub(count * old.len());
        self.spend_text(len.max(text.len()), node)?;
        Ok(Val::Str(Cow::Owned(text.replacen(old, new, count))))
    }

    fn split(&mut self, text: &str, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let by = self.text_at(args, 1, node)?;
        let limit = self.int_at(args, 2, node)?.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(usize::MAX);
        // By nothing: into characters, where Rust would give an empty text at both ends.
        let count = if by.is_empty() { text.chars().count() } else { text.matches(by).count() + 1 };
        self.spend_items(count.min(limit), node)?;
        self.spend_text(text.len(), node)?;
        let part = |part: &str| Val::Str(Cow::Owned(part.to_owned()));
        let mut parts: Vec<Val<'a>> = Vec::new();
        if by.is_empty() {
            let mut rest = text;
            while let Some(c) = rest.chars().next().filter(|_| parts.len() < limit) {
                let (first, after) = rest.split_at(c.len_utf8());
                let last = parts.len() + 1 == limit;
                parts.push(part(if last { rest } else { first }));
                rest = if last { "" } else { after };
            }
        } else if limit > 0 {
            parts.extend(text.splitn(limit, by).map(part));
        }
        Ok(Val::List(Rc::new(parts)))
    }

    /// `list.join(between)`
    pub(super) fn join(&mut self, list: &Val<'a>, args: &Args<'a>, node: &Node) -> Result1<'a> {
        let Some(seq) = Seq::of(list) else {
            return self.fail(node, format!("join() takes a list of texts, not {}", list.describe()));
        };
        let between = match args.given(1) {
            None => "",
            Some(_) => self.text_at(args, 1, node)?,
        };
        let mut text = String::new();
        let mut needs = false;
        for index in 0..self.length(&seq, node)? {
            let part = match self.item(&seq, index, node) {
                Ok(Some(Val::Str(part))) => part,
                Err(EvalError::Needs) => {
                    needs = true;
                    continue;
                }
                Err(error) => return Err(error),
                Ok(Some(other)) => {
                    let help = "; write list.map(x, text(x)).join(…)";
                    return self.fail(node, format!("join() takes texts, not {}{help}", other.describe()));
                }
                Ok(None) => break,
            };
            let between = if index == 0 { "" } else { between };
            let len = text.len() + between.len() + part.len();
            if len > limits::MADE_BYTES {
                return Err(self.at(node, super::value::too_long()));
            }
            self.spend(1 + (between.len() + part.len()) as u64 / 32, node)?;
            text.push_str(between);
            text.push_str(&part);
        }
        if needs { Err(EvalError::Needs) } else { Ok(Val::Str(Cow::Owned(text))) }
    }
}

/// The byte where a character starts.
fn byte_at(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}
