use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_kafka::Trouble;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long to hope after librdkafka said that no broker can be talked to: a connection that a restarted broker closed is
/// made again at once, and one more second would not change anything else.
const GRACE: Duration = Duration::from_secs(2);

/// What librdkafka's threads say about one producer: which records arrived, and what is wrong with the brokers.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Records that were or will be handed over and not reported on.
    outstanding: usize,
    /// Whoever waits wants to know when so many are outstanding.
    awaited: usize,
    failures: Vec<Failure>,
    trouble: Option<Trouble>,
    out_of_reach_since: Option<Instant>,
}

/// A record that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Which of those handed over.
    pub(crate) index: usize,
    pub(crate) code: RDKafkaErrorCode,
}

/// No broker can be talked to, for longer than there is hope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfReach;

impl Reports {
    /// Records will be handed over, numbered from zero. What was wrong before is forgotten.
    pub(crate) fn expect(&self, count: usize) {
        *self.lock() = State { outstanding: count, ..State::default() };
    }

    /// The last of those expected will not be handed over after all.
    pub(crate) fn expect_fewer(&self, count: usize) {
        self.lock().outstanding -= count;
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.lock().outstanding
    }

    pub(crate) fn take_failures(&self) -> Vec<Failure> {
        let mut failures = std::mem::take(&mut self.lock().failures);
        failures.sort_unstable_by_key(|failure| failure.index);
        failures
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble.clone()
    }

    /// Waits until no more than so many records are outstanding.
    pub(crate) async fn settled(&self, at_most: usize) -> Result<(), OutOfReach> {
        loop {
            let hope_ends = {
                let mut state = self.lock();
                if state.outstanding <= at_most {
                    return Ok(());
                }
                state.awaited = at_most;
                state.hope_ends()
            };
            self.change(hope_ends).await?;
        }
    }

    /// Waits until no broker can be talked to, which may be for ever.
    pub(crate) async fn out_of_reach(&self) -> OutOfReach {
        loop {
            let hope_ends = self.lock().hope_ends();
            if let Err(out_of_reach) = self.change(hope_ends).await {
                return out_of_reach;
            }
        }
    }

    async fn change(&self, hope_ends: Option<Instant>) -> Result<(), OutOfReach> {
        let changed = self.changed.notified();
        match hope_ends {
            None => changed.await,
            Some(end) if timeout_at(end, changed).await.is_ok() => {}
            Some(_) if self.lock().hope_ends().is_some_and(|end| end <= Instant::now()) => {
                return Err(OutOfReach);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hope_ends(&self) -> Option<Instant> {
        self.out_of_reach_since.map(|since| since + GRACE)
    }

    /// Keeps what says most.
    fn note(&mut self, trouble: Trouble) {
        if self.trouble.as_ref().is_none_or(|known| known.weight() <= trouble.weight()) {
            self.trouble = Some(trouble);
        }
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut state = self.lock();
        if is_out_of_reach(code) {
            state.out_of_reach_since.get_or_insert_with(Instant::now);
        }
        state.note(Trouble::new(code, reason));
        drop(state);
        self.changed.notify_one();
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", "{facility}: {message}");
        // Of a broker that hangs up or does not answer librdkafka speaks in its log only.
        if facility == "FAIL" {
            let code = RDKafkaErrorCode::BrokerTransportFailure;
            self.lock().note(Trouble::new(code, message));
        }
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut state = self.lock();
        match result {
            Ok(_) => state.out_of_reach_since = None,
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                state.failures.push(Failure { index, code });
            }
        }
        state.outstanding = state.outstanding.saturating_sub(1);
        if state.outstanding == state.awaited {
            self.changed.notify_one();
        }
    }
}

/// What to do about an error, where that can be said.
pub(crate) fn advice(code: RDKafkaErrorCode) -> Option<&'static str> {
    Some(match code {
        RDKafkaErrorCode::TopicAuthorizationFailed => "allow this user WRITE and DESCRIBE on the topic",
        RDKafkaErrorCode::ClusterAuthorizationFailed => "allow this user IDEMPOTENT_WRITE on the cluster",
        RDKafkaErrorCode::NotEnoughReplicas | RDKafkaErrorCode::NotEnoughReplicasAfterAppend => {
            "fewer brokers are up than the topic's min.insync.replicas"
        }
        other => return audit_kafka::advice(other),
    })
}

/// After these it takes another connection, and mostly a person, before anything arrives. One broker that turns us away is
/// not the end while others do not.
fn is_out_of_reach(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Fatal)
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::{State, Trouble};

    #[test]
    fn what_says_most_is_kept() {
        let mut state = State::default();
        for code in [
            RDKafkaErrorCode::AllBrokersDown,
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::Authentication,
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::AllBrokersDown,
        ] {
            state.note(Trouble { code, reason: format!("{code:?}") });
        }
        assert_eq!(state.trouble.map(|trouble| trouble.code), Some(RDKafkaErrorCode::Authentication));
    }
}
