//! `STEAD_OUTPUT`.

use std::io;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::executor::{FileTaker, TakenFile};

#[derive(Default)]
struct Shelf(Mutex<Vec<Vec<u8>>>);

impl FileTaker for Shelf {
    fn take(&self, file: &Path) -> io::Result<TakenFile> {
        let bytes = std::fs::read(file)?;
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let size = bytes.len() as u64;
        self.0.lock().unwrap().push(bytes);
        Ok(TakenFile { path: Path::new("/kept").join(&hash), hash, size })
    }
}

fn write(bench: &Bench, what: &str) -> AttemptResult {
    bench.run(json!({"script": {"text": "cat >$STEAD_OUTPUT"}, "stdin": what}))
}

#[test]
fn an_object_becomes_the_values() {
    let bench = Bench::new();
    assert_eq!(write(&bench, "{\"a\": [1]}\n").values, Some(json!({"a": [1]})));
    assert_eq!(bench.script("true").values, None);
    assert_eq!(bench.script(": >$STEAD_OUTPUT").values, None);
    assert_eq!(bench.script("echo '{}' >$STEAD_OUTPUT; exit 1").values, None);
}

#[test]
fn anything_else_is_an_error() {
    let mut bench = Bench::new();
    bench.limits.values = 1000;
    for (what, part) in [
        ("[1]".to_owned(), "JSON that is no object"),
        (
            "{\"a\": }".to_owned(),
            "STEAD_OUTPUT is not JSON: expected value at line 1, column 7: {\"a\": ⟨here⟩}",
        ),
        (format!("{{\"a\": \"{}\"}}", "x".repeat(1000)), "larger than 1000 bytes"),
    ] {
        let message = error(write(&bench, &what), ErrorKind::Schema);
        assert!(message.contains(part), "{message}");
    }
    for script in ["mkdir $STEAD_OUTPUT", "mkfifo $STEAD_OUTPUT"] {
        assert!(error(bench.script(script), ErrorKind::Schema).contains("not a file any more"), "{script}");
    }
}

#[test]
fn files_are_kept_by_hash() {
    let bench = Bench::new();
    let shelf = Arc::new(Shelf::default());
    let executor = bench.executor().with_files(Arc::clone(&shelf) as _);
    let script = "mkdir sub; printf abc >'sub/a b'; printf x >$STEAD_DIR/x; cat >$STEAD_OUTPUT <<END\n\
                  {\"one\": {\"file\": \"a b\"}, \"many\": [{\"file\": \"$STEAD_DIR/x\"}], \"not\": {\"file\": \"a b\", \"b\": 1}}\nEND\n\
                  mv 'sub/a b' .";
    let result =
        executor.perform(&bench.job(json!({"script": {"text": script}})), &bench.place(), &bench.switch);
    assert_eq!(result.error, None);
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let (abc, x) = (hash(b"abc"), hash(b"x"));
    assert_eq!(
        result.values.unwrap(),
        json!({
            "one": {"path": format!("/kept/{abc}"), "name": "a b", "hash": abc, "size": 3},
            "many": [{"path": format!("/kept/{x}"), "name": "x", "hash": x, "size": 1}],
            "not": {"file": "a b", "b": 1},
        })
    );
    assert_eq!(*shelf.0.lock().unwrap(), [b"abc".to_vec(), b"x".to_vec()]);
}

#[test]
fn files_that_cannot_be_kept_are_named() {
    let mut bench = Bench::new();
    bench.limits.values_files = 2;
    std::fs::write(bench.project().join("f"), "").unwrap();
    let many: Vec<Value> = (0..3).map(|_| json!({"file": "f"})).collect();
    let shelf: Arc<dyn FileTaker> = Arc::new(Shelf::default());
    for (values, part) in [
        (
            json!({"a": {"file": "gone"}}),
            "the file `gone` that STEAD_OUTPUT names cannot be read: No such file",
        ),
        (json!({"a": {"file": "."}}), "is no file"),
        (json!({"a": many}), "names more than 2 files"),
    ] {
        let job = bench.job(json!({"script": {"text": "cat >$STEAD_OUTPUT"}, "stdin": values}));
        let result =
            bench.executor().with_files(Arc::clone(&shelf)).perform(&job, &bench.place(), &bench.switch);
        let message = error(result, ErrorKind::Schema);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn without_another_store_files_go_to_the_home() {
    let bench = Bench::new();
    stead_store::files::FileStore::open(&bench.place().files).unwrap();
    let result = bench.script("echo abc >f; echo '{\"a\": {\"file\": \"f\"}}' >$STEAD_OUTPUT");
    let values = result.values.unwrap();
    assert_eq!(std::fs::read(values["a"]["path"].as_str().unwrap()).unwrap(), b"abc\n");
    assert_eq!((&values["a"]["name"], &values["a"]["size"]), (&json!("f"), &json!(4)));
}
