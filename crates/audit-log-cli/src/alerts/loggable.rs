//! Which events a configuration logs, as far as its rules are concerned.

use audit_condition::Condition;
use audit_config::{Config, process_environment};
use audit_model::{Event, EventPattern, EventType};
use audit_pipeline::Selection;

/// What is logged: what all of the selections let through.
#[derive(Default)]
pub(crate) struct Loggable {
    selections: Vec<Selection>,
    lists: Vec<Lists>,
}

/// Which types of events, among others.
struct Lists {
    events: Vec<EventPattern>,
    exclude_events: Vec<EventPattern>,
}

impl Loggable {
    pub(crate) fn of(config: &Config) -> Self {
        let mut loggable = Self::default();
        let selection = Selection::default().actors(config.actors.clone());
        let selection = selection.exclude_actors(config.exclude_actors.clone());
        loggable.add(selection, &config.events, &config.exclude_events, config.condition.as_deref());
        // A single file that selects is the log, and nothing else sees the rest.
        let log = config.journal(&process_environment).and_then(|journal| journal.destination);
        if let (Some(0), [only]) = (log, config.destinations.as_slice()) {
            let selection = Selection::default();
            loggable.add(selection, &only.events, &only.exclude_events, only.condition.as_deref());
        }
        loggable
    }

    fn add(
        &mut self,
        selection: Selection,
        events: &[EventPattern],
        exclude_events: &[EventPattern],
        condition: Option<&str>,
    ) {
        let mut selection =
            selection.events(events.iter().cloned()).exclude_events(exclude_events.iter().cloned());
        // It was read with the configuration, so it is one.
        if let Some(condition) = condition.and_then(|text| Condition::parse(text).ok()) {
            selection = selection.only(move |event| condition.matches(event, event.timestamp));
        }
        self.selections.push(selection);
        self.lists.push(Lists { events: events.to_vec(), exclude_events: exclude_events.to_vec() });
    }

    pub(crate) fn is_logged(&self, event: &Event) -> bool {
        // What the log says of itself is not selected.
        event.event_type.is_reserved() || self.selections.iter().all(|selection| selection.selects(event))
    }

    fn is_type_logged(&self, event_type: &EventType) -> bool {
        let named = |patterns: &[EventPattern]| patterns.iter().any(|pattern| pattern.matches(event_type));
        let is_let_through = |lists: &Lists| {
            (lists.events.is_empty() || named(&lists.events)) && !named(&lists.exclude_events)
        };
        event_type.is_reserved() || self.lists.iter().all(is_let_through)
    }

    /// Why the condition can be true of no event that is logged, as far as that can be known from the types of events.
    pub(crate) fn why_never(&self, condition: &Condition) -> Option<String> {
        let all = self.candidates(condition);
        let fitting: Vec<&EventType> =
            all.iter().filter(|event_type| condition.may_match_type(event_type.as_str())).collect();
        if fitting.iter().any(|event_type| !event_type.is_alert() && self.is_type_logged(event_type)) {
            return None;
        }
        let shown: Vec<String> = fitting.iter().take(3).map(|event_type| format!("`{event_type}`")).collect();
        match (fitting.as_slice(), fitting.iter().all(|event_type| event_type.is_alert())) {
            // Types of one's own, say, that only a regular expression names.
            ([], _) => None,
            (_, true) => Some("is about alerts, and an alert cannot trigger an alert".to_owned()),
            (_, false) => Some(format!(
                "is about events that are not logged: `events` and `exclude_events` leave out {}{}",
                shown.join(", "),
                if fitting.len() > shown.len() { ", …" } else { "" }
            )),
        }
    }

    /// Types that there can be: those of the catalogue, those that the condition or the configuration names, and one for
    /// each pattern. Types of one's own have no list.
    fn candidates(&self, condition: &Condition) -> Vec<EventType> {
        let mut texts: Vec<String> =
            EventType::CATALOGUE.iter().map(|(event_type, _)| event_type.to_string()).collect();
        let written = quoted(condition.as_str());
        let categories: Vec<&str> = written.iter().filter_map(|text| Some(text.split_once('.')?.0)).collect();
        texts.extend(categories.iter().map(|category| format!("{category}.any")));
        for lists in &self.lists {
            for pattern in &lists.events {
                texts.push(pattern.as_str().replace('*', "any"));
                if let Some(ending) = pattern.as_str().strip_prefix("*.") {
                    texts.extend(categories.iter().map(|category| format!("{category}.{ending}")));
                }
            }
        }
        texts.extend(written);
        texts.push("any.any".to_owned());
        texts.sort();
        texts.dedup();
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

/// What stands between quotes.
pub(crate) fn quoted(condition: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = condition;
    while let Some(begin) = rest.find(['\'', '"']) {
        let quote = &rest[begin..=begin];
        let inner = &rest[begin + 1..];
        let Some(end) = inner.find(quote) else { break };
        texts.push(inner[..end].to_owned());
        rest = &inner[end + 1..];
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loggable(events: &[&str], exclude_events: &[&str]) -> Loggable {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        let mut loggable = Loggable::default();
        loggable.add(Selection::default(), &patterns(events), &patterns(exclude_events), None);
        loggable
    }

    #[test]
    fn a_rule_about_what_is_not_logged_is_found() {
        let some = loggable(&["backup.*", "*.failed", "orders.placed"], &["backup.checkpoint"]);
        for (condition, fires) in [
            ("event_type == 'backup.failed'", true),
            ("event_type == 'auth.failed'", true),
            ("event_type like 'payments.%'", true),
            ("event_type == 'orders.placed'", true),
            ("event_type == 'orders.cancelled'", false),
            ("event_type == 'backup.checkpoint'", false),
            ("event_type == 'backup.own'", true),
            ("event_type in ('config.changed', 'access.denied')", false),
            ("event_type in ('config.changed', 'backup.started')", true),
            ("event_type like 'access.d%'", false),
            ("actor.id == 'bob'", true),
            ("event_type != 'backup.failed'", true),
            ("event_type == 'alert.fired'", false),
        ] {
            let why = some.why_never(&Condition::parse(condition).unwrap());
            assert_eq!(why.is_none(), fires, "{condition}: {why:?}");
        }
        let all = loggable(&[], &[]);
        for condition in ["event_type like 'own.%'", "event_type matches '^x'", "event_type == 'a.b'"] {
            assert_eq!(all.why_never(&Condition::parse(condition).unwrap()), None, "{condition}");
        }
    }

    #[test]
    fn quoted_texts_are_found_in_either_quotes() {
        assert_eq!(quoted(r#"a == 'x.y' or b in ("it's", 'z"')"#), ["x.y", "it's", "z\""]);
        assert_eq!(quoted("no 'end"), Vec::<String>::new());
    }
}
