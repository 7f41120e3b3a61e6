use audit_retention::s3::{After, Move, Rule};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    Transition,
};

/// What of a rule of S3 matters for a plan.
pub(crate) fn read(rule: &LifecycleRule) -> Rule {
    let filter = rule.filter();
    let and = filter.and_then(LifecycleRuleFilter::and);
    let prefix = base_prefix(rule)
        .or_else(|| filter.and_then(LifecycleRuleFilter::prefix))
        .or_else(|| and.and_then(|and| and.prefix()));
    let mut transitions: Vec<Move> = rule.transitions().iter().map(read_transition).collect();
    transitions.sort_by_key(|to| to.after);
    let expiration = rule.expiration();
    Rule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        prefix: prefix.unwrap_or_default().to_owned(),
        tagged: filter.is_some_and(|filter| filter.tag().is_some())
            || and.is_some_and(|and| !and.tags().is_empty()),
        sized: filter.is_some_and(|filter| {
            filter.object_size_greater_than().is_some() || filter.object_size_less_than().is_some()
        }) || and.is_some_and(|and| {
            and.object_size_greater_than().is_some() || and.object_size_less_than().is_some()
        }),
        expiration: expiration.and_then(|expiration| match (expiration.date(), expiration.days()) {
            (Some(_), _) => Some(After::Date),
            (None, days) => days.map(|days| After::Days(number(days))),
        }),
        noncurrent_days: rule
            .noncurrent_version_expiration()
            .and_then(NoncurrentVersionExpiration::noncurrent_days)
            .map(number),
        expired_markers: expiration
            .and_then(LifecycleExpiration::expired_object_delete_marker)
            .unwrap_or_default(),
        transitions,
    }
}

fn read_transition(transition: &Transition) -> Move {
    Move {
        after: match transition.date() {
            Some(_) => After::Date,
            None => After::Days(transition.days().map_or(0, number)),
        },
        storage_class: transition.storage_class().map_or_else(String::new, |class| class.as_str().to_owned()),
    }
}

/// A rule of ours as S3 wants it. `base_prefix`: with the prefix where rules had it before there were filters, since S3 takes
/// no document that has rules of both kinds.
pub(crate) fn write(rule: &Rule, with_base_prefix: bool) -> Result<LifecycleRule, BuildError> {
    let mut written = LifecycleRule::builder().id(&rule.id).status(if rule.enabled {
        ExpirationStatus::Enabled
    } else {
        ExpirationStatus::Disabled
    });
    if with_base_prefix {
        #[expect(deprecated, reason = "other rules have it there")]
        {
            written = written.prefix(&rule.prefix);
        }
    } else {
        written = written.filter(LifecycleRuleFilter::builder().prefix(&rule.prefix).build());
    }
    if let Some(After::Days(days)) = rule.expiration {
        written = written.expiration(LifecycleExpiration::builder().days(signed(days)).build());
    } else if rule.expired_markers {
        written =
            written.expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
    }
    if let Some(days) = rule.noncurrent_days {
        let expiration = NoncurrentVersionExpiration::builder().noncurrent_days(signed(days)).build();
        written = written.noncurrent_version_expiration(expiration);
    }
    for to in &rule.transitions {
        if let After::Days(days) = to.after {
            let class = to.storage_class.as_str().into();
            written =
                written.transitions(Transition::builder().days(signed(days)).storage_class(class).build());
        }
    }
    written.build()
}

/// The prefix of a rule from before there were filters.
pub(crate) fn base_prefix(rule: &LifecycleRule) -> Option<&str> {
    #[expect(deprecated, reason = "old rules have it there")]
    rule.prefix()
}

fn number(days: i32) -> u32 {
    u32::try_from(days).unwrap_or(0)
}

fn signed(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use audit_retention::s3::{After, Move, Rule};
    use aws_sdk_s3::types::{
        ExpirationStatus, LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, Tag,
    };

    use super::{base_prefix, read, write};

    fn rule() -> Rule {
        let to = |days, class: &str| Move { after: After::Days(days), storage_class: class.into() };
        Rule {
            id: "audit-log:a/chain=".into(),
            enabled: true,
            prefix: "a/chain=".into(),
            tagged: false,
            sized: false,
            expiration: Some(After::Days(365)),
            noncurrent_days: Some(1),
            expired_markers: false,
            transitions: vec![to(30, "STANDARD_IA"), to(90, "GLACIER")],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let markers = Rule {
            expiration: None,
            noncurrent_days: None,
            expired_markers: true,
            transitions: Vec::new(),
            ..rule()
        };
        for rule in [rule(), markers] {
            for with_base_prefix in [false, true] {
                let written = write(&rule, with_base_prefix).expect("it has a status");
                assert_eq!(base_prefix(&written).is_some(), with_base_prefix);
                assert_eq!(read(&written), rule);
            }
        }
    }

    #[test]
    fn filters_are_seen_wherever_they_stand() {
        let tag = || Tag::builder().key("k").value("v").build().expect("it has a key and a value");
        let of = |filter: LifecycleRuleFilter| {
            let rule = LifecycleRule::builder().status(ExpirationStatus::Disabled).filter(filter).build();
            let rule = read(&rule.expect("it has a status"));
            assert!(!rule.enabled);
            (rule.prefix, rule.tagged, rule.sized)
        };
        let filter = LifecycleRuleFilter::builder;
        let and = || LifecycleRuleAndOperator::builder().prefix("p/");
        assert_eq!(of(filter().build()), (String::new(), false, false));
        assert_eq!(of(filter().tag(tag()).build()), (String::new(), true, false));
        assert_eq!(of(filter().object_size_less_than(1).build()), (String::new(), false, true));
        assert_eq!(of(filter().and(and().tags(tag()).build()).build()), ("p/".to_owned(), true, false));
        assert_eq!(
            of(filter().and(and().object_size_greater_than(1).build()).build()),
            ("p/".to_owned(), false, true)
        );
    }
}
