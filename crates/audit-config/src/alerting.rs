//! From configured alerts to what watches the log, and tells people.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use audit_delivery::{BatchLimits, Beginning, Destination, Retry};
use audit_model::EventType;
use audit_notify::Notice;
use audit_pipeline::{Reconfiguration, Recorder};
use audit_sink::{Record, Sink};
#[cfg(any(feature = "slack", feature = "pagerduty", feature = "webhook"))]
use audit_sink_webhook::WebhookOptions;
use audit_watch::{Render, Watch};
#[cfg(any(feature = "slack", feature = "webhook"))]
use secrecy::ExposeSecret as _;

use crate::messages::Message;
use crate::{AssembleError, Config, Environment, Notifier, NotifierPlace};

/// How long closing waits for the rules to have seen all, unless `drain_timeout` says otherwise.
const SETTLE: Duration = Duration::from_secs(10);
/// How long closing waits for people to be told before the log takes no more.
const TELL: Duration = Duration::from_secs(2);
/// Where the rules' memory is, in the directory of the delivery's state.
const MEMORY: &str = "alerts.memory.json";

/// What watches the log, and who is told.
pub(crate) struct Watching {
    pub(crate) destinations: Vec<Destination>,
    pub(crate) before_close: Box<dyn Fn() + Send + Sync>,
}

impl Watching {
    /// Adds it to what is to be changed of an open log.
    pub(crate) fn join(self, change: Reconfiguration) -> Reconfiguration {
        let change = self.destinations.into_iter().fold(change, Reconfiguration::deliver_to);
        change.before_close(self.before_close)
    }
}

impl Config {
    /// What has the rules watch the log, and people told; nothing where there are no rules.
    pub(crate) fn watching(
        &self,
        recorder: &Recorder,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<Option<Watching>, AssembleError> {
        if self.alerts.is_empty() {
            return Ok(None);
        }
        audit_delivery::make_private(directory).map_err(failed("state_dir"))?;
        let rules = self.rules().map_err(failed("alerts"))?;
        let watch = Watch::open(rules, directory.join(MEMORY), recorder.clone()).map_err(failed("alerts"))?;
        let mut destinations = vec![watch.destination()];
        let mut notifiers = Vec::new();
        for place in self.notifier_places(environment).map_err(failed("alerts"))? {
            destinations.push(self.told(&place, recorder.clone())?);
            notifiers.push(place.name);
        }
        let (patience, recorder) = (self.drain_timeout.unwrap_or(SETTLE), recorder.clone());
        let before_close = move || {
            watch.settle(patience);
            // They are told for longer than that, but while the log is open it can still say whom that did not reach.
            let begun = Instant::now();
            let has_all = |name: &String| recorder.acknowledged_by(name) >= recorder.durable();
            while begun.elapsed() < patience.min(TELL) && !notifiers.iter().all(has_all) {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        Ok(Some(Watching { destinations, before_close: Box::new(before_close) }))
    }

    /// Whether all is there that rules and notifiers need.
    pub(crate) fn can_watch(
        &self,
        recorder: &Recorder,
        environment: Environment<'_>,
    ) -> Result<(), AssembleError> {
        self.rules().map_err(failed("alerts"))?;
        for place in self.notifier_places(environment).map_err(failed("alerts"))? {
            self.told(&place, recorder.clone())?;
        }
        Ok(())
    }

    /// A place where people are told of alerts, ready to be delivered to; nothing is connected yet.
    ///
    /// # Errors
    /// When what it needs is not what it should be, or it is of a kind that this program was built without.
    pub fn told(&self, place: &NotifierPlace, recorder: Recorder) -> Result<Destination, AssembleError> {
        let path = || self.origin.full_path(&place.path);
        let mut messages = BTreeMap::new();
        let mut send_resolved = HashMap::new();
        for (rule, notifier) in &place.rules {
            let message = Message::of(notifier).map_err(|wrong| {
                let (key, reason) = wrong.into_iter().next().unwrap_or_default();
                AssembleError::Destination { path: format!("{}.{key}", path()), source: reason.into() }
            })?;
            messages.insert(rule.clone(), message);
            send_resolved.insert(rule.clone(), notifier.sends_resolved());
        }
        let sink = sink(place.first(), path)?;
        let notifier = audit_watch::Notifier::new(&place.name, Box::new(Messages(messages)), sink, recorder);
        let is_for = move |record: &Record| match Notice::from_line(&record.bytes) {
            Ok(Some(notice)) => {
                let fired = record.event_type == EventType::ALERT_FIRED.as_str();
                send_resolved.get(notice.rule()).is_some_and(|resolved| fired || *resolved)
            }
            _ => false,
        };
        Ok(Destination::new(&place.name, Box::new(notifier))
            .events(
                [EventType::ALERT_FIRED, EventType::ALERT_RESOLVED]
                    .map(|alert| alert.as_str().parse().expect("a type is a pattern")),
            )
            .only(is_for)
            // One message an alert, and nobody is told of what is long past.
            .limits(BatchLimits { records: 1, age: Duration::ZERO, ..BatchLimits::default() })
            .beginning(Beginning::Now)
            .optional(true)
            .retry(Retry { initial: Duration::from_secs(1), ..Retry::default() }))
    }
}

/// What moves the messages.
fn sink(notifier: &Notifier, path: impl Fn() -> String) -> Result<Box<dyn Sink>, AssembleError> {
    match notifier {
        #[cfg(feature = "slack")]
        Notifier::Slack(it) => {
            let url = it.webhook.as_ref().map(|url| url.expose_secret().to_owned()).unwrap_or_default();
            http(url, it.tls.as_ref(), it.proxy.as_ref(), |options| options).map_err(failed(path()))
        }
        #[cfg(feature = "pagerduty")]
        Notifier::Pagerduty(it) => {
            let url = it.url.clone().unwrap_or_else(|| PAGERDUTY.to_owned());
            http(url, it.tls.as_ref(), it.proxy.as_ref(), |options| match &it.routing_key {
                Some(key) => options.unquoted(key.clone().into()),
                None => options,
            })
            .map_err(failed(path()))
        }
        #[cfg(feature = "webhook")]
        Notifier::Webhook(it) => {
            let url = it.url.as_ref().map(|url| url.expose_secret().to_owned()).unwrap_or_default();
            http(url, it.tls.as_ref(), it.proxy.as_ref(), |mut options| {
                for (name, value) in &it.headers {
                    options = options.header(name, value.clone().into());
                }
                match &it.signing_secret {
                    Some(secret) => options.signing_secret(secret.clone().into()),
                    None => options,
                }
            })
            .map_err(failed(path()))
        }
        #[cfg(feature = "email")]
        Notifier::Email(it) => Ok(Box::new(email(it).map_err(failed(path()))?)),
        #[allow(unreachable_patterns, reason = "not in every build")]
        other => Err(AssembleError::NotBuilt { path: path(), kind: other.type_name() }),
    }
}

/// The Events API v2 of PagerDuty's US region.
#[cfg(feature = "pagerduty")]
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

#[cfg(any(feature = "slack", feature = "pagerduty", feature = "webhook"))]
fn http(
    url: String,
    tls: Option<&crate::Tls>,
    proxy: Option<&crate::Secret>,
    more: impl FnOnce(WebhookOptions) -> WebhookOptions,
) -> Result<Box<dyn Sink>, audit_sink_webhook::WebhookOptionsError> {
    let mut options = WebhookOptions::new(url).body(audit_sink_webhook::Body::Json);
    options = options.tls(crate::deliver::tls(&tls.cloned().unwrap_or_default()));
    if let Some(proxy) = proxy {
        options = options.proxy(proxy.clone().into());
    }
    Ok(Box::new(audit_sink_webhook::WebhookSink::new(more(options))?))
}

#[cfg(feature = "email")]
fn email(
    email: &crate::EmailNotifier,
) -> Result<audit_sink_email::EmailSink, audit_sink_email::EmailOptionsError> {
    use audit_sink_email::{EmailOptions, EmailSink, Encryption};
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut options = EmailOptions::new(text(&email.smtp_server), text(&email.from)).to(&email.to);
    if let Some(encryption) = email.encryption {
        options = options.encryption(match encryption {
            crate::SmtpEncryption::Starttls => Encryption::StartTls,
            crate::SmtpEncryption::Tls => Encryption::Tls,
            crate::SmtpEncryption::Plain => Encryption::Plain,
        });
    }
    if let (Some(name), Some(password)) = (&email.smtp_username, &email.smtp_password) {
        options = options.credentials(name, password.clone().into());
    }
    if let Some(tls) = &email.tls {
        options = options.tls(crate::deliver::tls(tls));
    }
    EmailSink::new(options)
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    path: impl Into<String>,
) -> impl FnOnce(E) -> AssembleError {
    move |error| AssembleError::Destination { path: path.into(), source: error.into() }
}

/// What a place is told, by the rule.
#[derive(Debug)]
struct Messages(BTreeMap<String, Message>);

impl Render for Messages {
    fn render(&self, notice: &Notice) -> Vec<u8> {
        // Records of other rules are not sent here; one that is sent again by hand may be of a rule that is gone.
        let message = self.0.get(notice.rule()).or_else(|| self.0.values().next());
        message.map(|message| message.bytes(notice)).unwrap_or_default()
    }
}

impl Notifier {
    fn sends_resolved(&self) -> bool {
        let own = match self {
            Self::Slack(it) => it.send_resolved,
            Self::Pagerduty(it) => it.send_resolved,
            Self::Email(it) => it.send_resolved,
            Self::Webhook(it) => it.send_resolved,
        };
        own.unwrap_or(true)
    }
}
