//! From configured retention to what keeps the log.

use std::path::PathBuf;

use audit_keeper::Keeper;
use audit_retention::HoldsFile;
#[cfg(feature = "cloudwatch")]
use audit_sink_cloudwatch::CloudwatchRetention;
#[cfg(feature = "kafka")]
use audit_sink_kafka::KafkaRetention;

use crate::{AssembleError, Config, DestinationKind, Environment, FileDestination, JournalFile};

impl Config {
    /// The file with the log's holds: beside the log, whatever directory the state of delivery is in.
    #[must_use]
    pub fn holds_file(&self, journal: &JournalFile) -> PathBuf {
        let name = journal.path.file_name().unwrap_or_default().to_string_lossy();
        journal.path.with_file_name(format!(".{name}.holds.json"))
    }

    /// What keeps the log as `retention` says, at every destination. It works beside [`pipeline`](Self::pipeline) by itself;
    /// this one is for whoever wants to see its plan.
    ///
    /// # Errors
    /// When there is no place for the journal.
    pub fn keeper(&self, environment: Environment<'_>) -> Result<Keeper, AssembleError> {
        let journal = self.journal(environment).ok_or(AssembleError::NoJournal)?;
        Ok(self.keeper_of(&journal))
    }

    pub(crate) fn keeper_of(&self, journal: &JournalFile) -> Keeper {
        let mut keeper = Keeper::new(self.policy(), HoldsFile::at(self.holds_file(journal)));
        if let Some(interval) = self.retention.as_ref().and_then(|retention| retention.interval) {
            keeper = keeper.interval(interval);
        }
        for (index, destination) in self.destinations.iter().enumerate() {
            let name = self.destination_name(index);
            keeper = match &destination.kind {
                DestinationKind::File(file) if journal.destination == Some(index) => {
                    keeper.log(&journal.path, max_files(file))
                }
                DestinationKind::File(file) => keeper.copy(name, &file.path, max_files(file)),
                #[cfg(feature = "s3")]
                DestinationKind::S3(s3) => {
                    let options = self.s3(s3, crate::deliver::request_timeout(destination));
                    keeper.s3(name, audit_sink_s3::S3Retention::new(options))
                }
                #[cfg(feature = "cloudwatch")]
                DestinationKind::Cloudwatch(it) => {
                    keeper.cloudwatch(name, CloudwatchRetention::new(crate::deliver::cloudwatch(it)))
                }
                #[cfg(feature = "kafka")]
                DestinationKind::Kafka(it) => {
                    let options = crate::deliver::kafka(it, crate::deliver::timeout_of(destination));
                    keeper.kafka(name, KafkaRetention::new(options))
                }
                other => keeper.elsewhere(name, other.type_name()),
            };
        }
        keeper
    }
}

fn max_files(file: &FileDestination) -> Option<usize> {
    let rotation = file.rotation.as_ref()?;
    rotation.max_files.map(|files| files.get() as usize)
}
