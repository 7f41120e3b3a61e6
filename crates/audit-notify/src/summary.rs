use audit_model::{Map, Value};

use crate::Status;

/// As much of one value as the line shows, in characters.
const MOST_OF_A_VALUE: usize = 120;
const MOST: usize = 600;

/// What happened, in one line.
pub(crate) fn of(rule: &str, status: Status, dot: &Map) -> String {
    let text = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        let value = rest.iter().try_fold(dot.get(*first)?, |value, name| value.get(name))?;
        one_line(value.as_str()?)
    };
    let mut line = one_line(rule).unwrap_or_default();
    line.push_str(": ");
    if status == Status::Resolved {
        line.push_str("resolved");
        if let Some(lasted) = text(&["lasted"]) {
            line.push_str(" after ");
            line.push_str(&lasted);
        }
        line.push_str(&of_group(dot.get("group")));
        return shortened(&line, MOST);
    }
    if let Some(alerts) = summed_up(dot) {
        line.push_str(&format!("{} within a minute", counted(alerts, "more alert")));
        if let Some(events) = dot.get("count").and_then(Value::as_u64).filter(|events| *events > 0) {
            line.push_str(&format!(" ({})", counted(events, "event")));
        }
        return shortened(&line, MOST);
    }
    if let Some(absent_for) = text(&["absent_for"]) {
        line.push_str("nothing for ");
        line.push_str(&absent_for);
        line.push_str(&of_group(dot.get("group")));
        return shortened(&line, MOST);
    }
    let count = dot.get("count").and_then(Value::as_u64).unwrap_or(1);
    if count > 1 {
        line.push_str(&format!("{count} × "));
    }
    line.push_str(&text(&["event_type"]).unwrap_or_else(|| "an event".to_owned()));
    if let Some(window) = text(&["window"]).filter(|_| count > 1) {
        line.push_str(" within ");
        line.push_str(&window);
    }
    let group = of_group(dot.get("group"));
    if group.is_empty() && count <= 1 {
        if let Some(actor) = text(&["actor", "id"]) {
            line.push_str(" by ");
            line.push_str(&actor);
        }
        if let Some(resource) = text(&["resource", "id"]) {
            line.push_str(" on ");
            if let Some(kind) = text(&["resource", "type"]) {
                line.push_str(&kind);
                line.push(' ');
            }
            line.push_str(&resource);
        }
    }
    line.push_str(&group);
    if let Some(environment) = text(&["context", "environment"]) {
        line.push_str(&format!(" ({environment})"));
    }
    shortened(&line, MOST)
}

/// How many alerts it sums up that were not told one by one, if that is what it is for.
pub(crate) fn summed_up(dot: &Map) -> Option<u64> {
    dot.get("summed_up").and_then(Value::as_u64)
}

/// `1 event`, `2 events`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn of_group(group: Option<&Value>) -> String {
    let members = group.and_then(Value::as_object).into_iter().flatten();
    let pairs = members.filter_map(|(path, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(format!("{}={}", one_line(path)?, one_line(&value)?))
    });
    let pairs: Vec<String> = pairs.take(5).collect();
    if pairs.is_empty() { String::new() } else { format!(" for {}", pairs.join(", ")) }
}

/// Nothing when only white space is left.
fn one_line(text: &str) -> Option<String> {
    let line = audit_template::Escape::HeaderLine.escaped(text);
    let line = line.trim();
    (!line.is_empty()).then(|| shortened(line, MOST_OF_A_VALUE))
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
