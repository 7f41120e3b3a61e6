//! What the types alone can't say: which values go together.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use audit_model::{EventPattern, EventType, nearest_event_type};

use crate::error::quoted;
use crate::{
    AlertRule, Config, ConfigError, Destination, DestinationKind, Durability, Environment, KafkaSecurity,
    RedactAction, SaslMechanism, SecurityProtocol, Signing, SyslogProtocol, Tls,
};

/// Fields that identify the event; without them as they were the log proves nothing.
const KEPT_FIELDS: [&str; 4] = ["event_type", "event_id", "timestamp", "version"];

pub(crate) struct Findings {
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) warnings: Vec<ConfigError>,
}

/// Checks what could be read: all but the sections in `unread`.
pub(crate) fn check(config: &Config, unread: &[String], environment: Environment<'_>) -> Findings {
    let mut check = Check { config, unread, errors: Vec::new(), warnings: Vec::new() };
    check.chain_id();
    check.destinations();
    check.events("events", &config.events);
    check.events("exclude_events", &config.exclude_events);
    check.redact();
    check.integrity();
    check.retention();
    check.conditions();
    check.alerts();
    check.sources();
    let Check { errors, mut warnings, .. } = check;
    // Only a warning, as the variable may be set where the configuration runs.
    warnings.extend(config.check_notifiers(environment).err().into_iter().flat_map(|lacking| lacking.0));
    warnings.sort_by_key(|warning| (warning.line, warning.column));
    Findings { errors, warnings }
}

/// The key at the top that `path` begins with.
pub(crate) fn section(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

pub(crate) struct Check<'a> {
    pub(crate) config: &'a Config,
    unread: &'a [String],
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl Check<'_> {
    pub(crate) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.error_with_help(path, message, None);
    }

    pub(crate) fn error_with_help(&mut self, path: &str, message: impl Into<String>, help: Option<String>) {
        if self.is_read(section(path)) {
            self.errors.push(ConfigError { help, ..self.config.origin.error(path, message) });
        }
    }

    pub(crate) fn is_read(&self, section: &str) -> bool {
        !self.unread.iter().any(|unread| unread == section || unread.is_empty())
    }

    pub(crate) fn warn(&mut self, path: &str, message: impl Into<String>) {
        self.warnings.push(self.config.origin.error(path, message));
    }

    pub(crate) fn require(&mut self, holds: bool, path: &str, expected: &str) {
        if !holds {
            self.error(path, format!("expected {expected}"));
        }
    }

    /// The rule of `audit_integrity::ChainId`, which not every build has.
    fn chain_id(&mut self) {
        let Some(id) = &self.config.chain_id else { return };
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        self.require(
            (1..=128).contains(&id.len()) && id.bytes().all(is_plain),
            "chain_id",
            "1 to 128 ASCII letters, digits, `.`, `_`, `:` or `-`",
        );
    }

    fn destinations(&mut self) {
        let config = self.config;
        let mut names = BTreeMap::new();
        let mut files = BTreeMap::new();
        if let Some(directory) = &config.state_dir {
            files.insert(plain(&directory.join("journal.log")), "the log in `state_dir`".to_owned());
        }
        for (index, destination) in config.destinations.iter().enumerate() {
            let path = config.destination_path(index);
            // How far each is, is noted under its name.
            let kind = destination.kind.type_name();
            let name = destination.shown_name();
            if let Some(first) = names.insert(name.to_owned(), path.clone()) {
                match &destination.name {
                    Some(_) => {
                        let message = format!("found the name of `{first}` again, expected another");
                        self.error(&format!("{path}.name"), message);
                    }
                    None => self.error(
                        &path,
                        format!("found type `{kind}` without a `name`, as in `{first}`; expected a `name` for each"),
                    ),
                }
            }
            if let DestinationKind::File(file) = &destination.kind
                && let Some(first) = files.insert(plain(&file.path), format!("`{path}`"))
            {
                let message = format!("found the file of {first} again, expected another");
                self.error(&format!("{path}.path"), message);
            }
            if let Some(name) = &destination.name {
                self.require(is_plain_name(name), &format!("{path}.name"), PLAIN_NAME);
            }
            if destination.required && config.durability == Durability::None {
                self.warn(
                    &format!("{path}.required"),
                    "does nothing with `durability: none`: nobody waits then",
                );
            }
            self.destination(&path, destination);
            self.format(&path, destination);
            self.events(&format!("{path}.events"), &destination.events);
            self.events(&format!("{path}.exclude_events"), &destination.exclude_events);
        }
    }

    fn destination(&mut self, path: &str, destination: &Destination) {
        let at = |key: &str| format!("{path}.{key}");
        match &destination.kind {
            DestinationKind::File(file) => {
                self.require(!file.path.as_os_str().is_empty(), &at("path"), "the path of a file");
            }
            DestinationKind::S3(s3) => {
                self.require(!s3.bucket.is_empty(), &at("bucket"), "the name of a bucket");
                self.both(path, s3.access_key_id.is_some(), s3.secret_access_key.is_some());
                self.endpoint(&at("endpoint"), s3.endpoint.as_deref());
                let min_days = self.config.retention.as_ref().and_then(|retention| retention.min_days);
                if s3.object_lock && min_days.is_none() {
                    self.warn(
                        &at("object_lock"),
                        "without `retention.min_days`, objects are locked for as long as the bucket's own rule says, if \
                         it has one",
                    );
                }
            }
            DestinationKind::Cloudwatch(cloudwatch) => {
                self.require(!cloudwatch.log_group.is_empty(), &at("log_group"), "the name of a log group");
                self.require(
                    !cloudwatch.log_stream.is_empty(),
                    &at("log_stream"),
                    "the name of a log stream",
                );
                self.both(path, cloudwatch.access_key_id.is_some(), cloudwatch.secret_access_key.is_some());
                self.endpoint(&at("endpoint"), cloudwatch.endpoint.as_deref());
            }
            DestinationKind::Kafka(kafka) => {
                self.require(!kafka.topic.is_empty(), &at("topic"), "the name of a topic");
                self.require(
                    !kafka.bootstrap_servers.is_empty(),
                    &at("bootstrap_servers"),
                    "at least one `host:port`",
                );
                for (index, server) in kafka.bootstrap_servers.iter().enumerate() {
                    self.require(
                        is_host_port(server),
                        &at(&format!("bootstrap_servers[{index}]")),
                        "`host:port`",
                    );
                }
                if let Some(security) = &kafka.security {
                    self.kafka_security(&at("security"), security);
                }
            }
            DestinationKind::Syslog(syslog) => {
                let is_path = syslog.protocol == SyslogProtocol::Unix && syslog.server.starts_with('/');
                let expected = match syslog.protocol {
                    SyslogProtocol::Unix => "the absolute path of a socket, such as `/dev/log`",
                    _ => "`host:port`",
                };
                self.require(is_path || is_host_port(&syslog.server), &at("server"), expected);
                self.tls(&at("tls"), &syslog.tls);
                let tls = &syslog.tls;
                let is_set = tls.ca_file.is_some() || tls.cert_file.is_some() || syslog.server_name.is_some();
                if is_set && syslog.protocol != SyslogProtocol::Tls {
                    let message = "found what only TLS uses, expected `protocol: tls` with it";
                    self.error(&at("protocol"), message);
                }
            }
            DestinationKind::Webhook(webhook) => {
                let is_http = webhook.url.starts_with("https://") || webhook.url.starts_with("http://");
                self.require(is_http, &at("url"), "a URL that begins with `https://` or `http://`");
                self.in_the_clear(&at("url"), Some(&webhook.url));
                self.tls(&at("tls"), &webhook.tls);
            }
            DestinationKind::Stdout(_) => {}
        }
    }

    fn both(&mut self, path: &str, id: bool, secret: bool) {
        if id != secret {
            self.error(path, "expected `access_key_id` and `secret_access_key` together, or neither");
        }
    }

    fn endpoint(&mut self, path: &str, url: Option<&str>) {
        let Some(url) = url else { return };
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        let host = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        let is_plain = !host.is_empty() && !host.contains(['@', ' ']);
        self.require(
            is_http && is_plain,
            path,
            "`https://` or `http://`, and a host without user or password",
        );
        self.in_the_clear(path, Some(url));
    }

    fn in_the_clear(&mut self, path: &str, url: Option<&str>) {
        if let Some(rest) = url.and_then(|url| url.strip_prefix("http://"))
            && !["127.", "localhost", "[::1]"].iter().any(|local| rest.starts_with(local))
        {
            self.warn(path, "records and headers travel in the clear; use `https://`");
        }
    }

    pub(crate) fn kafka_security(&mut self, path: &str, security: &KafkaSecurity) {
        let is_sasl =
            matches!(security.security_protocol, SecurityProtocol::SaslPlaintext | SecurityProtocol::SaslSsl);
        if is_sasl {
            for (key, is_there) in [
                ("sasl_mechanism", security.sasl_mechanism.is_some()),
                ("sasl_username", security.sasl_username.is_some()),
                ("sasl_password", security.sasl_password.is_some()),
            ] {
                if !is_there {
                    self.error(path, format!("missing key `{key}`"));
                }
            }
        }
        if security.security_protocol == SecurityProtocol::SaslPlaintext
            && security.sasl_mechanism == Some(SaslMechanism::Plain)
        {
            self.warn(
                &format!("{path}.security_protocol"),
                "the password travels in the clear; use SASL_SSL",
            );
        }
        if security.ssl_certificate_location.is_some() != security.ssl_key_location.is_some() {
            self.error(
                path,
                "expected `ssl_certificate_location` and `ssl_key_location` together, or neither",
            );
        }
    }

    fn tls(&mut self, path: &str, tls: &Tls) {
        if tls.cert_file.is_some() != tls.key_file.is_some() {
            self.error(path, "expected `cert_file` and `key_file` together, or neither");
        }
        if tls.danger_accept_invalid_certificates {
            self.warn(
                &format!("{path}.danger_accept_invalid_certificates"),
                "anybody in between can read and change what is sent",
            );
        }
    }

    pub(crate) fn events(&mut self, path: &str, patterns: &[EventPattern]) {
        for (index, pattern) in patterns.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let known = EventType::CATALOGUE.iter().any(|(known, _)| pattern.matches(known));
            if known || self.config.origin.is_from_variable(&path) {
                continue;
            }
            let found = quoted(pattern.as_str());
            let mut warning =
                self.config.origin.error(&path, format!("found {found}, which is no known event type"));
            warning.help = Some(match nearest_event_type(pattern.as_str()) {
                Some(nearest) => format!("did you mean `{nearest}`? A type of your own is fine"),
                None => "a type of your own is fine".to_owned(),
            });
            self.warnings.push(warning);
        }
    }

    fn redact(&mut self) {
        for (index, rule) in self.config.redact.iter().enumerate() {
            let path = format!("redact[{index}].path");
            let root = rule.path.split('.').next().unwrap_or_default();
            if rule.path.split('.').any(str::is_empty) {
                self.error(&path, "expected the path of a field such as `details.password`");
            } else if KEPT_FIELDS.contains(&root) {
                self.error(
                    &path,
                    "found a field that identifies the event, expected one that may be redacted",
                );
            }
            if rule.action == RedactAction::Hmac
                && !self.config.integrity.signs()
                && self.is_read("integrity")
            {
                self.error(&format!("redact[{index}].action"), "`hmac` needs the key of `integrity.signing`");
            }
        }
    }

    fn integrity(&mut self) {
        let integrity = &self.config.integrity;
        let Some(signing) = &integrity.signing else { return };
        for (index, key) in signing.previous_keys.iter().enumerate() {
            let path = format!("integrity.signing.previous_keys[{index}]");
            self.one_key(&path, key.key_env_var.is_some(), key.key_file.is_some());
        }
        if integrity.signs() {
            let Signing { key_env_var, key_file, .. } = signing;
            self.one_key("integrity.signing", key_env_var.is_some(), key_file.is_some());
            if !integrity.chains() {
                let message = "found `false` with signing on, expected `true`: what is signed is always chained, \
                               or else records could be taken out unnoticed";
                self.error("integrity.chain.enabled", message);
            }
        }
    }

    fn one_key(&mut self, path: &str, variable: bool, file: bool) {
        match (variable, file) {
            (true, true) => self.error(
                &format!("{path}.key_file"),
                "found `key_env_var` and `key_file`, expected only one of them",
            ),
            (false, false) => self.error(path, "missing key `key_env_var` or `key_file`"),
            _ => {}
        }
    }

    fn retention(&mut self) {
        let config = self.config;
        let Some(retention) = &config.retention else { return };
        for error in config.policy().check() {
            let path = match error.field.strip_prefix("lifecycle") {
                Some(step) => format!("{}{step}", config.lifecycle_path()),
                None => format!("retention.{}", error.field),
            };
            self.error(&path, error.message);
        }
        let Some(min_days) = retention.min_days.or(retention.max_days) else { return };
        for (index, destination) in config.destinations.iter().enumerate() {
            if let DestinationKind::File(file) = &destination.kind
                && let Some(rotation) = &file.rotation
            {
                let path = |key: &str| format!("{}.rotation.{key}", config.destination_path(index));
                if rotation.max_files.is_some() {
                    self.warn(
                        &path("max_files"),
                        format!("files that have records younger than {min_days} days stay, however many there are"),
                    );
                }
                let longest = crate::retention::longest_file(&config.policy());
                if rotation.max_age.is_some_and(|age| longest.is_some_and(|longest| age > longest)) {
                    self.warn(
                        &path("max_age"),
                        "a file that holds the records of so long a time cannot go before they are older than \
                         `retention.max_days`, since its last record is too young",
                    );
                }
            }
        }
    }

    fn alerts(&mut self) {
        let mut names = BTreeMap::new();
        for (index, rule) in self.config.alerts.iter().enumerate() {
            let path = format!("alerts[{index}]");
            if let Some(first) = names.insert(&rule.name, index) {
                self.error(
                    &format!("{path}.name"),
                    format!("found the name of `alerts[{first}]` again, expected another"),
                );
            }
            self.alert(&path, rule);
        }
        if self.is_read("alerts") && self.is_read("notifiers") {
            self.errors.extend(self.config.rules().err().into_iter().flat_map(|wrong| wrong.0));
            self.errors.extend(self.config.check_messages());
        }
    }

    fn alert(&mut self, path: &str, rule: &AlertRule) {
        if rule.window.is_some()
            && rule.threshold.is_none_or(|threshold| threshold.get() == 1)
            && rule.group_by.is_empty()
        {
            self.warn(
                &format!("{path}.window"),
                "counts nothing while `threshold` is 1: it only keeps one alert from being told again",
            );
        }
        // An empty list says that it is meant.
        if rule.notify.is_empty() && !self.config.origin.has(&format!("{path}.notify")) {
            self.warn(path, "found no `notify`, so that nobody is told; the log has the alert's record");
        }
    }

    /// Conditions of what is logged and of what goes to a destination.
    fn conditions(&mut self) {
        let config = self.config;
        let mut errors = Vec::new();
        if let Some(text) = &config.condition {
            config.condition_at("where", text, &mut errors);
        }
        for (index, destination) in config.destinations.iter().enumerate() {
            if let Some(text) = &destination.condition {
                let path = format!("{}.where", config.destination_path(index));
                let condition = config.condition_at(&path, text, &mut errors);
                // After an outage it would choose otherwise than it would have before.
                if condition.is_some_and(|condition| condition.uses_now()) {
                    let message = "found `now`, which is another time whenever a record is sent, and what goes to a destination has to \
                                   stay the same; compare with a time, such as '2024-12-01'";
                    errors.push(config.origin.error(&path, message.to_owned()));
                }
            }
        }
        self.errors.extend(errors);
    }
}

/// A path without its `.` and double separators.
pub(crate) fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}

/// What a destination or a source may be called: files and metrics are named after it.
pub(crate) const PLAIN_NAME: &str = "1 to 100 ASCII letters, digits, `.`, `_` and `-`";

pub(crate) fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=100).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_plain)
}

pub(crate) fn is_host_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(char::is_whitespace)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}
