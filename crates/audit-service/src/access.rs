//! From configured access to who may.

use std::sync::Arc;

use audit_access::{
    Access, CertificateRule, Jwt, JwtOptions, KeySet, RateLimit, Role, Token, Tokens, TokensFile,
};
use audit_config::{Change, Config};
use audit_model::Value;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::ServiceError;
use crate::files::Contents;

/// Whom the configuration lets in.
pub(crate) struct Doors {
    pub(crate) access: Arc<Access>,
    /// Those of the tokens file, to tell what changes in it.
    tokens: Tokens,
    /// The provider's keys, where they are in a file.
    keys: Contents,
    provider: Option<Provider>,
}

/// An identity provider, with the keys that were fetched.
#[derive(Clone)]
struct Provider {
    /// What it was made of.
    configured: Value,
    jwt: Arc<Jwt>,
    /// What keeps its keys fresh, for as long as somebody has this.
    #[allow(dead_code, reason = "held, not used")]
    refresh: Option<Arc<AbortOnDrop>>,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Doors {
    /// As the configuration says at this moment: its files are read. `before` goes on counting, and keeps the keys it has fetched; and, if
    /// this is to be `lenient`, what it read of a file that cannot be read now.
    pub(crate) fn new(
        config: &Config,
        before: Option<&Self>,
        lenient: bool,
        runtime: &Handle,
    ) -> Result<Self, ServiceError> {
        let wanted = &config.access;
        let mut tokens = Tokens::default();
        let keys_file = wanted.jwt.as_ref().and_then(|jwt| jwt.jwks_file.clone());
        let mut keys = Contents::of(keys_file.map(|file| ("access.jwt.jwks_file".to_owned(), file)));
        let mut access = Access::default().anonymous(wanted.anonymous.iter().copied().map(role));
        if let Some(file) = &wanted.tokens_file {
            tokens = match (TokensFile::at(file).load(), before.filter(|_| lenient)) {
                (Ok(loaded), _) => {
                    for warning in &loaded.warnings {
                        tracing::warn!(file = %file.display(), "{warning}");
                    }
                    loaded.tokens
                }
                (Err(error), Some(before)) => {
                    tracing::error!("the tokens stay as they were: {error}");
                    before.tokens.clone()
                }
                (Err(error), None) => return Err(failed("tokens_file")(error)),
            };
            access = access.tokens(tokens.clone());
        }
        let known = before.and_then(|before| before.provider.as_ref());
        let provider = wanted.jwt.as_ref().map(|jwt| match (provider(jwt, known, runtime), known) {
            (Err(error), Some(known)) if lenient => {
                tracing::error!("the identity provider's keys stay as they were: {error}");
                keys = before.map(|before| before.keys.clone()).unwrap_or_default();
                Ok(known.clone())
            }
            (provider, _) => provider,
        });
        let provider = provider.transpose()?;
        if let Some(provider) = &provider {
            access = access.jwt(Arc::clone(&provider.jwt));
        }
        let rules = wanted.client_certificates.iter().map(|rule| {
            let roles = rule.roles.iter().copied().map(role);
            match (&rule.subject, &rule.san) {
                (Some(subject), _) => CertificateRule::subject(subject, roles),
                (None, name) => CertificateRule::alternative_name(name.as_deref().unwrap_or_default(), roles),
            }
        });
        let rules = rules.collect::<Result<Vec<_>, _>>().map_err(failed("client_certificates"))?;
        access = access.certificates(rules);
        if let Some(limit) = &wanted.rate_limit {
            let burst = limit.burst.unwrap_or(limit.events_per_second);
            access = access.rate_limit(RateLimit { events_per_second: limit.events_per_second, burst });
        }
        if let Some(before) = before {
            access = access.sharing_rates_with(&before.access);
        }
        Ok(Self { access: Arc::new(access), tokens, keys, provider })
    }

    /// Which tokens came, went, or are not what they were; and which file of keys has others.
    pub(crate) fn changes_since(&self, before: &Self) -> Vec<Change> {
        let (old, new) = (&before.tokens, &self.tokens);
        let mut ids: Vec<_> = old.iter().chain(new.iter()).map(|token| &token.id).collect();
        ids.sort();
        ids.dedup();
        let changed = ids.into_iter().filter(|id| old.get(id) != new.get(id));
        let change =
            |id: &String| Change::new(format!("access.tokens[{id}]"), told(old.get(id)), told(new.get(id)));
        let mut changes: Vec<_> = changed.map(change).collect();
        changes.extend(self.keys.changes_since(&before.keys));
        changes
    }
}

/// The identity provider whose tokens are believed.
fn provider(
    wanted: &audit_config::Jwt,
    known: Option<&Provider>,
    runtime: &Handle,
) -> Result<Provider, ServiceError> {
    let configured = serde_json::to_value(wanted).unwrap_or_default();
    let mut options = JwtOptions::new(&wanted.issuer, &wanted.audience);
    if let Some(claim) = &wanted.role_claim {
        options = options.role_claim(claim);
    }
    for (name, roles) in &wanted.roles {
        options = options.role(name, roles.iter().copied().map(role));
    }
    if wanted.roles.is_empty() {
        options = Role::ALL.into_iter().fold(options, |options, role| options.role(role.as_str(), [role]));
    }
    if let Some(file) = &wanted.jwks_file {
        let keys = KeySet::load(file).map_err(failed("jwt.jwks_file"))?;
        let jwt = Arc::new(Jwt::new(options, keys).map_err(failed("jwt"))?);
        return Ok(Provider { configured, jwt, refresh: None });
    }
    match known {
        Some(known) if known.configured == configured => Ok(known.clone()),
        _ => remote(wanted, configured, options, runtime),
    }
}

/// With keys that are fetched.
#[cfg(feature = "oidc")]
fn remote(
    wanted: &audit_config::Jwt,
    configured: Value,
    options: JwtOptions,
    runtime: &Handle,
) -> Result<Provider, ServiceError> {
    use audit_access::RemoteKeys;
    let tls = audit_tls::TlsOptions::default();
    let keys = match &wanted.jwks_url {
        Some(url) => RemoteKeys::at(url, &tls).map_err(failed("jwt.jwks_url"))?,
        None => RemoteKeys::of_issuer(&wanted.issuer, &tls).map_err(failed("jwt.issuer"))?,
    };
    let keys = Arc::new(keys);
    let jwt = Arc::new(Jwt::with_remote_keys(options, Arc::clone(&keys)).map_err(failed("jwt"))?);
    let issuer = wanted.issuer.clone();
    let task = runtime.spawn(async move {
        let told = |error: &audit_access::OidcError| {
            tracing::warn!(%issuer, "the identity provider's keys cannot be fetched: {error}");
        };
        keys.keep_fresh(audit_model::Timestamp::now, told).await;
    });
    Ok(Provider { configured, jwt, refresh: Some(Arc::new(AbortOnDrop(task.abort_handle()))) })
}

#[cfg(not(feature = "oidc"))]
fn remote(_: &audit_config::Jwt, _: Value, _: JwtOptions, _: &Handle) -> Result<Provider, ServiceError> {
    Err(ServiceError::NotBuilt { path: "access.jwt".to_owned(), feature: "oidc" })
}

/// What may be known of a token.
fn told(token: Option<&Token>) -> Value {
    let Some(token) = token else { return Value::Null };
    let roles: Vec<_> = token.roles.iter().map(|role| role.as_str()).collect();
    // The secret's hash stays where it is: this tells one hash from another, and leads to neither.
    let mut told = json!({
        "roles": roles,
        "created": token.created.to_string(),
        "secret_fingerprint": token.hash.fingerprint(),
    });
    for (name, text) in [("name", &token.name), ("owner", &token.owner)] {
        if let Some(text) = text {
            told[name] = text.as_str().into();
        }
    }
    let times = [
        ("expires", token.expires),
        ("revoked", token.revoked),
        ("previous_secret_until", token.previous.map(|previous| previous.until)),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            told[name] = time.to_string().into();
        }
    }
    told
}

fn role(role: audit_config::Role) -> Role {
    match role {
        audit_config::Role::Ingest => Role::Ingest,
        audit_config::Role::Read => Role::Read,
        audit_config::Role::Admin => Role::Admin,
    }
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    key: &'static str,
) -> impl FnOnce(E) -> ServiceError {
    move |error| ServiceError::Access { key, source: error.into() }
}
