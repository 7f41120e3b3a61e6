//! A message of syslog: anything is read as one, and what is written of it reads the same again.
#![no_main]

use audit_source_syslog::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let written = Message::parse(bytes).to_bytes();
    let again = Message::parse(&written);
    assert!(again.is_rfc5424, "it is written as RFC 5424");
    assert_eq!(again.to_bytes(), written);
});
