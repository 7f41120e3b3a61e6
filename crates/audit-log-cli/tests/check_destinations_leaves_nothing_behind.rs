//! `check destinations` says what would fail, makes no file and sends no record.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[cfg(feature = "webhook")]
mod endpoint;
mod workplace;

use std::fs;

use workplace::{Workplace, assert_code, events, stdout, text};

const FILES: &str = "
state_dir: state
destinations:
  - {type: file, path: log/deep/audit.log}
  - {type: file, name: backups, path: other/backups.log, events: ['backup.*']}
  - {type: stdout}
";

#[test]
fn what_can_be_made_is_ok_and_is_not_made() {
    let place = Workplace::new(FILES);
    let before = place.everything();
    let check = place.audit_log("check destinations");
    assert_code(&check, 0);
    assert_eq!(stdout(&check), "ok      file (file)\nok      backups (file)\nok      stdout (stdout)\n");
    let told = place.json("check destinations --destination backups");
    let expected = serde_json::json!([{"destination": "backups", "type": "file", "ok": true, "error": null}]);
    assert_eq!(told, expected);
    assert_eq!(place.everything(), before, "it leaves nothing behind");

    assert_code(&place.run(&events(&["backup.started"])), 0);
    let before = place.everything();
    assert_code(&place.audit_log("check destinations"), 0);
    assert_eq!(place.everything(), before, "nor does it change anything");
}

#[test]
fn what_cannot_be_written_has_failed_and_the_others_are_tried() {
    let place = Workplace::new(FILES);
    fs::write(place.path("log"), "a file where a directory should be").unwrap();
    fs::create_dir_all(place.path("other/backups.log")).unwrap();
    let before = place.everything();
    let check = place.audit_log("check destinations");
    assert_code(&check, 1);
    let lines: Vec<String> = stdout(&check).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("FAILED  file (file): cannot write "), "{}", text(&check));
    assert!(
        lines[1].starts_with("FAILED  backups (file): cannot write other/backups.log"),
        "{}",
        text(&check)
    );
    assert_eq!(lines[2], "ok      stdout (stdout)");
    let told = place.json("check destinations");
    assert_eq!((&told[1]["ok"], &told[2]["ok"]), (&false.into(), &true.into()));
    assert!(told[1]["error"].as_str().unwrap().contains("other/backups.log"), "{told}");
    assert_eq!(place.everything(), before);
}

#[test]
fn it_does_not_wait_for_a_run() {
    let place = Workplace::new(FILES);
    let run = place.begin_run();
    workplace::wait_until("it has begun", || place.path("state/stdout.json").exists());
    assert_code(&place.audit_log("check destinations"), 0);
    assert_code(&run.wait_with_output().unwrap(), 0);
}

#[cfg(feature = "webhook")]
#[test]
fn an_endpoint_is_asked_and_gets_no_record() {
    let endpoint = endpoint::Endpoint::up();
    let nobody = endpoint::nobody();
    let place = Workplace::new(&format!(
        "destinations:\n  - {{type: file, path: audit.log}}\n  - {{type: webhook, name: up, url: '{}'}}\n  \
         - {{type: webhook, name: down, url: 'http://{nobody}/'}}\n",
        endpoint.url()
    ));
    let before = place.everything();
    let check = place.audit_log("check destinations");
    assert_code(&check, 1);
    let lines: Vec<String> = stdout(&check).lines().map(str::to_owned).collect();
    assert_eq!(lines[..2], ["ok      file (file)", "ok      up (webhook)"]);
    assert!(lines[2].starts_with("FAILED  down (webhook): cannot "), "{}", text(&check));
    assert!(lines[2].contains(&nobody.to_string()), "{}", text(&check));
    assert!(endpoint.requests().iter().all(|request| request.method == "HEAD" && request.body.is_empty()));

    endpoint.answers(|_| 403);
    let refused = place.audit_log("check destinations --destination up");
    assert_code(&refused, 1);
    assert!(
        stdout(&refused).contains("403") && stdout(&refused).contains("credentials"),
        "{}",
        text(&refused)
    );
    assert_eq!(place.everything(), before);
}
