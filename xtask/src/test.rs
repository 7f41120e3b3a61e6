//! `cargo xtask test`

use anyhow::Result;

use crate::report::{Outcome, Report};
use crate::shell::cargo;
use crate::{
    book, image, kubernetes, operations, recording, release, schema, services, trees, verifier, workflows,
};

pub(crate) fn run(report: &mut Report) -> Result<()> {
    report.suite("build", || cargo("build --bin audit-log").run().map(Outcome::passed))?;
    services::up_for_tests(report)?;
    let tested = report.suite("tests", || {
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
        tests.run().map(Outcome::passed)
    });
    let tested = tested.and_then(|()| book::check_with_tested(report));
    // Before the error, if there is one: nothing that was started here stays.
    services::down_after_tests()?;
    tested?;
    // As a program takes it that wants a file and nothing else: features of other members must not help.
    report.suite("facade, file + integrity", || {
        let features = "test --package audit-log --no-default-features --features file,integrity";
        cargo(features).run().map(Outcome::passed)
    })?;
    report.suite("audit-integrity, default features", || {
        cargo("test --package audit-integrity --test a_compressed_log_is_read_or_refused_by_name")
            .run()
            .map(Outcome::passed)
    })?;
    report.suite("command, default features", || {
        cargo("test --package audit-log-cli --no-fail-fast").run().map(Outcome::passed)
    })?;
    report.suite("what each feature pulls in", trees::check)?;
    report.suite("benches compile", || {
        cargo("check --package audit-benches --benches").run().map(Outcome::passed)
    })?;
    report.suite("docs/recording.svg", recording::check)?;
    report.suite("docs/verify.py", verifier::check_program)?;
    report.suite("configuration schema", schema::check_configurations)?;
    report.suite(".github/workflows", workflows::check)?;
    report.suite("release rehearsal", || release::rehearse(false))?;
    run_kubernetes(report)
}

/// What an operator takes from here, beside the program.
pub(crate) fn run_kubernetes(report: &mut Report) -> Result<()> {
    report.suite("docs/kubernetes", kubernetes::check_manifests)?;
    report.suite("docs/operations", operations::check)?;
    report.suite("Dockerfile", image::check)
}
