//! The grammar (in the README), by recursive descent: `and` and `or` are loops, so that only parentheses and `not`
//! take depth, which is bounded.

use std::ops::Range;

use crate::Path;
use crate::check::{self, Operand, OperandKind};
use crate::clock::{Clock, ClockPart, Zone};
use crate::error::{Fault, fault};
use crate::expr::{Affix, CompareOp, Expr, Node, Test, TestKind};
use crate::number::Number;
use crate::path::nearest_field;
use crate::token::{Segment, Symbol, Token, TokenKind, tokens};

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 64;

/// How many tests and list members a condition may have.
const MAX_NODES: usize = 16 * 1024;

/// How many regular expressions a condition may have, each of which may take a mebibyte.
const MAX_REGEXES: usize = 64;

/// Reads and checks a whole condition.
pub(crate) fn parse(source: &str) -> Result<Node, Fault> {
    let mut parser = Parser { source, tokens: tokens(source)?, at: 0, depth: 0, nodes: 0, regexes: 0 };
    let node = parser.disjunction()?;
    let next = parser.peek();
    match &next.kind {
        TokenKind::End => Ok(node),
        TokenKind::Symbol(Symbol::Close) => fault(&next.span, "this ) closes nothing"),
        TokenKind::Symbol(Symbol::Comma) => {
            fault(&next.span, "tests are joined by `and` or `or`, not by commas")
        }
        _ => fault(&next.span, "expected `and`, `or` or the end of the condition"),
    }
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    nodes: usize,
    regexes: usize,
}

/// What stands between two operands.
enum Operator {
    Compare(CompareOp),
    In,
    Between,
    Like { ignore_case: bool },
    Affix(Affix),
    Regex,
}

const OPERATORS: [&str; 13] = [
    "in",
    "between",
    "like",
    "ilike",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
    "is",
    "exists",
    "and",
    "or",
    "not",
];

/// Operators of other languages, and what they are here.
const FOREIGN_OPERATORS: [(&str, &str); 22] = [
    ("eq", "="),
    ("equals", "="),
    ("ne", "!="),
    ("neq", "!="),
    ("gt", ">"),
    ("gte", ">="),
    ("ge", ">="),
    ("lt", "<"),
    ("lte", "<="),
    ("le", "<="),
    ("has", "contains"),
    ("includes", "contains"),
    ("include", "contains"),
    ("startswith", "starts_with"),
    ("endswith", "ends_with"),
    ("regexp", "matches"),
    ("regex", "matches"),
    ("rlike", "matches"),
    ("match", "matches"),
    ("similar", "matches"),
    ("glob", "like"),
    ("xor", "!="),
];

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // `End` is never passed.
        &self.tokens[self.at]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn last_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |last| self.tokens[last].span.end)
    }

    fn symbol(&mut self, symbol: Symbol) -> bool {
        let found = self.peek().kind == TokenKind::Symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn count(&mut self, span: &Range<usize>) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return fault(span, format!("a condition has at most {MAX_NODES} tests and list members"));
        }
        Ok(())
    }

    fn disjunction(&mut self) -> Result<Node, Fault> {
        let or = |parser: &mut Self| parser.keyword("or") || parser.symbol(Symbol::Or);
        self.chain(Self::conjunction, or, Expr::Or)
    }

    fn conjunction(&mut self) -> Result<Node, Fault> {
        let and = |parser: &mut Self| parser.keyword("and") || parser.symbol(Symbol::And);
        self.chain(Self::negation, and, Expr::And)
    }

    fn chain(
        &mut self,
        part: impl Fn(&mut Self) -> Result<Node, Fault>,
        joint: impl Fn(&mut Self) -> bool,
        join: impl Fn(Vec<Node>) -> Expr,
    ) -> Result<Node, Fault> {
        let first = part(self)?;
        if !joint(self) {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first, part(self)?];
        while joint(self) {
            parts.push(part(self)?);
        }
        Ok(Node { expr: join(parts), span: start..self.last_end() })
    }

    fn negation(&mut self) -> Result<Node, Fault> {
        let start = self.peek().span.clone();
        if self.keyword("not") || self.symbol(Symbol::Not) {
            let node = self.deeper(&start, Self::negation)?;
            return Ok(Node { expr: Expr::Not(Box::new(node)), span: start.start..self.last_end() });
        }
        if self.symbol(Symbol::Open) {
            let node = self.deeper(&start, Self::disjunction)?;
            self.close(&start)?;
            return Ok(node);
        }
        self.test()
    }

    fn deeper(
        &mut self,
        span: &Range<usize>,
        read: impl FnOnce(&mut Self) -> Result<Node, Fault>,
    ) -> Result<Node, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fault(span, format!("parentheses and `not` may nest {MAX_DEPTH} deep"));
        }
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn close(&mut self, open: &Range<usize>) -> Result<(), Fault> {
        if self.symbol(Symbol::Close) {
            return Ok(());
        }
        let next = self.peek();
        match &next.kind {
            TokenKind::End => fault(open, "this ( is never closed"),
            _ => fault(&next.span, "expected `and`, `or` or ) here"),
        }
    }

    fn test(&mut self) -> Result<Node, Fault> {
        let start = self.peek().span.start;
        self.count(&(start..self.peek().span.end))?;
        let (negated, kind) = match self.exists_first()? {
            Some(kind) => (false, kind),
            None => {
                let left = self.operand(false)?;
                match self.after(left)? {
                    Ok(test) => test,
                    Err(constant) => {
                        return Ok(Node { expr: Expr::Constant(constant), span: start..self.last_end() });
                    }
                }
            }
        };
        Ok(Node { expr: Expr::Test(Test { negated, kind }), span: start..self.last_end() })
    }

    /// `exists path`, `exists(path)`
    fn exists_first(&mut self) -> Result<Option<TestKind>, Fault> {
        if !self.keyword("exists") {
            return Ok(None);
        }
        let open = self.peek().span.clone();
        let parenthesis = self.symbol(Symbol::Open);
        let path = self.path("exists")?;
        if parenthesis {
            self.close(&open)?;
        }
        Ok(Some(TestKind::Exists { path }))
    }

    /// What follows the first operand; a constant that stands alone is the error.
    fn after(&mut self, left: Operand) -> Result<Result<(bool, TestKind), bool>, Fault> {
        let not = self.peek().span.clone();
        let mut negated = self.keyword("not");
        if !negated && self.keyword("is") {
            return self.is_null(left).map(Ok);
        }
        if self.keyword("exists") {
            let path = need_path(left, "exists")?;
            return Ok(Ok((negated, TestKind::Exists { path })));
        }
        let Some((operator, is_negative)) = self.operator()? else {
            if negated {
                return fault(
                    &not,
                    "after `not` an operator is expected here: in, between, like, contains …",
                );
            }
            return self.alone(left);
        };
        if is_negative && negated {
            return fault(&not, "two negations; leave out one");
        }
        if negated && matches!(operator, Operator::Compare(_)) {
            return fault(&not, "`not` stands before the whole comparison, as in not actor.id = 'x'");
        }
        negated |= is_negative;
        let kind = match operator {
            Operator::Compare(op) => {
                let right = self.operand(true)?;
                check::compare(left, op, right)?
            }
            Operator::In => self.within(left)?,
            Operator::Between => {
                let low = self.operand(true)?;
                if !self.keyword("and") {
                    return fault(&self.peek().span, "expected `and` and the upper end: between 1 and 5");
                }
                check::between(left, low, self.operand(true)?)?
            }
            Operator::Like { ignore_case } => check::like(&left, self.operand(true)?, ignore_case)?,
            Operator::Affix(affix) => check::affix(&left, affix, self.operand(true)?)?,
            Operator::Regex => {
                self.regexes += 1;
                let right = self.operand(true)?;
                if self.regexes > MAX_REGEXES {
                    return fault(
                        &right.span,
                        format!("a condition has at most {MAX_REGEXES} regular expressions"),
                    );
                }
                check::regex(&left, right)?
            }
        };
        Ok(Ok((negated, kind)))
    }

    /// The operator that comes next, and whether it is the negative of that one.
    fn operator(&mut self) -> Result<Option<(Operator, bool)>, Fault> {
        let token = self.peek();
        let compare = |op| Some((Operator::Compare(op), false));
        let found = match &token.kind {
            TokenKind::Symbol(symbol) => match symbol {
                Symbol::Equal => compare(CompareOp::Equal),
                Symbol::NotEqual => Some((Operator::Compare(CompareOp::Equal), true)),
                Symbol::Less => compare(CompareOp::Less),
                Symbol::LessOrEqual => compare(CompareOp::LessOrEqual),
                Symbol::Greater => compare(CompareOp::Greater),
                Symbol::GreaterOrEqual => compare(CompareOp::GreaterOrEqual),
                Symbol::Matches => Some((Operator::Regex, false)),
                Symbol::NotMatches => Some((Operator::Regex, true)),
                _ => None,
            },
            TokenKind::Name(segments) => match keyword(segments).as_deref() {
                Some("in") => Some((Operator::In, false)),
                Some("between") => Some((Operator::Between, false)),
                Some("like") => Some((Operator::Like { ignore_case: false }, false)),
                Some("ilike") => Some((Operator::Like { ignore_case: true }, false)),
                Some("contains") => Some((Operator::Affix(Affix::Contains), false)),
                Some("starts_with") => Some((Operator::Affix(Affix::StartsWith), false)),
                Some("ends_with") => Some((Operator::Affix(Affix::EndsWith), false)),
                Some("matches") => Some((Operator::Regex, false)),
                _ => None,
            },
            _ => None,
        };
        self.at += usize::from(found.is_some());
        Ok(found)
    }

    fn is_null(&mut self, left: Operand) -> Result<(bool, TestKind), Fault> {
        let not = self.keyword("not");
        let next = self.next();
        if !next.is_keyword("null") {
            let hint = match next.kind {
                TokenKind::Text(_) | TokenKind::Number(_) => "; to compare write = or !=",
                _ if next.is_keyword("true") || next.is_keyword("false") => {
                    "; to compare write = true or = false"
                }
                _ => "",
            };
            return fault(&next.span, format!("`is` is followed by `null` or `not null`{hint}"));
        }
        Ok((!not, TestKind::Exists { path: need_path(left, "is null")? }))
    }

    fn alone(&mut self, left: Operand) -> Result<Result<(bool, TestKind), bool>, Fault> {
        let next = self.peek();
        let ends = match &next.kind {
            TokenKind::End | TokenKind::Symbol(Symbol::Close | Symbol::And | Symbol::Or | Symbol::Comma) => {
                true
            }
            _ => next.is_keyword("and") || next.is_keyword("or"),
        };
        if !ends {
            return self.no_operator();
        }
        match left.kind {
            OperandKind::Bool(constant) => Ok(Err(constant)),
            OperandKind::Path(path) => Ok(Ok((false, check::truth(path, &left.span)?))),
            kind => fault(
                &left.span,
                format!(
                    "{} alone is neither true nor false; compare a field with it, as in actor.id = 'x'",
                    kind.describe()
                ),
            ),
        }
    }

    fn no_operator<T>(&self) -> Result<T, Fault> {
        let next = self.peek();
        let expected =
            "expected an operator: =, !=, <, >, in, like, contains, starts_with, matches, between, is null …";
        if let TokenKind::Name(segments) = &next.kind
            && let Some(word) = keyword(segments)
        {
            if let Some((_, ours)) = FOREIGN_OPERATORS.iter().find(|(foreign, _)| *foreign == word) {
                return fault(
                    &next.span,
                    format!("`{}` is not an operator here; write {ours}", segments[0].name),
                );
            }
            let nearest = OPERATORS
                .iter()
                .map(|name| (strsim::jaro_winkler(name, &word), name))
                .filter(|(likeness, _)| *likeness > 0.85)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, name)) = nearest {
                return fault(
                    &next.span,
                    format!("`{}` is not an operator; did you mean {name}?", segments[0].name),
                );
            }
        }
        fault(&next.span, expected)
    }

    fn within(&mut self, left: Operand) -> Result<TestKind, Fault> {
        let open = self.peek().span.clone();
        if self.peek().is_keyword("cidr") {
            self.at += 1;
            let networks = self.list("cidr is followed by blocks in parentheses: cidr('10.0.0.0/8')")?;
            return check::in_networks(&left, networks);
        }
        if matches!(self.peek().kind, TokenKind::Name(_)) {
            let path = self.path("in")?;
            if matches!(left.kind, OperandKind::Path(_) | OperandKind::Clock(..)) {
                return check::compare(
                    left,
                    CompareOp::Equal,
                    Operand { kind: OperandKind::Path(path), span: open },
                );
            }
            return check::element(left, path, &open);
        }
        let list =
            self.list("`in` is followed by a list in parentheses, ('a', 'b'), or by a field that is a list")?;
        check::within(left, list)
    }

    fn list(&mut self, expected: &str) -> Result<Vec<Operand>, Fault> {
        let open = self.peek().span.clone();
        if !self.symbol(Symbol::Open) {
            return fault(&open, expected);
        }
        let mut list = Vec::new();
        loop {
            let next = self.peek().clone();
            match next.kind {
                TokenKind::Symbol(Symbol::Close) if list.is_empty() => {
                    return fault(&(open.start..next.span.end), "this list is empty: nothing can be in it");
                }
                TokenKind::Symbol(Symbol::Comma | Symbol::Close) => {
                    return fault(&next.span, "a member of the list is missing here");
                }
                TokenKind::End => return fault(&open, "this ( is never closed"),
                _ => {}
            }
            self.count(&next.span)?;
            let operand = self.operand(true)?;
            if matches!(operand.kind, OperandKind::Path(_) | OperandKind::Clock(..)) {
                return fault(&operand.span, "a list has constants, not fields; join comparisons with `or`");
            }
            list.push(operand);
            if self.symbol(Symbol::Close) {
                return Ok(list);
            }
            if !self.symbol(Symbol::Comma) {
                let next = self.peek();
                return match next.kind {
                    TokenKind::End => fault(&open, "this ( is never closed"),
                    _ => fault(&next.span, "expected , or ) here"),
                };
            }
        }
    }

    fn path(&mut self, after: &str) -> Result<Path, Fault> {
        let next = self.next();
        match &next.kind {
            TokenKind::Name(segments) => Path::resolve(segments, &next.span),
            _ => {
                let example = if ClockPart::named(after).is_some() { "timestamp" } else { "actor.id" };
                fault(&next.span, format!("expected a field after `{after}`, such as {example}"))
            }
        }
    }

    /// A field or a constant; `is_value` when an operator is before it, and a word that is no field is more likely a
    /// text without its quotes.
    fn operand(&mut self, is_value: bool) -> Result<Operand, Fault> {
        let token = self.next();
        let start = token.span.start;
        let kind = match token.kind {
            TokenKind::Text(text) => OperandKind::Text(text),
            TokenKind::Number(number) => OperandKind::Number(number),
            TokenKind::Duration(milliseconds) => OperandKind::Duration(milliseconds),
            TokenKind::Symbol(Symbol::Minus) => return self.negative(start),
            TokenKind::Name(segments) => return self.named(&segments, &token.span, is_value),
            TokenKind::End if is_value => {
                return fault(&token.span, "the condition ends where a value is expected");
            }
            TokenKind::End if self.at == 0 => {
                return fault(
                    &token.span,
                    "the condition is empty; write one such as event_type = 'backup.failed'",
                );
            }
            TokenKind::End => return fault(&token.span, "the condition ends where a test is expected"),
            TokenKind::Symbol(_) => {
                let text = &self.source[token.span.clone()];
                let expected =
                    if is_value { "a value, such as 'x', 5 or 5m" } else { "a test, such as actor.id = 'x'" };
                return fault(&token.span, format!("expected {expected}, and not {text}"));
            }
        };
        Ok(Operand { kind, span: token.span })
    }

    fn negative(&mut self, start: usize) -> Result<Operand, Fault> {
        let token = self.next();
        let span = start..token.span.end;
        let kind = match token.kind {
            TokenKind::Number(Number::Int(int)) => OperandKind::Number(Number::Int(-int)),
            TokenKind::Number(Number::Float(float)) => OperandKind::Number(Number::Float(-float)),
            TokenKind::Duration(milliseconds) => OperandKind::Duration(-milliseconds),
            _ => return fault(&span, "a - stands before a number, or after `now` before a duration"),
        };
        Ok(Operand { kind, span })
    }

    fn named(&mut self, segments: &[Segment], span: &Range<usize>, is_value: bool) -> Result<Operand, Fault> {
        let word = keyword(segments);
        let operand = |kind| Ok(Operand { kind, span: span.clone() });
        let calls = self.peek().kind == TokenKind::Symbol(Symbol::Open);
        match word.as_deref() {
            Some("true") => return operand(OperandKind::Bool(true)),
            Some("false") => return operand(OperandKind::Bool(false)),
            Some("null") => return operand(OperandKind::Null),
            Some("now") => return self.now(span),
            // `contains(…)` is a function of another language, which has an error of its own.
            Some(operator)
                if OPERATORS.contains(&operator) && (!calls || matches!(operator, "and" | "or")) =>
            {
                let expected =
                    if is_value { "a value, such as 'x', 5 or 5m" } else { "a test, such as actor.id = 'x'" };
                return fault(span, format!("expected {expected}, and not {operator}"));
            }
            _ => {}
        }
        if calls {
            return self.call(word.as_deref(), span);
        }
        match Path::resolve(segments, span) {
            Ok(path) => operand(OperandKind::Path(path)),
            Err(error) if is_value && !Self::names_a_part(segments) => {
                let text = &self.source[span.clone()];
                let field =
                    nearest_field(text).map_or_else(String::new, |field| format!(", or the field {field}"));
                let error_is_certain = text.contains('`');
                if error_is_certain {
                    return Err(error);
                }
                fault(span, format!("{text} is not a field; did you mean the text '{text}'{field}?"))
            }
            Err(error) => Err(error),
        }
    }

    fn names_a_part(segments: &[Segment]) -> bool {
        matches!(segments[0].name.as_str(), "actor" | "action" | "resource" | "context" | "details" | "event")
    }

    fn now(&mut self, span: &Range<usize>) -> Result<Operand, Fault> {
        if self.symbol(Symbol::Open) && !self.symbol(Symbol::Close) {
            return fault(&self.peek().span, "`now` takes nothing: write now - 7d");
        }
        let mut offset: i64 = 0;
        loop {
            let sign = if self.symbol(Symbol::Minus) {
                -1
            } else if self.symbol(Symbol::Plus) {
                1
            } else {
                return Ok(Operand { kind: OperandKind::Now(offset), span: span.start..self.last_end() });
            };
            let next = self.next();
            let TokenKind::Duration(milliseconds) = next.kind else {
                return fault(&next.span, "expected a duration here, such as 5m, 2h or 7d");
            };
            offset = offset.saturating_add(sign * milliseconds);
        }
    }

    /// `hour(timestamp, 'Europe/Berlin')`
    fn call(&mut self, name: Option<&str>, span: &Range<usize>) -> Result<Operand, Fault> {
        let Some(part) = name.and_then(ClockPart::named) else {
            let text = &self.source[span.clone()];
            let hint = match name {
                Some(
                    "contains" | "starts_with" | "ends_with" | "matches" | "like" | "startswith" | "endswith",
                ) => {
                    let operator = text.to_lowercase().replace("swith", "s_with");
                    format!("write resource.id {operator} 'x'")
                }
                Some("lower" | "upper" | "lcase" | "ucase") => {
                    "for a comparison without case write ilike".to_owned()
                }
                Some("cidr") => "write actor.ip_address in cidr('10.0.0.0/8')".to_owned(),
                _ => "there are hour(), minute(), weekday(), and cidr() after `in`".to_owned(),
            };
            return fault(span, format!("there is no function {text}(); {hint}"));
        };
        let open = self.peek().span.clone();
        self.at += 1;
        let path_span = self.peek().span.clone();
        let path = self.path(part.name())?;
        if !matches!(path.kind(), crate::field::Kind::Time | crate::field::Kind::Free) {
            return fault(&path_span, format!("{path} is not a time; write {}(timestamp)", part.name()));
        }
        let mut zone = Zone::Fixed(0);
        if self.symbol(Symbol::Comma) {
            let token = self.next();
            let TokenKind::Text(text) = token.kind else {
                return fault(
                    &token.span,
                    "expected a time zone in quotes, such as '+01:00' or 'Europe/Berlin'",
                );
            };
            zone = Zone::parse(&text).map_err(|message| Fault { span: token.span, message })?;
        }
        if !self.symbol(Symbol::Close) {
            let next = self.peek();
            return match next.kind {
                TokenKind::End => fault(&open, "this ( is never closed"),
                _ => fault(&next.span, "expected ) here"),
            };
        }
        let kind = OperandKind::Clock(Clock { part, zone }, path);
        Ok(Operand { kind, span: span.start..self.last_end() })
    }
}

fn need_path(operand: Operand, operator: &str) -> Result<Path, Fault> {
    match operand.kind {
        OperandKind::Path(path) => Ok(path),
        _ => fault(&operand.span, format!("`{operator}` tests a field, such as actor.id")),
    }
}

/// The word in lower case, if it could be one of the language.
fn keyword(segments: &[Segment]) -> Option<String> {
    match segments {
        [Segment { name, quoted: false }] => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

impl Token {
    fn is_keyword(&self, keyword: &str) -> bool {
        match &self.kind {
            TokenKind::Name(segments) => match segments.as_slice() {
                [Segment { name, quoted: false }] => name.eq_ignore_ascii_case(keyword),
                _ => false,
            },
            _ => false,
        }
    }
}
