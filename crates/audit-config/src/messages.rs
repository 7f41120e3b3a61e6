//! What notifiers say.

use audit_notify::{Email, PagerDuty, PagerDutyError, Slack, Webhook};
use secrecy::SecretString;

use crate::notifiers::own_name;
use crate::{Config, ConfigError, Notifier};

/// What one notifier says for one rule.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "alert"), allow(dead_code, reason = "it is checked, and nobody is told"))]
pub(crate) enum Message {
    Slack(Slack),
    PagerDuty(PagerDuty),
    Email(Email),
    Webhook(Webhook),
}

/// The key whose value cannot be used, and why.
type Wrong = (&'static str, String);

impl Message {
    pub(crate) fn of(notifier: &Notifier) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let message = match notifier {
            Notifier::Slack(it) => {
                let mut slack = Slack::default();
                if let Some(channel) = &it.channel {
                    slack = slack.channel(channel);
                }
                if let Some(username) = &it.username {
                    slack = slack.username(username);
                }
                Self::Slack(with(slack, "template", it.template.as_deref(), Slack::template, &mut wrong))
            }
            Notifier::Pagerduty(it) => {
                // Whether there is a key is looked at elsewhere: it may come from where this runs.
                let key = it.routing_key.clone().map_or_else(|| "none".into(), SecretString::from);
                let start = PagerDuty::new(key).map_err(|error| vec![("routing_key", error.to_string())])?;
                let severity = |it: PagerDuty, text: &str| it.severity(text);
                let summary = |it: PagerDuty, text: &str| it.summary(text).map_err(PagerDutyError::from);
                let pagerduty = with(start, "severity", it.severity.as_deref(), severity, &mut wrong);
                Self::PagerDuty(with(pagerduty, "template", it.template.as_deref(), summary, &mut wrong))
            }
            Notifier::Email(it) => {
                let email =
                    with(Email::default(), "subject", it.subject.as_deref(), Email::subject, &mut wrong);
                let email = with(email, "template", it.template.as_deref(), Email::text, &mut wrong);
                Self::Email(with(email, "html", it.html.as_deref(), Email::html, &mut wrong))
            }
            Notifier::Webhook(it) => {
                let start = Webhook::default();
                Self::Webhook(with(start, "template", it.template.as_deref(), Webhook::template, &mut wrong))
            }
        };
        if wrong.is_empty() { Ok(message) } else { Err(wrong) }
    }

    /// As the notifier's sink takes it.
    #[cfg(feature = "alert")]
    pub(crate) fn bytes(&self, notice: &audit_notify::Notice) -> Vec<u8> {
        match self {
            Self::Slack(slack) => slack.message(notice).to_string().into_bytes(),
            Self::PagerDuty(pagerduty) => pagerduty.message(notice).to_string().into_bytes(),
            Self::Webhook(webhook) => webhook.message(notice).to_string().into_bytes(),
            #[cfg(feature = "email")]
            Self::Email(email) => {
                let audit_notify::EmailMessage { subject, text, html, .. } = email.message(notice);
                audit_sink_email::Letter { subject, text, html }.to_bytes()
            }
            // Not reached: there is no sink for it.
            #[cfg(not(feature = "email"))]
            Self::Email(email) => email.message(notice).text.into_bytes(),
        }
    }
}

/// Sets a text that is there; where it cannot be used, says why and goes on without.
fn with<T: Clone, E: std::fmt::Display>(
    start: T,
    key: &'static str,
    text: Option<&str>,
    set: impl Fn(T, &str) -> Result<T, E>,
    wrong: &mut Vec<Wrong>,
) -> T {
    let Some(text) = text else { return start };
    match set(start.clone(), text) {
        Ok(set) => set,
        Err(error) => {
            wrong.push((key, error.to_string()));
            start
        }
    }
}

impl Config {
    /// What is wrong with the texts of notifiers, those of `notifiers` included.
    pub(crate) fn check_messages(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let look = |errors: &mut Vec<ConfigError>, path: &str, notifier: &Notifier| {
            for (key, message) in Message::of(notifier).err().into_iter().flatten() {
                let path = format!("{path}.{key}");
                // A variable's value is nobody's business who reads the error.
                let message = match self.origin.is_from_variable(&path) {
                    true => "found a variable's value that cannot be used here".to_owned(),
                    false => message,
                };
                errors.push(self.origin.error(&path, message));
            }
        };
        for (index, rule) in self.alerts.iter().enumerate() {
            for (position, notifier) in rule.notify.iter().enumerate() {
                look(&mut errors, &format!("alerts[{index}].notify[{position}]"), notifier);
            }
        }
        if let Some(defaults) = &self.notifiers {
            let slack = defaults.slack.clone().map(Notifier::Slack);
            let pagerduty = defaults.pagerduty.clone().map(Notifier::Pagerduty);
            let email = defaults.email.clone().map(Notifier::Email);
            let webhook = defaults.webhook.clone().map(Notifier::Webhook);
            for notifier in [slack, pagerduty, email, webhook].into_iter().flatten() {
                let path = format!("notifiers.{}", notifier.type_name());
                look(&mut errors, &path, &notifier);
                if own_name(&notifier).is_some() {
                    let message =
                        "found a name for all of that type, expected it at the notifier that it is of";
                    errors.push(self.origin.error(&format!("{path}.name"), message));
                }
            }
        }
        errors
    }
}
