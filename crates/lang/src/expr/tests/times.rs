//! Instants and lengths of time.

use serde_json::json;

use super::{fails, gives};

#[test]
fn arithmetic_and_text() {
    gives(
        &json!({"t": "2026-03-01T12:00:00Z"}),
        &[
            ("timestamp(t)", json!("2026-03-01T12:00:00Z")),
            ("timestamp('2026-03-01T14:00:00+02:00') == timestamp(t)", json!(true)),
            ("timestamp(t) + duration('36h')", json!("2026-03-03T00:00:00Z")),
            ("timestamp(t) - duration('1d12h')", json!("2026-02-28T00:00:00Z")),
            ("timestamp(t) - timestamp('2026-03-01T11:30:00Z')", json!("1800s")),
            ("duration('1h') + duration('30m') == duration('1h30m')", json!(true)),
            ("-duration('1.5s')", json!("-1.5s")),
            ("duration('1w') > duration('6d')", json!(true)),
            ("timestamp(t) < timestamp('2027-01-01T00:00:00Z')", json!(true)),
            ("timestamp(1500)", json!("1970-01-01T00:25:00Z")),
            ("timestamp('1969-12-31T23:59:59.5Z') + duration('250ms')", json!("1969-12-31T23:59:59.75Z")),
            ("'at ' + text(timestamp(0)) + string(duration('90m'))", json!("at 1970-01-01T00:00:00Z5400s")),
            ("max(duration('1h'), duration('61m')) == duration('61m')", json!(true)),
            ("sum([duration('1h'), duration('30m')])", json!("5400s")),
        ],
    );
    fails(
        &json!({}),
        &[
            ("timestamp('2026-03-01')", "`2026-03-01` is no instant; write 2026-03-01T12:00:00Z"),
            ("duration('1')", "`1` has no unit; write 1s for seconds"),
            ("duration(1)", "duration() takes a text such as 1h30m, not an integer"),
            (
                "timestamp('9999-12-30T00:00:00Z') + duration('40d')",
                "the instant is not in the years 1 to 9999",
            ),
            ("timestamp(-9223372036854775807)", "the instant is not in the years 1 to 9999"),
            ("duration('200w') * 2", "`*` does not work on a duration and an integer"),
            ("duration('15000w') + duration('15000w')", "the duration is longer than 292 years"),
        ],
    );
}

#[test]
fn parts() {
    gives(
        &json!({"t": "2024-02-29T23:30:15.25Z"}),
        &[
            ("timestamp(t).getFullYear()", json!(2024)),
            ("timestamp(t).getMonth()", json!(1)),
            ("timestamp(t).getDate()", json!(29)),
            ("timestamp(t).getDayOfMonth()", json!(28)),
            ("timestamp(t).getDayOfWeek()", json!(4)),
            ("timestamp(t).getDayOfYear()", json!(59)),
            ("timestamp(t).getHours()", json!(23)),
            ("timestamp(t).getMinutes()", json!(30)),
            ("timestamp(t).getSeconds()", json!(15)),
            ("timestamp(t).getMilliseconds()", json!(250)),
            ("timestamp(t).getHours('+02:00')", json!(1)),
            ("timestamp(t).getDate('02:00')", json!(1)),
            ("timestamp(t).getHours('-08:00')", json!(15)),
            ("timestamp(t).getHours('UTC')", json!(23)),
            ("duration('90m').getHours()", json!(1)),
            ("duration('90m').getMinutes()", json!(90)),
            ("duration('1.5s').getMilliseconds()", json!(500)),
        ],
    );
    fails(
        &json!({"t": "2024-02-29T23:30:15Z"}),
        &[
            (
                "timestamp(t).getHours('Europe/Paris')",
                "`Europe/Paris` is no offset from UTC; write UTC, +02:00 or -08:00 (names of zones are not taken)",
            ),
            ("timestamp(t).getHours(2)", "an offset from UTC is a text such as +02:00, not an integer"),
            ("duration('1h').getDate()", "a duration has hours, minutes, seconds and milliseconds only"),
            ("t.getHours()", "a text has no parts of time; write timestamp(x) first"),
        ],
    );
}
