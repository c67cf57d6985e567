//! The inbox without a terminal: keys and answers in, wishes and screens out.

use serde_json::{Value, json};
use stead_core::ids::StreamId;
use stead_core::task::{Ended, TaskKind, TaskStatus};
use stead_engine::tasks::{Deed, Draft, DraftNow, Eligible, Said, TaskNow, TaskRow};
use stead_platform::terminal::Size;

use super::keys::Keys;
use super::model::{Ask, State, Told, Trouble};
use super::rows::tests::row;
use super::{view, work};
use crate::face::Face;

const ME: &str = "user:ana";
const FACE: Face = Face { color: false, unicode: true };

fn size(columns: u16, rows: u16) -> Size {
    Size { columns, rows }
}

/// An inbox with so many gates.
fn inbox(count: usize) -> State {
    let mut state = State::new(ME.into(), false, FACE, size(80, 20));
    let asked = state.rows.again(0).flatten();
    state.told(Told::Page(asked, Ok((1..=count).map(row).collect())), 0);
    state
}

fn gate(number: usize) -> TaskNow {
    let TaskRow { task, head, .. } = row(number);
    TaskNow {
        task,
        head,
        version: format!("version {number}"),
        shown: vec![("draft".into(), json!("one\ntwo"))],
        form: None,
        questions: None,
        claim: None,
        said: Vec::new(),
        delegated: Vec::new(),
        skipped: Vec::new(),
        allowed_actions: Vec::new(),
        barred: None,
        draft: None,
        eligible: Eligible::Anybody,
    }
}

fn questions(number: usize) -> TaskNow {
    let mut task = gate(number);
    task.head.kind = TaskKind::Questions;
    task.shown.clear();
    task.questions = Some(json!([
        {"id": "colour", "text": "Which colour?", "why_it_matters": "It stays."},
        {"id": "n", "text": "How many?"},
        {"id": "more", "text": "Anything else?"},
    ]));
    task.form = Some(json!({
        "type": "object",
        "required": ["colour", "n"],
        "properties": {
            "colour": {"enum": ["red", "blue"]}, "n": {"type": "number"}, "more": {"type": "string"},
        },
    }));
    task
}

/// Presses keys, given as a terminal sends them.
fn press(state: &mut State, bytes: &str) -> Vec<Ask> {
    let mut keys = Keys::default();
    let mut all = keys.feed(bytes.as_bytes());
    all.extend(keys.flush());
    all.iter().flat_map(|key| state.key(key, 1_000)).collect()
}

fn show(state: &mut State, task: TaskNow) {
    state.told(Told::Task(task.task.clone(), Ok(Box::new(task))), 1_000);
}

fn opened(task: TaskNow) -> State {
    let mut state = inbox(3);
    assert_eq!(press(&mut state, "\r"), [Ask::Show(task.task.clone())]);
    show(&mut state, task);
    state
}

fn screen(state: &State) -> String {
    view::draw(state, 90_000).text(FACE, state.columns())
}

fn id(number: usize) -> StreamId {
    row(number).task
}

fn comment(state: &State) -> String {
    state.draft().comment
}

#[test]
fn a_list_is_walked_and_cut_to_any_screen() {
    let mut state = inbox(30);
    press(&mut state, "jjjk");
    assert_eq!(state.task(), Some(id(3)));
    state.resize(size(74, 6));
    assert_eq!(
        screen(&state),
        "Inbox  user:ana  30 wait
  ◆ Ship number 1?              ask   fix-issue       1m 30s
  ◆ Ship number 2?              ask   fix-issue       1m 30s
› ◆ Ship number 3?              ask   fix-issue       1m 30s

j k move · Enter open · a accept · r reject · c claim · q leave · ? keys"
            .replace("ask ", "gate")
    );
    press(&mut state, "G");
    assert_eq!((state.task(), state.top), (Some(id(30)), 27));
    press(&mut state, "g");
    assert_eq!((state.task(), state.top), (Some(id(1)), 0));
    for (columns, rows) in [(40, 8), (20, 4), (8, 2), (1, 1), (300, 100)] {
        state.resize(size(columns, rows));
        let picture = view::draw(&state, 0);
        assert_eq!(picture.lines.len(), usize::from(rows));
    }
    state.resize(size(31, 4));
    assert_eq!(
        screen(&state),
        "Inbox  user:ana  30 wait\n› ◆ Ship number 1?\n\nj k move · Enter open · ? keys"
    );
}

#[test]
fn signs_are_ascii_where_nothing_else_can_be_shown() {
    let mut state = opened(questions(1));
    (state.face.unicode, state.face.color) = (false, true);
    let ascii = |state: &State| {
        let drawn = view::draw(state, 90_000);
        let shown = drawn.lines.iter().map(|line| line.render(state.columns(), state.face));
        let shown = shown.collect::<Vec<_>>().join("\n");
        assert!(shown.is_ascii(), "{shown}");
        shown
    };
    // Colour is never all that says it.
    press(&mut state, "1");
    let shown = ascii(&state);
    assert!(shown.contains("> ") && shown.contains("[x] 1 red") && shown.contains("\x1b[32m"), "{shown}");
    press(&mut state, "\x1b");
    assert!(ascii(&state).contains("> "));
    state.resize(size(24, 5));
    ascii(&state);
    press(&mut state, "?");
    ascii(&state);
}

#[test]
fn an_empty_inbox_says_what_it_is() {
    let state = inbox(0);
    assert!(screen(&state).contains("Nothing waits for you."), "{}", screen(&state));
}

#[test]
fn a_gate_is_accepted_with_what_was_shown() {
    let mut state = opened(gate(1));
    let shown = screen(&state);
    assert!(
        shown.contains("draft:\n  one\n  two") && shown.contains("[ ] a accept   [ ] r reject"),
        "{shown}"
    );
    // Nothing is decided by one key.
    assert_eq!(press(&mut state, "\x13"), []);
    assert!(screen(&state).contains("choose first: a accepts, r rejects"));
    assert_eq!(press(&mut state, "a"), []);
    assert!(screen(&state).contains("[x] a accept"));
    assert_eq!(press(&mut state, "mfine\r"), []);
    let asks = press(&mut state, "\x1b[13;5u");
    let deed =
        Deed::Decide { accept: true, comment: "fine".into(), form: None, version: Some("version 1".into()) };
    let draft = Draft { accept: Some(true), comment: "fine".into(), ..Draft::default() };
    // First what was typed is kept.
    assert_eq!(asks, [Ask::Save(id(1), Some(draft), String::new()), Ask::Act(id(1), deed.clone())]);
    assert_eq!(press(&mut state, "\x13"), [], "it is on its way");
    let done = Told::Acted(id(1), deed, Ok((Box::new(row(1)), Some("stead resume r".into()))));
    // The next one is opened.
    assert!(state.told(done, 2_000).contains(&Ask::Show(id(2))));
    assert_eq!((state.task(), state.rows.all.len()), (Some(id(2)), 2));
    assert!(screen(&state).contains("this goes on with it: stead resume r"));
    assert_eq!(state.next, ["stead resume r"]);
}

#[test]
fn in_the_list_a_key_opens_what_it_is_for_and_its_draft_is_not_lost() {
    let mut state = inbox(3);
    assert_eq!(press(&mut state, "r"), [Ask::Show(id(1))]);
    // Whatever is pressed before it is there is for what is there then.
    let draft = Draft { comment: "too long".into(), ..Draft::default() };
    let kept = DraftNow { draft, etag: "e".into(), saved_at: 5 };
    show(&mut state, TaskNow { draft: Some(kept), ..gate(1) });
    assert_eq!((state.draft().accept, comment(&state)), (Some(false), "too long".into()));
    let asks = state.tick(1_000 + work::PAUSE);
    assert!(matches!(&asks[..], [Ask::Save(_, Some(_), etag), ..] if etag == "e"), "{asks:?}");
}

#[test]
fn p11_keys_that_are_pressed_before_a_task_is_there_are_for_it_and_bounded() {
    let mut state = inbox(3);
    // An `a` of the comment is none that accepts.
    assert_eq!(press(&mut state, "\rma draft\r"), [Ask::Show(id(1))]);
    show(&mut state, gate(1));
    assert_eq!((comment(&state), state.draft().accept), ("a draft".into(), None));
    press(&mut state, "n");
    press(&mut state, &format!("m{}", "x".repeat(crate::limits::KEYS_AHEAD + 10)));
    show(&mut state, gate(2));
    assert_eq!(comment(&state).len(), crate::limits::KEYS_AHEAD - 1);
    // What cannot be shown is left at once.
    press(&mut state, "\x1b\x1b");
    press(&mut state, "\r");
    assert!(state.open.as_ref().is_some_and(|open| open.now.is_none()));
    press(&mut state, "\x1b");
    assert!(state.open.is_none());
}

/// What the operations would say, in order, of fifty tasks that each take a digit.
#[test]
fn fifty_tasks_are_done_as_fast_as_the_keys_come() {
    let mut state = inbox(50);
    let choice = |number: usize| {
        let mut task = questions(number);
        task.form =
            Some(json!({"required": ["colour"], "properties": {"colour": {"enum": ["red", "blue"]}}}));
        task
    };
    // All keys before the first answer.
    let keys: String = (1..=50).map(|number| format!("{}\x13", number % 2 + 1)).collect();
    let mut asks: std::collections::VecDeque<Ask> = press(&mut state, &format!("\r{keys}")).into();
    let mut done = Vec::new();
    while let Some(ask) = asks.pop_front() {
        let told = match ask {
            Ask::Show(id) => {
                let number: usize = id.as_str()[2..].parse().unwrap();
                Told::Task(id, Ok(Box::new(choice(number))))
            }
            Ask::Act(id, deed) => {
                let Deed::Answer { answers, .. } = &deed else { panic!("{deed:?}") };
                done.push((id.clone(), answers["colour"].clone()));
                let number = id.as_str()[2..].parse().unwrap();
                Told::Acted(id, deed, Ok((Box::new(row(number)), None)))
            }
            Ask::Save(id, draft, _) => {
                let kept = draft.map(|draft| DraftNow { draft, etag: "e".into(), saved_at: 0 });
                Told::Saved(id, Ok(kept))
            }
            Ask::List(_) => continue,
            other => panic!("{other:?}"),
        };
        asks.extend(state.told(told, 1_000));
    }
    let colours = ["red", "blue"];
    let wanted: Vec<_> = (1..=50).map(|number| (id(number), json!(colours[number % 2]))).collect();
    assert_eq!(done, wanted, "none twice, none left out, each with its own");
}

#[test]
fn p4_a_gate_that_was_not_on_the_screen_is_not_decided_on_by_keys_pressed_before() {
    let mut state = opened(gate(1));
    let asks = press(&mut state, "a\x13a\x13");
    let Some(Ask::Act(task, deed)) = asks.last().cloned() else { panic!("{asks:?}") };
    state.told(Told::Acted(task, deed, Ok((Box::new(row(1)), None))), 2_000);
    let asks = state.told(Told::Task(id(2), Ok(Box::new(gate(2)))), 2_000);
    assert!(!asks.iter().any(|ask| matches!(ask, Ask::Act(..))), "{asks:?}");
    assert!(screen(&state).contains("look at it, then hand it in") && state.draft().accept == Some(true));
    assert!(press(&mut state, "\x13").iter().any(|ask| matches!(ask, Ask::Act(..))));
}

#[test]
fn questions_are_answered_field_by_field() {
    let mut state = opened(questions(1));
    let before = screen(&state);
    assert!(
        before.contains("› Which colour?\n    colour: has to be answered; choose one\n    It stays."),
        "{before}"
    );
    press(&mut state, "2\t\r12x\r\t\rAll of it, 日本\r");
    let shown = screen(&state);
    assert!(shown.contains("[x] 2 blue") && shown.contains("All of it, 日本"), "{shown}");
    press(&mut state, "g");
    assert!(screen(&state).contains("12x\n    ! "), "{}", screen(&state));
    // What does not fit is shown in its place, and nothing is lost.
    assert_eq!(press(&mut state, "\x13"), []);
    assert!(screen(&state).contains("not handed in: `n` does not fit"));
    press(&mut state, "\r\x7f\r");
    let asks = press(&mut state, "\x13");
    let Some(Ask::Act(_, Deed::Answer { answers, .. })) = asks.last() else { panic!("{asks:?}") };
    assert_eq!(*answers, json!({"colour": "blue", "n": 12, "more": "All of it, 日本"}));
    // The engine may know better.
    let trouble = Trouble { code: "R0207".into(), lines: vec!["it does not fit: 12 is odd at `n`".into()] };
    let Some(Ask::Act(task, deed)) = asks.last().cloned() else { unreachable!() };
    state.told(Told::Acted(task, deed, Err(trouble)), 2_000);
    assert!(
        screen(&state).contains("12 is odd") && screen(&state).contains("› How many?"),
        "{}",
        screen(&state)
    );
    assert_eq!(state.draft().form["n"], 12);
}

#[test]
fn every_edit_is_undone_and_made_again() {
    let mut state = opened(questions(1));
    let form = |state: &State| Value::Object(state.draft().form);
    press(&mut state, "12mone two\r");
    assert_eq!(form(&state), json!({"colour": "blue"}));
    press(&mut state, "uu");
    assert_eq!((comment(&state), form(&state)), ("".into(), json!({"colour": "blue"})));
    press(&mut state, "u");
    assert_eq!(form(&state), json!({"colour": "red"}));
    press(&mut state, "uu");
    assert_eq!(form(&state), json!({}));
    assert!(screen(&state).contains("nothing is left to undo"));
    press(&mut state, "UUUU");
    assert_eq!(comment(&state), "one two");
    // While typing, too; and a field is emptied.
    press(&mut state, "m three\x1a\x1a");
    assert_eq!(comment(&state), "one two");
    press(&mut state, "\x1b");
    press(&mut state, "x");
    assert_eq!(comment(&state), "");
}

#[test]
fn what_somebody_else_decided_is_told_and_nothing_is_lost() {
    let mut state = opened(gate(1));
    press(&mut state, "rmno, because\r");
    let asks = press(&mut state, "\x13");
    let Some(Ask::Act(task, deed)) = asks.last().cloned() else { panic!("{asks:?}") };
    let why = "the task was accepted at 12:00 by user:bo".to_owned();
    let trouble = Trouble { code: "R0203".into(), lines: vec![why] };
    assert_eq!(state.told(Told::Acted(task, deed, Err(trouble)), 0), [Ask::Show(id(1))]);
    let mut over = gate(1);
    over.head.status = TaskStatus::Completed;
    (over.head.ended, over.head.ended_at, over.head.acted) =
        (Some(Ended::Accepted), Some(0), vec!["user:bo".into()]);
    over.said =
        vec![Said { by: "user:bo".into(), at: 0, accept: Some(true), comment: "ok".into(), form: None }];
    show(&mut state, over);
    // Also where the head of it is scrolled away.
    assert!(screen(&state).contains("this is over: already accepted by user:bo; what you typed is kept"));
    let shown = screen(&state);
    for words in
        ["This is over: already accepted by user:bo", "It is kept here", "no, because", "[x] r reject"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // The row stays as long as it is looked at.
    state.told(Told::Page(None, Ok(vec![row(2), row(3)])), 0);
    press(&mut state, "\x1b");
    assert!(screen(&state).contains("· Ship number 1?"), "{}", screen(&state));
    press(&mut state, "j");
    assert_eq!((state.task(), state.rows.all.len()), (Some(id(2)), 2));
}

#[test]
fn a_row_that_goes_while_it_is_looked_at_is_asked_for_once() {
    let mut state = inbox(3);
    let asks = state.told(Told::Page(None, Ok(vec![row(2), row(3), row(4)])), 0);
    assert_eq!(asks, [Ask::Show(id(1))]);
    let mut over = gate(1);
    over.head.status = TaskStatus::Withdrawn;
    over.head.ended = Some(Ended::Withdrawn);
    show(&mut state, over);
    assert!(screen(&state).contains("already withdrawn"), "{}", screen(&state));
    assert_eq!(state.told(Told::Page(None, Ok(vec![row(2), row(3), row(4)])), 0), []);
    assert_eq!(state.rows.all.len(), 4);
}

#[test]
fn a_claim_is_made_and_given_back() {
    let mut state = opened(gate(1));
    assert_eq!(press(&mut state, "c"), [Ask::Act(id(1), Deed::Claim)]);
    state.told(Told::Acted(id(1), Deed::Claim, Ok((Box::new(row(1)), None))), 0);
    let mut mine = gate(1);
    mine.head.status = TaskStatus::Claimed;
    mine.head.claimed = Some((ME.into(), 60_000));
    show(&mut state, mine.clone());
    assert!(screen(&state).contains("You work on it"), "{}", screen(&state));
    assert_eq!(press(&mut state, "c"), [Ask::Act(id(1), Deed::Release)]);
    state.told(Told::Acted(id(1), Deed::Release, Ok((Box::new(row(1)), None))), 0);
    mine.head.claimed = Some(("user:bo".into(), 60_000));
    show(&mut state, mine);
    assert!(screen(&state).contains("user:bo works on it"));
}

#[test]
fn leaving_to_others_and_giving_away_ask_first() {
    let mut state = opened(gate(1));
    assert_eq!(press(&mut state, "s\r"), []);
    assert!(screen(&state).contains("nothing was done"));
    assert_eq!(press(&mut state, "saway\x1b"), []);
    let asks = press(&mut state, "saway\r");
    assert_eq!(asks, [Ask::Act(id(1), Deed::Skip { reason: "away".into() })]);
    state.told(Told::Acted(id(1), Deed::Claim, Err(Trouble::default())), 0);
    let asks = press(&mut state, "dbo\r");
    assert_eq!(asks, [Ask::Act(id(1), Deed::Delegate { to: "bo".into() })]);
    // None of it is in the draft.
    assert_eq!(state.draft(), Draft::default());
}

#[test]
fn a_text_comes_back_from_the_editor() {
    let mut state = opened(gate(1));
    assert_eq!(press(&mut state, "mone\x0f"), [Ask::Editor("one".into())]);
    state.told(Told::Edited(Ok("one\ntwo\n".into())), 0);
    assert_eq!(comment(&state), "one\ntwo");
    let mut questions = opened(questions(1));
    assert_eq!(press(&mut questions, "\te"), [Ask::Editor(String::new())]);
    questions.told(Told::Edited(Ok("7\n".into())), 0);
    assert_eq!(Value::Object(questions.draft().form), json!({"n": 7}));
    assert_eq!(press(&mut questions, "e"), [Ask::Editor("7".into())]);
    questions.told(Told::Edited(Err(Trouble { code: String::new(), lines: vec!["no".into()] })), 0);
    assert_eq!(Value::Object(questions.draft().form), json!({"n": 7}));
}

#[test]
fn what_is_typed_stays_on_a_screen_of_forty_columns_and_eight_lines() {
    let mut state = opened(questions(1));
    state.resize(size(40, 8));
    press(&mut state, &format!("m{}end", "a long comment, ".repeat(40)));
    let picture = view::draw(&state, 0);
    let (row, column) = picture.cursor.unwrap();
    assert!(row < 8 && column < 40, "{row} {column}");
    let shown = picture.text(FACE, state.columns());
    assert!(shown.lines().all(|line| crate::text::width(line) <= 39) && shown.contains("end"), "{shown}");
    assert_eq!(shown.lines().count(), 8);
}

#[test]
fn all_of_a_title_can_be_read_however_narrow_it_is() {
    let mut task = gate(1);
    task.head.title = "A title of many words that goes on further than such a screen is wide".into();
    let mut state = opened(task);
    state.resize(size(40, 8));
    press(&mut state, "g");
    let shown = screen(&state);
    assert!(shown.contains("such a screen is wide\ngate · fix-issue"), "{shown}");
}

#[test]
fn nothing_from_outside_reaches_the_terminal() {
    let mut evil = gate(1);
    let bad = "x\x1b[2J\x1b]0;title\x07\u{202e}y";
    evil.head.title = bad.into();
    evil.head.origin.path = bad.into();
    evil.shown = vec![(bad.into(), json!(format!("{bad}\r\n{bad}\tz"))), ("v".into(), json!({"k": bad}))];
    evil.barred = Some(bad.into());
    evil.form = Some(json!({"properties": {"f\u{1b}[3J": {"enum": [bad], "title": bad}, "g": {}}}));
    let draft =
        Draft { comment: bad.into(), form: json!({"g": bad}).as_object().cloned().unwrap(), accept: None };
    evil.draft = Some(DraftNow { draft, etag: "e".into(), saved_at: 0 });
    let mut state = opened(evil);
    state.resize(size(80, 60));
    for keys in ["", "\t", "\t\r", "\r\t\r"] {
        press(&mut state, keys);
        let drawn = view::draw(&state, 0);
        for line in &drawn.lines {
            let line = line.render(79, Face { color: true, unicode: true });
            let plain =
                line.split("\x1b[").all(|piece| !piece.contains(|c: char| c.is_control() || c == '\u{202e}'));
            assert!(plain, "{line:?}");
        }
    }
}

#[test]
fn p11_of_what_is_shown_so_many_lines_are() {
    let mut long = gate(1);
    let lines = crate::limits::SHOWN_LINES + 10;
    let wide = "x".repeat(crate::limits::SHOWN_COLUMNS + 500);
    long.shown = vec![("all".into(), json!(format!("{wide}\n{}", "line\n".repeat(lines))))];
    let mut state = opened(long);
    press(&mut state, "G");
    assert!(
        screen(&state).contains(&format!("({} lines; all of it: stead inbox t_", lines + 1)),
        "{}",
        screen(&state)
    );
    press(&mut state, "g");
    let open = state.open.as_ref().unwrap();
    assert_eq!(
        open.shown[0].1.iter().filter(|line| line.starts_with('x')).count(),
        crate::limits::SHOWN_COLUMNS.div_ceil(77)
    );
}

#[test]
fn the_keys_are_told_from_the_table_that_binds_them() {
    let mut state = opened(gate(1));
    state.resize(size(80, 60));
    press(&mut state, "?");
    let shown = screen(&state);
    for words in ["Ctrl+S Ctrl+Enter", "undo, as far back as you like", "1-9", "In the list"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    press(&mut state, "q");
    assert!(state.help.is_none() && state.open.is_some());
}

#[test]
fn lines_are_cut_at_spaces_and_letters_are_whole() {
    assert_eq!(view::wrap("one two three", 8), ["one two", "three"]);
    assert_eq!(view::wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    assert_eq!(view::wrap("日本語テキスト", 5), ["日本", "語テ", "キス", "ト"]);
    assert_eq!(view::wrap("    indented far", 10), ["    indent", "ed far"]);
    assert_eq!(view::wrap("", 4), [""]);
    assert_eq!(view::wrap("日", 1), ["日"]);
}
