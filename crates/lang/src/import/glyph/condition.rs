//! Conditions of transitions, as expressions.

use super::flow::{Flow, Kind};
use super::ways::When;
use crate::import::out::quoted;
use crate::import::words::{Word, judged, number, words};

/// What steps can be asked about.
const STATES: &[(&str, &str)] = &[
    (".completed", "in ['completed', 'skipped']"),
    (".active", "in ['running', 'waiting']"),
    (".pending", "== 'pending'"),
    (".failed", "== 'failed'"),
];

impl Flow<'_, '_> {
    /// A condition at a step as an expression; nothing where there is none.
    pub(super) fn holds(&self, at: usize, when: &When) -> Result<Option<String>, String> {
        let step = &self.steps[at];
        Ok(match when {
            When::Always => None,
            When::Complete if step.kind.of_people() || !self.goes_on(at) => None,
            When::Complete => Some(format!("steps.{}.status == 'completed'", step.id)),
            When::Agreement(threshold) => Some(self.agreed(at, *threshold, true)?),
            When::Disagreement(threshold) => Some(self.agreed(at, *threshold, false)?),
            When::Approved => Some(self.decided(at, "accept")?),
            When::Rejected => Some(self.decided(at, "reject")?),
            When::Never => Some("false".to_owned()),
            When::Expression(text) => Some(match text.strip_prefix('\u{0}') {
                Some(made) => made.to_owned(),
                None => self.expression(at, text)?,
            }),
        })
    }

    fn agreed(&self, at: usize, threshold: Option<f64>, agreed: bool) -> Result<String, String> {
        let not = if agreed { "" } else { "!" };
        let threshold = threshold.or(self.settings.threshold);
        let task = self.agreeing(at).ok_or("no step before it says how much people agree")?;
        if self.steps[task].kind == Kind::Adjudication {
            let value = self.agreement(at)?;
            let threshold = threshold.unwrap_or(0.8);
            return Ok(if agreed {
                format!("{value} >= {threshold}")
            } else {
                format!("{value} < {threshold}")
            });
        }
        let own = self.at_least(task);
        let output = self.output(task, Some(at)).ok_or("what people agreed on is not in reach")?;
        if threshold.is_none_or(|threshold| (threshold - own).abs() < 1e-9) {
            return Ok(match task == at && !self.goes_on(at) {
                true => format!("{not}steps.{}.output.agreed", self.steps[at].id),
                false => format!("{not}{output}.?agreed.orValue(false)"),
            });
        }
        let threshold = threshold.unwrap_or(own);
        // An agreement that is not defined is none.
        Ok(format!("{not}{output}.?agreement.optMap(a, a != null && a >= {threshold}).orValue(false)"))
    }

    /// The number of the agreement at a step, 0 where there is none.
    fn agreement(&self, at: usize) -> Result<String, String> {
        let task = self.agreeing(at).ok_or("no step before it says how much people agree")?;
        let output = self.output(task, Some(at)).ok_or("what people agreed on is not in reach")?;
        Ok(match self.steps[task].kind {
            // Who settles may say it; else it is settled.
            Kind::Adjudication => format!("{output}.?value.?agreement.orValue(1.0)"),
            _ => format!("{output}.?agreement.optMap(a, a == null ? 0.0 : a).orValue(0.0)"),
        })
    }

    fn decided(&self, at: usize, decision: &str) -> Result<String, String> {
        let review = match self.steps[at].kind {
            Kind::Review => Some(at),
            _ => self.nearest(at, |step| self.steps[step].kind == Kind::Review).0.first().copied(),
        };
        let review = review.ok_or("no review before it decides")?;
        if review == at {
            return Ok(format!("steps.{}.output.decision == '{decision}'", self.steps[at].id));
        }
        let output = self.output(review, Some(at)).ok_or("the review is not in reach")?;
        Ok(format!("{output}.?decision.orValue('') == '{decision}'"))
    }

    /// A formula of the tool.
    pub(super) fn expression(&self, at: usize, text: &str) -> Result<String, String> {
        let (text, made) = self.statuses(text)?;
        let wrong = || format!("`{text}` is no condition that is understood");
        let all = words(&text.replace("$.", "root_.")).ok_or_else(wrong)?;
        let mut out = String::new();
        for (position, word) in all.iter().enumerate() {
            match word {
                Word::Number(text) => out.push_str(&number(text).ok_or_else(wrong)?),
                Word::Text(text) => out.push_str(&quoted(text)),
                Word::Name(name) => match name.to_ascii_lowercase().as_str() {
                    "and" => out.push_str(" && "),
                    "or" => out.push_str(" || "),
                    "not" => out.push('!'),
                    "true" | "false" | "null" => out.push_str(&name.to_ascii_lowercase()),
                    "agreement" => out.push_str(&self.agreement(at)?),
                    _ => match name
                        .strip_prefix("status_")
                        .and_then(|number| made.get(number.parse::<usize>().ok()?))
                    {
                        Some(status) => out.push_str(status),
                        None => {
                            let next = all.get(position + 1);
                            let before = position.checked_sub(1).and_then(|before| all.get(before));
                            let compares = |word: Option<&Word>| matches!(word, Some(Word::Sign(s)) if COMPARED.contains(s));
                            let compared = compares(next) || compares(before);
                            out.push_str(&self.named(at, name, compared).ok_or_else(wrong)?);
                        }
                    },
                },
                Word::Sign(sign @ ("&&" | "||" | ">=" | "<=" | "==" | "!=" | ">" | "<")) => {
                    out.extend([" ", sign, " "]);
                }
                Word::Sign("=" | "===") => out.push_str(" == "),
                Word::Sign("<>" | "!==") => out.push_str(" != "),
                Word::Sign(sign @ ("(" | ")" | "!")) => out.push_str(sign),
                Word::Sign(_) => return Err(wrong()),
            }
        }
        let out = out.trim().to_owned();
        judged(&out, true).map_err(|why| format!("`{text}` is no condition: {why}"))?;
        Ok(out)
    }

    /// A name in a formula.
    fn named(&self, at: usize, name: &str, compared: bool) -> Option<String> {
        let review = self.steps[at].kind == Kind::Review;
        if review && matches!(name, "root_.annotation.status" | "root_.review.status") {
            let decision = format!("steps.{}.output.decision", self.steps[at].id);
            return Some(format!("({decision} == 'accept' ? 'approved' : 'rejected')"));
        }
        let path = match name.strip_prefix("root_.") {
            Some(path) => path,
            None => name.strip_prefix("context.").map(|_| name)?,
        };
        // What the step itself gave.
        let own = path.strip_prefix("output").or_else(|| path.strip_prefix("annotation"));
        let gives = self.steps[at].kind != Kind::Conditional;
        let value = match own.filter(|rest| gives && (rest.is_empty() || rest.starts_with('.'))) {
            Some(rest) => {
                let path: Vec<String> = rest.split('.').skip(1).map(str::to_owned).collect();
                if !self.has(at, &path) {
                    return None;
                }
                let parts: String = rest.split('.').skip(1).map(|part| format!(".?{part}")).collect();
                format!("{}{parts}", self.value(at, Some(at))?)
            }
            None => self.path(at, path, None)?,
        };
        Some(if compared {
            format!("{value}.orValue(null)")
        } else {
            format!("{value}.orValue(false) == true")
        })
    }

    /// `step.ID.completed` and the like, put aside: ids are no names of a formula.
    fn statuses(&self, text: &str) -> Result<(String, Vec<String>), String> {
        let (mut out, mut made) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find("step.") {
            let whole = rest[..at]
                .chars()
                .next_back()
                .is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-'));
            let body = &rest[at + 5..];
            let end = body
                .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
                .unwrap_or(body.len());
            let state =
                STATES.iter().find_map(|(state, test)| Some((body[..end].strip_suffix(state)?, test)));
            let Some((name, test)) = state.filter(|_| whole) else {
                out.push_str(&rest[..at + 5]);
                rest = body;
                continue;
            };
            let step = self.find(name).filter(|step| self.kept[*step]);
            let step = step.ok_or_else(|| format!("no step that is reached is `{name}`"))?;
            out.push_str(&rest[..at]);
            out.extend(["status_", &made.len().to_string()]);
            let id = &self.steps[step].id;
            made.push(match self.steps[step].home {
                // Of the parts of a group it is known whether they gave something.
                Some(_) => {
                    let output = self.output(step, None).unwrap_or_default();
                    match *test {
                        "in ['completed', 'skipped']" => format!("{output}.hasValue()"),
                        _ => format!("!{output}.hasValue()"),
                    }
                }
                None => format!("steps.{id}.status {test}"),
            });
            rest = &body[end..];
        }
        out.push_str(rest);
        Ok((out, made))
    }
}

const COMPARED: &[&str] = &["==", "===", "!=", "!==", ">=", "<=", ">", "<", "=", "<>"];
