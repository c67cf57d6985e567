//! Operations that only read. They need no engine and no lock: any process may ask.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;
use stead_core::limit::Place;
use stead_core::path;
use stead_core::people::Register;
use stead_core::run::{Again, Event, Find, RunState};
use stead_core::status::RunStatus;
use stead_core::value::{Payload, ValueRef};
use stead_lang::plan::Plan;
use stead_store::files::FileStore;
use stead_store::{Filter, Reader, Row};

use crate::batch::results::{Results, RowResult, rows_of};
use crate::driver::found::found;
use crate::driver::lines::LineFiles;
use crate::driver::{Plans, load_limit, load_state, load_value, load_whole_state};
use crate::error::EngineError;
use crate::evidence;
use crate::home::Home;
use crate::limits;
use crate::logs::{self, LogPart};
use crate::operations::{Answer, EventRow, LogFile, Operation, Receivers, RunQuery, RunRow};
use crate::places;

/// Answers operations that read.
pub struct Reads<R> {
    reader: R,
    files: FileStore,
    home: Home,
    plans: Plans,
    /// The people, and the number of the change that they were read behind.
    people: Option<(u64, Arc<Register>)>,
    lines: LineFiles,
}

impl<R: Reader> Reads<R> {
    /// Reads from a store.
    pub fn new(reader: R, files: FileStore, home: Home) -> Self {
        Self { reader, files, home, plans: Plans::default(), lines: LineFiles::default(), people: None }
    }

    /// Reads that look at heads and people only.
    pub(crate) fn light(reader: R, home: &Home) -> Self {
        Self::new(reader, FileStore::attach(&home.files()), home.clone())
    }

    /// A value of a stream.
    pub(crate) fn value_of(&mut self, id: &StreamId, at: &ValueRef) -> Result<Value, EngineError> {
        load_value(&mut self.reader, &self.files, id, at)
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn files(&self) -> &FileStore {
        &self.files
    }

    pub(crate) fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The value behind a reference of a run.
    pub(crate) fn value(&mut self, run: &StreamId, reference: &ValueRef) -> Result<Value, EngineError> {
        load_value(&mut self.reader, &self.files, run, reference)
    }

    /// The people; `None` in a home to which nobody was ever added. They are read again when they were changed.
    pub(crate) fn register(&mut self) -> Result<Option<Arc<Register>>, EngineError> {
        let version = self.reader.people_version()?;
        if version == 0 {
            return Ok(None);
        }
        match &self.people {
            Some((known, register)) if *known == version => Ok(Some(register.clone())),
            _ => {
                let register = Arc::new(self.reader.people()?);
                self.people = Some((version, register.clone()));
                Ok(Some(register))
            }
        }
    }

    /// Answers; `None` for an operation that writes.
    ///
    /// # Errors
    /// When there is no such run, or the store cannot be read.
    pub fn ask(&mut self, operation: &Operation) -> Result<Option<Answer>, EngineError> {
        Ok(Some(match operation {
            Operation::Runs { query } => self.runs(query)?,
            Operation::Limits { project, key } => {
                let (limits, unread) = places::in_use(&mut self.reader, project.as_deref(), key.as_deref())?;
                Answer::Limits { limits, unread }
            }
            Operation::Status { run } => Answer::Status { view: Box::new(self.status(run)?) },
            Operation::Events { run, after, limit } => self.events(run, *after, *limit)?,
            Operation::Logs { run } => self.logs(run)?,
            Operation::LogText { run, step, attempt, part } => {
                let (run, file) = self.log_of(run, step, *attempt)?;
                log_text(run, file, part)?
            }
            Operation::Evidence { run, step } => self.evidence(run, step.as_deref())?,
            Operation::Results { run, after, limit } => {
                Answer::Results(Box::new(self.results(run, *after, *limit)?))
            }
            Operation::Definition { run } => self.definition(run)?,
            Operation::Documents { run } => Answer::Documents(Box::new(self.documents(run)?)),
            Operation::Document { run, document, version } => {
                Answer::Document(Box::new(self.document(run, document, *version)?))
            }
            Operation::Task(operation) => return Ok(self.task_operation(operation)?.map(Answer::Task)),
            Operation::Schedule(operation) => {
                return Ok(self.schedule_operation(operation)?.map(Answer::Schedule));
            }
            Operation::File(operation) => {
                return Ok(self.file_operation(operation)?.map(|answer| Answer::File(Box::new(answer))));
            }
            // What is not in the store.
            Operation::Engine
            | Operation::Metrics
            | Operation::Library(_)
            | Operation::People(_)
            | Operation::Access(_)
            | Operation::Notifications(_) => {
                return Ok(None);
            }
            Operation::Start { .. }
            | Operation::Cancel { .. }
            | Operation::Pause { .. }
            | Operation::Resume { .. }
            | Operation::Retry { dry_run: false, .. }
            | Operation::Settle { .. }
            | Operation::FreePlace { .. }
            | Operation::Signal { .. } => return Ok(None),
            Operation::Retry { run, again, inputs, dry_run: true, .. } => {
                self.inputs_with(run, inputs)?;
                self.selection(run, again)?
            }
        }))
    }

    fn runs(&mut self, query: &RunQuery) -> Result<Answer, EngineError> {
        let mut named = |run: &Option<String>| run.as_deref().map(|run| self.find(run)).transpose();
        let (parent, after) = (named(&query.parent)?, named(&query.after)?);
        let filter = Filter {
            status: query.status.clone(),
            outcome: query.outcome.clone(),
            workflow: query.workflow.clone(),
            project: query.project.clone(),
            projects: query.seen.clone(),
            starters: match &query.starter {
                None => Vec::new(),
                Some(name) if name.contains(':') => vec![name.clone()],
                Some(name) => vec![format!("user:{name}"), format!("agent:{name}")],
            },
            prefix: None,
            keys: query.keys.clone(),
            top_only: !query.children && parent.is_none(),
            parent,
            since: query.since,
            until: query.until,
            text: query.text.clone(),
            after,
            limit: query.limit,
        };
        Ok(Answer::Runs { runs: self.reader.heads(&filter)?.into_iter().map(RunRow::from).collect() })
    }

    /// The run that somebody means: its id, the beginning of it, `@last`, `@last:STATUS`, or the newest of a
    /// workflow's name.
    ///
    /// # Errors
    /// When there is none, or when there are several.
    pub fn find(&mut self, wanted: &str) -> Result<StreamId, EngineError> {
        let none = || EngineError::NoRun { id: wanted.to_owned() };
        let last = Filter { top_only: true, limit: 1, ..Filter::default() };
        if let Some(rest) = wanted.strip_prefix("@last") {
            let status = match rest.strip_prefix(':') {
                None if rest.is_empty() => Vec::new(),
                Some(word) => vec![word.parse::<RunStatus>().map_err(|()| none())?],
                None => return Err(none()),
            };
            let found = self.reader.heads(&Filter { status, ..last })?;
            return found.into_iter().next().map(|listed| listed.stream).ok_or_else(none);
        }
        let exact = StreamId::new(wanted);
        if self.reader.head(&exact)?.is_some() {
            return Ok(exact);
        }
        if wanted.starts_with("r_") {
            let filter = Filter { prefix: Some(wanted.to_owned()), limit: 6, ..Filter::default() };
            let mut found = self.reader.heads(&filter)?;
            if found.len() > 1 {
                let found = found.into_iter().map(|listed| listed.stream.to_string()).collect();
                return Err(EngineError::Ambiguous { id: wanted.to_owned(), found });
            }
            return found.pop().map(|listed| listed.stream).ok_or_else(none);
        }
        let filter = Filter { workflow: Some(wanted.to_owned()), ..last };
        self.reader.heads(&filter)?.into_iter().next().map(|listed| listed.stream).ok_or_else(none)
    }

    /// The runs that a signal goes to: one, or all open ones that are found.
    ///
    /// # Errors
    /// When there is none, or more than a signal may go to.
    pub fn receivers(&mut self, to: &Receivers) -> Result<Vec<StreamId>, EngineError> {
        let (workflow, keys) = match to {
            Receivers::Run(run) => {
                // Named in full it is not looked up: whoever takes the signal says whether there is such a run.
                let full = StreamId::run_in_full(run);
                return Ok(vec![full.map_or_else(|| self.find(run), Ok)?]);
            }
            Receivers::Where { workflow, keys } => (workflow.clone(), keys.clone()),
        };
        let wanted = || {
            let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{workflow} with {}", keys.join(", "))
        };
        let find = Find::Where { workflow: workflow.clone(), keys: keys.clone() };
        let found = found(&mut self.reader, &find)?;
        if found.is_empty() {
            return Err(EngineError::NobodyFound { wanted: wanted() });
        }
        if found.len() > stead_core::limits::SIGNAL_RUNS {
            let most = stead_core::limits::SIGNAL_RUNS;
            return Err(EngineError::TooManyFound { wanted: wanted(), most });
        }
        Ok(found.into_iter().map(|found| found.run).collect())
    }

    /// Whether there is a run of this id.
    pub(crate) fn exists(&mut self, run: &StreamId) -> Result<bool, EngineError> {
        Ok(self.reader.head(run)?.is_some())
    }

    /// Whether a turn of a run was caused by something whose name ends so. Reads its whole journal: for what is
    /// asked once in a long while.
    pub(crate) fn was_caused(&mut self, run: &StreamId, ending: &str) -> Result<bool, EngineError> {
        let mut from = 1;
        loop {
            let rows = self.reader.journal(run, from, limits::SCAN_ROWS)?;
            if rows.iter().any(|row| row.cause.ends_with(ending)) {
                return Ok(true);
            }
            let Some(last) = rows.last() else { return Ok(false) };
            from = last.seq + last.count;
        }
    }

    fn status(&mut self, run: &str) -> Result<stead_core::run::View, EngineError> {
        let (id, mut state, plan) = self.state(run)?;
        let listed = self.reader.head(&id)?;
        let mut view = state.view(&plan);
        // Between two events the row knows whether something is under way; a row that is ahead of what was
        // read tells of another moment.
        if let Some(listed) = listed.filter(|listed| listed.seq == view.seq && !view.status.is_end()) {
            view.status = listed.head.status;
        }
        view.position = self.reader.row_of(&id, view.seq)?.position;
        places::say_who_is_before(&mut self.reader, &state, &mut view)?;
        self.say_who_is_left(&mut view)?;
        if let Some(reference) = state.outputs_at() {
            view.outputs = Some(load_value(&mut self.reader, &self.files, &id, reference)?);
        }
        Ok(view)
    }

    /// The run whose place somebody wants to take back.
    ///
    /// # Errors
    /// When it has none, or can give it back itself.
    pub fn place_to_free(&mut self, project: &str, key: &str, run: &str) -> Result<StreamId, EngineError> {
        let refused = |id: &str, why: &str| EngineError::Refused { id: id.to_owned(), why: why.to_owned() };
        let Some(limit) = load_limit(&mut self.reader, &StreamId::limit(project, key))? else {
            return Err(refused(key, "nobody asked for a place for it"));
        };
        // It may be one that is not there any more, so it is looked for among those who asked.
        let named = |place: &&Place| place.ask.id.run.as_str().starts_with(run);
        let asked = limit.holders().chain(limit.waiters()).find(named);
        let Some(run) = asked.map(|place| place.ask.id.run.clone()) else {
            return Err(refused(run, &format!("it has no place for `{key}`, and waits for none")));
        };
        match self.status(run.as_str()) {
            Ok(_) => Err(refused(
                run.as_str(),
                "it can go on, and gives its place back when it ends: `stead cancel` ends it",
            )),
            Err(EngineError::NoRun { .. }) => Ok(run),
            Err(error) if error.concerns_stream() => Ok(run),
            Err(error) => Err(error),
        }
    }

    fn selection(&mut self, run: &str, again: &Again) -> Result<Answer, EngineError> {
        let (id, mut state, plan) = self.whole_state(run)?;
        let refused = |why: &str| EngineError::Refused { id: id.to_string(), why: why.to_owned() };
        let selection = state.selection(&plan, again).map_err(refused)?;
        Ok(Answer::Retry { run: id, selection })
    }

    /// With nothing forgotten: for those who go on with it behind its end.
    fn whole_state(&mut self, run: &str) -> Result<(StreamId, RunState, Arc<Plan>), EngineError> {
        let id = self.find(run)?;
        let state = load_whole_state(&mut self.reader, &id)?;
        self.with_plan(run, id, state)
    }

    pub(crate) fn state(&mut self, run: &str) -> Result<(StreamId, RunState, Arc<Plan>), EngineError> {
        let id = self.find(run)?;
        let state = load_state(&mut self.reader, &id)?;
        self.with_plan(run, id, state)
    }

    fn with_plan(
        &mut self,
        run: &str,
        id: StreamId,
        state: Option<RunState>,
    ) -> Result<(StreamId, RunState, Arc<Plan>), EngineError> {
        let mut state = state.ok_or_else(|| EngineError::NoRun { id: run.to_owned() })?;
        let plan = self.plans.get(&mut self.reader, &state.revision)?;
        state.fits(&plan).map_err(|why| EngineError::journal(&id, state.seq, &why))?;
        Ok((id, state, plan))
    }

    /// The inputs of a run with some of them changed; none where none is.
    ///
    /// # Errors
    /// When they do not fit what its definition declares.
    pub(crate) fn inputs_with(
        &mut self,
        run: &str,
        changes: &Map<String, Value>,
    ) -> Result<Vec<(String, Value)>, EngineError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let (id, state, plan) = self.state(run)?;
        let mut all = Map::new();
        for (name, reference) in state.inputs_at() {
            all.insert(name.clone(), load_value(&mut self.reader, &self.files, &id, reference)?);
        }
        all.extend(changes.clone());
        let checked = stead_lang::inputs::check_inputs(&plan, &all);
        Ok(checked.map_err(|diagnostics| EngineError::Invalid { diagnostics })?.into_iter().collect())
    }

    fn events(&mut self, run: &str, after: u64, limit: usize) -> Result<Answer, EngineError> {
        let id = self.find(run)?;
        let last = self.reader.head(&id)?.map_or(0, |listed| listed.seq);
        let mut events = Vec::new();
        // No store counts further than this.
        if after >= i64::MAX.unsigned_abs() {
            return Ok(Answer::Events { events, last });
        }
        let (mut from, mut rows, mut bytes) = (after + 1, 0, 0);
        // In pieces, and an answer has a bound; whoever wants more asks for what is behind it.
        while rows < limit && bytes < limits::EVENTS_BYTES {
            let piece = self.reader.journal(&id, from, limits::FOLLOW_ROWS.min(limit - rows))?;
            let Some(end) = piece.last().map(|row| row.seq + row.count) else { break };
            (from, rows) = (end, rows + piece.len());
            bytes += piece.iter().map(|row| row.events.len()).sum::<usize>();
            self.unpack(&id, after, piece, &mut events)?;
        }
        Ok(Answer::Events { events, last })
    }

    fn unpack(
        &self,
        id: &StreamId,
        after: u64,
        rows: Vec<Row>,
        events: &mut Vec<EventRow>,
    ) -> Result<(), EngineError> {
        for row in rows {
            let all: Vec<Value> =
                serde_json::from_slice(&row.events).map_err(|e| EngineError::journal(id, row.seq, &e))?;
            for (seq, event) in (row.seq..).zip(all) {
                if seq > after {
                    let run = id.clone();
                    events.push(EventRow { position: row.position, run, seq, at: row.at, event });
                }
            }
        }
        Ok(())
    }

    fn evidence(&mut self, run: &str, step: Option<&str>) -> Result<Answer, EngineError> {
        let (id, state, _) = self.state(run)?;
        let mut unsure = state.unsure();
        if let Some(step) = step {
            unsure.retain(|unsure| unsure.attempt.path == step);
            if unsure.is_empty() {
                let why = "the step is not parked".to_owned();
                return Err(EngineError::Refused { id: id.to_string(), why });
            }
        }
        let files = &self.files;
        let load = |payload: Payload| match payload {
            Payload::Value(value) => Ok(value),
            Payload::File { hash, .. } => {
                let bytes = files.get(&hash)?;
                serde_json::from_slice(&bytes).map_err(|e| EngineError::file(&hash, &e))
            }
        };
        let evidence = evidence::collect(&mut self.reader, &self.home, unsure, &load)?;
        Ok(Answer::Evidence { run: id, evidence })
    }

    /// Whether it may still be asked what an attempt came to.
    pub(crate) fn may_be_unsure(&mut self, attempt: &AttemptId) -> Result<bool, EngineError> {
        let state = load_state(&mut self.reader, &attempt.stream)?;
        Ok(state.is_some_and(|state| state.may_be_unsure(attempt)))
    }

    fn results(&mut self, run: &str, after: u32, limit: usize) -> Result<Results, EngineError> {
        let (id, state, plan) = self.state(run)?;
        let Some((step, child)) = rows_of(&plan) else {
            let why = "it is no batch: it runs no workflow per line of a file".to_owned();
            return Err(EngineError::Refused { id: id.to_string(), why });
        };
        let workflow = self.plans.get(&mut self.reader, child)?;
        let outputs = workflow.root.outputs.iter().flatten().map(|(name, _)| name.clone()).collect();
        let inputs = workflow.inputs.iter().map(|input| input.name.clone()).collect();
        let (hash, total) = state.lines_at(step).unwrap_or(("", 0));
        let (hash, newest, over) = (hash.to_owned(), state.highest_number(step), state.status.is_end());
        let mut results = Results { run: id.clone(), total, outputs, inputs, rows: Vec::new() };
        let mut bytes = 0;
        for index in (after..total).take(limit.min(limits::RESULT_ROWS)) {
            let row = self.row(&id, &path::item(step, &index.to_string()), index, newest, over)?;
            let line = self.lines.line(&self.files, &hash, index)?.unwrap_or_default();
            let inputs = line.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default();
            let row = RowResult { key: line.get("key").cloned(), inputs, ..row };
            // Of one that cannot be counted the answer would be too long, and is told in another way.
            bytes += serde_json::to_vec(&row).map_or(0, |row| row.len());
            results.rows.push(row);
            if bytes >= limits::EVENTS_BYTES {
                break;
            }
        }
        Ok(results)
    }

    /// What became of the newest try of a row.
    fn row(
        &mut self,
        batch: &StreamId,
        at: &str,
        index: u32,
        newest: u32,
        over: bool,
    ) -> Result<RowResult, EngineError> {
        let mut row = RowResult {
            index,
            key: None,
            status: if over { RunStatus::Cancelled } else { RunStatus::Pending },
            outcome: None,
            run: None,
            inputs: Map::new(),
            outputs: None,
            error: None,
        };
        for number in (1..=newest).rev() {
            let run = StreamId::child(batch, at, number);
            let Some(listed) = self.reader.head(&run)? else { continue };
            (row.status, row.outcome, row.error) =
                (listed.head.status, listed.head.outcome, listed.head.error);
            if row.status == RunStatus::Completed {
                let state = load_state(&mut self.reader, &run)?;
                let outputs = state.as_ref().and_then(RunState::outputs_at);
                let load = |outputs| load_value(&mut self.reader, &self.files, &run, outputs);
                row.outputs = outputs.map(load).transpose()?;
            }
            row.run = Some(run);
            break;
        }
        Ok(row)
    }

    fn definition(&mut self, run: &str) -> Result<Answer, EngineError> {
        let id = self.find(run)?;
        let listed = self.reader.head(&id)?.ok_or_else(|| EngineError::NoRun { id: run.to_owned() })?;
        let revision = listed.head.revision;
        let bundle = crate::driver::bundle(&mut self.reader, &revision)?;
        Ok(Answer::Definition { revision, bundle })
    }

    /// Attempts in the order of their beginning. Those that printed nothing left no file and are not there.
    /// The log of an attempt of a step; of the last that left one, where none is said.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn log_of(
        &mut self,
        run: &str,
        step: &str,
        attempt: Option<u32>,
    ) -> Result<(StreamId, LogFile), EngineError> {
        let Answer::Logs { run, logs } = self.logs(run)? else { return Err(EngineError::bug(&"no logs")) };
        let fits = |log: &&LogFile| log.path == step && attempt.is_none_or(|attempt| attempt == log.attempt);
        let none =
            || EngineError::NoLog { run: run.clone(), step: step.chars().take(200).collect(), attempt };
        let found = logs.iter().rfind(fits).cloned().ok_or_else(none)?;
        Ok((run, found))
    }

    fn logs(&mut self, run: &str) -> Result<Answer, EngineError> {
        let id = self.find(run)?;
        let mut logs: Vec<LogFile> = Vec::new();
        let mut open: HashMap<(String, u32), usize> = HashMap::new();
        for row in self.reader.journal(&id, 1, usize::MAX)? {
            let all: Vec<Event> =
                serde_json::from_slice(&row.events).map_err(|e| EngineError::journal(&id, row.seq, &e))?;
            for event in all {
                match event {
                    Event::AttemptStarted { path, number, .. } => {
                        let attempt =
                            stead_core::effect::AttemptId { stream: id.clone(), path: path.clone(), number };
                        let file = self.home.log(&attempt);
                        if file.exists() {
                            open.insert((path.clone(), number), logs.len());
                            let (started_at, file) = (row.at, file.display().to_string());
                            logs.push(LogFile { path, attempt: number, started_at, open: true, file });
                        }
                    }
                    Event::AttemptEnded { path, number, .. } | Event::AttemptLost { path, number, .. } => {
                        if let Some(at) = open.remove(&(path, number)) {
                            logs[at].open = false;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(Answer::Logs { run: id, logs })
    }
}

/// A part of a log. It may be large, so nobody else is held up while it is read.
pub(crate) fn log_text(run: StreamId, file: LogFile, part: &LogPart) -> Result<Answer, EngineError> {
    let at = std::path::Path::new(&file.file);
    let told = match part {
        LogPart::File => Ok(logs::LogTold::File { path: file.file.clone() }),
        LogPart::Lines { from, stream, limit } => logs::lines(at, *from, *stream, *limit),
        LogPart::Search { q, regex, case, from, limit } => {
            let pattern = logs::pattern(q, *regex, *case).map_err(|why| EngineError::LogPattern { why })?;
            logs::search(at, &pattern, *from, *limit)
        }
    };
    let told = told.map_err(|error| EngineError::Home {
        what: "cannot read the log",
        path: file.file.clone(),
        why: error.to_string(),
    })?;
    Ok(Answer::LogText { run, step: file.path, attempt: file.attempt, told })
}
