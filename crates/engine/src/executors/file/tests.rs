//! Real files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use stead_core::effect::{AttemptId, AttemptResult, EndReason, ErrorKind, Execute};
use stead_core::ids::StreamId;
use stead_store::files::FileStore;

use super::FileExecutor;
use crate::executor::{EndSwitch, Executor, Place};
use crate::limits::{FILE_DEPTH, FileLimits};

/// A project with a home in it, beside a folder that is none of its business.
struct Bench {
    around: tempfile::TempDir,
    limits: FileLimits,
    again: bool,
    switch: EndSwitch,
}

impl Bench {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        fs::create_dir_all(around.path().join("project/.stead")).unwrap();
        FileStore::open(&around.path().join("project/.stead/files")).unwrap();
        fs::create_dir(around.path().join("outside")).unwrap();
        fs::write(around.path().join("outside/secret"), "outside").unwrap();
        Self { around, limits: FileLimits::default(), again: false, switch: EndSwitch::new().unwrap() }
    }

    fn project(&self) -> PathBuf {
        self.around.path().join("project")
    }

    fn outside(&self) -> PathBuf {
        self.around.path().join("outside")
    }

    fn files(&self) -> PathBuf {
        self.project().join(".stead/files")
    }

    fn give(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.project().join(name).symlink_metadata().is_ok()
    }

    fn run(&self, request: Value) -> AttemptResult {
        let result = self.perform(request);
        let left = names(&self.project()).into_iter().find(|name| name.contains(".stead-"));
        assert_eq!(left, None, "nothing half written stays");
        self.check_outside();
        result
    }

    fn check_outside(&self) {
        assert_eq!(names(&self.outside()), ["secret"], "nothing happens outside");
        assert_eq!(fs::read_to_string(self.outside().join("secret")).unwrap(), "outside");
    }

    fn perform(&self, request: Value) -> AttemptResult {
        let attempt = AttemptId { stream: StreamId::new("r_1"), path: "step".to_owned(), number: 1 };
        let place = Place {
            project: self.project(),
            dir: self.around.path().join("none"),
            log: self.around.path().join("log"),
            files: self.files(),
            lent: None,
            trace: None,
        };
        let job = Execute {
            attempt,
            executor: "file".to_owned(),
            request,
            secrets: Vec::new(),
            key: "r_1/step".to_owned(),
            once: false,
            again: self.again,
        };
        FileExecutor::with_limits(self.limits).perform(&job, &place, &self.switch)
    }

    fn gives(&self, request: Value) -> Value {
        let result = self.run(request);
        assert_eq!(result.error, None);
        result.output.unwrap()
    }

    fn fails(&self, request: Value, kind: ErrorKind, part: &str) {
        let error = self.run(request).error.unwrap_or_else(|| panic!("no `{part}`: it did not fail"));
        assert_eq!(error.kind, kind, "{}", error.message);
        assert!(error.message.contains(part), "no `{part}` in `{}`", error.message);
    }

    fn refuses(&self, request: Value, part: &str) {
        self.fails(request, ErrorKind::Exit, part);
    }
}

/// All names in a folder and below.
fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() && name != ".stead" {
            found.extend(names(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_written_is_read() {
    let bench = Bench::new();
    for (write, parse, read) in [
        (json!({"content": " text\r\nas it is\n"}), "text", json!(" text\r\nas it is\n")),
        (json!({"content": {"b": [1, "ä"], "a": null}}), "json", json!({"b": [1, "ä"], "a": null})),
        (json!({"content": {"b": [1]}}), "text", json!(r#"{"b":[1]}"#)),
        (json!({"content": null}), "text", json!("null")),
        (json!({"content": "a\nb\r\n\n"}), "lines", json!(["a", "b", ""])),
        (json!({"content": ""}), "lines", json!([])),
        (json!({"base64": "/wA=\n"}), "base64", json!("/wA=")),
        (json!({"content": "\u{feff}[1]"}), "json", json!([1])),
    ] {
        let mut request = write.clone();
        request["write"] = json!("out/deep/file");
        let made = bench.gives(request);
        assert_eq!(made["path"], "out/deep/file");
        assert_eq!(made["name"], "file");
        assert_eq!(made["size"], fs::metadata(bench.project().join("out/deep/file")).unwrap().len());
        assert_eq!(bench.gives(json!({"read": "out/deep/file", "parse": parse})), read, "{write}");
    }
}

#[test]
fn content_that_does_not_parse_is_of_kind_schema() {
    let bench = Bench::new();
    bench.give("bytes", b"ab\xff");
    bench.give("words", "{\"a\": nope}");
    let bytes = |parse: &str| json!({"read": "bytes", "parse": parse});
    bench.fails(bytes("text"), ErrorKind::Schema, "`bytes` is no UTF-8 text (at byte 2): read it by");
    bench.fails(bytes("lines"), ErrorKind::Schema, "no UTF-8 text");
    bench.fails(json!({"read": "words", "parse": "json"}), ErrorKind::Schema, "`words` is not JSON");
    bench.fails(json!({"write": "x", "base64": "?"}), ErrorKind::Schema, "not base64");
    assert!(!bench.has("x"));
}

#[test]
fn a_file_goes_into_the_files_by_hash_and_out_again() {
    let bench = Bench::new();
    bench.give("a.txt", "hello");
    let kept = bench.gives(json!({"read": "a.txt", "parse": "file"}));
    assert_eq!((&kept["name"], &kept["size"]), (&json!("a.txt"), &json!(5)));
    assert_eq!(kept["hash"], blake3::hash(b"hello").to_hex().as_str());
    assert!(Path::new(kept["path"].as_str().unwrap()).starts_with(bench.files()));
    fs::remove_file(bench.project().join("a.txt")).unwrap();
    assert_eq!(
        bench.gives(json!({"copy": kept, "to": "b/c.txt"})),
        json!({"path": "b/c.txt", "name": "c.txt", "size": 5})
    );
    assert_eq!(bench.text("b/c.txt"), "hello");
    assert_eq!(bench.gives(json!({"read": kept, "parse": "text"})), json!("hello"));
    assert_eq!(bench.gives(json!({"read": kept, "parse": "file"})), kept);
    // What is kept may be read only, and the copy is like any new file.
    assert_ne!(fs::metadata(bench.project().join("b/c.txt")).unwrap().permissions().mode() & 0o200, 0);

    let path = PathBuf::from(kept["path"].as_str().unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, "HELLO").unwrap();
    bench.refuses(json!({"copy": kept, "to": "b/c.txt"}), "it was damaged");
    assert_eq!(bench.text("b/c.txt"), "hello", "what was there stays");
    fs::remove_file(&path).unwrap();
    bench.refuses(json!({"copy": kept, "to": "d"}), kept["hash"].as_str().unwrap());
    for hash in ["../../secret", "", "ab"] {
        bench.refuses(json!({"copy": {"hash": hash}, "to": "d"}), "no file is kept under");
    }
}

#[test]
fn permissions_stay_or_are_copied() {
    let bench = Bench::new();
    let mode = |name: &str| fs::metadata(bench.project().join(name)).unwrap().permissions().mode() & 0o777;
    bench.give("run.sh", "old");
    fs::set_permissions(bench.project().join("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    bench.gives(json!({"write": "run.sh", "content": "new"}));
    assert_eq!((mode("run.sh"), bench.text("run.sh")), (0o750, "new".to_owned()));
    bench.gives(json!({"copy": "run.sh", "to": "copy.sh"}));
    assert_eq!(mode("copy.sh") & 0o700, 0o700);
    bench.give("plain", "");
    fs::set_permissions(bench.project().join("plain"), fs::Permissions::from_mode(0o600)).unwrap();
    bench.gives(json!({"copy": "run.sh", "to": "plain"}));
    assert_eq!((mode("plain"), bench.text("plain")), (0o600, "new".to_owned()));
}

#[test]
fn each_act_can_be_repeated() {
    let mut bench = Bench::new();
    bench.give("a", "1");
    let (write, copy) = (json!({"write": "w", "content": "x"}), json!({"copy": "a", "to": "c"}));
    let (rename, delete) = (json!({"move": "a", "to": "m"}), json!({"delete": ["c", "w"]}));
    for request in [write, copy, rename, delete] {
        bench.again = false;
        let first = bench.gives(request.clone());
        bench.again = true;
        assert_eq!(bench.gives(request.clone()), first, "{request}");
    }
    assert_eq!((bench.has("a"), bench.text("m")), (false, "1".to_owned()));
    assert!(!bench.has("c") && !bench.has("w"));
}

#[test]
fn a_move_without_a_source_is_done_only_when_a_try_was_lost() {
    let mut bench = Bench::new();
    bench.give("target", "from before");
    bench.refuses(json!({"move": "gone", "to": "target"}), "`target` is there already");
    bench.again = true;
    assert_eq!(bench.gives(json!({"move": "gone", "to": "target"}))["size"], 11);
    bench.refuses(json!({"move": "gone", "to": "nowhere"}), "there is no `gone` to be moved");
}

#[test]
fn a_move_takes_files_folders_and_links_as_they_are() {
    let bench = Bench::new();
    bench.give("dir/a", "1");
    bench.gives(json!({"move": "dir", "to": "new/dir"}));
    assert_eq!(bench.text("new/dir/a"), "1");
    symlink(bench.outside().join("secret"), bench.project().join("link")).unwrap();
    bench.gives(json!({"move": "link", "to": "new/link"}));
    assert!(bench.project().join("new/link").is_symlink());
    bench.give("file", "2");
    bench.refuses(json!({"move": "file", "to": "new"}), "cannot be moved");
    bench.refuses(json!({"move": "new", "to": "new/dir/below"}), "cannot be moved");
    bench.gives(json!({"move": "file", "to": "new/dir/a"}));
    assert_eq!(bench.text("new/dir/a"), "2");
}

#[test]
fn a_delete_removes_what_it_names_and_nothing_else() {
    let bench = Bench::new();
    for name in ["a", "b", "dir/inner"] {
        bench.give(name, "");
    }
    bench.refuses(json!({"delete": ["a", "dir", "b"]}), "`dir` is a folder");
    bench.refuses(json!({"delete": ["a", "*.o"]}), "takes no patterns");
    assert!(bench.has("a") && bench.has("b") && bench.has("dir/inner"), "all are looked at first");
    assert_eq!(bench.gives(json!({"delete": ["a", "gone", "no/such/folder", "b"]})), Value::Null);
    assert!(!bench.has("a") && !bench.has("b"));
    // The link goes, and what it leads to stays.
    symlink(bench.outside().join("secret"), bench.project().join("link")).unwrap();
    bench.give("who?", "");
    bench.gives(json!({"delete": ["link", "who?"]}));
    assert!(!bench.has("link") && !bench.has("who?"));
}

#[test]
fn no_path_leads_out_of_the_project() {
    let bench = Bench::new();
    bench.give("in", "in");
    fs::create_dir(bench.project().join("sub")).unwrap();
    let link = |to: &Path, name: &str| symlink(to, bench.project().join(name)).unwrap();
    link(&bench.outside(), "away");
    link(Path::new("../outside"), "climbs");
    link(Path::new("../../outside/secret"), "sub/file");
    link(Path::new("away"), "chain");
    link(&bench.outside().join("made"), "dangling");
    let absolute = bench.outside().join("secret");
    let absolute = absolute.to_str().unwrap();
    let beside = format!("{}-beside/x", bench.project().display());
    for path in [
        "../outside/secret",
        "sub/../../outside/secret",
        "away/secret",
        "climbs/secret",
        "chain/secret",
        "sub/file",
        "dangling",
        "/etc/hostname",
        "..",
        absolute,
        &beside,
    ] {
        let out = "leads out of the project's folder";
        bench.refuses(json!({"read": path, "parse": "text"}), out);
        bench.refuses(json!({"write": path, "content": "x"}), out);
        bench.refuses(json!({"copy": path, "to": "stolen"}), out);
        bench.refuses(json!({"copy": "in", "to": path}), out);
        if !matches!(path, "sub/file" | "dangling") {
            bench.refuses(json!({"move": path, "to": "stolen"}), out);
            bench.refuses(json!({"move": "in", "to": path}), out);
            bench.refuses(json!({"delete": [path]}), out);
        }
    }
    assert!(!bench.has("stolen") && bench.has("in"));
}

#[test]
fn links_and_absolute_paths_inside_are_followed() {
    let bench = Bench::new();
    bench.give("real/deep/a", "1");
    symlink("real/deep", bench.project().join("relative")).unwrap();
    symlink(bench.project().join("real"), bench.project().join("absolute")).unwrap();
    symlink("../deep/a", bench.project().join("real/deep/self")).unwrap();
    let whole = bench.project().join("real/deep/a");
    for path in
        ["relative/a", "absolute/deep/a", "relative/self", "./real//deep/../deep/a", whole.to_str().unwrap()]
    {
        assert_eq!(bench.gives(json!({"read": path, "parse": "text"})), json!("1"), "{path}");
    }
    let made = bench.gives(json!({"write": "relative/self", "content": "2"}));
    assert_eq!(made["path"], "real/deep/a", "written through the link");
    assert!(bench.project().join("real/deep/self").is_symlink());
    assert_eq!(bench.text("real/deep/a"), "2");
    // Above the project there may be links as well.
    let alias = bench.around.path().join("alias");
    symlink(bench.project(), &alias).unwrap();
    let place = Place {
        project: alias.clone(),
        dir: PathBuf::new(),
        log: PathBuf::new(),
        files: bench.files(),
        lent: None,
        trace: None,
    };
    let root = super::Root::open(&place.project, None).unwrap();
    for path in [alias.join("real/deep/a"), whole] {
        assert!(root.find(path.to_str().unwrap(), super::Take::Existing).is_ok(), "{}", path.display());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_is_swapped_for_a_link_leads_nowhere() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let bench = Bench::new();
    let project = bench.project();
    fs::create_dir(project.join("dir")).unwrap();
    symlink(bench.outside(), project.join("trap")).unwrap();
    let over = AtomicBool::new(false);
    let (swapper, over) = (project, &over);
    let (written, refused) = std::thread::scope(|scope| {
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // `dir` is the folder and the link in turns, and never missing.
                let (dir, trap) = (swapper.join("dir"), swapper.join("trap"));
                let _ = renameat_with(CWD, dir, CWD, trap, RenameFlags::EXCHANGE);
            }
        });
        let (mut written, mut refused) = (0, 0);
        // Both are met sooner or later; nothing is asserted in here, or the other thread would not end.
        for _ in 0..100_000 {
            let error = bench.perform(json!({"write": "dir/x", "content": "y"})).error;
            written += u32::from(error.is_none());
            refused += u32::from(error.is_some_and(|error| error.message.contains("leads out")));
            let _ = bench.perform(json!({"delete": ["dir/secret"]}));
            if written >= 100 && refused >= 100 {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        (written, refused)
    });
    bench.check_outside();
    assert!(written > 0 && refused > 0, "{written} written, {refused} refused");
}

#[test]
fn the_home_of_the_engine_is_touched_by_no_step() {
    let bench = Bench::new();
    bench.give(".stead/stead.db", "runs");
    symlink(".stead", bench.project().join("alias")).unwrap();
    for request in [
        json!({"read": ".stead/stead.db", "parse": "text"}),
        json!({"write": "alias/stead.db", "content": ""}),
        json!({"move": ".stead", "to": "elsewhere"}),
        json!({"delete": [".stead/stead.db"]}),
    ] {
        bench.refuses(request, "where Stead keeps its runs");
    }
    assert_eq!(bench.text(".stead/stead.db"), "runs");
}

#[test]
fn what_is_no_file_is_refused_and_holds_nobody_up() {
    let bench = Bench::new();
    fs::create_dir(bench.project().join("dir")).unwrap();
    bench.give("file", "");
    let made = std::process::Command::new("mkfifo").arg(bench.project().join("pipe")).status().unwrap();
    assert!(made.success());
    for (request, part) in [
        (json!({"read": "dir", "parse": "text"}), "is a folder"),
        (json!({"read": "pipe", "parse": "text"}), "no regular file"),
        (json!({"read": "gone", "parse": "text"}), "there is no `gone`"),
        (json!({"read": "gone/deeper", "parse": "text"}), "there is no `gone/deeper`"),
        (json!({"read": "file/deeper", "parse": "text"}), "is no folder"),
        (json!({"read": "", "parse": "text"}), "is no path"),
        (json!({"read": ".", "parse": "text"}), "names a folder"),
        (json!({"read": "a\u{0}b", "parse": "text"}), "is no path"),
        (json!({"write": "dir", "content": ""}), "`dir` cannot be written: is a folder"),
        (json!({"write": "new/", "content": ""}), "name the file, too"),
        (json!({"write": "pipe", "content": ""}), "no regular file"),
        (json!({"write": "file/deeper", "content": ""}), "is no folder"),
        (json!({"copy": "dir", "to": "x"}), "is a folder"),
        (json!({"copy": {"size": 1}, "to": "x"}), "is a path, or a file by hash"),
    ] {
        bench.refuses(request, part);
    }
}

#[test]
fn every_bound_holds() {
    let mut bench = Bench::new();
    bench.limits = FileLimits { read: 10, file: 20 };
    bench.give("eleven", "12345678901");
    bench.give("large", "x".repeat(21));
    bench.give("old", "old");
    bench.refuses(json!({"read": "eleven", "parse": "text"}), "larger than 10 bytes: take it as a file");
    bench.gives(json!({"read": "eleven", "parse": "file"}));
    bench.refuses(json!({"read": "large", "parse": "file"}), "larger than 20 bytes");
    bench.refuses(json!({"write": "old", "content": "x".repeat(21)}), "would be larger than 20 bytes");
    bench.refuses(json!({"copy": "large", "to": "old"}), "would be larger than 20 bytes");
    assert_eq!(bench.text("old"), "old");

    let deep = "d/".repeat(FILE_DEPTH + 1) + "x";
    bench.refuses(json!({"write": deep, "content": ""}), "leads through more than 64 folders");
    symlink("ring", bench.project().join("ring")).unwrap();
    bench.refuses(json!({"read": "ring", "parse": "text"}), "too many links");
    let name = "n".repeat(300);
    bench.refuses(json!({"write": name, "content": ""}), "cannot be");
}

#[test]
fn an_attempt_that_is_to_end_leaves_the_old_file() {
    let bench = Bench::new();
    bench.give("old", "old");
    bench.switch.end(EndReason::Timeout);
    bench.fails(json!({"write": "old", "content": "new"}), ErrorKind::Timeout, "");
    assert_eq!(bench.text("old"), "old");
}

#[test]
fn what_a_crash_left_half_written_is_replaced() {
    let bench = Bench::new();
    let hash = blake3::hash(b"r_1/step").to_hex();
    bench.give(&format!(".stead-{}.tmp", &hash[..16]), "half of it");
    bench.gives(json!({"write": "new", "content": "whole"}));
    assert_eq!(bench.text("new"), "whole");
}
