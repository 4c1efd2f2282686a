//! `/openapi.json`, from the table of routes.

use serde_json::{Map, Value, json};

use crate::routes::{self, Access, Route};

/// The description of every route.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for route in routes::all() {
        let path = route.path.replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "antiphon", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
            "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }},
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "tags": [route.face.name()],
        "summary": route.summary,
        "parameters": parameters(route.path),
        "responses": {
            "200": {"description": "The answer."},
            "4XX": {"description": "What is wrong with the request.", "content": {"application/json": {}}},
            "5XX": {"description": "What went wrong.", "content": {"application/json": {}}},
        },
        "security": match route.access {
            Access::Open => json!([]),
            Access::Keyed | Access::Unlimited => json!([{"bearer": []}, {"basic": []}, {"header": []}]),
        },
    });
    let schema = route.body.and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(schema) = schema {
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        let document = document();
        for route in routes::all() {
            let path = route.path.replace("{*", "{");
            let operation = &document["paths"][path][route.method.to_ascii_lowercase()];
            assert_eq!(operation["summary"], route.summary, "{}", route.path);
            assert_eq!(operation["requestBody"].is_object(), route.body.is_some(), "{}", route.path);
        }
    }
}
