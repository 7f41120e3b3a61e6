//! Selection and redaction, as the file shows them.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::fs;
use std::path::Path;

use audit_journal::Rotation;
use audit_model::{Action, Actor, Context, Event, EventType, Timestamp, Value};
use audit_pipeline::{EmitError, Receipt, Redaction, RedactionError, RedactionMethod, Selection};
use log::{Log, key, other_key};
use proptest::prelude::*;
use serde_json::json;

const SECRET: &str = "hunter2-correct-horse";

fn patterns(names: &[&str]) -> Vec<audit_model::EventPattern> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn of_type(event_type: &str) -> Event {
    Event::at(Timestamp::now(), event_type.parse().unwrap())
}

/// The lists of the first specification.
#[test]
fn lists_of_events_say_what_is_recorded() {
    let selection = Selection::default()
        .events(patterns(&[
            "backup.started",
            "backup.completed",
            "backup.failed",
            "backup.checkpoint",
            "restore.*",
            "access.denied",
            "auth.*",
            "config.changed",
        ]))
        .exclude_events(patterns(&["backup.checkpoint"]));
    let log = Log::new();
    let pipeline = log.options().select(selection).start().unwrap();
    let offered = [
        "backup.started",
        "backup.checkpoint",
        "restore.failed",
        "config.viewed",
        "access.denied",
        "auth.logout",
    ];
    let answers = offered.map(|event_type| pipeline.emit_blocking(&of_type(event_type)).unwrap());
    let selected = answers.map(|answer| answer != Receipt::NotSelected);
    assert_eq!(selected, [true, false, true, false, true, true]);
    assert_eq!(pipeline.try_emit(&of_type("config.viewed")).unwrap(), Receipt::NotSelected);
    let answer = futures_executor::block_on(pipeline.emit(&of_type("config.viewed"))).unwrap();
    assert_eq!(answer, Receipt::NotSelected);
    assert_eq!(pipeline.close().unwrap().unwrap().recorded, 4);
    // What the log tells about itself is always recorded.
    let recorded = [
        "audit.started",
        "backup.started",
        "restore.failed",
        "access.denied",
        "auth.logout",
        "audit.stopped",
    ];
    assert_eq!(log.types(), recorded);
}

#[test]
fn lists_of_actors_and_every_selection_count() {
    let by = |id: &str| Event::new(EventType::AUTH_LOGIN, Actor::user(id), Action::success("login"));
    let actors =
        Selection::default().actors(["*@company.com".to_owned()]).exclude_actors(["probe@*".to_owned()]);
    assert!(actors.selects(&by("alice@company.com")));
    assert!(!actors.selects(&by("alice@elsewhere.com")));
    assert!(!actors.selects(&by("probe@company.com")));
    assert!(!actors.selects(&of_type("auth.login")));
    let log = Log::new();
    let events = Selection::default().exclude_events(patterns(&["backup.*"]));
    let pipeline = log.options().select(actors).select(events).start().unwrap();
    assert_ne!(pipeline.emit_blocking(&by("alice@company.com")).unwrap(), Receipt::NotSelected);
    assert_eq!(pipeline.emit_blocking(&by("bob@elsewhere.com")).unwrap(), Receipt::NotSelected);
    let backup =
        Event::new(EventType::BACKUP_STARTED, Actor::user("alice@company.com"), Action::success("backup"));
    assert_eq!(pipeline.emit_blocking(&backup).unwrap(), Receipt::NotSelected);
}

/// A forged `audit.retention_applied` would excuse a cut head.
#[test]
fn nobody_else_makes_the_logs_own_records() {
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    for event_type in ["audit.retention_applied", "audit.stopped", "audit.anything"] {
        let answer = pipeline.emit_blocking(&of_type(event_type));
        assert!(matches!(answer, Err(EmitError::Reserved(_))), "{answer:?}");
        assert!(matches!(pipeline.try_emit(&of_type(event_type)), Err(EmitError::Reserved(_))));
    }
    assert_eq!(pipeline.emit_blocking(&of_type("auditor.login")).unwrap().sequence_number(), Some(2));
}

fn redaction(rules: &[(&str, RedactionMethod)]) -> Redaction {
    rules.iter().fold(Redaction::default(), |all, (path, method)| all.rule(path, method.clone()).unwrap())
}

/// No file in the directory has these bytes, packed or not.
fn assert_nowhere(directory: &Path, secret: &str) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = Vec::new();
        std::io::copy(&mut audit_integrity::open_log(&path).unwrap(), &mut bytes).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
    }
}

#[test]
fn a_secret_is_in_no_file() {
    use RedactionMethod::{Drop, Hmac, Mask};
    let log = Log::new();
    let redaction = redaction(&[
        ("details.password", Mask),
        ("details.token", Hmac(other_key())),
        ("details.card", Drop),
        ("details.users.password", Mask),
        ("details.keys", Mask),
        ("details.nested", Mask),
        ("details.http.header.cookie", Mask),
        ("actor.ip_address", Mask),
        ("actor.user_agent", Drop),
        ("actor.roles", Hmac(other_key())),
        ("actor.id", Mask),
        ("action.duration_ms", Mask),
        ("action.error", Mask),
        ("context", Mask),
        ("resource.path", Mask),
        ("trace.baggage", Drop),
    ]);
    let pipeline = log
        .options()
        .redact(redaction)
        .rotation(Rotation::never().max_size(2000).compress(true))
        .start()
        .unwrap();
    let mut actor = Actor::user(SECRET).ip_address(SECRET).user_agent(SECRET);
    actor = actor.role(SECRET).role("admin");
    let mut event =
        Event::new(EventType::AUTH_FAILED, actor, Action::failure("login").duration_ms(20_241_201))
            .resource(audit_model::Resource::new("topic", "orders").path(SECRET))
            .context(Context::new().with("session", SECRET))
            .detail("password", SECRET)
            .detail("token", SECRET)
            .detail("card", json!({"number": SECRET}))
            .detail(
                "users",
                json!([{"name": "a", "password": SECRET}, {"password": [SECRET, SECRET]}, SECRET.len()]),
            )
            .detail("keys", json!([SECRET, [SECRET], {"k": SECRET}]))
            .detail("nested", json!({"a": {"b": SECRET}}))
            .detail("http.header.cookie", SECRET)
            .detail("http", json!({"header.cookie": SECRET, "header": {"cookie": SECRET, "host": "shown"}}));
    event.extra.insert("trace".to_owned(), json!({"baggage": SECRET}));
    for _ in 0..5 {
        assert!(pipeline.emit_blocking(&event).is_ok());
        assert!(pipeline.try_emit(&event).is_ok());
        assert!(futures_executor::block_on(pipeline.emit(&event)).is_ok());
    }
    pipeline.close().unwrap();
    assert!(log.files().len() > 2);
    assert_nowhere(log.directory.path(), SECRET);
    assert_nowhere(log.directory.path(), "20241201");
    log.assert_intact();

    let recorded = &log.of_type("auth.failed")[0];
    let details = &recorded["details"];
    assert_eq!(details["password"], "******");
    assert!(details.get("card").is_none());
    assert_eq!(
        details["users"],
        json!([{"name": "a", "password": "******"}, {"password": ["******", "******"]}, 21])
    );
    assert_eq!(details["keys"], json!(["******", ["******"], "******"]));
    assert_eq!(
        details["http"],
        json!({"header": {"cookie": "******", "host": "shown"}, "header.cookie": "******"})
    );
    assert_eq!(recorded["actor"]["ip_address"], "******");
    assert!(recorded["actor"].get("user_agent").is_none());
    // A field that cannot hold a text goes, and its neighbours stay.
    assert!(recorded["action"].get("duration_ms").is_none());
    assert_eq!(recorded["action"]["operation"], "login");
    assert!(recorded.get("context").is_none());
    assert_eq!(recorded["trace"], json!({}));
    // Equal values stay recognisable as equal.
    let token = details["token"].as_str().unwrap();
    assert_eq!((&token[..5], token.len()), ("hmac:", 37));
    assert_eq!(recorded["actor"]["roles"][0], token);
    assert_ne!(recorded["actor"]["roles"][1], token);
    assert!(log.of_type("auth.failed").iter().all(|other| other["details"]["token"] == token));
}

#[test]
fn the_hmac_is_that_of_the_key() {
    let redacted = |key| {
        let mut event = of_type("auth.login").detail("token", SECRET);
        redaction(&[("details.token", RedactionMethod::Hmac(key))]).apply(&mut event);
        event.details["token"].as_str().unwrap().to_owned()
    };
    assert_eq!(redacted(key()), redacted(key()));
    assert_ne!(redacted(key()), redacted(other_key()));
    let mac = key().authenticate(format!("audit-log/v1 redacted\n{SECRET}").as_bytes());
    assert_eq!(redacted(key())[5..], mac[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn what_every_record_needs_and_what_is_no_path_is_refused() {
    for path in ["event_id", "event_type", "timestamp", "version", "version.major"] {
        let error = Redaction::default().rule(path, RedactionMethod::Mask).unwrap_err();
        assert!(matches!(error, RedactionError::Required(_)), "{path}");
    }
    for path in ["", ".", "details.", ".details", "details..password"] {
        let error = Redaction::default().rule(path, RedactionMethod::Mask).unwrap_err();
        assert!(matches!(error, RedactionError::Malformed(_)), "{path}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(null)), Just(json!(7)), Just(json!("text")), Just(json!(true))];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "a.b", "b.c"]).prop_map(str::to_owned)
}

proptest! {
    /// What does not concern an event leaves it alone, and what was redacted is redacted.
    #[test]
    fn what_concerns_and_what_is_changed_agree(
        details in prop::collection::btree_map(name(), value(), 0..3),
        extra in prop::collection::btree_map(name(), value(), 0..3),
        with_actor: bool,
        part in prop::sample::select(vec!["details", "actor", "context", "a", "b"]),
        below in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "id"]), 0..3),
        drops: bool,
    ) {
        let path = std::iter::once(part).chain(below).collect::<Vec<_>>().join(".");
        let method = if drops { RedactionMethod::Drop } else { RedactionMethod::Mask };
        let redaction = redaction(&[(&path, method)]);
        let mut event = of_type("auth.login");
        event.details.extend(details);
        event.extra.extend(extra);
        event.actor = with_actor.then(|| Actor::user("a"));
        let mut redacted = event.clone();
        redaction.apply(&mut redacted);
        prop_assert!(redaction.concerns(&event) || redacted == event, "{}", path);
        let once = redacted.clone();
        redaction.apply(&mut redacted);
        prop_assert_eq!(once, redacted);
    }
}
