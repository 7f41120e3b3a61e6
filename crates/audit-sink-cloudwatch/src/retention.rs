use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_aws::{HttpResponse, SdkError, aws_error, load};
use audit_model::Timestamp;
use audit_retention::cloudwatch::{Change, LogGroup, Retention, plan};
use audit_retention::{Holds, Plan, Policy};
use audit_sink::SinkError;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;

use crate::CloudwatchOptions;

/// Makes a log group's retention follow a policy.
///
/// It can have credentials of its own, since whoever writes audit logs should not be able to delete them.
#[derive(Debug)]
pub struct CloudwatchRetention {
    options: CloudwatchOptions,
    /// Made at first use, and again when the service turns its credentials away: others may be there by then.
    client: Mutex<Option<Client>>,
}

impl CloudwatchRetention {
    /// For the log group of a sink of the same options. It connects at first use.
    #[must_use]
    pub fn new(options: CloudwatchOptions) -> Self {
        Self { options, client: Mutex::new(None) }
    }

    /// What has to be done to the log group now. Nothing is changed.
    ///
    /// It takes the permission `logs:DescribeLogGroups`.
    ///
    /// # Errors
    /// When the log group may not be looked at, when CloudWatch Logs takes no such name, or when the service is out of
    /// reach.
    pub async fn plan(
        &self,
        policy: &Policy,
        holds: &Holds,
        now: Timestamp,
    ) -> Result<Plan<Change>, SinkError> {
        self.options.clone().checked().map_err(SinkError::rejected)?;
        let client = self.client().await;
        let group =
            LogGroup { name: self.options.log_group.clone(), retention: self.retention(&client).await? };
        Ok(plan(policy, holds, &group, now))
    }

    /// Does what a plan says. Doing it again changes nothing.
    ///
    /// It takes the permission `logs:PutRetentionPolicy`, or `logs:DeleteRetentionPolicy` to keep events for ever.
    ///
    /// # Errors
    /// When there is no such log group, when it is not permitted, or when the service is out of reach.
    pub async fn apply(&self, change: &Change) -> Result<(), SinkError> {
        let client = self.client().await;
        match change {
            Change::KeepDays { group, days, .. } => {
                let days = i32::try_from(*days).map_err(SinkError::rejected)?;
                let put = client.put_retention_policy().log_group_name(group).retention_in_days(days);
                put.send().await.map(drop).map_err(|error| self.failure("PutRetentionPolicy", &error))
            }
            Change::KeepForever { group, .. } => {
                let delete = client.delete_retention_policy().log_group_name(group);
                delete.send().await.map(drop).map_err(|error| self.failure("DeleteRetentionPolicy", &error))
            }
        }
    }

    async fn retention(&self, client: &Client) -> Result<Retention, SinkError> {
        // The service looks for what begins so, and has them in the order of their names.
        let named = client.describe_log_groups().log_group_name_prefix(&self.options.log_group);
        let mut groups = named.into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let group = group.map_err(|error| self.failure("DescribeLogGroups", &error))?;
            if group.log_group_name() == Some(&self.options.log_group) {
                let days = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
                return Ok(days.map_or(Retention::Forever, Retention::Days));
            }
        }
        Ok(Retention::Missing)
    }

    async fn client(&self) -> Client {
        let made = self.slot().clone();
        match made {
            Some(client) => client,
            None => {
                let client = Client::new(&load(&self.options.aws).await);
                self.slot().insert(client).clone()
            }
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure<E>(&self, operation: &str, error: &SdkError<E, HttpResponse>) -> SinkError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let at =
            self.options.aws.endpoint.as_ref().map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
        let mut error = aws_error(format!("{operation} of `{}`{at}", self.options.log_group), error);
        if error.concerns_credentials() {
            *self.slot() = None;
        }
        if error.code.as_deref() == Some("AccessDeniedException") {
            error.message = format!("{}; allow logs:{operation}", error.message.trim_end_matches('.'));
        }
        error.into_sink_error()
    }
}
