//! The settings of a program as Markdown, from the JSON schema of its file and the table of its variables.

use core::fmt::Write as _;
use serde_json::Value;

use super::variable::Variable;

/// Returns one Markdown table for each table of the file, and one for the variables that override no key.
///
/// `schema` is the root of a JSON schema. Of a property its `description`, its `default` and its type are told.
pub fn reference(schema: &Value, variables: &[Variable]) -> String {
    let mut page = Page { schema, variables, text: String::new() };
    page.table("", "", schema);
    let others: Vec<_> = variables.iter().filter(|variable| variable.key.is_empty()).collect();
    if !others.is_empty() {
        page.text.push_str("## Environment variables without a key\n\n| variable | meaning |\n|---|---|\n");
        for Variable { name, about, .. } in others {
            let _ = writeln!(page.text, "| `{name}` | {about} |");
        }
    }
    page.text.truncate(page.text.trim_end().len());
    page.text.push('\n');
    page.text
}

struct Page<'a> {
    schema: &'a Value,
    variables: &'a [Variable],
    text: String,
}

impl<'a> Page<'a> {
    /// Writes the table at `path`, such as `service.route`, and then those inside it.
    fn table(&mut self, path: &str, heading: &str, schema: &'a Value) {
        let Some(properties) = self.resolved(schema).get("properties").and_then(Value::as_object) else { return };
        if !heading.is_empty() {
            let _ = writeln!(self.text, "## `{heading}`\n");
        }
        if let Some(about) = description(schema).or_else(|| description(self.resolved(schema))) {
            let _ = writeln!(self.text, "{about}\n");
        }
        let (tables, values): (Vec<_>, Vec<_>) = properties.iter().partition(|(_, value)| self.inner(value).is_some());
        if !values.is_empty() {
            self.text.push_str("| key | type | default | variable | meaning |\n|---|---|---|---|---|\n");
        }
        for (name, value) in values {
            self.row(path, name, value);
        }
        self.text.push('\n');
        for (name, value) in tables {
            let path = joined(path, name);
            if let Some((inner, is_list)) = self.inner(value) {
                let heading = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
                self.table(&path, &heading, inner);
            }
        }
    }

    fn row(&mut self, path: &str, name: &str, value: &'a Value) {
        let key = joined(path, name);
        let variable = self.variables.iter().find(|variable| variable.key == key);
        let variable = variable.map_or_else(String::new, |variable| format!("`{}`", variable.name));
        let default = value.get("default").filter(|default| is_plain(default)).map_or_else(String::new, |default| {
            format!("`{}`", default.as_str().map_or_else(|| default.to_string(), str::to_owned))
        });
        let about = description(value).or_else(|| description(self.resolved(value))).unwrap_or_default();
        let about = about.replace('|', "\\|").replace('\n', " ");
        let kind = self.kind(value);
        let _ = writeln!(self.text, "| `{name}` | {kind} | {default} | {variable} | {about} |");
    }

    /// The schema of a table that this property is, or is a list of.
    fn inner(&self, value: &'a Value) -> Option<(&'a Value, bool)> {
        let resolved = self.resolved(value);
        if resolved.get("properties").is_some() {
            return Some((value, false));
        }
        let items = resolved.get("items").map(|items| self.resolved(items))?;
        items.get("properties").map(|_| (items, true))
    }

    /// Follows a reference, also one that stands in an `anyOf` of its own.
    fn resolved(&self, value: &'a Value) -> &'a Value {
        let alone = value.get("anyOf").and_then(Value::as_array).and_then(|choices| match choices.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let value = alone.unwrap_or(value);
        let reference = value.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
        reference.and_then(|at| self.schema.pointer(at)).unwrap_or(value)
    }

    fn kind(&self, value: &'a Value) -> String {
        let value = self.resolved(value);
        let each = |choices: &'a [Value]| choices.iter().map(|choice| self.kind(choice)).collect::<Vec<_>>().join(", ");
        let field = |name: &str| value.get(name);
        if let Some(constant) = field("const") {
            return format!("`{}`", constant.as_str().map_or_else(|| constant.to_string(), str::to_owned));
        }
        if let Some(values) = field("enum").and_then(Value::as_array) {
            let texts = values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            return texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
        }
        if let Some(choices) = field("oneOf").or_else(|| field("anyOf")).and_then(Value::as_array) {
            return each(choices);
        }
        match (field("type").and_then(Value::as_str), field("items")) {
            (Some("array"), Some(items)) => format!("list of {}", self.kind(items)),
            (Some("boolean"), _) => "`true`, `false`".to_owned(),
            (Some("object"), _) => "table".to_owned(),
            (Some(name), _) => name.to_owned(),
            (None, _) => String::new(),
        }
    }
}

fn description(value: &Value) -> Option<&str> {
    value.get("description").and_then(Value::as_str)
}

/// Whether a default is worth showing: an empty list or table says nothing.
fn is_plain(default: &Value) -> bool {
    match default {
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Object(_) => false,
        _ => true,
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_shows_types_defaults_and_variables() {
        let schema = json!({
            "description": "The file.",
            "properties": {
                "listen": { "type": "string", "default": "127.0.0.1:1", "description": "Where clients\nconnect." },
                "own_paths": { "type": "boolean", "default": true, "description": "Answers | itself." },
                "log": { "$ref": "#/$defs/Log" },
                "service": { "type": "array", "items": { "$ref": "#/$defs/Service" }, "default": [] },
            },
            "$defs": {
                "Log": { "description": "The log.", "properties": { "format": { "enum": ["human", "json"] } } },
                "Service": { "properties": { "name": { "type": "string" } } },
            },
        });
        let listen = Variable::new("MY_LISTEN", "listen", "where");
        let other = Variable::new("MY_HOME", "", "the home");
        let expected = "The file.\n\n\
            | key | type | default | variable | meaning |\n|---|---|---|---|---|\n\
            | `listen` | string | `127.0.0.1:1` | `MY_LISTEN` | Where clients connect. |\n\
            | `own_paths` | `true`, `false` | `true` |  | Answers \\| itself. |\n\n\
            ## `[log]`\n\nThe log.\n\n\
            | key | type | default | variable | meaning |\n|---|---|---|---|---|\n\
            | `format` | `human`, `json` |  |  |  |\n\n\
            ## `[[service]]`\n\n\
            | key | type | default | variable | meaning |\n|---|---|---|---|---|\n\
            | `name` | string |  |  |  |\n\n\
            ## Environment variables without a key\n\n| variable | meaning |\n|---|---|\n| `MY_HOME` | the home |\n";
        assert_eq!(reference(&schema, &[listen, other]), expected);
    }
}
