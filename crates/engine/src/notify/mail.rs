//! Mail, by SMTP.
//!
//! A client of our own: `lettre` is well kept and MIT, but brings 33 packages to ours (the tables of international domain
//! names among them), and connects by itself, past the checks of [`net`](crate::net). What is needed here is one kind of
//! message, of ASCII, to addresses of ASCII.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stead_core::Time;

use super::Undelivered;
use super::rules::{Mail, Tls};
use crate::executor::Control;
use crate::net::{Client, Talk};
use crate::redact::Redaction;
use crate::secrets::{SecretString, Secrets};

/// Lines of one answer.
const LINES: usize = 100;
/// Bytes of the text in one encoded word of a header; the word has 75 characters at most.
const WORD: usize = 45;

/// A message.
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) at: Time,
    pub(super) subject: &'a str,
    pub(super) text: &'a str,
}

/// Sends it to one address.
pub(super) fn send(
    mail: &Mail,
    to: &str,
    letter: &Letter<'_>,
    client: &Arc<Client>,
    secrets: &dyn Secrets,
    control: &dyn Control,
) -> Result<(), Undelivered> {
    let login = match &mail.login {
        Some((user, name)) => Some((user.as_str(), secrets.get(name, None, control)?)),
        None => None,
    };
    deliver(mail, to, letter, client, login.as_ref(), control).map_err(|mut failed| {
        if let Some((user, secret)) = &login {
            let own = [secret.clone()];
            failed.why = Redaction::of(&own).text(&failed.why).into_owned();
            // As it was sent.
            failed.why = failed.why.replace(&plain(user, secret), crate::redact::MARK);
        }
        failed
    })
}

fn plain(user: &str, secret: &SecretString) -> String {
    STANDARD.encode(format!("\0{user}\0{}", secret.expose()))
}

fn deliver(
    mail: &Mail,
    to: &str,
    letter: &Letter<'_>,
    client: &Arc<Client>,
    login: Option<&(&str, SecretString)>,
    control: &dyn Control,
) -> Result<(), Undelivered> {
    let mut talk = Talk::begin(client, &mail.server, mail.port, mail.tls == Tls::Always, control)?;
    expect(&mut talk, "2", "its greeting")?;
    let mut able = hello(&mut talk)?;
    if mail.tls == Tls::Starttls {
        if !able.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
            return Err(Undelivered::for_good(
                "the server offers no STARTTLS: say `tls: tls`, or `tls: none` for one of this machine",
            ));
        }
        ask(&mut talk, "STARTTLS", "2")?;
        talk.secure()?;
        able = hello(&mut talk)?;
    }
    if let Some((user, secret)) = login {
        let ways =
            able.iter().find_map(|line| line.to_ascii_uppercase().strip_prefix("AUTH ").map(str::to_owned));
        let ways = ways.unwrap_or_default();
        if ways.split(' ').any(|way| way == "PLAIN") {
            talk.say(&format!("AUTH PLAIN {}\r\n", plain(user, secret)))?;
            expect(&mut talk, "2", "AUTH")?;
        } else if ways.split(' ').any(|way| way == "LOGIN") {
            ask(&mut talk, "AUTH LOGIN", "3")?;
            talk.say(&format!("{}\r\n", STANDARD.encode(user)))?;
            expect(&mut talk, "3", "AUTH")?;
            talk.say(&format!("{}\r\n", STANDARD.encode(secret.expose())))?;
            expect(&mut talk, "2", "AUTH")?;
        } else {
            return Err(Undelivered::for_good("the server takes no password by PLAIN or LOGIN"));
        }
    }
    ask(&mut talk, &format!("MAIL FROM:<{}>", mail.from), "2")?;
    ask(&mut talk, &format!("RCPT TO:<{to}>"), "2")?;
    ask(&mut talk, "DATA", "3")?;
    talk.say(&written(mail, to, letter))?;
    expect(&mut talk, "2", "the message")?;
    // It is taken; whether the server says goodbye does not matter.
    let _ = talk.say("QUIT\r\n");
    Ok(())
}

/// Says who we are, and hears what the server can do.
fn hello(talk: &mut Talk) -> Result<Vec<String>, Undelivered> {
    talk.say("EHLO localhost\r\n")?;
    expect(talk, "2", "EHLO")
}

fn ask(talk: &mut Talk, words: &str, good: &str) -> Result<(), Undelivered> {
    talk.say(&format!("{words}\r\n"))?;
    let verb = words.split([' ', ':']).next().unwrap_or_default();
    expect(talk, good, verb).map(drop)
}

/// The lines of an answer, which is to begin with this digit.
fn expect(talk: &mut Talk, good: &str, what: &str) -> Result<Vec<String>, Undelivered> {
    let mut lines = Vec::new();
    loop {
        let line = talk.line()?;
        let (code, rest) = line.split_at_checked(3).unwrap_or((&line, ""));
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_digit()) || lines.len() >= LINES {
            return Err(Undelivered::now("the server does not speak SMTP"));
        }
        let (code, more) = (code.to_owned(), rest.starts_with('-'));
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        if more {
            continue;
        }
        if code.starts_with(good) {
            return Ok(lines);
        }
        let said: String = lines.join(" ").chars().filter(|c| !c.is_control()).take(200).collect();
        let why = format!("the server of mail answered {what} with {code} {said}");
        return Err(match code.starts_with('5') {
            true => Undelivered::for_good(why),
            false => Undelivered::now(why),
        });
    }
}

/// The message with its headers. All that comes from elsewhere is encoded or has been checked to be an address, so nothing in
/// it can end a line; the body is base64, so no line of it is a dot alone.
fn written(mail: &Mail, to: &str, letter: &Letter<'_>) -> String {
    let date = jiff::Timestamp::from_millisecond(letter.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = date.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let place = mail.from.split_once('@').map_or("localhost", |(_, place)| place);
    let mut text = String::new();
    let id = letter.id;
    // Into a text nothing fails.
    let _ = write!(
        text,
        "Date: {date}\r\nFrom: Stead <{}>\r\nTo: <{to}>\r\nSubject: {}\r\nMessage-ID: <{id}@{place}>\r\nStead-Notification: {id}\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n",
        mail.from,
        encoded(letter.subject),
    );
    let body = STANDARD.encode(letter.text.replace('\n', "\r\n"));
    for line in body.as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str("\r\n");
    }
    text.push_str(".\r\n");
    text
}

/// A text for a header: as encoded words, each of whole characters, on lines of their own.
pub(super) fn encoded(text: &str) -> String {
    let mut words = vec![String::new()];
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > WORD) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}
