use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::deserialize::recover_each;
use crate::scalar::{duration, one_or_list};
use crate::tagged::tagged;

/// When to tell somebody, and whom.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct AlertRule {
    /// The rule's own name.
    pub name: String,
    /// A boolean expression over an event: `event_type == 'backup.failed'`.
    pub condition: String,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// How many matching events it takes; one when left out.
    pub threshold: Option<NonZeroU32>,
    /// Within how long: `5m`.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub window: Option<Duration>,
    /// Whom to tell.
    #[serde(default, deserialize_with = "recover_each")]
    pub notify: Vec<Notifier>,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    Critical,
    High,
    #[default]
    Medium,
    Low,
    Info,
}

tagged! {
    /// A way to tell somebody, told apart by `type`.
    pub enum Notifier {
        /// A Slack channel.
        Slack(SlackNotifier),
        /// A PagerDuty service.
        Pagerduty(PagerdutyNotifier),
        /// Mailboxes.
        Email(EmailNotifier),
    }
}

/// What the alerts' notifiers lack, by type.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Notifiers {
    /// For `type: slack`.
    pub slack: Option<SlackNotifier>,
    /// For `type: pagerduty`.
    pub pagerduty: Option<PagerdutyNotifier>,
    /// For `type: email`.
    pub email: Option<EmailNotifier>,
}

/// `type: slack`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SlackNotifier {
    /// The incoming webhook's URL, which is a secret.
    pub webhook: Option<Secret>,
    /// The channel, where the webhook allows another.
    pub channel: Option<String>,
    /// The message.
    pub template: Option<String>,
}

/// `type: pagerduty`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct PagerdutyNotifier {
    /// The integration's routing key.
    pub routing_key: Option<Secret>,
    /// PagerDuty's severity, as a template.
    pub severity: Option<String>,
}

/// `type: email`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct EmailNotifier {
    /// `host:port`.
    pub smtp_server: Option<String>,
    /// Who to log in as, if the server asks.
    pub smtp_username: Option<String>,
    /// And the password.
    pub smtp_password: Option<Secret>,
    /// The sender's address.
    pub from: Option<String>,
    /// The receivers' addresses: one or a list.
    #[serde(deserialize_with = "one_or_list::deserialize")]
    #[schemars(schema_with = "one_or_list::schema")]
    pub to: Vec<String>,
}
