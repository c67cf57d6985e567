//! Answers that are read as they are sent: of any size, a piece at a time.

use std::io::{self, Read};
use std::sync::Arc;

use hyper::body::Bytes;
use stead_engine::engine::Asker;
use tokio::sync::{Semaphore, mpsc};

use crate::limits;

/// What is told so.
pub struct Reading {
    /// Its media type.
    pub kind: &'static str,
    /// What a client that keeps it calls it.
    pub name: String,
    /// Its length, where that is known.
    pub length: Option<u64>,
    /// Where it comes from. It blocks, and for a moment only.
    pub from: Box<dyn Read + Send>,
    /// Who asks: asked before each piece whether they still may.
    pub asker: Asker,
}

/// A piece; an empty one: that was all. What ends without was cut off.
pub(crate) type Piece = io::Result<Bytes>;

/// Reads and sends, until there is no more or the client has gone.
pub(crate) async fn all(mut reading: Reading, handlers: Arc<Semaphore>, sender: mpsc::Sender<Piece>) {
    loop {
        let Ok(turn) = handlers.clone().acquire_owned().await else { return };
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let piece = piece(&mut reading);
            (reading, piece)
        });
        let Ok((same, piece)) = read.await else { return };
        reading = same;
        let over = piece.as_ref().map_or(true, Bytes::is_empty);
        if sender.send(piece).await.is_err() || over {
            return;
        }
    }
}

fn piece(reading: &mut Reading) -> Piece {
    reading.asker.still_admitted().map_err(|error| io::Error::other(error.to_string()))?;
    let mut bytes = vec![0; limits::READING];
    let mut filled = 0;
    while filled < bytes.len() {
        match reading.from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

/// How a client is told to keep it: under this name, whatever letters it has.
pub(crate) fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.+ ()[]".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_whole_and_ends_nowhere_else() {
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        let told = disposition("ä\"; x=\r\n.txt");
        let plain = "attachment; filename=\"___ x___.txt\"; filename*=UTF-8''%C3%A4%22%3B%20x%3D%0D%0A.txt";
        assert_eq!(told, plain);
    }
}
