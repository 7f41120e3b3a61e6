//! The inner loop: a block of whole lines → the runs of records in it.

use std::ops::Range;

use crate::chain::EventDigest;
use crate::key::KeyId;
use crate::record::{Integrity, RecordError, SealedRecord};
use crate::seal::{OPEN, Template, decimal};
use crate::{ChainId, KeyRing, Signature, Signer};

/// The longest line that is read as a record; a longer one is damage, not an event.
pub(crate) const MAX_LINE: usize = 64 << 20;

/// Consecutive lines of one kind. Line numbers count from 1 in their file.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Run(Run),
    Junk(Junk),
}

/// Records that follow one another: each numbered one more than the one before, and naming
/// its signature.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) chain: ChainId,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) standing: Standing,
    pub(crate) line: u64,
    pub(crate) lines: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) first_previous: Signature,
    pub(crate) last_signature: Signature,
    /// Whether the last record is a close record.
    pub(crate) closed: bool,
}

/// What is known of the signatures in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Every one is right.
    Authentic,
    /// Every one is wrong.
    Wrong,
    /// They were made with a key that was not given (or with none, where keys were given).
    NoKey,
}

/// Lines that are no sealed records.
#[derive(Clone, Debug)]
pub(crate) struct Junk {
    pub(crate) line: u64,
    pub(crate) lines: u64,
    pub(crate) unsealed: u64,
    pub(crate) reason: String,
    /// Whether the first of them begins as a sealed record does.
    pub(crate) looks_sealed: bool,
    /// The lowest and highest sequence number to be found in them.
    pub(crate) claims: Option<(u64, u64)>,
    /// The file ends within the last of these lines.
    pub(crate) torn: bool,
}

/// Takes lines in the order of the file and gathers them into items.
pub(crate) struct Gatherer<'k> {
    keys: &'k KeyRing,
    items: Vec<Item>,
    line: u64,
    current: Option<Current>,
    text: Vec<u8>,
}

/// The authentic run that lines are being added to, and all that the fast path needs to check
/// that a line is its next record.
struct Current {
    run: Run,
    template: Template,
    signer: Signer,
    previous: [u8; 64],
    /// Where in the block the run's last line is, until it has been seen whether it closes the log.
    last_line: Option<Range<usize>>,
}

impl<'k> Gatherer<'k> {
    pub(crate) fn new(keys: &'k KeyRing) -> Self {
        Self { keys, items: Vec::new(), line: 0, current: None, text: Vec::with_capacity(256) }
    }

    /// Takes a block of lines, the last of which may lack its newline only at the end of a file.
    pub(crate) fn take_block(&mut self, block: &[u8]) {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', block) {
            self.take_line(block, start..newline);
            start = newline + 1;
        }
        if let Some(current) = &mut self.current {
            current.settle(block);
        }
        if start < block.len() {
            self.line += 1;
            let junk = Junk::new(self.line, &block[start..], "the file ends within a line".to_owned());
            self.push_junk(Junk { torn: true, ..junk });
        }
    }

    /// Takes a part of the input that cannot be read; it stands in for the half a line before it, if there is one.
    pub(crate) fn take_unreadable(&mut self, reason: String) {
        match self.items.last_mut() {
            Some(Item::Junk(half)) if half.torn => half.reason = reason,
            _ => {
                self.line += 1;
                let junk = Junk::new(self.line, b"", reason);
                self.push_junk(Junk { torn: true, ..junk });
            }
        }
    }

    fn take_line(&mut self, block: &[u8], place: Range<usize>) {
        self.line += 1;
        let line = &block[place.clone()];
        if self.extend_current(line) {
            if let Some(current) = &mut self.current {
                current.last_line = Some(place);
            }
            return;
        }
        if let Some(current) = &mut self.current {
            current.settle(block);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match SealedRecord::parse(line) {
            Ok(record) => self.take_record(&record),
            Err(error) => {
                let junk = Junk::new(self.line, line, error.to_string());
                self.push_junk(Junk { unsealed: u64::from(error == RecordError::Unsealed), ..junk });
            }
        }
    }

    /// The fast path. The line is compared with what the next record's line has to be, and its event
    /// is hashed as it stands: when the signature is right, the bytes are those that the writer
    /// signed, so there is nothing left to parse (nor a name given twice, nor a second reading).
    fn extend_current(&mut self, line: &[u8]) -> bool {
        let Some(current) = &mut self.current else { return false };
        let mut digits = [0; 20];
        let number = decimal(current.run.last + 1, &mut digits);
        let Some((event, claimed)) = current.template.split(line, number, &current.previous) else {
            return false;
        };
        current.template.signed_text(number, &current.previous, &EventDigest::of(event), &mut self.text);
        let signature = Signature(current.signer.sign(&self.text));
        let hex = signature.hex();
        // Whoever runs this has the key and the log: there is no secret that timing could tell.
        if hex != *claimed {
            return false;
        }
        current.run.last += 1;
        current.run.lines = self.line - current.run.line + 1;
        current.run.last_signature = signature;
        current.previous = hex;
        true
    }

    fn take_record(&mut self, record: &SealedRecord) {
        let seal = &record.integrity;
        let standing = match record.is_authentic(self.keys) {
            Some(true) => Standing::Authentic,
            Some(false) => Standing::Wrong,
            None => Standing::NoKey,
        };
        let run = Run {
            chain: seal.chain_id.clone(),
            key_id: seal.key_id.clone(),
            standing,
            line: self.line,
            lines: 1,
            first: seal.sequence_number,
            last: seal.sequence_number,
            first_previous: seal.previous_signature,
            last_signature: seal.signature,
            closed: is_close_record(record),
        };
        if let Some(mut current) = self.current.take() {
            if current.run.absorb(&run) {
                current.previous = seal.signature.hex();
                self.current = Some(current);
                return;
            }
            push_item(&mut self.items, Item::Run(current.run));
        }
        if standing == Standing::Authentic {
            self.current = Some(Current::new(run, seal, self.keys));
        } else {
            push_item(&mut self.items, Item::Run(run));
        }
    }

    fn push_junk(&mut self, junk: Junk) {
        self.push_current();
        push_item(&mut self.items, Item::Junk(junk));
    }

    fn push_current(&mut self) {
        if let Some(current) = self.current.take() {
            push_item(&mut self.items, Item::Run(current.run));
        }
    }

    /// The items, and how many lines there were.
    pub(crate) fn finish(mut self) -> (Vec<Item>, u64) {
        self.push_current();
        (self.items, self.line)
    }
}

impl Current {
    fn new(run: Run, seal: &Integrity, keys: &KeyRing) -> Self {
        let key_id = seal.key_id.as_ref().map(KeyId::as_str);
        let signer = match key_id.and_then(|id| keys.get(id)) {
            Some(key) => Signer::Hmac(key.clone()),
            None => Signer::Digest,
        };
        let template = Template::new(&seal.chain_id, key_id);
        Self { previous: seal.signature.hex(), template, signer, last_line: None, run }
    }

    fn settle(&mut self, block: &[u8]) {
        if let Some(line) = self.last_line.take() {
            self.run.closed = SealedRecord::parse(&block[line]).is_ok_and(|record| is_close_record(&record));
        }
    }
}

fn is_close_record(record: &SealedRecord) -> bool {
    record.event_type().as_deref() == Some(audit_model::EventType::AUDIT_STOPPED.as_str())
}

impl Junk {
    fn new(line: u64, text: &[u8], reason: String) -> Self {
        const NAME: &[u8] = b"\"sequence_number\":";
        let number_at = |at: usize| {
            let digits = text[at + NAME.len()..].iter().take(16).take_while(|b| b.is_ascii_digit());
            digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
        };
        let numbers = memchr::memmem::find_iter(text, NAME).map(number_at).filter(|number| *number > 0);
        let claims = numbers.map(|number| (number, number)).reduce(hull);
        Self {
            line,
            lines: 1,
            unsealed: 0,
            reason,
            looks_sealed: text.starts_with(OPEN),
            claims,
            torn: false,
        }
    }

    fn absorb(&mut self, next: &Self) -> bool {
        let follows = self.line + self.lines == next.line;
        if follows {
            self.lines += next.lines;
            self.unsealed += next.unsealed;
            self.torn = next.torn;
            self.claims = self.claims.into_iter().chain(next.claims).reduce(hull);
        }
        follows
    }
}

/// The smallest range that holds both.
pub(crate) fn hull(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.min(b.0), a.1.max(b.1))
}

impl Run {
    /// Takes in `next` when it follows on from this run and is of the same kind.
    pub(crate) fn absorb(&mut self, next: &Self) -> bool {
        let follows = self.chain == next.chain
            && self.key_id == next.key_id
            && self.standing == next.standing
            && next.first == self.last + 1
            && next.first_previous == self.last_signature;
        if follows {
            self.last = next.last;
            self.last_signature = next.last_signature;
            self.lines = next.line + next.lines - self.line;
            self.closed = next.closed;
        }
        follows
    }
}

/// How many chains may take turns in one file, line by line, without costing memory for each line.
const INTERLEAVED: usize = 16;

/// Appends `item`, joined to the one that it goes on from.
pub(crate) fn push_item(items: &mut Vec<Item>, item: Item) {
    let joined = match (&item, items.last_mut()) {
        (Item::Run(next), _) => join_run(items, next),
        (Item::Junk(next), Some(Item::Junk(last))) => last.absorb(next),
        (Item::Junk(_), _) => false,
    };
    if !joined {
        items.push(item);
    }
}

/// A run may be joined over authentic runs of other chains, never over anything that is wrong: what stands
/// where matters there.
fn join_run(items: &mut [Item], next: &Run) -> bool {
    for item in items.iter_mut().rev().take(INTERLEAVED) {
        match item {
            Item::Run(run) if run.chain == next.chain => return run.absorb(next),
            Item::Run(run) if run.standing == Standing::Authentic => {}
            _ => return false,
        }
    }
    false
}
