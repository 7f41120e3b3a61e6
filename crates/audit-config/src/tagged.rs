/// An enum told apart by its `type` key, for reading (see `deserialize`), writing and the schema.
///
/// serde's own `tag` can't be had for writing alone, and for reading it loses where things stood.
macro_rules! tagged {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident($content:ident),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(tag = "type")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant($content),)*
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                #[derive(serde::Serialize)]
                #[serde(tag = "type", rename_all = "snake_case")]
                enum Written<'a> {
                    $($variant(&'a $content),)*
                }
                match self {
                    $(Self::$variant(content) => Written::$variant(content).serialize(to),)*
                }
            }
        }
    };
}

pub(crate) use tagged;
