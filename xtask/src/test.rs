//! `cargo xtask test`

use anyhow::Result;

use crate::report::{Outcome, Report};
use crate::shell::{Shell, cargo, target_dir};
use crate::{
    book, image, kubernetes, operations, recording, release, schema, services, trees, verifier, workflows,
};

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let program = target_dir()?.join("debug/audit-log");
    report.suite("build", || cargo("build --bin audit-log").run().map(Outcome::passed));
    services::up_for_tests(report);
    report.suite("tests", || {
        let mut tests = cargo("test --workspace --exclude audit-benches --all-features --no-fail-fast");
        for (name, value) in services::variables()? {
            tests = tests.env(name, &value);
        }
        if let Some(folder) = services::opensearch_jars() {
            tests = tests.env("AUDIT_TEST_OPENSEARCH", &folder.to_string_lossy());
        }
        if let Ok(browser) = services::chromium() {
            tests = tests.env("AUDIT_TEST_CHROMIUM", browser);
        }
        outcome(tests)
    });
    book::check_with(report, &program, &[]);
    report.suite("live: stopped", || services::down_after_tests().map(|()| Outcome::Passed));
    // As a program takes it that wants a file and nothing else: features of other members must not help.
    report.suite("facade, file + integrity", || {
        let features = "test --package audit-log --no-default-features --features file,integrity";
        outcome(cargo(features))
    });
    report.suite("audit-integrity, default features", || {
        outcome(cargo("test --package audit-integrity --test a_compressed_log_is_read_or_refused_by_name"))
    });
    report
        .suite("command, default features", || outcome(cargo("test --package audit-log-cli --no-fail-fast")));
    report.suite("what each feature pulls in", trees::check);
    report.suite("benches compile", || {
        cargo("check --package audit-benches --benches").run().map(Outcome::passed)
    });
    report.suite("docs/recording.svg", recording::check);
    report.suite("docs/verify.py", verifier::check_program);
    report.suite("configuration schema", schema::check_configurations);
    report.suite(".github/workflows", workflows::check);
    report.suite("release rehearsal", || release::rehearse(false));
    run_kubernetes(report);
    Ok(())
}

/// Runs tests, of which those that fail are told again beneath the table: hours of output lie between.
fn outcome(tests: Shell) -> Result<Outcome> {
    // The workflows have cargo write in colours: a line that begins with one does not begin with `error`.
    let (passed, output, errors) = tests.env("CARGO_TERM_COLOR", "never").run_and_keep()?;
    Ok(if passed { Outcome::Passed } else { Outcome::Failed(failures(&output, &errors)) })
}

/// Lines of each failure that are told again.
const LINES: usize = 25;

/// What the tests that failed said, and which programs of tests failed.
fn failures(output: &str, errors: &str) -> String {
    // cargo's last words: "error: 2 targets failed:", or why it could not build.
    let programs = errors.lines().skip_while(|line| !line.starts_with("error"));
    let mut told: Vec<&str> = programs.take(LINES).collect();
    for program in output.split("\nfailures:\n\n").skip(1) {
        let (said, _) = program.split_once("\nfailures:\n").unwrap_or((program, ""));
        for test in said.split("---- ").skip(1) {
            told.extend(test.trim_end().lines().take(LINES));
        }
    }
    told.join("\n")
}

/// What an operator takes from here, beside the program.
pub(crate) fn run_kubernetes(report: &mut Report) {
    report.suite("docs/kubernetes", kubernetes::check_manifests);
    report.suite("docs/operations", operations::check);
    report.suite("Dockerfile", image::check);
    report.suite(".dockerignore", image::context::check);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use crate::shell::program;

    #[test]
    fn what_cargo_says_is_kept_without_colours() {
        let cargo = program("sh").args(["-c", "echo \"error: in colours: $CARGO_TERM_COLOR\" >&2; exit 1"]);
        let outcome = outcome(cargo.env("CARGO_TERM_COLOR", "always")).unwrap();
        assert!(matches!(outcome, Outcome::Failed(why) if why == "error: in colours: never"));
    }

    #[test]
    fn tests_that_failed_are_told_again() {
        let output = "\nrunning 3 tests\ntest one ... FAILED\ntest two ... ok\ntest three ... FAILED\n\nfailures:\n\n---- one stdout ----\n\n\
                      thread 'one' panicked at a.rs:1:2:\nmessage\n\n---- three stdout ----\nanother\n\n\nfailures:\n    one\n    three\n\n\
                      test result: FAILED. 1 passed; 2 failed\n";
        let errors = "     Running tests/a.rs\nerror: test failed, to rerun pass `--test a`\nerror: 1 target failed:\n    `--test a`\n";
        assert_eq!(
            failures(output, errors),
            "error: test failed, to rerun pass `--test a`\nerror: 1 target failed:\n    `--test a`\none stdout ----\n\n\
             thread 'one' panicked at a.rs:1:2:\nmessage\nthree stdout ----\nanother"
        );
    }

    #[test]
    fn what_does_not_compile_is_told_again() {
        let errors =
            "   Compiling a\nerror[E0308]: mismatched types\n  --> a.rs:1:1\nerror: could not compile `a`\n";
        assert_eq!(
            failures("", errors),
            "error[E0308]: mismatched types\n  --> a.rs:1:1\nerror: could not compile `a`"
        );
    }
}
