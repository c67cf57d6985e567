//! What the check says of `http` steps.

use crate::common::{checked, codes, finds, good, shown};
use stead_lang::plan::{ActionKind, Body};

fn step(http: &str) -> String {
    format!(
        "secrets: [TOKEN, USER, PASSWORD]\ninputs: {{ n: {{ type: string }}, f: {{ type: file }} }}\nsteps:\n  - id: a\n    http: {http}\n"
    )
}

#[test]
fn a_request_is_written_in_these_ways() {
    for http in [
        "{ url: https://example.org }",
        "{ url: \"http://localhost:8080/a?b=c\", method: head }",
        "{ url: \"${{ inputs.n }}\" }",
        "{ url: \"https://example.org/${{ inputs.n }}\", query: { q: \"${{ inputs.n }}\", n: 1, all: [a, b], none: null } }",
        "{ url: https://example.org, headers: { Accept: text/plain, X-N: \"${{ inputs.n }}\" } }",
        "{ url: https://example.org, auth: { bearer: \"${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, auth: { basic: { user: me, password: \"${{ secrets.PASSWORD }}\" } } }",
        "{ url: https://example.org, auth: { header: { name: X-Api-Key, value: \"${{ secrets.TOKEN }}\" } } }",
        "{ url: https://example.org, headers: { X-Key: \"${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, method: post, json: { a: [1, { t: \"${{ secrets.TOKEN }}\" }] } }",
        "{ url: https://example.org, method: put, body: \"a ${{ inputs.n }}\" }",
        "{ url: https://example.org, method: put, body: \"${{ inputs.f }}\" }",
        "{ url: https://example.org, method: post, body: { grant_type: code, client_secret: \"${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, method: delete, json: null }",
        "{ url: https://example.org, expect: [2xx, 404], parse: lines }",
        "{ url: https://example.org, expect: any, parse: none }",
    ] {
        good(&step(http));
    }
}

#[test]
fn what_does_not_fit_is_found() {
    for (http, code, part) in [
        ("https://example.org", "E0203", "is a map"),
        ("{ method: get }", "E0202", "needs `url`"),
        ("{ url: \"\" }", "E0224", "no address"),
        ("{ url: example.org/x }", "E0224", "no address"),
        ("{ url: file:///etc/passwd }", "E0224", "no address"),
        ("{ url: https://me:pw@example.org }", "E0224", "ends up in logs"),
        ("{ url: \"https:///x\" }", "E0224", "names no host"),
        ("{ url: https://example.org, method: GET }", "E0204", "small letters"),
        ("{ url: https://example.org, method: fetch }", "E0204", "`fetch`"),
        ("{ url: https://example.org, json: 1 }", "E0226", "by `get` has no body"),
        ("{ url: https://example.org, method: head, body: x }", "E0226", "by `head` has no body"),
        ("{ url: https://example.org, method: post, json: 1, body: x }", "E0217", "`json` or `body`"),
        ("{ url: https://example.org, method: post, body: [1] }", "E0203", "a file or a form"),
        ("{ url: https://example.org, query: { a: { b: c } } }", "E0203", "a parameter is"),
        ("{ url: https://example.org, headers: { Content-Length: 3 } }", "E0225", "`Content-Length`"),
        ("{ url: https://example.org, headers: { Host: x } }", "E0225", "`Host`"),
        ("{ url: https://example.org, headers: { \"a b\": x } }", "E0225", "no name of a header"),
        ("{ url: https://example.org, headers: { A: x, a: y } }", "E0225", "given twice"),
        (
            "{ url: https://example.org, headers: { Authorization: x }, auth: { bearer: y } }",
            "E0225",
            "so does this header",
        ),
        ("{ url: https://example.org, auth: {} }", "E0217", "does not say how"),
        (
            "{ url: https://example.org, auth: { bearer: x, header: { name: a, value: b } } }",
            "E0217",
            "`bearer` or `header`",
        ),
        ("{ url: https://example.org, auth: { basic: { user: x } } }", "E0202", "needs `password`"),
        (
            "{ url: https://example.org, auth: { header: { name: \"Cookie:\", value: b } } }",
            "E0225",
            "no name",
        ),
        ("{ url: https://example.org, expect: 200 }", "E0203", "a list of statuses"),
        ("{ url: https://example.org, expect: [99] }", "E0206", "from 100 to 599"),
        ("{ url: https://example.org, expect: [2XX] }", "E0204", "`2XX` is no status"),
        ("{ url: https://example.org, expect: [ok] }", "E0204", "`ok` is no status"),
        ("{ url: https://example.org, parse: yaml }", "E0204", "`yaml`"),
        ("{ uri: https://example.org }", "E0201", "has no key `uri`"),
    ] {
        finds(&step(http), &[(code, 7, part)]);
    }
}

#[test]
fn rule_45_secrets_stand_in_some_parts_of_a_request() {
    for http in [
        "{ url: \"https://example.org/${{ secrets.TOKEN }}\" }",
        "{ url: \"${{ secrets.TOKEN }}\" }",
        "{ url: https://example.org, query: { key: \"${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, query: { key: \"k ${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, headers: { X: \"${{ secrets.TOKEN + 'x' }}\" } }",
    ] {
        let found = checked(&step(http));
        assert!(!codes(&found).is_empty(), "{http}");
        assert!(codes(&found).iter().all(|code| *code == "E0313"), "{http}\n{}", shown(&found));
    }
    for http in [
        "{ url: https://example.org, headers: { Authorization: \"Bearer ${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, headers: { X: \"${{ secrets.TOKEN }}${{ secrets.USER }}\" } }",
        "{ url: https://example.org, auth: { bearer: \"x${{ secrets.TOKEN }}\" } }",
        "{ url: https://example.org, method: post, json: { t: \"t: ${{ secrets.TOKEN }} ${{ run.id }}\" } }",
        "{ url: https://example.org, method: post, body: \"t=${{ secrets.TOKEN }}\" }",
    ] {
        good(&step(http));
    }

    let plan = good(&step(
        "{ url: https://example.org, method: post, auth: { basic: { user: \"${{ secrets.USER }}\", password: \"${{ secrets.PASSWORD }}\" } }, json: { a: [\"${{ secrets.TOKEN }}\"] } }",
    ));
    let Body::Action(action) = &plan.plan.as_ref().unwrap().steps[0].body else { panic!() };
    let ActionKind::Effect { executor: "http", request } = &action.kind else { panic!() };
    let place = |at: &str, name: &str| (at.to_owned(), name.to_owned());
    let places: Vec<_> = request.secrets().into_iter().map(|place| (place.pointer, place.name)).collect();
    assert_eq!(
        places,
        [
            place("/auth/basic/user", "USER"),
            place("/auth/basic/password", "PASSWORD"),
            place("/json/a/0", "TOKEN")
        ]
    );
}

#[test]
fn defaults_reach_requests_and_undo_may_make_one() {
    let plan = good(
        "defaults: { timeout: 5s, retry: 3 }\nsteps:\n  - id: a\n    http: { url: https://example.org }\n    \
         undo: { http: { url: \"https://example.org/${{ steps.a.output.body.id }}\", method: delete } }\n",
    );
    let step = &plan.plan.as_ref().unwrap().steps[0];
    let Body::Action(action) = &step.body else { panic!() };
    assert!(matches!(action.timeout, Some(stead_lang::plan::Setting::Fixed(5_000))));
    assert!(matches!(action.retry.attempts, stead_lang::plan::Setting::Fixed(3)));
    assert_eq!(step.undo.as_ref().unwrap().name, "http");
}

#[test]
fn an_answer_has_the_type_of_its_parse() {
    let then = |http: &str, reads: &str| {
        format!("steps:\n  - id: a\n    http: {http}\n  - id: b\n    if: {reads}\n    noop: 1\n")
    };
    good(&then("{ url: https://example.org }", "steps.a.output.body.items.size() > 0"));
    good(&then("{ url: https://example.org }", "steps.a.output.status == 200"));
    good(&then("{ url: https://example.org }", "steps.a.output.headers['content-type'] == 'x'"));
    good(&then("{ url: https://example.org, parse: file }", "steps.a.output.body.hash != ''"));
    finds(&then("{ url: https://example.org }", "steps.a.output.text == ''"), &[("E0408", 7, "text")]);
    finds(
        &then("{ url: https://example.org, parse: text }", "steps.a.output.body.id == 1"),
        &[("E0409", 7, "id")],
    );
}
