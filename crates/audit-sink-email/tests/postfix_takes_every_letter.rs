//! The conformance suite against Postfix, and who is turned away there.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod postfix;

use std::sync::PoisonError;
use std::time::Duration;

use audit_sink::testkit::{batch, conforms};
use audit_sink::{Sink as _, SinkError};
use audit_sink_email::{EmailOptions, EmailSink, Encryption, Letter};
use audit_tls::TlsOptions;
use postfix::{Mailbox, Postfix, SERVER, address, run_on, runtime, setting};

fn conforms_at(options: Option<EmailOptions>) {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut place) = options.and_then(Postfix::new) else { return };
    conforms(&mut place, &run_on(&runtime(), Duration::from_secs(120)));
}

#[test]
fn starttls_and_credentials() {
    conforms_at(postfix::starttls());
}

#[test]
fn tls_and_credentials() {
    conforms_at(postfix::tls());
}

#[test]
fn tls_and_a_client_certificate() {
    conforms_at(postfix::mtls());
}

#[test]
fn in_the_clear() {
    conforms_at(postfix::plain());
}

#[test]
fn credentials_in_the_clear_on_this_machine() {
    let (Some(options), Some(user), Some(password)) =
        (postfix::plain(), setting("AUDIT_TEST_SMTP_USER"), setting("AUDIT_TEST_SMTP_PASSWORD"))
    else {
        return;
    };
    let options = options.credentials(user, password.into()).to([address("ops")]);
    runtime().block_on(EmailSink::new(options).unwrap().check()).unwrap();
}

/// The check and a letter both say it, and nothing arrives until it is mended.
fn turned_away(wrong: EmailOptions, right: EmailOptions, expected: &[&str]) {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut mailbox) = Mailbox::open() else { return };
    let address = address("ops");
    let letter = Letter { subject: "s".into(), text: "t".into(), html: None };
    let batch = batch(1, &[letter.to_bytes()]);
    let mut sink = EmailSink::new(wrong.to([&address])).unwrap();
    for error in
        [runtime().block_on(sink.check()).unwrap_err(), runtime().block_on(sink.send(&batch)).unwrap_err()]
    {
        assert!(matches!(error, SinkError::Retryable { .. }), "{error:?}");
        let error = error.to_string();
        assert!(expected.iter().all(|expected| error.contains(expected)), "{error}");
        assert!(!error.contains("not the password"), "{error}");
    }
    assert_eq!(mailbox.of(&address).len(), 0);
    let mut sink = EmailSink::new(right.to([&address])).unwrap();
    assert_eq!(runtime().block_on(sink.send(&batch)).unwrap().rejected, []);
    assert_eq!(mailbox.of(&address).len(), 1);
}

#[test]
fn a_wrong_password_is_said_and_may_be_mended() {
    let Some(user) = setting("AUDIT_TEST_SMTP_USER") else { return };
    for right in [postfix::starttls(), postfix::tls()] {
        let Some(right) = right else { return };
        let wrong = right.clone().credentials(user.clone(), "not the password".into());
        turned_away(wrong, right, &["refused the user name or the password: 535", "set the right ones"]);
    }
}

#[test]
fn without_credentials_no_recipient_is_accepted() {
    let (Some(right), Some(server), Some(tls)) =
        (postfix::starttls(), setting("AUDIT_TEST_SMTP_STARTTLS"), postfix::trusting())
    else {
        return;
    };
    let wrong = EmailOptions::new(server, "audit@audit.test").tls(tls);
    turned_away(wrong, right, &["554 5.7.1", "Access denied"]);
}

#[test]
fn a_server_of_another_authority_gets_nothing() {
    let Some(other) = setting("AUDIT_TEST_OTHER_CA") else { return };
    for right in [postfix::starttls(), postfix::tls()] {
        let Some(right) = right else { return };
        let wrong = right.clone().tls(TlsOptions::default().ca_file(&other));
        turned_away(wrong, right, &["no TLS connection to 127.0.0.1:", "set ca_file"]);
    }
}

/// A forwarder on another address of this machine, which is not in the certificate.
#[test]
fn a_server_whose_certificate_is_for_another_name_gets_nothing() {
    let (Some(right), Some(server)) = (postfix::tls(), setting("AUDIT_TEST_SMTP_TLS")) else { return };
    let Some(tls) = postfix::trusting() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let elsewhere = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = std::net::TcpStream::connect(&server).unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    let wrong = EmailOptions::new(elsewhere, "audit@audit.test").encryption(Encryption::Tls).tls(tls);
    turned_away(
        wrong,
        right,
        &["not valid for name", "connect by a name that is in the server's certificate"],
    );
}

#[test]
fn a_client_without_its_certificate_is_turned_away() {
    let (Some(right), Some(server), Some(tls)) =
        (postfix::mtls(), setting("AUDIT_TEST_SMTP_MTLS"), postfix::trusting())
    else {
        return;
    };
    let wrong = EmailOptions::new(server, "audit@audit.test").encryption(Encryption::Tls).tls(tls);
    turned_away(wrong, right, &["421", "No client certificate presented"]);
}

#[test]
fn any_certificate_is_believed_only_where_the_options_say_so() {
    let Some(right) = postfix::starttls() else { return };
    let careless =
        right.tls(TlsOptions::default().danger_accept_invalid_certificates(true)).to([address("ops")]);
    runtime().block_on(EmailSink::new(careless).unwrap().check()).unwrap();
}

#[test]
fn the_wrong_kind_of_port_is_said() {
    let (Some(starttls), Some(tls)) = (setting("AUDIT_TEST_SMTP_STARTTLS"), setting("AUDIT_TEST_SMTP_TLS"))
    else {
        return;
    };
    let Some(trusting) = postfix::trusting() else { return };
    for (server, encryption, expected) in [
        (starttls, Encryption::Tls, "set encryption to starttls"),
        (tls, Encryption::StartTls, "set encryption to tls"),
    ] {
        let options =
            EmailOptions::new(server, "audit@audit.test").to(["ops@audit.test"]).tls(trusting.clone());
        let options = options.encryption(encryption).answer_timeout(Duration::from_secs(1));
        let error = runtime().block_on(EmailSink::new(options).unwrap().check()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
