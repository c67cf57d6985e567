//! The list.

use stead_core::Time;
use stead_core::task::TaskKind;
use stead_engine::tasks::TaskRow;

use super::{stands_now, wrap};
use crate::face::Ink;
use crate::inbox::model::State;
use crate::line::Line;
use crate::text;

pub(super) fn head(state: &State) -> Line {
    let whose = if state.everybody { "what anybody is asked" } else { &state.me };
    let waiting = state.rows.all.iter().filter(|row| !row.head.status.is_end());
    let count = match (waiting.clone().count(), state.rows.whole) {
        (0, true) => "nothing waits".to_owned(),
        (1, true) => "1 waits".to_owned(),
        (n, true) => format!("{n} wait"),
        (n, false) => format!("{n}+ wait"),
    };
    let mut line = Line::new()
        .ink(Ink::Bold, "Inbox")
        .plain("  ")
        .plain(whose)
        .ink(Ink::Dim, "  ")
        .ink(Ink::Dim, &count);
    let drafts = waiting.filter(|row| row.draft_at.is_some()).count();
    if drafts > 0 {
        line.add(Ink::Dim, &format!(", {}", text::count(drafts, "draft")));
    }
    line
}

pub(super) fn rows(state: &State, height: usize, now: Time) -> Vec<Line> {
    if state.rows.all.is_empty() {
        let nothing = match (state.rows.whole, state.everybody) {
            (false, _) => "...",
            (true, true) => "Nobody is asked anything.",
            (true, false) => "Nothing waits for you.",
        };
        let more = "As soon as a run asks something, it stands here.";
        let mut lines = vec![Line::new(), Line::new().plain("  ").plain(nothing)];
        if state.rows.whole {
            lines.extend(
                wrap(more, state.columns().saturating_sub(2))
                    .iter()
                    .map(|line| Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, line)),
            );
        }
        return lines;
    }
    let shown = state.rows.all.iter().enumerate().skip(state.top).take(height);
    shown.map(|(at, one)| row(state, one, at == state.at, now)).collect()
}

fn row(state: &State, row: &TaskRow, selected: bool, now: Time) -> Line {
    let (face, head, columns) = (state.face, &row.head, state.columns());
    let over = head.status.is_end();
    let claimed = head.claimed.as_ref().is_some_and(|(by, _)| *by != state.me);
    let late = head.due_at.is_some_and(|due| due < now) && !over;
    let ink = match (selected, over || claimed) {
        (_, true) => Ink::Dim,
        (true, false) => Ink::Bold,
        (false, false) => Ink::Plain,
    };
    let sign = if over { face.sign("·", ".") } else { face.sign("◆", "?") };
    let mut line = Line::new().ink(Ink::Bold, if selected { face.sign("› ", "> ") } else { "  " });
    line.add(if over { Ink::Dim } else { Ink::Yellow }, sign);
    line.add(Ink::Plain, " ");
    let title = text::clean(&head.title);
    let draft = row.draft_at.map(|_| "your draft");
    let how = [&*stands_now(head, now), if late { "late" } else { "" }, draft.unwrap_or_default()];
    let how = how.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(", ");
    let how_ink = if late { Ink::Red } else { Ink::Dim };
    if columns < 60 {
        // How it stands goes before the end of a long title.
        let room = columns.saturating_sub(4);
        let how = text::cut(&how, room / 2, face.ellipsis());
        let left = room.saturating_sub(if how.is_empty() { 0 } else { text::width(&how) + 2 });
        line.add(ink, &text::cut(&title, left, face.ellipsis()));
        if !how.is_empty() {
            line.add(how_ink, &format!("  {how}"));
        }
        return line;
    }
    if over {
        let title = text::cut(&title, columns / 2, face.ellipsis());
        return line.ink(ink, &title).ink(how_ink, &format!("  {how}"));
    }
    let wide = columns >= 100;
    let (title_width, width) = if wide { (columns * 45 / 100, 18) } else { (columns * 36 / 100, 14) };
    line.add(ink, &text::pad(&text::cut(&title, title_width, face.ellipsis()), title_width));
    let kind = if head.kind == TaskKind::Gate { "gate" } else { "ask" };
    line.add(Ink::Dim, &format!("  {kind:<4}  "));
    let workflow = text::cut(&text::clean(&head.origin.workflow), width, face.ellipsis());
    line.add(ink, &text::pad(&workflow, width));
    let age = text::duration(now.saturating_sub(head.opened_at).max(0) / 1000 * 1000);
    line.add(Ink::Dim, &format!("  {}  ", text::pad(if age == "0ms" { "now" } else { &age }, 7)));
    line.add(how_ink, &how);
    line
}
