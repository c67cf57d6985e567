//! Files by hash.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use common::folder;
use stead_store::files::{FileRef, FileStore};
use tempfile::TempDir;

fn store() -> (TempDir, FileStore) {
    let folder = folder();
    let store = FileStore::open(&folder.path().join("files")).unwrap();
    (folder, store)
}

fn left_in_tmp(folder: &TempDir) -> usize {
    fs::read_dir(folder.path().join("files/tmp")).unwrap().count()
}

/// Another content for a file that is read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_is_kept_under_its_hash_and_read_only() {
    let (folder, store) = store();
    for bytes in [&b""[..], b"hello", &[7; 200_000]] {
        let file = store.put(bytes).unwrap();
        let hash = blake3::hash(bytes).to_hex().to_string();
        assert_eq!(file, FileRef { hash: hash.clone(), size: bytes.len() as u64 });
        let path = folder.path().join("files").join(&hash[..2]).join(&hash[2..]);
        assert_eq!(store.path(&hash).unwrap(), path);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
        assert_eq!(store.get(&hash).unwrap(), bytes);
        assert_eq!(store.verify(&hash).unwrap(), file);
    }
    assert_eq!(store.list().unwrap().len(), 3);
    assert_eq!(left_in_tmp(&folder), 0);
}

#[test]
fn a_copy_of_a_file_has_the_hash_of_its_bytes() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::write(&source, vec![3; 300_001]).unwrap();
    assert_eq!(store.put_path(&source).unwrap(), store.put(&vec![3; 300_001]).unwrap());
    assert!(source.exists());
    assert_eq!(store.put_path(&folder.path().join("none")).unwrap_err().code(), "S0401");
    assert!(store.put_path(folder.path()).is_err(), "a folder is not a file");
    assert_eq!(left_in_tmp(&folder), 0);
}

#[test]
fn the_same_bytes_are_written_once() {
    let (folder, store) = store();
    let file = store.put(b"once").unwrap();
    let inode = fs::metadata(store.path(&file.hash).unwrap()).unwrap().ino();
    assert_eq!(store.put(b"once").unwrap(), file);
    assert_eq!(fs::metadata(store.path(&file.hash).unwrap()).unwrap().ino(), inode);
    let mut batch = store.batch();
    assert_eq!(batch.put(b"once").unwrap(), file);
    assert_eq!(batch.put(b"twice").unwrap(), batch.put(b"twice").unwrap());
    batch.finish().unwrap();
    assert_eq!(store.list().unwrap().len(), 2);
    assert_eq!(left_in_tmp(&folder), 0);
}

#[test]
fn a_file_of_a_batch_counts_when_the_batch_is_finished() {
    let (folder, store) = store();
    let mut batch = store.batch();
    let files: Vec<FileRef> = (0..300).map(|number: u32| batch.put(&number.to_le_bytes()).unwrap()).collect();
    assert!(store.list().unwrap().is_empty());
    assert_eq!(store.get(&files[0].hash).unwrap_err().code(), "S0501");
    batch.finish().unwrap();
    assert_eq!(store.list().unwrap().len(), 300);
    for file in &files {
        store.verify(&file.hash).unwrap();
    }
    let mut given_up = store.batch();
    given_up.put(b"given up").unwrap();
    assert_eq!(left_in_tmp(&folder), 1);
    drop(given_up);
    assert_eq!(left_in_tmp(&folder), 0);
    assert_eq!(store.list().unwrap().len(), 300);
}

#[test]
fn a_changed_file_is_noticed_and_put_right_by_the_next_put() {
    let (_folder, store) = store();
    let file = store.put(b"original").unwrap();
    overwrite(&store.path(&file.hash).unwrap(), b"0riginal");
    assert_eq!(store.get(&file.hash).unwrap_err().code(), "S0502");
    assert_eq!(store.verify(&file.hash).unwrap_err().code(), "S0502");
    // One of another length is known to be damaged without reading it.
    overwrite(&store.path(&file.hash).unwrap(), b"orig");
    assert_eq!(store.put(b"original").unwrap(), file);
    assert_eq!(store.get(&file.hash).unwrap(), b"original");
}

#[test]
fn what_a_crash_left_is_removed_by_the_next_start() {
    let (folder, store) = store();
    let file = store.put(b"kept").unwrap();
    fs::write(folder.path().join("files/tmp/99-0"), "half").unwrap();
    let attached = FileStore::attach(&folder.path().join("files"));
    assert_eq!(attached.get(&file.hash).unwrap(), b"kept");
    assert_eq!(left_in_tmp(&folder), 1);
    let store = FileStore::open(&folder.path().join("files")).unwrap();
    assert_eq!(left_in_tmp(&folder), 0);
    assert_eq!(store.get(&file.hash).unwrap(), b"kept");
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let (folder, store) = store();
    fs::write(folder.path().join("secret"), "x").unwrap();
    let hash = store.put(b"x").unwrap().hash;
    let upper = hash.to_uppercase();
    for wrong in ["", "ab", "../secret", &format!("../{}", &hash[..61]), &upper, &format!("{hash}0"), "ä"] {
        assert_eq!(store.get(wrong).unwrap_err().code(), "S0501", "{wrong}");
        assert_eq!(store.path(wrong).unwrap_err().code(), "S0501", "{wrong}");
        assert_eq!(store.remove(wrong).unwrap_err().code(), "S0501", "{wrong}");
    }
    store.remove(&hash).unwrap();
    assert_eq!(store.get(&hash).unwrap_err().code(), "S0501");
}

#[test]
fn threads_put_at_the_same_time() {
    let (folder, store) = store();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..20u32 {
                    store.put(&number.to_le_bytes()).unwrap();
                    store.put(&[thread, number].map(u32::to_le_bytes).concat()).unwrap();
                }
            });
        }
    });
    assert_eq!(store.list().unwrap().len(), 100);
    assert_eq!(left_in_tmp(&folder), 0);
}
