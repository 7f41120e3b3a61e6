//! What is wrong with places where people are told, without telling anybody.

use std::net::IpAddr;

use audit_pipeline::Recorder;
use secrecy::ExposeSecret as _;

use crate::messages::Message;
use crate::{AssembleError, Config, ConfigError, Notifier, NotifierPlace};

impl Config {
    /// Why nobody could be told at a place, as [`told`](Self::told) says it when the program runs; nothing is connected. Of
    /// kinds that are not built in, [`check_built`](Self::check_built) tells.
    #[must_use]
    pub fn check_place(&self, place: &NotifierPlace) -> Option<ConfigError> {
        let error = self.told(place, Recorder::default()).err()?;
        let (path, message) = match &error {
            AssembleError::NotBuilt { .. } => return None,
            AssembleError::Destination { path, source } => {
                (path.strip_prefix(&self.origin.full_path("")).unwrap_or(path), with_causes(&**source))
            }
            other => (place.path.as_str(), with_causes(other)),
        };
        Some(self.origin.error(path, message))
    }

    /// What is doubtful about a place: a PagerDuty key that is not of PagerDuty's form, and secrets that travel in the clear,
    /// as the address of a Slack webhook does over `http`. No value is quoted.
    #[must_use]
    pub fn doubts_of_place(&self, place: &NotifierPlace) -> Vec<ConfigError> {
        let mut doubts = Vec::new();
        let mut doubt = |key: &str, message: String| {
            doubts.push(self.origin.error(&format!("{}.{key}", place.path), message));
        };
        let notifier = place.first();
        let (key, url, secret) = match notifier {
            Notifier::Slack(it) => ("webhook", it.webhook.as_ref().map(|url| url.expose_secret()), "the URL"),
            Notifier::Pagerduty(it) => ("url", it.url.as_deref(), "the routing key"),
            Notifier::Webhook(it) => ("url", it.url.as_ref().map(|url| url.expose_secret()), "the URL"),
            Notifier::Email(_) => return doubts,
        };
        if url.is_some_and(is_in_the_clear) {
            let message = format!(
                "found `http://` and a host elsewhere: whoever is on the way can read {secret}, which is a secret, and the \
                 alerts; expected `https://`"
            );
            doubt(key, message);
        }
        // Services that only speak PagerDuty's language have keys of their own form.
        let is_pagerduty =
            url.is_none_or(|url| host(url).is_some_and(|host| host.ends_with("pagerduty.com")));
        if let Ok(Message::PagerDuty(pagerduty)) = Message::of(notifier)
            && is_pagerduty
            && !pagerduty.has_usual_key()
        {
            let message = "found another form than PagerDuty's, expected the integration key of a service's Events API v2 \
                           integration, 32 letters and digits";
            doubt("routing_key", message.to_owned());
        }
        doubts
    }
}

/// An error and what it came from, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

fn is_in_the_clear(url: &str) -> bool {
    let is_http = url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    is_http && host(url).is_some_and(|host| !is_loopback(&host))
}

/// In lower case, without the brackets of an IPv6 address.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(host.trim_end_matches('.').to_ascii_lowercase()).filter(|host| !host.is_empty())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_host_is_not_in_the_clear() {
        for (url, clear) in [
            ("http://hooks.example.com/T/B/x", true),
            ("HTTP://10.0.0.7:8080/", true),
            ("http://localhost@evil.example/", true),
            ("http://localhost.example.com/", true),
            ("http://[2001:db8::1]:80/", true),
            ("https://hooks.example.com/", false),
            ("http://localhost:9000/x", false),
            ("http://127.0.0.3/x", false),
            ("http://user:pass@[::1]:80/x", false),
            ("http://Desk.Localhost./", false),
            ("http://", false),
            ("é", false),
        ] {
            assert_eq!(is_in_the_clear(url), clear, "{url}");
        }
    }
}
