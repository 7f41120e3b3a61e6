use std::fmt;
use std::str::FromStr;

use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC with millisecond precision, as records carry it.
///
/// Reads RFC 3339 with any offset and any fraction of a second (digits beyond milliseconds are
/// cut); writes `2024-12-01T10:15:30.123Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time from the year 0000 until 9999-12-30T22:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a time; expected RFC 3339 with an offset, until 9999-12-30T22:00:00Z, such as 2024-12-01T10:15:30.123Z"
)]
pub struct TimestampError {
    found: String,
}

/// 0000-01-01T00:00:00Z and 9999-12-30T22:00:00Z: RFC 3339 §1 has four-digit years, and the
/// upper bound is the last instant that the calendar library represents.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_200_000;

impl Timestamp {
    /// The system clock's time now.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// `milliseconds` since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// When the time is before the year 0000, or after 9999-12-30T22:00:00Z.
    pub fn from_milliseconds(milliseconds: i64) -> Result<Self, TimestampError> {
        if RANGE.contains(&milliseconds) {
            Ok(Self(milliseconds))
        } else {
            Err(TimestampError { found: milliseconds.to_string() })
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_milliseconds(self) -> i64 {
        self.0
    }

    /// `YYYYMMDDTHHMMSSZ` (ISO 8601 basic format), for file names.
    #[must_use]
    pub fn basic_format(self) -> String {
        let text = self.to_string();
        text[..19].chars().filter(|c| *c != '-' && *c != ':').chain(['Z']).collect()
    }

    pub(crate) fn rfc3339(self) -> [u8; 24] {
        let time = jiff::Timestamp::from_millisecond(self.0).expect("constructors keep the time in range");
        let civil = Offset::UTC.to_datetime(time);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text[0..4], civil.year().unsigned_abs());
        put(&mut text[5..7], civil.month().unsigned_abs().into());
        put(&mut text[8..10], civil.day().unsigned_abs().into());
        put(&mut text[11..13], civil.hour().unsigned_abs().into());
        put(&mut text[14..16], civil.minute().unsigned_abs().into());
        put(&mut text[17..19], civil.second().unsigned_abs().into());
        put(&mut text[20..23], civil.millisecond().unsigned_abs());
        text
    }
}

/// As a string of RFC 3339.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn put(digits: &mut [u8], mut number: u16) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a remainder of ten is one digit");
        number /= 10;
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError { found: text.chars().take(40).collect() };
        // The library also reads week dates and time-zone annotations; RFC 3339 §5.6 has neither.
        if text.len() > 64
            || text.as_bytes().first().is_none_or(|b| !b.is_ascii_digit())
            || text.contains('[')
        {
            return Err(error());
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| error())?;
        // Division that rounds down keeps 1969-12-31T23:59:59.9999Z in its own millisecond.
        let milliseconds = time.as_nanosecond().div_euclid(1_000_000);
        i64::try_from(milliseconds).map_err(|_| error()).and_then(Self::from_milliseconds)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.rfc3339()).expect("digits and ASCII marks"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_fraction_and_writes_utc_milliseconds() {
        for (given, written) in [
            ("2024-12-01T10:15:30.123Z", "2024-12-01T10:15:30.123Z"),
            ("2024-12-01T10:15:30Z", "2024-12-01T10:15:30.000Z"),
            ("2024-12-01T12:15:30.5+02:00", "2024-12-01T10:15:30.500Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(given.parse::<Timestamp>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn refuses_what_is_not_rfc_3339() {
        for given in
            ["", "yesterday", "2024-12-01", "1733048130", "-000001-01-01T00:00:00Z", "2024-13-01T00:00:00Z"]
        {
            assert!(given.parse::<Timestamp>().is_err(), "{given}");
        }
    }

    #[test]
    fn the_ends_of_the_range_can_be_written() {
        for end in [*RANGE.start(), *RANGE.end()] {
            let text = Timestamp::from_milliseconds(end).unwrap().to_string();
            assert_eq!(text.parse::<Timestamp>().unwrap().as_milliseconds(), end);
        }
        assert!(Timestamp::from_milliseconds(RANGE.end() + 1).is_err());
    }

    #[test]
    fn file_names_get_the_basic_format() {
        let time: Timestamp = "2024-12-01T10:15:30.123Z".parse().unwrap();
        assert_eq!(time.basic_format(), "20241201T101530Z");
    }
}
