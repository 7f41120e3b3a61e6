use std::fmt;
use std::str::FromStr;

use audit_model::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::Offset;
use jiff::{Span, ToSpan as _};
use serde::Serialize;

/// What a report is about: from a moment, included, to another, excluded. Months, days and hours are those of UTC.
///
/// ```
/// use audit_report::Period;
///
/// let month: Period = "2024-02".parse()?;
/// assert_eq!(month.from().to_string(), "2024-02-01T00:00:00.000Z");
/// assert_eq!(month.to().to_string(), "2024-03-01T00:00:00.000Z");
/// assert_eq!(month.to_string(), "February 2024");
/// assert_eq!(Period::last_month("2025-01-15T08:00:00Z".parse()?).to_string(), "December 2024");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

/// What is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeriodError {
    /// It ends before it has begun.
    #[error("a period from {from} to {to} holds nothing: expected the first to be earlier than the second")]
    Empty {
        /// From when.
        from: Timestamp,
        /// To when.
        to: Timestamp,
    },
    /// The text is no month.
    #[error("`{0}` is not a month; expected year and month, such as 2026-10")]
    Month(String),
}

/// What a period's time line counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// In periods of up to two days.
    Hour,
    /// In those of up to 120 days.
    Day,
    /// In those of up to ten years.
    Month,
    /// In longer ones.
    Year,
}

impl Unit {
    /// The word for one.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Hour => 1.hour(),
            Self::Day => 1.day(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        }
    }

    /// The beginning of the one that the time is in.
    fn floor(self, time: DateTime) -> DateTime {
        let day = time.date();
        match self {
            Self::Hour => day.at(time.hour(), 0, 0, 0),
            Self::Day => day.at(0, 0, 0, 0),
            Self::Month => day.first_of_month().at(0, 0, 0, 0),
            Self::Year => day.first_of_year().at(0, 0, 0, 0),
        }
    }
}

const DAY: i64 = 86_400_000;

impl Period {
    /// From one moment, included, to another, excluded.
    ///
    /// # Errors
    /// When the first is not earlier than the second.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, PeriodError> {
        if from < to { Ok(Self { from, to }) } else { Err(PeriodError::Empty { from, to }) }
    }

    /// The last month that is over at that time.
    #[must_use]
    pub fn last_month(now: Timestamp) -> Self {
        let this = civil(now).date().first_of_month();
        // In January of the year 0 there is none before; then it is that one.
        let last = this.checked_sub(1.month()).ok().and_then(Self::month_of);
        last.or_else(|| Self::month_of(this)).expect("the months of the year 0 are in the range of times")
    }

    /// The first moment of it.
    #[must_use]
    pub fn from(self) -> Timestamp {
        self.from
    }

    /// The first moment behind it.
    #[must_use]
    pub fn to(self) -> Timestamp {
        self.to
    }

    /// Whether that moment is in it.
    #[must_use]
    pub fn contains(self, time: Timestamp) -> bool {
        self.from <= time && time < self.to
    }

    /// What its time line counts by.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self.to.as_milliseconds() - self.from.as_milliseconds() {
            length if length <= 2 * DAY => Unit::Hour,
            length if length <= 120 * DAY => Unit::Day,
            length if length <= 3653 * DAY => Unit::Month,
            _ => Unit::Year,
        }
    }

    /// When its hours, days, months or years begin. The first may have begun before the period.
    pub(crate) fn beginnings(self) -> Vec<Timestamp> {
        let unit = self.unit();
        let mut beginnings = Vec::new();
        let mut next = Some(unit.floor(civil(self.from)));
        while let Some(time) = next.and_then(instant).filter(|time| *time < self.to) {
            beginnings.push(time);
            next = next.and_then(|time| time.checked_add(unit.span()).ok());
        }
        beginnings
    }

    fn month_of(first: Date) -> Option<Self> {
        let from = instant(first.at(0, 0, 0, 0))?;
        let next = first.checked_add(1.month()).ok()?;
        Self::new(from, instant(next.at(0, 0, 0, 0))?).ok()
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    /// Reads a month: `2026-10`.
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = year.len() == 4 && month.len() == 2 && digits(year) && digits(month);
            let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
            Self::month_of(first).filter(|_| is_plain)
        };
        read().ok_or_else(|| PeriodError::Month(text.chars().take(40).collect()))
    }
}

/// As people call it: `October 2026`, `2026`, `5 October 2026`, or both its ends.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (civil(self.from), civil(self.to));
        let is = |span: Span| from.checked_add(span).is_ok_and(|end| end == to);
        let starts = |unit: Unit| unit.floor(from) == from;
        if starts(Unit::Year) && is(1.year()) {
            return write!(f, "{:04}", from.year());
        }
        if starts(Unit::Month) && is(1.month()) {
            return write!(f, "{} {:04}", month_name(from.date()), from.year());
        }
        if starts(Unit::Day) && is(1.day()) {
            return write!(f, "{} {} {:04}", from.day(), month_name(from.date()), from.year());
        }
        write!(f, "{} to {}", short(self.from), short(self.to))
    }
}

/// A date, or a time to the minute where it is no midnight.
fn short(time: Timestamp) -> String {
    let text = time.to_string();
    match &text[10..] {
        "T00:00:00.000Z" => text[..10].to_owned(),
        _ => format!("{} {}", &text[..10], &text[11..16]),
    }
}

pub(crate) fn month_name(date: Date) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    NAMES[usize::from(date.month().unsigned_abs()) - 1]
}

/// The time as a calendar and a clock of UTC show it.
pub(crate) fn civil(time: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(time.as_milliseconds());
    instant.map_or(date(0, 1, 1).at(0, 0, 0, 0), |instant| Offset::UTC.to_datetime(instant))
}

fn instant(time: DateTime) -> Option<Timestamp> {
    let instant = Offset::UTC.to_timestamp(time).ok()?;
    Timestamp::from_milliseconds(instant.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period::new(time(from), time(to)).unwrap()
    }

    #[test]
    fn months_begin_and_end_where_the_calendar_says() {
        for (text, from, to) in [
            ("2026-10", "2026-10-01", "2026-11-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2024-02", "2024-02-01", "2024-03-01"),
            ("2100-02", "2100-02-01", "2100-03-01"),
            ("0000-01", "0000-01-01", "0000-02-01"),
        ] {
            let month: Period = text.parse().unwrap();
            assert_eq!(month, period(&format!("{from}T00:00:00Z"), &format!("{to}T00:00:00Z")), "{text}");
        }
        let days = |month: &str| month.parse::<Period>().unwrap().beginnings().len();
        assert_eq!((days("2024-02"), days("2026-02"), days("2100-02"), days("2000-02")), (29, 28, 28, 29));
        for wrong in ["", "2026", "2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "+026-10", "9999-12"]
        {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_month_is_one_that_is_over() {
        for (now, name) in [
            ("2026-01-01T00:00:00Z", "December 2025"),
            ("2026-01-31T23:59:59.999Z", "December 2025"),
            ("2024-03-31T12:00:00Z", "February 2024"),
            ("2026-11-01T01:00:00+02:00", "September 2026"),
            ("0000-01-15T00:00:00Z", "January 0000"),
        ] {
            assert_eq!(Period::last_month(time(now)).to_string(), name, "{now}");
        }
    }

    #[test]
    fn the_unit_follows_from_the_length() {
        for (from, to, unit, count) in [
            ("2026-10-01T10:30:00Z", "2026-10-01T10:31:00Z", Unit::Hour, 1),
            ("2026-10-01T00:00:00Z", "2026-10-03T00:00:00Z", Unit::Hour, 48),
            ("2026-10-01T00:00:00Z", "2026-10-03T00:00:00.001Z", Unit::Day, 3),
            ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", Unit::Month, 12),
            ("2026-01-31T00:00:00Z", "2026-12-02T00:00:00Z", Unit::Month, 12),
            ("2000-01-01T00:00:00Z", "2026-01-01T00:00:00Z", Unit::Year, 26),
            ("0000-01-01T00:00:00Z", "9999-12-30T22:00:00Z", Unit::Year, 10_000),
        ] {
            let period = period(from, to);
            assert_eq!((period.unit(), period.beginnings().len()), (unit, count), "{period}");
        }
    }

    #[test]
    fn it_is_called_as_people_call_it() {
        for (from, to, name) in [
            ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026"),
            ("2026-10-05T00:00:00Z", "2026-10-06T00:00:00Z", "5 October 2026"),
            ("2026-10-01T00:00:00Z", "2026-10-08T00:00:00Z", "2026-10-01 to 2026-10-08"),
            ("2026-10-01T00:00:00Z", "2026-10-01T08:30:00Z", "2026-10-01 to 2026-10-01 08:30"),
            ("2026-01-30T00:00:00Z", "2026-02-28T00:00:00Z", "2026-01-30 to 2026-02-28"),
        ] {
            assert_eq!(period(from, to).to_string(), name);
        }
        assert!(Period::new(time("2026-10-01T00:00:00Z"), time("2026-10-01T00:00:00Z")).is_err());
    }
}
