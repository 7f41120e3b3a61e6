//! What is looked for, as it is given on the command line.

use anyhow::{anyhow, bail};
use audit_condition::{Condition, Path};
use audit_model::{EventPattern, EventType, Timestamp};
use audit_search::Query;
use clap::Args;

use crate::moment::moment;

#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Only events of which this condition is true: "event_type like '%failed%' and actor.id != 'ci'" (docs/conditions.md)
    #[arg(long = "where", value_name = "CONDITION", allow_hyphen_values = true)]
    condition: Option<String>,
    /// Leave out what happened before: a time, a date (midnight in UTC), `now`, or how long ago, such as 7d or 90m
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Leave out what happened at this time or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only events of this type; `*` stands for anything: 'backup.*'. May be given many times: one is enough
    #[arg(long = "type", value_name = "PATTERN")]
    types: Vec<EventPattern>,
    /// Only what this actor (actor.id) did. May be given many times: one is enough
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    actor: Vec<String>,
}

impl Terms {
    /// The query, and what is odd about it.
    pub(crate) fn query(&self, fields: Vec<Path>) -> anyhow::Result<(Query, Vec<String>)> {
        let condition = self.condition.as_deref().map(Condition::parse).transpose()?;
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            bail!("--since {since} is not before --until {until}: nothing is left to search");
        }
        let query = Query {
            condition,
            since: self.since,
            until: self.until,
            types: self.types.clone(),
            actors: self.actor.clone(),
            fields,
        };
        Ok((query, self.types.iter().filter_map(warning).collect()))
    }
}

/// The paths of a list such as ``actor.id,details.`a,b` ``.
pub(crate) fn paths(option: &str, list: &str) -> anyhow::Result<Vec<Path>> {
    let mut is_quoted = false;
    let separates = |c: char| {
        is_quoted ^= c == '`';
        c == ',' && !is_quoted
    };
    let names = list.split(separates).map(str::trim).collect::<Vec<_>>();
    if names.contains(&"") {
        bail!(
            "{option} {list}: expected fields with commas between them, such as timestamp,actor.id,details.reason"
        );
    }
    names.into_iter().map(|name| Path::parse(name).map_err(|error| anyhow!("{option}: {error}"))).collect()
}

/// That no type known to us is meant, and which may be: an event may be of any other type as well.
fn warning(pattern: &EventPattern) -> Option<String> {
    let mut known = EventType::CATALOGUE.iter().map(|(known, _)| known);
    if known.any(|known| pattern.matches(known)) {
        return None;
    }
    let nearest = nearest(pattern.as_str())?;
    Some(format!("warning: --type {pattern}: no known type of events is called so; did you mean {nearest}?"))
}

/// The known type, or the pattern of known types, that is most like it.
fn nearest(pattern: &str) -> Option<String> {
    let written: Vec<&str> = pattern.split('.').collect();
    let like = |known: &EventType| {
        let names: Vec<&str> = known.as_str().split('.').collect();
        let same_form = names.len() == written.len();
        let of_pattern = |(name, written): (&&str, &&str)| {
            if *written == "*" { "*".to_owned() } else { (*name).to_owned() }
        };
        let text = match same_form {
            true => names.iter().zip(&written).map(of_pattern).collect::<Vec<_>>().join("."),
            false => known.as_str().to_owned(),
        };
        (strsim::jaro_winkler(&text, pattern), text)
    };
    let likely = EventType::CATALOGUE.iter().map(|(known, _)| like(known));
    let best = likely.filter(|(likeness, _)| *likeness > 0.85).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_type_or_pattern_is_named() {
        for (written, meant) in [
            ("backup.complete", "backup.completed"),
            ("bakcup.*", "backup.*"),
            ("*.faild", "*.failed"),
            ("acess.denied", "access.denied"),
        ] {
            assert_eq!(nearest(written).as_deref(), Some(meant), "{written}");
        }
        for (pattern, is_odd) in [
            ("backup.*", false),
            ("*", false),
            ("bakcup.*", true),
            ("billing.*", false),
            ("auth.login", false),
        ] {
            assert_eq!(warning(&pattern.parse().unwrap()).is_some(), is_odd, "{pattern}");
        }
    }

    #[test]
    fn a_comma_in_back_quotes_separates_nothing() {
        let names =
            |list: &str| paths("--fields", list).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("actor.id, details.`a,b`,timestamp"), ["actor.id", "details.`a,b`", "timestamp"]);
        for (list, told) in
            [("", "expected fields"), ("a,,b", "expected fields"), ("actor.idd", "did you mean actor.id?")]
        {
            let error = paths("--fields", list).unwrap_err().to_string();
            assert!(error.contains(told), "{list}: {error}");
        }
    }
}
