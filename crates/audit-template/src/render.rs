use serde_json::{Map, Value};

use crate::Escape;
use crate::bounded::Bounded;
use crate::function::Function;
use crate::syntax::{Branch, Expr, Node, ROOT, Slot};
use crate::template::{MAX_ITERATIONS, MAX_OUTPUT_BYTES};
use crate::value::{Val, sorted};

/// What a rendering may cost: one for a step, one for each 16 bytes of text that is written, that a function is given or
/// makes or that a variable copies, one for each member of an object, and of a list or object that becomes text, one for
/// each value within. It ends templates that stay within the other bounds and still would take minutes.
const MAX_COST: usize = 1 << 20;

/// Said where something was left out.
const CUT: char = '…';

/// Renders; what does not fit is cut off, with a `…`.
pub(crate) fn render(nodes: &[Node], slots: usize, dot: &Value, escape: Escape) -> String {
    let root = Val::of(dot);
    let mut slots = vec![Val::Absent; slots.max(ROOT + 1)];
    slots[ROOT] = root.clone();
    let mut rendering = Rendering {
        out: Bounded::new(MAX_OUTPUT_BYTES - CUT.len_utf8()),
        escape,
        slots,
        iterations: 0,
        cost: 0,
    };
    let flow = rendering.run(nodes, &root);
    let is_cut = flow == Flow::Stop || rendering.out.is_full();
    let mut text = rendering.out.into_string();
    if is_cut {
        text.push(CUT);
    }
    text
}

struct Rendering<'a> {
    out: Bounded,
    escape: Escape,
    slots: Vec<Val<'a>>,
    iterations: usize,
    cost: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
    Stop,
}

impl<'a> Rendering<'a> {
    fn run(&mut self, nodes: &'a [Node], dot: &Val<'a>) -> Flow {
        for node in nodes {
            let flow = self.node(node, dot);
            if self.out.is_full() || self.cost > MAX_COST {
                return Flow::Stop;
            }
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn node(&mut self, node: &'a Node, dot: &Val<'a>) -> Flow {
        self.cost += 1;
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Print(expr) => self.print(expr, dot),
            Node::Set { slot, to } => self.slots[*slot] = self.value(to, dot),
            Node::Break => return Flow::Break,
            Node::Continue => return Flow::Continue,
            Node::If { branches, otherwise } => {
                return match self.first_true(branches, dot) {
                    Some((branch, _)) => self.run(&branch.body, dot),
                    None => self.run(otherwise, dot),
                };
            }
            Node::With { branches, otherwise } => {
                return match self.first_true(branches, dot) {
                    Some((branch, value)) => self.run(&branch.body, &value),
                    None => self.run(otherwise, dot),
                };
            }
            Node::Range { over, key, item, body, otherwise } => {
                let over = self.value(over, dot);
                self.cost += cost(&over);
                return match self.range(&over, (*key, *item), body) {
                    Some(flow) => flow,
                    None => self.run(otherwise, dot),
                };
            }
        }
        Flow::Next
    }

    fn print(&mut self, expr: &'a Expr, dot: &Val<'a>) {
        let value = self.value(expr, dot);
        let is_written_already = matches!(
            (self.escape, expr),
            (Escape::Json, Expr::Call { function: Function::Json, .. })
                | (Escape::Html, Expr::Call { function: Function::Html, .. })
        );
        self.cost += written(&value);
        let text = value.text(MAX_OUTPUT_BYTES);
        if is_written_already {
            self.out.push_str(&text);
        } else {
            self.escape.write(&text, &mut self.out);
        }
    }

    fn first_true(&mut self, branches: &'a [Branch], dot: &Val<'a>) -> Option<(&'a Branch, Val<'a>)> {
        for branch in branches {
            let value = self.value(&branch.condition, dot);
            if let Some(slot) = branch.slot {
                self.slots[slot] = value.clone();
            }
            if value.is_true() {
                return Some((branch, value));
            }
        }
        None
    }

    /// `None` when there was nothing to go through.
    fn range(
        &mut self,
        over: &Val<'a>,
        into: (Option<Slot>, Option<Slot>),
        body: &'a [Node],
    ) -> Option<Flow> {
        match over {
            Val::List(items) => {
                let items = items.iter().enumerate().map(|(index, item)| (integer(index), Val::of(item)));
                self.each(items, into, body)
            }
            Val::Object(members) => self.each(members_of(members), into, body),
            Val::Int(count) => {
                let count = usize::try_from(*count).unwrap_or(0);
                self.each((0..count).map(|index| (integer(index), integer(index))), into, body)
            }
            _ => None,
        }
    }

    fn each(
        &mut self,
        items: impl Iterator<Item = (Val<'a>, Val<'a>)>,
        (key_slot, item_slot): (Option<Slot>, Option<Slot>),
        body: &'a [Node],
    ) -> Option<Flow> {
        let mut any = None;
        for (key, item) in items {
            any = Some(Flow::Next);
            self.iterations += 1;
            if self.iterations > MAX_ITERATIONS {
                return Some(Flow::Stop);
            }
            if let Some(slot) = key_slot {
                self.slots[slot] = key;
            }
            if let Some(slot) = item_slot {
                self.slots[slot] = item.clone();
            }
            match self.run(body, &item) {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Stop => return Some(Flow::Stop),
            }
        }
        any
    }

    fn value(&mut self, expr: &'a Expr, dot: &Val<'a>) -> Val<'a> {
        self.cost += 1;
        if self.cost > MAX_COST {
            return Val::Absent;
        }
        match expr {
            Expr::Bool(value) => Val::Bool(*value),
            Expr::Int(number) => Val::Int(*number),
            Expr::Float(number) => Val::Float(*number),
            Expr::Text(text) => Val::Text(text.as_str().into()),
            Expr::Dot => self.copy(dot.clone()),
            Expr::Variable(slot) => {
                let value = self.slots[*slot].clone();
                self.copy(value)
            }
            Expr::Field { of, path } => {
                let of = self.value(of, dot);
                path.iter().fold(of, |of, name| of.member(name))
            }
            Expr::Call { function: Function::And, arguments } => self.until(arguments, dot, false),
            Expr::Call { function: Function::Or, arguments } => self.until(arguments, dot, true),
            Expr::Call { function, arguments } => {
                let arguments: Vec<_> = arguments.iter().map(|argument| self.value(argument, dot)).collect();
                // Reading them costs as much as writing them.
                let read = if function.makes_text() { written } else { cost };
                self.cost += arguments.iter().map(read).sum::<usize>();
                let value = function.call(&arguments, MAX_OUTPUT_BYTES);
                self.copy(value)
            }
        }
    }

    /// The first value whose truth is this, or the last.
    fn until(&mut self, arguments: &'a [Expr], dot: &Val<'a>, truth: bool) -> Val<'a> {
        let mut value = Val::Absent;
        for argument in arguments {
            value = self.value(argument, dot);
            if value.is_true() == truth {
                break;
            }
        }
        value
    }

    fn copy(&mut self, value: Val<'a>) -> Val<'a> {
        self.cost += cost(&value);
        value
    }
}

fn members_of<'a>(members: &'a Map<String, Value>) -> impl Iterator<Item = (Val<'a>, Val<'a>)> {
    sorted(members).into_iter().map(|(name, value)| (Val::Text(name.as_str().into()), Val::of(value)))
}

fn integer<'a>(index: usize) -> Val<'a> {
    Val::Int(i64::try_from(index).unwrap_or(i64::MAX))
}

/// What it costs to make a text of it, of which no more than the output's bound is made.
fn written(value: &Val<'_>) -> usize {
    fn spend(value: &Val<'_>, left: &mut usize) {
        *left = left.saturating_sub(1 + cost(value));
        let mut inner = |value: &Value| {
            if *left > 0 {
                spend(&Val::of(value), left);
            }
        };
        match value {
            Val::List(items) => items.iter().for_each(&mut inner),
            Val::Object(members) => members.values().for_each(&mut inner),
            _ => {}
        }
    }
    let mut left = MAX_OUTPUT_BYTES / 16;
    spend(value, &mut left);
    MAX_OUTPUT_BYTES / 16 - left
}

fn cost(value: &Val<'_>) -> usize {
    match value {
        Val::Text(text) => text.len() / 16,
        // Sorting it is the dear part.
        Val::Object(members) => members.len(),
        _ => 0,
    }
}
