//! Frames: four bytes of length, the most significant first, and that many bytes of JSON.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes taken at once: nothing is set aside for a length that somebody only claims.
const PIECE: usize = 64 * 1024;

/// Why a frame did not come or go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The other end has gone.
    #[error("the other end has closed the connection")]
    Closed,
    /// Whoever waits does not wait any longer.
    #[error("nothing has come")]
    GaveUp,
    /// Longer than either end takes.
    #[error("a message of {size} bytes is longer than {limit}")]
    TooLong {
        /// Its length.
        size: usize,
        /// The bound.
        limit: usize,
    },
    /// Not what this end understands.
    #[error("a message that cannot be understood: {0}")]
    Malformed(serde_json::Error),
    /// The system.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// A value as a frame.
pub(crate) fn pack(value: &impl Serialize, limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, value).map_err(FrameError::Malformed)?;
    let size = bytes.len() - 4;
    let length = u32::try_from(size).ok().filter(|_| size <= limit);
    let length = length.ok_or(FrameError::TooLong { size, limit })?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// Writes a value. `waited` is asked as by [`read`].
pub(crate) fn write(
    to: &mut impl Write,
    value: &impl Serialize,
    limit: usize,
    waited: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), FrameError> {
    // In one go: two small writes would be two wake-ups at the other end.
    let bytes = pack(value, limit)?;
    let mut rest = bytes.as_slice();
    let mut since = Instant::now();
    while !rest.is_empty() {
        match to.write(rest) {
            Ok(length) => {
                rest = &rest[length..];
                since = Instant::now();
            }
            Err(error) => wait_or_fail(error, since, waited)?,
        }
    }
    Ok(())
}

/// What to do about an error of reading or writing: whether it only says that time has passed.
fn wait_or_fail(
    error: io::Error,
    since: Instant,
    waited: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), FrameError> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => match waited(since.elapsed()) {
            true => Ok(()),
            false => Err(FrameError::GaveUp),
        },
        _ => Err(error.into()),
    }
}

/// Reads a value. Where the reader has a time limit of its own, `waited` is told at each how long nothing has
/// come, and says whether to wait on.
pub(crate) fn read<T: DeserializeOwned>(
    from: &mut impl Read,
    limit: usize,
    waited: &mut dyn FnMut(Duration) -> bool,
) -> Result<T, FrameError> {
    let mut length = [0; 4];
    fill(from, &mut length, waited)?;
    let size = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if size > limit {
        return Err(FrameError::TooLong { size, limit });
    }
    let mut bytes = Vec::new();
    while bytes.len() < size {
        let from_here = bytes.len();
        bytes.resize(size.min(from_here + PIECE), 0);
        fill(from, &mut bytes[from_here..], waited)?;
    }
    serde_json::from_slice(&bytes).map_err(FrameError::Malformed)
}

fn fill(
    from: &mut impl Read,
    mut place: &mut [u8],
    waited: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), FrameError> {
    let mut since = Instant::now();
    while !place.is_empty() {
        match from.read(place) {
            Ok(0) => return Err(FrameError::Closed),
            Ok(length) => {
                place = &mut place[length..];
                since = Instant::now();
            }
            Err(error) => wait_or_fail(error, since, waited)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use serde_json::{Value, json};

    use super::*;

    fn frame(value: &Value) -> Vec<u8> {
        pack(value, 1 << 20).unwrap()
    }

    fn read_from(mut bytes: &[u8]) -> Result<Value, FrameError> {
        read(&mut bytes, 1 << 20, &mut |_| true)
    }

    #[test]
    fn what_was_written_is_read() {
        for value in [json!(null), json!({"a": [1, "ä"]}), json!("x".repeat(300_000))] {
            assert_eq!(read_from(&frame(&value)).unwrap(), value);
        }
    }

    #[test]
    fn what_is_cut_off_or_no_json_is_an_error() {
        let whole = frame(&json!({"a": 1}));
        for end in 0..whole.len() {
            assert!(matches!(read_from(&whole[..end]), Err(FrameError::Closed)), "{end}");
        }
        let mut bad = whole;
        bad[4] = b'!';
        assert!(matches!(read_from(&bad), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn p11_a_message_beyond_the_bound_is_neither_written_nor_read() {
        let long = json!("x".repeat(100));
        assert!(matches!(pack(&long, 101), Err(FrameError::TooLong { size: 102, limit: 101 })));
        assert!(matches!(
            read::<Value>(&mut frame(&long).as_slice(), 101, &mut |_| true),
            Err(FrameError::TooLong { size: 102, limit: 101 })
        ));
        // One that claims to be huge costs nothing.
        assert!(matches!(read_from(&[0xff; 64]), Err(FrameError::TooLong { .. })));
    }

    #[test]
    fn whoever_waits_is_asked_whether_to_wait_on() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut asked = 0;
        let mut waited = |_: Duration| {
            asked += 1;
            asked < 3
        };
        assert!(matches!(read::<Value>(&mut near, 100, &mut waited), Err(FrameError::GaveUp)));
        assert_eq!(asked, 3);
        write(&mut far, &json!(1), 100, &mut |_| true).unwrap();
        assert_eq!(read::<Value>(&mut near, 100, &mut |_| true).unwrap(), json!(1));
    }
}
