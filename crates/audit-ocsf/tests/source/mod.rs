//! The classes and objects as the source declares and documents them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::Path;

pub(crate) struct Struct {
    /// `authentication`, `user`, …
    pub(crate) ocsf_name: String,
    /// The name in Rust.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) rust_type: String,
}

/// All structs of classes and objects in the source.
pub(crate) fn structs() -> Vec<Struct> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<_> = ["class", "object"]
        .iter()
        .flat_map(|folder| fs::read_dir(source.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().flat_map(|file| structs_in(&fs::read_to_string(file).unwrap())).collect()
}

fn structs_in(text: &str) -> Vec<Struct> {
    let mut structs = Vec::new();
    let mut docs = String::new();
    let mut current: Option<Struct> = None;
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(text) = line.trim_start().strip_prefix("///") {
            docs.push_str(text.strip_prefix(' ').unwrap_or(text));
            docs.push(' ');
        } else if let Some(rest) = line.strip_prefix("pub struct ")
            && let Some((_, ocsf_name)) = docs.split_once("The OCSF ")
        {
            let name = rest.trim_end_matches([' ', '{']).to_owned();
            let ocsf_name = ocsf_name.split('`').nth(1).unwrap().to_owned();
            current = Some(Struct { ocsf_name, name, docs: std::mem::take(&mut docs), fields: Vec::new() });
        } else if line == "}" {
            structs.extend(current.take());
            docs.clear();
        } else if let Some(current) = &mut current
            && let Some(field) = line.strip_prefix("    pub ")
        {
            let (name, rust_type) = field.trim_end_matches(',').split_once(": ").unwrap();
            let name = name.trim_start_matches("r#").to_owned();
            let docs = std::mem::take(&mut docs);
            if name != "extra" {
                current.fields.push(Field { name, docs, rust_type: rust_type.to_owned() });
            }
        } else if !line.trim_start().starts_with("#[") {
            docs.clear();
        }
    }
    structs
}
