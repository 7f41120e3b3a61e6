use std::fmt;

use serde::{Serialize, Serializer};

/// One thing that is wrong, or odd, about a record.
///
/// Displays as `error attribute_wrong_type at actor.user.uid: expected string_t, found the integer 5`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// That of the code.
    pub severity: FindingSeverity,
    /// What kind of thing it is.
    pub code: Code,
    /// Where, such as `actor.user.type_id` or `resources[1].name`; empty for the record itself. A name that isn't
    /// of letters, digits and `_` is escaped, in quotes and brackets: `unmapped["a b"]`.
    pub path: String,
    /// What was found, and what was expected. Control characters of the record are escaped.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingSeverity {
    /// Allowed, and worth a look.
    Information,
    /// Allowed, and likely a mistake.
    Warning,
    /// The schema forbids it.
    Error,
}

impl Finding {
    pub(crate) fn new(code: Code, path: &str, message: String) -> Self {
        Self { severity: code.severity(), code, path: path.to_owned(), message }
    }
}

impl FindingSeverity {
    /// In lower case, as it is displayed and serialized.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One table for the variants, their names and their severities, so that none can be left out.
macro_rules! codes {
    ($($(#[$docs:meta])+ $variant:ident = $text:literal, $severity:ident;)+) => {
        #[doc = include_str!("../FINDINGS.md")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$docs])+ $variant,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable text, as it is displayed and serialized.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// How bad it is; the same for every finding of the code.
            #[must_use]
            pub fn severity(self) -> FindingSeverity {
                match self {
                    $(Self::$variant => FindingSeverity::$severity),+
                }
            }
        }
    };
}

codes! {
    /// The record isn't a JSON object.
    RecordWrongType = "record_wrong_type", Error;
    /// No class of the version has this `class_uid`.
    ClassUidUnknown = "class_uid_unknown", Error;
    /// The class shouldn't be used any more.
    ClassDeprecated = "class_deprecated", Warning;
    /// No profile of the version has this name.
    ProfileUnknown = "profile_unknown", Error;
    /// `metadata.version` isn't the version that the record is held against.
    VersionIncorrect = "version_incorrect", Warning;
    /// `metadata.version` is older or newer than every known version.
    VersionIncompatible = "version_incompatible", Error;
    /// `metadata.version` isn't a version.
    VersionInvalidFormat = "version_invalid_format", Error;
    /// `type_uid` isn't `class_uid` × 100 + `activity_id`.
    TypeUidIncorrect = "type_uid_incorrect", Error;
    /// A required attribute isn't there, or is null.
    AttributeRequiredMissing = "attribute_required_missing", Error;
    /// A recommended attribute isn't there; only told when asked for.
    AttributeRecommendedMissing = "attribute_recommended_missing", Warning;
    /// The class or object, with the record's profiles, has no such attribute.
    AttributeUnknown = "attribute_unknown", Error;
    /// The value is of another type.
    AttributeWrongType = "attribute_wrong_type", Error;
    /// The attribute shouldn't be used any more.
    AttributeDeprecated = "attribute_deprecated", Warning;
    /// The object shouldn't be used any more.
    ObjectDeprecated = "object_deprecated", Warning;
    /// The value isn't one of the enum's.
    AttributeEnumValueUnknown = "attribute_enum_value_unknown", Error;
    /// A value of the array isn't one of the enum's.
    AttributeEnumArrayValueUnknown = "attribute_enum_array_value_unknown", Error;
    /// The value of the enum shouldn't be used any more.
    AttributeEnumValueDeprecated = "attribute_enum_value_deprecated", Warning;
    /// A value of the array, of an enum, shouldn't be used any more.
    AttributeEnumArrayValueDeprecated = "attribute_enum_array_value_deprecated", Warning;
    /// The text beside an enum value isn't its caption.
    AttributeEnumSiblingIncorrect = "attribute_enum_sibling_incorrect", Warning;
    /// The text beside the value 99 says just `Other`, and not what it is.
    AttributeEnumSiblingSuspiciousOther = "attribute_enum_sibling_suspicious_other", Warning;
    /// The array of texts beside an array of enum values has another text than the caption.
    AttributeEnumArraySiblingIncorrect = "attribute_enum_array_sibling_incorrect", Error;
    /// The array of texts beside an array of enum values is shorter.
    AttributeEnumArraySiblingMissing = "attribute_enum_array_sibling_missing", Error;
    /// The number is outside the type's range.
    AttributeValueExceedsRange = "attribute_value_exceeds_range", Error;
    /// The text is longer than the type allows.
    AttributeValueExceedsMaxLen = "attribute_value_exceeds_max_len", Error;
    /// The text is longer than any string may be.
    AttributeValueExceedsSuperTypeMaxLen = "attribute_value_exceeds_super_type_max_len", Error;
    /// The text doesn't match the type's regular expression.
    AttributeValueRegexNotMatched = "attribute_value_regex_not_matched", Error;
    /// None of the attributes is there of which one has to be, or not exactly one.
    ConstraintFailed = "constraint_failed", Error;
    /// An observable's `name` isn't the path of an attribute.
    ObservableNameInvalidReference = "observable_name_invalid_reference", Error;
    /// An observable's `type_id` isn't that of the attribute that it names.
    ObservableTypeIdMismatch = "observable_type_id_mismatch", Warning;
    /// An observable's `value` isn't what the attribute has that it names.
    ObservableValueMismatch = "observable_value_mismatch", Warning;
    /// A required attribute is an empty text, and not a `value`.
    AttributeRequiredEmpty = "attribute_required_empty", Warning;
    /// Another attribute is an empty text, and not a `value`.
    AttributeValueEmpty = "attribute_value_empty", Information;
    /// A number that can have a fraction is written as an integer.
    FloatWrittenAsInteger = "float_written_as_integer", Information;
    /// The API call reads by its name, and the activity is Create, Update or Delete.
    ActivityIdSuspicious = "activity_id_suspicious", Warning;
    /// Objects nest deeper than records are followed.
    NestedTooDeep = "nested_too_deep", Error;
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, code, path, message } = self;
        match path.as_str() {
            "" => write!(f, "{severity} {code}: {message}"),
            path => write!(f, "{severity} {code} at {path}: {message}"),
        }
    }
}

impl fmt::Display for FindingSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As its stable text.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_has_every_code_with_its_severity() {
        let table: Vec<(&str, &str)> = include_str!("../FINDINGS.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .map(|(code, rest)| (code, rest.split(" | ").next().unwrap()))
            .collect();
        let codes: Vec<_> = Code::ALL.iter().map(|code| (code.as_str(), code.severity().as_str())).collect();
        assert_eq!(table, codes);
    }
}
