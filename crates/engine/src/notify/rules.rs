//! Rules: of what somebody wants to hear, and how.
//!
//! ```yaml
//! notify:
//!   - name: chat
//!     on: [gate, reminder, run_failed]
//!     project: web
//!     webhook:
//!       url: https://chat.example.org/hook
//!       headers: { Authorization: "Bearer ${{ secrets.CHAT }}" }
//!       secret: CHAT_SIGNS
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stead_core::people::is_email;
use stead_lang::diagnostic::nearest;
use stead_lang::tree::{self, Node, Shape};

use super::notice::{Notice, Occasion};
use crate::error::EngineError;
use crate::limits;
use crate::net::Url;
use crate::secrets::read_settings;

/// Something that is wrong with the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsProblem {
    /// Stable code.
    pub code: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong, without what stands there: it may be a secret.
    pub message: String,
}

impl std::fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.line, self.column, self.message, self.code)
    }
}

/// All rules of a home.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    on: Vec<Occasion>,
    /// Empty: any.
    workflows: Vec<String>,
    projects: Vec<String>,
    pub(crate) way: Way,
}

/// How it gets to somebody.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    Webhook(Webhook),
    Mail(Mail),
    /// A program and its arguments.
    Command(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<Part>)>,
    /// Name of the secret that signs.
    pub(crate) secret: Option<String>,
    /// Private addresses may be called.
    pub(crate) private: bool,
}

/// A piece of a text with secrets in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Secret(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mail {
    pub(crate) server: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    /// Who signs in, and the name of the secret that is their password.
    pub(crate) login: Option<(String, String)>,
    pub(crate) from: String,
    /// Fixed addresses; none: those of who is asked.
    pub(crate) to: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Asked for once connected.
    Starttls,
    /// From the first byte.
    Always,
    None,
}

impl Rules {
    /// The rules that want to hear of something.
    pub(crate) fn of(&self, notice: &Notice) -> impl Iterator<Item = &Rule> {
        let fits = |named: &[String], what: &str| named.is_empty() || named.iter().any(|one| one == what);
        self.all.iter().filter(move |rule| {
            rule.on.contains(&notice.event)
                && fits(&rule.workflows, &notice.workflow)
                && fits(&rule.projects, &notice.project)
        })
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Rule> {
        self.all.iter().find(|rule| rule.name == name)
    }
}

/// The rules in a settings file; none where there is no file.
pub(super) fn load(path: &Path) -> Result<Rules, EngineError> {
    let text = read_settings(path).map_err(|error| EngineError::Settings {
        path: path.display().to_string(),
        problems: vec![SettingsProblem {
            code: "R0701".into(),
            line: 1,
            column: 1,
            message: error.to_string(),
        }],
    })?;
    let Some(text) = text else { return Ok(Rules::default()) };
    parse(&text).map_err(|problems| EngineError::Settings { path: path.display().to_string(), problems })
}

/// The rules in a text, or all that is wrong with them.
pub(super) fn parse(text: &str) -> Result<Rules, Vec<SettingsProblem>> {
    let mut found = Vec::new();
    let document = tree::read("settings", text, &mut found);
    let mut reading = Reading::default();
    for problem in &found {
        let message = format!("this is no YAML ({})", problem.code);
        reading.problems.push(SettingsProblem {
            code: "R0701".into(),
            line: problem.span.line,
            column: problem.span.column,
            message,
        });
    }
    let mut rules = Rules::default();
    if let Some(document) = document.filter(|_| found.is_empty())
        && let Some(all) = document.root().get("notify")
    {
        if all.shape() != Shape::List {
            reading.wrong(all, "R0703", "`notify` is to be a list of rules");
        } else if all.items().len() > limits::NOTIFY_RULES {
            reading.wrong(all, "R0706", &format!("there are more than {} rules", limits::NOTIFY_RULES));
        }
        let mut names = BTreeSet::new();
        for node in all.items().take(limits::NOTIFY_RULES) {
            if let Some(rule) = reading.rule(node) {
                if !names.insert(rule.name.clone()) {
                    reading.wrong(node, "R0707", "another rule has this name");
                }
                rules.all.push(rule);
            }
        }
    }
    match reading.problems.is_empty() {
        true => Ok(rules),
        false => Err(reading.problems),
    }
}

#[derive(Default)]
struct Reading {
    problems: Vec<SettingsProblem>,
}

impl Reading {
    fn wrong(&mut self, node: Node<'_>, code: &str, message: &str) {
        let span = node.span();
        self.problems.push(SettingsProblem {
            code: code.to_owned(),
            line: span.line,
            column: span.column,
            message: message.to_owned(),
        });
    }

    /// Whether it is a map, and has no keys but these.
    fn map(&mut self, node: Node<'_>, what: &str, keys: &[&str]) -> bool {
        if node.shape() != Shape::Map {
            self.wrong(node, "R0703", &format!("{what} is to be a map"));
            return false;
        }
        for entry in node.entries().filter(|entry| !keys.contains(&entry.key)) {
            let near = nearest(entry.key, keys.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let span = entry.key_span();
            self.problems.push(SettingsProblem {
                code: "R0702".into(),
                line: span.line,
                column: span.column,
                message: format!("{what} has no such key: it has {}{hint}", keys.join(", ")),
            });
        }
        true
    }

    fn text(&mut self, node: Node<'_>, key: &str, needed: bool) -> Option<String> {
        let Some(value) = node.get(key) else {
            if needed {
                self.wrong(node, "R0704", &format!("`{key}` is missing"));
            }
            return None;
        };
        let text = value.raw().filter(|text| !text.is_empty() && text.len() <= limits::NOTIFY_TEXT);
        match text.filter(|text| !text.contains(char::is_control)) {
            Some(text) => Some(text.to_owned()),
            None => {
                let most = limits::NOTIFY_TEXT;
                self.wrong(value, "R0703", &format!("`{key}` is to be a line of 1 to {most} bytes"));
                None
            }
        }
    }

    /// One text or a list of them.
    fn plain(&mut self, node: Node<'_>, key: &str) -> Vec<String> {
        let Some(value) = node.get(key) else { return Vec::new() };
        let items: Vec<Node<'_>> = match value.shape() {
            Shape::List => value.items().collect(),
            _ => vec![value],
        };
        if items.is_empty() || items.len() > limits::NOTIFY_LIST {
            self.wrong(value, "R0706", &format!("`{key}` is to have 1 to {} entries", limits::NOTIFY_LIST));
            return Vec::new();
        }
        let mut found = Vec::new();
        for item in items {
            match item
                .raw()
                .filter(|text| text.len() <= limits::NOTIFY_TEXT && !text.contains(char::is_control))
            {
                Some(text) => found.push(text.to_owned()),
                None => self.wrong(item, "R0703", &format!("`{key}` is to be a text, or a list of texts")),
            }
        }
        found
    }

    fn rule(&mut self, node: Node<'_>) -> Option<Rule> {
        let keys = ["name", "on", "workflow", "project", "webhook", "mail", "command"];
        if !self.map(node, "a rule", &keys) {
            return None;
        }
        let name = self.text(node, "name", true);
        if let Some(value) = node.get("name").filter(|_| {
            name.as_ref().is_some_and(|name| {
                name.len() > 64 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            })
        }) {
            self.wrong(value, "R0703", "`name` is to be 1 to 64 letters, digits and . _ -");
        }
        let mut on = Vec::new();
        match node.get("on") {
            None => self.wrong(node, "R0704", "`on` is missing: of what it tells"),
            Some(value) => {
                let words = Occasion::ALL.map(|(_, word, _)| word);
                for word in self.plain(node, "on") {
                    match Occasion::ALL.iter().find(|(_, known, _)| *known == word) {
                        Some((occasion, ..)) => on.push(*occasion),
                        None => {
                            let near = nearest(&word, words);
                            let hint =
                                near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                            let all = words.join(", ");
                            self.wrong(
                                value,
                                "R0705",
                                &format!("`on` has a word that is none of {all}{hint}"),
                            );
                        }
                    }
                }
            }
        }
        let (workflows, projects) = (self.plain(node, "workflow"), self.plain(node, "project"));
        let ways: Vec<&str> =
            ["webhook", "mail", "command"].into_iter().filter(|way| node.get(way).is_some()).collect();
        let way = match ways[..] {
            ["webhook"] => node.get("webhook").and_then(|node| self.webhook(node)).map(Way::Webhook),
            ["mail"] => node.get("mail").and_then(|node| self.mail(node)).map(Way::Mail),
            ["command"] => node.get("command").and_then(|value| self.command(node, value)).map(Way::Command),
            _ => {
                self.wrong(node, "R0704", "a rule has one of `webhook`, `mail` and `command`");
                None
            }
        };
        Some(Rule { name: name?, on, workflows, projects, way: way? })
    }

    fn command(&mut self, node: Node<'_>, value: Node<'_>) -> Option<Vec<String>> {
        if value.shape() != Shape::List {
            self.wrong(value, "R0703", "`command` is to be a list: a program and its arguments");
            return None;
        }
        let words = self.plain(node, "command");
        if words.first().is_some_and(String::is_empty) {
            self.wrong(value, "R0703", "`command` names no program");
        }
        Some(words)
    }

    fn webhook(&mut self, node: Node<'_>) -> Option<Webhook> {
        if !self.map(node, "`webhook`", &["url", "headers", "secret", "private"]) {
            return None;
        }
        let url = self.text(node, "url", true);
        if let (Some(url), Some(value)) = (&url, node.get("url"))
            && let Err(why) = Url::parse(url)
        {
            self.wrong(value, "R0705", &format!("`url` {why}"));
        }
        let mut headers = Vec::new();
        if let Some(all) = node.get("headers") {
            if all.shape() != Shape::Map || all.entries().len() > limits::NOTIFY_LIST {
                self.wrong(
                    all,
                    "R0703",
                    &format!("`headers` is to be a map of up to {} texts", limits::NOTIFY_LIST),
                );
            }
            for entry in all.entries().take(limits::NOTIFY_LIST) {
                let good = entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !entry.key.is_empty();
                match entry
                    .value
                    .raw()
                    .filter(|text| good && !text.contains(char::is_control))
                    .and_then(parts)
                {
                    Some(parts) => headers.push((entry.key.to_owned(), parts)),
                    None => self.wrong(
                        entry.value,
                        "R0703",
                        "a header is a name and a line of text, with secrets as `${{ secrets.NAME }}`",
                    ),
                }
            }
        }
        let secret = self.text(node, "secret", false);
        let private = self.flag(node, "private");
        Some(Webhook { url: url?, headers, secret, private })
    }

    fn flag(&mut self, node: Node<'_>, key: &str) -> bool {
        match node.get(key).map(|value| (value, value.raw())) {
            None | Some((_, Some("false"))) => false,
            Some((_, Some("true"))) => true,
            Some((value, _)) => {
                self.wrong(value, "R0703", &format!("`{key}` is to be true or false"));
                false
            }
        }
    }

    fn mail(&mut self, node: Node<'_>) -> Option<Mail> {
        let keys = ["server", "port", "tls", "user", "password", "from", "to"];
        if !self.map(node, "`mail`", &keys) {
            return None;
        }
        let server = self.text(node, "server", true);
        if let (Some(server), Some(value)) = (&server, node.get("server"))
            && (server.contains('/') || Url::parse(&format!("http://{server}:25/")).is_err())
        {
            self.wrong(value, "R0705", "`server` is to be the name of a server, without a port");
        }
        let tls = match node.get("tls").map(|value| (value, value.raw())) {
            None | Some((_, Some("starttls"))) => Tls::Starttls,
            Some((_, Some("tls"))) => Tls::Always,
            Some((_, Some("none"))) => Tls::None,
            Some((value, _)) => {
                self.wrong(value, "R0703", "`tls` is to be starttls, tls or none");
                Tls::Starttls
            }
        };
        let port = match node.get("port").map(|value| (value, value.raw().and_then(|text| text.parse().ok())))
        {
            None if tls == Tls::Always => 465,
            None if tls == Tls::None => 25,
            None => 587,
            Some((_, Some(port))) if port > 0 => port,
            Some((value, _)) => {
                self.wrong(value, "R0703", "`port` is to be a number from 1 to 65535");
                0
            }
        };
        let login = match (self.text(node, "user", false), self.text(node, "password", false)) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => {
                self.wrong(node, "R0704", "`user` and `password` (the name of a secret) come together");
                None
            }
        };
        if login.is_some() && tls == Tls::None {
            self.wrong(node, "R0705", "a password is not sent without TLS: `tls` is to be starttls or tls");
        }
        let from = self.text(node, "from", true);
        if let (Some(from), Some(value)) = (&from, node.get("from"))
            && !is_email(from)
        {
            self.wrong(value, "R0705", "`from` is to be an address such as stead@example.org");
        }
        let mut to = self.plain(node, "to");
        match node.get("to") {
            None => self.wrong(node, "R0704", "`to` is missing: addresses, or `people` for who is asked"),
            Some(_) if to == ["people"] => to.clear(),
            Some(value) => {
                if !to.iter().all(|one| is_email(one)) {
                    self.wrong(
                        value,
                        "R0705",
                        "`to` is to be `people`, or addresses such as ana@example.org",
                    );
                }
            }
        }
        Some(Mail { server: server?, port, tls, login, from: from?, to })
    }
}

/// The pieces of a text with secrets in it; none where a mark is not understood.
fn parts(text: &str) -> Option<Vec<Part>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once("${{") {
        let (inside, after) = behind.split_once("}}")?;
        let name = inside.trim().strip_prefix("secrets.")?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        found.push(Part::Text(before.to_owned()));
        found.push(Part::Secret(name.to_owned()));
        rest = after;
    }
    found.push(Part::Text(rest.to_owned()));
    Some(found)
}
