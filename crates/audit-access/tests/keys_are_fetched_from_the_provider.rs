//! Keys from an identity provider that is there, is down, or is somebody else.
#![cfg(feature = "oidc")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use audit_access::{
    Access, Caller, Denial, Jwt, JwtOptions, OidcError, Presented, Refreshed, RemoteKeys, Role,
};
use audit_model::{Timestamp, Value};
use audit_tls::TlsOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const JWKS: &str = include_str!("data/jwks.json");

/// An identity provider on this machine: what it answers may be changed, and it counts how often its keys were asked for.
#[derive(Clone, Default)]
struct Provider {
    url: String,
    keys: Arc<Mutex<Option<String>>>,
    issuer: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/shop", listener.local_addr().unwrap());
        let provider = Self { url, keys: Arc::new(Mutex::new(Some(JWKS.to_owned()))), ..Self::default() };
        let own = provider.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let own = own.clone();
                tokio::spawn(async move {
                    let mut request = vec![0; 8192];
                    let length = stream.read(&mut request).await.unwrap();
                    let request = String::from_utf8_lossy(&request[..length]).into_owned();
                    let answer = own.answer(request.split(' ').nth(1).unwrap());
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        provider
    }

    fn answer(&self, path: &str) -> String {
        let body = match path {
            "/realms/shop/.well-known/openid-configuration" => {
                let issuer = self.issuer.lock().unwrap().clone().unwrap_or_else(|| self.url.clone());
                Some(format!(r#"{{"issuer": "{issuer}", "jwks_uri": "{}/keys"}}"#, self.url))
            }
            "/realms/shop/keys" => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                self.keys.lock().unwrap().clone()
            }
            "/redirect" => {
                return format!(
                    "HTTP/1.1 302 Found\r\nlocation: {}/keys\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                    self.url
                );
            }
            _ => None,
        };
        match body {
            Some(body) => {
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                )
            }
            None => "HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        }
    }

    fn serve(&self, keys: Option<&str>) {
        *self.keys.lock().unwrap() = keys.map(str::to_owned);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/jwt.json")).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds((vectors()["now"].as_i64().unwrap() + seconds) * 1000).unwrap()
}

fn token(name: &str) -> String {
    let vectors = vectors();
    let case = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    case["token"].as_str().unwrap().to_owned()
}

fn access(keys: &Arc<RemoteKeys>) -> Access {
    let options = JwtOptions::new(vectors()["issuer"].as_str().unwrap(), "audit-log")
        .role_claim("realm_access.roles")
        .role("audit-writer", [Role::Ingest]);
    Access::default().jwt(Jwt::with_remote_keys(options, Arc::clone(keys)).unwrap())
}

fn reason(result: &Result<Caller, Denial>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Denial::Unauthenticated { reason, .. }) => reason,
        Err(_) => "another denial",
    }
}

#[tokio::test]
async fn they_are_fetched_when_wanted_at_most_once_a_minute() {
    let provider = Provider::start().await;
    provider.serve(Some(r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#));
    let keys = Arc::new(RemoteKeys::of_issuer(&provider.url, &TlsOptions::default()).unwrap());
    let access = access(&keys);
    let token = token("RS256");
    let presented = Presented::default().bearer(Some(&token));
    assert_eq!(reason(&access.identify(&presented, at(0))), "keys_unavailable");
    assert_eq!(keys.refresh(at(0)).await.unwrap(), Refreshed::Fetched(1));
    provider.serve(Some(JWKS));
    for second in 1..60 {
        assert_eq!(reason(&access.identify_with_fresh_keys(&presented, at(second)).await), "unknown_key");
    }
    assert_eq!(provider.asked(), 1);
    assert_eq!(reason(&access.identify_with_fresh_keys(&presented, at(60)).await), "ok");
    assert_eq!(reason(&access.identify(&presented, at(61))), "ok");
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn those_it_had_last_are_used_while_it_is_down() {
    let provider = Provider::start().await;
    let keys = Arc::new(RemoteKeys::at(&format!("{}/keys", provider.url), &TlsOptions::default()).unwrap());
    let access = access(&keys);
    let token = token("ES256");
    let presented = Presented::default().bearer(Some(&token));
    assert_eq!(reason(&access.identify_with_fresh_keys(&presented, at(0)).await), "ok");
    let too_large = format!(r#"{{"keys": [{}]}}"#, " ".repeat(600 << 10));
    for (minute, answer) in [None, Some(""), Some("{}"), Some(r#"{"keys": []}"#), Some(too_large.as_str())]
        .into_iter()
        .enumerate()
    {
        provider.serve(answer);
        let minute = i64::try_from(minute).unwrap() + 1;
        assert!(keys.refresh(at(60 * minute)).await.is_err(), "{answer:?}");
        assert_eq!(reason(&access.identify(&presented, at(60))), "ok");
    }
}

#[tokio::test]
async fn an_answer_from_somebody_else_is_not_taken() {
    let provider = Provider::start().await;
    let keys = RemoteKeys::of_issuer(&provider.url, &TlsOptions::default()).unwrap();
    *provider.issuer.lock().unwrap() = Some("https://evil.example.com".to_owned());
    let error = keys.refresh(at(0)).await.unwrap_err();
    assert!(matches!(error, OidcError::Answer { .. }), "{error}");
    assert!(error.to_string().contains("with the issuer `https://evil.example.com`; expected"), "{error}");
    let redirected = provider.url.replace("/realms/shop", "/redirect");
    let keys = RemoteKeys::at(&redirected, &TlsOptions::default()).unwrap();
    assert!(keys.refresh(at(0)).await.unwrap_err().to_string().contains("302 Found"));
    assert_eq!(provider.asked(), 0);
}

#[test]
fn an_address_that_anybody_could_answer_for_is_refused() {
    for address in [
        "http://id.example.com/keys",
        "ftp://id.example.com",
        "id.example.com",
        "",
        "http://127.0.0.1.evil.com/",
        "https://user:pw@id.example.com",
    ] {
        let error = RemoteKeys::at(address, &TlsOptions::default()).unwrap_err();
        assert!(matches!(error, OidcError::Address { .. }), "{address}");
        assert!(!error.to_string().contains("pw"));
    }
}

#[tokio::test]
async fn they_are_kept_fresh_until_that_is_dropped() {
    let provider = Provider::start().await;
    let options = TlsOptions::default();
    let keys = Arc::new(RemoteKeys::at(&format!("{}/keys", provider.url), &options).unwrap());
    let nowhere = RemoteKeys::at("http://127.0.0.1:1/keys", &options).unwrap();
    let access = access(&keys);
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let token = token("RS256");
    let until_let_in = async {
        while access.identify(&Presented::default().bearer(Some(&token)), at(0)).is_err() {
            tokio::task::yield_now().await;
        }
        hears.recv().await.unwrap()
    };
    tokio::select! {
        () = keys.keep_fresh(|| at(0), |error| panic!("{error}")) => unreachable!("it has no end"),
        () = nowhere.keep_fresh(|| at(0), |error| told.send(error.to_string()).unwrap()) => unreachable!("nor this"),
        problem = until_let_in => assert!(problem.starts_with("cannot fetch http://127.0.0.1:1/keys"), "{problem}"),
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn while_it_hangs_one_waits_for_it_and_no_others() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let keys = Arc::new(RemoteKeys::at(&url, &TlsOptions::default()).unwrap());
    let (access, token) = (access(&keys), token("RS256"));
    let presented = Presented::default().bearer(Some(&token));
    let mut one = Box::pin(keys.refresh(at(0)));
    let asked = tokio::select! {
        accepted = silent.accept() => accepted.unwrap(),
        early = &mut one => panic!("{early:?}"),
    };
    for _ in 0..100 {
        // Whichever ends first: the one that fetches is told of it after ten seconds.
        tokio::select! {
            biased;
            result = &mut one => panic!("the others waited as long: {result:?}"),
            refused = access.identify_with_fresh_keys(&presented, at(1)) => {
                assert_eq!(reason(&refused), "keys_unavailable");
            }
        }
    }
    drop(asked);
    assert!(one.await.is_err());
}

#[tokio::test]
async fn whoever_comes_while_they_are_fetched_waits_for_them() {
    let provider = Provider::start().await;
    let keys = Arc::new(RemoteKeys::at(&format!("{}/keys", provider.url), &TlsOptions::default()).unwrap());
    let (access, token) = (access(&keys), token("RS256"));
    let presented = Presented::default().bearer(Some(&token));
    let ask = || access.identify_with_fresh_keys(&presented, at(0));
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    assert_eq!([&first, &second, &third].map(reason), ["ok"; 3]);
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_ends_no_fetch() {
    let provider = Provider::start().await;
    let keys = Arc::new(RemoteKeys::at(&format!("{}/keys", provider.url), &TlsOptions::default()).unwrap());
    let (access, token) = (access(&keys), token("RS256"));
    let presented = Presented::default().bearer(Some(&token));
    {
        let hung_up = access.identify_with_fresh_keys(&presented, at(0));
        tokio::pin!(hung_up);
        let begun = std::future::poll_fn(|context| std::task::Poll::Ready(hung_up.as_mut().poll(context)));
        assert!(begun.await.is_pending());
    }
    // Within the minute nobody fetches again: what the first one asked for has to come.
    assert_eq!(reason(&access.identify_with_fresh_keys(&presented, at(1)).await), "ok");
    assert_eq!(provider.asked(), 1);
}
