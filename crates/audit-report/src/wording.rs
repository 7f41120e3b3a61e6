//! How numbers and times are written for people.

use audit_model::Timestamp;
use audit_retention::Policy;

/// `12,345`
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `12,345 events`; `1 entry`, `2 entries`.
pub(crate) fn count(amount: u64, what: &str) -> String {
    let plural = match what.strip_suffix('y') {
        _ if amount == 1 => what.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ => format!("{what}s"),
    };
    format!("{} {plural}", number(amount))
}

/// `2026-10-05 14:03:22`, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {}", &text[..10], &text[11..19])
}

/// `record 7`, `records 7 to 12`.
pub(crate) fn records(first: Option<u64>, last: Option<u64>) -> Option<String> {
    match (first.or(last)?, last.or(first)?) {
        (first, last) if first == last => Some(format!("record {}", number(first))),
        (first, last) => Some(format!("records {} to {}", number(first), number(last))),
    }
}

/// What a policy says, in words.
pub(crate) fn policy(policy: &Policy) -> String {
    let days = |days: u32| count(days.into(), "day");
    let mut text = match (policy.min_days, policy.max_days) {
        (Some(min), Some(max)) => {
            format!("records are kept for at least {} and at most {}", days(min), days(max))
        }
        (Some(min), None) => format!("records are kept for at least {}", days(min)),
        (None, Some(max)) => format!("records are kept for {}", days(max)),
        (None, None) => "no limit is set".to_owned(),
    };
    for transition in &policy.transitions {
        text += &format!("; {} after {}", transition.storage_class, days(transition.days));
    }
    text
}

/// A part of a whole: `12.5 %`, `< 0.1 %`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    if percent < 0.1 { "< 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!((number(0), number(999), number(1000)), ("0".into(), "999".into(), "1,000".into()));
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!((count(1, "event"), count(1200, "event")), ("1 event".into(), "1,200 events".into()));
        assert_eq!((count(2, "entry"), count(2, "day")), ("2 entries".into(), "2 days".into()));
        assert_eq!(records(Some(7), Some(7)).as_deref(), Some("record 7"));
        assert_eq!(
            (share(1, 8), share(1, 10_000), share(0, 0)),
            ("12.5 %".into(), "< 0.1 %".into(), "0 %".into())
        );
    }
}
