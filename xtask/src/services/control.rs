//! Starting, looking at and stopping servers.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::environment::is_a_persons;
use super::lock::Lock;
use super::process::{Process, end_of};
use super::server::{Place, Server, folder_of};
use super::tools::Missing;

/// How a server is now.
pub(crate) enum State {
    Up {
        process: u32,
        ports: String,
    },
    Down,
    /// And what to do about it.
    Unavailable(String),
    /// Where a person runs one of their own.
    Elsewhere(String),
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Up { process, ports } => write!(f, "up, process {process}, {ports}"),
            Self::Down => f.write_str("down"),
            Self::Unavailable(why) => write!(f, "unavailable: {why}"),
            Self::Elsewhere(at) => write!(f, "not ours: {at}"),
        }
    }
}

/// The server's process, if it runs.
pub(crate) fn process(folder: &Path) -> Option<Process> {
    Process::recorded(&folder.join("process"))
}

/// Returns when it answers, be it that it ran already.
pub(crate) fn up(server: &dyn Server) -> Result<State> {
    let name = server.name();
    if let Some(at) = is_a_persons(server) {
        return Ok(State::Elsewhere(format!("{} is {at}", server.variable())));
    }
    let _lock = Lock::take(name)?;
    let folder = folder_of(server)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (process, place) = match process(&folder) {
        Some(process) => {
            let place = Place::of(server)?;
            wait(server, process, &place)?;
            (process, place)
        }
        None => match start(server) {
            Err(error) if error.is::<Missing>() => {
                let why = format!("{error}; that leaves untested: {}", server.untested());
                fs::write(folder.join("unavailable"), &why)?;
                return Ok(State::Unavailable(why));
            }
            started => started.with_context(|| format!("{name} can't be started"))?,
        },
    };
    server.furnish(&place).with_context(|| format!("{name} is up, but not as the tests want it"))?;
    Ok(State::Up { process: process.id, ports: place.ports.list() })
}

fn start(server: &dyn Server) -> Result<(Process, Place)> {
    server.install()?;
    let place = Place::with_free_ports(server)?;
    if place.file("unavailable").exists() {
        fs::remove_file(place.file("unavailable"))?;
    }
    let mut command = server.command(&place)?;
    let process = Process::start(&mut command, &place.file("log"), &place.file("process"))?;
    if let Err(error) = wait(server, process, &place) {
        process.kill()?;
        return Err(error);
    }
    Ok((process, place))
}

fn wait(server: &dyn Server, process: Process, place: &Place) -> Result<()> {
    let end = Instant::now() + server.patience();
    while let Err(not_yet) = server.check(place) {
        let is_alive = process.is_alive();
        if is_alive && Instant::now() < end {
            thread::sleep(Duration::from_millis(100));
            continue;
        }
        let what = if is_alive { "does not answer" } else { "has ended" };
        let log = place.file("log");
        bail!("{} {what}: {not_yet:#}; the end of {}:\n{}", server.name(), log.display(), end_of(&log));
    }
    Ok(())
}

pub(crate) fn state(server: &dyn Server) -> Result<State> {
    if let Some(at) = is_a_persons(server) {
        return Ok(State::Elsewhere(format!("{} is {at}", server.variable())));
    }
    let folder = folder_of(server)?;
    if let Some(process) = process(&folder) {
        return Ok(State::Up { process: process.id, ports: Place::of(server)?.ports.list() });
    }
    Ok(match fs::read_to_string(folder.join("unavailable")) {
        Ok(why) => State::Unavailable(why),
        Err(_) => State::Down,
    })
}

/// Stops it, if it runs, and removes its data.
pub(crate) fn down(server: &dyn Server) -> Result<()> {
    let _lock = Lock::take(server.name())?;
    let folder = folder_of(server)?;
    if let Some(process) = process(&folder) {
        process.stop().with_context(|| format!("cannot stop {}", server.name()))?;
    }
    if folder.exists() {
        server.clear(&Place::of(server)?)?;
    }
    // The ports stay until all servers are down: Kafka, if it runs, tells its clients a port of toxiproxy's.
    let ports = fs::read(folder.join("ports"));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    if let Ok(ports) = ports {
        fs::create_dir(&folder)?;
        fs::write(folder.join("ports"), ports)?;
    }
    Ok(())
}

/// As a crash would: without a warning. Its data stays.
pub(crate) fn kill(server: &dyn Server) -> Result<()> {
    let name = server.name();
    if let Some(at) = is_a_persons(server) {
        bail!("{} is {at}, and that {name} is not ours to kill", server.variable());
    }
    let _lock = Lock::take(name)?;
    match process(&folder_of(server)?) {
        Some(process) => process.kill(),
        None => bail!("{name} is not up"),
    }
}
