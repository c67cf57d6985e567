//! Delivery: what waits in the store goes out, one at a time to each rule, each rule on a thread of its own.
//!
//! One that is dead or slow holds up nobody else. What fails is tried again after waits that grow, up to a number of tries and
//! an age; then it has failed, and is shown as that. Nothing is kept in memory that the store does not have, so the next process
//! goes on where this one was.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::effect::EndReason;
use stead_store::jobs::{JobReader as _, JobRow, JobState, Jobs as _};
use stead_store::people::PeopleReader as _;
use stead_store::sqlite::{SqliteReader, SqliteStore};

use super::rules::{Rule, Way};
use super::{Book, KIND, Notice, Undelivered, command, mail, webhook};
use crate::executor::EndSwitch;
use crate::failpoint;
use crate::home::Home;
use crate::library::open::now;
use crate::limits;
use crate::log::{Level, Log};
use crate::metrics::{Counts, Tried};
use crate::net::{Client, NetworkPolicy};
use crate::secrets::Secrets;

/// Bytes of the head of an answer.
const HEAD: usize = 64 * 1024;

/// Measures of delivery.
#[derive(Debug, Clone)]
pub struct NotifyMeasures {
    /// Waits before the second try, the third, and so on; behind the last one it has failed.
    pub waits: Vec<Duration>,
    /// How old something may be to be tried again.
    pub age: Duration,
    /// Time for one delivery.
    pub time: Duration,
    /// How long a process that leaves stays for what is due.
    pub drain: Duration,
}

impl Default for NotifyMeasures {
    fn default() -> Self {
        Self {
            waits: limits::NOTIFY_WAITS.to_vec(),
            age: limits::NOTIFY_AGE,
            time: limits::NOTIFY_TIME,
            drain: limits::NOTIFY_DRAIN,
        }
    }
}

/// What deliverers share.
struct Shared {
    home: Home,
    book: Arc<Book>,
    secrets: Arc<dyn Secrets>,
    public: Option<String>,
    measures: NotifyMeasures,
    counts: Arc<Counts>,
    log: Log,
    /// Addresses of any network but this machine's and private ones.
    outside: Arc<Client>,
    /// These as well.
    anywhere: Arc<Client>,
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    /// Something may be due.
    dirty: bool,
    /// It is to leave, then at the latest.
    leaving: Option<Instant>,
    /// Deliveries under way, by rule: until when each has time, and what ends it.
    under_way: HashMap<String, Option<(Instant, Arc<EndSwitch>)>>,
    /// Rules that have failed of late: how often, and when one is tried again.
    failed: HashMap<String, (usize, Time)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whole after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers what waits. One per process that holds a home.
pub(crate) struct Notifier {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    /// Begins, if there is a rule; else with the first that is to be delivered.
    pub(crate) fn new(
        home: &Home,
        book: Arc<Book>,
        secrets: Arc<dyn Secrets>,
        public: Option<String>,
        measures: NotifyMeasures,
        (counts, log): (Arc<Counts>, Log),
    ) -> Arc<Self> {
        let begins = !book.rules().all.is_empty();
        let client = |policy| Client::new(policy, measures.time, HEAD);
        let shared = Shared {
            home: home.clone(),
            book,
            secrets,
            public,
            outside: client(NetworkPolicy::SERVER),
            anywhere: client(NetworkPolicy::OWN),
            measures,
            counts,
            log,
            state: Mutex::default(),
            woken: Condvar::new(),
        };
        let notifier = Arc::new(Self { shared: Arc::new(shared), thread: Mutex::default() });
        if begins {
            notifier.wake();
        }
        notifier
    }

    /// There is something to deliver.
    pub(crate) fn wake(&self) {
        let mut state = self.shared.state();
        state.dirty = true;
        if state.leaving.is_some() {
            return;
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = self.shared.clone();
            // Without a thread it waits in the store for the next process.
            *thread = std::thread::Builder::new().name("notify".into()).spawn(move || shared.run()).ok();
        }
        self.shared.woken.notify_all();
    }

    /// Somebody has one of a rule tried again: it is not waited for any longer.
    pub(crate) fn again(&self, rule: &str) {
        self.shared.state().failed.remove(rule);
        self.wake();
    }

    /// Leaves: what is due and was not tried yet is, within a time.
    pub(crate) fn leave(&self) {
        self.leave_within(self.shared.measures.drain);
    }

    /// Leaves at once.
    pub(crate) fn hurry(&self) {
        let mut state = self.shared.state();
        state.leaving = Some(Instant::now());
        for (_, switch) in state.under_way.values().flatten() {
            switch.end(EndReason::Cancelled);
        }
        self.shared.woken.notify_all();
    }

    fn leave_within(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.shared.state();
        state.leaving = Some(state.leaving.map_or(until, |known| known.min(until)));
        drop(state);
        self.shared.woken.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic there has nothing to tell here: what was not written as delivered is delivered again.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(self: Arc<Self>) {
        let mut reader: Option<SqliteReader> = None;
        loop {
            let wait = self.look(&mut reader);
            let mut state = self.state();
            let leaving = state.leaving;
            if let Some(until) = leaving
                && state.under_way.is_empty()
                && (wait.is_none() || Instant::now() >= until)
            {
                return;
            }
            let ends = state.under_way.values().flatten().map(|(until, _)| *until).chain(leaving).min();
            let ends = ends.map(|until| until.saturating_duration_since(Instant::now()));
            let wait = wait.unwrap_or(limits::NOTIFY_LOOK).min(ends.unwrap_or(limits::NOTIFY_LOOK));
            if !std::mem::take(&mut state.dirty) && !wait.is_zero() {
                let woken = self.woken.wait_timeout(state, wait.max(Duration::from_millis(1)));
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                state.dirty = false;
            }
            let over = Instant::now();
            let cut = state.leaving.is_some_and(|until| over >= until);
            for (until, switch) in state.under_way.values().flatten() {
                if cut || *until <= over {
                    switch.end(EndReason::Timeout);
                }
            }
        }
    }

    /// Begins what is due; the time until there is more to do, where that is known. One who leaves begins no second tries.
    fn look(self: &Arc<Self>, reader: &mut Option<SqliteReader>) -> Option<Duration> {
        if reader.is_none() {
            *reader = SqliteStore::open_read_only(&self.home.database()).ok();
        }
        let Some(targets) = reader.as_mut().and_then(|reader| reader.job_targets(KIND).ok()) else {
            *reader = None;
            return None;
        };
        let (at, mut next) = (now(), None::<Time>);
        for (target, due) in targets {
            let mut state = self.state();
            let leaving = state.leaving;
            let failed = state.failed.get(&target).map_or(0, |(_, until)| *until);
            let begins = due.max(failed);
            if state.under_way.contains_key(&target) {
                continue;
            }
            if leaving.is_some() && (begins > at || leaving.is_some_and(|until| Instant::now() >= until)) {
                continue;
            }
            if begins > at || state.under_way.len() >= limits::NOTIFY_RULES {
                next = Some(next.map_or(begins, |next| next.min(begins)));
                continue;
            }
            state.under_way.insert(target.clone(), None);
            drop(state);
            let (shared, name) = (self.clone(), target.clone());
            let thread = std::thread::Builder::new().name("notifies".into());
            let begun = thread.spawn(move || {
                shared.target(&name);
                shared.state().under_way.remove(&name);
                shared.wake();
            });
            if begun.is_err() {
                self.state().under_way.remove(&target);
                next = Some(at + 1_000);
            }
        }
        next.map(|next| Duration::from_millis(u64::try_from(next - at).unwrap_or(0).max(1)))
    }

    fn wake(&self) {
        self.state().dirty = true;
        self.woken.notify_all();
    }

    /// Delivers what is due for a rule, one after the other, until one fails.
    fn target(&self, name: &str) {
        let Ok(mut store) = SqliteStore::open(&self.home.database()) else {
            self.put_off(name, 1);
            return;
        };
        loop {
            let at = now();
            let Ok(Some(row)) = store.next_job(KIND, name, at) else { return };
            {
                let state = self.state();
                if state.leaving.is_some_and(|until| row.tries > 0 || Instant::now() >= until) {
                    drop(state);
                    self.put_off(name, 1);
                    return;
                }
            }
            let mut row = JobRow { tries: row.tries + 1, ..row };
            let went = self.attempt(name, &mut row, &mut store);
            let at = now();
            let good = went.is_ok();
            match went {
                Ok(()) => {
                    (row.state, row.ended_at, row.error) = (JobState::Delivered, Some(at), None);
                }
                Err(Undelivered { why, for_good }) => {
                    row.error = Some(why.chars().take(limits::NOTICE_ERROR_CHARS).collect());
                    let wait = self.measures.waits.get(row.tries as usize - 1).copied().map(millis);
                    let old = at.saturating_sub(row.at) >= millis(self.measures.age);
                    match wait.filter(|_| !for_good && !old) {
                        Some(wait) => row.due = at + wait,
                        None => (row.state, row.ended_at) = (JobState::Failed, Some(at)),
                    }
                    if !for_good {
                        let failures = self.state().failed.get(name).map_or(0, |(count, _)| *count) + 1;
                        self.put_off(name, failures);
                    }
                }
            }
            self.counts.delivery(match row.state {
                JobState::Delivered => Tried::Delivered,
                JobState::Waiting => Tried::Again,
                JobState::Failed => Tried::Failed,
            });
            let (level, event) = match row.state {
                JobState::Delivered => (Level::Debug, "notification.delivered"),
                JobState::Waiting => (Level::Info, "notification.again"),
                JobState::Failed => (Level::Warn, "notification.failed"),
            };
            let fields = [
                ("id", json!(row.job.id)),
                ("rule", json!(name)),
                ("tries", json!(row.tries)),
                ("why", json!(row.error)),
            ];
            self.log.note(level, event, &fields);
            if store.settle_job(&row).is_err() {
                // What cannot be written is not known: it is delivered again, with the same id.
                self.put_off(name, 1);
                return;
            }
            let mut state = self.state();
            if good {
                state.failed.remove(name);
            } else if state.failed.contains_key(name) {
                return;
            }
        }
    }

    /// A rule is left alone for a while.
    fn put_off(&self, name: &str, failures: usize) {
        let waits = &self.measures.waits;
        let wait = waits.get(failures - 1).or_else(|| waits.last()).copied().unwrap_or(limits::NOTIFY_LOOK);
        self.state().failed.insert(name.to_owned(), (failures, now() + millis(wait)));
    }

    fn attempt(&self, name: &str, row: &mut JobRow, store: &mut SqliteStore) -> Result<(), Undelivered> {
        let rules = self.book.rules();
        let Some(rule) = rules.named(name) else {
            return Err(Undelivered::for_good(format!("settings.yml has no rule `{name}` any more")));
        };
        let notice: Notice = serde_json::from_value(row.job.body.clone())
            .map_err(|error| Undelivered::for_good(format!("it cannot be read: {error}")))?;
        let switch = EndSwitch::new().map_err(|error| Undelivered::now(error.to_string()))?;
        let switch = Arc::new(switch);
        let until = Instant::now() + self.measures.time;
        self.state().under_way.insert(name.to_owned(), Some((until, switch.clone())));
        // The one who looks at the time is to know of it.
        self.wake();
        failpoint::cross("notify.before");
        let went = self.deliver(rule, row, &notice, store, &switch);
        failpoint::cross("notify.after");
        went
    }

    fn deliver(
        &self,
        rule: &Rule,
        row: &mut JobRow,
        notice: &Notice,
        store: &mut SqliteStore,
        switch: &EndSwitch,
    ) -> Result<(), Undelivered> {
        let people = store.people().map_err(|error| Undelivered::now(error.to_string()))?;
        let mut asked: Vec<String> = Vec::new();
        for selector in &notice.asked {
            for who in people.who(selector, &notice.project) {
                if !notice.not.contains(&who) && !asked.contains(&who) {
                    asked.push(who);
                }
            }
        }
        let url = self.public.as_deref().map(|public| notice.url(public));
        let text = notice.text(&asked, url.as_deref());
        let id = row.job.id.clone();
        match &rule.way {
            Way::Mail(mail) => {
                let address = |who: &String| people.user(who).ok().map(|(_, user)| user.email.clone());
                let to = match mail.to.is_empty() {
                    false => mail.to.clone(),
                    true => {
                        asked.iter().filter_map(address).filter(|email| !email.is_empty()).collect::<Vec<_>>()
                    }
                };
                if to.is_empty() {
                    let who = if asked.is_empty() { notice.asked.join(", ") } else { asked.join(", ") };
                    return Err(Undelivered::for_good(format!(
                        "nobody who is asked ({who}) has an address: `stead people edit NAME --email ADDRESS`"
                    )));
                }
                let subject = notice.subject();
                let letter = mail::Letter { id: &id, at: notice.at, subject: &subject, text: &text };
                let mut failed = None;
                for to in to.iter().take(limits::NOTICE_ASKED) {
                    if row.done.contains(to) {
                        continue;
                    }
                    match mail::send(mail, to, &letter, &self.anywhere, &*self.secrets, switch) {
                        Ok(()) => {
                            row.done.push(to.clone());
                            // So that nobody gets it again because of another; what is lost of it only doubles a mail.
                            let _ = store.settle_job(row);
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                failed.map_or(Ok(()), Err)
            }
            Way::Webhook(hook) => {
                let client = if hook.private { &self.anywhere } else { &self.outside };
                let message = message(&id, notice, &asked, &text, url.as_deref());
                webhook::send(hook, &id, &message, now(), client, &*self.secrets, switch)
            }
            Way::Command(words) => {
                let message = message(&id, notice, &asked, &text, url.as_deref());
                command::run(words, &id, notice, &message, switch)
            }
        }
    }
}

/// What programs get.
fn message(id: &str, notice: &Notice, people: &[String], text: &str, url: Option<&str>) -> Value {
    // Plain data with text keys always serialises.
    let mut message = serde_json::to_value(notice).unwrap_or_default();
    message["id"] = json!(id);
    message["subject"] = json!(notice.subject());
    message["text"] = json!(text);
    message["people"] = json!(people);
    message["commands"] = json!(notice.commands());
    message["url"] = json!(url);
    message
}

fn millis(time: Duration) -> Time {
    Time::try_from(time.as_millis()).unwrap_or(Time::MAX)
}
