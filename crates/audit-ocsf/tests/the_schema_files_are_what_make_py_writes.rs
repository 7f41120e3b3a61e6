//! The committed files, beside those that `data/make.py` writes from the package now.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod verdicts;

use std::io::Read;
use std::path::Path;
use std::process::Command;

use audit_ocsf::SchemaVersion;
use flate2::read::GzDecoder;

#[test]
fn make_py_writes_the_committed_files() {
    let Some(python) = verdicts::python() else { return };
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data"));
    let made = tempfile::tempdir().unwrap();
    let status = Command::new(python).arg(data.join("make.py")).arg(made.path()).status().unwrap();
    assert!(status.success());
    let mut size = 0;
    for version in SchemaVersion::all() {
        let name = format!("{version}.json.gz");
        assert!(unpacked(&data.join(&name)) == unpacked(&made.path().join(&name)), "{name} differs");
        size += data.join(&name).metadata().unwrap().len();
    }
    let files = std::fs::read_dir(made.path()).unwrap().count();
    assert_eq!(files, SchemaVersion::all().count());
    assert!(size < 400_000, "{size} bytes are much for what every user downloads");
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}
