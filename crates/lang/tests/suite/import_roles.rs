//! Roles of stage workflows: what their templates become says what the tool's would.

use std::collections::HashMap;

use serde_json::{Value, json};
use stead_lang::expr::{Env, EvalError, Val};
use stead_lang::import::{Dialect, Imported, import};
use stead_lang::limits;
use stead_lang::template::Template;
use stead_lang::tree::{ReadProblem, read};

/// What is made of a file among others.
fn made(files: &[(&str, &str)]) -> Imported {
    let files: HashMap<&str, &str> = files.iter().copied().collect();
    let first = if files.contains_key("role.md") { "role.md" } else { "flows/t.yml" };
    let mut read = |path: &str| files.get(path).map(|text| (*text).to_owned()).ok_or(ReadProblem::NotFound);
    import(first, None, &mut read).unwrap_or_else(|why| panic!("{why:?}"))
}

fn role(data: &str, template: &str) -> Imported {
    made(&[("role.md", &format!("---\nid: r\n{data}\n---\n{template}"))])
}

fn definition(imported: &Imported) -> Value {
    read("t", &imported.yaml, &mut Vec::new()).unwrap().root().to_json().unwrap()
}

struct Inputs(Value);

impl<'a> Env<'a> for &'a Inputs {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        Ok((name == "inputs").then(|| Val::from_json(&self.0)))
    }
}

/// The prompt that a template comes to with values, beside the defaults of its variables.
fn prompt(data: &str, template: &str, values: &Value) -> String {
    let imported = role(data, template);
    let definition = definition(&imported);
    let mut inputs = serde_json::Map::new();
    for (name, input) in definition["inputs"].as_object().into_iter().flatten() {
        let value = values.get(name).or_else(|| input.get("default"));
        inputs.insert(name.clone(), value.unwrap_or_else(|| panic!("{name} is given")).clone());
    }
    let text = definition["steps"][0]["agent"]["prompt"].as_str().unwrap();
    let template = Template::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    let inputs = Inputs(Value::Object(inputs));
    template.render_text(&&inputs).unwrap_or_else(|e| panic!("{text}: {e}"))
}

const VARIABLES: &str = "variables:
  - { name: task, type: string, required: true }
  - { name: files, type: array, required: false }
  - { name: plan, type: object, required: false }
  - { name: strict, type: boolean, required: false }
  - { name: count, type: number, required: false }
  - { name: theStyle, type: string, default: plain }
inputs: [a.md, b.md]";

#[test]
fn import_of_a_role_renders_what_its_template_would() {
    let with = json!({"task": "it's <T>", "files": ["x", "y"], "plan": {"phases": [{"name": "p", "tasks": [1, 2]}, {"name": "q"}]},
        "strict": true, "count": 3, "the_style": "odd"});
    let without = json!({"task": "t"});
    // The template, and what it comes to with all values and with as few as may be.
    for (template, all, few) in [
        ("Do {{task}}.", "Do it's <T>.", "Do t."),
        ("{{{task}}}{{& task}}", "it's <T>it's <T>", "tt"),
        ("{{theStyle}}", "odd", "plain"),
        ("{{#if strict}}yes{{else}}no{{/if}}", "yes", "no"),
        ("{{#unless count}}none{{/unless}}|", "|", "none|"),
        ("{{#if strict}}a{{else if count}}b{{else}}c{{/if}}", "a", "c"),
        ("{{#if files}}{{#each files}}[{{this}}]{{/each}}{{/if}}.", "[x][y].", "."),
        ("{{#each files}}{{this}};{{else}}nothing{{/each}}", "x;y;", "nothing"),
        ("{{files.length}}", "2", "0"),
        // A tag that has its line to itself takes the line with it.
        ("a\n{{#each files}}\n- {{this}}\n{{/each}}\nb", "a\n- x\n- y\nb", "a\nb"),
        ("a\n  {{~#if strict}} b {{~/if}}\nc", "a b\nc", "a\nc"),
        (
            "{{#each plan.phases}}{{name}}{{#each tasks}} {{../name}}{{this}} {{../../task}}{{/each}};{{/each}}",
            "p p1 it's <T> p2 it's <T>;q;",
            "",
        ),
        ("{{#each plan}}{{json this}}{{/each}}.", r#"[{"name":"p","tasks":[1,2]},{"name":"q"}]."#, "."),
        ("{{json plan}}", r#"{"phases":[{"name":"p","tasks":[1,2]},{"name":"q"}]}"#, "{}"),
        ("{{json task}} {{json files}}", "\"it's <T>\" [\"x\",\"y\"]", "\"t\" []"),
        ("{{plan.phases.nothing}}{{task.name}}|", "|", "|"),
        // Known when it is imported.
        (
            "{{#each inputs}}<{{this}}>{{/each}} {{inputs}} {{json inputs}}",
            "<a.md><b.md> a.md,b.md [\"a.md\",\"b.md\"]",
            "<a.md><b.md> a.md,b.md [\"a.md\",\"b.md\"]",
        ),
        ("{{#if inputs}}some{{else}}none{{/if}}", "some", "some"),
        // What is no tag, or escaped, stays.
        (r"\{{task}} {{ {{! gone }}{{!-- }} --}}$", "{{task}} {{ $", "{{task}} {{ $"),
        // What would be an expression of ours is none.
        ("${{task}} ${{ 1 }} $${{task}}", "$it's <T> ${{ 1 }} $$it's <T>", "$t ${{ 1 }} $$t"),
        ("{{#if strict}}${{ 1 }} 'q' \\n{{/if}}", "${{ 1 }} 'q' \\n", ""),
        (
            "{{> part}} {{lookup plan 'x'}} {{#each files}}{{@index}}{{/each}}",
            "{{> part}} {{lookup plan 'x'}} {{@index}}{{@index}}",
            "{{> part}} {{lookup plan 'x'}} ",
        ),
    ] {
        let tail =
            if template.contains("inputs") { "" } else { "\n\nRead these files first:\n- a.md\n- b.md" };
        for (values, wanted) in [(&with, all), (&without, few)] {
            let template = template.replace("{{plan.phases.nothing}}", "{{plan.nothing}}");
            let got = prompt(VARIABLES, &format!("{template} ."), values);
            assert_eq!(got, format!("{wanted} .{tail}"), "{template} with {values}");
        }
    }
}

#[test]
fn import_of_a_role_cuts_what_is_too_long_for_an_expression() {
    let line = "This is said only where somebody asks for it, and it goes on. ";
    let long = line.repeat(2 * limits::EXPR_BYTES / line.len());
    let template = format!(
        "{{{{#if strict}}}}{long}{{{{#if files}}}}{long}{{{{task}}}}{{{{/if}}}}{{{{else}}}}short{{{{/if}}}}"
    );
    let data = VARIABLES.replace("inputs: [a.md, b.md]", "");
    let got = prompt(&data, &template, &json!({"task": "T", "strict": true, "files": [1]}));
    assert_eq!(got, format!("{long}{long}T"));
    assert_eq!(prompt(&data, &template, &json!({"task": "T", "strict": true})), long);
    assert_eq!(prompt(&data, &template, &json!({"task": "T"})), "short");
    // A list whose elements are too long for it stays as it is, and is told.
    let template = format!("{{{{#each files}}}}{long}{{{{/each}}}}");
    let imported = role(&data, &template);
    assert!(
        imported.report.text().contains("nothing that expressions can say"),
        "{}",
        imported.report.text()
    );
    assert!(imported.yaml.contains("{{#each files}}"));
}

#[test]
fn p11_import_of_a_role_does_not_grow_without_end() {
    let files: Vec<String> = (0..1000).map(|n| format!("f{n}")).collect();
    let begin: String = (0..6).map(|depth| format!("{{{{#each {}inputs}}}}", "../".repeat(depth))).collect();
    let end = "{{/each}}".repeat(6);
    let imported = role(&format!("inputs: [{}]", files.join(", ")), &format!("{begin}{{{{this}}}}{end}"));
    assert!(imported.yaml.len() < 4 * limits::DOCUMENT_BYTES, "{}", imported.yaml.len());
    assert!(imported.report.text().contains("grows without end"), "{}", imported.report.text());
    // Blocks that are deeper than may be are no blocks.
    let deep = 2 * limits::IMPORT_PATH;
    let imported = role("", &format!("{}x{}", "{{#if a}}".repeat(deep), "{{/if}}".repeat(deep)));
    assert!(imported.report.text().contains("nothing that expressions can say"));
    // More variables than are taken.
    let variables: Vec<String> = (0..=limits::IMPORT_GRAPH)
        .map(|n| format!("{{ name: v{n}, type: string, required: true }}"))
        .collect();
    let imported = role(&format!("variables: [{}]", variables.join(", ")), "x");
    assert!(imported.report.text().contains("at most 200 variables are taken"));
}

#[test]
fn import_finds_the_roles_beside_a_workflow() {
    let flow = "workflow: { stages: [plan, code] }\nplan: { provider: codex }\ncode: { role: NAME }\n";
    let planner =
        "---\nid: planner\nname: P\nrecommendedProvider: gemini\nskills: [look]\n---\nPlan {{what}}.\n";
    let steps = |files: &[(&str, &str)]| definition(&made(files))["steps"].clone();
    for place in ["flows/roles/planner.md", "roles/planner.md"] {
        let steps = steps(&[("flows/t.yml", flow), (place, planner)]);
        let agent = &steps[0]["agent"];
        assert_eq!(agent["prompt"], "Plan ${{ inputs.what }}.", "{place}");
        assert_eq!((&agent["provider"], &agent["skills"]), (&json!("codex"), &json!(["look"])));
        assert!(steps[1]["agent"]["prompt"].as_str().unwrap().starts_with("Do the work"));
    }
    // A name that leads out of the folder names no file.
    let outside = flow.replace("NAME", "../../secret");
    let steps =
        steps(&[("flows/t.yml", &outside), ("flows/roles/../../secret.md", planner), ("secret.md", planner)]);
    assert!(steps[1]["agent"]["prompt"].as_str().unwrap().starts_with("Do the work"));
}

#[test]
fn import_of_a_role_says_what_is_wrong_with_its_data_and_where() {
    let broken = "---\nid: r\nskills: [a\n---\ntext\n";
    let mut read = |_: &str| Ok(broken.to_owned());
    match import("role.md", None, &mut read) {
        Err(stead_lang::import::NotImported::Broken(problems, _)) => {
            assert!(problems[0].span.line >= 3, "{problems:?}");
        }
        other => panic!("{other:?}"),
    }
    for text in ["---\nname: r\n---\ntext", "---\nid: r\n---\n", "id: r\ntext", "---\nid: {}\n---\ntext"] {
        let mut read = |_: &str| Ok(text.to_owned());
        let got = import("role.md", Some(Dialect::Role), &mut read);
        assert!(got.is_err(), "{text}: {got:?}");
    }
}
