//! A terminal: the pseudo-terminal of `script`, and a screen that understands what we print and nothing else.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::project::Project;

/// The binary at a terminal.
pub(crate) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    rows: usize,
    columns: usize,
}

impl Terminal {
    /// Calls it at a terminal of this size.
    pub(crate) fn new(
        project: &Project,
        rows: usize,
        columns: usize,
        variables: &[(&str, &str)],
        words: &str,
    ) -> Self {
        let line = format!("exec {} {words}", env!("CARGO_BIN_EXE_stead"));
        Self::shell(project, rows, columns, variables, &line)
    }

    /// Has a shell perform a line at a terminal of this size.
    pub(crate) fn shell(
        project: &Project,
        rows: usize,
        columns: usize,
        variables: &[(&str, &str)],
        line: &str,
    ) -> Self {
        let line = format!("stty rows {rows} cols {columns}; {line}");
        let mut command = std::process::Command::new("script");
        let like = project.command();
        command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        // Asked for where it is tested.
        command.env("STEAD_OFFER", "0").envs(variables.iter().copied());
        command.current_dir(project.path("")).args(["-qec", &line, "/dev/null"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` of util-linux");
        let keys = child.stdin.take();
        let mut pipe = child.stdout.take().unwrap();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = bytes.clone();
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut piece) {
                sink.lock().unwrap().extend_from_slice(&piece[..n]);
            }
        });
        Self { child, keys, bytes, reader: Some(reader), rows, columns }
    }

    /// Types something.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keys.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// What was printed so far.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// The screen as it is now.
    pub(crate) fn screen(&self) -> Screen {
        let mut screen = Screen::new(self.rows, self.columns);
        let printed = self.printed();
        // The end may be in the middle of a sequence.
        screen.print(printed.rsplit_once('\n').map_or("", |(whole, _)| whole));
        screen
    }

    /// The screen as it is now, of a program that draws all of it.
    pub(crate) fn whole(&self) -> Screen {
        let mut screen = Screen::new(self.rows, self.columns);
        let printed = self.printed();
        // The end may be in the middle of a sequence.
        let cut = printed.rfind('\x1b').filter(|at| {
            let rest = printed[*at..].strip_prefix("\x1b[").unwrap_or_default();
            !rest.contains(|c: char| c.is_ascii_alphabetic())
        });
        screen.print(printed[..cut.unwrap_or(printed.len())].trim_end_matches('\u{fffd}'));
        screen
    }

    /// Waits until the screen shows something.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> String {
        self.comes_to(text, |shown| shown.contains(text))
    }

    /// Waits until the screen does not show something any more.
    #[track_caller]
    pub(crate) fn shows_no(&self, text: &str) -> String {
        self.comes_to(&format!("not {text}"), |shown| !shown.contains(text))
    }

    #[track_caller]
    fn comes_to(&self, what: &str, there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let shown = self.whole().text();
            if there(&shown) {
                return shown;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "`{what}` did not come:\n{shown}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process that was called: the one child of `script`, or its child, where a shell stands between them.
    pub(crate) fn pid(&self) -> String {
        let child = |of: &str| {
            let children = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
            children.split_whitespace().next().map(str::to_owned)
        };
        let mut pid = child(&self.child.id().to_string()).unwrap();
        while let Some(inner) = child(&pid) {
            pid = inner;
        }
        pid
    }

    /// Sends the program a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            std::process::Command::new("kill").args([&format!("-{name}"), &self.pid()]).status().unwrap();
        assert!(sent.success());
    }

    /// Makes the terminal another size.
    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        let tty = std::fs::read_link(format!("/proc/{}/fd/0", self.pid())).unwrap();
        let size = [rows.to_string(), columns.to_string()];
        let mut stty = std::process::Command::new("stty");
        stty.arg("-F").arg(tty).args(["rows", &size[0], "cols", &size[1]]);
        assert!(stty.status().unwrap().success());
        (self.rows, self.columns) = (rows, columns);
    }

    /// Waits until something was shown, in whichever colours.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !uncoloured(&self.printed()).contains(text) {
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "`{text}` did not come: {}",
                self.screen().text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end: the code, and all that was printed.
    pub(crate) fn end(mut self) -> (i32, String, Screen) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(20) {
                self.child.kill().unwrap();
                panic!("it hangs: {}", self.printed());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        let printed = self.printed();
        let mut screen = Screen::new(self.rows, self.columns);
        screen.print(&printed);
        (status.code().unwrap_or(-1), printed, screen)
    }
}

/// What a terminal shows. Any sequence that it does not know fails the test.
pub(crate) struct Screen {
    rows: usize,
    columns: usize,
    cells: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// A screen of its own is shown, beside the one with the lines before.
    pub(crate) own: bool,
    /// Lines that went out at the top.
    pub(crate) scrolled: usize,
}

impl Screen {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            cells: vec![vec![' '; columns]; rows],
            row: 0,
            column: 0,
            own: false,
            scrolled: 0,
        }
    }

    pub(crate) fn print(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.down(),
                '\x1b' => self.sequence(&mut rest),
                c => {
                    assert!(!c.is_control(), "a control character {c:?} in {text:?}");
                    // A screen that was larger a moment ago.
                    if self.row >= self.rows {
                        continue;
                    }
                    if self.column >= self.columns {
                        self.column = 0;
                        self.down();
                    }
                    self.cells[self.row][self.column] = c;
                    self.column += 1;
                }
            }
        }
    }

    fn sequence(&mut self, rest: &mut std::str::Chars<'_>) {
        assert_eq!(rest.next(), Some('['), "a sequence that is no CSI");
        let mut number = String::new();
        loop {
            match rest.next().expect("the end of a sequence") {
                c @ ('0'..='9' | ';' | '?' | '<' | '>') => number.push(c),
                'm' => return,
                'H' => {
                    let mut parts = number.split(';').map(|part| part.parse::<usize>().unwrap_or(1) - 1);
                    (self.row, self.column) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
                    return;
                }
                c @ ('h' | 'l') => {
                    match &*number {
                        "?1049" => {
                            self.own = c == 'h';
                            self.cells.iter_mut().for_each(|row| row.fill(' '));
                            (self.row, self.column) = (0, 0);
                        }
                        "?2004" | "?25" => {}
                        other => panic!("an unknown mode: {other}"),
                    }
                    return;
                }
                'u' => {
                    assert!(number == ">1" || number == "<", "an unknown sequence: {number}u");
                    return;
                }
                'J' if number == "2" => {
                    self.cells.iter_mut().for_each(|row| row.fill(' '));
                    return;
                }
                'K' | 'J' if self.row >= self.rows => return,
                'A' => {
                    self.row = self.row.saturating_sub(number.parse().unwrap());
                    return;
                }
                'K' => {
                    self.cells[self.row][self.column.min(self.columns)..].fill(' ');
                    return;
                }
                'J' => {
                    self.cells[self.row][self.column.min(self.columns)..].fill(' ');
                    self.cells[self.row + 1..].iter_mut().for_each(|row| row.fill(' '));
                    return;
                }
                other => panic!("an unknown sequence: {number}{other}"),
            }
        }
    }

    fn down(&mut self) {
        if self.row + 1 < self.rows {
            self.row += 1;
        } else {
            self.cells.remove(0);
            self.cells.push(vec![' '; self.columns]);
            self.scrolled += 1;
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        self.cells.iter().map(line).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }
}

/// The text without sequences.
pub(crate) fn uncoloured(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.split("\x1b[");
    out.push_str(rest.next().unwrap_or_default());
    for piece in rest {
        out.push_str(
            piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default(),
        );
    }
    out
}
