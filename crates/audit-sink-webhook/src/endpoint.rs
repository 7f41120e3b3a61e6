use std::io::Write as _;
use std::time::Duration;

use audit_sink::{Record, SinkError};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, RETRY_AFTER, TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::{Client, Method, Proxy, Response, StatusCode, Url};
use rustls::RootCertStore;
use rustls::crypto::ring;
use secrecy::{ExposeSecret as _, SecretString};

use crate::answer::{Verdict, hec_has_no_data, judge};
use crate::excerpt::excerpt;
use crate::options::origin;
use crate::retry_after::retry_after;
use crate::signature::signature;
use crate::url_secrets::url_secrets;
use crate::{Body, WebhookOptions, WebhookOptionsError, idempotency, network, redirect};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SIGNATURE: HeaderName = HeaderName::from_static("x-audit-signature");

/// Those that say what a request is, and those that would make it another one.
const RESERVED: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    IDEMPOTENCY_KEY,
    SIGNATURE,
    TRANSFER_ENCODING,
];

const LEAST_BODY_BYTES: usize = 1 << 10;

/// As much of an answer as is read.
const ANSWER_BYTES: usize = 64 << 10;

/// Shorter than what servers and balancers keep (60 s and more), so that a request seldom meets a connection that is
/// being closed.
const IDLE: Duration = Duration::from_secs(30);

/// One address that requests are sent to: the network part of the sink.
pub(crate) struct Endpoint {
    client: Client,
    url: Url,
    /// What errors call it.
    pub(crate) place: String,
    headers: HeaderMap,
    /// What errors do not quote of an answer.
    secrets: Vec<SecretString>,
    pub(crate) body: Body,
    signing_secret: Option<SecretString>,
    gzip: bool,
    connect_timeout: Duration,
    request_timeout: Duration,
}

/// An answer, and what it says.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) status: u16,
    /// For an error: the status and the start of the body.
    pub(crate) quote: String,
    retry_after: Option<Duration>,
}

impl Endpoint {
    pub(crate) fn new(options: &WebhookOptions) -> Result<Self, WebhookOptionsError> {
        let url = http_url("url", &options.url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookOptionsError::Credentials);
        }
        if options.max_body_bytes < LEAST_BODY_BYTES {
            let found = options.max_body_bytes;
            return Err(WebhookOptionsError::MaxBodyBytes { found, least: LEAST_BODY_BYTES });
        }
        for (what, timeout) in
            [("connect_timeout", options.connect_timeout), ("request_timeout", options.request_timeout)]
        {
            if timeout.is_zero() {
                return Err(WebhookOptionsError::NoTime { what });
            }
        }
        if options.signing_secret.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
            return Err(WebhookOptionsError::EmptySigningSecret);
        }
        let mut secrets: Vec<SecretString> =
            options.signing_secret.iter().chain(&options.unquoted).cloned().collect();
        for (_, value) in &options.headers {
            // An endpoint may repeat `Bearer abc`, or only `abc`.
            let last = value.expose_secret().rsplit(' ').next().unwrap_or_default();
            secrets.extend([value.clone(), SecretString::from(last)]);
        }
        secrets.extend(url_secrets(&url).into_iter().map(SecretString::from));
        Ok(Self {
            client: client(options, &url)?,
            place: origin(&url),
            url,
            headers: headers(options)?,
            secrets,
            body: options.body,
            signing_secret: options.signing_secret.clone(),
            gzip: options.gzip,
            connect_timeout: options.connect_timeout,
            request_timeout: options.request_timeout,
        })
    }

    /// Sends some records of a chain in one request.
    pub(crate) async fn post(&self, chain_id: &str, records: &[Record]) -> Result<Answer, SinkError> {
        let mut body = self.body.encode(chain_id, records);
        let mut headers = HeaderMap::new();
        let key = idempotency::key(chain_id, records, &body);
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::try_from(key).map_err(SinkError::retryable)?);
        if self.gzip {
            body = gzip(&body).map_err(SinkError::retryable)?;
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let (answer, _) = self.exchange(Method::POST, headers, body).await?;
        Ok(answer)
    }

    /// Tries what leaves no record behind.
    pub(crate) async fn check(&self) -> Result<(), SinkError> {
        if self.body == Body::SplunkHec {
            // Answered with "No data" only after the token was found right.
            let (answer, body) = self.exchange(Method::POST, HeaderMap::new(), Vec::new()).await?;
            let right = hec_has_no_data(answer.status, &body) || answer.verdict == Verdict::Accepted;
            return if right { Ok(()) } else { Err(self.not_now(&answer, "a POST without events")) };
        }
        let (answer, _) = self.exchange(Method::HEAD, HeaderMap::new(), Vec::new()).await?;
        match answer.status {
            // Many endpoints know nothing but POST, and say so in one of these ways.
            404 | 405 | 501 => Ok(()),
            300..=399 | 401 | 403 | 407 | 429 | 500.. => {
                Err(self.not_now(&answer, "HEAD; a POST was not tried"))
            }
            _ => Ok(()),
        }
    }

    /// The error for an answer that is neither yes nor no.
    pub(crate) fn not_now(&self, answer: &Answer, to: &str) -> SinkError {
        let advice = match answer.status {
            401 | 403 => "; are the credentials in headers right?",
            404 | 405 | 410 => "; is the path of url right?",
            407 => "; are the credentials in proxy right?",
            415 => "; does it take this body, Content-Type and gzip?",
            _ => "",
        };
        SinkError::Retryable {
            source: format!("{} answered {}{advice} (to {to})", self.place, answer.quote).into(),
            retry_after: answer.retry_after,
        }
    }

    async fn exchange(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<(Answer, Vec<u8>), SinkError> {
        if let Some(secret) = &self.signing_secret {
            let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
            let value = signature(secret.expose_secret(), now, &body);
            headers.insert(SIGNATURE, HeaderValue::try_from(value).map_err(SinkError::retryable)?);
        }
        let response = self
            .client
            .request(method, self.url.clone())
            .headers(self.headers.clone())
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<(Answer, Vec<u8>), SinkError> {
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let asked = header(RETRY_AFTER).and_then(|value| retry_after(value, Timestamp::now()));
        let redirected = status
            .is_redirection()
            .then(|| redirect::not_followed(status.as_u16(), response.url(), header(LOCATION)));
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES - body.len())]);
                }
                Ok(None) => break,
                // The status is the answer, unless the code inside has to be read too.
                Err(_) if self.body != Body::SplunkHec || !status.is_success() => break,
                Err(error) => return Err(self.unreachable(error)),
            }
        }
        let quote = match redirected {
            Some(reason) => format!("{status}: {reason}"),
            None => self.quote(status, response.url(), &body),
        };
        let verdict = judge(self.body, status.as_u16(), &body);
        Ok((Answer { verdict, status: status.as_u16(), quote, retry_after: asked }, body))
    }

    /// `url` is where it came from, after redirects.
    fn quote(&self, status: StatusCode, url: &Url, body: &[u8]) -> String {
        let redirected = if *url == self.url { Vec::new() } else { url_secrets(url) };
        let secrets = self.secrets.iter().map(|secret| secret.expose_secret());
        let secrets = secrets.chain(redirected.iter().map(String::as_str));
        match excerpt(body, secrets).as_str() {
            "" => status.to_string(),
            excerpt => format!("{status}: {excerpt}"),
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> SinkError {
        SinkError::retryable(network::problem(error, &self.place, self.connect_timeout, self.request_timeout))
    }
}

fn http_url(what: &'static str, text: &str) -> Result<Url, WebhookOptionsError> {
    let problem = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => return Ok(url),
        Ok(url) => format!("its scheme is {}", url.scheme()),
        Err(error) => error.to_string(),
    };
    Err(WebhookOptionsError::Url { what, problem })
}

fn headers(options: &WebhookOptions) -> Result<HeaderMap, WebhookOptionsError> {
    let mut headers = HeaderMap::new();
    for (given, value) in &options.headers {
        let name = HeaderName::try_from(given)
            .map_err(|_| WebhookOptionsError::HeaderName { name: given.clone() })?;
        if RESERVED.contains(&name) {
            return Err(WebhookOptionsError::HeaderReserved { name: given.clone() });
        }
        let mut value = HeaderValue::try_from(value.expose_secret())
            .map_err(|_| WebhookOptionsError::HeaderValue { name: given.clone() })?;
        value.set_sensitive(true);
        if headers.insert(name, value).is_some() {
            return Err(WebhookOptionsError::HeaderTwice { name: given.clone() });
        }
    }
    let version = concat!("audit-log/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [(CONTENT_TYPE, options.body.content_type()), (USER_AGENT, version), (ACCEPT, "*/*")]
    {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(headers)
}

fn client(options: &WebhookOptions, url: &Url) -> Result<Client, WebhookOptionsError> {
    let refused = |error: reqwest::Error| WebhookOptionsError::Client(error.without_url().into());
    let proxy = options.proxy.as_ref().map(|proxy| http_url("proxy", proxy.expose_secret())).transpose()?;
    let mut builder = Client::builder()
        .redirect(redirect::policy())
        .no_proxy()
        // One request at a time gains nothing from HTTP/2, and a connection that went silent is left with the request
        // that met it, where HTTP/2 would put the next one on it too.
        .http1_only()
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(IDLE)
        .connect_timeout(options.connect_timeout)
        .timeout(options.request_timeout);
    if let Some(proxy) = &proxy {
        builder = builder.proxy(Proxy::all(proxy.clone()).map_err(refused)?);
    }
    let tls = &options.tls;
    let encrypted = [Some(url), proxy.as_ref()].into_iter().flatten().any(|url| url.scheme() == "https");
    if url.scheme() == "http"
        && (tls.ca_file.is_some()
            || tls.cert_file.is_some()
            || tls.key_file.is_some()
            || tls.danger_accept_invalid_certificates)
    {
        return Err(WebhookOptionsError::TlsWithoutHttps);
    }
    let mut config = if encrypted {
        tls.client_config()?
    } else {
        // Never used, but without one reqwest looks for a provider of the whole process, and panics.
        rustls::ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| WebhookOptionsError::Client(error.into()))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    builder.tls_backend_preconfigured(config).build().map_err(refused)
}

/// Fast rather than small: what is saved beyond that costs more time than it takes to send. Without name or time in its
/// header, so that a repeated request is the same to the byte.
fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
