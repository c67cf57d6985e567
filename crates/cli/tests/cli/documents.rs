//! Documents with the real program: made, rejected, revised, accepted, listed, compared, written to files.

use serde_json::Value;

use crate::project::{Got, Project};
use crate::screen::Terminal;

/// Discovery, backlog, architecture, per epic and per story; each producer counts.
const PRODUCT: &str = r#"
scopes: { product: {}, epic: { parent: product }, story: { parent: epic } }
documents:
  discovery: {}
  backlog: { schema: { type: object, required: [epics] }, accept: { by: ["role:pm"], revise: 3 } }
  architecture: { accept: { by: ["role:architect"] } }
  design: { scope: epic, accept: { by: ["role:architect"], revise: 1 } }
  story: { scope: story }
env: { MADE: made }
steps:
  - { id: discovery, produces: discovery, run: 'echo discovery >> made; echo found' }
  - id: backlog
    produces: backlog
    run: 'echo backlog >> made; cat epics.json'
    parse: json
  - { id: architecture, produces: architecture, run: 'echo architecture >> made; echo one service' }
  - id: per_epic
    foreach: { in: "${{ steps.backlog.output.epics }}", as: epic, scope: epic }
    steps:
      - id: design
        produces: design
        run: 'echo "design $E" >> made; echo "for $E: $SAID"'
        env: { E: "${{ epic.id }}", SAID: "${{ feedback }}" }
      - id: per_story
        foreach: { in: "${{ epic.stories }}", as: story, scope: story }
        produces: story
        run: 'echo "story $E $S" >> made; echo "$E $S"'
        env: { E: "${{ epic.id }}", S: "${{ key }}" }
"#;

const EPICS: &str = r#"{"epics": [{"id": "E-1", "stories": [{"id": "S-1"}]}, {"id": "E-2", "stories": []}]}"#;

fn product() -> Project {
    Project::new().workflow("product", PRODUCT).with("epics.json", EPICS)
}

fn documents(project: &Project) -> Vec<(String, String, Value)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = project.stead("documents @last --json").is(0).lines();
    rows.iter().map(|row| (text(row, "document"), text(row, "status"), row["version"].clone())).collect()
}

fn status(project: &Project) -> Value {
    project.stead("status @last --json").is(0).json()
}

fn approve(project: &Project, what: &str) -> Got {
    project.call(&["approve", &format!("@last/{what}")]).is(0);
    project.stead("resume @last")
}

#[test]
fn p1_p4_a_product_is_written_signed_off_revised_and_nothing_accepted_is_made_again() {
    let project = product();
    project.stead("run product.yml").is(4).says("made").says("backlog version 1").says("accepted");
    project
        .stead("documents @last")
        .is(0)
        .answers("backlog")
        .answers("- (1 made)  waits for role:pm")
        .answers("needs backlog")
        .answers("design[*]");
    project.stead("inbox").is(0).answers("Accept backlog version 1?");
    // What is shown is the version; rejected, it is written anew, once.
    project.stead("inbox @last").is(0).answers("\"id\": \"E-1\"");
    project.call(&["reject", "@last/backlog/accept", "-m", "too much"]).is(0);
    project.stead("resume @last").is(4).says("backlog version 2");
    approve(&project, "backlog/accept~2").is(4);
    approve(&project, "architecture/accept").is(4);
    approve(&project, "per_epic[E-1]/design/accept").is(4);
    // While it waits somebody adds an epic to what the list was taken from: nobody is renamed, and it is not begun.
    let project = project.with("epics.json", &EPICS.replace("E-1\"", "E-0\""));
    project.call(&["reject", "@last/per_epic[E-2]/design/accept", "-m", "smaller"]).is(0);
    project.stead("resume @last").is(4);
    approve(&project, "per_epic[E-2]/design/accept~2").is(0);
    let all = documents(&project);
    let expected = [
        ("discovery", 1),
        ("backlog", 2),
        ("architecture", 1),
        ("design[E-1]", 1),
        ("design[E-2]", 2),
        ("story[E-1][S-1]", 1),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, n)| ((*name).to_owned(), "accepted".to_owned(), Value::from(*n)))
        .collect();
    assert_eq!(all, expected);
    let made = project.text("made");
    let made: Vec<&str> = made.lines().collect();
    assert_eq!(
        made,
        [
            "discovery",
            "backlog",
            "backlog",
            "architecture",
            "design E-1",
            "story E-1 S-1",
            "design E-2",
            "design E-2"
        ]
    );
}

#[test]
fn versions_are_shown_compared_and_written_to_files() {
    let project = product();
    project.stead("run product.yml").is(4);
    let project = project.with("epics.json", r#"{"epics": []}"#);
    project.call(&["reject", "@last/backlog/accept", "-m", "start small\nthen grow"]).is(0);
    project.stead("resume @last").is(4);
    approve(&project, "backlog/accept~2").is(4);
    approve(&project, "architecture/accept").is(0);
    // In a pipe a document is what it says and nothing else.
    project.stead("documents @last discovery").is(0).answers("found\n");
    project.stead("documents @last backlog").is(0).answers("\"epics\": []");
    project.stead("documents @last backlog@1").is(0).answers("S-1");
    let both = project.stead("documents @last backlog@1 backlog@2");
    both.is(0).answers("--- backlog@1").answers("+++ backlog@2").answers("-      \"id\": \"E-1\"");
    project.stead("documents @last discovery discovery").is(0).says("say the same");
    let one: Value = project.stead("documents @last backlog@1 --json").is(0).json();
    assert_eq!(one["version"]["standing"], "rejected");
    assert_eq!(one["version"]["comment"], "start small\nthen grow");
    project.stead("documents @last --export out").is(0).says("3 documents written");
    assert_eq!(project.text("out/discovery.md"), "found\n");
    assert!(project.text("out/backlog.json").contains("[]"));
    // What is not there is told, with what is.
    project.stead("documents @last backlock").is(2).says("R0208").says("did you mean `backlog`?");
    project.stead("documents @last backlog@3").is(2).says("R0208").says("the newest is 2");
    project.stead("documents r_none").is(2).says("there is no run");
    project.with("file", "").stead("documents @last --export file/x").is(2).says("cannot be written");
}

#[test]
fn rule_69_findings_go_back_and_then_people_are_asked() {
    let project = Project::new()
        .workflow(
            "one",
            "documents: { plan: { schema: { type: object, required: [name] } } }
steps:
  - { id: plan, produces: plan, retry: 2, run: 'echo x >> made; echo \"$SAID\" >> said; cat plan.json', env: { SAID: '${{ feedback }}' }, parse: json }
outputs: { plan: '${{ steps.plan.output }}' }
",
        )
        .with("plan.json", "{}");
    project.stead("run one.yml").is(4).says("misses its schema").says("plan/findings");
    assert_eq!(project.text("made").lines().count(), 2);
    assert!(project.text("said").contains("\"name\" is a required property"));
    project.stead("inbox @last").is(0).answers("What is to become of it?").answers("retry, take, abandon");
    project.stead("answer @last -i decision=perhaps").is(2).says("R0207");
    let project = project.with("plan.json", r#"{"name": "x"}"#);
    project.call(&["answer", "@last", "-i", "decision=retry", "-i", "comment=name it"]).is(0);
    project.stead("resume @last").is(0);
    assert!(project.text("said").contains("name it"));
    assert_eq!(status(&project)["outputs"]["plan"]["name"], "x");
    assert_eq!(documents(&project), [("plan".to_owned(), "accepted".to_owned(), Value::from(3))]);
}

#[test]
fn what_was_built_on_an_older_version_is_told_to_be_stale() {
    let project = Project::new()
        .workflow(
            "one",
            "documents: { base: {}, top: {} }
steps:
  - { id: base, produces: base, run: cat base }
  - { id: top, produces: top, run: [echo, 'on ${{ steps.base.output }}'] }
  - { id: more, wait: { signal: more } }
  - { id: again, produces: base, run: cat base }
",
        )
        .with("base", "one");
    project.stead("run one.yml --no-wait").is(4);
    let project = project.with("base", "two");
    project.stead("signal @last more").is(0);
    project.stead("resume @last").is(0);
    project.stead("documents @last").is(0).answers("top       stale     1        changed since: base");
    assert_eq!(project.last()["status"], "completed", "nothing is restarted");
}

#[test]
fn the_example_is_signed_off_document_by_document() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let text = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let project = Project::new().with("product.yml", &text("product.yml"));
    std::fs::create_dir(project.path("schemas")).unwrap();
    let project = project.with("schemas/backlog.json", &text("schemas/backlog.json"));
    project.stead("run product.yml").is(4);
    project.call(&["reject", "@last/backlog/accept", "-m", "what about returns?"]).is(0);
    project.stead("resume @last").is(4);
    // Backlog, architecture, and a design for each of three epics.
    for left in (0..5).rev() {
        project.stead("approve @last").is(0);
        project.stead("resume @last").is(if left == 0 { 0 } else { 4 });
    }
    assert_eq!(status(&project)["outputs"]["stories"], serde_json::json!([2, 1, 0]));
    assert_eq!(documents(&project).len(), 9);
}

#[test]
fn a_document_with_what_a_terminal_would_obey_is_shown_harmlessly() {
    let project = Project::new().workflow(
        "one",
        "documents: { d: { accept: { by: [starter] } } }
steps:
  - { id: d, produces: d, run: [printf, '\\033]0;owned\\007hi\\n'] }
",
    );
    project.stead("run one.yml").is(4);
    let terminal = Terminal::new(&project, 24, 80, &[], "documents @last d");
    let (code, said, _) = terminal.end();
    assert_eq!(code, 0);
    assert!(said.contains("hi") && !said.contains("\u{1b}]0;owned"), "{said:?}");
}
