//! What is in the mailbox after Postfix had it: texts, headers, recipients, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod postfix;

use std::process::Command;
use std::sync::PoisonError;

use audit_sink::testkit::batch;
use audit_sink::{Receipt, Sink as _, SinkError};
use audit_sink_email::{EmailOptions, EmailSink, Letter};
use postfix::{Mailbox, SERVER, address, runtime, setting};
use serde_json::Value;

fn letter(subject: &str, text: &str, html: Option<&str>) -> Letter {
    Letter { subject: subject.to_owned(), text: text.to_owned(), html: html.map(str::to_owned) }
}

fn send(options: EmailOptions, letters: &[Letter]) -> Result<Receipt, SinkError> {
    let lines: Vec<Vec<u8>> = letters.iter().map(Letter::to_bytes).collect();
    runtime().block_on(EmailSink::new(options).unwrap().send(&batch(1, &lines)))
}

/// Letters that something on the way could break.
fn hard_ones() -> Vec<Letter> {
    let paragraphs: String = (0..2000).map(|n| format!("{n} wörds of a long letter.\n")).collect();
    vec![
        letter("plain", "one line", None),
        letter(
            "Ünusual access: 漢字 🦀 — \"quoted\", (in parentheses) <a@b>",
            "naïve 漢字 🦀\u{2028} =3D =\n",
            None,
        ),
        letter(&"long subject ".repeat(15), &"x".repeat(5000), Some(&format!("<p>{}</p>", "é".repeat(5000)))),
        letter("dots", ".\n..\n.hidden\n\n.\nQUIT\n.", Some(".\n<p>.</p>")),
        letter("lines", "  indented\n\ttab \ntrailing space \nFrom the start\n-- \nsignature", None),
        letter("many", &paragraphs, Some(&format!("<pre>{paragraphs}</pre>"))),
        letter("Re: x\r\nBcc: evil@audit.test\r\n\r\nbody", "Subject: not a header\n\nTo: nobody", None),
        letter("", "", Some("<b>only html says something</b>")),
        letter("=?utf-8?q?looks_encoded?=", "{{ .event_type }} \u{0} \u{7f} \u{1b}[31m", None),
    ]
}

/// As a reader shows it: a subject on one line.
fn shown(subject: &str) -> String {
    subject.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn texts_arrive_as_they_were_written() {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::starttls(), Mailbox::open()) else { return };
    let address = address("ops");
    let letters = hard_ones();
    assert_eq!(send(options.to([&address]), &letters).unwrap().rejected, []);
    let found = mailbox.of(&address);
    assert_eq!(found.len(), letters.len());
    for (mail, letter) in found.iter().zip(&letters) {
        if !letter.subject.starts_with("=?") {
            assert_eq!(mail.subject, shown(&letter.subject));
        }
        assert_eq!(mail.text, letter.text, "{}", letter.subject);
        assert_eq!(mail.html, letter.html, "{}", letter.subject);
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        assert_eq!(mail.header("X-Audit-Event-Type").as_deref(), Some("test.conformance"));
        assert_eq!(mail.header("Bcc"), None);
    }
}

/// Python's `email` package reads the same letters out of the same mailbox.
#[test]
fn another_reader_finds_the_same() {
    const READER: &str = r#"
import email, email.policy, json, sys
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    text, html = mail.get_body(["plain"]), mail.get_body(["html"])
    print(json.dumps({
        "subject": mail["Subject"], "to": mail["To"], "from": mail["From"], "id": mail["Message-ID"],
        "date": mail["Date"].datetime.timestamp(), "auto": mail["Auto-Submitted"], "type": mail.get_content_type(),
        "charset": text.get_content_charset(), "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        "text": text.get_content(), "html": html and html.get_content(),
    }))
"#;
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::tls(), Mailbox::open()) else { return };
    let Some(python) = setting("AUDIT_TEST_PYTHON") else { return };
    let address = address("ops");
    let letters = hard_ones();
    let recipient = format!("Öperations & Co <{address}>");
    assert_eq!(send(options.to([recipient]), &letters).unwrap().rejected, []);
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.args(["-c", READER]);
    for (number, mail) in mailbox.of(&address).iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, &mail.bytes).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert_eq!(found.len(), letters.len());
    let ends = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
    for (mail, letter) in found.iter().zip(&letters) {
        if !letter.subject.starts_with("=?") {
            assert_eq!(mail["subject"], shown(&letter.subject));
        }
        assert_eq!(ends(mail["text"].as_str().unwrap()), ends(&letter.text), "{}", letter.subject);
        assert_eq!(mail["html"].as_str().map(ends), letter.html.as_deref().map(ends));
        assert_eq!(mail["to"], format!("Öperations & Co <{address}>"));
        assert_eq!(mail["from"], "audit@audit.test");
        assert_eq!(mail["auto"], "auto-generated");
        assert_eq!(mail["charset"], "utf-8");
        assert_eq!(mail["defects"], serde_json::json!([]));
        let kind = if letter.html.is_some() { "multipart/alternative" } else { "text/plain" };
        assert_eq!(mail["type"], kind);
    }
}

#[test]
fn a_repeated_letter_can_be_known_by_its_id() {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::plain(), Mailbox::open()) else { return };
    let address = address("ops");
    let letters = [letter("a", "same", None), letter("a", "same", None), letter("b", "other", None)];
    for _ in 0..2 {
        assert_eq!(send(options.clone().to([&address]), &letters).unwrap().rejected, []);
    }
    let ids: Vec<&str> = mailbox.of(&address).iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(ids[..3], ids[3..], "sent again: the same ids");
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "another record: another id");
    assert!(ids[0].starts_with("1.") && ids[0].ends_with("@audit.test"), "{}", ids[0]);
}

#[test]
fn one_refused_recipient_does_not_lose_the_others() {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::starttls(), Mailbox::open()) else { return };
    let (first, nobody, second) = (address("ops"), address("nobody"), address("security"));
    let options = options.to([&first, &nobody, &second]);
    let receipt = send(options.clone(), &[letter("for three", "text", None)]).unwrap();
    let [rejection] = receipt.rejected.as_slice() else { panic!("{receipt:?}") };
    assert_eq!(rejection.sequence_number, 1);
    let expected = format!("{first} and {second} have it");
    assert!(
        rejection.reason.contains("550 5.1.1") && rejection.reason.contains(&nobody),
        "{}",
        rejection.reason
    );
    assert!(rejection.reason.ends_with(&expected), "{}", rejection.reason);
    for address in [&first, &second] {
        assert_eq!(mailbox.of(address).len(), 1, "{address} has it once");
    }
    let error = runtime().block_on(EmailSink::new(options).unwrap().check()).unwrap_err().to_string();
    assert!(error.contains(&nobody) && error.contains("is to right?") && !error.contains(&first), "{error}");
    assert_eq!(mailbox.of(&first).len(), 1, "the check sends nothing");
}

/// Two are refused for the moment, for ever: the other two get each letter once, however often it is tried.
#[test]
fn a_recipient_who_is_put_off_delays_no_one_and_is_given_up() {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::plain(), Mailbox::open()) else { return };
    let (ops, later, full) = (address("ops"), address("later"), address("full"));
    let options = options.to([&ops, &later, &full]).recipient_attempts(3);
    let mut sink = EmailSink::new(options).unwrap();
    let lines = [letter("1", "one", None).to_bytes(), letter("2", "two", None).to_bytes()];
    let batch = batch(1, &lines);
    for _ in 0..2 {
        let error = runtime().block_on(sink.send(&batch)).unwrap_err();
        assert!(matches!(error, SinkError::Retryable { .. }), "{error:?}");
        let error = error.to_string();
        assert!(
            error.contains("450 4.2.0") && error.contains("452 4.2.2") && error.contains(&ops),
            "{error}"
        );
    }
    let receipt = runtime().block_on(sink.send(&batch)).unwrap();
    let numbers: Vec<u64> = receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect();
    assert_eq!(numbers, [1, 2]);
    let reason = &receipt.rejected[1].reason;
    assert!(
        reason.contains(&later) && reason.contains(&full) && reason.ends_with(&format!("{ops} has it")),
        "{reason}"
    );
    let texts: Vec<&str> = mailbox.of(&ops).iter().map(|mail| mail.text.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(mailbox.of(&later).len() + mailbox.of(&full).len(), 0);
}

#[test]
fn content_that_is_refused_is_rejected_alone() {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(options), Some(mut mailbox)) = (postfix::tls(), Mailbox::open()) else { return };
    let address = address("ops");
    let letters = [
        letter("before", "1", None),
        letter("unwanted-content", "2", None),
        letter("too large", &"x".repeat(2 << 20), None),
        letter("after", "4", None),
    ];
    let receipt = send(options.to([&address]), &letters).unwrap();
    let [unwanted, large] = receipt.rejected.as_slice() else { panic!("{receipt:?}") };
    assert_eq!((unwanted.sequence_number, large.sequence_number), (2, 3));
    assert!(unwanted.reason.contains("550 5.7.1 that content is not wanted"), "{}", unwanted.reason);
    assert!(large.reason.contains("552 5.3.4"), "{}", large.reason);
    let texts: Vec<&str> = mailbox.of(&address).iter().map(|mail| mail.text.as_str()).collect();
    assert_eq!(texts, ["1", "4"]);
}
