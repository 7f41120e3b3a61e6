use std::collections::BTreeSet;

use crate::TemplateError;
use crate::function::Function;
use crate::lexer::{Token, TokenKind};
use crate::printf;
use crate::shape::{Kind, Shape};
use crate::syntax::{Branch, Expr, Node, ROOT, Slot};
use crate::template::MAX_NESTING;

#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) nodes: Vec<Node>,
    pub(crate) slots: usize,
    /// The fields of the root that are named.
    pub(crate) reads: BTreeSet<String>,
}

pub(crate) fn parse(text: &str, tokens: &[Token], shape: &Shape) -> Result<Parsed> {
    let assigned = tokens.windows(2).filter_map(|pair| match (&pair[0].kind, &pair[1].kind) {
        (TokenKind::Variable(name), TokenKind::Assign) => Some(name.as_str()),
        _ => None,
    });
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
        loops: 0,
        assigned: assigned.collect(),
        variables: vec![Variable { name: "", slot: ROOT, known: Known::root(shape) }],
        slots: ROOT + 1,
        reads: BTreeSet::new(),
    };
    let (nodes, end) = parser.block(Known::root(shape))?;
    match end {
        Ended::Template => Ok(Parsed { nodes, slots: parser.slots, reads: parser.reads }),
        Ended::Block(offset) => Err(parser.error(
            offset,
            "this `end` ends nothing",
            "take it out, or begin an `if`, `range` or `with`",
        )),
        Ended::Else(offset) => Err(parser.error(
            offset,
            "this `else` belongs to nothing",
            "expected it between `if`, `range` or `with` and `end`",
        )),
    }
}

/// What is known of a value.
#[derive(Clone, Copy)]
struct Known<'s> {
    /// `None` where it can be anything.
    shape: Option<&'s Shape>,
    is_root: bool,
}

const SCALAR: &Shape = &Shape::scalar();

impl<'s> Known<'s> {
    const NOTHING: Self = Self { shape: None, is_root: false };
    const SCALAR: Self = Self { shape: Some(SCALAR), is_root: false };

    fn root(shape: &'s Shape) -> Self {
        Self { shape: Some(shape), is_root: true }
    }

    fn element(self) -> Self {
        Self { shape: self.shape.and_then(Shape::element), is_root: false }
    }
}

struct Variable<'t, 's> {
    name: &'t str,
    slot: Slot,
    known: Known<'s>,
}

struct Parser<'t, 's> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    loops: usize,
    /// Variables that are set anew somewhere: what they hold at a place is not known.
    assigned: BTreeSet<&'t str>,
    /// Those in sight, the innermost last.
    variables: Vec<Variable<'t, 's>>,
    slots: usize,
    reads: BTreeSet<String>,
}

/// What ended a block, and where it stands.
#[derive(Clone, Copy)]
enum Ended {
    Template,
    Else(usize),
    Block(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
}

type Result<T> = std::result::Result<T, TemplateError>;

impl<'t, 's> Parser<'t, 's> {
    /// Up to the `else` or `end` that is not of a block inside. Behind an `else`, the rest of its action is left.
    fn block(&mut self, dot: Known<'s>) -> Result<(Vec<Node>, Ended)> {
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            if let TokenKind::Text(text) = &token.kind {
                self.at += 1;
                nodes.push(Node::Text(text.clone()));
                continue;
            }
            let offset = token.offset;
            let TokenKind::Name(word) = &token.kind else {
                nodes.push(self.simple_action(dot)?);
                continue;
            };
            match word.as_str() {
                "end" => {
                    self.at += 1;
                    self.close("end")?;
                    return Ok((nodes, Ended::Block(offset)));
                }
                "else" => {
                    self.at += 1;
                    return Ok((nodes, Ended::Else(offset)));
                }
                "if" => nodes.push(self.nested(offset, |parser| parser.branches(Control::If, offset, dot))?),
                "with" => {
                    nodes.push(self.nested(offset, |parser| parser.branches(Control::With, offset, dot))?);
                }
                "range" => nodes.push(self.nested(offset, |parser| parser.range(offset, dot))?),
                "break" | "continue" => nodes.push(self.jump(word, offset)?),
                "define" | "template" | "block" | "call" => {
                    let found = format!("`{word}` is not supported");
                    return Err(self.error(offset, found, "write the text where it is wanted"));
                }
                _ => nodes.push(self.simple_action(dot)?),
            }
        }
        Ok((nodes, Ended::Template))
    }

    /// Inside is one level deeper, and has variables of its own.
    fn nested<T>(&mut self, offset: usize, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_NESTING {
            return Err(self.error(
                offset,
                "this nests too deeply",
                format!("expected {MAX_NESTING} levels at most"),
            ));
        }
        self.depth += 1;
        let in_sight = self.variables.len();
        let parsed = inside(self);
        self.variables.truncate(in_sight);
        self.depth -= 1;
        parsed
    }

    /// `{{ pipeline }}`, `{{ $x := pipeline }}` or `{{ $x = pipeline }}`.
    fn simple_action(&mut self, dot: Known<'s>) -> Result<Node> {
        let node = match (self.kind_at(0), self.kind_at(1)) {
            (Some(TokenKind::Variable(name)), Some(TokenKind::Declare)) => {
                let offset = self.offset();
                self.at += 2;
                let (to, known) = self.pipeline(dot)?;
                Node::Set { slot: self.declare(offset, name, known)?, to }
            }
            (Some(TokenKind::Variable(name)), Some(TokenKind::Assign)) => {
                let offset = self.offset();
                let slot = self.variable(offset, name)?.slot;
                if slot == ROOT {
                    return Err(self.error(
                        offset,
                        "`$` cannot be set",
                        "expected a variable with a name, such as `$x`",
                    ));
                }
                self.at += 2;
                Node::Set { slot, to: self.pipeline(dot)?.0 }
            }
            _ => Node::Print(self.pipeline(dot)?.0),
        };
        self.close("a value")?;
        Ok(node)
    }

    fn branches(&mut self, control: Control, start: usize, dot: Known<'s>) -> Result<Node> {
        let word = if control == Control::If { "if" } else { "with" };
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            self.at += 1;
            let (slot, condition, known) = self.condition(dot)?;
            self.close(word)?;
            let inner = if control == Control::With { known } else { dot };
            let (body, end) = self.block(inner)?;
            branches.push(Branch { slot, condition, body });
            match end {
                Ended::Template => return Err(self.no_end(start, word)),
                Ended::Block(_) => break,
                Ended::Else(_) if self.is_name(word) => {}
                Ended::Else(offset) => {
                    self.close("else")?;
                    otherwise = self.last_block(offset, start, word, dot)?;
                    break;
                }
            }
        }
        Ok(match control {
            Control::If => Node::If { branches, otherwise },
            Control::With => Node::With { branches, otherwise },
        })
    }

    fn condition(&mut self, dot: Known<'s>) -> Result<(Option<Slot>, Expr, Known<'s>)> {
        match (self.kind_at(0), self.kind_at(1)) {
            (Some(TokenKind::Variable(name)), Some(TokenKind::Declare)) => {
                let offset = self.offset();
                self.at += 2;
                let (condition, known) = self.pipeline(dot)?;
                Ok((Some(self.declare(offset, name, known)?), condition, known))
            }
            _ => {
                let (condition, known) = self.pipeline(dot)?;
                Ok((None, condition, known))
            }
        }
    }

    fn range(&mut self, start: usize, dot: Known<'s>) -> Result<Node> {
        self.at += 1;
        let mut names: Vec<(usize, &'t str)> = Vec::new();
        match (self.kind_at(0), self.kind_at(1), self.kind_at(2), self.kind_at(3)) {
            (Some(TokenKind::Variable(item)), Some(TokenKind::Declare), ..) => {
                names.push((self.offset(), item));
                self.at += 2;
            }
            (
                Some(TokenKind::Variable(key)),
                Some(TokenKind::Comma),
                Some(TokenKind::Variable(item)),
                Some(TokenKind::Declare),
            ) => {
                names.push((self.offset(), key));
                names.push((self.tokens[self.at + 2].offset, item));
                self.at += 4;
            }
            _ => {}
        }
        let (over, known) = self.pipeline(dot)?;
        if matches!(known.shape, Some(Shape(Kind::Scalar))) && !is_number(&over) {
            return Err(self.error(
                start,
                "`range` is given a single value",
                "expected an array or an object",
            ));
        }
        self.close("range")?;
        // What a key is depends on what is gone through; it has no fields in any case.
        let (key, item) = match names.as_slice() {
            [(offset, item)] => (None, Some(self.declare(*offset, item, known.element())?)),
            [(key_offset, key), (offset, item)] => {
                let key = self.declare(*key_offset, key, Known::SCALAR)?;
                (Some(key), Some(self.declare(*offset, item, known.element())?))
            }
            _ => (None, None),
        };
        self.loops += 1;
        let (body, end) = self.block(known.element())?;
        self.loops -= 1;
        let otherwise = match end {
            Ended::Template => return Err(self.no_end(start, "range")),
            Ended::Block(_) => Vec::new(),
            Ended::Else(offset) => {
                self.close("else")?;
                self.last_block(offset, start, "range", dot)?
            }
        };
        Ok(Node::Range { over, key, item, body, otherwise })
    }

    /// What stands behind the last `else`.
    fn last_block(
        &mut self,
        otherwise: usize,
        start: usize,
        word: &str,
        dot: Known<'s>,
    ) -> Result<Vec<Node>> {
        match self.block(dot)? {
            (nodes, Ended::Block(_)) => Ok(nodes),
            (_, Ended::Template) => Err(self.no_end(start, word)),
            (_, Ended::Else(offset)) => {
                let place = TemplateError::new(self.text, otherwise, "", "");
                let found = format!("this `{word}` has its `else` already, on line {}", place.line());
                Err(self.error(offset, found, "expected `end`"))
            }
        }
    }

    fn jump(&mut self, word: &str, offset: usize) -> Result<Node> {
        if self.loops == 0 {
            return Err(self.error(offset, format!("this `{word}` is in no `range`"), "expected it in one"));
        }
        self.at += 1;
        self.close(word)?;
        Ok(if word == "break" { Node::Break } else { Node::Continue })
    }

    /// Commands joined by `|`: each result is the last argument of the next command.
    fn pipeline(&mut self, dot: Known<'s>) -> Result<(Expr, Known<'s>)> {
        let depth = self.depth;
        let (mut expr, mut known) = self.command(None, dot)?;
        while matches!(self.kind_at(0), Some(TokenKind::Pipe)) {
            let offset = self.offset();
            self.at += 1;
            self.depth += 1;
            if self.depth > MAX_NESTING {
                return Err(self.error(
                    offset,
                    "this pipeline is too long",
                    format!("expected {MAX_NESTING} levels at most"),
                ));
            }
            (expr, known) = self.command(Some(expr), dot)?;
        }
        self.depth = depth;
        Ok((expr, known))
    }

    /// An operand, or a function with its arguments.
    fn command(&mut self, piped: Option<Expr>, dot: Known<'s>) -> Result<(Expr, Known<'s>)> {
        let offset = self.offset();
        if let Some(TokenKind::Name(name)) = self.kind_at(0)
            && !matches!(name.as_str(), "true" | "false" | "nil")
        {
            self.at += 1;
            return self.call(name, offset, piped, dot);
        }
        let (expr, known) = self.operand(dot)?;
        if piped.is_some() {
            return Err(self.error(
                offset,
                "only a function can stand behind `|`",
                "expected one such as `printf \"%s\"` or `upper`",
            ));
        }
        if self.begins_operand() {
            return Err(self.error(
                offset,
                "this is no function, and takes no arguments",
                "expected `}}`, `)` or `|` behind it",
            ));
        }
        Ok((expr, known))
    }

    fn call(
        &mut self,
        name: &str,
        offset: usize,
        piped: Option<Expr>,
        dot: Known<'s>,
    ) -> Result<(Expr, Known<'s>)> {
        let Some(function) = Function::named(name) else {
            let quoted = |name: &str| format!("`{name}`");
            return Err(TemplateError::unknown(
                self.text,
                offset,
                ("function", name),
                Function::NAMES.iter().copied(),
                quoted,
            ));
        };
        let mut arguments = Vec::new();
        let mut shapes = Vec::new();
        while self.begins_operand() {
            let (argument, known) = self.operand(dot)?;
            arguments.push(argument);
            shapes.push(known);
        }
        arguments.extend(piped);
        let (least, most) = function.takes();
        if arguments.len() < least || arguments.len() > most {
            let expected = match (least, most) {
                (least, most) if least == most => format!("expected {least}"),
                (least, 99) => format!("expected at least {least}"),
                (least, most) => format!("expected {least} to {most}"),
            };
            let found = format!("`{name}` is given {}", counted(arguments.len()));
            return Err(self.error(offset, found, expected));
        }
        if let (Function::Printf, Some(Expr::Text(format))) = (function, arguments.first()) {
            let wanted =
                printf::arguments_of(format).map_err(|(found, remedy)| self.error(offset, found, remedy))?;
            if wanted != arguments.len() - 1 {
                let found = format!("`printf` is given {} for its format", counted(arguments.len() - 1));
                return Err(self.error(
                    offset,
                    found,
                    format!("expected {wanted}, one for each verb in {format:?}"),
                ));
            }
        }
        let known = if function.gives_scalar() { Known::SCALAR } else { Known::NOTHING };
        Ok((Expr::Call { function, arguments }, known))
    }

    /// A field, a variable, a literal, a function without arguments, or a pipeline in parentheses; with `.field` behind it.
    fn operand(&mut self, dot: Known<'s>) -> Result<(Expr, Known<'s>)> {
        let offset = self.offset();
        let Some(kind) = self.kind_at(0) else {
            return Err(self.error(self.text.len(), "the template ends within an action", "expected `}}`"));
        };
        self.at += 1;
        let (mut expr, mut known) = match kind {
            TokenKind::Dot => (Expr::Dot, dot),
            TokenKind::Field(_) => {
                // The field itself is read below, as one of dot's.
                self.at -= 1;
                (Expr::Dot, dot)
            }
            TokenKind::Variable(name) => {
                let variable = self.variable(offset, name)?;
                (Expr::Variable(variable.slot), variable.known)
            }
            TokenKind::String(text) => (Expr::Text(text.clone()), Known::SCALAR),
            TokenKind::Int(number) => (Expr::Int(*number), Known::SCALAR),
            TokenKind::Float(number) => (Expr::Float(*number), Known::SCALAR),
            TokenKind::Name(name) => match name.as_str() {
                "true" => (Expr::Bool(true), Known::SCALAR),
                "false" => (Expr::Bool(false), Known::SCALAR),
                "nil" => {
                    return Err(self.error(
                        offset,
                        "`nil` is not supported",
                        "ask `not .field` whether a field is missing",
                    ));
                }
                name => self.function_without_arguments(name, offset)?,
            },
            TokenKind::OpenParenthesis => {
                let inner = self.nested(offset, |parser| parser.pipeline(dot))?;
                if !matches!(self.kind_at(0), Some(TokenKind::CloseParenthesis)) {
                    return Err(self.unexpected("expected `)`"));
                }
                self.at += 1;
                inner
            }
            _ => {
                self.at -= 1;
                return Err(self.unexpected(
                    "expected a value: a field such as `.actor.id`, a text, a number or a function",
                ));
            }
        };
        let mut path = Vec::new();
        while let Some(Token { kind: TokenKind::Field(name), offset, glued }) = self.tokens.get(self.at) {
            let is_first_of_dot = path.is_empty() && matches!(kind, TokenKind::Field(_));
            if !glued && !is_first_of_dot {
                break;
            }
            known = self.field(known, name, *offset)?;
            path.push(name.clone());
            self.at += 1;
        }
        if !path.is_empty() {
            expr = Expr::Field { of: Box::new(expr), path };
        }
        match self.tokens.get(self.at) {
            Some(next) if next.glued && self.begins_operand() => {
                Err(self.error(next.offset, "two values touch", "expected a space between them"))
            }
            _ => Ok((expr, known)),
        }
    }

    fn function_without_arguments(&self, name: &str, offset: usize) -> Result<(Expr, Known<'s>)> {
        match Function::named(name) {
            Some(function) if function.takes().0 == 0 => {
                Ok((Expr::Call { function, arguments: Vec::new() }, Known::SCALAR))
            }
            Some(_) => {
                let found = format!("the function `{name}` stands here as a value");
                Err(self.error(
                    offset,
                    found,
                    format!("put it and its arguments in parentheses: `({name} …)`"),
                ))
            }
            None => {
                let quoted = |name: &str| format!("`{name}`");
                let known = Function::NAMES.iter().copied();
                let mut error = TemplateError::unknown(self.text, offset, ("function", name), known, quoted);
                if error.nearest().is_none() {
                    let remedy = format!("expected a field (`.{name}`) or a text (\"{name}\")");
                    error = self.error(offset, error.found(), remedy);
                }
                Err(error)
            }
        }
    }

    fn field(&mut self, of: Known<'s>, name: &str, offset: usize) -> Result<Known<'s>> {
        if of.is_root {
            self.reads.insert(name.to_owned());
        }
        let written = |name: &str| format!("`.{name}`");
        let shape = match of.shape.map(|shape| &shape.0) {
            None | Some(Kind::Any) => None,
            Some(Kind::Object { fields, open }) => match fields.get(name) {
                Some(shape) => Some(shape),
                None if *open => None,
                None => {
                    let known = fields.keys().map(String::as_str);
                    return Err(TemplateError::unknown(self.text, offset, ("field", name), known, written));
                }
            },
            Some(Kind::Scalar) => {
                let found = format!("there is no field {}", written(name));
                return Err(self.error(
                    offset,
                    found,
                    "what stands before it is a single value, without fields",
                ));
            }
            Some(Kind::List(_)) => {
                let found = format!("there is no field {}", written(name));
                return Err(self.error(
                    offset,
                    found,
                    "what stands before it is an array: go through it with `range`",
                ));
            }
        };
        Ok(Known { shape, is_root: false })
    }

    fn declare(&mut self, offset: usize, name: &'t str, known: Known<'s>) -> Result<Slot> {
        if name.is_empty() {
            return Err(self.error(
                offset,
                "`$` cannot be set",
                "expected a variable with a name, such as `$x`",
            ));
        }
        let known = if self.assigned.contains(name) { Known::NOTHING } else { known };
        let slot = self.slots;
        self.slots += 1;
        self.variables.push(Variable { name, slot, known });
        Ok(slot)
    }

    fn variable(&self, offset: usize, name: &str) -> Result<&Variable<'t, 's>> {
        self.variables.iter().rev().find(|variable| variable.name == name).ok_or_else(|| {
            let known = self.variables.iter().map(|variable| variable.name).filter(|name| !name.is_empty());
            TemplateError::unknown(self.text, offset, ("variable", name), known, |name| format!("`${name}`"))
        })
    }

    fn begins_operand(&self) -> bool {
        matches!(
            self.kind_at(0),
            Some(
                TokenKind::Dot
                    | TokenKind::Field(_)
                    | TokenKind::Variable(_)
                    | TokenKind::Name(_)
                    | TokenKind::String(_)
                    | TokenKind::Int(_)
                    | TokenKind::Float(_)
                    | TokenKind::OpenParenthesis
            )
        )
    }

    fn close(&mut self, behind: &str) -> Result<()> {
        if !matches!(self.kind_at(0), Some(TokenKind::Close)) {
            return Err(self.unexpected(&format!("expected `}}}}` behind {behind}")));
        }
        self.at += 1;
        Ok(())
    }

    fn kind_at(&self, ahead: usize) -> Option<&'t TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn is_name(&self, word: &str) -> bool {
        matches!(self.kind_at(0), Some(TokenKind::Name(name)) if name == word)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |token| token.offset)
    }

    fn unexpected(&self, remedy: &str) -> TemplateError {
        let found = match self.kind_at(0) {
            None => "the template ends here".to_owned(),
            Some(TokenKind::Close) => "the action ends here".to_owned(),
            Some(_) => {
                let rest = &self.text[self.offset()..];
                let word = rest.split(|c: char| c.is_whitespace() || c == '}').next().unwrap_or_default();
                format!("`{}` cannot stand here", word.chars().take(40).collect::<String>())
            }
        };
        self.error(self.offset(), found, remedy)
    }

    fn no_end(&self, start: usize, word: &str) -> TemplateError {
        self.error(start, format!("this `{word}` has no end"), "expected `{{ end }}` behind it")
    }

    fn error(&self, offset: usize, found: impl Into<String>, remedy: impl Into<String>) -> TemplateError {
        TemplateError::new(self.text, offset, found, remedy)
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Int(_) | Expr::Call { function: Function::Len, .. })
}

fn counted(arguments: usize) -> String {
    match arguments {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}
