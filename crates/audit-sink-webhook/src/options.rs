use std::fmt;
use std::time::Duration;

use audit_tls::TlsOptions;
use reqwest::Url;
use secrecy::SecretString;

use crate::Body;

/// Where records go and how.
#[derive(Clone)]
pub struct WebhookOptions {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) body: Body,
    pub(crate) signing_secret: Option<SecretString>,
    pub(crate) unquoted: Vec<SecretString>,
    pub(crate) gzip: bool,
    pub(crate) tls: TlsOptions,
    pub(crate) proxy: Option<SecretString>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) max_body_bytes: usize,
}

impl WebhookOptions {
    /// POST to this URL: NDJSON, no compression, 5 s to connect, 30 s to answer, bodies of at most 1 MiB.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            body: Body::default(),
            signing_secret: None,
            unquoted: Vec::new(),
            gzip: false,
            tls: TlsOptions::default(),
            proxy: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            max_body_bytes: 1 << 20,
        }
    }

    /// Sends a header with every request, such as `Authorization`. Its value is taken for a secret: it appears in no
    /// error and no `Debug` output. `Content-Type` and `User-Agent` may be set here too.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// How records are put into a request's body; [`Body::Ndjson`] by default.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Signs every request: `X-Audit-Signature: t=<unix seconds>,v1=<hex>`, HMAC-SHA256 with this secret over
    /// `<unix seconds>.` and the body exactly as it is sent.
    #[must_use]
    pub fn signing_secret(mut self, secret: SecretString) -> Self {
        self.signing_secret = Some(secret);
        self
    }

    /// A secret that records hold, such as PagerDuty's routing key: errors do not quote it where an answer repeats what it
    /// was sent.
    #[must_use]
    pub fn unquoted(mut self, secret: SecretString) -> Self {
        self.unquoted.push(secret);
        self
    }

    /// Compresses bodies (`Content-Encoding: gzip`); off by default, since not every endpoint takes it.
    #[must_use]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// Whom to trust and what client certificate to show, where the URL is `https`.
    #[must_use]
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = tls;
        self
    }

    /// Goes through this HTTP proxy, `http://user:password@host:port`; by default through none: `HTTPS_PROXY` and the
    /// like are not looked at, so that the environment does not decide where records go.
    #[must_use]
    pub fn proxy(mut self, url: SecretString) -> Self {
        self.proxy = Some(url);
        self
    }

    /// How long a connection may take, TLS included; 5 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one request may take, from its first byte to the last of its answer; 30 s by default. A batch may
    /// need several: who sends limits how long a batch may take.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many bytes a request's body may have before compression; 1 MiB by default, which is what nginx takes by
    /// default and Splunk Cloud recommends. A batch is split so that no request has more, and a record that alone has
    /// more is rejected. At least 1 KiB.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("WebhookOptions")
            .field(
                "place",
                &Url::parse(&self.url).map_or_else(|_| "not a URL".to_owned(), |url| origin(&url)),
            )
            .field("headers", &names)
            .field("body", &self.body)
            .field("signed", &self.signing_secret.is_some())
            .field("gzip", &self.gzip)
            .field("tls", &self.tls)
            .field("proxied", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish()
    }
}

/// Scheme, host and port: what may be told of a URL, since path and query are credentials at some places.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
