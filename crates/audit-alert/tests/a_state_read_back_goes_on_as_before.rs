//! The state can be written and read at any point of the stream: what is told afterwards is the same.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{Alert, Rule, RuleOptions, Rules, State};
use audit_condition::Condition;
use proptest::prelude::*;
use stream::{
    DENIED, Happening, by_actor, event, minutes, options, play, preceded_by, rule, seconds, time, told,
};

fn named(name: &str, condition: &str, options: RuleOptions) -> Rule {
    Rule::new(name, Condition::parse(condition).unwrap(), options).unwrap()
}

/// Every kind of rule, with bounds so small that all of them are met.
fn all_kinds() -> Vec<Rule> {
    let spike = || RuleOptions { threshold: 3, window: seconds(20), group_by: by_actor(), ..options() };
    let login = preceded_by("event_type == 'auth.failed'", 2, seconds(30));
    vec![
        named("each", DENIED, RuleOptions { max_alerts: 4, ..options() }),
        named("spike", DENIED, spike()),
        named("few-groups", DENIED, RuleOptions { max_groups: 2, max_alerts: 1, threshold: 2, ..spike() }),
        named("quiet", "event_type == 'auth.login'", RuleOptions { absent_for: minutes(1), ..options() }),
        named(
            "quiet-each",
            DENIED,
            RuleOptions { absent_for: minutes(1), group_by: by_actor(), ..options() },
        ),
        named("after", "event_type == 'auth.login'", RuleOptions { preceded_by: login.clone(), ..options() }),
        named("after-many", DENIED, RuleOptions { preceded_by: login, threshold: 2, ..spike() }),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = (
        0i64..20_000,
        -50_000i64..5000,
        prop::option::weighted(0.9, 0usize..5),
        prop::sample::select(vec!["access.denied", "auth.failed", "auth.login", "backup.started"]),
        any::<bool>(),
    );
    prop::collection::vec(one, 1..80).prop_map(|all| {
        let mut now = 0;
        let mut out: Vec<Happening> = Vec::new();
        for (number, (pause, late, actor, event_type, again)) in all.into_iter().enumerate() {
            // Now and then the clock is set back.
            now += if pause % 50 == 0 { -pause } else { pause };
            let again = out.last().and_then(|last| last.event.clone()).filter(|_| again && pause % 7 == 0);
            let event = again.or_else(|| {
                Some(event(
                    now + late.min(1000),
                    event_type,
                    ["ann", "bob", "eve", "joe", "?"][actor?],
                    &number.to_string(),
                ))
            });
            out.push(Happening { now, event });
        }
        out
    })
}

fn written_and_read(state: &State) -> State {
    let text = serde_json::to_string(state).unwrap();
    let read: State = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text, "what is read is what was written");
    read
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn split_anywhere_it_tells_the_same(happenings in happenings()) {
        let rules = Rules::new(all_kinds()).unwrap();
        let (mut whole, mut split) = (State::default(), State::default());
        for happening in &happenings {
            let expected = play(&rules, &mut whole, happening);
            split = written_and_read(&split);
            prop_assert_eq!(play(&rules, &mut split, happening), expected);
            prop_assert_eq!(rules.next_tick(&split), rules.next_tick(&whole));
        }
        prop_assert_eq!(serde_json::to_string(&split).unwrap(), serde_json::to_string(&whole).unwrap());
        let counters: Vec<_> = whole.counters().collect();
        prop_assert_eq!(split.counters().collect::<Vec<_>>(), counters);
    }

    #[test]
    fn the_same_stream_tells_the_same_each_time(happenings in happenings()) {
        let rules = Rules::new(all_kinds()).unwrap();
        let all = || {
            let mut state = State::default();
            happenings.iter().flat_map(|happening| play(&rules, &mut state, happening)).collect::<Vec<Alert>>()
        };
        prop_assert_eq!(all(), all());
    }
}

fn spike_of_three(rules: &Rules, state: &mut State, from: i64, count: i64) -> String {
    let alerts: Vec<Alert> = (from..from + count)
        .flat_map(|at| rules.observe(state, &event(at, "access.denied", "bob", &at.to_string()), time(at)))
        .collect();
    told(&alerts)
}

fn three() -> RuleOptions {
    RuleOptions { threshold: 3, window: minutes(1), ..options() }
}

#[test]
fn a_spike_across_a_restart_is_neither_missed_nor_told_twice() {
    let rules = Rules::new(vec![rule(DENIED, three())]).unwrap();
    let mut state = State::default();
    assert_eq!(spike_of_three(&rules, &mut state, 0, 2), "");
    let mut state = written_and_read(&state);
    assert_eq!(spike_of_three(&rules, &mut state, 2, 1), "fired 3");
    let mut state = written_and_read(&state);
    assert_eq!(spike_of_three(&rules, &mut state, 3, 20), "");
}

#[test]
fn a_rule_that_counts_otherwise_starts_anew_and_one_that_is_told_otherwise_goes_on() {
    let changed = |condition: &str, options: RuleOptions| {
        let mut state = State::default();
        spike_of_three(&Rules::new(vec![rule(DENIED, three())]).unwrap(), &mut state, 0, 2);
        let mut state = written_and_read(&state);
        spike_of_three(&Rules::new(vec![rule(condition, options)]).unwrap(), &mut state, 2, 1)
    };
    assert_eq!(changed(DENIED, three()), "fired 3");
    assert_eq!(
        changed(DENIED, RuleOptions { severity: audit_alert::Severity::Critical, ..three() }),
        "fired 3"
    );
    assert_eq!(changed(DENIED, RuleOptions { cooldown: minutes(9), max_groups: 3, ..three() }), "fired 3");
    assert_eq!(changed("event_type = 'access.denied'", three()), "");
    assert_eq!(changed(DENIED, RuleOptions { window: minutes(2), ..three() }), "");
    assert_eq!(changed(DENIED, RuleOptions { group_by: by_actor(), ..three() }), "");
}

#[test]
fn a_rule_that_gets_its_first_duration_or_loses_its_last_starts_anew() {
    let each = || Rules::new(vec![rule(DENIED, options())]).unwrap();
    let with_cooldown =
        || Rules::new(vec![rule(DENIED, RuleOptions { cooldown: minutes(1), ..options() })]).unwrap();
    let mut state = State::default();
    assert_eq!(spike_of_three(&each(), &mut state, 0, 1), "fired 1");
    assert_eq!(spike_of_three(&with_cooldown(), &mut state, 1, 2), "fired 1");
    assert_eq!(spike_of_three(&each(), &mut state, 3, 2), "fired 1, fired 1");
    assert_eq!(state.counters().next().unwrap().1.matched, 2);
}

#[test]
fn a_state_that_was_read_wants_to_be_called_at_once_and_a_new_one_does_not() {
    let rules = Rules::new(vec![rule(DENIED, three())]).unwrap();
    let mut state = State::default();
    assert_eq!(rules.next_tick(&state), None);
    spike_of_three(&rules, &mut state, 0, 3);
    assert_eq!(rules.next_tick(&state), Some(time(60_002)));
    let mut state = written_and_read(&state);
    assert_eq!(rules.next_tick(&state), Some(time(2)));
    assert_eq!(told(&rules.tick(&mut state, time(2))), "");
    assert_eq!(rules.next_tick(&state), Some(time(60_002)));
}

#[test]
fn rules_come_and_go_and_the_others_do_not_mind() {
    let spike = || named("spike", DENIED, three());
    let other = || named("other", "event_type == 'auth.login'", options());
    let mut state = State::default();
    spike_of_three(&Rules::new(vec![other(), spike()]).unwrap(), &mut state, 0, 2);
    assert_eq!(state.counters().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["other", "spike"]);
    let fewer = Rules::new(vec![spike()]).unwrap();
    assert_eq!(spike_of_three(&fewer, &mut state, 2, 1), "fired 3");
    assert_eq!(state.counters().count(), 1, "what a rule had that is gone is gone");
    assert_eq!(spike_of_three(&Rules::new(vec![]).unwrap(), &mut state, 3, 1), "");
    assert_eq!(spike_of_three(&fewer, &mut state, 4, 2), "", "it starts anew");
}

#[test]
fn a_state_of_another_version_is_refused_and_says_what_to_do() {
    let error = serde_json::from_str::<State>(r#"{"version":2,"clock":null,"rules":[]}"#).unwrap_err();
    assert!(
        error.to_string().starts_with("alert state of version 2; this program reads version 1: "),
        "{error}"
    );
}

#[test]
fn a_state_that_somebody_edited_does_no_harm() {
    let rules = Rules::new(all_kinds()).unwrap();
    let mut state = State::default();
    for at in 0..50 {
        let _ = rules.observe(
            &mut state,
            &event(at * 100, "access.denied", "bob", &at.to_string()),
            time(at * 100),
        );
    }
    let text = serde_json::to_string(&state).unwrap();
    for (from, to) in
        [("17672", "-99999999"), ("17672", "9999999"), (":3", ":18446744073709551615"), ("[", "[-1,")]
    {
        let Ok(mut state) = serde_json::from_str::<State>(&text.replace(from, to)) else { continue };
        let _ = rules.observe(&mut state, &event(6000, "access.denied", "bob", "x"), time(6000));
        let _ = rules.tick(&mut state, time(1_000_000));
    }
}
