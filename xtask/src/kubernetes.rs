//! docs/kubernetes: rendered, against the schemas of Kubernetes, and against what no schema says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::checkers::{self, or_skipped};
use crate::report::Outcome;
use crate::shell::{cargo, program, root, target_dir};

const FOLDER: &str = "docs/kubernetes";

/// The oldest one that has all that is used, and the newest.
const VERSIONS: [&str; 2] = ["1.29.0", "1.37.0"];

/// What the configuration's own tests read, and has to be there as it stands.
const AS_THEY_STAND: [(&str, &str); 2] = [
    ("16_configmap.yaml", "kafka-backup/configmap.yaml"),
    ("17_kafka_backup_resource.yaml", "kafka-backup-resource/kafka-backup.yaml"),
];

/// A kind that is not of Kubernetes, and so not of its schemas.
const OWN_SCHEMA: &str = "schemas/kafkabackup-kafka-v1alpha1.json";

/// What kubeconform has to find: a name that is wrong, and a value that is.
const MISTAKES: [(&str, &str); 3] = [
    ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
    ("terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: about "),
    ("automountServiceAccountToken: false", "automountServiceAccountToken: never"),
];

/// Written by `check_workloads.py` beside the configurations: what their containers have.
const VARIABLES: &str = "variables";

pub(crate) fn check_manifests() -> Result<Outcome> {
    or_skipped(|| {
        let work = target_dir()?.join("kubernetes");
        let rendered = render(&fresh(&work.join("rendered"))?)?;
        let schemas = make_schemas(&work.join("schemas"))?;
        let mut wrong = changed_seeds()?;
        for version in VERSIONS {
            if !conforms(version, &schemas, &rendered, true)? {
                wrong.push(format!("not what Kubernetes {version} takes: see above"));
            }
        }
        wrong.extend(unnoticed(&work.join("broken"), &schemas, &rendered)?);
        let configurations = fresh(&work.join("configurations"))?;
        let workloads = program(checkers::python()?)
            .args(["xtask/check_workloads.py", env!("CARGO_PKG_VERSION")])
            .arg(&configurations)
            .args(&rendered);
        if !workloads.run()? {
            wrong.push("not as secure as it has to be: see above".to_owned());
        }
        wrong.extend(refused(&configurations)?);
        Ok(Outcome::of(&wrong))
    })
}

/// Every folder that is to be applied, as the cluster gets it.
fn render(rendered: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(FOLDER)).with_context(|| format!("cannot list {FOLDER}"))? {
        let folder = entry?.path();
        if !folder.join("kustomization.yaml").exists() || folder.ends_with("base") {
            continue;
        }
        let built = program(checkers::kustomize()?).arg("build").arg(&folder).output()?;
        let told = String::from_utf8_lossy(&built.stderr);
        // It warns of what is deprecated.
        ensure!(built.status.success() && told.is_empty(), "kustomize build {}: {told}", folder.display());
        let name = folder.file_name().expect("an entry of a folder has a name");
        let file = rendered.join(name).with_extension("yaml");
        fs::write(&file, built.stdout)?;
        files.push(file);
    }
    files.sort();
    Ok(files)
}

/// A folder of schemas for each version, and where they are by the words of kubeconform.
fn make_schemas(folder: &Path) -> Result<String> {
    for version in VERSIONS {
        let of_version = folder.join(format!("v{version}"));
        // Taken from a package of a fixed version: what is there stays right.
        if !of_version.join("whole").exists() {
            let made = program(checkers::python()?)
                .args(["xtask/kubernetes_schemas.py", version])
                .arg(&of_version)
                .run()?;
            ensure!(made, "no schemas of Kubernetes {version}");
            fs::write(of_version.join("whole"), "")?;
        }
        let own = root().join(FOLDER).join(OWN_SCHEMA);
        let name = own.file_name().expect("it is a file");
        fs::copy(&own, of_version.join(name)).with_context(|| format!("cannot copy {}", own.display()))?;
    }
    let pattern = "{{ .NormalizedKubernetesVersion }}/{{ .ResourceKind }}{{ .KindSuffix }}.json";
    Ok(format!("{}/{pattern}", folder.display()))
}

/// Strictly: an unknown field and a repeated one are errors, and so is a kind without a schema.
fn conforms(version: &str, schemas: &str, files: &[PathBuf], is_shown: bool) -> Result<bool> {
    let kubeconform = program(checkers::kubeconform()?)
        .args(["-strict", "-summary", "-kubernetes-version", version, "-schema-location", schemas])
        .args(files)
        .arg(root().join(FOLDER).join(AS_THEY_STAND[1].1));
    if is_shown { kubeconform.run() } else { Ok(kubeconform.output()?.status.success()) }
}

/// Mistakes that kubeconform takes for right.
fn unnoticed(folder: &Path, schemas: &str, rendered: &[PathBuf]) -> Result<Vec<String>> {
    let folder = fresh(folder)?;
    let mut unnoticed = Vec::new();
    for file in rendered {
        let text = fs::read_to_string(file)?;
        let name = file.file_name().expect("it is a file").to_string_lossy();
        let before = unnoticed.len();
        for (right, wrong) in MISTAKES {
            ensure!(text.contains(right), "{name} has no `{right}` to break");
            let broken = folder.join(&*name);
            fs::write(&broken, text.replacen(right, wrong, 1))?;
            if conforms(VERSIONS[1], schemas, &[broken], false)? {
                unnoticed.push(format!("{name}: not noticed by kubeconform: `{wrong}`"));
            }
        }
        println!("{name}: {} of {} mistakes go unnoticed", unnoticed.len() - before, MISTAKES.len());
    }
    Ok(unnoticed)
}

/// What `audit-log config check` says of the configurations, as the containers get them and as the files stand.
fn refused(folder: &Path) -> Result<Vec<String>> {
    let variables = fs::read_to_string(folder.join(VARIABLES)).context("no list of the variables")?;
    let mut files: Vec<PathBuf> =
        AS_THEY_STAND.iter().map(|(_, file)| Path::new(FOLDER).join(file)).collect();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.retain(|file| !file.ends_with(VARIABLES));
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let told = complaints(&file, &variables)?;
        let name = file.file_name().expect("it is a file").to_string_lossy();
        println!("{name}: {}", if told.is_empty() { "accepted by `config check`" } else { "refused" });
        wrong.extend(told.into_iter().map(|told| format!("{name}: {told}")));
        let broken = target_dir()?.join("kubernetes/broken").join(&*name);
        fs::write(
            &broken,
            fs::read_to_string(root().join(&file))?.replacen("destination", "destinatoin", 1),
        )?;
        if complaints(&broken, &variables)?.is_empty() {
            wrong.push(format!("{name}: `destinatoin` is accepted by `config check`"));
        }
    }
    Ok(wrong)
}

fn complaints(file: &Path, variables: &str) -> Result<Vec<String>> {
    let mut check = cargo("run --quiet --bin audit-log -- config check").arg(file);
    for name in variables.lines() {
        check = check.env(name, "name");
    }
    let checked = check.output()?;
    let told = String::from_utf8_lossy(&checked.stderr);
    let told = told.lines().filter(|line| line.starts_with("error") || line.starts_with("warning"));
    // This program has the default features; the image has others.
    let mut told: Vec<String> =
        told.filter(|line| !line.contains("is not built into this version")).map(str::to_owned).collect();
    if !checked.status.success() && told.is_empty() {
        told.push("`config check` failed".to_owned());
    }
    Ok(told)
}

fn changed_seeds() -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for (original, copy) in AS_THEY_STAND {
        let original = root().join("crates/audit-config/tests/data").join(original);
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if read(&original)? != read(&root().join(FOLDER).join(copy))? {
            changed.push(format!("{FOLDER}/{copy} is not as it stands in {}", original.display()));
        }
    }
    Ok(changed)
}

fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.to_owned())
}
