use std::fmt;

use rdkafka::error::RDKafkaErrorCode;

/// What is wrong between librdkafka and the brokers, in its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of error.
    pub code: RDKafkaErrorCode,
    /// What librdkafka says.
    pub reason: String,
}

impl Trouble {
    /// What librdkafka says (`[thrd:127.0.0.1:9092/bootstrap]: … (after 0ms in state CONNECT)`), without what only its authors want to know.
    #[must_use]
    pub fn new(code: RDKafkaErrorCode, text: &str) -> Self {
        Self { code, reason: reason_alone(text).to_owned() }
    }

    /// How much it says: "1/1 brokers are down" says less than what became of one of them, and "disconnected" less than that a
    /// certificate or a password is wrong.
    #[must_use]
    pub fn weight(&self) -> u8 {
        match self.code {
            RDKafkaErrorCode::AllBrokersDown => 0,
            RDKafkaErrorCode::BrokerTransportFailure => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        // What TLS has to complain of comes with the code of a lost connection at times.
        let code = if self.reason.contains("certificate") { RDKafkaErrorCode::SSL } else { self.code };
        match advice(code) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// What to do about an error, where that can be said for whoever talks to brokers.
#[must_use]
pub fn advice(code: RDKafkaErrorCode) -> Option<&'static str> {
    Some(match code {
        RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure => {
            "are the brokers up, and is the security protocol theirs?"
        }
        RDKafkaErrorCode::Resolve => {
            "are the names in bootstrap_servers (bootstrap.servers) and in advertised.listeners known here?"
        }
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
            "are user name, password and mechanism right (sasl.username, sasl.password, sasl.mechanism)?"
        }
        RDKafkaErrorCode::SSL => {
            "does ca_file (ssl.ca.location) hold the authority of the brokers' certificates, and do they ask for a \
             client_certificate (ssl.certificate.location, ssl.key.location)?"
        }
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => "create the topic",
        _ => return None,
    })
}

/// `[thrd:127.0.0.1:9092/bootstrap]: … (after 0ms in state CONNECT)` without what only librdkafka's authors want to know.
fn reason_alone(text: &str) -> &str {
    let text = match text.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_, rest)) => rest,
        None => text,
    };
    text.rsplit_once(" (after ").map_or(text, |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::reason_alone;

    #[test]
    fn a_reason_without_threads_and_states() {
        let text = "[thrd:a:1/bootstrap]: a:1/bootstrap: Connect to ipv4#1.2.3.4:1 failed: Connection refused \
                    (after 0ms in state CONNECT, 1 identical error(s) suppressed)";
        assert_eq!(reason_alone(text), "a:1/bootstrap: Connect to ipv4#1.2.3.4:1 failed: Connection refused");
        assert_eq!(reason_alone("1/1 brokers are down"), "1/1 brokers are down");
    }
}
