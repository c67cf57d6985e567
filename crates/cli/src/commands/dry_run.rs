//! `stead run --dry-run`: what would run, as far as it is known before anything does.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use stead_lang::plan::{
    Action, ActionKind, Block, Body, Concurrency, Each, Join, OnError, OnFull, OnReject, OnTimeout, People,
    Plan, Setting, SignalTo, Step, StepIx, Target, Wait,
};
use stead_lang::template::{Piece, Template};

use crate::error::CliError;
use crate::exit::Exit;
use crate::here::Here;
use crate::out;
use crate::text;

/// Shows steps, their order, the inputs, and settings that are fixed in the text.
///
/// # Errors
/// When it cannot be written.
pub fn show(here: &Here, plan: &Plan, inputs: &Map<String, Value>, as_json: bool) -> Result<Exit, CliError> {
    let mut steps = json!({});
    block(plan, &plan.root, &mut steps);
    if as_json {
        let mut record = json!({
            "type": "plan",
            "workflow": plan.name,
            "revision": plan.revision,
            "inputs": inputs,
            "secrets": plan.secrets,
        });
        if let Some(rule) = &plan.concurrency {
            record["concurrency"] = places(rule);
        }
        if let (Value::Object(record), Value::Object(steps)) = (&mut record, steps) {
            record.extend(steps);
        }
        out::json(&record)?;
        return Ok(Exit::Done);
    }
    let mut text = format!(
        "{}@{}  {}\n",
        plan.name,
        text::short(&plan.revision),
        text::count(plan.steps_written(), "step")
    );
    if !inputs.is_empty() {
        text.push_str("inputs\n");
        for (name, value) in inputs {
            let _ = writeln!(text, "  {name}  {}", shown(value, here));
        }
    }
    if !plan.secrets.is_empty() {
        let _ = writeln!(text, "secrets\n  {}", plan.secrets.join(" "));
    }
    if let Some(rule) = &plan.concurrency {
        let _ = writeln!(text, "concurrency  {}", shown(&places(rule), here));
    }
    write_block(&mut text, &steps, 0, here);
    out::answer(&text)?;
    out::note("nothing was run");
    Ok(Exit::Done)
}

/// The steps or states of a block, and those of its end.
fn write_block(out: &mut String, block: &Value, depth: usize, here: &Here) {
    let indent = "  ".repeat(depth);
    for key in ["steps", "states", "finally"] {
        let Some(steps) = block[key].as_array() else { continue };
        // Inside of a group only what is not told by its action has a heading.
        if depth == 0 || key == "finally" {
            let _ = writeln!(out, "{indent}{key}");
        }
        write(out, steps, depth + usize::from(depth == 0 || key == "finally"), here);
    }
}

fn write(out: &mut String, steps: &[Value], depth: usize, here: &Here) {
    for step in steps {
        let indent = "  ".repeat(depth);
        let field = |key: &str| step[key].as_str().unwrap_or_default();
        let _ = write!(out, "{indent}{}  {}", field("id"), field("action"));
        let after: Vec<&str> =
            step["after"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !after.is_empty() {
            let _ = write!(out, "  after {}", after.join(", "));
        }
        out.push('\n');
        for (name, value) in step["settings"].as_object().into_iter().flatten() {
            let _ = writeln!(out, "{indent}  {name}: {}", shown(value, here));
        }
        for beside in ["undo", "verify"] {
            let Some(action) = step.get(beside) else { continue };
            let _ = writeln!(out, "{indent}  {beside}  {}", action["action"].as_str().unwrap_or_default());
            for (name, value) in action["settings"].as_object().into_iter().flatten() {
                let _ = writeln!(out, "{indent}    {name}: {}", shown(value, here));
            }
        }
        write_block(out, step, depth + 1, here);
        for way in step["next"].as_array().into_iter().flatten() {
            let _ = write!(out, "{indent}  → {}", way["go"].as_str().unwrap_or_default());
            for (word, key) in [("when", "when"), ("at most", "max")] {
                if let Some(value) = way.get(key) {
                    let _ = write!(out, "  {word} {}", shown(value, here));
                }
            }
            out.push('\n');
        }
        if let Some(go) = step["on_error"]["go"].as_str() {
            let _ = writeln!(out, "{indent}  → {go}  on error");
        }
    }
}

/// A value in one line. Texts stand without quotes: they are shown, not read back.
fn shown(value: &Value, here: &Here) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text::cut(&text::clean(&whole), 160, here.out.ellipsis())
}

/// Enters the steps or states of a block, and those of its end.
fn block(plan: &Plan, block: &Block, record: &mut Value) {
    let steps = |of: &[StepIx]| of.iter().map(|ix| step(plan, block, &plan.steps[*ix as usize])).collect();
    record[if block.machine { "states" } else { "steps" }] = Value::Array(steps(&block.steps[..block.own]));
    if !block.finally().is_empty() {
        record["finally"] = Value::Array(steps(block.finally()));
    }
}

/// What a target is called.
fn called(plan: &Plan, around: &Block, to: Target) -> String {
    match to {
        Target::State(at) => plan.steps[around.steps[at] as usize].id.clone(),
        Target::End => "end".to_owned(),
        Target::Fail => "fail".to_owned(),
    }
}

/// Where a state leads.
fn ways(plan: &Plan, around: &Block, step: &Step) -> Vec<Value> {
    let way = |way: &stead_lang::plan::Transition| {
        let mut record = json!({"go": called(plan, around, way.go)});
        if let Some(when) = &way.when {
            record["when"] = json!(when.source());
        }
        if let Some(max) = &way.max {
            record["max"] = number(max);
        }
        record
    };
    step.next.iter().map(way).collect()
}

fn join(join: Join) -> Option<Value> {
    Some(match join {
        Join::All => return None,
        Join::First => json!("first"),
        Join::Majority => json!("majority"),
        Join::Settled => json!("settled"),
        Join::Count(n) => json!(n),
    })
}

fn step(plan: &Plan, around: &Block, step: &Step) -> Value {
    let after: Vec<&str> =
        step.needs.iter().map(|at| plan.steps[around.steps[*at] as usize].id.as_str()).collect();
    let mut settings = Map::new();
    if let Some(condition) = &step.condition {
        settings.insert("if".into(), json!(condition.source()));
    }
    each(step, &mut settings);
    if step.on_error == OnError::Continue && !step.finally {
        settings.insert("on_error".into(), json!("continue"));
    }
    if let Some(attempts) = &step.budget {
        settings.insert("budget".into(), json!({"attempts": number(attempts)}));
    }
    if let Some(deadline) = &step.deadline {
        settings.insert("deadline".into(), millis(deadline));
    }
    if let Some(rule) = &step.concurrency {
        settings.insert("concurrency".into(), places(rule));
    }
    let mut record = json!({"id": step.id, "path": step.path, "after": after});
    if !step.next.is_empty() {
        record["next"] = Value::Array(ways(plan, around, step));
    }
    if let OnError::Go(to) = step.on_error {
        record["on_error"] = json!({"go": called(plan, around, to)});
    }
    for (name, action) in [("undo", &step.undo), ("verify", &step.verify)] {
        if let Some(action) = action {
            let mut settings = Map::new();
            of_action(action, &mut settings);
            record[name] = json!({"action": action.name, "settings": settings});
        }
    }
    match &step.body {
        Body::Block(inside) => {
            record["action"] = match &inside.production {
                Some(made) => {
                    settings.insert("produces".into(), json!(made.name));
                    json!("document")
                }
                None => json!(if inside.machine { "machine" } else { "group" }),
            };
            settings.extend(join(inside.join).map(|join| ("join".to_owned(), join)));
            record["settings"] = Value::Object(settings);
            block(plan, inside, &mut record);
        }
        Body::Action(action) => {
            record["action"] = json!(action.name);
            of_action(action, &mut settings);
            if let ActionKind::People(asked) = &action.kind
                && let OnReject::Redo { step, max } = &asked.on_reject
            {
                let redo = called(plan, around, Target::State(*step));
                settings.insert("on_reject".into(), json!({"redo": redo, "max": number(max)}));
            }
            record["settings"] = Value::Object(settings);
        }
    }
    record
}

fn places(rule: &Concurrency) -> Value {
    let on_full = match rule.on_full {
        OnFull::Queue => "queue",
        OnFull::CancelOld => "cancel_old",
        OnFull::Refuse => "refuse",
    };
    json!({"key": template_text(&rule.key), "max": number(&rule.max), "on_full": on_full})
}

fn of_action(action: &Action, settings: &mut Map<String, Value>) {
    own(&action.kind, settings);
    if let Some(timeout) = &action.timeout {
        settings.insert("timeout".into(), millis(timeout));
    }
    match &action.retry.attempts {
        Setting::Fixed(1) => {}
        Setting::Fixed(n) => {
            settings.insert("attempts".into(), json!(n));
        }
        Setting::Computed(template) => {
            settings.insert("attempts".into(), template_text(template));
        }
    }
    if action.effect == stead_lang::plan::EffectRule::Once {
        settings.insert("effect".into(), json!("once"));
    }
}

fn each(step: &Step, settings: &mut Map<String, Value>) {
    match &step.each {
        None => {}
        Some(Each::Foreach { items, parallel, join: all, .. }) => {
            settings.insert("foreach".into(), template_text(items));
            settings.insert("parallel".into(), number(parallel));
            settings.extend(join(*all).map(|join| ("join_items".to_owned(), join)));
        }
        Some(Each::Loop { max, until, .. }) => {
            settings.insert("loop_max".into(), number(max));
            if let Some(until) = until {
                settings.insert("until".into(), json!(until.source()));
            }
        }
    }
}

/// The settings of an action.
fn own(kind: &ActionKind, settings: &mut Map<String, Value>) {
    match kind {
        ActionKind::Set(values) => {
            settings.insert("values".into(), template_text(values));
        }
        // What is produced is said of the step around.
        ActionKind::Version => {}
        ActionKind::Wait(Wait::For(time)) => {
            settings.insert("for".into(), millis(time));
        }
        ActionKind::Wait(Wait::At(time)) => {
            settings.insert("at".into(), template_text(time));
        }
        ActionKind::Wait(Wait::Signal(name)) => {
            settings.insert("signal".into(), template_text(name));
        }
        ActionKind::Signal(signal) => {
            let to = match &signal.to {
                SignalTo::Own => None,
                SignalTo::Run(run) => Some(template_text(run)),
                SignalTo::Where { workflow, inputs } => {
                    let inputs: Map<String, Value> =
                        inputs.iter().map(|(name, value)| (name.clone(), template_text(value))).collect();
                    Some(json!({"workflow": workflow, "where": inputs}))
                }
            };
            settings.extend(to.map(|to| ("run".to_owned(), to)));
            settings.extend(signal.step.as_ref().map(|step| ("step".to_owned(), template_text(step))));
            settings.insert("name".into(), template_text(&signal.name));
            settings.insert("data".into(), template_text(&signal.data));
        }
        ActionKind::Workflow(child) => {
            settings
                .insert("name".into(), json!(format!("{}@{}", child.workflow, text::short(&child.revision))));
            if child.latest {
                settings.insert("revision".into(), json!("latest"));
            }
            settings.insert("inputs".into(), template_text(&child.inputs));
        }
        ActionKind::People(asked) => people(asked, settings),
        ActionKind::Fail { message: text, .. } | ActionKind::Finish(text) => {
            settings.insert("text".into(), template_text(text));
        }
        ActionKind::Effect { request, .. } => {
            let Value::Object(request) = template_text(request) else { return };
            let usual = [("parse", json!("text")), ("expect", json!([0]))];
            for (key, value) in request {
                match key.as_str() {
                    // A script and its shell, as they are written.
                    "script" => {
                        settings.insert("run".into(), value["text"].clone());
                        settings.insert("shell".into(), value["shell"].clone());
                    }
                    "argv" => {
                        settings.insert("run".into(), value);
                    }
                    key if usual.iter().any(|(name, usual)| *name == key && *usual == value) => {}
                    _ => {
                        settings.insert(key, value);
                    }
                }
            }
        }
    }
}

/// What people are asked.
fn people(asked: &People, settings: &mut Map<String, Value>) {
    let all = |who: &[Template]| Value::Array(who.iter().map(template_text).collect());
    if !matches!(&asked.title, Template::Literal(title) if title.as_str().is_none_or(str::is_empty)) {
        settings.insert("title".into(), template_text(&asked.title));
    }
    if !asked.show.is_empty() {
        let show = asked.show.iter().map(|(label, value)| (label.clone(), template_text(value)));
        settings.insert("show".into(), Value::Object(show.collect()));
    }
    settings.extend(asked.form.as_ref().map(|form| ("form".to_owned(), form.clone())));
    settings.extend(asked.questions.as_ref().map(|asked| ("questions".to_owned(), template_text(asked))));
    settings.insert("by".into(), all(&asked.by));
    if !asked.not.is_empty() {
        settings.insert("not".into(), all(&asked.not));
    }
    for (name, count) in [("quorum", &asked.quorum), ("rejects", &asked.rejects)] {
        if !matches!(count, Setting::Fixed(1)) {
            settings.insert(name.into(), number(count));
        }
    }
    settings.extend(asked.remind.as_ref().map(|every| ("remind".to_owned(), millis(every))));
    if let Some(escalate) = &asked.escalate {
        let escalate = json!({"after": millis(&escalate.after), "to": all(&escalate.to)});
        settings.insert("escalate".into(), escalate);
    }
    match asked.on_timeout {
        OnTimeout::Fail => {}
        OnTimeout::Accept => settings.extend([("on_timeout".to_owned(), json!("accept"))]),
        OnTimeout::Reject => settings.extend([("on_timeout".to_owned(), json!("reject"))]),
    }
    if matches!(asked.on_reject, OnReject::Continue) {
        settings.insert("on_reject".into(), json!("continue"));
    }
}

fn millis(setting: &Setting<u64>) -> Value {
    match setting {
        Setting::Fixed(millis) => json!(stead_lang::duration::format_duration(*millis)),
        Setting::Computed(template) => template_text(template),
    }
}

fn number(setting: &Setting<u32>) -> Value {
    match setting {
        Setting::Fixed(n) => json!(n),
        Setting::Computed(template) => template_text(template),
    }
}

/// A template as its author could have written it.
fn template_text(template: &Template) -> Value {
    match template {
        Template::Literal(value) => value.clone(),
        Template::Expr(expr) => json!(marked(expr.source())),
        Template::Text(pieces) => {
            let piece = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Expr(expr) => marked(expr.source()),
                Piece::Secret(name) => marked(&format!("secrets.{name}")),
            };
            json!(pieces.iter().map(piece).collect::<String>())
        }
        Template::List(items) => Value::Array(items.iter().map(template_text).collect()),
        Template::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), template_text(value))).collect())
        }
        Template::Secret(name) => json!(marked(&format!("secrets.{name}"))),
    }
}

fn marked(source: &str) -> String {
    format!("${{{{ {} }}}}", source.trim())
}
