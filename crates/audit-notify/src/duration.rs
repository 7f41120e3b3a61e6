/// A length of time in at most two units, as people say it: `2 d 4 h`.
pub(crate) fn spoken(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |many: i64, unit: &str, rest: i64, rest_unit: &str| match rest {
        0 => format!("{many} {unit}"),
        rest => format!("{many} {unit} {rest} {rest_unit}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => two(minutes, "min", seconds % 60, "s"),
        (0, hours, minutes) => two(hours, "h", minutes % 60, "min"),
        (days, hours, _) => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn two_units_at_most() {
        let written = [-5, 0, 59_999, 60_000, 61_000, 3_600_000, 3_660_000, 93_600_000, 86_400_000, i64::MAX]
            .map(spoken);
        assert_eq!(
            written,
            [
                "0 s",
                "0 s",
                "59 s",
                "1 min",
                "1 min 1 s",
                "1 h",
                "1 h 1 min",
                "1 d 2 h",
                "1 d",
                "106751991167 d 7 h"
            ]
        );
    }
}
