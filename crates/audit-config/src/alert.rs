use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deserialize::recover_each;
use crate::scalar::{duration, one_or_list, window};
use crate::tagged::tagged;
use crate::{Secret, Tls};

/// When to tell somebody, and whom.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct AlertRule {
    /// The rule's own name.
    pub name: String,
    /// What it is about, for whoever is told.
    pub description: Option<String>,
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
    /// The fields by whose values events are counted apart: `actor.id`. One or a list.
    #[serde(default, deserialize_with = "one_or_list::deserialize")]
    #[schemars(schema_with = "one_or_list::schema")]
    pub group_by: Vec<String>,
    /// What has to have happened shortly before.
    pub preceded_by: Option<PrecededBy>,
    /// Tells when no event matches for so long, instead of when some do: `26h`.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub absent_for: Option<Duration>,
    /// How long nobody is told again while it goes on; `resolve_after` when left out, else the window.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub cooldown: Option<Duration>,
    /// Whether somebody is told again after that while it goes on; they are when left out.
    pub realert: Option<bool>,
    /// The longest that the cooldown becomes, which doubles each time: `24h` when left out.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub realert_max: Option<Duration>,
    /// Whether it is told when it is over; it is when left out, where it can be known.
    pub resolve: Option<bool>,
    /// How long it has to be quiet for that; the window when left out.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub resolve_after: Option<Duration>,
    /// How many groups are kept apart at most: 10,000 when left out.
    pub max_groups: Option<NonZeroU32>,
    /// How many alerts are told one by one within a minute, before the others are summed up: 100 when left out.
    pub max_alerts: Option<NonZeroU32>,
    /// Whom to tell.
    #[serde(default, deserialize_with = "recover_each")]
    pub notify: Vec<Notifier>,
}

/// What has to have happened before an event counts, in the same group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct PrecededBy {
    /// A boolean expression over the events before.
    pub condition: String,
    /// How many of them it takes; one when left out.
    pub threshold: Option<NonZeroU32>,
    /// How long before at most.
    #[serde(with = "window")]
    #[schemars(with = "String")]
    pub window: Duration,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
#[non_exhaustive]
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
        /// An HTTP endpoint.
        Webhook(WebhookNotifier),
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
    /// For `type: webhook`.
    pub webhook: Option<WebhookNotifier>,
}

/// `type: slack`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SlackNotifier {
    /// What it is called in messages, metrics and files.
    pub name: Option<String>,
    /// The incoming webhook's URL, which is a secret.
    pub webhook: Option<Secret>,
    /// The channel, where the webhook allows another.
    pub channel: Option<String>,
    /// Who it seems to come from, where the webhook allows another.
    pub username: Option<String>,
    /// The message.
    pub template: Option<String>,
    /// Whether to tell when it is over, too; it is told when left out.
    pub send_resolved: Option<bool>,
    /// Whom to trust, and as whom to appear.
    pub tls: Option<Tls>,
    /// An HTTP proxy's URL.
    pub proxy: Option<Secret>,
}

/// `type: pagerduty`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct PagerdutyNotifier {
    /// What it is called in messages, metrics and files.
    pub name: Option<String>,
    /// The integration's routing key.
    pub routing_key: Option<Secret>,
    /// PagerDuty's severity, as a template.
    pub severity: Option<String>,
    /// The incident's summary, as a template.
    pub template: Option<String>,
    /// Whether to resolve the incident when it is over; it is resolved when left out.
    pub send_resolved: Option<bool>,
    /// The Events API; that of the US region when left out.
    pub url: Option<String>,
    /// Whom to trust, and as whom to appear.
    pub tls: Option<Tls>,
    /// An HTTP proxy's URL.
    pub proxy: Option<Secret>,
}

/// `type: email`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct EmailNotifier {
    /// What it is called in messages, metrics and files.
    pub name: Option<String>,
    /// `host:port`.
    pub smtp_server: Option<String>,
    /// How the connection is encrypted: `tls` when left out at port 465, and else `starttls`.
    pub encryption: Option<SmtpEncryption>,
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
    /// The subject, as a template.
    pub subject: Option<String>,
    /// The text, as a template.
    pub template: Option<String>,
    /// The HTML text, as a template.
    pub html: Option<String>,
    /// Whether to tell when it is over, too; it is told when left out.
    pub send_resolved: Option<bool>,
    /// Whom to trust, and as whom to appear.
    pub tls: Option<Tls>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SmtpEncryption {
    /// It begins in plain text, and is encrypted before anything is said (RFC 3207).
    Starttls,
    /// From the first byte (RFC 8314 §3).
    Tls,
    /// Not at all. Nobody logs in over it but to this machine.
    Plain,
}

/// `type: webhook` among notifiers.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct WebhookNotifier {
    /// What it is called in messages, metrics and files.
    pub name: Option<String>,
    /// Where alerts are posted, which may be a secret.
    pub url: Option<Secret>,
    /// Headers of each request.
    pub headers: BTreeMap<String, Secret>,
    /// The body, as a template of JSON.
    pub template: Option<String>,
    /// Signs each request.
    pub signing_secret: Option<Secret>,
    /// Whether to tell when it is over, too; it is told when left out.
    pub send_resolved: Option<bool>,
    /// Whom to trust, and as whom to appear.
    pub tls: Option<Tls>,
    /// An HTTP proxy's URL.
    pub proxy: Option<Secret>,
}
