//! `${VAR}`, `${VAR:-default}` and `$$` in values, replaced in the tree and never in the text: a
//! variable cannot add a key, whatever it holds.

use serde_saphyr::granit_parser::ScalarStyle;

use crate::error::{Problem, quoted};
use crate::node::{Node, Value};
use crate::origin::join;

/// Looks a variable up; the library asks nothing else of its surroundings.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process, for programs that configure themselves from it.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) fn expand(node: &mut Node, path: &str, environment: Environment<'_>, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::Null => {}
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand(item, &format!("{path}[{index}]"), environment, problems);
            }
        }
        Value::Mapping(entries) => {
            for (key, value) in entries {
                expand(value, &join(path, &key.name), environment, problems);
            }
        }
        Value::Scalar { text, .. } if !text.contains('$') => {}
        Value::Scalar { text, style } => match replace(text, environment) {
            Ok(replaced) => {
                if !replaced.is_one_reference && *style == ScalarStyle::Plain {
                    // Only a value that is a variable as a whole may stand for a number.
                    *style = ScalarStyle::DoubleQuoted;
                }
                *text = replaced.text;
                node.variable = replaced.variable;
            }
            Err(message) => problems.push(Problem::at(node.at, message).under(path)),
        },
    }
}

struct Replaced {
    text: String,
    variable: Option<String>,
    is_one_reference: bool,
}

fn replace(text: &str, environment: Environment<'_>) -> Result<Replaced, String> {
    let mut replaced = Replaced { text: String::new(), variable: None, is_one_reference: false };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        replaced.text.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            replaced.text.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (reference, after) =
                after.split_once('}').ok_or("found `${` without `}`; write `$$` for a plain `$`")?;
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            if !is_name(name) {
                return Err(format!(
                    "found {}, expected `${{NAME}}` or `${{NAME:-default}}`; write `$$` for a plain `$`",
                    quoted(&format!("${{{reference}}}"))
                ));
            }
            if default.is_some_and(|default| default.contains("${")) {
                return Err(format!(
                    "found `${{` in the default of `{name}`; a default cannot hold another variable"
                ));
            }
            // As in a shell, `:-` stands in for an empty variable too.
            let found = environment(name).filter(|value| default.is_none() || !value.is_empty());
            let value = found.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
                format!(
                    "the environment variable `{name}` is not set; set it or write `${{{name}:-default}}`"
                )
            })?;
            replaced.is_one_reference = replaced.variable.is_none() && dollar == 0 && after.is_empty();
            replaced.text.push_str(&value);
            replaced.variable = Some(name.to_owned());
            rest = after;
        } else {
            replaced.text.push('$');
        }
    }
    replaced.text.push_str(rest);
    Ok(replaced)
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
