use super::open_id;

open_id! {
    /// `action_id`: what a control did.
    ActionId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        ALLOWED = 1: V1_8_0 "Allowed";
        DENIED = 2: V1_8_0 "Denied";
        OBSERVED = 3: V1_8_0 "Observed";
        MODIFIED = 4: V1_8_0 "Modified";
        OTHER = 99: V1_8_0 "Other";
    }
}

open_id! {
    /// `disposition_id`: the outcome of an action by a security control.
    DispositionId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        ALLOWED = 1: V1_8_0 "Allowed";
        BLOCKED = 2: V1_8_0 "Blocked";
        QUARANTINED = 3: V1_8_0 "Quarantined";
        ISOLATED = 4: V1_8_0 "Isolated";
        DELETED = 5: V1_8_0 "Deleted";
        DROPPED = 6: V1_8_0 "Dropped";
        CUSTOM_ACTION = 7: V1_8_0 "Custom Action";
        APPROVED = 8: V1_8_0 "Approved";
        RESTORED = 9: V1_8_0 "Restored";
        EXONERATED = 10: V1_8_0 "Exonerated";
        CORRECTED = 11: V1_8_0 "Corrected";
        PARTIALLY_CORRECTED = 12: V1_8_0 "Partially Corrected";
        UNCORRECTED = 13: V1_8_0 "Uncorrected";
        DELAYED = 14: V1_8_0 "Delayed";
        DETECTED = 15: V1_8_0 "Detected";
        NO_ACTION = 16: V1_8_0 "No Action";
        LOGGED = 17: V1_8_0 "Logged";
        TAGGED = 18: V1_8_0 "Tagged";
        ALERT = 19: V1_8_0 "Alert";
        COUNT = 20: V1_8_0 "Count";
        RESET = 21: V1_8_0 "Reset";
        CAPTCHA = 22: V1_8_0 "Captcha";
        CHALLENGE = 23: V1_8_0 "Challenge";
        ACCESS_REVOKED = 24: V1_8_0 "Access Revoked";
        REJECTED = 25: V1_8_0 "Rejected";
        UNAUTHORIZED = 26: V1_8_0 "Unauthorized";
        ERROR = 27: V1_8_0 "Error";
        OTHER = 99: V1_8_0 "Other";
    }
}

open_id! {
    /// `confidence_id`: how accurate the rule is that made the finding.
    ConfidenceId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        LOW = 1: V1_8_0 "Low";
        MEDIUM = 2: V1_8_0 "Medium";
        HIGH = 3: V1_8_0 "High";
        OTHER = 99: V1_8_0 "Other";
    }
}

open_id! {
    /// `risk_level_id`: how high the risk is.
    RiskLevelId {
        INFO = 0: V1_0_0 "Info";
        LOW = 1: V1_0_0 "Low";
        MEDIUM = 2: V1_0_0 "Medium";
        HIGH = 3: V1_0_0 "High";
        CRITICAL = 4: V1_0_0 "Critical";
        OTHER = 99: V1_3_0 "Other";
    }
}
