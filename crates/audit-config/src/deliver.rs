//! From configured destinations to sinks.

use std::path::Path;
use std::time::Duration;

use audit_condition::Condition;
use audit_delivery::{BatchLimits, Destination as Delivered, Retry, event_of};
use audit_model::Timestamp;
use audit_pipeline::Options;
use audit_sink::{Sink, StdoutSink};
use audit_sink_file::FileSink;

use crate::assemble::{MB, rotation};
use crate::content::Content;
use crate::ocsf::Ocsf;
use crate::retention::longest_file;
use crate::{AssembleError, Config, Destination, DestinationKind, Format, JournalFile};

impl Config {
    /// Adds whatever concerns delivery.
    pub(crate) fn deliver(&self, options: Options, journal: &JournalFile) -> Result<Options, AssembleError> {
        let mut options = options.state_dir(self.delivery_dir(journal));
        for index in (0..self.destinations.len()).filter(|index| Some(*index) != journal.destination) {
            options = options.deliver_to(self.delivered(index)?);
        }
        if let Some(most) = self.max_spool_mb {
            options = options.max_spool_bytes(u64::from(most.get()) * MB);
        }
        if let Some(patience) = self.drain_timeout {
            options = options.drain_timeout(patience);
        }
        if let Some(patience) = self.required_timeout {
            options = options.required_timeout(patience);
        }
        Ok(options)
    }

    /// What a destination is called in messages, metrics and files: its `name`, or else its type.
    ///
    /// # Panics
    /// When there are not so many destinations.
    #[must_use]
    pub fn destination_name(&self, index: usize) -> &str {
        self.destinations[index].shown_name()
    }

    /// A destination, ready to be delivered to; nothing is connected yet, but files are opened.
    ///
    /// # Errors
    /// When what it needs is not there, its file has records in another format, or it is of a kind that this program was
    /// built without.
    ///
    /// # Panics
    /// When there are not so many destinations.
    pub fn delivered(&self, index: usize) -> Result<Delivered, AssembleError> {
        self.delivered_beside(index, &[])
    }

    /// The same while other destinations still have these files.
    pub(crate) fn delivered_beside(&self, index: usize, held: &[&Path]) -> Result<Delivered, AssembleError> {
        let destination = &self.destinations[index];
        let sink = self.sink(index, held)?;
        let mut limits = default_limits(&destination.kind);
        let mut retry = Retry::default();
        match &destination.kind {
            DestinationKind::S3(s3) => {
                if let Some(seconds) = s3.batch_interval_secs {
                    limits.age = Duration::from_secs(seconds.get().into());
                }
            }
            DestinationKind::Webhook(webhook) => {
                if let Some(records) = webhook.batch_size {
                    limits.records = records.get() as usize;
                }
                if let Some(more) = webhook.retry_attempts {
                    retry.attempts = Some(more.saturating_add(1));
                    // A few attempts within a second would give records up for a server that is started again.
                    retry.initial = LIMITED_RETRY;
                }
            }
            _ => {}
        }
        if let Format::Ocsf(ocsf) = &destination.format {
            // What is merged is in one batch.
            limits.age = limits.age.max(ocsf.longest_window().unwrap_or_default());
        }
        let own = &destination.batch;
        limits.records = own.max_records.map_or(limits.records, |records| records.get() as usize);
        limits.bytes = own.max_size_kb.map_or(limits.bytes, |size| size.get() as usize * 1024);
        limits.age = own.max_age.unwrap_or(limits.age);
        retry.initial = destination.retry.initial_delay.unwrap_or(retry.initial);
        retry.maximum = destination.retry.max_delay.unwrap_or(retry.maximum).max(retry.initial);
        retry.attempts = destination.retry.max_attempts.map_or(retry.attempts, |most| Some(most.get()));
        let mut delivered = Delivered::new(self.destination_name(index), sink)
            .events(destination.events.iter().cloned())
            .exclude_events(destination.exclude_events.iter().cloned())
            .limits(limits)
            .retry(retry)
            .timeout(timeout_of(destination))
            .required(destination.required);
        if let Some(condition) = destination.condition.as_deref().and_then(|text| Condition::parse(text).ok())
        {
            // What is no event meets no condition.
            delivered = delivered.only(move |record| {
                event_of(&record.bytes).is_some_and(|event| condition.matches(&event, Timestamp::now()))
            });
        }
        if let Format::Ocsf(ocsf) = &destination.format {
            delivered = delivered.format(Box::new(Ocsf::new(ocsf)));
        }
        Ok(delivered)
    }

    fn sink(&self, index: usize, held: &[&Path]) -> Result<Box<dyn Sink>, AssembleError> {
        let path = || self.full_path(index);
        let destination = &self.destinations[index];
        Ok(match &destination.kind {
            DestinationKind::File(file) => {
                let expected = if destination.format.is_native() { Content::Native } else { Content::Ocsf };
                let key = format!("{}.path", self.destination_path(index));
                self.expect_content(&key, &file.path, expected)?;
                let mut rotation =
                    file.rotation.as_ref().map_or_else(audit_journal::Rotation::never, rotation);
                // The log's keeper deletes here, too, and so has to find files that are old enough.
                rotation.max_files = None;
                rotation.max_age = rotation.max_age.or(longest_file(&self.policy()));
                if held.contains(&file.path.as_path()) {
                    Box::new(FileSink::later(&file.path, rotation))
                } else {
                    Box::new(FileSink::open(&file.path, rotation).map_err(failed(path))?)
                }
            }
            DestinationKind::Stdout(_) => Box::new(StdoutSink::new()),
            #[cfg(feature = "s3")]
            DestinationKind::S3(s3) => {
                Box::new(audit_sink_s3::S3Sink::new(self.s3(s3, request_timeout(destination))))
            }
            #[cfg(feature = "cloudwatch")]
            DestinationKind::Cloudwatch(cloudwatch) => Box::new(
                audit_sink_cloudwatch::CloudwatchSink::new(self::cloudwatch(cloudwatch))
                    .map_err(failed(path))?,
            ),
            #[cfg(feature = "kafka")]
            DestinationKind::Kafka(kafka) => Box::new(
                audit_sink_kafka::KafkaSink::new(self::kafka(kafka, timeout_of(destination)))
                    .map_err(failed(path))?,
            ),
            #[cfg(feature = "syslog")]
            DestinationKind::Syslog(syslog) => Box::new(self::syslog(syslog).map_err(failed(path))?),
            #[cfg(feature = "webhook")]
            DestinationKind::Webhook(webhook) => {
                Box::new(self::webhook(webhook, request_timeout(destination)).map_err(failed(path))?)
            }
            #[allow(unreachable_patterns, reason = "not in every build")]
            other => return Err(AssembleError::NotBuilt { path: path(), kind: other.type_name() }),
        })
    }

    /// How a bucket is reached, if a destination is in it: for whoever reads there.
    #[cfg(feature = "s3")]
    #[must_use]
    pub fn s3_options(&self, bucket: &str) -> Option<audit_sink_s3::S3Options> {
        self.destinations.iter().find_map(|destination| match &destination.kind {
            DestinationKind::S3(s3) if s3.bucket == bucket => Some(self.s3(s3, request_timeout(destination))),
            _ => None,
        })
    }

    #[cfg(feature = "s3")]
    pub(crate) fn s3(&self, s3: &crate::S3Destination, timeout: Duration) -> audit_sink_s3::S3Options {
        use audit_sink_s3::{Compression, ObjectLock, ObjectLockMode, S3Options};
        let mut options = S3Options::new(&s3.bucket).prefix(&s3.prefix).compression(match s3.compression {
            crate::Compression::None => Compression::None,
            crate::Compression::Gzip => Compression::Gzip,
            crate::Compression::Zstd => Compression::Zstd,
        });
        if let Some(path_style) = s3.path_style {
            options = options.path_style(path_style);
        }
        options = options.request_timeout(timeout);
        if let Some(region) = &s3.region {
            options = options.region(region);
        }
        if let Some(endpoint) = &s3.endpoint {
            options = options.endpoint(endpoint);
        }
        if let Some(key) = &s3.kms_key_id {
            options = options.kms_key_id(key);
        }
        if let Some(role) = &s3.role_arn {
            options = options.role_arn(role);
        }
        if let (Some(id), Some(secret)) = (&s3.access_key_id, &s3.secret_access_key) {
            options = options.credentials(id, secret.clone().into());
        }
        let min_days = self.retention.as_ref().and_then(|retention| retention.min_days);
        if let (true, Some(days)) = (s3.object_lock, min_days) {
            let mode = match s3.object_lock_mode {
                crate::ObjectLockMode::Compliance => ObjectLockMode::Compliance,
                crate::ObjectLockMode::Governance => ObjectLockMode::Governance,
            };
            options = options.object_lock(ObjectLock { mode, retain_days: days.get() });
        }
        options
    }
}

pub(crate) fn timeout_of(destination: &Destination) -> Duration {
    // A batch of 16 MiB in that time is 1.1 Mbit/s; as OCSF it has up to three times as many bytes. Both before compression.
    let default = if matches!(destination.kind, DestinationKind::S3(_)) { 120 } else { 30 };
    destination.timeout.unwrap_or(Duration::from_secs(default))
}

/// Less than a batch may take, so that it is the client who says what it waited for.
#[cfg(any(feature = "s3", feature = "webhook"))]
pub(crate) fn request_timeout(destination: &Destination) -> Duration {
    timeout_of(destination).mul_f64(0.8)
}

/// The first pause of a webhook whose attempts are limited.
const LIMITED_RETRY: Duration = Duration::from_secs(5);

/// As large and as old as suits the place: an object or a connection a batch is dear, a message is not.
fn default_limits(kind: &DestinationKind) -> BatchLimits {
    let limits = |records, bytes, age_ms| BatchLimits { records, bytes, age: Duration::from_millis(age_ms) };
    match kind {
        DestinationKind::S3(_) => limits(100_000, 16 << 20, 60_000),
        DestinationKind::Cloudwatch(_) => limits(10_000, 1 << 20, 1000),
        DestinationKind::Kafka(_) => limits(10_000, 4 << 20, 100),
        DestinationKind::Syslog(_) => limits(5000, 1 << 20, 200),
        DestinationKind::Webhook(_) => limits(500, 1 << 20, 1000),
        DestinationKind::File(_) | DestinationKind::Stdout(_) => limits(1000, 1 << 20, 100),
    }
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    path: impl Fn() -> String,
) -> impl FnOnce(E) -> AssembleError {
    move |error| AssembleError::Destination { path: path(), source: error.into() }
}

#[cfg(feature = "cloudwatch")]
pub(crate) fn cloudwatch(
    cloudwatch: &crate::CloudwatchDestination,
) -> audit_sink_cloudwatch::CloudwatchOptions {
    use audit_sink_cloudwatch::CloudwatchOptions;
    let mut options = CloudwatchOptions::new(&cloudwatch.log_group, &cloudwatch.log_stream);
    if let Some(region) = &cloudwatch.region {
        options = options.region(region);
    }
    if let Some(endpoint) = &cloudwatch.endpoint {
        options = options.endpoint(endpoint);
    }
    if let Some(role) = &cloudwatch.role_arn {
        options = options.role_arn(role);
    }
    if let (Some(id), Some(secret)) = (&cloudwatch.access_key_id, &cloudwatch.secret_access_key) {
        options = options.credentials(id, secret.clone().into());
    }
    options
}

#[cfg(feature = "kafka")]
pub(crate) fn kafka(kafka: &crate::KafkaDestination, timeout: Duration) -> audit_sink_kafka::KafkaOptions {
    audit_sink_kafka::KafkaOptions::of(kafka.brokers(), &kafka.topic).timeout(timeout.mul_f64(0.8))
}

#[cfg(feature = "syslog")]
fn syslog(
    syslog: &crate::SyslogDestination,
) -> Result<audit_sink_syslog::SyslogSink, audit_sink_syslog::SyslogOptionsError> {
    use audit_sink_syslog::{Facility, Format, Framing, SyslogOptions, SyslogSink, Transport};
    let server = syslog.server.clone();
    let transport = match syslog.protocol {
        crate::SyslogProtocol::Tcp => Transport::Tcp { server },
        crate::SyslogProtocol::Udp => Transport::Udp { server },
        crate::SyslogProtocol::Tls => {
            Transport::Tls { server, tls: tls(&syslog.tls), server_name: syslog.server_name.clone() }
        }
        crate::SyslogProtocol::Unix => Transport::Unix { path: server.into() },
    };
    let numeric = syslog.facility as u8;
    let facility = Facility::all().find(|facility| facility.numeric() == numeric);
    let mut options = SyslogOptions::new(transport)
        .facility(facility.expect("RFC 5424 has a facility for each that has a name"))
        .confirm(syslog.confirm)
        .format(match syslog.syslog_format {
            crate::SyslogFormat::Rfc5424 => Format::Rfc5424,
            crate::SyslogFormat::Rfc3164 => Format::Rfc3164,
        })
        .framing(match syslog.framing {
            crate::SyslogFraming::OctetCounting => Framing::OctetCounting,
            crate::SyslogFraming::Newline => Framing::Newline,
        });
    if let Some(hostname) = &syslog.hostname {
        options = options.hostname(hostname);
    }
    if let Some(app_name) = &syslog.app_name {
        options = options.app_name(app_name);
    }
    if let Some(size) = syslog.max_message_kb {
        options = options.max_message_bytes(size.get() as usize * 1024);
    }
    SyslogSink::new(options)
}

#[cfg(feature = "webhook")]
fn webhook(
    webhook: &crate::WebhookDestination,
    timeout: Duration,
) -> Result<audit_sink_webhook::WebhookSink, audit_sink_webhook::WebhookOptionsError> {
    use audit_sink_webhook::{Body, WebhookOptions, WebhookSink};
    let mut options = WebhookOptions::new(&webhook.url).gzip(webhook.gzip).tls(tls(&webhook.tls)).body(
        match webhook.body {
            crate::WebhookBody::Ndjson => Body::Ndjson,
            crate::WebhookBody::JsonArray => Body::JsonArray,
            crate::WebhookBody::SplunkHec => Body::SplunkHec,
        },
    );
    for (name, value) in &webhook.headers {
        options = options.header(name, value.clone().into());
    }
    options = options.request_timeout(timeout);
    if let Some(secret) = &webhook.signing_secret {
        options = options.signing_secret(secret.clone().into());
    }
    if let Some(size) = webhook.max_body_kb {
        options = options.max_body_bytes(size.get() as usize * 1024);
    }
    if let Some(proxy) = &webhook.proxy {
        options = options.proxy(proxy.clone().into());
    }
    WebhookSink::new(options)
}

#[cfg(any(
    feature = "email",
    feature = "pagerduty",
    feature = "slack",
    feature = "syslog",
    feature = "webhook"
))]
pub(crate) fn tls(tls: &crate::Tls) -> audit_tls::TlsOptions {
    let mut options = audit_tls::TlsOptions::default()
        .danger_accept_invalid_certificates(tls.danger_accept_invalid_certificates);
    if let Some(file) = &tls.ca_file {
        options = options.ca_file(file);
    }
    if let (Some(certificate), Some(key)) = (&tls.cert_file, &tls.key_file) {
        options = options.cert_file(certificate).key_file(key);
    }
    options
}
