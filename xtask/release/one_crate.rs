//! Seals two events, changes one, and is told.

use audit_integrity::{EventDigest, Key, KeyRing, Sealer, Signer, Verifier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = Key::from_text(&"base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into())?;
    let mut sealer = Sealer::new("orders".parse()?, Signer::Hmac(key.clone()));
    let mut log = Vec::new();
    for event in [r#"{"event_type":"backup.started"}"#, r#"{"event_type":"backup.failed"}"#] {
        sealer.seal(event.as_bytes(), &EventDigest::of(event.as_bytes()), &mut log);
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, String::from_utf8(log)?.replace("failed", "completed"))?;
    let report = Verifier::new(KeyRing::from_iter([key])).verify(&[file.path()])?;
    let chain = &report.chains[0];
    println!("{}, line {}", chain.verdict, chain.findings[0].line.ok_or("no line")?);
    Ok(())
}
