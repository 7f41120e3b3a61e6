//! The ids that the schema has a table for: open, so that a number which the schema does not know stays what it is.
//!
//! A constant's documentation names the [`Version`] that each of its captions came with.
//! What a number means may differ with the version, so [`SeverityId::caption`] and its like ask for it.
//!
//! ```
//! use audit_ocsf::Version;
//! use audit_ocsf::id::LogonTypeId;
//!
//! assert_eq!(LogonTypeId(0).caption(Version::V1_0_0), Some("System"));
//! assert_eq!(LogonTypeId(0).caption(Version::V1_3_0), Some("Unknown"));
//! assert_eq!(LogonTypeId(77).caption(Version::V1_3_0), None);
//! ```

mod activity;
mod control;
mod event;
mod kind;
mod logon;
mod observable;

pub use activity::{ApiActivityId, ApplicationLifecycleActivityId, AuthenticationActivityId};
pub use control::{ActionId, ConfidenceId, DispositionId, RiskLevelId};
pub use event::{SeverityId, StatusId};
pub use kind::{AccountTypeId, EndpointTypeId, NetworkScopeId, OsTypeId, ResourceRoleId, UserTypeId};
pub use logon::{AccountSwitchTypeId, AuthFactorTypeId, AuthProtocolId, IdpStateId, LogonTypeId};
pub use observable::{FingerprintAlgorithmId, ObservableTypeId, ReputationScoreId};

use crate::Version;

/// A number with well-known values that stays open for others. Each value lists its captions, with the version
/// (a name of [`Version`]) that each came with, the oldest first.
macro_rules! open_id {
    (
        $(#[$meta:meta])*
        $name:ident { $($constant:ident = $number:literal: $($version:ident $caption:literal),+;)+ }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(
            /// The number as it stands in the record.
            pub i64,
        );

        impl $name {
            $(
                #[doc = concat!($("`", stringify!($version), "`: \"", $caption, "\". "),+)]
                pub const $constant: Self = Self($number);
            )+

            /// What the schema of that version calls it; none when it does not know the number.
            #[must_use]
            pub fn caption(self, version: crate::Version) -> Option<&'static str> {
                match self.0 {
                    $($number => super::newest(&[$((crate::Version::$version, $caption)),+], version),)+
                    _ => None,
                }
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }
    };
}

use open_id;

fn newest(captions: &[(Version, &'static str)], version: Version) -> Option<&'static str> {
    captions.iter().rev().find(|(since, _)| *since <= version).map(|(_, caption)| *caption)
}
