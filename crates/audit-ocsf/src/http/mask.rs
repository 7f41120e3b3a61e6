//! Secrets in values, whatever their shape.

use audit_model::Value;

use super::MASK;
use super::address::{self, is_masked};
use super::secret::{is_secret, squeezed};

/// A container that is nested deeper is replaced by the mask: only what was built in memory is so deep, and a record
/// around it could not be read as JSON any more (128 levels).
pub(super) const MAX_DEPTH: usize = 100;

/// The keys of an object that is a name and its value, squeezed.
const NAME_KEYS: [&str; 6] = ["name", "key", "header", "field", "headername", "fieldname"];
const VALUE_KEYS: [&str; 5] = ["value", "values", "val", "headervalue", "fieldvalue"];

/// Fields whose text is an address, or a query, from its first letter to its last.
const ADDRESSES: [&str; 16] = [
    "args",
    "arguments",
    "fragment",
    "location",
    "params",
    "parameters",
    "path",
    "query",
    "querystring",
    "referer",
    "referrer",
    "requesturi",
    "uri",
    "url",
    "urlstring",
    "href",
];

/// What a text, or a text in an array, may be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Anywhere,
    /// A line such as `Cookie: a=b`, or a name before its value.
    Headers,
    Address,
}

/// Masks secrets wherever they stand; true if there was one that was not masked yet, or something nested so deep that
/// it was not looked into but replaced by the mask.
///
/// Booleans and null are no secrets. An array or a text as such may be a list of headers, an object's are in fields whose
/// names end in `header` or `headers`. A text that is JSON is looked into, and written anew when it has a secret.
pub(crate) fn mask_value(value: &mut Value) -> bool {
    let place = if value.is_object() { Place::Anywhere } else { Place::Headers };
    mask(value, place, MAX_DEPTH)
}

/// A copy that is no deeper than `room`, the mask in place of what is; `Value::clone` overflows the stack on some.
pub(super) fn copy(value: &Value, room: usize, is_cut: &mut bool) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if room == 0 => {
            *is_cut = true;
            MASK.into()
        }
        Value::Array(items) => items.iter().map(|item| copy(item, room - 1, is_cut)).collect(),
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), copy(value, room - 1, is_cut))).collect()
        }
        other => other.clone(),
    }
}

fn mask(value: &mut Value, place: Place, room: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if room == 0 => put_mask(value),
        Value::Array(items) => {
            let mut any = false;
            let mut is_secret_value = false;
            for item in items {
                let is_name = place == Place::Headers && item.as_str().is_some_and(is_secret_header);
                any |= if is_secret_value { put_mask(item) } else { mask(item, place, room - 1) };
                is_secret_value = is_name;
            }
            any
        }
        Value::Object(map) => {
            let names_secret = map.iter().any(|(key, name)| {
                name.as_str()
                    .is_some_and(|name| NAME_KEYS.contains(&squeezed(key).as_str()) && is_secret(name))
            });
            let fields = map.iter_mut();
            fields.fold(false, |any, (name, value)| {
                let is_value = names_secret && VALUE_KEYS.contains(&squeezed(name).as_str());
                let masked = if is_value || is_secret(name) {
                    put_mask(value)
                } else {
                    mask(value, place_of(name), room - 1)
                };
                masked | any
            })
        }
        Value::String(text) => mask_text(text, place, room),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn put_mask(value: &mut Value) -> bool {
    if matches!(value, Value::Null | Value::Bool(_)) || value.as_str() == Some(MASK) {
        return false;
    }
    *value = MASK.into();
    true
}

fn place_of(name: &str) -> Place {
    let name = squeezed(name);
    if name.ends_with("header") || name.ends_with("headers") {
        Place::Headers
    } else if ADDRESSES.contains(&name.as_str()) {
        Place::Address
    } else {
        Place::Anywhere
    }
}

fn mask_text(text: &mut String, place: Place, room: usize) -> bool {
    if room > 0
        && text.trim_start().starts_with(['{', '['])
        && let Ok(mut json) = serde_json::from_str::<Value>(text)
    {
        let is_changed = mask(&mut json, place, room - 1);
        if is_changed {
            *text = json.to_string();
        }
        return is_changed;
    }
    let lines = if place == Place::Headers { masked_lines(text) } else { None };
    let without_lines = lines.as_deref().unwrap_or(text);
    let masked = address::masked(without_lines, place == Place::Address).or(lines);
    masked.map(|masked| *text = masked).is_some()
}

/// `Name: value`, a line each, of which one that begins with white space goes on with the one before (RFC 9112 §5.2).
fn masked_lines(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut is_changed = false;
    let mut was_secret = false;
    for line in text.split_inclusive('\n') {
        let value = if was_secret && line.starts_with([' ', '\t']) {
            line
        } else {
            let header = line.split_once(':').filter(|(name, _)| is_secret_header(name));
            was_secret = header.is_some();
            header.map_or("", |(_, value)| value)
        };
        let secret = value.trim();
        if is_masked(secret) {
            out.push_str(line);
        } else {
            let start = line.len() - value.trim_start().len();
            out.push_str(&line[..start]);
            out.push_str(MASK);
            out.push_str(&line[start + secret.len()..]);
            is_changed = true;
        }
    }
    is_changed.then_some(out)
}

/// Only what can be a header's name (RFC 9110 §5.1): a sentence that speaks of a password is none.
fn is_secret_header(name: &str) -> bool {
    let name = name.trim();
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        && is_secret(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_of_every_shape_are_masked() {
        for (mut value, expected) in [
            (json!({"Name": "Authorization", "Value": "x"}), json!({"Name": "Authorization", "Value": MASK})),
            (json!({"KEY": " cookie ", "values": ["x"]}), json!({"KEY": " cookie ", "values": MASK})),
            (json!({"header": "X-Api-Key", "value": 7}), json!({"header": "X-Api-Key", "value": MASK})),
            (
                json!({"Field": "x-auth", "VALUES": "x", "a": 1}),
                json!({"Field": "x-auth", "VALUES": MASK, "a": 1}),
            ),
            (json!({"headers": [["Authorization", "x"]]}), json!({"headers": [["Authorization", MASK]]})),
            (
                json!({"http_headers": ["Host", "h", "Cookie", "x", "A", "b"]}),
                json!({"http_headers": ["Host", "h", "Cookie", MASK, "A", "b"]}),
            ),
            (
                json!({"headers": ["Host: h", "Authorization:  Bearer x "]}),
                json!({"headers": ["Host: h", format!("Authorization:  {MASK} ")]}),
            ),
            (
                json!("GET /?sig=x HTTP/1.1\r\nCookie: a\r\n b\r\nHost: h\r\n"),
                json!("GET /?sig=****** HTTP/1.1\r\nCookie: ******\r\n ******\r\nHost: h\r\n"),
            ),
            (json!([["x-auth-token", "x"], {"a": 1}]), json!([["x-auth-token", MASK], {"a": 1}])),
            (json!({"password": {"a": ["x"]}}), json!({"password": MASK})),
            (json!({"body": r#"{"a": 1, "pwd": "x"}"#}), json!({"body": r#"{"a":1,"pwd":"******"}"#})),
            (json!({"args": ["a=1", "pwd=my x"]}), json!({"args": ["a=1", "pwd=******"]})),
            (json!({"uri": "//u:x@h"}), json!({"uri": "//u:******@h"})),
        ] {
            assert!(mask_value(&mut value), "{expected}");
            assert_eq!(value, expected);
            assert!(!mask_value(&mut value), "{expected}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let value = json!({
            "author": "me", "Content-Type": "text/plain", "tokenizer": true, "password": null, "path": "/v1/tokens",
            "headers": [["Accept", "token"], ["author", "me"], "X-Author: me", {"name": "Host", "value": "h"}],
            "message": "Authentication: it failed", "auth_protocol_id": 2, "authorizations": [{"decision": "allow"}],
            "body": "{\"a\":  1}", "name": "x", "value": "y", "hostname": "h",
        });
        let mut same = value.clone();
        assert!(!mask_value(&mut same));
        assert_eq!(same, value);
    }

    #[test]
    fn what_is_nested_too_deep_is_replaced() {
        let nest = |levels: usize| (0..levels).fold(json!("x"), |value, _| Value::Array(vec![value]));
        let mut value = nest(MAX_DEPTH);
        assert!(!mask_value(&mut value));
        let mut value = nest(5000);
        assert!(mask_value(&mut value));
        let masked = (0..MAX_DEPTH).fold(json!(MASK), |value, _| json!([value]));
        assert_eq!(value, masked);
        assert!(!mask_value(&mut value));
    }

    /// What must not survive.
    const MARKER: &str = "hunter2";

    fn secret_names() -> impl Strategy<Value = &'static str> {
        prop::sample::select(
            &["Authorization", " x-auth-key", "PASSWORD", "session_id", "apiKey", "sid", "Set-Cookie"][..],
        )
    }

    fn secrets() -> impl Strategy<Value = Value> {
        let name_keys = prop::sample::select(&["name", "Name", "KEY", "header", "Field"][..]);
        let value_keys = prop::sample::select(&["value", "Value", "VALUES"][..]);
        let values = prop_oneof![
            Just(json!(MARKER)),
            Just(json!([MARKER, 1])),
            Just(json!({"a": [MARKER]})),
            Just(json!(format!("Bearer {MARKER}"))),
        ];
        let fields =
            prop::sample::select(&["url_string", "referrer", "args", "query_string", "path", "other"][..]);
        let texts = prop::sample::select(
            &[
                "https://u:hunter2@h/",
                "a=1&access_token=hunter2&b=2",
                "/p?X-Amz-Signature=hunter2#f",
                "api_key=hunter2",
            ][..],
        );
        prop_oneof![
            (secret_names(), values.clone()).prop_map(|(name, value)| json!({name: value})),
            (name_keys, secret_names(), value_keys, values.clone())
                .prop_map(|(key, name, of, value)| json!({key: name, of: value})),
            (secret_names(), values)
                .prop_map(|(name, value)| json!({"headers": [["Host", "h"], [name, value]]})),
            secret_names().prop_map(|name| json!({"Http-Headers": ["Host: h", format!("{name}: {MARKER}")]})),
            (fields, texts).prop_map(|(field, text)| json!({field: text})),
        ]
    }

    fn shapes(leaves: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
        leaves.prop_recursive(6, 48, 4, |inner| {
            let names = prop::sample::select(
                &["a", "url", "headers", "name", "value", "token", "path", "header"][..],
            );
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::Array),
                prop::collection::vec((names, inner), 1..4).prop_map(|fields| fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_secret_survives(mut value in shapes(secrets().boxed())) {
            prop_assert!(mask_value(&mut value));
            prop_assert!(!value.to_string().contains(MARKER), "{}", value);
            prop_assert!(!mask_value(&mut value), "{}", value);
        }

        #[test]
        fn masking_twice_changes_nothing(mut value in shapes(prop_oneof![
            prop::sample::select(&[
                "Authorization", "Cookie: a", "token=a b: c", "https://u:p@h", "{\"pwd\":\"a=b\"}", "x", "", "a: b\n c", MASK,
                "[\"Cookie\",\"x\"]", "pwd=Cookie: a", "Cookie: \n x=token=1",
            ][..]).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
        ].boxed())) {
            let before = value.clone();
            let is_masked = mask_value(&mut value);
            prop_assert_eq!(is_masked, before != value);
            let once = value.clone();
            prop_assert!(!mask_value(&mut value), "{} became {}", once, value);
            prop_assert_eq!(once, value);
        }
    }
}
