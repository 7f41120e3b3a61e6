//! `http_request`: which of what an event says of its request has a place there, with secrets masked.

use audit_model::{Map, Value};

use crate::Version;
use crate::text::{fits, is_hostname, is_ip, is_short};

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
    let mut left = Value::Object(request.clone());
    let masked = mask(&mut left);
    let Value::Object(left) = left else { return Request::default() };
    Request { placed: Map::new(), left, masked }
}

/// Takes an object apart that has the attributes of OCSF's `http_request`. Its `user_agent` is always left: the actor's
/// goes there.
pub(crate) fn split(request: &Map, version: Version) -> Request {
    let mut split = Request::default();
    for (name, value) in request {
        let placed = match (name.as_str(), value) {
            ("http_method", Value::String(method)) if is_method(method, version) => Some(value.clone()),
            ("version" | "referrer" | "uid" | "args", Value::String(text)) if fits(text, version) => {
                Some(value.clone())
            }
            ("length", Value::Number(length)) if version >= Version::V1_1_0 && length.is_u64() => {
                Some(value.clone())
            }
            ("x_forwarded_for", Value::Array(addresses)) if addresses.iter().all(is_address) => {
                Some(value.clone())
            }
            ("http_headers", Value::Array(headers)) if headers.iter().all(|it| is_header(it, version)) => {
                let mut headers = value.clone();
                split.masked |= mask(&mut headers);
                Some(headers)
            }
            ("url", Value::Object(url)) => {
                let (placed, left) = split_url(url, version);
                if !left.is_empty() {
                    split.left.insert(name.clone(), left.into());
                }
                (!placed.is_empty()).then(|| placed.into())
            }
            _ => None,
        };
        match placed {
            Some(placed) => drop(split.placed.insert(name.clone(), placed)),
            None if split.left.contains_key(name) => {}
            None => {
                let mut left = value.clone();
                split.masked |= mask_named(name, &mut left);
                split.left.insert(name.clone(), left);
            }
        }
    }
    split
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
        header.len() == 2 && has_name && text("value").is_some_and(|value| is_short(value, version))
    })
}

/// The address needs `url_string` or `path`: without either, nothing of it has a place.
fn split_url(url: &Map, version: Version) -> (Map, Map) {
    let has_place = |name: &str, value: &Value| match (name, value) {
        (
            "url_string" | "path" | "query_string" | "scheme" | "resource_type" | "subdomain",
            Value::String(text),
        ) => fits(text, version),
        ("hostname", Value::String(text)) => is_hostname(text),
        ("port", Value::Number(port)) => port.as_u64().is_some_and(|port| port <= 65535),
        _ => false,
    };
    let (placed, left): (Map, Map) =
        url.clone().into_iter().partition(|(name, value)| has_place(name, value));
    if placed.contains_key("url_string") || placed.contains_key("path") {
        (placed, left)
    } else {
        (Map::new(), url.clone())
    }
}

/// Whether the header of that name, or a field named so, holds what lets somebody in.
fn is_secret(name: &str) -> bool {
    const NAMES: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
    const PARTS: [&str; 7] = ["token", "secret", "password", "passwd", "api-key", "apikey", "api_key"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
}

/// Masks secrets wherever they stand in `value`; true if there was one that was not masked yet.
fn mask(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| mask(item) | any),
        Value::Object(map) => {
            let names_secret = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
            let fields = map.iter_mut();
            fields.fold(false, |any, (name, value)| {
                let masked =
                    if names_secret && name == "value" { put_mask(value) } else { mask_named(name, value) };
                masked | any
            })
        }
        _ => false,
    }
}

fn mask_named(name: &str, value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        value if is_secret(name) => put_mask(value),
        value => mask(value),
    }
}

fn put_mask(value: &mut Value) -> bool {
    let was_there = value.as_str() != Some(MASK);
    *value = MASK.into();
    was_there
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
}
