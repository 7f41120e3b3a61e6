//! One file that needs nothing else: no script, no request, and readable on paper.

mod charts;
mod markup;
mod sections;

use markup::{moment, prose, shown};

use crate::wording::{count, number};
use crate::{Chain, Finding, Report, Soundness};

const STYLE: &str = include_str!("style.css");

/// Nothing is fetched or run, and no style but that of this digest applies (CSP Level 3 §6.7.3.3): a text of the log's that
/// would get past the escaping could still do nothing.
const POLICY: &str = "default-src 'none'; style-src 'sha256-S6WuRteJgiEawEsouKaRgwRDjGzsG1u+VY5V5XNSbr4='; base-uri 'none'; form-action 'none'";

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
            prose(&integrity.explanation()),
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
        rest.extend(integrity.notes.iter().map(|note| format!("<li>{}</li>", prose(note))));
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

    fn html_footer(&self) -> String {
        let item = |text: &String| format!("<li>{}</li>", prose(text));
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
    items.extend(it.remarks().iter().map(|remark| format!("<li>{}</li>", prose(remark))));
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
        prose(&it.message)
    )
}

fn more(left: u64, what: &str) -> String {
    match left {
        0 => String::new(),
        left => format!("<p class=\"more\">and {}</p>", count(left, &format!("more {what}"))),
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
