//! The README's tour of the library, run as it is written.

use std::process::Command;

use regex::Regex;

use crate::project::Project;
use crate::screen::Terminal;

const README: &str = include_str!("../../../../README.md");

/// A command of the tour, and what the reader is shown of it.
struct Shown {
    command: String,
    output: Vec<String>,
}

/// The commands in the block behind a heading.
fn tour(heading: &str) -> Vec<Shown> {
    let text = README.split_once(heading).expect("the heading is there").1;
    let block = text.split("```").nth(1).expect("a block follows");
    let mut all: Vec<Shown> = Vec::new();
    let mut open = false;
    for line in block.lines().skip(1) {
        match (open, line.strip_prefix("$ "), all.last_mut()) {
            (false, Some(command), _) => {
                open = command.ends_with("<<'END'");
                all.push(Shown { command: command.to_owned(), output: Vec::new() });
            }
            (true, _, Some(shown)) => {
                shown.command += "\n";
                shown.command += line;
                open = line != "END";
            }
            (_, _, Some(shown)) => shown.output.push(line.to_owned()),
            (_, _, None) => panic!("a line before the first command: {line}"),
        }
    }
    all
}

/// A line without what is another one each time: ids, times.
fn same_each_time(line: &str) -> String {
    let mut line = line.trim_end().to_owned();
    for (pattern, word) in [
        (r"r_[0-9a-z]{16}", "RUN"),
        (r"\b\d{2}:\d{2}:\d{2}\b", "TIME"),
        (r"\b\d+(\.\d+)?m?s\b", "TOOK"),
        (r"user:\w+ +", "WHO "),
        (r"  +", "  "),
    ] {
        line = Regex::new(pattern).unwrap().replace_all(&line, word).into_owned();
    }
    line
}

/// What a command shows at a terminal.
fn shown(project: &Project, command: &str) -> Vec<String> {
    let Some(words) = command.strip_prefix("stead ") else {
        let done =
            Command::new("bash").args(["-ec", command]).current_dir(project.path("")).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{command}: {done:?}");
        return String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect();
    };
    let (code, printed, screen) = Terminal::new(project, 40, 160, &[], words).end();
    assert_eq!(code, 0, "{command}: {printed}");
    let mut lines = screen.lines();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

#[test]
fn the_tour_of_the_library_goes_as_it_is_written() {
    let project = Project::new();
    let tour = tour("**Keep it.**");
    for word in ["save", "diff", "run greet@1", "delete", "restore", "run everybody.yml", "history"] {
        let there = tour.iter().any(|shown| shown.command.starts_with(&format!("stead {word}")));
        assert!(there, "the tour shows `stead {word}`");
    }
    for Shown { command, output } in tour {
        let came: Vec<String> = shown(&project, &command).iter().map(|line| same_each_time(line)).collect();
        let wanted: Vec<String> = output.iter().map(|line| same_each_time(line)).collect();
        assert_eq!(came, wanted, "$ {command}");
    }
}
