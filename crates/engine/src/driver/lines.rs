//! Lines of files by hash, read one by one: the items of a `foreach` over a file of JSON lines.
//!
//! A file is read through once, which counts its lines, checks its hash and notes where every so-many-th line begins.
//! After that a line is read from the nearest of these places, or from where the last reading stopped, so that whoever
//! goes through a file in order reads it once. What is kept is bounded whatever the file is like.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom};

use serde_json::Value;
use stead_store::StoreError;
use stead_store::files::FileStore;

use crate::error::EngineError;
use crate::limits;

/// Lines between two places that are noted.
const STRIDE: u32 = 256;

/// What begins some files of text.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Files of lines that were looked at, the newest last.
#[derive(Debug, Default)]
pub(crate) struct LineFiles {
    known: VecDeque<Known>,
}

#[derive(Debug)]
struct Known {
    hash: String,
    count: Result<u32, String>,
    /// Where each [`STRIDE`]th line begins.
    marks: Vec<u64>,
    reader: BufReader<File>,
    /// Position of the line that the reader gives next.
    at: u32,
}

impl LineFiles {
    /// How many lines a file has that are not blank, or why it cannot be read line by line.
    ///
    /// # Errors
    /// When the file is not there, or damaged.
    pub(crate) fn count(
        &mut self,
        files: &FileStore,
        hash: &str,
    ) -> Result<Result<u32, String>, EngineError> {
        match self.known(files, hash) {
            Ok(known) => Ok(known.count.clone()),
            // Whoever wrote the hash may have made it up: that is a matter of the step.
            Err(EngineError::Store(missing @ StoreError::FileMissing { .. })) => Ok(Err(missing.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The value of a line, or why it has none.
    ///
    /// # Errors
    /// When the file is not there, or damaged.
    pub(crate) fn line(
        &mut self,
        files: &FileStore,
        hash: &str,
        index: u32,
    ) -> Result<Result<Value, String>, EngineError> {
        let known = self.known(files, hash)?;
        match known.count.as_ref().map(|count| index < *count) {
            Err(why) => return Ok(Err(why.clone())),
            Ok(false) => return Ok(Err(format!("the file has no line {}", index + 1))),
            Ok(true) => {}
        }
        let bytes = known.read(index).map_err(|error| failed(files, hash, &error))?;
        Ok(serde_json::from_slice(&bytes).map_err(|error| format!("line {} is no JSON: {error}", index + 1)))
    }

    fn known(&mut self, files: &FileStore, hash: &str) -> Result<&mut Known, EngineError> {
        let found = self.known.iter().position(|known| known.hash == hash);
        let known = match found.and_then(|at| self.known.remove(at)) {
            Some(known) => known,
            None => Known::of(files, hash)?,
        };
        if self.known.len() >= limits::LINE_FILES {
            self.known.pop_front();
        }
        self.known.push_back(known);
        let last = self.known.len() - 1;
        Ok(&mut self.known[last])
    }

    #[cfg(test)]
    fn kept(&self) -> (usize, usize) {
        (self.known.len(), self.known.iter().map(|known| known.marks.len()).sum())
    }
}

impl Known {
    /// Reads a file through.
    fn of(files: &FileStore, hash: &str) -> Result<Self, EngineError> {
        let path = files.path(hash)?;
        let open = || File::open(&path).map_err(|error| StoreError::io(&path, &error));
        let mut hashed = Hashed { file: open()?, hasher: blake3::Hasher::new() };
        let scanned = scan(BufReader::with_capacity(64 * 1024, &mut hashed));
        let (count, marks) = match scanned {
            Ok((count, marks)) => (Ok(count), marks),
            Err(Broken::Line(why)) => (Err(why), Vec::new()),
            Err(Broken::Io(error)) => return Err(StoreError::io(&path, &error).into()),
        };
        let found = hashed.hasher.finalize().to_hex();
        if count.is_ok() && found.as_str() != hash {
            let detail = format!("its bytes have the hash {found}");
            return Err(StoreError::FileDamaged { hash: hash.to_owned(), detail }.into());
        }
        let reader = BufReader::new(open()?);
        // Before the first reading it stands nowhere.
        Ok(Self { hash: hash.to_owned(), count, marks, reader, at: u32::MAX })
    }

    fn read(&mut self, index: u32) -> io::Result<Vec<u8>> {
        if self.at > index || index - self.at > STRIDE {
            let mark = index / STRIDE;
            let place = self.marks.get(mark as usize).copied().unwrap_or_default();
            // Where it stands is not known until that worked.
            self.at = u32::MAX;
            self.reader.seek(SeekFrom::Start(place))?;
            self.at = mark * STRIDE;
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                self.at = u32::MAX;
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if is_blank(&line) {
                continue;
            }
            self.at += 1;
            if self.at > index {
                return Ok(line);
            }
        }
    }
}

enum Broken {
    Line(String),
    Io(io::Error),
}

/// Counts the lines that are not blank, and says where each [`STRIDE`]th begins.
fn scan(mut reader: impl BufRead) -> Result<(u32, Vec<u64>), Broken> {
    let (mut count, mut marks, mut number) = (0_u32, Vec::new(), 0_u64);
    let (mut at, mut begins, mut length, mut blank) = (0_u64, 0_u64, 0_usize, true);
    let head = reader.fill_buf().map_err(Broken::Io)?;
    if head.starts_with(BOM) {
        reader.consume(BOM.len());
        (at, begins) = (BOM.len() as u64, BOM.len() as u64);
    }
    loop {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Broken::Io(error)),
        };
        let over = piece.is_empty();
        let end = piece.iter().position(|byte| *byte == b'\n');
        let part = &piece[..end.unwrap_or(piece.len())];
        length += part.len();
        blank &= is_blank(part);
        if length > limits::LINE_BYTES {
            let most = limits::LINE_BYTES;
            return Err(Broken::Line(format!("line {} has more than {most} bytes", number + 1)));
        }
        let taken = part.len() + usize::from(end.is_some());
        reader.consume(taken);
        at += taken as u64;
        if end.is_some() || over {
            if !blank {
                if count.is_multiple_of(STRIDE) && count < stead_core::limits::FOREACH_LINES {
                    marks.push(begins);
                }
                count = count.saturating_add(1);
            }
            (number, begins, length, blank) = (number + 1, at, 0, true);
        }
        if over {
            return Ok((count, marks));
        }
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// A file that is hashed as it is read.
struct Hashed {
    file: File,
    hasher: blake3::Hasher,
}

impl io::Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

fn failed(files: &FileStore, hash: &str, error: &io::Error) -> EngineError {
    match files.path(hash) {
        Ok(path) => StoreError::io(&path, error).into(),
        Err(missing) => missing.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(bytes: &[u8]) -> (tempfile::TempDir, FileStore, String) {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::open(folder.path()).unwrap();
        let hash = files.put(bytes).unwrap().hash;
        (folder, files, hash)
    }

    #[test]
    fn lines_are_found_by_position_in_any_order() {
        let mut text = String::from("\u{feff}");
        for n in 0..2_000 {
            text.extend(["{\"n\":", &n.to_string(), "}\r\n"]);
            if n % 7 == 0 {
                text.push_str("  \n");
            }
        }
        text.push_str("\"last\"");
        let (_folder, files, hash) = kept(text.as_bytes());
        let mut lines = LineFiles::default();
        assert_eq!(lines.count(&files, &hash).unwrap(), Ok(2_001));
        for index in (0..2_000).chain([1_999, 0, 255, 256, 257, 1_023, 700, 1]) {
            assert_eq!(lines.line(&files, &hash, index).unwrap(), Ok(json!({"n": index})));
        }
        assert_eq!(lines.line(&files, &hash, 2_000).unwrap(), Ok(json!("last")));
        assert_eq!(lines.line(&files, &hash, 2_001).unwrap(), Err("the file has no line 2002".into()));
        assert_eq!(lines.kept(), (1, 8));
    }

    #[test]
    fn a_line_that_is_no_json_says_so_and_the_others_are_read() {
        let (_folder, files, hash) = kept(b"1\n{\"a\":\n[2]\n\xff\n");
        let mut lines = LineFiles::default();
        assert_eq!(lines.count(&files, &hash).unwrap(), Ok(4));
        let broken = lines.line(&files, &hash, 1).unwrap().unwrap_err();
        assert!(broken.starts_with("line 2 is no JSON: "), "{broken}");
        assert!(lines.line(&files, &hash, 3).unwrap().is_err());
        assert_eq!(lines.line(&files, &hash, 2).unwrap(), Ok(json!([2])));
    }

    #[test]
    fn a_hash_that_nothing_has_is_no_damage() {
        let (_folder, files, hash) = kept(b"1\n");
        let other = hash.chars().rev().collect::<String>();
        assert!(LineFiles::default().count(&files, &other).unwrap().unwrap_err().contains(&other));
    }

    #[test]
    fn p11_files_of_lines_at_hand_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::open(folder.path()).unwrap();
        let mut lines = LineFiles::default();
        for n in 0..limits::LINE_FILES + 3 {
            let hash = files.put(n.to_string().as_bytes()).unwrap().hash;
            assert_eq!(lines.line(&files, &hash, 0).unwrap(), Ok(json!(n)));
        }
        assert_eq!(lines.kept().0, limits::LINE_FILES);
    }

    #[test]
    fn p11_a_line_that_is_too_long_is_refused_by_its_number() {
        let mut bytes = b"1\n".to_vec();
        bytes.resize(limits::LINE_BYTES + 3, b'2');
        let (_folder, files, hash) = kept(&bytes);
        let mut lines = LineFiles::default();
        let why = lines.count(&files, &hash).unwrap().unwrap_err();
        assert!(why.starts_with("line 2 has more than"), "{why}");
        bytes.pop();
        let hash = files.put(&bytes).unwrap().hash;
        assert_eq!(lines.count(&files, &hash).unwrap(), Ok(2));
    }

    #[test]
    fn a_file_that_has_changed_is_not_read() {
        let (_folder, files, hash) = kept(b"1\n2\n");
        let path = files.path(&hash).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"1\n3\n").unwrap();
        let error = LineFiles::default().count(&files, &hash).unwrap_err();
        assert!(error.to_string().contains(&hash), "{error}");
    }
}
