use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::class::ClassUid;
use crate::id::{ActionId, ApiActivityId, ConfidenceId, DispositionId, RiskLevelId, SeverityId, StatusId};
use crate::object::{
    Actor, Api, Authorization, Cloud, Device, Enrichment, Fingerprint, HttpRequest, HttpResponse, Metadata,
    NetworkEndpoint, Observable, Policy, ResourceDetails,
};

/// The OCSF class `api_activity` (6003): an API was called.
///
/// Left untyped in `extra`: `ai_model`, `attacks`, `firewall_rule`, `malware`, `malware_scan_info`,
/// `message_context`, `osint`, `trace`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiActivity {
    /// `action` (optional; since 1.8.0; with the profile `security_control`): the caption of `action_id`, or
    /// the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// `action_id` (recommended; since 1.8.0; with the profile `security_control`): what a control did about
    /// the activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_id: Option<ActionId>,
    /// `activity_id` (required): what was done.
    pub activity_id: ApiActivityId,
    /// `activity_name` (optional): the caption of `activity_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_name: Option<String>,
    /// `actor` (required): who made the call.
    pub actor: Actor,
    /// `api` (required): the API call.
    pub api: Api,
    /// `authorizations` (optional; since 1.8.0; with the profile `security_control`): what was allowed or
    /// denied, and by which policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizations: Option<Vec<Authorization>>,
    /// `category_name` (optional): the category's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_name: Option<String>,
    /// `category_uid` (required): the category's number.
    pub category_uid: i64,
    /// `class_name` (optional): the class's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// `class_uid` (required): the class's number.
    pub class_uid: ClassUid<6003>,
    /// `cloud` (required; with the profile `cloud`): the cloud environment in which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Box<Cloud>>,
    /// `confidence` (optional; since 1.8.0; with the profile `security_control`): the caption of
    /// `confidence_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// `confidence_id` (recommended; since 1.8.0; with the profile `security_control`): how accurate the rule
    /// is that made the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_id: Option<ConfidenceId>,
    /// `confidence_score` (optional; since 1.8.0; with the profile `security_control`): how accurate the rule
    /// is, as the source scored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_score: Option<i64>,
    /// `count` (optional): how many equal events the record stands for, between `start_time` and `end_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// `device` (recommended; since 1.8.0; with the profile `host`): the device on which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<Device>>,
    /// `disposition` (optional; since 1.8.0; with the profile `security_control`): the caption of
    /// `disposition_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// `disposition_id` (recommended; since 1.8.0; with the profile `security_control`): what the outcome was
    /// of an action by a security control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition_id: Option<DispositionId>,
    /// `dst_endpoint` (optional up to 1.1.0, recommended since 1.3.0): the endpoint that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_endpoint: Option<Box<NetworkEndpoint>>,
    /// `duration` (optional): from `start_time` to `end_time`, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// `end_time` (optional): when the last of the events happened, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// `end_time_dt` (optional; with the profile `datetime`): as `end_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time_dt: Option<String>,
    /// `enrichments` (optional): what other sources know about values in this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrichments: Option<Vec<Enrichment>>,
    /// `http_request` (optional up to 1.1.0, recommended since 1.3.0): the HTTP request that carried it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_request: Option<Box<HttpRequest>>,
    /// `http_response` (recommended; since 1.8.0): the HTTP response to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_response: Option<Box<HttpResponse>>,
    /// `is_alert` (recommended; since 1.8.0; with the profile `security_control`): whether the event is an
    /// alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_alert: Option<bool>,
    /// `message` (recommended): what happened, as the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `metadata` (required): about the record itself.
    pub metadata: Metadata,
    /// `observables` (optional up to 1.1.0, recommended since 1.3.0): values of this record that are worth
    /// looking for in others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observables: Option<Vec<Observable>>,
    /// `policy` (optional; since 1.8.0; with the profile `security_control`): the policy of the control that
    /// caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<Policy>>,
    /// `raw_data` (optional): the record as it came from the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_data: Option<String>,
    /// `raw_data_hash` (optional; since 1.8.0): the hash of `raw_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_data_hash: Option<Box<Fingerprint>>,
    /// `raw_data_size` (optional; since 1.8.0): the size of what the record was made of, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_data_size: Option<i64>,
    /// `resources` (recommended): what it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<ResourceDetails>>,
    /// `risk_details` (optional; since 1.8.0; with the profile `security_control`): the risk in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_details: Option<String>,
    /// `risk_level` (optional; since 1.8.0; with the profile `security_control`): the caption of
    /// `risk_level_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<String>,
    /// `risk_level_id` (optional; since 1.8.0; with the profile `security_control`): how high the risk is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level_id: Option<RiskLevelId>,
    /// `risk_score` (optional; since 1.8.0; with the profile `security_control`): how high the risk is, as
    /// the source scored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<i64>,
    /// `severity` (optional): the caption of `severity_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// `severity_id` (required): how severe it is.
    pub severity_id: SeverityId,
    /// `src_endpoint` (required): where it came from.
    pub src_endpoint: NetworkEndpoint,
    /// `start_time` (optional): when the first of the events happened, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
    /// `start_time_dt` (optional; with the profile `datetime`): as `start_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time_dt: Option<String>,
    /// `status` (optional up to 1.1.0, recommended since 1.3.0): the caption of `status_id`, or the source's
    /// own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `status_code` (optional up to 1.1.0, recommended since 1.3.0): the source's own code of the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// `status_detail` (optional up to 1.1.0, recommended since 1.3.0): the outcome in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<String>,
    /// `status_id` (recommended): whether it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_id: Option<StatusId>,
    /// `time` (required): when it happened, in milliseconds since 1970-01-01 UTC.
    pub time: i64,
    /// `time_dt` (optional; with the profile `datetime`): as `time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_dt: Option<String>,
    /// `timezone_offset` (recommended): how far local time is ahead of UTC, in minutes, -1080 to 1080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone_offset: Option<i64>,
    /// `type_name` (optional): the class's name and the activity's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// `type_uid` (required): the class and the activity in one number, `class_uid` × 100 + `activity_id`.
    pub type_uid: i64,
    /// `unmapped` (optional): what the source told and the schema has no place for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<Map>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl ApiActivity {
    /// `class_uid`.
    pub const CLASS_UID: i64 = 6003;
    /// `category_uid`.
    pub const CATEGORY_UID: i64 = 6;

    /// Such a call by that actor from that endpoint: informational, and with nothing else.
    /// The time is in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn new(
        activity_id: ApiActivityId,
        actor: Actor,
        api: Api,
        src_endpoint: NetworkEndpoint,
        metadata: Metadata,
        time: i64,
    ) -> Self {
        Self {
            action: None,
            action_id: None,
            activity_id,
            activity_name: None,
            actor,
            api,
            authorizations: None,
            category_name: None,
            category_uid: Self::CATEGORY_UID,
            class_name: None,
            class_uid: ClassUid,
            cloud: None,
            confidence: None,
            confidence_id: None,
            confidence_score: None,
            count: None,
            device: None,
            disposition: None,
            disposition_id: None,
            dst_endpoint: None,
            duration: None,
            end_time: None,
            end_time_dt: None,
            enrichments: None,
            http_request: None,
            http_response: None,
            is_alert: None,
            message: None,
            metadata,
            observables: None,
            policy: None,
            raw_data: None,
            raw_data_hash: None,
            raw_data_size: None,
            resources: None,
            risk_details: None,
            risk_level: None,
            risk_level_id: None,
            risk_score: None,
            severity: None,
            severity_id: SeverityId::INFORMATIONAL,
            src_endpoint,
            start_time: None,
            start_time_dt: None,
            status: None,
            status_code: None,
            status_detail: None,
            status_id: None,
            time,
            time_dt: None,
            timezone_offset: None,
            type_name: None,
            type_uid: (Self::CLASS_UID * 100).saturating_add(activity_id.0),
            unmapped: None,
            extra: Map::new(),
        }
    }
}
