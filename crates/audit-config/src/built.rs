use std::fmt;

use crate::{Config, ConfigErrors, DestinationKind};

/// What a program can do, in the words of a configuration.
#[derive(Clone, Copy)]
pub struct Built<'a> {
    /// Types of destinations (`file`, `s3`), of notifiers (`slack`) and of sources (`source-http`), `oidc`, the keys `retention`, `lifecycle` and `alerts`, and
    /// `delivery` for more than one destination, or one that is required or no file.
    pub parts: &'a [&'a str],
    /// The cargo feature that would bring a part, where there is one.
    pub feature_of: &'a dyn Fn(&str) -> Option<&'static str>,
}

impl fmt::Debug for Built<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl DestinationKind {
    /// The value of `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::S3(_) => "s3",
            Self::Cloudwatch(_) => "cloudwatch",
            Self::Kafka(_) => "kafka",
            Self::Syslog(_) => "syslog",
            Self::Webhook(_) => "webhook",
            Self::Stdout(_) => "stdout",
        }
    }
}

impl Config {
    /// Whether a program with only the parts in `built` can do all that is asked for here. To be
    /// called before running, not before showing.
    ///
    /// # Errors
    /// One for each part that is asked for and not built, and one if the log is enabled and has no
    /// destination.
    pub fn check_built(&self, built: Built<'_>) -> Result<(), ConfigErrors> {
        let mut errors = Vec::new();
        let mut need = |part: &str, path: &str, what: &str| {
            if !built.parts.contains(&part) {
                let message = format!("{what} not built into this version");
                let mut error = self.origin.error(path, message);
                error.help =
                    (built.feature_of)(part).map(|feature| format!("build with `--features {feature}`"));
                errors.push(error);
            }
        };
        for (index, destination) in self.destinations.iter().enumerate() {
            let kind = destination.kind.type_name();
            let path = self.destination_path(index);
            need(kind, &format!("{path}.type"), &format!("destination type \"{kind}\" is"));
        }
        if self.destinations.len() > 1 {
            need("delivery", "destinations", "more than one destination is");
        }
        if let Some(retention) = &self.retention {
            // Where nothing deletes by number, and nothing for its age, a minimum is kept by itself.
            if retention.max_days.is_some() || (retention.min_days.is_some() && self.prunes()) {
                need("retention", "retention", "`retention` is");
            }
            if !retention.lifecycle.is_empty() {
                need("lifecycle", self.lifecycle_path(), "`lifecycle` is");
            }
        }
        if !self.alerts.is_empty() {
            need("alerts", "alerts", "`alerts` are");
        }
        for (index, rule) in self.alerts.iter().enumerate() {
            for (position, notifier) in rule.notify.iter().enumerate() {
                let kind = notifier.type_name();
                let path = format!("alerts[{index}].notify[{position}].type");
                need(kind, &path, &format!("notifier type \"{kind}\" is"));
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            let kind = source.kind.type_name();
            let path = format!("sources[{index}].type");
            need(&format!("source-{kind}"), &path, &format!("source type \"{kind}\" is"));
        }
        if self.operations.is_some() {
            need("source-http", "operations", "`operations` is");
        }
        if self.access.jwt.as_ref().is_some_and(|jwt| jwt.jwks_file.is_none()) {
            need("oidc", "access.jwt", "fetching an identity provider's keys is");
        }
        if self.enabled && self.destinations.is_empty() {
            errors.push(
                self.origin.error("", "found no `destination` or `destinations`, expected one of them"),
            );
        }
        ConfigErrors::unless_empty(errors)
    }

    /// Whether files are deleted by their number.
    fn prunes(&self) -> bool {
        self.destinations.iter().any(|destination| match &destination.kind {
            DestinationKind::File(file) => {
                file.rotation.as_ref().is_some_and(|rotation| rotation.max_files.is_some())
            }
            _ => false,
        })
    }
}
