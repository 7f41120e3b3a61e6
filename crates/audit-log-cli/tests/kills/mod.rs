//! `kill -9` of a service under load.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::service::{Service, until};

pub(crate) const CONFIG: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources: [{type: http, listen: '127.0.0.1:0'}]
access: {anonymous: [ingest]}
";

/// Starts a service, has everybody send to it at once, again and again until there is no answer, and kills it a moment after `progress`
/// went on by more than `step`; at another moment in each round.
pub(crate) fn kill_under_load(
    directory: &Path,
    round: u32,
    senders: &[impl Fn(SocketAddr) -> bool + Sync],
    progress: impl Fn() -> u64,
    step: u64,
) {
    let service = Service::start_again(directory);
    let address = service.address("http");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let before = progress();
        for send in senders {
            let over = &over;
            scope.spawn(move || while !over.load(Ordering::Relaxed) && send(address) {});
        }
        until("some were answered", || progress() > before + step);
        std::thread::sleep(Duration::from_millis(u64::from(round * 7 % 40)));
        service.kill();
        over.store(true, Ordering::Relaxed);
    });
}
