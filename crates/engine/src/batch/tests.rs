use std::io::{self, BufReader, Read};

use serde_json::{Value, json};
use stead_lang::Bundle;
use stead_lang::plan::Plan;

use super::rows::Looked;
use super::sweep::{Combinations, Swept, Way, values_of, values_of_json};
use super::*;
use crate::limits;

fn plan(inputs: &str) -> std::sync::Arc<Plan> {
    let text = format!("stead: 1\nname: one\ninputs: {inputs}\nsteps: [{{ id: a, noop: 1 }}]\n");
    let checked = stead_lang::check(&Bundle::single("one.yml", text));
    checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn look(text: impl Read + 'static, format: Format, plan: &Plan) -> Result<Looked, TableError> {
    let (given, mut keep) = (Given::default(), |path: &str| Ok(json!({ "path": path })));
    Rows::of_table(Box::new(BufReader::new(text)), format, plan, &given, &mut keep)?.look(3)
}

/// So many bytes of a text, over and over.
fn again(text: &'static str, times: u64) -> impl Read {
    struct Again(&'static [u8], u64, usize);
    impl Read for Again {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1 == 0 {
                return Ok(0);
            }
            let piece = &self.0[self.2..];
            let length = piece.len().min(buffer.len());
            buffer[..length].copy_from_slice(&piece[..length]);
            self.2 += length;
            if self.2 == self.0.len() {
                (self.1, self.2) = (self.1 - 1, 0);
            }
            Ok(length)
        }
    }
    Again(text.as_bytes(), times, 0)
}

#[test]
fn p11_tables_are_bounded() {
    let plan = plan("{ n: { type: integer, default: 1 } }");
    let most = limits::BATCH_COLUMNS;
    let wide = format!("n{}\n", ",".repeat(most + 1));
    let error = look(io::Cursor::new(wide), Format::Csv(b','), &plan).unwrap_err();
    assert_eq!(error.to_string(), format!("line 1: the row has more than {most} values"));
    // A row that has no end is refused before it is in memory, in each format.
    let endless = u64::MAX;
    for (format, text) in [
        (Format::Csv(b','), again("nn", endless)),
        (Format::Lines, again("{{", endless)),
        (Format::List, again("[[", endless)),
    ] {
        let error = look(text, format, &plan).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1: the row has more than {} bytes", limits::LINE_BYTES));
    }
    // So is a table: however long it is, the row behind the last that may be ends it.
    let most = stead_core::limits::FOREACH_LINES;
    let error = look(again("{}\n", endless), Format::Lines, &plan).unwrap_err();
    assert_eq!(error.to_string(), format!("line {}: there are more than {most} rows", most + 1));
}

#[test]
fn a_million_rows_are_gone_through_with_one_of_them_in_memory() {
    let plan = plan("{ n: { type: integer } }");
    let most = stead_core::limits::FOREACH_LINES;
    let looked =
        look(io::Cursor::new("n\n").chain(again("7\n", u64::from(most))), Format::Csv(b','), &plan).unwrap();
    assert_eq!((looked.rows, looked.first.len()), (most, 3));
}

#[test]
fn p11_sweeps_are_bounded() {
    let plan = plan("{ n: { type: integer }, m: { type: integer }, o: { type: integer } }");
    let most = limits::SWEEP_VALUES;
    assert_eq!(values_of(&plan.inputs[0], &format!("1:{most}")).unwrap().len(), most);
    for text in [format!("0:{most}"), format!("1:{most},1"), "0:99999999999:1".to_owned()] {
        let error = values_of(&plan.inputs[0], &text).unwrap_err();
        assert_eq!(error.to_string(), format!("`n` has more than {most} values"), "{text}");
    }
    let many = Value::Array(vec![json!(1); most + 1]);
    assert!(values_of_json(&plan.inputs[0], many).is_err());
    let list = |name: &str, count: i64| Swept::new(name, (0..count).map(Value::from).collect(), Way::Product);
    assert!(Combinations::of(vec![list("n", 1_000), list("m", 1_000)], Way::Product).is_ok());
    let error = Combinations::of(vec![list("n", 1_001), list("m", 1_000)], Way::Product).unwrap_err();
    assert!(error.to_string().contains("1001000 combinations, and at most 1000000"), "{error}");
    let huge = vec![list("n", 100_000), list("m", 100_000), list("o", 100_000), list("p", 100_000)];
    assert!(Combinations::of(huge, Way::Product).is_err(), "more than can be counted");
}

#[test]
fn the_name_of_a_batch_is_one_of_a_workflow() {
    let long = format!("{}-xy", "a".repeat(43));
    for name in ["one", "a-b", &long, &"b".repeat(50)] {
        let which = Which::Inline(json!({"stead": 1, "name": name, "steps": [{"id": "a", "noop": 1}]}));
        let text = definition(name, &which, 3, false);
        let checked = stead_lang::check(&Bundle::single("(inline)", text));
        let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        assert!(plan.name.ends_with("-batch") && !plan.name.contains("--"), "{}", plan.name);
    }
}

#[test]
fn any_bytes_are_a_table_or_an_error_that_names_a_line() {
    let plan = plan("{ n: { type: integer, default: 1 }, s: { type: string, default: a } }");
    let parts = [
        "n,s\n",
        "1,a\n",
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r\n",
        "{\"n\":1}",
        "[",
        "]",
        "{",
        "}",
        "\\",
        "\u{feff}",
        "é",
        " ",
        ":",
        "1e9",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        loop {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = usize::try_from(seed >> 33).unwrap();
            match pick % 24 {
                0 => break,
                1 => bytes.push(u8::try_from(pick % 256).unwrap()),
                _ => bytes.extend(parts[pick % parts.len()].as_bytes()),
            }
        }
        for format in [Format::Csv(b','), Format::Lines, Format::List] {
            if let Err(error) = look(io::Cursor::new(bytes.clone()), format, &plan) {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
                assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}: {bytes:?}");
            }
        }
    }
}
