//! In Chromium: nothing complains, nothing is fetched, nothing is wider than the window, and it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod sample;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use audit_report::Report;
use sample::{broken, event, everything, made, october, sound, tally};
use serde_json::{Value, json};

/// Runs the browser on a page, without anything that it fetches by itself. What pages complain of is in its log.
fn browse(chromium: &str, directory: &Path, arguments: &[&str], page: &Path) -> Output {
    let output = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--disable-component-update", "--no-first-run", "--enable-logging=stderr", "--v=0"])
        // The page around the reports looks into them.
        .args(["--allow-file-access-from-files", "--virtual-time-budget=4000"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("--log-net-log={}", directory.join("net.json").display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<&str> = told.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    output
}

#[test]
fn it_fits_and_keeps_quiet() {
    let chromium = std::env::var("AUDIT_TEST_CHROMIUM").ok().filter(|path| !path.is_empty());
    let Some(chromium) = chromium else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "AUDIT_TEST_CHROMIUM is not set");
        println!(
            "skipped: AUDIT_TEST_CHROMIUM, the path of a Chromium, is not set (cargo xtask test sets it)"
        );
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let long = "A".repeat(3000);
    let nasty: Vec<_> = ["<script>document.title='run'</script>", "<img src=http://127.0.0.1:9/x.png>", &long]
        .iter()
        .map(|text| {
            event(&json!({"timestamp": "2026-10-05T12:00:00Z", "event_type": "access.denied", "actor": {"id": text},
                "action": {"result": text, "operation": text}, "details": {"operation": text, "resource": text, "reason": text}}))
        })
        .collect();
    let mut frames = String::new();
    for (name, events, integrity) in [
        ("everything", everything(), sound()),
        ("nothing", vec![], broken()),
        ("nasty", nasty, audit_report::Integrity::unknown("nobody verified it")),
    ] {
        let report = Report::new(tally(october(), &events), integrity, made());
        fs::write(directory.path().join(format!("{name}.html")), report.to_html()).unwrap();
        for width in [320, 390, 768, 1280] {
            frames += &format!(
                "<iframe id=\"{name}-{width}\" src=\"{name}.html\" width=\"{width}\" height=\"900\"></iframe>\n"
            );
        }
    }
    let page = directory.path().join("page.html");
    let script = "addEventListener('load', () => { const found = {}; \
        for (const frame of document.querySelectorAll('iframe')) { const page = frame.contentDocument; \
        found[frame.id] = [page.documentElement.scrollWidth, frame.clientWidth, page.title, \
        page.querySelectorAll('script, img').length, page.querySelector('.verdict h2').getBoundingClientRect().top, \
        page.querySelectorAll('svg.chart rect').length]; } \
        document.body.textContent = JSON.stringify(found); })";
    fs::write(&page, format!("<!DOCTYPE html><body>{frames}<script>{script}</script>")).unwrap();
    let output = browse(&chromium, directory.path(), &["--dump-dom"], &page);
    let dom = String::from_utf8_lossy(&output.stdout);
    let found = &dom[dom.find('{').unwrap()..=dom.rfind('}').unwrap()];
    let found: Value = serde_json::from_str(found).unwrap();
    let found = found.as_object().unwrap();
    assert_eq!(found.len(), 12, "{found:?}");
    for (frame, it) in found {
        assert!(it[0].as_u64() <= it[1].as_u64(), "{frame} is wider than its window: {it}");
        assert_eq!(it[2], "Audit report: October 2026", "{frame}");
        assert_eq!(it[3], 0, "{frame}");
        assert!(it[4].as_f64().unwrap() < 400.0, "{frame}: the verdict is in sight: {it}");
        assert_eq!(it[5].as_u64() > Some(0), !frame.starts_with("nothing"), "{frame}: charts");
    }
    let net_log = fs::read_to_string(directory.path().join("net.json")).unwrap();
    assert!(!net_log.contains("127.0.0.1:9"), "something was fetched");

    let pdf = directory.path().join("report.pdf");
    let to_pdf = format!("--print-to-pdf={}", pdf.display());
    browse(
        &chromium,
        directory.path(),
        &["--no-pdf-header-footer", &to_pdf],
        &directory.path().join("everything.html"),
    );
    let pdf = fs::read(pdf).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
}
