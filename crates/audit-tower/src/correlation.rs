//! What ties a request to others: the id that a gateway gave it, and its trace.

use audit_model::Context;
use http::{HeaderMap, HeaderName};

use crate::text::clipped;

/// An id of 128 characters is longer than any in use.
const LONGEST_ID: usize = 128;

/// The context of a request: its id from the first of `headers` that there is, else that of its trace; and the trace.
pub(crate) fn context(request: &HeaderMap, headers: &[HeaderName]) -> Context {
    let text = |name: &HeaderName| request.get(name)?.to_str().ok().filter(|text| !text.is_empty());
    let trace = request.get("traceparent").and_then(|value| trace_id(value.to_str().ok()?));
    let id = headers.iter().find_map(text).map(|id| clipped(id, LONGEST_ID));
    let mut context = Context::new();
    context.correlation_id = id.or_else(|| trace.map(str::to_owned));
    if let Some(trace) = trace {
        context.extra.insert("trace_id".to_owned(), trace.into());
    }
    context
}

/// The trace id of a `traceparent` (W3C Trace Context §3.2.2).
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let means = |text: &str| text.bytes().any(|byte| byte != b'0');
    let valid = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && means(trace)
        && is_hex(parent, 16)
        && means(parent);
    valid.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_gateways_id_comes_first() {
        let names = [HeaderName::from_static("x-request-id")];
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let both = context(&headers(&[("x-request-id", "req_7"), ("traceparent", &parent)]), &names);
        assert_eq!(both.correlation_id.as_deref(), Some("req_7"));
        assert_eq!(both.extra["trace_id"], TRACE);
        let trace = context(&headers(&[("traceparent", &parent)]), &names);
        assert_eq!(trace.correlation_id.as_deref(), Some(TRACE));
        assert_eq!(context(&headers(&[]), &names), Context::new());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for text in ["", "00", "ff-4bf9-1-1", &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))] {
            assert_eq!(trace_id(text), None, "{text}");
        }
        assert_eq!(trace_id(&format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase())), None);
    }
}
