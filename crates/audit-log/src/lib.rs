#![doc = include_str!("../README.md")]

#[cfg(feature = "config")]
pub use audit_config as config;
#[cfg(feature = "integrity")]
pub use audit_integrity as integrity;
#[cfg(feature = "journal")]
pub use audit_journal as journal;
pub use audit_model as model;
#[cfg(feature = "pipeline")]
pub use audit_pipeline as pipeline;
#[cfg(feature = "sink")]
pub use audit_sink as sink;
#[cfg(feature = "file")]
pub use audit_sink_file as sink_file;
