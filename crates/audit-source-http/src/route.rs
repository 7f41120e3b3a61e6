use hyper::Method;
use hyper::header::{ACCEPT, HeaderMap};

use crate::answer::Refusal;
use crate::problem::{problem, wrong_method};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Events,
    Health,
    Ready,
    Metrics,
    Status,
    OpenApi,
}

impl Route {
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/events" => Self::Events,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/v1/status" => Self::Status,
            "/v1/openapi.json" => Self::OpenApi,
            _ => return None,
        })
    }

    fn allows(self) -> &'static str {
        if self == Self::Events { "POST" } else { "GET, HEAD" }
    }

    /// The types of what is answered.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Health | Self::Metrics => &["text/plain"],
            _ => &["application/json"],
        }
    }

    /// Whether that may be asked of it, so that what is answered will be understood.
    pub(crate) fn check(self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let allowed = match self {
            Self::Events => *method == Method::POST,
            _ => *method == Method::GET || *method == Method::HEAD,
        };
        if !allowed {
            return Err(wrong_method(self.allows()));
        }
        if !self.types().iter().any(|given| accepts(headers, given)) {
            let detail = format!("the answer is {}, which `Accept` leaves out", self.types().join(" or "));
            return Err(problem(hyper::StatusCode::NOT_ACCEPTABLE, &detail));
        }
        Ok(())
    }
}

/// Whether `Accept` admits a type (RFC 9110 §12.5.1): the most specific range that fits it decides. What cannot be read is passed over,
/// and without a range that can be read anything is accepted.
fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let group = wanted.split('/').next().unwrap_or_default();
    let (mut ranges, mut best) = (0, (0, false));
    for range in headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        ranges += 1;
        let specificity = match name.split_once('/') {
            Some(("*", "*")) => 1,
            Some((kind, "*")) if kind.eq_ignore_ascii_case(group) => 2,
            Some(_) if name.eq_ignore_ascii_case(wanted) => 3,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wants = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if specificity > best.0 {
            best = (specificity, wants);
        }
    }
    ranges == 0 || best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        for (accept, fits) in [
            ("*/*", true),
            ("", true),
            ("application/*;q=0.1", true),
            ("Application/JSON", true),
            ("text/html", false),
            ("text/html, */*;q=0.1", true),
            ("*/*, application/json;q=0", false),
            ("application/json;q=0.000", false),
            ("nonsense", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(accepts(&headers, "application/json"), fits, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), "text/plain"));
    }
}
