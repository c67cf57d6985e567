//! What stands on the screen: never more lines than it has, what needs eyes first.

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::run::View;
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

/// The lines that stay when a run is left or over.
pub fn last(picture: &mut Picture, view: &View, size: Size, now: Time, face: Face) -> Vec<Line> {
    let room = usize::from(size.rows).saturating_sub(6).max(3);
    let mut all = vec![tree::title(view, now, face)];
    all.extend(steps(picture, view, &Tails::default(), room, now, face));
    all
}

/// The steps of a run in so many lines.
fn steps(picture: &Picture, view: &View, tails: &Tails, room: usize, now: Time, face: Face) -> Vec<Line> {
    let trouble = |path: &str| {
        let text = picture.trouble(&view.run, path)?;
        Some(format!("({})", tree::first_line(&text, face)))
    };
    let blocks = tree::rows(view, now, face, &trouble).into_iter().map(|row| Block {
        child: row.child.as_ref().and_then(|child| child_line(picture, child, row.depth + 2, face)),
        tail: tail_lines(tails, &row, face),
        row,
    });
    let blocks: Vec<Block> = blocks.collect();
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
        State::Pending => 2,
        State::Completed | State::Skipped => 3,
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
            line.add(
                picture.state(run).ink(),
                &format!("  {}: {}", waits.path, tree::waits_text(waits, now)),
            );
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
