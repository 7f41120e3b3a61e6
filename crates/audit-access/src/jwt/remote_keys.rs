use std::sync::{Arc, PoisonError};
use std::time::Duration;

use audit_model::Timestamp;
use audit_tls::TlsOptions;
use reqwest::Url;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use super::fetch::{Fetch, OidcError, address};
use super::shared_keys::SharedKeys;

/// The keys of an identity provider, fetched from it and kept: while it does not answer, those that it had last are used.
///
/// Nothing is fetched until [`keep_fresh`](Self::keep_fresh) runs, or [`refresh`](Self::refresh) is called.
#[derive(Debug)]
pub struct RemoteKeys {
    place: Place,
    fetch: Fetch,
    shared: Arc<SharedKeys>,
    /// Held while they are fetched.
    asked: Mutex<Option<Timestamp>>,
    /// Until when others wait for that.
    awaited: std::sync::Mutex<Instant>,
}

/// What came of fetching keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refreshed {
    /// So many keys were fetched, and are used from now on.
    Fetched(usize),
    /// It is less than a minute ago that fetching them was begun, whatever came of it.
    TooSoon,
}

/// How long after one attempt the next one is, in milliseconds: anybody can make up a token with an unknown key.
const PAUSE: i64 = 60_000;

/// How long they are waited for, from when fetching them was begun: whoever waits holds a connection, and anybody can make up a token.
const AWAITED: Duration = Duration::from_secs(2);

const KEPT: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
enum Place {
    Keys(Url),
    Issuer(String),
}

impl RemoteKeys {
    /// The keys at this address (`jwks_uri`).
    ///
    /// # Errors
    /// When the address is neither https nor on this machine, or no TLS client can be made.
    pub fn at(jwks_url: &str, tls: &TlsOptions) -> Result<Self, OidcError> {
        let url = address(jwks_url)?;
        Ok(Self::new(Fetch::new(&url, tls)?, Place::Keys(url)))
    }

    /// The keys of this issuer, which says where they are at `/.well-known/openid-configuration`.
    ///
    /// # Errors
    /// As [`RemoteKeys::at`].
    pub fn of_issuer(issuer: &str, tls: &TlsOptions) -> Result<Self, OidcError> {
        let fetch = Fetch::new(&address(issuer)?, tls)?;
        Ok(Self::new(fetch, Place::Issuer(issuer.to_owned())))
    }

    fn new(fetch: Fetch, place: Place) -> Self {
        Self {
            place,
            fetch,
            shared: Arc::default(),
            asked: Mutex::new(None),
            awaited: std::sync::Mutex::new(Instant::now()),
        }
    }

    /// Fetches the keys again, unless that was done or tried less than a minute ago. Each document within ten seconds and 512 KiB. Who calls this
    /// while it is being done waits for it, though no longer than until two seconds after it was begun.
    ///
    /// # Errors
    /// When the provider does not answer, or not with keys. The keys that are there stay.
    pub async fn refresh(&self, now: Timestamp) -> Result<Refreshed, OidcError> {
        let mut asked = match self.begin() {
            Ok(asked) => asked,
            Err(awaited) => {
                let _ = timeout_at(awaited, self.asked.lock()).await;
                return Ok(Refreshed::TooSoon);
            }
        };
        let since = asked.map(|asked| now.as_milliseconds() - asked.as_milliseconds());
        if since.is_some_and(|since| (0..PAUSE).contains(&since)) {
            return Ok(Refreshed::TooSoon);
        }
        *asked = Some(now);
        let keys = match &self.place {
            Place::Keys(url) => self.fetch.keys(url).await?,
            Place::Issuer(issuer) => self.fetch.keys(&self.fetch.jwks_url(issuer).await?).await?,
        };
        let count = keys.len();
        self.shared.set(keys);
        Ok(Refreshed::Fetched(count))
    }

    /// Fetches the keys now, every 15 minutes, and when a token was signed with one that is not known, until it is dropped. `clock` is asked
    /// for the time, and `report` is told what went wrong.
    pub async fn keep_fresh(&self, clock: impl Fn() -> Timestamp, mut report: impl FnMut(&OidcError)) {
        let pause = Duration::from_millis(PAUSE.unsigned_abs());
        loop {
            let result = self.refresh(clock()).await;
            let next = if result.is_ok() { KEPT } else { pause };
            if let Err(error) = &result {
                report(error);
            }
            // Not asked again within the minute, whatever is wanted; what is wanted in it is not forgotten.
            tokio::time::sleep(pause).await;
            let _ = tokio::time::timeout(next - pause, self.shared.wanted.notified()).await;
        }
    }

    /// Lets one fetch; the others learn until when they are to wait.
    fn begin(&self) -> Result<MutexGuard<'_, Option<Timestamp>>, Instant> {
        // Both at once, or somebody could see the end of an earlier wait.
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self.asked.try_lock().map_err(|_| *awaited)?;
        *awaited = Instant::now() + AWAITED;
        Ok(asked)
    }

    pub(super) fn shared(&self) -> Arc<SharedKeys> {
        Arc::clone(&self.shared)
    }
}
