//! Completion in a real shell, and the manual as `man` shows it.

use std::path::Path;
use std::process::Command;

use crate::project::Project;

/// What bash offers for the last of these words, by the script that `stead completions bash` prints.
fn offers(project: &Project, words: &[&str]) -> Vec<String> {
    let ask = r#"
        source <(stead completions bash) || exit 1
        complete -p stead >/dev/null || exit 2
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        _clap_complete_stead stead "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}""#;
    let bin = Path::new(env!("CARGO_BIN_EXE_stead")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let like = project.command();
    let mut bash = Command::new("bash");
    bash.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
    bash.current_dir(project.path("")).args(["--norc", "-c", ask, "bash", "stead"]).args(words);
    let output = bash.output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_runs_steps_and_files() {
    let project = Project::new().workflow(
        "good",
        "inputs: { who: { type: string, default: Ana }, when: { type: string, default: now } }\nsteps:\n  - { id: a, run: echo 1 }\n  - id: g\n    steps: [{ id: b, run: echo 2 }]\noutputs: { first: '${{ steps.a.output }}' }\n",
    ).with("notes.txt", "").with("more.yaml", "");
    project.stead("run good.yml --project docs").is(0);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    let offers = |words: &[&str]| offers(&project, words);
    assert_eq!(offers(&["sta"]), ["status"]);
    assert!(offers(&[""]).contains(&"settle".to_owned()));
    assert_eq!(offers(&["runs", "--par"]), ["--parent"]);
    assert_eq!(offers(&["runs", "--status", "failed,co"]), ["failed,completed"]);
    assert_eq!(offers(&["runs", "--workflow", ""]), ["good"]);
    assert_eq!(offers(&["runs", "--project", "d"]), ["docs"]);
    assert_eq!(offers(&["cancel", &run[..6]]), [run.as_str()]);
    assert_eq!(offers(&["settle", &run, "g"]), ["g", "g/b"]);
    assert_eq!(offers(&["logs", &format!("{run}/g/")]), [format!("{run}/g/b")]);
    assert_eq!(offers(&["run", "g"]), ["good.yml"]);
    assert_eq!(offers(&["check", "good.yml", "m"]), ["more.yaml"]);
    assert_eq!(offers(&["run", "good.yml", "-i", "w"]), ["who=", "when="]);
    assert_eq!(offers(&["run", "good.yml", "-i", "who=@n"]), ["who=@notes.txt"]);
    assert_eq!(offers(&["run", "good.yml", "-o", ""]), ["first"]);
    assert_eq!(offers(&["run", "good.yml", "--pause-at", "g"]), ["g", "g/b"]);
    assert_eq!(offers(&["explain", "C020"]), ["C0201", "C0202", "C0203", "C0204", "C0205", "C0206", "C0207"]);
    assert_eq!(offers(&["completions", "f"]), ["fish"]);
    std::fs::write(
        project.path("wait.yml"),
        "stead: 1\nname: wait\nsteps: [{ id: w, wait: { signal: go } }, { id: v, needs: [], wait: { signal: stop } }]\n",
    )
    .unwrap();
    project.stead("run wait.yml").is(4);
    assert_eq!(offers(&["signal", "@last", "s"]), ["stop"]);
    assert_eq!(offers(&["signal", "@last", "g"]), ["go"]);
    assert_eq!(offers(&["signal", "@last", "go", "--step", "w"]), ["w"]);
    assert_eq!(offers(&["signal", "--workflow", "w"]), ["wait"]);
    project.stead("people add ana --role architect").is(0);
    project.stead("people group add leads").is(0);
    assert_eq!(offers(&["people", "edit", "a"]), ["ana"]);
    assert_eq!(offers(&["people", "edit", "ana", "--no-role", "a"]), ["admin", "approver", "architect"]);
    assert_eq!(offers(&["people", "group", "edit", ""])[0], "leads");
    assert_eq!(offers(&["runs", "--as", "a"]), ["ana"]);
    // Nothing to offer, and nothing said about it.
    assert_eq!(offers(&["settle", "nobody", "g"]), [""; 0]);
    assert_eq!(offers(&["run", "nowhere.yml", "-i", "w"]), [""; 0]);
    assert_eq!(offers(&["--home", "elsewhere", "cancel", "r_"]), [""; 0]);
}

#[test]
fn each_shell_has_a_script() {
    let project = Project::bare();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        project.stead(&format!("completions {shell}")).is(0).answers("STEAD_COMPLETE");
    }
    project.stead("completions csh").is(2).says("[possible values: bash, elvish, fish, powershell, zsh]");
}

/// A page as `man` shows it where it is installed, else as it is written.
fn shown(page: &Path) -> String {
    if Command::new("man").arg("--version").output().is_err() {
        return std::fs::read_to_string(page).unwrap();
    }
    let output = Command::new("man")
        .args(["--warnings", "-E", "ascii", "-l"])
        .arg(page)
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && problems.is_empty(), "{}: {problems}", page.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let project = Project::bare();
    project.stead("man pages").is(0).says("pages in pages");
    let main = shown(&project.path("pages/stead.1"));
    for part in ["NAME", "SYNOPSIS", "OPTIONS", "ENVIRONMENT", "STEAD_HOME", "FILES", "EXIT STATUS", "130"] {
        assert!(main.contains(part), "no {part} in {main}");
    }
    let help = project.stead("--help").is(0).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 10 && commands.contains(&"man"), "{help}");
    for command in commands {
        let page = shown(&project.path(&format!("pages/stead-{command}.1")));
        assert!(page.contains(&format!("stead-{command}")) && page.contains("SEE ALSO"), "{page}");
        // Every option that the command's help shows.
        let help = project.stead(&format!("{command} --help")).is(0).out;
        let options = help.split([' ', '\n', ',']).filter(|word| word.starts_with("--"));
        for option in
            options.filter(|word| word.len() > 2 && word[2..].starts_with(|c: char| c.is_ascii_lowercase()))
        {
            let option = option.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            assert!(page.replace("\\-", "-").contains(option), "{command}: no {option} in {page}");
        }
    }
    assert_eq!(project.stead("man").is(0).out, project.text("pages/stead.1"));
    project.with("file", "").stead("man file/pages").is(2).says("error[C0202]: file/pages cannot be written");
}
