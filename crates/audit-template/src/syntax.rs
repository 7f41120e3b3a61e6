use crate::function::Function;

/// One piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Text(String),
    Print(Expr),
    Set {
        slot: Slot,
        to: Expr,
    },
    /// The first branch whose condition is true. A variable may be set to the condition's value first.
    If {
        branches: Vec<Branch>,
        otherwise: Vec<Node>,
    },
    /// As `If`, with dot set to the condition's value.
    With {
        branches: Vec<Branch>,
        otherwise: Vec<Node>,
    },
    Range {
        over: Expr,
        key: Option<Slot>,
        item: Option<Slot>,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Break,
    Continue,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Branch {
    pub(crate) slot: Option<Slot>,
    pub(crate) condition: Expr,
    pub(crate) body: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Dot,
    Variable(Slot),
    Field { of: Box<Expr>, path: Vec<String> },
    Call { function: Function, arguments: Vec<Expr> },
}

/// Where a variable's value is kept. [`ROOT`] is `$`.
pub(crate) type Slot = usize;

pub(crate) const ROOT: Slot = 0;
