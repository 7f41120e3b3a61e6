//! `http_request`: which of what an event says of its request has a place there, with secrets masked.

mod address;
mod mask;
mod secret;

use audit_model::{Map, Value};

use crate::Version;
use crate::text::{fits, is_hostname, is_ip};

pub(crate) use mask::mask_value;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "******";

/// A request, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// What has a place in OCSF's object of that name.
    pub(crate) placed: Map,
    /// What has none, or not the form that it would need.
    pub(crate) left: Map,
    /// Whether a secret was masked.
    pub(crate) masked: bool,
}

/// Leaves all of it where it is, with secrets masked.
pub(crate) fn leave(request: &Map) -> Request {
    let (left, masked) = masked(request);
    Request { placed: Map::new(), left, masked }
}

/// Takes an object apart that has the attributes of OCSF's `http_request`. Its `user_agent` is always left: the actor's
/// goes there.
pub(crate) fn split(request: &Map, version: Version) -> Request {
    let (request, masked) = masked(request);
    let mut split = Request { masked, ..Request::default() };
    for (name, value) in request {
        let has_place = match (name.as_str(), &value) {
            ("http_method", Value::String(method)) => is_method(method, version),
            ("version" | "referrer" | "uid" | "args", Value::String(text)) => fits(text, version),
            ("length", Value::Number(length)) => version >= Version::V1_1_0 && length.is_u64(),
            ("x_forwarded_for", Value::Array(addresses)) => addresses.iter().all(is_address),
            ("http_headers", Value::Array(headers)) => headers.iter().all(|it| is_header(it, version)),
            ("url", Value::Object(_)) => true,
            _ => false,
        };
        match value {
            Value::Object(url) if has_place => {
                let (placed, left) = split_url(url, version);
                // One that says nothing is left as it is.
                if !left.is_empty() || placed.is_empty() {
                    split.left.insert(name.clone(), left.into());
                }
                if !placed.is_empty() {
                    split.placed.insert(name, placed.into());
                }
            }
            value if has_place => drop(split.placed.insert(name, value)),
            value => drop(split.left.insert(name, value)),
        }
    }
    split
}

/// A copy with secrets masked, and whether there was one.
fn masked(request: &Map) -> (Map, bool) {
    let mut is_cut = false;
    let copy = request.iter().map(|(name, value)| {
        let value = mask::copy(value, mask::MAX_DEPTH - 1, &mut is_cut);
        (name.clone(), value)
    });
    let mut copy = Value::Object(copy.collect());
    let masked = mask_value(&mut copy);
    let Value::Object(copy) = copy else { return (Map::new(), true) };
    (copy, masked || is_cut)
}

fn is_method(method: &str, version: Version) -> bool {
    const METHODS: [&str; 8] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"];
    METHODS.contains(&method) || (method == "PATCH" && version >= Version::V1_8_0)
}

fn is_address(value: &Value) -> bool {
    value.as_str().is_some_and(is_ip)
}

/// Exactly a name and a value.
fn is_header(header: &Value, version: Version) -> bool {
    header.as_object().is_some_and(|header| {
        let text = |key| header.get(key).and_then(Value::as_str);
        let has_name = text("name").is_some_and(|name| fits(name, version));
        header.len() == 2 && has_name && text("value").is_some_and(|value| version.takes(value))
    })
}

/// The address needs `url_string` or `path`: without either, nothing of it has a place.
fn split_url(url: Map, version: Version) -> (Map, Map) {
    let has_place = |name: &str, value: &Value| match (name, value) {
        (
            "url_string" | "path" | "query_string" | "scheme" | "resource_type" | "subdomain",
            Value::String(text),
        ) => fits(text, version),
        ("hostname", Value::String(text)) => is_hostname(text),
        ("port", Value::Number(port)) => port.as_u64().is_some_and(|port| port <= 65535),
        _ => false,
    };
    let is_placed =
        ["url_string", "path"].iter().any(|name| url.get(*name).is_some_and(|it| has_place(name, it)));
    url.into_iter().partition(|(name, value)| is_placed && has_place(name, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn split_of(request: &Value, version: Version) -> Request {
        split(request.as_object().expect("an object"), version)
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let request = json!({
            "http_headers": [{"name": "Accept", "value": "*/*"}, {"name": "AUTHORIZATION", "value": "Bearer x"}],
            "headers": {"Cookie": "session=1", "x-api-key": ["k"]}, "odd": [{"name": "Set-Cookie", "value": 7}],
        });
        let split = split_of(&request, Version::V1_0_0);
        assert!(split.masked);
        assert_eq!(split.placed["http_headers"][1]["value"], MASK);
        assert_eq!(split.placed["http_headers"][0]["value"], "*/*");
        assert_eq!(split.left["headers"], json!({"Cookie": MASK, "x-api-key": MASK}));
        assert_eq!(split.left["odd"][0]["value"], MASK);
        assert!(!split_of(&Value::Object(split.placed), Version::V1_0_0).masked, "they were masked already");
    }

    #[test]
    fn what_has_no_place_is_left() {
        let request = json!({
            "http_method": "PATCH", "user_agent": "curl", "length": 5, "x_forwarded_for": ["::1", "nowhere"],
            "url": {"path": "/v1", "port": 70000, "hostname": "127.0.0.1:9644"},
        });
        let old = split_of(&request, Version::V1_0_0);
        assert_eq!(Value::Object(old.placed), json!({"url": {"path": "/v1"}}));
        assert_eq!(old.left["url"], json!({"port": 70000, "hostname": "127.0.0.1:9644"}));
        assert_eq!(old.left.len(), 5);
        let new = split_of(&request, Version::V1_8_0);
        assert_eq!(
            Value::Object(new.placed),
            json!({"http_method": "PATCH", "length": 5, "url": {"path": "/v1"}})
        );
        assert!(split_of(&json!({"url": {"port": 1}}), Version::V1_0_0).placed.is_empty());
    }

    #[test]
    fn secrets_of_an_address_are_masked_wherever_it_goes() {
        let request = json!({
            "url": {
                "path": "/v1/tokens?sig=x", "url_string": "https://u:x@h/?code=x&a=1", "query_string": "api_key=x",
                "password": "x", "author": "me", "odd": {"secret": "x"},
            },
            "args": "a=1&password=x", "referrer": "https://u:x@h/", "author": "me", "tokenizer": true,
        });
        let split = split_of(&request, Version::V1_3_0);
        assert!(split.masked);
        assert_eq!(
            Value::Object(split.placed),
            json!({
                "url": {
                    "path": "/v1/tokens?sig=******", "url_string": "https://u:******@h/?code=******&a=1",
                    "query_string": "api_key=******",
                },
                "args": "a=1&password=******", "referrer": "https://u:******@h/",
            })
        );
        assert_eq!(
            Value::Object(split.left),
            json!({
                "url": {"password": MASK, "author": "me", "odd": {"secret": MASK}}, "author": "me", "tokenizer": true,
            })
        );
        assert!(!split_of(&json!({"url": {"path": "/v1/tokens"}, "url_string": 5}), Version::V1_3_0).masked);
    }

    #[test]
    fn an_address_without_a_place_or_a_word_is_left() {
        let request = json!({"url": {"port": 1, "token": "x"}});
        let split = split_of(&request, Version::V1_0_0);
        assert!(split.masked && split.placed.is_empty());
        assert_eq!(Value::Object(split.left), json!({"url": {"port": 1, "token": MASK}}));
        let nothing = split_of(&json!({"url": {}}), Version::V1_0_0);
        assert_eq!((Value::Object(nothing.left), nothing.masked), (json!({"url": {}}), false));
    }

    #[test]
    fn what_nests_without_end_is_cut() {
        let deep = |levels: usize| {
            (0..levels)
                .fold(json!({}), |value, _| Value::Object([("a".to_owned(), value)].into_iter().collect()))
        };
        let request = deep(5000);
        for request in [split_of(&request, Version::V1_0_0), leave(request.as_object().expect("an object"))] {
            assert!(request.masked && request.placed.is_empty());
            let cut = Value::Object(request.left);
            assert!(cut.to_string().contains(MASK));
            assert!(!split_of(&cut, Version::V1_0_0).masked);
        }
        assert!(!split_of(&deep(mask::MAX_DEPTH - 1), Version::V1_0_0).masked);
    }
}
