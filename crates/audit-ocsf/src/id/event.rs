use super::open_id;

open_id! {
    /// `severity_id`: how severe it is.
    SeverityId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        INFORMATIONAL = 1: V1_0_0 "Informational";
        LOW = 2: V1_0_0 "Low";
        MEDIUM = 3: V1_0_0 "Medium";
        HIGH = 4: V1_0_0 "High";
        CRITICAL = 5: V1_0_0 "Critical";
        FATAL = 6: V1_0_0 "Fatal";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `status_id`: whether it succeeded.
    StatusId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        SUCCESS = 1: V1_0_0 "Success";
        FAILURE = 2: V1_0_0 "Failure";
        OTHER = 99: V1_0_0 "Other";
    }
}
