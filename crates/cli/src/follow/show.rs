//! The three ways to show what happens: drawn, line by line, as JSON.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use stead_core::run::View;

use super::frame;
use super::picture::{Happened, Picture};
use super::plain::{self, Advance};
use super::screen::Screen;
use super::tail::Tails;
use crate::error::CliError;
use crate::face::{self, Face};
use crate::here::{Here, next_commands};
use crate::out;
use crate::place::Place;
use crate::text;
use crate::tree;

/// Pictures per second, at most.
const PICTURES: u32 = 10;

/// How runs are shown while they go on.
pub enum Show {
    /// A picture on the terminal.
    Live(Box<Live>),
    /// A line per change on standard error; of many rows one now and then.
    Plain(Face, Advance),
    /// An event per line on standard output.
    Json,
}

/// A picture on the terminal.
pub struct Live {
    face: Face,
    screen: Screen,
    tails: Tails,
    drawn: Option<Instant>,
    dirty: bool,
}

impl Show {
    /// The way that fits the outputs.
    pub fn new(here: &Here, json: bool) -> Self {
        if json {
            return Show::Json;
        }
        if !face::live() {
            return Show::Plain(here.err, Advance::default());
        }
        let (face, screen, tails) = (here.err, Screen::new(here.err), Tails::default());
        Show::Live(Box::new(Live { face, screen, tails, drawn: None, dirty: true }))
    }

    /// Says where runs stand that began before anybody watched.
    pub fn resumed(&self, picture: &Picture) {
        self.joined("resumed", picture);
    }

    /// Says where runs stand that somebody looks on at.
    pub fn watching(&self, picture: &Picture) {
        self.joined("watching", picture);
    }

    fn joined(&self, word: &str, picture: &Picture) {
        let Show::Plain(face, _) = self else { return };
        for run in &picture.roots {
            out::note(&plain::joined(word, picture, run, text::now(), *face));
        }
    }

    /// Shows what has happened.
    ///
    /// # Errors
    /// When standard output is closed and events go there.
    pub fn happened(&mut self, all: &[Happened]) -> Result<(), CliError> {
        match self {
            Show::Live(live) => live.dirty |= !all.is_empty(),
            Show::Plain(face, advance) => {
                let lines: Vec<String> = all.iter().flat_map(|one| advance.lines(one, *face)).collect();
                if !lines.is_empty() {
                    out::say(&format!("{}\n", lines.join("\n")));
                }
            }
            Show::Json => {
                let mut bytes = Vec::new();
                for one in all {
                    // Plain data with text keys always serialises.
                    bytes.extend(serde_json::to_vec(&one.row).unwrap_or_default());
                    bytes.push(b'\n');
                }
                if !bytes.is_empty() {
                    out::bytes(&bytes)?;
                }
            }
        }
        Ok(())
    }

    /// When it wants to be called again without anything having happened.
    pub fn pace(&self) -> Duration {
        match self {
            Show::Live(live) if live.dirty => Duration::from_secs(1) / PICTURES,
            // Times go on, and programs print.
            Show::Live(_) => Duration::from_millis(250),
            // Nothing is drawn; whether the runs can go on at all is looked at.
            _ => Duration::from_secs(1),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, here: &Here, picture: &mut Picture) {
        let Show::Live(live) = self else { return };
        let least = Duration::from_secs(1) / PICTURES;
        if live.drawn.is_some_and(|drawn| drawn.elapsed() < least) {
            return;
        }
        // Before its first event there is nothing to show.
        if picture.roots.iter().all(|run| picture.head(run).is_none_or(|head| head.created_at == 0)) {
            return;
        }
        live.drawn = Some(Instant::now());
        live.dirty = false;
        if let [root] = picture.roots.as_slice() {
            // Programs of a server elsewhere print there: `stead logs` tells of them.
            if let Place::Home(home) = &here.place {
                live.tails.update(home, &picture.attempts(root));
            }
        }
        let size = Screen::size();
        let lines = frame::lines(picture, &live.tails, size, text::now(), live.face);
        live.screen.draw(&lines, size);
    }

    /// Takes the picture away, so that something else can be printed.
    pub fn clear(&mut self) {
        if let Show::Live(live) = self {
            live.screen.clear();
        }
    }

    /// Says something beside what is shown.
    pub fn note(&mut self, line: &str) {
        self.clear();
        out::note(line);
        if let Show::Live(live) = self {
            (live.drawn, live.dirty) = (None, true);
        }
    }

    /// Leaves a still picture of a run, why it failed, and how to go on.
    /// `goes_on`: another process performs it.
    pub fn last(&mut self, here: &Here, picture: &mut Picture, view: &View, goes_on: bool) {
        self.clear();
        let face = here.err;
        if let Show::Live(_) = self {
            let size = Screen::size();
            let lines = frame::last(picture, view, goes_on, size, text::now(), face);
            let columns = usize::from(size.columns).saturating_sub(1);
            let lines: Vec<String> = lines.iter().map(|line| line.render(columns, face)).collect();
            out::say(&format!("{}\n", lines.join("\n")));
        }
        if let Show::Json = self {
            return;
        }
        let mut said = String::new();
        if let Some(error) = &view.error {
            said.push_str(&why(view, error, face));
        }
        if view.outcome == Some(stead_core::status::Outcome::Degraded) {
            let warning = face.paint(face::Ink::Yellow, "warning");
            let _ = writeln!(
                said,
                "{warning}: completed with trouble inside: `{}` shows where",
                here.command(&format!("status {}", view.run))
            );
        }
        let next = next_commands(here, view).join(face.sign(" · ", "; "));
        let _ = writeln!(said, "next: {next}");
        out::say(&said);
    }
}

/// Why a run failed, in full: the message may have several lines.
pub fn why(view: &View, error: &stead_core::run::StepError, face: Face) -> String {
    let place =
        if error.step.is_empty() { String::new() } else { format!(" at {}", text::clean(&error.step)) };
    let head = format!("{}{place}:", tree::outcome_word(view.status, view.outcome));
    let mut out = face.paint(face::Ink::Red, &head).into_owned();
    let lines: Vec<String> = error.message.lines().map(text::clean).collect();
    match lines.as_slice() {
        [] => {}
        [one] => {
            let _ = write!(out, " {one}");
        }
        many => {
            for line in many {
                let _ = write!(out, "\n  {line}");
            }
        }
    }
    out.push('\n');
    out
}
