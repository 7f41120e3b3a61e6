//! Times in conditions and in free fields, in milliseconds since 1970.

use audit_model::Timestamp;
use jiff::civil::Date;

/// Reads RFC 3339 (`2024-12-01T10:15:30.123+01:00`) without allocating; digits beyond milliseconds are cut.
/// None is what isn't that.
pub(crate) fn read_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !matches!(bytes[10], b'T' | b't' | b' ') || bytes[13] != b':' || bytes[16] != b':'
    {
        return None;
    }
    let day = read_date(text.get(..10)?)?;
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    // A leap second (RFC 3339 §5.6) is held at the last second of its minute.
    let second = if second == 60 { 59 } else { second };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = &bytes[19..];
    let mut milliseconds = 0;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let kept = digits.min(3);
        milliseconds = number(&fraction[..kept])? * [1, 100, 10, 1][kept];
        rest = &fraction[digits..];
    }
    let offset_minutes = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let time = day + ((hour * 60 + minute - offset_minutes) * 60 + second) * 1000 + milliseconds;
    Timestamp::from_milliseconds(time).ok().map(Timestamp::as_milliseconds)
}

/// Reads `2024-12-01`, as its midnight in UTC.
pub(crate) fn read_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // In range, so that a date that isn't one (30 February) is the only error left; making it allocates nothing.
    let first = Date::new(year as i16, month as i8, 1).ok()?;
    if day > i64::from(first.days_in_month()) {
        return None;
    }
    Some((days_from_1970(year, month) + day - 1) * 86_400_000)
}

/// Days from 1970-01-01 to the first of a month, in the Gregorian calendar.
fn days_from_1970(year: i64, month: i64) -> i64 {
    // Years that begin in March have their leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 - 719_468
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_model_reads_them() {
        for text in [
            "2024-12-01T10:15:30.123Z",
            "2024-12-01T10:15:30Z",
            "2024-12-01 12:15:30.5+02:00",
            "1969-12-31T23:59:59.9999999Z",
            "0000-01-01T00:00:00Z",
            "2024-02-29T00:00:00-11:30",
            "9999-12-30T21:59:59.999Z",
        ] {
            let model: Timestamp = text.parse().unwrap();
            assert_eq!(read_rfc3339(text), Some(model.as_milliseconds()), "{text}");
        }
        for text in [
            "",
            "2024-12-01",
            "2023-02-29T00:00:00Z",
            "2024-12-01T24:00:00Z",
            "2024-12-01T10:15:30",
            "2024-12-01T10:15:30.Z",
            "2024-12-01T10:15:3éZ",
            "9999-12-31T23:59:59Z",
            "2024-13-01T00:00:00Z",
        ] {
            assert_eq!(read_rfc3339(text), None, "{text}");
        }
    }
}
