//! Records an event in a sealed file, and verifies the file.

use audit_log::integrity::{Key, KeyRing, Verifier};
use audit_log::model::{Action, Actor, Event, EventType};
use audit_log::pipeline::Pipeline;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("audit.log");
    let key = Key::from_text(&"base64:c2VjcmV0IGtleXMgY29tZSBmcm9tIGF1ZGl0LWxvZyBrZXlnZW4=".into())?;
    let log = Pipeline::options(&path).signing_key(key.clone()).start()?;
    let event =
        Event::new(EventType::RESTORE_STARTED, Actor::user("alice@company.com"), Action::success("restore"));
    let receipt = log.emit_blocking(&event)?;
    log.close()?;
    let report = Verifier::new(KeyRing::from_iter([key])).verify(&[path.as_path()])?;
    let chain = &report.chains[0];
    let number = receipt.sequence_number().ok_or("no number")?;
    println!("{}, {} records, of which the event is number {number}", chain.verdict, chain.records);
    Ok(())
}
