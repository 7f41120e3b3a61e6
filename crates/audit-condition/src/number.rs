use std::cmp::Ordering;
use std::fmt;

/// A number of a condition or of an event, compared by its exact value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i64),
    /// One beyond `i64`.
    Large(u64),
    /// Finite, and in a literal never a whole number within ±2^53.
    Float(f64),
}

impl Number {
    pub(crate) fn of(number: &serde_json::Number) -> Option<Self> {
        if let Some(int) = number.as_i64() {
            Some(Self::Int(int))
        } else if let Some(large) = number.as_u64() {
            Some(Self::Large(large))
        } else {
            number.as_f64().map(Self::Float)
        }
    }

    pub(crate) fn of_u64(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Large(number), Self::Int)
    }

    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Float(a), b) => compare_float(a, b.whole()),
            (a, Self::Float(b)) => compare_float(b, a.whole()).map(Ordering::reverse),
            (a, b) => Some(a.whole().cmp(&b.whole())),
        }
    }

    fn whole(self) -> i128 {
        match self {
            Self::Int(int) => int.into(),
            Self::Large(large) => large.into(),
            Self::Float(float) => float as i128,
        }
    }
}

/// Exact, where a conversion of the whole number to `f64` would round it.
fn compare_float(float: f64, whole: i128) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // The cast cuts the fraction and stops at the ends of i128, far outside of what is compared.
    let cut = float.trunc();
    Some((cut as i128).cmp(&whole).then_with(|| float.partial_cmp(&cut).unwrap_or(Ordering::Equal)))
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Some(Ordering::Equal)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => int.fmt(f),
            Self::Large(large) => large.fmt(f),
            Self::Float(float) => float.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded() {
        let order = |a, b| Number::compare(a, b).unwrap();
        use Number::{Float, Int, Large};
        assert_eq!(order(Int(9_007_199_254_740_993), Float(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(order(Int(i64::MAX), Float(9.223_372_036_854_776e18)), Ordering::Less);
        assert_eq!(order(Large(u64::MAX), Float(1.844_674_407_370_955_2e19)), Ordering::Less);
        assert_eq!(order(Large(u64::MAX), Int(i64::MAX)), Ordering::Greater);
        assert_eq!(order(Int(5), Float(5.0)), Ordering::Equal);
        assert_eq!(order(Int(-5), Float(-5.5)), Ordering::Greater);
        assert_eq!(order(Float(5.5), Int(5)), Ordering::Greater);
        assert_eq!(order(Float(1e300), Large(u64::MAX)), Ordering::Greater);
        assert_eq!(order(Float(-0.0), Int(0)), Ordering::Equal);
        assert_eq!(order(Float(9_007_199_254_740_992.0), Int(9_007_199_254_740_993)), Ordering::Less);
    }
}
