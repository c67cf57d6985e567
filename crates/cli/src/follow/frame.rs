//! What stands on the screen: never more lines than it has, what needs eyes first.

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::run::{StepNow, View};
use stead_core::status::StepStatus;
use stead_platform::terminal::Size;

use super::picture::Picture;
use super::tail::{LINES, Tails};
use crate::face::{Face, Ink, State};
use crate::line::Line;
use crate::text;
use crate::tree::{self, Indent, Progress, Row};

/// A step, and what stands under it.
struct Block {
    row: Row,
    child: Option<Line>,
    tail: Vec<Line>,
}

/// The lines of one moment while runs go on. At most one less than the screen has: the cursor stands below.
pub fn lines(picture: &mut Picture, tails: &Tails, size: Size, now: Time, face: Face) -> Vec<Line> {
    let height = usize::from(size.rows).saturating_sub(1).max(1);
    let roots = picture.roots.clone();
    if let [root] = roots.as_slice()
        && let Some(view) = picture.view(root)
    {
        let mut all = vec![tree::title(&view, now, face)];
        let room = height.saturating_sub(2);
        all.extend(steps(picture, &view, tails, room, now, face));
        all.push(bar(tree::progress(&view), now - view.created_at, usize::from(size.columns), face));
        // A screen of a line or two shows the end: how far it is.
        return all.split_off(all.len().saturating_sub(height));
    }
    several(picture, &roots, height, now, face)
}

/// The lines that stay when a run is left or over. `goes_on`: another process performs it.
pub fn last(
    picture: &mut Picture,
    view: &View,
    goes_on: bool,
    size: Size,
    now: Time,
    face: Face,
) -> Vec<Line> {
    let room = usize::from(size.rows).saturating_sub(6).max(3);
    if view.status.is_end() {
        let mut all = vec![tree::title(view, now, face)];
        all.extend(steps(picture, view, &Tails::default(), room, now, face));
        return all;
    }
    if goes_on {
        let mut all = vec![tree::title_of(view, State::Running, "left, goes on", now, face)];
        all.extend(steps(picture, view, &Tails::default(), room, now, face));
        return all;
    }
    // Nothing is at work any more once this process has left.
    let mut view = view.clone();
    hold(&mut view.steps);
    let mut all = vec![tree::title_of(&view, State::Paused, "left, can go on", now, face)];
    all.extend(steps(picture, &view, &Tails::default(), room, now, face));
    all
}

/// What runs is not shown as running: its attempt was ended and is made again later.
fn hold(steps: &mut [StepNow]) {
    for step in steps {
        hold(&mut step.inside);
        if step.status == StepStatus::Running {
            step.status = StepStatus::Pending;
        }
    }
}

/// The steps of a run in so many lines.
fn steps(picture: &Picture, view: &View, tails: &Tails, room: usize, now: Time, face: Face) -> Vec<Line> {
    let trouble = |path: &str| {
        let text = picture.trouble(&view.run, path)?;
        Some(format!("({})", tree::in_short(&text, face)))
    };
    let blocks = tree::rows(view, now, face, &trouble).into_iter().map(|row| Block {
        child: row.child.as_ref().and_then(|child| child_line(picture, child, row.depth + 2, face)),
        tail: tail_lines(tails, &row, face),
        row,
    });
    let mut blocks: Vec<Block> = blocks.collect();
    if picture.compact {
        blocks.retain(|block| {
            use State::{Completed, Pending, Queued, Skipped};
            !matches!(block.row.state, Completed | Pending | Queued | Skipped)
        });
    }
    let chosen = choose(&blocks, room);
    let columns = tree::label_columns(chosen.iter().map(|at| &blocks[*at].row), Indent::Spaces);
    let left = blocks.len() - chosen.len();
    let mut spare = room.saturating_sub(chosen.len() + usize::from(left > 0));
    let mut out = Vec::with_capacity(room);
    // Path and depth of the rows above, to name what stands alone.
    let mut above: Vec<(&str, usize)> = Vec::new();
    for at in &chosen {
        let block = &blocks[*at];
        while above.last().is_some_and(|(path, _)| !inside(&block.row.path, path)) {
            above.pop();
        }
        let (label, depth) = match above.last() {
            Some((path, depth)) => (block.row.path[path.len()..].trim_start_matches('/'), depth + 1),
            None => (block.row.path.as_str(), 0),
        };
        let mut row = block.row.clone();
        row.depth = depth;
        above.push((&block.row.path, depth));
        out.push(tree::line(&row, label, &Indent::Spaces, columns, face));
        for line in block.child.iter().chain(&block.tail) {
            if spare > 0 {
                spare -= 1;
                out.push(line.clone());
            }
        }
    }
    if left > 0 && room > 0 {
        out.push(more(&blocks, &chosen, face));
    }
    out
}

/// Whether a path stands inside another one.
fn inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['/', '[', '#']))
}

/// The rows that fit: what failed, runs or waits goes before what is done or to come.
fn choose(blocks: &[Block], room: usize) -> Vec<usize> {
    if blocks.len() <= room {
        return (0..blocks.len()).collect();
    }
    let rank = |state: State| match state {
        State::Failed | State::Running | State::Waiting | State::Sleeping | State::Paused => 0,
        State::Degraded | State::Blocked | State::Cancelled => 1,
        State::Queued => 2,
        State::Pending => 3,
        State::Completed | State::Skipped => 4,
    };
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|at| (rank(blocks[*at].row.state), *at));
    order.truncate(room.saturating_sub(1));
    order.sort_unstable();
    order
}

/// What did not fit, counted.
fn more(blocks: &[Block], chosen: &[usize], face: Face) -> Line {
    let mut counts: Vec<(State, usize)> = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        if chosen.binary_search(&at).is_err() {
            let state = block.row.state;
            match counts.iter_mut().find(|(known, _)| known.word() == state.word()) {
                Some((_, n)) => *n += 1,
                None => counts.push((state, 1)),
            }
        }
    }
    counts.sort_by_key(|(state, _)| *state);
    let words: Vec<String> = counts.iter().map(|(state, n)| format!("{n} {}", state.word())).collect();
    let n: usize = counts.iter().map(|(_, n)| n).sum();
    Line::new()
        .plain("  ")
        .ink(Ink::Dim, &format!("+ {n} more: {}", words.join(&format!("{} ", face.sign(",", ",")))))
}

fn tail_lines(tails: &Tails, row: &Row, face: Face) -> Vec<Line> {
    if row.state != State::Running {
        return Vec::new();
    }
    let indent = "  ".repeat(row.depth + 3);
    let line = |text: &str| Line::new().ink(Ink::Dim, &format!("{indent}{} {text}", face.sign("│", "|")));
    tails.of(&row.path).take(LINES).map(line).collect()
}

/// A child run in one line.
fn child_line(picture: &Picture, child: &str, depth: usize, face: Face) -> Option<Line> {
    let id = StreamId::new(child);
    let head = picture.head(&id)?;
    let mut line = Line::new().ink(Ink::Dim, &format!("{}{} ", "  ".repeat(depth), face.sign("↳", "\\")));
    add_run(&mut line, picture, &id, &head.workflow, face);
    Some(line)
}

fn add_run(line: &mut Line, picture: &Picture, run: &StreamId, workflow: &str, face: Face) {
    let state = picture.state(run);
    line.add(state.ink(), state.sign(face));
    line.add(Ink::Plain, &format!(" {workflow}"));
    line.add(Ink::Dim, &format!("  {run}"));
    line.add(Ink::Plain, &format!("  {} done", picture.completed(run)));
    let busy: Vec<String> = picture.attempts(run).into_iter().map(|attempt| attempt.path).take(3).collect();
    if !busy.is_empty() {
        line.add(state.ink(), &format!("  {}", busy.join(" ")));
    }
}

/// Several runs, a line each.
fn several(picture: &Picture, roots: &[StreamId], height: usize, now: Time, face: Face) -> Vec<Line> {
    let mut order: Vec<&StreamId> = roots.iter().collect();
    order.sort_by_key(|run| (picture.state(run).is_end(), picture.state(run)));
    let fits = if order.len() <= height { order.len() } else { height.saturating_sub(1) };
    let mut out = Vec::new();
    for run in &order[..fits] {
        let Some(head) = picture.head(run) else { continue };
        let mut line = Line::new();
        add_run(&mut line, picture, run, &head.workflow, face);
        let took = head.ended_at.unwrap_or(now) - head.created_at;
        line.add(Ink::Dim, &format!("  {}", text::duration(took)));
        if let Some(waits) = head.waits_for.first() {
            line.add(picture.state(run).ink(), &format!("  {}", tree::waits_line(waits, now)));
        }
        out.push(line);
    }
    if fits < order.len() {
        out.push(Line::new().ink(Ink::Dim, &format!("+ {} more", order.len() - fits)));
    }
    out
}

/// How far a run is.
fn bar(progress: Progress, millis: i64, columns: usize, face: Face) -> Line {
    let Progress { total, done } = progress;
    let width = (columns / 4).clamp(4, 20);
    let filled = match usize::try_from(done * width as u64 / total.max(1)) {
        Ok(filled) => filled.min(width),
        Err(_) => width,
    };
    let (full, empty) = (face.sign("█", "#"), face.sign("░", "."));
    Line::new()
        .plain("  [")
        .ink(Ink::Blue, &full.repeat(filled))
        .ink(Ink::Dim, &empty.repeat(width - filled))
        .plain(&format!("] {done}/{total}  {}", text::duration(millis)))
        .ink(Ink::Dim, "   Ctrl-C leaves, the run can go on later")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};
    use stead_lang::bundle::Bundle;

    use super::*;

    const FACE: Face = Face { color: false, unicode: true };

    /// A run of `steps` parallel steps of which some have begun and some have ended.
    fn picture(steps: usize, begun: usize, ended: usize) -> Picture {
        let mut text = "stead: 1\nname: many\nsteps:\n".to_owned();
        for n in 0..steps {
            let _ = writeln!(text, "  - {{ id: step_{n}, run: 'true', needs: [] }}");
        }
        let checked = stead_lang::check(&Bundle::single("many.yml", text));
        let plan = checked.plan.expect("a definition without errors");
        let run = StreamId::new("r_test");
        let mut events = vec![
            json!({"type": "run_created", "workflow": "many", "revision": plan.revision, "inputs": []}),
            json!({"type": "run_started"}),
        ];
        let path = |n: usize| format!("step_{n}");
        events.extend((0..begun).map(|n| json!({"type": "attempt_started", "path": path(n), "number": 1})));
        events.extend((0..ended).map(|n| json!({"type": "attempt_ended", "path": path(n), "number": 1})));
        let mut picture = Picture::default();
        picture.watch(&run, Some(plan));
        picture.book(&run, 1, 1, 1000, events).expect("events that can be read");
        picture
    }

    fn drawn(picture: &mut Picture, rows: u16, columns: u16) -> Vec<String> {
        let lines = lines(picture, &Tails::default(), Size { columns, rows }, 3000, FACE);
        lines.iter().map(|line| line.render(usize::from(columns), FACE)).collect()
    }

    #[test]
    fn a_picture_never_is_larger_than_the_screen() {
        let mut picture = picture(60, 50, 5);
        for rows in 1..70 {
            for columns in [1, 2, 10, 40, 200] {
                let drawn = drawn(&mut picture, rows, columns);
                assert!(drawn.len() <= usize::from(rows.saturating_sub(1).max(1)), "{rows}: {drawn:#?}");
                let wide = drawn.iter().find(|line| text::width(line) > usize::from(columns));
                assert_eq!(wide, None);
            }
        }
    }

    #[test]
    fn what_runs_goes_before_what_is_done_or_to_come() {
        let mut picture = picture(12, 7, 5);
        let drawn = drawn(&mut picture, 8, 80);
        assert_eq!(
            drawn[1..],
            [
                "  ● step_5  2.0s",
                "  ● step_6  2.0s",
                "  · step_7",
                "  · step_8",
                "  + 8 more: 3 pending, 5 completed",
                "  [████████░░░░░░░░░░░░] 5/12  2.0s   Ctrl-C leaves, the run can go on later",
            ]
        );
    }

    #[test]
    fn all_is_shown_where_it_fits_and_in_its_order() {
        let mut picture = picture(3, 2, 1);
        let drawn = drawn(&mut picture, 24, 80);
        assert_eq!(drawn[1..4], ["  ✓ step_0", "  ● step_1  2.0s", "  · step_2"]);
        assert!(drawn[0].starts_with("▶ many@"), "{drawn:?}");
    }

    #[test]
    fn a_tried_step_says_why_it_waits_and_how_long() {
        let mut picture = picture(1, 1, 0);
        let run = StreamId::new("r_test");
        let error = json!({"kind": "exit", "message": "exit code 3\nno network", "step": "step_0", "outcome": "error"});
        let ended: Value =
            json!({"type": "attempt_ended", "path": "step_0", "number": 1, "error": error, "retry_at": 7100});
        picture.book(&run, 2, 4, 2000, vec![ended]).expect("an event that can be read");
        let drawn = drawn(&mut picture, 24, 80);
        assert_eq!(drawn[1], "  ◷ step_0  2.0s  again in 5s  (exit code 3: no network)");
    }
}
