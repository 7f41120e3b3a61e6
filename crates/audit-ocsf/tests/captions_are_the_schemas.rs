//! Every id's caption, in each version, is what the schema of that version says; and there are no others.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_ocsf::Version;
use audit_ocsf::id::*;

mod schema;

type Caption = fn(i64, Version) -> Option<&'static str>;

macro_rules! ids {
    ($($owner:literal $attribute:literal $id:ident,)+) => {
        &[$(($owner, $attribute, (|number, version| $id(number).caption(version)) as Caption),)+]
    };
}

/// Where each id type is the type of a field.
const IDS: &[(&str, &str, Caption)] = ids! {
    "api_activity" "activity_id" ApiActivityId,
    "application_lifecycle" "activity_id" ApplicationLifecycleActivityId,
    "authentication" "activity_id" AuthenticationActivityId,
    "authentication" "account_switch_type_id" AccountSwitchTypeId,
    "authentication" "action_id" ActionId,
    "authentication" "auth_protocol_id" AuthProtocolId,
    "authentication" "confidence_id" ConfidenceId,
    "authentication" "disposition_id" DispositionId,
    "authentication" "logon_type_id" LogonTypeId,
    "authentication" "severity_id" SeverityId,
    "authentication" "status_id" StatusId,
    "account" "type_id" AccountTypeId,
    "auth_factor" "factor_type_id" AuthFactorTypeId,
    "device" "risk_level_id" RiskLevelId,
    "device" "type_id" EndpointTypeId,
    "fingerprint" "algorithm_id" FingerprintAlgorithmId,
    "idp" "state_id" IdpStateId,
    "network_endpoint" "network_scope_id" NetworkScopeId,
    "network_endpoint" "type_id" EndpointTypeId,
    "observable" "type_id" ObservableTypeId,
    "os" "type_id" OsTypeId,
    "reputation" "score_id" ReputationScoreId,
    "resource_details" "role_id" ResourceRoleId,
    "user" "type_id" UserTypeId,
};

#[test]
fn in_every_version() {
    let owners: Vec<_> = IDS.iter().map(|(owner, ..)| *owner).collect();
    let Some(tables) = schema::tables(&owners) else { return };
    for (owner, name, caption) in IDS {
        let versions = schema::attribute(&tables, owner, name);
        assert!(!versions.is_empty(), "{owner}.{name} is in no schema");
        for (version, attribute) in versions {
            let known = attribute["captions"].as_object().unwrap();
            assert!(known.len() > 2, "{owner}.{name} has no table");
            for number in -1..=1000 {
                let expected = known.get(&number.to_string()).map(|caption| caption.as_str().unwrap());
                assert_eq!(caption(number, version), expected, "{owner}.{name} {number} in {version}");
            }
        }
    }
}
