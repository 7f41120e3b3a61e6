//! Values written as a string: how each is read, written and described, for `#[serde(with = …)]`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};

trait Written: Sized {
    const EXPECTED: &'static str;
    fn read(text: &str) -> Option<Self>;
}

struct Text<T>(T);

impl<'de, T: Written> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<T: Written> Visitor<'_> for Reads<T> {
            type Value = Text<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<T>, E> {
                T::read(text).map(Text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Reads(PhantomData))
    }
}

/// A list of event types and patterns.
pub(crate) mod patterns {
    use audit_model::EventPattern;
    use serde::{Deserializer, Serializer};

    impl super::Written for EventPattern {
        const EXPECTED: &'static str = "an event type or a pattern such as `backup.*`";
        fn read(text: &str) -> Option<Self> {
            text.parse().ok()
        }
    }

    pub(crate) fn serialize<S: Serializer>(patterns: &[EventPattern], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(patterns.iter().map(EventPattern::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<EventPattern>, D::Error> {
        let patterns: Vec<super::Text<EventPattern>> = crate::deserialize::recover_each(from)?;
        Ok(patterns.into_iter().map(|pattern| pattern.0).collect())
    }
}

/// `1.3.0`
pub(crate) mod ocsf_version {
    use std::fmt;
    use std::sync::LazyLock;

    use audit_ocsf::Version;
    use serde::de::{Deserializer, EnumAccess, Error, VariantAccess, Visitor};
    use serde::ser::Serializer;

    static NAMES: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| Version::ALL.iter().map(|version| version.as_str()).collect());

    pub(crate) fn serialize<S: Serializer>(version: &Version, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(version.as_str())
    }

    /// As the name of an enum's variant, so that errors name the nearest.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Version, D::Error> {
        struct OneOf;
        impl<'de> Visitor<'de> for OneOf {
            type Value = Version;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version of OCSF")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, name: A) -> Result<Version, A::Error> {
                let (name, nothing) = name.variant::<String>()?;
                nothing.unit_variant()?;
                name.parse().map_err(A::Error::custom)
            }
        }
        from.deserialize_enum("Version", &NAMES, OneOf)
    }

    pub(crate) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": *NAMES })
    }
}

/// `30s`, `5m`, `24h`, `7d`.
pub(crate) mod duration {
    use std::time::Duration;

    use jiff::fmt::friendly::SpanParser;
    use jiff::{SignedDuration, SpanRelativeTo};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl super::Written for Duration {
        const EXPECTED: &'static str = "a duration above zero such as `30s`, `5m`, `24h` or `7d`";
        fn read(text: &str) -> Option<Self> {
            let span = SpanParser::new().parse_span(text).ok()?;
            let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            duration.try_into().ok().filter(|duration: &Self| !duration.is_zero())
        }
    }

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        duration.and_then(written).serialize(to)
    }

    pub(super) fn written(duration: Duration) -> Option<String> {
        SignedDuration::try_from(duration).ok().map(|duration| format!("{duration:#}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Option::<super::Text<Duration>>::deserialize(from).map(|duration| duration.map(|text| text.0))
    }
}

/// A duration that has to be there, and is a millisecond or more: the times of events are no finer.
pub(crate) mod window {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    struct Window(Duration);

    impl super::Written for Window {
        const EXPECTED: &'static str = "a duration of at least `1ms`, such as `10s`";
        fn read(text: &str) -> Option<Self> {
            Duration::read(text).filter(|duration| duration.as_millis() > 0).map(Self)
        }
    }

    pub(crate) fn serialize<S: Serializer>(window: &Duration, to: S) -> Result<S::Ok, S::Error> {
        super::duration::written(*window).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        super::Text::<Window>::deserialize(from).map(|text| text.0.0)
    }
}

/// `127.0.0.1:8400`, `[::]:8400`, `localhost:8400`.
pub(crate) mod address {
    use std::net::SocketAddr;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl super::Written for SocketAddr {
        const EXPECTED: &'static str =
            "an IP address and a port, such as `127.0.0.1:8400`, `0.0.0.0:8400` or `[::]:8400`";
        fn read(text: &str) -> Option<Self> {
            match text.strip_prefix("localhost:") {
                Some(port) => Some(Self::from(([127, 0, 0, 1], port.parse().ok()?))),
                None => text.parse().ok(),
            }
        }
    }

    pub(crate) fn serialize<S: Serializer>(address: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
        address.map(|address| address.to_string()).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
        Option::<super::Text<SocketAddr>>::deserialize(from).map(|address| address.map(|text| text.0))
    }
}

/// One string or a list of them.
pub(crate) mod one_or_list {
    use std::fmt;

    use serde::de::{Deserializer, Error, SeqAccess, Visitor};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        struct OneOrList;
        impl<'de> Visitor<'de> for OneOrList {
            type Value = Vec<String>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![text.to_owned()])
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }
        from.deserialize_any(OneOrList)
    }

    pub(crate) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
