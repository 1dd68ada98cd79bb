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
        let described = |mut part: Schema, words: &str| {
            part.insert("description".to_owned(), words.into());
            part
        };
        let metadata =
            described(generator.subschema_for::<Metadata>(), "Its name, namespace, labels and annotations.");
        let spec = described(generator.subschema_for::<S>(), "What is wanted.");
        let status = described(
            generator.subschema_for::<S::Status>(),
            "What is; controllers write it. Default: nothing is known.",
        );
        json_schema!({
            "type": "object",
            "description": format!("A {} of overspill.", S::KIND),
            "properties": {
                "apiVersion": { "const": API_VERSION, "description": "The group and version of our API." },
                "kind": { "const": S::KIND.as_str(), "description": "The kind of the object." },
                "metadata": metadata,
                "spec": spec,
                "status": status,
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
                "apiVersion": { "type": "string", "description": "The group and version of its API, such as `networking.istio.io/v1`." },
                "kind": { "type": "string", "description": "Its kind." },
                "metadata": { "type": "object", "description": "Its name, labels and annotations; the namespace is the access point's." },
            },
            "required": ["apiVersion", "kind", "metadata"],
        },
    })
}
