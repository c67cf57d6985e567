//! The forms in which a secret may show up.

use std::fmt::Write as _;

use crate::limits::SECRET_MIN;

/// A line of a secret (a key in PEM, say) is redacted alone from so many bytes on; shorter ones are brackets
/// and the like.
const LINE_MIN: usize = 8;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All forms of a secret, none shorter than [`SECRET_MIN`].
pub(super) fn of(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    // What follows the text is mostly an accident of how it was stored, and programs cut it.
    let text = secret.trim_end_matches(['\n', '\r']);
    encoded(text, &mut forms);
    if text != secret {
        base64(secret.as_bytes(), &mut forms);
    }
    let lines = text.lines().map(str::trim).filter(|line| line.len() >= LINE_MIN && line.len() < text.len());
    for line in lines {
        forms.push(line.as_bytes().to_vec());
    }
    forms.retain(|form| form.len() >= SECRET_MIN);
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn encoded(text: &str, forms: &mut Vec<Vec<u8>>) {
    forms.push(text.as_bytes().to_vec());
    json(text, forms);
    url(text, forms);
    base64(text.as_bytes(), forms);
    for upper in [false, true] {
        let hex = text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = if upper { write!(hex, "{byte:02X}") } else { write!(hex, "{byte:02x}") };
            hex
        });
        forms.push(hex.into_bytes());
    }
    if text.contains('\'') {
        // Bash's `set -x`, and Python's `shlex.quote`.
        forms.push(text.replace('\'', r"'\''").into_bytes());
        forms.push(text.replace('\'', r#"'"'"'"#).into_bytes());
    }
}

/// As most programs escape in JSON, as those do that escape all beyond ASCII, and with `/` escaped.
fn json(text: &str, forms: &mut Vec<Vec<u8>>) {
    let quoted = serde_json::Value::from(text).to_string();
    let plain = &quoted[1..quoted.len() - 1];
    let ascii = plain.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        out
    });
    for escaped in [plain, &ascii] {
        if escaped != text {
            // JSON in a text of JSON, as logs and echoes have it.
            let twice = serde_json::Value::from(escaped).to_string();
            forms.push(twice.as_bytes()[1..twice.len() - 1].to_vec());
        }
    }
    forms.push(plain.replace('/', "\\/").into_bytes());
    forms.push(plain.as_bytes().to_vec());
    forms.push(ascii.into_bytes());
}

/// The usual sets of what a URL leaves as it is: RFC 3986, JavaScript's `encodeURIComponent`, Python's
/// `quote`, and forms (a space is `+`), in both cases of hex digits.
fn url(text: &str, forms: &mut Vec<Vec<u8>>) {
    for kept in [b"-._~".as_slice(), b"-._~!'()*", b"-._~/", b"-._*"] {
        for upper in [true, false] {
            for plus in [false, true] {
                let encoded = text.bytes().fold(String::new(), |mut out, byte| {
                    if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
                        out.push(char::from(byte));
                    } else if plus && byte == b' ' {
                        out.push('+');
                    } else {
                        let _ = if upper { write!(out, "%{byte:02X}") } else { write!(out, "%{byte:02x}") };
                    }
                    out
                });
                forms.push(encoded.into_bytes());
            }
        }
    }
}

/// The digits that depend on nothing but the secret, for each of the three places it may have within a
/// group of three bytes.
fn base64(bytes: &[u8], forms: &mut Vec<Vec<u8>>) {
    for alphabet in [BASE64, BASE64_URL] {
        for before in 0..3 {
            let bits = (before + bytes.len()) * 8;
            let first = (before * 8).div_ceil(6);
            let form: Vec<u8> = (first..bits / 6)
                .map(|digit| {
                    let value = (digit * 6..digit * 6 + 6).fold(0u8, |value, bit| {
                        let byte = bytes[bit / 8 - before];
                        value << 1 | (byte >> (7 - bit % 8)) & 1
                    });
                    alphabet[usize::from(value)]
                })
                .collect();
            forms.push(form);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(secret: &str, form: &str) -> bool {
        of(secret).iter().any(|f| f == form.as_bytes())
    }

    #[test]
    fn usual_encodings_are_known() {
        let secret = "p@ss/w\"örd '1";
        for form in [
            secret,
            r#"p@ss/w\"örd '1"#,
            r#"p@ss\/w\"örd '1"#,
            r#"p@ss/w\\\"örd '1"#,
            r#"p@ss/w\\\"\\u00f6rd '1"#,
            r#"p@ss/w\"\u00f6rd '1"#,
            "p%40ss%2Fw%22%C3%B6rd%20%271",
            "p%40ss%2fw%22%c3%b6rd+%271",
            "p%40ss/w%22%C3%B6rd%20%271",
            "p%40ss%2Fw%22%C3%B6rd%20'1",
            r#"p@ss/w"örd '\''1"#,
            "704073732f7722c3b67264202731",
        ] {
            assert!(has(secret, form), "{form}");
        }
    }

    #[test]
    fn base64_is_known_at_every_alignment() {
        // "hunter22", "u:hunter22" and "me:hunter22x" encoded, without what depends on the neighbours.
        for form in ["aHVudGVyMj", "h1bnRlcjIy", "odW50ZXIyM"] {
            assert!(has("hunter22", form), "{form} of {:?}", of("hunter22").len());
        }
        let url_safe = of("~~~???>>>>").into_iter().any(|form| form == b"fn5-Pz8_Pj4-P");
        assert!(url_safe);
    }

    #[test]
    fn lines_of_a_key_are_forms() {
        let key = "-----BEGIN-----\nMIIEvQIBADAN\nab\n-----END-----\n";
        assert!(has(key, "MIIEvQIBADAN"));
        assert!(!has(key, "ab"));
        assert!(has(key, key.trim_end()));
        assert!(of("abcd").iter().all(|form| form.len() >= SECRET_MIN));
    }
}
