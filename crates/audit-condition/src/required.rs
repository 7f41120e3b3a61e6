//! What must stand in an event's JSON for a condition to be true of it.

use regex_syntax::hir::{Hir, HirKind};

use crate::Path;
use crate::expr::{Affix, CompareOp, Expr, Literal, Node, Term, TestKind};
use crate::field::Field;
use crate::like::{LikePart, LikePattern};
use crate::path::Place;

/// A text that stands in an event's JSON, as a string or in one: as it is read, JSON's escapes decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RequiredText {
    /// The text; never empty.
    pub text: Box<str>,
    /// Whether the JSON string begins with it.
    pub begins: bool,
    /// Whether the JSON string ends with it.
    pub ends: bool,
}

/// Groups of texts: of each, one at least must be there. A group of none says that the condition is never true.
pub(crate) type Groups = Vec<Vec<RequiredText>>;

impl RequiredText {
    fn whole(text: &str) -> Self {
        Self { text: text.into(), begins: true, ends: true }
    }

    fn part(text: &str) -> Self {
        Self { text: text.into(), begins: false, ends: false }
    }
}

impl Node {
    /// The texts that an event must have for this to be true of it, or to be false if `negated`.
    pub(crate) fn required(&self, negated: bool) -> Groups {
        match &self.expr {
            Expr::Constant(constant) if *constant == negated => vec![Vec::new()],
            Expr::Constant(_) => Vec::new(),
            Expr::Not(part) => part.required(!negated),
            Expr::And(parts) | Expr::Or(parts) => {
                let mut each = parts.iter().map(|part| part.required(negated));
                match matches!(self.expr, Expr::And(_)) != negated {
                    true => each.flatten().collect(),
                    false => each
                        .try_fold(Vec::new(), |mut all, groups| {
                            all.extend(most_telling(groups)?);
                            Some(all)
                        })
                        .into_iter()
                        .collect(),
                }
            }
            Expr::Test(test) if test.negated == negated => test.kind.required(),
            Expr::Test(_) => Vec::new(),
        }
    }

    /// Every path that is read, each once.
    pub(crate) fn paths<'n>(&'n self, found: &mut Vec<&'n Path>) {
        match &self.expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| part.paths(found)),
            Expr::Not(part) => part.paths(found),
            Expr::Constant(_) => {}
            Expr::Test(test) => {
                for path in test.kind.paths() {
                    if !found.contains(&path) {
                        found.push(path);
                    }
                }
            }
        }
    }
}

/// The group whose shortest text is longest: that is found in the fewest places.
fn most_telling(groups: Groups) -> Option<Vec<RequiredText>> {
    groups.into_iter().max_by_key(|group| group.iter().map(|one| one.text.len()).min().unwrap_or(usize::MAX))
}

impl TestKind {
    fn paths(&self) -> Vec<&Path> {
        match self {
            Self::ComparePaths { left, right, .. } => [left, right].map(of_path_term).to_vec(),
            Self::Exists { path } => vec![path],
            _ => self.term().map(|(path, _)| path).into_iter().collect(),
        }
    }

    fn required(&self) -> Groups {
        let paths = self.paths();
        // It has a value of its own when there is none in the JSON.
        if paths.iter().any(|path| path.is(Field::Version)) {
            return Vec::new();
        }
        let mut groups = match self {
            Self::Compare { term: Term::Path(_), op: CompareOp::Equal, literal: Literal::Text(text) } => {
                vec![vec![RequiredText::whole(text)]]
            }
            Self::In { term: Term::Path(_), list } => {
                let text = |literal: &Literal| match literal {
                    Literal::Text(text) => Some(RequiredText::whole(text)),
                    _ => None,
                };
                list.iter().map(text).collect::<Option<Vec<_>>>().into_iter().collect()
            }
            Self::Like { pattern, .. } => like(pattern),
            Self::Affix { affix, text, .. } => vec![vec![RequiredText {
                text: text.clone(),
                begins: *affix == Affix::StartsWith,
                ends: *affix == Affix::EndsWith,
            }]],
            Self::Regex { regex, .. } => in_regex(regex.as_str()),
            _ => Vec::new(),
        };
        // A field of no fixed name is there under its names, and under no other.
        for path in paths {
            if let Place::Free(_, keys) = &path.place {
                groups.extend(keys.iter().map(|key| vec![RequiredText::whole(key)]));
            }
        }
        groups.retain(|group| group.iter().all(|one| !one.text.is_empty()));
        groups
    }
}

fn of_path_term(term: &Term) -> &Path {
    match term {
        Term::Path(path) | Term::Clock(_, path) => path,
    }
}

fn like(pattern: &LikePattern) -> Groups {
    if pattern.ignore_case {
        return Vec::new();
    }
    let literal = |part: &LikePart| match part {
        LikePart::Char(c) => Some(*c),
        LikePart::Any | LikePart::One => None,
    };
    let is_wild = |part: &LikePart| literal(part).is_none();
    let runs: Vec<String> =
        pattern.parts.split(is_wild).map(|run| run.iter().filter_map(literal).collect()).collect();
    let last = runs.len() - 1;
    let required = |(index, text): (usize, String)| RequiredText {
        text: text.into(),
        begins: index == 0,
        ends: index == last,
    };
    let texts = runs.into_iter().enumerate().map(required);
    texts.filter(|one| !one.text.is_empty()).map(|one| vec![one]).collect()
}

/// The literal pieces of what is matched one after another; nothing of alternatives and repetitions.
fn in_regex(regex: &str) -> Groups {
    fn collect(hir: &Hir, found: &mut Groups) {
        match hir.kind() {
            HirKind::Literal(literal) => {
                if let Ok(text) = std::str::from_utf8(&literal.0) {
                    found.push(vec![RequiredText::part(text)]);
                }
            }
            HirKind::Capture(capture) => collect(&capture.sub, found),
            HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, found)),
            HirKind::Repetition(repetition) if repetition.min > 0 => collect(&repetition.sub, found),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(hir) = regex_syntax::parse(regex) {
        collect(&hir, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::Condition;

    fn required(condition: &str) -> String {
        let groups = Condition::parse(condition).unwrap().required_texts();
        let text = |one: &super::RequiredText| {
            let quote = |is_there| if is_there { "\"" } else { "" };
            format!("{}{}{}", quote(one.begins), one.text, quote(one.ends))
        };
        let group = |group: &Vec<super::RequiredText>| group.iter().map(text).collect::<Vec<_>>().join("|");
        groups.iter().map(group).collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn texts_are_those_without_which_no_event_matches() {
        for (condition, texts) in [
            ("event_type == 'backup.failed' and actor.id == 'bob'", r#""backup.failed" & "bob""#),
            ("event_type in ('a.b', 'c.d')", r#""a.b"|"c.d""#),
            ("actor.id = 'bob' or actor.id = 'eve'", r#""bob"|"eve""#),
            ("actor.id = 'bob' or action.duration_ms > 5", ""),
            ("not (actor.id != 'bob' or resource.id != 'x')", r#""bob" & "x""#),
            ("actor.id != 'bob'", ""),
            ("not actor.id = 'bob'", ""),
            ("actor.id like 'a_c%def'", r#""a & c & def""#),
            ("actor.id like 'bob'", r#""bob""#),
            ("actor.id ilike 'bob'", ""),
            (
                "actor.id contains 'x' and actor.id starts_with 'y' and actor.id ends_with 'z'",
                r#"x & "y & z""#,
            ),
            ("actor.id matches '^ab+(cd)?e.*(fg)'", "a & b & e & fg"),
            ("actor.id matches '(?i)abc|d'", ""),
            ("details.size > 5", r#""size""#),
            ("details.a.b = 'x'", r#""x" & "a" & "b""#),
            ("details.a is null", ""),
            ("timestamp > '2024-12-01'", ""),
            // One that is missing is 1.0.
            ("version = '1.0'", ""),
            ("event_id = ''", ""),
            ("false or actor.id = 'bob'", r#""bob""#),
            ("true or actor.id = 'bob'", ""),
        ] {
            assert_eq!(required(condition), texts, "{condition}");
        }
        assert_eq!(Condition::parse("false").unwrap().required_texts(), [vec![]]);
    }

    #[test]
    fn paths_are_all_that_is_read() {
        let text = "not (actor.id = 'bob' or hour(details.`at`.x) > 5) and actor.id = resource.id";
        let condition = Condition::parse(text).unwrap();
        let paths: Vec<String> = condition.paths().iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["actor.id", "details.at.x", "resource.id"]);
        assert_eq!(condition.paths()[1].names().collect::<Vec<_>>(), ["details", "at", "x"]);
        assert_eq!(condition.paths()[2].names().collect::<Vec<_>>(), ["resource", "id"]);
    }
}
