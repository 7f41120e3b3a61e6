use std::fmt;
use std::str::FromStr;

/// What kind of program a message is from: the facilities of RFC 5424 §6.2.1, table 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facility {
    /// 0: kernel messages.
    Kern,
    /// 1: user-level messages.
    User,
    /// 2: the mail system.
    Mail,
    /// 3: system daemons.
    Daemon,
    /// 4: security and authorization messages.
    Auth,
    /// 5: messages of the syslog server itself.
    Syslog,
    /// 6: the line printer subsystem.
    Lpr,
    /// 7: the network news subsystem.
    News,
    /// 8: the UUCP subsystem.
    Uucp,
    /// 9: the clock daemon; `cron` on most systems.
    Cron,
    /// 10: security and authorization messages that not everybody may read.
    Authpriv,
    /// 11: the FTP daemon.
    Ftp,
    /// 12: the NTP subsystem.
    Ntp,
    /// 13: log audit.
    Audit,
    /// 14: log alert.
    Alert,
    /// 15: the clock daemon (the table has it twice).
    Clock,
    /// 16: local use 0, and what is sent unless something else is said.
    #[default]
    Local0,
    /// 17: local use 1.
    Local1,
    /// 18: local use 2.
    Local2,
    /// 19: local use 3.
    Local3,
    /// 20: local use 4.
    Local4,
    /// 21: local use 5.
    Local5,
    /// 22: local use 6.
    Local6,
    /// 23: local use 7.
    Local7,
}

/// A word that names no facility.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no syslog facility is called {0:?}; expected one of kern, user, mail, daemon, auth, syslog, lpr, news, uucp, \
         cron, authpriv, ftp, ntp, audit, alert, clock, local0 to local7"
)]
pub struct FacilityError(String);

/// By number: the names that rsyslog and `syslog.conf(5)` use.
const NAMES: [(Facility, &str); 24] = [
    (Facility::Kern, "kern"),
    (Facility::User, "user"),
    (Facility::Mail, "mail"),
    (Facility::Daemon, "daemon"),
    (Facility::Auth, "auth"),
    (Facility::Syslog, "syslog"),
    (Facility::Lpr, "lpr"),
    (Facility::News, "news"),
    (Facility::Uucp, "uucp"),
    (Facility::Cron, "cron"),
    (Facility::Authpriv, "authpriv"),
    (Facility::Ftp, "ftp"),
    (Facility::Ntp, "ntp"),
    (Facility::Audit, "audit"),
    (Facility::Alert, "alert"),
    (Facility::Clock, "clock"),
    (Facility::Local0, "local0"),
    (Facility::Local1, "local1"),
    (Facility::Local2, "local2"),
    (Facility::Local3, "local3"),
    (Facility::Local4, "local4"),
    (Facility::Local5, "local5"),
    (Facility::Local6, "local6"),
    (Facility::Local7, "local7"),
];

impl Facility {
    /// All of them, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(facility, _)| *facility)
    }

    /// Its numerical code (RFC 5424 §6.2.1), 0 to 23.
    #[must_use]
    pub fn numeric(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NAMES[usize::from(self.numeric())].1)
    }
}

impl FromStr for Facility {
    type Err = FacilityError;

    /// Reads a name, in letters of any case.
    fn from_str(name: &str) -> Result<Self, FacilityError> {
        let found = NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(facility, _)| *facility).ok_or_else(|| FacilityError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Facility, NAMES};

    #[test]
    fn names_and_numbers_are_of_one_table() {
        for (number, (facility, name)) in NAMES.iter().enumerate() {
            assert_eq!(usize::from(facility.numeric()), number);
            assert_eq!(facility.to_string(), *name);
            assert_eq!(name.to_uppercase().parse(), Ok(*facility));
        }
        assert_eq!(Facility::all().count(), 24);
        let unknown = "local8".parse::<Facility>().unwrap_err();
        assert!(
            unknown.to_string().starts_with("no syslog facility is called \"local8\"; expected one of kern,")
        );
    }
}
