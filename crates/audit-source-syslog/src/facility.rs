//! The names of numbers (RFC 5424 §6.2.1, tables 1 and 2).

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const SEVERITIES: [&str; 8] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];

pub(crate) fn facility(priority: u8) -> &'static str {
    FACILITIES.get(usize::from(priority / 8)).copied().unwrap_or("unknown")
}

pub(crate) fn severity(priority: u8) -> &'static str {
    SEVERITIES[usize::from(priority % 8)]
}
