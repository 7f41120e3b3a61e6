//! One file that needs nothing else: no script, no request, and readable on paper.

mod charts;
mod markup;

use markup::{Grid, columns, escape, moment, shown};

use crate::wording::{count, number, policy, records, share};
use crate::{Chain, ConfigurationChange, Finding, Report, Section, Soundness};

const STYLE: &str = include_str!("style.css");

/// Nothing is fetched or run, and no style but that of this digest applies (CSP Level 3 §6.7.3.3): a text of the log's that
/// would get past the escaping could still do nothing.
const POLICY: &str = "default-src 'none'; style-src 'sha256-PgqcfrAnXrnJgbkwuQ3ZIWvzX/Xb6ZpimCRjFZrfBOE='; base-uri 'none'; form-action 'none'";

impl Report {
    /// The report as one HTML file, which needs no other: readable in light and dark, on a phone, and printed.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = format!("{}: {}", self.title, self.period);
        let parts = [
            self.html_masthead(),
            "<main>\n".to_owned(),
            self.html_integrity(),
            self.html_contents(),
            self.html_summary(),
            self.html_operations(),
            self.html_actors(),
            self.html_denied(),
            self.html_changes(),
            self.html_failures(),
            self.html_gaps(),
            self.html_retention(),
            self.html_alerts(),
            "</main>\n".to_owned(),
            self.html_footer(),
        ];
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
             <meta name=\"color-scheme\" content=\"light dark\"/><meta name=\"referrer\" content=\"no-referrer\"/>\
             <meta name=\"robots\" content=\"noindex\"/>\
             <title>{}</title>\n<style>{STYLE}</style></head>\n<body>\n{}{}</body></html>\n",
            shown(&title),
            charts::DEFINITIONS,
            parts.concat(),
        )
    }

    fn html_masthead(&self) -> String {
        format!(
            "<header class=\"masthead\"><p class=\"kind\">{}</p><h1>{}</h1><p class=\"span\">{} to {} UTC, the end \
             excluded</p></header>\n",
            shown(&self.title),
            shown(&self.period.to_string()),
            moment(self.period.from()),
            moment(self.period.to()),
        )
    }

    fn html_integrity(&self) -> String {
        let integrity = &self.integrity;
        let (class, mark) = match integrity.verdict {
            Soundness::Sound => ("sound", "<path d=\"M12 25l8 8 16-18\"/>"),
            Soundness::Broken => ("broken", "<path d=\"M15 15l18 18M33 15L15 33\"/>"),
            Soundness::CannotTell => (
                "unsure",
                "<path d=\"M18 18a6 6 0 1 1 9 5c-2 1.3-3 2.3-3 5\"/><circle class=\"dot\" cx=\"24\" cy=\"35\" r=\"2.6\"/>",
            ),
        };
        let mut html = format!(
            "<div class=\"verdict {class}\" id=\"integrity\"><svg class=\"mark\" viewBox=\"0 0 48 48\" aria-hidden=\"true\">\
             <circle cx=\"24\" cy=\"24\" r=\"21.5\"/>{mark}</svg><div><p class=\"word\">Integrity: {}</p><h2>{}</h2><p>{}</p></div></div>\n",
            integrity.verdict.as_str(),
            integrity.headline(),
            shown(&integrity.explanation()),
        );
        integrity.chains.iter().for_each(|it| html += &chain(it));
        let mut rest: Vec<String> = integrity.unreadable.iter().take(MOST_FINDINGS).map(finding).collect();
        let left = integrity.unreadable.len().saturating_sub(MOST_FINDINGS) as u64;
        if left > 0 {
            rest.push(format!("<li>and {}</li>", count(left, "more finding")));
        }
        if integrity.unsealed > 0 && integrity.verdict != Soundness::CannotTell {
            let events = count(integrity.unsealed, "event");
            rest.push(format!("<li>{events} without a seal: nothing verifies them</li>"));
        }
        rest.extend(integrity.notes.iter().map(|note| format!("<li>{}</li>", shown(note))));
        if !rest.is_empty() {
            html += &format!("<div class=\"chain\"><ul>{}</ul></div>\n", rest.concat());
        }
        html
    }

    fn html_contents(&self) -> String {
        let entries = [
            ("summary", "Summary", None),
            ("operations", "Operations", Some(self.operations.types.len() as u64)),
            ("actors", "Actors", Some(self.actors.total)),
            ("denied", "Denied access", Some(self.denied.total)),
            ("changes", "Config changes", Some(self.configuration_changes.total)),
            ("failures", "Failures", Some(self.failures.total)),
            ("gaps", "Gaps", Some(self.gaps.total)),
            ("retention", "Retention and holds", None),
            ("alerts", "Alerts", Some(self.alerts.total)),
        ];
        let entry = |(id, name, total): (&str, &str, Option<u64>)| {
            let total = total.map(|total| format!(" <span class=\"amount\">{}</span>", number(total)));
            format!("<li><a href=\"#{id}\">{name}</a>{}</li>", total.unwrap_or_default())
        };
        let entries: String = entries.into_iter().map(entry).collect();
        format!("<nav aria-label=\"Sections\"><ul>{entries}</ul></nav>\n")
    }

    fn html_summary(&self) -> String {
        let summary = &self.summary;
        let part = |part: u64| (part > 0).then(|| format!("{} of all", share(part, summary.events)));
        let mut figures = vec![
            ("Events", summary.events, None),
            ("Failures", summary.failures, part(summary.failures)),
            ("Denied", summary.denied, part(summary.denied)),
            ("Actors", summary.actors, None),
            ("Config changes", summary.configuration_changes, None),
            ("Alerts", summary.alerts, None),
            ("Gaps", summary.gaps, None),
        ];
        if summary.events_lost > 0 {
            figures.push(("Events lost", summary.events_lost, None));
        }
        let figure = |(name, figure, remark): (&str, u64, Option<String>)| {
            let remark = remark.map(|remark| format!("<small>{}</small>", escape(&remark)));
            format!("<div><dt>{name}</dt><dd>{}{}</dd></div>", number(figure), remark.unwrap_or_default())
        };
        let figures: String = figures.into_iter().map(figure).collect();
        let mut html =
            format!("<section id=\"summary\"><h2>Summary</h2><dl class=\"figures\">{figures}</dl>\n");
        if summary.events == 0 {
            return html + "<p>The log holds no event of this period.</p></section>\n";
        }
        let mut categories: Vec<(&String, &u64)> = summary.by_category.iter().collect();
        categories.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let listed = categories.iter().take(30);
        let listed: Vec<String> =
            listed.map(|(name, events)| format!("{} {}", shown(name), number(**events))).collect();
        let more = categories.len().saturating_sub(30) as u64;
        let more = if more > 0 { format!(", and {}", count(more, "more category")) } else { String::new() };
        html += &format!("<p><span class=\"soft\">By category:</span> {}{more}</p>\n", listed.join(", "));
        html + &charts::timeline(&self.timeline) + "</section>\n"
    }

    fn html_operations(&self) -> String {
        let operations = &self.operations;
        let mut html = String::from("<section id=\"operations\"><h2>Operations by type and result</h2>\n");
        if operations.types.is_empty() {
            return html + "<p>None.</p></section>\n";
        }
        html += &charts::operations(operations);
        let results = crate::chart::columns(operations);
        let mut heads = columns(&[("Type", "name"), ("Total", "number")]);
        heads.extend(results.iter().map(|it| markup::Column { name: it.name.clone(), class: "number" }));
        let mut grid = Grid::wide("Events by type and result", heads);
        let figure = |figure: u64| match figure {
            0 => Some("<span class=\"zero\">0</span>".to_owned()),
            figure => Some(number(figure)),
        };
        for it in operations.types.iter().take(crate::MOST_ROWS) {
            let mut cells = vec![Some(shown(&it.event_type)), figure(it.total)];
            cells.extend(results.iter().map(|column| figure(column.sum(&it.counts))));
            grid.row(&cells);
        }
        let mut cells = vec![Some("Total".to_owned()), figure(self.summary.events)];
        cells.extend(results.iter().map(|column| figure(column.sum(&operations.totals))));
        grid.foot(&cells);
        html += "<h3>All types</h3>\n";
        html += &grid.finish();
        html += &more(operations.types.len().saturating_sub(crate::MOST_ROWS) as u64, "event type");
        html + "</section>\n"
    }

    fn html_actors(&self) -> String {
        let actors = &self.actors;
        let mut html = heading("actors", "Actors", actors.total);
        if actors.total == 0 {
            html += "<p>None.</p>";
        } else {
            let heads = [
                ("Actor", "name"),
                ("Events", "number"),
                ("Failed", "number"),
                ("Denied", "number"),
                ("First", "when"),
                ("Last", "when"),
            ];
            let mut grid = Grid::wide("Actors", columns(&heads));
            for it in &actors.rows {
                let figure = |figure: u64| match figure {
                    0 => Some("<span class=\"zero\">0</span>".to_owned()),
                    figure => Some(number(figure)),
                };
                grid.row(&[
                    Some(shown(&it.id)),
                    figure(it.events),
                    figure(it.failures),
                    figure(it.denied),
                    Some(moment(it.first)),
                    Some(moment(it.last)),
                ]);
            }
            html += &grid.finish();
        }
        html += &more(actors.more, "actor");
        if actors.events_without > 0 {
            html +=
                &format!("<p class=\"more\">{} without an actor</p>", count(actors.events_without, "event"));
        }
        html + "</section>\n"
    }

    fn html_denied(&self) -> String {
        let heads = [
            ("When", "when"),
            ("Who", "middle"),
            ("Operation", "short"),
            ("Resource", "middle"),
            ("Needs", "middle"),
            ("Why", "large"),
        ];
        section("denied", "Denied access", &self.denied, "denial", |rows| {
            let mut grid = Grid::cards("Denied access", columns(&heads));
            for it in rows {
                let has = it.user_permissions.as_ref().map(|has| format!("has {has}"));
                grid.row(&[
                    Some(moment(it.time)),
                    with_remark(&it.actor, &it.ip_address),
                    some(&it.operation).or_else(|| Some(shown(&it.event_type))),
                    some(&it.resource),
                    with_remark(&it.required_permission, &has),
                    some(&it.reason),
                ]);
            }
            grid.finish()
        })
    }

    fn html_changes(&self) -> String {
        section("changes", "Configuration changes", &self.configuration_changes, "change", |rows| {
            rows.iter().map(change).collect()
        })
    }

    fn html_failures(&self) -> String {
        let heads = [
            ("When", "when"),
            ("Type", "middle"),
            ("Who", "middle"),
            ("Resource", "middle"),
            ("Why", "middle"),
        ];
        section("failures", "Failures", &self.failures, "failure", |rows| {
            let mut grid = Grid::cards("Failures", columns(&heads));
            for it in rows {
                grid.row(&[
                    Some(moment(it.time)),
                    Some(shown(&it.event_type)),
                    with_remark(&it.actor, &it.ip_address),
                    some(&it.resource),
                    some(&it.reason),
                ]);
            }
            grid.finish()
        })
    }

    fn html_gaps(&self) -> String {
        let heads = [("When", "when"), ("What", "short"), ("Log or chain", "middle"), ("Details", "middle")];
        section("gaps", "Gaps and lost events", &self.gaps, "gap", |rows| {
            let mut grid = Grid::cards("Gaps and lost events", columns(&heads));
            for it in rows {
                grid.row(&[
                    it.time.map(moment),
                    Some(it.kind.as_str().to_owned()),
                    some(&it.log),
                    Some(shown(&it.message)),
                ]);
            }
            grid.finish()
        })
    }

    fn html_retention(&self) -> String {
        let retention = &self.retention;
        let mut html = String::from("<section id=\"retention\"><h2>Retention and holds</h2>\n");
        html += &match &retention.policy {
            Some(known) => format!("<p>Policy: {}.</p>\n", shown(&policy(known))),
            None => "<p>The policy was not given.</p>\n".to_owned(),
        };
        html += &format!(
            "<h3>Deleted by policy <span class=\"amount\">{}</span></h3>\n",
            number(retention.applied.total)
        );
        if retention.applied.is_empty() {
            html += "<p>None.</p>\n";
        } else {
            let heads = [("When", "when"), ("Records", ""), ("File or log", ""), ("Rule", "")];
            let mut grid = Grid::cards("Deleted by policy", columns(&heads));
            for it in &retention.applied.rows {
                let file = it.file.clone().or_else(|| it.log.clone());
                grid.row(&[
                    Some(moment(it.time)),
                    records(it.first_sequence, it.last_sequence),
                    some(&file),
                    some(&it.rule),
                ]);
            }
            html += &grid.finish();
            html += &more(retention.applied.more, "deletion");
        }
        if !retention.hold_records.is_empty() {
            html += &format!(
                "<h3>Holds placed and released <span class=\"amount\">{}</span></h3>\n",
                number(retention.hold_records.total)
            );
            let heads = [("When", "when"), ("Hold", ""), ("What", ""), ("Who", ""), ("Why", "")];
            let mut grid = Grid::cards("Holds placed and released", columns(&heads));
            for it in &retention.hold_records.rows {
                grid.row(&[
                    Some(moment(it.time)),
                    some(&it.id),
                    Some(if it.released { "released" } else { "placed" }.to_owned()),
                    some(&it.actor),
                    some(&it.reason),
                ]);
            }
            html += &grid.finish();
            html += &more(retention.hold_records.more, "record of holds");
        }
        let Some(holds) = &retention.active_holds else {
            return html + "<p>Which holds are active was not given.</p></section>\n";
        };
        html +=
            &format!("<h3>Active holds <span class=\"amount\">{}</span></h3>\n", number(holds.len() as u64));
        if holds.is_empty() {
            html += "<p>None.</p>\n";
        } else {
            let heads = [("Since", "when"), ("Hold", ""), ("Until", "when"), ("Who", ""), ("Why", "")];
            let mut grid = Grid::cards("Active holds", columns(&heads));
            for it in holds {
                grid.row(&[
                    Some(moment(it.placed)),
                    Some(shown(&it.id)),
                    Some(it.until.map_or_else(|| "it is released".to_owned(), moment)),
                    Some(shown(&it.placed_by)),
                    Some(shown(&it.reason)),
                ]);
            }
            html += &grid.finish();
        }
        html + "</section>\n"
    }

    fn html_alerts(&self) -> String {
        let heads = [
            ("Fired", "when"),
            ("Severity", "short"),
            ("Rule", "middle"),
            ("Events", "number"),
            ("Resolved", "when"),
            ("Could not be told", ""),
        ];
        section("alerts", "Alerts", &self.alerts, "alert", |rows| {
            let mut grid = Grid::cards("Alerts", columns(&heads));
            for it in rows {
                let level = it.severity.as_ref().map(|level| {
                    let class =
                        if matches!(level.as_str(), "high" | "critical") { "level high" } else { "level" };
                    format!("<span class=\"{class}\">{}</span>", shown(level))
                });
                let rule = if it.test {
                    it.rule.as_ref().map(|rule| format!("{rule} (test)"))
                } else {
                    it.rule.clone()
                };
                let untold = (it.notify_failed > 0).then(|| {
                    let last = it.last_notify_failure.as_ref();
                    let why = last.and_then(|last| last.error.as_ref()).map(|why| format!(", last: {why}"));
                    let who = last.and_then(|last| last.notifier.as_ref()).map(|who| format!(" ({who})"));
                    let times = count(it.notify_failed, "time");
                    shown(&format!("{times}{}{}", who.unwrap_or_default(), why.unwrap_or_default()))
                });
                grid.row(&[
                    Some(it.fired.map_or_else(|| "before".to_owned(), moment)),
                    level,
                    with_remark(&rule, &it.group),
                    it.events.map(number),
                    Some(it.resolved.map_or_else(|| "not yet".to_owned(), moment)),
                    untold,
                ]);
            }
            grid.finish()
        })
    }

    fn html_footer(&self) -> String {
        let item = |text: &String| format!("<li>{}</li>", shown(text));
        let notes: String = self.notes.iter().map(item).collect();
        let notes = if notes.is_empty() { notes } else { format!("<ul>{notes}</ul>") };
        const SHOWN: usize = 50;
        let files: String = self.files.iter().take(SHOWN).map(item).collect();
        let left = self.files.len().saturating_sub(SHOWN) as u64;
        format!(
            "<footer><div class=\"inner\"><h2>How this report was made</h2>{notes}\
             <p>Made at {} UTC from {}:</p><ul>{files}</ul>{}\
             <p>All times are UTC. Records count by their own time. Failures have the result <code>failure</code> or a type \
             that ends in <code>.failed</code>; denied are those with the result <code>denied</code>, and \
             <code>access.denied</code>. The verdict is on all of the log, not only on the period. In charts, what failed or \
             was denied has a mark even where it is too little for the scale. Long values are cut (…), and characters that \
             do not show are written as <code>\\u{{…}}</code>.</p></div></footer>\n",
            moment(self.generated_at),
            count(self.files.len() as u64, "file"),
            more(left, "file"),
        )
    }
}

/// How many findings of a chain are shown.
const MOST_FINDINGS: usize = 20;

fn chain(it: &Chain) -> String {
    let class = if it.intact { "good" } else { "bad" };
    let range = it.range().map(|range| format!(" ({range})"));
    let mut html = format!(
        "<div class=\"chain\"><p><span class=\"{class}\">{}</span>: chain <code>{}</code>, {}{}, {}</p>",
        shown(&it.verdict),
        shown(&it.chain_id),
        count(it.records, "record"),
        range.unwrap_or_default(),
        it.sealing(),
    );
    if let Some(head) = &it.head {
        html += &format!("<p class=\"soft\">Head <code>{}</code></p>", shown(head));
    }
    let mut items: Vec<String> = it.findings.iter().take(MOST_FINDINGS).map(finding).collect();
    let left = it.findings.len().saturating_sub(MOST_FINDINGS) as u64 + it.more_findings;
    if left > 0 {
        items.push(format!("<li>and {}</li>", count(left, "more finding")));
    }
    items.extend(it.remarks().iter().map(|remark| format!("<li>{}</li>", shown(remark))));
    if !items.is_empty() {
        html += &format!("<ul>{}</ul>", items.concat());
    }
    html + "</div>\n"
}

fn finding(it: &Finding) -> String {
    let place = it.place().map(|place| format!("<code>{}</code>: ", shown(&place))).unwrap_or_default();
    format!(
        "<li class=\"finding\"><span class=\"bad\">{}</span>: {place}{}</li>",
        shown(&it.verdict),
        shown(&it.message)
    )
}

fn change(it: &ConfigurationChange) -> String {
    let which = it.config_type.as_ref().or(it.resource.as_ref());
    let which = which
        .map_or_else(|| "a configuration".to_owned(), |which| format!("<strong>{}</strong>", shown(which)));
    let who = it
        .actor
        .as_deref()
        .map_or_else(|| "Nobody named".to_owned(), |who| format!("<strong>{}</strong>", shown(who)));
    let mut remarks = Vec::new();
    if it.config_type.is_some()
        && let Some(resource) = &it.resource
    {
        remarks.push(shown(resource));
    }
    it.ip_address.iter().for_each(|address| remarks.push(format!("from {}", shown(address))));
    let result = it.result.as_deref().filter(|result| *result != "success");
    result.iter().for_each(|result| remarks.push(format!("<span class=\"bad\">{}</span>", shown(result))));
    let remarks = match remarks.is_empty() {
        true => String::new(),
        false => format!(" <span class=\"soft\">· {}</span>", remarks.join(" · ")),
    };
    let mut html = format!(
        "<article class=\"change\"><p>{}  {who} changed {which}{remarks}</p><div class=\"diff\">",
        moment(it.time)
    );
    for change in &it.changes {
        let field = shown(&change.field);
        if let Some(value) = &change.old_value {
            html += &format!("<del>- {field}: {}</del>", shown(value));
        }
        if let Some(value) = &change.new_value {
            html += &format!("<ins>+ {field}: {}</ins>", shown(value));
        }
    }
    if it.changes.is_empty() {
        html += "<span class=\"soft\">what was changed is not on record</span>";
    }
    html + "</div>" + &more(it.more_changes, "field") + "</article>\n"
}

fn heading(id: &str, name: &str, total: u64) -> String {
    format!("<section id=\"{id}\"><h2>{name} <span class=\"amount\">{}</span></h2>\n", number(total))
}

fn section<T>(
    id: &str,
    name: &str,
    of: &Section<T>,
    what: &str,
    body: impl FnOnce(&[T]) -> String,
) -> String {
    let body = if of.is_empty() { "<p>None.</p>\n".to_owned() } else { body(&of.rows) };
    heading(id, name, of.total) + &body + &more(of.more, what) + "</section>\n"
}

fn more(left: u64, what: &str) -> String {
    match left {
        0 => String::new(),
        left => format!("<p class=\"more\">and {}</p>", count(left, &format!("more {what}"))),
    }
}

fn some(text: &Option<String>) -> Option<String> {
    text.as_deref().map(shown)
}

fn with_remark(text: &Option<String>, remark: &Option<String>) -> Option<String> {
    let remark = remark.as_deref().map(|remark| format!("<small>{}</small>", shown(remark)));
    match (some(text), remark) {
        (None, None) => None,
        (text, remark) => Some(text.unwrap_or_else(|| "–".to_owned()) + &remark.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn the_policy_names_the_styles_digest() {
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
        assert!(POLICY.contains(&digest), "style.css was changed: its digest is {digest}");
    }
}
