use super::open_id;

open_id! {
    /// `logon_type_id`: how a user logged on. In 1.0.0 and 1.1.0, 0 is "System"; since 1.3.0, 1 is.
    LogonTypeId {
        UNKNOWN = 0: V1_0_0 "System", V1_3_0 "Unknown";
        SYSTEM = 1: V1_3_0 "System";
        INTERACTIVE = 2: V1_0_0 "Interactive";
        NETWORK = 3: V1_0_0 "Network";
        BATCH = 4: V1_0_0 "Batch";
        OS_SERVICE = 5: V1_0_0 "OS Service";
        UNLOCK = 7: V1_0_0 "Unlock";
        NETWORK_CLEARTEXT = 8: V1_0_0 "Network Cleartext";
        NEW_CREDENTIALS = 9: V1_0_0 "New Credentials";
        REMOTE_INTERACTIVE = 10: V1_0_0 "Remote Interactive";
        CACHED_INTERACTIVE = 11: V1_0_0 "Cached Interactive";
        CACHED_REMOTE_INTERACTIVE = 12: V1_0_0 "Cached Remote Interactive";
        CACHED_UNLOCK = 13: V1_0_0 "Cached Unlock";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `auth_protocol_id`: the protocol of an authentication.
    AuthProtocolId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        NTLM = 1: V1_0_0 "NTLM";
        KERBEROS = 2: V1_0_0 "Kerberos";
        DIGEST = 3: V1_0_0 "Digest";
        OPENID = 4: V1_0_0 "OpenID";
        SAML = 5: V1_0_0 "SAML";
        OAUTH_2_0 = 6: V1_0_0 "OAUTH 2.0";
        PAP = 7: V1_0_0 "PAP";
        CHAP = 8: V1_0_0 "CHAP";
        EAP = 9: V1_0_0 "EAP";
        RADIUS = 10: V1_0_0 "RADIUS";
        BASIC_AUTHENTICATION = 11: V1_8_0 "Basic Authentication";
        LDAP = 12: V1_8_0 "LDAP";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `account_switch_type_id`: how the account was switched.
    AccountSwitchTypeId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        SUBSTITUTE_USER = 1: V1_8_0 "Substitute User";
        IMPERSONATE = 2: V1_8_0 "Impersonate";
        OTHER = 99: V1_8_0 "Other";
    }
}

open_id! {
    /// `auth_factor.factor_type_id`: what kind of factor it is.
    AuthFactorTypeId {
        UNKNOWN = 0: V1_3_0 "Unknown";
        SMS = 1: V1_3_0 "SMS";
        SECURITY_QUESTION = 2: V1_3_0 "Security Question";
        PHONE_CALL = 3: V1_3_0 "Phone Call";
        BIOMETRIC = 4: V1_3_0 "Biometric";
        PUSH_NOTIFICATION = 5: V1_3_0 "Push Notification";
        HARDWARE_TOKEN = 6: V1_3_0 "Hardware Token";
        OTP = 7: V1_3_0 "OTP";
        EMAIL = 8: V1_3_0 "Email";
        U2F = 9: V1_3_0 "U2F";
        WEBAUTHN = 10: V1_3_0 "WebAuthn";
        PASSWORD = 11: V1_3_0 "Password";
        OTHER = 99: V1_3_0 "Other";
    }
}

open_id! {
    /// `idp.state_id`: whether an identity provider is in use.
    IdpStateId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        ACTIVE = 1: V1_8_0 "Active";
        SUSPENDED = 2: V1_8_0 "Suspended";
        DEPRECATED = 3: V1_8_0 "Deprecated";
        DELETED = 4: V1_8_0 "Deleted";
        OTHER = 99: V1_8_0 "Other";
    }
}
