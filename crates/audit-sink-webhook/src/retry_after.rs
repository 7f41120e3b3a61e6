use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// A day typed as seconds, or a server's wrong clock, must not stop delivery for good.
const LONGEST: Duration = Duration::from_secs(3600);

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date as HTTP writes it; at most an hour.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::retry_after;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "1994-11-06T08:49:37Z".parse().expect("a time");
        let seconds = |value| retry_after(value, now).map(|asked| asked.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0), "it is over");
        assert_eq!(seconds("86400"), Some(3600), "an hour at most");
        assert_eq!(seconds("99999999999999999999999"), Some(3600));
        assert_eq!(seconds("Sun, 06 Nov 2094 08:49:37 GMT"), Some(3600));
        for nonsense in ["", "soon", "-1", "1.5", "1994-11-06"] {
            assert_eq!(retry_after(nonsense, now), None::<Duration>, "{nonsense}");
        }
    }
}
