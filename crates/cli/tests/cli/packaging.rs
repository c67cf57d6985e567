//! What is in `packaging/`, and what the documents for who runs a server say of it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Parser as _;
use stead_cli::args::Cli;

use crate::project::{Project, finish};
use crate::serve::serve;

const TEAM: &str = include_str!("../../../../docs/team.md");
const THREATS: &str = include_str!("../../../../docs/threat-model.md");
const BACKUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/stead-backup");

#[test]
fn the_files_stand_in_the_document_as_they_are() {
    for text in [
        include_str!("../../../../packaging/stead.service"),
        include_str!("../../../../packaging/Caddyfile"),
        include_str!("../../../../packaging/nginx.conf"),
    ] {
        assert!(TEAM.contains(&format!("\n{text}```\n")), "docs/team.md has it otherwise:\n{text}");
    }
}

/// Words as a shell would part them, up to a comment.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if word.is_none() => break,
            c if c.is_whitespace() && !quoted => all.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// The calls of Stead in a document: in its blocks, and between backticks.
fn calls(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            let lines = part.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line).to_owned());
            found.extend(lines.map(|line| line.replacen("ExecStart=/usr/local/bin/", "", 1)));
        } else {
            let inline = part.split('`').skip(1).step_by(2).filter(|code| !code.contains('…'));
            found.extend(inline.map(str::to_owned));
        }
    }
    found.retain(|line| line.starts_with("stead "));
    found
}

#[test]
fn every_command_in_the_documents_for_who_runs_a_server_is_one() {
    for (document, text, least) in [("team.md", TEAM, 25), ("threat-model.md", THREATS, 2)] {
        let calls = calls(text);
        assert!(calls.len() >= least, "{document}: {calls:#?}");
        for call in calls {
            // What a command is called stands in texts without its arguments.
            let named = words(&call);
            if named.len() == 2 && !text.contains(&format!("$ {call}")) {
                let shown = Cli::try_parse_from([named[0].as_str(), &named[1], "--help"]);
                let kind = shown.unwrap_err().kind();
                assert_eq!(kind, clap::error::ErrorKind::DisplayHelp, "{document}: {call}");
                continue;
            }
            if let Err(error) = Cli::try_parse_from(&named) {
                panic!("{document}: {call}\n{error}");
            }
        }
    }
}

/// What stands between single backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(|part| part.split('`').skip(1).step_by(2))
}

/// All that is in the sources of the crates.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn what_the_threat_model_says_that_shows_it_is_there() {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut code = String::new();
    for name in ["cli", "core", "engine", "lang", "platform", "server", "store"] {
        sources(&crates.join(name), &mut code);
    }
    let (mut tests, mut files) = (0, 0);
    for name in named(THREATS) {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.ends_with(".rs") && name.contains('/') {
            assert!(crates.join(name).exists(), "there is no {name}");
            files += 1;
        } else if name.chars().all(is_word) && name.matches('_').count() > 1 {
            assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
            tests += 1;
        }
    }
    assert!(tests > 40 && files > 12, "{tests} {files}");
}

fn backup(project: &Project, folder: &Path) -> Output {
    let home = project.path(".stead");
    Command::new(BACKUP).args([folder, &home]).output().unwrap()
}

/// The folder of a new copy.
fn copied(project: &Project, folder: &Path) -> PathBuf {
    let output = backup(project, folder);
    assert!(output.status.success(), "{output:?}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

#[test]
fn a_copy_that_is_made_while_runs_go_on_is_whole_and_goes_on() {
    let steps = "steps:\n  - { id: list, run: [seq, \"1\", \"100\"], parse: lines }\n  - id: each\n    foreach: { in: \"${{ steps.list.output }}\", as: i, parallel: 4 }\n    run: \"[ -e go ] || sleep 0.05; head -c 40000 /dev/urandom | base64 -w0; echo $I >> done\"\n    env: { I: \"${{ i }}\" }\n    parse: text\noutputs: { sizes: \"${{ steps.each.output.map(one, size(one)) }}\" }\n";
    let project = Project::new().workflow("load", steps);
    let folder = project.path("copies");
    std::fs::create_dir(&folder).unwrap();
    let served = serve(&project);
    let run = project.spawn("run load.yml");
    project.wait_for("some of it", |project| project.text("done").lines().count() >= 5);
    // One that is killed leaves nothing that counts.
    let home = project.path(".stead");
    let mut killed = Command::new(BACKUP).args([&folder, &home]).process_group(0).spawn().unwrap();
    project.wait_for("its beginning", |project| {
        std::fs::read_dir(project.path("copies")).unwrap().next().is_some()
    });
    // It may have been done by now, which is as good.
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", killed.id())]).output().unwrap();
    killed.wait().unwrap();
    let copies = [copied(&project, &folder), copied(&project, &folder)];
    std::fs::write(project.path("go"), "").unwrap();
    finish(run).is(0);
    served.leave("TERM").is(0);
    for copy in copies {
        let other = Project::new();
        std::fs::remove_dir(other.path(".stead")).unwrap();
        let made = Command::new("cp").args(["-a"]).arg(&copy).arg(other.path(".stead")).status().unwrap();
        assert!(made.success());
        // Looking starts nothing.
        let listed = other.last();
        assert_eq!(listed["status"], "running", "{listed}");
        let sizes = other.stead("resume @last --json").is(0);
        assert!(sizes.out.contains("\"completed\""), "{sizes:?}");
        let status = other.stead("status @last --json").is(0).json();
        let told = status["outputs"]["sizes"].as_array().unwrap_or_else(|| panic!("{status:#}")).len();
        assert_eq!(told, 100);
    }
}

#[test]
fn a_copy_of_a_home_with_a_damaged_file_is_refused() {
    let steps = "steps:\n  - { id: a, run: \"head -c 40000 /dev/urandom | base64 -w0\", parse: text }\n";
    let project = Project::new().workflow("one", steps);
    project.stead("run one.yml").is(0);
    let folder = project.path("copies");
    std::fs::create_dir(&folder).unwrap();
    assert!(backup(&project, &folder).status.success());
    let found =
        Command::new("find").args(["files", "-type", "f"]).current_dir(project.path(".stead")).output();
    let found = String::from_utf8(found.unwrap().stdout).unwrap();
    let file = project.path(".stead").join(found.lines().next().unwrap());
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "other bytes").unwrap();
    let before = std::fs::read_dir(&folder).unwrap().count();
    let output = backup(&project, &folder);
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stdout).contains("FAILED"),
        "{output:?}"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), before);
}
