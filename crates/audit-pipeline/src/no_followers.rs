//! A pipeline without the feature `delivery`: nobody follows the log.

use std::path::Path;
use std::sync::Arc;

use audit_journal::JournalError;

use crate::completion::Completion;

#[derive(Debug)]
pub(crate) enum Followed {}

impl Followed {
    pub(crate) fn advance(&self, _durable: u64) {
        match *self {}
    }

    pub(crate) fn answer(&self, _completion: &Arc<Completion>, _first: u64, _last: u64) {
        match *self {}
    }

    pub(crate) fn lacks(&self, _sequence_number: u64, _log: &Path, _durable: u64) -> bool {
        match *self {}
    }

    pub(crate) fn check_room(&self, _log: &Path, _durable: u64) -> Result<(), JournalError> {
        match *self {}
    }
}
