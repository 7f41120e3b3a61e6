#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "access")]
pub use audit_access as access;
#[cfg(feature = "alert")]
pub use audit_alert as alert;
#[cfg(feature = "condition")]
pub use audit_condition as condition;
#[cfg(feature = "config")]
pub use audit_config as config;
#[cfg(feature = "delivery")]
pub use audit_delivery as delivery;
#[cfg(feature = "integrity")]
pub use audit_integrity as integrity;
#[cfg(feature = "journal")]
pub use audit_journal as journal;
#[cfg(feature = "keeper")]
pub use audit_keeper as keeper;
pub use audit_model as model;
#[cfg(feature = "notify")]
pub use audit_notify as notify;
#[cfg(feature = "ocsf")]
pub use audit_ocsf as ocsf;
#[cfg(feature = "pipeline")]
pub use audit_pipeline as pipeline;
#[cfg(feature = "report")]
pub use audit_report as report;
#[cfg(feature = "retention")]
pub use audit_retention as retention;
#[cfg(feature = "search")]
pub use audit_search as search;
#[cfg(feature = "service")]
pub use audit_service as service;
#[cfg(feature = "sink")]
pub use audit_sink as sink;
#[cfg(feature = "cloudwatch")]
pub use audit_sink_cloudwatch as sink_cloudwatch;
#[cfg(feature = "email")]
pub use audit_sink_email as sink_email;
#[cfg(feature = "file")]
pub use audit_sink_file as sink_file;
#[cfg(feature = "kafka")]
pub use audit_sink_kafka as sink_kafka;
#[cfg(feature = "s3")]
pub use audit_sink_s3 as sink_s3;
#[cfg(feature = "syslog")]
pub use audit_sink_syslog as sink_syslog;
#[cfg(any(feature = "pagerduty", feature = "slack", feature = "webhook"))]
pub use audit_sink_webhook as sink_webhook;
#[cfg(feature = "source")]
pub use audit_source as source;
#[cfg(feature = "source-file")]
pub use audit_source_file as source_file;
#[cfg(feature = "source-http")]
pub use audit_source_http as source_http;
#[cfg(feature = "source-kafka")]
pub use audit_source_kafka as source_kafka;
#[cfg(feature = "source-socket")]
pub use audit_source_socket as source_socket;
#[cfg(feature = "source-syslog")]
pub use audit_source_syslog as source_syslog;
#[cfg(feature = "template")]
pub use audit_template as template;
#[cfg(feature = "tls")]
pub use audit_tls as tls;
#[cfg(feature = "tower")]
pub use audit_tower as tower;
#[cfg(feature = "tracing")]
pub use audit_tracing as tracing;
#[cfg(feature = "watch")]
pub use audit_watch as watch;
