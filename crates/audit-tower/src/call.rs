//! gRPC over HTTP/2: what is a call, how it ended, and how one is refused.

use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// `UNAVAILABLE`
const UNAVAILABLE: u16 = 14;

/// Service and method of a call: `pkg.Backups` and `Start` of `/pkg.Backups/Start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) service: String,
    pub(crate) method: String,
}

impl Call {
    pub(crate) fn of(path: &str) -> Self {
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or(("", path));
        Self { service: service.to_owned(), method: method.to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
    /// Its statuses are inside of the body, which is not read.
    GrpcWeb,
}

/// By the content type, of a request or of a response.
pub(crate) fn protocol(headers: &HeaderMap) -> Protocol {
    let Some(text) = headers.get(http::header::CONTENT_TYPE) else { return Protocol::Http };
    match text.as_bytes().strip_prefix(b"application/grpc") {
        Some(rest) if rest.starts_with(b"-web") => Protocol::GrpcWeb,
        Some([] | [b'+' | b';' | b' ', ..]) => Protocol::Grpc,
        _ => Protocol::Http,
    }
}

/// The status of a call, from headers or trailers. One that is no number is `UNKNOWN` (2).
pub(crate) fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    let value = headers.get("grpc-status")?;
    Some(value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(2))
}

/// The trailers of a call that is refused.
pub(crate) fn unavailable() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert("grpc-status", HeaderValue::from(UNAVAILABLE));
    // Spaces and letters need no percent-encoding.
    headers.insert("grpc-message", HeaderValue::from_static("the audit log cannot record this call"));
    headers
}

/// A response without a body that refuses a request.
pub(crate) fn refusal<B>(protocol: Protocol, body: B) -> Response<B> {
    let mut response = Response::new(body);
    match protocol {
        Protocol::Http => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        Protocol::Grpc | Protocol::GrpcWeb => {
            let content_type = match protocol {
                Protocol::Grpc => "application/grpc",
                _ => "application/grpc-web",
            };
            let headers = response.headers_mut();
            *headers = unavailable();
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &str) -> Protocol {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, content_type.parse().unwrap());
        protocol(&headers)
    }

    #[test]
    fn by_content_type() {
        assert_eq!(of("application/grpc"), Protocol::Grpc);
        assert_eq!(of("application/grpc+proto"), Protocol::Grpc);
        assert_eq!(of("application/grpc-web+proto"), Protocol::GrpcWeb);
        assert_eq!(of("application/grpcx"), Protocol::Http);
        assert_eq!(of("application/json"), Protocol::Http);
        assert_eq!(protocol(&HeaderMap::new()), Protocol::Http);
    }

    #[test]
    fn any_path_has_a_method() {
        let call = |service: &str, method: &str| Call { service: service.into(), method: method.into() };
        assert_eq!(Call::of("/pkg.Backups/Start"), call("pkg.Backups", "Start"));
        assert_eq!(Call::of("/"), call("", "/"));
        assert_eq!(Call::of("*"), call("", "*"));
    }

    #[test]
    fn a_status_that_is_none_is_unknown() {
        let mut headers = unavailable();
        assert_eq!(grpc_status(&headers), Some(14));
        headers.insert("grpc-status", HeaderValue::from_static("fine"));
        assert_eq!(grpc_status(&headers), Some(2));
        assert_eq!(grpc_status(&HeaderMap::new()), None);
    }
}
