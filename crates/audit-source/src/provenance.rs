use audit_model::{Event, Timestamp};
use serde_json::{Map, Value};

/// Who really sent an event, whatever it claims: noted in the event's member `received`, over whatever the sender wrote there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    members: Map<String, Value>,
}

/// The member of an event that holds its provenance.
const MEMBER: &str = "received";
/// The member that tells when the log got an event whose own time is another.
const LOGGED_TIME: &str = "logged_time";
/// How far apart an event's time and its arrival may be and still be called the same, in milliseconds.
const AT_ONCE_MS: u64 = 1000;

impl Provenance {
    /// By whom: the caller's identity, such as `token:ci` or `certificate:CN=orders`.
    #[must_use]
    pub fn by(self, who: impl Into<String>) -> Self {
        self.with("by", who.into())
    }

    /// From where: the peer's address.
    #[must_use]
    pub fn from(self, peer: impl Into<String>) -> Self {
        self.with("from", peer.into())
    }

    /// Whatever else the source knows: a topic's partition and offset, say.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Notes it in an event that `source` received at `now`. An event tells its own time, by its sender's clock: where that is another
    /// time than this, it is noted when the log got it, so that backdating shows; in `logged_time`, too, as OCSF has it, unless the event
    /// says when another log had it.
    pub(crate) fn stamp(&self, event: &mut Event, source: &str, now: Timestamp) {
        let mut members = self.members.clone();
        members.insert("source".to_owned(), source.into());
        if now.as_milliseconds().abs_diff(event.timestamp.as_milliseconds()) > AT_ONCE_MS {
            members.insert("at".to_owned(), now.to_string().into());
            event.extra.entry(LOGGED_TIME).or_insert_with(|| now.to_string().into());
        }
        event.extra.insert(MEMBER.to_owned(), Value::Object(members));
    }
}
