use super::open_id;

open_id! {
    /// `user.type_id`: what kind of user it is.
    UserTypeId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        USER = 1: V1_0_0 "User";
        ADMIN = 2: V1_0_0 "Admin";
        SYSTEM = 3: V1_0_0 "System";
        SERVICE = 4: V1_8_0 "Service";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `account.type_id`: what kind of account it is.
    AccountTypeId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        LDAP_ACCOUNT = 1: V1_0_0 "LDAP Account";
        WINDOWS_ACCOUNT = 2: V1_0_0 "Windows Account";
        AWS_IAM_USER = 3: V1_0_0 "AWS IAM User";
        AWS_IAM_ROLE = 4: V1_0_0 "AWS IAM Role";
        GCP_ACCOUNT = 5: V1_0_0 "GCP Account";
        AZURE_AD_ACCOUNT = 6: V1_0_0 "Azure AD Account";
        MAC_OS_ACCOUNT = 7: V1_0_0 "Mac OS Account";
        APPLE_ACCOUNT = 8: V1_0_0 "Apple Account";
        LINUX_ACCOUNT = 9: V1_0_0 "Linux Account";
        AWS_ACCOUNT = 10: V1_0_0 "AWS Account";
        GCP_PROJECT = 11: V1_8_0 "GCP Project";
        OCI_COMPARTMENT = 12: V1_8_0 "OCI Compartment";
        AZURE_SUBSCRIPTION = 13: V1_8_0 "Azure Subscription";
        SALESFORCE_ACCOUNT = 14: V1_8_0 "Salesforce Account";
        GOOGLE_WORKSPACE = 15: V1_8_0 "Google Workspace";
        SERVICENOW_INSTANCE = 16: V1_8_0 "Servicenow Instance";
        M365_TENANT = 17: V1_8_0 "M365 Tenant";
        EMAIL_ACCOUNT = 18: V1_8_0 "Email Account";
        ACTIVEDIRECTORY_ACCOUNT = 19: V1_8_0 "ActiveDirectory Account";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `network_endpoint.type_id` and `device.type_id`: what kind of machine it is.
    EndpointTypeId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        SERVER = 1: V1_0_0 "Server";
        DESKTOP = 2: V1_0_0 "Desktop";
        LAPTOP = 3: V1_0_0 "Laptop";
        TABLET = 4: V1_0_0 "Tablet";
        MOBILE = 5: V1_0_0 "Mobile";
        VIRTUAL = 6: V1_0_0 "Virtual";
        IOT = 7: V1_0_0 "IOT";
        BROWSER = 8: V1_0_0 "Browser";
        FIREWALL = 9: V1_1_0 "Firewall";
        SWITCH = 10: V1_1_0 "Switch";
        HUB = 11: V1_1_0 "Hub";
        ROUTER = 12: V1_3_0 "Router";
        IDS = 13: V1_3_0 "IDS";
        IPS = 14: V1_3_0 "IPS";
        LOAD_BALANCER = 15: V1_3_0 "Load Balancer";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `os.type_id`: which operating system it is.
    OsTypeId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        WINDOWS = 100: V1_0_0 "Windows";
        WINDOWS_MOBILE = 101: V1_0_0 "Windows Mobile";
        LINUX = 200: V1_0_0 "Linux";
        ANDROID = 201: V1_0_0 "Android";
        MACOS = 300: V1_0_0 "macOS";
        IOS = 301: V1_0_0 "iOS";
        IPADOS = 302: V1_0_0 "iPadOS";
        SOLARIS = 400: V1_0_0 "Solaris";
        AIX = 401: V1_0_0 "AIX";
        HP_UX = 402: V1_0_0 "HP-UX";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `network_endpoint.network_scope_id`: inside the network or outside.
    NetworkScopeId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        INTERNAL = 1: V1_8_0 "Internal";
        EXTERNAL = 2: V1_8_0 "External";
        OTHER = 99: V1_8_0 "Other";
    }
}

open_id! {
    /// `resource_details.role_id`: what part a resource had in the event.
    ResourceRoleId {
        UNKNOWN = 0: V1_8_0 "Unknown";
        TARGET = 1: V1_8_0 "Target";
        ACTOR = 2: V1_8_0 "Actor";
        AFFECTED = 3: V1_8_0 "Affected";
        RELATED = 4: V1_8_0 "Related";
        OTHER = 99: V1_8_0 "Other";
    }
}
