//! The conformance suite against rsyslog, over everything that it listens on.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod rsyslog;

use audit_sink::testkit::batch;
use audit_sink::{Sink, SinkError};
use audit_sink_syslog::{Format, Framing, SyslogOptions, SyslogSink, Transport};
use audit_tls::TlsOptions;
use rsyslog::{Output, Rsyslog, Runner};

/// Runs the suite over one transport.
fn conforms(name: &str, transport: Option<Transport>, change: impl Fn(SyslogOptions) -> SyslogOptions) {
    let Some(mut place) = transport.and_then(|transport| Rsyslog::new(name, transport)) else { return };
    place.options = change(place.options);
    Runner::new().conforms(&mut place.at_most(100_000));
}

#[test]
fn tcp_with_octet_counting() {
    conforms("tcp-octets", rsyslog::tcp(), |options| options);
}

#[test]
fn tcp_with_newlines() {
    conforms("tcp-newlines", rsyslog::tcp(), |options| options.framing(Framing::Newline));
}

#[test]
fn tls() {
    conforms("tls", rsyslog::tls(), |options| options);
}

#[test]
fn tls_with_client_certificates() {
    conforms("mtls", rsyslog::mtls(), |options| options);
}

#[test]
fn connections_that_stay_open() {
    for (name, transport) in [("tcp-kept", rsyslog::tcp()), ("tls-kept", rsyslog::tls())] {
        let Some(mut place) = transport.and_then(|transport| Rsyslog::new(name, transport)) else { return };
        place.options = place.options.confirm(false);
        place.acknowledged = false;
        Runner::new().conforms(&mut place.at_most(100_000));
    }
}

#[test]
fn the_bsd_format() {
    let Some(mut place) = rsyslog::tcp().and_then(|transport| Rsyslog::new("bsd", transport)) else { return };
    place.options = place.options.format(Format::Rfc3164).hostname("host");
    place.format = Format::Rfc3164;
    Runner::new().conforms(&mut place.at_most(100_000));
}

#[test]
fn udp() {
    let Some(mut place) = rsyslog::udp().and_then(|transport| Rsyslog::new("udp", transport)) else { return };
    place.acknowledged = false;
    Runner::new().conforms(&mut place.at_most(65_507));
}

#[test]
fn a_unix_socket() {
    let Some(mut place) = rsyslog::unix().and_then(|transport| Rsyslog::new("unix", transport)) else {
        return;
    };
    place.acknowledged = false;
    Runner::new().conforms(&mut place.at_most(100_000));
}

#[test]
fn a_server_of_another_ca_is_refused_until_the_right_ca_is_given() {
    let (Some(right), Some(other_ca)) = (rsyslog::tls(), rsyslog::setting("AUDIT_TEST_OTHER_CA")) else {
        return;
    };
    let mut wrong = right.clone();
    if let Transport::Tls { tls, .. } = &mut wrong {
        *tls = TlsOptions::default().ca_file(other_ca);
    }
    turned_away_and_then_not("other-ca", &wrong, right, "UnknownIssuer");
}

#[test]
fn a_server_of_another_name_is_refused() {
    let Some(right) = rsyslog::tls() else { return };
    let mut wrong = right.clone();
    if let Transport::Tls { server_name, .. } = &mut wrong {
        *server_name = Some("elsewhere.example".into());
    }
    turned_away_and_then_not("other-name", &wrong, right, "certificate not valid for name");
}

#[test]
fn a_client_without_certificate_is_turned_away_until_it_has_one() {
    let Some(right) = rsyslog::mtls() else { return };
    let mut wrong = right.clone();
    if let Transport::Tls { tls, .. } = &mut wrong {
        (tls.cert_file, tls.key_file) = (None, None);
    }
    turned_away_and_then_not("no-certificate", &wrong, right, "");
}

fn turned_away_and_then_not(name: &str, wrong: &Transport, right: Transport, why: &str) {
    let app_name = rsyslog::unique(name);
    let Some(output) = Output::of(&app_name) else { return };
    let runner = Runner::new();
    let batch = batch(1, &[b"{}".to_vec()]);
    for confirm in [true, false] {
        let options = SyslogOptions::new(wrong.clone()).app_name(&app_name).confirm(confirm);
        let mut sink = SyslogSink::new(options).unwrap();
        let error = runner.run(sink.check()).unwrap_err().to_string();
        assert!(error.contains("certificate") && error.contains(why), "{error}");
        // Where the server looks at our certificate last, only a confirmed batch is sure to learn of it.
        match runner.run(sink.send(&batch)) {
            Err(SinkError::Retryable { .. }) => {}
            other => assert!(!confirm, "expected an error that may be retried, found {other:?}"),
        }
    }
    assert_eq!(output.settled(), Vec::<serde_json::Value>::new());
    let mut sink = SyslogSink::new(SyslogOptions::new(right).app_name(&app_name)).unwrap();
    let _ = runner.run(sink.send(&batch)).unwrap();
    assert_eq!(output.lines().len(), 1);
}
