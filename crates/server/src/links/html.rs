//! A page in HTML that stands for itself: nothing is loaded, no script runs, every text is only text.

use std::fmt::Write as _;

use serde_json::Value;
use stead_core::Time;

use super::Fields;
use crate::call::Reply;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}\
h1{font-size:1.3rem;line-height:1.3;margin:.5rem 0}\
h2{font-size:1rem;margin:1.2rem 0 .3rem}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8886;border-radius:.4rem;padding:.7rem;margin:0;font:14px/1.45 ui-monospace,monospace}\
.small{opacity:.75;font-size:.9rem;margin:.3rem 0}\
.wrong{border-left:.3rem solid #c33;padding:.3rem .7rem;margin:.7rem 0}\
label,legend{display:block;margin:1rem 0 .3rem;font-weight:600}\
label.one{font-weight:400;margin:.2rem 0;padding:.35rem 0}\
fieldset{border:0;padding:0;margin:0}\
textarea,input[type=text],input[type=number],input[type=date]{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #8889;border-radius:.4rem}\
.do{display:flex;gap:.7rem;margin:1.2rem 0}\
button{font:inherit;font-weight:600;flex:1;padding:.8rem;border-radius:.4rem;border:1px solid #8889;cursor:pointer}\
button.yes{background:#17683a;border-color:#17683a;color:#fff}\
button.no{background:#a32626;border-color:#a32626;color:#fff}";

/// A page that is being written.
pub(super) struct Page {
    name: String,
    body: String,
}

impl Page {
    pub(super) fn new(name: &str) -> Self {
        Self { name: escaped(name), body: String::new() }
    }

    fn put(&mut self, tag: &str, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        // Writing to a text does not fail.
        let _ = writeln!(self.body, "<{tag}{class}>{}</{tag}>", escaped(text));
    }

    pub(super) fn title(&mut self, text: &str) {
        self.put("h1", "", text);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.put("p", "", &sentence(text));
    }

    pub(super) fn small(&mut self, text: &str) {
        self.put("p", "small", text);
    }

    pub(super) fn code(&mut self, text: &str) {
        self.put("pre", "", text);
    }

    pub(super) fn wrong(&mut self, all: &[String]) {
        for one in all {
            self.put("p", "wrong", &sentence(one));
        }
    }

    /// Something that is shown, under its name.
    pub(super) fn part(&mut self, label: &str, text: &str) {
        if !label.is_empty() {
            self.put("h2", "", label);
        }
        self.put("pre", "", text);
    }

    /// What decides, or answers. What was given before stands in it again.
    pub(super) fn form(&mut self, nonce: &str, gate: bool, questions: &[Value], given: &Fields) {
        let before = |name: &str| super::field(given, name).unwrap_or_default().to_owned();
        let _ = writeln!(
            self.body,
            "<form method=\"post\" accept-charset=\"utf-8\" autocomplete=\"off\"><input type=\"hidden\" name=\"nonce\" value=\"{nonce}\">"
        );
        for question in questions {
            self.question(question, given);
        }
        let _ = writeln!(
            self.body,
            "<label for=\"comment\">Comment</label><textarea id=\"comment\" name=\"comment\" rows=\"3\">{}</textarea>",
            escaped(&before("comment"))
        );
        let buttons: &[(&str, &str, &str)] = match gate {
            true => &[("accept", "yes", "Accept"), ("reject", "no", "Reject")],
            false => &[("answer", "yes", "Answer")],
        };
        self.body.push_str("<div class=\"do\">");
        for (value, class, word) in buttons {
            let _ =
                write!(self.body, "<button class=\"{class}\" name=\"do\" value=\"{value}\">{word}</button>");
        }
        self.body.push_str("</div></form>\n");
    }

    fn question(&mut self, question: &Value, given: &Fields) {
        let get = |key: &str| question[key].as_str().unwrap_or_default();
        let (id, kind) = (get("id"), get("answer_type"));
        let name = format!("q:{id}");
        let said: Vec<&str> =
            given.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str()).collect();
        // What is proposed stands there until something else was given.
        let proposed: Vec<String> = match &question["default"] {
            Value::Null => Vec::new(),
            Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            Value::String(text) => vec![text.clone()],
            other => vec![other.to_string()],
        };
        let is = |value: &str| match given.is_empty() {
            true => proposed.iter().any(|one| one == value),
            false => said.contains(&value),
        };
        let first = match given.is_empty() {
            true => proposed.first().cloned().unwrap_or_default(),
            false => said.first().copied().unwrap_or_default().to_owned(),
        };
        let needed = question["required"] == Value::Bool(true);
        let asked = format!("{}{}", escaped(get("text")), if needed { "" } else { " (may be left out)" });
        let (name, first) = (escaped(&name), escaped(&first));
        let required = if needed { " required" } else { "" };
        let choices: Vec<(String, String)> = match kind {
            "boolean" => vec![("true".into(), "Yes".into()), ("false".into(), "No".into())],
            _ => {
                let all = question["choices"].as_array().into_iter().flatten();
                all.filter_map(Value::as_str).map(|one| (one.to_owned(), one.to_owned())).collect()
            }
        };
        let _ = match kind {
            "choice" | "choices" | "boolean" => {
                let (mark, required) = if kind == "choices" { ("checkbox", "") } else { ("radio", required) };
                let mut all = format!("<fieldset><legend>{asked}</legend>");
                for (value, word) in choices {
                    let on = if is(&value) { " checked" } else { "" };
                    let _ = write!(
                        all,
                        "<label class=\"one\"><input type=\"{mark}\" name=\"{name}\" value=\"{}\"{on}{required}> {}</label>",
                        escaped(&value),
                        escaped(&word)
                    );
                }
                writeln!(self.body, "{all}</fieldset>")
            }
            "number" | "date" => {
                let step = if kind == "number" { " step=\"any\"" } else { "" };
                writeln!(
                    self.body,
                    "<label>{asked}<input type=\"{kind}\" name=\"{name}\" value=\"{first}\"{step}{required}></label>"
                )
            }
            _ => writeln!(
                self.body,
                "<label>{asked}<textarea name=\"{name}\" rows=\"2\"{required}>{first}</textarea></label>"
            ),
        };
        let why = get("why_it_matters");
        if !why.is_empty() {
            self.small(why);
        }
    }

    /// As it is sent. The one style is known by a word that counts for this page alone.
    pub(super) fn reply(self, status: u16) -> Reply {
        let word = blake3::hash(format!("{:?}{}", std::time::SystemTime::now(), self.body).as_bytes());
        let word = &word.to_hex()[..32];
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex,nofollow\"><title>{}</title><style nonce=\"{word}\">{STYLE}</style></head><body><main>\n{}</main></body></html>\n",
            self.name, self.body
        );
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{word}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        Reply { status, policy: Some(policy), ..Reply::text("text/html; charset=utf-8", html) }
    }
}

/// A text that begins as sentences do.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// A text that is only text, wherever it stands. What turns the direction of writing around is shown as what it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(letter),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// A time for people.
pub(super) fn moment(at: Time) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_only_texts() {
        let evil = "<script>alert('1')</script>\" onload=x &amp; \u{202e}txt";
        let mut page = Page::new(evil);
        page.title(evil);
        page.part(evil, evil);
        let question = serde_json::json!({"id": evil, "text": evil, "answer_type": "choice", "choices": [evil],
            "why_it_matters": evil, "default": evil, "required": true});
        page.form("n", false, &[question], &[("comment".into(), evil.into())]);
        let reply = page.reply(200);
        let crate::call::Body::Bytes(_, html) = reply.body else { panic!() };
        let html = String::from_utf8(html).unwrap();
        for wrong in ["<script", "\" onload", "'1'", "\u{202e}"] {
            assert!(!html.contains(wrong), "{wrong}: {html}");
        }
        assert!(html.contains("&amp;amp;") && reply.policy.unwrap().contains("default-src 'none'"));
    }
}
