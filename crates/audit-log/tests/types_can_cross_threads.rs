//! What programs keep and share among threads can be, and every error can be boxed and sent. A type that loses this breaks
//! its users without a line of its signature having changed.
#![cfg(feature = "full")]

use std::error::Error;

const fn shared<T: Send + Sync + 'static>() {}
const fn owned<T: Send + 'static>() {}
const fn error<T: Error + Send + Sync + 'static>() {}

const _: () = {
    shared::<audit_log::access::Access>();
    shared::<audit_log::access::KeySet>();
    shared::<audit_log::access::LoadedTokens>();
    shared::<audit_log::access::Logins>();
    shared::<audit_log::access::Permissions>();
    shared::<audit_log::access::RemoteKeys>();
    shared::<audit_log::access::Tokens>();
    shared::<audit_log::access::TokensFile>();
    error::<audit_log::access::AlgorithmError>();
    error::<audit_log::access::CertificateRuleError>();
    error::<audit_log::access::JwtOptionsError>();
    error::<audit_log::access::KeySetError>();
    error::<audit_log::access::OidcError>();
    error::<audit_log::access::PermissionError>();
    error::<audit_log::access::RoleError>();
    error::<audit_log::access::TokenError>();
    error::<audit_log::access::TokenHashError>();
    error::<audit_log::access::TokensFileError>();
};

const _: () = {
    shared::<audit_log::alert::Rules>();
    shared::<audit_log::alert::State>();
    error::<audit_log::alert::RuleError>();
    error::<audit_log::alert::SeverityError>();
};

const _: () = {
    shared::<audit_log::condition::Condition>();
    shared::<audit_log::condition::ConditionSet>();
    error::<audit_log::condition::ConditionError>();
    error::<audit_log::condition::TargetError>();
    error::<audit_log::condition::Untranslatable>();
};

const _: () = {
    shared::<audit_log::config::Config>();
    error::<audit_log::config::AssembleError>();
    error::<audit_log::config::ConfigError>();
    error::<audit_log::config::ConfigErrors>();
    error::<audit_log::config::ReconfigureError>();
};

const _: () = {
    shared::<audit_log::delivery::Delivery>();
    shared::<audit_log::delivery::DeadLetters>();
    owned::<audit_log::delivery::Destination>();
    error::<audit_log::delivery::DeliveryError>();
};

const _: () = {
    shared::<audit_log::integrity::Key>();
    shared::<audit_log::integrity::KeyRing>();
    shared::<audit_log::integrity::Sealer>();
    shared::<audit_log::integrity::Verifier>();
    shared::<audit_log::integrity::Report>();
    error::<audit_log::integrity::ChainIdError>();
    error::<audit_log::integrity::HeadError>();
    error::<audit_log::integrity::KeyError>();
    error::<audit_log::integrity::RecordError>();
    error::<audit_log::integrity::SignatureError>();
    error::<audit_log::integrity::UnreadableFile>();
};

const _: () = {
    shared::<audit_log::journal::Journal>();
    shared::<audit_log::journal::Reader>();
    error::<audit_log::journal::JournalError>();
};

const _: () = {
    shared::<audit_log::keeper::Keeper>();
};

const _: () = {
    shared::<audit_log::model::Event>();
    shared::<audit_log::model::EventPattern>();
    error::<audit_log::model::CanonicalError>();
    error::<audit_log::model::DetailsError>();
    error::<audit_log::model::EventError>();
    error::<audit_log::model::EventTypeError>();
    error::<audit_log::model::FieldError>();
    error::<audit_log::model::JsonError>();
    error::<audit_log::model::PatternError>();
    error::<audit_log::model::TimestampError>();
};

const _: () = {
    shared::<audit_log::notify::Email>();
    shared::<audit_log::notify::Notice>();
    shared::<audit_log::notify::PagerDuty>();
    shared::<audit_log::notify::Slack>();
    shared::<audit_log::notify::Webhook>();
    error::<audit_log::notify::NoticeError>();
    error::<audit_log::notify::PagerDutyError>();
    error::<audit_log::notify::WebhookError>();
};

const _: () = {
    shared::<audit_log::ocsf::Coalescer<()>>();
    shared::<audit_log::ocsf::Mapping>();
    shared::<audit_log::ocsf::Validator>();
    error::<audit_log::ocsf::AttributeError>();
    error::<audit_log::ocsf::ClassError>();
    error::<audit_log::ocsf::MappingError>();
    error::<audit_log::ocsf::ReadError>();
    error::<audit_log::ocsf::SchemaVersionError>();
    error::<audit_log::ocsf::VersionError>();
};

const _: () = {
    shared::<audit_log::pipeline::Emit>();
    shared::<audit_log::pipeline::Pipeline>();
    shared::<audit_log::pipeline::Recorder>();
    shared::<audit_log::pipeline::Selection>();
    shared::<audit_log::pipeline::Redaction>();
    shared::<audit_log::pipeline::Worker>();
    owned::<audit_log::pipeline::Reconfiguration>();
    error::<audit_log::pipeline::DeletionError>();
    error::<audit_log::pipeline::EmitError>();
    error::<audit_log::pipeline::ReconfigureError>();
    error::<audit_log::pipeline::RedactionError>();
    error::<audit_log::pipeline::StartError>();
};

const _: () = {
    error::<audit_log::report::PeriodError>();
};

const _: () = {
    error::<audit_log::retention::HoldsFileError>();
    error::<audit_log::retention::PolicyError>();
};

const _: () = {
    shared::<audit_log::search::Query>();
    error::<audit_log::search::NoEvent>();
};

const _: () = {
    shared::<audit_log::service::Service>();
    error::<audit_log::service::ReloadError>();
    error::<audit_log::service::ServiceError>();
};

const _: () = {
    shared::<audit_log::sink::MemorySink>();
    shared::<audit_log::sink::StdoutSink>();
    error::<audit_log::sink::SinkError>();
};

const _: () = {
    shared::<audit_log::sink_cloudwatch::CloudwatchSink>();
    error::<audit_log::sink_cloudwatch::CloudwatchOptionsError>();
};

const _: () = {
    shared::<audit_log::sink_email::EmailSink>();
    error::<audit_log::sink_email::EmailOptionsError>();
    error::<audit_log::sink_email::LetterError>();
};

const _: () = {
    shared::<audit_log::sink_file::FileSink>();
};

const _: () = {
    shared::<audit_log::sink_kafka::KafkaSink>();
};

const _: () = {
    shared::<audit_log::sink_s3::S3Sink>();
};

const _: () = {
    owned::<audit_log::sink_syslog::SyslogSink>();
    error::<audit_log::sink_syslog::SyslogOptionsError>();
    error::<audit_log::sink_syslog::FacilityError>();
};

const _: () = {
    shared::<audit_log::sink_webhook::WebhookSink>();
    error::<audit_log::sink_webhook::WebhookOptionsError>();
};

const _: () = {
    shared::<audit_log::source::Intake>();
    shared::<audit_log::source::Rejects>();
    shared::<audit_log::source::SourceStatus>();
    error::<audit_log::source::SourceError>();
};

const _: () = {
    shared::<audit_log::source_file::FileSource>();
};

const _: () = {
    shared::<audit_log::source_http::HttpSource>();
    shared::<audit_log::source_http::OperationsServer>();
    error::<audit_log::source_http::HttpError>();
};

const _: () = {
    shared::<audit_log::source_kafka::KafkaSource>();
};

const _: () = {
    shared::<audit_log::source_socket::SocketSource>();
};

const _: () = {
    shared::<audit_log::source_syslog::SyslogSource>();
    error::<audit_log::source_syslog::RuleError>();
};

const _: () = {
    shared::<audit_log::template::Template>();
    error::<audit_log::template::TemplateError>();
};

const _: () = {
    shared::<audit_log::tls::RenewedServer>();
    shared::<audit_log::tls::TlsOptions>();
    shared::<audit_log::tls::ServerTlsOptions>();
    error::<audit_log::tls::TlsError>();
};

const _: () = {
    shared::<audit_log::tower::AuditLayer>();
    shared::<audit_log::tower::AuditService<()>>();
};

const _: () = {
    shared::<audit_log::tracing::TracingLayer>();
};

const _: () = {
    shared::<audit_log::watch::Watch>();
    owned::<audit_log::watch::Notifier>();
    error::<audit_log::watch::WatchError>();
};
