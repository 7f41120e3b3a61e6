//! A message of syslog: anything is read as one that ends with its text, and what is written of it as RFC 5424 says the same again.
#![no_main]

use audit_source_syslog::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let message = Message::parse(bytes);
    assert!(bytes.ends_with(&message.text), "no text is lost");
    let written = message.to_bytes();
    let again = Message::parse(&written);
    assert!(again.is_rfc5424, "it is written as RFC 5424");
    assert_eq!(again.priority, Some(message.priority.unwrap_or(13)));
    assert_eq!(again.structured_data, message.structured_data);
    assert_eq!(again.text, message.text);
    assert_eq!(again.to_bytes(), written);
});
