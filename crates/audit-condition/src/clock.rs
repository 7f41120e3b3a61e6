use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::Path;

/// `hour`, `minute` or `weekday` of a time, in a zone.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) part: ClockPart,
    pub(crate) zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockPart {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 (Monday) to 7 (Sunday), ISO 8601.
    Weekday,
}

#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Seconds east of UTC; 0 is UTC.
    Fixed(i32),
    /// One with rules of its own, under the IANA name that was written.
    Named(Box<str>, TimeZone),
}

impl Clock {
    /// The part of a time that is given in milliseconds since 1970.
    pub(crate) fn read(&self, milliseconds: i64) -> i64 {
        let seconds = milliseconds.div_euclid(1000);
        let offset = match &self.zone {
            Zone::Fixed(offset) => *offset,
            Zone::Named(_, zone) => match jiff::Timestamp::from_second(seconds) {
                Ok(time) => zone.to_offset(time).seconds(),
                Err(_) => 0,
            },
        };
        let local = seconds + i64::from(offset);
        match self.part {
            ClockPart::Hour => local.rem_euclid(86_400) / 3600,
            ClockPart::Minute => local.rem_euclid(3600) / 60,
            // 1970-01-01 was a Thursday.
            ClockPart::Weekday => (local.div_euclid(86_400) + 3).rem_euclid(7) + 1,
        }
    }

    /// As it is written of that path, with the zone unless it is UTC.
    pub(crate) fn call(&self, path: &Path) -> String {
        let name = self.part.name();
        match &self.zone {
            Zone::Fixed(0) => format!("{name}({path})"),
            Zone::Fixed(seconds) => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                format!("{name}({path}, '{sign}{:02}:{:02}')", minutes / 60, minutes % 60)
            }
            Zone::Named(zone, _) => format!("{name}({path}, '{zone}')"),
        }
    }
}

impl ClockPart {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "hour" => Some(Self::Hour),
            "minute" => Some(Self::Minute),
            "weekday" => Some(Self::Weekday),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Weekday => "weekday",
        }
    }

    /// The values it can have.
    pub(crate) fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::Hour => 0..=23,
            Self::Minute => 0..=59,
            Self::Weekday => 1..=7,
        }
    }
}

impl Zone {
    /// Reads `Z`, `UTC`, `+01:00`, or an IANA name. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if matches!(text, "Z" | "UTC") {
            return Ok(Self::Fixed(0));
        }
        if let [sign @ (b'+' | b'-'), digits @ ..] = text.as_bytes() {
            let seconds = match digits {
                [h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => {
                    let two = |a: &u8, b: &u8| i32::from(a - b'0') * 10 + i32::from(b - b'0');
                    Some((two(h1, h2), two(m1, m2))).filter(|(hours, minutes)| *hours <= 23 && *minutes <= 59)
                }
                _ => None,
            };
            let (hours, minutes) = seconds.ok_or_else(|| {
                format!("'{text}' is not an offset from UTC; expected one such as '+01:00'")
            })?;
            let seconds = (hours * 60 + minutes) * 60;
            return Ok(Self::Fixed(if *sign == b'-' { -seconds } else { seconds }));
        }
        let database = TimeZoneDatabase::bundled();
        if let Ok(zone) = database.get(text) {
            return Ok(Self::Named(text.into(), zone));
        }
        let nearest = database
            .available()
            .map(|name| (strsim::jaro_winkler(&name.as_str().to_lowercase(), &text.to_lowercase()), name))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| format!("did you mean '{name}'? Otherwise give"));
        let hint = nearest.unwrap_or_else(|| "give an IANA name such as 'Europe/Berlin', or".to_owned());
        Err(format!("'{text}' is not a time zone; {hint} an offset from UTC such as '+01:00'"))
    }
}
