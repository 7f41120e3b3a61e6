//! For a terminal of 100 columns, or a mail.

use audit_model::Timestamp;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::excerpt::shortened;
use crate::visible::visible;
use crate::wording::{count, number, policy, share, time};
use crate::{Finding, Report, Section, Slot, Soundness};

/// How many columns it takes.
const WIDTH: usize = 100;

/// How many characters of a value are shown: a table of long ones is no table.
const MOST: usize = 120;

/// Where the text of what happened at a time begins in the lines behind its first.
const ENTRY: usize = 25;

impl Report {
    /// The report for a terminal of 100 columns. Its first line that is no title says whether the log can be relied on.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut page = Page(String::new());
        self.text_head(&mut page);
        self.text_figures(&mut page);
        self.text_operations(&mut page);
        self.text_actors(&mut page);
        self.text_denied(&mut page);
        self.text_changes(&mut page);
        self.text_failures(&mut page);
        self.text_gaps(&mut page);
        self.text_retention(&mut page);
        self.text_alerts(&mut page);
        self.text_end(&mut page);
        page.0
    }

    fn text_head(&self, page: &mut Page) {
        let integrity = &self.integrity;
        page.line(&format!("{}: {}", integrity.verdict.as_str().to_uppercase(), integrity.headline()));
        page.paragraph("  ", &integrity.explanation());
        page.line("");
        let title = format!("{}: {}", self.title, self.period);
        page.line(&title);
        page.line(&"=".repeat(title.chars().count().min(WIDTH)));
        page.pair(
            "Period",
            &format!("{} to {} UTC, the end excluded", time(self.period.from()), time(self.period.to())),
        );
        page.pair("Made", &time(self.generated_at));
        page.heading("Integrity");
        for chain in &integrity.chains {
            let range = chain.range().map(|range| format!(" ({range})")).unwrap_or_default();
            let size = count(chain.records, "record");
            page.paragraph(
                "  ",
                &format!("{}: chain {}, {size}{range}, {}", chain.verdict, chain.chain_id, chain.sealing()),
            );
            chain.head.iter().for_each(|head| page.line(&format!("    head {head}")));
            chain.remarks().iter().for_each(|remark| page.paragraph("    ", remark));
            page.findings(&chain.findings, chain.more_findings);
        }
        page.findings(&integrity.unreadable, 0);
        if integrity.unsealed > 0 && integrity.verdict != Soundness::CannotTell {
            let events = count(integrity.unsealed, "event");
            page.line(&format!("  {events} without a seal: nothing verifies them"));
        }
        integrity.notes.iter().for_each(|note| page.paragraph("  ", note));
    }

    fn text_figures(&self, page: &mut Page) {
        let summary = &self.summary;
        page.heading("Summary");
        let mut rows = vec![
            ("Events", number(summary.events)),
            ("Failures", part(summary.failures, summary.events)),
            ("Denied", part(summary.denied, summary.events)),
            ("Actors", number(summary.actors)),
            ("Configuration changes", number(summary.configuration_changes)),
            ("Alerts", number(summary.alerts)),
            ("Gaps", number(summary.gaps)),
        ];
        if summary.events_lost > 0 {
            rows.push(("Events lost", number(summary.events_lost)));
        }
        rows.iter().for_each(|(name, value)| page.pair(name, value));
        if summary.events == 0 {
            page.line("  The log holds no event of this period.");
            return;
        }
        let mut categories: Vec<(&String, &u64)> = summary.by_category.iter().collect();
        categories.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let listed: Vec<String> =
            categories.iter().take(30).map(|(name, events)| format!("{name} {}", number(**events))).collect();
        let more = categories.len().saturating_sub(30) as u64;
        let more = if more > 0 { format!(", and {}", count(more, "more category")) } else { String::new() };
        page.paragraph("  ", &format!("By category: {}{more}", listed.join(", ")));
        self.text_timeline(page);
    }

    fn text_timeline(&self, page: &mut Page) {
        let unit = self.timeline.unit;
        page.heading(&format!("Events per {} (# events, f failed, d denied)", unit.as_str()));
        let slots = &self.timeline.slots;
        let used = |slot: &Slot| slot.events > 0;
        let first = slots.iter().position(used).unwrap_or(0);
        let last = slots.iter().rposition(used).unwrap_or(0);
        // The years of a record that is dated wrong would be a long list of nothing.
        let shown = if slots.len() > 62 { &slots[first..=last.max(first)] } else { &slots[..] };
        let most = shown.iter().map(|slot| slot.events).max().unwrap_or(0).max(1);
        for slot in shown.iter().take(400) {
            let bar = bar(slot, most);
            let mut remarks = Vec::new();
            if slot.failures > 0 {
                remarks.push(format!("{} failed", number(slot.failures)));
            }
            if slot.denied > 0 {
                remarks.push(format!("{} denied", number(slot.denied)));
            }
            let label = crate::chart::slot_name(unit, slot.start);
            let line = format!("  {label:<16} {:>9}  {bar:<36}  {}", number(slot.events), remarks.join(", "));
            page.line(line.trim_end());
        }
    }

    fn text_operations(&self, page: &mut Page) {
        page.heading("Operations by type and result");
        let operations = &self.operations;
        if operations.types.is_empty() {
            page.line("  None.");
            return;
        }
        let columns = crate::chart::columns(operations);
        let mut header = vec!["TYPE".to_owned(), "TOTAL".to_owned()];
        header.extend(columns.iter().map(|column| column.name.to_uppercase()));
        let mut grid = Grid::new(&header);
        let cell = |number: u64| if number == 0 { "-".to_owned() } else { crate::wording::number(number) };
        let rows = operations.types.iter().take(crate::MOST_ROWS);
        for operation in rows {
            let mut row = vec![operation.event_type.clone(), number(operation.total)];
            row.extend(columns.iter().map(|column| cell(column.sum(&operation.counts))));
            grid.row(&row);
        }
        let mut total = vec!["total".to_owned(), number(self.summary.events)];
        total.extend(columns.iter().map(|column| cell(column.sum(&operations.totals))));
        grid.row(&total);
        grid.numbers_from(1);
        page.grid(&grid);
        page.more(operations.types.len().saturating_sub(crate::MOST_ROWS) as u64, "event type");
    }

    fn text_actors(&self, page: &mut Page) {
        let actors = &self.actors;
        page.heading(&format!("Actors: {}", number(actors.total)));
        if !actors.rows.is_empty() {
            let mut grid = Grid::new(&["ACTOR", "EVENTS", "FAILED", "DENIED", "FIRST", "LAST"]);
            for it in &actors.rows {
                let cells = [number(it.events), number(it.failures), number(it.denied)];
                let ends = [time(it.first), time(it.last)];
                grid.row(&[it.id.clone()].into_iter().chain(cells).chain(ends).collect::<Vec<_>>());
            }
            grid.numbers(1..4);
            page.grid(&grid);
        }
        page.more(actors.more, "actor");
        if actors.events_without > 0 {
            page.line(&format!("  {} without an actor", count(actors.events_without, "event")));
        }
    }

    fn text_denied(&self, page: &mut Page) {
        page.section("Denied access", &self.denied);
        for it in &self.denied.rows {
            let what = it.operation.as_ref().unwrap_or(&it.event_type);
            let which = it.resource.as_ref().map(|which| format!(" on {which}")).unwrap_or_default();
            page.entry(it.time, &[&who(&it.actor, &it.ip_address), ": ", what, &which]);
            let needs = it.required_permission.as_ref().map(|needs| format!("needs {needs}"));
            page.remark(&[needs, it.reason.clone()]);
        }
        page.more(self.denied.more, "denial");
    }

    fn text_changes(&self, page: &mut Page) {
        page.section("Configuration changes", &self.configuration_changes);
        for it in &self.configuration_changes.rows {
            let which = it.config_type.as_ref().or(it.resource.as_ref());
            let result = it.result.as_deref().filter(|result| *result != "success");
            let result = result.map(|result| format!(" ({result})")).unwrap_or_default();
            let who = it.actor.as_deref().unwrap_or("nobody named");
            page.paragraph(
                "  ",
                &format!("{}  {who} changed {}{result}", time(it.time), which.map_or("?", |it| it)),
            );
            for change in &it.changes {
                let field = visible(&change.field);
                for (sign, value) in [("-", &change.old_value), ("+", &change.new_value)] {
                    if let Some(value) = value {
                        page.line(&format!("    {sign} {field}: {}", shortened(&visible(value), MOST)));
                    }
                }
            }
            if it.changes.is_empty() {
                page.line("    what was changed is not on record");
            }
            page.more(it.more_changes, "field");
        }
        page.more(self.configuration_changes.more, "change");
    }

    fn text_failures(&self, page: &mut Page) {
        page.section("Failures", &self.failures);
        for it in &self.failures.rows {
            let which = it.resource.as_ref().map(|which| format!(" on {which}")).unwrap_or_default();
            page.entry(it.time, &[&it.event_type, " by ", &who(&it.actor, &it.ip_address), &which]);
            page.remark(std::slice::from_ref(&it.reason));
        }
        page.more(self.failures.more, "failure");
    }

    fn text_gaps(&self, page: &mut Page) {
        page.section("Gaps and lost events", &self.gaps);
        for it in &self.gaps.rows {
            let when = it.time.map_or_else(|| " ".repeat(19), time);
            page.wrap("  ", ENTRY, &format!("{when}  {}: {}", it.kind.as_str(), it.message));
            it.log.iter().for_each(|log| page.wrap(&" ".repeat(ENTRY), ENTRY + 2, log));
        }
        page.more(self.gaps.more, "gap");
    }

    fn text_retention(&self, page: &mut Page) {
        let retention = &self.retention;
        page.heading("Retention and holds");
        match &retention.policy {
            Some(known) => page.paragraph("  ", &format!("Policy: {}", policy(known))),
            None => page.line("  The policy was not given."),
        }
        page.line(&format!("  Retention applied: {}", number(retention.applied.total)));
        for it in &retention.applied.rows {
            let which = it.what();
            let file =
                it.file.as_ref().or(it.log.as_ref()).map(|file| format!(" in {file}")).unwrap_or_default();
            let rule = it.rule.as_ref().map(|rule| format!(", by {rule}")).unwrap_or_default();
            page.wrap("    ", ENTRY + 2, &format!("{}  {which}{file}{rule}", time(it.time)));
        }
        page.more(retention.applied.more, "deletion");
        for it in &retention.hold_records.rows {
            let what = if it.released { "released" } else { "placed" };
            let id = it.id.as_deref().unwrap_or("?");
            let who = it.actor.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
            let why = it.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            page.wrap("  ", ENTRY, &format!("{}  hold {id} {what}{who}{why}", time(it.time)));
        }
        page.more(retention.hold_records.more, "record of holds");
        match &retention.active_holds {
            None => page.line("  Which holds are active was not given."),
            Some(holds) => page.line(&format!("  Active holds: {}", number(holds.len() as u64))),
        }
        for it in retention.active_holds.iter().flatten() {
            let until = it
                .until
                .map_or_else(|| "until it is released".to_owned(), |until| format!("until {}", time(until)));
            page.paragraph(
                "    ",
                &format!("{}, since {} {until}, by {}: {}", it.id, time(it.placed), it.placed_by, it.reason),
            );
        }
    }

    fn text_alerts(&self, page: &mut Page) {
        page.section("Alerts", &self.alerts);
        if !self.alerts.is_empty() {
            let mut grid = Grid::new(&["FIRED", "SEVERITY", "RULE", "EVENTS", "RESOLVED", "NOT TOLD"]);
            for it in &self.alerts.rows {
                let rule = or_dash(&it.rule) + if it.test { " (test)" } else { "" };
                grid.row(&[
                    it.fired.map_or_else(|| "before".to_owned(), time),
                    or_dash(&it.severity),
                    rule,
                    it.events.map_or_else(|| "-".to_owned(), number),
                    it.resolved.map_or_else(|| "not yet".to_owned(), time),
                    if it.notify_failed > 0 { count(it.notify_failed, "time") } else { "-".to_owned() },
                ]);
            }
            page.grid(&grid);
        }
        page.more(self.alerts.more, "alert");
    }

    fn text_end(&self, page: &mut Page) {
        page.heading("How this report was made");
        self.notes.iter().for_each(|note| page.paragraph("  ", note));
        let names = self.files.iter().take(50).cloned().collect::<Vec<_>>().join(", ");
        let more = self.files.len().saturating_sub(50) as u64;
        page.paragraph("  ", &format!("From {}: {names}", count(self.files.len() as u64, "file")));
        page.more(more, "file");
        page.paragraph(
            "  ",
            "Failures have the result `failure` or a type that ends in `.failed`; denied are those with the result \
             `denied`, and `access.denied`. Records count by their own time. Long values are cut (…).",
        );
    }
}

fn who(actor: &Option<String>, address: &Option<String>) -> String {
    let address = address.as_ref().map(|address| format!(" ({address})"));
    actor.clone().unwrap_or_else(|| "nobody named".to_owned()) + &address.unwrap_or_default()
}

fn or_dash(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "-".to_owned())
}

fn part(part: u64, whole: u64) -> String {
    match part {
        0 => "0".to_owned(),
        part => format!("{} ({})", number(part), share(part, whole)),
    }
}

/// At most 36 signs; what failed or was denied has one at least.
fn bar(slot: &Slot, most: u64) -> String {
    let signs = |events: u64| {
        let exact = events as f64 * 36.0 / most as f64;
        if events == 0 { 0 } else { (exact.round() as usize).clamp(1, 36) }
    };
    let (failed, denied) = (signs(slot.failures), signs(slot.denied));
    let all = signs(slot.events).max(failed + denied).min(36);
    let plain = all.saturating_sub(failed + denied);
    format!("{}{}{}", "#".repeat(plain), "f".repeat(failed), "d".repeat(denied)).chars().take(36).collect()
}

/// The text so far.
struct Page(String);

impl Page {
    /// Whatever is in it, a line stays one, and harmless.
    fn line(&mut self, text: &str) {
        self.0 += &visible(text);
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(text);
        self.line(&"-".repeat(text.chars().count()));
    }

    fn section<T>(&mut self, name: &str, section: &Section<T>) {
        self.heading(&format!("{name}: {}", number(section.total)));
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.line(&format!("  {name:<22} {value}"));
    }

    /// A text in lines; those behind the first are indented a little more.
    fn paragraph(&mut self, indent: &str, text: &str) {
        self.wrap(indent, indent.len() + 2, text);
    }

    fn wrap(&mut self, indent: &str, hanging: usize, text: &str) {
        let text = shortened(&visible(text), 600);
        let mut line = indent.to_owned();
        let mut is_first = true;
        for word in text.split(' ') {
            let fits = line.chars().count() + word.chars().count() < WIDTH;
            if !is_first && !fits {
                let whole = std::mem::replace(&mut line, " ".repeat(hanging));
                self.line(whole.trim_end());
            } else if !is_first {
                line.push(' ');
            }
            line += word;
            is_first = false;
        }
        self.line(line.trim_end());
    }

    /// What happened at a time, in a line or more.
    fn entry(&mut self, at: Timestamp, parts: &[&str]) {
        let parts: String = parts.iter().map(|part| shortened(part, MOST)).collect();
        self.wrap("  ", ENTRY, &format!("{}  {parts}", time(at)));
    }

    /// What there is to say of it, below.
    fn remark(&mut self, parts: &[Option<String>]) {
        let parts: Vec<String> = parts.iter().flatten().map(|part| shortened(part, MOST)).collect();
        if !parts.is_empty() {
            self.wrap(&" ".repeat(ENTRY), ENTRY + 2, &parts.join(": "));
        }
    }

    fn grid(&mut self, grid: &Grid) {
        for line in grid.0.to_string().lines() {
            self.line(format!(" {line}").trim_end());
        }
    }

    fn findings(&mut self, findings: &[Finding], more: u64) {
        const SHOWN: usize = 20;
        for finding in findings.iter().take(SHOWN) {
            let place = finding.place().map(|place| format!("{place}: ")).unwrap_or_default();
            self.paragraph("    ", &format!("{}: {place}{}", finding.verdict, finding.message));
        }
        self.more(findings.len().saturating_sub(SHOWN) as u64 + more, "finding");
    }

    fn more(&mut self, number: u64, what: &str) {
        if number > 0 {
            self.line(&format!("  and {}", count(number, &format!("more {what}"))));
        }
    }
}

/// A table without lines.
struct Grid(Table);

impl Grid {
    fn new<T: AsRef<str>>(header: &[T]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH as u16 - 1);
        table.set_header(header.iter().map(AsRef::as_ref));
        Self(table)
    }

    fn row(&mut self, cells: &[String]) {
        self.0.add_row(cells.iter().map(|cell| shortened(&visible(cell), MOST)));
    }

    fn numbers_from(&mut self, first: usize) {
        let count = self.0.column_count();
        self.numbers(first..count);
    }

    fn numbers(&mut self, columns: std::ops::Range<usize>) {
        for index in columns {
            if let Some(column) = self.0.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
}
