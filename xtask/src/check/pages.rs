//! What the table of pages holds and what writing it would have cost, read from the emulator as DynamoDB's HTTP API.

use serde_json::{Value, json};

use crate::{local::stack::Stack, say::Outcome, web::Client};

/// Bytes that one write unit covers (Amazon DynamoDB Developer Guide, "Write request units").
const WRITE_UNIT: usize = 1024;

/// The table in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Items.
    pub(crate) items: usize,
    /// Activities in them, copies included.
    pub(crate) activities: usize,
    /// Bytes as DynamoDB counts them: names and values.
    pub(crate) bytes: usize,
    /// Write units of putting each item once.
    pub(crate) write_units: usize,
}

impl Pages {
    /// Scans the whole table.
    pub(crate) fn read(client: &Client, stack: &Stack) -> Outcome<Self> {
        // The emulator knows the service by the target and reads no more than the shape of the credentials.
        let scope = format!("AWS4-HMAC-SHA256 Credential=local/20260101/{}/dynamodb/aws4_request", stack.place.region);
        let headers = [("X-Amz-Target", "DynamoDB_20120810.Scan"), ("Authorization", scope.as_str())];
        let mut total = Self::default();
        let mut from = Value::Null;
        loop {
            let mut request = json!({ "TableName": stack.place.pages_table });
            if let (Some(request), false) = (request.as_object_mut(), from.is_null()) {
                request.insert("ExclusiveStartKey".to_owned(), from);
            }
            let mut answer = client.post(&stack.place.emulator_url, &headers, &request)?.json(&[200])?;
            let items = answer.get("Items").and_then(Value::as_array);
            for item in items.ok_or("the answer to Scan has no Items")? {
                total.add(item);
            }
            match answer.get_mut("LastEvaluatedKey").map(Value::take) {
                None | Some(Value::Null) => return Ok(total),
                Some(key) => from = key,
            }
        }
    }

    fn add(&mut self, item: &Value) {
        let attributes = item.as_object().into_iter().flatten();
        let bytes: usize = attributes.map(|(name, value)| name.len() + size(value)).sum();
        let count = item.pointer("/n/N").and_then(Value::as_str).and_then(|digits| digits.parse().ok());
        self.items += 1;
        self.activities += count.unwrap_or(0);
        self.bytes += bytes;
        self.write_units += bytes.div_ceil(WRITE_UNIT).max(1);
    }
}

/// Bytes of one attribute value (Developer Guide, "DynamoDB item sizes and formats").
fn size(value: &Value) -> usize {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if let Some(text) = text("S") {
        text.len()
    } else if let Some(base64) = text("B") {
        base64.trim_end_matches('=').len() * 3 / 4
    } else if let Some(digits) = text("N") {
        digits.len().div_ceil(2) + 1
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_costs_a_unit_for_each_started_kibibyte() {
        let mut pages = Pages::default();
        pages.add(&json!({ "pk": { "S": "k" }, "n": { "N": "12" }, "page": { "B": "A".repeat(2000) } }));
        // pk: 2 + 1, n: 1 + 2, page: 4 + 1500.
        assert_eq!(pages, Pages { items: 1, activities: 12, bytes: 1510, write_units: 2 });
        pages.add(&json!({ "pk": { "S": "k" } }));
        assert_eq!((pages.items, pages.write_units), (2, 3));
    }
}
