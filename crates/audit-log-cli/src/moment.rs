//! Times and durations as they are given on the command line.

use std::time::Duration;

use audit_model::Timestamp;
use jiff::SpanRelativeTo;
use jiff::civil::Date;
use jiff::fmt::friendly::SpanParser;
use jiff::tz::TimeZone;

/// A time, or a duration that reaches back from now: `2026-01-31T08:00:00Z`, `2026-01-31`, `7d`, `now`.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let read = || {
        if let Ok(time) = text.parse() {
            return Some(time);
        }
        let now = Timestamp::now();
        if text == "now" {
            return Some(now);
        }
        // A date and nothing else: of a time without its zone, nobody knows when it is.
        if text.len() == "2026-01-31".len()
            && let Ok(date) = text.parse::<Date>()
        {
            let midnight = date.to_zoned(TimeZone::UTC).ok()?;
            return Timestamp::from_milliseconds(midnight.timestamp().as_millisecond()).ok();
        }
        let back = i64::try_from(span(text)?.as_millis()).ok()?;
        Timestamp::from_milliseconds(now.as_milliseconds().checked_sub(back)?).ok()
    };
    let expected = "expected a time with its zone such as 2026-01-31T08:00:00Z, a date such as 2026-01-31 (midnight in UTC), `now`, or how \
                    long ago, such as 7d or 90m";
    read().ok_or_else(|| expected.to_owned())
}

/// A duration: `7d`, `90m`, `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| format!("`{text}` is no duration; expected one such as 7d, 24h or 90m"))
}

fn span(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        assert_eq!(moment("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00.000Z");
        assert_eq!(moment("2026-01-31T08:00:00+01:00").unwrap().to_string(), "2026-01-31T07:00:00.000Z");
        let week = Timestamp::now().as_milliseconds() - moment("7d").unwrap().as_milliseconds();
        assert!((604_800_000..604_900_000).contains(&week), "{week}");
        let no_zone =
            ["2026-01-31T08:00", "2026-01-31 08:00:00", "20260131T080000", "2026-01-31T08:00[Europe/Berlin]"];
        for wrong in ["", "yesterday", "-7d", "2026-13-01", "99999999y"].into_iter().chain(no_zone) {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
