//! Events of every type: minimal ones, full ones, and arbitrary ones.
#![allow(dead_code, reason = "each test uses some of them")]

use audit_model::{Event, EventType, Map, Timestamp, Value};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

/// The catalogue, and some types that are not in it.
pub(crate) fn types() -> Vec<EventType> {
    let custom = [
        "billing.invoice_created",
        "orders.export",
        "auth.mfa_challenge",
        "x.frobnicated",
        "acl.deleted",
        "list.removed",
    ];
    let custom = custom.map(|name| name.parse().expect("a type"));
    EventType::CATALOGUE.iter().map(|(known, _)| known.clone()).chain(custom).collect()
}

pub(crate) fn read(value: Value) -> Event {
    Event::from_value(value, Timestamp::from_milliseconds(0).expect("a time")).expect("an event")
}

pub(crate) fn minimal(event_type: &EventType) -> Event {
    read(
        json!({"event_type": event_type.as_str(), "event_id": "evt_1", "timestamp": "2024-12-01T10:15:30.123Z"}),
    )
}

pub(crate) fn full(event_type: &EventType) -> Event {
    let request = json!({
        "http_method": "GET", "version": "1.1", "user_agent": "Go-http-client/1.1", "length": 7,
        "x_forwarded_for": ["10.0.0.1", "2001:db8::1"],
        "http_headers": [{"name": "Accept", "value": "*/*"}, {"name": "Authorization", "value": "******"}],
        "url": {"hostname": "localhost", "path": "/v1/cluster_config", "port": 9644, "scheme": "http",
            "query_string": "include_defaults=true", "url_string": "http://localhost:9644/v1", "fragment": "x"}
    });
    read(json!({
        "event_type": event_type.as_str(), "event_id": "evt_abc123def456", "version": "1.0",
        "timestamp": "2024-12-01T10:15:30.123Z", "logged_time": "2024-12-01T10:15:31.000Z",
        "count": 2, "start_time": "2024-12-01T10:15:30.123Z", "end_time": "2024-12-01T10:15:33.000Z",
        "tenant": {"id": 7},
        "actor": {"type": "user", "id": "alice@company.com", "name": "Alice", "roles": ["backup-operator", "auditor"],
            "ip_address": "10.0.0.50", "user_agent": "kafka-backup-cli/1.0.0", "team": "ops"},
        "resource": {"type": "backup", "id": "production-backup-20241201", "path": "s3://kafka-backups/production/",
            "size": 5},
        "action": {"operation": "backup", "result": "success", "duration_ms": 45000, "attempt": 1},
        "context": {"cluster_id": "prod-us-west-2", "environment": "production", "correlation_id": "req_xyz789",
            "session_id": "sess_1", "tenant_id": "acme"},
        "details": {
            "operation": "restore", "resource": "topic:production-orders",
            "required_permission": "restore:topic:production-orders", "user_permissions": ["backup:*"],
            "reason": "insufficient_permissions", "error": "no space", "method": "saml", "mfa": true,
            "cleartext": false, "remote": true, "new_logon": true,
            "topics": ["orders"], "compression_ratio": 5.5,
            "changes": [{"field": "a", "old_value": null, "new_value": ["b"]}],
            "http_request": request,
        }
    }))
}

/// Texts as people and machines write them, those that mean something here, and any other.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9@._:/-]{0,20}",
        1 => any::<String>(),
        1 => prop_oneof![
            Just(""), Just("unknown"), Just("Other"), Just("user"), Just("session"), Just("success"), Just("Unknown"),
            Just("alice@company.com"), Just("10.0.0.50"), Just("fe80::1%eth0"), Just("::ffff:1.2.3.4"),
            Just("0000:0000:0000:0000:0000:ffff:192.168.100.228"), Just("topic:orders"), Just("restore"), Just("oidc"),
            Just("2024-12-01T10:15:30.123Z"), Just("2024-12-01T10:15:30Z"), Just("GET"),
            Just("read_backup"),
            Just("list"),
            Just("describeConfigs"),
            Just("s3:GetObject"), Just("PATCH"),
            Just("host-1.example.com"), Just("127.0.0.1:9644"), Just("a\u{0}\u{7f}\u{2028}\"\\\n"),
        ].prop_map(str::to_owned),
        1 => (65_530_usize..65_540).prop_map(|length| "é".repeat(length)),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        (-1.0e9..1.0e9_f64).prop_map(Value::from),
        (0_i64..3).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// One of these names, with a value that suits it or doesn't.
fn fields(names: &'static [&'static str]) -> impl Strategy<Value = Map> {
    let one = (proptest::sample::select(names), value()).prop_map(|(name, value)| (name.to_owned(), value));
    vec(one, 0..5).prop_map(|fields| fields.into_iter().collect())
}

fn request() -> impl Strategy<Value = Value> {
    let header = prop_oneof![
        3 => (text(), text()).prop_map(|(name, value)| json!({"name": name, "value": value})),
        1 => value(),
    ];
    let url =
        fields(&["url_string", "path", "hostname", "port", "scheme", "query_string", "categories", "x"]);
    let known = (
        fields(&[
            "http_method",
            "version",
            "user_agent",
            "args",
            "uid",
            "length",
            "referrer",
            "x_forwarded_for",
            "y",
        ]),
        option::of(vec(header, 0..3)),
        option::of(url),
    );
    let object = known.prop_map(|(mut request, headers, url)| {
        request.extend(headers.map(|headers| ("http_headers".to_owned(), headers.into())));
        request.extend(url.map(|url| ("url".to_owned(), url.into())));
        Value::Object(request)
    });
    prop_oneof![6 => object, 1 => value()]
}

fn part(names: &'static [&'static str], extra: &'static [&'static str]) -> impl Strategy<Value = Map> {
    let known = vec((proptest::sample::select(names), text()), 0..names.len() + 1);
    (known, fields(extra)).prop_map(|(known, mut part)| {
        part.extend(known.into_iter().map(|(name, text)| (name.to_owned(), text.into())));
        part
    })
}

/// Any event at all of that type, with names and values that the mapping looks at.
pub(crate) fn arbitrary(event_type: EventType) -> impl Strategy<Value = Event> {
    let actor = (part(&["id", "ip_address", "type", "user_agent"], &["name", "team"]), vec(text(), 0..3));
    let actor = actor.prop_map(|(mut actor, roles)| {
        actor.insert("roles".to_owned(), roles.into());
        actor
    });
    let results = prop_oneof![
        3 => proptest::sample::select(&["success", "failure", "denied", "cancelled", "in_progress", "Other"][..])
            .prop_map(str::to_owned),
        1 => text(),
    ];
    let action = (
        part(&["operation"], &["attempt", "name"]),
        option::of(0_u64..9_007_199_254_740_992),
        option::of(results),
    );
    let action = action.prop_map(|(mut action, duration, result)| {
        action.extend(duration.map(|it| ("duration_ms".to_owned(), it.into())));
        action.extend(result.map(|it| ("result".to_owned(), it.into())));
        action
    });
    let resource = part(&["id", "path", "type"], &["name", "size", "uid", "data"]);
    let context =
        part(&["cluster_id", "correlation_id", "environment"], &["session_id", "tenant_id", "region"]);
    let details = fields(&[
        "error",
        "reason",
        "required_permission",
        "resource",
        "operation",
        "method",
        "mfa",
        "cleartext",
        "remote",
        "new_logon",
        "topics",
        "ocsf",
        "count",
        "http_request",
    ]);
    let extra = fields(&[
        "count",
        "start_time",
        "end_time",
        "logged_time",
        "tenant",
        "raw_data",
        "audit_log",
        "details_",
    ]);
    let parts = (
        option::of(actor),
        option::of(action),
        option::of(resource),
        option::of(context),
        details,
        option::of(request()),
        extra,
        text(),
    );
    (parts, -2_000_000_000_000_i64..200_000_000_000_000).prop_map(
        move |((actor, action, resource, context, mut details, request, mut event, id), time)| {
            details.extend(request.map(|request| ("http_request".to_owned(), request)));
            for (name, part) in
                [("actor", actor), ("action", action), ("resource", resource), ("context", context)]
            {
                event.extend(part.map(|part| (name.to_owned(), Value::Object(part))));
            }
            let time = Timestamp::from_milliseconds(time).expect("in range").to_string();
            event.extend([
                ("details".to_owned(), Value::Object(details)),
                ("event_id".to_owned(), id.into()),
                ("event_type".to_owned(), event_type.as_str().into()),
                ("timestamp".to_owned(), time.into()),
            ]);
            read(Value::Object(event))
        },
    )
}

/// Any event of any type.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    proptest::sample::select(types()).prop_flat_map(arbitrary)
}
