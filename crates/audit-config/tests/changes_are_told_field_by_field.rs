//! What a reload puts on record: every field that changed, with what it was and is, and no secret.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_config::{Change, Config, parse};
use serde_json::{Value, json};

fn config(text: &str) -> Config {
    parse("audit.yaml", text, &|_| None).unwrap().config
}

fn changes(old: &str, new: &str) -> Vec<(String, Value, Value)> {
    let told = |Change { field, old, new, .. }| (field, old, new);
    config(new).changes_since(&config(old)).into_iter().map(told).collect()
}

const OLD: &str = "
destinations:
  - {type: file, path: a.log}
  - {type: webhook, name: siem, url: https://siem.example/, headers: {Authorization: Bearer one}, batch: {max_records: 10}}
events: [backup.*]
sources:
  - {type: socket, path: /run/a.sock}
";

#[test]
fn nothing_changed_is_no_change() {
    assert_eq!(changes(OLD, OLD), []);
    assert_eq!(changes(OLD, &format!("# a comment\n{OLD}")), []);
}

#[test]
fn a_list_is_told_as_a_whole_and_what_has_a_name_under_it() {
    let new =
        OLD.replace("[backup.*]", "[backup.*, restore.*]").replace("max_records: 10", "max_records: 20");
    assert_eq!(
        changes(OLD, &new),
        [
            ("destinations[siem].batch.max_records".to_owned(), json!(10), json!(20)),
            ("events".to_owned(), json!(["backup.*"]), json!(["backup.*", "restore.*"])),
        ]
    );
}

#[test]
fn the_order_of_what_has_names_is_no_change() {
    let new = "
destinations:
  - {type: webhook, name: siem, url: https://siem.example/, headers: {Authorization: Bearer one}, batch: {max_records: 10}}
  - {type: file, path: a.log}
events: [backup.*]
sources:
  - {type: socket, path: /run/a.sock}
";
    assert_eq!(changes(OLD, new), []);
}

#[test]
fn a_secret_that_changed_is_a_change_that_gives_nothing_away() {
    let new = OLD.replace("Bearer one", "Bearer two");
    let told = changes(OLD, &new);
    assert_eq!(
        told,
        [("destinations[siem].headers.Authorization".to_owned(), json!("******"), json!("******"))]
    );
    assert!(!config(&new).is_same_destination(1, &config(OLD), 1));
    assert!(config(OLD).is_same_destination(1, &config(OLD), 1));
    assert!(!format!("{}", config(&new).show()).contains('\0'), "and is shown as ever");
}

#[test]
fn what_comes_and_goes_is_told_whole_and_masked() {
    let new =
        OLD.replace("  - {type: socket, path: /run/a.sock}\n", "  - {type: file, path: /var/log/app.log}\n");
    let told = changes(OLD, &new);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0, "sources[file]");
    assert_eq!(told[0].1, Value::Null);
    assert_eq!(told[0].2["path"], "/var/log/app.log");
    assert_eq!((told[1].0.as_str(), &told[1].2), ("sources[socket]", &Value::Null));
    let gone = OLD.lines().filter(|line| !line.contains("siem")).collect::<Vec<_>>().join("\n");
    let told = changes(OLD, &gone);
    assert_eq!(told[0].1["headers"]["Authorization"], "******");
}

#[cfg(feature = "pipeline")]
#[test]
fn what_an_open_log_cannot_change_is_named() {
    let since = |new: &str| -> Vec<String> {
        let told = config(new).needs_restart_since(&config(OLD), &|_| None);
        told.iter()
            .map(|told| format!("{}:{}: {}: {}", told.file, told.line, told.path, told.message))
            .collect()
    };
    let fixed = "cannot change while the log is open; change it back, or restart the service";
    assert!(since(&OLD.replace("max_records: 10", "max_records: 20")).is_empty());
    assert!(since(&OLD.replace("backup.*", "restore.*")).is_empty());
    let line = OLD.lines().count() + 2;
    assert_eq!(
        since(&format!("{OLD}\nchain_id: other\n")),
        [format!("audit.yaml:{line}: chain_id: {fixed}")]
    );
    assert_eq!(
        since(&format!("{OLD}\ndurability: os\n")),
        [format!("audit.yaml:{line}: durability: {fixed}")]
    );
    let moved = since(&OLD.replace("a.log", "b.log"));
    assert_eq!(moved.len(), 1);
    assert!(moved[0].starts_with("audit.yaml:") && !moved[0].starts_with("audit.yaml:0"), "{moved:?}");
    assert!(moved[0].ends_with(&format!("the path and rotation of the log itself {fixed}")), "{moved:?}");
}
