//! An owner of its own for each cell, so that faults can be aimed at it and rows told apart.

use relay::control::Key;
use relay::owner::{App, KeyRecord, Owner, Role, new_secret};
use relay_tests::stage::Stage;
use serde_json::{Map, Value, json, to_value};

/// The one event token on the allow-list.
pub(crate) const WANTED: &str = "wanted";
/// Puts of one `BatchWriteItem` (DynamoDB API reference: 25).
const PUTS: usize = 25;

/// A cell's owner. The name, the app token and the address hold the number in the same width: none is a part of another.
pub(crate) struct Tenant {
    pub(crate) number: u8,
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) email: String,
    pub(crate) ingest_key: String,
    pub(crate) api_key: String,
}

impl Tenant {
    /// The owner of the cell with this number.
    pub(crate) fn new(number: u8) -> Self {
        Self {
            number,
            name: format!("cell{number:03}"),
            app: format!("app{number:03}"),
            email: format!("mail{number:03}@faults.example"),
            ingest_key: new_secret(Role::Ingest, [number; 32]),
            api_key: new_secret(Role::Api, [number; 32]),
        }
    }

    fn items(&self) -> Vec<Value> {
        let owner = Owner {
            owner: self.name.clone(),
            mail_domains: ["faults.example".to_owned()].into(),
            event_tokens: [WANTED.to_owned()].into(),
            retention_days: 400,
            access: relay::access::Access::default(),
            created_at: 0,
        };
        let app = App { app_token: self.app.clone(), owner: self.name.clone(), created_at: 0 };
        let mut items =
            vec![item(&Owner::key(&self.name), &to_value(&owner)), item(&App::key(&self.app), &to_value(&app))];
        items.push(item(&App::listing_key(&self.name, &self.app), &to_value(&app)));
        for (secret, role) in [(&self.ingest_key, Role::Ingest), (&self.api_key, Role::Api)] {
            let record = KeyRecord::of(secret, &self.name, role, 0);
            items.push(item(&KeyRecord::key(&record.sha256), &to_value(&record)));
        }
        items
    }
}

/// Registers owners by writing table `control`: hundreds of them by the operator's tool would take minutes.
pub(crate) fn register(stage: &Stage, tenants: &[&Tenant]) {
    let items: Vec<Value> = tenants.iter().flat_map(|tenant| tenant.items()).collect();
    for items in items.chunks(PUTS) {
        let puts: Vec<Value> = items.iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
        let answer = stage.aws(
            "dynamodb",
            "DynamoDB_20120810.BatchWriteItem",
            &json!({ "RequestItems": { stage.fact("control_table"): puts } }),
        );
        assert!(answer["UnprocessedItems"].as_object().is_none_or(Map::is_empty), "{answer}");
    }
}

fn item(key: &Key, document: &serde_json::Result<Value>) -> Value {
    let document = document.as_ref().unwrap();
    json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk }, "version": { "N": "1" }, "doc": attribute(document) })
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({ "M": members.collect::<Map<_, _>>() })
        }
    }
}
