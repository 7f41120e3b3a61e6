//! `audit-log serve` under load while its configuration changes as a ConfigMap's does, and while certificates on disk are broken: what was
//! serving goes on, and nothing that was sent is lost.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

mod authority;
mod service;
use authority::Authority;
use service::{Service, events, try_request, until, verify};

const SENDERS: u64 = 4;
const SWAPS: usize = 8;

/// A place on this machine that stays the same when a listener is begun anew.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The errors of refused reloads that are on record.
fn refusals(service: &Service) -> Vec<String> {
    let events = service.events();
    let errors = events.iter().filter_map(|event| event["details"]["error"].as_str());
    errors.map(str::to_owned).collect()
}

#[test]
fn a_config_map_s_swap_loses_no_event() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let address = free_address();
    let config = |more: &str, limit: u32| {
        format!(
            "
destinations:
  - {{type: file, path: log/audit.log}}
{more}integrity: {{chain: {{enabled: true}}}}
sources: [{{type: http, listen: '{address}', max_events: {limit}}}]
access: {{anonymous: [ingest]}}
"
        )
    };
    let copy = "  - {type: file, name: copy, path: copy.log, batch: {max_age: 20ms}}\n";
    // One swap changes the destinations, another the listener itself.
    let versions = [config("", 100), config(copy, 100), config(copy, 200), config("", 200)];
    let install = |number: usize| {
        let version = format!("..{number}");
        fs::create_dir(place.join(&version)).unwrap();
        fs::write(place.join(&version).join("audit.yaml"), &versions[number % versions.len()]).unwrap();
        symlink(&version, place.join("..new")).unwrap();
        fs::rename(place.join("..new"), place.join("..data")).unwrap();
    };
    install(0);
    symlink("..data/audit.yaml", place.join("audit.yaml")).unwrap();
    let service = Service::start_again(place);
    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
            std::thread::spawn(move || {
                let mut sent = 0;
                while !over.load(Ordering::Relaxed) {
                    let event = format!(r#"{{"event_id":"evt_{sender}_{sent}","event_type":"app.load"}}"#);
                    // Until it is answered: while the listener is begun anew, nobody listens.
                    while !answers(address, &event) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    sent += 1;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                sent
            })
        })
        .collect();
    let changes = || {
        let events = service.events();
        let changed = events.iter().filter(|event| event["event_type"] == "config.changed");
        changed.map(|event| event["action"]["result"].clone()).collect::<Vec<Value>>()
    };
    for swap in 1..=SWAPS {
        install(swap);
        until("the change is on record", || changes().len() >= swap);
        let before = answered.load(Ordering::Relaxed);
        until("it serves", || answered.load(Ordering::Relaxed) > before + SENDERS);
    }
    assert!(changes().iter().all(|result| result == "success"), "{:?}", changes());
    assert_eq!(changes().len(), SWAPS);
    over.store(true, Ordering::Relaxed);
    let sent: Vec<u64> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert!(service.end().0.success());

    let mut found: HashMap<String, u32> = HashMap::new();
    for event in events(place).iter().filter(|event| event["event_type"] == "app.load") {
        *found.entry(event["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for (sender, sent) in sent.iter().enumerate() {
        for number in 0..*sent {
            // Requests on their way are answered before a listener ends, so nothing had to be sent twice.
            assert_eq!(found.get(&format!("evt_{sender}_{number}")), Some(&1), "evt_{sender}_{number}");
        }
    }
    let verdict = verify(place);
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

fn answers(address: SocketAddr, event: &str) -> bool {
    match try_request(address, "POST", "/v1/events", "application/json", &[], event.as_bytes()) {
        Ok(answer) => {
            assert_eq!(answer.status, 200, "{answer:?}");
            true
        }
        Err(_) => false,
    }
}

#[test]
fn certificates_that_are_broken_leave_the_old_one_serving() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let own = Authority::new(place, "own");
    own.issue("server", &["localhost"], |_| ());
    own.issue("next", &["localhost"], |_| ());
    let whole = fs::read_to_string(place.join("next.pem")).unwrap();
    fs::write(place.join("half.pem"), &whole[..whole.len() / 2]).unwrap();
    let address = free_address();
    let config = |certificate: &str, key: &str, more: &str| {
        format!(
            "
destination: {{type: file, path: log/audit.log}}
integrity: {{chain: {{enabled: true}}}}
sources:
  - {{type: http, listen: '{address}', {more}tls: {{cert_file: {certificate}, key_file: {key}}}}}
access: {{anonymous: [ingest]}}
"
        )
    };
    let good = config("server.pem", "server-key.pem", "");
    let service = Service::start(place, &good);
    let served = |name: &str| {
        let answer = authority::post(address, &own.trusting(), &[], &format!(r#"{{"event_type":"{name}"}}"#));
        assert_eq!(answer.unwrap().status, 200, "{name}");
        shown(address, &own).unwrap()
    };
    let old = served("app.before");

    // A configuration that names files which are no certificate with its key.
    for (certificate, key, expected) in [
        ("half.pem", "next-key.pem", "half.pem"),
        ("next.pem", "server-key.pem", "next.pem"),
        ("missing.pem", "next-key.pem", "missing.pem"),
    ] {
        let before = refusals(&service).len();
        fs::write(place.join("audit.yaml"), config(certificate, key, "")).unwrap();
        service.signal("-HUP");
        until("it is refused", || refusals(&service).len() > before);
        let told = refusals(&service).pop().unwrap();
        assert!(told.contains(expected), "{told}");
        assert_eq!(served("app.refused"), old, "{certificate}");
    }

    // The old one's own files are broken, while another key of the listener changes: to begin it anew would be its end.
    let certificate = fs::read(place.join("server.pem")).unwrap();
    fs::write(place.join("server.pem"), "no certificate").unwrap();
    let before = refusals(&service).len();
    let changed = config("server.pem", "server-key.pem", "max_events: 5, ");
    fs::write(place.join("audit.yaml"), &changed).unwrap();
    service.signal("-HUP");
    until("it is refused", || refusals(&service).len() > before);
    assert_eq!(served("app.broken"), old);

    // Mended: what waited is done.
    fs::write(place.join("server.pem"), certificate).unwrap();
    service.signal("-HUP");
    service.event("config.changed", |event| event["action"]["result"] == "success");
    assert_eq!(served("app.mended"), old);
    fs::write(place.join("audit.yaml"), config("next.pem", "next-key.pem", "max_events: 5, ")).unwrap();
    service.signal("-HUP");
    until("the next certificate is shown", || {
        shown(address, &own).is_ok_and(|certificate| certificate != old)
    });
    served("app.next");
    assert!(service.end().0.success());
    let count = |name: &str| events(place).iter().filter(|event| event["event_type"] == name).count();
    assert_eq!((count("app.before"), count("app.refused"), count("app.broken")), (1, 3, 1));
    let verdict = verify(place);
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

/// The certificate that the server shows.
fn shown(address: SocketAddr, own: &Authority) -> std::io::Result<Vec<u8>> {
    let mut connection = authority::connect(address, &own.trusting())?;
    connection.conn.complete_io(&mut connection.sock)?;
    Ok(connection.conn.peer_certificates().unwrap()[0].to_vec())
}
