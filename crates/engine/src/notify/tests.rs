//! Rules, what is told, and delivery with its waits.

mod mail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use stead_core::ids::StreamId;
use stead_store::jobs::{JobReader as _, JobRow, JobState, Jobs as _};
use stead_store::sqlite::SqliteStore;
use stead_store::{Commit, Job, Store as _};

use super::deliver::Notifier;
use super::mail::encoded;
use super::notice::{Notice, Occasion};
use super::{Book, KIND, NotifyMeasures, rules};
use crate::home::Home;
use crate::limits;
use crate::secrets::EnvironmentSecrets;

fn rule(name: &str) -> String {
    format!("  - {{ name: {name}, on: gate, command: [true] }}\n")
}

fn codes(text: &str) -> Vec<String> {
    let problems = rules::parse(text).map_err(|all| all.into_iter().map(|one| one.code).collect());
    problems.err().unwrap_or_default()
}

#[test]
fn p11_rules_are_bounded() {
    let rules = |count: usize| -> String {
        let all: String = (0..count).map(|n| rule(&format!("r{n}"))).collect();
        format!("notify:\n{all}")
    };
    assert_eq!(codes(&rules(limits::NOTIFY_RULES)), Vec::<String>::new());
    assert_eq!(codes(&rules(limits::NOTIFY_RULES + 1)), ["R0706"]);
    let named = |count: usize| {
        let all = vec!["w"; count].join(", ");
        format!("notify:\n  - {{ name: a, on: gate, workflow: [{all}], command: [true] }}\n")
    };
    assert_eq!(codes(&named(limits::NOTIFY_LIST)), Vec::<String>::new());
    assert_eq!(codes(&named(limits::NOTIFY_LIST + 1)), ["R0706"]);
    let long =
        |length: usize| format!("notify:\n  - {{ name: a, on: gate, command: [{}] }}\n", "x".repeat(length));
    assert_eq!(codes(&long(limits::NOTIFY_TEXT)), Vec::<String>::new());
    assert_eq!(codes(&long(limits::NOTIFY_TEXT + 1)), ["R0703"]);
}

#[test]
fn rules_say_what_they_are_for_and_nothing_twice() {
    for (text, code) in [
        ("notify: {}\n", "R0703"),
        ("notify:\n  - { name: a, on: gate }\n", "R0704"),
        ("notify:\n  - { on: gate, command: [x] }\n", "R0704"),
        ("notify:\n  - { name: a, on: gate, command: x }\n", "R0703"),
        ("notify:\n  - { name: a, on: gate, command: [x], webhook: { url: 'http://h/' } }\n", "R0704"),
        (&format!("notify:\n{}{}", rule("a"), rule("a")), "R0707"),
        (
            "notify:\n  - { name: a, on: gate, mail: { server: h, from: a@b, to: people, user: u } }\n",
            "R0704",
        ),
        (
            "notify:\n  - { name: a, on: gate, mail: { server: h, tls: none, from: a@b, to: people, user: u, password: P } }\n",
            "R0705",
        ),
        (
            "notify:\n  - { name: a, on: gate, webhook: { url: 'http://h/', headers: { X: '${{ env.A }}' } } }\n",
            "R0703",
        ),
        (": x\n - y: [", "R0701"),
    ] {
        assert!(codes(text).contains(&code.to_owned()), "{text}: {:?}", codes(text));
    }
}

fn notice() -> Notice {
    Notice {
        event: Occasion::Gate,
        at: 1_760_000_000_000,
        title: "t".into(),
        run: StreamId::new("r_1"),
        workflow: "w".into(),
        project: String::new(),
        step: None,
        task: None,
        asked: Vec::new(),
        not: Vec::new(),
        until: None,
        error: None,
    }
}

#[test]
fn p11_what_a_notification_says_is_bounded() {
    assert_eq!(super::notice::line(&"ä".repeat(limits::NOTICE_TITLE_CHARS)).chars().count(), 200);
    let cut = super::notice::line(&"ä".repeat(limits::NOTICE_TITLE_CHARS + 1));
    assert_eq!((cut.chars().count(), cut.ends_with('…')), (limits::NOTICE_TITLE_CHARS, true));
    let error = super::notice::cut(&"x".repeat(9_999), limits::NOTICE_ERROR_CHARS);
    assert_eq!(error.chars().count(), limits::NOTICE_ERROR_CHARS);
    let asked = super::notice::named((0..999).map(|n| format!("user:u{n}")).collect());
    assert_eq!(asked.len(), limits::NOTICE_ASKED);
}

#[test]
fn a_header_of_a_mail_is_ascii_in_one_piece_whatever_a_title_has() {
    let title = "Ship it\r\nBcc: evil@example.org\r\n\r\n".to_owned() + &"Möwe 🐦 ".repeat(30);
    let encoded = encoded(&title);
    for line in encoded.split("\r\n ") {
        assert!(line.len() <= 75 && line.is_ascii() && !line.contains(['\r', '\n', ':']), "{line}");
        assert!(line.starts_with("=?utf-8?B?") && line.ends_with("?="), "{line}");
    }
}

struct Bench {
    _folder: tempfile::TempDir,
    home: Home,
}

impl Bench {
    fn new(rules: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(&folder.path().join("home"));
        home.make().unwrap();
        let path = home.root().join("settings.yml");
        std::fs::write(&path, rules).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self { _folder: folder, home }
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.home.database()).unwrap()
    }

    fn made(&self, jobs: &[(&str, &str)]) {
        let mut store = self.store();
        let fence = store.take_fence().unwrap();
        let jobs = jobs.iter().map(|(id, rule)| Job {
            id: (*id).to_owned(),
            kind: KIND.to_owned(),
            target: (*rule).to_owned(),
            body: json!(notice()),
        });
        let commit = Commit {
            stream: StreamId::new("r_1"),
            expected_seq: 1,
            count: 1,
            events: b"[{}]".to_vec(),
            at: crate::library::open::now(),
            cause: "test".into(),
            messages: Vec::new(),
            taken: Vec::new(),
            due: None,
            head: None,
            open: None,
            task: None,
            jobs: jobs.collect(),
        };
        store.commit(fence, &[commit]).unwrap();
    }

    fn notifier(&self, measures: NotifyMeasures) -> Arc<Notifier> {
        let book = Book::open(&self.home).unwrap();
        Notifier::new(&self.home, book, Arc::new(EnvironmentSecrets), None, measures, Default::default())
    }

    fn until(&self, id: &str, state: JobState) -> JobRow {
        let begun = Instant::now();
        loop {
            let row = self.store().job(id).unwrap().unwrap();
            if row.state == state {
                return row;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{row:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn quick(waits: usize) -> NotifyMeasures {
    NotifyMeasures {
        waits: vec![Duration::from_millis(10); waits],
        drain: Duration::ZERO,
        ..NotifyMeasures::default()
    }
}

#[test]
fn p11_a_notification_is_tried_so_often_and_has_failed_then() {
    assert!(limits::NOTIFY_WAITS.windows(2).all(|pair| pair[0] <= pair[1]), "waits grow");
    let bench = Bench::new("notify:\n  - { name: a, on: gate, command: ['false'] }\n");
    bench.made(&[("n_1", "a"), ("n_2", "none")]);
    let notifier = bench.notifier(quick(3));
    let row = bench.until("n_1", JobState::Failed);
    assert_eq!(row.tries, 4, "the first time, and once after each wait");
    assert!(row.error.unwrap().contains("`false` failed"));
    let row = bench.until("n_2", JobState::Failed);
    assert_eq!(row.tries, 1, "of a rule that is gone nothing is tried");
    // What is too old is tried, and not again.
    assert!(bench.store().retry_job("n_1", 1).unwrap());
    notifier.again("a");
    assert_eq!(bench.until("n_1", JobState::Failed).tries, 1);
    notifier.leave();
}

#[test]
fn p11_a_receiver_has_so_much_time_and_holds_up_no_other() {
    let rules = "notify:\n  - { name: slow, on: gate, command: [sleep, '600'] }\n  - { name: good, on: gate, command: ['true'] }\n";
    let bench = Bench::new(rules);
    bench.made(&[("n_1", "slow"), ("n_2", "good"), ("n_3", "good")]);
    let notifier = bench.notifier(NotifyMeasures { time: Duration::from_millis(100), ..quick(0) });
    bench.until("n_2", JobState::Delivered);
    bench.until("n_3", JobState::Delivered);
    let row = bench.until("n_1", JobState::Failed);
    assert!(row.error.unwrap().contains("did not end in time"));
    notifier.leave();
    // One who leaves at once ends what is under way; it waits for the next.
    assert!(bench.store().retry_job("n_1", crate::library::open::now()).unwrap());
    let notifier = bench.notifier(quick(2));
    notifier.hurry();
    notifier.leave();
    assert_eq!(bench.store().job("n_1").unwrap().unwrap().state, JobState::Waiting);
}
