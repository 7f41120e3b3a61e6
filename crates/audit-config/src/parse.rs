use std::cell::RefCell;

use crate::check::{check, section};
use crate::deserialize::deserialize;
use crate::environment::expand;
use crate::origin::Origin;
use crate::{Config, ConfigError, ConfigErrors, Environment, root};

/// A configuration and what is odd about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// What was asked for.
    pub config: Config,
    /// What was asked for and makes little sense, in the order of the file.
    pub warnings: Vec<ConfigError>,
}

/// Reads the configuration in `text`: bare, under `enterprise.audit` or `spec.enterprise.audit`, or
/// in a ConfigMap's `data."audit.yaml"`. `file` is the name to use in errors; `environment` is asked
/// for each `${VAR}` in a value, and for what the alerts' notifiers lack
/// (see [`Config::check_notifiers`]), which is a warning.
///
/// # Errors
/// All that is wrong with it. Where the YAML itself is broken, that alone.
pub fn parse(file: &str, text: &str, environment: Environment<'_>) -> Result<Parsed, ConfigErrors> {
    let mut origin = Origin::new(file, text);
    let mut root = match root::find(text) {
        Ok(root) => root,
        Err(problem) => return Err(ConfigErrors(vec![origin.locate_unread(problem)])),
    };
    let mut problems = Vec::new();
    expand(&mut root.node, "", environment, &mut problems);
    origin.set_root(root.prefix, &root.node);

    let problems = RefCell::new(problems);
    let config: Option<Config> = deserialize(&root.node, &problems);
    let problems = problems.into_inner();
    problems.iter().filter(|problem| problem.hide).for_each(|problem| origin.hide(problem));
    // Where a section could not be read, what is said about its parts would not be true.
    let unread =
        problems.iter().filter(|problem| !problem.about_key).map(|problem| section(&problem.path).to_owned());
    let unread: Vec<_> = unread.collect();
    let mut errors: Vec<_> = problems.into_iter().map(|problem| origin.locate(problem)).collect();
    let mut config = config.unwrap_or_default();
    errors.extend(config.settle(origin));
    let found = check(&config, &unread, environment);
    errors.extend(found.errors);
    ConfigErrors::unless_empty(errors)?;
    Ok(Parsed { config, warnings: found.warnings })
}
