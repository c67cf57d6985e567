//! Passwords: kept as a slow hash (argon2id), so that whoever has the store still has to guess each one for itself.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};

use super::secret::hex;
use super::{AccessError, Secret};
use crate::engine::chance;
use crate::error::EngineError;
use crate::limits;

/// KiB of memory, passes, lanes: what OWASP names as the least for argon2id ("Password Storage Cheat Sheet").
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// What a hash begins with that was made so.
const KIND: &str = "argon2id$m=19456,t=2,p=1";
/// Bytes of salt, and of the hash.
const SALT: usize = 16;
const OUT: usize = 32;

/// Refuses what is no password that somebody may have.
pub(super) fn check(password: &Secret) -> Result<(), AccessError> {
    let text = password.reveal();
    let why = if text.len() > limits::PASSWORD_BYTES {
        "it is too long"
    } else if text.chars().count() < limits::PASSWORD_CHARS {
        "it is too short"
    } else if text.chars().any(char::is_control) {
        "it has control characters"
    } else if text.chars().all(|c| text.starts_with(c)) {
        "it is one letter again and again"
    } else {
        return Ok(());
    };
    Err(AccessError::Password { why })
}

/// What is kept of a password.
pub(super) fn hashed(password: &Secret) -> Result<String, EngineError> {
    let salt = chance::<SALT>()?;
    let out = slow(password, &salt)?;
    Ok(format!("{KIND}${}${}", hex(&salt), hex(&out)))
}

/// Whether a password is the one that was kept. Where none was kept it takes as long to say so, so that nobody learns
/// from that who has one.
pub(super) fn fits(password: &Secret, kept: Option<&str>) -> Result<bool, EngineError> {
    let known = match kept {
        None => None,
        // What is kept otherwise was not kept by this release.
        Some(kept) => Some(read(kept).ok_or_else(|| EngineError::bug(&"a password is kept in another way"))?),
    };
    let (salt, wanted) = known.unwrap_or(([0; SALT], [0; OUT]));
    // One that cannot be is none, and is not looked at any longer than the others.
    let cut = Secret::new(password.reveal().chars().take(limits::PASSWORD_BYTES).collect::<String>());
    let whole = cut == *password;
    let out = slow(&cut, &salt)?;
    // It takes the same time wherever the two differ.
    let same = blake3::Hash::from_bytes(out) == blake3::Hash::from_bytes(wanted);
    Ok(same && whole && known.is_some())
}

fn read(kept: &str) -> Option<([u8; SALT], [u8; OUT])> {
    let (salt, out) = kept.strip_prefix(KIND)?.strip_prefix('$')?.split_once('$')?;
    Some((unhex(salt)?, unhex(out)?))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn slow(password: &Secret, salt: &[u8; SALT]) -> Result<[u8; OUT], EngineError> {
    let wrong = |error: argon2::Error| EngineError::bug(&error);
    let params = Params::new(COST.0, COST.1, COST.2, Some(OUT)).map_err(wrong)?;
    let _place = Place::take(limits::HASH_PATIENCE)?;
    let mut out = [0; OUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.reveal().as_bytes(), salt, &mut out)
        .map_err(wrong)?;
    Ok(out)
}

/// How many are at it: each takes 19 MiB and a processor.
static AT_IT: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// One of the places for slow hashes of this process.
struct Place;

impl Place {
    /// Waits for one, and not for ever.
    fn take(patience: Duration) -> Result<Self, AccessError> {
        let at_it = AT_IT.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |at_it: &mut usize| *at_it >= limits::HASHES;
        let waited = AT_IT.1.wait_timeout_while(at_it, patience, full);
        let (mut at_it, late) = waited.unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() {
            return Err(AccessError::Busy);
        }
        *at_it += 1;
        Ok(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *AT_IT.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        AT_IT.1.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_what_was_kept_of_it_and_nothing_else_does() {
        let word = Secret::new("correct horse battery");
        let kept = hashed(&word).unwrap();
        assert!(kept.starts_with("argon2id$m=19456,t=2,p=1$") && !kept.contains("horse"), "{kept}");
        assert_ne!(kept, hashed(&word).unwrap(), "each has a salt of its own");
        assert!(fits(&word, Some(&kept)).unwrap());
        for other in ["correct horse batterz", "", "correct horse battery "] {
            assert!(!fits(&Secret::new(other), Some(&kept)).unwrap(), "{other}");
        }
        // Nobody has none: not even the one whose hash stands for it.
        assert!(!fits(&Secret::new(""), None).unwrap());
        assert!(fits(&word, Some("md5$x")).is_err());
    }

    #[test]
    fn p11_passwords_are_long_enough_and_bounded() {
        let of = |letters: usize| check(&Secret::new("ab".repeat(letters)[..letters].to_owned())).is_ok();
        assert!(!of(limits::PASSWORD_CHARS - 1) && of(limits::PASSWORD_CHARS));
        assert!(of(limits::PASSWORD_BYTES) && !of(limits::PASSWORD_BYTES + 1));
        for wrong in ["aaaaaaaaaaaaaaaaaaaa", "correct\nhorse\nbattery"] {
            assert!(check(&Secret::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn p11_so_many_hashes_are_made_at_once() {
        let places: Vec<Place> = (0..limits::HASHES).map(|_| Place::take(Duration::ZERO).unwrap()).collect();
        assert_eq!(Place::take(Duration::ZERO).map(drop).unwrap_err().code(), "R0622");
        drop(places);
        assert!(Place::take(Duration::ZERO).is_ok());
    }
}
