//! From standard output to the step's output.

use serde_json::Value;

use super::request::Parse;
use super::sink::Kept;
use crate::executors::content;
use crate::logs::size_text;
use crate::redact::Redaction;

/// The output and what is to be noted about it in the log.
///
/// Text that is no UTF-8 is taken with `U+FFFD` for what is none, and a note says so: the log has the bytes.
pub(super) fn parse(
    parse: Parse,
    kept: Kept,
    redaction: &Redaction,
) -> Result<(Option<Value>, Option<String>), String> {
    if parse == Parse::None {
        return Ok((None, None));
    }
    if kept.over {
        return Err(format!(
            "printed more than {} on standard output: write it to a file and hand that over through \
             STEAD_OUTPUT, or set `parse: none`",
            size_text(kept.limit() as u64)
        ));
    }
    let bytes = kept.bytes;
    match parse {
        Parse::None => Ok((None, None)),
        Parse::Json => content::json("standard output", &bytes, redaction).map(|value| (Some(value), None)),
        Parse::Text => {
            let (mut text, note) = text(&bytes, redaction);
            text.truncate(content::without_last_break(&text).len());
            Ok((Some(Value::String(text)), note))
        }
        Parse::Lines => {
            let (text, note) = text(&bytes, redaction);
            Ok((Some(content::lines(&text)), note))
        }
    }
}

fn text(bytes: &[u8], redaction: &Redaction) -> (String, Option<String>) {
    let note = std::str::from_utf8(bytes).err().map(|error| {
        format!(
            "standard output is not UTF-8 at byte {}: the output has U+FFFD for what is not",
            error.valid_up_to()
        )
    });
    (String::from_utf8_lossy(&redaction.bytes(bytes)).into_owned(), note)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secrets::SecretString;

    fn of(how: Parse, bytes: &[u8]) -> Result<Value, String> {
        parse(how, Kept::of(bytes), &Redaction::default()).map(|(output, _)| output.unwrap())
    }

    #[test]
    fn text_loses_its_last_line_break_only() {
        for (bytes, text) in
            [("a\n\n", "a\n"), ("a\r\n", "a"), ("a", "a"), ("", ""), ("\n", ""), ("a\r", "a\r")]
        {
            assert_eq!(of(Parse::Text, bytes.as_bytes()), Ok(json!(text)));
        }
    }

    #[test]
    fn lines_are_split_at_either_break() {
        for (bytes, lines) in [
            ("a\nb\r\n\nc", json!(["a", "b", "", "c"])),
            ("", json!([])),
            ("\n", json!([""])),
            ("a\n\n", json!(["a", ""])),
        ] {
            assert_eq!(of(Parse::Lines, bytes.as_bytes()), Ok(lines));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_noted() {
        let (output, note) = parse(Parse::Text, Kept::of(b"a\xffb"), &Redaction::default()).unwrap();
        assert_eq!(output, Some(json!("a\u{fffd}b")));
        assert!(note.unwrap().contains("not UTF-8 at byte 1"));
    }

    #[test]
    fn json_that_does_not_parse_is_shown_where_it_does_not() {
        assert_eq!(of(Parse::Json, b" {\"a\": [1, 2.5e3, \"x\"]}\n"), Ok(json!({"a": [1, 2500.0, "x"]})));
        let error = of(Parse::Json, b"{\"a\": 1,\n \"b\": nope}").unwrap_err();
        assert!(error.contains("line 2, column") && error.contains("\"b\": n⟨here⟩ope"), "{error}");
        assert!(of(Parse::Json, b" \n").unwrap_err().contains("empty"));
        assert!(of(Parse::Json, b"1 2").unwrap_err().contains("trailing characters"));
        assert!(of(Parse::Json, b"\"\xff\"").is_err());
        let deep = "[".repeat(1_000);
        assert!(of(Parse::Json, deep.as_bytes()).unwrap_err().contains("recursion limit"));
    }

    #[test]
    fn an_excerpt_never_shows_half_a_secret() {
        let secret = "s".repeat(30) + &"t".repeat(30);
        let redaction = Redaction::of(&[SecretString::new("S", &secret).unwrap()]);
        let bytes = format!("[{secret} oops");
        let error = parse(Parse::Json, Kept::of(bytes.as_bytes()), &redaction).unwrap_err();
        assert!(!error.contains("ssss") && !error.contains("tttt"), "{error}");
    }
}
