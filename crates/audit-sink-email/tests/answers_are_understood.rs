//! What the sink does with a server's answers, and with none.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod scripted;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use audit_sink::testkit::batch;
use audit_sink::{Batch, Receipt, Sink as _, SinkError};
use audit_sink_email::{EmailOptions, EmailSink, Encryption, Letter};
use scripted::{Scripted, says, usual};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn options(server: &Scripted) -> EmailOptions {
    EmailOptions::new(server.address.to_string(), "audit@example.org")
        .encryption(Encryption::Plain)
        .answer_timeout(Duration::from_secs(5))
}

/// To one, two or three recipients.
fn sink(server: &Scripted, recipients: usize) -> EmailSink {
    let all = ["a@example.com", "b@example.com", "c@example.com"];
    EmailSink::new(options(server).to(all[..recipients].iter().copied())).unwrap()
}

fn letters(count: usize) -> Batch {
    let letter = |n| Letter { subject: format!("letter {n}"), text: "text".into(), html: None }.to_bytes();
    batch(1, &(1..=count).map(letter).collect::<Vec<_>>())
}

fn send(sink: &mut EmailSink, batch: &Batch) -> Result<Receipt, SinkError> {
    runtime().block_on(sink.send(batch))
}

fn retryable(result: Result<Receipt, SinkError>) -> String {
    match result {
        Err(SinkError::Retryable { source, retry_after: None }) => source.to_string(),
        other => panic!("expected an error that may be retried, found {other:?}"),
    }
}

fn message_id(letter: &str) -> &str {
    letter.lines().find(|line| line.starts_with("Message-ID:")).unwrap()
}

#[test]
fn a_letter_goes_to_all_recipients_at_once() {
    let server = Scripted::new(usual);
    assert_eq!(send(&mut sink(&server, 3), &letters(2)).unwrap().rejected, []);
    assert_eq!(server.letters().len(), 2);
    assert_eq!(server.commands("RCPT").len(), 6);
    assert_eq!(server.commands("MAIL"), ["MAIL FROM:<audit@example.org>"; 2]);
    assert_eq!(server.commands("EHLO"), ["EHLO [127.0.0.1]"], "one connection, by its address");
    assert_eq!(server.commands("QUIT").len(), 1);
    let first = &server.letters()[0];
    assert!(first.contains("To: a@example.com, b@example.com, c@example.com\r\n"), "{first}");
}

#[test]
fn a_name_is_given_where_one_is_set() {
    let server = Scripted::new(usual);
    let named = options(&server).hello_name("audit.example.org").to(["a@example.com"]);
    let _ = send(&mut EmailSink::new(named).unwrap(), &letters(1)).unwrap();
    assert_eq!(server.commands("EHLO"), ["EHLO audit.example.org"]);
}

#[test]
fn a_recipient_who_was_put_off_gets_the_letter_later_and_nobody_gets_it_twice() {
    let refusals = AtomicUsize::new(0);
    let server = Scripted::new(move |command| match command {
        "RCPT TO:<b@example.com>" if refusals.fetch_add(1, Ordering::Relaxed) < 3 => {
            says("450 4.2.0 greylisted")
        }
        command => usual(command),
    });
    let (mut sink, batch) = (sink(&server, 2), letters(2));
    let error = retryable(send(&mut sink, &batch));
    assert!(
        error.contains("2 of 2 letters") && error.contains("b@example.com (450 4.2.0 greylisted)"),
        "{error}"
    );
    assert!(error.contains("a@example.com has them"), "{error}");
    assert_eq!(server.letters().len(), 2, "both letters went out at the first attempt");
    let error = retryable(send(&mut sink, &batch));
    assert!(error.contains("1 of 2 letters"), "{error}");
    assert_eq!(send(&mut sink, &batch).unwrap().rejected, []);
    assert_eq!(server.commands("RCPT TO:<a@").len(), 2, "once a letter");
    assert_eq!(server.commands("RCPT TO:<b@").len(), 5);
    let found = server.letters();
    assert_eq!(found.len(), 4);
    for letter in 1..=2 {
        let subject = format!("Subject: letter {letter}\r\n");
        let ids: Vec<&str> = found
            .iter()
            .filter(|letter| letter.contains(&subject))
            .map(|letter| message_id(letter))
            .collect();
        assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
    }
}

#[test]
fn servers_that_take_few_recipients_get_the_rest_later() {
    for code in ["452 4.5.3", "552"] {
        let recipients = AtomicUsize::new(0);
        let answer = format!("{code} too many recipients");
        let server = Scripted::new(move |command| {
            if command.starts_with("MAIL") {
                recipients.store(0, Ordering::Relaxed);
            }
            if command.starts_with("RCPT") && recipients.fetch_add(1, Ordering::Relaxed) >= 1 {
                return says(&answer);
            }
            usual(command)
        });
        let (mut sink, batch) = (sink(&server, 3), letters(1));
        retryable(send(&mut sink, &batch));
        retryable(send(&mut sink, &batch));
        assert_eq!(send(&mut sink, &batch).unwrap().rejected, []);
        assert_eq!(server.letters().len(), 3);
    }
}

#[test]
fn where_nobody_is_accepted_no_letter_is_given_up() {
    for (answer, code) in
        [("550 5.1.1 no such user", "550"), ("554 5.7.1 relay access denied", "554"), ("450 later", "450")]
    {
        let server = Scripted::new(move |command| match command.starts_with("RCPT") {
            true => says(answer),
            false => usual(command),
        });
        let (mut sink, batch) = (sink(&server, 2), letters(2));
        for _ in 0..10 {
            let error = retryable(send(&mut sink, &batch));
            assert!(
                error.contains("accepts no recipient: a@example.com (") && error.contains(code),
                "{error}"
            );
        }
        assert!(server.commands("DATA").is_empty());
    }
}

#[test]
fn what_is_said_of_us_may_be_mended() {
    for (at, answer, expected) in [
        ("<connect>", "554 5.7.1 your address is on a list", "turns this client away: 554"),
        ("<connect>", "421 4.3.2 too busy", "turns this client away: 421"),
        ("EHLO", "550 what name is that", "turns this client away: 550"),
        ("MAIL", "550 5.7.1 sender not allowed", "takes no mail from audit@example.org: 550"),
        ("MAIL", "530 5.7.0 authentication required", "are from and the credentials right?"),
        ("MAIL", "421 4.7.0 too many letters", "ended the connection: 421"),
        ("RCPT", "421 4.7.0 too many letters", "ended the connection: 421"),
        ("DATA", "554 5.5.1 no valid recipients", "takes no letter: 554"),
        ("<content>", "451 4.3.0 try again", "takes no letter now: 451"),
        ("<content>", "421 4.3.0 going down", "ended the connection: 421"),
    ] {
        let server = Scripted::new(move |command| match command.starts_with(at) {
            true => says(answer),
            false => usual(command),
        });
        let error = retryable(send(&mut sink(&server, 1), &letters(1)));
        assert!(
            error.contains(expected) && error.contains(&server.address.to_string()),
            "{at} {answer}: {error}"
        );
        assert!(server.letters().is_empty());
    }
}

#[test]
fn content_that_is_refused_is_rejected_and_the_others_are_sent() {
    for answer in ["550 5.7.1 spam", "552 5.3.4 too large", "554 5.6.0 malformed"] {
        let contents = AtomicUsize::new(0);
        let server = Scripted::new(move |command| match command {
            "<content>" if contents.fetch_add(1, Ordering::Relaxed) == 1 => says(answer),
            command => usual(command),
        });
        let receipt = send(&mut sink(&server, 2), &letters(3)).unwrap();
        assert_eq!(receipt.rejected.len(), 1);
        assert_eq!(receipt.rejected[0].sequence_number, 2);
        assert!(receipt.rejected[0].reason.ends_with(answer), "{}", receipt.rejected[0].reason);
        assert_eq!(server.letters().len(), 2);
    }
}

#[test]
fn a_connection_that_ends_between_letters_repeats_none_that_were_taken() {
    let letters_begun = AtomicUsize::new(0);
    let server = Scripted::new(move |command| {
        if command.starts_with("MAIL") && letters_begun.fetch_add(1, Ordering::Relaxed) == 2 {
            return None;
        }
        usual(command)
    });
    let (mut sink, batch) = (sink(&server, 1), letters(4));
    let error = retryable(send(&mut sink, &batch));
    assert!(error.contains("broke off: the server closed it"), "{error}");
    assert_eq!(send(&mut sink, &batch).unwrap().rejected, []);
    let subjects: Vec<String> = server
        .letters()
        .iter()
        .map(|letter| letter.lines().find(|line| line.starts_with("Subject:")).unwrap().to_owned())
        .collect();
    assert_eq!(
        subjects,
        ["Subject: letter 1", "Subject: letter 2", "Subject: letter 3", "Subject: letter 4"]
    );
}

#[test]
fn a_record_that_is_no_letter_is_rejected_alone() {
    let server = Scripted::new(usual);
    let mut batch = letters(3);
    batch.records[1].bytes = br#"{"event_type":"alert.fired"}"#.to_vec();
    let receipt = send(&mut sink(&server, 1), &batch).unwrap();
    assert_eq!(receipt.rejected.len(), 1);
    assert_eq!(receipt.rejected[0].sequence_number, 2);
    assert!(receipt.rejected[0].reason.contains("is no letter"), "{}", receipt.rejected[0].reason);
    assert_eq!(server.letters().len(), 2);
}

#[test]
fn nothing_is_connected_to_for_a_batch_without_letters() {
    let server = Scripted::new(usual);
    assert_eq!(send(&mut sink(&server, 1), &Batch::default()).unwrap().rejected, []);
    assert!(server.commands("").is_empty());
}

#[test]
fn a_connection_carries_a_hundred_letters() {
    let server = Scripted::new(usual);
    assert_eq!(send(&mut sink(&server, 1), &letters(250)).unwrap().rejected, []);
    assert_eq!(server.letters().len(), 250);
    assert_eq!(server.commands("<connect>").len(), 3);
}

#[test]
fn refused_credentials_are_said_without_the_password() {
    for (answer, expected) in [
        ("535 5.7.8 bad credentials hunter2-secret", "refused the user name or the password: 535"),
        ("534 5.7.9 use an app password", "refused the user name or the password: 534"),
        (
            "500 unknown command AUTH PLAIN AHVzZXIAaHVudGVyMi1zZWNyZXQ=",
            "refused the user name or the password: 500",
        ),
        ("454 4.7.0 temporary failure", "cannot check the user name and password now: 454"),
    ] {
        let server = Scripted::new(move |command| match command.starts_with("AUTH") {
            true => says(answer),
            false => usual(command),
        });
        let options = options(&server).to(["a@example.com"]).credentials("user", "hunter2-secret".into());
        let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("AHVzZXIAaHVudGVyMi1zZWNyZXQ"), "{error}");
        assert!(server.commands("MAIL").is_empty());
    }
}

#[test]
fn a_server_without_login_is_said() {
    let server = Scripted::new(|command| match command.starts_with("EHLO") {
        true => says("250 scripted"),
        false => usual(command),
    });
    let options = options(&server).to(["a@example.com"]).credentials("user", "hunter2".into());
    let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
    assert!(error.contains("offers no login by PLAIN or LOGIN"), "{error}");
}

#[test]
fn without_starttls_nothing_is_said_in_the_clear() {
    let server = Scripted::new(usual);
    let options = options(&server).encryption(Encryption::StartTls).to(["a@example.com"]);
    let options = options.credentials("user", "hunter2".into());
    let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
    assert!(error.contains("offers no STARTTLS"), "{error}");
    assert_eq!(server.commands("").len(), 2, "a greeting and EHLO");
}

#[test]
fn what_is_put_behind_the_answer_to_starttls_is_noticed() {
    let server = Scripted::new(|command| match command.split(' ').next() {
        Some("EHLO") => says("250-scripted\r\n250 STARTTLS"),
        Some("STARTTLS") => says("220 ready\r\n250-scripted\r\n250 AUTH PLAIN"),
        _ => usual(command),
    });
    let options = options(&server).encryption(Encryption::StartTls).to(["a@example.com"]);
    let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
    assert!(error.contains("somebody is between"), "{error}");
}

#[test]
fn what_is_no_mail_server_is_said() {
    for (encryption, expected) in
        [(Encryption::StartTls, "is no mail server"), (Encryption::Plain, "broke off")]
    {
        let server = Scripted::new(|_| says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"));
        let options = options(&server).encryption(encryption).to(["a@example.com"]);
        let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_server_that_never_answers_is_left_after_the_timeout() {
    for at in ["<connect>", "EHLO", "MAIL", "RCPT", "DATA", "<content>"] {
        let server = Scripted::new(move |command| {
            if command.starts_with(at) {
                std::thread::sleep(Duration::from_secs(600));
            }
            usual(command)
        });
        let options = options(&server).answer_timeout(Duration::from_millis(200)).to(["a@example.com"]);
        let error = retryable(send(&mut EmailSink::new(options).unwrap(), &letters(1)));
        assert!(error.contains("no answer from") && error.contains("within 200ms"), "{at}: {error}");
    }
}

#[test]
fn nobody_listens() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = EmailOptions::new(address.to_string(), "audit@example.org").to(["a@example.com"]);
    let mut sink = EmailSink::new(options.encryption(Encryption::Plain)).unwrap();
    let error = retryable(send(&mut sink, &letters(1)));
    assert!(error.contains("cannot connect to 127.0.0.1:") && error.contains("refused"), "{error}");
    assert!(runtime().block_on(sink.check()).is_err());
    runtime().block_on(sink.close()).unwrap();
    assert!(matches!(send(&mut sink, &letters(1)), Err(SinkError::Closed)));
    assert!(matches!(runtime().block_on(sink.check()), Err(SinkError::Closed)));
}

#[test]
fn the_check_names_who_is_refused_and_sends_nothing() {
    let server = Scripted::new(|command| match command {
        "RCPT TO:<b@example.com>" => says("550 5.1.1 no such user"),
        command => usual(command),
    });
    runtime().block_on(sink(&server, 1).check()).unwrap();
    let error = runtime().block_on(sink(&server, 3).check()).unwrap_err().to_string();
    assert!(error.contains("b@example.com (550 5.1.1 no such user)") && !error.contains("c@"), "{error}");
    assert_eq!(server.commands("RSET").len(), 2);
    assert!(server.commands("DATA").is_empty());
}
