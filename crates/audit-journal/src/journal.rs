use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;

use crate::compress::Housekeeper;
use crate::file::{create_private_directory, identity, private, sync_directory};
use crate::incident::{Incident, Prunable};
use crate::reader::open_segment;
use crate::recovery::{Records, Recovery, last_record, scan};
use crate::segment::{beside, unused};
use crate::tampering::{Change, aside, half_restored, is_intact, look, own_lines, put_back, set_aside};
use crate::{JournalError, Rotation, Segment, Tampering, TimeOf, segments};

/// Tells a record's own sequence number from its line; `None` when the line is no record.
pub type SequenceOf = fn(&[u8]) -> Option<u64>;

/// How a journal is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// When the file is closed and another begun, and what becomes of it.
    pub rotation: Rotation,
    /// Whether an append is on disk when it returns (`fdatasync`), or with the operating system.
    pub sync: bool,
    /// Where records carry their own numbers, how to read them.
    pub sequence_of: Option<SequenceOf>,
    /// How to read from a line when its event happened, if that is to be noted of rotated segments.
    pub time_of: Option<TimeOf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rotation: Rotation::never(), sync: true, sequence_of: None, time_of: None }
    }
}

impl Options {
    /// Sets when the file is closed and another begun.
    #[must_use]
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Sets whether an append is on disk when it returns.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Sets how a record's own number is read from its line.
    #[must_use]
    pub fn numbered_by(mut self, sequence_of: SequenceOf) -> Self {
        self.sequence_of = Some(sequence_of);
        self
    }

    /// Has it noted of each rotated segment, in the background, between which times its events happened: [`times`](crate::times).
    #[must_use]
    pub fn times_by(mut self, time_of: TimeOf) -> Self {
        self.time_of = Some(time_of);
        self
    }
}

/// As many of the last bytes are remembered, to know them again; a seal's signature fits in.
const ENDING: usize = 256;

/// So often an append is repeated when somebody else writes into the file at the same time.
const ATTEMPTS: u32 = 8;

/// The log of record: an append-only file of lines, its rotated segments, and their one writer.
///
/// ```
/// use audit_journal::{Journal, Options, Reader};
/// use audit_model::Timestamp;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("audit.log");
/// let (mut journal, recovery) = Journal::open(&path, Options::default(), Timestamp::now())?;
/// assert_eq!(recovery.last_sequence, 0);
/// journal.append(b"{\"one\":1}\n{\"two\":2}\n", 2, Timestamp::now())?;
/// let mut reader = Reader::from_sequence(&path, 2);
/// assert_eq!(reader.next_line()?.map(|line| line.bytes), Some(&b"{\"two\":2}"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    options: Options,
    file: File,
    /// What the active file is, so that one look at its name tells whether it is still there. No other file can be the
    /// same while this one is open.
    identity: (u64, u64),
    /// The length of the active file: what was written to it and acknowledged.
    size: u64,
    /// The last bytes of that.
    ending: Vec<u8>,
    /// When the active file got its first record.
    begun: Timestamp,
    /// When the journal was last told the time.
    latest: Timestamp,
    /// The numbers of the active file's first record and of the next one.
    first: u64,
    next: u64,
    /// After a failed sync nobody knows what is on disk, and after tampering who else writes to the file: it is
    /// given up, and nothing more is written to it.
    suspect: bool,
    /// `file` was closed, or lost its name, and the next one is not there yet.
    ended: bool,
    incidents: Vec<Incident>,
    housekeeper: Housekeeper,
    head: File,
    head_length: u64,
    // Held for as long as the journal is open; the operating system lets go when the process ends.
    lock: File,
}

impl Journal {
    /// Opens a log for writing, or begins one. Directories are made where they lack.
    ///
    /// A half-written line at the end, as a crash leaves it, is cut off and reported.
    ///
    /// # Errors
    /// When another writer has the log, or a file cannot be opened, read or cut.
    pub fn open(path: &Path, options: Options, now: Timestamp) -> Result<(Self, Recovery), JournalError> {
        // The log stays where it is when the process goes to another directory.
        let absolute =
            std::path::absolute(path).map_err(JournalError::io("cannot find the log's directory", path))?;
        let path = absolute.as_path();
        let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        if is_other || path.file_name().is_none() {
            let source = io::Error::other("not a regular file");
            return Err(JournalError::io("cannot be a log", path)(source));
        }
        create_private_directory(path).map_err(JournalError::io("cannot make the log's directory", path))?;
        let lock = take_lock(path)?;
        let sequence_of = options.sequence_of;
        let mut incidents = finish_restoring(path, sequence_of, now)
            .map_err(JournalError::io("cannot restore the records of a file that was removed", path))?;
        let mut rotated = segments(path).map_err(JournalError::io("cannot list the log's files", path))?;
        if let Some(of) = sequence_of {
            let planted = set_planted_aside(path, of, &mut rotated, now);
            incidents.extend(planted.map_err(JournalError::io("cannot compare the log's files", path))?);
        }
        let records = Records { sequence_of, after: last_of(&rotated) };
        let (mut file, created) = open_active(path)?;
        let tail = scan(&mut file, records).map_err(JournalError::io("cannot read the log", path))?;
        let metadata = file.metadata().map_err(JournalError::io("cannot read the log", path))?;
        let torn_bytes = metadata.len().saturating_sub(tail.whole);
        if torn_bytes > 0 {
            let cut = file.set_len(tail.whole);
            cut.map_err(JournalError::io("cannot cut the half-written line off the log's end", path))?;
        }
        // What is found here is taken for durable, but may be what a killed writer had not synced yet.
        file.sync_all().map_err(JournalError::io("cannot sync the log to disk", path))?;
        let last_sequence = tail.last_sequence;
        let mut recovery =
            Recovery { torn_bytes, foreign_lines: tail.foreign, last_line: tail.last_record, last_sequence };
        let mut ending = recovery.last_line.clone().unwrap_or_default();
        for segment in rotated.iter().rev() {
            if recovery.last_line.is_some() {
                break;
            }
            recovery.last_line = open_segment(segment)
                .and_then(|lines| last_record(lines, sequence_of))
                .map_err(JournalError::io("cannot read the newest segment", &segment.path))?;
        }
        let head_path = beside(path, ".", ".head");
        let head =
            private(&head_path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
                .map_err(JournalError::io("cannot open the head file", &head_path))?;
        let begun = match created {
            true => now,
            false => begun(&metadata).unwrap_or(now),
        };
        let housekeeper = Housekeeper::start(path, &options)
            .map_err(JournalError::io("cannot start the thread that compresses", path))?;
        if !ending.is_empty() {
            ending.push(b'\n');
            ending.drain(..ending.len().saturating_sub(ENDING));
        }
        let mut journal = Self {
            path: path.to_owned(),
            identity: identity_of(&file, path)?,
            file,
            size: tail.whole,
            ending,
            begun,
            latest: now,
            first: (last_sequence + 1).saturating_sub(tail.records).max(records.after + 1),
            next: last_sequence + 1,
            suspect: false,
            ended: false,
            incidents,
            housekeeper,
            head_length: head.metadata().map_or(0, |metadata| metadata.len()),
            head,
            options,
            lock,
        };
        if recovery.foreign_lines > 0 {
            journal.set_foreign_aside(now)?;
        }
        Ok((journal, recovery))
    }

    /// Where the log is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number that the next record has.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Goes on with a later number, in a new segment: the records between are known to be gone.
    ///
    /// The segment before, which may be empty, has them in its name, so that everybody else goes on with that
    /// number, too. A number that is not later changes nothing.
    ///
    /// # Errors
    /// When the file cannot be rotated.
    pub fn skip_to(&mut self, sequence_number: u64, now: Timestamp) -> Result<(), JournalError> {
        if sequence_number <= self.next {
            return Ok(());
        }
        self.check(now)?;
        let before = std::mem::replace(&mut self.next, sequence_number);
        self.close_active(now).inspect_err(|_| self.next = before)?;
        self.begin_if_ended(now)
    }

    /// Appends `records` whole lines. When it returns they are durable, and stand at the end of the log.
    ///
    /// On an error none of them is in the log, and it can be called again.
    ///
    /// # Errors
    /// When the lines cannot be written or made durable: the disk is full, or failing.
    pub fn append(&mut self, lines: &[u8], records: u64, now: Timestamp) -> Result<(), JournalError> {
        self.latest = now;
        for _ in 0..ATTEMPTS {
            if self.suspect || self.options.rotation.is_due(self.size, self.begun, lines.len() as u64, now) {
                self.close_active(now)?;
            }
            self.begin_if_ended(now)?;
            if self.size == 0 {
                self.begun = now;
            }
            match self.write(lines, records, now) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    // A part may be there: whatever is not cut off now, the suspect file's rotation cuts off.
                    self.suspect |= self.cut(lines, now).is_err();
                    return Err(error);
                }
            }
        }
        let source = io::Error::from(io::ErrorKind::ResourceBusy);
        Err(JournalError::Io {
            what: "somebody else keeps writing to the log",
            path: self.path.clone(),
            source,
        })
    }

    /// Looks whether somebody touched the file, as every append does, and saves what can be saved. For long pauses,
    /// and before [`close`](Self::close), which can no longer tell of an incident.
    ///
    /// # Errors
    /// When the file was touched, and cannot be saved.
    pub fn check(&mut self, now: Timestamp) -> Result<(), JournalError> {
        self.latest = now;
        self.begin_if_ended(now)?;
        // Nothing is lost with a file that holds nothing; the next append sees to it.
        let failed = JournalError::io("cannot look at the log", &self.path);
        if self.next > self.first && look(&self.path, self.identity, self.size).map_err(failed)?.is_some() {
            self.close_active(now)?;
            self.begin_if_ended(now)?;
        }
        Ok(())
    }

    /// What was noticed since the last call, for the one who writes to put on record.
    #[must_use]
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        let mut incidents = std::mem::take(&mut self.incidents);
        incidents.extend(std::iter::from_fn(|| self.housekeeper.take_prunable()).map(Incident::PruneDue));
        incidents
    }

    /// Why compressing or listing old segments failed, told once. The log itself is not affected.
    #[must_use]
    pub fn take_housekeeping_failure(&mut self) -> Option<String> {
        self.housekeeper.take_failure()
    }

    /// Deletes a segment that [`Incident::PruneDue`] named. The deletion has to be on record before.
    ///
    /// # Errors
    /// When the file cannot be deleted.
    pub fn prune(&mut self, prunable: &Prunable) -> Result<(), JournalError> {
        let segment = &prunable.segment;
        segment.delete().map_err(JournalError::io("cannot delete an old segment", &segment.path))
    }

    /// Closes the active file, if it has records, and goes on in a new one. An append does so by itself when
    /// [`Rotation`](crate::Rotation) says so; this is for a log that is quiet.
    ///
    /// # Errors
    /// When the file cannot be rotated.
    pub fn rotate(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if self.next > self.first {
            self.check(now)?;
            self.close_active(now)?;
            self.begin_if_ended(now)?;
        }
        Ok(())
    }

    /// Replaces the content of the head file, beside the log. It is not synced: a head that is behind is right, too.
    /// It is overwritten in place, so a crash may leave a mix of two contents: the content has to show that itself.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_head(&mut self, content: &[u8]) -> Result<(), JournalError> {
        let length = content.len() as u64;
        let longest = self.head_length.max(length);
        self.head_length = longest;
        let written = self.head.seek(SeekFrom::Start(0)).and_then(|_| self.head.write_all(content));
        let cut = if length < longest { written.and_then(|()| self.head.set_len(length)) } else { written };
        cut.map_err(JournalError::io("cannot write the head file", &self.path))?;
        self.head_length = length;
        Ok(())
    }

    /// The content of the head file; empty when there was none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_head(&mut self) -> Result<Vec<u8>, JournalError> {
        let mut content = Vec::new();
        let read = self.head.seek(SeekFrom::Start(0)).and_then(|_| self.head.read_to_end(&mut content));
        read.map_err(JournalError::io("cannot read the head file", &self.path))?;
        Ok(content)
    }

    /// Waits until every rotated segment is compressed and the old ones are looked through, so that
    /// [`take_incidents`](Self::take_incidents) tells all that is due. What is rotated after that waits for the next
    /// opening.
    pub fn finish_housekeeping(&mut self) {
        self.housekeeper.finish();
    }

    /// Closes the log: everything is on disk, and every rotated segment compressed.
    ///
    /// # Errors
    /// When the last sync fails, or the file was touched and cannot be saved.
    pub fn close(mut self) -> Result<(), JournalError> {
        let checked = self.check(self.latest);
        let synced = self.file.sync_all().and_then(|()| self.head.sync_all());
        self.housekeeper.finish();
        checked.and(synced.map_err(JournalError::io("cannot sync the log to disk", &self.path)))
    }

    /// Whether `lines` are durable now; if not, somebody else touched the file, and they are to be written again.
    fn write(&mut self, lines: &[u8], records: u64, now: Timestamp) -> Result<bool, JournalError> {
        self.file.write_all(lines).map_err(JournalError::io("cannot write to the log", &self.path))?;
        if self.options.sync
            && let Err(source) = self.file.sync_data()
        {
            // The kernel may have dropped the pages and call the next sync a success (fsyncgate), so
            // nothing more is written to this file.
            self.suspect = true;
            return Err(JournalError::Io {
                what: "cannot sync the log to disk",
                path: self.path.clone(),
                source,
            });
        }
        let expected = self.size + lines.len() as u64;
        match look(&self.path, self.identity, expected)
            .map_err(JournalError::io("cannot look at the log", &self.path))?
        {
            None => {
                self.size = expected;
                self.next += records;
                self.ending.clear();
                self.ending.extend_from_slice(&lines[lines.len().saturating_sub(ENDING)..]);
                Ok(true)
            }
            Some(Change::Length) => self.separate(lines, now).map(|()| false),
            Some(change) => self.restore(change, lines, records, now),
        }
    }

    /// Cuts off what was written behind the acknowledged lines. A file that is shorter stays so: it was touched.
    fn cut(&mut self, batch: &[u8], now: Timestamp) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed =
            |error| JournalError::io("cannot cut what was not acknowledged off the log", &path)(error);
        if self.ended || self.file.metadata().map_err(failed)?.len() <= self.size {
            return Ok(());
        }
        // What is long enough may have been cut before, and the part of the batch be long.
        if is_intact(&mut self.file, self.size, &self.ending).map_err(failed)? {
            return self.file.set_len(self.size).map_err(failed);
        }
        self.separate(batch, now)
    }

    /// Closes the active file under its segment's name. Unless it fails, the file is `ended`.
    fn close_active(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed = |what| JournalError::io(what, &path);
        if self.suspect {
            self.cut(b"", now)?;
        }
        // Renaming by name has to move this file, not what somebody put in its place.
        match look(&path, self.identity, self.size).map_err(failed("cannot look at the log"))? {
            None => {}
            Some(Change::Length) => self.separate(b"", now)?,
            Some(change) => return self.restore(change, b"", 0, now).map(drop),
        }
        if self.next == self.first {
            // Given up while it is empty. A reader may have seen what is cut off now, so it is not used again.
            fs::remove_file(&path).map_err(failed("cannot remove the empty log"))?;
            self.end();
            return Ok(());
        }
        self.file.sync_all().map_err(failed("cannot sync the log to disk"))?;
        let segment = self.segment(self.next - 1, now);
        fs::rename(&path, &segment).map_err(failed("cannot rename the full log"))?;
        if look(&segment, self.identity, self.size).map_err(failed("cannot look at the log"))?.is_some() {
            // Somebody was quicker, between the look and the rename.
            fs::rename(&segment, &path).map_err(failed("cannot rename the full log"))?;
            return Err(failed("the log was touched while it was rotated")(
                io::ErrorKind::ResourceBusy.into(),
            ));
        }
        self.end();
        Ok(())
    }

    fn segment(&self, last: u64, now: Timestamp) -> PathBuf {
        Segment::new(&self.path, self.first, last, now).path
    }

    fn end(&mut self) {
        self.size = 0;
        self.ending.clear();
        self.first = self.next;
        self.suspect = false;
        self.ended = true;
        self.housekeeper.wake();
    }

    fn begin_if_ended(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if !self.ended {
            return Ok(());
        }
        if let Ok(metadata) = fs::symlink_metadata(&self.path) {
            // It was put there since the last file was closed.
            let moved_aside = aside(&self.path, now);
            fs::rename(&self.path, &moved_aside)
                .map_err(JournalError::io("cannot move aside a file that is no log", &self.path))?;
            self.incidents
                .push(Incident::Tampered(Tampering::Extended { bytes: metadata.len(), moved_aside }));
        }
        (self.file, _) = open_active(&self.path)?;
        self.identity = identity_of(&self.file, &self.path)?;
        self.begun = now;
        self.ended = false;
        Ok(())
    }

    /// Lines at the end that are no records stay as evidence: in a segment if there are records before them, else in a
    /// file of their own beside the log.
    fn set_foreign_aside(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if self.next > self.first {
            self.close_active(now)?;
        } else {
            let kept = unused(&beside(&self.path, "", &format!(".before-{}", now.basic_format())));
            fs::rename(&self.path, kept)
                .map_err(JournalError::io("cannot set aside a file that is no log", &self.path))?;
            self.end();
        }
        self.begin_if_ended(now)
    }

    /// The file has lost its name: its content, which is still open here, is put back as a segment. Whether `lines`
    /// are in it; if not, somebody had changed the content as well.
    fn restore(
        &mut self,
        change: Change,
        lines: &[u8],
        records: u64,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let path = self.path.clone();
        let failed = |error| JournalError::io("cannot save the log that somebody else touched", &path)(error);
        let whole = self.file.metadata().map_err(failed)?.len() == self.size + lines.len() as u64;
        if !whole {
            self.separate(lines, now)?;
        }
        let (lines, records) = if whole { (lines.len() as u64, records) } else { (0, 0) };
        let next = self.next + records;
        if next > self.first {
            let restored = self.segment(next - 1, now);
            let moved_aside = (change == Change::Replaced).then(|| aside(&path, now));
            put_back(&mut self.file, self.size + lines, self.size, &path, &restored, moved_aside.as_deref())
                .map_err(failed)?;
            self.incidents.push(Incident::Tampered(match moved_aside {
                Some(moved_aside) => Tampering::Replaced { restored, moved_aside },
                None => Tampering::Removed { restored },
            }));
        }
        self.next = next;
        self.end();
        // The lines are safe; if this fails, the next append tries again and says why.
        drop(self.begin_if_ended(now));
        Ok(whole)
    }

    /// The file's length is wrong. Leaves in it what is left of the acknowledged lines, and gives it up.
    ///
    /// `batch` was written behind them, and is cut off; what somebody else wrote is moved aside.
    fn separate(&mut self, batch: &[u8], now: Timestamp) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed = |error| JournalError::io("cannot save the log that somebody else touched", &path)(error);
        let length = self.file.metadata().map_err(failed)?.len();
        let all = self.next - self.first;
        let (own, left) = if is_intact(&mut self.file, self.size, &self.ending).map_err(failed)? {
            (self.size, all)
        } else {
            let records = Records { sequence_of: self.options.sequence_of, after: self.first - 1 };
            let next = self.next;
            let number_of = |line: &[u8]| records.sequence_of.and_then(|of| of(line));
            let is_ours = |line: &[u8], before: u64| {
                before < all && records.is(line) && number_of(line).is_none_or(|number| number < next)
            };
            own_lines(&mut self.file, batch, is_ours).map_err(failed)?
        };
        let moved_aside = aside(&path, now);
        let cut = own < self.size;
        let foreign = set_aside(&mut self.file, own, cut, batch, &moved_aside).map_err(failed)?;
        self.file.set_len(own).map_err(failed)?;
        let written = self.size + batch.len() as u64;
        if cut || foreign == 0 {
            let bytes = if cut { self.size - own } else { written.saturating_sub(length) };
            let lost = (left < all).then(|| (self.first + left, self.next - 1));
            self.incidents.push(Incident::Tampered(Tampering::Shortened { bytes, lost }));
        }
        if foreign > 0 {
            self.incidents.push(Incident::Tampered(Tampering::Extended { bytes: foreign, moved_aside }));
        }
        self.size = own;
        if cut {
            self.ending.clear();
        }
        self.suspect = true;
        Ok(())
    }
}

/// Opens the active file for writing, or makes it; tells whether it was made.
impl Drop for Journal {
    fn drop(&mut self) {
        self.housekeeper.finish();
        // Said, and not left to closing the files: a child process that is just being started holds copies of them, and
        // the locks with them, until it runs its own program.
        let _ = self.file.unlock();
        let _ = self.lock.unlock();
    }
}

fn identity_of(file: &File, path: &Path) -> Result<(u64, u64), JournalError> {
    file.metadata()
        .map(|metadata| identity(&metadata))
        .map_err(JournalError::io("cannot look at the log", path))
}

fn open_active(path: &Path) -> Result<(File, bool), JournalError> {
    create_private_directory(path).map_err(JournalError::io("cannot make the log's directory", path))?;
    let existed = path.exists();
    let failed = |what| JournalError::io(what, path);
    // Readable, so that the content can be saved when the file loses its name.
    let file = private(path, OpenOptions::new().read(true).append(true).create(true))
        .map_err(failed("cannot open the log for writing"))?;
    if !file.metadata().map_err(failed("cannot open the log for writing"))?.is_file() {
        return Err(failed("cannot open the log for writing")(io::Error::other("not a regular file")));
    }
    if cfg!(unix) {
        // A second lock: someone may delete the lock file, believing it stale.
        lock(&file, path, || None)?;
    }
    // Also when it existed: the process that made it may have been killed before it got here.
    sync_directory(path).map_err(failed("cannot sync the log's directory"))?;
    Ok((file, !existed))
}

/// A crash came between copying a file that had lost its name and naming the copy: names it now.
fn finish_restoring(
    path: &Path,
    sequence_of: Option<SequenceOf>,
    now: Timestamp,
) -> io::Result<Vec<Incident>> {
    let half_made = half_restored(path);
    let mut copy = match OpenOptions::new().read(true).write(true).open(&half_made) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        copy => copy?,
    };
    let after = last_of(&segments(path)?);
    let tail = scan(&mut copy, Records { sequence_of, after })?;
    if tail.records == 0 {
        fs::remove_file(&half_made)?;
        return Ok(Vec::new());
    }
    copy.set_len(tail.whole)?;
    copy.sync_all()?;
    let restored = Segment::new(path, after + 1, tail.last_sequence, now).path;
    fs::rename(&half_made, &restored)?;
    sync_directory(path)?;
    Ok(vec![Incident::Tampered(Tampering::Removed { restored })])
}

/// Names are anybody's. A segment whose name claims records that the active file has, and that has not got them itself,
/// was put there by somebody: going by it, the active file's records would be none of the log's. It is moved aside.
fn set_planted_aside(
    log: &Path,
    sequence_of: SequenceOf,
    rotated: &mut Vec<Segment>,
    now: Timestamp,
) -> io::Result<Vec<Incident>> {
    let mut incidents = Vec::new();
    if rotated.is_empty() {
        return Ok(incidents);
    }
    let Some(first) = first_number(log, sequence_of)? else { return Ok(incidents) };
    while let Some(segment) = rotated.last().filter(|segment| segment.last_sequence >= first) {
        let last = last_record(open_segment(segment)?, Some(sequence_of))?;
        // An older copy in the log's place is another matter: then the segments have what they claim.
        if last.as_deref().and_then(sequence_of).is_some_and(|last| last >= first) {
            break;
        }
        let moved_aside = aside(log, now);
        let bytes = fs::metadata(&segment.path)?.len();
        fs::rename(&segment.path, &moved_aside)?;
        incidents.push(Incident::Tampered(Tampering::Extended { bytes, moved_aside }));
        rotated.pop();
    }
    Ok(incidents)
}

/// The number of the active file's first record, if it has any.
fn first_number(log: &Path, sequence_of: SequenceOf) -> io::Result<Option<u64>> {
    let file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if let Some(number) = line.strip_suffix(b"\n").and_then(sequence_of) {
            return Ok(Some(number));
        }
        line.clear();
    }
    Ok(None)
}

fn last_of(rotated: &[Segment]) -> u64 {
    rotated.last().map_or(0, |segment| segment.last_sequence)
}

/// When the file was made, for rotation by age.
fn begun(metadata: &fs::Metadata) -> Option<Timestamp> {
    let made = metadata.created().or_else(|_| metadata.modified()).ok()?;
    let since = made.duration_since(std::time::UNIX_EPOCH).ok()?;
    Timestamp::from_milliseconds(i64::try_from(since.as_millis()).ok()?).ok()
}

fn take_lock(path: &Path) -> Result<File, JournalError> {
    let lock_path = beside(path, ".", ".lock");
    let mut file =
        private(&lock_path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .map_err(JournalError::io("cannot open the lock file", &lock_path))?;
    lock(&file, path, || {
        let mut holder = String::new();
        let _ = (&file).take(20).read_to_string(&mut holder);
        holder.trim().parse().ok()
    })?;
    // Only for the other's message: on a full disk, a lock file without a process id is as good a lock.
    let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
    Ok(file)
}

fn lock(file: &File, path: &Path, holder: impl FnOnce() -> Option<u32>) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => JournalError::Locked { path: path.to_owned(), holder: holder() },
        fs::TryLockError::Error(source) => {
            JournalError::Io { what: "cannot lock the log", path: path.to_owned(), source }
        }
    })
}
