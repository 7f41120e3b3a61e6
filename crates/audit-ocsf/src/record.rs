//! One event on its way into OCSF: what has a place there goes to it, all else into `unmapped`.

mod unmapped;

use audit_model::{
    ActionResult, Actor, ActorType, CanonicalError, Context, Event, MAX_DEPTH, MAX_SAFE_INTEGER, Map,
    Resource, Severity, Timestamp, Value,
};

use crate::coalesce::event_count;
use crate::http::{self, Request};
use crate::login;
use crate::mapping::LOG_PROVIDER;
use crate::target::{Class, OTHER, Target};
use crate::text::{fits, is_email, is_hostname, is_ip};
use crate::verb::reads;
use crate::writer::Writer;
use crate::{Mapping, MappingError, Recorded, Version};

/// What stands where OCSF requires an attribute and the event does not say.
pub(crate) const UNKNOWN: &str = "unknown";

pub(crate) struct Record<'a> {
    mapping: &'a Mapping,
    event: &'a Event,
    recorded: Recorded<'a>,
    target: Target<'a>,
    request: Option<Request>,
    /// Details that are no request, and may hold secrets: with those masked, if there are any.
    masked: Vec<(&'static str, Value)>,
    /// The resource is the session that somebody logged in to or out of.
    session: Option<&'a str>,
    /// The names of details that have a place.
    placed: Vec<&'static str>,
    line_fits: bool,
    operation: Option<&'a str>,
    details: Details<'a>,
}

/// Details that every event may have, found in one pass: looking each up costs more than writing it.
#[derive(Default)]
struct Details<'a> {
    error: Option<&'a Value>,
    http_request: Option<&'a Value>,
    ocsf: Option<&'a Value>,
    reason: Option<&'a Value>,
}

impl<'a> Details<'a> {
    fn of(details: &'a Map) -> Self {
        let mut found = Self::default();
        for (name, value) in details {
            match name.as_str() {
                "error" => found.error = Some(value),
                "http_request" => found.http_request = Some(value),
                "ocsf" => found.ocsf = Some(value),
                "reason" => found.reason = Some(value),
                _ => {}
            }
        }
        found
    }
}

impl<'a> Record<'a> {
    pub(crate) fn new(
        mapping: &'a Mapping,
        event: &'a Event,
        recorded: Recorded<'a>,
        target: Target<'a>,
    ) -> Self {
        let version = mapping.version;
        let details = Details::of(&event.details);
        let request = details.http_request.filter(|request| !nests_beyond(request, MAX_DEPTH));
        let request = request.and_then(Value::as_object).map(|request| match target.class {
            Class::ApplicationLifecycle => http::leave(request),
            _ => http::split(request, version),
        });
        let mut masked = Vec::new();
        let other = details.http_request.filter(|_| request.is_none());
        for (name, value) in [("http_request", other), ("ocsf", details.ocsf)] {
            let value = value.filter(|value| !nests_beyond(value, MAX_DEPTH));
            let Some(mut value) = value.cloned() else { continue };
            // What others wrote is kept in `details.ocsf`, and has requests as well.
            let has_secret = match name {
                "ocsf" => ["http_request", "http_response"]
                    .into_iter()
                    .fold(false, |any, part| value.get_mut(part).is_some_and(http::mask_value) | any),
                _ => http::mask_value(&mut value),
            };
            if has_secret {
                masked.push((name, value));
            }
        }
        let session = match (&event.resource, target.class) {
            (
                Some(Resource { resource_type: Some(of), id: Some(id), path: None, extra, .. }),
                Class::Authentication,
            ) if of == "session" && extra.is_empty() && fits(id, version) => Some(id.as_str()),
            _ => None,
        };
        let line_fits = recorded.line.is_none_or(|line| fits(line, version));
        let operation = api_operation(event, target, version);
        let placed = Vec::new();
        Self {
            mapping,
            event,
            recorded,
            target,
            request,
            masked,
            session,
            placed,
            line_fits,
            operation,
            details,
        }
    }

    pub(crate) fn write(mut self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        without_reserved_names(self.event)?;
        w.out.push(b'{');
        self.ids(w);
        self.metadata(w);
        self.outcome(w);
        match self.target.class {
            Class::Authentication => self.authentication(w)?,
            Class::ApplicationLifecycle => self.application_lifecycle(w),
            Class::ApiActivity => self.api_activity(w)?,
        }
        self.observables(w);
        self.raw_data(w);
        self.unmapped(w)?;
        w.out.push(b'}');
        Ok(())
    }

    fn version(&self) -> Version {
        self.mapping.version
    }

    fn fit<'t>(&self, text: &'t str) -> Option<&'t str> {
        fits(text, self.version()).then_some(text)
    }

    fn result(&self) -> Option<&'a ActionResult> {
        self.event.action.as_ref().and_then(|action| action.result.as_ref())
    }

    fn ids(&self, w: &mut Writer<'_>) {
        let Target { class, activity_id, activity_name } = self.target;
        w.number("\"activity_id\":", activity_id.into());
        if let Some(name) = activity_name.and_then(|name| self.fit(name)) {
            w.text("\"activity_name\":", name);
        }
        w.number("\"category_uid\":", class.category_uid().into());
        w.number("\"class_uid\":", class.uid().into());
        w.number("\"severity_id\":", self.severity_id());
        w.number("\"time\":", self.event.timestamp.as_milliseconds());
        w.number("\"type_uid\":", i64::from(class.uid()) * 100 + i64::from(activity_id));
    }

    fn severity_id(&self) -> i64 {
        let result = self.result().map(ActionResult::as_str);
        match Severity::of(self.event.event_type.as_str(), result) {
            Severity::Critical => 5,
            Severity::High => 4,
            Severity::Medium => 3,
            Severity::Low => 2,
            _ => 1,
        }
    }

    fn metadata(&self, w: &mut Writer<'_>) {
        let event = self.event;
        w.open("\"metadata\":");
        w.text("\"event_code\":", event.event_type.as_str());
        if let Some(time) = time(event.extra.get("logged_time")) {
            w.number("\"logged_time\":", time);
        }
        if let Some(chain) = self.recorded.chain_id.and_then(|chain| self.fit(chain)) {
            w.text("\"log_name\":", chain);
        }
        w.raw("\"log_provider\":\"", LOG_PROVIDER.as_bytes());
        w.out.push(b'"');
        if let Some(version) = self.fit(&event.version) {
            w.text("\"log_version\":", version);
        }
        w.raw("\"product\":", &self.mapping.product);
        if self.target.class == Class::ApplicationLifecycle && event.actor.is_some() {
            w.raw("\"profiles\":", b"[\"host\"]");
        }
        if let Some(number) = self.recorded.sequence_number.and_then(|number| i64::try_from(number).ok()) {
            w.number("\"sequence\":", number);
        }
        if let Some(context) = &event.context {
            if let Some(id) = context.correlation_id.as_deref().and_then(|id| self.fit(id)) {
                w.text("\"correlation_uid\":", id);
            }
            if let Some(tenant) = self.tenant(context) {
                w.text("\"tenant_uid\":", tenant);
            }
        }
        if let Some(id) = self.fit(event.event_id.as_str()) {
            w.text("\"uid\":", id);
        }
        w.raw("\"version\":\"", self.version().as_str().as_bytes());
        w.out.extend_from_slice(b"\"}");
    }

    /// `metadata.tenant_uid` came with 1.1.0.
    fn tenant<'c>(&self, context: &'c Context) -> Option<&'c str> {
        let tenant = context.extra.get("tenant_id")?.as_str()?;
        (self.version() >= Version::V1_1_0).then_some(tenant).and_then(|tenant| self.fit(tenant))
    }

    /// The session that the actor acts in; in an authentication, the session is what it is about.
    fn context_session(&self) -> Option<&'a str> {
        let id = self.event.context.as_ref()?.extra.get("session_id")?.as_str()?;
        (self.target.class != Class::Authentication).then_some(id).and_then(|id| self.fit(id))
    }

    /// `status…`, `duration`, `message`, and how often.
    fn outcome(&mut self, w: &mut Writer<'_>) {
        let event = self.event;
        let result = self.result().map(ActionResult::as_str).filter(|result| fits(result, self.version()));
        let (status_id, status) = match result {
            Some("success") => (1, Some("Success")),
            Some("failure" | "denied") => (2, Some("Failure")),
            // The caption of 99 says nothing.
            Some(other) => (99, (other != "Other").then_some(other)),
            None => status_of(event.event_type.as_str()),
        };
        w.number("\"status_id\":", status_id);
        if let Some(status) = status {
            w.text("\"status\":", status);
        }
        if let Some(result) = result {
            w.text("\"status_code\":", result);
        }
        let reason = reason_key(event.event_type.category());
        let said = if reason == "error" { self.details.error } else { self.details.reason };
        if let Some(text) = said.and_then(Value::as_str).and_then(|text| self.fit(text)) {
            w.text("\"status_detail\":", text);
            self.placed.push(reason);
        }
        if let Some(duration) = event.action.as_ref().and_then(|action| action.duration_ms) {
            w.number("\"duration\":", i64::try_from(duration.min(MAX_SAFE_INTEGER)).unwrap_or(i64::MAX));
        }
        if !event.extra.is_empty() {
            if let Some(count) = own_count(event) {
                w.number("\"count\":", count);
            }
            if let Some(start) = time(event.extra.get("start_time")) {
                w.number("\"start_time\":", start);
            }
            if let Some(end) = time(event.extra.get("end_time")) {
                w.number("\"end_time\":", end);
            }
        }
        self.message(w);
    }

    /// A line for people: who, what, to what, how it came out.
    fn message(&self, w: &mut Writer<'_>) {
        const MAX_LENGTH: usize = 1000;
        let event = self.event;
        let id = event.actor.as_ref().and_then(|actor| actor.id.as_deref());
        let resource = event.resource.as_ref().and_then(|resource| resource.id.as_deref());
        let parts = [
            (id, ": "),
            (Some(event.event_type.as_str()), ""),
            (resource.map(|_| " "), ""),
            (resource, ""),
            (self.result().map(|_| " ("), ""),
            (self.result().map(ActionResult::as_str), ")"),
        ];
        let length: usize = parts.iter().filter_map(|(text, _)| *text).map(str::len).sum();
        if length > MAX_LENGTH {
            return;
        }
        let mut message = String::with_capacity(length + 8);
        for (text, end) in parts {
            if let Some(text) = text {
                message.push_str(text);
                message.push_str(end);
            }
        }
        w.text("\"message\":", &message);
    }

    fn authentication(&mut self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        self.user(w, "\"user\":");
        w.open("\"service\":");
        w.raw("\"name\":", &self.mapping.product_name);
        w.close();
        if self.address().is_some() {
            self.src_endpoint(w);
        }
        session(w, self.session);
        for (detail, key) in login::FACTS {
            if let Some(truth) = self.event.details.get(*detail).and_then(Value::as_bool) {
                w.truth(key, truth);
                self.placed.push(detail);
            }
        }
        let method = self.event.details.get("method").and_then(Value::as_str);
        if let Some(method) = method.and_then(|method| self.fit(method)).filter(|method| *method != "Other") {
            let (id, caption) = login::protocol(method, self.version());
            w.text("\"auth_protocol\":", caption);
            w.number("\"auth_protocol_id\":", id);
            // Read back, it is spelled as we do.
            if login::method(id).is_none_or(|own| own == method) {
                self.placed.push("method");
            }
        }
        self.http_request(w)
    }

    fn application_lifecycle(&self, w: &mut Writer<'_>) {
        w.raw("\"app\":", &self.mapping.product);
        // An actor has a place here by the profile `host` only.
        if self.event.actor.is_some() {
            w.open("\"actor\":");
            self.user(w, "\"user\":");
            session(w, self.context_session());
            w.close();
        }
    }

    fn api_activity(&mut self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        w.open("\"actor\":");
        self.user(w, "\"user\":");
        session(w, self.context_session());
        self.authorizations(w);
        w.close();
        w.open("\"api\":");
        w.text("\"operation\":", self.operation.unwrap_or(self.event.event_type.as_str()));
        w.open("\"service\":");
        w.raw("\"name\":", &self.mapping.product_name);
        w.close();
        w.close();
        self.src_endpoint(w);
        self.resources(w)?;
        self.http_request(w)
    }

    fn user(&self, w: &mut Writer<'_>, key: &'static str) {
        w.open(key);
        let actor = self.event.actor.as_ref();
        let id = actor.and_then(|actor| actor.id.as_deref()).and_then(|id| self.fit(id));
        let name = actor.and_then(|actor| self.actors_name(actor)).or(id).unwrap_or(UNKNOWN);
        w.text("\"name\":", name);
        if let Some(id) = id {
            w.text("\"uid\":", id);
            if is_email(id) {
                w.text("\"email_addr\":", id);
            }
        }
        if let Some(actor) = actor
            && !actor.roles.is_empty()
            && self.roles_fit(actor)
        {
            w.key("\"groups\":");
            w.out.push(b'[');
            for role in &actor.roles {
                w.open("");
                w.text("\"name\":", role);
                w.raw("\"type\":", b"\"Role\"");
                w.close();
            }
            w.out.push(b']');
        }
        let of = actor.and_then(|actor| actor.actor_type.as_ref()).filter(|of| self.type_fits(of));
        let type_id = of.map_or(0, |of| type_id(of, self.version()));
        if let Some(of) = of.filter(|_| type_id == i64::from(OTHER)) {
            w.text("\"type\":", of.as_str());
        }
        w.number("\"type_id\":", type_id);
        w.close();
    }

    /// A name beside the id; what could be mistaken for the id or for nobody has no place.
    fn actors_name(&self, actor: &'a Actor) -> Option<&'a str> {
        let name = actor.extra.get("name")?.as_str()?;
        let is_one = actor.id.as_deref() != Some(name) && name != UNKNOWN;
        is_one.then_some(name).and_then(|name| self.fit(name))
    }

    fn roles_fit(&self, actor: &Actor) -> bool {
        actor.roles.iter().all(|role| fits(role, self.version()))
    }

    fn type_fits(&self, of: &ActorType) -> bool {
        of.as_str() != "Other" && fits(of.as_str(), self.version())
    }

    /// Where the actor came from, as far as it has a place.
    fn address(&self) -> Option<&'a str> {
        let address = self.event.actor.as_ref()?.ip_address.as_deref()?;
        let has_place = self.target.class != Class::ApplicationLifecycle && address != UNKNOWN;
        has_place.then_some(address).and_then(|address| self.fit(address))
    }

    fn src_endpoint(&self, w: &mut Writer<'_>) {
        w.open("\"src_endpoint\":");
        match self.address() {
            Some(address) if is_ip(address) => w.text("\"ip\":", address),
            Some(address) if is_hostname(address) => w.text("\"hostname\":", address),
            other => w.text("\"name\":", other.unwrap_or(UNKNOWN)),
        }
        w.close();
    }

    fn authorizations(&mut self, w: &mut Writer<'_>) {
        let event_type = self.event.event_type.as_str();
        let is_denied = event_type == "access.denied" || self.result() == Some(&ActionResult::DENIED);
        if !is_denied && event_type != "access.granted" {
            return;
        }
        w.key("\"authorizations\":");
        w.out.push(b'[');
        w.open("");
        w.text("\"decision\":", if is_denied { "denied" } else { "authorized" });
        let needed = self.event.details.get("required_permission").and_then(Value::as_str);
        if let Some(policy) = needed.and_then(|needed| self.fit(needed)) {
            self.placed.push("required_permission");
            w.open("\"policy\":");
            let reason = self.event.details.get("reason").and_then(Value::as_str);
            if let Some(reason) = reason.and_then(|reason| self.fit(reason)) {
                w.text("\"desc\":", reason);
            }
            w.text("\"name\":", policy);
            w.close();
        }
        w.close();
        w.out.push(b']');
    }

    fn resources(&self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        let Some(resource) = &self.event.resource else {
            self.accessed_resource(w);
            return Ok(());
        };
        let text = |text: &'a Option<String>| text.as_deref().and_then(|text| self.fit(text));
        let id = text(&resource.id);
        let name =
            self.resources_name(resource).or(id).or(text(&resource.path)).or(text(&resource.resource_type));
        let Some(name) = name else { return Ok(()) };
        w.key("\"resources\":");
        w.out.push(b'[');
        w.open("");
        w.text("\"name\":", name);
        if let Some(id) = id {
            w.text("\"uid\":", id);
        }
        if let Some(of) = text(&resource.resource_type) {
            w.text("\"type\":", of);
        }
        w.object("\"data\":", false, |w| {
            if let Some(path) = &resource.path {
                w.text("\"path\":", path);
            }
            let is_placed = |name: &str| name == "name" && self.resources_name(resource).is_some();
            w.entries(&resource.extra, is_placed)
        })
        .map_err(in_part("resource"))?;
        w.close();
        w.out.push(b']');
        Ok(())
    }

    /// A name beside the id; what could be mistaken for the id has no place.
    fn resources_name(&self, resource: &'a Resource) -> Option<&'a str> {
        let name = resource.extra.get("name")?.as_str()?;
        (resource.id.as_deref() != Some(name)).then_some(name).and_then(|name| self.fit(name))
    }

    /// What is needed to make the resource again: its id, and texts that have a place.
    fn resource_is_placed(&self, resource: &Resource) -> bool {
        let Some(id) = &resource.id else { return false };
        let fits = |text: &Option<String>| text.as_deref().is_none_or(|text| self.fit(text).is_some());
        let is_named = resource.extra.get("name").and_then(Value::as_str) == Some(id);
        self.target.class == Class::ApiActivity
            && fits(&resource.id)
            && fits(&resource.resource_type)
            && !is_named
    }

    /// `topic:orders` of the details of an access; it stays there too.
    fn accessed_resource(&self, w: &mut Writer<'_>) {
        let is_access = self.event.event_type.category() == "access";
        let Some(asked) = self.event.details.get("resource").and_then(Value::as_str).filter(|_| is_access)
        else {
            return;
        };
        let Some(asked) = self.fit(asked) else { return };
        w.key("\"resources\":");
        w.out.push(b'[');
        w.open("");
        match asked.split_once(':') {
            Some((of, name)) if !of.is_empty() && !name.is_empty() => {
                w.text("\"name\":", name);
                w.text("\"type\":", of);
            }
            _ => w.text("\"name\":", asked),
        }
        w.close();
        w.out.push(b']');
    }

    fn http_request(&mut self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        let user_agent = self.user_agent();
        let placed = self.request.as_ref().map(|request| &request.placed).filter(|placed| !placed.is_empty());
        if placed.is_none() && user_agent.is_none() {
            return Ok(());
        }
        w.open("\"http_request\":");
        if let Some(user_agent) = user_agent {
            w.text("\"user_agent\":", user_agent);
        }
        if let Some(placed) = placed {
            w.entries(placed, |_| false).map_err(in_part("details.http_request"))?;
        }
        w.close();
        Ok(())
    }

    /// The actor's program; when the request names one as well, both stay where they were, and the request's has the
    /// place.
    fn user_agent(&self) -> Option<&str> {
        let own = self.request.as_ref().and_then(|request| request.left.get("user_agent"));
        let agent = match own {
            Some(own) => own.as_str(),
            None => self.event.actor.as_ref().and_then(|actor| actor.user_agent.as_deref()),
        };
        agent.filter(|agent| self.target.class != Class::ApplicationLifecycle && fits(agent, self.version()))
    }

    fn user_agent_is_placed(&self, user_agent: &str) -> bool {
        let has_own = self.request.as_ref().is_some_and(|request| request.left.contains_key("user_agent"));
        !has_own && self.target.class != Class::ApplicationLifecycle && fits(user_agent, self.version())
    }

    /// What an analyst looks for first.
    fn observables(&self, w: &mut Writer<'_>) {
        let actor = self.event.actor.as_ref();
        let id = actor.and_then(|actor| actor.id.as_deref()).and_then(|id| self.fit(id));
        let address = self.address().filter(|address| is_ip(address));
        if id.is_none() && address.is_none() {
            return;
        }
        w.key("\"observables\":");
        w.out.push(b'[');
        if let Some(id) = id {
            let name = actor.and_then(|actor| self.actors_name(actor)).unwrap_or(id);
            w.open("");
            let of = self.target.class == Class::Authentication;
            w.raw("\"name\":", if of { b"\"user.name\"" } else { b"\"actor.user.name\"" });
            w.number("\"type_id\":", 4);
            w.text("\"value\":", name);
            w.close();
        }
        if let Some(address) = address {
            w.open("");
            w.raw("\"name\":", b"\"src_endpoint.ip\"");
            w.number("\"type_id\":", 2);
            w.text("\"value\":", address);
            w.close();
        }
        w.out.push(b']');
    }

    /// A secret that is masked above would stand there in full.
    fn hides_line(&self) -> bool {
        !self.masked.is_empty() || self.request.as_ref().is_some_and(|request| request.masked)
    }

    fn raw_data(&self, w: &mut Writer<'_>) {
        if let Some(line) = self.recorded.line
            && self.mapping.raw_data
            && self.line_fits
            && !self.hides_line()
        {
            w.text("\"raw_data\":", line);
        }
    }
}

/// Whether arrays and objects nest more than so deep, without going any deeper to find out.
fn nests_beyond(value: &Value, depth: usize) -> bool {
    let Some(left) = depth.checked_sub(1) else { return value.is_array() || value.is_object() };
    match value {
        Value::Array(items) => items.iter().any(|item| nests_beyond(item, left)),
        Value::Object(map) => map.values().any(|item| nests_beyond(item, left)),
        _ => false,
    }
}

/// The names of an event's own fields.
pub(crate) const FIXED: [&str; 9] =
    ["action", "actor", "context", "details", "event_id", "event_type", "resource", "timestamp", "version"];

/// A part's field of its own naming may not have the name of one that the part has: no such event can be sealed either.
fn without_reserved_names(event: &Event) -> Result<(), MappingError> {
    let parts: [(&'static str, Option<&Map>, &[&str]); 5] = [
        ("the event", Some(&event.extra), &FIXED),
        ("action", event.action.as_ref().map(|it| &it.extra), &["duration_ms", "operation", "result"]),
        (
            "actor",
            event.actor.as_ref().map(|it| &it.extra),
            &["id", "ip_address", "roles", "type", "user_agent"],
        ),
        (
            "context",
            event.context.as_ref().map(|it| &it.extra),
            &["cluster_id", "correlation_id", "environment"],
        ),
        ("resource", event.resource.as_ref().map(|it| &it.extra), &["id", "path", "type"]),
    ];
    for (part, extra, names) in parts {
        let Some(extra) = extra.filter(|extra| !extra.is_empty()) else { continue };
        if let Some(name) = names.iter().find(|name| extra.contains_key(**name)) {
            return Err(in_part(part)(CanonicalError::ReservedName { path: (*name).to_owned() }));
        }
    }
    Ok(())
}

/// What was done, unless it could be mistaken for the type that stands there when nobody says, or is at odds with what the
/// type says was done.
fn api_operation<'a>(event: &'a Event, target: Target<'_>, version: Version) -> Option<&'a str> {
    let operation = event.action.as_ref()?.operation.as_deref()?;
    let is_at_odds = matches!(target.activity_id, 1 | 3 | 4) && reads(operation);
    let has_place = target.class == Class::ApiActivity
        && operation != event.event_type.as_str()
        && !is_at_odds
        && fits(operation, version);
    has_place.then_some(operation)
}

fn session(w: &mut Writer<'_>, uid: Option<&str>) {
    if let Some(uid) = uid {
        w.open("\"session\":");
        w.text("\"uid\":", uid);
        w.close();
    }
}

fn in_part(part: &'static str) -> impl Fn(CanonicalError) -> MappingError {
    move |source| MappingError::Field { part, source }
}

/// Where an event of that category says why it came out as it did.
pub(crate) fn reason_key(category: &str) -> &'static str {
    if matches!(category, "access" | "auth") { "reason" } else { "error" }
}

/// How an event without a result came out, by its type.
fn status_of(event_type: &str) -> (i64, Option<&'static str>) {
    match event_type.rsplit('.').next().unwrap_or_default() {
        last if last.ends_with("failed") || last.ends_with("denied") => (2, Some("Failure")),
        "completed" | "granted" | "login" | "logout" | "token_refresh" | "changed" | "viewed"
        | "license_applied" | "feature_enabled" => (1, Some("Success")),
        _ => (0, None),
    }
}

/// `user.type_id`; Service came with 1.8.0, of the versions that are written.
pub(crate) fn type_id(of: &ActorType, version: Version) -> i64 {
    match of.as_str() {
        "user" => 1,
        "admin" => 2,
        "system" => 3,
        "service" if version >= Version::V1_8_0 => 4,
        _ => OTHER.into(),
    }
}

/// The event's count, if it has one that OCSF's `count` takes.
fn own_count(event: &Event) -> Option<i64> {
    let count = event.extra.contains_key("count").then(|| event_count(event)).flatten()?;
    i64::try_from(count).ok()
}

/// A time in the form that this crate gives it when it reads it back.
pub(crate) fn time(value: Option<&Value>) -> Option<i64> {
    let text = value?.as_str()?;
    let time: Timestamp = text.parse().ok()?;
    (time.to_string() == text).then(|| time.as_milliseconds())
}
