//! OCSF → [`Event`].

use audit_model::{
    Action, ActionResult, Actor, ActorType, Context, Event, EventId, EventType, MAX_DEPTH, MAX_SAFE_INTEGER,
    Map, Resource, Timestamp, Value,
};

use crate::login;
use crate::mapping::LOG_PROVIDER;
use crate::record::{FIXED, UNKNOWN, reason_key};
use crate::target::{OTHER, READ};
use crate::{Class, Mapping, Recorded, Rule};

/// A value that no event can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no OCSF record.
    #[error("{path}: found {found}; expected {expected}")]
    Attribute {
        /// Where, as a JSON path; `$` is the whole record.
        path: String,
        /// What is there.
        found: String,
        /// What an OCSF record has there.
        expected: &'static str,
    },
}

/// The event that an OCSF record of any version tells of.
///
/// A record that a [`Mapping`](crate::Mapping) made gives the event it was made of, apart from secrets that were
/// masked; if it says anything else besides, it is kept whole in `details.ocsf` as well. So is any other, of which the
/// event has what it has fields for: its type follows from class and activity, as `docs/ocsf.md` in the repository
/// lists. Attributes that are missing or wrong are no errors: what an audit log is told, it records. `now` is the time of a
/// record that tells none.
///
/// Integers beyond ±(2^53 − 1) and what nests too deeply cannot be sealed, and become texts. A record may claim to be of a
/// log's own type, such as `audit.log_tampered`; a pipeline takes none of those from others.
///
/// ```
/// let record = serde_json::json!({
///     "class_uid": 3002, "activity_id": 1, "time": 1700533469078_i64, "status_id": 2, "user": {"name": "admin"},
/// });
/// let event = audit_ocsf::event_from_value(record, audit_model::Timestamp::now())?;
/// assert_eq!(event.event_type.as_str(), "auth.failed");
/// assert_eq!(event.actor.and_then(|actor| actor.id).as_deref(), Some("admin"));
/// # Ok::<(), audit_ocsf::ReadError>(())
/// ```
///
/// # Errors
/// When it is no JSON object, or has no `class_uid`.
pub fn event_from_value(record: Value, now: Timestamp) -> Result<Event, ReadError> {
    let mut record = record;
    whole_class(&mut record);
    make_sealable(&mut record, 0);
    let Value::Object(map) = &record else {
        return Err(wrong("$", Some(&record), "an OCSF record, which is an object"));
    };
    let class = map.get("class_uid");
    let Some(class) = class.and_then(Value::as_i64) else {
        return Err(wrong("class_uid", class, "the number of an OCSF class, such as 6003"));
    };
    let read = Reading { record: map, class };
    if let Some(event) = read.own_type().map(|event_type| read.own(event_type, now)) {
        return Ok(if is_all_of(&event, &record) { event } else { event.detail("ocsf", record) });
    }
    let event = read.foreign(now);
    Ok(event.detail("ocsf", record))
}

/// Whether the event says all that the record does, which a mapping is said to have made of it.
fn is_all_of(event: &Event, record: &Value) -> bool {
    let Some(version) = record["metadata"]["version"].as_str().and_then(|version| version.parse().ok())
    else {
        return false;
    };
    let mapping = Mapping::new(version).product_json(&record["metadata"]["product"]);
    let mapping = rule_of(record, &event.event_type).into_iter().fold(mapping, Mapping::rule);
    let number = |path: &str| record.pointer(path).and_then(Value::as_u64);
    let recorded = Recorded {
        chain_id: record.pointer("/metadata/log_name").and_then(Value::as_str),
        sequence_number: number("/metadata/sequence"),
        last_sequence_number: None,
        line: None,
    };
    let Ok(mut expected) = mapping.to_value(event, recorded) else { return false };
    // What is of the log, and not of the event.
    let mut found = record.clone();
    for value in [&mut expected, &mut found] {
        let Some(map) = value.as_object_mut() else { return false };
        map.remove("raw_data");
        let Some(Value::Object(unmapped)) = map.get_mut("unmapped") else { continue };
        unmapped.remove("audit_log");
        if unmapped.is_empty() {
            map.remove("unmapped");
        }
    }
    expected == found
}

/// What the record itself says that its type becomes.
fn rule_of(record: &Value, event_type: &EventType) -> Option<Rule> {
    let uid = record["class_uid"].as_u64()?;
    let class = Class::ALL.iter().copied().find(|class| u64::from(class.uid()) == uid)?;
    let activity = record["activity_id"].as_u64().and_then(|id| u8::try_from(id).ok())?;
    let rule = Rule::new(event_type.as_str().parse().ok()?, class, activity);
    Some(rule.activity_name(record["activity_name"].as_str().unwrap_or_default()))
}

/// Makes a value such that an event with it can be sealed: an integer that would lose digits becomes a text, and so does
/// what nests too deeply.
fn make_sealable(value: &mut Value, depth: usize) {
    // The event around it and its `details` are two levels.
    const DEEPEST: usize = MAX_DEPTH - 3;
    match value {
        Value::Number(number) => {
            let is_safe = number.as_f64().is_some_and(|float| float.abs() <= MAX_SAFE_INTEGER as f64);
            if !is_safe {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => *value = value.to_string().into(),
        Value::Array(items) => items.iter_mut().for_each(|item| make_sealable(item, depth + 1)),
        Value::Object(map) => map.values_mut().for_each(|item| make_sealable(item, depth + 1)),
        _ => {}
    }
}

/// JSON has one kind of number: a class of 6003.0, as some writers have it, is 6003.
fn whole_class(record: &mut Value) {
    if let Some(class) = record.get_mut("class_uid")
        && let Some(number) = class.as_f64().filter(|number| class.is_f64() && number.fract() == 0.0)
        && number.abs() <= MAX_SAFE_INTEGER as f64
    {
        *class = (number as i64).into();
    }
}

fn wrong(path: &str, found: Option<&Value>, expected: &'static str) -> ReadError {
    let found = match found {
        None => "nothing".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::Array(_)) => "an array".to_owned(),
        Some(value) => value.to_string().chars().take(60).collect(),
    };
    ReadError::Attribute { path: path.to_owned(), found, expected }
}

struct Reading<'a> {
    record: &'a Map,
    class: i64,
}

impl<'a> Reading<'a> {
    fn at(&self, path: &[&str]) -> Option<&'a Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.record.get(*first)?, |value, name| value.get(name))
    }

    fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.at(path)?.as_str()
    }

    /// A whole number, also one that is written as `5.0`.
    fn number(&self, path: &[&str]) -> Option<i64> {
        let number = self.at(path)?;
        let whole = |float: &f64| float.fract() == 0.0 && float.abs() <= MAX_SAFE_INTEGER as f64;
        number.as_i64().or_else(|| number.as_f64().filter(whole).map(|float| float as i64))
    }

    fn time(&self, path: &[&str]) -> Option<Timestamp> {
        Timestamp::from_milliseconds(self.number(path)?).ok()
    }

    /// When it happened; some only tell it by the profile `datetime`.
    fn happened(&self) -> Option<Timestamp> {
        self.time(&["time"]).or_else(|| self.text(&["time_dt"])?.parse().ok())
    }

    fn object(&self, path: &[&str]) -> Option<&'a Map> {
        self.at(path)?.as_object()
    }

    /// The event's type, of a record that a mapping of ours made.
    fn own_type(&self) -> Option<EventType> {
        let is_own = self.text(&["metadata", "log_provider"]) == Some(LOG_PROVIDER)
            && matches!(self.class, 3002 | 6002 | 6003)
            && self.at(&["metadata", "uid"]).or(self.at(&["unmapped", "event_id"])).is_some()
            && self.time(&["time"]).is_some();
        is_own.then(|| self.text(&["metadata", "event_code"])?.parse().ok()).flatten()
    }

    /// What the record has beside the event itself, for both.
    fn extra(&self, event: &mut Event) {
        if let Some(count) = self.number(&["count"]).filter(|count| *count > 0) {
            event.extra.insert("count".to_owned(), count.into());
        }
        for (name, path) in [
            ("start_time", ["start_time"].as_slice()),
            ("end_time", &["end_time"]),
            ("logged_time", &["metadata", "logged_time"]),
        ] {
            if let Some(time) = self.time(path) {
                event.extra.insert(name.to_owned(), time.to_string().into());
            }
        }
    }

    fn own(&self, event_type: EventType, now: Timestamp) -> Event {
        let mut event = Event::at(self.time(&["time"]).unwrap_or(now), event_type);
        let left = |name: &str| self.object(&["unmapped", name]);
        let id = self.text(&["metadata", "uid"]).or(self.text(&["unmapped", "event_id"]));
        if let Some(id) = id {
            event.event_id = EventId::from(id);
        }
        if let Some(version) = self.text(&["metadata", "log_version"]).or(self.text(&["unmapped", "version"]))
        {
            event.version = version.to_owned();
        }
        self.extra(&mut event);
        let extra = left("extra").cloned().unwrap_or_default();
        event.extra.extend(extra.into_iter().filter(|(name, _)| !FIXED.contains(&name.as_str())));
        event.details = left("details").cloned().unwrap_or_default();
        self.details(&mut event);
        event.action = self.own_action(&event.event_type, left("action"));
        event.actor = self.own_actor(left("actor"), &event.details);
        event.context = self.own_context(left("context"));
        event.resource = self.own_resource(left("resource"));
        event
    }

    /// What was taken out of the details.
    fn details(&self, event: &mut Event) {
        let reason = reason_key(event.event_type.category());
        let texts = [
            (reason, self.text(&["status_detail"])),
            (
                "required_permission",
                self.authorization().and_then(|it| it.get("policy")?.get("name")?.as_str()),
            ),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                event.details.insert(name.to_owned(), text.into());
            }
        }
        if self.class == 3002 {
            self.log_in(&mut event.details);
        }
        if let Some(request) = self.object(&["http_request"]) {
            let mut placed = request.clone();
            placed.remove("user_agent");
            if !placed.is_empty() {
                let left = event.details.remove("http_request");
                event.details.insert("http_request".to_owned(), merged(placed.into(), left));
            }
        }
    }

    fn log_in(&self, details: &mut Map) {
        for (detail, key) in login::FACTS {
            let attribute = key.trim_matches(['"', ':']);
            if let Some(truth) = self.record.get(attribute).filter(|value| value.is_boolean()) {
                details.insert((*detail).to_owned(), truth.clone());
            }
        }
        let known = self.number(&["auth_protocol_id"]).and_then(login::method);
        if let Some(method) = known.or(self.text(&["auth_protocol"])) {
            // One that is spelled otherwise has stayed in the details.
            details.entry("method").or_insert_with(|| method.into());
        }
    }

    fn authorization(&self) -> Option<&'a Value> {
        self.at(&["actor", "authorizations"])?.get(0)
    }

    fn own_action(&self, event_type: &EventType, left: Option<&Map>) -> Option<Action> {
        let read = left.and_then(|left| Action::from_value(left.clone().into()).ok());
        let was_there = read.is_some();
        let mut action = read.unwrap_or_default();
        if self.class == 6003 && action.operation.is_none() {
            let operation = self.text(&["api", "operation"]);
            action.operation = operation.filter(|it| *it != event_type.as_str()).map(str::to_owned);
        }
        if action.result.is_none() {
            action.result = self.text(&["status_code"]).map(ActionResult::from);
        }
        action.duration_ms = self.at(&["duration"]).and_then(Value::as_u64);
        (was_there || action != Action::default()).then_some(action)
    }

    fn own_actor(&self, left: Option<&Map>, details: &Map) -> Option<Actor> {
        let read = left.and_then(|left| Actor::from_value(left.clone().into()).ok());
        let was_there = read.is_some();
        let mut actor = read.unwrap_or_default();
        if let Some(user) = self.user() {
            let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
            actor.id = actor.id.or(text("uid"));
            let name = text("name").filter(|name| name != UNKNOWN && text("uid").as_ref() != Some(name));
            if let Some(name) = name {
                actor.extra.insert("name".to_owned(), name.into());
            }
            if actor.roles.is_empty() {
                actor.roles = groups(user);
            }
            actor.actor_type = actor.actor_type.or(actor_type(user));
        }
        if actor.ip_address.is_none() {
            let name = self.text(&["src_endpoint", "name"]).filter(|name| *name != UNKNOWN);
            let host = self.text(&["src_endpoint", "ip"]).or(self.text(&["src_endpoint", "hostname"]));
            actor.ip_address = host.or(name).map(str::to_owned);
        }
        let requests_own =
            details.get("http_request").is_some_and(|request| request.get("user_agent").is_some());
        if actor.user_agent.is_none() && !requests_own {
            actor.user_agent = self.text(&["http_request", "user_agent"]).map(str::to_owned);
        }
        (was_there || actor != Actor::default()).then_some(actor)
    }

    fn own_context(&self, left: Option<&Map>) -> Option<Context> {
        let read = left.and_then(|left| Context::from_value(left.clone().into()).ok());
        let was_there = read.is_some();
        let context = self.context(read.unwrap_or_default());
        (was_there || context != Context::default()).then_some(context)
    }

    fn context(&self, mut context: Context) -> Context {
        if context.correlation_id.is_none() {
            context.correlation_id = self.text(&["metadata", "correlation_uid"]).map(str::to_owned);
        }
        for (name, path) in [
            ("tenant_id", ["metadata", "tenant_uid"].as_slice()),
            ("session_id", &["actor", "session", "uid"]),
        ] {
            if let Some(id) = self.text(path) {
                context.extra.insert(name.to_owned(), id.into());
            }
        }
        context
    }

    fn own_resource(&self, left: Option<&Map>) -> Option<Resource> {
        if let Some(left) = left {
            return Resource::from_value(left.clone().into()).ok();
        }
        if let Some(session) = self.text(&["session", "uid"]).filter(|_| self.class == 3002) {
            return Some(Resource::new("session", session));
        }
        // One without an id was only copied there.
        self.resource().filter(|resource| resource.id.is_some())
    }

    /// The first of the resources.
    fn resource(&self) -> Option<Resource> {
        let first = self.at(&["resources"])?.get(0)?;
        let text = |name: &str| first.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut resource = Resource::default();
        resource.id = text("uid");
        resource.resource_type = text("type");
        resource.extra = first.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        // Names of the resource's own are no extra fields: such data stays as it is, under its name.
        if let Some(Value::String(path)) = resource.extra.get("path") {
            resource.path = Some(path.clone());
            resource.extra.remove("path");
        }
        if ["id", "path", "type"].iter().any(|name| resource.extra.contains_key(*name)) {
            let data = std::mem::take(&mut resource.extra);
            resource.extra.insert("data".to_owned(), data.into());
        }
        if let Some(name) = text("name").filter(|name| resource.id.as_ref() != Some(name)) {
            resource.extra.insert("name".to_owned(), name.into());
        }
        Some(resource)
    }

    fn user(&self) -> Option<&'a Value> {
        let first = if self.class == 3002 { ["user"].as_slice() } else { &["actor", "user"] };
        self.at(first).or_else(|| self.at(&["actor", "user"])).or_else(|| self.at(&["user"]))
    }

    fn foreign(&self, now: Timestamp) -> Event {
        let decision = self.decision();
        let result = self.foreign_result(decision);
        let event_type = self.foreign_type(decision, result.as_ref());
        let mut event = Event::at(self.happened().unwrap_or(now), event_type);
        if let Some(id) = self.text(&["metadata", "uid"]).filter(|id| !id.is_empty()) {
            event.event_id = EventId::from(id);
        }
        self.extra(&mut event);
        let operation = self.text(&["api", "operation"]);
        let mut action = Action::default();
        action.operation = operation.or_else(|| self.text(&["activity_name"])).map(str::to_owned);
        action.result = result;
        action.duration_ms = self.at(&["duration"]).and_then(Value::as_u64);
        event.action = (action != Action::default()).then_some(action);
        event.actor = self.foreign_actor();
        let context = self.context(Context::default());
        event.context = (context != Context::default()).then_some(context);
        event.resource = self.foreign_resource();
        let policy = self.authorization().and_then(|it| it.get("policy")?.get("desc")?.as_str());
        let why = self.text(&["status_detail"]).or(policy.filter(|_| decision == Some(false)));
        if let Some(why) = why.filter(|why| !why.is_empty()) {
            let key = reason_key(event.event_type.category());
            event.details.insert(key.to_owned(), why.into());
        }
        if event.event_type.category() == "access" {
            if let Some(operation) = operation {
                event.details.insert("operation".to_owned(), operation.into());
            }
            let resource = event.resource.as_ref();
            if let Some((of, id)) = resource.and_then(|it| it.resource_type.as_ref().zip(it.id.as_ref())) {
                event.details.insert("resource".to_owned(), format!("{of}:{id}").into());
            }
        }
        event
    }

    /// Whether it was allowed, where the record says: one refusal is a refusal.
    fn decision(&self) -> Option<bool> {
        let all =
            self.at(&["actor", "authorizations"]).or_else(|| self.at(&["authorizations"]))?.as_array()?;
        let says = |words: &[&str]| {
            let said = all.iter().filter_map(|it| it.get("decision")?.as_str());
            said.into_iter().any(|it| words.iter().any(|word| it.eq_ignore_ascii_case(word)))
        };
        if says(&["denied", "deny", "unauthorized", "refused", "rejected", "forbidden"]) {
            return Some(false);
        }
        says(&["authorized", "allowed", "allow", "granted", "permitted"]).then_some(true)
    }

    fn foreign_result(&self, decision: Option<bool>) -> Option<ActionResult> {
        match (self.number(&["status_id"]), decision) {
            (_, Some(false)) => Some(ActionResult::DENIED),
            (Some(1), _) => Some(ActionResult::SUCCESS),
            (Some(2), _) => Some(ActionResult::FAILURE),
            (Some(99), _) => self.text(&["status"]).map(ActionResult::from),
            _ => match self.text(&["status"]).map(str::to_ascii_lowercase).as_deref() {
                Some("success") => Some(ActionResult::SUCCESS),
                Some("failure") => Some(ActionResult::FAILURE),
                _ => None,
            },
        }
    }

    fn foreign_type(&self, decision: Option<bool>, result: Option<&ActionResult>) -> EventType {
        let failed = result.is_some_and(|it| *it == ActionResult::FAILURE || *it == ActionResult::DENIED);
        let of_type = || self.number(&["type_uid"]).map(|uid| uid.rem_euclid(100));
        let activity = self.number(&["activity_id"]).or_else(of_type).unwrap_or(0);
        match (self.class, activity) {
            (3002, 1) if failed => return EventType::AUTH_FAILED,
            (3002, 1) => return EventType::AUTH_LOGIN,
            (3002, 2) => return EventType::AUTH_LOGOUT,
            (6003, _) if decision == Some(false) => return EventType::ACCESS_DENIED,
            (6003, _) if decision == Some(true) => return EventType::ACCESS_GRANTED,
            _ => {}
        }
        let of_class = || READ.iter().filter(|(_, class, _)| i64::from(class.uid()) == self.class);
        let exactly = of_class().find(|(_, _, known)| i64::from(*known) == activity);
        let known = exactly.or_else(|| of_class().find(|(_, _, known)| *known == OTHER));
        let text = match known {
            Some((text, ..)) => (*text).to_owned(),
            None => format!("ocsf.class_{}", self.class.unsigned_abs()),
        };
        text.parse().expect("names of letters and digits")
    }

    fn foreign_actor(&self) -> Option<Actor> {
        let mut actor = Actor::default();
        if let Some(user) = self.user() {
            let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            actor.id = text("uid").or(text("name")).or(text("email_addr")).map(str::to_owned);
            if let (Some(_), Some(name)) = (text("uid"), text("name")) {
                actor.extra.insert("name".to_owned(), name.into());
            }
            actor.roles = groups(user);
            actor.actor_type = actor_type(user);
        }
        if actor.id.is_none() {
            let program =
                [["actor", "app_name"].as_slice(), &["actor", "invoked_by"], &["actor", "process", "name"]];
            actor.id = program.iter().find_map(|path| self.text(path)).map(str::to_owned);
        }
        let from = ["ip", "hostname", "name"].iter().find_map(|name| self.text(&["src_endpoint", name]));
        actor.ip_address = from.map(str::to_owned);
        actor.user_agent = self.text(&["http_request", "user_agent"]).map(str::to_owned);
        (actor != Actor::default()).then_some(actor)
    }

    fn foreign_resource(&self) -> Option<Resource> {
        if let Some(mut resource) = self.resource() {
            // A name is all that many give.
            if resource.id.is_none()
                && let Some(Value::String(name)) = resource.extra.remove("name")
            {
                resource.id = Some(name);
            }
            return Some(resource);
        }
        let (of, name) = match self.class {
            3002 => ("service", self.text(&["service", "name"])),
            6002 => ("application", self.text(&["app", "name"])),
            _ => ("", None),
        };
        name.map(|name| Resource::new(of, name))
    }
}

fn groups(user: &Value) -> Vec<String> {
    let groups = user.get("groups").and_then(Value::as_array);
    let name = |group: &Value| group.get("name").and_then(Value::as_str).map(str::to_owned);
    groups.into_iter().flatten().filter_map(name).collect()
}

fn actor_type(user: &Value) -> Option<ActorType> {
    match user.get("type_id").and_then(Value::as_i64)? {
        1 => Some(ActorType::USER),
        2 => Some(ActorType::from("admin")),
        3 => Some(ActorType::SYSTEM),
        4 => Some(ActorType::SERVICE),
        99 => user.get("type").and_then(Value::as_str).map(ActorType::from),
        _ => None,
    }
}

/// Two halves of one value, of which objects were taken apart.
fn merged(placed: Value, left: Option<Value>) -> Value {
    match (placed, left) {
        (Value::Object(mut placed), Some(Value::Object(left))) => {
            for (name, value) in left {
                let both = placed.remove(&name);
                placed.insert(name, both.map_or(value.clone(), |both| merged(both, Some(value))));
            }
            Value::Object(placed)
        }
        (placed, _) => placed,
    }
}
