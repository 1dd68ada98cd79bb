//! JSON Schema of the kinds: what `Spec`'s generic frame looks like.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{API_VERSION, Metadata, Resource, Spec};

impl<S: Spec + JsonSchema> JsonSchema for Resource<S>
where
    S::Status: JsonSchema,
{
    fn schema_name() -> std::borrow::Cow<'static, str> {
        S::KIND.as_str().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": format!("A {} of overspill.", S::KIND),
            "properties": {
                "apiVersion": { "const": API_VERSION },
                "kind": { "const": S::KIND.as_str() },
                "metadata": generator.subschema_for::<Metadata>(),
                "spec": generator.subschema_for::<S>(),
                "status": generator.subschema_for::<S::Status>(),
            },
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "additionalProperties": false,
        })
    }
}

/// Objects of other groups, of which only the frame is ours to say.
pub(super) fn objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "apiVersion": { "type": "string" },
                "kind": { "type": "string" },
                "metadata": { "type": "object" },
            },
            "required": ["apiVersion", "kind", "metadata"],
        },
    })
}
