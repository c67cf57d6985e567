use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::limits::{LOG_LIMIT, LOG_LINE_LIMIT};

fn pieces(reader: &mut LogReader) -> Vec<(u64, String, bool)> {
    reader
        .map(|line| {
            line.map(|l| (l.number, String::from_utf8_lossy(&l.text).into_owned(), l.partial)).unwrap()
        })
        .collect()
}

fn piece(number: u64, text: &str, partial: bool) -> (u64, String, bool) {
    (number, text.to_owned(), partial)
}

#[test]
fn a_silent_step_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/x.log");
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    writer.write(1, LogStream::Out, b"");
    writer.flush();
    drop(writer);
    assert!(!dir.path().join("deep").exists());
    assert_eq!(pieces(&mut LogReader::new(&path)), []);
}

#[test]
fn lines_keep_order_stream_time_and_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/x.log");
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    writer.write(1000, LogStream::Out, b"one\ntw");
    writer.write(1001, LogStream::Err, b"\xff\x00 10%\r20%\r\n");
    writer.write(1002, LogStream::Out, b"o\n\nend");
    writer.note(1003, "ended: timeout");
    writer.flush();
    let lines: Vec<LogLine> = LogReader::new(&path).map(Result::unwrap).collect();
    let line = |number, at, stream, text: &[u8], partial| LogLine {
        number,
        at,
        stream,
        text: text.to_vec(),
        partial,
    };
    assert_eq!(
        lines,
        [
            line(1, 1000, LogStream::Out, b"one", false),
            line(2, 1000, LogStream::Out, b"tw", true),
            line(3, 1001, LogStream::Err, b"\xff\x00 10%\r20%\r", false),
            line(2, 1002, LogStream::Out, b"o", false),
            line(4, 1002, LogStream::Out, b"", false),
            line(5, 1002, LogStream::Out, b"end", true),
            line(6, 1003, LogStream::Note, b"ended: timeout", false),
        ]
    );
}

#[test]
fn a_log_is_followed_while_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut reader = LogReader::new(&path);
    assert_eq!(pieces(&mut reader), []);
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    writer.write(1, LogStream::Out, b"a\nPassword? ");
    assert_eq!(pieces(&mut reader), [], "nothing was handed to the system yet");
    assert!(writer.is_behind());
    writer.flush();
    assert_eq!(pieces(&mut reader), [piece(1, "a", false), piece(2, "Password? ", true)]);
    assert_eq!(pieces(&mut reader), []);
    writer.write(2, LogStream::Out, b"yes");
    writer.write(3, LogStream::Out, b"!\nb\n");
    writer.flush();
    let cursor = serde_json::to_string(reader.cursor()).unwrap();
    let mut later = LogReader::at(&path, serde_json::from_str(&cursor).unwrap());
    for reader in [&mut reader, &mut later] {
        assert_eq!(pieces(reader), [piece(2, "yes!", false), piece(3, "b", false)]);
    }
}

#[test]
fn lines_are_found_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    for n in 1..=50_000 {
        writer.write(n, LogStream::Out, format!("line {n}\n").as_bytes());
    }
    writer.flush();
    let mut reader = LogReader::new(&path);
    reader.skip_to(49_999).unwrap();
    assert_eq!(pieces(&mut reader), [piece(49_999, "line 49999", false), piece(50_000, "line 50000", false)]);
    let mut beyond = LogReader::new(&path);
    beyond.skip_to(60_000).unwrap();
    assert_eq!(pieces(&mut beyond), []);
}

#[test]
fn a_long_line_comes_in_pieces_of_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    for _ in 0..30 {
        writer.write(1, LogStream::Out, &vec![b'x'; LOG_LINE_LIMIT / 10 + 1]);
    }
    writer.write(1, LogStream::Out, &vec![b'y'; 3 * LOG_LINE_LIMIT]);
    writer.write(1, LogStream::Out, b"\nnext\n");
    writer.flush();
    let lines = pieces(&mut LogReader::new(&path));
    assert!(lines.iter().all(|(_, text, _)| text.len() <= LOG_LINE_LIMIT));
    let long: usize = lines.iter().filter(|(number, ..)| *number == 1).map(|(_, text, _)| text.len()).sum();
    assert_eq!(long, 30 * (LOG_LINE_LIMIT / 10 + 1) + 3 * LOG_LINE_LIMIT);
    assert_eq!(lines.last(), Some(&piece(2, "next", false)));
}

#[test]
fn a_log_is_cut_at_its_limit_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut writer = LogWriter::new(&path, 2048);
    for _ in 0..1000 {
        writer.write(1, LogStream::Out, b"\n");
        writer.write(1, LogStream::Err, b"some text\n");
    }
    writer.note(2, "ended: timeout");
    writer.flush();
    assert!(std::fs::metadata(&path).unwrap().len() < 2048 + 200);
    let lines = pieces(&mut LogReader::new(&path));
    let notes: Vec<&str> = lines.iter().map(|(_, text, _)| text.as_str()).filter(|t| t.len() > 10).collect();
    assert_eq!(notes, ["log cut at 2 KiB: what follows is dropped", "ended: timeout"]);
}

#[test]
fn a_torn_record_is_ignored_and_removed_by_the_next_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut writer = LogWriter::new(&path, LOG_LIMIT);
    writer.write(1, LogStream::Out, b"whole\nopen");
    writer.flush();
    let mut reader = LogReader::new(&path);
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"12 o torn in the mid").unwrap();
    assert_eq!(pieces(&mut reader), [piece(1, "whole", false), piece(2, "open", true)]);

    let mut again = LogWriter::new(&path, LOG_LIMIT);
    again.write(2, LogStream::Out, b"new\n");
    again.flush();
    let expected = [piece(3, "started again after the engine was gone", false), piece(4, "new", false)];
    assert_eq!(pieces(&mut reader), expected);
    assert_eq!(pieces(&mut LogReader::new(&path))[2..], expected);
}

#[test]
fn what_is_no_record_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut bytes = b"1 o a\n\nnonsense\n".to_vec();
    bytes.extend(vec![b'z'; 5 * LOG_LINE_LIMIT]);
    bytes.extend(b"\n2 e b\n");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(pieces(&mut LogReader::new(&path)), [piece(1, "a", false), piece(2, "b", false)]);
}

#[test]
fn trouble_with_the_file_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let mut writer = LogWriter::new(&dir.path().join("file/x.log"), LOG_LIMIT);
    writer.write(1, LogStream::Out, b"a\n");
    writer.flush();
    assert!(writer.trouble().is_some());
    assert!(!writer.is_behind());
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        chunks in proptest::collection::vec((any::<bool>(), "[a\n\r]{0,12}", any::<bool>()), 0..30),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut writer = LogWriter::new(&path, LOG_LIMIT);
        let mut reader = LogReader::new(&path);
        let mut seen = Vec::new();
        let mut written = [Vec::new(), Vec::new()];
        for (at, (err, text, follow)) in chunks.iter().enumerate() {
            let stream = if *err { LogStream::Err } else { LogStream::Out };
            writer.write(i64::try_from(at).unwrap(), stream, text.as_bytes());
            written[usize::from(*err)].extend_from_slice(text.as_bytes());
            if *follow {
                writer.flush();
                seen.extend(reader.by_ref().map(Result::unwrap));
            }
        }
        writer.flush();
        seen.extend(reader.by_ref().map(Result::unwrap));
        let whole: Vec<LogLine> = LogReader::new(&path).map(Result::unwrap).collect();
        for lines in [&seen, &whole] {
            for (index, stream) in [LogStream::Out, LogStream::Err].into_iter().enumerate() {
                let mut bytes = Vec::new();
                for line in lines.iter().filter(|line| line.stream == stream) {
                    bytes.extend_from_slice(&line.text);
                    if !line.partial {
                        bytes.push(b'\n');
                    }
                }
                prop_assert_eq!(&bytes, &written[index]);
            }
        }
        // A line has the same number however it was read.
        let numbers = |lines: &[LogLine]| {
            let mut ended: Vec<u64> = lines.iter().filter(|l| !l.partial).map(|l| l.number).collect();
            ended.sort_unstable();
            ended
        };
        prop_assert_eq!(numbers(&seen), numbers(&whole));
    }
}
