use std::borrow::Cow;

use crate::bounded::Bounded;
use crate::printf::printf;
use crate::quote;
use crate::value::Val;

macro_rules! functions {
    ($($variant:ident = $name:literal, $least:literal to $most:literal;)*) => {
        /// What a template can call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function {
            $($variant,)*
        }

        impl Function {
            pub(crate) const NAMES: &[&str] = &[$($name),*];

            pub(crate) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The least and the most arguments.
            pub(crate) fn takes(self) -> (usize, usize) {
                match self {
                    $(Self::$variant => ($least, $most),)*
                }
            }
        }
    };
}

functions! {
    And = "and", 1 to 99;
    Or = "or", 1 to 99;
    Not = "not", 1 to 1;
    Eq = "eq", 2 to 99;
    Ne = "ne", 2 to 2;
    Lt = "lt", 2 to 2;
    Le = "le", 2 to 2;
    Gt = "gt", 2 to 2;
    Ge = "ge", 2 to 2;
    Len = "len", 1 to 1;
    Index = "index", 1 to 99;
    Slice = "slice", 1 to 3;
    Print = "print", 0 to 99;
    Println = "println", 0 to 99;
    Printf = "printf", 1 to 99;
    Html = "html", 1 to 99;
    Js = "js", 1 to 99;
    Urlquery = "urlquery", 1 to 99;
    Default = "default", 2 to 2;
    Upper = "upper", 1 to 1;
    Lower = "lower", 1 to 1;
    Title = "title", 1 to 1;
    Trim = "trim", 1 to 1;
    Join = "join", 2 to 2;
    Truncate = "truncate", 2 to 2;
    Json = "json", 1 to 1;
}

impl Function {
    /// Whether it gives no fields to look into, whatever it is given.
    pub(crate) fn gives_scalar(self) -> bool {
        !matches!(self, Self::And | Self::Or | Self::Index | Self::Slice | Self::Default)
    }

    /// Whether it writes its arguments out, lists and objects too.
    pub(crate) fn makes_text(self) -> bool {
        matches!(
            self,
            Self::Print
                | Self::Println
                | Self::Printf
                | Self::Html
                | Self::Js
                | Self::Urlquery
                | Self::Upper
                | Self::Lower
                | Self::Title
                | Self::Trim
                | Self::Join
                | Self::Truncate
                | Self::Json
        )
    }

    /// What it makes of its arguments. `and` and `or` are not asked here: they may leave some of theirs alone.
    pub(crate) fn call<'a>(self, arguments: &[Val<'a>], limit: usize) -> Val<'a> {
        let text = |write: &dyn Fn(&mut Bounded)| {
            let mut out = Bounded::new(limit);
            write(&mut out);
            Val::Text(Cow::Owned(out.into_string()))
        };
        let order = || arguments.first().zip(arguments.get(1)).and_then(|(a, b)| a.order(b));
        let first = || arguments.first().cloned().unwrap_or(Val::Absent);
        let last = || arguments.last().cloned().unwrap_or(Val::Absent);
        match self {
            Self::And | Self::Or => last(),
            Self::Not => Val::Bool(!first().is_true()),
            Self::Eq => Val::Bool(equals_any(arguments)),
            Self::Ne => Val::Bool(!equals_any(arguments)),
            Self::Lt => Val::Bool(order().is_some_and(|order| order.is_lt())),
            Self::Le => Val::Bool(order().is_some_and(|order| order.is_le())),
            Self::Gt => Val::Bool(order().is_some_and(|order| order.is_gt())),
            Self::Ge => Val::Bool(order().is_some_and(|order| order.is_ge())),
            Self::Len => Val::Int(length(&first())),
            Self::Index => arguments.iter().skip(1).fold(first(), |of, key| index(&of, key)),
            Self::Slice => slice(first(), arguments.get(1), arguments.get(2)),
            Self::Print => text(&|out| print(arguments, out)),
            Self::Println => text(&|out| println(arguments, out)),
            Self::Printf => {
                let format = first().text(limit);
                Val::Text(Cow::Owned(printf(&format, arguments.get(1..).unwrap_or_default(), limit)))
            }
            Self::Html => text(&|out| printed(arguments, limit).chars().for_each(|c| quote::html(c, out))),
            Self::Js => text(&|out| printed(arguments, limit).chars().for_each(|c| quote::js(c, out))),
            Self::Urlquery => text(&|out| quote::url_query(&printed(arguments, limit), out)),
            Self::Default => {
                if last().is_true() {
                    last()
                } else {
                    first()
                }
            }
            Self::Upper => text(&|out| out.push_str(&first().text(limit).to_uppercase())),
            Self::Lower => text(&|out| out.push_str(&first().text(limit).to_lowercase())),
            Self::Title => text(&|out| title(&first().text(limit), out)),
            Self::Trim => text(&|out| out.push_str(first().text(limit).trim())),
            Self::Join => text(&|out| join(&first().text(limit), &last(), out)),
            Self::Truncate => text(&|out| truncate(first().integer(), &last().text(limit), out)),
            Self::Json => text(&|out| json(&first(), out)),
        }
    }
}

fn equals_any(arguments: &[Val<'_>]) -> bool {
    arguments.split_first().is_some_and(|(first, others)| others.iter().any(|other| first.equals(other)))
}

/// In bytes for a text, as in Go.
fn length(value: &Val<'_>) -> i64 {
    let length = match value {
        Val::Text(text) => text.len(),
        Val::List(items) => items.len(),
        Val::Object(members) => members.len(),
        _ => 0,
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn index<'a>(of: &Val<'a>, key: &Val<'_>) -> Val<'a> {
    match (of, key) {
        (Val::Object(_), Val::Text(name)) => of.member(name),
        (Val::List(items), key) => {
            let item = key
                .integer()
                .and_then(|index| usize::try_from(index).ok())
                .and_then(|index| items.get(index));
            item.map_or(Val::Absent, Val::of)
        }
        (Val::Text(text), key) => {
            let byte = key
                .integer()
                .and_then(|index| usize::try_from(index).ok())
                .map(|index| text.as_bytes().get(index));
            byte.flatten().map_or(Val::Absent, |byte| Val::Int(i64::from(*byte)))
        }
        _ => Val::Absent,
    }
}

/// What lies outside is cut off, and so is a character of which only a part lies inside.
fn slice<'a>(of: Val<'a>, from: Option<&Val<'_>>, to: Option<&Val<'_>>) -> Val<'a> {
    let bounds = |length: usize| {
        let bound = |value: &Val<'_>| {
            value.integer().map_or(0, |bound| usize::try_from(bound).unwrap_or(0).min(length))
        };
        let to = to.map_or(length, bound);
        (from.map_or(0, bound).min(to), to)
    };
    match of {
        Val::List(items) => {
            let (from, to) = bounds(items.len());
            Val::List(&items[from..to])
        }
        Val::Text(text) => {
            let (mut from, mut to) = bounds(text.len());
            while !text.is_char_boundary(from) {
                from += 1;
            }
            while !text.is_char_boundary(to) {
                to -= 1;
            }
            let range = from..to.max(from);
            Val::Text(match text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
                Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
            })
        }
        _ => Val::Absent,
    }
}

/// A space stands between two of which neither is a text.
fn print(arguments: &[Val<'_>], out: &mut Bounded) {
    let mut after_text = true;
    for argument in arguments {
        let is_text = matches!(argument, Val::Text(_));
        if !after_text && !is_text {
            out.push(' ');
        }
        argument.write(out);
        after_text = is_text;
    }
}

fn println(arguments: &[Val<'_>], out: &mut Bounded) {
    for (index, argument) in arguments.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        argument.write(out);
    }
    out.push('\n');
}

fn printed(arguments: &[Val<'_>], limit: usize) -> String {
    let mut out = Bounded::new(limit);
    print(arguments, &mut out);
    out.into_string()
}

fn title(text: &str, out: &mut Bounded) {
    let mut begins = true;
    for c in text.chars() {
        if begins {
            c.to_uppercase().for_each(|c| out.push(c));
        } else {
            out.push(c);
        }
        begins = !c.is_alphanumeric() && c != '\'' && c != '_';
    }
}

fn join(separator: &str, items: &Val<'_>, out: &mut Bounded) {
    let Val::List(items) = items else { return items.write(out) };
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        Val::of(item).write(out);
        if out.is_full() {
            return;
        }
    }
}

fn truncate(most: Option<i64>, text: &str, out: &mut Bounded) {
    let most = most.map_or(0, |most| usize::try_from(most).unwrap_or(0));
    if text.char_indices().nth(most).is_none() {
        out.push_str(text);
    } else if most > 0 {
        let end = text.char_indices().nth(most - 1).map_or(text.len(), |(end, _)| end);
        out.push_str(&text[..end]);
        out.push('…');
    }
}

fn json(value: &Val<'_>, out: &mut Bounded) {
    // An error says that the text is full, which whoever made it sees.
    match value {
        Val::Absent => out.push_str("null"),
        Val::Text(text) => {
            serde_json::to_writer(out, text).ok();
        }
        Val::Float(number) => {
            serde_json::to_writer(out, number).ok();
        }
        Val::Bool(_) | Val::Int(_) => value.write(out),
        Val::List(items) => {
            serde_json::to_writer(out, items).ok();
        }
        Val::Object(members) => {
            serde_json::to_writer(out, members).ok();
        }
    }
}
