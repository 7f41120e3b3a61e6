//! Milliseconds since 1970, as this crate reckons with them.

use std::time::Duration;

use audit_model::Timestamp;

/// 0000-01-01T00:00:00Z and 9999-12-30T22:00:00Z: what a timestamp can say.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_207_200_000;

pub(crate) fn in_range(time: i64) -> i64 {
    time.clamp(FIRST, LAST)
}

pub(crate) fn timestamp(time: i64) -> Timestamp {
    Timestamp::from_milliseconds(in_range(time)).expect("the ends of the range are in it")
}

pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// In the largest unit that it is a whole number of: `90s`, `5m`, `26h`, `7d`.
pub(crate) fn text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let (unit, size) =
        units.into_iter().find(|(_, size)| milliseconds.is_multiple_of(*size)).unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_those_of_a_timestamp() {
        assert_eq!(timestamp(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(timestamp(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert!(
            Timestamp::from_milliseconds(FIRST - 1).is_err()
                && Timestamp::from_milliseconds(LAST + 1).is_err()
        );
    }

    #[test]
    fn durations_read_as_they_are_configured() {
        for (seconds, expected) in [(90, "90s"), (300, "5m"), (93_600, "26h"), (604_800, "7d"), (5400, "90m")]
        {
            assert_eq!(text(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(text(Duration::from_millis(1500)), "1500ms");
    }
}
