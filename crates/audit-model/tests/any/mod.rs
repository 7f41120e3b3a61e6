//! Strategies for whatever an event may hold.
#![allow(dead_code, unreachable_pub)]

use audit_model::{
    Action, Actor, Context, Event, EventId, EventType, MAX_SAFE_INTEGER, Map, Resource, Timestamp, Value,
};
use proptest::prelude::*;

pub fn number() -> impl Strategy<Value = Value> {
    let safe = MAX_SAFE_INTEGER as i64;
    prop_oneof![
        any::<i32>().prop_map(Value::from),
        (-safe..=safe).prop_map(Value::from),
        any::<f64>()
            .prop_filter("beyond the safe integers", move |f| f.abs() <= safe as f64)
            .prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        prop::sample::select(vec![0.0, -0.0, 1e-7, 5e-324, 1e15, 0.1, 123e-20, 9_007_199_254_740_991.0])
            .prop_map(Value::from),
    ]
}

/// Any text; often one with characters whose UTF-16 order is not that of their code points.
pub fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '\u{0}',
        '\u{1f}',
        '"',
        '\\',
        '/',
        '\u{7f}',
        'é',
        '\u{2028}',
        '\u{e000}',
        '\u{ffff}',
        '\u{10000}',
        '😀',
    ]);
    prop_oneof![any::<String>(), "[a-z_]{0,12}", prop::collection::vec(odd, 0..4).prop_map(String::from_iter),]
}

pub fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from)
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Extra fields with other names than `own`, and not null where that matters not.
fn extra(own: &'static [&'static str]) -> impl Strategy<Value = Map> {
    prop::collection::btree_map(text(), value(), 0..4)
        .prop_map(move |map| map.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect())
}

fn option(text: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text)
}

prop_compose! {
    fn action()(duration in prop::option::of(0..=MAX_SAFE_INTEGER), operation in option(text()), result in option(text()),
                extra in extra(&["duration_ms", "operation", "result"])) -> Action {
        let mut action = Action::default();
        (action.duration_ms, action.operation, action.extra) = (duration, operation, extra);
        action.result = result.map(Into::into);
        action
    }
}

prop_compose! {
    fn actor()(id in option(text()), address in option(text()), roles in prop::collection::vec(text(), 0..3),
               kind in option(text()), agent in option(text()),
               extra in extra(&["id", "ip_address", "roles", "type", "user_agent"])) -> Actor {
        let mut actor = Actor::default();
        (actor.id, actor.ip_address, actor.roles, actor.user_agent, actor.extra) = (id, address, roles, agent, extra);
        actor.actor_type = kind.map(Into::into);
        actor
    }
}

prop_compose! {
    fn context()(cluster in option(text()), correlation in option(text()), environment in option(text()),
                 extra in extra(&["cluster_id", "correlation_id", "environment"])) -> Context {
        let mut context = Context::new();
        (context.cluster_id, context.correlation_id, context.environment) = (cluster, correlation, environment);
        context.extra = extra;
        context
    }
}

prop_compose! {
    fn resource()(id in option(text()), path in option(text()), kind in option(text()),
                  extra in extra(&["id", "path", "type"])) -> Resource {
        let mut resource = Resource::default();
        (resource.id, resource.path, resource.resource_type, resource.extra) = (id, path, kind, extra);
        resource
    }
}

const OWN: &[&str] =
    &["action", "actor", "context", "details", "event_id", "event_type", "resource", "timestamp", "version"];

prop_compose! {
    pub fn event()(
        timestamp in -62_167_219_200_000_i64..=253_402_207_200_000,
        event_type in prop_oneof!["[a-z]{1,8}\\.[a-z_]{1,8}", prop::sample::select(EventType::CATALOGUE).prop_map(|t| t.0.to_string())],
        (action, actor) in (prop::option::of(action()), prop::option::of(actor())),
        (context, resource) in (prop::option::of(context()), prop::option::of(resource())),
        details in extra(&[]),
        (id, version) in (text(), text()),
        extra in extra(OWN),
    ) -> Event {
        let mut event = Event::at(Timestamp::from_milliseconds(timestamp).unwrap(), event_type.parse().unwrap());
        (event.action, event.actor, event.context, event.resource) = (action, actor, context, resource);
        (event.details, event.event_id, event.version, event.extra) = (details, EventId::from(id), version, extra);
        event
    }
}
