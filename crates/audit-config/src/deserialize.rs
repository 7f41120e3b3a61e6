//! `serde::Deserializer` over a [`Node`], so that the configuration's types only derive
//! `Deserialize` and every error still has its place.
//!
//! Enums with data are told apart by their `type` key and structs may hold [`REST`]: serde's own
//! `tag` and `flatten` buffer the value and lose where it stood.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_saphyr::granit_parser::ScalarStyle;

use crate::OcsfClass;
use crate::error::{Problem, nearest, one_of, quoted};
use crate::node::{Key, Node, Position, Value};
use crate::origin::join;

/// The name of the field that takes every key its struct doesn't name.
pub(crate) const REST: &str = "$rest";
const RECOVER: &str = "$recover";
const TAG: &str = "type";

/// Reads `T`, putting every error met into `problems`; `None` when the top itself can't be read.
pub(crate) fn deserialize<'a, T: Deserialize<'a>>(
    node: &'a Node,
    problems: &'a RefCell<Vec<Problem>>,
) -> Option<T> {
    let top = At { node, place: node.at, path: String::new(), handled: Vec::new(), problems };
    Recovered::deserialize(top).ok().and_then(|recovered| recovered.0)
}

/// A field whose error doesn't keep its siblings from being checked.
pub(crate) fn recover<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Recovered::deserialize(from).map(|recovered| recovered.0.unwrap_or_default())
}

/// As [`recover`], for each item of a list.
pub(crate) fn recover_each<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let items: Vec<Recovered<T>> = recover(from)?;
    Ok(items.into_iter().filter_map(|item| item.0).collect())
}

/// A value, or `None` where the error has been reported.
struct Recovered<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recovered<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct First<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for First<T> {
            type Value = Recovered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                Ok(Recovered(items.next_element()?))
            }
        }
        from.deserialize_tuple_struct(RECOVER, 1, First(PhantomData))
    }
}

/// A node, the place to name in errors about it, its path, and the keys of it that somebody else reads.
struct At<'a> {
    node: &'a Node,
    place: Position,
    path: String,
    handled: Vec<&'static str>,
    problems: &'a RefCell<Vec<Problem>>,
}

#[derive(Debug)]
pub(crate) struct Fault {
    problem: Box<Problem>,
    /// Kept apart from what was found, which a message about a variable leaves out.
    expected: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// Adds the place unless one nearer to the error has been added already.
    fn or_at(mut self, place: Position, path: &str) -> Self {
        if self.problem.at.is_none() {
            self.problem.at = Some(place);
            path.clone_into(&mut self.problem.path);
        }
        self
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let problem = Box::new(Problem { message: message.to_string(), ..Problem::default() });
        Self { problem, expected: None }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Str(text) => quoted(text),
            other => other.to_string(),
        };
        Self {
            expected: Some(expected.to_string()),
            ..Self::custom(format!("found {found}, expected {expected}"))
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("missing key `{field}`"))
    }
}

impl<'a> At<'a> {
    fn child(&self, node: &'a Node, place: Position, path: String) -> Self {
        Self { node, place, path, handled: Vec::new(), problems: self.problems }
    }

    fn expected(&self, expected: &str) -> Fault {
        // A header or a webhook's URL in the wrong place is still a secret.
        let misplaced = self.text().is_some() && matches!(expected, "a mapping" | "a list");
        let found = match (&self.node.value, &self.node.variable) {
            _ if misplaced => "a string".to_owned(),
            (_, Some(variable)) => format!("the value of `${{{variable}}}`"),
            (Value::Null, None) => "nothing".to_owned(),
            (Value::Scalar { text, style: ScalarStyle::Plain }, None) => quoted(text),
            (Value::Scalar { text, .. }, None) => format!("the string {}", quoted(text)),
            (Value::Sequence(_), None) => "a list".to_owned(),
            (Value::Mapping(_), None) => "a mapping".to_owned(),
        };
        let mut fault = self.fault(&format!("found {found}, expected {expected}"));
        fault.problem.hide = misplaced;
        fault
    }

    fn fault(&self, message: &str) -> Fault {
        <Fault as de::Error>::custom(message).or_at(self.place, &self.path)
    }

    fn text(&self) -> Option<&'a str> {
        if let Value::Scalar { text, .. } = &self.node.value { Some(text) } else { None }
    }

    fn plain(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, style: ScalarStyle::Plain } => Some(text),
            _ => None,
        }
    }

    fn number<T>(&self, visit: impl FnOnce(u64) -> Result<T, Fault>) -> Result<T, Fault> {
        let number =
            self.plain().and_then(|text| text.parse().ok()).ok_or_else(|| self.expected("a whole number"))?;
        visit(number).map_err(|_| {
            self.expected(if number == 0 { "a whole number above 0" } else { "a smaller number" })
        })
    }

    /// One of `names`, or an error that names the nearest.
    fn variant(&self, names: &'static [&'static str]) -> Result<&'static str, Fault> {
        let text = self.text().ok_or_else(|| self.expected(&one_of(names.iter().copied())))?;
        names.iter().find(|name| **name == text).copied().ok_or_else(|| {
            let mut fault = self.expected(&one_of(names.iter().copied()));
            if self.node.variable.is_none() {
                let class = || OcsfClass::name_of_uid(text).filter(|name| names.contains(name));
                fault.problem.suggest(nearest(text, names.iter().copied()).or_else(class));
            }
            fault
        })
    }

    fn visit_entries<V: Visitor<'a>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Value::Mapping(entries) = &self.node.value else { return Err(self.expected("a mapping")) };
        let Some(fields) = fields else {
            let entries: Vec<_> = entries.iter().collect();
            return visitor.visit_map(Entries {
                entries: entries.into_iter(),
                at: self,
                value: None,
                rest: None,
            });
        };
        let known = [self.handled.as_slice(), fields].concat();
        let rest = fields.contains(&REST).then(|| known.clone());
        let mut own = Vec::new();
        for entry in entries {
            let name = entry.0.name.as_str();
            if fields.contains(&name) {
                // `events:` with every line below commented out is as good as absent.
                own.extend((!matches!(entry.1.value, Value::Null)).then_some(entry));
            } else if rest.is_none() && !known.contains(&name) {
                self.problems.borrow_mut().push(self.unknown(&entry.0, &known));
            }
        }
        visitor.visit_map(Entries { entries: own.into_iter(), at: self, value: None, rest })
    }

    fn unknown(&self, key: &Key, known: &[&'static str]) -> Problem {
        let mut known: Vec<_> = known.iter().copied().filter(|name| *name != REST).collect();
        known.sort_unstable();
        let message =
            format!("unknown key {}, expected {}", quoted(&key.name), one_of(known.iter().copied()));
        let mut problem = Problem::at(key.at, message).under(&join(&self.path, &key.name));
        (problem.about_key, problem.hide) = (true, true);
        // At the top it may be the way to the section that is misspelt.
        let above = self.path.is_empty().then_some("enterprise");
        problem.suggest(nearest(&key.name, known.into_iter().chain(above)));
        problem
    }
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { .. } => self.deserialize_str(visitor),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) => self.visit_entries(None, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.plain() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            text => {
                let mut fault = self.expected("`true` or `false`");
                let meant = match text.unwrap_or_default().to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => Some("true"),
                    "no" | "off" | "n" | "false" => Some("false"),
                    _ => None,
                };
                fault.problem.help = meant.map(|meant| format!("write `{meant}`"));
                Err(fault)
            }
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(|number| visitor.visit_u64(number))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(|number| visitor.visit_u64(number))
    }

    /// Plain scalars such as `123` or `true` are their text where a string is wanted.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text().ok_or_else(|| self.expected("a string"))?;
        visitor.visit_str(text).map_err(|fault: Fault| match &self.node.variable {
            None => fault.or_at(self.place, &self.path),
            Some(_) => self.expected(fault.expected.as_deref().unwrap_or("another value")),
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self.node.value, Value::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == RECOVER { visitor.visit_seq(Once(Some(self))) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Value::Sequence(items) = &self.node.value else { return Err(self.expected("a list")) };
        visitor.visit_seq(Items { items: items.iter().enumerate(), at: self })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_entries(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_entries(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let name = if let Value::Mapping(_) = self.node.value {
            let tag = self.node.get(TAG).ok_or_else(|| {
                let mut fault = self
                    .fault(&format!("missing key `{TAG}`, expected {}", one_of(variants.iter().copied())));
                let meant = self.node.entries().iter().find_map(|(key, _)| nearest(&key.name, [TAG]));
                fault.problem.suggest(meant);
                fault
            })?;
            self.handled.push(TAG);
            self.child(tag, tag.at, join(&self.path, TAG)).variant(variants)?
        } else {
            self.variant(variants)?
        };
        visitor.visit_enum(Variant { name, at: self })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple identifier ignored_any
    }
}

struct Once<'a>(Option<At<'a>>);

impl<'de> SeqAccess<'de> for Once<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(at) = self.0.take() else { return Ok(None) };
        let (path, place, problems) = (at.path.clone(), at.place, at.problems);
        match seed.deserialize(at) {
            Ok(value) => Ok(Some(value)),
            Err(fault) => {
                problems.borrow_mut().push(*fault.or_at(place, &path).problem);
                Ok(None)
            }
        }
    }
}

struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    at: At<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        let path = format!("{}[{index}]", self.at.path);
        seed.deserialize(self.at.child(node, node.at, path.clone()))
            .map(Some)
            .map_err(|fault| fault.or_at(node.at, &path))
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<&'a (Key, Node)>,
    at: At<'a>,
    /// The value whose key has been given out; none for that of `REST`.
    value: Option<&'a (Key, Node)>,
    /// The keys that whoever reads `REST` has to pass over.
    rest: Option<Vec<&'static str>>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.entries.next();
        match (self.value, &self.rest) {
            (Some((key, _)), _) => seed.deserialize(key.name.as_str().into_deserializer()).map(Some),
            (None, Some(_)) => seed.deserialize(REST.into_deserializer()).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node)) = self.value else {
            let mut whole = self.at.child(self.at.node, self.at.place, self.at.path.clone());
            whole.handled = self.rest.take().unwrap_or_default();
            return seed.deserialize(whole);
        };
        let (place, path) = (node.place(key), join(&self.at.path, &key.name));
        seed.deserialize(self.at.child(node, place, path.clone())).map_err(|fault| fault.or_at(place, &path))
    }
}

struct Variant<'a> {
    name: &'static str,
    at: At<'a>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = At<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, At<'de>), Fault> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.at))
    }
}

impl<'de> VariantAccess<'de> for At<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        if self.text().is_some() { Ok(()) } else { Err(self.expected("a name")) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let Some(name) = self.text() else { return seed.deserialize(self) };
        // Only the name, without anything to be set.
        let key = self.path.rsplit(['.', ']']).next().filter(|key| !key.is_empty());
        let mut fault = self.expected(&format!("a mapping with `{TAG}`"));
        fault.problem.help = key.map(|key| format!("write `{key}: {{{TAG}: {name}}}`"));
        Err(fault)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_entries(Some(fields), visitor)
    }
}
