#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod load;
mod options;

pub use aws_config::SdkConfig;
pub use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
pub use aws_smithy_runtime_api::client::result::SdkError;

pub use error::{AwsError, aws_error};
pub use load::load;
pub use options::AwsOptions;
