//! What can be known to be wrong without the network.

use std::time::Duration;

use audit_sink_email::{EmailOptions, EmailSink, Encryption};
use audit_tls::TlsOptions;

fn ok() -> EmailOptions {
    EmailOptions::new("127.0.0.1:9", "audit@example.org")
        .to(["ops@example.com"])
        .encryption(Encryption::Plain)
}

fn refusal(options: EmailOptions) -> String {
    EmailSink::new(options).expect_err("not to be accepted").to_string()
}

#[test]
fn addresses() {
    let none: [&str; 0] = [];
    assert!(refusal(EmailOptions::new("127.0.0.1:9", "audit@example.org").to(none)).contains("to is empty"));
    assert!(refusal(EmailOptions::new("mail", "audit").to(["a@b.example"])).starts_with("from \"audit\""));
    let error = refusal(ok().to(["Security <security>"]));
    assert!(error.starts_with("to \"Security <security>\" is no e-mail address: it has no @"), "{error}");
    assert!(refusal(ok().to(["Ops <OPS@example.com>"])).contains("OPS@example.com twice"));
    for injected in ["a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example>\r\nDATA", "<a@b.example> SIZE=1"] {
        assert!(refusal(ok().to([injected])).contains("is no e-mail address"), "{injected:?}");
    }
}

#[test]
fn the_server_and_our_own_name() {
    assert!(
        refusal(EmailOptions::new("smtp://mail", "a@b.example").to(["a@b.example"])).contains("host:port")
    );
    for name in ["", "a b", "x\r\nMAIL", "ü"] {
        assert!(refusal(ok().hello_name(name)).contains("hello_name"), "{name:?}");
    }
}

#[test]
fn credentials() {
    let elsewhere = EmailOptions::new("mail.example.com:25", "a@b.example").to(["a@b.example"]);
    let elsewhere = elsewhere.encryption(Encryption::Plain).credentials("user", "hunter2".into());
    let error = refusal(elsewhere.clone());
    assert!(error.contains("danger_credentials_in_the_clear") && !error.contains("hunter2"), "{error}");
    assert!(EmailSink::new(elsewhere.clone().danger_credentials_in_the_clear(true)).is_ok());
    assert!(EmailSink::new(ok().credentials("user", "hunter2".into())).is_ok(), "to this machine");
    let encrypted = elsewhere.tls(TlsOptions::default().danger_accept_invalid_certificates(true));
    assert!(EmailSink::new(encrypted.encryption(Encryption::StartTls)).is_ok());
    assert!(refusal(ok().credentials("user", "".into())).contains("the password is empty"));
    assert!(refusal(ok().credentials("", "x".into())).contains("the user name is empty"));
}

#[test]
fn tls_and_timeouts() {
    let missing = TlsOptions::default().ca_file("/nonexistent/ca.pem");
    assert!(refusal(ok().tls(missing.clone())).contains("encryption is plain"));
    let error = refusal(ok().encryption(Encryption::Tls).tls(missing));
    assert!(error.starts_with("cannot read the certificate in /nonexistent/ca.pem: "), "{error}");
    assert!(refusal(ok().connect_timeout(Duration::ZERO)).contains("connect_timeout is zero"));
    assert!(refusal(ok().answer_timeout(Duration::ZERO)).contains("answer_timeout is zero"));
}

#[test]
fn nothing_secret_is_shown() {
    let options = ok().credentials("user", "hunter2".into());
    let shown = format!("{options:?} {options:#?}");
    assert!(shown.contains("ops@example.com") && shown.contains("127.0.0.1:9"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let sink = EmailSink::new(options).expect("options that are right");
    let shown = format!("{sink:?}");
    assert!(!shown.contains("hunter2") && shown.contains("127.0.0.1:9"), "{shown}");
}
