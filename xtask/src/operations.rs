//! docs/operations: the dashboard and the alert rules ask for metrics that there are, and the rules do what they say.

use std::fs;

use anyhow::{Context as _, Result};

use crate::checkers::{self, or_skipped};
use crate::report::Outcome;
use crate::shell::{program, target_dir};

pub(crate) fn check() -> Result<Outcome> {
    or_skipped(|| {
        let work = target_dir()?.join("operations");
        fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        let names = program(checkers::python()?).arg("xtask/check_operations.py").arg(&work).run()?;
        let promtool = checkers::promtool()?;
        let rules = program(&promtool)
            .args(["check", "rules", "docs/operations/prometheus-rules.yaml"])
            .arg(work.join("dashboard.rules.yaml"))
            .run()?;
        let tests =
            program(&promtool).args(["test", "rules", "docs/operations/prometheus-rules.test.yaml"]).run()?;
        Ok(Outcome::passed(names && rules && tests))
    })
}
