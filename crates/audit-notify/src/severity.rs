use audit_model::Severity;

/// The words of rules for how much an alert matters.
const WORDS: [(&str, Severity); 5] = [
    ("critical", Severity::Critical),
    ("high", Severity::High),
    ("medium", Severity::Medium),
    ("low", Severity::Low),
    ("info", Severity::Informational),
];

pub(crate) fn parse(word: &str) -> Option<Severity> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, severity)| *severity)
}

pub(crate) fn word(severity: Severity) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == severity).map_or("medium", |(word, _)| word)
}
