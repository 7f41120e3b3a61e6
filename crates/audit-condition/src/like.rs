/// A pattern of SQL's `like`: `%` is any run of characters, `_` one character, and a backslash before `%`, `_` or
/// itself takes it literally. The whole text has to match.
///
/// `ilike` compares characters by their simple lower case: one that has a lower case of more than one character
/// stands for itself.
#[derive(Clone, Debug)]
pub(crate) struct LikePattern {
    pub(crate) parts: Vec<LikePart>,
    pub(crate) ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LikePart {
    /// `%`; never two in a row.
    Any,
    /// `_`
    One,
    /// In lower case already, when case is ignored.
    Char(char),
}

impl LikePattern {
    /// Reads a pattern. The error says what is wrong.
    pub(crate) fn parse(pattern: &str, ignore_case: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '%' if parts.last() == Some(&LikePart::Any) => continue,
                '%' => LikePart::Any,
                '_' => LikePart::One,
                '\\' => match chars.next() {
                    Some(escaped @ ('%' | '_' | '\\')) => LikePart::Char(escaped),
                    _ => {
                        return Err("a backslash in a pattern stands before %, _ or another backslash; \
                                    for a backslash itself write four"
                            .to_owned());
                    }
                },
                other => LikePart::Char(if ignore_case { lower(other) } else { other }),
            });
        }
        Ok(Self { parts, ignore_case })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        // Iterative, so that a pattern full of % costs at most the product of both lengths.
        let (mut p, mut rest) = (0, text.chars());
        let mut last_any = None;
        loop {
            let mut ahead = rest.clone();
            let Some(c) = ahead.next() else { break };
            let fits = match self.parts.get(p) {
                Some(LikePart::Any) => {
                    p += 1;
                    last_any = Some((p, rest.clone()));
                    continue;
                }
                Some(LikePart::One) => true,
                Some(LikePart::Char(wanted)) if self.ignore_case => lower(c) == *wanted,
                Some(LikePart::Char(wanted)) => c == *wanted,
                None => false,
            };
            if fits {
                p += 1;
                rest = ahead;
            } else if let Some((after_any, from)) = &mut last_any {
                from.next();
                p = *after_any;
                rest = from.clone();
            } else {
                return false;
            }
        }
        self.parts[p..].iter().all(|part| *part == LikePart::Any)
    }

    /// The text before the first `%`, if nothing but that one follows it (then true) or there is none (false).
    pub(crate) fn simple(&self) -> Option<(String, bool)> {
        let (prefix, rest) = self.prefix();
        match rest {
            [] if !self.ignore_case => Some((prefix, false)),
            [LikePart::Any] if !self.ignore_case => Some((prefix, true)),
            _ => None,
        }
    }

    /// What every text that matches begins with, and what of the pattern comes after it.
    pub(crate) fn prefix(&self) -> (String, &[LikePart]) {
        let literal = |part: &LikePart| match part {
            LikePart::Char(c) if !self.ignore_case => Some(*c),
            _ => None,
        };
        let prefix: String = self.parts.iter().map_while(literal).collect();
        let length = prefix.chars().count();
        (prefix, &self.parts[length..])
    }
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lowered = c.to_lowercase();
    match (lowered.next(), lowered.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        LikePattern::parse(pattern, false).unwrap().matches(text)
    }

    #[test]
    fn runs_single_characters_and_escapes() {
        assert!(like("backup.failed", "backup.%"));
        assert!(like("backup.failed", "%fail%"));
        assert!(like("", "%"));
        assert!(like("", ""));
        assert!(!like("a", ""));
        assert!(like("ab", "a_"));
        assert!(!like("a", "a_"));
        assert!(like("é", "_"));
        assert!(like("100%", r"100\%"));
        assert!(!like("1000", r"100\%"));
        assert!(like(r"a\b", r"a\\b"));
        assert!(like("abcbcd", "a%bcd"));
        assert!(!like("A", "a"));
        assert!(LikePattern::parse("ÄÖ%", true).unwrap().matches("äöü"));
        assert!(LikePattern::parse(r"a\b", false).is_err());
        assert!(LikePattern::parse(r"a\", false).is_err());
    }
}
