//! Servers that close, reset, stall and die, each at the worst time.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Barrier;
use std::thread::JoinHandle;
use std::time::Duration;

use audit_sink::testkit::batch;
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use audit_sink_syslog::{Framing, SyslogOptions, SyslogSink, Transport};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn run<T>(runtime: &tokio::runtime::Runtime, future: SendFuture<'_, T>) -> Result<T, String> {
    match runtime.block_on(future) {
        Ok(done) => Ok(done),
        Err(SinkError::Retryable { source, .. }) => Err(source.to_string()),
        Err(other) => panic!("expected an error that may be retried, found {other}"),
    }
}

/// A server that treats its connections one after the other as it is told, and stops listening after the last.
fn server(turns: Vec<fn(TcpStream)>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        for turn in turns {
            turn(listener.accept().unwrap().0);
        }
    });
    (address, thread)
}

fn options(server: &str) -> SyslogOptions {
    let options = SyslogOptions::new(Transport::Tcp { server: server.to_owned() });
    options.timeout(Duration::from_millis(500)).max_message_bytes(2 << 20)
}

/// Too much for the buffers of both ends together, so that the server's reading is needed.
fn large() -> Batch {
    batch(1, &vec![vec![b'x'; 1 << 20]; 16])
}

fn small() -> Batch {
    batch(1, &[b"{}".to_vec()])
}

fn send(options: SyslogOptions, batch: &Batch) -> Result<Receipt, String> {
    run(&runtime(), SyslogSink::new(options).unwrap().send(batch))
}

fn read_all(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn a_server_that_reads_everything_confirms() {
    let (address, thread) = server(vec![read_all, read_all]);
    assert_eq!(send(options(&address), &small()), Ok(Receipt::default()));
    thread.join().unwrap();
}

#[test]
fn a_server_that_closes_with_a_batch_unread() {
    for batch in [small(), large()] {
        let (address, thread) = server(vec![|stream| {
            // It has arrived, and is not read.
            stream.peek(&mut [0; 1]).unwrap();
        }]);
        let error = send(options(&address), &batch).unwrap_err();
        assert!(error.contains("without having read") || error.contains("broke while"), "{error}");
        thread.join().unwrap();
    }
}

#[test]
fn a_server_that_closes_with_half_a_batch_read() {
    let (address, thread) = server(vec![|mut stream| stream.read_exact(&mut [0; 1 << 20]).unwrap()]);
    let error = send(options(&address), &large()).unwrap_err();
    assert!(error.contains("without having read") || error.contains("broke while"), "{error}");
    thread.join().unwrap();
}

/// Its end is seen before the reset that answers the batch.
#[test]
fn a_server_that_closes_while_the_batch_is_on_its_way() {
    for _ in 0..50 {
        let (address, thread) = server(vec![drop]);
        let error = send(options(&address), &small()).unwrap_err();
        assert!(error.contains(&address), "{error}");
        thread.join().unwrap();
    }
}

/// With the last headers' bytes in its socket, which its system has acknowledged, our end with them.
#[test]
fn a_server_that_ends_its_side_first_and_then_dies() {
    let (address, thread) = server(vec![|mut stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let _ = stream.read_exact(&mut vec![0; 16 << 20]);
        std::thread::sleep(Duration::from_millis(200));
    }]);
    let error = send(options(&address), &large()).unwrap_err();
    assert!(error.contains("broke while"), "{error}");
    thread.join().unwrap();
}

/// Killed after it has read and before it has stored: its connections close like those of one that is done. Its
/// system has taken one more connection, which nobody serves any more.
#[test]
fn a_server_that_reads_everything_and_is_gone_then() {
    for _ in 0..20 {
        let (address, thread) = server(vec![read_all]);
        let error = send(options(&address), &small()).unwrap_err();
        assert!(error.contains("may have died before it was stored"), "{error}");
        thread.join().unwrap();
    }
}

#[test]
fn a_server_that_never_closes() {
    let patient: fn(TcpStream) = |mut stream| {
        while stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {}
        std::thread::sleep(Duration::from_secs(1));
    };
    let (address, thread) = server(vec![patient]);
    let error = send(options(&address), &small()).unwrap_err();
    assert!(error.contains("did not close") && error.contains("confirm: false"), "{error}");
    thread.join().unwrap();

    let (address, thread) = server(vec![patient]);
    let error = run(&runtime(), SyslogSink::new(options(&address)).unwrap().check()).unwrap_err();
    assert!(error.contains("cannot confirm") && error.contains("confirm: false"), "{error}");
    thread.join().unwrap();

    let (address, thread) = server(vec![patient]);
    run(&runtime(), SyslogSink::new(options(&address).confirm(false)).unwrap().check()).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_kept_connection_that_the_server_closed_between_batches_is_replaced() {
    /// That the batch was sent, and then that the connection was closed.
    static NEXT: Barrier = Barrier::new(2);
    let (address, thread) = server(vec![
        |mut stream| {
            drop(stream.read(&mut [0; 4096]));
            NEXT.wait();
            drop(stream);
            NEXT.wait();
        },
        read_all,
    ]);
    let runtime = runtime();
    let mut sink = SyslogSink::new(options(&address).confirm(false)).unwrap();
    let _ = run(&runtime, sink.send(&small())).unwrap();
    NEXT.wait();
    NEXT.wait();
    let _ = run(&runtime, sink.send(&small())).unwrap();
    run(&runtime, sink.close()).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_kept_connection_carries_many_batches() {
    let (address, thread) = server(vec![|mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert_eq!(all.matches("test.conformance\" id").count(), 3);
    }]);
    let runtime = runtime();
    let mut sink = SyslogSink::new(options(&address).confirm(false)).unwrap();
    for _ in 0..3 {
        let _ = run(&runtime, sink.send(&small())).unwrap();
    }
    run(&runtime, sink.close()).unwrap();
    thread.join().unwrap();
}

#[test]
fn closing_says_when_what_was_sent_was_not_read() {
    let (address, thread) = server(vec![|stream| {
        stream.peek(&mut [0; 1]).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }]);
    let runtime = runtime();
    let mut sink = SyslogSink::new(options(&address).confirm(false)).unwrap();
    let _ = run(&runtime, sink.send(&small())).unwrap();
    let error = run(&runtime, sink.close()).unwrap_err();
    assert!(error.contains("without having read"), "{error}");
    thread.join().unwrap();
}

/// With an end instead, newline framing would make a record of the half.
#[test]
fn a_batch_dropped_half_way_ends_with_a_reset() {
    let (address, thread) = server(vec![|stream| {
        assert_eq!(end_of(stream).map(|read| read.len()), Err(ErrorKind::ConnectionReset));
    }]);
    let mut sink = SyslogSink::new(options(&address).framing(Framing::Newline)).unwrap();
    drop_half_way(&runtime(), &mut sink);
    thread.join().unwrap();
}

/// On a kept connection a reset would take away what was accepted before and is still in the buffers.
#[test]
fn a_batch_dropped_half_way_takes_no_earlier_one_with_it() {
    for framing in [Framing::OctetCounting, Framing::Newline] {
        let (address, thread) = server(vec![|stream| {
            let read = end_of(stream).unwrap();
            assert!(read.windows(8).any(|window| window == b"earlier}"), "{} bytes", read.len());
            assert!(read.ends_with(b"xxxx"), "half a message was on its way");
        }]);
        let runtime = runtime();
        let mut sink = SyslogSink::new(options(&address).framing(framing).confirm(false)).unwrap();
        let mut earlier = vec![b'e'; 1 << 20];
        earlier.extend(b"earlier}");
        let _ = run(&runtime, sink.send(&batch(1, &[earlier]))).unwrap();
        drop_half_way(&runtime, &mut sink);
        thread.join().unwrap();
    }
}

/// What a server reads that is slow at first, up to the end of the connection.
fn end_of(mut stream: TcpStream) -> Result<Vec<u8>, ErrorKind> {
    std::thread::sleep(Duration::from_millis(400));
    let mut read = Vec::new();
    stream.read_to_end(&mut read).map(|_| read).map_err(|error| error.kind())
}

/// Gives up a batch while the server does not read.
fn drop_half_way(runtime: &tokio::runtime::Runtime, sink: &mut SyslogSink) {
    let batch = large();
    runtime.block_on(async {
        let sending = tokio::time::timeout(Duration::from_millis(100), sink.send(&batch));
        assert!(sending.await.is_err(), "it waits for the server to read");
    });
}

#[test]
fn whatever_a_server_says_is_ignored() {
    let chatty: fn(TcpStream) = |mut stream| {
        stream.write_all(&[b'!'; 5000]).unwrap();
        read_all(stream);
    };
    for confirm in [true, false] {
        let turns = if confirm { vec![chatty, chatty] } else { vec![chatty] };
        let (address, thread) = server(turns);
        let runtime = runtime();
        let mut sink = SyslogSink::new(options(&address).confirm(confirm)).unwrap();
        let _ = run(&runtime, sink.send(&small())).unwrap();
        run(&runtime, sink.close()).unwrap();
        thread.join().unwrap();
    }
}

#[test]
fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = send(options(&address), &small()).unwrap_err();
    assert!(error.contains(&format!("cannot connect to {address}: Connection refused")), "{error}");
    let error = run(&runtime(), SyslogSink::new(options(&address)).unwrap().check()).unwrap_err();
    assert!(error.contains("is the syslog server up?"), "{error}");
}

/// On this machine, and often on a near network, the ICMP answer is there before the batch is called sent.
#[test]
fn nobody_listens_for_datagrams() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = send(SyslogOptions::new(Transport::Udp { server }), &small()).unwrap_err();
    assert!(error.contains("Connection refused"), "{error}");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let options = SyslogOptions::new(Transport::Unix { path: path.clone() });
    let error = send(options.clone(), &small()).unwrap_err();
    assert!(error.contains("No such file"), "{error}");

    let runtime = runtime();
    let mut sink = SyslogSink::new(options).unwrap();
    let first = UnixDatagram::bind(&path).unwrap();
    let _ = run(&runtime, sink.send(&small())).unwrap();
    drop(first);
    assert!(run(&runtime, sink.send(&small())).unwrap_err().contains("Connection refused"));
    assert!(run(&runtime, sink.check()).unwrap_err().contains("is the syslog server up"));
    std::fs::remove_file(&path).unwrap();
    let second = UnixDatagram::bind(&path).unwrap();
    let _ = run(&runtime, sink.send(&small())).unwrap();
    assert!(second.recv(&mut [0; 1000]).unwrap() > 100);
}

/// rsyslog as it comes cuts off the rest, and the copy of such a record does not verify.
#[test]
fn what_a_server_may_cut_is_rejected_unless_it_is_said_to_take_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let unix = UnixDatagram::bind(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (address, thread) = server(vec![read_all; 4]);
    let transports = [
        Transport::Unix { path },
        Transport::Udp { server: udp.local_addr().unwrap().to_string() },
        Transport::Tcp { server: address },
    ];
    let measured = SyslogOptions::new(transports[1].clone()).hostname("host");
    let _ = send(measured, &small()).unwrap();
    let header = udp.recv(&mut [0; 1000]).unwrap() - 2;
    for transport in transports {
        let options = SyslogOptions::new(transport).hostname("host");
        let lines = [vec![b'x'; 8096 - header], vec![b'x'; 8097 - header]];
        let receipt = send(options.clone(), &batch(1, &lines)).unwrap();
        let [rejected] = &receipt.rejected[..] else { panic!("one, found {:?}", receipt.rejected) };
        assert_eq!(rejected.sequence_number, 2);
        for part in
            ["8097 bytes with its header", "8096", "max_message_bytes", "max_message_kb", "maxMessageSize"]
        {
            assert!(rejected.reason.contains(part), "{}", rejected.reason);
        }
        assert_eq!(send(options.max_message_bytes(8097), &batch(1, &lines)), Ok(Receipt::default()));
    }
    thread.join().unwrap();
    drop(unix);
}

#[test]
fn what_fits_no_datagram_is_rejected_and_the_rest_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let unix = UnixDatagram::bind(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = udp.local_addr().unwrap().to_string();
    for transport in [Transport::Unix { path }, Transport::Udp { server }] {
        let datagram = matches!(transport, Transport::Unix { .. });
        let lines = [b"{\"a\":1}".to_vec(), vec![b'x'; 1 << 20], b"{\"b\":2}".to_vec()];
        let options = SyslogOptions::new(transport).max_message_bytes(2 << 20);
        let receipt = send(options, &batch(7, &lines)).unwrap();
        assert_eq!(receipt.rejected.len(), 1);
        assert_eq!(receipt.rejected[0].sequence_number, 8);
        assert!(
            receipt.rejected[0].reason.contains("bytes with its header"),
            "{}",
            receipt.rejected[0].reason
        );
        for line in [&lines[0], &lines[2]] {
            let mut buffer = [0; 2000];
            let length = if datagram { unix.recv(&mut buffer) } else { udp.recv(&mut buffer) }.unwrap();
            assert!(buffer[..length].ends_with(line));
        }
    }
}
