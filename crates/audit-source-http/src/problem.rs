use audit_access::Denial;
use audit_model::write_json_string;
use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, ALLOW, CONNECTION, HeaderValue, WWW_AUTHENTICATE};

use crate::answer::{PROBLEM, Refusal, With as _, answer};

/// What is wrong with a request as a whole, in the words of RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Refusal {
    let mut body = Vec::with_capacity(128 + detail.len());
    body.extend_from_slice(b"{\"detail\":");
    write_json_string(detail, &mut body);
    body.extend_from_slice(b",\"status\":");
    body.extend_from_slice(itoa::Buffer::new().format(status.as_u16()).as_bytes());
    // The type is about:blank, which is left out, and with which the title is the status's own (RFC 9457 §4.2.1).
    body.extend_from_slice(b",\"title\":");
    write_json_string(status.canonical_reason().unwrap_or("Error"), &mut body);
    body.push(b'}');
    Box::new(answer(status, PROBLEM, body))
}

pub(crate) fn bad_request(detail: &str) -> Refusal {
    problem(StatusCode::BAD_REQUEST, detail)
}

pub(crate) fn too_large(detail: &str) -> Refusal {
    problem(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

pub(crate) fn too_slow(detail: &str) -> Refusal {
    // What else the connection brings belongs to the body that was given up (RFC 9110 §15.5.9).
    problem(StatusCode::REQUEST_TIMEOUT, detail).with(CONNECTION, HeaderValue::from_static("close"))
}

pub(crate) fn overloaded(detail: &str) -> Refusal {
    problem(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
}

pub(crate) fn wrong_type(detail: &str) -> Refusal {
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}

pub(crate) fn wrong_encoding(detail: &str) -> Refusal {
    // Which ones are taken (RFC 9110 §15.5.16).
    wrong_type(detail).with(ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"))
}

pub(crate) fn wrong_method(allow: &'static str) -> Refusal {
    problem(StatusCode::METHOD_NOT_ALLOWED, &format!("expected {allow}"))
        .with(ALLOW, HeaderValue::from_static(allow))
}

/// What somebody who may not is told: never why what they showed is not believed.
pub(crate) fn denied(denial: &Denial) -> Refusal {
    let unknown = |detail, challenge| {
        problem(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    };
    match denial {
        Denial::NoCredentials => unknown(
            "this needs a token in `Authorization: Bearer …`, or a client certificate",
            "Bearer realm=\"audit-log\"",
        ),
        Denial::Unauthenticated { .. } => unknown(
            "the token or certificate is not known here, or not valid any more",
            "Bearer realm=\"audit-log\", error=\"invalid_token\"",
        ),
        Denial::MissingRole { needed, .. } => {
            problem(StatusCode::FORBIDDEN, &format!("this needs the role `{needed}`"))
        }
        Denial::RateLimited { retry_after, .. } => {
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            problem(StatusCode::TOO_MANY_REQUESTS, "too many events; send the same again later")
                .retry_after(seconds)
        }
        _ => problem(StatusCode::FORBIDDEN, "this is not allowed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn a_caller_over_their_rate_is_told_when_to_come_again() {
        for (wait, seconds) in
            [(Duration::from_millis(1), "1"), (Duration::from_millis(1500), "2"), (Duration::ZERO, "1")]
        {
            let denial = Denial::RateLimited { identity: "token:ci".to_owned(), retry_after: wait };
            let answer = denied(&denial);
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
                (429, &HeaderValue::from_static(seconds))
            );
        }
    }
}
