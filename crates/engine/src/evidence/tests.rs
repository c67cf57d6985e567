use std::fs;

use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;
use stead_core::run::Unsure;

use super::collect::{blank, look};
use super::kept::read;
use super::*;
use crate::executors::process::{beside, remove_left};
use crate::home::Home;
use crate::limits;
use crate::logs::{LogStream, LogWriter};

fn attempt() -> AttemptId {
    AttemptId { stream: StreamId::new("r_a"), path: "pay".into(), number: 1 }
}

fn evidence() -> Evidence {
    blank(&Unsure { attempt: attempt(), key: "r_a/pay".into(), probe: "pay!verify".into() })
}

#[test]
fn only_the_folder_of_a_noted_attempt_is_kept_and_its_first_end_counts() {
    let work = tempfile::tempdir().unwrap();
    let [once, other] = ["r_a-1", "r_a-2"].map(|name| work.path().join(name));
    for dir in [&once, &other] {
        fs::create_dir(dir).unwrap();
        fs::write(beside(dir, ".output"), "{}").unwrap();
    }
    begins(&once, &attempt(), 1_000);
    begun(&once, 7);
    ended(&once, ProcessEnd { at: 2_000, exit_code: Some(0), ended: false });
    ended(&once, ProcessEnd { at: 3_000, exit_code: None, ended: true });
    ended(&other, ProcessEnd { at: 3_000, exit_code: None, ended: true });
    let found = crate::executors::process::left_in(work.path()).unwrap();
    let left = Left::of(found);
    assert_eq!(left.noted, [(attempt(), once.clone())]);
    assert_eq!(left.rest.len(), 2, "{:?}", left.rest);
    let process = read(&once).unwrap().process;
    let end = process.end.unwrap();
    assert_eq!(process.pid, Some(7));
    assert_eq!((end.at, end.exit_code), (2_000, Some(0)));
    remove(&once);
    remove_left(&left.rest);
    assert_eq!(fs::read_dir(work.path()).unwrap().count(), 0);
}

#[test]
fn p11_evidence_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let place = home.place(&attempt(), "");
    fs::create_dir_all(place.dir.join("deep")).unwrap();
    begins(&place.dir, &attempt(), 1_000);
    for n in 0..limits::EVIDENCE_FILES + 5 {
        fs::write(place.dir.join("deep").join(format!("{n}")), "x").unwrap();
    }
    let mut log = LogWriter::new(&place.log, 1 << 20);
    for n in 0..limits::EVIDENCE_LINES + 3 {
        log.write(1_000, LogStream::Out, format!("line {n}\n").as_bytes());
    }
    log.flush();
    let mut known = evidence();
    look(&home, &attempt(), &mut known);
    assert_eq!((known.files.len(), known.more_files), (limits::EVIDENCE_FILES, 5));
    let end = known.log.unwrap();
    assert_eq!((end.lines.len(), end.before), (limits::EVIDENCE_LINES, 3));
    assert_eq!(end.lines[0], "line 3");
    for n in 0..limits::EVIDENCE_SEEN {
        fs::write(place.dir.join("deep").join(format!("more {n}")), "").unwrap();
    }
    let mut known = evidence();
    look(&home, &attempt(), &mut known);
    assert!(known.files.len() + known.more_files <= limits::EVIDENCE_SEEN);
}
