//! A configuration for a program that was built with more.
#![cfg(not(feature = "kafka"))]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use workplace::{Workplace, assert_code, stderr, stdout, text};

const KAFKA: &str = "destinations: [{type: file, path: a.log}, {type: kafka, topic: t, bootstrap_servers: ['127.0.0.1:9092']}]";

#[test]
fn every_command_that_needs_it_refuses_and_names_the_feature() {
    let place = Workplace::new(KAFKA);
    for command in ["run", "status", "check destinations", "dead-letter list", "dead-letter retry"] {
        let output = place.audit_log(command);
        assert_code(&output, 2);
        assert!(stderr(&output).contains("audit.yaml:1:"), "{command}: {}", text(&output));
        assert!(
            stderr(&output).contains("destination type \"kafka\" is not built into this version"),
            "{command}: {}",
            text(&output)
        );
        assert!(stderr(&output).contains("build with `--features kafka`"), "{command}: {}", text(&output));
    }
    assert!(!place.path("a.log").exists(), "nothing was begun");
}

#[test]
fn it_is_a_valid_configuration_all_the_same() {
    let place = Workplace::new(KAFKA);
    let check = place.command("config check audit.yaml").output().unwrap();
    assert_code(&check, 0);
    assert!(stdout(&check).contains("valid, with 1 warning"), "{}", text(&check));
    assert!(stdout(&check).contains("--features kafka"), "{}", text(&check));
}
