use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use audit_model::Timestamp;
use secrecy::SecretString;

use crate::token_secret::{self, NewSecret};
use crate::{Caller, Denial, Role, TokenHash};

/// API tokens by name, as they are kept: without their secrets.
///
/// A token is `alog_<name>_<secret>`: the name for the log, 64 hexadecimal digits (256 random bits), and 8 more over what is before them, so that one
/// that was mistyped or cut is told apart from one that was never given. `alog_[a-z0-9][a-z0-9-]{0,31}_[0-9a-f]{72}` finds one in a
/// source tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(pub(crate) BTreeMap<String, Token>);

/// What is kept of one API token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its name: 1 to 32 lower-case letters, digits and hyphens.
    pub id: String,
    /// What it is for, for people.
    pub name: Option<String>,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// What who shows it may do.
    pub roles: BTreeSet<Role>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is no longer good.
    pub expires: Option<Timestamp>,
    /// When it was withdrawn. Whatever time that is, it is not good.
    pub revoked: Option<Timestamp>,
    /// The secret that it had before the last rotation.
    pub previous: Option<PreviousSecret>,
    /// The hash of the token with its secret.
    pub hash: TokenHash,
}

/// A secret that another one has taken the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviousSecret {
    /// Until when it is still good.
    pub until: Timestamp,
    /// The hash of the token with it.
    pub hash: TokenHash,
}

/// A token to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewToken {
    /// Its name.
    pub id: String,
    /// What it is for, for people.
    pub name: Option<String>,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// What who shows it may do.
    pub roles: BTreeSet<Role>,
    /// From when on it is no longer good.
    pub expires: Option<Timestamp>,
}

/// Why a token could not be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The name cannot be one.
    #[error(
        "`{found}` cannot be the name of a token; expected 1 to 32 lower-case letters, digits and hyphens, such as ci or orders-eu"
    )]
    Id {
        /// What was found.
        found: String,
    },
    /// There is one of that name, revoked or not: a name that is on record stays that of one token.
    #[error("there is a token `{id}` already; expected another name, or rotate that one")]
    Taken {
        /// The name.
        id: String,
    },
    /// There is none of that name.
    #[error("there is no token `{id}`{}", nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        id: String,
        /// The one that is most like it.
        nearest: Option<String>,
    },
    /// It was revoked.
    #[error("the token `{id}` was revoked on {revoked}; make a new one")]
    Revoked {
        /// The name.
        id: String,
        /// When.
        revoked: Timestamp,
    },
    /// It has no role, so nobody could do anything with it.
    #[error("the token `{id}` has no role; expected one or more of ingest, read, admin")]
    NoRole {
        /// The name.
        id: String,
    },
    /// It would never be good.
    #[error("the token `{id}` expires on {expires}, which is past; expected a later time")]
    Past {
        /// The name.
        id: String,
        /// When it expires.
        expires: Timestamp,
    },
    /// A text for people that would break the line it is shown on.
    #[error(
        "the {field} of a token is too long or holds control characters; expected up to 200 characters on one line"
    )]
    Text {
        /// Which: `name` or `owner`.
        field: &'static str,
    },
    /// The system has no random bytes.
    #[error("the system has no random bytes: {0}")]
    Random(String),
}

impl NewToken {
    /// A token of that name with those roles.
    #[must_use]
    pub fn new(id: impl Into<String>, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { id: id.into(), roles: roles.into_iter().collect(), ..Self::default() }
    }

    /// Says what it is for.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says whom to ask about it.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets from when on it is no longer good.
    #[must_use]
    pub fn expires(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }
}

impl Tokens {
    /// Who shows this token. The name is looked up, the secret is compared in constant time; whether there is a token of a name is no
    /// secret. Only who has the secret learns, in the log, that it has expired or was revoked.
    ///
    /// # Errors
    /// [`Denial::Unauthenticated`] with one of the words `malformed_token` (mistyped or cut), `unknown_token`, `wrong_secret`,
    /// `revoked`, `expired`. Whom it claims to be is told only of tokens that there are: of another one, the name might be the secret.
    pub fn identify(&self, bearer: &str, now: Timestamp) -> Result<Caller, Denial> {
        let denied = |reason, claimed: Option<&Token>| Denial::Unauthenticated {
            reason,
            claimed: claimed.map(|token| format!("token:{}", token.id)),
        };
        let id = token_secret::id_of(bearer).ok_or_else(|| denied("malformed_token", None))?;
        let token = self.0.get(id).ok_or_else(|| denied("unknown_token", None))?;
        let shown = TokenHash::of(bearer);
        let is_previous = token.previous.filter(|previous| previous.hash == shown);
        if token.hash != shown && is_previous.is_none() {
            return Err(denied("wrong_secret", Some(token)));
        }
        if token.revoked.is_some() {
            return Err(denied("revoked", Some(token)));
        }
        let until = is_previous.map(|previous| previous.until).into_iter().chain(token.expires).min();
        if until.is_some_and(|until| now >= until) {
            return Err(denied("expired", Some(token)));
        }
        Ok(Caller::new(format!("token:{}", token.id), token.roles.iter().copied()))
    }

    /// Makes a token, and returns it: the only time that it can be seen.
    ///
    /// # Errors
    /// When the name is taken or cannot be one, it has no role, it has expired already, or the system has no random bytes.
    pub fn create(&mut self, new: NewToken, now: Timestamp) -> Result<SecretString, TokenError> {
        if self.0.contains_key(&new.id) {
            return Err(TokenError::Taken { id: new.id });
        }
        if let Some(expires) = new.expires.filter(|expires| *expires <= now) {
            return Err(TokenError::Past { id: new.id, expires });
        }
        let secret = generate(&new.id)?;
        let token = Token {
            id: new.id,
            name: new.name,
            owner: new.owner,
            roles: new.roles,
            created: now,
            expires: new.expires,
            revoked: None,
            previous: None,
            hash: secret.hash,
        };
        check(&token)?;
        self.0.insert(token.id.clone(), token);
        Ok(secret.text)
    }

    /// Withdraws a token: from now on nobody gets in with it. Revoking it again changes nothing.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn revoke(&mut self, id: &str, now: Timestamp) -> Result<(), TokenError> {
        self.get_mut(id)?.revoked.get_or_insert(now);
        Ok(())
    }

    /// Gives a token a new secret, and returns the token with it. The old one is good for the `overlap`, in which whoever uses it has to
    /// change it. One that was replaced before is not good any more.
    ///
    /// # Errors
    /// When there is none of that name, it was revoked or has expired, or the system has no random bytes.
    pub fn rotate(
        &mut self,
        id: &str,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<SecretString, TokenError> {
        let token = self.get_mut(id)?;
        if let Some(revoked) = token.revoked {
            return Err(TokenError::Revoked { id: id.to_owned(), revoked });
        }
        if let Some(expires) = token.expires.filter(|expires| *expires <= now) {
            return Err(TokenError::Past { id: id.to_owned(), expires });
        }
        let secret = generate(id)?;
        let until = i64::try_from(overlap.as_millis())
            .ok()
            .and_then(|overlap| now.as_milliseconds().checked_add(overlap))
            .and_then(|until| Timestamp::from_milliseconds(until).ok());
        let until = until.unwrap_or_else(|| "9999-12-30T00:00:00Z".parse().expect("a time of RFC 3339"));
        token.previous = (!overlap.is_zero()).then_some(PreviousSecret { until, hash: token.hash });
        token.hash = secret.hash;
        Ok(secret.text)
    }

    /// The token of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Token> {
        self.0.get(id)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get_mut(&mut self, id: &str) -> Result<&mut Token, TokenError> {
        if !self.0.contains_key(id) {
            let nearest = self
                .0
                .keys()
                .map(|known| (strsim::jaro_winkler(known, id), known))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, known)| known.clone());
            return Err(TokenError::Unknown { id: shown(id), nearest });
        }
        Ok(self.0.get_mut(id).expect("looked up above"))
    }
}

/// What holds of every token, made or read.
pub(crate) fn check(token: &Token) -> Result<(), TokenError> {
    if !token_secret::is_id(&token.id) {
        return Err(TokenError::Id { found: shown(&token.id) });
    }
    if token.roles.is_empty() {
        return Err(TokenError::NoRole { id: token.id.clone() });
    }
    for (field, text) in [("name", &token.name), ("owner", &token.owner)] {
        let breaks = |c: char| c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c == '\u{feff}';
        if text.as_ref().is_some_and(|text| text.chars().count() > 200 || text.chars().any(breaks)) {
            return Err(TokenError::Text { field });
        }
    }
    Ok(())
}

fn generate(id: &str) -> Result<NewSecret, TokenError> {
    // Before it becomes part of a secret that nobody could show.
    if !token_secret::is_id(id) {
        return Err(TokenError::Id { found: shown(id) });
    }
    NewSecret::generate(id).map_err(|error| TokenError::Random(error.to_string()))
}

/// Somebody may have given the token itself where its name is expected.
fn shown(id: &str) -> String {
    if id.starts_with(token_secret::PREFIX) {
        return format!("{}…", token_secret::PREFIX);
    }
    id.chars().take(64).collect()
}
