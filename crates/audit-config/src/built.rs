use crate::{Config, ConfigErrors, DestinationKind};

/// What a program can do, in the words of a configuration.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct Built<'a> {
    /// Destination types (`file`, `s3`), the keys `state_dir`, `required`, `retention`, `lifecycle`,
    /// `alerts` and `notifiers`, and `destinations` for more than one at once.
    pub parts: &'a [&'a str],
    /// The cargo feature that would bring a part, where there is one.
    pub feature_of: &'a dyn Fn(&str) -> Option<&'static str>,
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
                let instead = match part {
                    "state_dir" => ": the journal is the file of the `file` destination",
                    "required" => ": an event counts as recorded when the journal has it",
                    _ => "",
                };
                let message = format!("{what} not built into this version{instead}");
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
            if destination.required {
                need("required", &format!("{path}.required"), "`required: true` is");
            }
        }
        if self.state_dir.is_some() {
            need("state_dir", "state_dir", "`state_dir` is");
        }
        if self.destinations.len() > 1 {
            need("destinations", "destinations", "more than one destination is");
        }
        if let Some(retention) = &self.retention {
            if retention.min_days.is_some() || retention.max_days.is_some() {
                need("retention", "retention", "`retention` is");
            }
            if !retention.lifecycle.is_empty() {
                need("lifecycle", self.lifecycle_path(), "`lifecycle` is");
            }
        }
        if !self.alerts.is_empty() {
            need("alerts", "alerts", "`alerts` are");
        }
        if self.notifiers.is_some() {
            need("notifiers", "notifiers", "`notifiers` are");
        }
        if self.enabled && self.destinations.is_empty() {
            errors.push(
                self.origin.error("", "found no `destination` or `destinations`, expected one of them"),
            );
        }
        ConfigErrors::unless_empty(errors)
    }
}
