//! Requests to servers.

use serde_json::{Map, Value, json};

use super::actions::{Inside, effect};
use super::reads::{Gives, marked};
use super::{Generator, Scope};

pub(super) fn http(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let mut http =
        json!({ "url": format!("https://example.org/items/${{{{ {} }}}}", make.number(scope, 1)) });
    if make.rng.hits(1, 2) {
        http["method"] = json!(*make.rng.pick(&["get", "put", "post", "delete", "head"]));
    }
    if make.rng.hits(1, 3) {
        http["query"] = json!({ "n": marked(&make.number(scope, 1)), "all": ["a", "b"] });
    }
    if make.rng.hits(1, 3) {
        http["headers"] = json!({ "X-Level": format!("${{{{ {} }}}}", make.number(scope, 1)) });
    }
    if make.rng.hits(1, 3) {
        let secret = if scope.secrets { "${{ secrets.TOKEN }}" } else { "hidden" };
        http["auth"] = match make.rng.below(3) {
            0 => json!({ "bearer": secret }),
            1 => json!({ "basic": { "user": "robot", "password": secret } }),
            _ => json!({ "header": { "name": "X-Api-Key", "value": secret } }),
        };
    }
    let body = matches!(http["method"].as_str(), Some("put" | "post"));
    if body && make.rng.hits(1, 2) {
        http["json"] = json!({ "v": marked(&make.number(scope, 1)), "rows": [1, null] });
    } else if body {
        http["body"] = json!(format!("text ${{{{ {} }}}}", make.number(scope, 1)));
    }
    if make.rng.hits(1, 3) {
        http["expect"] = if make.rng.hits(1, 2) { json!("any") } else { json!(["2xx", 404]) };
    }
    let head = http["method"] == "head";
    let (parse, gives) = match make.rng.below(5) {
        _ if head => ("none", Gives::Size),
        0 => ("text", Gives::Size),
        1 => ("lines", Gives::Size),
        2 => ("file", Gives::Size),
        _ => ("json", Gives::Body),
    };
    http["parse"] = json!(parse);
    step.insert("http".into(), http);
    effect(make, step, scope);
    Inside::action(gives)
}
