//! The YAML document as a tree in which every node knows where it stands.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Span, StrInput, options};

use crate::error::Problem;

/// A configuration of more than a mebibyte is a mistake or an attack.
const MAX_BYTES: usize = 1 << 20;
/// Bounds the recursion here, in the deserializer and in `Drop`.
const MAX_DEPTH: usize = 64;
/// Counted with every alias written out, which stops the "billion laughs".
const MAX_NODES: usize = 50_000;

/// Every path below a key repeats it.
const MAX_KEY: usize = 256;

/// Where a token stands: line and column from 1, width in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
    /// The environment variable that the text came from, so that no message repeats its value.
    pub(crate) variable: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Scalar { text: String, style: ScalarStyle },
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) at: Position,
}

impl Node {
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    pub(crate) fn entries(&self) -> &[(Key, Node)] {
        if let Value::Mapping(entries) = &self.value { entries } else { &[] }
    }

    /// Where a message about the value of `key` points: at a scalar itself, else at its key.
    pub(crate) fn place(&self, key: &Key) -> Position {
        if matches!(self.value, Value::Scalar { .. }) { self.at } else { key.at }
    }

    pub(crate) fn move_by(&mut self, place: &impl Fn(Position) -> Position) {
        self.at = place(self.at);
        match &mut self.value {
            Value::Null | Value::Scalar { .. } => {}
            Value::Sequence(items) => items.iter_mut().for_each(|item| item.move_by(place)),
            Value::Mapping(entries) => {
                for (key, node) in entries {
                    key.at = place(key.at);
                    node.move_by(place);
                }
            }
        }
    }
}

/// Every document in `text`.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Problem> {
    if text.len() > MAX_BYTES {
        let message = format!("found {} bytes, expected at most {MAX_BYTES}", text.len());
        return Err(Problem::at(Position::default(), message));
    }
    let options = options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: false,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, parser, anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        if event.is_node() {
            documents.push(reader.node(event, span, 0)?.0);
        }
    }
    Ok(documents)
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
}

#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    height: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Problem> {
        self.parser.next_event().transpose().map_err(|error| {
            let at = position(*error.marker(), *error.marker());
            let mut problem = Problem::at(at, format!("not valid YAML: {}", error.info()));
            let line = self.text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
            if *error.kind() == ErrorKind::UnknownAnchor {
                problem.help = Some("a value that begins with `*` needs quotes".to_owned());
            } else if line.contains("${") && problem.message.contains("flow") {
                problem.help = Some("between `{ }` or `[ ]` a `${VAR}` needs quotes".to_owned());
            }
            problem
        })
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<(Node, Size), Problem> {
        let at = position(span.start, span.end);
        if let Event::Alias(id) = event {
            let Some(size) = self.anchors.get(&id).map(|(_, size)| *size) else {
                return Err(Problem::at(at, "found an alias inside the node that it names"));
            };
            self.admit(at, size.nodes, depth + size.height)?;
            return Ok((self.anchors[&id].0.clone(), size));
        }
        self.admit(at, 1, depth)?;
        if let Some(tag) = event.tag().filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(Problem::at(at, format!("found the tag `{}`, expected no tag", tag.original())));
        }
        let (before, mut height) = (self.nodes, 0);
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // Long texts count as several values: an alias repeats their bytes, too.
                self.admit(at, text.len() / 64, depth)?;
                let empty = matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = match (style, tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"))) {
                    (ScalarStyle::Plain, true) => {
                        Value::Scalar { text: text.into(), style: ScalarStyle::DoubleQuoted }
                    }
                    (ScalarStyle::Plain, false) if empty => Value::Null,
                    _ => Value::Scalar { text: text.into(), style },
                };
                (anchor, value)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some((event, span)) = self.next()?.filter(|(event, _)| *event != Event::SequenceEnd)
                {
                    let (item, size) = self.node(event, span, depth + 1)?;
                    height = height.max(size.height + 1);
                    items.push(item);
                }
                (anchor, Value::Sequence(items))
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries = Vec::new();
                while let Some((event, span)) = self.next()?.filter(|(event, _)| *event != Event::MappingEnd)
                {
                    let key = key(&event, span)?;
                    let Some((event, span)) = self.next()? else { break };
                    let (node, size) = self.node(event, span, depth + 1)?;
                    height = height.max(size.height + 1);
                    entries.push((key, node));
                }
                refuse_repeated_keys(&entries)?;
                (anchor, Value::Mapping(entries))
            }
            _ => return Err(Problem::at(at, "not valid YAML: expected a value")),
        };
        let node = Node { at, value, variable: None };
        let size = Size { nodes: self.nodes - before + 1, height };
        if anchor != 0 {
            // The copy counts as well: an anchor on each of many nested nodes is quadratic.
            self.admit(at, size.nodes, depth)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok((node, size))
    }

    fn admit(&mut self, at: Position, nodes: usize, depth: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Problem::at(at, format!("found more than {MAX_NODES} values, aliases written out")));
        }
        if depth > MAX_DEPTH {
            return Err(Problem::at(at, format!("found more than {MAX_DEPTH} levels of nesting")));
        }
        Ok(())
    }
}

fn key(event: &Event<'_>, span: Span) -> Result<Key, Problem> {
    let at = position(span.start, span.end);
    match event.scalar() {
        Some((name, _)) if name.len() > MAX_KEY => {
            Err(Problem::at(at, format!("found a key of {} bytes, expected at most {MAX_KEY}", name.len())))
        }
        Some((name, _)) => Ok(Key { name: name.to_owned(), at }),
        None => Err(Problem::at(at, "found a key that is no plain name, expected a name")),
    }
}

fn refuse_repeated_keys(entries: &[(Key, Node)]) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    match entries.iter().find(|(key, _)| !seen.insert(&key.name)) {
        Some((Key { name, at }, _)) => {
            let first = entries.iter().find(|(key, _)| key.name == *name).map_or(0, |(key, _)| key.at.line);
            let name = crate::error::quoted(name);
            let mut problem = Problem::at(*at, format!("found the key {name} twice, first on line {first}"));
            problem.hide = true;
            Err(problem)
        }
        None => Ok(()),
    }
}

fn position(start: Marker, end: Marker) -> Position {
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Position { line: start.line(), column: start.col() + 1, width: width.max(1) }
}
