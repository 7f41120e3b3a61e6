use audit_model::Value;
use audit_template::{Escape, Template, TemplateError};
use serde_json::{Map, json};

use crate::notice::OF_THE_ALERT;
use crate::sample::samples;
use crate::{Notice, Status};

/// Alerts as JSON for any receiver.
///
/// ```
/// use audit_notify::{Notice, Webhook};
///
/// let notice = Notice::from_line(br#"{"event_type":"alert.fired","details":{"rule":"r","severity":"high","event":{
///     "event_type":"backup.failed","actor":{"id":"\"; drop"}}}}"#)?.expect("an alert");
/// let body = Webhook::default().message(&notice);
/// assert_eq!((&body["version"], &body["alert"]["rule"]), (&"1".into(), &"r".into()));
///
/// let webhook = Webhook::default().template(r#"{"title": "{{ .summary }}", "who": "{{ .actor.id }}", "event": {{ json .event }}}"#)?;
/// assert_eq!(webhook.message(&notice)["who"], "\"; drop");
/// assert!(Webhook::default().template(r#"{"who": {{ .actor.id }}}"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Webhook {
    template: Option<Template>,
}

/// Why a template is none for a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// It cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// What it renders for a sample alert is not JSON.
    #[error(
        "it renders as something that is not JSON: {problem}, near `{near}`; put texts in quotation marks, and `json` before what is no text: {{{{ json .count }}}}"
    )]
    NotJson {
        /// What the JSON reader says, with line and column in what was rendered.
        problem: String,
        /// What stands there.
        near: String,
    },
}

impl Webhook {
    /// Sets a template for the body, which must render as JSON: texts in quotation marks (`"{{ .actor.id }}"`, escaped as JSON
    /// wants it), anything else by `json` (`{{ json .details }}`, which is `null` for what is missing).
    ///
    /// # Errors
    /// When it is not a template, names a field that there is not, or does not render as JSON for alerts with all fields, with
    /// none, fired and resolved.
    pub fn template(mut self, text: &str) -> Result<Self, WebhookError> {
        let template = Template::parse(text, &Notice::shape())?;
        for notice in samples("high") {
            let rendered = template.render(notice.dot(), Escape::Json);
            if let Err(error) = serde_json::from_str::<Value>(&rendered) {
                return Err(WebhookError::NotJson {
                    problem: error.to_string(),
                    near: near(&rendered, &error),
                });
            }
        }
        self.template = Some(template);
        Ok(self)
    }

    /// The body to be posted. A template that does not read `test` or `status` gets members `"test": true` for a test and
    /// `"status": "resolved"` for the end of an alert. Should a template not render as JSON for this alert, it is the default body with a member
    /// `template_error`: an alert in another form is better than none.
    #[must_use]
    pub fn message(&self, notice: &Notice) -> Value {
        let Some(template) = &self.template else { return by_default(notice) };
        let rendered = template.render(notice.dot(), Escape::Json);
        match serde_json::from_str(&rendered) {
            Ok(body) => marked(body, notice, template),
            Err(error) => {
                let mut body = by_default(notice);
                body["template_error"] = format!("the template did not render as JSON: {error}").into();
                body
            }
        }
    }
}

/// A test must not be taken for an alert, nor the end of one for its beginning: an object whose template does not say it gets a
/// member that does.
fn marked(mut body: Value, notice: &Notice, template: &Template) -> Value {
    let Value::Object(members) = &mut body else { return body };
    if notice.is_test() && !template.reads("test") {
        members.entry("test").or_insert_with(|| true.into());
    }
    if notice.status() == Status::Resolved && !template.reads("status") {
        members.entry("status").or_insert_with(|| Status::Resolved.as_str().into());
    }
    body
}

fn by_default(notice: &Notice) -> Value {
    let dot = notice.dot();
    let mut alert = Map::new();
    for name in OF_THE_ALERT.into_iter().chain(["window"]) {
        if let Some(value) = dot.get(name) {
            alert.insert(name.to_owned(), value.clone());
        }
    }
    json!({"version": "1", "alert": alert})
}

/// What stands before the place of an error.
fn near(rendered: &str, error: &serde_json::Error) -> String {
    let line = rendered.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let end = (0..=error.column().min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let start = line[..end].char_indices().rev().nth(30).map_or(0, |(at, _)| at);
    line[start..end].to_owned()
}
