//! Good records of the three classes, and ways to change them.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use serde_json::{Value, json};

pub(crate) const CLASSES: [i64; 3] = [3002, 6002, 6003];
pub(crate) const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "1.3.0", "1.8.0"];

/// With something of every type that the class can have, and nothing to find.
pub(crate) fn good(class_uid: i64, version: &str) -> Value {
    let mut record = json!({
        "activity_id": 1,
        "class_uid": class_uid,
        "cloud": {"provider": "aws", "region": "eu-central-1"},
        "enrichments": [{"name": "user.name", "value": "user", "data": {"any": ["thing", 1, null]}}],
        "metadata": {
            "logged_time": 1_700_533_469_100_i64,
            "product": {"name": "Redpanda", "vendor_name": "Redpanda Data, Inc.", "version": "v23.3.0"},
            "profiles": ["cloud"],
            "sequence": 7,
            "uid": "6fa1d9a2-3f0b-4a8f-9d43-2b6f3f5d0b11",
            "version": version,
        },
        "severity": "Informational",
        "severity_id": 1,
        "status": "Success",
        "status_id": 1,
        "time": 1_700_533_469_078_i64,
        "type_uid": class_uid * 100 + 1,
        "unmapped": {"any": {"thing": [1.5, null, ""]}},
    });
    let is_old = version == "1.0.0" || version == "1.1.0";
    let location = if is_old {
        json!({"city": "Berlin", "continent": "Europe", "coordinates": [13.4, 52.5], "country": "DE"})
    } else {
        json!({"city": "Berlin", "continent": "Europe", "lat": 52.5, "long": 13.4, "country": "DE"})
    };
    let user =
        json!({"email_addr": "user@example.org", "name": "user", "type": "User", "type_id": 1, "uid": "42"});
    let endpoint = json!({
        "hostname": "kafka-1.example.org",
        "ip": "192.0.2.1",
        "location": location,
        "mac": "00:00:5e:00:53:af",
        "port": 9092,
        "svc_name": "kafka",
    });
    let request = json!({
        "http_headers": [{"name": "Accept", "value": "application/json"}, {"name": "Host", "value": "example.org"}],
        "http_method": "GET",
        "url": {
            "categories": ["Other things", "Technology/Internet"],
            "category_ids": [99, 38],
            "hostname": "example.org",
            "path": "/v1/config",
            "port": 443,
            "scheme": "https",
            "url_string": "https://example.org/v1/config",
        },
        "user_agent": "curl",
    });
    let session = json!({"created_time": 1_700_533_400_000_i64, "uid": "s1", "uuid": "6fa1d9a2-3f0b-4a8f-9d43-2b6f3f5d0b11"});
    let parts = match class_uid {
        3002 => json!({
            "activity_name": "Logon",
            "auth_protocol": "SASL-SCRAM",
            "auth_protocol_id": 99,
            "category_name": "Identity & Access Management",
            "category_uid": 3,
            "class_name": "Authentication",
            "dst_endpoint": endpoint,
            "http_request": request,
            "is_cleartext": true,
            "is_mfa": false,
            "observables": [
                {"name": "user.name", "type": "User Name", "type_id": 4, "value": "user"},
                {"name": "dst_endpoint.ip", "type": "IP Address", "type_id": 2, "value": "192.0.2.1"},
            ],
            "session": session,
            "src_endpoint": {"ip": "2001:db8::1", "name": "rpk", "port": 42906},
            "type_name": "Authentication: Logon",
            "user": user,
        }),
        6002 => json!({
            "activity_name": "Install",
            "app": {"name": "audit", "vendor_name": "Example"},
            "category_uid": 6,
            "observables": [{"name": "app.name", "type": "Product Name", "type_id": 99, "value": "audit"}],
        }),
        6003 => json!({
            "activity_name": "Create",
            "actor": {
                "authorizations": [{"decision": "authorized", "policy": {"desc": "superuser", "name": "acl"}}],
                "session": session,
                "user": user,
            },
            "api": {"operation": "create_topics", "service": {"name": "kafka"}},
            "category_uid": 6,
            "dst_endpoint": endpoint,
            "http_request": request,
            "resources": [
                {"name": "orders", "type": "topic", "data": {"partitions": 3}},
                {"name": "cluster", "type": "cluster", "labels": ["a", "b"]},
            ],
            "src_endpoint": {"ip": "192.0.2.7", "name": "rpk", "port": 50276},
        }),
        other => panic!("no good record of the class {other}"),
    };
    let (Value::Object(fields), Value::Object(parts)) = (&mut record, parts) else {
        panic!("both are objects")
    };
    fields.extend(parts);
    record
}

/// Puts the value there; the parent has to be an object or array already.
pub(crate) fn set(record: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match record.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}")) {
        Value::Object(fields) => {
            fields.insert(name.to_owned(), value);
        }
        Value::Array(values) => match name.parse::<usize>() {
            Ok(index) if index < values.len() => values[index] = value,
            _ => values.push(value),
        },
        other => panic!("{other} at {parent} has no {name}"),
    }
}

pub(crate) fn remove(record: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match record.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}")) {
        Value::Object(fields) => {
            fields.remove(name).unwrap_or_else(|| panic!("nothing at {pointer}"));
        }
        Value::Array(values) => {
            values.remove(name.parse().unwrap());
        }
        other => panic!("{other} at {parent} has no {name}"),
    }
}

/// The JSON pointers of everything in the value, itself excepted.
pub(crate) fn pointers(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in children {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        collect(value, &pointer, found);
        found.push(pointer);
    }
}
