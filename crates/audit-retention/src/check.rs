use crate::{Policy, StorageClass};

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {message}")]
#[non_exhaustive]
pub struct PolicyError {
    /// Which field, as it is called under `retention`: `min_days`, `lifecycle[1].days`.
    pub field: String,
    /// What was found there, and what was expected.
    pub message: String,
}

/// Days before an object can be moved to a class for what is seldom read, and days that it has to stay there.
const INFREQUENT_ACCESS_DAYS: u32 = 30;

impl Policy {
    /// What is wrong with it; nothing when it can be followed.
    ///
    /// - Numbers of days are at least 1, and `min_days` is at most `max_days`.
    /// - Steps of `lifecycle` come in ascending order, and all before `max_days`.
    /// - S3 refuses the other rules: nothing goes to `STANDARD_IA` or `ONEZONE_IA` before 30 days; from these it takes at
    ///   least 30 days more to `GLACIER` or `DEEP_ARCHIVE`, or from the first to the second; and classes follow each other
    ///   only downwards, none twice, and `GLACIER_IR` not after `ONEZONE_IA`. As of
    ///   <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>.
    ///
    /// What S3 demands without documenting it there is not checked here; it refuses the rule when it is put.
    #[must_use]
    pub fn check(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        let mut error = |field: String, message: String| errors.push(PolicyError { field, message });
        for (field, days) in [("min_days", self.min_days), ("max_days", self.max_days)] {
            if days == Some(0) {
                error(field.into(), "found 0, expected at least 1".into());
            }
        }
        if let (Some(min), Some(max)) = (self.min_days, self.max_days)
            && min > max
        {
            error("min_days".into(), format!("found {min}, expected at most `max_days`, which is {max}"));
        }
        for (index, step) in self.transitions.iter().enumerate() {
            let days = step.days;
            let at = |key: &str| format!("lifecycle[{index}].{key}");
            let before = &self.transitions[..index];
            if days == 0 {
                error(at("days"), "found 0, expected at least 1".into());
            }
            if let Some(max) = self.max_days.filter(|max| days >= *max) {
                error(
                    at("days"),
                    format!("found {days}, expected less than `max_days`, {max}: records are deleted then"),
                );
            }
            if step.storage_class.is_infrequent_access() && days < INFREQUENT_ACCESS_DAYS {
                error(
                    at("days"),
                    format!(
                        "found {days}, expected at least {INFREQUENT_ACCESS_DAYS}: S3 moves nothing younger to {}",
                        step.storage_class
                    ),
                );
            }
            let Some(previous) = before.last() else { continue };
            if days <= previous.days {
                error(
                    at("days"),
                    format!("found {days}, expected more than the {} of the step before", previous.days),
                );
            } else if let Some(infrequent) = before.iter().find(|earlier| {
                stays_a_month(earlier.storage_class, step.storage_class)
                    && days < earlier.days.saturating_add(INFREQUENT_ACCESS_DAYS)
            }) {
                error(
                    at("days"),
                    format!(
                        "found {days}, expected at least {}: S3 keeps what is in {} there for {INFREQUENT_ACCESS_DAYS} days",
                        infrequent.days.saturating_add(INFREQUENT_ACCESS_DAYS),
                        infrequent.storage_class,
                    ),
                );
            }
            if !previous.storage_class.leads_to(step.storage_class) {
                error(
                    at("storage_class"),
                    format!(
                        "found {}, which S3 does not move to from {}, the step before; expected a class below it, of STANDARD_IA, \
                     INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR (not after ONEZONE_IA), GLACIER, DEEP_ARCHIVE",
                        step.storage_class, previous.storage_class
                    ),
                );
            }
        }
        errors
    }
}

/// Whether a rule cannot have both classes with less than 30 days between them.
fn stays_a_month(from: StorageClass, to: StorageClass) -> bool {
    use StorageClass::{DeepArchive, Glacier, OneZoneIa, StandardIa};
    matches!((from, to), (StandardIa, OneZoneIa) | (StandardIa | OneZoneIa, Glacier | DeepArchive))
}
