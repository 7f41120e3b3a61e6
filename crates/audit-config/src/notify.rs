use crate::{AlertRule, Config, ConfigError, ConfigErrors, Environment, Notifier, Notifiers, Secret};

impl Config {
    /// The alert rules with all that their notifiers need: what a rule leaves out comes from
    /// `notifiers`, and else from `AUDIT_SLACK_WEBHOOK`, `AUDIT_PAGERDUTY_ROUTING_KEY`,
    /// `AUDIT_SMTP_SERVER`, `AUDIT_SMTP_USERNAME`, `AUDIT_SMTP_PASSWORD`, `AUDIT_EMAIL_FROM` and
    /// `AUDIT_EMAIL_TO` (with commas between addresses) and `AUDIT_ALERT_WEBHOOK`.
    ///
    /// # Errors
    /// One for each key that a rule still lacks.
    pub fn check_notifiers(&self, environment: Environment<'_>) -> Result<Vec<AlertRule>, ConfigErrors> {
        let defaults = self.notifiers.clone().unwrap_or_default();
        let mut errors = Vec::new();
        let mut rules = self.alerts.clone();
        for (index, rule) in rules.iter_mut().enumerate() {
            for (position, notifier) in rule.notify.iter_mut().enumerate() {
                complete(notifier, &defaults, environment);
                let path = format!("alerts[{index}].notify[{position}]");
                errors
                    .extend(lacking(notifier).into_iter().map(|key| self.lacks(&path, index, notifier, key)));
            }
        }
        ConfigErrors::unless_empty(errors).map(|()| rules)
    }

    fn lacks(&self, path: &str, index: usize, notifier: &Notifier, key: &str) -> ConfigError {
        let kind = notifier.type_name();
        let rule = if self.origin.is_from_variable(&format!("alerts[{index}].name")) {
            format!("alerts[{index}]")
        } else {
            crate::error::quoted(&self.alerts[index].name)
        };
        let mut error = self.origin.error(path, format!("missing key `{key}` for rule {rule}"));
        let or_set = match key {
            "webhook" => ", or set AUDIT_SLACK_WEBHOOK",
            "routing_key" => ", or set AUDIT_PAGERDUTY_ROUTING_KEY",
            "smtp_server" => ", or set AUDIT_SMTP_SERVER",
            "from" => ", or set AUDIT_EMAIL_FROM",
            "to" => ", or set AUDIT_EMAIL_TO",
            "url" => ", or set AUDIT_ALERT_WEBHOOK",
            _ => "",
        };
        error.help = Some(format!("write it here or under `notifiers.{kind}`{or_set}"));
        error
    }
}

impl Notifier {
    /// The value of `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::Pagerduty(_) => "pagerduty",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// Takes from the defaults whatever the notifier says nothing of. Its name stays its own.
macro_rules! fill {
    ($own:ident from $default:expr; $($key:ident),*) => {
        if let Some(default) = &$default {
            $(if $own.$key.is_none() {
                $own.$key.clone_from(&default.$key);
            })*
        }
    };
}

fn complete(notifier: &mut Notifier, defaults: &Notifiers, environment: Environment<'_>) {
    let text = |own: &mut Option<String>, name: &str| *own = own.take().or_else(|| environment(name));
    let secret = |own: &mut Option<Secret>, name: &str| {
        *own = own.take().or_else(|| environment(name).map(Secret::from));
    };
    match notifier {
        Notifier::Slack(own) => {
            fill!(own from defaults.slack; webhook, channel, username, template, send_resolved, tls, proxy);
            secret(&mut own.webhook, "AUDIT_SLACK_WEBHOOK");
        }
        Notifier::Pagerduty(own) => {
            fill!(own from defaults.pagerduty; routing_key, severity, template, send_resolved, url, tls, proxy);
            secret(&mut own.routing_key, "AUDIT_PAGERDUTY_ROUTING_KEY");
        }
        Notifier::Email(own) => {
            // A password is for the server that it was written for.
            if own.smtp_server.is_none() {
                fill!(own from defaults.email; smtp_server, encryption, smtp_username, smtp_password, tls);
            }
            text(&mut own.smtp_server, "AUDIT_SMTP_SERVER");
            text(&mut own.smtp_username, "AUDIT_SMTP_USERNAME");
            secret(&mut own.smtp_password, "AUDIT_SMTP_PASSWORD");
            fill!(own from defaults.email; from, subject, template, html, send_resolved, tls);
            text(&mut own.from, "AUDIT_EMAIL_FROM");
            if let Some(default) = defaults.email.as_ref().filter(|_| own.to.is_empty()) {
                own.to.clone_from(&default.to);
            }
            if own.to.is_empty() {
                let addresses = environment("AUDIT_EMAIL_TO").unwrap_or_default();
                own.to =
                    addresses.split(',').map(|to| to.trim().to_owned()).filter(|to| !to.is_empty()).collect();
            }
        }
        Notifier::Webhook(own) => {
            // So are the tokens in headers.
            if let Some(default) =
                defaults.webhook.as_ref().filter(|_| own.url.is_none() && own.headers.is_empty())
            {
                own.headers.clone_from(&default.headers);
            }
            fill!(own from defaults.webhook; url, template, signing_secret, send_resolved, tls, proxy);
            secret(&mut own.url, "AUDIT_ALERT_WEBHOOK");
        }
    }
}

fn lacking(notifier: &Notifier) -> Vec<&'static str> {
    let keys: &[(&'static str, bool)] = &match notifier {
        Notifier::Slack(slack) => vec![("webhook", slack.webhook.is_none())],
        Notifier::Pagerduty(pagerduty) => vec![("routing_key", pagerduty.routing_key.is_none())],
        Notifier::Email(email) => vec![
            ("smtp_server", email.smtp_server.is_none()),
            ("from", email.from.is_none()),
            ("to", email.to.is_empty()),
            // Either without the other would log in nowhere, and nobody would know.
            ("smtp_username", email.smtp_username.is_none() && email.smtp_password.is_some()),
            ("smtp_password", email.smtp_username.is_some() && email.smtp_password.is_none()),
        ],
        Notifier::Webhook(webhook) => vec![("url", webhook.url.is_none())],
    };
    keys.iter().filter(|(_, lacks)| *lacks).map(|(key, _)| *key).collect()
}
