use serde_json::Value;

use crate::Body;

/// What an answer says about a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its records are there.
    Accepted,
    /// Something in it will never be taken; `at` is which of its records, where the endpoint says so.
    Refused { at: Option<usize> },
    /// It may be taken later, or when somebody has mended something.
    NotNow,
}

/// Judges an answer by its status (RFC 9110 §15) and, at Splunk, by its code.
pub(crate) fn judge(body: Body, status: u16, answer: &[u8]) -> Verdict {
    match (body, status) {
        (Body::SplunkHec, 200..=299 | 400) => judge_hec(status, answer),
        (_, 200..=299) => Verdict::Accepted,
        // Only these are about what is in the body, so that one record may be at fault. All others are
        // said of the client, the address, the headers or the endpoint's state, and so as true of any other record: to
        // reject them one by one would empty the log into the dead letters for a typing error.
        (_, 400 | 413 | 422) => Verdict::Refused { at: None },
        _ => Verdict::NotNow,
    }
}

/// The codes are those of Splunk's "Troubleshoot HTTP Event Collector", "Possible error codes".
fn judge_hec(status: u16, answer: &[u8]) -> Verdict {
    let answer: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
    let code = answer["code"].as_u64();
    match (status, code) {
        (200..=299, Some(0)) => Verdict::Accepted,
        // No data, invalid data format, event field required or blank, indexed fields: about an event.
        (400, Some(5 | 6 | 12 | 13 | 15)) => {
            let at = answer["invalid-event-number"].as_u64().and_then(|at| usize::try_from(at).ok());
            Verdict::Refused { at }
        }
        // About the index, channel or token; or the page of a proxy or another server: not the word of a collector.
        _ => Verdict::NotNow,
    }
}

/// Whether an answer to an empty request says that its credentials were looked at and found right.
pub(crate) fn hec_has_no_data(status: u16, answer: &[u8]) -> bool {
    const NO_DATA: u64 = 5;
    let answer: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
    status == 400 && answer["code"].as_u64() == Some(NO_DATA)
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Accepted, NotNow, Refused};
    use super::{hec_has_no_data, judge};
    use crate::Body;

    #[test]
    fn a_status_says_whether_it_heals() {
        for body in [Body::Ndjson, Body::JsonArray, Body::Json] {
            for status in [200, 201, 202, 204] {
                assert_eq!(judge(body, status, b""), Accepted, "{status}");
            }
            for status in (300..400).chain(401..413).chain(414..422).chain(423..600) {
                assert_eq!(judge(body, status, b""), NotNow, "{status}");
            }
            for status in [400, 413, 422] {
                assert_eq!(judge(body, status, b""), Refused { at: None }, "{status}");
            }
        }
    }

    #[test]
    fn a_collector_says_more() {
        let hec = |status, answer: &str| judge(Body::SplunkHec, status, answer.as_bytes());
        assert_eq!(hec(200, r#"{"text":"Success","code":0}"#), Accepted);
        assert_eq!(hec(200, r#"{"text":"Success","code":0,"ackId":7}"#), Accepted);
        assert_eq!(hec(200, "<html>Log in</html>"), NotNow);
        assert_eq!(hec(200, ""), NotNow);
        assert_eq!(
            hec(400, r#"{"text":"Invalid data format","code":6,"invalid-event-number":2}"#),
            Refused { at: Some(2) }
        );
        for code in 0..30 {
            let refused = [5, 6, 12, 13, 15].contains(&code);
            let expected = if refused { Refused { at: None } } else { NotNow };
            assert_eq!(
                hec(400, &format!(r#"{{"text":"of a collector","code":{code}}}"#)),
                expected,
                "{code}"
            );
        }
        assert_eq!(hec(400, "<h1>The plain HTTP request was sent to HTTPS port</h1>"), NotNow, "nginx");
        assert_eq!(hec(400, ""), NotNow);
        assert_eq!(hec(400, r#"{"text":"Incorrect index","code":7,"invalid-event-number":1}"#), NotNow);
        assert_eq!(hec(403, r#"{"text":"Invalid token","code":4}"#), NotNow);
        assert_eq!(hec(503, r#"{"text":"Server is busy","code":9}"#), NotNow);
        assert_eq!(hec(413, ""), Refused { at: None });
        assert!(hec_has_no_data(400, br#"{"text":"No data","code":5}"#));
        assert!(!hec_has_no_data(403, br#"{"text":"Invalid token","code":4}"#));
    }
}
