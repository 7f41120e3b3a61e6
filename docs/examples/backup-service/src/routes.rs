//! The service's requests.

use std::sync::{Arc, Mutex, PoisonError};

use audit_model::{Resource, Value};
use audit_pipeline::Pipeline;
use audit_tower::{Annotations, Decision};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::backups::Backups;
use crate::permissions::decide;
use crate::sessions::{Sessions, User};
use crate::settings::Settings;

#[derive(Debug, Default)]
pub(crate) struct Service {
    sessions: Sessions,
    pub(crate) backups: Backups,
    settings: Mutex<Settings>,
}

/// The session that a request belongs to.
#[derive(Clone, Copy, Debug)]
struct Session(&'static User);

type Audit = Extension<Annotations>;

/// All routes. The audit layer is where it is known who asks, and outside of what turns people away: so they are on record.
pub(crate) fn router(service: &Arc<Service>, log: &Pipeline) -> Router {
    let inside = Router::new()
        .route("/v1/logout", post(logout))
        .route("/v1/backups", get(list).post(back_up))
        .route("/v1/backups/{id}/restore/{topic}", post(restore))
        .route("/v1/settings", get(view).put(configure))
        .layer(from_fn(require_session));
    Router::new()
        .route("/v1/login", post(login))
        .merge(inside)
        .layer(audit::layer(log))
        .layer(from_fn_with_state(Arc::clone(service), identify))
        .with_state(Arc::clone(service))
}

/// A refusal: the layer finds the decision in the response, and makes it `access.denied`.
struct Refused(Box<Decision>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::FORBIDDEN, Extension(*self.0), Json(json!({"error": "insufficient permissions"})))
            .into_response()
    }
}

impl Session {
    fn may(self, audit: &Annotations, operation: &str, resource: &str) -> Result<(), Refused> {
        let decision = decide(self.0, operation, resource);
        if !decision.is_granted() {
            return Err(Refused(Box::new(decision)));
        }
        audit.decision(decision);
        Ok(())
    }
}

/// Finds out who it is, and turns nobody away.
async fn identify(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    if let Some(user) = token(&request).and_then(|token| service.sessions.find(token)) {
        request.extensions_mut().insert(user.actor());
        request.extensions_mut().insert(Session(user));
    }
    next.run(request).await
}

/// Turns away whom nobody knows.
async fn require_session(session: Option<Extension<Session>>, request: Request, next: Next) -> Response {
    match session {
        Some(_) => next.run(request).await,
        None => (StatusCode::UNAUTHORIZED, Json(json!({"error": "log in first"}))).into_response(),
    }
}

fn token(request: &Request) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

async fn login(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Json(login): Json<Login>,
) -> Response {
    audit.detail("method", "password");
    match service.sessions.open(&login.user, &login.password) {
        Some((token, user)) => {
            audit.actor(user.actor());
            Json(json!({ "token": token })).into_response()
        }
        None => {
            // A claim, not an identity.
            audit.detail("claimed_user", login.user);
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "wrong user or password"}))).into_response()
        }
    }
}

async fn logout(State(service): State<Arc<Service>>, request: Request) -> StatusCode {
    service.sessions.close(token(&request).unwrap_or_default());
    StatusCode::NO_CONTENT
}

async fn list(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Extension(session): Extension<Session>,
) -> Result<impl IntoResponse, Refused> {
    session.may(&audit, "list", "backups")?;
    Ok(Json(service.backups.all()))
}

#[derive(Deserialize)]
struct Start {
    topics: Vec<String>,
}

async fn back_up(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Extension(session): Extension<Session>,
    Json(start): Json<Start>,
) -> Result<impl IntoResponse, Refused> {
    for topic in &start.topics {
        session.may(&audit, "backup", &format!("topic:{topic}"))?;
    }
    let backup = service.backups.start(&session.0.actor(), start.topics);
    audit.resource(Resource::new("backup", &backup.id));
    audit.detail("backup_id", backup.id.as_str());
    audit.detail("topics", backup.topics.clone());
    Ok((StatusCode::ACCEPTED, Json(backup)))
}

async fn restore(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Extension(session): Extension<Session>,
    Path((id, topic)): Path<(String, String)>,
) -> Result<Response, Refused> {
    session.may(&audit, "restore", &format!("topic:{topic}"))?;
    let has_topic = service.backups.find(&id).is_some_and(|backup| backup.topics.contains(&topic));
    if !has_topic {
        let error = format!("there is no {topic} in a backup {id}");
        audit.detail("error", error.as_str());
        return Ok((StatusCode::NOT_FOUND, Json(json!({ "error": error }))).into_response());
    }
    audit.detail("topics_restored", vec![topic]);
    audit.detail("records_restored", 1000);
    Ok(Json(json!({"records_restored": 1000})).into_response())
}

async fn view(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Extension(session): Extension<Session>,
) -> Result<Json<Settings>, Refused> {
    session.may(&audit, "view", "config:backup")?;
    Ok(Json(service.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()))
}

async fn configure(
    State(service): State<Arc<Service>>,
    Extension(audit): Audit,
    Extension(session): Extension<Session>,
    Json(new): Json<Settings>,
) -> Result<StatusCode, Refused> {
    session.may(&audit, "configure", "config:backup")?;
    let mut settings = service.settings.lock().unwrap_or_else(PoisonError::into_inner);
    let changes: Value = serde_json::to_value(settings.changes(&new)).expect("plain data");
    *settings = new;
    audit.detail("config_type", "backup");
    audit.detail("changes", changes);
    Ok(StatusCode::NO_CONTENT)
}
