//! Named workflows: saving, finding, comparing, deleting; and many who save at once.

use serde_json::{Value, json};

use crate::project::{Got, Project, finish};

fn steps(word: &str) -> String {
    format!(
        "steps:\n  - {{ id: say, run: [echo, {word}] }}\noutputs: {{ said: '${{{{ steps.say.output }}}}' }}\n"
    )
}

fn greet(word: &str) -> Project {
    Project::new().workflow("greet", &steps(word))
}

/// What `stead workflows` lists, by name.
fn listed(project: &Project, words: &str) -> Vec<String> {
    let got = project.stead(format!("workflows --json {words}").trim_end()).is(0);
    got.lines().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn saved(got: Got) -> (u64, String) {
    let answer = got.is(0).json();
    (answer["number"].as_u64().unwrap(), answer["how"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_saved_is_numbered_and_comes_back_as_it_was_written() {
    let project = greet("one");
    let first = project.text("greet.yml");
    project.call(&["save", "greet.yml", "-m", "the first"]).is(0).answers("greet@1 saved\n");
    assert_eq!(saved(project.stead("save greet.yml --json")), (1, "unchanged".into()));
    // A comment is no new revision, and is not lost.
    let commented = format!("# Says a word.\n{first}");
    let project = project.with("greet.yml", &commented);
    assert_eq!(saved(project.stead("save greet.yml --json")), (1, "text".into()));
    assert_eq!(project.stead("export greet").is(0).out, commented);
    let project = project.workflow("greet", &steps("two"));
    assert_eq!(saved(project.stead("save greet.yml --json")), (2, "next".into()));
    assert_eq!(project.stead("export greet@1").is(0).out, commented);
    assert_eq!(project.stead("export greet").is(0).out, project.text("greet.yml"));
    // A revision is known by what check and run call it.
    let checked = project.stead("check greet.yml --format json").is(0).json();
    let shown = project.stead("show greet --json").is(0).json();
    assert_eq!(shown["revision"]["revision"], checked["files"][0]["revision"]);
    let changes = project.stead("history greet --json").is(0).lines();
    let changes: Vec<(&str, u64, &str)> = changes
        .iter()
        .map(|change| {
            let word = |key: &str| change[key].as_str().unwrap_or_default();
            (word("what"), change["number"].as_u64().unwrap(), word("detail"))
        })
        .collect();
    assert_eq!(changes, [("saved", 2, ""), ("text", 1, ""), ("saved", 1, "the first")]);
    assert_eq!(project.stead("history greet --json -n 1 --skip 2").is(0).lines()[0]["detail"], "the first");
}

#[test]
fn files_that_a_definition_names_are_kept_with_it_wherever_they_lay() {
    let project = Project::new();
    for folder in ["flows/schemas", "elsewhere"] {
        std::fs::create_dir_all(project.path(folder)).unwrap();
    }
    let text = "stead: 1\nname: typed\ninputs: { it: { type: object, schema: schemas/it.json } }\nsteps:\n  - { id: a, run: ls }\n";
    let project =
        project.with("flows/typed.yml", text).with("flows/schemas/it.json", "{\"type\": \"object\"}\n");
    project.stead("save flows/typed.yml").is(0);
    project.stead("export typed").is(2).says("has 2 files").says("--to DIR");
    project.stead("export typed --to elsewhere").is(0);
    assert_eq!(project.text("elsewhere/typed.yml"), text);
    assert_eq!(project.text("elsewhere/schemas/it.json"), "{\"type\": \"object\"}\n");
    // A change in a file beside it is another revision; saved from where it was exported it knows its base.
    let project = project.with("elsewhere/schemas/it.json", "{\"type\": \"object\", \"minProperties\": 1}\n");
    project.stead("save elsewhere/typed.yml").is(0).answers("typed@2 saved");
    let diff = project.stead("diff typed@1 typed@2").is(0);
    assert!(
        diff.out.contains("schemas/it.json") && diff.out.contains("+{\"type\": \"object\", \"min"),
        "{diff:#?}"
    );
    assert!(!diff.out.contains("typed.yml\n"), "{diff:#?}");
    // What is in the way is not written over.
    let project = project.with("flows/typed.yml", "mine");
    project.stead("export typed --to flows").is(2).says("flows/typed.yml is there, with another text");
    assert_eq!(project.text("flows/typed.yml"), "mine");
    project.stead("export typed --to flows --force").is(0);
    project.stead("diff typed flows/typed.yml").is(0).says("are the same text");
}

#[test]
fn what_was_made_from_an_older_revision_is_refused_with_all_three_texts() {
    let project = greet("one").with("mine.yml", "").with("theirs.yml", "");
    project.stead("save greet.yml").is(0);
    project.stead("export greet --to mine.yml --force").is(0);
    project.stead("export greet --to theirs.yml --force").is(0);
    let edit = |project: Project, file: &str, word: &str| {
        let text = project.text(file).replace("one", word);
        project.with(file, &text)
    };
    let project = edit(edit(project, "mine.yml", "mine"), "theirs.yml", "theirs");
    project.stead("save theirs.yml").is(0).answers("greet@2 saved");
    let late =
        project.stead("save mine.yml").is(1).says("error[S0706]").says("made from greet@1, and greet@2");
    // The commands that it names show them, and the last one saves.
    let commands: Vec<&str> =
        late.err.lines().filter_map(|line| line.split_once(": stead ")).map(|(_, c)| c).collect();
    assert_eq!(commands.len(), 3, "{late:#?}");
    project.stead(commands[0]).is(0).answers("+  - { id: say, run: [echo, theirs] }");
    project.stead(commands[1]).is(0).answers("+  - { id: say, run: [echo, mine] }");
    project.stead(commands[2]).is(0).answers("greet@3 saved");
    // A file of which nothing is known says what it is based on.
    let project = project.workflow("new", "").with("new.yml", &project_text("four"));
    let unknown = project.stead("save new.yml").is(1).says("error[S0705]");
    assert!(unknown.err.contains("stead save new.yml --based-on 3"), "{unknown:#?}");
    let json = project.stead("save new.yml --json").is(1).json();
    assert_eq!((&json["type"], &json["code"]), (&json!("error"), &json!("S0705")));
    project.stead("save new.yml --based-on 2").is(1).says("S0706");
    project.stead("save new.yml --based-on 9").is(1).says("S0706");
    project.stead("save new.yml --based-on 3").is(0).answers("greet@4 saved");
    project.stead("save new.yml --name other").is(0).answers("other@1 saved");
    project.stead("save new.yml --name nobody --based-on 1").is(2).says("S0701");
}

fn project_text(word: &str) -> String {
    format!("stead: 1\nname: greet\n{}", steps(word))
}

#[test]
fn what_is_deleted_is_kept_and_can_be_restored() {
    let project = greet("one").workflow("wait", "steps:\n  - { id: w, wait: { for: 1h } }\n");
    project.stead("save greet.yml").is(0);
    project.stead("save wait.yml").is(0);
    project.stead("delete greet").is(0).answers("greet@1 deleted").says("stead restore greet");
    assert_eq!(listed(&project, ""), ["wait"]);
    assert_eq!(listed(&project, "--deleted"), ["greet"]);
    project.stead("save greet.yml").is(1).says("S0703").says("stead restore greet");
    project.stead("show greet").is(0).answers("deleted");
    project.stead("restore greet").is(0).answers("greet@1 restored");
    project.stead("restore greet").is(1).says("S0704");
    assert_eq!(listed(&project, ""), ["greet", "wait"]);
    // Not while it runs, whoever runs it.
    project.stead("run wait.yml --no-wait").is(4);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    project.stead("delete wait").is(1).says("S0709").says(&run);
    project.stead("cancel @last").is(0);
    project.stead("delete wait").is(0);
    project.stead("delete nothing").is(2).says("S0701");
    project.stead("delete greet@1").is(2).says("without a revision");
}

#[test]
fn names_are_checked_and_nearest_ones_told() {
    let project = greet("one");
    project.stead("save greet.yml").is(0);
    for name in ["../x", "Greet", "größe", "a/b", "in", "null", "-x"] {
        project.call(&["save", "greet.yml", &format!("--name={name}")]).is(2).says("R0401");
    }
    project.call(&["save", "greet.yml", "--name", ""]).is(2).says("R0401");
    project.call(&["save", "greet.yml", "--name", &"x".repeat(51)]).is(2).says("51 characters");
    project.stead("rename greet Other").is(2).says("did you mean `other`?");
    project.stead("show great").is(2).says("S0701").says("did you mean `greet`?");
    project.stead("show ../greet").is(2).says("C0101");
    project.stead("show greet@2").is(2).says("S0702").says("greet@1");
    project.stead("show greet@x").is(2).says("C0101");
    assert_eq!(listed(&project, ""), ["greet"]);
    // A text without a name is asked for one.
    let project = project.with("draft.yml", "stead: 1\n");
    project.stead("save draft.yml --draft").is(2).says("R0402");
}

#[test]
fn a_definition_with_errors_is_kept_as_a_draft_only() {
    let project =
        Project::new().workflow("half", "steps:\n  - { id: a, run: [echo, '${{ inputs.missing }}'] }\n");
    project.stead("save half.yml").is(2).says("E0408");
    assert_eq!(listed(&project, ""), [""; 0]);
    project.stead("save half.yml --draft").is(0).answers("half@1 saved as a draft");
    assert_eq!(project.stead("show half --json").is(0).json()["row"]["draft"], json!(true));
    // Said to be one and without errors it is none.
    let project = project.workflow("half", &steps("one"));
    project.stead("save half.yml --draft").is(0).answers("half@2 saved\n");
    assert_eq!(project.stead("show half --json").is(0).json()["row"]["draft"], json!(false));
    // What cannot be read is nothing to be kept.
    project.stead("save none.yml --draft --name none").is(2).says("R0403");
    let folder = project.path("folder");
    std::fs::create_dir(folder).unwrap();
    project.stead("save folder --draft --name none").is(2).says("R0403");
    project.with("bytes.yml", "").stead("save bytes.yml --name none").is(2);
}

#[test]
fn what_is_known_of_a_workflow_is_counted_from_its_runs() {
    let project = greet("one").workflow("bad", "steps:\n  - { id: a, run: 'exit 3' }\n");
    project.stead("save greet.yml --label demo,night").is(0);
    project.stead("save bad.yml").is(0);
    project.stead("run greet.yml").is(0);
    project.stead("run greet.yml").is(0);
    project.stead("run bad.yml").is(1);
    let rows = project.stead("workflows --json").is(0).lines();
    let facts = |at: usize| (rows[at]["runs"].clone(), rows[at]["last"]["status"].clone());
    assert_eq!(facts(0), (json!(1), json!("failed")));
    assert_eq!(facts(1), (json!(2), json!("completed")));
    let shown = project.stead("show greet --json").is(0).json();
    assert_eq!(shown["took"].as_array().unwrap().len(), 3);
    assert_eq!(shown["contents"]["outputs"], json!(["said"]));
    assert_eq!(shown["row"]["created_by"], "user:ana");
    // Beside the text, never in it.
    let before = project.stead("export greet").out;
    project.call(&["describe", "greet", "--description", "Says a word", "--label", "words"]).is(0);
    let shown = project.stead("show greet --json").is(0).json();
    assert_eq!(
        (&shown["row"]["description"], &shown["row"]["labels"]),
        (&json!("Says a word"), &json!(["words"]))
    );
    assert_eq!(project.stead("export greet").out, before);
    project.stead("describe greet").is(2);
    project.call(&["describe", "greet", "--label", "two words"]).is(2).says("R0404");
    project.stead("show greet").is(0).answers("Says a word").answers("2 runs");
}

#[test]
fn workflows_are_found_by_words() {
    let described = |project: Project, name: &str, text: &str, step: &str| {
        let rest = format!("description: {text}\nsteps:\n  - {{ id: {step}, run: ls }}\n");
        let project = project.workflow(name, &rest);
        project.stead(&format!("save {name}.yml")).is(0);
        project
    };
    let project = described(Project::new(), "label-images", "People mark what they see", "annotate");
    let project = described(project, "report", "Labels of the week", "fetch");
    let project = described(project, "cleanup", "Removes what is old", "label_old");
    assert_eq!(listed(&project, "label"), ["label-images", "report", "cleanup"]);
    assert_eq!(listed(&project, "lab week"), ["report"]);
    assert_eq!(listed(&project, "annot"), ["label-images"]);
    assert_eq!(listed(&project, "-n 1 label"), ["label-images"]);
    assert_eq!(listed(&project, "nowhere"), [""; 0]);
    project.stead("workflows nowhere").is(0).says("no workflow fits");
    project.stead("workflows -n 2").is(0).says("--after label-images");
    assert_eq!(listed(&project, "--after label-images"), ["report"]);
}

#[test]
fn a_workflow_gets_another_name_with_its_history() {
    let project = greet("one");
    project.stead("save greet.yml").is(0);
    project.stead("rename greet hello").is(0).answers("hello@1 is the new name of greet");
    project.stead("show greet").is(2).says("S0701");
    project.stead("history hello").is(0).answers("it was greet");
    project
        .with("greet.yml", &project_text("two"))
        .stead("save greet.yml --name hello")
        .is(0)
        .answers("hello@2");
}

// The engine of a home is another process here, and stays so.
#[test]
fn the_library_needs_no_engine_and_minds_none() {
    let project = greet("one").workflow("wait", "steps:\n  - { id: w, wait: { for: 1h } }\n");
    let running = project.spawn("run wait.yml");
    project.wait_for("the run", |project| project.last()["status"] == "waiting");
    project.stead("save greet.yml").is(0).answers("greet@1 saved");
    project.stead("save wait.yml").is(0);
    project.stead("delete wait").is(1).says("S0709");
    assert_eq!(listed(&project, ""), ["greet", "wait"]);
    crate::project::signal(&running, "INT");
    finish(running).is(130);
    project.stead("cancel @last").is(0);
    project.stead("delete wait").is(0);
    assert_eq!(listed(&project, ""), ["greet"]);
}

/// Rounds of [`of_32_who_save_one_name_one_succeeds`].
fn rounds() -> usize {
    std::env::var("STEAD_SAVE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20)
}

#[test]
fn of_32_who_save_one_name_one_succeeds() {
    const WRITERS: usize = 32;
    let mut project = Project::new();
    for writer in 0..WRITERS {
        project = project.with(&format!("{writer}.yml"), &project_text(&format!("word{writer}")));
    }
    for round in 0..rounds() {
        let name = format!("round-{round}");
        let call = |writer: usize| project.spawn(&format!("save {writer}.yml --name {name} --json"));
        let children: Vec<_> = (0..WRITERS).map(call).collect();
        let got: Vec<Got> = children.into_iter().map(finish).collect();
        let winners: Vec<usize> = (0..WRITERS).filter(|writer| got[*writer].code == 0).collect();
        let [winner] = winners[..] else { panic!("one was to succeed in round {round}: {got:#?}") };
        for (writer, got) in got.into_iter().enumerate().filter(|(writer, _)| *writer != winner) {
            let answer: Value = got.is(1).json();
            assert_eq!(answer["code"], "S0705", "writer {writer}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains(&format!("{name}@1")), "{answer}");
        }
        // What is there is what the winner has, whole.
        assert_eq!(
            project.stead(&format!("export {name}")).is(0).out,
            project.text(&format!("{winner}.yml"))
        );
        let history = project.stead(&format!("history {name} --json")).is(0).lines();
        assert_eq!(history.len(), 1, "{history:?}");
    }
}

#[test]
fn the_same_text_saved_by_many_is_one_revision_and_nobody_is_refused() {
    let project = greet("one");
    let children: Vec<_> = (0..16).map(|_| project.spawn("save greet.yml --json")).collect();
    let mut how: Vec<String> = children.into_iter().map(|child| saved(finish(child)).1).collect();
    how.sort();
    assert_eq!(how.iter().filter(|how| *how == "new").count(), 1, "{how:?}");
    assert_eq!(how.iter().filter(|how| *how == "unchanged").count(), 15, "{how:?}");
    assert_eq!(project.stead("history greet --json").is(0).lines().len(), 1);
}
