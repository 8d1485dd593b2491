//! The tools, as clients list them.

use super::answer::{BudgetAnswer, FetchAnswer, PreviewAnswer, PurchasesAnswer};
use super::arguments::{BudgetArguments, FetchArguments, PreviewArguments, PurchasesArguments};
use rmcp::handler::server::common::{schema_for_output, schema_for_type};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde_json::Value;
use std::sync::Arc;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolName {
    Fetch,
    Preview,
    Budget,
    Purchases,
}

impl ToolName {
    pub(super) const ALL: [Self; 4] = [Self::Fetch, Self::Preview, Self::Budget, Self::Purchases];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Preview => "preview",
            Self::Budget => "budget",
            Self::Purchases => "purchases",
        }
    }

    /// Describes the tool to a client.
    pub(super) fn described(self) -> Tool {
        match self {
            Self::Fetch => described::<FetchArguments, FetchAnswer>(
                self,
                "Fetch a URL, and pay if it costs something",
                "Sends an HTTP request. If the server asks for a payment (HTTP 402 with L402), pays it within the owner's budget and sends \
                 the request again. Use preview first where the price matters. Long or binary bodies are saved to a file. A call that \
                 failed after a payment can be repeated: what was bought is kept, and is not paid for twice.",
                ToolAnnotations::new().read_only(false).destructive(true).idempotent(false).open_world(true),
            ),
            Self::Preview => described::<PreviewArguments, PreviewAnswer>(
                self,
                "See what a URL costs",
                "Sends a GET, HEAD or OPTIONS request and says what it costs and whether fetch would pay it. Pays nothing.",
                ToolAnnotations::new().read_only(true).open_world(true),
            ),
            Self::Budget => described::<BudgetArguments, BudgetAnswer>(
                self,
                "See the budget",
                "Says what may still be spent, what was spent, and the limits. Only the owner can change them.",
                ToolAnnotations::new().read_only(true).open_world(false),
            ),
            Self::Purchases => described::<PurchasesArguments, PurchasesAnswer>(
                self,
                "List purchases",
                "Lists the last payments from the budget, with what became of each.",
                ToolAnnotations::new().read_only(true).open_world(false),
            ),
        }
    }
}

fn described<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    tool: ToolName,
    title: &str,
    description: &'static str,
    annotations: ToolAnnotations,
) -> Tool {
    Tool::new(tool.name(), description, plain(&schema_for_type::<I>()))
        .with_title(title)
        .with_raw_output_schema(plain(&schema_for_output::<O>()))
        .with_annotations(annotations)
}

/// Leaves out the formats of numbers (`uint64`), which some models' programming interfaces refuse. The bounds say the same.
fn plain(schema: &JsonObject) -> Arc<JsonObject> {
    fn strip(schema: &mut JsonObject) {
        if schema.get("format").is_some_and(|format| format.as_str().is_some_and(|format| format.starts_with("uint"))) {
            schema.remove("format");
        }
        schema.values_mut().filter_map(Value::as_object_mut).for_each(strip);
    }
    let mut schema = schema.clone();
    strip(&mut schema);
    Arc::new(schema)
}
