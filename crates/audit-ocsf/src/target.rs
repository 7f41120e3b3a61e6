use std::fmt;

use audit_model::{Event, EventPattern, EventType};

use crate::Version;
use crate::verb::{activity_of, activity_of_type};

/// A class of OCSF that events are mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Authentication, 3002: somebody proves who they are, or leaves.
    Authentication,
    /// Application Lifecycle, 6002: a program starts, stops, or is set up.
    ApplicationLifecycle,
    /// API Activity, 6003: somebody has something done.
    ApiActivity,
}

/// `activity_id` 99 of each class: none of the others, and `activity_name` says what.
pub(crate) const OTHER: u8 = 99;

impl Class {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Authentication, Self::ApplicationLifecycle, Self::ApiActivity];

    /// `class_uid`
    #[must_use]
    pub fn uid(self) -> u32 {
        match self {
            Self::Authentication => 3002,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
        }
    }

    /// `category_uid`
    #[must_use]
    pub fn category_uid(self) -> u32 {
        self.uid() / 1000
    }

    /// The class's name in the schema, such as `api_activity`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::ApplicationLifecycle => "application_lifecycle",
            Self::ApiActivity => "api_activity",
        }
    }

    /// The class's activities in that version: `activity_id` and its caption, such as `(1, "Create")`.
    pub fn activities(self, version: Version) -> impl Iterator<Item = (u8, &'static str)> {
        let renamed = move |id: u8, caption| match (self, id, version) {
            (Self::Authentication, 4, Version::V1_0_0) => "Service Ticket",
            _ => caption,
        };
        let is_there = move |(_, _, since): &&(u8, &str, Version)| version >= *since;
        self.all_activities()
            .iter()
            .filter(is_there)
            .map(move |(id, caption, _)| (*id, renamed(*id, caption)))
    }

    /// With the version that each came with.
    fn all_activities(self) -> &'static [(u8, &'static str, Version)] {
        use Version::{V1_0_0, V1_1_0, V1_3_0, V1_8_0};
        match self {
            Self::Authentication => &[
                (0, "Unknown", V1_0_0),
                (1, "Logon", V1_0_0),
                (2, "Logoff", V1_0_0),
                (3, "Authentication Ticket", V1_0_0),
                (4, "Service Ticket Request", V1_0_0),
                (5, "Service Ticket Renew", V1_1_0),
                (6, "Preauth", V1_3_0),
                (7, "Account Switch", V1_8_0),
                (OTHER, "Other", V1_0_0),
            ],
            Self::ApplicationLifecycle => &[
                (0, "Unknown", V1_0_0),
                (1, "Install", V1_0_0),
                (2, "Remove", V1_0_0),
                (3, "Start", V1_0_0),
                (4, "Stop", V1_0_0),
                (5, "Restart", V1_3_0),
                (6, "Enable", V1_3_0),
                (7, "Disable", V1_3_0),
                (8, "Update", V1_3_0),
                (OTHER, "Other", V1_0_0),
            ],
            Self::ApiActivity => &[
                (0, "Unknown", V1_0_0),
                (1, "Create", V1_0_0),
                (2, "Read", V1_0_0),
                (3, "Update", V1_0_0),
                (4, "Delete", V1_0_0),
                (OTHER, "Other", V1_0_0),
            ],
        }
    }

    /// The `activity_id` of an activity, named as its caption: `create`, `service_ticket_renew`.
    #[must_use]
    pub fn activity(self, name: &str, version: Version) -> Option<u8> {
        let is_it = |caption: &str| caption.to_ascii_lowercase().replace(' ', "_") == name;
        self.activities(version).find(|(_, caption)| is_it(caption)).map(|(id, _)| id)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What events of a type become: a class and an activity of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) events: EventPattern,
    pub(crate) class: Class,
    pub(crate) activity_id: u8,
    pub(crate) activity_name: Option<String>,
}

impl Rule {
    /// Events that the pattern names become records of that class and `activity_id`. An activity that the class does
    /// not have in the version that is written becomes 99, Other.
    #[must_use]
    pub fn new(events: EventPattern, class: Class, activity_id: u8) -> Self {
        Self { events, class, activity_id, activity_name: None }
    }

    /// Sets what `activity_name` says with `activity_id` 99; without it, the event's type.
    #[must_use]
    pub fn activity_name(mut self, name: impl Into<String>) -> Self {
        self.activity_name = Some(name.into());
        self
    }
}

/// What an event becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) class: Class,
    pub(crate) activity_id: u8,
    /// With activity 99 only.
    pub(crate) activity_name: Option<&'a str>,
}

/// A line of the mapping's table: the type, its class, its activity, and what that is called where the version has no
/// such activity.
type Known = (EventType, Class, u8, &'static str);

/// Activities of classes, as far as the table below uses them.
mod does {
    pub(super) const CREATE: u8 = 1;
    pub(super) const READ: u8 = 2;
    pub(super) const UPDATE: u8 = 3;
    pub(super) const LOGON: u8 = 1;
    pub(super) const LOGOFF: u8 = 2;
    pub(super) const START: u8 = 3;
    pub(super) const STOP: u8 = 4;
    pub(super) const ENABLE: u8 = 6;
    pub(super) const APP_UPDATE: u8 = 8;
}

use Class::{ApiActivity, ApplicationLifecycle, Authentication};

/// A backup brings a copy into being, whatever became of it; a checkpoint adds to one; a restore writes over what is
/// there; checking reads. What accesses do depends on what was asked for, so they are not here.
const KNOWN: &[Known] = &[
    (EventType::BACKUP_STARTED, ApiActivity, does::CREATE, ""),
    (EventType::BACKUP_COMPLETED, ApiActivity, does::CREATE, ""),
    (EventType::BACKUP_FAILED, ApiActivity, does::CREATE, ""),
    (EventType::BACKUP_CANCELLED, ApiActivity, does::CREATE, ""),
    (EventType::BACKUP_CHECKPOINT, ApiActivity, does::UPDATE, ""),
    (EventType::RESTORE_STARTED, ApiActivity, does::UPDATE, ""),
    (EventType::RESTORE_COMPLETED, ApiActivity, does::UPDATE, ""),
    (EventType::RESTORE_FAILED, ApiActivity, does::UPDATE, ""),
    (EventType::RESTORE_CANCELLED, ApiActivity, does::UPDATE, ""),
    (EventType::VALIDATE_STARTED, ApiActivity, does::READ, ""),
    (EventType::VALIDATE_COMPLETED, ApiActivity, does::READ, ""),
    (EventType::VALIDATE_FAILED, ApiActivity, does::READ, ""),
    (EventType::CONFIG_CHANGED, ApiActivity, does::UPDATE, ""),
    (EventType::CONFIG_VIEWED, ApiActivity, does::READ, ""),
    (EventType::AUTH_LOGIN, Authentication, does::LOGON, ""),
    (EventType::AUTH_FAILED, Authentication, does::LOGON, ""),
    (EventType::AUTH_LOGOUT, Authentication, does::LOGOFF, ""),
    (EventType::AUTH_TOKEN_REFRESH, Authentication, OTHER, "Token Refresh"),
    (EventType::ADMIN_LICENSE_APPLIED, ApplicationLifecycle, does::APP_UPDATE, "License Applied"),
    (EventType::ADMIN_FEATURE_ENABLED, ApplicationLifecycle, does::ENABLE, "Feature Enabled"),
    (EventType::ALERT_FIRED, ApplicationLifecycle, OTHER, "Alert Fired"),
    (EventType::ALERT_RESOLVED, ApplicationLifecycle, OTHER, "Alert Resolved"),
    (EventType::ALERT_NOTIFY_FAILED, ApplicationLifecycle, OTHER, "Alert Notify Failed"),
    (EventType::AUDIT_STARTED, ApplicationLifecycle, does::START, ""),
    (EventType::AUDIT_STOPPED, ApplicationLifecycle, does::STOP, ""),
    (EventType::AUDIT_DESTINATION_FAILING, ApplicationLifecycle, OTHER, "Destination Failing"),
    (EventType::AUDIT_DESTINATION_RECOVERED, ApplicationLifecycle, OTHER, "Destination Recovered"),
    (EventType::AUDIT_EVENTS_LOST, ApplicationLifecycle, OTHER, "Events Lost"),
    (EventType::AUDIT_HOLD_PLACED, ApplicationLifecycle, OTHER, "Hold Placed"),
    (EventType::AUDIT_HOLD_RELEASED, ApplicationLifecycle, OTHER, "Hold Released"),
    (EventType::AUDIT_LOG_TAMPERED, ApplicationLifecycle, OTHER, "Log Tampered"),
    (EventType::AUDIT_RETENTION_APPLIED, ApplicationLifecycle, OTHER, "Retention Applied"),
    (EventType::AUDIT_SOURCE_GAP, ApplicationLifecycle, OTHER, "Source Gap"),
];

/// The types of what others write, whose activities none of the catalogue's types stands for: what is read as one of them
/// is written as it was.
pub(crate) const READ: &[(&str, Class, u8)] = &[
    ("auth.ticket", Authentication, 3),
    ("auth.service_ticket", Authentication, 4),
    ("auth.ticket_renewed", Authentication, 5),
    ("auth.preauth", Authentication, 6),
    ("auth.account_switch", Authentication, 7),
    ("auth.other", Authentication, OTHER),
    ("application.installed", ApplicationLifecycle, 1),
    ("application.removed", ApplicationLifecycle, 2),
    ("application.started", ApplicationLifecycle, 3),
    ("application.stopped", ApplicationLifecycle, 4),
    ("application.restarted", ApplicationLifecycle, 5),
    ("application.enabled", ApplicationLifecycle, 6),
    ("application.disabled", ApplicationLifecycle, 7),
    ("application.updated", ApplicationLifecycle, 8),
    ("application.other", ApplicationLifecycle, OTHER),
    ("api.created", ApiActivity, 1),
    ("api.read", ApiActivity, 2),
    ("api.updated", ApiActivity, 3),
    ("api.deleted", ApiActivity, 4),
    ("api.other", ApiActivity, OTHER),
];

/// What an event becomes: by the rules of whoever configured them, else by the table, else by what its words say.
pub(crate) fn target<'a>(event: &'a Event, version: Version, rules: &'a [Rule]) -> Target<'a> {
    let event_type = &event.event_type;
    if let Some(rule) = rules.iter().find(|rule| rule.events.matches(event_type)) {
        let name = rule.activity_name.as_deref().unwrap_or(event_type.as_str());
        return available(rule.class, rule.activity_id, name, version);
    }
    if let Some((_, class, activity, name)) = KNOWN.iter().find(|(known, ..)| known == event_type) {
        return available(*class, *activity, name, version);
    }
    if let Some((_, class, activity)) = READ.iter().find(|(known, ..)| *known == event_type.as_str()) {
        return available(*class, *activity, event_type.as_str(), version);
    }
    let operation = event.action.as_ref().and_then(|action| action.operation.as_deref());
    let last = event_type.as_str().rsplit('.').next().unwrap_or_default();
    match event_type.category() {
        "access" => {
            // `access.denied` says what was refused in its details, and only some say it in the action.
            let asked = event.details.get("operation").and_then(|value| value.as_str()).or(operation);
            let name = asked.unwrap_or(event_type.as_str());
            available(ApiActivity, asked.and_then(activity_of).unwrap_or(OTHER), name, version)
        }
        "auth" => {
            let activity = match last {
                "login" | "logon" | "signin" | "sign_in" => does::LOGON,
                "logout" | "logoff" | "signout" | "sign_out" => does::LOGOFF,
                _ => OTHER,
            };
            available(Authentication, activity, event_type.as_str(), version)
        }
        "audit" => available(ApplicationLifecycle, OTHER, event_type.as_str(), version),
        _ => {
            let activity =
                activity_of_type(last).or_else(|| operation.and_then(activity_of)).unwrap_or(OTHER);
            available(ApiActivity, activity, event_type.as_str(), version)
        }
    }
}

fn available(class: Class, activity_id: u8, name: &str, version: Version) -> Target<'_> {
    let is_it = |(id, _, since): &(u8, &str, Version)| *id == activity_id && version >= *since;
    let is_there = activity_id != OTHER && class.all_activities().iter().any(is_it);
    // The caption of 99 says nothing, and is suspicious to whoever validates.
    let name = (!is_there && name != "Other" && !name.is_empty()).then_some(name);
    Target { class, activity_id: if is_there { activity_id } else { OTHER }, activity_name: name }
}
