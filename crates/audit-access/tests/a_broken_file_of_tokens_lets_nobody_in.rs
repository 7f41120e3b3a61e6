//! The file of API tokens: what is made is read again, what is broken is refused and left as it is.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use audit_access::{NewToken, Role, TokensFile, TokensFileError};
use audit_model::Timestamp;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds((1_790_000_000 + seconds) * 1000).unwrap()
}

fn file() -> (TempDir, TokensFile, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.yaml");
    (directory, TokensFile::at(&path), path)
}

fn read(text: &str) -> Result<usize, String> {
    let (_directory, file, path) = file();
    fs::write(&path, text).unwrap();
    let loaded =
        file.load().map_err(|error| error.to_string().replace(path.to_str().unwrap(), "tokens.yaml"))?;
    Ok(loaded.tokens.len())
}

const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn what_is_made_is_read_again_and_works() {
    let (_directory, file, path) = file();
    let ci = file
        .create(NewToken::new("ci", [Role::Ingest]).name("the #1 \"build\"").expires(at(1000)), at(0))
        .unwrap();
    let status = file.create(NewToken::new("status", [Role::Read, Role::Ingest]), at(1)).unwrap();
    let new = file.rotate("ci", Duration::from_secs(60), at(2)).unwrap();
    file.revoke("status", at(3)).unwrap();
    let loaded = file.load().unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    for secret in [&ci, &new] {
        let caller = loaded.tokens.identify(secret.expose_secret(), at(3)).unwrap();
        assert_eq!(caller.identity, "token:ci");
    }
    assert!(loaded.tokens.identify(status.expose_secret(), at(3)).is_err());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# API tokens of audit-log") && text.ends_with("...\n"), "{text}");
    for secret in [&ci, &status, &new] {
        assert!(!text.contains(&secret.expose_secret()[secret.expose_secret().len() - 40..]));
    }
    assert!(file.load_if_changed(&loaded).unwrap().is_none());
    file.revoke("ci", at(4)).unwrap();
    assert!(file.load_if_changed(&loaded).unwrap().is_some());
    assert!(!path.with_extension("yaml.new").exists());
}

#[test]
fn cut_anywhere_it_is_refused() {
    let (_directory, file, path) = file();
    file.create(NewToken::new("ci", [Role::Ingest]).expires(at(1000)), at(0)).unwrap();
    file.create(NewToken::new("other", [Role::Admin]), at(0)).unwrap();
    file.revoke("other", at(3)).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() - 1 {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(matches!(file.load(), Err(TokensFileError::Broken { .. })), "cut at {cut}");
        assert!(file.create(NewToken::new("new", [Role::Read]), at(4)).is_err(), "and is not written over");
        assert_eq!(fs::read(&path).unwrap(), &whole[..cut]);
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(file.load().unwrap().tokens.len(), 2, "only the last line's end is missing");
}

#[test]
fn mistakes_are_named_with_line_and_column() {
    let good = format!(
        "tokens:\n- id: ci\n  roles: [ingest]\n  created: 2026-11-22T10:00:00Z\n  hash: {HASH}\n...\n"
    );
    assert_eq!(read(&good), Ok(1));
    assert_eq!(read("tokens: []\n..."), Ok(0));
    for (found, put, says) in [
        ("  roles:", "  rolls: [x]\n  roles:", "tokens.yaml:3:3: unknown field `rolls`, expected one of"),
        ("  roles:", "  rolls: [x]\n  roles:", "did you mean `roles`?"),
        ("  roles:", "  expire: 2020-01-01T00:00:00Z\n  roles:", "did you mean `expires`?"),
        ("[ingest]", "[injest]", "tokens.yaml:3:"),
        ("[ingest]", "[injest]", "`injest` is no role; expected ingest, read or admin"),
        ("[ingest]", "[]", "tokens.yaml:2:7: the token `ci` has no role"),
        ("id: ci", "id: CI", "tokens.yaml:2:7: `CI` cannot be the name of a token"),
        ("2026-11-22T10:00:00Z", "yesterday", "tokens.yaml:4:"),
        ("hash: sha256:ba", "hash: sha256:b", "it is no hash of a token"),
        ("  hash", "  id: x\n  hash", "tokens.yaml:5:"),
        ("tokens:\n", "tokens:\n- nothing\n", "tokens.yaml:2:"),
        ("tokens:", "tokns:", "unknown field `tokns`"),
        ("...\n", "", "the end is missing; expected `...` as the last line"),
    ] {
        let error = read(&good.replace(found, put)).unwrap_err();
        assert!(error.contains(says), "{error}\nshould contain {says}");
        assert!(!error.contains("ba7816"), "{error}");
    }
    let twice = good.replace(
        "tokens:\n",
        &format!("tokens:\n- id: ci\n  roles: [read]\n  created: 2026-11-22T10:00:00Z\n  hash: {HASH}\n"),
    );
    assert_eq!(read(&twice).unwrap_err(), "tokens.yaml:6:7: the token `ci` is there twice");
}

#[test]
fn comments_at_the_head_are_kept_and_others_never_lost() {
    let (_directory, file, path) = file();
    let text = format!(
        "# ours\n\n# mind\ntokens:\n- id: ci\n  name: 'a # b'\n  roles: [ingest]\n  created: 2026-11-22T10:00:00Z\n  hash: {HASH}\n...\n"
    );
    fs::write(&path, &text).unwrap();
    file.create(NewToken::new("new", [Role::Read]), at(4)).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("# ours\n\n# mind\ntokens:\n"));
    let text = text.replace("[ingest]", "[ingest] # for now");
    fs::write(&path, &text).unwrap();
    assert!(matches!(file.revoke("ci", at(4)), Err(TokensFileError::Comments { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn others_who_can_read_or_write_are_told_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, file, path) = file();
    file.create(NewToken::new("ci", [Role::Ingest]), at(0)).unwrap();
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let warned = || file.load().unwrap().warnings.concat();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(warned(), "");
    mode(0o644);
    assert!(warned().contains("has mode 0644: others can read; expected 0600"), "{}", warned());
    mode(0o660);
    assert!(warned().contains("has mode 0660: others can write, so they can let anybody in"), "{}", warned());
    file.revoke("ci", at(1)).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640,
        "the service's group goes on reading"
    );
}

#[cfg(unix)]
#[test]
fn a_link_stays_one() {
    let (directory, _, path) = file();
    let real = directory.path().join("real.yaml");
    fs::write(&real, "tokens: []\n...\n").unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    TokensFile::at(&path).create(NewToken::new("ci", [Role::Ingest]), at(0)).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(TokensFile::at(&real).load().unwrap().tokens.len(), 1);
}

#[test]
fn two_who_change_it_at_once_lose_nothing() {
    let (_directory, file, _) = file();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let file = &file;
            scope.spawn(move || {
                for n in 0..5 {
                    file.create(NewToken::new(format!("t{thread}-{n}"), [Role::Read]), at(0)).unwrap();
                }
            });
        }
    });
    assert_eq!(file.load().unwrap().tokens.len(), 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_without_panic_and_any_name_survives(text in "\\PC{0,200}", name in "[^\\p{Cc}\u{2028}\u{2029}\u{feff}]{0,60}", id in "[a-z0-9][a-z0-9-]{0,31}") {
        let _ = read(&text);
        let _ = read(&format!("tokens:\n- id: {text}\n..."));
        let (_directory, file, _) = file();
        let made = file.create(NewToken::new(id.clone(), [Role::Read]).name(name.clone()), at(0));
        prop_assert!(made.is_ok(), "{:?}", made);
        let loaded = file.load().unwrap();
        prop_assert_eq!(loaded.tokens.get(&id).unwrap().name.as_deref(), Some(name.as_str()));
    }
}
