//! What stands in a report of a month in which everything happened once.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod sample;

use audit_report::{GapKind, Report};
use audit_retention::{Hold, Holds, Policy};
use sample::{broken, event, everything, made, october, report, sound, tally, time};
use serde_json::{Value, json};

#[test]
fn what_a_source_could_not_bring_is_a_gap() {
    let gap = |time: &str, id: &str, resource: Value, details: Value| {
        event(
            &json!({"timestamp": time, "event_type": "audit.source_gap", "event_id": id, "resource": resource,
            "actor": {"type": "system", "id": "audit-log"}, "details": details}),
        )
    };
    let report = report(&[
        gap(
            "2026-10-06T03:00:00Z",
            "g1",
            json!({"type": "file", "id": "/var/log/app.log"}),
            json!({"offset": 81920, "reason": "the file was truncated", "source": "app"}),
        ),
        gap(
            "2026-10-07T03:00:00Z",
            "g2",
            json!({"type": "kafka_partition", "id": "events/3"}),
            json!({"count": 17, "reason": "the topic had deleted them", "source": "events"}),
        ),
    ]);
    assert_eq!((report.summary.gaps, report.summary.events_lost), (2, 17));
    let told: Vec<_> =
        report.gaps.rows.iter().map(|gap| (gap.kind, gap.message.as_str(), gap.events)).collect();
    assert_eq!(
        told,
        [
            (GapKind::SourceGap, "file:/var/log/app.log: the file was truncated", None),
            (GapKind::SourceGap, "kafka_partition:events/3: the topic had deleted them", Some(17)),
        ]
    );
}

#[test]
fn each_event_is_in_its_section() {
    let report = report(&everything());
    let summary = &report.summary;
    assert_eq!((summary.events, summary.failures, summary.denied), (13, 1, 1));
    assert_eq!((summary.actors, summary.configuration_changes, summary.alerts), (4, 1, 1));
    assert_eq!((summary.gaps, summary.events_lost), (3, 312));
    assert_eq!(summary.by_category["audit"], 6);

    let denied = &report.denied.rows[0];
    assert_eq!(denied.actor.as_deref(), Some("bob@company.com"));
    assert_eq!(denied.operation.as_deref(), Some("restore"));
    assert_eq!(denied.resource.as_deref(), Some("topic:production-orders"));
    assert_eq!(denied.required_permission.as_deref(), Some("restore:topic:production-orders"));
    assert_eq!(denied.user_permissions.as_deref(), Some("backup:*, list:*"));
    assert_eq!(denied.reason.as_deref(), Some("insufficient_permissions"));

    let change = &report.configuration_changes.rows[0];
    let changed: Vec<_> = change
        .changes
        .iter()
        .map(|it| (it.field.as_str(), it.old_value.as_deref(), it.new_value.as_deref()))
        .collect();
    assert_eq!(
        changed,
        [
            ("compression_level", Some("3"), Some("6")),
            ("topics.include", Some(r#"["orders"]"#), Some(r#"["orders","payments"]"#)),
            ("sasl_password", Some("******"), Some("******")),
            ("encryption", None, Some("true")),
        ]
    );
    let failure = &report.failures.rows[0];
    assert_eq!(failure.resource.as_deref(), Some("backup:production-backup-20261002"));
    assert_eq!(failure.reason.as_deref(), Some("no space left on device"));

    let gaps: Vec<GapKind> = report.gaps.rows.iter().map(|gap| gap.kind).collect();
    assert_eq!(gaps, [GapKind::Crash, GapKind::EventsLost, GapKind::LogTampered]);
    assert!(
        report.gaps.rows[0].message.contains("not closed since 2026-09-20 08:00:00"),
        "{:?}",
        report.gaps.rows[0]
    );
    assert!(report.gaps.rows[0].message.contains("217 bytes"));
    assert_eq!((report.gaps.rows[2].first_sequence, report.gaps.rows[2].last_sequence), (Some(40), Some(41)));

    assert_eq!(report.retention.applied.rows[0].last_sequence, Some(20));
    assert_eq!(report.retention.hold_records.rows[0].id.as_deref(), Some("case-17"));
    let alert = &report.alerts.rows[0];
    assert_eq!(
        (alert.fired, alert.resolved),
        (Some(time("2026-10-10T03:00:00Z")), Some(time("2026-10-10T04:00:00Z")))
    );
    assert_eq!((alert.told, alert.events, alert.notify_failed), (1, Some(3), 1));
    assert_eq!(alert.group.as_deref(), Some("actor.id: backup-scheduler"));
    assert!(alert.last_notify_failure.as_ref().unwrap().given_up);

    assert_eq!(report.timeline.slots.len(), 31);
    assert_eq!((report.timeline.slots[1].failures, report.timeline.slots[2].denied), (1, 1));
}

#[test]
fn the_verdict_is_the_first_thing_in_every_form() {
    for (integrity, word) in [(sound(), "SOUND"), (broken(), "BROKEN")] {
        let report = Report::new(tally(october(), &everything()), integrity, made());
        assert!(report.to_text().starts_with(&format!("{word}: The log is ")), "{}", report.to_text());
        let html = report.to_html();
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("The log is ") < at("Summary"));
        let csv = report.to_csv();
        assert!(csv.lines().nth(2).unwrap().starts_with("integrity,"), "{csv}");
        let json: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["integrity"]["verdict"], word.to_lowercase());
        assert_eq!(json["format"], audit_report::FORMAT);
    }
    // What the chain lacks is among the gaps, too.
    let report = Report::new(tally(october(), &[]), broken(), made());
    assert_eq!(report.gaps.rows[0].kind, GapKind::RecordsMissing);
    assert_eq!(report.gaps.rows[0].first_sequence, Some(7));
}

#[test]
fn an_orderly_end_is_no_gap_and_neither_is_a_copy() {
    let all = everything();
    let started = &all[0];
    let stop = |at: &str, id: &str| {
        let mut stopped = all[13].clone();
        stopped.timestamp = time(at);
        stopped.event_id = id.into();
        stopped
    };
    let gaps = |events: &[audit_model::Event]| report(events).gaps.total;
    assert_eq!(gaps(&[started.clone(), all[5].clone()]), 1);
    assert_eq!(gaps(&[started.clone(), stop("2026-09-30T00:00:00Z", "x"), all[5].clone()]), 0);
    assert_eq!(gaps(&[all[5].clone(), all[5].clone()]), 0, "the same record again");
    assert_eq!(gaps(&[started.clone(), started.clone()]), 0, "before the period");
    let mut other = all[5].clone();
    other.resource = Some(audit_model::Resource::new("audit_log", "/var/log/other.log"));
    assert_eq!(gaps(&[started.clone(), other]), 0, "another log");
}

#[test]
fn rows_are_bounded_and_counts_are_exact() {
    let denied: Vec<_> = (0..2500)
        .map(|n| {
            let minute = 40_000 - n;
            let at = audit_model::Timestamp::from_milliseconds(
                october().from().as_milliseconds() + minute * 60_000,
            );
            event(&json!({"timestamp": at.unwrap().to_string(), "event_type": "access.denied", "actor": {"id": format!("u{n}")}}))
        })
        .collect();
    let report = report(&denied);
    assert_eq!((report.denied.total, report.denied.more, report.denied.rows.len()), (2500, 1500, 1000));
    assert_eq!(report.denied.rows[0].actor.as_deref(), Some("u2499"), "the earliest are kept");
    assert!(report.denied.rows.is_sorted_by_key(|row| row.time));
    assert_eq!((report.actors.total, report.actors.more, report.actors.rows.len()), (2500, 2450, 50));
    assert_eq!(report.summary.denied, 2500);
    assert!(report.to_text().contains("and 1,500 more denials"));
    assert!(report.to_html().contains("and 1,500 more denials"));
    assert!(report.to_csv().contains("1500,,,,,more that are not listed"), "{}", report.to_csv().len());
}

#[test]
fn what_is_given_is_told_and_what_is_not_is_said_so() {
    let empty = Report::new(tally(october(), &[]), sound(), made());
    assert!(empty.to_text().contains("The policy was not given."));
    assert!(empty.to_text().contains("The log holds no event of this period."));
    let hold = |id: &str, until: Option<&str>| Hold {
        id: id.into(),
        placed_by: "carol".into(),
        reason: "case 17".into(),
        placed: time("2026-01-01T00:00:00Z"),
        until: until.map(time),
        from: None,
        to: None,
    };
    let holds = Holds(vec![hold("now", None), hold("over", Some("2026-06-01T00:00:00Z"))]);
    let policy = Policy { min_days: Some(365), max_days: Some(2555), transitions: vec![] };
    let report = empty.policy(policy).holds(&holds).title("Backups").note("3 lines are no events");
    for text in [report.to_text(), report.to_html()] {
        assert!(text.contains("at least 365 days and at most 2,555 days"), "{text}");
        assert!(text.contains("case 17") && !text.contains("over</td>"), "{text}");
        assert!(text.contains("Backups") && text.contains("3 lines are no events"));
    }
    assert_eq!(report.retention.active_holds.as_ref().unwrap().len(), 1);
}
