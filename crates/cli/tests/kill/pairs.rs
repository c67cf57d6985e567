//! Kill together with something else that goes wrong: no room, a schema being renewed, another start.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use stead_core::status::RunStatus;

use crate::everywhere::{COMMIT, EFFECT, nothing_is_left};
use crate::program::{Trial, killed};

const RAN: &str = r#"echo "$STEAD_KEY" >> ran"#;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A definition whose journal grows well beyond what it begins with.
fn definition(folder: &Path) -> PathBuf {
    let text = format!(
        r#"
stead: 1
name: pair
steps:
  - {{ id: a, run: '{RAN}; head -c 27000 /dev/zero | tr "\0" a' }}
  - {{ id: w, wait: {{ for: 1ms }} }}
  - {{ id: each, foreach: {{ in: '${{{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] }}}}' }}, run: '{RAN}; head -c 27000 /dev/zero | tr "\0" $N', env: {{ N: '${{{{ item }}}}' }} }}
  - {{ id: last, run: '{RAN}; echo $V', env: {{ V: '${{{{ size(steps.a.output) + size(steps.each.output[2]) }}}}' }} }}
outputs: {{ last: '${{{{ steps.last.output }}}}' }}
"#
    );
    let file = folder.join("pair.yml");
    std::fs::write(&file, text.trim_start()).unwrap();
    file
}

/// Runs the program where no file may grow beyond so many KiB. Writing beyond it is refused, as on a full
/// disk, or kills the program in the middle of the write.
fn confined(trial: &mut Trial, args: &[&str], kib: u64, kills: bool, point: Option<&str>) -> ExitStatus {
    let (command, _) = trial.command(args);
    let mut shell = Command::new("bash");
    let trap = if kills { "" } else { "trap '' XFSZ; " };
    shell.arg("-c").arg(format!("{trap}ulimit -f {kib}; exec \"$@\"")).arg("bash");
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(point) = point {
        shell.env("STEAD_FAILPOINT", point);
    }
    trial.wait(&mut shell)
}

fn killed_in_a_write(status: ExitStatus) -> bool {
    // SIGXFSZ
    status.signal() == Some(25)
}

/// Brings the one run to its end, and says that it is what it should be. How often each step ran.
fn brought_to_its_end(trial: &mut Trial, file: &str) -> BTreeMap<String, usize> {
    if trial.top().is_none() {
        trial.call(&["run", file, "--json"], None);
    }
    for round in 0.. {
        let view = trial.top().unwrap();
        if view.status.is_end() {
            assert_eq!(view.status, RunStatus::Completed, "{}", trial.said());
            assert_eq!(view.outputs, Some(serde_json::json!({ "last": "54000" })), "{}", trial.said());
            break;
        }
        assert!(round < 20, "it does not come to its end\n{}", trial.said());
        trial.call(&["resume", "--json"], None);
    }
    trial.verify();
    trial.ran()
}

#[test]
fn p2_killed_on_a_full_disk_a_run_goes_on_once_there_is_room() {
    let parent = folder();
    let path = definition(parent.path());
    let file = path.display().to_string();
    let mut plain = Trial::new(parent.path());
    brought_to_its_end(&mut plain, &file);
    let size = |name: &str| std::fs::metadata(plain.folder().join("home").join(name)).map_or(0, |m| m.len());
    let most = (size("stead.db").max(size("stead.db-wal")) / 1024).max(200);
    // Mostly where the store is made already and the run has begun: a new store alone takes half of it.
    let rooms = (4..most).step_by(48).chain((most / 2..most).step_by(10));
    let (mut full, mut torn, mut dead) = (0, 0, 0);
    for (number, kib) in rooms.enumerate() {
        for kills in [false, true] {
            let mut trial = Trial::new(parent.path());
            let first = confined(&mut trial, &["run", &file, "--json"], kib, kills, None);
            let mut lost = usize::from(killed_in_a_write(first));
            torn += lost;
            full += usize::from(first.code() == Some(6));
            assert!(
                killed_in_a_write(first) || matches!(first.code(), Some(0 | 6)),
                "{first:?} with {kib} KiB\n{}",
                trial.said()
            );
            // The next engine is killed as well, with as little room.
            if trial.top().is_some_and(|view| !view.status.is_end()) {
                let point = format!("{}@1", [COMMIT[0], COMMIT[1], EFFECT][number % 3]);
                let second = confined(&mut trial, &["resume", "--json"], kib + 8, kills, Some(&point));
                dead += usize::from(killed(second));
                torn += usize::from(killed_in_a_write(second));
                full += usize::from(second.code() == Some(6));
                lost += 1;
            }
            // An attempt whose result found no room is lost as well.
            lost += usize::from(first.code() == Some(6));
            for (key, times) in brought_to_its_end(&mut trial, &file) {
                assert!(
                    (1..=1 + lost).contains(&times),
                    "{key} ran {times} times, {kib} KiB\n{}",
                    trial.said()
                );
            }
        }
    }
    eprintln!("no room {full} times, killed in a write {torn} times, and at a point {dead} times");
    assert!(full > 5 && torn > 5 && dead > 5, "{full}, {torn}, {dead}");
    nothing_is_left(parent.path());
}

/// Makes a store as the first release left it: what later migrations added is not there.
const OLDER: &str = r#"
import os, sqlite3, sys
path, text = sys.argv[1:]
old = sqlite3.connect(path)
old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
new = sqlite3.connect(path + ".older")
new.execute("PRAGMA journal_mode = WAL")
new.executescript(text)
new.execute(old.execute("SELECT sql FROM sqlite_schema WHERE name = 'migrations'").fetchone()[0])
for (table,) in new.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
    columns = ", ".join(row[1] for row in new.execute(f"PRAGMA table_info({table})"))
    rows = old.execute(f"SELECT {columns} FROM {table}").fetchall()
    if table == "migrations":
        rows = rows[:1]
    new.execute(f"DELETE FROM {table}")
    marks = ", ".join("?" for _ in columns.split(", "))
    new.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
new.execute("PRAGMA user_version = 1")
new.execute("PRAGMA application_id = %d" % old.execute("PRAGMA application_id").fetchone())
new.commit()
new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
new.close()
old.close()
for name in (path + "-wal", path + "-shm", path + ".older-wal", path + ".older-shm"):
    if os.path.exists(name):
        os.remove(name)
os.replace(path + ".older", path)
"#;

/// What a database says of itself.
fn version(path: &Path) -> u32 {
    let bytes = std::fs::read(path).unwrap();
    u32::from_be_bytes(bytes[60..64].try_into().unwrap())
}

#[test]
fn p2_killed_while_the_schema_is_renewed_nothing_is_lost() {
    let parent = folder();
    let path = parent.path().join("late.yml");
    let text = format!(
        "stead: 1\nname: late\nsteps:\n  - {{ id: a, run: '{RAN}; head -c 30000 /dev/zero | tr \"\\0\" a' }}\n  - {{ id: w, wait: {{ signal: go }} }}\n  - {{ id: b, run: '{RAN}' }}\noutputs: {{ n: '${{{{ size(steps.a.output) }}}}' }}\n"
    );
    std::fs::write(&path, text).unwrap();
    let file = path.display().to_string();
    // A store with a run that waits, as the first release wrote it.
    let mut first = Trial::new(parent.path());
    first.call(&["run", &file, "--no-wait", "--json"], None);
    let ran = std::fs::read(first.folder().join("ran")).unwrap();
    let database = |trial: &Trial| trial.folder().join("home/stead.db");
    let newest = version(&database(&first));
    assert!(newest > 1, "there is nothing to be renewed");
    let one = include_str!("../../../store/src/sqlite/migrations/0001_journal.sql");
    let made = Command::new("python3").args(["-c", OLDER]).arg(database(&first)).arg(one).status().unwrap();
    assert!(made.success());
    assert_eq!(version(&database(&first)), 1);
    let size = std::fs::metadata(database(&first)).unwrap().len();
    let (mut torn, mut full, mut cut) = (0, 0, 0);
    // Each page of the copy, and of what is written after it.
    for kib in (2..size / 1024 + 60).step_by(6) {
        for kills in [true, false] {
            let mut trial = Trial::new(parent.path());
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(first.folder().join("home")).arg(trial.folder());
            assert!(copy.status().unwrap().success());
            // Its steps still run in the folder where it was started.
            std::fs::write(first.folder().join("ran"), &ran).unwrap();
            let status = confined(&mut trial, &["signal", "@last", "go"], kib, kills, None);
            torn += usize::from(killed_in_a_write(status));
            full += usize::from(status.code() == Some(6));
            cut += usize::from(!trial.folder().join("home/stead.db.before-v2").exists());
            // Whatever was left, the next one renews it and goes on.
            assert!(trial.call(&["signal", "@last", "go"], None).success(), "{}", trial.said());
            trial.call(&["resume", "--json"], None);
            let view = trial.top().unwrap();
            assert_eq!(view.status, RunStatus::Completed, "{kib} KiB, {status:?}\n{}", trial.said());
            assert_eq!(view.outputs, Some(serde_json::json!({ "n": 30_000 })), "{}", trial.said());
            assert!(
                first.ran().values().all(|times| *times == 1),
                "{kib} KiB, {status:?} {:?}\n{}",
                first.ran(),
                trial.said()
            );
            trial.verify();
            // The copy is whole, as it was before.
            let copy = trial.folder().join("home/stead.db.before-v2");
            assert_eq!(version(&copy), 1);
            let check = "import sqlite3, sys; assert sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone()[0] == 'ok'";
            assert!(Command::new("python3").args(["-c", check]).arg(&copy).status().unwrap().success());
        }
    }
    eprintln!("killed in a write {torn} times, no room {full} times; the copy was cut short {cut} times");
    assert!(torn > 5 && full > 5 && cut > 5, "{torn}, {full}, {cut}");
}

#[test]
fn two_starts_at_once_are_killed_and_both_homes_and_runs_stay_whole() {
    let parent = folder();
    let path = definition(parent.path());
    let file = path.display().to_string();
    let (mut refused, mut dead, mut runs) = (0, 0, 0);
    for n in 1..=12 {
        let mut trial = Trial::new(parent.path());
        // On a home that is not there yet: both make it.
        let mut started = Vec::new();
        for point in [COMMIT[0], COMMIT[1]] {
            let (mut command, printed) = trial.command(&["run", &file, "--json"]);
            command.env("STEAD_FAILPOINT", format!("{point}@{n}"));
            started.push((command.spawn().unwrap(), printed));
        }
        let mut here = 0;
        for (mut child, printed) in started {
            let status = child.wait().unwrap();
            let said = std::fs::read_to_string(printed).unwrap();
            if killed(status) {
                here += 1;
            } else {
                assert!(matches!(status.code(), Some(0 | 6)), "{status:?}: {said}");
                if status.code() == Some(6) {
                    assert!(said.contains("S06"), "{said}");
                    refused += 1;
                }
            }
        }
        dead += here;
        for _ in 0..5 {
            trial.call(&["resume", "--json"], None);
        }
        for view in trial.tops() {
            assert_eq!(view.status, RunStatus::Completed, "{}", trial.said());
            assert_eq!(view.outputs, Some(serde_json::json!({ "last": "54000" })));
            runs += 1;
        }
        for (key, times) in trial.ran() {
            assert!((1..=1 + here).contains(&times), "{key} ran {times} times\n{}", trial.said());
        }
        trial.verify();
    }
    eprintln!("{refused} starts were refused, {dead} killed, {runs} runs came to their end");
    assert!(dead > 5 && runs > 5, "{dead}, {runs}");
    nothing_is_left(parent.path());
}
