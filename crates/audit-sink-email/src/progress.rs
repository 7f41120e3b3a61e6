use std::hash::{BuildHasher as _, RandomState};

use audit_sink::{Batch, Rejection};

/// How far a batch has come: who has which letter.
///
/// It outlives an attempt, so that the next attempt at the same batch writes to nobody who was written to.
#[derive(Debug)]
pub(crate) struct Progress {
    state: RandomState,
    /// The fingerprint of the batch.
    batch: u64,
    /// One for each record, in the order of the batch.
    pub(crate) letters: Vec<Pending>,
    /// At how many attempts in a row recipients were refused for the moment while others had the letter.
    pub(crate) attempts: u32,
}

/// A letter on its way. Recipients are numbers into the options' list.
#[derive(Debug)]
pub(crate) struct Pending {
    sequence_number: u64,
    /// Who has no answer yet, or was refused for the moment.
    pub(crate) outstanding: Vec<usize>,
    /// Who has it.
    pub(crate) told: Vec<usize>,
    /// Who was refused for the moment at the last attempt, and in what words.
    pub(crate) put_off: Vec<(usize, String)>,
    /// Who never gets it, and in what words.
    pub(crate) refused: Vec<(usize, String)>,
    /// Why nobody else gets it.
    pub(crate) rejected: Option<String>,
}

impl Progress {
    pub(crate) fn begin(batch: &Batch, recipients: usize) -> Self {
        let letters = batch.records.iter().map(|record| Pending {
            sequence_number: record.sequence_number,
            outstanding: (0..recipients).collect(),
            told: Vec::new(),
            put_off: Vec::new(),
            refused: Vec::new(),
            rejected: None,
        });
        let state = RandomState::new();
        Self { letters: letters.collect(), batch: state.hash_one(batch), state, attempts: 0 }
    }

    pub(crate) fn is_of(&self, batch: &Batch) -> bool {
        self.batch == self.state.hash_one(batch)
    }

    /// After an attempt that came to its end: what keeps the batch from being done, if anything does. After so many
    /// attempts those who were put off are taken for refused.
    pub(crate) fn put_off(&mut self, most_attempts: u32, names: &[String]) -> Option<String> {
        let waiting = |letter: &&Pending| !letter.outstanding.is_empty();
        let first = self.letters.iter().find(waiting)?;
        let reasons = reasons(&first.put_off, names);
        let (have, are) = if first.told.len() == 1 { ("has", "is") } else { ("have", "are") };
        let told = list(&first.told, names);
        let letters = self.letters.iter().filter(waiting).count();
        self.attempts += 1;
        if self.attempts < most_attempts {
            return Some(format!(
                "{letters} of {} letters are refused for the moment for some recipients: {reasons}; {told} {have} them, \
                 and {are} not written to again",
                self.letters.len()
            ));
        }
        for letter in &mut self.letters {
            letter.outstanding.clear();
            letter.refused.append(&mut letter.put_off);
        }
        None
    }

    /// The rejected letters in the order of the batch.
    pub(crate) fn into_rejected(self, place: &str, names: &[String]) -> Vec<Rejection> {
        self.letters.into_iter().filter_map(|letter| letter.rejection(place, names)).collect()
    }
}

impl Pending {
    /// Nobody gets it, or nobody else does.
    pub(crate) fn reject(&mut self, reason: String) {
        self.outstanding.clear();
        self.put_off.clear();
        self.rejected = Some(reason);
    }

    fn rejection(self, place: &str, names: &[String]) -> Option<Rejection> {
        let mut reason = match (&self.rejected, self.refused.is_empty()) {
            (None, true) => return None,
            (Some(reason), true) => reason.clone(),
            (None, false) => format!("{place} refused it for {}", reasons(&self.refused, names)),
            (Some(reason), false) => {
                format!("{reason}; before, {place} refused it for {}", reasons(&self.refused, names))
            }
        };
        if !self.told.is_empty() {
            let have = if self.told.len() == 1 { "has" } else { "have" };
            reason = format!("{reason}; {} {have} it", list(&self.told, names));
        }
        Some(Rejection { sequence_number: self.sequence_number, reason })
    }
}

fn list(recipients: &[usize], names: &[String]) -> String {
    let names: Vec<&str> = recipients.iter().map(|recipient| names[*recipient].as_str()).collect();
    names.join(" and ")
}

pub(crate) fn reasons(refused: &[(usize, String)], names: &[String]) -> String {
    let reasons: Vec<String> =
        refused.iter().map(|(recipient, said)| format!("{} ({said})", names[*recipient])).collect();
    reasons.join(" and ")
}

#[cfg(test)]
mod tests {
    use audit_sink::Record;

    use super::*;

    #[test]
    fn one_has_it_and_several_have_it() {
        let names = ["a@x", "b@x", "c@x"].map(str::to_owned);
        let batch = Batch { chain_id: "c".to_owned(), records: vec![Record::default()] };
        for (told, said, put_off) in [
            (vec![0], "; a@x has it", "; a@x has them, and is not written to again"),
            (vec![0, 1], "; a@x and b@x have it", "; a@x and b@x have them, and are not written to again"),
        ] {
            let mut progress = Progress::begin(&batch, 3);
            progress.letters[0].told = told;
            progress.letters[0].outstanding = vec![2];
            progress.letters[0].put_off = vec![(2, "452 full".to_owned())];
            assert!(progress.put_off(2, &names).unwrap().ends_with(put_off));
            assert_eq!(progress.put_off(2, &names), None);
            let rejected = progress.into_rejected("the server", &names);
            assert!(rejected[0].reason.ends_with(said), "{}", rejected[0].reason);
        }
    }
}
