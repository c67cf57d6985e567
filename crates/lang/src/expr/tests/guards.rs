//! What an expression reads, and what it knows.

use super::*;

/// References as `root.path`, with `!` where unguarded reading of an output stands.
fn reads(source: &str) -> Vec<String> {
    let expr = Expr::compile(source).unwrap();
    expr.references()
        .iter()
        .map(|reference| {
            let mut text = reference.root.clone();
            for (at, segment) in reference.path.iter().enumerate() {
                let optional = if reference.optional_at == Some(at) { "?" } else { "" };
                let segment = match segment {
                    Segment::Field(name) => format!(".{optional}{name}"),
                    Segment::Index(index) => format!("[{optional}{index}]"),
                    Segment::Dynamic => format!("[{optional}*]"),
                };
                text.push_str(&segment);
            }
            if reference.field(1) == Some("output") && !reference.guarded {
                text.push('!');
            }
            if reference.tested {
                text = format!("has({text})");
            }
            text
        })
        .collect()
}

#[test]
fn paths_are_as_long_as_they_are_written_out() {
    for (source, wanted) in [
        ("inputs.a.b + inputs['c'][0].d", vec!["inputs.a.b", "inputs.c[0].d"]),
        ("inputs.l[inputs.i].x", vec!["inputs.l[*].x", "inputs.i"]),
        ("steps[inputs.x].output", vec!["steps[*].output!", "inputs.x"]),
        ("steps.a.?output.x.orValue(steps.b.values.c)", vec!["steps.a.?output.x", "steps.b.values.c"]),
        ("inputs.l.map(x, x.y + vars.z)", vec!["inputs.l", "vars.z"]),
        ("inputs.l.map(inputs, inputs.y + .inputs.z)", vec!["inputs.l", "inputs.z"]),
        ("inputs.l[?0].a.hasValue()", vec!["inputs.l[?0].a"]),
        ("(inputs.a).b", vec!["inputs.a.b"]),
        ("{'a': x}.a", vec!["x"]),
        ("f.x.optMap(v, v + g)", vec!["f.x", "g"]),
        ("type(a) == int", vec!["a"]),
        ("has(a.b.c)", vec!["has(a.b.c)"]),
        // A call is no path: what is in it is read.
        ("has(a.map(x, x).b)", vec!["a"]),
    ] {
        assert_eq!(reads(source), wanted, "{source}");
    }
}

#[test]
fn references_have_their_place() {
    let source = "'ä' + inputs.a['b'] + steps.x.?output";
    let expr = Expr::compile(source).unwrap();
    let parts: Vec<&str> = expr
        .references()
        .iter()
        .map(|r| source.get(r.offset as usize..(r.offset + r.len) as usize).unwrap())
        .collect();
    assert_eq!(parts, ["inputs.a['b']", "steps.x.?output"]);
}

#[test]
fn readings_are_guarded_where_the_step_is_known_to_be_completed() {
    for source in [
        "steps.x.?output.y.orValue(1)",
        "steps.?x.output.y.orValue(1)",
        "has(steps.x.output)",
        "has(steps.x.output) && steps.x.output.y",
        "has(steps.x.output) && a && (b || steps.x.output.y)",
        "has(steps.x.output) && has(steps.x.output.y)",
        "steps.x.status == 'completed' && steps.x.output.y",
        "'completed' == steps.x.status ? steps.x.output.y : 1",
        "steps.x.status != 'completed' ? 1 : steps.x.output.y",
        "steps.x.status in ['completed'] && steps.x.output.y",
        "'output' in steps.x && steps.x.output.y",
        "steps.x.?output.hasValue() && steps.x.output.y",
        "!has(steps.x.output) || steps.x.output.y",
        "!(has(steps.x.output) && a) ? 1 : steps.x.output.y",
        "(!has(steps.x.output) || b) ? 1 : steps.x.output.y",
        "has(steps.x.output) ? inputs.l.map(i, i + steps.x.output.y) : []",
        "[1].map(i, has(steps.x.output), steps.x.output.y)",
        "(has(steps.x.output) ? a : false) && steps.x.output.y",
        "has(previous.x.output) && previous.x.output.y",
        "has(steps['x'].output) && steps.x['output'].y",
        "(has(steps.x.output) || (steps.x.status == 'completed' && a)) && steps.x.output.y",
    ] {
        assert!(!reads(source).iter().any(|read| read.contains('!')), "{source}: {:?}", reads(source));
    }
}

#[test]
fn readings_are_not_guarded_elsewhere() {
    for source in [
        "steps.x.output",
        "steps.x.output.?y",
        "has(steps.x.output.y)",
        "has(steps.y.output) && steps.x.output.y",
        "has(previous.x.output) && steps.x.output.y",
        "has(steps.x.output) || steps.x.output.y",
        "!has(steps.x.output) && steps.x.output.y",
        "has(steps.x.output) ? 1 : steps.x.output.y",
        "(has(steps.x.output) || a) && steps.x.output.y",
        "steps.x.output.y && has(steps.x.output)",
        "steps.x.status == 'failed' || steps.x.output.y",
        "steps.x.status.x == 'completed' && steps.x.output.y",
        "has(steps.x.values) && steps.x.output.y",
        "[1].map(i, has(steps.x.output)) == [true] && steps.x.output.y",
        "[steps].map(steps, has(steps.x.output)) == [true] && .steps.x.output.y",
    ] {
        assert!(reads(source).iter().any(|read| read.contains('!')), "{source}: {:?}", reads(source));
    }
}

#[test]
fn conditions_guard_what_follows_them() {
    for (source, wanted) in [
        ("has(steps.b.output) && steps.a.status == 'completed'", vec!["a", "b"]),
        ("has(steps.a.output) || a", vec![]),
        ("has(steps.a.output.x)", vec!["a"]),
        ("!(!has(steps.a.output) || b)", vec!["a"]),
        ("has(steps.a.output) ? steps.a.output.ok : false", vec!["a"]),
        ("has(previous.a.output)", vec![]),
        ("steps.a.?output.ok.hasValue()", vec!["a"]),
        ("false", vec![]),
    ] {
        assert_eq!(Expr::compile(source).unwrap().guards(), wanted, "{source}");
    }
}
