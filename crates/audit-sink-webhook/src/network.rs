use std::error::Error;
use std::time::Duration;

/// What went wrong between here and the endpoint, and what to do. The URL itself stays out of it: its path and query may be
/// a credential.
pub(crate) fn problem(error: reqwest::Error, place: &str, connect: Duration, answer: Duration) -> String {
    let error = error.without_url();
    let tls = audit_tls::explain(&error);
    if error.is_connect() {
        if let Some(tls) = tls {
            format!("no TLS connection to {place}: {tls}")
        } else if error.is_timeout() {
            format!("no connection to {place} within {connect:?}; is it up, and let through by firewalls?")
        } else if error.is_dns() {
            format!("no address is known for {place}: {}; is its name right?", innermost(&error))
        } else {
            format!("cannot connect to {place}: {}; is it up, and is the port right?", innermost(&error))
        }
    } else if let Some(tls) = tls {
        format!("{place} ended the TLS connection: {tls}")
    } else if error.is_timeout() {
        format!("no answer from {place} within {answer:?}")
    } else {
        format!("the connection to {place} broke off: {}", innermost(&error))
    }
}

/// The outer ones say `error sending request` and the like.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
