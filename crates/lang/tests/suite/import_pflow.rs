//! What is peculiar to workflows of pflow: Markdown that is damaged, references, scripts, ways and bounds.

use stead_lang::import::{Dialect, Imported, NotImported, Verdict, import};
use stead_lang::tree::ReadProblem;
use stead_lang::{Diagnostic, limits};

use crate::import::{attempt, folder, made, samples};

/// A text in Markdown with a wrong line in each place where one may be.
const DAMAGED: &str = "# T

## Steps

### one

- type: shell
- what
- cwd: \"open
- command: a

```shell command
echo
```

```
no tag
```

### one

- env: { A: [ }
- loop:
    until: a: b

### Two

## Steps

```shell
";

fn problems(text: &str) -> Vec<Diagnostic> {
    match attempt(text) {
        Err(NotImported::Broken(problems, _)) => problems,
        other => panic!("{text}\n{other:?}"),
    }
}

/// The codes that damaged Markdown causes.
pub(crate) fn damaged() -> Vec<String> {
    problems(DAMAGED).into_iter().map(|found| found.code).filter(|code| code == "E0114").collect()
}

#[test]
fn import_says_all_that_is_wrong_with_markdown_at_once_and_where() {
    let told: Vec<String> =
        problems(DAMAGED).iter().map(|found| format!("{}:{}", found.span.line, found.message)).collect();
    for wanted in [
        "8:`what` is no field",
        "9:a quote is not closed",
        "12:`command` is given twice",
        "16:this block has no tag",
        "20:`one` is there already",
        "20:the step has no `type`",
        "26:`Two` is no name of a step, an input or an output",
        "28:a second part `## Steps`",
        "30:this block is not closed",
    ] {
        assert!(told.iter().any(|found| found == wanted), "{wanted}\n{told:#?}");
    }
    // What is wrong inside of YAML is said with its place in the whole.
    assert!(told.iter().any(|found| found.starts_with("22:")), "{told:#?}");
    assert!(told.iter().any(|found| found.starts_with("24:")), "{told:#?}");
    assert_eq!(problems("# T\n## Steps\n")[0].message, "there are no steps");
}

#[test]
fn import_ends_in_a_definition_or_a_diagnostic_wherever_markdown_is_cut_off() {
    for name in samples(Dialect::PflowMd) {
        let text = std::fs::read_to_string(folder(Dialect::PflowMd).join(&name)).unwrap();
        // At the ends of lines, and here and there in between.
        let cut = |at: usize| at.is_multiple_of(53) || text[..at].ends_with('\n');
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at) && cut(*at)) {
            match attempt(&text[..at]) {
                Ok(imported) => assert!(!imported.report.entries.is_empty()),
                Err(NotImported::Broken(problems, _)) => {
                    assert!(!problems.is_empty());
                    assert!(problems.iter().all(|found| found.span.end as usize <= at), "{name} at {at}");
                }
                Err(NotImported::Unknown(tried)) => assert!(tried.iter().all(|(_, why)| !why.is_empty())),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

/// A workflow of a step that gives `out`, and one that reads something.
fn reading(kind: &str, params: &str, read: &str) -> Imported {
    let read = serde_json::to_string(read).unwrap();
    made(&format!(
        r#"{{"inputs": {{"word": {{"type": "string"}}, "list": {{"type": "array"}}, "maybe": {{"type": "string", "required": false}}}},
        "nodes": [{{"id": "first-one", "type": "{kind}", {params}}}, {{"id": "second", "type": "own", "params": {{"read": {read}}}}}],
        "edges": [{{"from": "first-one", "to": "second"}}]}}"#
    ))
}

#[test]
fn import_makes_expressions_of_references() {
    let shell = r#""params": {"command": "ls"}"#;
    let items = r#""batch": {"items": ["a"], "error_handling": "continue"}, "params": {"command": "ls"}"#;
    for (kind, params, read, wanted) in [
        ("shell", shell, "${first-one.stdout}", "\"${{ steps.first_one.output }}\""),
        (
            "shell",
            shell,
            "${first-one.stdout.a[0].b-c}",
            "\"${{ json(steps.first_one.output).a[0]['b-c'] }}\"",
        ),
        ("shell", shell, "${first-one.exit_code}", "\"${{ steps.first_one.exit_code }}\""),
        ("shell", shell, "x $${word} ${word}", "\"x ${word} ${{ inputs.word }}\""),
        ("shell", shell, "$${{ word }}", "\"$${{ word }}\""),
        ("shell", shell, "${word.a}", "\"${{ json(inputs.word).a }}\""),
        ("shell", shell, "${list[3]}", "\"${{ inputs.list[3] }}\""),
        (
            "shell",
            shell,
            "${list[${first-one.exit_code}]}",
            "\"${{ inputs.list[steps.first_one.exit_code] }}\"",
        ),
        (
            "shell",
            shell,
            "${first-one.stdout.a ?? word ?? 0}",
            "\"${{ steps.first_one.?output.optMap(parsed, json(parsed)).?a.or(optional.of(inputs.word)).orValue(0) }}\"",
        ),
        (
            "shell",
            shell,
            "${maybe ?? \"it's\"}",
            "\"${{ optional.ofNonZeroValue(inputs.maybe).orValue('it\\\\'s') }}\"",
        ),
        ("shell", items, "${first-one.count}", "\"${{ size(steps.first_one.instances) }}\""),
        (
            "shell",
            items,
            "${first-one.results[1].stdout}",
            "\"${{ steps.first_one.instances.filter(one, one.status == 'completed')[1].output }}\"",
        ),
        ("shell", shell, "$word", "\"${{ inputs.word }}\""),
        (
            "http",
            r#""params": {"url": "http://a/"}"#,
            "${first-one.response.id}",
            "\"${{ steps.first_one.output.body.id }}\"",
        ),
        (
            "workflow",
            r#""params": {"workflow": "x"}"#,
            "${first-one.The-Key}",
            "\"${{ steps.first_one.output.the_key }}\"",
        ),
    ] {
        let imported = reading(kind, params, read);
        let wanted = format!("read: {wanted}");
        assert!(imported.yaml.contains(&wanted), "{read}\n{wanted}\n{}", imported.yaml);
    }
    // What reads nothing is said, with what may have been meant.
    let lost = reading("shell", shell, "${first_one.stdout} ${second.read} ${first-one.stderr}");
    let report = lost.report.text();
    assert!(report.contains("is no node, no input and no item in reach"), "{report}");
    assert!(report.contains("did you mean `first-one`?"), "{report}");
    assert!(report.contains("reads what the node itself gave before"), "{report}");
    assert!(report.contains("what is printed there is in the log of the step"), "{report}");
}

/// The script that a command becomes.
fn script(command: &str) -> Imported {
    let command = serde_json::to_string(command).unwrap();
    made(&format!(
        r#"{{"inputs": {{"word": {{"type": "string"}}}}, "nodes": [{{"id": "a", "type": "shell", "params": {{"command": {command}}}}}]}}"#
    ))
}

#[test]
fn p12_import_puts_no_value_into_the_text_of_a_script() {
    for (command, wanted) in [
        ("echo ${word}", "echo ${WORD}"),
        ("echo 'a ${word} b'", "echo 'a '\\\"${WORD}\\\"' b'"),
        ("echo \"'${word}'\"", "echo \\\"'${WORD}'\\\""),
        ("echo $${word} ${HOME} ${word:-x} $(( 1 + 1 ))", "echo ${word} ${HOME} ${word:-x} $(( 1 + 1 ))"),
        ("WORD=x; echo ${word}", "echo ${WORD_2}"),
        ("echo \\${word}", "echo \\\\${word}"),
    ] {
        let imported = script(command);
        let yaml = imported.yaml.replace("run: echo", "run: \"echo").replace("'\"'\"'", "'\\\"'");
        assert!(
            yaml.contains(wanted)
                || imported.yaml.contains(&wanted.replace("\\\"", "\"").replace("\\\\", "\\")),
            "{command}\n{wanted}\n{}",
            imported.yaml
        );
        assert!(!imported.yaml.contains("echo ${{"), "{}", imported.yaml);
    }
    let quoted = script("cat <<'END'\n${word}\nEND");
    assert!(quoted.report.text().contains("a here-document whose word is quoted"));
    // Text that a script must not have is handed over as an argument.
    let marks = script("echo ${{word}}");
    assert!(marks.yaml.contains("- \"echo $${{word}}\""), "{}", marks.yaml);
}

fn graph(nodes: &[(&str, &str)], edges: &[(&str, &str, &str)]) -> Imported {
    let nodes: Vec<String> = nodes
        .iter()
        .map(|(id, code)| format!(r#"{{"id": "{id}", "type": "code", "params": {{"code": "{code}"}}}}"#))
        .collect();
    let edges: Vec<String> = edges
        .iter()
        .map(|(from, to, action)| format!(r#"{{"from": "{from}", "to": "{to}", "action": "{action}"}}"#))
        .collect();
    made(&format!(r#"{{"nodes": [{}], "edges": [{}]}}"#, nodes.join(", "), edges.join(", ")))
}

#[test]
fn import_makes_a_list_of_a_sequence_and_states_of_ways_that_part_or_lead_back() {
    let plain = [("a", "result = 1"), ("b", "result = 2")];
    let list = graph(&plain, &[("b", "a", "default")]);
    assert!(list.yaml.contains("steps:\n") && !list.yaml.contains("id: b"), "{}", list.yaml);
    assert!(list.report.text().contains("no way leads to it"));
    // Round and round: a machine that ends exhausted, and says so.
    let circle = graph(&plain, &[("a", "b", "default"), ("b", "a", "default")]);
    assert!(circle.yaml.contains("go: fail"), "{}", circle.yaml);
    assert!(circle.report.text().contains("a state is visited at most 100 times"));
    assert!(circle.checked.plan.is_some(), "{}", circle.yaml);
    let caught = graph(&plain, &[("a", "b", "error")]);
    assert!(
        caught.yaml.contains("on_error:\n      go: b") && caught.yaml.contains("next: end"),
        "{}",
        caught.yaml
    );
    let bare = graph(&plain, &[]);
    assert!(bare.report.text().contains("without edges the nodes run in the order of the list"));
}

#[test]
fn p11_import_of_graphs_is_bounded() {
    let nodes = |count: usize| {
        let all: Vec<String> = (0..count)
            .map(|n| format!(r#"{{"id": "n{n}", "type": "shell", "params": {{"command": "ls"}}}}"#))
            .collect();
        format!(r#"{{"nodes": [{}]}}"#, all.join(", "))
    };
    match attempt(&nodes(limits::IMPORT_NODES + 1)) {
        Err(NotImported::Unknown(tried)) => {
            assert!(
                tried.iter().any(|(_, why)| why.contains("it has 1001 nodes, and at most 1000 are read"))
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(made(&nodes(limits::IMPORT_NODES)).checked.plan.is_some());
    // A reference with too many parts is none, however deep its indices go.
    let long = format!("${{word{}}}", ".a".repeat(limits::IMPORT_PATH + 1));
    assert!(script(&format!("echo {long}")).yaml.contains(&format!("echo {long}")));
    let deep = format!("${{word{}}}", "[${word".repeat(10_000));
    assert!(script(&format!("echo {deep}")).yaml.contains("echo ${word"));
    // Findings about one text.
    let wrong = "- what\n".repeat(limits::IMPORT_PROBLEMS + 50);
    assert_eq!(problems(&format!("## Steps\n### a\n- type: shell\n{wrong}")).len(), limits::IMPORT_PROBLEMS);
    let large = format!("## Steps\n### a\n- type: {}", "x".repeat(limits::DOCUMENT_BYTES));
    assert!(problems(&large)[0].message.contains("bytes"));
    // Workflows that call each other: in a circle, too deeply, and too many.
    let calls = |next: &[String]| {
        let all: Vec<String> = next
            .iter()
            .enumerate()
            .map(|(n, to)| {
                format!(r#"{{"id": "n{n}", "type": "workflow", "params": {{"workflow": "{to}"}}}}"#)
            })
            .collect();
        format!(r#"{{"nodes": [{}]}}"#, all.join(", "))
    };
    let report = |read: &dyn Fn(&str) -> Option<String>| {
        let imported = import("w0.json", None, &mut |path| read(path).ok_or(ReadProblem::NotFound)).unwrap();
        assert!(imported.report.count(Verdict::NotExpressible) > 0);
        imported.report.text()
    };
    let circle = report(&|path| path.ends_with(".json").then(|| calls(&["./w0.json".to_owned()])));
    assert!(circle.contains("calls itself: a circle of workflows is refused"), "{circle}");
    let deep = report(&|path| {
        let number: usize = path.strip_prefix('w')?.strip_suffix(".json")?.parse().ok()?;
        Some(calls(&[format!("./w{}.json", number + 1)]))
    });
    assert!(deep.contains("at most 100 workflows are taken in, 10 in each other"), "{deep}");
    let many = report(&|path| match path {
        "w0.json" => Some(calls(&vec!["./w1.json".to_owned(); limits::IMPORT_CHILDREN + 1])),
        "w1.json" => Some(nodes(1)),
        _ => None,
    });
    assert_eq!(many.matches("`workflow.inline`: `w1.json` is taken into the definition").count(), 1);
    assert!(many.contains("(100 times)") && many.contains("at most 100 workflows are taken in"), "{many}");
}
