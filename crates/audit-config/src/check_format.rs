//! What the types alone can't say of a destination's format.

use std::time::Duration;

use audit_ocsf::Version;

use crate::check::Check;
use crate::error::{nearest, one_of, quoted};
use crate::{Destination, DestinationKind, Format, OcsfFormat, OcsfProduct, OcsfRule};

/// Longer than anybody expects a record to be held back.
const LONG: Duration = Duration::from_secs(60);

impl Check<'_> {
    /// Of the destination at `path`.
    pub(crate) fn format(&mut self, path: &str, destination: &Destination) {
        let Format::Ocsf(ocsf) = &destination.format else { return };
        let at = format!("{path}.format");
        if let Some(product) = &ocsf.product {
            self.product(&format!("{at}.product"), product, ocsf.version);
        }
        for (index, rule) in ocsf.mapping.iter().enumerate() {
            self.rule(&format!("{at}.mapping[{index}]"), rule, ocsf.version);
        }
        self.coalesce(path, destination, ocsf);
        if let DestinationKind::Syslog(syslog) = &destination.kind
            && syslog.max_message_kb.is_none()
            && ocsf.raw_data
        {
            self.warn(
                &at,
                "OCSF records are about three times as large as the log's, and messages of more than 8,096 bytes go to the \
                 dead letters; set `max_message_kb`, or `raw_data: false`",
            );
        }
    }

    fn product(&mut self, path: &str, product: &OcsfProduct, version: Version) {
        self.text(&format!("{path}.name"), &product.name, version);
        self.text(&format!("{path}.vendor_name"), &product.vendor_name, version);
        for (key, text) in [("version", &product.version), ("uid", &product.uid)] {
            if let Some(text) = text {
                self.text(&format!("{path}.{key}"), text, version);
            }
        }
    }

    /// OCSF's `string_t`, and something in it.
    fn text(&mut self, path: &str, text: &str, version: Version) {
        self.require(!text.is_empty(), path, "at least one character");
        if !version.takes(text) {
            self.error(path, "expected at most 65,535 characters, as OCSF has it before 1.8.0");
        }
    }

    fn rule(&mut self, path: &str, rule: &OcsfRule, version: Version) {
        let events = format!("{path}.events");
        self.require(!rule.events.is_empty(), &events, "at least one event type or pattern");
        self.events(&events, &rule.events);
        let class = audit_ocsf::Class::from(rule.class);
        let activity = class.activity(&rule.activity, version);
        if activity.is_none() {
            let names = class.activities(version).map(|(_, caption)| caption);
            let names: Vec<String> =
                names.map(|caption| caption.to_ascii_lowercase().replace(' ', "_")).collect();
            let names = || names.iter().map(String::as_str);
            let path = format!("{path}.activity");
            let (found, meant) = match self.config.origin.is_from_variable(&path) {
                true => ("the value of a variable".to_owned(), None),
                false => (quoted(&rule.activity), nearest(&rule.activity, names())),
            };
            let known = one_of(names());
            let message = format!("found {found}, expected an activity of {class} in {version}: {known}");
            self.error_with_help(&path, message, meant.map(|meant| format!("did you mean `{meant}`?")));
        }
        if let Some(name) = &rule.activity_name {
            let path = format!("{path}.activity_name");
            self.text(&path, name, version);
            if activity.is_some_and(|activity| activity != OTHER) {
                self.warn(&path, "does nothing unless `activity` is `other`");
            }
        }
    }

    /// Only what is in one batch is merged; so batches wait for the longest window, unless something else is asked for.
    fn coalesce(&mut self, path: &str, destination: &Destination, ocsf: &OcsfFormat) {
        let max_age = destination.batch.max_age;
        let waits = !destination.required && max_age.is_none();
        let mut takes_all = None;
        for (index, coalesce) in ocsf.coalesce.iter().enumerate() {
            let at = format!("{path}.format.coalesce[{index}]");
            self.events(&format!("{at}.events"), &coalesce.events);
            if let Some(before) = takes_all {
                let message = format!("does nothing: `coalesce[{before}]` has no `events`, and so takes all");
                self.warn(&at, message);
            } else if coalesce.events.is_empty() {
                takes_all = Some(index);
            }
            if waits && coalesce.window > LONG {
                self.warn(
                    &format!("{at}.window"),
                    "every record of this destination waits so long before it is sent, unless `batch.max_age` is set",
                );
            }
        }
        let Some(longest) = ocsf.longest_window() else { return };
        if destination.required {
            let message = "batches do not wait then, so that `format.coalesce` merges little";
            self.warn(&format!("{path}.required"), message);
        } else if max_age.is_some_and(|age| age < longest) {
            let message =
                "less than the longest `window` of `format.coalesce`: only what is in one batch is merged";
            self.warn(&format!("{path}.batch.max_age"), message);
        }
    }
}

/// The `activity_id` of what only `activity_name` says.
const OTHER: u8 = 99;
