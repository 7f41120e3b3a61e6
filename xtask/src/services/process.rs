//! A process that outlives this one, found again by its id.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// An id alone may have gone to another process by now; id and start time together are never used twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    started: u64,
}

impl Process {
    /// Starts it in a process group of its own, so that Ctrl-C does not reach it, and keeps its id in `record`.
    pub(crate) fn start(command: &mut Command, log: &Path, record: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log).context("cannot open its log")?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let id = command.spawn().with_context(|| format!("cannot run {program}"))?.id();
        let Some(Stat { started, .. }) = Stat::of(id) else { bail!("{program} is not in /proc") };
        fs::write(record, format!("{id} {started}")).context("cannot keep its process id")?;
        Ok(Self { id, started })
    }

    /// The one whose id was kept, if it still runs.
    pub(crate) fn recorded(record: &Path) -> Option<Self> {
        let text = fs::read_to_string(record).ok()?;
        let (id, started) = text.split_once(' ')?;
        let process = Self { id: id.parse().ok()?, started: started.parse().ok()? };
        process.is_alive().then_some(process)
    }

    pub(crate) fn is_alive(self) -> bool {
        Stat::of(self.id).is_some_and(|stat| stat.started == self.started && !stat.is_over)
    }

    /// Asks it to end, and makes it end when it does not.
    pub(crate) fn stop(self) -> Result<()> {
        self.signal("TERM")?;
        if self.is_gone_within(Duration::from_secs(10)) { Ok(()) } else { self.kill() }
    }

    /// SIGKILL, also to what it started; returns when it is gone.
    pub(crate) fn kill(self) -> Result<()> {
        self.signal("KILL")?;
        if !self.is_gone_within(Duration::from_secs(30)) {
            bail!("process {} is still there 30 seconds after SIGKILL", self.id);
        }
        Ok(())
    }

    /// To its process group. The shell's own `kill` is there also where no `kill` program is.
    fn signal(self, signal: &str) -> Result<()> {
        if self.is_alive() {
            let mut kill = Command::new("sh");
            kill.args(["-c", &format!("kill -s {signal} -- -{}", self.id)]).stderr(Stdio::null());
            // Its failure means that the process went in between, and the caller looks whether it is gone.
            kill.status().context("cannot run sh")?;
        }
        Ok(())
    }

    fn is_gone_within(self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

/// What Linux says about a process.
struct Stat {
    /// In clock ticks since the machine started.
    started: u64,
    /// Nothing of it runs and it holds no port any more, though its parent has not asked how it ended.
    is_over: bool,
}

impl Stat {
    /// proc_pid_stat(5): the name in parentheses may hold spaces; behind it, state is field 3, start time 22.
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let is_zombie = matches!(fields.first(), Some(&("Z" | "X")));
        // The first thread may be gone while others, and with them the open ports, are not yet.
        let threads = fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
        Some(Self { started: fields.get(19)?.parse().ok()?, is_over: is_zombie && threads <= 1 })
    }
}

/// The last lines of a log, for a message.
pub(crate) fn end_of(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sleep`, and a folder for its log and its id.
    fn sleep(name: &str) -> (Process, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("audit-log-xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let process =
            Process::start(Command::new("sleep").arg("60"), &folder.join("log"), &folder.join("process"));
        (process.unwrap(), folder)
    }

    #[test]
    fn a_process_is_found_again_until_it_is_killed() {
        let (process, folder) = sleep("killed");
        assert!(Process::recorded(&folder.join("process")) == Some(process));
        process.kill().unwrap();
        assert!(Process::recorded(&folder.join("process")).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn another_process_with_the_same_id_is_left_alone() {
        let (process, folder) = sleep("other");
        let gone = Process { started: process.started - 1, ..process };
        fs::write(folder.join("process"), format!("{} {}", gone.id, gone.started)).unwrap();
        assert!(Process::recorded(&folder.join("process")).is_none());
        gone.kill().unwrap();
        assert!(process.is_alive());
        process.stop().unwrap();
        assert!(!process.is_alive());
        fs::remove_dir_all(folder).unwrap();
    }
}
