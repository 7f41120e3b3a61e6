//! The places where people are told of alerts.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::{Config, ConfigErrors, Environment, Notifier, Secret};

/// A place where people are told of alerts: one, however many rules name it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotifierPlace {
    /// What it is called in messages, metrics and files: its `name`, or one made up of its type and what is known of it.
    pub name: String,
    /// Which rules tell somebody here, by their names, and what they say: with all that they leave out filled in.
    pub rules: Vec<(String, Notifier)>,
    /// The configuration's key of the first of them.
    pub path: String,
}

impl NotifierPlace {
    /// The value of `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.first().type_name()
    }

    /// The first rule's, which says what all of them say of the place itself.
    pub(crate) fn first(&self) -> &Notifier {
        &self.rules[0].1
    }
}

impl Config {
    /// The places where people are told of alerts, in the order of the rules.
    ///
    /// # Errors
    /// One for each key that a notifier lacks (see [`check_notifiers`](Self::check_notifiers)), for each name that two
    /// places have, destinations included, and for each that cannot be one of a file.
    pub fn notifier_places(&self, environment: Environment<'_>) -> Result<Vec<NotifierPlace>, ConfigErrors> {
        let mut places: Vec<(String, NotifierPlace)> = Vec::new();
        let mut errors = Vec::new();
        for (index, rule) in self.check_notifiers(environment)?.into_iter().enumerate() {
            for (position, notifier) in rule.notify.into_iter().enumerate() {
                let identity = identity(&notifier);
                let known = places.iter_mut().find(|(known, _)| *known == identity);
                if let Some((_, place)) = known {
                    if place.rules.iter().any(|(known, _)| *known == rule.name) {
                        let path = format!("alerts[{index}].notify[{position}]");
                        let message = "found a place that the rule names before, expected each once";
                        errors.push(self.origin.error(&path, message));
                    }
                    place.rules.push((rule.name.clone(), notifier));
                    continue;
                }
                let path = format!("alerts[{index}].notify[{position}]");
                let rules = vec![(rule.name.clone(), notifier)];
                places.push((identity, NotifierPlace { name: String::new(), rules, path }));
            }
        }
        // What delivers has one name each: the destinations, what watches for all rules, and these.
        let mut names = BTreeMap::from([(WATCH.to_owned(), "alerts".to_owned())]);
        for (index, destination) in self.destinations.iter().enumerate().filter(|_| !self.alerts.is_empty()) {
            let name = destination.shown_name();
            let path = self.destination_path(index);
            if name == WATCH {
                let message = format!(
                    "found `{WATCH}`, which is the name of what watches for alerts, expected another"
                );
                errors.push(self.origin.error(&format!("{path}.name"), message));
            }
            names.entry(name.to_owned()).or_insert(path);
        }
        for (identity, place) in &mut places {
            let own = own_name(place.first());
            let mut name = own.map_or_else(|| described(place.first()), str::to_owned);
            if own.is_none() && names.contains_key(&name) {
                name.push_str(&format!("-{}", &digest(identity)[..8]));
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(is_plain) {
                let message = "expected 1 to 100 letters, digits, `.`, `_` and `-`, and no `.` first";
                errors.push(self.origin.error(&format!("{}.name", place.path), message));
            }
            if let Some(first) = names.insert(name.clone(), place.path.clone()) {
                let message = format!("found the name of `{first}` for another place, expected another name");
                errors.push(self.origin.error(&format!("{}.name", place.path), message));
            }
            place.name = name;
        }
        ConfigErrors::unless_empty(errors)?;
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }
}

/// What the destination is called that watches for all rules.
pub(crate) const WATCH: &str = "alerts";

pub(crate) fn own_name(notifier: &Notifier) -> Option<&str> {
    match notifier {
        Notifier::Slack(it) => it.name.as_deref(),
        Notifier::Pagerduty(it) => it.name.as_deref(),
        Notifier::Email(it) => it.name.as_deref(),
        Notifier::Webhook(it) => it.name.as_deref(),
    }
}

/// `notify-slack-security-alerts`: of what is no secret.
fn described(notifier: &Notifier) -> String {
    let known = match notifier {
        Notifier::Slack(it) => it.channel.clone(),
        Notifier::Pagerduty(_) => None,
        Notifier::Email(it) => it.to.first().cloned(),
        Notifier::Webhook(_) => None,
    };
    let mut name = format!("notify-{}", notifier.type_name());
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let known: String =
        known.unwrap_or_default().replace('@', "-").chars().filter(is_plain).take(60).collect();
    if !known.is_empty() {
        name.push('-');
        name.push_str(&known);
    }
    name
}

/// What tells places apart: all but what is said there.
fn identity(notifier: &Notifier) -> String {
    let secret = |secret: &Option<Secret>| secret.as_ref().map(|it| it.expose_secret().to_owned());
    let parts = match notifier {
        Notifier::Slack(it) => {
            let parts =
                (secret(&it.webhook), &it.name, &it.channel, &it.username, &it.tls, secret(&it.proxy));
            format!("{parts:?}")
        }
        Notifier::Pagerduty(it) => {
            let parts = (secret(&it.routing_key), &it.name, &it.url, &it.tls, secret(&it.proxy));
            format!("{parts:?}")
        }
        Notifier::Email(it) => {
            let login = (&it.smtp_username, secret(&it.smtp_password));
            let parts = (&it.smtp_server, &it.name, &it.encryption, login, &it.from, &it.to, &it.tls);
            format!("{parts:?}")
        }
        Notifier::Webhook(it) => {
            let header = |(name, value): (&String, &Secret)| (name.clone(), value.expose_secret().to_owned());
            let headers: Vec<_> = it.headers.iter().map(header).collect();
            let signed = secret(&it.signing_secret);
            let parts = (secret(&it.url), &it.name, headers, signed, &it.tls, secret(&it.proxy));
            format!("{parts:?}")
        }
    };
    // It holds secrets, and is to be kept nowhere.
    digest(&format!("{} {parts}", notifier.type_name()))
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
