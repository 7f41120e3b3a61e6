use std::net::IpAddr;
use std::time::Duration;

use audit_model::Value;
use audit_tls::{TlsError, TlsOptions};
use reqwest::{Client, Url, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::key_set::MAX_SET;
use super::{KeySet, KeySetError};

/// Why no keys could be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The address is none that keys may be fetched from: whoever is on the way could put in their own.
    #[error(
        "`{found}` is no address to fetch keys from: {problem}; expected https://… (or http:// on this machine)"
    )]
    Address {
        /// What was found.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No TLS client can be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No HTTP client can be made.
    #[error("no client can be made to fetch keys with: {0}")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The provider could not be asked.
    #[error("cannot fetch {url}: {source}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It answered something else.
    #[error("{url} answered {found}; expected {expected}")]
    Answer {
        /// Where.
        url: String,
        /// What came.
        found: String,
        /// What should have.
        expected: String,
    },
    /// It answered, and with no keys that can be used.
    #[error("{url}: {source}")]
    Keys {
        /// Where.
        url: String,
        /// Why they cannot be used.
        source: KeySetError,
    },
}

/// Fetches documents of an identity provider: small ones, soon, and from where it was told.
#[derive(Debug)]
pub(super) struct Fetch {
    client: Client,
}

const TIMEOUT: Duration = Duration::from_secs(10);

impl Fetch {
    /// For this address, and what it leads to.
    pub(super) fn new(first: &Url, tls: &TlsOptions) -> Result<Self, OidcError> {
        let mut config = if first.scheme() == "https" {
            tls.client_config()?
        } else {
            // Never used, but without one reqwest looks for a provider of the whole process, and panics.
            ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| OidcError::Client(error.into()))?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = Client::builder()
            // A redirect would lead to where nobody said that keys may come from.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .tls_backend_preconfigured(config)
            .build()
            .map_err(|error| OidcError::Client(error.into()))?;
        Ok(Self { client })
    }

    /// The keys at that address.
    pub(super) async fn keys(&self, url: &Url) -> Result<KeySet, OidcError> {
        let text = self.get(url).await?;
        KeySet::parse(&text).map_err(|source| OidcError::Keys { url: url.to_string(), source })
    }

    /// Where the provider says that its keys are (OpenID Connect Discovery §4).
    pub(super) async fn jwks_url(&self, issuer: &str) -> Result<Url, OidcError> {
        let url = address(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
        let answer = |found: String, expected| OidcError::Answer { url: url.to_string(), found, expected };
        let text = self.get(&url).await?;
        let document = audit_model::parse_json(&text).map_err(|error| {
            answer(format!("no JSON ({error})"), "an OpenID Connect configuration".to_owned())
        })?;
        let member = |name: &str| document.get(name).and_then(Value::as_str);
        // §4.3: it has to be exactly the one that was asked.
        if member("issuer") != Some(issuer) {
            let found = member("issuer").unwrap_or("none").chars().take(200).collect::<String>();
            return Err(answer(
                format!("with the issuer `{found}`"),
                format!(
                    "`{issuer}`, to the letter, as it is configured: if that is the right provider, configure the issuer as it says it"
                ),
            ));
        }
        let found = member("jwks_uri")
            .ok_or_else(|| answer("without jwks_uri".to_owned(), "where its keys are".to_owned()))?;
        let keys = address(found)?;
        if url.scheme() == "https" && keys.scheme() != "https" {
            return Err(OidcError::Address { found: keys.to_string(), problem: "it is not encrypted" });
        }
        Ok(keys)
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, OidcError> {
        let unreachable = |error: reqwest::Error| OidcError::Unreachable {
            url: url.to_string(),
            source: innermost(&error).into(),
        };
        let mut answer = self.client.get(url.clone()).send().await.map_err(unreachable)?;
        let wrong = |found: String, expected| OidcError::Answer { url: url.to_string(), found, expected };
        if !answer.status().is_success() {
            return Err(wrong(answer.status().to_string(), "200 OK".to_owned()));
        }
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if text.len() + chunk.len() > MAX_SET {
                return Err(wrong("more than 512 KiB".to_owned(), "less".to_owned()));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }
}

/// An address that nobody on the way can answer for.
pub(super) fn address(text: &str) -> Result<Url, OidcError> {
    let refused = |problem| OidcError::Address { found: text.chars().take(200).collect(), problem };
    let url = Url::parse(text).map_err(|_| refused("it is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OidcError::Address {
            found: "https://…@…".to_owned(), problem: "it has a user in it"
        });
    }
    let is_local = |host: &str| {
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if url.host_str().is_some_and(is_local) => Ok(url),
        "http" => Err(refused("it is not encrypted")),
        _ => Err(refused("it is not https")),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
