//! A registry on 127.0.0.1, as much of one as cargo needs: a sparse index, uploads, downloads.
//!
//! Written after cargo's documentation of registries ("Index Format", "Web API"). It keeps everything in memory.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, put};
use axum::{Json, Router};
use semver::VersionReq;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What cargo is told to bring along, in an environment of the rehearsal's own.
pub(crate) const TOKEN: &str = "rehearsal";

/// How long the index lacks what was uploaded last when it is too many at a time, as it is with caches before it.
pub(crate) const BEHIND: Duration = Duration::from_secs(1);

/// As crates.io's.
const LARGEST_CRATE: usize = 10 * 1024 * 1024;
const MOST_KEYWORDS: usize = 5;

/// Serves until this program ends.
pub(crate) struct Registry {
    address: SocketAddr,
    shelf: Shelf,
}

type Shelf = Arc<Mutex<Crates>>;

struct Crates {
    address: SocketAddr,
    published: BTreeMap<String, Vec<Published>>,
    uploads_left: usize,
    refill: usize,
    last_upload: String,
    /// That one is not in the index until then.
    behind_until: Option<Instant>,
}

struct Published {
    version: String,
    /// Of this registry, and what of each.
    needs: Vec<(String, VersionReq)>,
    entry: String,
    package: Bytes,
}

impl Crates {
    /// Cargo and crates.io both ask for it: whoever uploads in the wrong order is stopped.
    fn has_what_it_needs(&self, published: &Published) -> Result<()> {
        for (name, wanted) in &published.needs {
            let versions = self.published.get(name).map(Vec::as_slice).unwrap_or_default();
            let is_there =
                |each: &Published| each.version.parse().is_ok_and(|version| wanted.matches(&version));
            ensure!(versions.iter().any(is_there), "it depends on {name} {wanted}, which is not here");
        }
        Ok(())
    }
}

impl Registry {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot open a port on 127.0.0.1")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shelf = Arc::new(Mutex::new(Crates {
            address,
            published: BTreeMap::new(),
            uploads_left: usize::MAX,
            refill: 0,
            last_upload: String::new(),
            behind_until: None,
        }));
        let router = router(Arc::clone(&shelf));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        });
        Ok(Self { address, shelf })
    }

    /// For cargo's configuration.
    pub(crate) fn index(&self) -> String {
        format!("sparse+http://{}/index/", self.address)
    }

    /// Takes this many more uploads, then says once that it is too many, as crates.io does, and then takes `refill` more.
    pub(crate) fn limit_uploads(&self, more: usize, refill: usize) {
        let mut crates = lock(&self.shelf);
        (crates.uploads_left, crates.refill) = (more, refill);
    }

    /// How many crates it has.
    pub(crate) fn len(&self) -> usize {
        lock(&self.shelf).published.len()
    }
}

fn router(shelf: Shelf) -> Router {
    Router::new()
        .route("/index/config.json", get(configuration))
        .route("/index/{*path}", get(entries))
        .route("/api/v1/crates/new", put(publish).layer(DefaultBodyLimit::max(LARGEST_CRATE)))
        .route("/crates/{name}/{version}", get(download))
        .with_state(shelf)
}

async fn configuration(State(shelf): State<Shelf>) -> Json<Value> {
    let address = lock(&shelf).address;
    Json(json!({
        "dl": format!("http://{address}/crates/{{crate}}/{{version}}"),
        "api": format!("http://{address}"),
    }))
}

/// `au/di/audit-model`: one line for each version.
async fn entries(State(shelf): State<Shelf>, Path(path): Path<String>) -> Result<String, StatusCode> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let crates = lock(&shelf);
    let published = crates.published.get(name).ok_or(StatusCode::NOT_FOUND)?;
    let is_behind = name == crates.last_upload && crates.behind_until.is_some_and(|end| Instant::now() < end);
    let published = &published[..published.len() - usize::from(is_behind)];
    Ok(published.iter().map(|each| format!("{}\n", each.entry)).collect())
}

async fn download(
    State(shelf): State<Shelf>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Bytes, StatusCode> {
    let crates = lock(&shelf);
    let versions = crates.published.get(&name).ok_or(StatusCode::NOT_FOUND)?;
    let found = versions.iter().find(|each| each.version == version).ok_or(StatusCode::NOT_FOUND)?;
    Ok(found.package.clone())
}

type Refusal = (StatusCode, Json<Value>);

async fn publish(
    State(shelf): State<Shelf>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    if headers.get(header::AUTHORIZATION).is_none_or(|token| token != TOKEN) {
        return Err(refusal(StatusCode::FORBIDDEN, "this is not the token"));
    }
    let (name, published) =
        parse(&body).map_err(|error| refusal(StatusCode::BAD_REQUEST, &format!("{error:#}")))?;
    let mut crates = lock(&shelf);
    if crates.uploads_left == 0 {
        crates.uploads_left = std::mem::take(&mut crates.refill);
        crates.behind_until = Some(Instant::now() + BEHIND);
        return Err(refusal(StatusCode::TOO_MANY_REQUESTS, "too many uploads; try again later"));
    }
    if let Err(error) = crates.has_what_it_needs(&published) {
        return Err(refusal(StatusCode::BAD_REQUEST, &format!("{error:#}")));
    }
    let versions = crates.published.entry(name.clone()).or_default();
    if versions.iter().any(|each| each.version == published.version) {
        return Err(refusal(StatusCode::CONFLICT, "this version is uploaded already"));
    }
    versions.push(published);
    crates.uploads_left -= 1;
    crates.last_upload = name;
    Ok(Json(json!({ "warnings": { "invalid_categories": [], "invalid_badges": [], "other": [] } })))
}

fn refusal(status: StatusCode, why: &str) -> Refusal {
    (status, Json(json!({ "errors": [{ "detail": why }] })))
}

/// The description and the package, each with its length before it.
fn parse(body: &Bytes) -> Result<(String, Published)> {
    let (description, rest) = with_length(body)?;
    let (package, rest) = with_length(&rest)?;
    if !rest.is_empty() {
        bail!("{} bytes too many", rest.len());
    }
    let description: Value = serde_json::from_slice(&description).context("the description is no JSON")?;
    let text = |key: &str| {
        let text = description[key].as_str().with_context(|| format!("the description has no `{key}`"))?;
        anyhow::Ok(text.to_owned())
    };
    let (name, version) = (text("name")?, text("vers")?);
    let keywords = description["keywords"].as_array().map_or(0, Vec::len);
    ensure!(keywords <= MOST_KEYWORDS, "expected at most {MOST_KEYWORDS} keywords per crate, not {keywords}");
    let (needs, entry) = (needs(&description)?, entry(&description, &package)?.to_string());
    Ok((name, Published { version, needs, entry, package }))
}

/// What of this registry it depends on: of another one cargo gives the address.
fn needs(description: &Value) -> Result<Vec<(String, VersionReq)>> {
    let dependencies = description["deps"].as_array().context("the description has no `deps`")?;
    let own = dependencies.iter().filter(|each| each["registry"].is_null());
    own.map(|each| {
        let text = |key: &str| each[key].as_str().with_context(|| format!("a dependency without `{key}`"));
        Ok((text("name")?.to_owned(), text("version_req")?.parse()?))
    })
    .collect()
}

fn with_length(bytes: &Bytes) -> Result<(Bytes, Bytes)> {
    let length = bytes.first_chunk::<4>().context("a length is missing")?;
    let end = 4 + u32::from_le_bytes(*length) as usize;
    if bytes.len() < end {
        bail!("{end} bytes were announced, and {} came", bytes.len());
    }
    Ok((bytes.slice(4..end), bytes.slice(end..)))
}

/// The line of the index. It names some things otherwise than the upload does.
fn entry(description: &Value, package: &Bytes) -> Result<Value> {
    let dependencies = description["deps"].as_array().context("the description has no `deps`")?;
    Ok(json!({
        "name": description["name"],
        "vers": description["vers"],
        "deps": dependencies.iter().map(dependency).collect::<Vec<_>>(),
        "cksum": const_hex::encode(Sha256::digest(package)),
        "features": {},
        // `dep:` and `?/` may only be here.
        "features2": description["features"],
        "v": 2,
        "yanked": false,
        "links": description["links"],
        "rust_version": description["rust_version"],
    }))
}

fn dependency(uploaded: &Value) -> Value {
    let renamed = uploaded["explicit_name_in_toml"].as_str();
    let name = renamed.map_or_else(|| uploaded["name"].clone(), Value::from);
    let package = renamed.map(|_| uploaded["name"].clone());
    json!({
        "name": name,
        "package": package,
        "req": uploaded["version_req"],
        "features": uploaded["features"],
        "optional": uploaded["optional"],
        "default_features": uploaded["default_features"],
        "target": uploaded["target"],
        "kind": uploaded["kind"],
        "registry": uploaded["registry"],
    })
}

fn lock(shelf: &Shelf) -> MutexGuard<'_, Crates> {
    shelf.lock().expect("nothing panics that holds it")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    fn upload(description: &Value) -> Result<Published> {
        let description = description.to_string();
        let mut body = u32::try_from(description.len()).unwrap().to_le_bytes().to_vec();
        body.extend(description.bytes());
        body.extend(0_u32.to_le_bytes());
        parse(&body.into()).map(|(_, published)| published)
    }

    #[test]
    fn what_it_depends_on_comes_first() {
        let shelf = |published| Crates {
            address: ([127, 0, 0, 1], 0).into(),
            published,
            uploads_left: 1,
            refill: 0,
            last_upload: String::new(),
            behind_until: None,
        };
        let dependency =
            |registry: Value| json!({ "name": "a", "version_req": "^0.1.1", "registry": registry });
        let b = |registry: Value| {
            upload(&json!({ "name": "b", "vers": "0.1.1", "deps": [dependency(registry)] })).unwrap()
        };
        let a = |version: &str| {
            let a = upload(&json!({ "name": "a", "vers": version, "deps": [] })).unwrap();
            shelf(BTreeMap::from([("a".to_owned(), vec![a])]))
        };
        let refused = shelf(BTreeMap::new()).has_what_it_needs(&b(Value::Null)).unwrap_err().to_string();
        assert!(refused.contains("a ^0.1.1, which is not here"), "{refused}");
        assert!(a("0.1.0").has_what_it_needs(&b(Value::Null)).is_err(), "an older one is not enough");
        a("0.1.1").has_what_it_needs(&b(Value::Null)).unwrap();
        shelf(BTreeMap::new()).has_what_it_needs(&b("https://elsewhere.test/".into())).unwrap();
    }

    #[test]
    fn five_keywords_are_enough() {
        let with = |keywords: &[&str]| {
            upload(&json!({ "name": "a", "vers": "0.1.0", "deps": [], "keywords": keywords }))
        };
        assert!(with(&["a", "b", "c", "d", "e"]).is_ok());
        assert!(with(&["a", "b", "c", "d", "e", "f"]).is_err());
    }
}
