//! The hash chain of a journal: each row's hash covers the row before it in its stream.
//!
//! It begins with the stream's name, so that a row moved to another stream, left out, put in or changed in
//! any part does not fit. What it cannot show is that the newest rows are missing.

use stead_core::Time;

use crate::Seq;

/// Hash of a row.
pub(crate) type Hash = [u8; 32];

/// What stands before the first row of a stream.
pub(crate) fn start(stream: &str) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"stead journal 1\n");
    hasher.update(stream.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Hash of a row behind `previous`. All numbers are little-endian; the cause has its length before it, the
/// events come last: no two rows have the same bytes.
pub(crate) fn next(previous: &Hash, seq: Seq, count: u64, at: Time, cause: &str, events: &[u8]) -> Hash {
    let mut head = [0u8; 64];
    head[..32].copy_from_slice(previous);
    head[32..40].copy_from_slice(&seq.to_le_bytes());
    head[40..48].copy_from_slice(&count.to_le_bytes());
    head[48..56].copy_from_slice(&at.to_le_bytes());
    head[56..].copy_from_slice(&(cause.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head);
    hasher.update(cause.as_bytes());
    hasher.update(events);
    *hasher.finalize().as_bytes()
}

/// Hash of plain bytes.
pub(crate) fn of(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let base = next(&start("r_a"), 1, 2, 3, "start", b"[]");
        let others = [
            next(&start("r_b"), 1, 2, 3, "start", b"[]"),
            next(&start("r_a"), 2, 2, 3, "start", b"[]"),
            next(&start("r_a"), 1, 3, 3, "start", b"[]"),
            next(&start("r_a"), 1, 2, 4, "start", b"[]"),
            next(&start("r_a"), 1, 2, 3, "star", b"t[]"),
            next(&start("r_a"), 1, 2, 3, "start", b"[ ]"),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }

    // The encoding is in every journal that was ever written: a change here is a change of format.
    #[test]
    fn the_encoding_stays() {
        let hash = next(&start("r_0"), 1, 1, 1_700_000_000_000, "start", b"[{}]");
        let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "be654ca438e8d373");
    }
}
