use crate::{AlertRule, Config, ConfigError, ConfigErrors, Environment, Notifier, Notifiers, Secret};

impl Config {
    /// The alert rules with all that their notifiers need: what a rule leaves out comes from
    /// `notifiers`, and else from `AUDIT_SLACK_WEBHOOK`, `AUDIT_PAGERDUTY_ROUTING_KEY`,
    /// `AUDIT_SMTP_SERVER`, `AUDIT_SMTP_USERNAME`, `AUDIT_SMTP_PASSWORD`, `AUDIT_EMAIL_FROM` and
    /// `AUDIT_EMAIL_TO` (with commas between addresses).
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
        let kind = match notifier {
            Notifier::Slack(_) => "slack",
            Notifier::Pagerduty(_) => "pagerduty",
            Notifier::Email(_) => "email",
        };
        let rule = if self.origin.is_from_variable(&format!("alerts[{index}].name")) {
            format!("alerts[{index}]")
        } else {
            crate::error::quoted(&self.alerts[index].name)
        };
        let mut error = self.origin.error(path, format!("missing key `{key}` for rule {rule}"));
        error.help = Some(format!("write it here or under `notifiers.{kind}`"));
        error
    }
}

fn complete(notifier: &mut Notifier, defaults: &Notifiers, environment: Environment<'_>) {
    let secret = |name: &str| environment(name).map(Secret::from);
    match notifier {
        Notifier::Slack(slack) => {
            let default = defaults.slack.clone().unwrap_or_default();
            slack.webhook =
                slack.webhook.take().or(default.webhook).or_else(|| secret("AUDIT_SLACK_WEBHOOK"));
            slack.channel = slack.channel.take().or(default.channel);
            slack.template = slack.template.take().or(default.template);
        }
        Notifier::Pagerduty(pagerduty) => {
            let default = defaults.pagerduty.clone().unwrap_or_default();
            let key = pagerduty.routing_key.take().or(default.routing_key);
            pagerduty.routing_key = key.or_else(|| secret("AUDIT_PAGERDUTY_ROUTING_KEY"));
            pagerduty.severity = pagerduty.severity.take().or(default.severity);
        }
        Notifier::Email(email) => {
            let default = defaults.email.clone().unwrap_or_default();
            let from = |own: &mut Option<String>, default: Option<String>, name: &str| {
                *own = own.take().or(default).or_else(|| environment(name));
            };
            from(&mut email.smtp_server, default.smtp_server, "AUDIT_SMTP_SERVER");
            from(&mut email.smtp_username, default.smtp_username, "AUDIT_SMTP_USERNAME");
            from(&mut email.from, default.from, "AUDIT_EMAIL_FROM");
            let password = email.smtp_password.take().or(default.smtp_password);
            email.smtp_password = password.or_else(|| secret("AUDIT_SMTP_PASSWORD"));
            if email.to.is_empty() {
                email.to = default.to;
            }
            if email.to.is_empty() {
                let addresses = environment("AUDIT_EMAIL_TO").unwrap_or_default();
                email.to =
                    addresses.split(',').map(|to| to.trim().to_owned()).filter(|to| !to.is_empty()).collect();
            }
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
        ],
    };
    keys.iter().filter(|(_, lacks)| *lacks).map(|(key, _)| *key).collect()
}
