use audit_aws::AwsOptions;
use secrecy::SecretString;

/// Which log stream records go to, where it is, and who asks.
#[derive(Clone, Debug)]
pub struct CloudwatchOptions {
    pub(crate) log_group: String,
    pub(crate) log_stream: String,
    pub(crate) aws: AwsOptions,
}

/// A name that CloudWatch Logs does not take.
///
/// The rules are those of [CreateLogGroup] and [CreateLogStream]. They are checked when a sink is made, because the
/// service answers a name of another form as it answers a bad record.
///
/// [CreateLogGroup]: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
/// [CreateLogStream]: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloudwatchOptionsError {
    /// Of the log group.
    #[error(
        "log group `{0}`: expected 1 to 512 of the characters a-z A-Z 0-9 . - _ / #, not beginning with `aws/`"
    )]
    LogGroup(String),
    /// Of the log stream.
    #[error("log stream `{0}`: expected 1 to 512 characters other than `:` and `*`")]
    LogStream(String),
}

impl CloudwatchOptions {
    /// Delivers to this log stream of this log group; both are created when they are missing.
    ///
    /// Whatever else is unset is found as the AWS command line finds it.
    #[must_use]
    pub fn new(log_group: impl Into<String>, log_stream: impl Into<String>) -> Self {
        Self { log_group: log_group.into(), log_stream: log_stream.into(), aws: AwsOptions::default() }
    }

    /// Sets the region, as `eu-central-1`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.aws = self.aws.region(region);
        self
    }

    /// Sets the URL of the service, for VPC endpoints and servers other than AWS.
    ///
    /// A user and a password in it are forgotten: requests are signed, neither would ever be sent, and the URL is
    /// part of error messages.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.aws = self.aws.endpoint(without_userinfo(url.into()));
        self
    }

    /// Sets the role to assume, as `arn:aws:iam::123456789012:role/audit`.
    #[must_use]
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.aws = self.aws.role_arn(arn);
        self
    }

    /// Sets a key pair to use instead of the usual chain of credentials.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: SecretString) -> Self {
        self.aws = self.aws.credentials(access_key_id, secret);
        self
    }

    pub(crate) fn checked(self) -> Result<Self, CloudwatchOptionsError> {
        let of_group = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
        if !fits(&self.log_group, of_group) || self.log_group.starts_with("aws/") {
            return Err(CloudwatchOptionsError::LogGroup(self.log_group));
        }
        if !fits(&self.log_stream, |c| !":*".contains(c)) {
            return Err(CloudwatchOptionsError::LogStream(self.log_stream));
        }
        Ok(self)
    }
}

/// The URL without what [RFC 3986, section 3.2.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1) calls userinfo.
fn without_userinfo(mut url: String) -> String {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    if let Some(at) = url[start..end].rfind('@') {
        url.replace_range(start..=start + at, "");
    }
    url
}

fn fits(name: &str, allowed: impl Fn(char) -> bool) -> bool {
    (1..=512).contains(&name.chars().count()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{CloudwatchOptions, CloudwatchOptionsError, without_userinfo};

    fn check(group: &str, stream: &str) -> Result<(), CloudwatchOptionsError> {
        CloudwatchOptions::new(group, stream).checked().map(drop)
    }

    #[test]
    fn names_are_those_that_the_service_takes() {
        assert_eq!(check("/audit/prod.eu-1_a#b", "héte rogène/[$LATEST]"), Ok(()));
        assert_eq!(check(&"g".repeat(512), &"s".repeat(512)), Ok(()));
        for group in ["", "a b", "a:b", "aws/mine", "é", &"g".repeat(513)] {
            assert_eq!(check(group, "s"), Err(CloudwatchOptionsError::LogGroup(group.to_owned())));
        }
        for stream in ["", "a:b", "a*", &"s".repeat(513)] {
            assert_eq!(check("g", stream), Err(CloudwatchOptionsError::LogStream(stream.to_owned())));
        }
    }

    #[test]
    fn an_endpoint_keeps_no_user_and_no_password() {
        let cases = [
            ("https://me:pass@host:1/a@b?c@d", "https://host:1/a@b?c@d"),
            ("http://me:p@ss@host", "http://host"),
            ("http://@[::1]:4566/", "http://[::1]:4566/"),
            ("me:pass@host", "host"),
            ("http://host/a@b", "http://host/a@b"),
            ("http://host?a@b", "http://host?a@b"),
            ("http://host#a@b", "http://host#a@b"),
            ("", ""),
        ];
        for (given, kept) in cases {
            assert_eq!(without_userinfo(given.to_owned()), kept);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let options = CloudwatchOptions::new("g", "s").credentials("AKIA", "hush".to_owned().into());
        assert!(!format!("{options:?}").contains("hush"));
    }
}
