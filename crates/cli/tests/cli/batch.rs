//! Batches: a workflow run once per row.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::project::{Got, Project};

/// Gives twice a number; some are not wanted.
const TWICE: &str = "inputs:
  n: { type: integer, maximum: 5000 }
  word: { type: string, default: none }
steps:
  - { id: unwanted, if: inputs.n % 40 == 13, fail: 'not wanted' }
  - { id: told, if: inputs.n % 100 == 50, run: [echo, '${{ inputs.word }}'] }
  - { id: twice, set: { n: '${{ inputs.n * 2 }}' } }
outputs: { n: '${{ steps.twice.output.n }}', word: '${{ inputs.word }}' }
";

/// So many rows, of which 2.5 % do not fit and 2.5 % fail.
fn rows(count: u32) -> String {
    let mut text = String::from("n,word\n");
    for n in 0..count {
        match n % 40 {
            7 => writeln!(text, "x{n},w").unwrap(),
            _ => writeln!(text, "{n},\"w,{n}\"").unwrap(),
        }
    }
    text
}

/// The rows of a table without the ids of their runs, which differ from batch to batch.
fn without_runs(table: &str) -> Vec<String> {
    let cells = |line: &str| {
        let mut cells: Vec<&str> = line.splitn(6, ',').collect();
        cells.remove(4);
        cells.join(",")
    };
    table.lines().map(cells).collect()
}

fn the_right_table(count: u32) -> Vec<String> {
    let mut rows = vec!["index,key,status,outcome,n,word,error".to_owned()];
    for n in 0..count {
        rows.push(match n % 40 {
            7 => format!(
                "{n},,failed,error,,,\"its inputs do not fit: the input `n` does not fit: \"\"x{n}\"\" is not of type \"\"integer\"\"\""
            ),
            13 => format!("{n},,failed,error,,,not wanted"),
            _ => format!("{n},,completed,ok,{},\"w,{n}\",", n * 2),
        });
    }
    rows
}

fn counts(got: &Got) -> Value {
    got.json()
}

#[test]
fn a_thousand_rows_of_which_some_are_bad_end_with_exact_counts_and_a_table_in_order() {
    let project = Project::new().workflow("twice", TWICE).with("rows.csv", &rows(1_000));
    let got =
        project.stead("batch twice.yml --items rows.csv --on-error continue --parallel 16 -o out.csv").is(0);
    assert_eq!(counts(&got), json!({"total": 1000, "completed": 950, "failed": 50, "cancelled": 0}));
    let got = got.says("1000 runs of twice").says("500 of 1000").says("1000 of 1000, 50 failed");
    let told = got.err.lines().count();
    assert!(told < 60, "a line now and then, and not for each row: {told}");
    assert_eq!(without_runs(&project.text("out.csv")), the_right_table(1_000));
    let run = project.last();
    assert_eq!((run["status"].as_str(), run["outcome"].as_str()), (Some("completed"), Some("degraded")));
    // The same as JSON lines, with what each was given.
    let lines = project.stead("results @last --format jsonl").is(0).lines();
    assert_eq!(lines.len(), 1_000);
    assert_eq!(lines[7]["inputs"], json!({"n": "x7", "word": "w"}));
    assert_eq!(lines[999]["outputs"], json!({"n": 1998, "word": "w,999"}));
}

#[test]
fn p2_a_batch_killed_at_twenty_places_and_resumed_gives_the_same_table() {
    let count = 600;
    let project = Project::new().workflow("twice", TWICE).with("rows.csv", &rows(count));
    let mut killed = 0;
    for at in 1..=20 {
        let words = match at {
            1 => "batch twice.yml --items rows.csv --on-error continue --parallel 8 --json",
            _ => "resume @last --json",
        };
        let mut child = project.command().args(words.split(' ')).stdout(Stdio::piped()).spawn().unwrap();
        let mut left = 20;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            left -= u32::from(line["event"]["type"] == "child_ended");
            if left == 0 {
                child.kill().unwrap();
                killed += 1;
                break;
            }
        }
        child.wait().unwrap();
    }
    assert_eq!(killed, 20);
    assert_ne!(project.last()["status"], "completed");
    let ended = project.stead("resume @last").is(0);
    assert_eq!(counts(&ended), json!({"total": count, "completed": 570, "failed": 30, "cancelled": 0}));
    let table = project.stead("results @last").is(0).out;
    assert_eq!(without_runs(&table), the_right_table(count));
    // One run per row: none was begun twice.
    let children = project.stead("runs --parent @last -n 0 --json").is(0).lines();
    assert_eq!(children.len(), count as usize);
}

#[test]
fn what_failed_is_tried_again_and_nothing_else() {
    let body = "inputs: { n: { type: integer } }
steps:
  - { id: look, run: [test, -e, 'go${{ inputs.n % 3 }}'] }
  - { id: n, set: { n: '${{ inputs.n }}' } }
outputs: { n: '${{ steps.n.output.n }}' }
";
    let items = "[{\"n\": 0}, {\"n\": 1},\n {\"n\": 2}, {\"n\": 3}]";
    let project =
        Project::new().workflow("look", body).with("rows.json", items).with("go0", "").with("go1", "");
    let first = project.stead("batch look.yml --items rows.json --on-error continue").is(0);
    assert_eq!(counts(&first), json!({"total": 4, "completed": 3, "failed": 1, "cancelled": 0}));
    project.stead("results @last").is(0).answers("2,,failed,error,");
    let batch = project.last()["run"].as_str().unwrap().to_owned();
    let project = project.with("go2", "");
    let again = project.stead(&format!("retry {batch}")).is(0).says("again  row[2]");
    assert_eq!(counts(&again), json!({"total": 4, "completed": 4, "failed": 0, "cancelled": 0}));
    let rows = project.stead(&format!("results {batch} --inputs")).is(0).out;
    assert_eq!(rows.lines().next(), Some("index,key,status,outcome,run,n,error,inputs.n"));
    assert!(
        rows.lines().skip(1).enumerate().all(|(n, row)| row.starts_with(&format!("{n},,completed,ok,"))),
        "{rows}"
    );
    // A run per row, and one more for the one that was tried again.
    assert_eq!(project.stead(&format!("runs --parent {batch} -n 0 --json")).is(0).lines().len(), 5);
}

#[test]
fn a_failed_row_stops_the_batch_and_a_retry_goes_on_with_the_rest() {
    let project =
        Project::new().workflow("twice", TWICE).with("rows.jsonl", "{\"n\": 1}\n{\"n\": 13}\n{\"n\": 3}\n");
    project
        .stead("batch twice.yml --items rows.jsonl --parallel 1")
        .is(1)
        .says("not wanted")
        .says("stead results");
    let table = project.stead("results @last").is(0).out;
    let status: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(status, ["completed", "failed", "cancelled"], "the third never began");
    project.stead("retry @last").is(1).says("not wanted");
}

#[test]
fn a_batch_is_left_paused_and_cancelled_as_any_run() {
    let body = "inputs: { n: { type: integer } }\nsteps: [{ id: w, wait: { signal: go } }]\n";
    let project = Project::new().workflow("wait", body).with("rows.csv", "n\n1\n2\n3\n");
    project
        .stead("batch wait.yml --items rows.csv --parallel 2 -o out.csv")
        .is(4)
        .says("the batch has not ended");
    assert!(!project.path("out.csv").exists());
    let table = project.stead("results @last").is(0).out;
    let status: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(status, ["waiting", "waiting", "pending"]);
    let batch = project.last()["run"].as_str().unwrap().to_owned();
    project.stead(&format!("pause {batch}")).is(0);
    project.stead(&format!("status {batch}")).is(0).answers("paused");
    project.stead(&format!("cancel {batch}")).is(0);
    project.stead(&format!("resume {batch}"));
    let table = project.stead(&format!("results {batch}")).is(0).out;
    assert!(table.lines().skip(1).all(|line| line.split(',').nth(2) == Some("cancelled")), "{table}");
}

/// A table, what is wrong with it, and where.
#[test]
fn what_is_wrong_with_a_table_is_told_and_nothing_is_run() {
    let long = format!("n\n1\n\"{}\"\n", "x".repeat(1024 * 1024));
    let cases: &[(&str, &[u8], &[&str])] = &[
        (
            "a.csv",
            b"n,wrod\n1,a\n",
            &["C0207", "a.csv:1: `twice` has no input `wrod`", "did you mean `word`?", "--ignore"],
        ),
        (
            "a.csv",
            b"word\na\n",
            &["a.csv:1: `twice` needs the input `n`, and there is no such column", "-i n=VALUE"],
        ),
        ("a.csv", b"n;word\n1;a\n", &["has no input `n;word`", "parted by commas"]),
        ("a.csv", b"n,n\n1,1\n", &["the column `n` is there twice"]),
        ("a.csv", b"n,\n1,1\n", &["column 2 has no name"]),
        ("a.csv", b"n,word\n1,a\n2\n3,c\n", &["a.csv:3: the row has 1 values, and there are 2 columns"]),
        ("a.csv", b"n,word\n1,\"a\nb\"\n2,b,c\n", &["a.csv:4: the row has 3 values"]),
        ("a.csv", b"n,word\n1,\"a\n", &["a.csv:2: the quote that begins here is not closed"]),
        ("a.csv", b"n,word\n1,\"a\"b\n", &["a.csv:2: a quote ends in the middle of a value"]),
        ("a.csv", b"", &["it is empty"]),
        ("a.csv", b"\n\n", &["it is empty"]),
        ("a.csv", b"n,word\n", &["it has no rows"]),
        ("a.csv", b"n,word\n1,a\n2,\xe4\n", &["a.csv:3: this is not UTF-8 text", "save the table as UTF-8"]),
        ("a.csv", b"\xff\xfen\x00", &["it is UTF-16 text"]),
        ("a.csv", long.as_bytes(), &["a.csv:3: the row has more than 1048576 bytes"]),
        ("a.jsonl", b"{\"n\": 1}\n\n{\"n\": 2\n{\"n\": 3}\n", &["a.jsonl:3: this is no JSON", "column"]),
        ("a.jsonl", b"{\"n\": 1}\n[1]\n", &["a.jsonl:2: the row is no map"]),
        ("a.jsonl", b"{\"n\": 1}\n{\"m\": 1}\n", &["a.jsonl:2: `twice` has no input `m`"]),
        ("a.jsonl", b"{\"word\": \"a\"}\n", &["needs the input `n`, and no row has it"]),
        ("a.json", b"[{\"n\": 1},\n {\"n\": }]", &["a.json:2: this is no JSON"]),
        ("a.json", b"[{\"n\": 1},\n {\"n\": 2}", &["the list is not closed", "is the file whole?"]),
        ("a.json", b"[{\"n\": 1}] x", &["stands behind the end of the list"]),
        ("a.json", b"[]", &["it has no rows"]),
        ("a.json", b"5", &["there is no JSON list here"]),
    ];
    let project = Project::new().workflow("twice", TWICE);
    for (name, bytes, said) in cases {
        std::fs::write(project.path(name), bytes).unwrap();
        let mut got = project.call(&["batch", "twice.yml", "--items", name]).is(2);
        for said in *said {
            got = got.says(said);
        }
    }
    assert_eq!(project.stead("runs --json").is(0).out, "", "nothing was run");
}

#[test]
fn what_is_wrong_with_the_words_is_told() {
    let project = Project::new().workflow("twice", TWICE).with("a.csv", "n\n1\n");
    for (words, said) in [
        ("batch none --items a.csv", "none"),
        ("batch ./none.yml --items a.csv", "none.yml"),
        ("batch twice.yml --items none.csv", "none.csv cannot be read"),
        ("batch twice.yml --items .", "it is a folder"),
        ("batch twice.yml --items a.csv --parallel 0", "0 is not in 1..=10000"),
        ("batch twice.yml --items a.csv --parallel 10001", "10001 is not in"),
        ("batch twice.yml", "--items"),
        ("batch twice.yml --items a.csv --key k", "there is no column `k`"),
        ("batch twice.yml --items a.csv --ignore m", "there is no column `m`"),
        ("batch twice.yml --items a.csv -i n=1", "`n` is a column, and given with -i as well"),
        ("batch twice.yml --items a.csv -i m=1", "`twice` has no input `m`"),
        ("batch twice.yml --items a.csv -i word:=1", "does not fit"),
        ("batch - --items -", "cannot both come from standard input"),
        ("batch twice.yml --sweep product", "a sweep needs values"),
        ("batch twice.yml --sweep product -i n=1:5:0", "has a step of 0"),
        ("batch twice.yml --sweep product -i n=1:5:-1", "leads away from its end"),
        ("batch twice.yml --sweep product -i n=0:1:0.5", "not whole"),
        ("batch twice.yml --sweep product -i n=1:2:3:4", "too many parts"),
        ("batch twice.yml --sweep product -i n=a:b", "not made of decimal numbers"),
        ("batch twice.yml --sweep product -i n=a", "`a` is no value of `n`"),
        ("batch twice.yml --sweep product -i n=1,9999", "greater than the maximum"),
        ("batch twice.yml --sweep product -i m=1", "has no input `m`"),
        ("batch twice.yml --sweep product -i word=a,b", "needs the input `n`"),
        ("batch twice.yml --sweep product -i n=1 -i n=2", "`n` is given twice"),
        ("batch twice.yml --sweep zip -i n=1,2,3 -i word=a,b", "`n` has 3 values, and `word` has 2"),
        ("batch twice.yml --sweep product -i n=0:4999 -i word:=[] ", "`word` has no value"),
    ] {
        project.stead(words.trim_end()).is(2).says(said);
    }
    assert_eq!(project.stead("runs --json").is(0).out, "", "nothing was run");
    project.workflow("one", "steps: [{ id: a, noop: 1 }]\n").stead("run one.yml").is(0);
}

#[test]
fn results_are_those_of_a_batch() {
    let project = Project::new().workflow("one", "steps: [{ id: a, noop: 1 }]\n");
    project.stead("run one.yml").is(0);
    project.stead("results @last").is(1).says("R0203").says("it is no batch");
    project.stead("results r_none").is(2).says("R0201");
}

#[test]
fn cells_are_read_by_the_types_of_inputs() {
    let body = "inputs:
  i: { type: integer, default: 5 }
  x: { type: number, default: 0 }
  b: { type: boolean, default: false }
  s: { type: string }
  d: { type: string, default: deflt }
  l: { type: array, default: [] }
  o: { type: object, default: {} }
  f: { type: file }
  all: { type: string }
steps:
  - { id: read, file: { read: '${{ inputs.f }}' } }
outputs: { row: '${{ [inputs.i, inputs.x, inputs.b, inputs.s, inputs.d, inputs.l, inputs.o, steps.read.output, inputs.all] }}' }
";
    let table = "\u{feff}i,x,b,s,d,l,o,f,extra\r\n1,2.5,true,\" a \",x,\"[1, \"\"a\"\"]\",\"{\"\"k\"\": 1}\",one.txt,\r\n,,,,,,,one.txt,\r\n-3,1e3,false,007,\"\",[],{},one.txt,z\r\n";
    let project = Project::new().workflow("types", body).with("rows.csv", table).with("one.txt", "text");
    let words = "batch types.yml --items rows.csv --ignore extra -i all=every";
    let got =
        project.stead(&format!("{words} --dry-run")).is(0).answers("3 runs of types").answers("\"one.txt\"");
    assert!(!project.path(".stead/files").exists(), "{}", got.out);
    project.stead(words).is(0);
    let rows: Vec<Value> = project.stead("results @last --format jsonl").is(0).lines();
    let rows: Vec<&Value> = rows.iter().map(|row| &row["outputs"]["row"]).collect();
    assert_eq!(rows[0], &json!([1, 2.5, true, " a ", "x", [1, "a"], {"k": 1}, "text", "every"]));
    assert_eq!(
        rows[1],
        &json!([5, 0, false, "", "deflt", [], {}, "text", "every"]),
        "what is empty is not given"
    );
    assert_eq!(rows[2], &json!([-3, 1000.0, false, "007", "", [], {}, "text", "every"]));
    let project = project.with("gone.csv", "s,f\na,one.txt\nb,gone.txt\n");
    project
        .stead("batch types.yml --items gone.csv -i all=x")
        .is(2)
        .says("gone.csv:3: the file of `f`")
        .says("gone.txt");
}

#[test]
fn sweeps_make_the_rows() {
    let body = "inputs:
  a: { type: integer }
  b: { type: number, default: 0 }
  c: { type: string, default: x }
  l: { type: array, default: [] }
steps: [{ id: s, set: { v: '${{ [inputs.a, inputs.b, inputs.c, inputs.l] }}' } }]
outputs: { v: '${{ steps.s.output.v }}' }
";
    let project = Project::new().workflow("sweep", body);
    let swept = |words: &[&str], said: &str| {
        project.call(&[&["batch", "sweep.yml", "--sweep"], words].concat()).is(0).says(said);
        let rows = project.stead("results @last --format jsonl").is(0).lines();
        rows.iter()
            .map(|row| (row["key"].as_str().unwrap().to_owned(), row["outputs"]["v"].clone()))
            .collect::<Vec<_>>()
    };
    let rows = swept(
        &["product", "-i", "a=1,2,1", "-i", "b=0:1:0.5", "-i", "c=fixed"],
        "6 runs of sweep; 3 combinations left out",
    );
    let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["a=1 b=0", "a=1 b=0.5", "a=1 b=1", "a=2 b=0", "a=2 b=0.5", "a=2 b=1"],
        "the last changes fastest"
    );
    assert_eq!(rows[5].1, json!([2, 1, "fixed", []]));
    let rows = swept(
        &["zip", "-i", "a=1,2,1,3", "-i", "c=p,q,p,r", "-i", "b=7"],
        "3 runs of sweep; 1 combination left out",
    );
    assert_eq!(
        rows.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>(),
        [json!([1, 7, "p", []]), json!([2, 7, "q", []]), json!([3, 7, "r", []]),]
    );
    // Counted in decimal: no 0.30000000000000004, and an end that is not met is left out.
    let rows = swept(&["product", "-i", "a=1", "-i", "b=0.1:0.45:0.1"], "4 runs of sweep");
    assert_eq!(
        rows.iter().map(|(_, v)| v[1].clone()).collect::<Vec<_>>(),
        [json!(0.1), json!(0.2), json!(0.3), json!(0.4)]
    );
    let rows = swept(
        &["product", "-i", "a=3:1:-1", "-i", "c:=[\"x,y\", \"z\"]", "-i", "l:=[[1],[2,3]]"],
        "12 runs of sweep",
    );
    assert_eq!(rows[0].1, json!([3, 0, "x,y", [1]]));
    assert_eq!(rows[11].1, json!([1, 0, "z", [2, 3]]));
    let rows = swept(&["product", "-i", "a=1", "-i", "l:=[1, 2]"], "1 run of sweep");
    assert_eq!(rows[0].1, json!([1, 0, "x", [1, 2]]), "a list that is one value");
}

#[test]
fn a_batch_takes_any_definition_that_can_be_run() {
    let body = "inputs: { n: { type: integer } }\nsteps: [{ id: s, set: { v: '${{ inputs.n + 1 }}' } }]\noutputs: { v: '${{ steps.s.output.v }}' }\n";
    let project = Project::new().with("rows.csv", "n\n1\n2\n");
    std::fs::create_dir_all(project.path("parts/deep")).unwrap();
    let outer = "stead: 1\nname: outer\ninputs: { n: { type: integer } }\nsteps: [{ id: in, workflow: { path: deep/inner.yml, inputs: { n: '${{ inputs.n }}' } } }]\noutputs: { v: '${{ steps.in.output.v }}' }\n";
    let outer = outer.replace("id: in,", "id: inner,").replace("steps.in.", "steps.inner.");
    let inner = format!("stead: 1\nname: inner\n{body}");
    let project = project.with("parts/outer.yml", &outer).with("parts/deep/inner.yml", &inner);
    let project = project.with("saved.yml", &format!("stead: 1\nname: saved\n{body}"));
    project.stead("save saved.yml").is(0);
    std::fs::remove_file(project.path("saved.yml")).unwrap();
    let absolute = project.path("parts/outer.yml").display().to_string();
    for word in ["parts/outer.yml", "saved", "saved@1", &absolute] {
        let got = project.call(&["batch", word, "--items", "rows.csv", "-o", "-"]).is(0);
        let values: Vec<&str> = got.out.lines().skip(1).map(|row| row.split(',').nth(5).unwrap()).collect();
        assert_eq!(values, ["2", "3"], "{word}: {}", got.out);
    }
    let text = format!("stead: 1\nname: inline\n{body}");
    let got = project.fed(&["batch", "-", "--items", "rows.csv"], &text).is(0);
    assert_eq!(got.json()["completed"], json!(2));
    // The table from standard input.
    let got = project.fed(&["batch", "saved", "--items", "-"], "{\"n\": 1}\n").is(0);
    assert_eq!(got.json()["completed"], json!(1));
    let broken = project.with("draft.yml", "stead: 1\nname: draft\nsteps: [{ id: a }]\n");
    broken.stead("batch draft.yml --items rows.csv").is(2).says("E0207");
    broken.stead("save draft.yml --draft").is(0);
    broken.stead("batch draft --items rows.csv").is(2).says("draft");
}

#[test]
fn the_example_ends_as_the_readme_shows() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let project = Project::new();
    for name in ["invoice.yml", "orders.csv"] {
        std::fs::copy(examples.join(name), project.path(name)).unwrap();
    }
    let words = "batch invoice.yml --items orders.csv --key order --on-error continue -o invoices.csv";
    let got = project.stead(words).is(0);
    assert_eq!(counts(&got), json!({"total": 5, "completed": 3, "failed": 2, "cancelled": 0}));
    let readme = include_str!("../../../../README.md");
    let shown = readme.split_once("$ cat invoices.csv\n").unwrap().1.split_once("$ stead").unwrap().0;
    assert_eq!(without_runs(&project.text("invoices.csv")), without_runs(shown.trim_end()));
    let sweep = "batch invoice.yml --sweep product -i customer=any -i price=40 -i quantity=1:9:4 -i tax=7,19";
    project.stead(sweep).is(0).says("6 runs of invoice");
}
