//! One flat table: docs/reports.md names its columns.

use audit_model::Timestamp;

use crate::visible::visible;
use crate::{Chain, Finding, Report, Section};

/// The columns, in their order.
const COLUMNS: [&str; 14] = [
    "section",
    "time",
    "end",
    "name",
    "actor",
    "ip_address",
    "resource",
    "result",
    "count",
    "failures",
    "denied",
    "old_value",
    "new_value",
    "detail",
];

/// One row, by the columns that are not empty.
#[derive(Default)]
struct Row {
    section: &'static str,
    time: Option<Timestamp>,
    end: Option<Timestamp>,
    name: Option<String>,
    actor: Option<String>,
    ip_address: Option<String>,
    resource: Option<String>,
    result: Option<String>,
    count: Option<u64>,
    failures: Option<u64>,
    denied: Option<u64>,
    old_value: Option<String>,
    new_value: Option<String>,
    detail: Option<String>,
}

impl Row {
    fn of(section: &'static str) -> Self {
        Self { section, ..Self::default() }
    }

    fn write(self, out: &mut String) {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let cells = [
            Some(self.section.to_owned()),
            time(self.time),
            time(self.end),
            self.name,
            self.actor,
            self.ip_address,
            self.resource,
            self.result,
            number(self.count),
            number(self.failures),
            number(self.denied),
            self.old_value,
            self.new_value,
            self.detail,
        ];
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_cell(&cell.unwrap_or_default(), out);
        }
        out.push_str("\r\n");
    }
}

/// A cell as RFC 4180 §2 has it.
///
/// Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula, which may send the sheet's content elsewhere
/// (OWASP, "CSV Injection"); a quote before it makes it a text. What does not show, tabs and line breaks among it, is
/// written as an escape, so that a row is always a line.
fn write_cell(text: &str, out: &mut String) {
    let mut text = visible(text);
    // The full-width forms are taken for the others where East Asian writing is set.
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\'', ';']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&text);
    }
}

impl Report {
    /// The report as one flat table of comma-separated values (RFC 4180), with a header; every row names its section.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = COLUMNS.join(",") + "\r\n";
        self.rows().into_iter().for_each(|row| row.write(&mut out));
        out
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![Row {
            time: Some(self.period.from()),
            end: Some(self.period.to()),
            name: Some(self.title.clone()),
            detail: Some(format!("made at {}", self.generated_at)),
            ..Row::of("report")
        }];
        self.integrity_rows(&mut rows);
        self.figures(&mut rows);
        self.event_rows(&mut rows);
        self.log_rows(&mut rows);
        rows.extend(self.files.iter().map(|file| Row { name: Some(file.clone()), ..Row::of("file") }));
        rows.extend(self.notes.iter().map(|note| Row { detail: Some(note.clone()), ..Row::of("note") }));
        rows
    }

    fn integrity_rows(&self, rows: &mut Vec<Row>) {
        let integrity = &self.integrity;
        rows.push(Row {
            result: Some(integrity.verdict.as_str().to_owned()),
            detail: Some(format!("{}. {}", integrity.headline(), integrity.explanation())),
            ..Row::of("integrity")
        });
        for chain in &integrity.chains {
            rows.push(Row {
                name: Some(chain.chain_id.clone()),
                result: Some(chain.verdict.clone()),
                count: Some(chain.records),
                detail: Some(chain_detail(chain)),
                ..Row::of("chain")
            });
            rows.extend(chain.findings.iter().map(|it| finding(Some(&chain.chain_id), it)));
            more(rows, "finding", chain.more_findings);
        }
        rows.extend(integrity.unreadable.iter().map(|it| finding(None, it)));
        if integrity.unsealed > 0 {
            let name = Some("unsealed events".to_owned());
            rows.push(Row { name, count: Some(integrity.unsealed), ..Row::of("integrity") });
        }
        for note in &integrity.notes {
            rows.push(Row { detail: Some(note.clone()), ..Row::of("integrity") });
        }
    }

    fn figures(&self, rows: &mut Vec<Row>) {
        let summary = &self.summary;
        for (name, number) in [
            ("events", summary.events),
            ("failures", summary.failures),
            ("denied", summary.denied),
            ("actors", summary.actors),
            ("configuration changes", summary.configuration_changes),
            ("alerts", summary.alerts),
            ("gaps", summary.gaps),
            ("events lost", summary.events_lost),
        ] {
            rows.push(Row { name: Some(name.to_owned()), count: Some(number), ..Row::of("summary") });
        }
        for (category, number) in &summary.by_category {
            rows.push(Row { name: Some(category.clone()), count: Some(*number), ..Row::of("category") });
        }
        let ends = self.timeline.slots.iter().skip(1).map(|slot| slot.start).chain([self.period.to()]);
        for (slot, end) in self.timeline.slots.iter().zip(ends) {
            rows.push(Row {
                time: Some(slot.start),
                end: Some(end),
                count: Some(slot.events),
                failures: Some(slot.failures),
                denied: Some(slot.denied),
                ..Row::of("timeline")
            });
        }
        for operation in &self.operations.types {
            for (result, number) in self.operations.results.iter().zip(&operation.counts) {
                if *number > 0 {
                    rows.push(Row {
                        name: Some(operation.event_type.clone()),
                        result: result.clone(),
                        count: Some(*number),
                        ..Row::of("operation")
                    });
                }
            }
        }
        for actor in &self.actors.rows {
            rows.push(Row {
                time: Some(actor.first),
                end: Some(actor.last),
                actor: Some(actor.id.clone()),
                count: Some(actor.events),
                failures: Some(actor.failures),
                denied: Some(actor.denied),
                ..Row::of("actor")
            });
        }
        more(rows, "actor", self.actors.more);
    }

    fn event_rows(&self, rows: &mut Vec<Row>) {
        for it in &self.denied.rows {
            rows.push(Row {
                time: Some(it.time),
                name: it.operation.clone().or_else(|| Some(it.event_type.clone())),
                actor: it.actor.clone(),
                ip_address: it.ip_address.clone(),
                resource: it.resource.clone(),
                result: it.reason.clone(),
                detail: it.required_permission.clone(),
                ..Row::of("denied")
            });
        }
        more_of(rows, "denied", &self.denied);
        for it in &self.configuration_changes.rows {
            let row = || Row {
                time: Some(it.time),
                actor: it.actor.clone(),
                ip_address: it.ip_address.clone(),
                resource: it.config_type.clone().or_else(|| it.resource.clone()),
                result: it.result.clone(),
                ..Row::of("configuration_change")
            };
            if it.changes.is_empty() {
                rows.push(row());
            }
            for change in &it.changes {
                rows.push(Row {
                    name: Some(change.field.clone()),
                    old_value: change.old_value.clone(),
                    new_value: change.new_value.clone(),
                    ..row()
                });
            }
            if it.more_changes > 0 {
                let detail = Some("more fields".to_owned());
                rows.push(Row { count: Some(it.more_changes), detail, ..row() });
            }
        }
        more_of(rows, "configuration_change", &self.configuration_changes);
        for it in &self.failures.rows {
            rows.push(Row {
                time: Some(it.time),
                name: Some(it.event_type.clone()),
                actor: it.actor.clone(),
                ip_address: it.ip_address.clone(),
                resource: it.resource.clone(),
                detail: it.reason.clone(),
                ..Row::of("failure")
            });
        }
        more_of(rows, "failure", &self.failures);
    }

    fn log_rows(&self, rows: &mut Vec<Row>) {
        for it in &self.gaps.rows {
            rows.push(Row {
                time: it.time,
                name: Some(it.kind.as_str().to_owned()),
                resource: it.log.clone(),
                count: it.events,
                detail: Some(it.message.clone()),
                ..Row::of("gap")
            });
        }
        more_of(rows, "gap", &self.gaps);
        let retention = &self.retention;
        if let Some(policy) = &retention.policy {
            let detail = Some(crate::wording::policy(policy));
            rows.push(Row { name: Some("policy".to_owned()), detail, ..Row::of("retention") });
        }
        for it in &retention.applied.rows {
            rows.push(Row {
                time: Some(it.time),
                name: it.rule.clone(),
                resource: it.file.clone().or_else(|| it.log.clone()),
                detail: Some(it.what()),
                ..Row::of("retention")
            });
        }
        more_of(rows, "retention", &retention.applied);
        for it in &retention.hold_records.rows {
            rows.push(Row {
                time: Some(it.time),
                name: it.id.clone(),
                actor: it.actor.clone(),
                result: Some(if it.released { "released" } else { "placed" }.to_owned()),
                detail: it.reason.clone(),
                ..Row::of("hold")
            });
        }
        more_of(rows, "hold", &retention.hold_records);
        for it in retention.active_holds.iter().flatten() {
            rows.push(Row {
                time: Some(it.placed),
                end: it.until,
                name: Some(it.id.clone()),
                actor: Some(it.placed_by.clone()),
                result: Some("active".to_owned()),
                detail: Some(it.reason.clone()),
                ..Row::of("hold")
            });
        }
        for it in &self.alerts.rows {
            rows.push(Row {
                time: it.fired,
                end: it.resolved,
                name: it.rule.clone(),
                resource: it.group.clone(),
                result: it.severity.clone(),
                count: it.events,
                failures: Some(it.notify_failed),
                detail: Some(it.alert_id.clone()),
                ..Row::of("alert")
            });
        }
        more_of(rows, "alert", &self.alerts);
    }
}

fn finding(chain: Option<&str>, it: &Finding) -> Row {
    Row {
        name: chain.map(str::to_owned),
        resource: it.place(),
        result: Some(it.verdict.clone()),
        detail: Some(it.message.clone()),
        ..Row::of("finding")
    }
}

fn chain_detail(chain: &Chain) -> String {
    let range = crate::wording::records(chain.first_sequence, chain.last_sequence);
    let parts = range.into_iter().chain([chain.sealing().to_owned()]);
    let head = chain.head.iter().map(|head| format!("head {head}"));
    parts.chain(head).chain(chain.remarks()).collect::<Vec<_>>().join("; ")
}

fn more_of<T>(rows: &mut Vec<Row>, section: &'static str, of: &Section<T>) {
    more(rows, section, of.more);
}

fn more(rows: &mut Vec<Row>, section: &'static str, number: u64) {
    if number > 0 {
        rows.push(Row {
            count: Some(number),
            detail: Some("more that are not listed".to_owned()),
            ..Row::of(section)
        });
    }
}
