//! Finds the audit section: bare, under `enterprise.audit`, in a custom resource or in a ConfigMap.

use serde_saphyr::granit_parser::ScalarStyle;

use crate::error::{Problem, nearest, quoted};
use crate::node::{self, Key, Node, Position, Value};

pub(crate) struct Root {
    pub(crate) node: Node,
    pub(crate) prefix: &'static str,
}

pub(crate) fn find(text: &str) -> Result<Root, Problem> {
    let documents = node::read(text)?;
    let single = documents.len() == 1;
    let mut found: Option<Root> = None;
    let mut bare = None;
    for document in documents {
        let root = match inner_document(&document)? {
            Some((key, scalar)) => read_inner(key, scalar)?,
            None => wrapped(&document)?,
        };
        match root {
            Some(second) if found.is_some() => {
                return Err(Problem::at(second.node.at, "found a second audit configuration in one file"));
            }
            Some(root) => found = Some(root),
            None => bare = Some(document),
        }
    }
    match (found, bare) {
        (Some(root), _) => Ok(root),
        (None, Some(node)) if single => bare_root(node),
        (None, Some(_)) => Err(Problem::at(
            Position::default(),
            "found several documents, expected one of them with `enterprise.audit`",
        )),
        (None, None) => {
            Err(Problem::at(Position::default(), "found nothing, expected an audit configuration"))
        }
    }
}

fn wrapped(document: &Node) -> Result<Option<Root>, Problem> {
    let in_resource = document.get("spec").and_then(|spec| spec.get("enterprise"));
    let (enterprise, prefix) = match in_resource {
        Some(enterprise) => (enterprise, "spec.enterprise.audit"),
        None => match document.get("enterprise") {
            Some(enterprise) => (enterprise, "enterprise.audit"),
            None => return Ok(None),
        },
    };
    match enterprise.entries().iter().find(|(key, _)| key.name == "audit") {
        // Errors about the section as a whole point at its key.
        Some((key, node)) => Ok(Some(Root { node: Node { at: key.at, ..node.clone() }, prefix })),
        None => {
            let meant = enterprise.entries().iter().find(|(key, _)| nearest(&key.name, ["audit"]).is_some());
            let at = meant.map_or(enterprise.at, |(key, _)| key.at);
            let mut problem = Problem::at(at, "missing key `audit` under `enterprise`");
            problem.suggest(meant.map(|_| "audit"));
            problem.hide = true;
            Err(problem)
        }
    }
}

fn bare_root(node: Node) -> Result<Root, Problem> {
    if node.get("apiVersion").is_some() {
        let message =
            "found a Kubernetes resource, expected `spec.enterprise.audit` or `data.\"audit.yaml\"` in it";
        return Err(Problem::at(node.at, message));
    }
    Ok(Root { node, prefix: "" })
}

/// The value in a ConfigMap's `data` that is itself a configuration.
fn inner_document(document: &Node) -> Result<Option<(&Key, &Node)>, Problem> {
    let Some(data) = document.get("data") else { return Ok(None) };
    let is_yaml = |key: &Key| key.name.ends_with(".yaml") || key.name.ends_with(".yml");
    let all: Vec<_> = data.entries().iter().filter(|(key, _)| is_yaml(key)).collect();
    match all.iter().find(|(key, _)| key.name == "audit.yaml").or(all.first()) {
        Some((key, _)) if key.name != "audit.yaml" && all.len() > 1 => Err(Problem::at(
            key.at,
            "found several YAML files under `data`, expected one, or one named `audit.yaml`",
        )),
        Some((key, node)) => Ok(Some((key, node))),
        None => Ok(None),
    }
}

fn read_inner(key: &Key, node: &Node) -> Result<Option<Root>, Problem> {
    let Value::Scalar { text, style } = &node.value else {
        return Err(Problem::at(
            key.at,
            format!("found no text under {}, expected YAML after a `|`", quoted(&key.name)),
        ));
    };
    let place = |at: Position| match style {
        ScalarStyle::Literal => in_block(node.at, text, at),
        _ => node.at,
    };
    let inner = node::read(text).and_then(|mut documents| match documents.len() {
        1 => Ok(documents.remove(0)),
        count => Err(Problem::at(
            Position { line: 1, column: 1, width: 1 },
            format!("found {count} documents, expected one"),
        )),
    });
    let moved = |mut problem: Problem| {
        problem.at = problem.at.map(place);
        problem
    };
    let inner = inner.map_err(moved)?;
    let mut root = match wrapped(&inner).map_err(moved)? {
        Some(root) => root,
        None => bare_root(inner).map_err(moved)?,
    };
    root.node.move_by(&place);
    Ok(Some(root))
}

/// The place in the file of a place in the text of a `|` block whose first line with anything on it
/// begins at `content`.
fn in_block(content: Position, text: &str, at: Position) -> Position {
    let blank = text.lines().take_while(|line| line.is_empty()).count();
    let line = (at.line + content.line).saturating_sub(1 + blank).max(1);
    Position { line, column: at.column + content.column - 1, width: at.width }
}
