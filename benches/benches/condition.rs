//! What does it cost to try a condition, or a thousand of them, on an event?
//!
//! `cargo xtask bench condition`
//!
//! `Condition::matches` of a condition of two clauses, on events of which it is true (so that no side
//! is done after the first clause), beside the same expression in
//! - `wirefilter-engine`, compiled, a field each for the two;
//! - `cel`, compiled, a variable for the type and a map for the context;
//! - `evalexpr` (its last version under MIT), compiled to its tree, which has no dots in names: a variable each.
//!
//! They read a context of their own, not the event: it is made before the clock starts, which shows what trying alone
//! costs, and once more with the clock running, as it has to be for each event that comes (wirefilter's is filled anew,
//! the others' are made). A condition here reads the event itself, so the goals are for the latter.
//!
//! Then 1, 10, 100 and 1000 rules in a `ConditionSet`: each names an event type of its own, so that none is tried but
//! that of the event (1000 rules of which it is the only one); and 100 rules that name no type, which are tried each.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use audit_benches::{Sides, Table, events, is_measuring, rate};
use audit_condition::{Condition, ConditionSet};
use audit_model::{Event, EventType, Timestamp};
use cel::Program;
use criterion::{Criterion, Throughput};
use evalexpr::{ContextWithMutableVariables, HashMapContext, Node};
use wirefilter::{ExecutionContext, Filter, Scheme};

/// So few that they and the peers' contexts stay in the nearest cache, as an event that has just come is.
const COUNT: u32 = 16;

const CONDITION: &str = "event_type == 'restore.started' and context.environment == 'production'";
const CEL: &str = "event_type == 'restore.started' && context.environment == 'production'";
const WIREFILTER: &str = r#"event_type == "restore.started" && context.environment == "production""#;
const EVALEXPR: &str = r#"event_type == "restore.started" && context_environment == "production""#;

fn environment(event: &Event) -> &str {
    event.context.as_ref().and_then(|context| context.environment.as_deref()).unwrap_or_default()
}

fn cel_context(event: &Event) -> cel::Context<'static, 'static> {
    let mut context = cel::Context::empty();
    context.add_variable_from_value("event_type", event.event_type.as_str().to_owned());
    let members = HashMap::from([("environment".to_owned(), environment(event).to_owned())]);
    context.add_variable_from_value("context", members);
    context
}

fn fill<'e>(context: &mut ExecutionContext<'e>, event: &'e Event) {
    context.set_field_value("event_type", event.event_type.as_str()).expect("the field is bytes");
    context.set_field_value("context.environment", environment(event)).expect("the field is bytes");
}

fn evalexpr_context(event: &Event) -> HashMapContext {
    let mut context = HashMapContext::new();
    for (name, text) in
        [("event_type", event.event_type.as_str()), ("context_environment", environment(event))]
    {
        context.set_value(name.to_owned(), text.to_owned().into()).expect("a new name");
    }
    context
}

fn condition_turn(condition: &Condition, events: &[Event], now: Timestamp) {
    for event in events {
        assert!(black_box(condition).matches(black_box(event), now));
    }
}

fn wirefilter_turn<'s>(filter: &Filter<'s>, contexts: &[ExecutionContext<'s>]) {
    for context in contexts {
        assert!(filter.execute(black_box(context)).expect("one scheme"));
    }
}

fn cel_turn(program: &Program, contexts: &[cel::Context<'_, '_>]) {
    for context in contexts {
        assert!(matches!(program.execute(black_box(context)), Ok(cel::Value::Bool(true))));
    }
}

fn evalexpr_turn(tree: &Node, contexts: &[HashMapContext]) {
    for context in contexts {
        assert!(tree.eval_boolean_with_context(black_box(context)).expect("both variables are there"));
    }
}

fn set_turn(set: &ConditionSet, events: &[Event], now: Timestamp, expected: usize) {
    for event in events {
        let mut found = 0;
        black_box(set).matching(black_box(event), now, |_| found += 1);
        assert_eq!(found, expected);
    }
}

/// So many rules of a type each, the last of which is that of the events.
fn rules_by_type(count: usize) -> ConditionSet {
    let other =
        |number| format!("event_type == 'other.type_{number}' and context.environment == 'production'");
    let texts = (1..count).map(other).chain([CONDITION.to_owned()]);
    texts.map(|text| Condition::parse(&text).expect("a condition")).collect()
}

fn rules_without_type(count: usize) -> ConditionSet {
    let text = |number| format!("resource.id == 'backup-{number}' and context.environment == 'production'");
    (0..count).map(|number| Condition::parse(&text(number)).expect("a condition")).collect()
}

fn main() {
    let mut events = events(COUNT);
    for event in &mut events {
        event.event_type = EventType::RESTORE_STARTED;
    }
    let now = events[0].timestamp;

    let condition = Condition::parse(CONDITION).expect("a condition");
    let scheme = Scheme! { event_type: Bytes, context.environment: Bytes };
    let filter = scheme.parse(WIREFILTER).expect("a filter").compile();
    let program = Program::compile(CEL).expect("a program");
    let tree = evalexpr::build_operator_tree(EVALEXPR).expect("an expression");

    let cel_contexts: Vec<_> = events.iter().map(cel_context).collect();
    let wirefilter_contexts: Vec<_> = events
        .iter()
        .map(|event| {
            let mut context = ExecutionContext::new(&scheme);
            fill(&mut context, event);
            context
        })
        .collect();
    let evalexpr_contexts: Vec<_> = events.iter().map(evalexpr_context).collect();
    let sets = [1, 10, 100, 1000].map(rules_by_type);
    let tried = rules_without_type(100);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("condition on 16 events");
    group
        .throughput(Throughput::Elements(events.len() as u64))
        .sample_size(20)
        .measurement_time(Duration::from_secs(1));
    group.warm_up_time(Duration::from_millis(300));
    group.bench_function("audit-condition", |b| b.iter(|| condition_turn(&condition, &events, now)));
    group.bench_function("wirefilter", |b| b.iter(|| wirefilter_turn(&filter, &wirefilter_contexts)));
    group.bench_function("cel", |b| b.iter(|| cel_turn(&program, &cel_contexts)));
    group.bench_function("evalexpr", |b| b.iter(|| evalexpr_turn(&tree, &evalexpr_contexts)));
    for set in &sets {
        group.bench_function(format!("{} rules", set.conditions().len()), |b| {
            b.iter(|| set_turn(set, &events, now, 1));
        });
    }
    group.bench_function("100 rules without a type", |b| b.iter(|| set_turn(&tried, &events, now, 0)));
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        let timed =
            |turns: u64, work: &dyn Fn()| rate(turns * u64::from(COUNT), || (0..turns).for_each(|_| work()));
        let rates = Sides::new()
            .side("audit-condition", || timed(6400, &|| condition_turn(&condition, &events, now)))
            .side("wirefilter", || timed(1600, &|| wirefilter_turn(&filter, &wirefilter_contexts)))
            .side("cel", || timed(320, &|| cel_turn(&program, &cel_contexts)))
            .side("evalexpr", || timed(320, &|| evalexpr_turn(&tree, &evalexpr_contexts)))
            .side("wirefilter, context filled", || {
                timed(800, &|| {
                    let mut context = ExecutionContext::new(&scheme);
                    for event in &events {
                        fill(&mut context, event);
                        assert!(filter.execute(black_box(&context)).expect("one scheme"));
                    }
                })
            })
            .side("cel, context made", || {
                timed(160, &|| {
                    for event in &events {
                        cel_turn(&program, &[cel_context(event)]);
                    }
                })
            })
            .side("evalexpr, context made", || {
                timed(160, &|| {
                    for event in &events {
                        evalexpr_turn(&tree, &[evalexpr_context(event)]);
                    }
                })
            })
            .side("1 rule", || timed(3200, &|| set_turn(&sets[0], &events, now, 1)))
            .side("10 rules", || timed(3200, &|| set_turn(&sets[1], &events, now, 1)))
            .side("100 rules", || timed(3200, &|| set_turn(&sets[2], &events, now, 1)))
            .side("1000 rules", || timed(3200, &|| set_turn(&sets[3], &events, now, 1)))
            .side("100 rules without a type", || timed(160, &|| set_turn(&tried, &events, now, 0)))
            .measure(51);
        let mut table = Table::new("condition");
        table.ratio(&rates, "audit-condition", "wirefilter", None);
        table.ratio(&rates, "audit-condition", "cel", None);
        table.ratio(&rates, "audit-condition", "evalexpr", None);
        table.ratio(&rates, "audit-condition", "wirefilter, context filled", Some(10.0));
        table.ratio(&rates, "audit-condition", "cel, context made", Some(50.0));
        table.ratio(&rates, "audit-condition", "evalexpr, context made", None);
        table.ratio(&rates, "1000 rules", "1 rule", Some(0.02));
        for side in [
            "audit-condition",
            "wirefilter",
            "cel",
            "evalexpr",
            "wirefilter, context filled",
            "cel, context made",
            "evalexpr, context made",
            "1 rule",
            "10 rules",
            "100 rules",
            "1000 rules",
            "100 rules without a type",
        ] {
            table.note(format!("{:>10.1} ns an event  {side}", 1e9 / rates.median(side)));
        }
        table.print();
    }
}
