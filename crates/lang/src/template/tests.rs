//! What templates mean.

use serde_json::json;

use super::*;
use crate::expr::{ProblemKind, Val};

struct Roots<'a>(&'a Value);

impl<'a> Env<'a> for Roots<'a> {
    fn var(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        Ok(self.0.get(name).map(Val::from_json))
    }
}

fn render(text: &str, roots: &Value) -> Value {
    Template::parse(text).expect(text).render(&Roots(roots)).expect(text)
}

#[test]
fn one_expression_keeps_its_type_and_text_renders() {
    let roots =
        json!({"n": 3, "x": 2.5, "l": [1, null], "s": "ä", "nothing": null, "b": false, "o": {"a": "b"}});
    for (text, wanted) in [
        ("${{ n }}", json!(3)),
        ("${{l}}", json!([1, null])),
        ("${{ nothing }}", json!(null)),
        (" ${{ n }}", json!(" 3")),
        ("${{ n }}\n", json!("3\n")),
        ("${{ n }}${{ x }}", json!("32.5")),
        ("a ${{ s }} b ${{ b }} c ${{ nothing }} d", json!("a ä b false c  d")),
        ("${{ l }}: ${{ o }}", json!("[1,null]: {\"a\":\"b\"}")),
        ("no marks } { $ {{ }}", json!("no marks } { $ {{ }}")),
        ("$${{ n }}", json!("${{ n }}")),
        ("$${{ ${{ n }} $$${{", json!("${{ 3 $${{")),
        ("$$ ${{ n }}", json!("$$ 3")),
        ("", json!("")),
        // Marks in texts and braces of the expression close nothing.
        ("${{ '}}' }}", json!("}}")),
        ("${{ \"a}}b\" + r'}}\\' }}", json!("a}}b}}\\")),
        ("${{ {'a': {'b': 1}} }}", json!({"a": {"b": 1}})),
        ("${{ {'a': {'b': 1}}}}", json!({"a": {"b": 1}})),
        ("${{ {'}}': 1} }}!", json!("{\"}}\":1}!")),
        ("${{ '''it's }}''' }}", json!("it's }}")),
        ("${{ '${{' }}", json!("${{")),
        ("ä ${{\n s \n}}", json!("ä ä")),
    ] {
        assert_eq!(render(text, &roots), wanted, "{text}");
    }
}

#[test]
fn data_is_never_an_expression() {
    let roots = json!({"s": "${{ secrets.X }}"});
    assert_eq!(render("${{ s }} ${{ s }}", &roots), json!("${{ secrets.X }} ${{ secrets.X }}"));
}

#[test]
fn problems_have_their_place_in_the_text() {
    for (text, kind, part) in [
        ("ä ${{ a +* b }}", ProblemKind::Syntax, "*"),
        ("ä ${{ a", ProblemKind::Marks, "${{"),
        ("x ${{ it's }} and", ProblemKind::Syntax, "'s"),
        ("x ${{ it's", ProblemKind::Marks, "${{"),
        ("${{ }}", ProblemKind::Marks, "${{ }}"),
        ("${{ siez(a) }} b", ProblemKind::UnknownFunction, "siez"),
        ("${{ {'a': 1 }} b", ProblemKind::Syntax, "{"),
        ("${{ a } }}", ProblemKind::Syntax, "}"),
    ] {
        let problem = &Template::parse(text).expect_err(text)[0];
        let end = (problem.offset + problem.len) as usize;
        assert_eq!(
            (problem.kind, text.get(problem.offset as usize..end)),
            (kind, Some(part)),
            "{text}: {problem:?}"
        );
    }
    assert_eq!(Template::parse("${{ a + }} ${{ siez(b) }}").unwrap_err().len(), 2);
}

#[test]
fn expressions_have_their_place_in_the_text() {
    let text = "ä ${{ a.b }} and ${{c}}";
    let template = Template::parse(text).unwrap();
    for (base, expr) in template.expressions() {
        assert!(text.get(base as usize..).unwrap().starts_with(expr.source()));
    }
    assert_eq!(template.expressions().len(), 2);
}

#[test]
fn secrets_stand_alone() {
    let secret = |text: &str| Template::parse(text).unwrap();
    assert_eq!(secret("${{ secrets.TOKEN }}"), Template::Secret("TOKEN".into()));
    assert_eq!(secret("${{ secrets['TOKEN'] }}"), Template::Secret("TOKEN".into()));
    assert_eq!(secret("${{ secrets.TOKEN }}").expressions().len(), 0);
    for text in ["${{ secrets.TOKEN + 'x' }}", "${{ secrets.?TOKEN }}", "${{ secrets }}"] {
        let template = secret(text);
        let (_, expr) = template.expressions()[0];
        assert_eq!(expr.references()[0].root, "secrets", "{text}");
        assert_eq!(template.secrets(), []);
    }
    let template = Template::map(vec![
        ("a/b~c".into(), Template::list(vec![Template::Literal(json!(1)), secret("${{ secrets.X }}")])),
        ("plain".into(), secret("x")),
        ("y".into(), secret("${{ secrets.Y }}")),
    ]);
    let place =
        |pointer: &str, name: &str, part| SecretPlace { pointer: pointer.into(), name: name.into(), part };
    assert_eq!(template.secrets(), [place("/a~1b~0c/1", "X", false), place("/y", "Y", false)]);
    assert_eq!(secret("${{ secrets.X }}").secrets(), [place("", "X", false)]);
    // With text beside it, it is a part of the text.
    let text = secret("Bearer ${{ secrets.X }}:${{ a }}");
    assert_eq!(text.secrets(), [place("/1", "X", true)]);
    assert_eq!(text.expressions().len(), 1);
    assert_eq!(text.render(&Roots(&json!({"a": 7}))), Ok(json!(["Bearer ", null, ":", "7"])));
    let roots = json!({});
    assert_eq!(template.render(&Roots(&roots)), Ok(json!({"a/b~c": [1, null], "plain": "x", "y": null})));
}

#[test]
fn what_is_fixed_is_one_literal() {
    let fixed = Template::map(vec![("a".into(), Template::list(vec![Template::parse("x").unwrap()]))]);
    assert_eq!(fixed, Template::Literal(json!({"a": ["x"]})));
    assert!(fixed.is_literal());
    let computed = Template::list(vec![Template::parse("${{ a }}").unwrap()]);
    assert!(!computed.is_literal());
    assert!(!Template::list(vec![Template::Secret("X".into())]).is_literal());
    assert_eq!(Template::list(Vec::new()), Template::Literal(json!([])));
    assert_eq!(Template::map(Vec::new()), Template::Literal(json!({})));
}

#[test]
fn any_value_renders_as_text() {
    let roots = json!({"l": [1], "s": "x", "nothing": null});
    let text = |template: Template| template.render_text(&Roots(&roots)).unwrap();
    assert_eq!(text(Template::parse("${{ l }}").unwrap()), "[1]");
    assert_eq!(text(Template::parse("${{ s }}").unwrap()), "x");
    assert_eq!(text(Template::parse("${{ nothing }}").unwrap()), "");
    assert_eq!(text(Template::parse("a").unwrap()), "a");
    assert_eq!(text(Template::list(vec![Template::parse("${{ s }}").unwrap()])), "[\"x\"]");
}

#[test]
fn texts_are_bounded() {
    let roots = json!({"s": "x".repeat(limits::MADE_BYTES)});
    let template = Template::parse("${{ s }}${{ s }}").unwrap();
    let message = format!("the text becomes longer than {} bytes", limits::MADE_BYTES);
    assert_eq!(template.render(&Roots(&roots)).unwrap_err().to_string(), message);
    assert!(Template::parse("${{ s }}").unwrap().render(&Roots(&roots)).is_ok());
}

#[test]
fn depth_counts_through_lists_and_maps() {
    let deep = (0..limits::VALUE_DEPTH).fold(json!(1), |inner, _| json!([inner]));
    let roots = json!({"x": deep});
    let lone = Template::parse("${{ x }}").unwrap();
    assert!(lone.render(&Roots(&roots)).is_ok());
    assert!(Template::list(vec![lone]).render(&Roots(&roots)).is_err());
}

struct Types;

impl TypeEnv for Types {
    fn var(&self, name: &str) -> Option<Type> {
        (name == "n").then_some(Type::Int)
    }

    fn names(&self) -> Vec<String> {
        vec!["n".into()]
    }
}

#[test]
fn checks_know_types() {
    let check = |text: &str| Template::parse(text).unwrap().check(&Types);
    assert_eq!(check("${{ n }}"), (Type::Int, Vec::new()));
    assert_eq!(check("a ${{ n }}"), (Type::String, Vec::new()));
    assert_eq!(check("a").0, Type::String);
    let (_, problems) = check("ä ${{ n && m }}");
    assert_eq!(problems.iter().map(|p| (p.offset, p.len)).collect::<Vec<_>>(), [(7, 1), (12, 1)]);
}

/// Any text without marks stays as it is, and every text is read or refused.
#[test]
fn plain_text_stays() {
    for text in ["$", "$$", "${", "${ {", "{{ a }}", "$ {{ a }}", "}}", "a\n\t ü"] {
        assert_eq!(Template::parse(text), Ok(Template::Literal(json!(text))), "{text}");
    }
}
