use super::*;

const DAY: Time = 24 * 3_600 * 1_000;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    home.make().unwrap();
    (folder, home)
}

fn upload(home: &Home, bytes: &[u8], by: &str) -> Result<FileRow, EngineError> {
    let mut staged = Staged::begin(home).unwrap();
    staged.write(bytes).unwrap();
    let (hash, size) = staged.finish().unwrap();
    let file = FileRow { hash, name: "a.txt".into(), size, kind: "text/plain".into() };
    keep(home, &staged.name(), &file, by).map(|()| file)
}

/// Names in the folder, without what is on its way.
fn names(home: &Home) -> Vec<String> {
    let all = fs::read_dir(home.uploads()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut all: Vec<String> = all.map(|name| name.to_string_lossy().into_owned()).collect();
    all.retain(|name| name != "tmp");
    all.sort();
    all
}

#[test]
fn what_is_uploaded_is_ones_own_until_its_time_is_over() {
    let (_folder, home) = home();
    let one = upload(&home, b"one", "user:ana").unwrap();
    assert_eq!(one.hash, blake3::hash(b"one").to_hex().as_str());
    let (file, path) = of(&home, &one.hash, "user:ana").unwrap();
    assert_eq!((file, fs::read(&path).unwrap()), (one.clone(), b"one".to_vec()));
    assert_eq!(of(&home, &one.hash, "user:bo"), None);
    // The same bytes are there once, for both.
    upload(&home, b"one", "user:bo").unwrap();
    assert_eq!(names(&home).len(), 3);
    assert!(of(&home, &one.hash, "user:bo").is_some());
    for wrong in ["", "../files", &"g".repeat(64), &one.hash[1..]] {
        assert_eq!(of(&home, wrong, "user:ana"), None, "{wrong}");
    }
    // Of what was uploaded again only the last time counts.
    sweep(&home, now() + DAY - 60_000).unwrap();
    assert_eq!(names(&home).len(), 3);
    sweep(&home, now() + DAY + 60_000).unwrap();
    assert!(names(&home).is_empty(), "{:?}", names(&home));
}

#[test]
fn what_a_crash_leaves_half_written_is_removed() {
    let (_folder, home) = home();
    begin(&home).unwrap();
    let mut staged = Staged::begin(&home).unwrap();
    staged.write(b"half").unwrap();
    // As by a kill: nothing is dropped.
    std::mem::forget(staged);
    let left = || fs::read_dir(home.uploads().join("tmp")).unwrap().count();
    drop(Staged::begin(&home).unwrap());
    assert_eq!(left(), 1, "what is dropped leaves nothing");
    // Bytes whose note was not written yet are nobody's.
    fs::write(home.uploads().join("0".repeat(64)), b"x").unwrap();
    begin(&home).unwrap();
    assert_eq!((left(), names(&home).len()), (0, 0));
}

#[test]
fn p11_what_waits_for_a_run_is_bounded() {
    let (_folder, home) = home();
    let note = |n: usize, size: u64| {
        let file = FileRow { hash: format!("{n:064}"), name: "a".into(), size, kind: String::new() };
        let at = home.uploads().join(format!("{}.{}", file.hash, mark("user:ana")));
        let note = Note { file, by: "user:ana".into(), at: now() };
        fs::write(at, serde_json::to_vec(&note).unwrap()).unwrap();
    };
    upload(&home, b"first", "user:ana").unwrap();
    for n in 1..limits::UPLOADS {
        note(n, 1);
    }
    let refused = upload(&home, b"one more", "user:ana").unwrap_err();
    assert!(matches!(refused, EngineError::UploadsMany { files: limits::UPLOADS, .. }), "{refused:?}");
    upload(&home, b"first", "user:ana").unwrap();
    upload(&home, b"another's", "user:bo").unwrap();
    assert_eq!(fs::read_dir(home.uploads().join("tmp")).unwrap().count(), 0, "nothing is left of it");
    for n in 1..limits::UPLOADS {
        fs::remove_file(home.uploads().join(format!("{n:064}.{}", mark("user:ana")))).unwrap();
    }
    note(1, limits::UPLOADED_BYTES - 6);
    upload(&home, b"1", "user:ana").unwrap();
    assert!(matches!(upload(&home, b"2", "user:ana"), Err(EngineError::UploadsMany { files: 3, .. })));
}

#[test]
fn p11_names_of_files_are_one_name_and_bounded() {
    let check = |name: &str, kind: &str| {
        FileRow { hash: String::new(), name: name.into(), size: 0, kind: kind.into() }.check().is_ok()
    };
    let long = "n".repeat(limits::UPLOAD_NAME);
    assert!(check(&long, &long) && check("größe (1).csv", "") && check("..a", "text/plain; charset=utf-8"));
    for wrong in ["", ".", "..", "a/b", "a\\b", "a\nb", &format!("{long}n")] {
        assert!(!check(wrong, ""), "{wrong}");
    }
    assert!(!check("a", &format!("{long}n")) && !check("a", "a\nb"));
}
