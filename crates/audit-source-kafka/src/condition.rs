use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_kafka::{Trouble, advice};
use audit_source::Intake;
use rdkafka::error::RDKafkaErrorCode;

/// What keeps the source from bringing events, told to the intake in one sentence.
#[derive(Debug)]
pub(crate) struct Condition {
    intake: Intake,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No broker can be talked to.
    away: bool,
    /// What says most of why; also while some broker can be.
    brokers: Option<Trouble>,
    topics: Option<String>,
    rejects: Option<String>,
}

impl Condition {
    pub(crate) fn new(intake: Intake) -> Self {
        Self { intake, state: Mutex::default() }
    }

    /// librdkafka says that something is wrong.
    pub(crate) fn error(&self, code: RDKafkaErrorCode, text: &str) {
        let trouble = Trouble::new(code, text);
        self.change(|state| match code {
            RDKafkaErrorCode::AllBrokersDown => {
                state.away = true;
                state.note(trouble);
            }
            code if is_of_brokers(code) => state.note(trouble),
            // Heals when it is looked where reading can go on, and when it is polled again.
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::PollExceeded => {}
            _ => {
                let hint = advice_of_consumer(code).map(|advice| format!("; {advice}")).unwrap_or_default();
                state.topics = Some(format!("{}{hint}", trouble.reason));
            }
        });
    }

    /// Of a broker that hangs up or does not answer librdkafka speaks in its log only.
    pub(crate) fn failure_in_log(&self, text: &str) {
        self.change(|state| state.note(Trouble::new(RDKafkaErrorCode::BrokerTransportFailure, text)));
    }

    /// A broker answers.
    pub(crate) fn broker_is_up(&self) {
        self.change(|state| {
            state.away = false;
            state.brokers = None;
        });
    }

    /// Partitions were assigned, or a record arrived: nothing is wrong with the topics.
    pub(crate) fn topics_are_read(&self) {
        self.change(|state| state.topics = None);
    }

    /// The topics cannot even be asked for.
    pub(crate) fn topics_are_not_read(&self, why: String) {
        self.change(|state| state.topics = Some(why));
    }

    /// Something is wrong with where refused records go.
    pub(crate) fn rejects(&self, trouble: Option<String>) {
        self.change(|state| state.rejects = trouble);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        let before = state.sentence();
        change(&mut state);
        let after = state.sentence();
        if before != after {
            self.intake.set_failing(after);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps what says most.
    fn note(&mut self, trouble: Trouble) {
        if self.brokers.as_ref().is_none_or(|known| known.weight() <= trouble.weight()) {
            self.brokers = Some(trouble);
        }
    }

    fn sentence(&self) -> Option<String> {
        let brokers = || {
            let words =
                self.brokers.as_ref().map_or_else(|| "no broker answers".to_owned(), Trouble::to_string);
            self.away.then_some(words)
        };
        self.rejects.clone().or_else(brokers).or_else(|| self.topics.clone())
    }
}

fn is_of_brokers(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::OperationTimedOut
    )
}

/// What to do about an error, where that can be said.
pub(crate) fn advice_of_consumer(code: RDKafkaErrorCode) -> Option<&'static str> {
    Some(match code {
        RDKafkaErrorCode::TopicAuthorizationFailed => "allow this user READ and DESCRIBE on the topic",
        RDKafkaErrorCode::GroupAuthorizationFailed => "allow this user READ on the group",
        other => return advice(other),
    })
}

#[cfg(test)]
mod tests {
    use audit_pipeline::Pipeline;
    use audit_source::Intake;
    use rdkafka::error::RDKafkaErrorCode;

    use super::Condition;

    #[test]
    fn what_keeps_records_away_is_told_until_it_heals() {
        let directory = tempfile::tempdir().unwrap();
        let log = Pipeline::options(directory.path().join("audit.log")).start().unwrap();
        let intake = Intake::new(log, "kafka:audit");
        let condition = Condition::new(intake.clone());
        let failing = || intake.status().failing;

        condition.failure_in_log("[thrd:a:1/1]: a:1/1: Disconnected (after 3ms in state UP)");
        assert_eq!(failing(), None, "another broker may answer");
        condition.error(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        assert!(failing().unwrap().starts_with("a:1/1: Disconnected; are the brokers up"));
        condition.rejects(Some("disk full".to_owned()));
        assert_eq!(failing().unwrap(), "disk full");
        condition.rejects(None);
        condition.broker_is_up();
        assert_eq!(failing(), None);
        condition.error(RDKafkaErrorCode::TopicAuthorizationFailed, "Subscribed topic not available: t");
        assert!(failing().unwrap().ends_with("allow this user READ and DESCRIBE on the topic"));
        condition.broker_is_up();
        assert!(failing().is_some());
        condition.topics_are_read();
        assert_eq!(failing(), None);
    }
}
