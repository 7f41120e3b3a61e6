use std::fmt;
use std::str::FromStr;

/// How often a rule is expected to fire: `backup-failure=3`, `spike>=1`, `spike<=10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    pub(crate) rule: String,
    bound: Bound,
    times: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Exactly,
    AtLeast,
    AtMost,
}

impl Expectation {
    pub(crate) fn is_met(&self, fired: u64) -> bool {
        match self.bound {
            Bound::Exactly => fired == self.times,
            Bound::AtLeast => fired >= self.times,
            Bound::AtMost => fired <= self.times,
        }
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            // No rule's name has one of these in it.
            let (rule, rest) = text.split_at_checked(text.find(['=', '<', '>'])?)?;
            let bounds = [(">=", Bound::AtLeast), ("<=", Bound::AtMost), ("=", Bound::Exactly)];
            let (bound, times) =
                bounds.into_iter().find_map(|(sign, bound)| Some((bound, rest.strip_prefix(sign)?)))?;
            let digits = !times.is_empty() && times.bytes().all(|byte| byte.is_ascii_digit());
            let times = times.parse().ok().filter(|_| digits)?;
            Some(Self { rule: rule.to_owned(), bound, times }).filter(|_| !rule.is_empty())
        };
        read().ok_or_else(|| "expected NAME=NUMBER, NAME>=NUMBER or NAME<=NUMBER".to_owned())
    }
}

/// As it was written.
impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.bound {
            Bound::Exactly => "=",
            Bound::AtLeast => ">=",
            Bound::AtMost => "<=",
        };
        write!(f, "{}{sign}{}", self.rule, self.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_met_or_not() {
        for (text, met, missed) in [
            ("a=0", vec![0], vec![1]),
            ("a.b-c=3", vec![3], vec![0, 2, 4]),
            ("a>=2", vec![2, 3], vec![0, 1]),
            ("a<=2", vec![0, 2], vec![3]),
        ] {
            let expectation: Expectation = text.parse().unwrap();
            assert_eq!(expectation.to_string(), text);
            assert!(met.iter().all(|fired| expectation.is_met(*fired)), "{text}");
            assert!(!missed.iter().any(|fired| expectation.is_met(*fired)), "{text}");
        }
        for wrong in [
            "",
            "a",
            "=3",
            "a=",
            "a=x",
            "a=-1",
            "a=+1",
            "a>3",
            "a==3",
            "a=>3",
            "é<",
            "a=99999999999999999999",
        ] {
            assert!(wrong.parse::<Expectation>().is_err(), "{wrong}");
        }
    }
}
