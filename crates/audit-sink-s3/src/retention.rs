use std::collections::BTreeSet;

use audit_aws::AwsError;
use audit_model::Timestamp;
use audit_retention::s3::{Bucket, BucketLock, Change, Object, Rule, held_by, plan, rule_ids};
use audit_retention::{Holds, Plan, Policy};
use audit_sink::SinkError;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::SdkBody;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, LifecycleRule, ObjectLockEnabled, ObjectLockLegalHold,
    ObjectLockLegalHoldStatus, ObjectVersion, ServerSideEncryption, TransitionDefaultMinimumObjectSize,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use crate::client::Connection;
use crate::{S3Options, lifecycle, name};

/// How many objects are asked for their legal hold at the same time.
const AT_ONCE: usize = 16;

/// Makes the lifecycle rules and the legal holds of a sink's objects follow a policy.
///
/// It can have credentials of its own, since whoever writes audit logs should not be able to delete them.
#[derive(Debug)]
pub struct S3Retention {
    connection: Connection,
}

/// The rules of a bucket, and the size below which S3 does not move objects unless a rule says otherwise.
#[derive(Default)]
struct Lifecycle {
    rules: Vec<LifecycleRule>,
    smallest: Option<TransitionDefaultMinimumObjectSize>,
}

impl S3Retention {
    /// For the objects of a sink of the same options. It connects at first use.
    #[must_use]
    pub fn new(options: S3Options) -> Self {
        Self { connection: Connection::new(options) }
    }

    /// What has to be done to the bucket now. Nothing is changed.
    ///
    /// It takes the permissions `s3:GetLifecycleConfiguration`, `s3:GetBucketVersioning` and `s3:GetBucketObjectLockConfiguration`; where
    /// Object Lock is enabled `s3:ListBucket`, and while a hold is active `s3:ListBucketVersions` and `s3:GetObjectLegalHold`:
    /// then it asks for each version that is covered, one request a version.
    ///
    /// # Errors
    /// When the bucket is not there, may not be looked at, or is out of reach.
    pub async fn plan(
        &self,
        policy: &Policy,
        holds: &Holds,
        now: Timestamp,
    ) -> Result<Plan<Change>, SinkError> {
        let client = self.connection.client().await;
        let options = &self.connection.options;
        let object_lock = self.object_lock(&client).await?;
        let objects = match object_lock {
            Some(_) => self.objects(&client, holds, now).await?,
            None => Vec::new(),
        };
        let bucket = Bucket {
            name: options.bucket.clone(),
            prefix: name::chains(&options.prefix),
            rules: self.lifecycle(&client).await?.rules.iter().map(lifecycle::read).collect(),
            versioned: self.is_versioned(&client).await?,
            object_lock,
            lock_days: options.object_lock.map(|lock| lock.retain_days),
            objects,
        };
        Ok(plan(policy, holds, &bucket, now))
    }

    /// Does what a plan says. Doing it again changes nothing.
    ///
    /// It takes the permissions `s3:PutLifecycleConfiguration` for rules, and for legal holds `s3:PutObjectLegalHold`,
    /// `s3:PutObject` and, to lift them, `s3:DeleteObject`, the latter two for keys under `legal-holds/` only.
    ///
    /// S3 takes all rules at once, and has no way to do so only if nobody has changed them since they were read: a rule
    /// that another sets in the moment between is lost.
    ///
    /// # Errors
    /// When something is not permitted or refused, or the bucket is out of reach.
    pub async fn apply(&self, change: &Change) -> Result<(), SinkError> {
        let client = self.connection.client().await;
        match change {
            Change::SetRules { prefix, rules, .. } => self.set_rules(&client, prefix, rules).await,
            Change::PlaceLegalHold { key, version, hold } => {
                // The mark comes first: without it, a legal hold would be taken for another's and never lifted. A plan asks
                // for the legal hold itself.
                self.mark(&client, key, version, hold).await?;
                let placed = self.set_legal_hold(&client, key, version, ObjectLockLegalHoldStatus::On).await;
                placed.map_err(AwsError::into_sink_error)
            }
            Change::LiftLegalHold { key, version } => {
                match self.set_legal_hold(&client, key, version, ObjectLockLegalHoldStatus::Off).await {
                    Err(error) if !is_gone(&error) => return Err(error.into_sink_error()),
                    _ => {}
                }
                let mark = name::legal_hold(&self.connection.options.prefix, key, version);
                let deleted =
                    client.delete_object().bucket(&self.connection.options.bucket).key(mark).send().await;
                deleted
                    .map(drop)
                    .map_err(|error| self.connection.read("DeleteObject", &error).into_sink_error())
            }
        }
    }

    async fn lifecycle(&self, client: &Client) -> Result<Lifecycle, SinkError> {
        let asked = client.get_bucket_lifecycle_configuration().bucket(&self.connection.options.bucket);
        match asked.send().await {
            Ok(found) => Ok(Lifecycle {
                smallest: found.transition_default_minimum_object_size,
                rules: found.rules.unwrap_or_default(),
            }),
            Err(error) => match self.connection.read("GetBucketLifecycleConfiguration", &error) {
                error if error.code.as_deref() == Some("NoSuchLifecycleConfiguration") => {
                    Ok(Lifecycle::default())
                }
                error => Err(error.into_sink_error()),
            },
        }
    }

    async fn set_rules(&self, client: &Client, prefix: &str, rules: &[Rule]) -> Result<(), SinkError> {
        let bucket = &self.connection.options.bucket;
        let Lifecycle { rules: found, smallest } = self.lifecycle(client).await?;
        let ids = rule_ids(prefix);
        let before = found.len();
        let mut all: Vec<LifecycleRule> = found
            .into_iter()
            .filter(|rule| !rule.id().is_some_and(|id| ids.iter().any(|our| our == id)))
            .collect();
        if all.len() == before && rules.is_empty() {
            return Ok(());
        }
        let with_base_prefix = all.iter().any(|rule| lifecycle::base_prefix(rule).is_some());
        for rule in rules {
            all.push(lifecycle::write(rule, with_base_prefix).map_err(SinkError::rejected)?);
        }
        if all.is_empty() {
            let deleted = client.delete_bucket_lifecycle().bucket(bucket).send().await;
            return deleted
                .map(drop)
                .map_err(|error| self.connection.read("DeleteBucketLifecycle", &error).into_sink_error());
        }
        let all = BucketLifecycleConfiguration::builder()
            .set_rules(Some(all))
            .build()
            .map_err(SinkError::rejected)?;
        let put = client
            .put_bucket_lifecycle_configuration()
            .bucket(bucket)
            .lifecycle_configuration(all)
            .set_transition_default_minimum_object_size(smallest);
        put.send().await.map(drop).map_err(|error| {
            self.connection.read("PutBucketLifecycleConfiguration", &error).into_sink_error()
        })
    }

    async fn is_versioned(&self, client: &Client) -> Result<bool, SinkError> {
        let asked = client.get_bucket_versioning().bucket(&self.connection.options.bucket).send().await;
        match asked {
            // Where it is suspended, versions from before are still there.
            Ok(found) => Ok(found.status().is_some()),
            Err(error) => match self.connection.read("GetBucketVersioning", &error) {
                // A server that has no versions.
                error if error.status == Some(501) => Ok(false),
                error => Err(error.into_sink_error()),
            },
        }
    }

    async fn object_lock(&self, client: &Client) -> Result<Option<BucketLock>, SinkError> {
        let asked =
            client.get_object_lock_configuration().bucket(&self.connection.options.bucket).send().await;
        let found = match asked {
            Ok(found) => found,
            Err(error) => {
                return match self.connection.read("GetObjectLockConfiguration", &error) {
                    error if error.code.as_deref() == Some("ObjectLockConfigurationNotFoundError") => {
                        Ok(None)
                    }
                    // A server that has no Object Lock.
                    error if error.status == Some(501) => Ok(None),
                    error => Err(error.into_sink_error()),
                };
            }
        };
        let Some(lock) = found.object_lock_configuration() else { return Ok(None) };
        if lock.object_lock_enabled() != Some(&ObjectLockEnabled::Enabled) {
            return Ok(None);
        }
        let retention = lock.rule().and_then(|rule| rule.default_retention());
        let days = |count: Option<i32>, days: u32| {
            count.and_then(|count| u32::try_from(count).ok()).map(|count| count.saturating_mul(days))
        };
        let default_days =
            retention.and_then(|retention| days(retention.days(), 1).or(days(retention.years(), 365)));
        Ok(Some(BucketLock { default_days }))
    }

    /// The versions that a hold covers, and those that have a legal hold of ours.
    async fn objects(
        &self,
        client: &Client,
        holds: &Holds,
        now: Timestamp,
    ) -> Result<Vec<Object>, SinkError> {
        let prefix = &self.connection.options.prefix;
        let marked = self.marked(client).await?;
        if holds.active(now).next().is_none() {
            let ours = |(key, version)| Object {
                key,
                version,
                oldest: None,
                newest: now,
                legal_hold: true,
                ours: true,
            };
            return Ok(marked.into_iter().map(ours).collect());
        }
        let mut objects = Vec::new();
        let mut token = (None, None);
        loop {
            let page = client
                .list_object_versions()
                .bucket(&self.connection.options.bucket)
                .prefix(name::chains(prefix))
                .set_key_marker(token.0.take())
                .set_version_id_marker(token.1.take())
                .send()
                .await
                .map_err(|error| self.connection.read("ListObjectVersions", &error).into_sink_error())?;
            for version in page.versions() {
                let object = object(version, &marked, now);
                if object.ours || held_by(&object, holds, now).is_some() {
                    objects.push(object);
                }
            }
            token = (page.next_key_marker, page.next_version_id_marker);
            if page.is_truncated != Some(true) {
                break;
            }
        }
        let looked_at = stream::iter(objects)
            .map(|object| async move {
                if held_by(&object, holds, now).is_none() {
                    return Ok(Some(object));
                }
                let held = self.has_legal_hold(client, &object).await?;
                Ok::<_, SinkError>(held.map(|legal_hold| Object { legal_hold, ..object }))
            })
            .buffered(AT_ONCE);
        looked_at.try_filter_map(|object| async { Ok(object) }).try_collect().await
    }

    /// The keys and versions that have a mark of ours.
    async fn marked(&self, client: &Client) -> Result<BTreeSet<(String, String)>, SinkError> {
        let options = &self.connection.options;
        let marks =
            client.list_objects_v2().bucket(&options.bucket).prefix(name::legal_holds(&options.prefix));
        let mut pages = marks.into_paginator().send();
        let mut marked = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| self.connection.read("ListObjectsV2", &error).into_sink_error())?;
            let marks = page.contents().iter().filter_map(|object| object.key());
            marked.extend(marks.filter_map(|mark| name::legally_held(&options.prefix, mark)));
        }
        Ok(marked)
    }

    /// `None` where the version has gone in the meantime.
    async fn has_legal_hold(&self, client: &Client, object: &Object) -> Result<Option<bool>, SinkError> {
        let asked = client
            .get_object_legal_hold()
            .bucket(&self.connection.options.bucket)
            .key(&object.key)
            .version_id(&object.version);
        match asked.send().await {
            Ok(found) => {
                let status = found.legal_hold().and_then(|hold| hold.status());
                Ok(Some(status == Some(&ObjectLockLegalHoldStatus::On)))
            }
            Err(error) => match self.connection.read("GetObjectLegalHold", &error) {
                error if error.code.as_deref() == Some("NoSuchObjectLockConfiguration") => Ok(Some(false)),
                error if is_gone(&error) => Ok(None),
                error => Err(error.into_sink_error()),
            },
        }
    }

    async fn set_legal_hold(
        &self,
        client: &Client,
        key: &str,
        version: &str,
        status: ObjectLockLegalHoldStatus,
    ) -> Result<(), AwsError> {
        let put = client
            .put_object_legal_hold()
            .bucket(&self.connection.options.bucket)
            .key(key)
            .version_id(version)
            .legal_hold(ObjectLockLegalHold::builder().status(status).build());
        put.send().await.map(drop).map_err(|error| self.connection.read("PutObjectLegalHold", &error))
    }

    async fn mark(&self, client: &Client, key: &str, version: &str, hold: &str) -> Result<(), SinkError> {
        let options = &self.connection.options;
        let body = format!("{hold}\n");
        let mut put = client
            .put_object()
            .bucket(&options.bucket)
            .key(name::legal_hold(&options.prefix, key, version))
            .content_type("text/plain; charset=utf-8")
            // Where a bucket has Object Lock, S3 takes no object without a checksum.
            .checksum_sha256(STANDARD.encode(Sha256::digest(&body)))
            .body(SdkBody::from(body).into());
        if let Some(key) = &options.kms_key_id {
            put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key);
        }
        put.send()
            .await
            .map(drop)
            .map_err(|error| self.connection.read("PutObject", &error).into_sink_error())
    }
}

/// Where its time is not told, it may be the youngest.
fn object(version: &ObjectVersion, marked: &BTreeSet<(String, String)>, now: Timestamp) -> Object {
    let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_milliseconds(ms).ok());
    let key = version.key().unwrap_or_default().to_owned();
    let version_id = version.version_id().unwrap_or_default().to_owned();
    let oldest = at(name::first_time(&key).map(jiff::Timestamp::as_millisecond));
    let newest = at(version.last_modified().and_then(|time| time.to_millis().ok())).unwrap_or(now);
    let mark = (key, version_id);
    let ours = marked.contains(&mark);
    let (key, version) = mark;
    Object { key, version, oldest, newest, legal_hold: false, ours }
}

fn is_gone(error: &AwsError) -> bool {
    matches!(error.code.as_deref(), Some("NoSuchKey" | "NoSuchVersion"))
}
