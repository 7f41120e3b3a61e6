use std::fmt;
use std::sync::Arc;

/// Offsets of a partition that the brokers no longer had when the source came to read them: the topic's retention was faster, or somebody
/// deleted records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostRecords {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset that was not read.
    pub from: i64,
    /// The offset at which reading goes on.
    pub to: i64,
}

impl LostRecords {
    /// How many offsets. In a topic that is compacted or written in transactions not every offset was a record.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.to.saturating_sub(self.from).try_into().unwrap_or(0)
    }
}

impl fmt::Display for LostRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, from, to } = self;
        write!(
            f,
            "topic {topic}, partition {partition}: the {} offsets from {from} up to, not including, {to} were deleted before \
             they were read",
            self.count()
        )
    }
}

/// Who wants to hear of lost records.
#[derive(Clone, Default)]
pub(crate) struct OnLost(Option<Told>);

type Told = Arc<dyn Fn(&LostRecords) + Send + Sync>;

impl OnLost {
    pub(crate) fn new(told: impl Fn(&LostRecords) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Tells it in the log of the program, in a metric, and to whoever asked to be told.
    pub(crate) fn tell(&self, source: &str, lost: &LostRecords) {
        tracing::warn!(source, "{lost}");
        metrics::counter!(
            "audit_log_kafka_source_lost_records_total",
            "source" => source.to_owned(),
            "topic" => lost.topic.clone(),
            "partition" => lost.partition.to_string(),
        )
        .increment(lost.count());
        if let Some(hook) = &self.0 {
            hook(lost);
        }
    }
}

impl fmt::Debug for OnLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OnLost(told)" } else { "OnLost" })
    }
}
