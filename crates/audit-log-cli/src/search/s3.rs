//! Objects of S3 as inputs.

#[cfg(not(feature = "s3"))]
pub(super) use without::inputs;

#[cfg(feature = "s3")]
pub(super) use with::inputs;

#[cfg(not(feature = "s3"))]
mod without {
    use std::path::Path;

    use anyhow::bail;
    use audit_search::Input;

    pub(in super::super) fn inputs(address: &str, _config: Option<&Path>) -> anyhow::Result<Vec<Input>> {
        bail!(
            "{address}: S3 is not built into this version; build with `--features s3`, or fetch the objects and search the files"
        )
    }
}

#[cfg(feature = "s3")]
mod with {
    use std::io::{self, Read};
    use std::path::Path;
    use std::sync::{Arc, Mutex, PoisonError};

    use anyhow::{Context as _, bail};
    use audit_config::process_environment;
    use audit_search::Input;
    use audit_sink_s3::{S3Options, S3Reader};
    use tokio::runtime::Runtime;
    use tokio::task::JoinHandle;

    use crate::config::load;
    use crate::output::harmless;

    /// How many objects are fetched ahead of the one that is read.
    const AHEAD: usize = 8;

    /// The objects whose keys begin with the address `s3://bucket/prefix`, in the order of their keys. They are fetched when
    /// they are read. A configuration says how the bucket is reached, if it has a destination there; else the environment does.
    pub(in super::super) fn inputs(address: &str, config: Option<&Path>) -> anyhow::Result<Vec<Input>> {
        let rest = address.strip_prefix("s3://").unwrap_or(address);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            bail!("{address}: expected a bucket, such as s3://audit-logs/kafka-backup/");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot make a runtime")?;
        let reader = S3Reader::new(options(bucket, config)?);
        let objects =
            runtime.block_on(reader.list(prefix)).map_err(|error| anyhow::anyhow!("{address}: {error}"))?;
        if objects.is_empty() {
            bail!("{address}: no object's key begins so");
        }
        // Beside records there are marks of legal holds.
        let is_records = |key: &String| !key.contains("/legal-holds/");
        let keys: Vec<String> = objects.into_iter().map(|object| object.key).filter(is_records).collect();
        let name = |key: &String| harmless(&format!("s3://{bucket}/{key}"));
        let names: Vec<String> = keys.iter().map(name).collect();
        let pending = keys.iter().map(|_| Mutex::new(Pending::NotAsked)).collect();
        let bucket = Arc::new(Bucket { runtime, reader: Arc::new(reader), keys, pending });
        let input = |(index, name)| Input::Reader {
            name,
            reader: Box::new(Object { bucket: Arc::clone(&bucket), index, content: None }),
        };
        Ok(names.into_iter().enumerate().map(input).collect())
    }

    fn options(bucket: &str, config: Option<&Path>) -> anyhow::Result<S3Options> {
        if let Some(path) = config {
            let parsed = load(path)?.map_err(|errors| anyhow::anyhow!("{errors}"))?;
            if let Some(options) = parsed.config.s3_options(bucket) {
                return Ok(options);
            }
        }
        let options = S3Options::new(bucket);
        let endpoint =
            process_environment("AWS_ENDPOINT_URL_S3").or_else(|| process_environment("AWS_ENDPOINT_URL"));
        Ok(match endpoint {
            Some(url) => options.endpoint(url),
            None => options,
        })
    }

    /// The objects that were listed.
    struct Bucket {
        runtime: Runtime,
        reader: Arc<S3Reader>,
        keys: Vec<String>,
        pending: Vec<Mutex<Pending>>,
    }

    enum Pending {
        NotAsked,
        Asked(JoinHandle<Result<Vec<u8>, String>>),
        Taken,
    }

    impl Bucket {
        fn ask(&self, index: usize) {
            let Some(pending) = self.pending.get(index) else { return };
            let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*pending, Pending::NotAsked) {
                let (reader, key) = (Arc::clone(&self.reader), self.keys[index].clone());
                let get = async move { reader.get(&key).await.map_err(|error| error.to_string()) };
                *pending = Pending::Asked(self.runtime.spawn(get));
            }
        }

        fn take(&self, index: usize) -> io::Result<Vec<u8>> {
            (index..=index + AHEAD).for_each(|index| self.ask(index));
            let mut pending = self.pending[index].lock().unwrap_or_else(PoisonError::into_inner);
            let Pending::Asked(answer) = std::mem::replace(&mut *pending, Pending::Taken) else {
                return Ok(Vec::new());
            };
            self.runtime.block_on(answer)?.map_err(io::Error::other)
        }
    }

    /// An object that is fetched when it is first read.
    struct Object {
        bucket: Arc<Bucket>,
        index: usize,
        content: Option<io::Cursor<Vec<u8>>>,
    }

    impl Read for Object {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.content.is_none() {
                self.content = Some(io::Cursor::new(self.bucket.take(self.index)?));
            }
            self.content.as_mut().map_or(Ok(0), |content| content.read(buffer))
        }
    }
}
