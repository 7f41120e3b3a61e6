use audit_model::{Severity, Value};
use audit_template::{Escape, Template, TemplateError};
use serde_json::json;

use crate::cut::cut_entities;
use crate::marks::marks;
use crate::summary::counted;
use crate::{Notice, Status};

/// The longest `text` of a message, in characters (<https://docs.slack.dev/changelog/2018-truncating-really-long-messages/>).
const MOST_TEXT: usize = 40_000;
/// The longest text of a section (<https://docs.slack.dev/reference/block-kit/blocks/section-block/>).
const MOST_SECTION: usize = 3000;
/// The longest text of a section's field; there may be ten.
const MOST_FIELD: usize = 2000;

/// Alerts as bodies for a Slack incoming webhook.
///
/// Slack itself decides whether `channel`, `username` and `icon_emoji` count: a webhook of a Slack app always writes to its own
/// channel, under its own name.
///
/// ```
/// use audit_notify::{Notice, Slack};
///
/// let notice = Notice::from_line(br#"{"event_type":"alert.fired","details":{"rule":"r","severity":"high","event":{
///     "event_type":"access.denied","actor":{"id":"<!channel>"}}}}"#)?.expect("an alert");
/// let slack = Slack::default().channel("#kafka-alerts").template(":warning: *{{ .event_type }}*\nUser: {{ .actor.id }}")?;
/// let body = slack.message(&notice);
/// assert_eq!(body["channel"], "#kafka-alerts");
/// assert_eq!(body["text"], ":warning: *access.denied*\nUser: &lt;!channel&gt;");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slack {
    channel: Option<String>,
    username: Option<String>,
    icon_emoji: Option<String>,
    template: Option<Template>,
}

impl Slack {
    /// Sets the channel, such as `#security-alerts`.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Sets the name that the message is from.
    #[must_use]
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// Sets the picture that the message is from, such as `:lock:`.
    #[must_use]
    pub fn icon_emoji(mut self, emoji: impl Into<String>) -> Self {
        self.icon_emoji = Some(emoji.into());
        self
    }

    /// Sets the message's text, in Slack's mrkdwn, in place of the default message.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn template(mut self, text: &str) -> Result<Self, TemplateError> {
        self.template = Some(Template::parse(text, &Notice::shape())?);
        Ok(self)
    }

    /// The body to be posted.
    #[must_use]
    pub fn message(&self, notice: &Notice) -> Value {
        let mut body = match &self.template {
            Some(template) => from_template(template, notice),
            None => by_default(notice),
        };
        // A URL in an actor's name is nothing that Slack should fetch.
        body["unfurl_links"] = false.into();
        body["unfurl_media"] = false.into();
        for (key, value) in
            [("channel", &self.channel), ("username", &self.username), ("icon_emoji", &self.icon_emoji)]
        {
            if let Some(value) = value {
                body[key] = value.as_str().into();
            }
        }
        body
    }
}

fn from_template(template: &Template, notice: &Notice) -> Value {
    let rendered = template.render(notice.dot(), Escape::Slack);
    if rendered.trim().is_empty() {
        // Slack refuses an empty message, and silence would be worse than a message that nobody designed.
        return by_default(notice);
    }
    let text = format!("{}{}", marks(notice, template), rendered.trim_end());
    json!({"text": cut_entities(&text, MOST_TEXT)})
}

fn by_default(notice: &Notice) -> Value {
    let (emoji, color) = look(notice);
    let test = if notice.is_test() { ":test_tube: *[TEST]* " } else { "" };
    let status = match notice.status() {
        Status::Firing => crate::severity::word(notice.severity()).to_uppercase(),
        Status::Resolved => "RESOLVED".to_owned(),
    };
    let summary = escaped(notice.summary(), MOST_SECTION);
    let mut blocks = Vec::new();
    if let Some(description) = notice.text(&["description"]) {
        blocks.push(json!({"type": "section", "text": mrkdwn(&escaped(description, MOST_SECTION))}));
    }
    let fields: Vec<Value> = facts(notice)
        .into_iter()
        .map(|(label, value)| mrkdwn(&cut_entities(&format!("*{label}*\n{value}"), MOST_FIELD)))
        .take(10)
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    let mut footer = escaped(notice.alert_id(), 200);
    if let Some(condition) = notice.text(&["condition"]) {
        footer.push_str(" · ");
        footer.push_str(&escaped(condition, 1000));
    }
    blocks.push(json!({"type": "context", "elements": [mrkdwn(&footer)]}));
    json!({
        "text": format!("{test}{emoji} *[{status}]* {summary}"),
        "attachments": [{"color": color, "blocks": blocks}],
    })
}

/// `verbatim` keeps Slack from making links and mentions of plain text.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn escaped(text: &str, most: usize) -> String {
    let line = Escape::HeaderLine.escaped(text);
    cut_entities(&Escape::Slack.escaped(line.trim()), most)
}

fn look(notice: &Notice) -> (&'static str, &'static str) {
    match (notice.status(), notice.severity()) {
        (Status::Resolved, _) => (":white_check_mark:", "#2e7d32"),
        (_, Severity::Critical) => (":rotating_light:", "#b71c1c"),
        (_, Severity::High) => (":red_circle:", "#e53935"),
        (_, Severity::Medium) => (":warning:", "#fb8c00"),
        (_, Severity::Low) => (":large_blue_circle:", "#1e88e5"),
        _ => (":information_source:", "#757575"),
    }
}

/// What is shown in two columns: those that there are.
fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let dot = notice.dot();
    let text = |path: &[&str]| notice.text(path).map(|text| escaped(text, 300));
    let joined = |first: Option<String>, second: Option<String>| match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first} {second}")),
        (first, second) => first.or(second),
    };
    let in_brackets = |text: Option<String>| text.map(|text| format!("({text})"));
    let number = |name: &str| dot.get(name).and_then(Value::as_u64);
    let alerts = number("summed_up");
    // The window and the threshold are those of one alert.
    let count = number("count").filter(|count| *count > 1 && alerts.is_none()).map(|count| {
        let window = text(&["window"]).map(|window| format!(" within {window}")).unwrap_or_default();
        let threshold =
            number("threshold").map(|threshold| format!(" (threshold {threshold})")).unwrap_or_default();
        format!("{count}{window}{threshold}")
    });
    let group = dot.get("group").and_then(Value::as_object).map(|group| {
        let pair = |(path, value): (&String, &Value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{} = {}", escaped(path, 100), escaped(&value, 300))
        };
        group.iter().take(5).map(pair).collect::<Vec<_>>().join("\n")
    });
    let event = if dot.get("event").is_some() { text(&["event_type"]) } else { None };
    let actor = if event.is_some() {
        joined(text(&["actor", "id"]), in_brackets(text(&["actor", "ip_address"])))
    } else {
        None
    };
    let resource =
        if event.is_some() { joined(text(&["resource", "type"]), text(&["resource", "id"])) } else { None };
    let result = if event.is_some() {
        joined(text(&["action", "operation"]), in_brackets(text(&["action", "result"])))
    } else {
        None
    };
    [
        ("Event", event),
        ("Actor", actor),
        ("Resource", resource),
        ("Action", result),
        (
            "Environment",
            joined(text(&["context", "environment"]), in_brackets(text(&["context", "cluster_id"]))),
        ),
        ("Count", count),
        ("Summed up", alerts.map(|alerts| summed_up(alerts, number("count").unwrap_or(0)))),
        ("Group", group.filter(|group| !group.is_empty())),
        ("Nothing for", text(&["absent_for"])),
        ("First", text(&["first_time"])),
        ("Last", text(&["last_time"])),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

fn summed_up(alerts: u64, events: u64) -> String {
    let alerts = counted(alerts, "alert");
    if events > 0 { format!("{alerts}, {}", counted(events, "event")) } else { alerts }
}
