use super::open_id;

open_id! {
    /// `activity_id` of the class `authentication` (3002).
    AuthenticationActivityId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        LOGON = 1: V1_0_0 "Logon";
        LOGOFF = 2: V1_0_0 "Logoff";
        AUTHENTICATION_TICKET = 3: V1_0_0 "Authentication Ticket";
        SERVICE_TICKET_REQUEST = 4: V1_0_0 "Service Ticket", V1_1_0 "Service Ticket Request";
        SERVICE_TICKET_RENEW = 5: V1_1_0 "Service Ticket Renew";
        PREAUTH = 6: V1_3_0 "Preauth";
        ACCOUNT_SWITCH = 7: V1_8_0 "Account Switch";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `activity_id` of the class `application_lifecycle` (6002).
    ApplicationLifecycleActivityId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        INSTALL = 1: V1_0_0 "Install";
        REMOVE = 2: V1_0_0 "Remove";
        START = 3: V1_0_0 "Start";
        STOP = 4: V1_0_0 "Stop";
        RESTART = 5: V1_3_0 "Restart";
        ENABLE = 6: V1_3_0 "Enable";
        DISABLE = 7: V1_3_0 "Disable";
        UPDATE = 8: V1_3_0 "Update";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `activity_id` of the class `api_activity` (6003).
    ApiActivityId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        CREATE = 1: V1_0_0 "Create";
        READ = 2: V1_0_0 "Read";
        UPDATE = 3: V1_0_0 "Update";
        DELETE = 4: V1_0_0 "Delete";
        OTHER = 99: V1_0_0 "Other";
    }
}
