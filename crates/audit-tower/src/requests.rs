use audit_model::glob_matches;
use http::Method;

/// Which requests are audited, by method and path. The last rule that matches decides.
///
/// ```
/// use audit_tower::Requests;
/// use http::Method;
///
/// let requests = Requests::changes().with(Method::GET, "/v1/restores/*").without(None, "/metrics/push");
/// assert!(requests.selects(&Method::POST, "/v1/backups"));
/// assert!(requests.selects(&Method::GET, "/v1/restores/7"));
/// assert!(!requests.selects(&Method::GET, "/v1/backups"));
/// assert!(!requests.selects(&Method::POST, "/metrics/push"));
/// ```
///
/// Paths are compared as they were sent: neither decoded nor with `..` resolved, as routers do. A rule that leaves out a
/// path is best written without a star, and which requests a *route* gets is best said by adding the layer to that route.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    start: Start,
    rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    All,
    Changes,
    None,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    selects: bool,
    method: Option<Method>,
    path: String,
}

impl Requests {
    /// All but GET, HEAD, OPTIONS and TRACE, the methods that change nothing (RFC 9110 §9.2.1). Calls of gRPC are POST.
    #[must_use]
    pub fn changes() -> Self {
        Self { start: Start::Changes, rules: Vec::new() }
    }

    /// Every request.
    #[must_use]
    pub fn all() -> Self {
        Self { start: Start::All, ..Self::changes() }
    }

    /// No request, but those that rules add.
    #[must_use]
    pub fn none() -> Self {
        Self { start: Start::None, ..Self::changes() }
    }

    /// Adds requests of that method (or of any) whose path matches; `*` stands for any run of characters, `/` included.
    #[must_use]
    pub fn with(self, method: impl Into<Option<Method>>, path: impl Into<String>) -> Self {
        self.rule(true, method.into(), path.into())
    }

    /// Leaves such requests out.
    #[must_use]
    pub fn without(self, method: impl Into<Option<Method>>, path: impl Into<String>) -> Self {
        self.rule(false, method.into(), path.into())
    }

    /// Whether a request is audited.
    #[must_use]
    pub fn selects(&self, method: &Method, path: &str) -> bool {
        let concerns = |rule: &&Rule| {
            rule.method.as_ref().is_none_or(|of| of == method) && glob_matches(&rule.path, path)
        };
        match (self.rules.iter().rev().find(concerns), self.start) {
            (Some(rule), _) => rule.selects,
            (None, Start::All) => true,
            (None, Start::Changes) => !method.is_safe(),
            (None, Start::None) => false,
        }
    }

    fn rule(mut self, selects: bool, method: Option<Method>, path: String) -> Self {
        self.rules.push(Rule { selects, method, path });
        self
    }
}

/// [`Requests::changes`]
impl Default for Requests {
    fn default() -> Self {
        Self::changes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_matches_decides() {
        let requests =
            Requests::none().with(None, "/v1/*").without(Method::GET, "/v1/*").with(None, "/v1/keys*");
        assert!(requests.selects(&Method::GET, "/v1/keys/7"));
        assert!(!requests.selects(&Method::GET, "/v1/topics"));
        assert!(requests.selects(&Method::POST, "/v1/topics"));
        assert!(!requests.selects(&Method::POST, "/v2"));
    }

    #[test]
    fn an_unknown_method_may_change_something() {
        let method = Method::from_bytes(b"PURGE").unwrap();
        assert!(Requests::default().selects(&method, "/"));
        assert!(!Requests::default().selects(&Method::TRACE, "/"));
    }
}
