//! Times as records have them, read without a calendar.

use audit_model::Timestamp;

/// Reads `2024-12-01T10:15:30.123Z`. Others, and the days that some months do not have, are left to the model.
pub(crate) fn plain_time(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'.',
        f1,
        f2,
        f3,
        b'Z',
    ] = *text
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let is_common = (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && (1970..=9998).contains(&year)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_common {
        return None;
    }
    // Years that begin in March have their leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let milliseconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Timestamp::from_milliseconds(milliseconds * 1000 + number(&[f1, f2, f3])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_model_reads_them() {
        for day in 0..30_000_i64 {
            let time = Timestamp::from_milliseconds(day * 86_400_000 + day * 7919 % 86_400_000).unwrap();
            let text = time.to_string();
            let is_late = text[8..10].parse::<u32>().unwrap() > 28;
            assert_eq!(plain_time(text.as_bytes()), (!is_late).then_some(time), "{text}");
        }
        for odd in [
            "2024-12-01T10:15:30Z",
            "2024-12-01T24:15:30.123Z",
            "2024-13-01T10:15:30.123Z",
            "",
            "2024-12-01T1x:15:30.123Z",
        ] {
            assert_eq!(plain_time(odd.as_bytes()), None, "{odd}");
        }
    }
}
