//! Rules, and every instant of a year in several zones, held against a reckoning of another kind.

use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan as _};

use super::{Cron, Zone};

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

fn millis(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn shown(rule: &str, place: &str, after: &str, count: usize) -> Vec<String> {
    let zone = zone(place);
    cron(rule).following(&zone, millis(after), count).iter().map(|found| zone.show(found.at)).collect()
}

#[test]
fn a_wrong_rule_names_the_part_that_is_wrong() {
    for (text, part, help) in [
        ("0 25 * * *", "`25` in the hours is out of range", "0 to 23"),
        ("60 * * * *", "`60` in the minutes", "0 to 59"),
        ("0 0 0 * *", "`0` in the days of the month", "1 to 31"),
        ("0 0 * 13 *", "`13` in the months", "1 to 12"),
        ("0 0 * * 8", "`8` in the days of the week", "0 to 7"),
        ("0 0 * * moo", "`moo` in the days of the week", "did you mean `mon`?"),
        ("0 0 L * *", "`L` in the days of the month", "of other tools"),
        ("0 5-2 * * *", "`5-2` in the hours goes backwards", "5-23,0-2"),
        ("*/0 * * * *", "`0` in the minutes is no step", "from 1"),
        ("1,,2 * * * *", "empty part", "write"),
        ("+1 * * * *", "`+1` in the minutes", "write"),
        ("0 0 0 * * *", "five fields, and this has 6", "seconds"),
        ("", "empty", "MINUTE"),
        ("@dayly", "`@dayly`", "did you mean `@daily`?"),
        ("0 0 30 2 *", "never comes", ""),
        ("0 0 31 4,6,9,11 *", "never comes", ""),
    ] {
        let error = Cron::parse(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {}", error.message);
        assert!(error.help.unwrap_or_default().contains(help), "{text}");
    }
    assert!(Cron::parse("0 0 30 2 1").is_ok(), "a Monday of February is one");
}

#[test]
fn p11_texts_of_rules_are_bounded() {
    let long = |bytes: usize| format!("{} * * * *", vec!["1"; (bytes - 7) / 2].join(","));
    assert!(Cron::parse(&long(crate::limits::CRON_BYTES)).is_ok());
    assert!(Cron::parse(&long(crate::limits::CRON_BYTES + 2)).unwrap_err().message.contains("at most"));
}

#[test]
fn a_zone_that_is_not_there_is_told_with_the_nearest() {
    for (wrong, near) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("berlin", Some("Europe/Berlin")),
        ("new york", Some("America/New_York")),
        ("Nowhere/At_All_Ever", None),
    ] {
        assert_eq!(Zone::named(wrong).unwrap_err().nearest.as_deref(), near, "{wrong}");
    }
    assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
}

#[test]
fn a_rule_is_told_in_words() {
    for (rule, words) in [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at minute 5"),
        ("0 2 * * *", "at 02:00 every day"),
        ("30 8,17 * * 1-5", "at 08:30 and 17:30 on Monday to Friday"),
        ("0 0 1 */3 *", "at 00:00 on day 1 of the month in January, April, July and October"),
        ("0 9 13 * fri", "at 09:00 on day 13 of the month or on Friday"),
        ("*/10 9-17 * * *", "every 10 minutes of the hours 9 to 17 every day"),
        ("@weekly", "at 00:00 on Sunday"),
    ] {
        assert_eq!(cron(rule).words(), words, "{rule}");
    }
}

#[test]
fn a_time_that_the_clock_jumps_over_comes_right_after_the_jump() {
    // 2027-03-28 02:00 is 03:00 in Berlin.
    assert_eq!(
        shown("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3),
        ["2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]
    );
    // All that it jumps over is one.
    assert_eq!(
        shown("*/20 2,3 * * *", "Europe/Berlin", "2027-03-28T00:30:00Z", 3),
        ["2027-03-28T03:00:00+02:00", "2027-03-28T03:20:00+02:00", "2027-03-28T03:40:00+02:00"]
    );
    // With every hour there is nothing to make up.
    assert_eq!(
        shown("30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
        ["2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"]
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_the_first_time() {
    // 2026-10-25 03:00 is 02:00 again in Berlin.
    assert_eq!(
        shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    // One hour after the other comes with every hour.
    assert_eq!(
        shown("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 3),
        ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"]
    );
}

#[test]
fn leap_days_and_the_ends_of_time() {
    assert_eq!(shown("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00+00:00"]);
    assert!(cron("* * * * *").next(&zone("UTC"), i64::MAX).is_none());
    assert!(cron("0 0 1 1 *").next(&zone("UTC"), millis("9999-06-01T00:00:00Z")).is_none());
    // A day that a zone never had.
    assert_eq!(
        shown("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1),
        ["2011-12-31T00:00:00+14:00"]
    );
}

/// The clock of a place, every five minutes from an instant on.
fn clocks(place: &str, begin: &str, days: i64) -> Vec<(i64, DateTime)> {
    let tz = TimeZoneDatabase::bundled().get(place).unwrap();
    let begin = begin.parse::<Timestamp>().unwrap();
    let instants = (0..days * 288).map(|n| begin + (5 * n).minutes());
    instants.map(|at| (at.as_millisecond(), tz.to_datetime(at))).collect()
}

/// What a rule comes to, found from what the clocks show one after the other, and not from what they will show.
fn reckoned(clocks: &[(i64, DateTime)], fits: impl Fn(i8, i8) -> bool, hourly: bool) -> Vec<i64> {
    let mut found = Vec::new();
    let mut last: Option<DateTime> = None;
    for (at, clock) in clocks {
        let mut hit = fits(clock.hour(), clock.minute());
        if let Some(last) = last.filter(|_| !hourly) {
            // Once only, although the clock shows it again.
            hit &= *clock > last;
            let mut skipped = last + 5.minutes();
            while skipped < *clock {
                hit |= fits(skipped.hour(), skipped.minute());
                skipped += 5.minutes();
            }
        }
        last = Some(last.map_or(*clock, |last| last.max(*clock)));
        if hit {
            found.push(*at);
        }
    }
    found
}

#[test]
fn a_year_in_six_zones_is_what_clocks_show_one_after_the_other() {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        // Its clocks change at midnight.
        "America/Santiago",
        "UTC",
    ];
    type Fits = fn(i8, i8) -> bool;
    let rules: [(&str, Fits, bool); 4] = [
        ("30 2 * * *", |h, m| h == 2 && m == 30, false),
        ("15,45 1-3 * * *", |h, m| (1..=3).contains(&h) && (m == 15 || m == 45), false),
        ("0 0 * * *", |h, m| h == 0 && m == 0, false),
        ("*/20 * * * *", |_, m| m % 20 == 0, true),
    ];
    let (begin, days) = ("2026-01-01T00:00:00Z", 366);
    for name in zones {
        let clocks = clocks(name, begin, days);
        for (text, fits, hourly) in rules {
            let wanted = reckoned(&clocks, fits, hourly);
            let (rule, zone) = (cron(text), zone(name));
            let until = millis(begin) + days * 86_400_000;
            let mut found = Vec::new();
            let mut at = millis(begin) - 1;
            while let Some(next) = rule.next(&zone, at).filter(|next| next.at < until) {
                at = next.at;
                found.push(at);
            }
            let differs = found.iter().zip(&wanted).find(|(a, b)| a != b);
            let differs = differs.map(|(a, b)| (zone.show(*a), zone.show(*b)));
            assert_eq!(found, wanted, "{text} in {name}: {differs:?}");
        }
    }
}
