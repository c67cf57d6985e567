//! Batches of one calculation file: where the values come from.

use serde_json::{Value, json};
use stead_lang::import::{Imported, import};
use stead_lang::limits;
use stead_lang::tree::{ReadProblem, read};

fn made(value: &Value, table: &str) -> Imported {
    let text = json!({"file_path": "s.mcdx", "inputs": [{"alias": "a", "value": value}]}).to_string();
    let mut read = |path: &str| match path {
        "t.json" => Ok(text.clone()),
        "t.csv" => Ok(table.to_owned()),
        _ => Err(ReadProblem::NotFound),
    };
    import("t.json", None, &mut read).unwrap()
}

/// The values that an input has, or what is said of it.
fn values(value: &Value, table: &str) -> Result<Value, String> {
    let imported = made(value, table);
    let definition = read("t", &imported.yaml, &mut Vec::new()).unwrap().root().to_json().unwrap();
    match definition["inputs"]["a"].get("default") {
        Some(list) => Ok(list.clone()),
        None => Err(imported.report.text()),
    }
}

#[test]
fn import_of_a_batch_counts_ranges_without_what_adding_up_brings_in() {
    let range =
        |start: f64, end: f64, step: f64| values(&json!({"start": start, "end": end, "step": step}), "");
    assert_eq!(range(0.0, 1.0, 0.25), Ok(json!([0, 0.25, 0.5, 0.75, 1])));
    assert_eq!(range(0.1, 0.5, 0.1), Ok(json!([0.1, 0.2, 0.3, 0.4, 0.5])));
    // An end that no step meets is left out.
    assert_eq!(range(0.0, 10.0, 4.0), Ok(json!([0, 4, 8])));
    assert_eq!(range(3.0, -3.0, -2.0), Ok(json!([3, 1, -1, -3])));
    assert!(range(0.0, 1.0, 0.0).unwrap_err().contains("a step of 0 leads nowhere"));
    assert!(range(0.0, 1.0, -1.0).unwrap_err().contains("leads away"));
    assert_eq!(values(&json!({"start": 1, "end": 3}), ""), Ok(json!([1, 2, 3])));
}

#[test]
fn import_of_a_batch_reads_columns_of_tables() {
    let column = |name: &str, table: &str| values(&json!({"csv": "t.csv", "column": name}), table);
    let table = "\u{feff}n,\"the, load\",t\r\n1,\"2.50\",\"a \"\"b\"\"\nc\"\r\n\r\n2,7,x\r\n";
    assert_eq!(column("the, load", table), Ok(json!([2.5, 7])));
    assert_eq!(column("t", table), Ok(json!(["a \"b\"\nc", "x"])));
    assert!(column("laod", "load\n1\n").unwrap_err().contains("it has no column `laod`; there is `load`"));
    assert!(column("a", "a\n\"1\n").unwrap_err().contains("a quote of line 2 is not closed"));
    assert!(column("a", "a\n").unwrap_err().contains("it has no rows"));
    assert!(column("a", "").unwrap_err().contains("it is empty"));
    let gone = values(&json!({"csv": "none.csv", "column": "a"}), "");
    assert!(gone.unwrap_err().contains("`none.csv` cannot be read: there is no such file"));
}

#[test]
fn p11_import_of_batches_is_bounded() {
    let most = limits::IMPORT_VALUES;
    let range = |count: usize| values(&json!({"start": 1, "end": count}), "");
    assert_eq!(range(most).unwrap().as_array().unwrap().len(), most);
    assert!(range(most + 1).unwrap_err().contains("10001 values are more than the 10000"));
    for (start, end, step) in [(0.0, 1e308, 1e-300), (-1e308, 1e308, 1.0)] {
        let said = values(&json!({"start": start, "end": end, "step": step}), "").unwrap_err();
        assert!(said.contains("more than the 10000"), "{said}");
    }
    let table = format!("a\n{}", "1\n".repeat(most + 1));
    let said = values(&json!({"csv": "t.csv", "column": "a"}), &table).unwrap_err();
    assert!(
        said.contains("more than the 10000 values") && said.contains("stead batch FILE --items t.csv"),
        "{said}"
    );
}
