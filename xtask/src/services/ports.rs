//! Ports on 127.0.0.1, chosen once and then kept, so that a server that was killed comes back where it was.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::lock::Lock;
use super::run_folder;

/// Below the range that Linux takes the client's end of a connection from: a client that tries again and again
/// to reach a server that is down could otherwise be given the server's own port, and would talk to itself.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// By what each is for.
#[derive(Default)]
pub(crate) struct Ports(BTreeMap<String, u16>);

impl Ports {
    pub(crate) fn get(&self, name: &str) -> u16 {
        *self.0.get(name).expect("a server asks for the ports that it lists")
    }

    pub(crate) fn list(&self) -> String {
        self.0.iter().map(|(name, port)| format!("{name} {port}")).collect::<Vec<_>>().join(", ")
    }

    /// The kept ones; what is missing is chosen.
    pub(crate) fn kept(folder: &Path, names: &[&str]) -> Result<Self> {
        Self::choose(folder, names, |_| true)
    }

    /// For a start: as `kept`, but a port that somebody else has taken meanwhile is chosen anew.
    pub(crate) fn free(folder: &Path, names: &[&str]) -> Result<Self> {
        // The system may need a moment to let go of the ports of a process that was killed.
        let end = Instant::now() + Duration::from_secs(2);
        let mut kept = Self::read(folder).0.into_values();
        while Instant::now() < end && !kept.all(is_free) {
            thread::sleep(Duration::from_millis(50));
            kept = Self::read(folder).0.into_values();
        }
        Self::choose(folder, names, is_free)
    }

    fn choose(folder: &Path, names: &[&str], may_keep: impl Fn(u16) -> bool) -> Result<Self> {
        let _lock = Lock::take("ports")?;
        let mut others = Vec::new();
        for other in fs::read_dir(run_folder()?).into_iter().flatten() {
            others.extend(Self::read(&other?.path()).0.into_values());
        }
        let kept = Self::read(folder).0;
        let mut ports = BTreeMap::new();
        for name in names {
            let port = match kept.get(*name) {
                Some(port) if may_keep(*port) => *port,
                _ => any(|port| !others.contains(&port) && is_free(port)),
            };
            others.push(port);
            ports.insert((*name).to_owned(), port);
        }
        let text: String = ports.iter().map(|(name, port)| format!("{name} {port}\n")).collect();
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(folder.join("ports"), text).context("cannot keep the ports")?;
        Ok(Self(ports))
    }

    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("ports")).unwrap_or_default();
        let ports = text.lines().filter_map(|line| {
            let (name, port) = line.split_once(' ')?;
            Some((name.to_owned(), port.parse().ok()?))
        });
        Self(ports.collect())
    }
}

fn any(is_good: impl Fn(u16) -> bool) -> u16 {
    loop {
        let random = RandomState::new().hash_one(0) % u64::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(random).expect("less than the range is wide");
        if is_good(port) {
            return port;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}
