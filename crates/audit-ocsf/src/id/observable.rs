use super::open_id;

open_id! {
    /// `observable.type_id`: what kind of value it is.
    ObservableTypeId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        HOSTNAME = 1: V1_0_0 "Hostname";
        IP_ADDRESS = 2: V1_0_0 "IP Address";
        MAC_ADDRESS = 3: V1_0_0 "MAC Address";
        USER_NAME = 4: V1_0_0 "User Name";
        EMAIL_ADDRESS = 5: V1_0_0 "Email Address";
        URL_STRING = 6: V1_0_0 "URL String";
        FILE_NAME = 7: V1_0_0 "File Name";
        HASH = 8: V1_0_0 "File Hash", V1_1_0 "Hash";
        PROCESS_NAME = 9: V1_0_0 "Process Name";
        RESOURCE_UID = 10: V1_0_0 "Resource UID";
        PORT = 11: V1_3_0 "Port";
        SUBNET = 12: V1_3_0 "Subnet";
        COMMAND_LINE = 13: V1_3_0 "Command Line";
        COUNTRY = 14: V1_3_0 "Country";
        PROCESS_ID = 15: V1_3_0 "Process ID";
        HTTP_USER_AGENT = 16: V1_3_0 "HTTP User-Agent";
        CWE_OBJECT_UID = 17: V1_3_0 "CWE Object: uid";
        CVE_OBJECT_UID = 18: V1_3_0 "CVE Object: uid";
        USER_CREDENTIAL_ID = 19: V1_3_0 "User Credential ID";
        ENDPOINT = 20: V1_0_0 "Endpoint";
        USER = 21: V1_0_0 "User";
        EMAIL = 22: V1_0_0 "Email";
        UNIFORM_RESOURCE_LOCATOR = 23: V1_0_0 "Uniform Resource Locator";
        FILE = 24: V1_0_0 "File";
        PROCESS = 25: V1_0_0 "Process";
        GEO_LOCATION = 26: V1_0_0 "Geo Location";
        CONTAINER = 27: V1_0_0 "Container";
        REGISTRY_KEY = 28: V1_0_0 "Registry Key";
        REGISTRY_VALUE = 29: V1_0_0 "Registry Value";
        FINGERPRINT = 30: V1_0_0 "Fingerprint";
        USER_OBJECT_UID = 31: V1_8_0 "User Object: uid";
        GROUP_OBJECT_NAME = 32: V1_8_0 "Group Object: name";
        GROUP_OBJECT_UID = 33: V1_8_0 "Group Object: uid";
        ACCOUNT_OBJECT_NAME = 34: V1_8_0 "Account Object: name";
        ACCOUNT_OBJECT_UID = 35: V1_8_0 "Account Object: uid";
        SCRIPT_CONTENT = 36: V1_8_0 "Script Content";
        SERIAL_NUMBER = 37: V1_8_0 "Serial Number";
        RESOURCE_DETAILS_OBJECT_NAME = 38: V1_8_0 "Resource Details Object: name";
        PROCESS_ENTITY_OBJECT_UID = 39: V1_8_0 "Process Entity Object: uid";
        EMAIL_OBJECT_SUBJECT = 40: V1_8_0 "Email Object: subject";
        EMAIL_OBJECT_UID = 41: V1_8_0 "Email Object: uid";
        MESSAGE_UID = 42: V1_8_0 "Message UID";
        REGISTRY_VALUE_OBJECT_NAME = 43: V1_8_0 "Registry Value Object: name";
        ADVISORY_OBJECT_UID = 44: V1_8_0 "Advisory Object: uid";
        FILE_PATH = 45: V1_8_0 "File Path";
        REGISTRY_KEY_PATH = 46: V1_8_0 "Registry Key Path";
        DEVICE_OBJECT_UID = 47: V1_8_0 "Device Object: uid";
        NETWORK_ENDPOINT_OBJECT_UID = 48: V1_8_0 "Network Endpoint Object: uid";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `reputation.score_id`: how good or bad a reputation is.
    ReputationScoreId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        VERY_SAFE = 1: V1_0_0 "Very Safe";
        SAFE = 2: V1_0_0 "Safe";
        PROBABLY_SAFE = 3: V1_0_0 "Probably Safe";
        LEANS_SAFE = 4: V1_0_0 "Leans Safe";
        MAY_NOT_BE_SAFE = 5: V1_0_0 "May not be Safe";
        EXERCISE_CAUTION = 6: V1_0_0 "Exercise Caution";
        SUSPICIOUS_RISKY = 7: V1_0_0 "Suspicious/Risky";
        POSSIBLY_MALICIOUS = 8: V1_0_0 "Possibly Malicious";
        PROBABLY_MALICIOUS = 9: V1_0_0 "Probably Malicious";
        MALICIOUS = 10: V1_0_0 "Malicious";
        OTHER = 99: V1_0_0 "Other";
    }
}

open_id! {
    /// `fingerprint.algorithm_id`: how a fingerprint was made.
    FingerprintAlgorithmId {
        UNKNOWN = 0: V1_0_0 "Unknown";
        MD5 = 1: V1_0_0 "MD5";
        SHA_1 = 2: V1_0_0 "SHA-1";
        SHA_256 = 3: V1_0_0 "SHA-256";
        SHA_512 = 4: V1_0_0 "SHA-512";
        CTPH = 5: V1_0_0 "CTPH";
        TLSH = 6: V1_0_0 "TLSH";
        QUICK_XOR_HASH = 7: V1_0_0 "quickXorHash";
        SHA_224 = 8: V1_8_0 "SHA-224";
        SHA_384 = 9: V1_8_0 "SHA-384";
        SHA_512_224 = 10: V1_8_0 "SHA-512/224";
        SHA_512_256 = 11: V1_8_0 "SHA-512/256";
        SHA3_224 = 12: V1_8_0 "SHA3-224";
        SHA3_256 = 13: V1_8_0 "SHA3-256";
        SHA3_384 = 14: V1_8_0 "SHA3-384";
        SHA3_512 = 15: V1_8_0 "SHA3-512";
        XXHASH_H3_64 = 16: V1_8_0 "xxHash H3 64-bit";
        XXHASH_H3_128 = 17: V1_8_0 "xxHash H3 128-bit";
        IMPHASH = 18: V1_8_0 "Imphash";
        NPF = 19: V1_8_0 "NPF";
        HASSH = 20: V1_8_0 "HASSH";
        OTHER = 99: V1_0_0 "Other";
    }
}
