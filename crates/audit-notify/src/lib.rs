#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "slack", feature = "pagerduty"))]
mod cut;
mod duration;
#[cfg(feature = "email")]
mod email;
#[cfg(any(feature = "slack", feature = "pagerduty", feature = "email"))]
mod marks;
mod notice;
#[cfg(feature = "pagerduty")]
mod pagerduty;
#[cfg(any(feature = "pagerduty", feature = "webhook"))]
mod sample;
mod severity;
#[cfg(feature = "slack")]
mod slack;
mod summary;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "email")]
pub use email::{Email, EmailMessage};
pub use notice::{Notice, NoticeError, Status};
#[cfg(feature = "pagerduty")]
pub use pagerduty::{PagerDuty, PagerDutyError};
#[cfg(feature = "slack")]
pub use slack::Slack;
#[cfg(feature = "webhook")]
pub use webhook::{Webhook, WebhookError};
