//! Model endpoints: what is served, and further names for it that are made at run time. A name is ready at
//! once, for it stands for a model that is there.

use antiphon::{Error, Kind, Map, Result, aliases};
use axum::extract::{Path, Query, Request};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fields::Fields;
use super::fine_tunes::not_implemented;
use crate::body;
use crate::face;
use crate::models;
use crate::store::{Endpoint, now};
use crate::ticket::Caller;

/// Words that the newest client reads; any other makes it refuse the whole list.
const FRAMEWORKS: &[&str] = &["deepspeed", "text_generation_inference", "vllm", "lightllm", "tensorrt_llm"];
const QUANTIZATIONS: &[&str] = &["bitsandbytes", "awq"];

/// What is kept of a request beside the model, to be shown again.
const SHOWN: &[&str] = &["labels", "min_workers", "max_workers", "per_worker", "metadata"];

#[derive(Deserialize)]
struct Wanted {
    name: Option<String>,
    order_by: Option<String>,
}

pub(super) async fn list(caller: Caller, uri: Uri) -> Response {
    let Ok(Query(Wanted { name, order_by })) = Query::try_from_uri(&uri) else {
        return caller.refuse(&Error::invalid("name", "must be in the query once at most, like order_by"));
    };
    let mut all: Vec<(u64, Value)> = described(&caller);
    if let Some(name) = name {
        all.retain(|(_, endpoint)| endpoint["name"] == name.as_str());
    }
    match order_by.as_deref() {
        Some("newest") => all.sort_by_key(|(created, _)| std::cmp::Reverse(*created)),
        Some("oldest") => all.sort_by_key(|(created, _)| *created),
        _ => {}
    }
    let endpoints: Vec<Value> = all.into_iter().map(|(_, endpoint)| endpoint).collect();
    ok(json!({"model_endpoints": endpoints}))
}

/// When each was made, and what it is, by name.
fn described(caller: &Caller) -> Vec<(u64, Value)> {
    let key = caller.key.as_deref();
    let made = caller.app.kept.endpoints().into_iter();
    let mut all: Vec<(u64, Value)> = made
        .filter(|endpoint| key.is_none_or(|key| key.allows(&endpoint.name)))
        .map(|endpoint| (endpoint.created, shown(&endpoint)))
        .collect();
    all.extend(models::list(&caller.live, key).iter().map(|served| (0, plain(&served.name))));
    all.sort_by(|(_, one), (_, other)| one["name"].as_str().cmp(&other["name"].as_str()));
    all
}

pub(super) async fn one(caller: Caller, Path(name): Path<String>) -> Response {
    let found = described(&caller).into_iter().find(|(_, endpoint)| endpoint["name"] == name.as_str());
    match found {
        Some((_, endpoint)) => ok(endpoint),
        // A model need not be listed to be there.
        None => match models::check(&caller.live, caller.key.as_deref(), &name) {
            Ok(()) if models::means(&caller.live, &name) => ok(plain(&name)),
            Err(error) if error.kind() == Kind::PermissionDenied => caller.refuse(&error),
            _ => caller.refuse(&unknown(&name)),
        },
    }
}

pub(super) async fn create(caller: Caller, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let mut fields = Fields::read(&body)?;
        let name = fields.required("name")?;
        check_name(&caller, &name)?;
        let model = model(&caller, &mut fields)?.ok_or_else(|| {
            Error::invalid("model_name", "is required: the model that the new name stands for")
        })?;
        let id = uuid::Uuid::new_v4().to_string();
        let endpoint = Endpoint {
            name,
            id: id.clone(),
            owner: caller.owner(),
            model,
            settings: settings(fields, Map::new())?,
            created: now(),
        };
        caller.app.kept.put_endpoint(endpoint).await?;
        Ok(ok(json!({"endpoint_creation_task_id": id})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn update(caller: Caller, Path(name): Path<String>, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let mut endpoint = own(&caller, &name)?;
        let mut fields = Fields::read(&body)?;
        if let Some(model) = model(&caller, &mut fields)? {
            endpoint.model = model;
        }
        endpoint.settings = settings(fields, endpoint.settings)?;
        let id = endpoint.id.clone();
        caller.app.kept.put_endpoint(endpoint).await?;
        Ok(ok(json!({"endpoint_creation_task_id": id})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn remove(caller: Caller, Path(name): Path<String>) -> Response {
    let outcome = async {
        own(&caller, &name)?;
        caller.app.kept.remove_endpoint(&name).await?;
        Ok(ok(json!({"deleted": true})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn download(caller: Caller) -> Response {
    not_implemented(
        &caller,
        "weights are not given away over HTTP: take them from where the model was published",
    )
}

/// The endpoint, for who may change it.
fn own(caller: &Caller, name: &str) -> Result<Endpoint> {
    let denied = |message: String| Error::new(Kind::PermissionDenied, message);
    match caller.app.kept.endpoint(name) {
        Some(endpoint) if endpoint.owner == caller.owner() => Ok(endpoint),
        Some(_) => Err(denied(format!("{name:?} was made with another key"))),
        None if models::means(&caller.live, name) => {
            Err(denied(format!("{name:?} is part of the server's configuration")))
        }
        None => Err(unknown(name)),
    }
}

/// A new name means nothing yet, to anybody.
fn check_name(caller: &Caller, name: &str) -> Result<()> {
    let taken = || Error::invalid("name", format_args!("there is a model {name:?} already"));
    if name.len() > 256 {
        return Err(Error::invalid("name", "must be at most 256 bytes"));
    }
    if let Err(error) = aliases::check_name(name) {
        return Err(Error::invalid("name", error.message()));
    }
    if models::means(&caller.live, name) || caller.app.kept.endpoint(name).is_some() {
        return Err(taken());
    }
    // Else it could not be asked by who made it.
    match &caller.key {
        Some(key) if !key.allows(name) => {
            let message = format!("name: the key {:?} may not ask a model of that name", key.name);
            Err(Error::new(Kind::PermissionDenied, message).param("name"))
        }
        _ => Ok(()),
    }
}

/// What the endpoint shall stand for: a model that the caller may ask by its own name, too.
fn model(caller: &Caller, fields: &mut Fields) -> Result<Option<String>> {
    fields.no_checkpoint()?;
    let Some(model) = fields.text("model_name")? else { return Ok(None) };
    if let Some(target) = caller.app.kept.target(&model) {
        models::check_key(caller.key.as_deref(), &model)?;
        return Ok(Some(target));
    }
    models::check(&caller.live, caller.key.as_deref(), &model)?;
    // That there is such a provider, and a key for it, is known without asking it.
    caller.live.client.resolve(&model, &antiphon::Options::default())?;
    Ok(Some(model))
}

fn settings(mut fields: Fields, mut settings: Map) -> Result<Map> {
    for (name, known) in [("inference_framework", FRAMEWORKS), ("quantize", QUANTIZATIONS)] {
        if let Some(word) = fields.text(name)? {
            if !known.contains(&word.as_str()) {
                let message = format_args!("must be one of {}, got {word:?}", known.join(", "));
                return Err(Error::invalid(name, message));
            }
            settings.insert(name.into(), word.into());
        }
    }
    if let Some(number) = fields.number("num_shards", 1..=1024)? {
        settings.insert("num_shards".into(), number.into());
    }
    let rest = fields.rest();
    settings.extend(rest.into_iter().filter(|(name, _)| SHOWN.contains(&name.as_str())));
    Ok(settings)
}

fn shown(endpoint: &Endpoint) -> Value {
    let mut value = plain(&endpoint.name);
    value["id"] = endpoint.id.as_str().into();
    value["model_name"] = endpoint.model.as_str().into();
    for name in ["inference_framework", "num_shards", "quantize"] {
        if let Some(setting) = endpoint.settings.get(name) {
            value[name] = setting.clone();
        }
    }
    value
}

/// A model as the newest client reads it: the words of its enumerations are few, and `spec` must be null.
fn plain(name: &str) -> Value {
    json!({
        "id": null,
        "name": name,
        "model_name": name,
        "source": "hugging_face",
        "status": "READY",
        "inference_framework": "vllm",
        "inference_framework_tag": null,
        "num_shards": null,
        "quantize": null,
        "spec": null,
        "chat_template_override": null,
    })
}

fn unknown(name: &str) -> Error {
    Error::new(Kind::NotFound, format!("Model Endpoint {name} was not found.")).param("model")
}

fn ok(body: Value) -> Response {
    face::json(StatusCode::OK, body.to_string())
}
