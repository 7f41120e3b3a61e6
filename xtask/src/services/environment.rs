//! What the tests are told of the servers.

use std::collections::BTreeMap;
use std::env;

use anyhow::Result;

use super::certificates::Certificates;
use super::server::{Place, Server, folder_of, text};
use super::{SERVERS, control};

/// The servers whose variables are from here, and so not a person's own.
const OURS: &str = "AUDIT_TEST_SERVICES";

/// Of the servers that are up.
pub(crate) fn variables() -> Result<BTreeMap<&'static str, String>> {
    let mut variables = BTreeMap::new();
    let mut ours = Vec::new();
    for server in SERVERS {
        if is_a_persons(server).is_none() && control::process(&folder_of(server)?).is_some() {
            variables.extend(server.environment(&Place::of(server)?)?);
            ours.push(server.name());
        }
    }
    let certificates = Certificates::get()?;
    variables.extend([
        (OURS, ours.join(" ")),
        ("AUDIT_TEST_XTASK", text(&env::current_exe()?.with_file_name("xtask"))?),
        ("AUDIT_TEST_CA", text(&certificates.ca())?),
        ("AUDIT_TEST_OTHER_CA", text(&certificates.other_ca())?),
        ("AUDIT_TEST_CLIENT_CERT", text(&certificates.client())?),
        ("AUDIT_TEST_CLIENT_KEY", text(&certificates.client_key())?),
    ]);
    Ok(variables)
}

/// For a shell to evaluate.
pub(crate) fn print() -> Result<()> {
    for (name, value) in variables()? {
        println!("export {name}='{}'", value.replace('\'', r"'\''"));
    }
    Ok(())
}

/// The server of their own that a person wants tested instead.
pub(crate) fn is_a_persons(server: &dyn Server) -> Option<String> {
    let ours = env::var(OURS).unwrap_or_default();
    let is_ours = ours.split(' ').any(|name| name == server.name());
    if is_ours { None } else { env::var(server.variable()).ok().filter(|value| !value.is_empty()) }
}
