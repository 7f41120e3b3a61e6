//! An audited request is one event, which says who, what, from where and how it ended.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use std::collections::HashSet;

use audit_model::{AccessDeniedDetails, ActionResult, Actor, EventType, Resource, Value};
use audit_tower::{Annotations, AuditLayer, Decision, Description, Requests};
use axum::extract::{MatchedPath, Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use log::{Log, client, peer, send, serve};

async fn ok() -> &'static str {
    "done"
}

/// Sends one request and returns its one event.
async fn event_of(log: &Log, router: Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let address = serve(router).await;
    send(&client(), address, method, path, headers).await.unwrap();
    log.event()
}

async fn as_alice(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Actor::user("alice@company.com").role("backup-operator"));
    next.run(request).await
}

#[tokio::test]
async fn it_says_who_what_from_where_and_how_it_ended() {
    let log = Log::new();
    let router =
        Router::new().route("/v1/backups", post(ok)).layer(log.layer().peer(peer)).layer(from_fn(as_alice));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers =
        [("user-agent", "curl/8"), ("x-request-id", "req_xyz789"), ("traceparent", parent.as_str())];
    let event = event_of(&log, router, "POST", "/v1/backups?token=secret", &headers).await;
    assert_eq!(event["event_type"], "http.request");
    assert_eq!(
        event["actor"],
        serde_json::json!({
            "id": "alice@company.com", "ip_address": "127.0.0.1", "roles": ["backup-operator"], "type": "user",
            "user_agent": "curl/8"
        })
    );
    assert_eq!(event["action"]["operation"], "POST");
    assert_eq!(event["action"]["result"], "success");
    assert!(event["action"]["duration_ms"].is_u64());
    assert_eq!(event["resource"], serde_json::json!({"id": "/v1/backups", "type": "endpoint"}));
    assert_eq!(event["context"], serde_json::json!({"correlation_id": "req_xyz789", "trace_id": trace}));
    assert_eq!(
        event["details"],
        serde_json::json!({
            "http_request": {"http_method": "POST", "url": {"path": "/v1/backups"}, "version": "HTTP/1.1"},
            "http_response": {"code": 200}
        })
    );
}

#[tokio::test]
async fn whom_nobody_knows_is_anonymous() {
    let log = Log::new();
    let router = Router::new().route("/", post(ok)).layer(log.layer().peer(peer));
    let event = event_of(&log, router, "POST", "/", &[]).await;
    let expected = serde_json::json!({"id": "anonymous", "ip_address": "127.0.0.1", "type": "unknown"});
    assert_eq!(event["actor"], expected);
}

#[tokio::test]
async fn which_ones_is_a_rule_or_a_closure() {
    let paths = |log: &Log| -> Vec<String> {
        let of = |event: &Value| {
            format!(
                "{} {}",
                event["action"]["operation"].as_str().unwrap(),
                event["resource"]["id"].as_str().unwrap()
            )
        };
        let mut paths: Vec<String> = log.events().iter().map(of).collect();
        paths.sort();
        paths
    };
    let send_all = async |layer: AuditLayer| {
        let router = Router::new().route("/a", any(ok)).route("/b", any(ok)).layer(layer);
        let (address, client) = (serve(router).await, client());
        for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
            for path in ["/a", "/b"] {
                send(&client, address, method, path, &[]).await.unwrap();
            }
        }
    };
    let log = Log::new();
    send_all(log.layer()).await;
    assert_eq!(paths(&log), ["DELETE /a", "DELETE /b", "POST /a", "POST /b"]);
    let log = Log::new();
    send_all(log.layer().requests(Requests::changes().with(http::Method::GET, "/b").without(None, "/a")))
        .await;
    assert_eq!(paths(&log), ["DELETE /b", "GET /b", "POST /b"]);
    let log = Log::new();
    send_all(log.layer().audit_when(|parts| parts.method == "OPTIONS")).await;
    assert_eq!(paths(&log), ["OPTIONS /a", "OPTIONS /b"]);
}

#[tokio::test]
async fn a_description_says_what_it_means() {
    let log = Log::new();
    let describe = |parts: &http::request::Parts| {
        let route = parts.extensions.get::<MatchedPath>().unwrap().as_str().to_owned();
        Description::new("backup")
            .event_type(EventType::BACKUP_STARTED)
            .failure_type(EventType::BACKUP_FAILED)
            .resource(Resource::new("route", route))
            .detail("topics", vec!["orders"])
            .context("environment", "production")
            .context("tenant_id", 7)
    };
    let router = Router::new()
        .route(
            "/v1/backups/{id}",
            post(async |Path(id): Path<String>| match id.as_str() {
                "7" => StatusCode::ACCEPTED,
                _ => StatusCode::CONFLICT,
            }),
        )
        .layer(log.layer().describe(describe));
    let (address, client) = (serve(router).await, client());
    for id in ["7", "8"] {
        send(&client, address, "POST", &format!("/v1/backups/{id}"), &[]).await.unwrap();
    }
    let events = log.events();
    assert_eq!(events[0]["event_type"], "backup.started");
    assert_eq!(events[0]["action"]["operation"], "backup");
    assert_eq!(events[0]["resource"], serde_json::json!({"id": "/v1/backups/{id}", "type": "route"}));
    assert_eq!(events[0]["context"], serde_json::json!({"environment": "production", "tenant_id": 7}));
    assert_eq!(events[0]["details"]["topics"], serde_json::json!(["orders"]));
    assert_eq!(
        (&events[1]["event_type"], &events[1]["action"]["result"]),
        (&"backup.failed".into(), &"failure".into())
    );
}

#[tokio::test]
async fn a_denial_is_the_specifications() {
    let printed = serde_json::json!({
        "operation": "restore",
        "resource": "topic:production-orders",
        "required_permission": "restore:topic:production-orders",
        "user_permissions": ["backup:*", "list:*"],
        "reason": "insufficient_permissions"
    });
    let denied: AccessDeniedDetails = serde_json::from_value(printed.clone()).unwrap();
    let in_response = {
        let denied = denied.clone();
        async || (StatusCode::FORBIDDEN, Extension(Decision::from(denied)))
    };
    let told = async |Extension(audit): Extension<Annotations>| {
        audit.decision(denied);
        StatusCode::FORBIDDEN
    };
    for route in [post(in_response), post(told)] {
        let log = Log::new();
        let describe = |_: &_| Description::new("restore").event_type(EventType::RESTORE_STARTED);
        let router = Router::new().route("/v1/restores", route).layer(log.layer().describe(describe));
        let mut event = event_of(&log, router, "POST", "/v1/restores", &[]).await;
        assert_eq!(event["event_type"], "access.denied");
        assert_eq!(
            (&event["action"]["operation"], &event["action"]["result"]),
            (&"restore".into(), &"denied".into())
        );
        let details = event["details"].as_object_mut().unwrap();
        assert_eq!(details.remove("http_response").unwrap()["code"], 403);
        details.remove("http_request").unwrap();
        assert_eq!(event["details"], printed);
    }
}

#[tokio::test]
async fn a_grant_is_named_with_what_it_was_granted_for() {
    for (described, event_type) in
        [(None, "access.granted"), (Some(EventType::RESTORE_STARTED), "restore.started")]
    {
        let log = Log::new();
        let describe = move |_: &http::request::Parts| match described.clone() {
            Some(event_type) => Description::new("restore").event_type(event_type),
            None => Description::default(),
        };
        let handler =
            async || Extension(Decision::granted("restore", "topic:orders", "restore:topic:orders"));
        let router = Router::new().route("/", post(handler)).layer(log.layer().describe(describe));
        let event = event_of(&log, router, "POST", "/", &[]).await;
        assert_eq!(
            (&event["event_type"], &event["action"]["operation"]),
            (&event_type.into(), &"restore".into())
        );
        assert_eq!(event["details"]["required_permission"], "restore:topic:orders");
        assert_eq!(event["action"]["result"], "success");
    }
}

#[tokio::test]
async fn a_status_tells_of_a_denial_when_nobody_else_does() {
    for (status, event_type, reason) in
        [(401, "auth.failed", "unauthenticated"), (403, "access.denied", "forbidden")]
    {
        let log = Log::new();
        let handler = async move || StatusCode::from_u16(status).unwrap();
        let router = Router::new().route("/v1/keys", post(handler)).layer(log.layer());
        let event = event_of(&log, router, "POST", "/v1/keys", &[]).await;
        assert_eq!(
            (&event["event_type"], &event["action"]["result"]),
            (&event_type.into(), &"denied".into())
        );
        assert_eq!(
            (&event["details"]["reason"], &event["details"]["resource"]),
            (&reason.into(), &"/v1/keys".into())
        );
    }
}

/// An authentication behind the layer, so that those whom it refuses are on record, too.
#[tokio::test]
async fn an_authentication_behind_the_layer_says_who_it_was() {
    async fn authenticate(request: Request, next: Next) -> Response {
        let audit = request.extensions().get::<Annotations>().unwrap();
        match request.headers().get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer a") => audit.actor(Actor::user("alice")),
            _ => return StatusCode::UNAUTHORIZED.into_response(),
        }
        let mut response = next.run(request).await;
        if response.headers().contains_key("x-service") {
            response.extensions_mut().insert(Actor::service("scheduler"));
        }
        response
    }
    let log = Log::new();
    let router = Router::new()
        .route("/", post(ok))
        .route("/service", post(async || [("x-service", "1")]))
        .layer(from_fn(authenticate))
        .layer(log.layer());
    let (address, client) = (serve(router).await, client());
    send(&client, address, "POST", "/", &[]).await.unwrap();
    send(&client, address, "POST", "/", &[("authorization", "Bearer a")]).await.unwrap();
    send(&client, address, "POST", "/service", &[("authorization", "Bearer a")]).await.unwrap();
    let events = log.events();
    let actors: Vec<&str> = events.iter().map(|event| event["actor"]["id"].as_str().unwrap()).collect();
    assert_eq!(actors, ["anonymous", "alice", "scheduler"]);
}

#[tokio::test]
async fn a_handler_adds_what_it_knows() {
    let log = Log::new();
    let handler = async |Extension(audit): Extension<Annotations>| {
        audit.event_type(EventType::CONFIG_CHANGED);
        audit.operation("configure");
        audit.resource(Resource::new("config", "backup"));
        audit.result(ActionResult::IN_PROGRESS);
        audit.detail("config_type", "backup");
        audit.detail("http_request", "not the handler's to say");
        audit.context("cluster_id", "prod-us-west-2");
        StatusCode::OK
    };
    let router = Router::new().route("/", any(handler)).layer(log.layer());
    let event = event_of(&log, router, "PUT", "/", &[]).await;
    assert_eq!(
        (&event["event_type"], &event["action"]["operation"]),
        (&"config.changed".into(), &"configure".into())
    );
    assert_eq!(
        (&event["action"]["result"], &event["resource"]["type"]),
        (&"in_progress".into(), &"config".into())
    );
    assert_eq!(
        (&event["details"]["config_type"], &event["context"]["cluster_id"]),
        (&"backup".into(), &"prod-us-west-2".into())
    );
    assert_eq!(event["details"]["http_request"]["http_method"], "PUT");
}

#[tokio::test]
async fn what_cannot_be_written_does_not_hide_the_request() {
    let log = Log::new();
    let handler = async |Extension(audit): Extension<Annotations>| {
        audit.detail("bytes", u64::MAX);
        audit.context("bytes", u64::MAX);
        audit.event_type(EventType::AUDIT_STOPPED);
    };
    let router = Router::new().route("/", post(handler)).layer(log.layer());
    let event = event_of(&log, router, "POST", "/", &[]).await;
    assert_eq!(event["event_type"], "http.request");
    assert_eq!(event["details"]["http_response"]["code"], 200);
    assert!(event["details"]["unrecordable"].as_str().unwrap().contains("audit.stopped"), "{event:#}");
    assert!(event["details"]["bytes"].is_null());
}

#[tokio::test]
async fn a_client_cannot_fill_the_log_with_one_request() {
    let log = Log::new();
    let router = Router::new().fallback(ok).layer(log.layer());
    let (path, agent, id) = (format!("/{}", "p".repeat(20_000)), "a".repeat(20_000), "i".repeat(20_000));
    let headers = [("user-agent", agent.as_str()), ("x-request-id", id.as_str())];
    let event = event_of(&log, router, "POST", &path, &headers).await;
    assert!(event.to_string().len() < 6000, "{}", event.to_string().len());
    assert!(event["resource"]["id"].as_str().unwrap().ends_with("p…"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_as_many_events() {
    const REQUESTS: usize = 600;
    let log = Log::new();
    let router = Router::new()
        .route(
            "/{id}",
            get(ok).post(async |Path(id): Path<usize>| {
                tokio::task::yield_now().await;
                StatusCode::from_u16(if id.is_multiple_of(7) { 500 } else { 204 }).unwrap()
            }),
        )
        .layer(log.layer());
    let (address, client) = (serve(router).await, client());
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..REQUESTS {
        let client = client.clone();
        tasks.spawn(async move {
            send(&client, address, "GET", &format!("/{id}"), &[]).await.unwrap();
            send(&client, address, "POST", &format!("/{id}"), &[]).await.unwrap().0
        });
    }
    let failed = tasks.join_all().await.into_iter().filter(|status| *status == 500).count();
    let events = log.events();
    let ids: HashSet<&str> = events.iter().map(|event| event["resource"]["id"].as_str().unwrap()).collect();
    assert_eq!((events.len(), ids.len()), (REQUESTS, REQUESTS));
    assert_eq!(events.iter().filter(|event| event["action"]["result"] == "failure").count(), failed);
}
