use serde_json::Value;

use crate::Config;

impl Config {
    /// The configuration in effect, defaults included and secrets masked.
    #[must_use]
    pub fn show(&self) -> Value {
        let mut value =
            serde_json::to_value(self).expect("the types have string keys and write without fail");
        drop_nulls(&mut value);
        value
    }

    /// [`show`](Self::show) as YAML, which [`parse`](crate::parse) would read again.
    #[must_use]
    pub fn show_yaml(&self) -> String {
        let mut value = self.show();
        escape_dollars(&mut value);
        serde_saphyr::to_string(&value).expect("any JSON value is a YAML value")
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What is shown has its variables replaced already.
fn escape_dollars(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('$', "$$"),
        Value::Object(map) => map.values_mut().for_each(escape_dollars),
        Value::Array(items) => items.iter_mut().for_each(escape_dollars),
        _ => {}
    }
}
