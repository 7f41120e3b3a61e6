//! The sections behind the verdict.

use super::charts;
use super::markup::{Column, Grid, breakable, columns, escape, moment, prose, shown};
use super::more;
use crate::wording::{count, number, policy, share};
use crate::{ConfigurationChange, Report, Section};

impl Report {
    pub(super) fn html_summary(&self) -> String {
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

    pub(super) fn html_operations(&self) -> String {
        let operations = &self.operations;
        let mut html = String::from("<section id=\"operations\"><h2>Operations by type and result</h2>\n");
        if operations.types.is_empty() {
            return html + "<p>None.</p></section>\n";
        }
        html += &charts::operations(operations);
        let results = crate::chart::columns(operations);
        let mut heads = columns(&[("Type", "name"), ("Total", "number")]);
        heads.extend(results.iter().map(|it| Column { name: it.name.clone(), class: "number" }));
        let mut grid = Grid::wide("Events by type and result", heads);
        let figure = |figure: u64| match figure {
            0 => Some("<span class=\"zero\">0</span>".to_owned()),
            figure => Some(number(figure)),
        };
        for it in operations.types.iter().take(crate::MOST_ROWS) {
            let mut cells = vec![Some(breakable(&it.event_type)), figure(it.total)];
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

    pub(super) fn html_actors(&self) -> String {
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
                    Some(breakable(&it.id)),
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

    pub(super) fn html_denied(&self) -> String {
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
                    some(&it.operation).or_else(|| Some(breakable(&it.event_type))),
                    some(&it.resource),
                    with_remark(&it.required_permission, &has),
                    some(&it.reason),
                ]);
            }
            grid.finish()
        })
    }

    pub(super) fn html_changes(&self) -> String {
        section("changes", "Configuration changes", &self.configuration_changes, "change", |rows| {
            rows.iter().map(change).collect()
        })
    }

    pub(super) fn html_failures(&self) -> String {
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
                    Some(breakable(&it.event_type)),
                    with_remark(&it.actor, &it.ip_address),
                    some(&it.resource),
                    some(&it.reason),
                ]);
            }
            grid.finish()
        })
    }

    pub(super) fn html_gaps(&self) -> String {
        let heads = [("When", "when"), ("What", "short"), ("Log or chain", "middle"), ("Details", "middle")];
        section("gaps", "Gaps and lost events", &self.gaps, "gap", |rows| {
            let mut grid = Grid::cards("Gaps and lost events", columns(&heads));
            for it in rows {
                grid.row(&[
                    it.time.map(moment),
                    Some(it.kind.as_str().to_owned()),
                    some(&it.log),
                    Some(prose(&it.message)),
                ]);
            }
            grid.finish()
        })
    }

    pub(super) fn html_retention(&self) -> String {
        let retention = &self.retention;
        let mut html = String::from("<section id=\"retention\"><h2>Retention and holds</h2>\n");
        html += &match &retention.policy {
            Some(known) => format!("<p>Policy: {}.</p>\n", shown(&policy(known))),
            None => "<p>The policy was not given.</p>\n".to_owned(),
        };
        html += &format!(
            "<h3>Retention applied <span class=\"amount\">{}</span></h3>\n",
            number(retention.applied.total)
        );
        if retention.applied.is_empty() {
            html += "<p>None.</p>\n";
        } else {
            let heads = [("When", "when"), ("What", ""), ("Where", ""), ("Rule", "")];
            let mut grid = Grid::cards("Retention applied", columns(&heads));
            for it in &retention.applied.rows {
                let file = it.file.clone().or_else(|| it.log.clone());
                grid.row(&[Some(moment(it.time)), some(&Some(it.what())), some(&file), some(&it.rule)]);
            }
            html += &grid.finish();
            html += &more(retention.applied.more, "deletion");
        }
        if !retention.hold_records.is_empty() {
            html += &format!(
                "<h3>Holds placed and released <span class=\"amount\">{}</span></h3>\n",
                number(retention.hold_records.total)
            );
            let heads =
                [("When", "when"), ("Hold", "short"), ("What", "short"), ("Who", "middle"), ("Why", "large")];
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
            let heads = [
                ("Since", "when"),
                ("Hold", "short"),
                ("Until", "when"),
                ("Who", "middle"),
                ("Why", "large"),
            ];
            let mut grid = Grid::cards("Active holds", columns(&heads));
            for it in holds {
                grid.row(&[
                    Some(moment(it.placed)),
                    Some(breakable(&it.id)),
                    Some(it.until.map_or_else(|| "it is released".to_owned(), moment)),
                    Some(shown(&it.placed_by)),
                    Some(shown(&it.reason)),
                ]);
            }
            html += &grid.finish();
        }
        html + "</section>\n"
    }

    pub(super) fn html_alerts(&self) -> String {
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

fn some(text: &Option<String>) -> Option<String> {
    text.as_deref().map(breakable)
}

fn with_remark(text: &Option<String>, remark: &Option<String>) -> Option<String> {
    let remark = remark.as_deref().map(|remark| format!("<small>{}</small>", breakable(remark)));
    match (some(text), remark) {
        (None, None) => None,
        (text, remark) => Some(text.unwrap_or_else(|| "–".to_owned()) + &remark.unwrap_or_default()),
    }
}
