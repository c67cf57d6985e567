use std::io::{self, BufReader, Read};

use serde_json::{Value, json};
use stead_lang::Bundle;
use stead_lang::plan::Plan;

use super::rows::Looked;
use super::sweep::{Combinations, Swept, Way, values_of, values_of_json};
use super::*;
use crate::fuzz::{Fuzz, came_to, shape};
use crate::limits;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

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
    // So is a table: it is never in memory, for it has no end, and the row behind the last that may be ends it.
    let most = stead_core::limits::FOREACH_LINES;
    let table = io::Cursor::new("n\n").chain(again("7\n", endless));
    let error = look(table, Format::Csv(b','), &plan).unwrap_err();
    assert_eq!(error.to_string(), format!("line {}: there are more than {most} rows", most + 2));
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
fn any_text_is_a_table_or_an_error_that_names_a_line() {
    let plan = plan(
        "{ n: { type: integer, default: 1 }, s: { type: string, default: a }, l: { type: array, default: [] } }",
    );
    let seeds = [
        "n,s\n1,a\n2,\"b, \"\"c\"\"\nd\"\n\n,\"\"\r\n",
        "\u{feff}s\tn\nx\t1\n",
        "{\"n\": 1, \"s\": \"a\"}\n\n{\"l\": [1, {\"a\": []}]}\n",
        " [\n{\"n\": 1},\n {\"s\": \"]}\\\"\", \"l\": [[]]}\n]\n",
        "n\n-9223372036854775808\n1e400\n\u{e9}\n",
    ];
    let words = [
        "n,",
        ",s",
        "\n",
        "\r\n",
        "\"",
        "\"\"",
        "[",
        "]",
        "{",
        "}",
        ":",
        "\\",
        "{\"n\":1}",
        ",\n",
        "\t",
        "\u{feff}",
        "\0",
    ];
    Fuzz::new("table", FOLDER, seeds.map(str::to_owned).to_vec(), &words).run(|text| {
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        let mut came = Vec::new();
        let bytes = || io::Cursor::new(text.as_bytes().to_vec());
        let told = Format::of(None, &mut BufReader::new(bytes()));
        came.push(told.is_ok().to_string());
        for format in [Format::Csv(b','), Format::Csv(b'\t'), Format::Lines, Format::List] {
            came.push(match look(bytes(), format, &plan) {
                Ok(looked) => {
                    assert!(u64::from(looked.rows) <= lines + text.matches('{').count() as u64);
                    looked.rows.min(3).to_string()
                }
                Err(error) => {
                    assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}");
                    shape(&error.message)
                }
            });
        }
        came_to(came)
    });
}

#[test]
fn any_values_of_a_sweep_are_read_or_refused() {
    let plan = plan("{ i: { type: integer }, x: { type: number }, s: { type: string }, l: { type: array } }");
    let seeds = [
        "1,2,3",
        "0:10:2.5",
        "5:1:-1",
        "0.1:0.4:0.1,7",
        "a,b",
        "[1, 2]",
        "999999999999999:0:-99999999999999.9",
    ];
    let words = [":", ",", "-", "+", ".", "0", "9", "000000000", "[", "]", "e", " "];
    Fuzz::new("sweep", FOLDER, seeds.map(str::to_owned).to_vec(), &words).run(|text| {
        let mut came = Vec::new();
        for input in &plan.inputs {
            came.push(match values_of(input, text) {
                Ok(values) => {
                    assert!(values.len() <= limits::SWEEP_VALUES);
                    let given = values.len();
                    let swept = Swept::new(&*input.name, values, Way::Product);
                    assert!(swept.given == given && swept.values.len() <= given);
                    given.min(9).to_string()
                }
                Err(error) => shape(&error.message),
            });
        }
        came_to(came)
    });
}
