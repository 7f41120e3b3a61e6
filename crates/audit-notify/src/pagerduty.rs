use audit_model::{Severity, Timestamp, Value};
use audit_template::{Escape, Template, TemplateError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, json};

use crate::cut::{cut, cut_json};
use crate::marks::marks_of_a_line;
use crate::sample::samples;
use crate::{Notice, Status};

/// The longest summary, in characters (<https://developer.pagerduty.com/docs/send-alert-event>).
const MOST_SUMMARY: usize = 1024;
/// The longest key that ties the records of one alert together, in characters.
const MOST_KEY: usize = 255;
/// All of an event may have 512 KB; this much of it are details.
const MOST_DETAILS: usize = 256 << 10;
/// For what the documentation names no limit.
const MOST_OTHER: usize = 255;

/// Alerts as events for PagerDuty's Events API v2.
///
/// ```
/// use audit_notify::{Notice, PagerDuty};
///
/// let notice = Notice::from_line(br#"{"event_type":"alert.fired","details":{"alert_id":"alert-00112233445566aa","rule":"r",
///     "severity":"high","event":{"event_type":"backup.failed","context":{"cluster_id":"prod-1"}}}}"#)?.expect("an alert");
/// let pagerduty = PagerDuty::new("0123456789abcdef0123456789abcdef".into())?.severity("{{ .severity }}")?;
/// let body = pagerduty.message(&notice);
/// assert_eq!((&body["event_action"], &body["dedup_key"]), (&"trigger".into(), &"alert-00112233445566aa".into()));
/// assert_eq!((&body["payload"]["severity"], &body["payload"]["source"]), (&"error".into(), &"prod-1".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PagerDuty {
    routing_key: SecretString,
    severity: Option<Template>,
    summary: Option<Template>,
    source: Option<Template>,
    client: String,
    client_url: Option<String>,
    links: Vec<(Template, Template)>,
}

/// What is wrong with how a [`PagerDuty`] was set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PagerDutyError {
    /// A template that cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A severity that there is not.
    #[error(
        "the severity renders as `{found}`; expected one of critical, error, warning, info, or a rule's own: critical, \
         high, medium, low, info"
    )]
    Severity {
        /// What it rendered as.
        found: String,
    },
    /// A routing key that cannot be one. It is not quoted, being a secret.
    #[error(
        "the routing key is {found}; expected the integration key of a service's Events API v2 integration, 32 characters"
    )]
    RoutingKey {
        /// What is wrong with it.
        found: &'static str,
    },
}

impl PagerDuty {
    /// Events for the integration with this key.
    ///
    /// # Errors
    /// When the key is empty or holds anything but printable ASCII. Another length than PagerDuty's 32 is let pass, for
    /// services that only speak its language; see [`PagerDuty::has_usual_key`].
    pub fn new(routing_key: SecretString) -> Result<Self, PagerDutyError> {
        let key = routing_key.expose_secret();
        let found = if key.is_empty() {
            Some("empty")
        } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some("not all printable ASCII without spaces")
        } else {
            None
        };
        match found {
            Some(found) => Err(PagerDutyError::RoutingKey { found }),
            None => Ok(Self {
                routing_key,
                severity: None,
                summary: None,
                source: None,
                client: "audit-log".to_owned(),
                client_url: None,
                links: Vec::new(),
            }),
        }
    }

    /// Whether the key looks like PagerDuty's: 32 letters and digits.
    #[must_use]
    pub fn has_usual_key(&self) -> bool {
        let key = self.routing_key.expose_secret();
        key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Sets a template for the severity. It renders as one of PagerDuty's (`critical`, `error`, `warning`, `info`) or one of the
    /// rule's (`high` becomes `error`, `medium` `warning`, `low` `info`). Where it renders as anything else, the rule's counts.
    ///
    /// # Errors
    /// When it is not a template, or renders as no severity for any sample alert.
    pub fn severity(mut self, text: &str) -> Result<Self, PagerDutyError> {
        let template = Template::parse(text, &Notice::shape())?;
        let notices: Vec<Notice> =
            ["critical", "high", "medium", "low", "info"].into_iter().flat_map(samples).collect();
        let rendered = |notice: &Notice| template.render(notice.dot(), Escape::None);
        if !notices.iter().any(|notice| severity_named(&rendered(notice)).is_some()) {
            // What is only empty for the samples may be filled for events.
            let found = notices.iter().map(rendered).find(|text| !text.trim().is_empty());
            if let Some(found) = found.or(template.constant().map(str::to_owned)) {
                return Err(PagerDutyError::Severity { found: cut(found.trim(), 60) });
            }
        }
        self.severity = Some(template);
        Ok(self)
    }

    /// Sets a template for the summary, which PagerDuty takes as the alert's title.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn summary(mut self, text: &str) -> Result<Self, TemplateError> {
        self.summary = Some(Template::parse(text, &Notice::shape())?);
        Ok(self)
    }

    /// Sets a template for the affected system. By default that is the event's cluster, its environment, or `audit-log`.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn source(mut self, text: &str) -> Result<Self, TemplateError> {
        self.source = Some(Template::parse(text, &Notice::shape())?);
        Ok(self)
    }

    /// Sets who sends it; `audit-log` by default.
    #[must_use]
    pub fn client(mut self, name: impl Into<String>) -> Self {
        self.client = name.into();
        self
    }

    /// Sets the address behind the client's name.
    #[must_use]
    pub fn client_url(mut self, url: impl Into<String>) -> Self {
        self.client_url = Some(url.into());
        self
    }

    /// Adds a link, such as to a runbook. Both are templates; values within the address want `urlquery`. An address that does not
    /// begin with `https://` or `http://` is left out.
    ///
    /// # Errors
    /// When one is not a template, or names a field that there is not.
    pub fn link(mut self, href: &str, text: &str) -> Result<Self, TemplateError> {
        let parse = |text| Template::parse(text, &Notice::shape());
        self.links.push((parse(href)?, parse(text)?));
        Ok(self)
    }

    /// The body to be posted to `/v2/enqueue`. It holds the routing key.
    #[must_use]
    pub fn message(&self, notice: &Notice) -> Value {
        let mut body = json!({
            "routing_key": self.routing_key.expose_secret(),
            "event_action": match notice.status() { Status::Firing => "trigger", Status::Resolved => "resolve" },
            "dedup_key": cut(notice.alert_id(), MOST_KEY),
            "payload": self.payload(notice),
            "client": cut(&self.client, MOST_OTHER),
        });
        if let Some(url) = &self.client_url {
            body["client_url"] = url.as_str().into();
        }
        let links: Vec<Value> =
            self.links.iter().filter_map(|(href, text)| link(href, text, notice)).collect();
        if !links.is_empty() {
            body["links"] = links.into();
        }
        body
    }

    fn payload(&self, notice: &Notice) -> Value {
        let rendered = |template: &Option<Template>| {
            let text = template.as_ref()?.render(notice.dot(), Escape::HeaderLine);
            let line = Escape::HeaderLine.escaped(&text);
            Some(line.trim().to_owned()).filter(|line| !line.is_empty())
        };
        let summary = rendered(&self.summary).unwrap_or_else(|| notice.summary().to_owned());
        let source = rendered(&self.source)
            .or_else(|| line(notice.text(&["context", "cluster_id"])))
            .or_else(|| line(notice.text(&["context", "environment"])));
        let own = self.severity.as_ref().map(|template| template.render(notice.dot(), Escape::None));
        let severity = own.as_deref().and_then(severity_named).unwrap_or_else(|| named(notice.severity()));
        let mut payload = json!({
            "summary": cut(&format!("{}{summary}", marks_of_a_line(notice)), MOST_SUMMARY),
            "source": cut(&source.unwrap_or_else(|| "audit-log".to_owned()), MOST_OTHER),
            "severity": severity,
            "custom_details": cut_json(&details(notice), MOST_DETAILS),
        });
        let event_time = notice.text(&["timestamp"]).and_then(|time| time.parse::<Timestamp>().ok());
        let optional = [
            ("timestamp", event_time.or(notice.time()).map(|time| time.to_string())),
            ("component", line(notice.text(&["resource", "id"]))),
            ("group", line(notice.text(&["context", "environment"]))),
            ("class", line(notice.text(&["event_type"]))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                payload[name] = cut(&value, MOST_OTHER).into();
            }
        }
        payload
    }
}

/// The alert's own fields, and the event: what PagerDuty shows as a table.
fn details(notice: &Notice) -> Value {
    const SHOWN: [&str; 14] = [
        "rule",
        "description",
        "severity",
        "status",
        "condition",
        "count",
        "summed_up",
        "threshold",
        "window",
        "absent_for",
        "group",
        "first_time",
        "last_time",
        "lasted",
    ];
    let mut details = Map::new();
    let dot = notice.dot();
    for name in SHOWN.into_iter().chain(["event"]) {
        if let Some(value) = dot.get(name) {
            details.insert(name.to_owned(), value.clone());
        }
    }
    if notice.is_test() {
        details.insert("test".to_owned(), true.into());
    }
    Value::Object(details)
}

fn link(href: &Template, text: &Template, notice: &Notice) -> Option<Value> {
    let rendered = |template: &Template| {
        Escape::HeaderLine.escaped(&template.render(notice.dot(), Escape::HeaderLine)).trim().to_owned()
    };
    let (href, text) = (rendered(href), rendered(text));
    let is_address =
        ["https://", "http://"].iter().any(|scheme| href.starts_with(scheme)) && !href.contains(' ');
    is_address.then(|| json!({"href": href, "text": cut(&text, MOST_OTHER)}))
}

fn line(text: Option<&str>) -> Option<String> {
    let line = Escape::HeaderLine.escaped(text?);
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// PagerDuty's word for a word of its own or of a rule.
fn severity_named(word: &str) -> Option<&'static str> {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Some("critical"),
        "error" | "high" => Some("error"),
        "warning" | "medium" => Some("warning"),
        "info" | "low" => Some("info"),
        _ => None,
    }
}

fn named(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Low | Severity::Informational => "info",
        _ => "warning",
    }
}
