//! Types of expressions, and what the check says.

use super::*;

struct Types(Vec<(&'static str, Type)>);

impl TypeEnv for Types {
    fn var(&self, name: &str) -> Option<Type> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, ty)| ty.clone())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn env() -> Types {
    let output = Type::of_schema(&json!({
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "count": {"type": "integer"},
            "score": {"type": "number"},
            "done": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "kind": {"enum": ["bug", "feature"]},
            "maybe": {"type": ["string", "null"]},
            "open": {"type": "object"}
        },
        "required": ["title"],
        "additionalProperties": false
    }));
    let step = Type::map(
        vec![
            Field::optional("output", output),
            Field::required("status", Type::words(["completed", "failed"])),
        ],
        false,
    );
    let steps = Type::map(vec![Field::required("fetch", step)], false);
    Types(vec![("steps", steps), ("inputs", Type::Dyn), ("o", Type::map(Vec::new(), true))])
}

fn check(source: &str) -> (Type, Vec<ExprProblem>) {
    Expr::compile(source).expect(source).check(&env())
}

#[test]
fn types_are_found() {
    for (source, wanted) in [
        ("steps.fetch.output.title", Type::String),
        ("steps.fetch.output.title + '!'", Type::String),
        ("steps.fetch.output.count * 2", Type::Int),
        ("steps.fetch.output.count * 1.5", Type::Double),
        ("steps.fetch.output.score + 1", Type::Number),
        ("size(steps.fetch.output.tags) > 1", Type::Bool),
        ("steps.fetch.output.tags.map(t, size(t))", Type::list(Type::Int)),
        ("steps.fetch.output.tags.filter(t, t != '')", Type::list(Type::String)),
        ("steps.fetch.output.tags[0]", Type::String),
        ("steps.fetch.?output.title.orValue('')", Type::String),
        ("steps.fetch.?output.count.orValue('')", Type::Dyn),
        ("steps.fetch.output.maybe", Type::Dyn),
        ("steps.fetch.output.open.x", Type::Dyn),
        ("o.x.y + 1", Type::Number),
        ("inputs.a ? 1 : 2.5", Type::Number),
        ("inputs.a ? 'a' : 1", Type::Dyn),
        ("has(steps.fetch.output)", Type::Bool),
        ("{'a': 1}.a", Type::Int),
        ("flatten([[1], [2]])", Type::list(Type::Int)),
        ("zip({'a': [1], 'b': ['x']})[0].b", Type::String),
        ("min([1, 2.5])", Type::Number),
        ("timestamp('x') - timestamp('y')", Type::Duration),
        ("json('1') + 1", Type::Number),
    ] {
        assert_eq!(check(source), (wanted, Vec::new()), "{source}");
    }
}

#[test]
fn what_can_never_work_is_found() {
    for (source, message, part) in [
        (
            "steps.fetch.output.title + 1",
            "`+` does not work on a text and an integer",
            "steps.fetch.output.title + 1",
        ),
        (
            "steps.fetch.output.count && true",
            "`&&` takes booleans, not an integer",
            "steps.fetch.output.count",
        ),
        ("!steps.fetch.output.title", "`!` takes a boolean, not a text", "steps.fetch.output.title"),
        ("size(1)", "this takes a text, a list or a map, not an integer", "1"),
        ("steps.fetch.output.titel", "there is no `titel` in it", "titel"),
        ("has(steps.fetch.ouput)", "there is no `ouput` in it", "has"),
        ("steps.fetsh.status", "there is no `fetsh` in it", "fetsh"),
        ("step.fetch", "there is no `step` here", "step"),
        ("steps.fetch.output.title.x", "a text has no `x`", "x"),
        ("steps.fetch.output.title == 1", "a text never equals an integer", "steps.fetch.output.title == 1"),
        (
            "steps.fetch.output.title < 1",
            "a text and an integer have no order",
            "steps.fetch.output.title < 1",
        ),
        ("steps.fetch.status == 'complete'", "it is never `complete`", "'complete'"),
        ("steps.fetch.output.kind in ['bug', 'task']", "it is never `task`", "['bug', 'task']"),
        (
            "1 in steps.fetch.output.tags",
            "a list of such elements never holds an integer",
            "1 in steps.fetch.output.tags",
        ),
        (
            "'a' in steps.fetch.output.title",
            "`in` takes a list or a map, not a text",
            "steps.fetch.output.title",
        ),
        ("'outptu' in steps.fetch", "there is no `outptu` in it", "'outptu'"),
        (
            "steps.fetch.?output.title == 'a'",
            "an optional value never equals a text",
            "steps.fetch.?output.title == 'a'",
        ),
        (
            "steps.fetch.output.count.map(x, x)",
            "this goes over a list or a map, not an integer",
            "steps.fetch.output.count",
        ),
        (
            "steps.fetch.output.tags.all(t, size(t))",
            "the condition for an element is a boolean, not an integer",
            "size(t)",
        ),
        ("steps.fetch.output.tags['a']", "a list has no `a`", "['a']"),
        ("steps.fetch.output.tags[true]", "the index of a list is an integer, not a boolean", "true"),
        (
            "steps.fetch.output.count.contains('a')",
            "this takes a text, not an integer",
            "steps.fetch.output.count",
        ),
        ("1 ? 2 : 3", "`?` takes a boolean before it, not an integer", "1"),
        (
            "steps.fetch.output.title.orValue('')",
            "this takes an optional value (a.?b gives one), not a text",
            "steps.fetch.output.title",
        ),
        ("-'a'", "a text has no negative", "'a'"),
    ] {
        let (_, problems) = check(source);
        let found: Vec<(&str, Option<&str>)> = problems
            .iter()
            .map(|p| (p.message.as_str(), source.get(p.offset as usize..(p.offset + p.len) as usize)))
            .collect();
        assert_eq!(found.first().map(|found| found.0), Some(message), "{source}");
        assert!(found[0].1.is_some_and(|shown| shown.starts_with(part)), "{source}: {found:?}");
        assert_eq!(found.len(), 1, "{source}: {found:?}");
    }
}

#[test]
fn the_nearest_name_and_all_names_are_told() {
    let (_, problems) = check("steps.fetch.output.titel");
    assert_eq!(problems[0].nearest.as_deref(), Some("title"));
    assert!(problems[0].help.as_deref().unwrap().starts_with("there are `title`, `count`"));
    let (_, problems) = check("step.fetch");
    assert_eq!(problems[0].nearest.as_deref(), Some("steps"));
    assert_eq!(problems[0].help.as_deref(), Some("there are `steps`, `inputs`, `o`"));
    let (_, problems) = check("steps.fetch.status == 'complete'");
    assert_eq!(problems[0].nearest.as_deref(), Some("completed"));
}

#[test]
fn all_problems_of_an_expression_are_found() {
    let (_, problems) = check("stepz.a + size(1) + steps.fetch.output.titel");
    let kinds: Vec<ProblemKind> = problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::UnknownName, ProblemKind::Type, ProblemKind::UnknownField]);
}

#[test]
fn what_is_not_known_silences() {
    for source in [
        "inputs.a + 1 > inputs.b",
        "inputs.a.b.c[0].map(x, x.y)",
        "inputs.a == null || steps.fetch.output.title == null",
        "inputs.a in inputs.b",
        "steps.fetch.output.maybe + 'a'",
        "text(inputs) + 'a'",
        "o.anything",
        "inputs.a.?b.orValue(1) + 1",
        "[1, 'a', null].exists(x, x == 1)",
    ] {
        assert_eq!(check(source).1, Vec::new(), "{source}");
    }
}

#[test]
fn conditions_give_booleans() {
    let condition = |text: &str| Expr::compile_condition(text).unwrap().check_condition(&env());
    assert_eq!(condition("${{ inputs.a }}"), Vec::new());
    assert_eq!(condition("inputs.a > 1"), Vec::new());
    let problems = condition("${{ steps.fetch.output.title }}");
    assert_eq!(problems[0].message, "a condition gives a boolean, not a text");
    assert_eq!((problems[0].offset, problems[0].len), (4, 24));
}

#[test]
fn schemas() {
    for (schema, wanted) in [
        (json!({"type": "string"}), Type::String),
        (json!({"type": ["integer", "number"]}), Type::Number),
        (json!({"type": ["string", "null"]}), Type::Dyn),
        (json!({"type": "array"}), Type::list(Type::Dyn)),
        (json!({"const": "a"}), Type::words(["a"])),
        (json!({"const": 1}), Type::Int),
        (json!({"enum": ["a", "b"]}), Type::words(["a", "b"])),
        (json!({"enum": ["a", 1]}), Type::Dyn),
        (json!({"enum": []}), Type::Dyn),
        (json!({"anyOf": [{"type": "string"}]}), Type::Dyn),
        (json!({"$ref": "#/x", "type": "string"}), Type::Dyn),
        (json!(true), Type::Dyn),
        (json!({"type": 5}), Type::Dyn),
        (
            json!({"type": "object", "properties": {"a": true}}),
            Type::map(vec![Field::optional("a", Type::Dyn)], true),
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"], "additionalProperties": false}),
            Type::map(vec![Field::required("a", Type::Null)], false),
        ),
    ] {
        assert_eq!(Type::of_schema(&schema), wanted, "{schema}");
    }
    let mut deep = json!({"type": "string"});
    for _ in 0..1000 {
        deep = json!({"type": "array", "items": deep});
    }
    Type::of_schema(&deep);
}
