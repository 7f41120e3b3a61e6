//! Made-up events for tests of those who are told.

use audit_condition::{Condition, Explanation};
use audit_model::{Action, Actor, Context, Event, EventType, Resource, Timestamp, Value};

/// An event of which the condition is true, as far as one can be made up. It never says that it is somebody real's.
pub(crate) fn sample(condition: &Condition, now: Timestamp) -> Event {
    let types = EventType::CATALOGUE.iter().map(|(event_type, _)| event_type.clone());
    let own = super::loggable::quoted(condition.as_str()).into_iter().filter_map(|text| text.parse().ok());
    let mut best: Option<(usize, Event)> = None;
    for event_type in own.chain(types).filter(|it: &EventType| condition.may_match_type(it.as_str())) {
        let event = adapted(condition, plain(event_type, now), now);
        let wrong = wrong_parts(&condition.explain(&event, now)).len();
        if best.as_ref().is_none_or(|(least, _)| wrong < *least) {
            best = Some((wrong, event));
        }
        if wrong == 0 {
            break;
        }
    }
    best.map_or_else(|| plain(EventType::AUTH_LOGIN, now), |(_, event)| event)
}

fn plain(event_type: EventType, now: Timestamp) -> Event {
    let mut event = Event::at(now, event_type);
    event.actor = Some(Actor::user("test@example.com"));
    event.action = Some(Action::success("test"));
    event.resource = Some(Resource::new("test", "test"));
    let mut context = Context::new();
    context.environment = Some("test".to_owned());
    event.context = Some(context);
    event
}

/// The event with the values that the condition compares with.
fn adapted(condition: &Condition, event: Event, now: Timestamp) -> Event {
    let Ok(mut value) = serde_json::to_value(&event) else { return event };
    for part in wrong_parts(&condition.explain(&event, now)) {
        if let (Some(name), Some(literal)) =
            (part.found().first().map(|found| &found.name), literal(part.text()))
        {
            set(&mut value, name, literal);
        }
    }
    Event::from_value(value, now).unwrap_or(event)
}

/// The comparisons that keep it from being true.
fn wrong_parts(explanation: &Explanation) -> Vec<&Explanation> {
    if explanation.is_true() {
        return Vec::new();
    }
    match explanation.parts() {
        [] => vec![explanation],
        parts => parts.iter().flat_map(wrong_parts).collect(),
    }
}

/// What a comparison for equality compares with: `'production'` of `context.environment == 'production'`.
fn literal(comparison: &str) -> Option<Value> {
    let (_, right) = ["==", "=", " in "].iter().find_map(|sign| comparison.split_once(sign))?;
    let right = right.trim().trim_start_matches('(').trim();
    let text = match right.chars().next()? {
        quote @ ('\'' | '"') => return Some(right[1..].split(quote).next()?.into()),
        _ => right.split([',', ')']).next()?.trim(),
    };
    serde_json::from_str(text).ok().filter(|value: &Value| !value.is_object() && !value.is_array())
}

fn set(event: &mut Value, path: &str, value: Value) {
    let mut at = event;
    for name in path.split('.') {
        // What is no object already, is not to become one.
        let Some(object) = at.as_object_mut() else { return };
        at = object.entry(name).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    *at = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_what_the_condition_is_about() {
        let now = Timestamp::from_milliseconds(1_700_000_000_000).unwrap();
        for condition in [
            "event_type == 'backup.failed'",
            "event_type == 'restore.started' and context.environment == 'production'",
            "event_type in ('orders.placed') and details.total.amount = 7 and actor.id in (\"bob\", 'eve')",
            "event_type like 'backup.%' and action.result != 'failure'",
            "not (actor.type = 'system') and details.force == true",
        ] {
            let condition = Condition::parse(condition).unwrap();
            let event = sample(&condition, now);
            assert!(condition.matches(&event, now), "{}", condition.explain(&event, now));
        }
        // There is no such event, and one is made all the same.
        let never = Condition::parse("details.x > 5 and details.y matches '^[a-z]{40}$'").unwrap();
        assert_eq!(sample(&never, now).timestamp, now);
    }
}
