use audit_model::Map;
use serde::{Deserialize, Serialize};

/// The OCSF object `http_request`: an HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpRequest {
    /// `args` (optional): the arguments of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// `body_length` (optional; since 1.8.0): the length of the body in bytes, whatever a `Content-Length`
    /// header says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_length: Option<i64>,
    /// `http_headers` (recommended): the headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_headers: Option<Vec<HttpHeader>>,
    /// `http_method` (optional up to 1.1.0, recommended since 1.3.0): the method, such as `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    /// `length` (optional; since 1.1.0): the length of the whole request in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i64>,
    /// `referrer` (optional): where the request was linked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// `uid` (optional): the request's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `url` (recommended): the URL that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Box<Url>>,
    /// `user_agent` (recommended): the program that sent the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `version` (recommended): the version of HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `x_forwarded_for` (optional): the addresses in the `X-Forwarded-For` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_forwarded_for: Option<Vec<String>>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl HttpRequest {
    /// A request of that method.
    #[must_use]
    pub fn new(http_method: impl Into<String>) -> Self {
        Self { http_method: Some(http_method.into()), ..Self::default() }
    }
}

/// The OCSF object `http_response`: an HTTP response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpResponse {
    /// `body_length` (optional; since 1.8.0): the length of the body in bytes, whatever a `Content-Length`
    /// header says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_length: Option<i64>,
    /// `code` (required): the HTTP status code.
    pub code: i64,
    /// `content_type` (optional): the media type of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `http_headers` (recommended; since 1.1.0): the headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_headers: Option<Vec<HttpHeader>>,
    /// `latency` (optional): how long the response took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<i64>,
    /// `length` (optional): the length of the whole response in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i64>,
    /// `message` (optional): what the server said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `status` (optional): the response's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl HttpResponse {
    /// A response of that HTTP status code.
    #[must_use]
    pub fn new(code: i64) -> Self {
        Self {
            body_length: None,
            code,
            content_type: None,
            http_headers: None,
            latency: None,
            length: None,
            message: None,
            status: None,
            extra: Map::new(),
        }
    }
}

/// The OCSF object `http_header`: a header of HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpHeader {
    /// `name` (required): the header's name.
    pub name: String,
    /// `value` (required): the header's value.
    pub value: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl HttpHeader {
    /// A header of that name and value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), extra: Map::new() }
    }
}

/// The OCSF object `url`: a URL in its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Url {
    /// `categories` (optional): the captions of `category_ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// `category_ids` (recommended): what kind of site it is; ids of the schema's own table, which has no
    /// type here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_ids: Option<Vec<i64>>,
    /// `domain` (optional; since 1.3.0): the URL's domain, such as `example.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `hostname` (recommended): the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `path` (recommended): the URL's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `port` (recommended): the URL's port, 0 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// `query_string` (recommended): the URL's query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string: Option<String>,
    /// `resource_type` (optional): in what context the resource was fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// `scheme` (recommended): the URL's scheme, such as `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// `subdomain` (optional): the URL's subdomain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<String>,
    /// `url_string` (recommended): the whole URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_string: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Url {
    /// That URL, not taken apart.
    #[must_use]
    pub fn new(url_string: impl Into<String>) -> Self {
        Self { url_string: Some(url_string.into()), ..Self::default() }
    }
}
