use jiff::{SignedDuration, Timestamp};

/// How long, and against whom, objects are locked.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectLock {
    /// Against whom.
    pub mode: ObjectLockMode,
    /// For how many days from when an object is put: 1 to 36500, which is S3's limit of 100 years.
    pub retain_days: u32,
}

/// Against whom objects are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectLockMode {
    /// Against all who lack the permission `s3:BypassGovernanceRetention`.
    Governance,
    /// Against everybody, the account's root user included: nothing undoes it before its date.
    Compliance,
}

/// S3's limit of 100 years.
const LONGEST_DAYS: u32 = 36_500;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("objects cannot be locked for {0} days: S3 takes 1 to {LONGEST_DAYS}; correct the retention")]
pub(crate) struct RetainDaysError(u32);

impl ObjectLock {
    /// The moment in seconds since 1970 until which an object put now is locked.
    pub(crate) fn retain_until(self, now: Timestamp) -> Result<i64, RetainDaysError> {
        let error = RetainDaysError(self.retain_days);
        if !(1..=LONGEST_DAYS).contains(&self.retain_days) {
            return Err(error);
        }
        let days = SignedDuration::from_hours(24 * i64::from(self.retain_days));
        now.checked_add(days).map(Timestamp::as_second).map_err(|_| error)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{ObjectLock, ObjectLockMode};

    #[test]
    fn days_of_24_hours_from_now() {
        let now: Timestamp = "2026-03-28T12:00:00Z".parse().expect("a timestamp");
        let until = |retain_days| {
            ObjectLock { mode: ObjectLockMode::Compliance, retain_days }
                .retain_until(now)
                .map(|until| until - now.as_second())
        };
        assert_eq!(until(1), Ok(86_400));
        assert_eq!(until(36_500), Ok(36_500 * 86_400));
        let error = until(0).expect_err("a lock of no time is none");
        assert_eq!(
            error.to_string(),
            "objects cannot be locked for 0 days: S3 takes 1 to 36500; correct the retention"
        );
        assert!(until(u32::MAX).is_err());
    }
}
